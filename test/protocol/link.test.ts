import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readLinks, type WebLink, writeLinks } from '../../src/protocol/link.ts'
import { readCapture } from '../support/captures.ts'
import { readSample, withSamples } from '../support/samples.ts'

const BASE = 'https://a.example/users/ann'

describe('Link headers', () => {
  const table: [what: string, header: string | undefined, links: WebLink[]][] = [
    ['no header', undefined, []],
    ['one link', '<https://a.example/hub>; rel="hub"', [{ url: 'https://a.example/hub', rel: ['hub'] }]],
    [
      'two links joined by a comma, with a comma in an address',
      '<https://a.example/hub>; rel=hub, <https://a.example/f?a,b>; rel="self"',
      [
        { url: 'https://a.example/hub', rel: ['hub'] },
        { url: 'https://a.example/f?a,b', rel: ['self'] }
      ]
    ],
    ['several relations in one link', '</f>;rel="self ALTERNATE"', [{ url: 'https://a.example/f', rel: ['self', 'alternate'] }]],
    [
      'a type, and a title with quotes and separators',
      '<x>; rel="lrdd"; type="application/jrd+json"; title="a \\"b\\", <c>; d"',
      [{ url: 'https://a.example/users/x', rel: ['lrdd'], type: 'application/jrd+json', title: 'a "b", <c>; d' }]
    ],
    [
      'relations that are URIs, case kept',
      '<x>; rel="http://E.example/Rel"',
      [{ url: 'https://a.example/users/x', rel: ['http://E.example/Rel'] }]
    ],
    ['a relation given twice: the first counts', '<x>; rel=hub; rel=self', [{ url: 'https://a.example/users/x', rel: ['hub'] }]],
    ['a link that speaks of another document', '<https://e.example/hub>; rel=hub; anchor="https://b.example/"', []],
    ['a link without a relation', '<x>; type="text/html"', []],
    ['an address that is no web address', '<javascript:alert(1)>; rel=hub, <data:,x>; rel=hub', []],
    ['rubbish before a link', 'rubbish; rel=x, <y>; rel=hub', [{ url: 'https://a.example/users/y', rel: ['hub'] }]],
    ['a link that does not end', '<https://a.example/; rel=hub', []]
  ]
  for (const [what, header, links] of table) it(`S1 reads ${what}`, () => assert.deepEqual(readLinks(header, BASE), links))

  it('S1 writes nothing that could end the line or the link', () => {
    const header = writeLinks([{ url: 'https://a.example/\r\nX: y>"', rel: ['hub\r\nX'], title: 'a"b\\' }])
    assert.equal(header, '<https://a.example/%0D%0AX:%20y%3E%22>; rel="hubX"; title="a\\"b\\\\"')
  })

  it('S1 makes the round trip', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/)
    const link = fc.record(
      {
        url: fc.webUrl({ withQueryParameters: true }),
        rel: fc.array(word, { minLength: 1, maxLength: 3 }),
        title: fc.stringMatching(/^[\x20-\x7e]{1,20}$/)
      },
      { requiredKeys: ['url', 'rel'] }
    )
    fc.assert(
      fc.property(fc.array(link, { maxLength: 4 }), links => {
        const expected = links.map(one => ({ ...one, url: new URL(one.url).href }))
        assert.deepEqual(readLinks(writeLinks(links), BASE), expected)
      })
    )
  })

  it('S1 never fails, whatever is sent', () =>
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>;,="\\ ar*:/'), maxLength: 80 }), header => void readLinks(header, BASE))
    ))

  withSamples('of GNU social', () => {
    for (const server of ['gs-1.20.9', 'gs-2.0.0beta0']) {
      it(`D2 finds lrdd and the Atom feed in the profile page of ${server}`, () => {
        const { headers, url } = readCapture(readSample(`gnu-social/${server}/42-profile-page-head.http`))
        const links = readLinks(headers.link, url)
        assert.deepEqual(
          links.filter(link => link.rel.includes('lrdd')).map(link => link.type),
          ['application/jrd+json', 'application/xrd+xml']
        )
        assert.equal(links.filter(link => link.type === 'application/atom+xml').length, 1)
      })
    }
  })
})
