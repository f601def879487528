import assert from 'node:assert/strict'
import { keepPost } from '../support/residents.ts'
import { type Neighbour, startWriter, type Writer } from '../support/writer.ts'

describe('the store of our own acts', () => {
  let writer: Writer
  let bob: Neighbour
  let now: Date
  before(async () => {
    writer = await startWriter()
    bob = await writer.neighbour('bob')
    now = writer.tools.clock()
  })
  after(() => writer?.close())

  const act = (object: string) => ({ actorId: writer.ann.id, verb: 'favourite' as const, object, uri: `${writer.ann.uri}/acts/1` })
  const later = (ms: number) => new Date(now.getTime() + ms)

  it('lets one of many at once do it, and one of many take it back', async () => {
    const { acts } = writer.tools
    const begun = await Promise.all(Array.from({ length: 8 }, () => acts.begin(act('urn:a'), now)))
    assert.deepEqual(begun.filter(Boolean), [now])
    const ended = await Promise.all(Array.from({ length: 8 }, () => acts.end(act('urn:a'), now)))
    assert.deepEqual(ended.filter(Boolean), [now])
  })

  it('M16 dates what is done anew a second after its undoing, and nothing before what it undoes', async () => {
    const { acts } = writer.tools
    assert.deepEqual(await acts.begin(act('urn:b'), later(500)), later(500))
    assert.deepEqual(await acts.end(act('urn:b'), now), later(500))
    assert.deepEqual(await acts.begin(act('urn:b'), now), later(1500))
    assert.deepEqual(await acts.end(act('urn:b'), later(9000)), later(9000))
    assert.equal(await acts.end(act('urn:never'), now), undefined)
  })

  it('M8 remembers whom we told of a post, each once', async () => {
    const { acts } = writer.tools
    const post = await keepPost(writer.tools, writer.ann)
    for (let round = 0; round < 2; round++) await acts.addTold(post.id, [bob.actor.id])
    assert.deepEqual(
      (await acts.told(post.id)).map(({ uri, salmonUrl }) => [uri, salmonUrl]),
      [[bob.actor.uri, bob.endpoint.callback]]
    )
  })

  it('moves the ids of our acts to another origin, and of nobody else’s', async () => {
    const { acts } = writer.tools
    await acts.begin({ ...act('urn:c'), actorId: bob.actor.id, uri: 'https://hub.example/x' }, now)
    await acts.moveOrigin('https://hub.example', 'https://new.example')
    const uris = await writer.hub.node.database.database.knex('acts').distinct('uri').orderBy('uri').pluck('uri')
    assert.deepEqual(uris, ['https://hub.example/x', 'https://new.example/users/ann/acts/1'])
  })

  it('M8 gives one address the deliveries of one endpoint, and holds them back while it waits for a retry', async () => {
    const { deliveries, recipients } = writer.tools
    const add = async (key: string) => {
      const document = await deliveries.addDocument({ key, topic: 't', contentType: 'x/y', body: Buffer.from(key) }, now)
      return deliveries.addForRecipient(document!, 'salmon', 'https://s.example/salmon', now)
    }
    const [one, other] = [await add('one'), await add('two')]
    assert.ok(one !== undefined && one === other)
    const [claimed] = await recipients.claim(writer.tools.worker, [one], now, later(1000))
    assert.deepEqual([claimed?.kind, claimed?.host], ['salmon', 's.example'])
    const health = { recipientId: one, ok: false, slow: false, changed: true, error: 'no', retryAt: later(1000) }
    await recipients.release(writer.tools.worker, [health], now)
    assert.equal(await add('three'), undefined)
    assert.deepEqual(
      (await deliveries.first([one], now)).map(({ attempts }) => attempts),
      [0]
    )
  })
})
