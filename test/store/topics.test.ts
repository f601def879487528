import assert from 'node:assert/strict'
import { startHub, type WrittenHub } from '../support/hub.ts'

const TOPIC = 'https://blog.example/feed'

describe('the store of topics', () => {
  let hub: WrittenHub
  let now: Date
  beforeEach(async () => {
    hub = await startHub()
    now = hub.tools.clock()
  })
  afterEach(() => hub?.close())
  const later = (ms: number) => new Date(now.getTime() + ms)

  it('X38 wants a fetch once, until the next one begins', async () => {
    const { topics } = hub.tools
    const wants = await Promise.all(Array.from({ length: 8 }, () => topics.want(TOPIC)))
    assert.equal(wants.filter(Boolean).length, 1)
    assert.equal(await topics.begin(TOPIC, now), true)
    assert.equal(await topics.want(TOPIC), true)
    assert.equal(await topics.end(TOPIC), true)
  })

  it('X38 lets one fetch at a time, and another one after 30 seconds of silence', async () => {
    const { topics } = hub.tools
    await topics.want(TOPIC)
    const begun = await Promise.all([topics.begin(TOPIC, now), topics.begin(TOPIC, now)])
    assert.deepEqual(begun.toSorted(), [false, true])
    assert.equal(await topics.begin(TOPIC, later(29_999)), false)
    assert.equal(await topics.begin(TOPIC, later(30_000)), true)
    assert.equal(await topics.end(TOPIC), false)
  })

  it('X38 lets six a minute, and says when the next one may be', async () => {
    const { topics } = hub.tools
    await topics.want(TOPIC)
    for (let count = 0; count < 6; count++) {
      assert.equal(await topics.begin(TOPIC, later(count)), true)
      await topics.end(TOPIC)
    }
    assert.deepEqual(await topics.begin(TOPIC, later(10)), later(60_000))
    assert.equal(await topics.begin(TOPIC, later(60_000)), true)
  })

  it('keeps what was found, clears what is told to be cleared, and forgets a topic of nobody', async () => {
    const { subscribers, topics } = hub.tools
    await topics.want(TOPIC)
    await topics.keep(TOPIC, { etag: '"1"', fetchedAt: now, status: 200, hash: 'h' })
    await topics.keep(TOPIC, { etag: null, fetchedAt: now, status: 304 })
    const { etag, hash, status } = (await topics.find(TOPIC))!
    assert.deepEqual([etag, hash, status], [undefined, 'h', 304])
    const asked = {
      mode: 'subscribe' as const,
      topic: TOPIC,
      topicAsked: TOPIC,
      method: 'sha256' as const,
      leaseSeconds: 86_400,
      callback: 'https://a.example/'
    }
    await subscribers.enter([asked], now)
    await topics.forget(later(1))
    assert.ok(await topics.find(TOPIC))
    await subscribers.leave([asked])
    await topics.forget(now)
    assert.ok(await topics.find(TOPIC))
    await topics.forget(later(1))
    assert.equal(await topics.find(TOPIC), undefined)
  })

  it('H8 keeps two who hand out the same topic apart', async () => {
    const { transaction } = hub.tools
    const order: string[] = []
    const turn = (name: string, ms: number) =>
      transaction(async stores => {
        await stores.topics.lock(TOPIC)
        order.push(`${name} begins`)
        await new Promise(done => setTimeout(done, ms))
        order.push(`${name} ends`)
      })
    await Promise.all([turn('one', 30), turn('two', 0)])
    assert.deepEqual(
      order.map(step => step.split(' ')[1]),
      ['begins', 'ends', 'begins', 'ends']
    )
  })
})
