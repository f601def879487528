/** To subscribe at somebody’s hub: what is asked, and what is done about the answer (protocols.md S1 to S5). */
import assert from 'node:assert/strict'
import { Unreachable } from '../../src/model/errors.ts'
import { HOUR, type Reader, SECOND, startReader, stateOf } from '../support/reader.ts'

describe('a subscription', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())
  // those of other tests would be due as well
  afterEach(() => reader.node.database.database.knex('subscriptions').delete())

  describe('asked for', () => {
    it('S2 sends each field once, asynchronously, with what the topic and the hub have in their queries', async () => {
      const ann = reader.site('s2')
      const [feed, hub] = [`${ann.origin}/feed?user=ann&tag=c++`, `${ann.origin}/push?x=1`]
      const asked: { headers: Record<string, string>; body: string }[] = []
      reader.net.set(feed, { body: ann.document('', ann.head.replaceAll(ann.feed, feed.replace('&', '&amp;')).replace(ann.hub, hub)) })
      reader.net.set(`POST ${hub}`, sent => {
        asked.push(sent)
        return { status: 202 }
      })
      const { subscription } = await reader.follow(feed)
      await reader.work()
      const { secret, token, verifyToken } = (await reader.tools.subscriptions.find(subscription!.id))!
      assert.equal(asked[0]?.headers['content-type'], 'application/x-www-form-urlencoded')
      assert.deepEqual(
        [...new URLSearchParams(asked[0]?.body)],
        [
          ['hub.mode', 'subscribe'],
          ['hub.topic', feed],
          ['hub.callback', `https://reader.example/push/${token}`],
          ['hub.secret', secret],
          ['hub.lease_seconds', '604800'],
          ['hub.verify', 'async'],
          ['hub.verify_token', verifyToken]
        ]
      )
    })

    it('S2 goes on to where a hub sends it by 307 or 308, and by nothing else', async () => {
      for (const [status, times] of [
        [307, 1],
        [308, 1],
        [301, 0],
        [302, 0]
      ] as const) {
        const ann = reader.site(`s2-${status}`)
        const there: string[] = []
        reader.net.set(`POST ${ann.hub}`, { status, redirectTo: `${ann.hub}2` })
        reader.net.set(`POST ${ann.hub}2`, ({ body }) => {
          there.push(body)
          return { status: 202 }
        })
        await ann.ask()
        assert.equal(there.length, times, `${status}`)
        assert.equal((await ann.subscription()).state, times ? 'asking' : 'polling')
      }
    })

    it('S3 S4 has a callback and a secret of its own, of 256 bits, which are sealed in the database', async () => {
      const [one, two] = [reader.site('s3a'), reader.site('s3b')]
      for (const site of [one, two]) await site.ask()
      const [a, b] = [await one.subscription(), await two.subscription()]
      for (const { secret, token } of [a, b]) assert.deepEqual([/^[\w-]{43}$/.test(token), /^[\da-f]{64}$/.test(secret)], [true, true])
      assert.ok(a.token !== b.token && a.secret !== b.secret)
      const rows = await reader.node.database.database.knex('subscriptions').select()
      assert.ok(rows.length > 0)
      for (const row of rows) {
        assert.ok(row.secret)
        assert.ok(![a, b].some(({ secret, token }) => JSON.stringify(row).includes(secret) || JSON.stringify(row).includes(token)))
      }
    })

    it('S3 S5 is kept before the request leaves, so that a hub may verify inside it', async () => {
      const ann = reader.site('s5a')
      ann.hubAnswers(204, () => ann.verify())
      await ann.ask()
      assert.deepEqual(stateOf(await ann.subscription()), ['active', undefined, '/hub'])
    })

    it('S5 takes 200, 201, 202 and 204 for a promise, and stays asking until the hub has verified', async () => {
      for (const status of [200, 201, 202, 204]) {
        const ann = reader.site(`s5-${status}`)
        ann.hubAnswers(status)
        await ann.ask()
        assert.deepEqual(stateOf(await ann.subscription()), ['asking', 'subscribe', '/hub'])
        await ann.verify()
        assert.equal((await ann.subscription()).state, 'active')
      }
    })

    it('S5 believes a verification more than the answer that came after it', async () => {
      for (const status of [400, 500]) {
        const ann = reader.site(`s5b-${status}`)
        ann.hubAnswers(status, () => ann.verify())
        await ann.ask()
        const subscription = await ann.subscription()
        assert.deepEqual(stateOf(subscription), ['active', undefined, '/hub'])
        assert.ok(reader.inHours(subscription.askAt)! > 24)
      }
    })

    it('S5 takes any other answer below 500 for a refusal for good, and polls', async () => {
      for (const status of [400, 403, 404, 410, 422, 301]) {
        const ann = reader.site(`s5c-${status}`)
        ann.hubAnswers(status)
        await ann.ask()
        const subscription = await ann.subscription()
        assert.deepEqual([...stateOf(subscription), subscription.status], ['polling', undefined, '/hub', status])
        // looked at once more now: the hub may have changed (rediscovery)
        assert.deepEqual([reader.inHours(subscription.askAt), reader.inHours(subscription.pollAt)], [24, 0])
      }
    })

    it('S5 tries again after 408, 429, 5xx and silence, with growing pauses, and not before Retry-After', async () => {
      const ann = reader.site('s5d')
      const answers = [503, 408, 500] as const
      ann.write('')
      ann.hubAnswers(answers[0])
      await reader.follow(ann.feed)
      await reader.work()
      const pauses: number[] = []
      for (const status of [...answers.slice(1), 429]) {
        const { askAt } = await ann.subscription()
        pauses.push((askAt!.getTime() - reader.time.now) / SECOND)
        reader.time.now = askAt!.getTime()
        ann.hubAnswers(status, undefined, status === 429 ? { 'retry-after': '7200' } : {})
        await reader.tick()
      }
      assert.deepEqual(pauses, [10, 60, 300])
      assert.equal(reader.inHours((await ann.subscription()).askAt), 2)
      reader.pass(2 * HOUR)
      reader.net.set(`POST ${ann.hub}`, { error: new Unreachable('no answer') })
      await reader.tick()
      const { askAt, error, state } = await ann.subscription()
      assert.deepEqual([state, error, reader.inHours(askAt)], ['asking', 'no answer', 2])
    })

    it('S5 asks a hub that takes the request and never verifies less and less often, and polls meanwhile', async () => {
      const ann = reader.site('s5e')
      await ann.ask(ann.entry(1))
      const pauses = []
      for (let i = 0; i < 5; i++) {
        const { askAt } = await ann.subscription()
        pauses.push(reader.inHours(askAt))
        reader.time.now = askAt!.getTime()
        await reader.tick()
      }
      assert.deepEqual(pauses, [0.5, 2, 12, 24, 24])
      assert.ok(reader.net.requests().filter(line => line === `GET ${ann.feed}`).length > 3)
    })

    it('S5 keeps what a hub says as one line of text', async () => {
      const ann = reader.site('s5f')
      reader.net.set(`POST ${ann.hub}`, { status: 400, body: '<div class="error">No\u0000 such\n<script>x()</script>topic</div>' })
      await ann.ask()
      assert.equal((await ann.subscription()).error, 'The hub answered 400: No such topic')
    })

    it('S1 goes to the next hub when one refuses, or cannot be reached three times', async () => {
      const ann = reader.site('s1')
      ann.write('', {}, `${ann.head}<link rel="hub" href="${ann.origin}/hub2"/>`)
      ann.hubAnswers(403)
      reader.net.set(`POST ${ann.origin}/hub2`, { status: 500 })
      await reader.follow(ann.feed)
      await reader.work()
      assert.deepEqual(stateOf(await ann.subscription()), ['polling', undefined, '/hub2'])
      await reader.tick()
      // a poll meanwhile does not lead back to the first
      await ann.poll()
      assert.deepEqual(stateOf(await ann.subscription()), ['asking', 'subscribe', '/hub2'])
      for (let i = 0; i < 2; i++) {
        reader.time.now = (await ann.subscription()).askAt!.getTime()
        await reader.tick()
      }
      assert.equal((await ann.subscription()).hub, ann.hub)
      ann.hubAnswers(202)
      reader.time.now = (await ann.subscription()).askAt!.getTime()
      await reader.tick()
      await ann.verify()
      assert.deepEqual(stateOf(await ann.subscription()), ['active', undefined, '/hub'])
    })
  })
})
