import assert from 'node:assert/strict'
import { verifyDue } from '../../src/federation/verify.ts'
import type { Verification } from '../../src/model/kept.ts'
import { startHub, type WrittenHub } from '../support/hub.ts'

const TOPIC = 'https://hub.example/users/ann.atom'
const asked = (callback: string, more: Partial<Verification> = {}): Verification => ({
  ...{ mode: 'subscribe', topic: TOPIC, topicAsked: TOPIC, callback, method: 'sha256', leaseSeconds: 86_400 },
  ...more
})

describe('the store of subscribers', () => {
  let hub: WrittenHub
  let now: Date
  beforeEach(async () => {
    hub = await startHub()
    now = hub.tools.clock()
  })
  afterEach(() => hub?.close())

  const later = (ms: number) => new Date(now.getTime() + ms)
  const claim = (at = now) => hub.tools.subscribers.claim(hub.tools.worker, at, new Date(at.getTime() + 60_000), 10)

  it('H12 keeps secrets sealed, and gives them back to who verifies and delivers', async () => {
    const { database } = hub.node.database
    await hub.tools.subscribers.ask([asked('https://a.example/', { secret: 'geheim' })], now)
    const sealed = async (table: string) => (await database.knex(table).first()).secret
    assert.ok(!(await sealed('verifications')).includes('geheim'))
    const claimed = await claim()
    assert.equal(claimed[0]?.secret, 'geheim')
    await hub.tools.subscribers.confirm(claimed, now)
    assert.ok(!(await sealed('subscribers')).includes('geheim'))
  })

  it('H6 leaves a request that was replaced while it was asked to its successor', async () => {
    const { subscribers } = hub.tools
    await subscribers.ask([asked('https://a.example/', { secret: 'one' })], now)
    const [first] = await claim()
    await subscribers.ask([asked('https://a.example/', { mode: 'unsubscribe' })], now)
    await subscribers.confirm([first!], now)
    assert.equal(await subscribers.count(TOPIC), 0)
    await subscribers.drop(first!, now)
    const [second] = await claim()
    assert.deepEqual([second!.mode, second!.version, second!.attempts], ['unsubscribe', 2, 0])
  })

  it('H6 renews in place: one row, a new secret and lease', async () => {
    const { subscribers } = hub.tools
    await subscribers.enter([asked('https://a.example/', { secret: 'one' })], now)
    const before = await subscribers.find(TOPIC, 'https://a.example/')
    await subscribers.enter([asked('https://a.example/', { leaseSeconds: 10 * 86_400, method: 'sha1' })], later(1000))
    const after = await subscribers.find(TOPIC, 'https://a.example/')
    assert.deepEqual([after!.id, after!.method, +after!.expiresAt], [before!.id, 'sha1', +later(1000 + 10 * 86_400_000)])
    assert.equal(await subscribers.count(TOPIC), 1)
  })

  it('keeps the last of several requests of one callback in one go', async () => {
    await hub.tools.subscribers.ask(
      [asked('https://a.example/'), asked('https://b.example/'), asked('https://a.example/', { mode: 'unsubscribe' })],
      now
    )
    assert.deepEqual((await claim()).map(one => `${one.mode} ${one.callback}`).toSorted(), [
      'subscribe https://b.example/',
      'unsubscribe https://a.example/'
    ])
  })

  it('H5 gives a request to one who verifies, and again when its time is over', async () => {
    await hub.tools.subscribers.ask([asked('https://a.example/')], now)
    const claims = await Promise.all([claim(), claim()])
    assert.deepEqual(claims.map(list => list.length).toSorted(), [0, 1])
    assert.equal((await claim(later(59_999))).length, 0)
    assert.equal((await claim(later(60_000))).length, 1)
  })

  it('H5 counts what is open and what failed a host, and forgets it', async () => {
    const { subscribers } = hub.tools
    const count = async (since = later(-60_000)) => (await subscribers.countOpen(['a.example', 'b.example:8443'], since)).get('a.example')
    assert.equal(await count(), undefined)
    await subscribers.ask([asked('https://a.example/1'), asked('https://a.example/2'), asked('https://b.example:8443/')], now)
    assert.deepEqual(await count(), { open: 2, failed: 0 })
    const [first, second] = await claim()
    await subscribers.drop(first!, now)
    await subscribers.retry(second!, later(60_000), now)
    assert.deepEqual(await count(), { open: 1, failed: 2 })
    assert.deepEqual(await count(now), { open: 1, failed: 0 })
    await subscribers.forgetFailed(later(1))
    assert.deepEqual(await count(), { open: 1, failed: 1 })
  })

  it('H9 removes those whose lease has ended, and those of a topic that has', async () => {
    const { subscribers } = hub.tools
    await subscribers.enter([asked('https://a.example/'), asked('https://b.example/', { leaseSeconds: 864_000 })], now)
    assert.equal(await subscribers.removeExpired(later(86_400_000 - 1)), 0)
    assert.equal(await subscribers.removeExpired(later(86_400_000)), 1)
    assert.deepEqual(
      (await subscribers.removeTopic(TOPIC)).map(one => one.callback),
      ['https://b.example/']
    )
    assert.deepEqual(await subscribers.list(10), [])
  })

  it('H5 counts an unsubscribe that is answered by 500 when pushes fail as well', async () => {
    const one = hub.subscriber('https://a.example/', { onPost: () => ({ status: 500 }) })
    await hub.subscribe(one)
    await hub.publish('x')
    one.onGet = () => ({ status: 500 })
    await hub.subscribe(one, { 'hub.mode': 'unsubscribe' })
    for (const minutes of [1, 10, 50]) {
      assert.equal(await hub.tools.subscribers.count(TOPIC), 1)
      hub.pass(minutes * 60_000)
      await verifyDue(hub.tools)
    }
    assert.equal(await hub.tools.subscribers.count(TOPIC), 0)
  })
})
