/** The hub’s questions, its leases and denials (protocols.md S6 to S8). */
import assert from 'node:assert/strict'
import { confirm, renewalAfter } from '../../src/federation/subscribe.ts'
import { signBody } from '../../src/protocol/hub.ts'
import { DAY, HOUR, MINUTE, missing, type Reader, startReader, stateOf } from '../support/reader.ts'

describe('a subscription', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())
  // those of other tests would be due as well
  afterEach(() => reader.node.database.database.knex('subscriptions').delete())

  describe('verified', () => {
    it('S6 echoes the challenge for what was asked, once, and for nothing else', async () => {
      const ann = reader.site('s6a')
      await ann.ask(ann.entry(1))
      const { token, verifyToken } = await ann.subscription()
      const wrong: Record<string, string>[] = [
        { 'hub.topic': `${ann.feed}?` },
        { 'hub.topic': ann.feed.toUpperCase() },
        { 'hub.topic': '' },
        { 'hub.mode': 'unsubscribe' },
        { 'hub.mode': 'x' },
        { 'hub.challenge': '' },
        { 'hub.challenge': 'c'.repeat(1025) },
        { 'hub.verify_token': 'guessed' }
      ]
      for (const fields of wrong)
        await assert.rejects(ann.verify(fields), error => (error as Error).name !== 'TypeError', JSON.stringify(fields))
      const whole = new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.topic': ann.feed, 'hub.challenge': 'c' })
      await assert.rejects(confirm(reader.tools, `${token}x`, whole), missing(404))
      assert.equal((await ann.subscription()).state, 'asking')
      assert.equal(await ann.verify({ 'hub.challenge': '<c> &\n', 'hub.verify_token': verifyToken! }), '<c> &\n')
      await assert.rejects(ann.verify(), missing(404))
    })

    it('S6 answers nothing more when the request is older than a day', async () => {
      const ann = reader.site('s6b')
      await ann.ask(ann.entry(1))
      reader.pass(DAY)
      await assert.rejects(ann.verify(), missing(404))
    })

    it('S6 says no to a hub that asks about what nobody wanted', async () => {
      const ann = reader.site('s6c')
      ann.write('', {}, ann.head.replace(/<link rel="hub"[^>]*>/, ''))
      await reader.follow(ann.feed)
      await reader.work()
      await assert.rejects(ann.verify(), missing(404))
      await assert.rejects(ann.verify({ 'hub.mode': 'unsubscribe' }), missing(404))
    })

    it('S7 renews a lease at four fifths, three days before the end of a long one', () => {
      const days = (lease: number | undefined, random: number) => renewalAfter(lease, () => random) / 86_400
      const table: [lease: number | undefined, random: number, days: number][] = [
        [undefined, 0.5, 10],
        [86_400, 0.5, 0.8],
        [86_400, 0, 0.75],
        [10 * 86_400, 0.5, 8],
        [14 * 86_400, 0.99, 11.886],
        [30 * 86_400, 0.5, 24],
        [16 * 86_400, 0.99, 13],
        [365 * 86_400, 0.5, 292],
        [366 * 86_400, 0.5, 10],
        [599, 0.5, 1],
        [1, 0.5, 1]
      ]
      for (const [lease, random, expected] of table) assert.equal(days(lease, random).toFixed(3), expected.toFixed(3), `${lease}`)
      assert.equal(
        renewalAfter(600, () => 0.5),
        480
      )
    })

    it('S7 keeps the lease as it was granted; without one, or for more than a century, it never ends', async () => {
      const table: [granted: string, seconds: number | undefined, ends: number | undefined, renewed: number, state: string][] = [
        ['86400', 86_400, 24, 19.2, 'active'],
        ['0', undefined, undefined, 240, 'active'],
        ['', undefined, undefined, 240, 'active'],
        ['soon', undefined, undefined, 240, 'active'],
        ['31622400', 31_622_400, 8784, 240, 'active'],
        ['99999999999999999999', Number.MAX_SAFE_INTEGER, undefined, 240, 'active'],
        ['60', 60, 1 / 60, 24, 'polling']
      ]
      for (const [i, [granted, seconds, ends, renewed, state]] of table.entries()) {
        const ann = reader.site(`s7-${i}`)
        await ann.ask(ann.entry(1))
        await ann.verify({ 'hub.lease_seconds': granted })
        const kept = await ann.subscription()
        assert.deepEqual(
          [kept.leaseSeconds, reader.inHours(kept.expiresAt), reader.inHours(kept.askAt), kept.state],
          [seconds, ends, renewed, state],
          granted
        )
      }
    })

    it('S7 renews by asking again, with a new secret, while both secrets count', async () => {
      const ann = reader.site('s7a')
      const { secret: old } = await ann.active(ann.entry(1))
      const signed = async (secret: string, n: number) => {
        const body = ann.document(ann.entry(n))
        await ann.deliver(body, signBody('sha256', secret, body))
        await reader.work()
        return (await reader.post(ann.id(n))) !== undefined
      }
      reader.pass(6 * DAY)
      await reader.tick()
      const { nextSecret, state, token } = await ann.subscription()
      assert.deepEqual([state, ann.asked.length, ann.asked[1]!.get('hub.secret')], ['active', 2, nextSecret])
      assert.notEqual(nextSecret, old)
      assert.equal(ann.asked[1]!.get('hub.callback'), ann.asked[0]!.get('hub.callback'))
      assert.deepEqual([await signed(old, 2), await signed(nextSecret!, 3), await signed('x', 4)], [true, true, false])
      await ann.verify()
      const renewed = await ann.subscription()
      assert.deepEqual([renewed.secret, renewed.token, reader.inHours(renewed.expiresAt)], [nextSecret, token, 168])
      assert.deepEqual([await signed(old, 5), await signed(nextSecret!, 6)], [true, true])
      reader.pass(HOUR)
      assert.deepEqual([await signed(old, 7), await signed(nextSecret!, 8)], [false, true])
    })

    it('S7 sends the same new secret again when it does not know whether the hub took the first', async () => {
      const ann = reader.site('s7b')
      await ann.active()
      reader.pass(6 * DAY)
      ann.hubAnswers(500)
      await reader.tick()
      reader.pass(HOUR)
      ann.hubAnswers(202)
      await reader.tick()
      assert.equal(ann.asked.length, 3)
      assert.equal(ann.asked[1]!.get('hub.secret'), ann.asked[2]!.get('hub.secret'))
    })

    it('S7 W41 polls when the lease ended without a renewal, and is pushed to again when the hub is back', async () => {
      const ann = reader.site('s7c')
      await ann.active(ann.entry(1))
      ann.hubAnswers(500)
      reader.pass(6 * DAY)
      await reader.tick()
      assert.equal((await ann.subscription()).state, 'active')
      reader.pass(DAY)
      ann.write(ann.entry(1) + ann.entry(2))
      await reader.tick()
      const expired = await ann.subscription()
      assert.ok(['expired', 'asking'].includes(expired.state))
      assert.ok(await reader.post(ann.id(2)), 'polled at once')
      assert.ok(reader.inHours(expired.pollAt)! < 24)
      ann.hubAnswers(202)
      reader.pass(DAY)
      await reader.tick()
      await ann.verify()
      assert.deepEqual(stateOf(await ann.subscription()), ['active', undefined, '/hub'])
    })

    it('S7 looks once more for what was published before the hub began to push', async () => {
      const ann = reader.site('s7d')
      await ann.ask(ann.entry(1))
      ann.write(ann.entry(1) + ann.entry(2))
      reader.pass(MINUTE)
      await ann.verify()
      reader.pass(MINUTE)
      await reader.tick()
      assert.ok(await reader.post(ann.id(2)))
      assert.ok(reader.inHours((await ann.subscription()).pollAt)! > 23)
    })

    it('S8 believes a denial, polls, and asks again after a day', async () => {
      const ann = reader.site('s8a')
      await ann.active()
      assert.equal(await ann.verify({ 'hub.mode': 'denied', 'hub.reason': 'not\u0000 you\n<b>' }), '')
      const denied = await ann.subscription()
      assert.deepEqual([...stateOf(denied), denied.error], ['denied', undefined, '/hub', 'The hub denied it: not you'])
      assert.deepEqual([reader.inHours(denied.askAt), reader.inHours(denied.pollAt)], [24, 0])
      await reader.tick()
      assert.equal(ann.asked.length, 1)
      reader.pass(DAY)
      await reader.tick()
      await ann.verify()
      assert.equal((await ann.subscription()).state, 'active')
    })

    it('S8 lets a denial bring nothing back that has ended', async () => {
      const ann = reader.site('s8b')
      await ann.active()
      await reader.tools.subscriptions.change((await ann.subscription()).id, { state: 'ended' })
      await ann.verify({ 'hub.mode': 'denied' })
      assert.equal((await ann.subscription()).state, 'ended')
    })
  })
})
