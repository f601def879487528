/** To subscribe at somebody's hub (protocols.md S2 to S10, S13, S14): what is asked, what is believed, what the clock does. */
import assert from 'node:assert/strict'
import { unfollow } from '../../src/federation/follow.ts'
import { confirm, renewalAfter, takeContent } from '../../src/federation/subscribe.ts'
import { Missing, Unreachable } from '../../src/model/errors.ts'
import type { Subscription } from '../../src/model/kept.ts'
import { signBody } from '../../src/protocol/hub.ts'
import { DAY, HOUR, MINUTE, type Reader, SECOND, type Site, startReader } from '../support/reader.ts'

const unknown = (error: unknown) => error instanceof Missing && error.status === 404
const ended = (error: unknown) => error instanceof Missing && error.status === 410

describe('a subscription', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())
  // those of other tests would be due as well
  afterEach(() => reader.node.database.database.knex('subscriptions').delete())

  const inHours = (date: Date | undefined) => (date === undefined ? undefined : (date.getTime() - reader.time.now) / HOUR)
  const states = ({ hub, pendingMode, state }: Subscription) => [state, pendingMode, hub?.replace(/^https:..[^/]*/, '')]
  const asking = async (name: string): Promise<Site> => {
    const site = reader.site(name)
    site.write(site.entry(1))
    await reader.follow(site.feed)
    await reader.work()
    return site
  }

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
        ann.write('')
        await reader.follow(ann.feed)
        await reader.work()
        assert.equal(there.length, times, `${status}`)
        assert.equal((await ann.subscription()).state, times ? 'asking' : 'polling')
      }
    })

    it('S3 S4 has a callback and a secret of its own, of 256 bits, which are sealed in the database', async () => {
      const [one, two] = [await asking('s3a'), await asking('s3b')]
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
      ann.write('')
      await reader.follow(ann.feed)
      await reader.work()
      assert.deepEqual(states(await ann.subscription()), ['active', undefined, '/hub'])
    })

    it('S5 takes 200, 201, 202 and 204 for a promise, and stays asking until the hub has verified', async () => {
      for (const status of [200, 201, 202, 204]) {
        const ann = reader.site(`s5-${status}`)
        ann.hubAnswers(status)
        ann.write('')
        await reader.follow(ann.feed)
        await reader.work()
        assert.deepEqual(states(await ann.subscription()), ['asking', 'subscribe', '/hub'])
        await ann.verify()
        assert.equal((await ann.subscription()).state, 'active')
      }
    })

    it('S5 believes a verification more than the answer that came after it', async () => {
      for (const status of [400, 500]) {
        const ann = reader.site(`s5b-${status}`)
        ann.hubAnswers(status, () => ann.verify())
        ann.write('')
        await reader.follow(ann.feed)
        await reader.work()
        const subscription = await ann.subscription()
        assert.deepEqual(states(subscription), ['active', undefined, '/hub'])
        assert.ok(inHours(subscription.askAt)! > 24)
      }
    })

    it('S5 takes any other answer below 500 for a refusal for good, and polls', async () => {
      for (const status of [400, 403, 404, 410, 422, 301]) {
        const ann = reader.site(`s5c-${status}`)
        ann.hubAnswers(status)
        ann.write('')
        await reader.follow(ann.feed)
        await reader.work()
        const subscription = await ann.subscription()
        assert.deepEqual([...states(subscription), subscription.status], ['polling', undefined, '/hub', status])
        // looked at once more now: the hub may have changed (rediscovery)
        assert.deepEqual([inHours(subscription.askAt), inHours(subscription.pollAt)], [24, 0])
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
      assert.equal(inHours((await ann.subscription()).askAt), 2)
      reader.pass(2 * HOUR)
      reader.net.set(`POST ${ann.hub}`, { error: new Unreachable('no answer') })
      await reader.tick()
      const { askAt, error, state } = await ann.subscription()
      assert.deepEqual([state, error, inHours(askAt)], ['asking', 'no answer', 2])
    })

    it('S5 asks a hub that takes the request and never verifies less and less often, and polls meanwhile', async () => {
      const ann = await asking('s5e')
      const pauses = []
      for (let i = 0; i < 5; i++) {
        const { askAt } = await ann.subscription()
        pauses.push(inHours(askAt))
        reader.time.now = askAt!.getTime()
        await reader.tick()
      }
      assert.deepEqual(pauses, [0.5, 2, 12, 24, 24])
      assert.ok(reader.net.requests().filter(line => line === `GET ${ann.feed}`).length > 3)
    })

    it('S5 keeps what a hub says as one line of text', async () => {
      const ann = reader.site('s5f')
      reader.net.set(`POST ${ann.hub}`, { status: 400, body: '<div class="error">No\u0000 such\n<script>x()</script>topic</div>' })
      ann.write('')
      await reader.follow(ann.feed)
      await reader.work()
      assert.equal((await ann.subscription()).error, 'The hub answered 400: No such topic')
    })

    it('S1 goes to the next hub when one refuses, or cannot be reached three times', async () => {
      const ann = reader.site('s1')
      ann.write('', {}, `${ann.head}<link rel="hub" href="${ann.origin}/hub2"/>`)
      ann.hubAnswers(403)
      reader.net.set(`POST ${ann.origin}/hub2`, { status: 500 })
      await reader.follow(ann.feed)
      await reader.work()
      assert.deepEqual(states(await ann.subscription()), ['polling', undefined, '/hub2'])
      await reader.tick()
      // a poll meanwhile does not lead back to the first
      await ann.poll()
      assert.deepEqual(states(await ann.subscription()), ['asking', 'subscribe', '/hub2'])
      for (let i = 0; i < 2; i++) {
        reader.time.now = (await ann.subscription()).askAt!.getTime()
        await reader.tick()
      }
      assert.equal((await ann.subscription()).hub, ann.hub)
      ann.hubAnswers(202)
      reader.time.now = (await ann.subscription()).askAt!.getTime()
      await reader.tick()
      await ann.verify()
      assert.deepEqual(states(await ann.subscription()), ['active', undefined, '/hub'])
    })
  })

  describe('verified', () => {
    it('S6 echoes the challenge for what was asked, once, and for nothing else', async () => {
      const ann = await asking('s6a')
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
      await assert.rejects(confirm(reader.tools, `${token}x`, whole), unknown)
      assert.equal((await ann.subscription()).state, 'asking')
      assert.equal(await ann.verify({ 'hub.challenge': '<c> &\n', 'hub.verify_token': verifyToken! }), '<c> &\n')
      await assert.rejects(ann.verify(), unknown)
    })

    it('S6 answers nothing more when the request is older than a day', async () => {
      const ann = await asking('s6b')
      reader.pass(DAY)
      await assert.rejects(ann.verify(), unknown)
    })

    it('S6 says no to a hub that asks about what nobody wanted', async () => {
      const ann = reader.site('s6c')
      ann.write('', {}, ann.head.replace(/<link rel="hub"[^>]*>/, ''))
      await reader.follow(ann.feed)
      await reader.work()
      await assert.rejects(ann.verify(), unknown)
      await assert.rejects(ann.verify({ 'hub.mode': 'unsubscribe' }), unknown)
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
        const ann = await asking(`s7-${i}`)
        await ann.verify({ 'hub.lease_seconds': granted })
        const kept = await ann.subscription()
        assert.deepEqual(
          [kept.leaseSeconds, inHours(kept.expiresAt), inHours(kept.askAt), kept.state],
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
      assert.deepEqual([renewed.secret, renewed.token, inHours(renewed.expiresAt)], [nextSecret, token, 168])
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
      assert.ok(inHours(expired.pollAt)! < 24)
      ann.hubAnswers(202)
      reader.pass(DAY)
      await reader.tick()
      await ann.verify()
      assert.deepEqual(states(await ann.subscription()), ['active', undefined, '/hub'])
    })

    it('S7 looks once more for what was published before the hub began to push', async () => {
      const ann = await asking('s7d')
      ann.write(ann.entry(1) + ann.entry(2))
      reader.pass(MINUTE)
      await ann.verify()
      reader.pass(MINUTE)
      await reader.tick()
      assert.ok(await reader.post(ann.id(2)))
      assert.ok(inHours((await ann.subscription()).pollAt)! > 23)
    })

    it('S8 believes a denial, polls, and asks again after a day', async () => {
      const ann = reader.site('s8a')
      await ann.active()
      assert.equal(await ann.verify({ 'hub.mode': 'denied', 'hub.reason': 'not\u0000 you\n<b>' }), '')
      const denied = await ann.subscription()
      assert.deepEqual([...states(denied), denied.error], ['denied', undefined, '/hub', 'The hub denied it: not you'])
      assert.deepEqual([inHours(denied.askAt), inHours(denied.pollAt)], [24, 0])
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

  describe('pushed to', () => {
    it('S9 keeps the raw body for later and answers at once; what it is counts afterwards', async () => {
      const ann = reader.site('s9')
      await ann.active()
      const { id } = await ann.subscription()
      const bodies = [
        '',
        'no feed',
        '<html/>',
        '{}',
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry>',
        '\u0000',
        '<!DOCTYPE x [<!ENTITY y "z">]><feed/>'
      ]
      for (const body of bodies) await ann.deliver(body)
      const utf16 = Buffer.from(`\ufeff${ann.document(ann.entry(1, 'käse')).toString()}`, 'utf16le')
      await ann.deliver(utf16)
      assert.deepEqual((await reader.tools.subscriptions.pushes(id, '0', 20)).at(-1)?.body, utf16)
      await reader.work()
      assert.deepEqual(await reader.tools.subscriptions.pushes(id, '0', 20), [])
      assert.equal((await reader.post(ann.id(1)))?.html, '<p>käse</p>')
    })

    it('S10 keeps nothing whose signature is missing, wrong, twice or of a method that it does not know', async () => {
      const ann = reader.site('s10a')
      const { id, secret, token } = await ann.active()
      const body = ann.document(ann.entry(1))
      const right = signBody('sha256', secret, body)
      const wrong = [
        '',
        'sha256=',
        'sha1=zz',
        `md5=${'0'.repeat(32)}`,
        `${right}, ${right}`,
        `${right}00`,
        right.slice(0, -2),
        signBody('sha256', '', body)
      ]
      for (const signature of wrong) await ann.deliver(body, signature)
      await takeContent(reader.tools, token, body, {})
      assert.deepEqual(await reader.tools.subscriptions.pushes(id, '0', 20), [])
      assert.equal((await ann.subscription()).badSignatures, wrong.length + 1)
      const [method, hex] = signBody('sha1', secret, body).split('=')
      for (const signature of [
        right,
        `${method!.toUpperCase()}=${hex!.toUpperCase()}`,
        signBody('sha384', secret, body),
        signBody('sha512', secret, body)
      ])
        await ann.deliver(body, signature)
      assert.equal((await reader.tools.subscriptions.pushes(id, '0', 20)).length, 4)
      await reader.work()
      assert.equal((await ann.subscription()).badSignatures, 0)
    })

    it('S10 looks at the topic soon, once for many wrong signatures, and after five agrees on a new secret', async () => {
      const ann = reader.site('s10b')
      const { secret } = await ann.active(ann.entry(1))
      reader.pass(2 * MINUTE)
      await reader.tick()
      ann.write(ann.entry(1) + ann.entry(2))
      for (let i = 0; i < 4; i++) {
        await ann.deliver(ann.document(ann.entry(2)), 'sha1=00')
        reader.pass(MINUTE)
      }
      assert.equal(inHours((await ann.subscription()).pollAt), 1 / 60)
      await reader.tick()
      assert.equal(ann.asked.length, 1)
      await ann.deliver('x', 'sha1=00')
      reader.pass(MINUTE)
      await reader.tick()
      assert.ok(await reader.post(ann.id(2)))
      assert.deepEqual([ann.asked.length, ann.asked[1]!.get('hub.secret') === secret], [2, false])
    })

    it('S9 S13 answers 404 to an unknown token and 410 when it is over', async () => {
      const ann = reader.site('s9b')
      const { id, token } = await ann.active()
      await assert.rejects(takeContent(reader.tools, 'guessed', Buffer.from('x'), {}), unknown)
      await reader.tools.subscriptions.change(id, { state: 'ended' })
      await assert.rejects(takeContent(reader.tools, token, Buffer.from('x'), {}), ended)
    })
  })

  describe('ended', () => {
    const leave = async (site: Site) => {
      await unfollow(reader.tools, (await reader.tools.actors.findByUri(site.author))!, reader.bob)
      await reader.work()
    }

    it('S13 unsubscribes with the same topic and callback, and is over when the hub has verified', async () => {
      const ann = reader.site('s13a')
      const { token, verifyToken } = await ann.active()
      await leave(ann)
      const form = ann.asked[1]!
      assert.deepEqual(
        ['mode', 'topic', 'callback', 'verify_token'].map(name => form.get(`hub.${name}`)),
        ['unsubscribe', ann.feed, `https://reader.example/push/${token}`, verifyToken]
      )
      await assert.rejects(ann.verify(), unknown, 'a subscribe is not what was asked')
      assert.equal(await ann.verify({ 'hub.mode': 'unsubscribe', 'hub.challenge': 'bye' }), 'bye')
      assert.equal((await ann.subscription()).state, 'ended')
      await assert.rejects(ann.deliver('x'), ended)
    })

    it('S13 is over after three days when the hub never verifies, and is not polled meanwhile', async () => {
      const ann = reader.site('s13b')
      await ann.active()
      await leave(ann)
      const polls = reader.net.requests().filter(line => line === `GET ${ann.feed}`).length
      for (let i = 0; i < 10; i++) {
        await ann.deliver('x', 'sha1=00')
        reader.pass(8 * HOUR)
        await reader.tick()
      }
      assert.equal((await ann.subscription()).state, 'ended')
      assert.equal(reader.net.requests().filter(line => line === `GET ${ann.feed}`).length, polls)
      assert.ok(ann.asked.length > 2 && ann.asked.length < 12)
      await assert.rejects(ann.deliver('x'), ended)
    })

    it('S13 takes a subscription up again that is being ended', async () => {
      const ann = reader.site('s13c')
      await ann.active(ann.entry(1))
      await leave(ann)
      ann.write(ann.entry(1) + ann.entry(2))
      const again = await reader.follow(ann.feed)
      assert.deepEqual([again.already, again.fresh], [false, 1])
      await assert.rejects(ann.verify({ 'hub.mode': 'unsubscribe' }), unknown)
      await reader.work()
      await ann.verify()
      assert.deepEqual(states(await ann.subscription()), ['active', undefined, '/hub'])
    })
  })

  describe('in good health', () => {
    it('S14 asks a hub again that has been silent for a day while there was news, and polls until it pushes', async () => {
      const ann = reader.site('s14a')
      await ann.active(ann.entry(1))
      reader.pass(MINUTE)
      await reader.tick()
      assert.ok(inHours((await ann.subscription()).pollAt)! > 21)
      ann.write(ann.entry(1) + ann.entry(2))
      reader.pass(25 * HOUR)
      await reader.tick()
      const quiet = await ann.subscription()
      assert.deepEqual([quiet.newsMissed, quiet.state, inHours(quiet.askAt)], [1, 'active', 0])
      await reader.tick()
      await ann.verify()
      assert.equal(ann.asked.length, 2)
      reader.pass(DAY)
      await reader.tick()
      assert.ok(inHours((await ann.subscription()).pollAt)! < 21, 'polled like a feed without a hub')
      await ann.push(ann.entry(3))
      assert.equal((await ann.subscription()).newsMissed, 0)
      reader.pass(DAY)
      await reader.tick()
      assert.ok(inHours((await ann.subscription()).pollAt)! > 21, 'polled daily again')
    })

    it('S14 blames no hub that pushed within the day', async () => {
      const ann = reader.site('s14b')
      await ann.active()
      await ann.push(ann.entry(1))
      ann.write(ann.entry(2) + ann.entry(1))
      reader.pass(HOUR)
      await ann.poll()
      assert.deepEqual([(await ann.subscription()).newsMissed, !!(await reader.post(ann.id(2)))], [0, true])
      await reader.tick()
      assert.equal(ann.asked.length, 1)
    })

    it('S14 W43 turns to another hub when the feed names another, and to polling when it names none', async () => {
      const ann = reader.site('s14c')
      await ann.active()
      const other = `${ann.origin}/other`
      const asked: string[] = []
      reader.net.set(`POST ${other}`, ({ body }) => {
        asked.push(body)
        return { status: 202 }
      })
      ann.write('', {}, ann.head.replace(ann.hub, other))
      await ann.poll()
      await reader.tick()
      await ann.verify()
      assert.deepEqual([asked.length, (await ann.subscription()).hub], [1, other])
      ann.write('', {}, ann.head.replace(/<link rel="hub"[^>]*>/, ''))
      await ann.poll()
      await reader.tick()
      assert.deepEqual(states(await ann.subscription()), ['polling', undefined, undefined])
      ann.write('')
      await ann.poll()
      await reader.tick()
      assert.deepEqual(states(await ann.subscription()), ['asking', 'subscribe', '/hub'])
    })
  })
})
