/** What checks and kits tell is said in the code in English: each of those sentences is there in German. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { textsOf } from '../../src/web/texts.ts'

const root = fileURLToPath(new URL('../../src/', import.meta.url))
const files = [
  'protocol/kit.ts',
  ...readdirSync(join(root, 'federation')).flatMap(name =>
    /^(check-(kit|pages)|checking|look|doctor.*)\.ts$/.test(name) ? [`federation/${name}`] : []
  )
]

/** The sentences in a source: what stands between quotes and reads like one, longer ones put together, with `x1` for each value. */
function sentencesIn(source: string): string[] {
  const code = source.replace(/^\s*(\/\*\*[\s\S]*?\*\/|\/\/.*)$/gm, '').replace(/'\s*\+\s*'/g, '')
  const texts = [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(([, plain, made]) => plain ?? made ?? '')
  let count = 0
  return texts
    .filter(text => /^(?:[A-Z][a-z]|host-meta of|fediverse:creator)[^\n]* [^\n]*[.:}]$/.test(text) && /[a-z]{2} [a-z]/.test(text))
    .map(text => text.replace(/\$\{(?:[^{}]|\{[^}]*\})*\}/g, () => `x${++count}`).replaceAll('\\', ''))
}

describe('what checks tell', () => {
  it('S2b is told in German, sentence by sentence', () => {
    const { tell } = textsOf('de')
    const sentences = files.flatMap(file => sentencesIn(readFileSync(join(root, file), 'utf8')))
    assert.ok(sentences.length > 30)
    assert.deepEqual(
      sentences.filter(sentence => tell(sentence) === sentence),
      []
    )
  })
})
