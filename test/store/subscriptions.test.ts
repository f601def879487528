/** Our subscriptions as they are kept: one of a topic, its clocks, what was pushed and not read. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Tools } from '../../src/tools.ts'
import { startNode, type TestNode } from '../support/node.ts'

const NOW = new Date('2026-03-01T00:00:00Z')
const HOUR = 3_600_000
const later = (hours: number) => new Date(NOW.getTime() + hours * HOUR)

describe('kept subscriptions', () => {
  let node: TestNode
  let subscriptions: Tools['subscriptions']
  before(async () => {
    node = await startNode({ work: false })
    subscriptions = node.tools.subscriptions
  })
  after(() => node.close())
  beforeEach(() => node.database.database.knex('subscriptions').delete())

  const add = (url = `https://a.example/${randomUUID()}`) => subscriptions.add({ url, topic: url }, NOW)

  it('S3 makes one of a topic, also when two do so at once, with a token that finds it', async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => add('https://a.example/feed')))
    assert.equal(new Set(made.map(one => one.id)).size, 1)
    const { id, token } = made[0]!
    assert.equal((await subscriptions.findByToken(token))?.id, id)
    assert.equal(await subscriptions.findByToken(`${token}x`), undefined)
    assert.equal(await subscriptions.findByToken(''), undefined)
  })

  it('gives what is due to one of those who ask at once', async () => {
    for (let i = 0; i < 6; i++) await subscriptions.change((await add()).id, { pollAt: NOW, askAt: NOW })
    const polls = await Promise.all([1, 2, 3].map(() => subscriptions.takePolls(NOW, 0.5, 4)))
    const asks = await Promise.all([1, 2, 3].map(() => subscriptions.takeAsks(NOW, later(1), 4)))
    for (const taken of [polls, asks]) assert.deepEqual([taken.flat().length, new Set(taken.flat()).size], [6, 6])
    assert.deepEqual(await subscriptions.takePolls(NOW, 0.5, 4), [])
    assert.equal((await subscriptions.takeAsks(later(1), later(2), 9)).length, 6, 'come again when nobody set another time')
  })

  it('I16 sets the next poll by the news: 15 minutes to a day, and daily where a hub pushes all', async () => {
    const cases: [change: Parameters<typeof subscriptions.change>[1], spread: number, hours: number][] = [
      [{ newsAt: NOW }, 0.5, 0.25],
      [{ newsAt: later(-16) }, 0.5, 2],
      [{ newsAt: later(-16) }, 0, 1.8],
      [{ newsAt: later(-9000) }, 0.5, 24],
      [{ newsAt: later(-9000) }, 1, 26.4],
      [{ newsAt: NOW, state: 'active' }, 0.5, 24],
      [{ newsAt: NOW, state: 'active', newsMissed: 1 }, 0.5, 0.25],
      [{ newsAt: NOW, state: 'asking' }, 0.5, 0.25]
    ]
    for (const [change, spread, hours] of cases) {
      const { id } = await add()
      await subscriptions.change(id, { ...change, pollAt: NOW })
      await subscriptions.takePolls(NOW, spread, 9)
      const { pollAt } = (await subscriptions.find(id))!
      assert.equal((pollAt!.getTime() - NOW.getTime()) / HOUR, hours, JSON.stringify(change))
    }
  })

  it('W14 knows when each feed was asked for last, but not of one that was never read', async () => {
    const [read, fresh] = [await add(), await add()]
    await subscriptions.change(read.id, { polledAt: later(-5), pollAt: NOW })
    await subscriptions.change(fresh.id, { pollAt: NOW })
    await subscriptions.takePolls(NOW, 0.5, 9)
    assert.deepEqual((await subscriptions.find(read.id))!.polledAt, NOW)
    assert.equal((await subscriptions.find(fresh.id))!.polledAt, undefined)
  })

  it('S7 ends leases and requests that nobody answered, and no others', async () => {
    const cases: [change: Parameters<typeof subscriptions.change>[1], state: string][] = [
      [{ state: 'active', expiresAt: later(-1) }, 'expired'],
      [{ state: 'active', expiresAt: later(1) }, 'active'],
      [{ state: 'active' }, 'active'],
      [{ state: 'asking', pendingAt: later(-25) }, 'polling'],
      [{ state: 'asking', pendingAt: later(-23) }, 'asking'],
      [{ state: 'ending', expiresAt: later(-1) }, 'ending']
    ]
    const ids: string[] = []
    for (const [change] of cases) {
      const { id } = await add()
      ids.push(id)
      await subscriptions.change(id, change)
    }
    await subscriptions.expire(NOW)
    const states = await Promise.all(ids.map(async id => (await subscriptions.find(id))?.state))
    assert.deepEqual(
      states,
      cases.map(([, state]) => state)
    )
    assert.deepEqual((await subscriptions.find(ids[0]!))?.pollAt, NOW)
  })

  it('S9 keeps pushes byte for byte in the order in which they came, and tells which were left', async () => {
    const { id } = await add()
    const bodies = [Buffer.from([0, 255, 13, 10]), Buffer.alloc(0), Buffer.from('\ufeffä')]
    for (const [i, body] of bodies.entries()) await subscriptions.addPush(id, body, i === 1 ? undefined : 'text/xml; charset=x', later(i))
    const pushes = await subscriptions.pushes(id, '0', 9)
    assert.deepEqual(
      pushes.map(({ body, contentType }) => [body, contentType]),
      [
        [bodies[0], 'text/xml; charset=x'],
        [bodies[1], undefined],
        [bodies[2], 'text/xml; charset=x']
      ]
    )
    assert.deepEqual(
      (await subscriptions.pushes(id, pushes[0]!.id, 1)).map(push => push.id),
      [pushes[1]!.id]
    )
    assert.deepEqual(await subscriptions.unread(later(-1)), [])
    assert.deepEqual(await subscriptions.unread(later(1)), [id])
    assert.deepEqual([await subscriptions.removePush(pushes[0]!.id), await subscriptions.removePush(pushes[0]!.id)], [true, false])
    await subscriptions.remove(id)
    assert.deepEqual(await subscriptions.unread(later(9)), [])
  })
})
