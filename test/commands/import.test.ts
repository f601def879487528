/** The blog by commands: `import`, `publish`, `account blog`, and BLOG_URL at the start (journeys 6.1 and 6.2). */
import assert from 'node:assert/strict'
import { WrongUsage } from '../../src/commands/command.ts'
import { prepareNode } from '../../src/commands/first-start.ts'
import { type } from '../support/commands.ts'
import { BLOG, type BlogNode, HOUR, startBlog } from '../support/written-blog.ts'

describe('the commands of a blog', () => {
  let blog: BlogNode
  before(async () => {
    blog = await startBlog({ DRY_RUN: 'on' })
  })
  after(() => blog.close())
  beforeEach(async () => {
    await blog.clear()
    blog.pass(HOUR)
  })
  const typed = (line: string) => type(blog.tools, line)

  it('S1-49 6.1 import a sitemap, and say what came of it; --json has an object and nothing else', async () => {
    await blog.open()
    blog.sitemap(['a', 'b', 'c'])
    const dry = await typed(`import sitemap ${BLOG}sitemap.xml --dry-run`)
    assert.deepEqual(dry.printed.slice(0, 3), ['a', 'b', 'c'].map(blog.url))
    assert.equal(dry.printed[3], '3 addresses, 3 of them posts: 3 would be marked as old, 0 known before.')
    const real = await typed(`import sitemap ${BLOG}sitemap.xml --json --as blog`)
    assert.deepEqual([real.json, real.progress], [[{ found: 3, handled: 3, new: 3, known: 0, dry_run: false }], []])
    assert.equal(
      (await typed(`import sitemap ${BLOG}sitemap.xml`)).printed[0],
      '3 addresses, 3 of them posts: 0 marked as old, 3 known before.'
    )
  })

  it('6.1 show a bar on a terminal, and none with --json', async () => {
    await blog.open()
    blog.sitemap(['a', 'b'])
    const { isTTY, write } = process.stderr
    const shown: string[] = []
    try {
      process.stderr.isTTY = true
      process.stderr.write = (text: string | Uint8Array) => shown.push(String(text)) > 0
      await typed(`import sitemap ${BLOG}sitemap.xml --json`)
      assert.deepEqual(shown, [])
      await typed(`import sitemap ${BLOG}sitemap.xml`)
    } finally {
      Object.assign(process.stderr, { isTTY, write })
    }
    assert.match(shown.join(''), /2 of 2 posts, 0 sitemaps left/)
  })

  it('S1-51 import a feed, and toot what is in it little by little', async () => {
    await blog.open()
    blog.feed([{ path: 'a' }, { path: 'b' }])
    const { printed } = await typed(`import feed ${BLOG}feed.xml --toot unlisted --pace 2`)
    assert.deepEqual(printed, ['2 addresses, 2 of them posts: 2 to be tooted unlisted, 2 an hour, 0 known before.'])
    assert.deepEqual(await blog.tools.toots.counts(blog.account.id), { wanted: 2 })
  })

  it('6.1 tell of a wrong pace or visibility, and of what cannot be read', async () => {
    await blog.open()
    for (const options of ['--pace 3', '--toot direct', '--toot unlisted --pace 0', '--toot unlisted --pace x'])
      assert.equal((await typed(`import feed ${BLOG}feed.xml ${options}`)).code, 2)
    blog.net.set(blog.url('sitemap.xml'), { body: `<sitemapindex><sitemap><loc>${BLOG}lost.xml</loc></sitemap></sitemapindex>` })
    assert.deepEqual((await typed(`import sitemap ${BLOG}sitemap.xml`)).progress, [`${BLOG}lost.xml: The sitemap answered 404.`])
    const missing = await typed(`import sitemap ${BLOG}none.xml --json`)
    assert.deepEqual([missing.code, missing.json], [1, [{ error: 'The sitemap answered 404.', code: 'not_found' }]])
    await assert.rejects(typed('import sitemap'), WrongUsage)
  })

  it('W12 publish a page of the blog, or read its feed', async () => {
    assert.match((await typed('publish')).complaints[0]!, /There is no blog/)
    blog.page('', '', { status: 404 })
    const given = await typed(`account blog blog ${BLOG} --json`)
    assert.deepEqual(given.json, [
      { ...{ name: 'blog', blog: BLOG, title: null, feed: null, sitemap: null }, error: `The blog ${BLOG} answered 404.` }
    ])
    blog.write([])
    await blog.work()
    blog.write([{ path: 'one', date: blog.date() }])
    const published = await typed(`publish ${BLOG}one --json`)
    const [post] = await blog.posts()
    assert.deepEqual([published.json[0]!.url, published.json[0]!.post, published.json[0]!.state], [`${BLOG}one`, post!.uri, 'new'])
    blog.pass(1000)
    assert.equal(
      (await typed(`publish ${BLOG}one`)).printed[0],
      `${BLOG}one was published before: ${post!.uri}; its toot waits, and is made by the node`
    )
    blog.write([{ path: 'one', title: 'Changed', date: blog.date() }])
    assert.match((await typed(`publish ${BLOG}one`)).printed[0]!, /one was changed: /)
    assert.deepEqual((await typed('publish')).printed, [`The feed of ${BLOG} was read for blog.`])
    blog.feed([], '', { status: 503 })
    const failed = await typed('publish --as blog --json')
    assert.deepEqual([failed.code, failed.json[0]!.code], [1, 'unreachable'])
    assert.equal((await typed(`publish ${BLOG}one --text x`)).code, 2)
    assert.equal((await typed('publish https://evil.example/')).code, 1)
  })

  it('W14 show what was found of a blog, when it is looked at, and what became of its posts', async () => {
    assert.match((await typed('blog')).complaints[0]!, /There is no blog/)
    blog.write([{ path: 'a', date: blog.date(-HOUR) }])
    const { printed } = await typed(`account blog blog ${BLOG}`)
    assert.deepEqual(printed, [`${BLOG} is the blog of blog.`, `Found: “The blog”, feed ${BLOG}feed.xml, sitemap ${BLOG}sitemap.xml.`])
    await blog.tools.toots.markOld([{ key: 'blog.example/a', url: `${BLOG}a`, accountId: blog.account.id }], blog.date())
    const [object] = (await typed('blog blog --json')).json
    assert.deepEqual(
      { ...object, feed_read: '', next_read: '' },
      {
        ...{ account: 'blog', blog: BLOG, title: 'The blog', feed: `${BLOG}feed.xml`, sitemap: `${BLOG}sitemap.xml`, error: null },
        ...{
          looked_for: blog.date().toISOString(),
          next_look: blog.date(24 * HOUR).toISOString(),
          sitemap_read: blog.date().toISOString()
        },
        ...{ feed_read: '', next_read: '', feed_error: null, entries: 1, toots: { old: 1 }, edits: 0 }
      }
    )
    assert.ok(typeof object!.next_read === 'string')
    const lines = (await typed('blog')).printed.join('\n')
    for (const part of [
      'blog\n',
      `feed        ${BLOG}feed.xml`,
      'looked for  2026-01-',
      'error       -',
      'posts       1',
      '1 old posts without one'
    ])
      assert.ok(lines.includes(part), lines)
    blog.page('', '', { status: 500 })
    await assert.rejects(blog.find())
    assert.match((await typed('blog')).printed.join('\n'), /error {7}The blog .* answered 500/)
  })

  it('S1-49 publish --toot wants the toot of a post that was marked as old', async () => {
    await blog.open([{ path: 'a' }])
    blog.sitemap(['a'])
    await typed(`import sitemap ${BLOG}sitemap.xml`)
    assert.match((await typed(`publish ${BLOG}a`)).printed[0]!, /it is an old post and gets no toot/)
    assert.match((await typed(`publish ${BLOG}a --toot`)).printed[0]!, /its toot waits/)
    assert.equal((await typed('publish --toot')).code, 2)
  })

  it('S1-9 6.1 take BLOG_URL that was set later; one that cannot be used does not stop the node', async () => {
    const start = (blogUrl: string) => prepareNode({ ...blog.tools, config: { ...blog.tools.config, blogUrl } })
    const now = async () => (await blog.tools.blogs.find(blog.account.id))?.url
    await start(BLOG)
    assert.equal(await now(), BLOG)
    await start('https://other.example/')
    assert.equal(await now(), 'https://other.example/')
    await start('https://other.example/')
    await start(`https://x.example/${'x'.repeat(3000)}`)
    assert.equal(await now(), 'https://other.example/')
  })
})
