import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { findAccount } from '../../src/federation/accounts.ts'
import { publish } from '../../src/federation/publish.ts'
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
})
