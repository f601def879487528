import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type MessageFormatElement, parse, TYPE } from '@formatjs/icu-messageformat-parser'
import { readTexts, textsOf } from '../../src/web/texts.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const templates = readdirSync(join(root, 'views'))
  .filter(name => name.endsWith('.eta'))
  .map(name => ({ name: `views/${name}`, text: readFileSync(join(root, 'views', name), 'utf8') }))
const sources = readdirSync(join(root, 'src/web'))
  .filter(name => name.endsWith('.ts'))
  .map(name => ({ name: `src/web/${name}`, text: readFileSync(join(root, 'src/web', name), 'utf8') }))

/** The values and elements that a text takes. */
function partsOf(elements: MessageFormatElement[]): string[] {
  const parts = elements.flatMap(element => {
    if (element.type === TYPE.plural || element.type === TYPE.select)
      return [element.value, ...Object.values(element.options).flatMap(option => partsOf(option.value))]
    if (element.type === TYPE.tag) return [`<${element.value}>`, ...partsOf(element.children)]
    return element.type === TYPE.literal || element.type === TYPE.pound ? [] : [element.value]
  })
  return [...new Set(parts)].sort()
}

describe('the words of pages', () => {
  const english = readTexts('en')
  const german = readTexts('de')

  it('S2b every text is there in English and in German, with the same values and elements in it', () => {
    assert.deepEqual([...german.keys()].sort(), [...english.keys()].sort())
    for (const [key, text] of english) assert.deepEqual(partsOf(parse(german.get(key)!)), partsOf(parse(text)), key)
  })

  it('S2b every text that a page asks for is there, and each that is there is asked for', () => {
    const used = new Set<string>()
    const begun: string[] = []
    for (const { text } of [...templates, ...sources]) {
      for (const [, key] of text.matchAll(/['"`]([a-z][\w-]*\.[a-z]\w*)['"`]/gi)) if (english.has(key!)) used.add(key!)
      for (const [, key] of text.matchAll(/\b(?:say|rich)\(\s*'([^']+)'/g)) used.add(key!)
      // `settings.${area}`: every text of that beginning
      for (const [, head] of text.matchAll(/`([a-z][\w-]*\.\w*)\$\{/gi)) begun.push(head!)
    }
    assert.deepEqual([...used].filter(key => !english.has(key)).sort(), [])
    assert.deepEqual([...english.keys()].filter(key => !used.has(key) && !begun.some(head => key.startsWith(head))).sort(), [])
  })

  it('X41 what others wrote stands in a text as text, also where the text has elements', () => {
    const { rich, time } = textsOf('en')
    assert.equal(rich('frame.foot', { href: '"><script>' }).includes('<script>'), false)
    assert.match(
      time({ iso: '2026-11-22T10:11:12.000Z' }),
      /^<time datetime="2026-11-22T10:11:12.000Z" title="2026-11-22 10:11:12 UTC">22 Nov 2026, 10:11 UTC<\/time>$/
    )
  })

  it('S2b no template holds a word of its own: all words are texts', () => {
    for (const { name, text } of templates) {
      const rest = text
        .replace(/<%[\s\S]*?%>/g, '')
        .replace(/<(script|style)[\s\S]*?<\/\1>/g, '')
        .match(/(?<=>|^)[^<>]*\p{L}[^<>]*(?=<|$)|(?:placeholder|aria-label|title|alt)="[^"]*\p{L}[^"]*"/gu)
      assert.deepEqual(
        (rest ?? []).map(found => found.trim()).filter(found => !/^(tidings|doctype html)$/.test(found)),
        [],
        name
      )
    }
  })
})
