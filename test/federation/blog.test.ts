/** The blog of an account: what is found from its address, and which pages are posts of it (requirements S1, journey 6.1). */
import assert from 'node:assert/strict'
import { addAccount, removeAccount } from '../../src/federation/accounts.ts'
import { findBlog, findHandled, readBlogNow, setBlog } from '../../src/federation/blog.ts'
import { follow, unfollow } from '../../src/federation/follow.ts'
import { BadMessage, Missing, Refused, Unreachable } from '../../src/model/errors.ts'
import { BLOG, type BlogNode, DAY, HOUR, MINUTE, startBlog } from '../support/written-blog.ts'

const code = (name: string) => (error: unknown) => error instanceof BadMessage && error.code === name

describe('the blog of an account', () => {
  let blog: BlogNode
  before(async () => {
    blog = await startBlog()
  })
  after(() => blog.close())
  beforeEach(async () => {
    await blog.clear()
    blog.pass(HOUR)
  })
  const row = async () => (await blog.tools.blogs.find(blog.account.id))!
  const subscription = async () => (await blog.tools.subscriptions.byActor(blog.account.id))[0]

  describe('is found from its address', () => {
    it('6.1 with title, icon, language, feed and sitemap, and its feed is subscribed to', async () => {
      await blog.open([{ path: 'a', date: blog.date(-DAY) }])
      const { error, feedUrl, icon, language, sitemapUrl, title } = await row()
      assert.deepEqual(
        [title, icon, language, feedUrl, sitemapUrl, error],
        ['The blog', `${BLOG}i.png`, 'en', `${BLOG}feed.xml`, `${BLOG}sitemap.xml`, undefined]
      )
      const { actorId, state, url } = (await subscription())!
      assert.deepEqual([actorId, state, url], [blog.account.id, 'polling', `${BLOG}feed.xml`])
      assert.equal((await row()).findAt!.getTime() - blog.time.now, DAY)
    })

    it('by the feed that it names first: Atom before RSS, and comments last', async () => {
      blog.write([])
      const link = (type: string, href: string) => `<link rel="alternate" type="application/${type}+xml" href="${href}">`
      blog.page('', link('atom', '/comments/feed/') + link('rss', '/rss') + link('atom', '/atom'))
      for (const name of ['rss', 'atom', 'comments/feed/']) blog.net.set(blog.url(name), { body: blog.rss([]) })
      await setBlog(blog.tools, blog.account, BLOG)
      assert.equal((await blog.find()).feedUrl, blog.url('atom'))
    })

    it('by the usual places when it names none, and by robots.txt', async () => {
      blog.write([])
      blog.page('')
      for (const path of ['feed.xml', 'sitemap.xml']) blog.net.set(blog.url(path), { status: 404 })
      blog.net.set(blog.url('index.xml'), { body: blog.rss([]) })
      blog.net.set(blog.url('robots.txt'), {
        body: `User-agent: *\nSitemap: https://other.example/s.xml\nsitemap: ${blog.url('map.txt')}\n`
      })
      blog.net.set(blog.url('map.txt'), { body: `${blog.url('one')}\n` })
      await setBlog(blog.tools, blog.account, BLOG)
      const found = await blog.find()
      assert.deepEqual([found.feedUrl, found.sitemapUrl], [blog.url('index.xml'), blog.url('map.txt')])
      blog.net.set(blog.url('robots.txt'), { status: 404 })
    })

    it('W14 or it is told what is missing, and looked for again after an hour', async () => {
      blog.write([])
      blog.page('')
      for (const path of ['feed', 'feed.xml', 'atom.xml', 'index.xml', 'rss.xml', 'sitemap.xml'])
        blog.net.set(blog.url(path), { status: 404 })
      await setBlog(blog.tools, blog.account, BLOG)
      const found = await blog.find()
      assert.match(found.error!, /No feed was found/)
      assert.equal(found.findAt!.getTime() - blog.time.now, HOUR)
      await assert.rejects(readBlogNow(blog.tools, blog.account.id), Missing)
      blog.page('', '', { status: 500 })
      await assert.rejects(blog.find(), Unreachable)
      assert.match((await row()).error!, /answered 500/)
      blog.net.set(BLOG, { error: new Unreachable('no answer') })
      await assert.rejects(blog.find(), Unreachable)
      blog.net.set(BLOG, { status: 404 })
      await assert.rejects(blog.find(), Missing)
    })

    it('and when it is looked for again, what is there is left alone', async () => {
      await blog.open([{ path: 'a', date: blog.date(-DAY) }])
      const before = await subscription()
      blog.pass(DAY)
      await blog.find()
      assert.deepEqual(await subscription(), before)
      assert.deepEqual([(await blog.posts()).length, await blog.told()], [1, []])
    })

    it('and another blog takes its place: the feed before is read no more', async () => {
      await blog.open([{ path: 'a' }])
      blog.net.set('https://new.example/', { body: '<link rel="alternate" type="application/rss+xml" href="/f">' })
      blog.net.set('https://new.example/f', { body: '<rss version="2.0"><channel><title>new</title></channel></rss>' })
      await setBlog(blog.tools, blog.account, 'https://new.example/')
      await blog.work()
      const states = (await blog.tools.subscriptions.byActor(blog.account.id)).map(({ state, url }) => [url, state])
      assert.deepEqual(states, [
        [`${BLOG}feed.xml`, 'ended'],
        ['https://new.example/f', 'polling']
      ])
      await setBlog(blog.tools, blog.account, 'https://new.example/')
      assert.equal((await row()).feedUrl, 'https://new.example/f')
    })

    it('S1-33 every account may have one, but not the same; a removed one has none', async () => {
      const other = await addAccount(blog.tools, `other${blog.time.now}`, { blog: 'https://second.example/' })
      assert.equal((await blog.tools.blogs.find(other.id))?.url, 'https://second.example/')
      await blog.open([])
      await assert.rejects(setBlog(blog.tools, other, BLOG), (error: unknown) => error instanceof Refused && error.status === 409)
      await assert.rejects(setBlog(blog.tools, other, 'javascript:alert(1)'), code('no_url'))
      // the same feed by another address
      blog.net.set('https://second.example/', { body: `<link rel="alternate" type="application/rss+xml" href="${BLOG}feed.xml">` })
      await assert.rejects(findBlog(blog.tools, other.id), /belongs to the account blog/)
      await removeAccount(blog.tools, other.localName)
      assert.equal(await blog.tools.blogs.find(other.id), undefined)
      await assert.rejects(findBlog(blog.tools, other.id), Missing)
    })

    it('asks the hub that the feed names, and is pushed what is new', async () => {
      const hub = '<atom:link rel="hub" href="https://hub.example/"/><atom:link rel="self" href="https://blog.example/feed.xml"/>'
      blog.net.set('POST https://hub.example/', { status: 202 })
      blog.write([], hub)
      await setBlog(blog.tools, blog.account, BLOG)
      await blog.work()
      await blog.verify()
      assert.equal((await subscription())?.state, 'active')
      blog.page('pushed', '')
      await blog.push(blog.rss([{ path: 'pushed', date: blog.date() }], hub))
      assert.deepEqual([(await blog.posts()).map(({ url }) => url), await blog.told()], [[blog.url('pushed')], ['post']])
    })

    it('its feed stays ours when somebody here follows and leaves the account, or the feed', async () => {
      await blog.open([{ path: 'a', date: blog.date(-DAY) }])
      const reader = await addAccount(blog.tools, `reader${blog.time.now}`)
      await follow(blog.tools, `${BLOG}feed.xml`, { as: reader })
      assert.deepEqual(
        (await blog.tools.follows.following(reader.id)).map(({ actor }) => actor.localName),
        ['blog']
      )
      await unfollow(blog.tools, blog.account, reader)
      assert.deepEqual([(await subscription())?.state, (await subscription())?.actorId], ['polling', blog.account.id])
    })
  })

  describe('whose posts are', () => {
    it('S1-43 no_url without an address, or one that is none', async () => {
      for (const raw of ['', 'x', 'javascript:alert(1)', 'ftp://blog.example/a', `https://blog.example/${'x'.repeat(2048)}`])
        await assert.rejects(findHandled(blog.tools, raw), code('no_url'))
    })

    it('S1-44 S1-48 X39 not handled when neither feed nor sitemap names them, nor the front page, nor another host', async () => {
      await blog.open([{ path: 'a', date: blog.date(-DAY) }])
      blog.sitemap(['a', 'b', ''])
      await blog.find()
      for (const path of ['a', 'a?utm_source=x', 'a?x=1', 'a#top', 'http://blog.example/a'])
        assert.equal((await findHandled(blog.tools, blog.url(path))).key, 'blog.example/a')
      assert.equal((await findHandled(blog.tools, blog.url('b'))).key, 'blog.example/b')
      for (const address of [
        BLOG,
        blog.url('tags/x'),
        'https://evil.example/?https://blog.example/a',
        'https://blog.example.evil.example/a'
      ])
        await assert.rejects(findHandled(blog.tools, address), code('not_handled'))
      const why = async (address: string) => findHandled(blog.tools, address).catch(error => error.message)
      assert.match(await why(BLOG), /front page/)
      assert.match(await why(blog.url('tags/x')), /neither its feed nor its sitemap/)
      assert.match(await why('https://evil.example/'), /not lie on a blog/)
    })

    it('found at the first visit when they are new: feed and sitemap are read again, once a minute', async () => {
      await blog.open([])
      await assert.rejects(findHandled(blog.tools, blog.url('new')), code('not_handled'))
      const asked = () => blog.net.requests().filter(one => one.endsWith('feed.xml')).length
      const before = asked()
      blog.write([{ path: 'new', date: blog.date() }])
      blog.sitemap(['new', 'only-in-sitemap'])
      await assert.rejects(findHandled(blog.tools, blog.url('new')), code('not_handled'))
      assert.equal(asked(), before)
      blog.pass(MINUTE)
      const found = await Promise.all(['new', 'only-in-sitemap', 'new'].map(path => findHandled(blog.tools, blog.url(path))))
      assert.deepEqual([found.map(({ url }) => url), asked()], [['new', 'only-in-sitemap', 'new'].map(blog.url), before + 1])
    })

    it('looked for by http or https as the blog has it', async () => {
      await blog.open([{ path: 'a', date: blog.date(-DAY) }])
      assert.equal((await findHandled(blog.tools, 'http://blog.example/a')).url, blog.url('a'))
    })

    it('not known while the blog does not answer', async () => {
      await blog.open([])
      blog.feed([], '', { error: new Unreachable('no answer') })
      blog.pass(MINUTE)
      await assert.rejects(
        findHandled(blog.tools, blog.url('new')),
        (error: unknown) => error instanceof Unreachable && error.code === 'blog' && /does not answer/.test(error.message)
      )
    })

    it('told from the sitemap even when the feed fails', async () => {
      await blog.open([])
      blog.feed([], '', { status: 500 })
      blog.sitemap(['late'])
      assert.equal((await findHandled(blog.tools, blog.url('late'))).account.id, blog.account.id)
    })

    it('none without a blog', async () => {
      await assert.rejects(findHandled(blog.tools, blog.url('a')), code('not_handled'))
    })
  })

  describe('with a pattern', () => {
    let second: BlogNode
    before(async () => {
      second = await startBlog({ BLOG_POST_PATTERN: '^https://blog.example/geek/blog/\\d+/\\d+/[^/]+' })
    })
    after(() => second.close())

    it('S1-38 S1-47 T7 are what it takes, without any blog, and nothing else', async () => {
      const url = second.url('geek/blog/2026/01/one')
      assert.deepEqual(await findHandled(second.tools, `${url}?x=1#y`), {
        account: second.account,
        url: `${url}?x=1`,
        key: 'blog.example/geek/blog/2026/01/one?x=1'
      })
      assert.equal((await findHandled(second.tools, url.replace('https', 'http'))).url, url)
      await assert.rejects(findHandled(second.tools, second.url('geek/tags/')), /BLOG_POST_PATTERN does not take/)
      for (const other of [second.url('geek/tags/'), `https://evil.example/?${url}`, `https://blog.example@evil.example/geek/blog/1/1/a`])
        await assert.rejects(findHandled(second.tools, other), code('not_handled'))
      assert.deepEqual(second.net.requests(), [])
    })

    it('S1-47 counts for the feed too: what it does not take is published, and not tooted', async () => {
      await second.open([])
      second.write([
        { path: 'geek/blog/2026/01/two', date: second.date() },
        { path: 'notes/three', date: second.date() }
      ])
      await second.tools.connections.keep({
        ...{ accountId: second.account.id, host: 'https://m.example', token: 't', state: 'ok', connectedAt: second.date() }
      })
      await second.poll()
      assert.deepEqual([(await second.posts()).length, await second.count('toots')], [2, 1])
    })
  })
})
