import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import { readSitemap } from '../../src/protocol/sitemap.ts'

const url = 'https://blog.example/sitemap.xml'
const read = (body: string | Buffer, contentType = 'application/xml', bytes?: number) =>
  readSitemap(Buffer.from(body), { url, contentType, ...(bytes === undefined ? {} : { bytes }) })
const urlset = (...places: string[]) =>
  `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${places.map(place => `<url><loc>${place}</loc></url>`).join('')}</urlset>`
const fails = (status: number) => (error: unknown) => error instanceof BadMessage && error.status === status

describe('sitemaps', () => {
  it('S1-49 list pages with the date of their last change', () => {
    const body = `<?xml version="1.0" encoding="UTF-8"?>
      <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
      <url><image:image><image:loc>https://blog.example/a.png</image:loc></image:image>
        <loc> https://blog.example/1?a=1&amp;b=2 </loc><lastmod>2026-03-01T10:00:00+01:00</lastmod><priority>0.5</priority></url>
      <url><loc><![CDATA[http://blog.example/2#x]]></loc><lastmod>yesterday</lastmod></url></urlset>`
    assert.deepEqual(read(body), {
      pages: [{ url: 'https://blog.example/1?a=1&b=2', lastModified: new Date('2026-03-01T09:00:00Z') }, { url: 'http://blog.example/2' }],
      sitemaps: [],
      dropped: 0
    })
  })

  it('S1-49 list other sitemaps', () => {
    const body = `<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
      <sitemap><loc>https://blog.example/posts.xml.gz</loc></sitemap><sitemap><loc>https://evil.example/s.xml</loc></sitemap></sitemapindex>`
    assert.deepEqual(read(body), { pages: [], sitemaps: ['https://blog.example/posts.xml.gz'], dropped: 1 })
  })

  for (const ns of ['', ' xmlns="http://www.google.com/schemas/sitemap/0.84"', ' xmlns="https://www.sitemaps.org/schemas/sitemap/0.9"'])
    it(`S1-49 may have the namespace${ns || ' of nobody'}`, () =>
      assert.equal(read(`<urlset${ns}><url><loc>https://blog.example/1</loc></url></urlset>`).pages.length, 1))

  it('S1-49 may have a prefix', () =>
    assert.equal(read('<s:urlset xmlns:s="x"><s:url><s:loc>https://blog.example/1</s:loc></s:url></s:urlset>').pages.length, 1))

  it('S1-49 may be a list of addresses, one a line', () =>
    assert.deepEqual(read('\ufeffhttps://blog.example/1\r\n\r\nhttps://blog.example/2\nnothing\n', 'text/plain'), {
      pages: [{ url: 'https://blog.example/1' }, { url: 'https://blog.example/2' }],
      sitemaps: [],
      dropped: 1
    }))

  it('S1-49 may be packed, whatever the server says', () => {
    for (const type of ['application/gzip', 'application/xml', 'application/octet-stream'])
      assert.equal(read(gzipSync(urlset('https://blog.example/1')), type).pages.length, 1)
  })

  it('X39 tell each page once, of their own host alone, and no address that cannot be asked for', () => {
    const places = [
      'https://blog.example/1',
      'http://blog.example/1#a',
      'https://blog.example/1',
      'https://evil.example/',
      'javascript:1',
      '/2',
      ''
    ]
    const { pages, dropped } = read(urlset(...places))
    assert.deepEqual([pages.map(page => page.url), dropped], [['https://blog.example/1', 'http://blog.example/1'], 4])
  })

  it('X27 do not unpack to more than is allowed', () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
    assert.ok(bomb.length < 100_000)
    assert.throws(() => read(bomb), fails(413))
    assert.throws(() => read(urlset('https://blog.example/1'), 'text/xml', 50), fails(413))
    assert.throws(() => read(gzipSync(urlset('https://blog.example/1')).subarray(0, 60)), fails(400))
  })

  it('X33 have 50,000 entries at most', () => {
    const { pages, dropped } = read(Array.from({ length: 50_010 }, (_, n) => `https://blog.example/${n}`).join('\n'), 'text/plain')
    assert.deepEqual([pages.length, dropped], [50_000, 10])
  })

  const none = [
    '',
    'Not found',
    '<!doctype html><title>404</title>',
    '<html><body/></html>',
    '<urlset>',
    '<rss version="2.0"/>',
    '{"a":1}',
    '<!DOCTYPE a [<!ENTITY x "y">]><urlset/>'
  ]
  for (const body of none) it(`X35 are not ${body || 'empty'}`, () => assert.throws(() => read(body), fails(400)))

  it('X35 throw nothing but that they cannot be read', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.array(fc.constantFrom('<urlset>', '<url>', '<loc>', '</loc>', 'https://blog.example/', '\n', '<', '\x1f\x8b'))
        ),
        given => {
          try {
            readSitemap(given instanceof Uint8Array ? Buffer.from(given) : Buffer.from(given.join(''), 'latin1'), { url })
          } catch (error) {
            assert.ok(error instanceof BadMessage)
          }
        }
      )
    ))
})
