import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { makeTeller, readSentences } from '../../src/web/sentences.ts'
import { readSources } from '../support/sources.ts'

/** From where something is told to people. The console speaks English: commands, settings, and the database as it starts. */
const TELLING = /^src\/(federation|model|net|protocol|store|web)\//
const CONSOLE = ['src/federation/origin.ts', 'src/store/binaries.ts', 'src/store/bundled.ts', 'src/store/database.ts', 'src/store/vault.ts']
/** What stands in feeds that are written once for all readers. */
const FEEDS = ['src/federation/entries.ts']
/** Words that only programs read. */
const FOR_PROGRAMS = ['gzip, deflate, br', 'nofollow noopener noreferrer']

/** Ends as a sentence does, or with what it is about. */
const isSentence = (text: string) => /^[\p{Lu}"“`{][^\n]*([.!?…:]|: \{\}|https:\/\/\S+)$/u.test(text) && hasWords(text)
/** Stands in a sentence: `it broke the line`. What begins like that in the store is SQL. */
const isClause = (text: string) => /^(\p{Ll}|\{\}).* \p{L}+ /u.test(text) && hasWords(text) && text.split(' ').every(isWord)
const isWord = (word: string) => /^(\p{L}[\p{L}’'-]*|\{\})[,:.]?$/u.test(word)
const hasWords = (text: string) => text.split(' ').length >= 3 && /\p{L}{4}/u.test(text)

/** Each part is another thing that stands in no sentence of ours: a number, which fits wherever a number must. */
const fill = (sentence: string) => {
  let part = 100
  return sentence.trim().replace(/\{\w*\}/g, () => String(part++))
}

describe('every sentence of the code', () => {
  const sentences = readSentences('de')
  const tell = makeTeller(sentences)
  let sources: { file: string; texts: string[] }[]
  before(() => {
    sources = readSources(fileURLToPath(new URL('../../', import.meta.url)), ['src'])
  })

  it('S2b that a person may be shown is told in German', () => {
    const left = sources
      .filter(({ file }) => TELLING.test(file) && ![...CONSOLE, ...FEEDS].includes(file))
      .flatMap(({ file, texts }) => texts.map(text => ({ file, text: text.replace(/: $/, ': {}') })))
      .filter(({ file, text }) => isSentence(text) || (isClause(text) && !file.startsWith('src/store/')))
      .filter(({ text }) => !FOR_PROGRAMS.includes(text) && tell(fill(text)) === fill(text))
    assert.deepEqual([...new Set(left.map(({ file, text }) => `${file}: ${text}`))], [])
  })

  it('S2b is still in the code, if it is translated', () => {
    const all = sources.flatMap(({ texts }) => texts).join('\n')
    const isThere = (sentence: string) => sentence.split(/\{\w+\}/).every(piece => all.includes(piece.replace(/ $/, '')))
    assert.deepEqual(
      Object.keys(sentences).filter(sentence => !isThere(sentence)),
      []
    )
  })

  it('S2b has the same parts in both languages, and is told by no translation but its own', () => {
    const partsOf = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort()
    for (const [sentence, told] of Object.entries(sentences)) {
      assert.deepEqual(partsOf(told), partsOf(sentence), sentence)
      const values = new Map(partsOf(sentence).map((part, at) => [part, String(100 + at)]))
      const put = (text: string) => text.replace(/\{\w+\}/g, part => values.get(part)!)
      assert.equal(tell(put(sentence)), put(told), sentence)
    }
  })
})
