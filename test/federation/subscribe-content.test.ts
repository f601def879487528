/** What a hub pushes, how a subscription ends, and what is done about a hub that has gone quiet (protocols.md S9, S10, S13, S14). */
import assert from 'node:assert/strict'
import { unfollow } from '../../src/federation/follow.ts'
import { takeContent } from '../../src/federation/subscribe.ts'
import { signBody } from '../../src/protocol/hub.ts'
import { DAY, HOUR, MINUTE, missing, type Reader, type Site, startReader, stateOf } from '../support/reader.ts'

describe('a subscription', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())
  // those of other tests would be due as well
  afterEach(() => reader.node.database.database.knex('subscriptions').delete())

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
      assert.equal(reader.inHours((await ann.subscription()).pollAt), 1 / 60)
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
      await assert.rejects(takeContent(reader.tools, 'guessed', Buffer.from('x'), {}), missing(404))
      await reader.tools.subscriptions.change(id, { state: 'ended' })
      await assert.rejects(takeContent(reader.tools, token, Buffer.from('x'), {}), missing(410))
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
      await assert.rejects(ann.verify(), missing(404), 'a subscribe is not what was asked')
      assert.equal(await ann.verify({ 'hub.mode': 'unsubscribe', 'hub.challenge': 'bye' }), 'bye')
      assert.equal((await ann.subscription()).state, 'ended')
      await assert.rejects(ann.deliver('x'), missing(410))
    })

    it('S13 is over after three days when the hub never verifies, and is not polled meanwhile', async () => {
      const ann = reader.site('s13b')
      await ann.active()
      await leave(ann)
      const polls = reader.net.requests().filter(line => line === `GET ${ann.feed}`).length
      for (let i = 0; i < 9; i++) {
        await ann.deliver('x', 'sha1=00')
        reader.pass(8 * HOUR)
        await reader.tick()
      }
      assert.equal((await ann.subscription()).state, 'ended')
      assert.equal(reader.net.requests().filter(line => line === `GET ${ann.feed}`).length, polls)
      assert.ok(ann.asked.length > 2 && ann.asked.length < 12)
      await assert.rejects(ann.deliver('x'), missing(410))
    })

    it('S13 takes a subscription up again that is being ended', async () => {
      const ann = reader.site('s13c')
      await ann.active(ann.entry(1))
      await leave(ann)
      ann.write(ann.entry(1) + ann.entry(2))
      const again = await reader.follow(ann.feed)
      assert.deepEqual([again.already, again.fresh], [false, 1])
      await assert.rejects(ann.verify({ 'hub.mode': 'unsubscribe' }), missing(404))
      await reader.work()
      await ann.verify()
      assert.deepEqual(stateOf(await ann.subscription()), ['active', undefined, '/hub'])
    })
  })

  describe('in good health', () => {
    it('S14 asks a hub again that has been silent for a day while there was news, and polls until it pushes', async () => {
      const ann = reader.site('s14a')
      await ann.active(ann.entry(1))
      reader.pass(MINUTE)
      await reader.tick()
      assert.ok(reader.inHours((await ann.subscription()).pollAt)! > 21)
      ann.write(ann.entry(1) + ann.entry(2))
      reader.pass(25 * HOUR)
      await reader.tick()
      const quiet = await ann.subscription()
      assert.deepEqual([quiet.newsMissed, quiet.state, reader.inHours(quiet.askAt)], [1, 'active', 0])
      await reader.tick()
      await ann.verify()
      assert.equal(ann.asked.length, 2)
      reader.pass(DAY)
      await reader.tick()
      assert.ok(reader.inHours((await ann.subscription()).pollAt)! < 21, 'polled like a feed without a hub')
      await ann.push(ann.entry(3))
      assert.equal((await ann.subscription()).newsMissed, 0)
      reader.pass(DAY)
      await reader.tick()
      assert.ok(reader.inHours((await ann.subscription()).pollAt)! > 21, 'polled daily again')
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
      assert.deepEqual(stateOf(await ann.subscription()), ['polling', undefined, undefined])
      ann.write('')
      await ann.poll()
      await reader.tick()
      assert.deepEqual(stateOf(await ann.subscription()), ['asking', 'subscribe', '/hub'])
    })
  })
})
