import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { findAccount } from '../../src/federation/accounts.ts'
import { ownPost, publish, remove } from '../../src/federation/publish.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { RETRY_PAUSES } from '../../src/model/retries.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { type Knock, startHub, type WrittenHub } from '../support/hub.ts'

const DAY = 86_400_000

describe('delivery', () => {
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

  describe('of a post', () => {
    it('H7 is a feed of one entry, the same bytes for all, with the links of the topic', async () => {
      const [one, other] = [someone(), someone()]
      await hub.subscribe(one)
      await hub.subscribe(other)
      const post = await hub.publish('Hello')
      const [knock] = one.got
      assert.equal(knock!.headers['content-type'], 'application/atom+xml')
      assert.equal(
        knock!.headers.link,
        `<https://hub.example/hub>; rel="hub", <https://other.example/hub>; rel="hub", <${hub.topic}>; rel="self"`
      )
      assert.equal(knock!.headers['x-hub-signature'], undefined)
      assert.equal(other.got[0]!.body, knock!.body)
      const feed = read(knock)
      assert.deepEqual(
        [feed.format, feed.id, feed.links.self, feed.links.hub],
        ['atom', hub.topic, [hub.topic], ['https://hub.example/hub', 'https://other.example/hub']]
      )
      assert.deepEqual(
        feed.activities.map(activity => activity.id),
        [post.uri]
      )
    })

    const methods: [string, Record<string, string>, string, string][] = [
      ['WebSub', {}, 'auto', 'sha256'],
      ['GNU social', { 'hub.verify': 'async', 'hub.verify_token': 'x' }, 'auto', 'sha1'],
      ['Friendica', { 'hub.verify': 'sync' }, 'auto', 'sha1'],
      ['anybody with HUB_SIGNATURE', { 'hub.verify': 'async' }, 'sha512', 'sha512']
    ]
    for (const [who, asked, setting, method] of methods) {
      it(`H7 is signed by ${method} over its bytes for ${who}`, async () => {
        await hub.close()
        hub = await startHub({ HUB_SIGNATURE: setting })
        const one = someone()
        await hub.subscribe(one, { ...asked, 'hub.secret': 'geheim' })
        await hub.publish('Hello & <goodbye> ☃')
        assert.equal(
          one.got[0]!.headers['x-hub-signature'],
          `${method}=${createHmac(method, 'geheim').update(one.got[0]!.body).digest('hex')}`
        )
      })
    }

    it('H6 is signed by the old secret until the new one is verified, and not at all after a refusal', async () => {
      const one = someone()
      const signed = (secret: string) =>
        one.got.at(-1)!.headers['x-hub-signature'] === `sha256=${createHmac('sha256', secret).update(one.got.at(-1)!.body).digest('hex')}`
      await hub.subscribe(one, { 'hub.secret': 'old' })
      const renew = (secret: string) =>
        hub.ask({ 'hub.mode': 'subscribe', 'hub.topic': hub.topic, 'hub.callback': one.callback, 'hub.secret': secret })
      one.onGet = () => ({ status: 404 })
      await renew('refused')
      await hub.publish('between')
      assert.ok(signed('old'))
      one.onGet = ({ query }) => ({ body: query.get('hub.challenge')! })
      hub.pass(2 * DAY)
      await renew('new')
      await hub.work()
      await hub.publish('after')
      assert.ok(signed('new'))
      assert.equal(+(await hub.tools.subscribers.find(hub.topic, one.callback))!.expiresAt, hub.time.now + 7 * DAY)
    })

    it('H9 goes to nobody whose lease has ended, and the row goes too', async () => {
      const one = someone()
      await hub.subscribe(one, { 'hub.lease_seconds': '86400' })
      hub.pass(DAY - 1)
      await hub.publish('in time')
      hub.pass(1)
      await hub.publish('too late')
      assert.deepEqual(texts(one.got), ['in time'])
      assert.equal(await hub.tools.subscribers.removeExpired(hub.tools.clock()), 1)
    })

    it('H9 is not tried again after the lease has ended, nor after the subscriber has left', async () => {
      const ends = someone(() => ({ status: 500 }))
      const leaves = someone(() => ({ status: 500 }))
      await hub.subscribe(ends, { 'hub.lease_seconds': '86400' })
      await hub.subscribe(leaves, { 'hub.secret': 'x' })
      await hub.publish('never taken')
      await hub.subscribe(leaves, { 'hub.mode': 'unsubscribe' })
      hub.pass(DAY)
      await hub.retry()
      assert.deepEqual([ends.got.length, leaves.got.length], [1, 1])
      await hub.tools.deliveries.dropEnded(hub.tools.clock())
      assert.deepEqual(await states(), ['dropped', 'dropped'])
      assert.deepEqual(await hub.tools.recipients.takeDue(hub.tools.clock(), hub.tools.clock(), 10), [])
    })

    for (const visibility of ['unlisted', 'followers', 'direct'] as const) {
      it(`H12 is not made of one that is ${visibility}`, async () => {
        const one = someone()
        await hub.subscribe(one)
        const post = await publish(hub.tools, await findAccount(hub.tools, 'ann'), { text: 'not for all' })
        await hub.tools.transaction(({ history }) =>
          history.edit(
            post,
            { ...post, text: 'not for all', rightful: true, title: 'x', visibility, updatedAt: new Date(hub.time.now + 1) },
            hub.tools.clock()
          )
        )
        await hub.work()
        assert.equal(one.got.length, 0)
      })
    }

    it('H10 is told to the other hubs of the topic', async () => {
      const other = hub.subscriber('https://other.example/hub')
      await hub.publish('Hello')
      const form = new URLSearchParams(other.got[0]!.body)
      assert.deepEqual(
        [...form],
        [
          ['hub.mode', 'publish'],
          ['hub.url', hub.topic],
          ['hub.topic', hub.topic]
        ]
      )
      assert.equal(other.got[0]!.headers['content-type'], 'application/x-www-form-urlencoded')
    })
  })

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
