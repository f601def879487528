/** Whether the pages of posts are still there (requirements W18). */
import assert from 'node:assert/strict'
import { checkPage } from '../../src/federation/check-page.ts'
import { lookAtPage } from '../../src/federation/look-at-page.ts'
import { takePage } from '../../src/federation/take-entry.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { type BlogNode, DAY, HOUR, type Item, startBlog } from '../support/written-blog.ts'

const KEY = 'blog.example/p'

describe('the page of a post', () => {
  let blog: BlogNode
  let item: Item
  before(async () => {
    blog = await startBlog()
  })
  after(() => blog.close())
  beforeEach(async () => {
    await blog.clear()
    blog.pass(HOUR)
    await blog.open()
    item = { path: 'p', date: blog.date() }
    blog.write([item])
    await blog.poll()
  })

  const entry = async () => (await blog.tools.blogs.findEntry(KEY))!
  const check = () => checkPage(blog.tools, KEY)
  const dueIn = async () => ((await entry()).checkAt!.getTime() - blog.time.now) / DAY
  const answer = (status: number) => blog.net.set(blog.url('p'), { status })
  const isDead = async () => (await blog.posts())[0]?.deletedAt !== undefined

  it('W18 is looked at after a day, and more and more seldom, once a month at least', async () => {
    assert.equal(await dueIn(), 1)
    const pauses: number[] = []
    for (const days of [1, 7, 60, 400]) {
      blog.pass(days * DAY)
      await check()
      pauses.push(await dueIn())
    }
    assert.deepEqual(pauses, [1, 2, 17, 30])
    assert.equal(await isDead(), false)
  })

  it('W18 means that the post is deleted when it is gone twice, a day apart', async () => {
    answer(404)
    await check()
    assert.deepEqual([await isDead(), (await entry()).missingAt, await dueIn()], [false, blog.date(), 1])
    blog.pass(22 * HOUR)
    await check()
    assert.equal(await isDead(), false)
    blog.pass(2 * HOUR)
    answer(410)
    await check()
    assert.deepEqual([await isDead(), await blog.told(), (await entry()).checkAt], [true, ['post', 'delete'], undefined])
    await check()
    assert.deepEqual(await blog.told(), ['post', 'delete'])
  })

  it('W18 not when it was there in between, nor when it fails in another way', async () => {
    for (const status of [404, 200, 404, 500, 503, 403]) {
      answer(status)
      await check()
      blog.pass(12 * HOUR)
    }
    blog.net.set(blog.url('p'), { error: new Unreachable('no answer') })
    await check()
    assert.deepEqual([await isDead(), await dueIn()], [false, 0.25])
  })

  it('W18 not while the whole blog is away', async () => {
    answer(404)
    await check()
    blog.pass(DAY)
    blog.page('', '', { status: 404 })
    await check()
    assert.deepEqual([await isDead(), await dueIn()], [false, 1])
    blog.net.set(blog.url(''), { error: new Unreachable('no answer') })
    await check()
    assert.equal(await isDead(), false)
    blog.page('')
    await check()
    assert.equal(await isDead(), true)
  })

  it('W18 takes a toot back that was not made yet', async () => {
    const { accountId, key, url } = await entry()
    await blog.tools.toots.want([{ accountId, key, url, dueAt: blog.date() }], blog.date())
    answer(404)
    await check()
    blog.pass(DAY)
    await check()
    assert.equal((await blog.tools.toots.find(key))?.dueAt, undefined)
  })

  it('W18 is looked at soon when it vanished from the middle of the feed', async () => {
    blog.pass(HOUR)
    const newer = { path: 'newer', date: blog.date() }
    const older = { path: 'older', date: blog.date(-5 * DAY) }
    blog.write([newer, item, older])
    await blog.poll()
    assert.ok((await dueIn()) > 0.9)
    // at the end of a feed entries drop out of themselves
    blog.write([newer, item])
    await blog.poll()
    assert.ok((await blog.tools.blogs.findEntry('blog.example/older'))!.checkAt! > blog.date())
    blog.write([newer, older])
    answer(404)
    await blog.poll()
    assert.equal(await dueIn(), 0)
    for (const key of await blog.tools.blogs.takeChecks(blog.date(), blog.date(HOUR), 10)) await checkPage(blog.tools, key)
    assert.deepEqual((await entry()).missingAt, blog.date())
  })

  it('W16 tells an edit itself when no feed does', async () => {
    const article = '<meta property="og:type" content="article">'
    blog.page('q', `<title>Before</title>${article}`)
    const handled = { account: blog.account, url: blog.url('q'), key: 'blog.example/q' }
    const { post } = await takePage(blog.tools, blog.account, await lookAtPage(blog.tools, handled))
    blog.page('q', `<title>After</title>${article}`)
    blog.pass(DAY)
    await checkPage(blog.tools, 'blog.example/q')
    assert.deepEqual([(await blog.tools.history.find(post.id))?.title, await blog.told()], ['After', ['post', 'post', 'update']])
  })

  it('is forgotten with its account or its entry', async () => {
    await checkPage(blog.tools, 'blog.example/unknown')
    await blog.tools.blogs.remove(blog.account.id)
    await check()
    assert.equal((await entry()).checkAt, undefined)
  })
})
