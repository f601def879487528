/** Plain feeds are followed as people are: of each format, by their own address and by that of a page that names them. */
import assert from 'node:assert/strict'
import { block } from '../../src/federation/moderate.ts'
import { type Reader, startReader } from '../support/reader.ts'

const ITEM = { title: 'One', date: '2026-01-02T00:00:00Z', rfc822: 'Fri, 02 Jan 2026 00:00:00 GMT' }
const documents = {
  atom: (at: string) =>
    `<feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title><id>${at}/</id><updated>${ITEM.date}</updated><link rel="alternate" href="${at}/"/>` +
    `<entry><id>${at}/1</id><title>${ITEM.title}</title><updated>${ITEM.date}</updated><link href="${at}/1"/><content type="html">&lt;p>text&lt;/p></content></entry></feed>`,
  rss: (at: string) =>
    `<?xml version="1.0"?><rss version="2.0"><channel><title>Blog</title><link>${at}/</link><description/>` +
    `<item><title>${ITEM.title}</title><link>${at}/1</link><guid isPermaLink="false">7</guid><pubDate>${ITEM.rfc822}</pubDate><description>text</description></item></channel></rss>`,
  rdf: (at: string) =>
    `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">` +
    `<channel rdf:about="${at}/"><title>Blog</title><link>${at}/</link></channel>` +
    `<item rdf:about="${at}/1"><title>${ITEM.title}</title><link>${at}/1</link><description>text</description><dc:date>${ITEM.date}</dc:date></item></rdf:RDF>`,
  json: (at: string) =>
    JSON.stringify({
      ...{ version: 'https://jsonfeed.org/version/1.1', title: 'Blog', home_page_url: `${at}/` },
      items: [{ id: '7', url: `${at}/1`, title: ITEM.title, content_text: 'text', date_published: ITEM.date }]
    })
}
type Format = keyof typeof documents
const TYPES: Record<Format, string> = {
  atom: 'application/atom+xml',
  rss: 'application/rss+xml',
  rdf: 'application/rdf+xml',
  json: 'application/feed+json'
}
const page = (links: string, more = '') => ({
  headers: { 'content-type': 'text/html' },
  body: `<!doctype html><title>Blog</title>${links}<body>${more}`
})
const link = (type: string, href: string, title = '') => `<link rel="alternate" type="${type}" href="${href}" title="${title}">`

describe('a plain feed', () => {
  let reader: Reader
  let count = 0
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())

  const site = () => `https://plain${++count}.example`
  const write = (at: string, path: string, format: Format, type = TYPES[format]) =>
    reader.net.set(`${at}${path}`, { headers: { 'content-type': type }, body: documents[format](at) })
  const titles = async (id: string) => (await reader.tools.timelines.all({ limit: 9 }, id)).map(({ title }) => title)

  for (const format of Object.keys(documents) as Format[]) {
    it(`W14 I3 ${format} is followed by its own address, whatever its server calls it`, async () => {
      const types = [
        TYPES[format],
        'text/xml',
        'application/octet-stream',
        ...(format === 'json' ? ['application/json'] : ['text/html; charset=utf-8'])
      ]
      for (const type of types) {
        const at = site()
        write(at, '/the-feed', format, type)
        const { actor, already, fresh, subscription } = await reader.follow(`${at}/the-feed`)
        assert.deepEqual([already, fresh, subscription?.url, actor.displayName], [false, 1, `${at}/the-feed`, 'Blog'], type)
        assert.deepEqual(await titles(actor.id), ['One'], type)
        assert.equal((await reader.follow(`${at}/the-feed`)).already, true)
      }
    })

    it(`W14 I3 ${format} is found from a page that names it`, async () => {
      const at = site()
      write(at, '/x/feed', format)
      reader.net.set(`${at}/blog/`, page(link(TYPES[format], '../x/feed')))
      const { actor, others, subscription } = await reader.follow(`${at}/blog/`)
      assert.deepEqual([subscription?.url, others, await titles(actor.id)], [`${at}/x/feed`, [], ['One']])
    })
  }

  it('a page with several feeds is followed by its own, not by that of its comments, and the others are told', async () => {
    const at = site()
    write(at, '/feed/', 'rss')
    write(at, '/comments/feed/', 'atom')
    write(at, '/links.json', 'json')
    const comments = link(TYPES.atom, '/comments/feed/', 'Blog » Comments Feed')
    reader.net.set(`${at}/`, page(comments + link(TYPES.rss, '/feed/', 'Blog » Feed') + link(TYPES.json, '/links.json', 'Links')))
    const { others, subscription } = await reader.follow(`${at}/`)
    assert.equal(subscription?.url, `${at}/feed/`)
    assert.deepEqual(
      others?.map(({ title, url }) => [title, url]),
      [
        ['Links', `${at}/links.json`],
        ['Blog » Comments Feed', `${at}/comments/feed/`]
      ]
    )
    const other = await reader.follow(`${at}/links.json`)
    assert.deepEqual([other.already, other.subscription?.url], [false, `${at}/links.json`])
  })

  it('two feeds of one host are two, each with its own posts', async () => {
    const at = site()
    write(at, '/a', 'rss')
    write(at, '/b', 'rss')
    const [one, two] = [await reader.follow(`${at}/a`), await reader.follow(`${at}/b`)]
    assert.notEqual(one.actor.id, two.actor.id)
    assert.deepEqual([await titles(one.actor.id), await titles(two.actor.id)], [['One'], ['One']])
  })

  it('a page without a feed says so, and one that is gone what it answered', async () => {
    const at = site()
    reader.net.set(`${at}/`, page(''))
    await assert.rejects(reader.follow(`${at}/`), { code: 'no_feed', status: 404 })
    await assert.rejects(reader.follow(`${at}/gone`), { code: 'no_feed', status: 404 })
  })

  it('W31 whoever is blocked is not followed, before anybody is asked', async () => {
    const at = site()
    await block(reader.tools, new URL(at).host)
    const asked = reader.net.sent.length
    await assert.rejects(reader.follow(`${at}/feed`), { status: 409, code: 'blocked' })
    assert.equal(reader.net.sent.length, asked)
  })
})
