/** A blog's post becomes one post, whatever tells it (requirements W15 to W22, issue "Entries in" and "Out"). */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { findHandled } from '../../src/federation/blog.ts'
import { lookAtPage } from '../../src/federation/look-at-page.ts'
import { publishPage } from '../../src/federation/publish-page.ts'
import { type Taken, takePage } from '../../src/federation/take-entry.ts'
import type { Connection } from '../../src/model/blog.ts'
import { escapeXml } from '../../src/protocol/xml.ts'
import { type BlogNode, DAY, HOUR, type Item, MINUTE, startBlog } from '../support/written-blog.ts'

describe('a post of a blog', () => {
  let blog: BlogNode
  before(async () => {
    blog = await startBlog()
  })
  after(() => blog.close())
  beforeEach(async () => {
    await blog.clear()
    await blog.tools.connections.remove(blog.account.id)
    blog.pass(HOUR)
  })

  const connect = () => {
    const connection: Connection = {
      accountId: blog.account.id,
      host: 'https://m.example',
      token: 't',
      state: 'ok',
      connectedAt: blog.date()
    }
    return blog.tools.connections.keep(connection)
  }
  /** A visitor's script asks for it. */
  const visit = async (path: string): Promise<Taken> => {
    const handled = await findHandled(blog.tools, blog.url(path))
    return takePage(blog.tools, handled.account, await lookAtPage(blog.tools, handled))
  }
  const toot = (path: string) => blog.tools.toots.find(`blog.example/${path}`)
  const only = async () => {
    const posts = await blog.posts()
    assert.equal(posts.length, 1)
    return posts[0]!
  }
  const say = async (items: Item[]) => {
    blog.write(items)
    await blog.poll()
  }

  describe('is new', () => {
    it('W12 and published: an article with a URI of its own, told to everybody, tooted if there is somewhere to toot', async () => {
      await blog.open()
      await connect()
      const html = '<p onclick="x()">Hello <script>alert(1)</script><img src="/p.png" alt="A dog"></p>'
      await say([{ path: 'one', title: 'One', html, date: blog.date(-MINUTE), tags: ['Go'] }])
      const post = await only()
      assert.match(post.uri, /^https:\/\/node\.example\/users\/blog\/posts\/[^/]+$/)
      assert.deepEqual(
        [post.url, post.kind, post.title, post.html, post.tags, post.language, post.publishedAt, post.visibility],
        [blog.url('one'), 'article', 'One', '<p>Hello </p>', ['go'], 'en', blog.date(-MINUTE), 'public']
      )
      assert.deepEqual(post.enclosures, [{ url: blog.url('p.png'), type: 'image/png', title: 'A dog' }])
      assert.deepEqual(await blog.told(), ['post'])
      const { dueAt, state } = (await toot('one'))!
      assert.deepEqual([state, dueAt], ['wanted', blog.date()])
    })

    it('W16 and history in the first reading, or when it is older than a week: nobody is told, nothing tooted', async () => {
      await connect()
      await blog.open([
        { path: 'old', date: blog.date(-400 * DAY) },
        { path: 'yesterday', date: blog.date(-DAY) }
      ])
      await say([{ path: 'found-later', date: blog.date(-8 * DAY) }])
      assert.deepEqual(
        (await blog.posts()).map(post => post.url),
        ['yesterday', 'found-later', 'old'].map(blog.url)
      )
      assert.deepEqual([await blog.told(), await blog.count('toots')], [[], 0])
      const sorted = (await blog.tools.timelines.feed(blog.account.id, undefined, 10)).map(post => post.url)
      assert.deepEqual(sorted, ['yesterday', 'found-later', 'old'].map(blog.url))
    })

    it('W12 and news in the first reading too when it is dated after the account got its blog', async () => {
      blog.write([])
      const { setBlog } = await import('../../src/federation/blog.ts')
      await setBlog(blog.tools, blog.account, 'https://blog.example/')
      blog.pass(MINUTE)
      blog.write([{ path: 'meanwhile', date: blog.date() }])
      await blog.work()
      assert.deepEqual(await blog.told(), ['post'])
    })

    it('W19 told after PUBLISH_DELAY, and an edit before that is part of it', async () => {
      const slow = await startBlog({ PUBLISH_DELAY: '600', DRY_RUN: 'on' })
      try {
        await slow.open()
        slow.write([{ path: 'a', html: 'tpyo', date: slow.date() }])
        await slow.poll()
        const { jobsSchema } = await import('../../src/store/migrations.ts')
        const [job] = await slow.knex(`${jobsSchema}.job`).where({ name: 'post.announce' })
        assert.equal(job.start_after.getTime(), slow.time.now + 600_000)
        assert.deepEqual((await slow.tools.toots.find('blog.example/a'))?.dueAt, slow.date(600_000))
        slow.write([{ path: 'a', html: 'typo', date: slow.date() }])
        await slow.poll()
        assert.deepEqual(await slow.told(), ['post'])
        slow.pass(601_000)
        slow.write([{ path: 'a', html: 'changed', date: slow.date(-601_000) }])
        await slow.poll()
        assert.deepEqual(await slow.told(), ['post', 'update'])
      } finally {
        await slow.close()
      }
    })

    it('S1-40 W21 and what the feed leaves out comes from the page: tags, picture with its text, language', async () => {
      await blog.open()
      blog.feed([{ path: 'p', date: blog.date() }])
      blog.page(
        'p',
        '<meta name="keywords" content="A, b c"><meta property="og:image" content="/x.webp"><meta property="og:image:alt" content="X">'
      )
      await blog.poll()
      const { enclosures, language, tags } = await only()
      assert.deepEqual([tags, language, enclosures], [['a', 'b c'], 'en', [{ url: blog.url('x.webp'), type: 'image/webp', title: 'X' }]])
    })

    it('W12 even when its page cannot be had; a draft by its page is published since the feed has it, but not tooted', async () => {
      await blog.open()
      await connect()
      blog.feed([
        { path: 'missing', date: blog.date() },
        { path: 'noindex', date: blog.date() }
      ])
      blog.net.set(blog.url('missing'), { status: 500 })
      blog.page('noindex', '<meta name="robots" content="noindex">')
      await blog.poll()
      assert.equal((await blog.posts()).length, 2)
      assert.deepEqual([await blog.told(), (await toot('missing'))?.state, await toot('noindex')], [['post', 'post'], 'wanted', undefined])
    })

    it('T7 but not when it is on another host, nor the front page, nor without an address', async () => {
      await blog.open()
      const item = (body: string) => `<item>${body}</item>`
      const more =
        item('<title>off</title><link>https://evil.example/x</link>') +
        item('<title>none</title><description>x</description>') +
        item(`<title>home</title><link>${blog.url('')}</link>`) +
        item(`<title>by guid</title><link>https://elsewhere.example/linked</link><guid>${blog.url('linkblog')}</guid>`)
      blog.net.set(blog.url('feed.xml'), { body: `<rss version="2.0"><channel><title>b</title>${more}</channel></rss>` })
      await blog.poll()
      assert.equal((await only()).url, blog.url('linkblog'))
    })

    it('W24 a hostile feed: the same id everywhere, dates in the future, thousands of tags, nothing breaks', async () => {
      await blog.open()
      const many = Array.from({ length: 12 }, (_, n) => `tag${n}`).map(tag => tag.repeat(40))
      await say([
        { path: 'h1', guid: 'same', date: blog.date(), tags: many, title: 'x'.repeat(900) },
        { path: 'h2', guid: 'same', date: blog.date(300 * DAY) },
        { path: 'h3', guid: 'ü'.repeat(1500) }
      ])
      const posts = await blog.posts()
      assert.deepEqual(posts.map(({ url }) => url).sort(), ['h1', 'h2', 'h3'].map(blog.url))
      assert.ok(posts.every(({ publishedAt }) => publishedAt <= blog.date()))
      assert.equal(posts.find(({ url }) => url === blog.url('h1'))?.title?.length, 500)
    })
  })

  describe('changes', () => {
    it('W16 W18 into a new version of the same post, told as an update, its toot edited', async () => {
      await blog.open()
      await say([{ path: 'e', title: 'Tpyo', date: blog.date() }])
      const first = await only()
      const key = 'blog.example/e'
      await blog.tools.toots.want([{ key, url: blog.url('e'), accountId: blog.account.id, dueAt: blog.date() }], blog.date())
      await blog.tools.toots.change(key, { state: 'posted', tootId: '1', tootedAt: blog.date() })
      blog.pass(MINUTE)
      await say([{ path: 'e', title: 'Typo', date: first.publishedAt, updated: blog.date(-1000) }])
      const second = await only()
      assert.deepEqual(
        [second.uri, second.title, second.edits, second.publishedAt, second.updatedAt],
        [first.uri, 'Typo', 1, first.publishedAt, blog.date(-1000)]
      )
      assert.deepEqual([await blog.told(), await blog.tools.toots.takeEdits(blog.date(), blog.date(HOUR), 9)], [['post', 'update'], [key]])
    })

    it('W17 not when only its date changed, nor when only its tags did; those are kept all the same', async () => {
      await blog.open()
      await say([{ path: 'd', date: blog.date() }])
      const { updatedAt } = await only()
      blog.pass(HOUR)
      await say([{ path: 'd', date: blog.date(-HOUR), updated: blog.date(), tags: ['new'] }])
      const post = await only()
      assert.deepEqual([post.updatedAt, post.edits, post.tags, await blog.told()], [updatedAt, 0, ['new'], ['post']])
    })

    it('S12 not back to what an older copy of the feed says', async () => {
      await blog.open()
      const date = blog.date()
      const [one, two] = [MINUTE, 2 * MINUTE].map(ms => ({ path: 'd', date, html: `at ${ms}`, updated: blog.date(ms) }))
      blog.pass(HOUR)
      await say([two!])
      await say([one!])
      assert.deepEqual([(await only()).html, await blog.told()], [`at ${2 * MINUTE}`, ['post']])
      // generators that never change the date
      await say([{ ...two!, html: 'again' }])
      assert.equal((await only()).html, 'again')
    })

    it('W18 before the week is over and after, but history is told to nobody', async () => {
      await blog.open([{ path: 'old', date: blog.date(-400 * DAY) }])
      await say([{ path: 'old', html: 'edited', date: blog.date(-400 * DAY) }])
      assert.deepEqual([(await only()).html, await blog.told()], ['edited', []])
    })

    it('W17 its address, and stays the same post: the guid tells; the old address still leads to it', async () => {
      await blog.open()
      await connect()
      const item = { guid: 'g1', title: 'T', html: 'x', date: blog.date() }
      await say([{ ...item, path: 'slug' }])
      const before = await only()
      await say([{ ...item, path: 'better-slug' }])
      const after = await only()
      assert.deepEqual([after.uri, after.url, after.edits, await blog.told()], [before.uri, blog.url('better-slug'), 0, ['post']])
      assert.deepEqual([await toot('slug'), (await toot('better-slug'))?.url], [undefined, blog.url('better-slug')])
      assert.deepEqual(await blog.tools.blogs.findPage(['blog.example/slug']), {
        key: 'blog.example/better-slug',
        accountId: blog.account.id
      })
      blog.net.set(blog.url('slug'), { redirectTo: blog.url('better-slug') })
      assert.equal((await visit('slug')).outcome, 'same')
    })

    it('the page fills gaps of the feed, and never replaces what that told', async () => {
      await blog.open()
      blog.net.set(blog.url('f'), { status: 404 })
      blog.feed([{ path: 'f', title: 'By the feed', html: 'Its text', date: blog.date() }])
      await blog.poll()
      blog.pass(2 * MINUTE)
      blog.page('f', '<title>By the page</title><meta name="description" content="By the page"><meta name="keywords" content="t">')
      assert.equal((await visit('f')).outcome, 'same')
      const { html, language, tags, title } = await only()
      assert.deepEqual([title, html, tags, language], ['By the feed', 'Its text', ['t'], 'en'])
    })

    it('the feed completes what the page announced: one post, and no update for what nobody changed', async () => {
      await blog.open()
      blog.sitemap(['g'])
      await blog.find()
      blog.page('g', '<title>G</title><meta property="og:type" content="article"><meta name="description" content="In short">')
      assert.equal((await visit('g')).outcome, 'new')
      assert.equal((await only()).html, '<p>In short</p>')
      blog.feed([{ path: 'g', title: 'G', html: '<p>At length</p>', date: blog.date() }])
      await blog.poll()
      assert.deepEqual([(await only()).html, await blog.told()], ['<p>At length</p>', ['post']])
      assert.equal((await visit('g')).outcome, 'same')
      assert.equal((await only()).html, '<p>At length</p>')
    })

    it('W16 nor is the toot that the page brought edited when the feed has another title; only when that changes', async () => {
      await blog.open()
      blog.sitemap(['t'])
      await blog.find()
      blog.page('t', '<title>T - The blog</title><meta property="og:type" content="article">')
      const { entry } = await visit('t')
      const { toots } = blog.tools
      await toots.wantNow({ key: entry.key, url: entry.url, accountId: blog.account.id }, blog.date())
      await toots.change(entry.key, { state: 'posted', tootId: '1', tootedAt: blog.date(), titleFrom: 'page' })
      const edits = () => toots.takeEdits(blog.date(), blog.date(HOUR), 9)
      const item = { path: 't', title: 'T', html: '<p>At length</p>', date: blog.date() }
      blog.feed([item])
      await blog.poll()
      assert.deepEqual([(await only()).title, await edits()], ['T', []])
      blog.pass(MINUTE)
      blog.feed([{ ...item, title: 'Tea' }])
      await blog.poll()
      assert.deepEqual(await edits(), ['blog.example/t'])
    })

    it('X41 without what turns the writing round in its title', async () => {
      await blog.open()
      await say([{ path: 'bidi', title: 'Read \u202Etxt.exe\u2069 me', tags: ['a\u202Eb'], date: blog.date() }])
      const { tags, title } = await only()
      assert.deepEqual([title, tags], ['Read txt.exe me', ['ab']])
    })

    it('W18 and once deleted never comes back; RFC 6721 the feed may say so itself', async () => {
      await blog.open()
      const item = { path: 'x', guid: 'urn:x', date: blog.date() }
      await say([item])
      blog.net.set(blog.url('feed.xml'), {
        body:
          `<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"><id>urn:f</id>` +
          `<at:deleted-entry ref="urn:x" when="${blog.date().toISOString()}"/></feed>`
      })
      await blog.poll()
      assert.deepEqual([(await only()).deletedAt, await blog.told()], [blog.date(), ['post', 'delete']])
      await say([{ ...item, html: 'again' }])
      assert.equal((await visit('x')).outcome, 'gone')
      assert.deepEqual([(await only()).html, await blog.told()], ['', ['post', 'delete']])
    })
  })

  describe('is read out of', () => {
    const formats: [string, (url: string, date: string) => string][] = [
      [
        'RSS 2.0',
        (url, date) =>
          `<rss version="2.0"><channel><title>b</title><item><title>T</title><link>${url}</link><guid>${url}</guid><pubDate>${date}</pubDate><description>x &amp;lt;b&amp;gt;</description></item></channel></rss>`
      ],
      [
        'RSS 0.91',
        (url, date) =>
          `<rss version="0.91"><channel><title>b</title><item><title>T</title><link>${url}</link><pubDate>${date}</pubDate><description>x</description></item></channel></rss>`
      ],
      [
        'RSS 1.0',
        (url, date) =>
          `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://blog.example/"><title>b</title><link>https://blog.example/</link></channel><item rdf:about="${url}"><title>T</title><link>${url}</link><dc:date>${new Date(date).toISOString()}</dc:date><description>x</description></item></rdf:RDF>`
      ],
      [
        'Atom',
        (url, date) =>
          `<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:f</id><title>b</title><entry><id>${escapeXml(url)}</id><title>T</title><link href="${url}"/><updated>${new Date(date).toISOString()}</updated><content type="html">x</content></entry></feed>`
      ],
      [
        'JSON Feed',
        (url, date) =>
          JSON.stringify({
            version: 'https://jsonfeed.org/version/1.1',
            title: 'b',
            items: [{ id: url, url, title: 'T', date_published: new Date(date).toISOString(), content_html: 'x' }]
          })
      ]
    ]
    for (const [name, write] of formats)
      it(name, async () => {
        await blog.open()
        blog.page('f')
        blog.net.set(blog.url('feed.xml'), { body: write(blog.url('f'), blog.date(-1000).toUTCString()) })
        await blog.poll()
        const { publishedAt, title, url } = await only()
        assert.deepEqual([title, url, publishedAt, await blog.told()], ['T', blog.url('f'), blog.date(-1000), ['post']])
      })
  })

  it('W15 S1-7 is one row and one announcement, whatever finds it in whatever order, and at once', async function () {
    this.timeout(60_000)
    const path = 'post/one'
    const ways = {
      visit: () => visit(path),
      short: () => visit('?p=12'),
      feed: () => blog.poll(),
      push: () => blog.push(blog.rss([item()])),
      sitemap: () => blog.find(),
      publish: () => publishPage(blog.tools, blog.url(path))
    }
    const item = (): Item => ({ path, link: '?p=12', guid: 'the guid', date: blog.date(-MINUTE), html: '<p>whole</p>' })
    type Way = keyof typeof ways
    const names = Object.keys(ways) as Way[]
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...names, ...names], { minLength: 2 }), fc.boolean(), async (order, atOnce) => {
        await blog.clear()
        blog.pass(2 * HOUR)
        await blog.open()
        await connect()
        blog.write([item()])
        blog.page('?p=12', `<link rel="canonical" href="${blog.url(path)}">`)
        if (atOnce) await Promise.all(order.map(way => ways[way]()))
        else for (const way of order) await ways[way]()
        if (order.every(way => way === 'sitemap')) return
        assert.equal((await only()).url, blog.url(path))
        assert.deepEqual([await blog.told(), await blog.count('entries'), await blog.count('toots')], [['post'], 1, 1])
      }),
      { numRuns: 25 }
    )
  })
})
