/** Posts that were there before the node (requirements S1-49 to S1-51, journey 6.1 step 5). */
import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { type ImportOptions, importFeed, importSitemap } from '../../src/federation/import-old.ts'
import { BadMessage, Missing, Refused, Unreachable } from '../../src/model/errors.ts'
import type { Tools } from '../../src/tools.ts'
import { type BlogNode, HOUR, startBlog } from '../support/written-blog.ts'

const SITEMAP = 'https://blog.example/sitemap.xml'

describe('old posts', () => {
  let blog: BlogNode
  before(async () => {
    blog = await startBlog({ BLOG_POST_PATTERN: '^https://blog.example/posts/', DRY_RUN: 'on' })
  })
  after(() => blog.close())
  beforeEach(async () => {
    await blog.clear()
    blog.pass(HOUR)
  })

  const paths = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `posts/${from + n}`)
  const run = (options: ImportOptions = {}, ears = {}, tools: Tools = blog.tools) =>
    importSitemap(tools, blog.account, SITEMAP, options, ears)
  const states = async () => (await blog.tools.toots.counts(blog.account.id)) as object

  it('S1-49 are marked −1, those that the pattern takes, and are found by their address then', async () => {
    blog.sitemap(['posts/1', 'posts/2', 'tags/x', 'posts/1?utm_source=x'])
    assert.deepEqual(await run(), { found: 3, handled: 2, new: 2, known: 0 })
    assert.equal((await blog.tools.toots.findByPage(['blog.example/posts/2']))?.state, 'old')
    assert.deepEqual(await run(), { found: 3, handled: 2, new: 0, known: 2 })
  })

  it('S1-49 that have a toot keep it, by whatever address', async () => {
    const want = { key: 'blog.example/posts/1', url: blog.url('posts/1'), accountId: blog.account.id, dueAt: blog.date() }
    await blog.tools.toots.want([want], blog.date())
    await blog.tools.blogs.addPages(blog.account.id, 'blog.example/posts/1', ['blog.example/posts/one'])
    blog.sitemap(['posts/one', 'posts/1'])
    assert.deepEqual(await run(), { found: 2, handled: 2, new: 0, known: 2 })
    assert.deepEqual(await states(), { wanted: 1 })
  })

  it('S1-51 or are tooted unlisted, at a pace', async () => {
    blog.sitemap(paths(3))
    await run({ toot: { visibility: 'unlisted', pace: 6 } })
    const toots = await Promise.all(paths(3).map(path => blog.tools.toots.find(`blog.example/${path}`)))
    assert.deepEqual(
      toots.map(toot => [toot!.state, toot!.visibility, (toot!.dueAt!.getTime() - blog.time.now) / 60_000]),
      [0, 10, 20].map(minutes => ['wanted', 'unlisted', minutes])
    )
  })

  it('S1-49 out of an index of sitemaps, packed or plain; one that fails is told of', async () => {
    const index = ['a.xml.gz', 'b.txt', 'missing.xml', 'loop.xml'].map(name => `<sitemap><loc>${blog.url(name)}</loc></sitemap>`).join('')
    const document = { body: `<sitemapindex>${index}</sitemapindex>` }
    blog.net.set(SITEMAP, document)
    blog.net.set(blog.url('loop.xml'), document)
    blog.net.set(blog.url('a.xml.gz'), { body: gzipSync(`<urlset><url><loc>${blog.url('posts/a')}</loc></url></urlset>`) })
    blog.net.set(blog.url('b.txt'), { body: `${blog.url('posts/b')}\nhttps://evil.example/posts/c\n` })
    const failed: string[] = []
    assert.deepEqual(await run({}, { failed: (url: string) => failed.push(url) }), { found: 2, handled: 2, new: 2, known: 0 })
    assert.deepEqual(failed, [blog.url('missing.xml')])
    assert.equal(blog.net.requests().filter(one => one.endsWith('loop.xml')).length, 1)
  })

  it('X27 no more than 50 sitemaps of one run', async () => {
    const index = Array.from({ length: 80 }, (_, n) => `<sitemap><loc>${blog.url(`s${n}.txt`)}</loc></sitemap>`).join('')
    blog.net.set(SITEMAP, { body: `<sitemapindex>${index}</sitemapindex>` })
    for (let n = 0; n < 80; n++) blog.net.set(blog.url(`s${n}.txt`), { body: blog.url(`posts/${n}`) })
    assert.equal((await run()).found, 49)
  })

  it('6.1 go on where a run was cut off, 500 at a time, and tell how far it is', async () => {
    blog.sitemap(paths(1200))
    let commits = 0
    const cut: Tools['transaction'] = work => {
      if (++commits > 2) throw new Error('cut off')
      return blog.tools.transaction(work)
    }
    const toot = { visibility: 'unlisted', pace: 60 } as const
    await assert.rejects(run({ toot }, {}, { ...blog.tools, transaction: cut }), /cut off/)
    assert.deepEqual(await states(), { wanted: 1000 })
    const steps: number[][] = []
    const progress = (...step: number[]) => void steps.push(step)
    assert.deepEqual(await run({ toot }, { progress }), { found: 1200, handled: 1200, new: 200, known: 1000 })
    assert.deepEqual(steps, [
      [500, 1200, 0],
      [1000, 1200, 0],
      [1200, 1200, 0]
    ])
    const last = await blog.tools.toots.find('blog.example/posts/1199')
    assert.equal((last!.dueAt!.getTime() - blog.time.now) / 60_000, 1199)
  })

  it('6.1 are only counted and listed by a dry run', async () => {
    blog.sitemap(['posts/1', 'tags/x'])
    const matched: string[] = []
    assert.deepEqual(await run({ dryRun: true }, { matched: (url: string) => matched.push(url) }), {
      found: 2,
      handled: 1,
      new: 1,
      known: 0
    })
    assert.deepEqual([matched, await blog.count('pages'), await blog.count('toots')], [[blog.url('posts/1')], 0, 0])
  })

  it('S1-49 come out of a feed and its older pages as well', async () => {
    const next = (path: string) => `<atom:link rel="next" href="${blog.url(path)}"/>`
    blog.feed([{ path: 'posts/1' }, { path: 'tags/x' }], next('page2'))
    blog.net.set(blog.url('page2'), { body: blog.rss([{ path: 'posts/2' }], next('page3')) })
    blog.net.set(blog.url('page3'), { body: blog.rss([{ path: 'posts/3' }], next('feed.xml')) })
    assert.deepEqual(await importFeed(blog.tools, blog.account, blog.url('feed.xml')), { found: 4, handled: 3, new: 3, known: 0 })
    blog.net.set(blog.url('page2'), { status: 500 })
    const failed: string[] = []
    await importFeed(blog.tools, blog.account, blog.url('feed.xml'), {}, { failed: url => void failed.push(url) })
    assert.deepEqual(failed, [blog.url('page2')])
  })

  it('6.1 are not imported from what is no sitemap, nor for an account without a blog, nor tooted without a server', async () => {
    blog.net.set(SITEMAP, { status: 404 })
    await assert.rejects(run(), Missing)
    blog.net.set(SITEMAP, { status: 500 })
    await assert.rejects(run(), Unreachable)
    blog.net.set(SITEMAP, { body: '<html></html>' })
    await assert.rejects(run(), BadMessage)
    await assert.rejects(importSitemap(blog.tools, blog.account, 'nonsense'), BadMessage)
    const other = await startBlog()
    try {
      await assert.rejects(importSitemap(other.tools, other.account, SITEMAP), /has no blog/)
      await other.open()
      const options = { toot: { visibility: 'unlisted', pace: 1 } } as const
      await assert.rejects(importSitemap(other.tools, other.account, SITEMAP, options), Refused)
    } finally {
      await other.close()
    }
  })
})
