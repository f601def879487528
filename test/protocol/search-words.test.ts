import assert from 'node:assert/strict'
import { readSearchWords } from '../../src/protocol/search-words.ts'

describe('what is typed to find posts', () => {
  const table: [typed: string, text: string, from?: string][] = [
    ['', ''],
    ['quiet river', 'quiet river'],
    ['"quiet river" -bridge', '"quiet river" -bridge'],
    ['from:bob river', 'river', 'bob'],
    ['river FROM:@bob@a.example', 'river', 'bob@a.example'],
    ['from:"Bob the Builder" river', 'river', 'Bob the Builder'],
    ['from:', 'from:'],
    ['from:@', '', '@'],
    ['東京 -橋', '"東京" -"橋"'],
    ['"unclosed river', '"unclosed river'],
    ['mail@from:x', 'mail@from:x']
  ]
  for (const [typed, text, from] of table)
    it(`reads ${typed || 'nothing'}`, () => {
      assert.deepEqual(readSearchWords(typed), { text, ...(from === undefined ? {} : { from }) })
    })
})
