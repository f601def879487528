/** To look at the page of a blog post (requirements S1-13, S1-14, S1-60, T7, T9, X39). */
import assert from 'node:assert/strict'
import { findHandled } from '../../src/federation/blog.ts'
import type { Handled } from '../../src/federation/handled.ts'
import { lookAtPage } from '../../src/federation/look-at-page.ts'
import { BadMessage, Refused, Unreachable } from '../../src/model/errors.ts'
import { pageKey } from '../../src/protocol/blog-address.ts'
import { type BlogNode, DAY, MINUTE, startBlog } from '../support/written-blog.ts'

const bad = (code: string) => (error: unknown) => error instanceof BadMessage && error.status === 400 && error.code === code
const draft = (error: unknown) => error instanceof Refused && error.status === 409 && error.code === 'draft'
const failing = (error: unknown) => error instanceof Unreachable && error.status === 502 && error.code === 'blog'

describe('a page that is looked at', () => {
  let blog: BlogNode
  before(async () => {
    blog = await startBlog({ BLOG_POST_PATTERN: '^https://blog.example/posts/' })
  })
  after(() => blog.close())
  beforeEach(() => blog.pass(2 * MINUTE))

  const handled = (path: string): Handled => ({ account: blog.account, url: blog.url(path), key: pageKey(blog.url(path)) })
  const look = (path: string, options = {}) => lookAtPage(blog.tools, handled(path), options)
  const canonical = (url: string) => `<link rel="canonical" href="${url}">`

  it('S1-14 S1-60 S1-62 tells title, description, tags, picture, author, language and date', async () => {
    blog.page(
      'posts/full',
      '<meta property="og:title" content="A &lt;title&gt;"><meta property="og:description" content="About it"><meta name="author" content="Ann">' +
        '<meta property="article:tag" content="Go"><meta property="og:image" content="/p.jpg"><meta property="og:image:alt" content="A dog">' +
        '<meta property="article:published_time" content="2026-01-09T10:00:00Z">'
    )
    const { key, keys, told, url } = await look('posts/full')
    assert.deepEqual([key, keys, url], ['blog.example/posts/full', ['blog.example/posts/full'], blog.url('posts/full')])
    assert.deepEqual([told.title, told.summary, told.tags, told.author, told.language], ['A <title>', 'About it', ['go'], 'Ann', 'en'])
    assert.deepEqual(told.image, { url: blog.url('p.jpg'), alt: 'A dog' })
    assert.equal(told.published?.toISOString(), '2026-01-09T10:00:00.000Z')
  })

  it('S1-46 is known by its canonical address, and by all on the way to it', async () => {
    blog.net.set(blog.url('posts/old'), { redirectTo: blog.url('posts/newer') })
    blog.page('posts/newer', canonical('/posts/newest?utm_source=x'))
    const { key, keys } = await look('posts/old')
    assert.equal(key, 'blog.example/posts/newest')
    assert.deepEqual(
      keys,
      ['posts/newest', 'posts/old', 'posts/newer'].map(path => `blog.example/${path}`)
    )
    blog.page('posts/newest?a=1', canonical('/posts/newest'))
    assert.deepEqual((await look('posts/newest?a=1')).keys, ['blog.example/posts/newest'])
  })

  it('S1-13 S1-60 is not found unless it answers 200', async () => {
    for (const status of [404, 410, 403, 204]) {
      blog.net.set(blog.url(`posts/${status}`), { status })
      await assert.rejects(look(`posts/${status}`), bad('not_found'))
    }
    for (const status of [500, 503, 429]) {
      blog.net.set(blog.url(`posts/${status}`), { status, headers: { 'retry-after': '90' } })
      await assert.rejects(look(`posts/${status}`), (error: BadMessage) => bad('not_found')(error) && error.retryAfter === 90)
    }
    blog.net.set(blog.url('posts/down'), { error: new Unreachable('no answer') })
    await assert.rejects(look('posts/down'), failing)
  })

  it('T7 is not handled when it leads, or says that it belongs, elsewhere', async () => {
    blog.net.set('https://evil.example/posts/x', { body: 'x' })
    blog.net.set(blog.url('posts/away'), { redirectTo: 'https://evil.example/posts/x' })
    blog.net.set(blog.url('posts/home'), { redirectTo: blog.url('') })
    blog.page('')
    blog.page('posts/claims', canonical('https://evil.example/posts/x'))
    blog.page('posts/tag', canonical('/tags/x'))
    blog.page('posts/og', '<meta property="og:url" content="https://evil.example/?https://blog.example/posts/">')
    for (const path of ['away', 'home', 'claims', 'tag', 'og']) await assert.rejects(look(`posts/${path}`), bad('not_handled'))
    blog.page('posts/script', canonical('javascript:alert(1)'))
    await assert.rejects(look('posts/script'), bad('not_found'))
  })

  it('T9 is a draft when it asks not to be indexed or tooted, or its date lies in the future', async () => {
    const later = new Date(blog.time.now + DAY).toISOString()
    blog.page('posts/d1', '<meta name="robots" content="noindex">')
    blog.page('posts/d2', `<meta property="article:published_time" content="${later}">`)
    blog.page('posts/d3', '<meta name="fediverse:toot" content="no">')
    blog.page('posts/d4', '', { headers: { 'content-type': 'text/html', 'x-robots-tag': 'none' } })
    for (const path of ['d1', 'd2', 'd3', 'd4']) await assert.rejects(look(`posts/${path}`), draft)
  })

  it('X39 a hostile one gives a clear error: too long, a circle, no page, an address that may not be reached', async () => {
    blog.page('posts/huge', '', { body: Buffer.alloc(2_100_000, '<') })
    blog.net.set(blog.url('posts/circle'), { redirectTo: blog.url('posts/circle2') })
    blog.net.set(blog.url('posts/circle2'), { redirectTo: blog.url('posts/circle') })
    for (let n = 0; n < 7; n++) blog.net.set(blog.url(`posts/hop${n}`), { redirectTo: blog.url(`posts/hop${n + 1}`) })
    blog.net.set(blog.url('posts/picture'), { headers: { 'content-type': 'image/png' }, body: 'x' })
    blog.net.set(blog.url('posts/inside'), { redirectTo: 'http://127.0.0.1/' })
    for (const path of ['huge', 'circle', 'hop0', 'picture', 'inside']) await assert.rejects(look(`posts/${path}`), bad('not_found'))
    blog.page('posts/lt', '<'.repeat(1_900_000))
    await look('posts/lt')
  })

  it('X39 a failure is remembered for a minute, unless the owner asks', async () => {
    const asked = () => blog.net.requests().filter(one => one.endsWith('/posts/soon')).length
    blog.net.set(blog.url('posts/soon'), { status: 404 })
    await assert.rejects(look('posts/soon'), bad('not_found'))
    blog.page('posts/soon')
    await assert.rejects(look('posts/soon'), bad('not_found'))
    assert.equal(asked(), 1)
    await look('posts/soon', { fresh: true })
    await look('posts/soon')
    blog.net.set(blog.url('posts/soon'), { status: 404 })
    await assert.rejects(look('posts/soon'), bad('not_found'))
    blog.page('posts/soon')
    blog.pass(MINUTE)
    await look('posts/soon')
    assert.equal(asked(), 5)
  })

  it('X39 10 in a minute for one stranger, 60 for all of them, and as many for the clock and for the owner', async () => {
    blog.page('posts/one')
    const full = (error: unknown) => error instanceof Refused && error.status === 429 && error.retryAfter === 60
    const from = (address: string) => look('posts/one', { asker: { kind: 'stranger', from: address } })
    for (let n = 0; n < 10; n++) await from(`2001:db8::${n}`)
    await assert.rejects(from('2001:db8::ffff'), full)
    for (let n = 0; n < 50; n++) await from(`192.0.2.${n % 5}`)
    await assert.rejects(from('198.51.100.1'), full)
    for (const kind of ['clock', 'owner']) {
      for (let n = 0; n < 60; n++) await look('posts/one', { asker: { kind } })
      await assert.rejects(look('posts/one', { asker: { kind } }), full)
    }
    blog.pass(MINUTE)
    await from('2001:db8::ffff')
  })

  it('X39 a failure of one spelling says nothing of another', async () => {
    blog.net.set('http://blog.example/posts/spelled', { status: 404 })
    blog.page('posts/spelled')
    const plain = { ...handled('posts/spelled'), url: 'http://blog.example/posts/spelled' }
    await assert.rejects(lookAtPage(blog.tools, plain), bad('not_found'))
    assert.equal((await look('posts/spelled')).url, blog.url('posts/spelled'))
  })

  it('S1-46 S1-7 without a canonical address it is known without its query, which may show anything', async () => {
    for (const path of ['posts/plain', 'posts/plain/']) blog.page(path, '<title>Plain</title>')
    for (const form of ['?a=2', '?title=Evil', '/?ref=hn', '/']) {
      if (form !== '/') blog.page(`posts/plain${form}`, '<title>Evil</title>')
      const { key, keys, told, url } = await look(`posts/plain${form}`)
      assert.deepEqual([key, keys, told.title], ['blog.example/posts/plain', ['blog.example/posts/plain'], 'Plain'])
      assert.equal(url, blog.url(form.startsWith('/') ? 'posts/plain/' : 'posts/plain'))
    }
    // its own word counts
    blog.page('posts/named?page=2', canonical('/posts/named?page=2'))
    assert.equal((await look('posts/named?page=2')).key, 'blog.example/posts/named?page=2')
    // and that of feed and sitemap
    blog.page('posts/known?id=3')
    await blog.tools.blogs.addMany(blog.account.id, [{ key: 'blog.example/posts/known?id=3' }])
    assert.equal((await look('posts/known?id=3')).key, 'blog.example/posts/known?id=3')
    blog.page('posts/fed?id=4')
    assert.equal((await look('posts/fed?id=4', { named: true })).key, 'blog.example/posts/fed?id=4')
  })

  it('S1-46 keeps of a query what the pattern asks for', async () => {
    const other = await startBlog({ BLOG_POST_PATTERN: '^https://blog.example/show[?](.*&)?id=\\d+' })
    try {
      const at = (path: string): Handled => ({ account: other.account, url: other.url(path), key: pageKey(other.url(path)) })
      for (const query of ['id=7', 'id=7&x=1', 'x=1&id=7&y=2']) other.page(`show?${query}`)
      for (const query of ['id=7', 'id=7&x=1', 'x=1&id=7&y=2'])
        assert.equal((await lookAtPage(other.tools, at(`show?${query}`))).key, 'blog.example/show?id=7')
    } finally {
      await other.close()
    }
    // a pattern that takes any query asks for none
    const open = await startBlog({ BLOG_POST_PATTERN: '^https://blog.example/.+' })
    try {
      for (const path of ['', '?x=1']) open.page(path)
      const front: Handled = { account: open.account, url: open.url('?x=1'), key: 'blog.example/?x=1' }
      await assert.rejects(lookAtPage(open.tools, front), bad('not_handled'))
    } finally {
      await open.close()
    }
  })

  it('W23 without a pattern what only the sitemap names is a post when it says that it is an article', async () => {
    const open = await startBlog()
    try {
      await open.open([{ path: 'fed' }])
      const visit = async (path: string) => lookAtPage(open.tools, await findHandled(open.tools, open.url(path)))
      open.sitemap(['fed', 'tags/', 'typed', 'dated'])
      open.page('fed')
      open.page('tags/', '<meta property="og:type" content="website">')
      open.page('typed', '<meta property="og:type" content="article">')
      open.page('dated', '<meta property="article:published_time" content="2026-01-01">')
      await open.find()
      for (const path of ['fed', 'typed', 'dated']) assert.equal((await visit(path)).key, `blog.example/${path}`)
      await assert.rejects(visit('tags/'), bad('not_handled'))
    } finally {
      await open.close()
    }
  })

  it('W16 without a date it is as old as the sitemap says that its last change is', async () => {
    blog.page('posts/undated')
    await blog.tools.blogs.addMany(blog.account.id, [{ key: 'blog.example/posts/undated', modifiedAt: blog.date(-30 * DAY) }])
    assert.deepEqual((await look('posts/undated')).told.published, blog.date(-30 * DAY))
  })

  it('without a pattern the blog itself leads from one post to another, but not to its front page', async () => {
    const open = await startBlog()
    try {
      await open.open([{ path: 'p1' }, { path: 'p2' }])
      const at = (path: string): Handled => ({ account: open.account, url: open.url(path), key: pageKey(open.url(path)) })
      open.page('p1', canonical('/2026/p1'))
      assert.equal((await lookAtPage(open.tools, at('p1'))).key, 'blog.example/2026/p1')
      open.page('p2', canonical('/'))
      await assert.rejects(lookAtPage(open.tools, at('p2')), bad('not_handled'))
    } finally {
      await open.close()
    }
  })
})
