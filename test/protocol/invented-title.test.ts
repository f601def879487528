import assert from 'node:assert/strict'
import { entryTitle } from '../../src/protocol/feed-parts.ts'
import { isInvented } from '../../src/protocol/invented-title.ts'
import { textToHtml } from '../../src/protocol/sanitize.ts'

const html = '<p>Hello <span class="h-card">@<a href="https://a.example/bob">bob</a></span>, 1 &lt; 2</p><p>and more &amp; more</p>'

describe('the title of a note', () => {
  const invented: [who: string, title: string][] = [
    ['GNU social', 'New note by alice'],
    ['GNU social', 'New comment by alice'],
    ['Mastodon 2', 'New status by lambadalambda'],
    ['GNU social', "Constance Variable (lambadalambda@social.heldscal.la)'s status on Sunday, 07-May-2017 09:54:49 UTC"],
    ['StatusNet, all of it', 'Hello @bob, 1 < 2 and more & more'],
    ['somebody, in two lines', 'Hello @bob, 1 < 2\n\nand more'],
    ['somebody, with an ellipsis', 'Hello @bob, 1 < 2 and m…'],
    ['somebody, with three dots', 'Hello @bob, 1 < 2 and ...'],
    ['nobody', '']
  ]
  for (const [who, title] of invented) it(`F9 is made up: ${title || 'none'} (${who})`, () => assert.ok(isInvented(title, html)))

  for (const title of ['New notes by the sea', 'Hello @b', 'Hello, world', 'more & more', 'Re: New note by alice', 'The status of things'])
    it(`F9 is one: ${title}`, () => assert.ok(!isInvented(title, html)))

  it('F9 is known for made up where we made it up ourselves', () => {
    const author = { uri: 'https://a.example/ann', name: 'ann' }
    for (const text of ['x', 'a\nb\n\nc', 'word '.repeat(40), 'w'.repeat(200), '', 'https://a.example/?a=1&b=2 <b>'])
      assert.ok(isInvented(entryTitle({ html: textToHtml(text) }, author), textToHtml(text)), text)
  })
})
