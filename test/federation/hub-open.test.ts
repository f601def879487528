/** A hub for any topic (OPEN_HUB), and publish pings in both directions. */
import assert from 'node:assert/strict'
import { fetchTopic, pingHub } from '../../src/federation/distribute.ts'
import { makeHub } from '../../src/federation/hub.ts'
import { BadMessage, Refused, Unreachable } from '../../src/model/errors.ts'
import { startHub, type WrittenHub } from '../support/hub.ts'

const TOPIC = 'https://blog.example/feed'

describe('an open hub', () => {
  let hub: WrittenHub
  beforeEach(async () => {
    hub = await startHub({ OPEN_HUB: 'on' })
  })
  afterEach(() => hub?.close())

  const ping = (...topics: string[]) => hub.ask(Object.fromEntries([['hub.mode', 'publish'], ...topics.map(topic => ['hub.url', topic])]))
  const feed =
    (text: string, headers: Record<string, string> = {}) =>
    () => ({ body: text, headers: { 'content-type': 'text/plain', ...headers } })
  const subscribed = async () => {
    const one = hub.subscriber('https://one.example/')
    await hub.subscribe(one, { 'hub.topic': TOPIC })
    return one
  }

  it('H10 fetches a topic that was pinged and hands it out as it is, when it is new', async () => {
    const blog = hub.subscriber(TOPIC, { onGet: feed('first', { etag: '"1"', 'last-modified': 'Sun, 01 Mar 2026 12:00:00 GMT' }) })
    const one = await subscribed()
    assert.equal(await ping(TOPIC), 'published')
    await hub.work()
    assert.deepEqual([one.got[0]?.body, one.got[0]?.headers['content-type']], ['first', 'text/plain'])
    assert.equal(one.got[0]?.headers.link, `<https://hub.example/hub>; rel="hub", <${TOPIC}>; rel="self"`)
    await ping(TOPIC)
    await hub.work()
    assert.equal(one.got.length, 1, 'the same bytes are no news')
    assert.deepEqual(
      [blog.asked[1]?.headers['if-none-match'], blog.asked[1]?.headers['if-modified-since']],
      ['"1"', 'Sun, 01 Mar 2026 12:00:00 GMT']
    )
    blog.onGet = () => ({ status: 304 })
    await ping(TOPIC)
    await hub.work()
    for (const text of ['second', 'first']) {
      hub.pass(1)
      blog.onGet = feed(text)
      await ping(TOPIC)
      await hub.work()
    }
    assert.deepEqual(
      one.got.map(knock => knock.body),
      ['first', 'second', 'first']
    )
  })

  it('H10 takes hub.topic for hub.url, and several at once', async () => {
    const topics = ['https://a.example/1', 'https://a.example/2', 'https://a.example/3']
    for (const topic of topics) {
      hub.subscriber(topic, { onGet: feed(topic) })
      await hub.subscribe(hub.subscriber(`https://s.example/${topics.indexOf(topic)}`), { 'hub.topic': topic })
    }
    const form = new URLSearchParams([
      ['hub.mode', 'publish'],
      ['hub.url', topics[0]!],
      ['hub.url', topics[1]!],
      ['hub.topic', topics[2]!]
    ])
    assert.equal(await makeHub(hub.tools)(form), 'published')
    await hub.work()
    for (const topic of topics) assert.ok((await hub.tools.topics.find(topic))?.hash)
  })

  it('H10 fetches nothing that nobody subscribes to', async () => {
    const blog = hub.subscriber(TOPIC)
    assert.equal(await ping(TOPIC), 'published')
    await hub.work()
    assert.equal(blog.asked.length, 0)
    assert.equal(await hub.tools.topics.find(TOPIC), undefined)
  })

  for (const wrong of ['', 'no url', 'ftp://a.example/', 'https://a.example/\0', 'https://a b.example/', 'https://']) {
    it(`H10 refuses to publish ${JSON.stringify(wrong)}`, () => assert.rejects(ping(wrong), BadMessage))
  }

  it('H10 refuses a ping as a whole when one of its topics is refused', async () => {
    const blog = hub.subscriber(TOPIC, { onGet: feed('x') })
    await subscribed()
    const form = new URLSearchParams([
      ['hub.mode', 'publish'],
      ['hub.url', TOPIC],
      ['hub.url', 'https://hub.example/users/nobody.atom']
    ])
    await assert.rejects(makeHub(hub.tools)(form), (error: Error) => error instanceof Refused && error.status === 422)
    await hub.work()
    assert.equal(blog.asked.length, 0)
  })

  it('X38 asks for a topic once, however many pings come before it is fetched', async () => {
    const blog = hub.subscriber(TOPIC, { onGet: feed('x') })
    await subscribed()
    await Promise.all(Array.from({ length: 20 }, () => ping(TOPIC)))
    await hub.work()
    assert.equal(blog.asked.length, 1)
  })

  it('X38 fetches a topic six times a minute, and again after that when it was pinged meanwhile', async () => {
    const blog = hub.subscriber(TOPIC, { onGet: feed('x') })
    await subscribed()
    for (let count = 0; count < 10; count++) {
      await ping(TOPIC)
      await hub.work()
    }
    assert.equal(blog.asked.length, 6)
    hub.pass(60_000)
    // the queue keeps the time of the database: what it would bring now is done by hand
    await fetchTopic(hub.tools, TOPIC)
    assert.equal(blog.asked.length, 7)
  })

  it('X38 fetches once more after a fetch during which it was pinged', async () => {
    const blog = hub.subscriber(TOPIC)
    let text = 'old'
    blog.onGet = async () => {
      const seen = text
      if (text === 'old') {
        text = 'new'
        await ping(TOPIC)
      }
      return { body: seen }
    }
    const one = await subscribed()
    await ping(TOPIC)
    await hub.work()
    assert.deepEqual(
      one.got.map(knock => knock.body),
      ['old', 'new']
    )
  })

  it('H10 tries a topic again that answers 500, and lets one go that answers 404', async () => {
    const blog = hub.subscriber(TOPIC, { onGet: () => ({ status: 404 }) })
    await subscribed()
    await ping(TOPIC)
    await hub.work()
    assert.deepEqual([(await hub.tools.topics.find(TOPIC))?.status, (await hub.tools.topics.find(TOPIC))?.error], [404, 'answered 404'])
    blog.onGet = () => ({ status: 500 })
    await assert.rejects(fetchTopic(hub.tools, TOPIC), (error: Error) => error instanceof Unreachable)
    blog.onGet = feed('x')
    await fetchTopic(hub.tools, TOPIC)
    assert.equal((await hub.tools.topics.find(TOPIC))?.error, undefined)
  })
})

