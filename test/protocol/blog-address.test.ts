import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import { compilePattern } from '../../src/model/patterns.ts'
import { cleanAddress, isHandled, pageKey } from '../../src/protocol/blog-address.ts'

const key = (address: string) => {
  try {
    return pageKey(address)
  } catch (error) {
    assert.ok(error instanceof BadMessage)
    return undefined
  }
}

describe('addresses of a blog', () => {
  describe('a key', () => {
    const same = [
      'https://Blog.Example/a',
      'https://blog.example/a/',
      'http://blog.example:80/a#x',
      'https://u:p@blog.example:443/a',
      'https://blog.example./x/../a'
    ]
    for (const address of same) it(`S1-46 is one for ${address}`, () => assert.equal(key(address), 'blog.example/a'))

    const others: [address: string, key: string | undefined][] = [
      ['https://blog.example', 'blog.example/'],
      ['https://blog.example/a/?b=1', 'blog.example/a?b=1'],
      ['https://blog.example//a///b//', 'blog.example/a/b'],
      ['https://blog.example//', 'blog.example/'],
      ['https://blog.example/%61%2e%2Fb%c3%bc%2561?%71=%20', 'blog.example/a.%2Fb%C3%BC%2561?q=%20'],
      ['https://blog.example/a/index.html', 'blog.example/a/index.html'],
      ['https://blog.example/?p=12', 'blog.example/?p=12'],
      ['http://localhost:8001/a', 'localhost:8001/a'],
      ['https://müller.example/ü', 'xn--mller-kva.example/%C3%BC'],
      ['javascript:alert(1)', undefined],
      ['/a', undefined]
    ]
    for (const [address, expected] of others) it(`S1-46 is ${expected} for ${address}`, () => assert.equal(key(address), expected))

    it('S1-46 is its own key', () =>
      fc.assert(
        fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), address => {
          const once = pageKey(address)
          assert.equal(pageKey(`https://${once}`), once)
          assert.equal(pageKey(`http://${once}`), once)
        })
      ))
  })

  describe('what visitors ask for', () => {
    const clean: [raw: string, url: string, bare?: string][] = [
      [' https://Blog.Example/a#c ', 'https://blog.example/a'],
      ['https://me:secret@blog.example/a', 'https://blog.example/a'],
      ['HTTP://blog.example:80', 'http://blog.example/'],
      ['https://blog.example./a', 'https://blog.example/a'],
      ['https://blog.example/?p=1&utm_source=x&FBCLID=2&q=a%20b', 'https://blog.example/?p=1&q=a%20b', 'https://blog.example/'],
      ['https://blog.example/a?gclid=1&mc_cid=2&mc_eid=3&ref_src=4&igshid=5', 'https://blog.example/a'],
      ['https://blog.example/a?reference=1&utm=2', 'https://blog.example/a?reference=1&utm=2', 'https://blog.example/a'],
      ['https://müller.example/ü', 'https://xn--mller-kva.example/%C3%BC'],
      ['https://evil.example/?https://blog.example/a', 'https://evil.example/?https://blog.example/a', 'https://evil.example/']
    ]
    for (const [raw, url, bare = url] of clean) it(`S1-46 is ${url} for ${raw}`, () => assert.deepEqual(cleanAddress(raw), { url, bare }))

    const refused = [
      '',
      'a',
      '//blog.example/a',
      'ftp://blog.example/a',
      'javascript:alert(1)//https://blog.example',
      'https://blog.example\\@evil.example/',
      'https://blog.exa\tmple/a',
      'https://blog.example/a\nb',
      'https://blog.example/\u202egpj',
      'https://blog..example/',
      `https://blog.example/${'a'.repeat(2048)}`,
      `https://blog.example/${'ü'.repeat(1000)}`
    ]
    for (const raw of refused)
      it(`X39 is nothing for ${JSON.stringify(raw).slice(0, 60)}`, () => assert.equal(cleanAddress(raw), undefined))

    it('S1-46 has no query when there is nothing in it', () => {
      for (const query of ['?', '??', '?&', '?&&'])
        assert.deepEqual(cleanAddress(`https://a.example/x${query}`), { url: 'https://a.example/x', bare: 'https://a.example/x' })
    })

    it('S1-46 stays as it is when it is cleaned again, and has the key of what is left', () =>
      fc.assert(
        fc.property(
          fc.oneof(
            fc.webUrl({ withQueryParameters: true, withFragments: true }),
            fc.webUrl({ withQueryParameters: true }).map(url => `${url}&utm_a=1`)
          ),
          raw => {
            const once = cleanAddress(raw)
            if (once === undefined) return
            assert.deepEqual(cleanAddress(once.url), once)
            assert.deepEqual(cleanAddress(once.bare), { url: once.bare, bare: once.bare })
            assert.equal(pageKey(once.url), pageKey(once.url))
            assert.ok(!new URL(once.bare).search)
          }
        )
      ))

    it('X39 never throws', () =>
      fc.assert(
        fc.property(
          fc.oneof(
            fc.string({ unit: 'binary' }),
            fc.string().map(text => `https://${text}`)
          ),
          raw => void cleanAddress(raw)
        )
      ))
  })

  describe('what is a post', () => {
    const pattern = compilePattern(String.raw`^https://claassen.net/geek/blog/\d+/\d+/[^/]+`)

    const asked: [address: string, isPost: boolean, why: string][] = [
      ['https://claassen.net/geek/blog/2022/12/post', true, 'S1-12'],
      ['https://CLAASSEN.net/geek/blog/2022/12/post#comments', true, 'X39 upper case'],
      ['https://claassen.net:443/geek/blog/2022/12/post', true, 'X39 usual port'],
      ['https://claassen.net/geek/blog/tags', false, 'S1-48'],
      ['http://claassen.net/geek/blog/2022/12/post', false, 'S1-38 the pattern says https'],
      ['https://claassenXnet/geek/blog/2022/12/post', false, 'T7 a dot that matches anything'],
      ['https://evil.example/?https://claassen.net/geek/blog/2022/12/post', false, 'T7 in the query'],
      ['https://claassen.net@evil.example/geek/blog/2022/12/post', false, 'X39 as a user'],
      ['https://me@claassen.net/geek/blog/2022/12/post', false, 'X39 with a user'],
      ['https://claassen.net\\@evil.example/geek/blog/2022/12/post', false, 'X39 backslash'],
      ['https://claassen.net.evil.example/geek/blog/2022/12/post', false, 'X39 as a subdomain'],
      ['https://claassen.net./geek/blog/2022/12/post', false, 'X39 trailing dot'],
      ['https://claassen.net:8443/geek/blog/2022/12/post', false, 'X39 other port'],
      ['https://сlaassen.net/geek/blog/2022/12/post', false, 'X39 a letter that looks alike'],
      ['https:claassen.net/../evil', false, 'X39 no slashes'],
      ['ftp://claassen.net/geek/blog/2022/12/post', false, 'X39 scheme'],
      ['', false, 'X39 nothing']
    ]
    for (const [address, isPost, why] of asked)
      it(`${why}: ${address} is ${isPost ? '' : 'no'} post`, () => assert.equal(isHandled({ pattern }, address), isPost))

    it('T7 lies on the host of the blog when the pattern names none', () => {
      const open = { pattern: compilePattern('^https?://.*/blog/'), blogUrl: 'https://blog.example/' }
      assert.equal(isHandled(open, 'https://blog.example/blog/1'), true)
      assert.equal(isHandled(open, 'https://evil.example/blog/1'), false)
      assert.equal(isHandled({ pattern: open.pattern }, 'https://blog.example/blog/1'), false)
    })

    it('S1-12 is for feed and sitemap to say without a pattern, and never elsewhere or without a blog', () => {
      assert.equal(isHandled({ blogUrl: 'https://blog.example/' }, 'https://blog.example/a'), undefined)
      assert.equal(isHandled({ blogUrl: 'https://blog.example/' }, 'https://evil.example/a'), false)
      assert.equal(isHandled({}, 'https://blog.example/a'), false)
    })

    it('S1-38 matches a pattern with letters that addresses encode', () => {
      const pattern = compilePattern('^https://müller.example/été/')
      assert.equal(isHandled({ pattern }, 'https://xn--mller-kva.example/%C3%A9t%C3%A9/1'), true)
      assert.equal(isHandled({ pattern }, 'https://müller.example/été/1'), true)
      assert.equal(isHandled({ pattern }, 'https://xn--mller-kva.example/%ff'), false)
    })
  })
})
