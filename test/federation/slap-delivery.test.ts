/** Salmon out: what becomes of an envelope (protocols.md M8, H8, H11). */
import assert from 'node:assert/strict'
import { publish } from '../../src/federation/publish.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { LAST_PAUSE, RETRY_PAUSES } from '../../src/model/retries.ts'
import { type Neighbour, startWriter, type Writer } from '../support/writer.ts'

describe('an envelope that we send', () => {
  let writer: Writer
  let bob: Neighbour
  beforeEach(async () => {
    writer = await startWriter()
    bob = await writer.neighbour('bob')
  })
  afterEach(() => writer?.close())

  const mention = async (words: string) => {
    const post = await publish(writer.tools, writer.ann, { text: `@bob@bob.example ${words}` })
    await writer.work()
    return post
  }
  const list = () => writer.tools.deliveries.list({ failed: false, limit: 100 })
  const answers = (...statuses: (number | Error)[]) => {
    bob.endpoint.onPost = () => {
      const next = statuses.length > 1 ? statuses.shift()! : statuses[0]!
      return next instanceof Error ? { error: next } : { status: next }
    }
  }
  const states = async () => (await list()).map(one => [one.state, one.status ?? null, one.attempts]).reverse()
  const later = async (ms: number) => {
    writer.hub.pass(ms * 1.2)
    await writer.hub.retry()
  }

  for (const status of [200, 201, 202, 204]) {
    it(`M8 is done by ${status}`, async () => {
      answers(status)
      await mention('x')
      assert.deepEqual(await states(), [['done', status, 1]])
    })
  }

  for (const status of [203, 301, 302, 400, 401, 403, 404, 410, 422]) {
    it(`M8 is refused for good by ${status}, which holds up nothing that comes later`, async () => {
      answers(status, 202)
      await mention('refused')
      await mention('taken')
      assert.deepEqual(await states(), [
        ['failed', status, 1],
        ['done', 202, 1]
      ])
      await later(LAST_PAUSE)
      assert.equal(bob.endpoint.got.length, 2)
    })
  }

  for (const trouble of [408, 429, 500, 503, new Unreachable('no answer')]) {
    it(`M8 H8 is tried again after ${trouble instanceof Error ? 'silence' : trouble}, in its order`, async () => {
      answers(trouble, 202)
      await mention('one')
      await mention('two')
      assert.equal(bob.endpoint.got.length, 1)
      await later(RETRY_PAUSES[0]!)
      assert.deepEqual(
        bob.slaps().map(slap => slap.activity.title?.slice(5)),
        ['one', 'one', 'two']
      )
      assert.deepEqual(await states(), [
        ['done', 202, 2],
        ['done', 202, 1]
      ])
    })
  }

  it('M8 is given up after the last of the pauses, over days', async () => {
    answers(500)
    await mention('x')
    for (const pause of RETRY_PAUSES) await later(pause)
    assert.equal(bob.endpoint.got.length, RETRY_PAUSES.length + 1)
    assert.deepEqual(await states(), [['failed', 500, RETRY_PAUSES.length + 1]])
    assert.deepEqual((await list())[0]!.error, 'answered 500')
  })

  it('M8 leaves the subscription of the same server alone, whatever its Salmon endpoint answers', async () => {
    const callback = writer.hub.subscriber('https://bob.example/push')
    await writer.hub.subscribe(callback)
    answers(410)
    await mention('x')
    await mention('y')
    assert.equal(callback.got.length, 2)
  })

  it('H11 is in the same commit as the act: an announcement done again sends nothing again', async () => {
    const post = await mention('once')
    await writer.tools.queue.add('post.announce', { post: post.id, act: 'post' })
    await writer.work()
    assert.equal(bob.endpoint.got.length, 1)
  })

  it('does not go to public hosts from a node that is not public, which says so', async () => {
    await writer.close()
    writer = await startWriter({ PUBLIC_URL: 'http://127.0.0.1:3000' })
    bob = await writer.neighbour('bob')
    await mention('x')
    assert.equal(bob.endpoint.got.length, 0)
    const [one] = await list()
    assert.deepEqual([one?.state, one?.error], ['failed', 'This node is not public, so nothing is sent there.'])
  })
})
