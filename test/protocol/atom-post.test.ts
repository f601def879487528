import assert from 'node:assert/strict'
import { ANN, BOB, inFeed, linkXml, postOf, typeXml } from '../support/atom-documents.ts'

describe('what a post says', () => {
  const read = (inner: string) => postOf(inFeed(`<id>1</id>${inner}`))

  it('I11 gives content as HTML, whatever its type', () => {
    const html = (content: string, more = '') => read(content + more).html
    assert.equal(html('<content type="html">&lt;p&gt;a&lt;/p&gt;</content>'), '<p>a</p>')
    assert.equal(html('<content type="html">&amp;lt;b&amp;gt;</content>'), '&lt;b&gt;')
    assert.equal(html('<content>a &lt; b &amp; c</content>'), 'a &lt; b &amp; c')
    assert.equal(
      html('<content type="xhtml"><h:div xmlns:h="http://www.w3.org/1999/xhtml">a<h:br/><h:b>c</h:b></h:div></content>'),
      'a<br><b>c</b>'
    )
    assert.equal(
      html('<content type="image/png">aGk=</content>', linkXml('alternate', 'https://a.example/1')),
      '<a href="https://a.example/1">https://a.example/1</a>'
    )
    assert.equal(html('<content type="text/html" src="/x">'.replace('>', '/>')), '<a href="https://a.example/x">https://a.example/x</a>')
    assert.equal(html('<summary>s</summary><title>t</title>'), 's')
    assert.equal(html('<content/><title type="html">t &amp;amp; u</title>'), 't &amp; u')
  })

  it('I11 caps content before it is parsed', () => {
    assert.equal(read(`<content>${'ä'.repeat(100_000)}</content>`).html.length, 32_768)
  })

  it('I12 takes a page by http(s) only, of whatever name for HTML', () => {
    const url = (links: string) => read(links).url
    assert.equal(url(linkXml('alternate', 'javascript:alert(1)', 'type="text/html"')), undefined)
    assert.equal(url(linkXml('alternate', '') + linkXml('alternate', 'https://x.example/', 'type="text/xhtml"')), 'https://x.example/')
    assert.equal(url('<link href="https://x.example/1"/><link type="text/html" href="https://x.example/2"/>'), 'https://x.example/2')
    assert.equal(url('<link rel="alternate"/><link rel="self" href="https://x.example/"/>'), undefined)
  })

  it('I12 gathers mentions once each, without the public', () => {
    const found = read(
      linkXml('mentioned', BOB) +
        linkXml('ostatus:attention', BOB) +
        linkXml('mentioned', '') +
        linkXml('mentioned', 'http://activityschema.org/collection/public')
    )
    assert.deepEqual(found.mentions, [BOB])
  })

  it('I13 finds the parent by in-reply-to, and by a related link only of GNU social', () => {
    const related = linkXml('related', 'https://b.example/7')
    assert.deepEqual(read(`<thr:in-reply-to ref=" tag:7 " href="/7"/>${related}`).inReplyTo, { id: 'tag:7', url: 'https://a.example/7' })
    assert.deepEqual(read(`<statusnet:notice_info/>${related}`).inReplyTo, { url: 'https://b.example/7' })
    assert.equal(read(related).inReplyTo, undefined)
  })

  it('I13 prefers ref, then text, then href of a conversation, then the link, and takes the namespace with a slash', () => {
    const conversation = (inner: string) => read(inner).conversation
    const byLink = linkXml('ostatus:conversation', 'l')
    assert.equal(conversation(`${byLink}<ostatus:conversation ref="r" href="h">t</ostatus:conversation>`), 'r')
    assert.equal(conversation(`${byLink}<ostatus:conversation href="h">t</ostatus:conversation>`), 't')
    assert.equal(conversation(`${byLink}<ostatus:conversation href="h"/>`), 'h')
    assert.equal(conversation(byLink), 'l')
    assert.equal(conversation('<conversation xmlns="http://ostatus.org/schema/1.0/" ref="s"/>'), 's')
  })

  it('I14 takes updated where published is missing, and clamps nothing', () => {
    assert.equal(read('<updated>2999-01-01T00:00:00Z</updated>').published?.getUTCFullYear(), 2999)
    assert.equal(read('<published>soon</published>').published, undefined)
  })

  it('F12 F13 reads enclosures, tags, language and warnings', () => {
    const found = read(
      `${typeXml('note')}<summary>spoilers</summary><content type="html" xml:lang="de">x</content><category term="#Topic"/><category term="topic"/><category term="nsfw"/><category/>` +
        linkXml('enclosure', 'https://a.example/1.png', 'type="image/png" length="12" title="cat"') +
        linkXml('enclosure', 'https://a.example/2.png', 'length="many"')
    )
    assert.deepEqual([found.warning, found.sensitive, found.language, found.tags], ['spoilers', true, 'de', ['topic']])
    assert.deepEqual(found.enclosures, [
      { url: 'https://a.example/1.png', type: 'image/png', length: 12, title: 'cat' },
      { url: 'https://a.example/2.png' }
    ])
    assert.equal(read('<summary>excerpt</summary><content>text</content>').warning, undefined)
  })

  it('X1 tells who may read it', () => {
    const scope = (word: string) => `<mastodon:scope>${word}</mastodon:scope>`
    const everybody = linkXml('mentioned', 'http://activityschema.org/collection/public')
    for (const [inner, expected] of [
      ['', 'public'],
      [everybody + linkXml('mentioned', BOB), 'public'],
      [linkXml('mentioned', BOB), 'unlisted'],
      [scope('unlisted'), 'unlisted'],
      [scope('private') + everybody, 'followers'],
      [scope('direct') + everybody, 'direct'],
      [scope('limited'), 'followers'],
      [`<author><uri>${ANN}</uri>${scope('public')}</author>${linkXml('mentioned', BOB)}`, 'unlisted']
    ]) {
      assert.equal(read(inner ?? '').visibility, expected, inner)
    }
  })

  it('X13 knows the post under its name in ActivityPub', () => {
    assert.equal(read(linkXml('alternate', 'https://a.example/1', 'type="application/activity+json"')).activityUrl, 'https://a.example/1')
  })
})
