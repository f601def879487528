/** To follow somebody by a feed: where the feed belongs, and what is in it (protocols.md S1, I3, X11). */
import assert from 'node:assert/strict'
import { feedXml, linkXml } from '../support/atom-documents.ts'
import { type Reader, startReader } from '../support/reader.ts'

describe('following', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())

  const json = (body: object) => ({ headers: { 'content-type': 'application/feed+json' }, body: JSON.stringify(body) })

  describe('a feed', () => {
    it('S1 prefers what Link headers say, and takes the first hub of several', async () => {
      const ann = reader.site('s1a')
      ann.write('', { link: `<${ann.origin}/h1>; rel="hub", <${ann.origin}/h2>; rel="hub x", <${ann.feed}>; rel=self` })
      const { subscription, trace } = await reader.follow(ann.feed)
      assert.deepEqual(
        [subscription?.hubs, subscription?.hub, subscription?.topic],
        [[`${ann.origin}/h1`, `${ann.origin}/h2`], `${ann.origin}/h1`, ann.feed]
      )
      assert.equal(trace.at(-1)?.found, 'is asked to push')
    })

    it('S1 takes the address that a feed gives itself when that is only https instead of http, or the reverse', async () => {
      const ann = reader.site('s1b')
      const self = ann.feed.replace('https:', 'http:')
      ann.write('', {}, ann.head.replace(linkXml('self', ann.feed), linkXml('self', self)))
      const { subscription } = await reader.follow(ann.feed)
      assert.deepEqual([subscription?.topic, subscription?.url], [self, ann.feed])
    })

    it('S1 takes another address once that says the same of itself, and then only what stands there', async () => {
      const ann = reader.site('s1c')
      const copy = 'https://s1copy.example/planet.atom'
      ann.write(ann.entry(1, 'true'))
      reader.net.set(copy, { body: ann.document(ann.entry(1, 'false') + ann.entry(2, 'false')) })
      const { subscription } = await reader.follow(copy)
      assert.deepEqual(
        [subscription?.topic, subscription?.url, (await ann.kept()).map(post => post.html)],
        [ann.feed, ann.feed, ['<p>true</p>']]
      )
    })

    it('S1 subscribes to the address that answered when the other does not confirm', async () => {
      const ann = reader.site('s1d')
      ann.write(ann.entry(1))
      const cases: [name: string, head: (feed: string) => string][] = [
        ['missing', () => linkXml('self', `${ann.origin}/missing`) + linkXml('hub', ann.hub)],
        ['other-hub', () => linkXml('self', ann.feed) + linkXml('hub', 'https://evil.example/hub')],
        ['nobody', () => linkXml('self', 'https://nobody.example/') + linkXml('hub', ann.hub)]
      ]
      for (const [name, head] of cases) {
        const feed = `https://s1-${name}.example/feed`
        reader.net.set(feed, { body: feedXml(`<id>${feed}</id>${head(feed)}<entry><id>urn:${name}</id><content>x</content></entry>`) })
        const { subscription, actor } = await reader.follow(feed)
        assert.deepEqual([subscription?.topic, actor.uri], [feed, feed], name)
      }
      assert.deepEqual(await ann.kept(), [])
    })

    it('S1 W44 goes where a feed has moved, and calls it by its new address', async () => {
      const ann = reader.site('s1e')
      ann.write('')
      for (const status of [301, 302]) {
        const old = `${ann.origin}/old-${status}`
        reader.net.set(old, { status, redirectTo: ann.feed })
        const { subscription } = await reader.follow(old)
        assert.equal(subscription?.topic, ann.feed)
      }
      assert.equal((await ann.subscription()).url, ann.feed)
    })

    it('W45 takes a hub that the owner names, for a feed that is known as well', async () => {
      const ann = reader.site('w45')
      const fixed = `${ann.origin}/fixed`
      await ann.active()
      const asked: string[] = []
      reader.net.set(`POST ${fixed}`, ({ body }) => {
        asked.push(body)
        return { status: 403 }
      })
      await reader.follow(ann.feed, { hub: fixed })
      await reader.work()
      const { fixedHub, hub, hubs } = await ann.subscription()
      assert.deepEqual([asked.length, fixedHub, hub, hubs], [1, fixed, fixed, [ann.hub]])
      await ann.poll()
      assert.equal((await ann.subscription()).hub, fixed)
    })

    it('I3 follows a JSON Feed, whose edits and pages and hub count', async () => {
      const [url, hub] = ['https://json.example/feed.json', 'https://json.example/hub']
      const item = (n: number, more: object = {}) => ({
        id: `https://json.example/${n}`,
        url: `https://json.example/${n}.html`,
        title: `T${n}`,
        content_html: `<p>${n}</p>`,
        date_published: `2026-01-0${n}T00:00:00Z`,
        ...more
      })
      const whole = {
        version: 'https://jsonfeed.org/version/1.1',
        title: 'JSON',
        home_page_url: 'https://json.example/',
        feed_url: url,
        hubs: [{ type: 'WebSub', url: hub }],
        next_url: `${url}?2`
      }
      reader.net.set(url, json({ ...whole, items: [item(2), item(3, { authors: [{ name: 'Guest', url: 'https://guest.example/' }] })] }))
      reader.net.set(`${url}?2`, json({ ...whole, next_url: undefined, items: [item(1)] }))
      reader.net.set(`POST ${hub}`, { status: 202 })
      const { actor, fresh, subscription } = await reader.follow(url)
      await reader.work()
      assert.deepEqual([actor.uri, actor.displayName, fresh, subscription?.hub], ['https://json.example/', 'JSON', 2, hub])
      const posts = await reader.tools.timelines.all({ limit: 9 }, actor.id)
      assert.deepEqual(
        posts.map(({ title, quoted, verb }) => [verb, title ?? quoted?.title, quoted?.authorName]),
        [
          ['share', 'T3', 'Guest'],
          ['post', 'T2', undefined],
          ['post', 'T1', undefined]
        ]
      )
      reader.net.set(url, json({ ...whole, items: [item(2, { content_html: '<p>two</p>', date_modified: '2026-01-09T00:00:00Z' })] }))
      reader.pass(86_400_000)
      await reader.tick()
      assert.deepEqual(
        [(await reader.post('https://json.example/2'))?.edits, (await reader.post('https://json.example/2'))?.html],
        [1, '<p>two</p>']
      )
    })

    it('X11 keeps the edits of RSS, which tells no time of them', async () => {
      const url = 'https://rss.example/feed'
      const write = (text: string) =>
        reader.net.set(url, {
          headers: { 'content-type': 'application/rss+xml' },
          body: `<rss version="2.0"><channel><title>RSS</title><link>https://rss.example/</link><item><guid isPermaLink="false">7</guid><title>If a &lt; b</title><pubDate>Thu, 01 Jan 2026 00:00:00 GMT</pubDate><description>${text}</description></item></channel></rss>`
        })
      write('one')
      const { actor, subscription } = await reader.follow(url)
      for (const text of ['one', 'two', 'two']) {
        write(text)
        reader.pass(3_600_000)
        await reader.tools.subscriptions.change(subscription!.id, { pollAt: reader.tools.clock() })
        await reader.tick()
      }
      const [post, ...others] = await reader.tools.timelines.all({ limit: 9 }, actor.id)
      assert.deepEqual([post?.html, post?.edits, post?.title, others, actor.uri], ['two', 1, 'If a < b', [], 'https://rss.example/'])
    })

    it('X48 takes no character out of a feed that its database could not hold', async () => {
      const url = 'https://nul.example/feed.json'
      const evil = 'a\u0000b\ud800c'
      reader.net.set(
        url,
        json({
          version: 'https://jsonfeed.org/version/1.1',
          title: evil,
          icon: `https://nul.example/${evil}`,
          items: [
            { id: evil, title: evil, content_html: evil, attachments: [{ url: 'https://nul.example/x', mime_type: evil, title: evil }] }
          ]
        })
      )
      assert.equal((await reader.follow(url)).fresh, 1)
    })
  })
})
