import assert from 'node:assert/strict'
import { removeAccount } from '../../src/federation/accounts.ts'
import { verifyDue } from '../../src/federation/verify.ts'
import { BadMessage, Refused, Unreachable } from '../../src/model/errors.ts'
import { startHub, type WrittenHub } from '../support/hub.ts'

const DAY = 86_400_000
const MINUTE = 60_000

describe('the hub', () => {
  let hub: WrittenHub
  before(async () => {
    hub = await startHub()
  })
  after(() => hub?.close())

  const find = (callback: string, topic = hub.topic) => hub.tools.subscribers.find(topic, callback)
  const fields = (callback: string, more: Record<string, string> = {}) => ({
    ...{ 'hub.mode': 'subscribe', 'hub.topic': hub.topic, 'hub.callback': callback },
    ...more
  })
  const refused = (status: number) => (error: unknown) =>
    (error instanceof Refused || error instanceof BadMessage) && error.status === status

  describe('asked for a topic', () => {
    const spellings = ['https://HUB.example/users/ann.atom', 'https://hub.example:443/users/ann.atom', 'http://hub.example/users/ann.atom']
    for (const [at, spelling] of spellings.entries()) {
      it(`H2 takes ${spelling} for its own, and verifies it in the subscriber's spelling`, async () => {
        const one = hub.subscriber(`https://spelling${at}.example/cb`)
        await hub.subscribe(one, { 'hub.topic': spelling })
        assert.equal(one.asked[0]?.query.get('hub.topic'), spelling)
        assert.ok(await find(one.callback))
      })
    }

    const foreign = [
      'https://other.example/users/ann.atom',
      'https://hub.example/',
      'https://hub.example/users/ann',
      'https://hub.example/users/nobody.atom'
    ]
    const odd = ['/users/%61nn.atom', '/users/ann.atom?x', '/users/ann.atom/', '//users/ann.atom', '/users/ANN.atom', '/users/ann.rss']
    for (const topic of [...foreign, ...odd.map(path => `https://hub.example${path}`)]) {
      it(`H2 refuses ${topic} with 422`, () => assert.rejects(hub.ask(fields('https://a.example/', { 'hub.topic': topic })), refused(422)))
    }
  })

  describe('asked with a callback', () => {
    for (const callback of [
      'http://10.0.0.1/',
      'http://127.0.0.1:3000/',
      'http://[::1]/',
      'http://169.254.169.254/',
      'http://2130706433/',
      'https://a.example:22/'
    ]) {
      it(`H3 refuses ${callback}`, () => assert.rejects(hub.ask(fields(callback)), BadMessage))
    }

    it('H3 keeps its query as it is', async () => {
      const one = hub.subscriber('http://query.example/cb?a=%2F&b')
      await hub.subscribe(one)
      assert.ok(one.asked[0]!.url.startsWith('http://query.example/cb?a=%2F&b&hub.mode=subscribe&'))
    })

    const leases: [string | undefined, number][] = [
      [undefined, 7],
      ['', 7],
      ['0', 7],
      ['a week', 7],
      ['-5', 7],
      ['60', 1],
      ['864000', 10],
      ['99999999999999999999', 30]
    ]
    for (const [asked, days] of leases) {
      it(`H3 grants ${days} days for ${asked}`, async () => {
        const one = hub.subscriber(`https://lease.example/${encodeURIComponent(asked ?? 'none')}`)
        await hub.subscribe(one, asked === undefined ? {} : { 'hub.lease_seconds': asked })
        assert.equal(one.asked[0]?.query.get('hub.lease_seconds'), String(days * 86_400))
        assert.equal(+(await find(one.callback))!.expiresAt - hub.time.now, days * DAY)
      })
    }

    it('H3 refuses a secret of 200 bytes, and takes one of 199', async () => {
      await assert.rejects(hub.ask(fields('https://a.example/', { 'hub.secret': 'x'.repeat(200) })), BadMessage)
      const one = hub.subscriber('https://secret.example/')
      await hub.subscribe(one, { 'hub.secret': 'ü'.repeat(99) })
      assert.ok(await find(one.callback))
    })

    it('H1 refuses a verify_token that the database would not take', () =>
      assert.rejects(hub.ask(fields('https://a.example/', { 'hub.verify_token': 'a\0b' })), BadMessage))
  })

  describe('verifying', () => {
    it('H4 answers before it asks, and does not hold the answer up', async () => {
      const one = hub.subscriber('https://order.example/')
      assert.equal(await hub.ask(fields(one.callback)), 'accepted')
      assert.equal(one.asked.length, 0)
      await hub.work()
      assert.equal(one.asked.length, 1)
    })

    it('H4 verifies before it answers when only that is wanted', async () => {
      const one = hub.subscriber('https://sync.example/')
      assert.equal(await hub.ask(fields(one.callback, { 'hub.verify': 'sync' })), 'verified')
      assert.equal(one.asked.length, 1)
      assert.equal((await find(one.callback))?.method, 'sha1')
      assert.equal(await hub.ask(fields(one.callback, { 'hub.mode': 'unsubscribe', 'hub.verify': 'sync' })), 'verified')
      assert.equal(await find(one.callback), undefined)
    })

    it('H4 says that a synchronous verification failed, and tries it no more', async () => {
      const one = hub.subscriber('https://sync-no.example/', { onGet: () => ({ status: 500 }) })
      await assert.rejects(hub.ask(fields(one.callback, { 'hub.verify': 'sync' })), refused(409))
      hub.pass(2 * MINUTE)
      await verifyDue(hub.tools)
      assert.equal(one.asked.length, 1)
    })

    it('H5 sends mode, topic, a long challenge, the granted lease, and the token only if one was given', async () => {
      const one = hub.subscriber('https://fields.example/')
      await hub.subscribe(one)
      await hub.subscribe(one, { 'hub.verify_token': 'to ken' })
      const [plain, old] = one.asked.map(knock => Object.fromEntries(knock.query))
      assert.match(plain!['hub.challenge']!, /^[0-9a-f]{32,}$/)
      assert.deepEqual(
        { ...plain, 'hub.challenge': 0 },
        { 'hub.mode': 'subscribe', 'hub.topic': hub.topic, 'hub.lease_seconds': '604800', 'hub.challenge': 0 }
      )
      assert.equal(old!['hub.verify_token'], 'to ken')
      assert.notEqual(plain!['hub.challenge'], old!['hub.challenge'])
    })

    const wrong: [string, (challenge: string) => { status?: number; body?: string; headers?: Record<string, string>; error?: Error }][] = [
      ['another body', () => ({ body: 'yes' })],
      ['the challenge and a line break', challenge => ({ body: `${challenge}\n` })],
      ['the challenge in upper case', challenge => ({ body: challenge.toUpperCase() })],
      ['no body', () => ({ body: '' })],
      ['404 and the challenge', challenge => ({ status: 404, body: challenge })],
      ['a redirect', challenge => ({ status: 302, headers: { location: 'https://elsewhere.example/' }, body: challenge })],
      ['a body that is too long', () => ({ error: new BadMessage('The answer is longer than 4096 bytes.') })],
      ['a private address', () => ({ error: new Refused('It is not at a public address.') })]
    ]
    for (const [what, answer] of wrong) {
      it(`H5 takes ${what} for a refusal, and asks no more`, async () => {
        const one = hub.subscriber(`https://wrong${wrong.findIndex(([name]) => name === what)}.example/`, {
          onGet: ({ query }) => answer(query.get('hub.challenge')!)
        })
        await hub.subscribe(one)
        hub.pass(2 * MINUTE)
        await verifyDue(hub.tools)
        assert.equal(one.asked.length, 1)
        assert.equal(await find(one.callback), undefined)
      })
    }

    for (const [what, reply] of [
      ['500', { status: 500 }],
      ['429', { status: 429 }],
      ['a time-out', { error: new Unreachable('It did not answer in time.') }]
    ] as const) {
      it(`H5 asks three times more within about an hour after ${what}`, async () => {
        const one = hub.subscriber(`https://again-${what.replaceAll(' ', '-')}.example/`, { onGet: () => reply })
        await hub.subscribe(one)
        const asked = [one.asked.length]
        for (const minutes of [1, 10, 50, 24 * 60]) {
          hub.pass(minutes * MINUTE - 1)
          await verifyDue(hub.tools)
          asked.push(one.asked.length)
          hub.pass(1)
          await verifyDue(hub.tools)
          asked.push(one.asked.length)
        }
        assert.deepEqual(asked, [1, 1, 2, 2, 3, 3, 4, 4, 4])
        assert.equal(await find(one.callback), undefined)
      })
    }

    it('H5 confirms those who answer at once while others hang', async () => {
      let release = () => {}
      const hanging = new Promise<object>(done => {
        release = () => done({ status: 500 })
      })
      const slow = hub.subscriber('https://hangs.example/', { onGet: () => hanging })
      await hub.ask(fields(slow.callback))
      const round = hub.work()
      while (slow.asked.length === 0) await new Promise(done => setTimeout(done, 5))
      const quick = hub.subscriber('https://quick.example/')
      await hub.ask(fields(quick.callback))
      while ((await find(quick.callback)) === undefined) await new Promise(done => setTimeout(done, 5))
      release()
      await round
    })
  })

  describe('limits', () => {
    it('H5 X37 takes ten failed verifications a minute of one host, the same callback counted each time', async () => {
      const one = hub.subscriber('https://fails.example:8443/cb', { onGet: () => ({ status: 404 }) })
      for (let count = 0; count < 10; count++) await hub.subscribe(one)
      await assert.rejects(hub.ask(fields(one.callback)), refused(429))
      await assert.rejects(hub.ask(fields('https://fails.example:8443/other')), refused(429))
      await assert.rejects(hub.ask(fields(one.callback, { 'hub.verify': 'sync' })), refused(429))
      assert.equal(one.asked.length, 10)
      assert.equal(await hub.ask(fields(hub.subscriber('https://fails.example/cb').callback)), 'accepted')
      hub.pass(MINUTE)
      assert.equal(await hub.ask(fields(one.callback)), 'accepted')
      await hub.work()
    })

    it('H5 X37 keeps a hundred open at once, and takes the next when one is done', async () => {
      const many = Array.from({ length: 101 }, (_, at) => hub.subscriber(`https://many.example/${at}`))
      await Promise.all(many.slice(0, 100).map(one => hub.ask(fields(one.callback))))
      const last = hub.ask(fields(many[100]!.callback))
      await new Promise(done => setTimeout(done, 50))
      hub.pass(5_000)
      await assert.rejects(last, refused(429))
      await hub.work()
      assert.equal(many.filter(one => one.asked.length === 1).length, 100)
      assert.equal(await hub.ask(fields(many[100]!.callback)), 'accepted')
      await hub.work()
    })
  })

  describe('closing an account', () => {
    it('H6 tells its subscribers that it is over, and lets nobody subscribe any more', async () => {
      const topic = hub.tools.addresses.feed('bob')
      const one = hub.subscriber('https://told.example/cb?x=1')
      const deaf = hub.subscriber('https://deaf.example/', {
        onGet: ({ query }) => (query.get('hub.mode') === 'denied' ? { status: 500 } : { body: query.get('hub.challenge')! })
      })
      for (const each of [one, deaf]) await hub.subscribe(each, { 'hub.topic': topic })
      await removeAccount(hub.tools, 'bob')
      await hub.work()
      const { url, query } = one.asked.at(-1)!
      assert.ok(url.startsWith('https://told.example/cb?x=1&hub.mode=denied&'))
      assert.deepEqual([query.get('hub.topic'), query.get('hub.reason')], [topic, 'This account was closed.'])
      assert.equal(await hub.tools.subscribers.count(topic), 0)
      await assert.rejects(hub.ask(fields(one.callback, { 'hub.topic': topic })), refused(422))
    })
  })
})
