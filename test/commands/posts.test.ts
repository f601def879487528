import assert from 'node:assert/strict'
import { beginningOf } from '../../src/commands/posts.ts'

describe('a post on the console', () => {
  it('W21 has its words as they stand there: elements within a line part none, paragraphs do', () => {
    assert.equal(
      beginningOf(
        '<p>Tides &amp; <em>time</em>ly <a class="mention hashtag" href="https://a.example/">#<span>harbour</span></a></p><p>Next<br>line</p>'
      ),
      'Tides & timely #harbour Next line'
    )
    assert.equal(beginningOf(`<p>${'word '.repeat(50)}</p>`).length, 120)
  })
})
