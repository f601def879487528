/** Follows and unfollows of one person that meet: nobody is followed without being read, or read without being followed (S6, S13). */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { addAccount } from '../../src/federation/accounts.ts'
import { follow, unfollow } from '../../src/federation/follow.ts'
import { askHub, confirm, takeContent } from '../../src/federation/subscribe.ts'
import type { Account } from '../../src/model/kept.ts'
import type { Stores, Tools } from '../../src/tools.ts'
import { missing, type Reader, type Site, startReader, stateOf } from '../support/reader.ts'

describe('following and unfollowing at once', () => {
  let reader: Reader
  let dora: Account
  before(async () => {
    reader = await startReader()
    dora = await addAccount(reader.tools, 'dora')
  })
  after(() => reader.close())
  // those of other tests would be due as well
  afterEach(() => reader.node.database.database.knex('subscriptions').delete())

  const actorOf = async (ann: Site) => (await reader.tools.actors.findByUri(ann.author))!
  const leave = async (ann: Site, as = reader.bob) => unfollow(reader.tools, await actorOf(ann), as)
  const modes = (ann: Site) => ann.asked.map(asked => asked.get('hub.mode'))

  /** Tools with which `happens` comes right after the subscription was read without a lock. */
  const afterReading = (happens: () => Promise<unknown>): Tools => {
    const { find, findByToken } = reader.tools.subscriptions
    const then = async <T>(found: Promise<T>): Promise<T> => {
      const subscription = await found
      await happens()
      return subscription
    }
    const subscriptions = {
      ...reader.tools.subscriptions,
      find: (id: string) => then(find(id)),
      findByToken: (token: string) => then(findByToken(token))
    }
    return { ...reader.tools, subscriptions }
  }

  it('S13 takes a subscription up again that ended while somebody else was about to follow', async () => {
    const ann = reader.site('race-a')
    await ann.active(ann.entry(1))
    const transaction: Tools['transaction'] = async work => {
      await leave(ann)
      return reader.tools.transaction(work)
    }
    await follow({ ...reader.tools, transaction }, ann.feed, { as: dora })
    const { endedAt, state } = await ann.subscription()
    assert.deepEqual([state, endedAt], ['polling', undefined])
    await reader.work()
    await ann.verify()
    assert.deepEqual(stateOf(await ann.subscription()), ['active', undefined, '/hub'])
  })

  it('S13 lets nobody follow between the count of followers and the end of the subscription', async () => {
    const ann = reader.site('race-b')
    await ann.active(ann.entry(1))
    let following: Promise<unknown> | undefined
    const counting = (stores: Stores): Stores => ({
      ...stores,
      follows: {
        ...stores.follows,
        async localFollowers(id) {
          const count = await stores.follows.localFollowers(id)
          following ??= follow(reader.tools, ann.feed, { as: dora })
          // it must wait for us: it is given the time in which it would be done if it did not
          await Promise.race([following, sleep(200)])
          return count
        }
      }
    })
    const transaction: Tools['transaction'] = work => reader.tools.transaction(stores => work(counting(stores)))
    await unfollow({ ...reader.tools, transaction }, await actorOf(ann), reader.bob)
    await following
    assert.ok(!['ending', 'ended'].includes((await ann.subscription()).state))
    assert.equal(await reader.tools.follows.localFollowers((await actorOf(ann)).id), 1)
  })

  it('S13 reads whoever is followed, and nobody else, whichever of two comes first', async () => {
    for (let n = 0; n < 12; n++) {
      const ann = reader.site(`race-c${n}`)
      await ann.active(ann.entry(1))
      const actor = await actorOf(ann)
      const as = n % 2 === 0 ? dora : reader.bob
      await Promise.all([leave(ann), follow(reader.tools, ann.feed, { as }), reader.work(), ann.poll()])
      const followers = await reader.tools.follows.localFollowers(actor.id)
      const { state } = await ann.subscription()
      assert.equal(['ending', 'ended'].includes(state), followers === 0, `${n}: ${state} with ${followers}`)
    }
  })

  it('S13 asks no hub for a feed that was unfollowed a moment ago', async () => {
    const ann = reader.site('race-d')
    await ann.ask()
    const { id } = await ann.subscription()
    await askHub(
      afterReading(() => leave(ann)),
      id
    )
    assert.deepEqual([...stateOf(await ann.subscription()), modes(ann)], ['ending', 'unsubscribe', '/hub', ['subscribe', 'unsubscribe']])
  })

  it('S13 leaves no hub for a feed that was followed again a moment ago', async () => {
    const ann = reader.site('race-e')
    await ann.active()
    await leave(ann)
    const { id } = await ann.subscription()
    await askHub(
      afterReading(() => reader.follow(ann.feed)),
      id
    )
    await reader.work()
    assert.ok(!modes(ann).includes('unsubscribe'))
    await ann.verify()
    const { endedAt, ...active } = await ann.subscription()
    assert.deepEqual([...stateOf(active), endedAt], ['active', undefined, '/hub', undefined])
  })

  it('S13 ends what is active, whenever it may have ended before', async () => {
    const ann = reader.site('race-f')
    const { id } = await ann.active()
    await reader.tools.subscriptions.change(id, { endedAt: reader.tools.clock() })
    await leave(ann)
    await reader.work()
    await ann.verify({ 'hub.mode': 'unsubscribe' })
    assert.equal((await ann.subscription()).state, 'ended')
  })

  it('S6 confirms nothing that was unfollowed while the hub asked, and ends nothing that was followed again', async () => {
    const ann = reader.site('race-g')
    await ann.ask()
    const { token } = await ann.subscription()
    const query = (mode: string) =>
      new URLSearchParams({ 'hub.mode': mode, 'hub.topic': ann.feed, 'hub.challenge': 'c', 'hub.lease_seconds': '86400' })
    await assert.rejects(
      confirm(
        afterReading(() => leave(ann)),
        token,
        query('subscribe')
      ),
      missing(404)
    )
    assert.equal((await ann.subscription()).state, 'ending')
    await reader.work()
    await assert.rejects(
      confirm(
        afterReading(() => reader.follow(ann.feed)),
        token,
        query('unsubscribe')
      ),
      missing(404)
    )
    assert.equal((await ann.subscription()).state, 'polling')
  })

  it('S10 looks no more at a topic that was unfollowed while content with a wrong signature came', async () => {
    const ann = reader.site('race-i')
    const { token } = await ann.active()
    await takeContent(
      afterReading(() => leave(ann)),
      token,
      Buffer.from('x'),
      {}
    )
    const { pollAt, state } = await ann.subscription()
    assert.deepEqual([state, pollAt], ['ending', undefined])
  })

  it('S5 heeds no refusal of a request that a later one has replaced', async () => {
    const ann = reader.site('race-h')
    ann.write('')
    ann.hubAnswers(403, async () => {
      ann.hubAnswers(202)
      reader.pass(1000)
      await leave(ann)
      await reader.follow(ann.feed)
      await askHub(reader.tools, (await ann.subscription()).id)
    })
    await reader.follow(ann.feed)
    await askHub(reader.tools, (await ann.subscription()).id)
    assert.deepEqual(stateOf(await ann.subscription()), ['asking', 'subscribe', '/hub'])
    await ann.verify()
    assert.equal((await ann.subscription()).state, 'active')
  })
})
