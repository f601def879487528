/** Who asks to follow is let in and told so (X6); who blocked an account hears nothing of it (X8). */
import assert from 'node:assert/strict'
import { favourite } from '../../src/federation/act.ts'
import { authorize } from '../../src/federation/authorize.ts'
import { publish } from '../../src/federation/publish.ts'
import { readEnvelope, readPayload, readUnverified } from '../../src/protocol/magic-envelope.ts'
import { verbXml } from '../support/atom-documents.ts'
import { type Reader, SECOND, startReader } from '../support/reader.ts'
import { type Endpoint, followXml, makeEndpoint, personXml, unfollowXml } from '../support/slaps.ts'
import { startWriter } from '../support/writer.ts'

const BOB = 'https://reader.example/users/bob'

describe('a request to follow', () => {
  let reader: Reader
  let endpoint: Endpoint
  before(async () => {
    reader = await startReader()
    endpoint = makeEndpoint(reader)
  })
  after(() => reader.close())

  /** Does what waits, and gives what lies ready for a Salmon endpoint. */
  const answers = async (): Promise<string[]> => {
    for (const job of await reader.tools.queue.take('salmon.authorize', 10)) {
      // twice, as after a crash
      for (let i = 0; i < 2; i++) await authorize(reader.tools, job.data)
      await reader.tools.queue.done('salmon.authorize', [job])
    }
    const { knex } = reader.node.database.database
    return (await knex('documents').orderBy('id').select('body')).map(row => row.body)
  }

  it('X6 is answered by authorize, whose object is the request, once for each time it is asked', async () => {
    const ann = endpoint.writer('x6')
    const id = 'tag:x6.example,2026:request:1'
    const asks = (at: number) => ann.slap(verbXml('request-friend') + personXml(BOB), { id, at })
    const now = reader.time.now
    for (let i = 0; i < 2; i++) assert.equal(await endpoint.post(asks(now)), 202)
    const [body, ...more] = await answers()
    assert.equal(more.length, 0)
    const read = readPayload(readUnverified(readEnvelope(Buffer.from(body!))))
    assert.equal(read.verb, 'accept')
    assert.ok(read.object.type === 'activity')
    const { actor, id: asked, object, verb } = read.object.activity
    assert.deepEqual([verb, asked, actor?.ids[0]], ['request', id, ann.uri])
    assert.ok(object.type === 'actor' && object.actor.ids.includes(BOB))
    assert.equal(await endpoint.post(ann.slap(unfollowXml(BOB), { at: now + SECOND })), 202)
    assert.equal(await endpoint.post(asks(now + 2 * SECOND)), 202)
    assert.equal((await answers()).length, 2)
  })

  it('X6 X8 is not answered when it was a plain follow, or is over, or older than a block', async () => {
    const before = (await answers()).length
    const [ann, ben, cleo] = [endpoint.writer('x6a'), endpoint.writer('x6b'), endpoint.writer('x6c')]
    const request = verbXml('request-friend') + personXml(BOB)
    const at = reader.time.now - SECOND
    await endpoint.post(ann.slap(followXml(BOB)))
    await endpoint.post(ben.slap(request, { at }))
    await endpoint.post(ben.slap(unfollowXml(BOB)))
    await endpoint.post(cleo.slap(verbXml('block', 'http://mastodon.social/schema/1.0/') + personXml(BOB)))
    await endpoint.post(cleo.slap(request, { at }))
    assert.equal((await answers()).length, before)
  })
})

describe('somebody who blocked an account', () => {
  it('X8 is sent nothing by it until the block is taken back', async () => {
    const writer = await startWriter()
    try {
      const { ann, tools } = writer
      const bob = await writer.neighbour('bob')
      const post = await bob.post()
      const blocks = (undone: boolean, second: number) =>
        tools.history.act({ actorId: bob.actor.id, verb: 'block', object: ann.uri, at: new Date(second * SECOND), undone })
      await blocks(false, 1)
      await publish(tools, ann, { text: '@bob@bob.example hello' })
      await favourite(tools, ann, post.uri)
      await writer.work()
      assert.equal(bob.endpoint.got.length, 0)
      await blocks(true, 2)
      await publish(tools, ann, { text: '@bob@bob.example hello again' })
      await writer.work()
      assert.equal(bob.slaps().length, 1)
    } finally {
      await writer.close()
    }
  })
})
