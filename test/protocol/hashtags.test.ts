/** Tags in a text: which there are, and how they are linked. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { linkHashtags } from '../../src/protocol/hashtags.ts'
import { htmlToText, sanitizeHtml, textToHtml } from '../../src/protocol/sanitize.ts'

const address = (tag: string) => `https://a.example/search?q=${encodeURIComponent(tag)}`
const link = (tag: string) => `<a class="mention hashtag" href="${address(tag)}" rel="tag">#<span>${tag}</span></a>`
const linked = (text: string) => linkHashtags(sanitizeHtml(textToHtml(text)), address)

describe('tags in a text', () => {
  const texts: [text: string, tags: string[]][] = [
    ['#one #Two, (#three) “#four”: #five!', ['one', 'Two', 'three', 'four', 'five']],
    ['#ünïcødé #हिन्दी #日本語 #a_b #v2', ['ünïcødé', 'हिन्दी', '日本語', 'a_b', 'v2']],
    ['#same #Same #SAME', ['same']],
    ['#1 #2024 #_ # #', []],
    ['no#tag a/#tag &#39;x&#39; C# ##two .#dot', []],
    ['https://a.example/#tag and http://b.example/?x=1#tag HTTPS://c.example/#tag', []],
    [`#${'x'.repeat(101)}`, []]
  ]
  for (const [text, tags] of texts)
    it(`are ${JSON.stringify(tags)} in ${text.slice(0, 60)}`, () => assert.deepEqual(linked(text).tags, tags))

  it('are linked in the form that other servers know, but not in links nor in code', () => {
    assert.equal(linked('a #Tag').html, `<p>a ${link('Tag')}</p>`)
    const html = '<p><a href="https://b.example/">#no</a> <code>#no</code></p><pre>#no</pre>'
    assert.deepEqual(linkHashtags(html, address), { html, tags: [] })
  })

  it('are linked anew when the links of before come back, cleaned or not, and found again', () => {
    const { html } = linked('a #Tag b')
    for (const before of [html, sanitizeHtml(html)]) assert.deepEqual(linkHashtags(before, address), { html, tags: ['Tag'] })
    assert.equal(htmlToText(html), 'a #Tag b')
  })

  it('are fifty at most', () => {
    const { html, tags } = linked(Array.from({ length: 80 }, (_, n) => `#t${n}x`).join(' '))
    assert.deepEqual([tags.length, html.split('<a ').length - 1], [50, 50])
  })

  it('X41 add nothing but links, whatever the text is', () =>
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('#', 'a', '<', '>', '&', ';', '"', ' ', '/', '3', '@', 'é') }), text => {
        const clean = sanitizeHtml(textToHtml(text))
        assert.equal(htmlToText(linkHashtags(clean, address).html), htmlToText(clean))
      })
    ))

  it('X34 take time in proportion to the text', () => {
    for (const unit of ['#', '#a', '#a#', '# ', '<a class="mention hashtag">#<span>', 'https://', '&#', '.#', 'a'])
      assert.ok(linkHashtags(`<p>${unit.repeat(1_000_000 / unit.length)}</p>`, address).tags.length <= 1, unit)
  })
})
