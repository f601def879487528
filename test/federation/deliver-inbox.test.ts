/** What becomes of an activity on its way: how it is signed, when it is tried again, and when not (W10, S3-17). */
import assert from 'node:assert/strict'
import { publish } from '../../src/federation/publish.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { RETRY_PAUSES } from '../../src/model/retries.ts'
import type { Reply } from '../support/hub.ts'
import { type Inhabitant, makeInhabitants, signatureOf } from '../support/inhabitants.ts'
import { startWriter, type Writer } from '../support/writer.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

describe('an activity for an inbox', () => {
  let writer: Writer
  let people: ReturnType<typeof makeInhabitants>
  const start = async (env: Record<string, string> = {}) => {
    writer = await startWriter(env)
    people = makeInhabitants(writer.hub, writer.ann)
  }
  const restart = async (env: Record<string, string>) => {
    await writer.close()
    await start(env)
  }
  beforeEach(() => start())
  afterEach(() => writer?.close())

  const follower = async (name: string, answer: () => Reply = () => ({}), host?: string): Promise<Inhabitant> => {
    const one = await people.inhabitant(name, host, { follows: true })
    one.inbox.onPost = answer
    return one
  }
  const post = async (text = 'Hello') => {
    await publish(writer.tools, writer.ann, { text })
    await writer.work()
  }
  const pass = async (ms: number) => {
    writer.hub.pass(ms)
    await writer.hub.retry()
    await writer.work()
  }
  const states = async () => (await writer.tools.deliveries.list({ failed: false, limit: 200 })).map(one => one.state).reverse()
  const forms = ({ inbox }: Inhabitant) => inbox.got.map(knock => signatureOf(knock).claim.form)
  const isFollowed = async ({ actor }: Inhabitant) => (await writer.tools.follows.find(actor.id, writer.ann.id)) !== undefined

  describe('S3-17 is signed', () => {
    it('when it is sent, over its address, its host, its date and its body', async () => {
      const one = await follower('one')
      await post()
      assert.equal((await one.got()).length, 1)
      const { claim } = signatureOf(one.inbox.got[0]!)
      assert.deepEqual([claim.covers, claim.algorithm], [['(request-target)', 'host', 'date', 'digest'], 'rsa-sha256'])
      assert.match(one.inbox.got[0]!.headers.digest ?? '', /^SHA-256=/)
    })

    it('anew when it is tried again', async () => {
      const one = await follower('one', () => ({ status: 503 }))
      await post()
      one.inbox.onPost = () => ({})
      await pass(2 * DAY)
      assert.equal((await one.got().catch(() => [])).length, 0)
      assert.equal(one.inbox.got[1]!.headers.date, new Date(writer.hub.time.now).toUTCString())
      assert.deepEqual(await states(), ['done'])
    })

    it('by RFC 9421 first where that is set', async () => {
      await restart({ HTTP_SIGNATURE: 'rfc9421' })
      const one = await follower('one')
      await post()
      assert.deepEqual([forms(one), (await one.got()).length], [['rfc9421'], 1])
    })

    for (const [setting, first, other] of [
      ['cavage', 'cavage', 'rfc9421'],
      ['rfc9421', 'rfc9421', 'cavage']
    ] as const)
      for (const status of [401, 403])
        it(`in the other form after ${status} to ${setting}, which is remembered of the host`, async () => {
          await restart({ HTTP_SIGNATURE: setting })
          const one = await follower('one')
          one.inbox.onPost = knock => (signatureOf(knock).claim.form === other ? {} : { status })
          await post()
          assert.deepEqual([forms(one), await states()], [[first, other], ['done']])
          await post()
          assert.deepEqual(forms(one), [first, other, other])
          // until the host learns the usual one and forgets the other
          one.inbox.onPost = knock => (signatureOf(knock).claim.form === first ? {} : { status })
          await post()
          await post()
          assert.deepEqual(forms(one), [first, other, other, other, first, first])
        })
  })

  describe('W10 is', () => {
    const answers: [string, Reply, string, boolean][] = [
      ...[200, 201, 202, 204].map((status): [string, Reply, string, boolean] => [`${status}`, { status }, 'done', false]),
      ...[400, 403, 404, 405, 422].map((status): [string, Reply, string, boolean] => [`${status}`, { status }, 'failed', false]),
      ...[401, 408, 429, 500, 503].map((status): [string, Reply, string, boolean] => [`${status}`, { status }, 'waiting', true]),
      ['no answer', { error: new Unreachable('It did not answer in time.') }, 'waiting', true]
    ]
    for (const [what, reply, state, again] of answers)
      it(`${state} after ${what}, and ${again ? 'tried again' : 'not tried again'}`, async () => {
        const one = await follower('one', () => reply)
        await post()
        assert.deepEqual(await states(), [state])
        const tries = one.inbox.got.length
        await pass(MINUTE)
        assert.equal(one.inbox.got.length > tries, again)
        assert.ok(await isFollowed(one))
      })

    it('tried again when Retry-After says so, and not before', async () => {
      const one = await follower('one', () => ({ status: 429, headers: { 'retry-after': '3600' } }))
      await post()
      await pass(59 * MINUTE)
      assert.equal(one.inbox.got.length, 1)
      await pass(MINUTE)
      assert.equal(one.inbox.got.length, 2)
    })

    it('tried for about three days, then given up', async () => {
      const one = await follower('one', () => ({ status: 500 }))
      await post()
      for (const pause of RETRY_PAUSES) await pass(pause)
      assert.deepEqual([one.inbox.got.length, await states()], [RETRY_PAUSES.length + 1, ['failed']])
    })

    it('sent in its order, and no other inbox waits for a failing one', async () => {
      const [slow, quick] = [await follower('slow', () => ({ status: 500 })), await follower('quick')]
      for (const text of ['one', 'two', 'three']) await post(text)
      assert.deepEqual([slow.inbox.got.length, quick.inbox.got.length], [1, 3])
      slow.inbox.onPost = () => ({})
      await pass(MINUTE)
      const texts = (await Promise.all([slow.got(), quick.got()])).map(list => list.map(one => (one.object as { content: string }).content))
      assert.deepEqual(texts, [
        ['<p>one</p>', '<p>one</p>', '<p>two</p>', '<p>three</p>'],
        ['<p>one</p>', '<p>two</p>', '<p>three</p>']
      ])
    })
  })

  it('W10 is tried once a day at a host that has failed for days, and what is three days old is given up', async () => {
    const one = await follower('one', () => ({ error: new Unreachable('There is nobody.') }))
    await post('first')
    for (const pause of RETRY_PAUSES) await pass(pause)
    for (const text of ['second', 'third']) await post(text)
    await pass(DAY)
    await pass(DAY)
    const tries = one.inbox.got.length
    for (let hour = 0; hour < 24; hour += 6) await pass(DAY / 4)
    assert.equal(one.inbox.got.length, tries + 1)
    await pass(DAY)
    assert.deepEqual(await states(), ['failed', 'failed', 'failed'])
    await post('fourth')
    one.inbox.onPost = () => ({})
    await pass(DAY)
    assert.deepEqual(await states(), ['failed', 'failed', 'failed', 'done'])
  })

  it('W10 ends the follow of whoever is gone (410), and of nobody else at a shared inbox', async () => {
    const gone = await follower('gone', () => ({ status: 410 }))
    const shared = await people.inhabitant('two', 'big.example', { isShared: true, follows: true })
    shared.shared.onPost = () => ({ status: 410 })
    await post()
    assert.deepEqual([await isFollowed(gone), await isFollowed(shared)], [false, true])
    assert.deepEqual(await states(), ['dropped', 'dropped', 'done'])
  })

  it('W10 goes to each one’s own inbox when the shared one is gone, and ends the follow of whose own is gone as well', async () => {
    const served = await Promise.all(
      ['one', 'two', 'three'].map(name => people.inhabitant(name, 'big.example', { isShared: true, follows: name !== 'three' }))
    )
    const [one, two, three] = served as [Inhabitant, Inhabitant, Inhabitant]
    const words = async (who: Inhabitant) =>
      (await who.got()).map(({ object }) => (object as { content: string }).content.replace(/<.*?>/g, ''))
    one.shared.onPost = () => ({ status: 503 })
    await post('first')
    await post('second for @three@big.example')
    one.shared.onPost = () => ({ status: 410 })
    two.inbox.onPost = () => ({ status: 410 })
    await pass(MINUTE)
    assert.deepEqual([await isFollowed(one), await isFollowed(two)], [true, false])
    assert.deepEqual([await words(one), await words(three)], [['first', 'second for @three'], ['second for @three']])
    const tries = one.shared.got.length
    await post('third')
    assert.deepEqual([(await words(one)).at(-1), two.inbox.got.length, one.shared.got.length], ['third', 1, tries])
  })

  it('is not sent by a node on loopback, except where it may be reached', async () => {
    await restart({ PUBLIC_URL: 'http://127.0.0.1:3999' })
    const one = await follower('one')
    await post()
    assert.deepEqual([one.inbox.got.length, await states()], [0, ['failed']])
  })
})
