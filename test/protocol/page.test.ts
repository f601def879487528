import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readPage } from '../../src/protocol/page.ts'
import { readCapture } from '../support/captures.ts'
import { listSamples, readSample, withSamples } from '../support/samples.ts'

const url = 'https://a.example/blog/post'
const read = (html: string | Buffer, contentType = 'text/html') => readPage(Buffer.from(html), { contentType, url })

describe('pages', () => {
  it('D2 finds feeds, Atom before RSS before JSON Feed, in document order within a kind', () => {
    const alternate = (type: string, href: string, title = '') => `<link rel="alternate" type="${type}" href="${href}" title="${title}">`
    const page = read(`<html><head>
      ${alternate('application/feed+json', '/feed.json')}
      ${alternate('application/json', '/wp-json/1')}
      ${alternate('application/rdf+xml', '/rdf')}
      ${alternate('application/rss+xml', '/rss', 'Posts')}
      ${alternate('application/atom+xml; charset=utf-8', '/1.atom')}
      ${alternate('Application/Atom+XML', 'https://b.example/2.atom')}
      ${alternate('application/atom+xml', 'javascript:alert(1)')}
      <link rel="stylesheet" type="application/atom+xml" href="/no"></head>`)
    assert.deepEqual(page.feeds, [
      { url: 'https://a.example/1.atom', type: 'application/atom+xml' },
      { url: 'https://b.example/2.atom', type: 'application/atom+xml' },
      { url: 'https://a.example/rdf', type: 'application/rdf+xml' },
      { url: 'https://a.example/rss', type: 'application/rss+xml', title: 'Posts' },
      { url: 'https://a.example/feed.json', type: 'application/feed+json' }
    ])
  })

  it('D2 finds lrdd links, with an address or a template', () => {
    const page = read(
      '<link rel="LRDD" type="application/xrd+xml" href="/x?a=1&amp;b=2"><link rel=lrdd template="https://a.example/d?q={uri}"><link rel=lrdd>'
    )
    assert.deepEqual(page.lrdd, [
      { url: 'https://a.example/x?a=1&b=2', type: 'application/xrd+xml' },
      { template: 'https://a.example/d?q={uri}' }
    ])
  })

  it('D2 stops where the body begins: what a comment says there is not said by the page', () => {
    const bad = '<link rel="alternate" type="application/atom+xml" href="https://evil.example/"><title>evil</title>'
    for (const start of ['<body>', '<p>', '<svg>'])
      assert.deepEqual(read(`<title>mine</title>${start}${bad}`), { title: 'mine', feeds: [], lrdd: [], links: [], meta: [] })
  })

  it('S1-14 reads title, summary, canonical address, language and picture', () => {
    const page = read(`<!DOCTYPE html><html lang="de"><head><base href="https://a.example/base/"><title>Mine &amp; yours\n - blog</title>
      <meta property="og:title" content="Mine"><meta name="Description" content=" what it\n is "><meta property="og:image" content="p.png">
      <meta name="robots" content="noindex"><link rel="canonical" href="../c"></head>`)
    assert.deepEqual(page, {
      title: 'Mine',
      summary: 'what it is',
      canonical: 'https://a.example/c',
      language: 'de',
      image: 'https://a.example/base/p.png',
      feeds: [],
      lrdd: [],
      links: [{ url: 'https://a.example/c', rel: ['canonical'] }],
      meta: [
        ['og:title', 'Mine'],
        ['description', 'what it is'],
        ['og:image', 'p.png'],
        ['robots', 'noindex']
      ]
    })
  })

  const charsets: [what: string, html: Buffer, contentType: string][] = [
    ['the transport', Buffer.from('<title>\xfc</title>', 'latin1'), 'text/html; charset=ISO-8859-1'],
    ['the page', Buffer.from('<meta charset="windows-1252"><title>\xfc</title>', 'latin1'), 'text/html'],
    ['a byte order mark', Buffer.from('\ufeff<title>ü</title>', 'utf16le'), 'text/html; charset=utf-8'],
    ['nobody', Buffer.from('<title>ü</title>'), 'text/html; charset=no-such-thing']
  ]
  for (const [what, html, contentType] of charsets)
    it(`D2 takes the charset from ${what}`, () => assert.equal(read(html, contentType).title, 'ü'))

  it('D14 reads the first megabyte and cuts a title without end', () => {
    const page = read(`<title>${'x'.repeat(2_000_000)}`)
    assert.equal(page.feeds.length, 0)
    assert.ok((read(`<title>${'x '.repeat(100_000)}</title>`).title?.length ?? 0) < 200_000)
    assert.deepEqual(read(`<!--${' '.repeat(1_000_000)}--><link rel=canonical href="/x">`).links, [])
  })

  it('X36 takes meta names like __proto__ as plain data', () =>
    assert.deepEqual(read('<meta name="__proto__" content="x">').meta, [['__proto__', 'x']]))

  it('D2 never fails, whatever the page is', () =>
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('<', '>', '"', '=', '&', 'link ', 'rel', 'href', 'title', '/', '!--', ' ', '\0', 'ü')),
        parts => void read(parts.join(''))
      )
    ))

  withSamples('of others', () => {
    for (const server of ['gs-1.20.9', 'gs-2.0.0beta0']) {
      it(`D2 finds the Atom feed of a profile of ${server} first`, () => {
        const path = listSamples(`gnu-social/${server}`).find(path => path.includes('/42-'))!
        const { body, headers, url } = readCapture(readSample(path))
        assert.match(readPage(body, { contentType: headers['content-type']!, url }).feeds[0]!.url, /user_timeline\/1\.atom$/)
      })
    }
    it('D2 takes no anchor of a broken page for a feed', () =>
      assert.deepEqual(read(readSample('feeds/statusnet-example_page.html')).feeds, []))
  })
})
