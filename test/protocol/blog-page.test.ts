import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import { readBlogPage } from '../../src/protocol/blog-page.ts'

const url = 'https://blog.example/2026/03/post/'
const now = new Date('2026-03-01T12:00:00Z')
const read = (html: string | Buffer, headers: Record<string, string> = { 'content-type': 'text/html; charset=utf-8' }) =>
  readBlogPage({ body: Buffer.from(html), url, headers }, now)

describe('pages of a blog', () => {
  it('S1-62 S1-40 W21 tell title, description, tags, picture with its words, author, language and dates', () => {
    const page = read(`<!doctype html><html lang="de-AT"><head><title>Der Titel - Blog</title>
      <meta property="og:title" content="Der &amp; Titel"><meta property="og:description" content="Was\n darin steht">
      <link rel="canonical" href="/2026/03/post/?utm_source=feed#top">
      <meta property="article:tag" content="Open Source"><meta property="article:tag" content="#Fediverse">
      <meta name="keywords" content="blog, open source,, ${'x'.repeat(200)}">
      <meta property="og:image" content="/a.png"><meta property="og:image:type" content="image/png"><meta property="og:image:alt" content="Ein Haus">
      <meta property="article:author" content="https://blog.example/ann"><meta name="author" content="Ann">
      <meta property="article:published_time" content="2026-02-28T10:00:00+01:00"><meta property="article:modified_time" content="2026-03-01">
      </head><body><meta name="fediverse:toot" content="no"></body></html>`)
    assert.deepEqual(page, {
      canonical: url,
      named: true,
      isArticle: true,
      told: {
        url,
        source: 'page',
        title: 'Der & Titel',
        summary: 'Was darin steht',
        tags: ['open source', 'fediverse', 'blog'],
        image: { url: 'https://blog.example/a.png', type: 'image/png', alt: 'Ein Haus' },
        enclosures: [],
        author: 'Ann',
        language: 'de-AT',
        published: new Date('2026-02-28T09:00:00Z'),
        updated: new Date('2026-03-01T00:00:00Z')
      }
    })
  })

  it('S1-61 are told by what stands in their head, not by what somebody put into the body', () => {
    const { told } = read('<head><meta property="og:title" content="Mine"></head><body><meta property="og:title" content="Not mine">')
    assert.equal(told.title, 'Mine')
    assert.equal(read('<head></head><body><meta property="og:title" content="Not mine">').told.title, undefined)
  })

  it('S1-62 may tell nothing at all', () =>
    assert.deepEqual(read('hello'), {
      canonical: url,
      named: false,
      isArticle: false,
      told: { url, source: 'page', tags: [], enclosures: [] }
    }))

  it('S1-62 are called by their <title> when Open Graph does not call them', () => {
    const { told } = read('<title>Only this</title><meta name="description" content="d"><meta property="og:locale" content="pt_BR">')
    assert.deepEqual([told.title, told.summary, told.language], ['Only this', 'd', 'pt-BR'])
  })

  it('W21 have the picture of a Twitter card where there is no other', () => {
    const { told } = read('<meta name="twitter:image" content="/t.png"><meta name="twitter:image:alt" content="words">')
    assert.deepEqual(told.image, { url: 'https://blog.example/t.png', alt: 'words' })
  })

  const dates = [
    '<meta name="date" content="2026-02-03">',
    '<meta name="DC.date" content="2026-02-03">',
    '<meta itemprop="datePublished" content="2026-02-03">'
  ]
  for (const html of dates)
    it(`S1-40 have their date from ${html}`, () => assert.deepEqual(read(html).told.published, new Date('2026-02-03')))

  const canonicals: [html: string, canonical: string][] = [
    ['<link rel="canonical" href="https://www.blog.example/post">', 'https://www.blog.example/post'],
    ['<meta property="og:url" content="/p#x">', 'https://blog.example/p'],
    ['<link rel="canonical" href="">', url],
    [`<link rel="canonical" href="/${'a'.repeat(3000)}">`, url],
    ['<link rel="canonical" href="https://me:secret@blog.example/p">', 'https://blog.example/p'],
    ['<body><link rel="canonical" href="https://evil.example/">', url]
  ]
  for (const [html, canonical] of canonicals)
    it(`S1-46 X39 live at ${canonical} by ${html.slice(0, 80)}`, () => {
      assert.equal(read(html).canonical, canonical)
      assert.equal(read(html).told.url, canonical)
    })

  const drafts: [html: string, robots: string, draft: string | undefined][] = [
    ['<meta name="robots" content="noindex, follow">', '', 'noindex'],
    ['<meta name="ROBOTS" content="NONE">', '', 'noindex'],
    ['<meta name="googlebot" content="nofollow,noindex">', '', 'noindex'],
    ['', 'noindex', 'noindex'],
    ['', 'otherbot: noindex, googlebot: noindex', 'noindex'],
    ['', 'nofollow, none', 'noindex'],
    ['<meta name="fediverse:toot" content="No">', '', 'opted out'],
    ['<meta property="article:published_time" content="2026-03-01T12:00:01Z">', '', 'future'],
    ['<meta property="article:published_time" content="2026-03-01T12:00:00Z">', '', undefined],
    ['<meta name="robots" content="index, max-image-preview:none, max-snippet: 0">', '', undefined],
    ['<meta name="fediverse:toot" content="yes">', 'otherbot: noindex, nofollow, noindex', undefined],
    ['', 'unavailable_after: 25 Jun 2027 15:00:00 PST', undefined]
  ]
  for (const [html, robots, draft] of drafts)
    it(`T9 are ${draft ?? 'no draft'} by ${html} ${robots}`, () => assert.equal(read(html, { 'x-robots-tag': robots }).draft, draft))

  it('X41 keep nothing that a database would refuse, nor what nobody sees or what turns the writing round', () => {
    const { told } = read(
      '<meta property="og:title" content="A &lt;b&gt;\0\x01&#x202E;c&#x2066;\u009b"><meta name="keywords" content="d&#x202e;e">'
    )
    assert.match(told.title ?? '', /^A <b>\ufffd?c$/)
    assert.deepEqual(told.tags, ['de'])
  })

  const hostile: [what: string, html: string][] = [
    ['a script in og:title', '<meta property="og:title" content="&lt;script&gt;alert(1)&lt;/script&gt;">'],
    ['a script in the description', '<meta name="description" content="x < SCRIPT src=x>">'],
    ['a javascript: canonical address', '<link rel="canonical" href="javascript:alert(1)"><meta property="og:url" content="/p">'],
    ['a data: og:url', '<meta property="og:url" content="data:text/html,x">'],
    ['a canonical address that is none', '<link rel="canonical" href="http://[">']
  ]
  for (const [what, html] of hostile) it(`X41 are refused for ${what}`, () => assert.throws(() => read(html), BadMessage))

  it('S1-62 are read in the charset that they say, and refused when it is none, or not theirs', () => {
    const title = (body: Buffer, type: string) => read(body, { 'content-type': type }).told.title
    const latin = Buffer.from('<title>Gr\xfc\xdfe</title>', 'latin1')
    const meta = (charset: string, rest: Buffer) => Buffer.concat([Buffer.from(`<meta charset="${charset}">`), rest])
    assert.equal(title(meta('windows-1252', latin), 'text/html'), 'Grüße')
    assert.equal(title(latin, 'text/html; charset=iso-8859-1'), 'Grüße')
    assert.equal(title(meta('utf-16', Buffer.from('<title>Grüße</title>')), 'text/html'), 'Grüße')
    assert.equal(title(Buffer.from('\ufeff<title>Grüße</title>', 'utf16le'), 'text/html'), 'Grüße')
    // what stands in the body is not read
    assert.equal(title(Buffer.concat([Buffer.from('<title>ü</title><body>'), latin]), 'text/html'), 'ü')
    for (const [body, type] of [
      [Buffer.from('<title>Grüße</title>'), 'text/html; charset=x-unknown'],
      [meta('no-such', Buffer.from('<title>x</title>')), 'text/html'],
      [latin, 'text/html; charset=utf-8'],
      [latin, 'text/html'],
      [Buffer.from('<title>x</title>'), 'text/html; charset=utf-16le']
    ] as const)
      assert.throws(
        () => title(body, type),
        (error: unknown) => error instanceof BadMessage && /charset/.test(error.message)
      )
  })

  for (const type of ['application/pdf', 'image/png', 'text/plain', 'application/json'])
    it(`X2 are no ${type}`, () => assert.throws(() => read('%PDF', { 'content-type': type }), BadMessage))

  for (const piece of ['<', '<meta ', '<meta property="article:tag" content="a,b">', '<title>', '&lt;', ' '])
    it(`X34 are read in time when they are megabytes of ${piece}`, () => {
      const { told } = read(piece.repeat(3_000_000 / piece.length))
      assert.ok(told.tags.length <= 30 && (told.title ?? '').length <= 1000)
    })

  it('X34 throw nothing, whatever they are', () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            '<',
            '>',
            '"',
            '=',
            'meta ',
            'name',
            'property',
            'content',
            'og:title',
            'robots',
            'link ',
            'rel',
            'canonical',
            ' ',
            '\0',
            'ü'
          )
        ),
        parts => void read(parts.join(''))
      )
    ))
})