describe('publish pings', () => {
  let hub: WrittenHub
  before(async () => {
    hub = await startHub()
  })
  after(() => hub?.close())

  for (const topic of ['https://hub.example/users/ann.atom', 'http://HUB.example/users/ann.atom']) {
    it(`H10 of ${topic} are welcome, and nothing is to be done`, async () => {
      assert.equal(await hub.ask({ 'hub.mode': 'publish', 'hub.url': topic }), 'published')
    })
  }
  for (const topic of ['https://hub.example/users/nobody.atom', 'https://hub.example/', 'https://other.example/feed']) {
    it(`H10 of ${topic} are refused with 422`, () =>
      assert.rejects(
        hub.ask({ 'hub.mode': 'publish', 'hub.url': topic }),
        (error: Error) => error instanceof Refused && error.status === 422
      ))
  }
  for (const [status, kind] of [
    [400, Refused],
    [404, Refused],
    [429, Unreachable],
    [500, Unreachable],
    [503, Unreachable]
  ] as const) {
    it(`H10 that another hub answers with ${status} are ${kind === Refused ? 'let go' : 'tried again'}`, async () => {
      hub.subscriber('https://other.example/hub', { onPost: () => ({ status }) })
      await assert.rejects(pingHub(hub.tools, 'https://other.example/hub', hub.topic), kind)
    })
  }
  for (const status of [200, 202, 204]) {
    it(`H10 that another hub answers with ${status} are done`, async () => {
      hub.subscriber('https://other.example/hub', { onPost: () => ({ status }) })
      await pingHub(hub.tools, 'https://other.example/hub', hub.topic)
    })
  }
})
