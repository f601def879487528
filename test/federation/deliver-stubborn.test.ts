/** One thing that a server fails at holds up nothing else; a server that fails at everything gets it in its order (W10, H8, M8). */
import assert from 'node:assert/strict'
import { publish } from '../../src/federation/publish.ts'
import { retryDeliveries, tryHostNow } from '../../src/federation/remedy.ts'
import { RETRY_PAUSES } from '../../src/model/retries.ts'
import type { Answer, WrittenSubscriber } from '../support/hub.ts'
import { makeInhabitants } from '../support/inhabitants.ts'
import { startWriter, type Writer } from '../support/writer.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const POISON = 'cG9pc29u'

describe('what a server fails at', () => {
  let writer: Writer
  beforeEach(async () => {
    writer = await startWriter()
  })
  afterEach(() => writer?.close())

  /** Ways by which somebody gets all that ann publishes; `read` gives the words of it. */
  const ways: Record<string, () => Promise<WrittenSubscriber>> = {
    'an inbox': async () => (await makeInhabitants(writer.hub, writer.ann).inhabitant('fan', 'fan.example', { follows: true })).inbox,
    'a callback': async () => {
      const one = writer.hub.subscriber('https://fan.example/cb')
      await writer.hub.subscribe(one)
      return one
    },
    'a Salmon endpoint': async () => (await writer.neighbour('fan')).endpoint
  }
  const words = (body: string): string => {
    const envelope = /<me:data[^>]*>([^<]*)</.exec(body)?.[1]
    const text = envelope === undefined ? body : Buffer.from(envelope, 'base64url').toString()
    return /word-\w+/.exec(text)?.[0] ?? assert.fail(body)
  }
  const got = (one: WrittenSubscriber) => one.got.map(({ body }) => words(body))
  const failing =
    (isWrong: (word: string) => boolean): Answer =>
    ({ body }) => ({ status: isWrong(words(body)) ? 500 : 202 })
  const post = async (word: string) => {
    await publish(writer.tools, writer.ann, { text: `word-${word} @fan@fan.example` })
    await writer.work()
  }
  const pass = async (ms: number) => {
    writer.hub.pass(ms)
    await writer.hub.retry()
    await writer.work()
  }
  const states = async () => (await writer.tools.deliveries.list({ failed: false, limit: 200 })).map(one => one.state).reverse()
  const taken = async () => (await states()).filter(state => state === 'done').length

  for (const [name, begin] of Object.entries(ways)) {
    it(`W10 keeps nothing else from ${name} for longer than two more tries, and is tried by itself`, async () => {
      const fan = await begin()
      fan.onPost = failing(word => word === `word-${POISON}`)
      for (const word of [POISON, 'two', 'three']) await post(word)
      assert.deepEqual(await states(), ['waiting', 'waiting', 'waiting'])
      await pass(6_000)
      await pass(36_000)
      assert.deepEqual(await states(), ['waiting', 'done', 'done'])
      await post('four')
      assert.equal(got(fan).at(-1), 'word-four')
      fan.onPost = () => ({})
      await pass(3 * MINUTE)
      assert.deepEqual([got(fan).at(-1), await taken()], [`word-${POISON}`, 4])
    })

    it(`W10 gets everything in its order, when ${name} failed at all of it for a while`, async () => {
      const fan = await begin()
      let down = true
      fan.onPost = () => (down ? { status: 500 } : {})
      await post('one')
      for (let minutes = 0; minutes < 30; minutes++) {
        if (minutes % 10 === 5) await post(`later${minutes}`)
        await pass(MINUTE)
      }
      const tries = fan.got.length
      assert.ok(tries <= 16, `${tries} tries in half an hour`)
      down = false
      fan.got.length = 0
      await pass(2 * HOUR)
      await pass(2 * HOUR)
      assert.deepEqual(got(fan), ['word-one', 'word-later5', 'word-later15', 'word-later25'])
    })
  }

  it('W10 holds up nothing that comes later, when it waits alone', async () => {
    const fan = await ways['an inbox']!()
    fan.onPost = failing(word => word === `word-${POISON}`)
    await post(POISON)
    for (const pause of RETRY_PAUSES.slice(0, 6)) await pass(pause * 1.2)
    await post('two')
    assert.deepEqual(await states(), ['waiting', 'done'])
    for (const pause of RETRY_PAUSES.slice(6)) await pass(pause * 1.2)
    await post('three')
    assert.deepEqual(await states(), ['failed', 'done', 'done'])
    assert.equal(got(fan).filter(word => word.endsWith(POISON)).length, RETRY_PAUSES.length + 1)
  })

  it('W10 is tried at once when the owner says so, of the post or of the host', async () => {
    const fan = await ways['an inbox']!()
    fan.onPost = failing(word => word === `word-${POISON}`)
    const post = await publish(writer.tools, writer.ann, { text: `word-${POISON}` })
    await writer.work()
    for (const pause of RETRY_PAUSES.slice(0, 6)) await pass(pause * 1.2)
    for (const again of [() => retryDeliveries(writer.tools, post.id), () => tryHostNow(writer.tools, 'fan.example')]) {
      const tries = fan.got.length
      await writer.hub.retry()
      assert.equal(fan.got.length, tries, 'it waits')
      await again()
      await writer.work()
      assert.equal(fan.got.length, tries + 1)
      for (const pause of RETRY_PAUSES.slice(0, 4)) await pass(pause * 1.2)
    }
  })

  it('W10 is found out among several such things', async () => {
    const fan = await ways['an inbox']!()
    fan.onPost = failing(word => word.startsWith('word-bad'))
    for (const word of ['bad1', 'bad2', 'good', 'bad3', 'fine']) await post(word)
    for (let minutes = 0; minutes < 120; minutes += 2) await pass(2 * MINUTE)
    assert.deepEqual(await states(), ['waiting', 'waiting', 'done', 'waiting', 'done'])
    await post('new')
    assert.equal(await taken(), 3)
  })

  it('W10 H8 lets nothing else pass while the server says when it wants to be asked again', async () => {
    const fan = await ways['an inbox']!()
    fan.onPost = ({ body }) => (words(body) === 'word-one' ? { status: 503, headers: { 'retry-after': '60' } } : {})
    for (const word of ['one', 'two']) await post(word)
    for (let minutes = 0; minutes < 5; minutes++) await pass(MINUTE)
    assert.equal(await taken(), 0)
  })
})
