import assert from 'node:assert/strict'
import Koa from 'koa'
import type { Account, Actor } from '../../src/model/kept.ts'
import type { Tools } from '../../src/tools.ts'
import { eventRoutes } from '../../src/web/events.ts'
import { guardRequests } from '../../src/web/guard.ts'
import { type Loopback, serve } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const LIMITS = { all: 4, session: 3, whole: 60_000, beat: 60_000, pause: 5, retry: 1234 }
const START = `0_${'0'.repeat(17)}`

describe('GET /events', () => {
  let node: TestNode
  let alice: Account
  let bob: Actor
  let closing: AbortController
  let server: Loopback
  const opened: AbortController[] = []

  /** The same routes with other limits, on the same stores. */
  const start = async (limits: Partial<typeof LIMITS> = {}) => {
    closing = new AbortController()
    const app = new Koa()
    app.silent = true
    app.use(guardRequests(node.tools)).use(eventRoutes(node.tools, closing.signal, { ...LIMITS, ...limits }).routes())
    server = await serve(app.callback())
  }
  beforeEach(async () => {
    node = await startNode({ accounts: ['alice'], work: false })
    alice = await accountOf(node.tools, 'alice')
    bob = await meet(node.tools, 'bob')
    await node.tools.follows.add({ followerId: alice.id, followedId: bob.id, via: 'feed' }, new Date())
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) one.abort()
    await server?.close()
    await node?.close()
  })

  const enter = async ({ sessions, clock }: Tools) => (await sessions.open(await sessions.addLink(clock()), clock()))!.token

  /** A stream that is being read. */
  const open = async (token: string, query = `since=${START}`, headers: Record<string, string> = {}) => {
    const control = new AbortController()
    opened.push(control)
    const answer = await fetch(`${server.origin}/events?${query}`, {
      headers: { cookie: `tidings_session=${token}`, ...headers },
      signal: control.signal
    })
    const stream = { status: answer.status, headers: answer.headers, text: '', ended: false, leave: () => control.abort() }
    const read = async () => {
      for await (const part of answer.body!) stream.text += Buffer.from(part).toString()
    }
    read().then(
      () => {
        stream.ended = true
      },
      () => {}
    )
    return stream
  }
  const post = async () => {
    const kept = await keepPost(node.tools, bob)
    await node.tools.changes.tell('posts')
    return kept
  }

  it('tells how many posts are newer than the page, in the reader’s language', async () => {
    await start()
    const first = await post()
    const token = await enter(node.tools)
    const cursor = `${first.sortedAt.getTime()}_${first.id}`
    const [english, german] = [await open(token, `since=${cursor}`), await open(token, `since=${cursor}`, { 'accept-language': 'de' })]
    assert.equal(english.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    assert.equal(english.headers.get('cache-control'), 'no-store')
    await until('the stream', () => english.text.startsWith('retry: 1234\n\n'))
    await post()
    await until('one', () => english.text.endsWith('event: news\ndata: 1 new post – show\n\n'))
    await post()
    await until('two', () => german.text.endsWith('event: news\ndata: 2 neue Beiträge – anzeigen\n\n'))
    assert.ok(!english.ended)
  })

  it('tells at once what came between the page and its stream, and of many only that they are', async () => {
    await start()
    for (let n = 0; n < 30; n++) await post()
    const token = await enter(node.tools)
    const [first, second] = [await open(token), await open(token)]
    for (const stream of [first, second]) await until('the news', () => /data: More than 20 new posts – show/.test(stream.text))
  })

  it('asks the database once for a change, however many pages are open', async () => {
    await start()
    let queries = 0
    node.database.database.knex.on('query', ({ sql }: { sql: string }) => {
      if (/p\.mentions @> array/.test(sql)) queries++
    })
    const token = await enter(node.tools)
    const streams = [await open(token), await open(token), await open(token)]
    for (const words of ['data: 1 ', 'data: 2 ']) {
      await post()
      for (const stream of streams) await until('the news', () => stream.text.includes(words))
    }
    // one when the first was opened, and two changes
    assert.ok(queries <= 3, String(queries))
  })

  it('X44 is the owner’s alone, and takes no place that is none', async () => {
    await start()
    assert.equal((await open('x'.repeat(43))).status, 403)
    const token = await enter(node.tools)
    for (const query of ['', 'since=', 'since=x', "since=1' or 1=1"]) assert.equal((await open(token, query)).status, 400, query)
  })

  it('X40 is open so many times for a session, and for all, and again when one was closed', async () => {
    await start()
    const [one, other] = [await enter(node.tools), await enter(node.tools)]
    const streams = [await open(one), await open(one), await open(one)]
    assert.deepEqual(
      streams.map(({ status }) => status),
      [200, 200, 200]
    )
    assert.equal((await open(one)).status, 429)
    assert.equal((await open(other)).status, 200)
    assert.equal((await open(other)).status, 429)
    streams[0]!.leave()
    await until('a place', async () => (await open(one)).status === 200)
  })

  it('X40 ends after a while, and gives signs of life until then', async () => {
    await start({ whole: 300, beat: 20 })
    const stream = await open(await enter(node.tools))
    await until('a sign of life', () => /\n:\n\n/.test(stream.text))
    await until('the end', () => stream.ended)
  })

  it('X40 ends with its session: when it is closed somewhere, and when it has run out', async () => {
    await start({ beat: 20 })
    const [one, other] = [await enter(node.tools), await enter(node.tools)]
    const [first, second] = [await open(one), await open(other)]
    await node.tools.sessions.close(one)
    await until('the end', () => first.ended)
    assert.ok(!second.ended)
    await node.database.database.knex('sessions').update({ expires_at: new Date(0) })
    await until('the end of the other', () => second.ended)
  })

  it('6.2 is not waited for when the node stops', async () => {
    await start()
    const token = await enter(node.tools)
    const stream = await open(token)
    closing.abort()
    await until('the end', () => stream.ended)
    assert.equal((await open(token)).status, 503)
  })

  it('is told of by whatever brings a post', async () => {
    await start()
    const stream = await open(await enter(node.tools))
    const { publish } = await import('../../src/federation/publish.ts')
    await publish(node.tools, alice, { text: 'a note' })
    await until('the news', () => /data: 1 new post/.test(stream.text))
    const { receive } = await import('../../src/federation/receive.ts')
    const { makeSender } = await import('../../src/federation/identity.ts')
    const { readFeed } = await import('../../src/protocol/feed-document.ts')
    const rss = `<rss version="2.0"><channel><title>x</title><link>https://a.example/</link><item><guid>https://a.example/1</guid>
      <title>News</title><description>text</description><pubDate>${new Date().toUTCString()}</pubDate></item></channel></rss>`
    const feed = readFeed(Buffer.from(rss), { url: bob.feedUrl!, contentType: 'application/rss+xml', bytes: 100_000 })
    const activity = { ...feed.activities[0]!, actor: { ids: [bob.uri], kind: 'person' as const } }
    await node.tools.transaction(stores => receive(stores, activity, makeSender(bob, [bob.uri], { via: 'feed' }), new Date()))
    await until('the other news', () => /data: 2 new posts/.test(stream.text))
  })
})
