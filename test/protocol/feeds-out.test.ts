import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseFeed } from 'feedsmith'
import { writeJsonFeed, writeRss } from '../../src/protocol/feeds-out.ts'
import { LIMIT, NS } from '../../src/protocol/names.ts'
import { attribute, child, children, readXml, stripIllegal, text, type XmlElement } from '../../src/protocol/xml.ts'
import { ann, head, note, ORIGIN, reply } from '../fixtures/outgoing.ts'

const CONTENT = 'http://purl.org/rss/1.0/modules/content/'
const parse = (xml: string): XmlElement => readXml(xml, { bytes: LIMIT.feedBytes, nodes: LIMIT.feedNodes, invalidUtf8: 'refuse' })
const channelOf = (xml: string): XmlElement => child(parse(xml), '', 'channel') ?? assert.fail()
const rssHead = { ...head, topic: `${ORIGIN}/users/ann.rss` }

describe('rss', () => {
  const channel = channelOf(writeRss(rssHead, [reply, note]))
  const [first, second] = children(channel, '', 'item')
  const field = (item: XmlElement | undefined, name: string): string => text(child(item, '', name))

  it('F16 describes the channel, with a link to itself and to its hubs', () => {
    const fields = ['title', 'link', 'description', 'language', 'lastBuildDate', 'generator'].map(name => field(channel, name))
    const date = 'Wed, 03 Jan 2024 10:00:00 GMT'
    assert.deepEqual(fields, ["Ann's blog", head.page, 'writes <things>', 'en', date, 'tidings 0.1.0'])
    const links = children(channel, NS.atom, 'link').map(node => `${attribute(node, 'rel')} ${attribute(node, 'href')}`)
    assert.deepEqual(links, [`self ${rssHead.topic}`, `next ${head.next}`, ...head.hubs.map(hub => `hub ${hub}`)])
  })

  it('F16 has a description even without a subtitle', () => {
    const { subtitle, ...bare } = rssHead
    assert.notEqual(field(channelOf(writeRss(bare, [])), 'description'), subtitle)
    assert.equal(field(channelOf(writeRss(bare, [])), 'description'), "Ann's blog")
  })

  it('F8 calls an id a permanent link only when it is the page', () => {
    const guids = [first, second].map(item => [field(item, 'guid'), attribute(child(item, '', 'guid'), 'isPermaLink')])
    assert.deepEqual(guids, [
      [reply.id, 'false'],
      [note.id, 'true']
    ])
  })

  it('F9 has the whole HTML as content and the first words as description', () => {
    assert.equal(text(child(second, CONTENT, 'encoded')), note.html)
    assert.equal(field(second, 'description'), 'a &lt; b &amp; c second')
    assert.equal(field(first, 'description'), 'spoilers')
    assert.equal(field(second, 'pubDate'), 'Tue, 02 Jan 2024 00:00:00 GMT')
  })

  it('F9 writes plain text so that readers of HTML see the same', () => {
    const xml = writeRss(rssHead, [{ ...note, title: 'a < b & c' }])
    assert.ok(xml.includes('<title>a &#x3C; b &#x26; c</title>'))
  })

  it('F13 has each tag once', () => {
    assert.deepEqual(children(first, '', 'category').map(text), ['topic', 'nsfw'])
  })

  it('F12 has one enclosure at most, with type and length', () => {
    assert.equal(children(first, '', 'enclosure').length, 1)
    assert.deepEqual(
      ['url', 'length', 'type'].map(name => attribute(child(first, '', 'enclosure'), name)),
      [`${ORIGIN}/1.png`, '1234', 'image/png']
    )
  })

  it('F2 carries odd characters, and is read by another library', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), html => {
        const [item] = children(channelOf(writeRss(rssHead, [{ ...note, html }])), '', 'item')
        assert.equal(text(child(item, CONTENT, 'encoded')), stripIllegal(html))
      })
    )
    const read = parseFeed(writeRss(rssHead, [reply, note]))
    assert.equal(read.format, 'rss')
    assert.equal(read.feed.items?.length, 2)
  })
})

describe('json feed', () => {
  const topic = `${ORIGIN}/users/ann.json`
  const feed = JSON.parse(writeJsonFeed({ ...head, topic }, [reply, note]))

  it('F16 describes itself, its hubs and its next page', () => {
    const { items, ...rest } = feed
    assert.deepEqual(rest, {
      version: 'https://jsonfeed.org/version/1.1',
      title: "Ann's blog",
      home_page_url: head.page,
      feed_url: topic,
      description: 'writes <things>',
      next_url: head.next,
      icon: head.logo,
      language: 'en',
      authors: [{ name: 'Ann & Co', url: ann.page, avatar: ann.avatar?.url }],
      hubs: head.hubs.map(url => ({ type: 'WebSub', url }))
    })
    assert.equal(items.length, 2)
  })

  it('F9 gives a post what it has and nothing else', () => {
    const [first, second] = feed.items
    assert.deepEqual(second, {
      id: note.id,
      url: note.url,
      content_html: note.html,
      date_published: '2024-01-02T00:00:00.999Z',
      date_modified: '2024-01-03T10:00:00.000Z',
      authors: feed.authors,
      language: 'en'
    })
    assert.deepEqual([first.title, first.summary, first.tags], ['Re: hello', 'spoilers', ['topic', 'nsfw']])
  })

  it('F12 gives an attachment a size only when it is known', () => {
    assert.deepEqual(feed.items[0].attachments, [
      { url: `${ORIGIN}/1.png`, mime_type: 'image/png', title: 'A "cat"', size_in_bytes: 1234 },
      { url: `${ORIGIN}/2.ogg`, mime_type: 'audio/ogg' }
    ])
  })

  it('F2 is read by another library', () => {
    const read = parseFeed(writeJsonFeed({ ...head, topic }, [reply, note]))
    assert.equal(read.format, 'json')
  })
})
