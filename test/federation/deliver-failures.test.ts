import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { ownPost, publish, remove } from '../../src/federation/publish.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { RETRY_PAUSES } from '../../src/model/retries.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { type Knock, startHub, type WrittenHub } from '../support/hub.ts'

const DAY = 86_400_000

describe('a delivery that fails', () => {
  let hub: WrittenHub
  let count = 0
  beforeEach(async () => {
    hub = await startHub({ HUBS: 'https://other.example/hub' })
    hub.subscriber('https://other.example/hub')
  })
  afterEach(() => hub?.close())

  const someone = (onPost = () => ({}) as object) => hub.subscriber(`https://s${++count}.example/cb`, { onPost })
  const read = (knock: Knock | undefined) => readFeed(Buffer.from(knock!.body), { url: hub.topic })
  const texts = (knocks: Knock[]) => knocks.map(knock => read(knock).activities[0]!.title)
  const states = async () => (await hub.tools.deliveries.list({ failed: false, limit: 100 })).map(one => one.state).reverse()
  const isSubscribed = async (callback: string) => (await hub.tools.subscribers.find(hub.topic, callback)) !== undefined

  describe('that fails', () => {
    const failures: [string, object][] = [
      ['500', { status: 500 }],
      ['400', { status: 400 }],
      ['a redirect', { status: 301, headers: { location: 'https://elsewhere.example/' } }],
      ['a time-out', { error: new Unreachable('It did not answer in time.') }]
    ]
    for (const [what, reply] of failures) {
      it(`H8 is tried again by the list after ${what}, then given up; the subscriber stays`, async () => {
        const one = someone(() => reply)
        await hub.subscribe(one)
        await hub.publish('first')
        for (const [at, pause] of RETRY_PAUSES.entries()) {
          hub.pass(pause - 1)
          await hub.retry()
          assert.equal(one.got.length, at + 1)
          hub.pass(1)
          await hub.retry()
          assert.equal(one.got.length, at + 2)
        }
        assert.deepEqual(await states(), ['failed'])
        assert.ok(await isSubscribed(one.callback))
        const [{ status, error } = {}] = await hub.tools.deliveries.list({ failed: true, limit: 1 })
        assert.ok(error !== undefined && (what === 'a time-out') === (status === undefined))
      })
    }

    it('H8 does not reach anybody twice, and holds up nobody else', async () => {
      const failing = someone(() => ({ status: 503 }))
      const healthy = someone()
      for (const one of [failing, healthy]) await hub.subscribe(one)
      for (const text of ['one', 'two', 'three']) await hub.publish(text)
      assert.deepEqual(texts(healthy.got), ['one', 'two', 'three'])
      assert.deepEqual(texts(failing.got), ['one'])
      failing.onPost = () => ({})
      hub.pass(5_000)
      await hub.retry()
      assert.deepEqual(texts(failing.got), ['one', 'one', 'two', 'three'])
      assert.deepEqual(texts(healthy.got), ['one', 'two', 'three'])
    })

    it('H8 X4 never brings a delete before its post, though both wait', async () => {
      const one = someone(() => ({ status: 500 }))
      await hub.subscribe(one)
      const ann = await findAccount(hub.tools, 'ann')
      const post = await hub.publish('short life')
      await remove(hub.tools, ann, await ownPost(hub.tools, ann, post.uri))
      await hub.work()
      one.onPost = () => ({})
      hub.pass(5_000)
      await hub.retry()
      assert.deepEqual(
        one.got.map(knock => read(knock).activities[0]!.verb),
        ['post', 'post', 'delete']
      )
      assert.equal(read(one.got.at(-1)).activities[0]!.id, post.uri)
    })

    it('H8 X4 brings only the delete of a post that died before it was told', async () => {
      const one = someone()
      await hub.subscribe(one)
      const ann = await findAccount(hub.tools, 'ann')
      const post = await publish(hub.tools, ann, { text: 'very short life' })
      await remove(hub.tools, ann, post)
      await hub.work()
      assert.deepEqual(
        one.got.map(knock => read(knock).activities[0]!.verb),
        ['delete']
      )
    })

    it('H8 ends the subscription on 410, and drops what waits', async () => {
      const one = someone(() => ({ status: 500 }))
      await hub.subscribe(one)
      for (const text of ['one', 'two']) await hub.publish(text)
      one.onPost = () => ({ status: 410 })
      hub.pass(5_000)
      await hub.retry()
      assert.ok(!(await isSubscribed(one.callback)))
      assert.deepEqual(await states(), ['dropped', 'dropped'])
    })

    it('H8 ends the subscription after three days of 404, not before', async () => {
      const one = someone(() => ({ status: 404 }))
      await hub.subscribe(one)
      await hub.publish('one')
      hub.pass(3 * DAY)
      await hub.retry()
      assert.ok(await isSubscribed(one.callback))
      hub.pass(DAY)
      await hub.retry()
      assert.ok(!(await isSubscribed(one.callback)))
    })

    it('H8 suspends who failed for seven days, until a new subscription', async () => {
      const one = someone(() => ({ status: 500 }))
      await hub.subscribe(one, { 'hub.lease_seconds': '2592000' })
      for (let day = 0; day < 9; day++) {
        await hub.publish(`day ${day}`)
        await hub.retry()
        assert.equal(await isSubscribed(one.callback), day < 8)
        hub.pass(DAY)
      }
      one.onPost = () => ({})
      await hub.subscribe(one)
      await hub.publish('again')
      assert.deepEqual(texts(one.got).at(-1), 'again')
    })

    it('H8 counts the days of failure on, also when nothing was there to be sent', async () => {
      const one = someone(() => ({ status: 500 }))
      await hub.subscribe(one, { 'hub.lease_seconds': '2592000' })
      await hub.publish('one')
      for (const pause of RETRY_PAUSES) {
        hub.pass(pause)
        await hub.retry()
      }
      for (let day = 0; day < 5; day++) {
        hub.pass(DAY)
        await hub.retry()
      }
      await hub.publish('two')
      assert.ok(!(await isSubscribed(one.callback)))
    })

    for (const [header, seconds] of [
      ['120', 120],
      ['Sat, 01 Mar 2036 12:10:00 GMT', 600],
      ['9999999', 86_400]
    ] as const) {
      it(`H8 waits as long as Retry-After: ${header} wants, a day at most`, async () => {
        const one = someone(() => ({ status: 503, headers: { 'retry-after': header } }))
        await hub.subscribe(one)
        await hub.publish('one')
        hub.pass(seconds * 1000 - 1)
        await hub.retry()
        assert.equal(one.got.length, 1)
        hub.pass(1)
        await hub.retry()
        assert.equal(one.got.length, 2)
      })
    }

    it('H6 H8 gets what waits soon after it has subscribed anew', async () => {
      const one = someone(() => ({ status: 500 }))
      await hub.subscribe(one)
      await hub.publish('one')
      hub.pass(5_000)
      await hub.retry()
      one.onPost = () => ({})
      await hub.subscribe(one)
      await hub.retry()
      assert.deepEqual(await states(), ['done'])
    })
  })

  describe('to a callback that moved to https', () => {
    it('H8 goes there at once and from then on', async () => {
      const old = hub.subscriber('http://moved.example/cb?a=1', { onPost: () => ({ status: 301 }) })
      const now = hub.subscriber('https://moved.example/cb?a=1')
      await hub.subscribe(old, { 'hub.secret': 'x' })
      for (const text of ['one', 'two']) await hub.publish(text)
      assert.deepEqual(texts(now.got), ['one', 'two'])
      assert.equal(old.got.length, 1)
      assert.ok(await isSubscribed(now.callback))
      assert.deepEqual(await states(), ['done', 'done'])
    })

    it('H8 tries it once for each thing, and not at a port of its own', async () => {
      const gone = () => ({ error: new Unreachable('It refused.') })
      const [old, odd] = [
        hub.subscriber('http://moved.example/cb', { onPost: gone }),
        hub.subscriber('http://moved.example:8080/cb', { onPost: gone })
      ]
      const [now, also] = [hub.subscriber('https://moved.example/cb', { onPost: gone }), hub.subscriber('https://moved.example:8080/cb')]
      for (const one of [old, odd]) await hub.subscribe(one)
      await hub.publish('one')
      hub.pass(5_000)
      await hub.retry()
      assert.deepEqual([old.got.length, odd.got.length, now.got.length, also.got.length], [2, 2, 1, 0])
      assert.ok(await isSubscribed(old.callback))
    })
  })
})
