import assert from 'node:assert/strict'
import type { Waiting } from '../../src/tools.ts'
import { startHub, type WrittenHub } from '../support/hub.ts'

const TOPIC = 'https://hub.example/users/ann.atom'

describe('the stores of deliveries and of their addresses', () => {
  let hub: WrittenHub
  let now: Date
  beforeEach(async () => {
    hub = await startHub()
    now = hub.tools.clock()
  })
  afterEach(() => hub?.close())

  const later = (ms: number) => new Date(now.getTime() + ms)
  const enter = (...callbacks: string[]) =>
    hub.tools.subscribers.enter(
      callbacks.map(callback => ({
        mode: 'subscribe',
        topic: TOPIC,
        topicAsked: TOPIC,
        callback,
        method: 'sha256',
        leaseSeconds: 864_000,
        secret: 'geheim'
      })),
      now
    )
  const tell = async (key: string): Promise<string[]> => {
    const document = await hub.tools.deliveries.addDocument({ key, topic: TOPIC, contentType: 'text/plain', body: Buffer.from(key) }, now)
    return document === undefined ? [] : hub.tools.deliveries.addForTopic(document, TOPIC, now)
  }
  const claim = (ids: string[], worker = hub.tools.worker, at = now) =>
    hub.tools.recipients.claim(worker, ids, at, new Date(at.getTime() + 120_000))
  const settle = (delivery: Waiting, state: 'done' | 'again' | 'failed') =>
    hub.tools.deliveries.settle([{ delivery, state, status: 200 }], now)
  const states = async () => (await hub.tools.deliveries.list({ failed: false, limit: 100 })).map(one => one.state).reverse()
  const failed = (recipientId: string, retryAt?: Date) => ({
    recipientId,
    ok: false,
    slow: false,
    changed: true,
    error: 'no',
    ...(retryAt === undefined ? {} : { retryAt })
  })

  it('keeps a document once under its key, and its bytes as they are', async () => {
    const { deliveries } = hub.tools
    const body = Buffer.from([0, 255, 10, 13])
    const id = await deliveries.addDocument({ key: 'k', topic: TOPIC, contentType: 'application/octet-stream', body }, now)
    assert.equal(
      await deliveries.addDocument({ key: 'k', topic: TOPIC, contentType: 'text/plain', body: Buffer.from('other') }, now),
      undefined
    )
    assert.deepEqual((await deliveries.document(id!))?.body, body)
  })

  it('X19 passes over the subscription of a server all of whose people turned from OStatus to ActivityPub, and no other', async () => {
    const { actors, deliveries, follows } = hub.tools
    const ann = (await actors.findAccount('ann'))!
    const by = {
      salmonUrl: 'https://x.example/salmon',
      activityPub: { inboxUrl: 'https://x.example/inbox', signingKeys: [], alsoKnownAs: [] }
    }
    const { activityPub, salmonUrl } = by
    const people = {
      turned: [by, by],
      half: [by, { salmonUrl }],
      blocked: [by],
      fediverse: [{ activityPub }],
      old: [{ salmonUrl }],
      stranger: []
    }
    for (const [host, known] of Object.entries(people))
      for (const [index, facts] of known.entries()) {
        const { id } = await actors.keep({ uri: `https://${host}.example/user/${index}`, ...facts }, now)
        await follows.add({ followerId: id, followedId: ann.id, via: 'activityPub' in facts ? 'inbox' : 'salmon' }, now)
        if (host === 'blocked') await actors.block(id, now)
      }
    await enter(...Object.keys(people).map(host => `https://${host}.example/push/1`))
    const told = async (accountId?: string) => {
      const key = `X19 ${accountId}`
      const id = await deliveries.addDocument({ key, topic: TOPIC, contentType: 'text/plain', body: Buffer.from(key) }, now)
      await deliveries.addForTopic(id!, TOPIC, now, accountId)
      const list = await deliveries.list({ failed: false, limit: accountId === undefined ? 6 : 5 })
      return list.map(({ url }) => new URL(url).host.replace('.example', ''))
    }
    assert.deepEqual((await told(ann.id)).sort(), ['blocked', 'fediverse', 'half', 'old', 'stranger'])
    assert.deepEqual((await told()).sort(), Object.keys(people).sort(), 'a topic that is not ours knows of no followers')
  })

  it('H8 gives each address its oldest delivery first, with the secret', async () => {
    const { deliveries } = hub.tools
    await enter('https://a.example/', 'https://b.example/')
    const ids = await tell('one')
    await tell('two')
    const first = await deliveries.first(ids, now)
    assert.deepEqual(
      first.map(one => [one.secret, one.method, one.attempts]),
      [
        ['geheim', 'sha256', 0],
        ['geheim', 'sha256', 0]
      ]
    )
    assert.equal(new Set(first.map(one => one.documentId)).size, 1)
    await settle(first[0]!, 'again')
    assert.equal((await deliveries.first([ids[0]!], now))[0]?.id, first[0]!.id)
    await settle(first[0]!, 'done')
    assert.notEqual((await deliveries.first([ids[0]!], now))[0]?.documentId, first[0]!.documentId)
    assert.deepEqual(await states(), ['done', 'waiting', 'waiting', 'waiting'])
  })

  it('H8 gives an address to one worker at a time, however many ask at once', async () => {
    await enter(...Array.from({ length: 20 }, (_, at) => `https://a.example/${at}`))
    const ids = await tell('one')
    const claims = await Promise.all(Array.from({ length: 5 }, () => claim(ids)))
    assert.equal(claims.flat().length, 20)
    assert.equal(new Set(claims.flat().map(one => one.id)).size, 20)
  })

  it('H8 holds claims for longer, and lets nobody hold what is not theirs', async () => {
    const { recipients, worker } = hub.tools
    await enter('https://a.example/')
    const ids = await tell('one')
    await claim(ids)
    await recipients.hold(worker + 1, ids, later(900_000))
    await recipients.hold(worker, ids, later(240_000))
    assert.equal((await claim(ids, worker, later(239_999))).length, 0)
    assert.equal((await claim(ids, worker, later(240_000))).length, 1)
  })

  it('H11 frees at once what belongs to a worker that is no more', async () => {
    await enter('https://a.example/')
    const ids = await tell('one')
    assert.equal((await claim(ids, 4711)).length, 1)
    assert.deepEqual(await hub.tools.recipients.takeDue(now, later(60_000), 10), ids)
    assert.equal((await claim(ids)).length, 1)
    assert.deepEqual(await hub.tools.recipients.takeDue(now, later(60_000), 10), [])
  })

  it('H8 gives out an address whose retry is due to one who looks', async () => {
    const { recipients, worker } = hub.tools
    await enter('https://a.example/')
    const ids = await tell('one')
    await claim(ids)
    await recipients.release(worker, [failed(ids[0]!, later(5_000))], now)
    assert.deepEqual(await tell('two'), [], 'who waits for a retry is not told to be served')
    assert.deepEqual(await recipients.stillWaiting(ids, now), [])
    assert.deepEqual(await recipients.takeDue(later(4_999), later(60_000), 10), [])
    const taken = await Promise.all([1, 2].map(() => recipients.takeDue(later(5_000), later(65_000), 10)))
    assert.deepEqual(taken.flat(), ids)
    assert.deepEqual(await recipients.stillWaiting(ids, later(65_000)), ids)
  })

  it('H8 counts failures until the next success, and says since when', async () => {
    const { recipients, worker } = hub.tools
    await enter('https://a.example/')
    const ids = await tell('one')
    for (const at of [0, 1000, 2000]) {
      await claim(ids)
      await recipients.release(worker, [failed(ids[0]!)], later(at))
    }
    const [failing] = await claim(ids)
    assert.deepEqual([failing!.failures, +failing!.failingSince!], [3, +now])
    await recipients.letGo(worker, ids)
    assert.equal((await claim(ids))[0]!.failures, 3, 'to be let go says nothing')
    await recipients.release(worker, [{ recipientId: ids[0]!, ok: true, slow: true, changed: true, status: 200 }], later(3000))
    const [well] = await claim(ids)
    assert.deepEqual([well!.failures, well!.failingSince, well!.slow, +well!.succeededAt!], [0, undefined, true, +later(3000)])
  })

  it('H8 moves an address to https with its subscriptions, or ends it when that one is known', async () => {
    const { recipients, subscribers } = hub.tools
    await enter('http://a.example/', 'http://b.example/', 'https://b.example/')
    const ids = await tell('one')
    await recipients.move(ids[0]!, 'https://a.example/', now)
    await recipients.move(ids[1]!, 'https://b.example/', now)
    assert.deepEqual((await subscribers.list(10)).map(one => one.callback).toSorted(), ['https://a.example/', 'https://b.example/'])
    assert.deepEqual(await states(), ['waiting', 'dropped', 'waiting'])
  })

  it('lists what failed, and what went to a host; and puts one back', async () => {
    const { deliveries } = hub.tools
    await enter('https://a.example/', 'https://b.example:8443/')
    const ids = await tell('one')
    const [first, second] = await deliveries.first(ids, now)
    await settle(first!, 'failed')
    await settle(second!, 'done')
    const [only] = await deliveries.list({ failed: true, limit: 10 })
    assert.deepEqual([only!.id, only!.state, only!.topic], [first!.id, 'failed', TOPIC])
    assert.equal((await deliveries.list({ failed: false, host: 'b.example:8443', limit: 10 })).length, 1)
    assert.equal(await deliveries.revive(second!.id), undefined)
    assert.equal(await deliveries.revive(first!.id), ids[0])
    assert.deepEqual(
      (await deliveries.first(ids, now)).map(one => one.id),
      [first!.id]
    )
  })

  it('forgets what was settled long ago, then its document, then an address that nobody needs', async () => {
    const { deliveries, subscribers, transaction } = hub.tools
    await enter('https://a.example/', 'https://b.example/')
    const [done, waits] = await deliveries.first(await tell('one'), now)
    await settle(done!, 'done')
    const forget = async () => {
      await deliveries.forget(later(1))
      await transaction(stores => stores.recipients.forget())
    }
    await forget()
    assert.deepEqual(await states(), ['waiting'])
    assert.ok(await deliveries.document(waits!.documentId))
    await settle(waits!, 'done')
    await subscribers.removeTopic(TOPIC)
    await forget()
    assert.equal(await deliveries.document(waits!.documentId), undefined)
    assert.deepEqual(await claim([done!.recipientId, waits!.recipientId]), [])
  })

  const OURS = 'https://hub.example/'
  const FOREIGN = 'https://elsewhere.example/'
  const size = async (id: string) => (await hub.tools.deliveries.document(id))?.body.length

  it('X38 empties an old document when nobody waits for it any more, and keeps its row in the log', async () => {
    const { deliveries } = hub.tools
    await enter('https://a.example/')
    const [one] = await deliveries.first(await tell('one'), now)
    const empty = (ms: number) => deliveries.emptySettled(later(ms), OURS)
    await empty(1)
    assert.equal(await size(one!.documentId), 3, 'somebody waits')
    await settle(one!, 'done')
    await empty(0)
    assert.equal(await size(one!.documentId), 3, 'it is not old')
    await empty(1)
    assert.equal(await size(one!.documentId), 0)
    assert.deepEqual(await states(), ['done'])
  })

  it('X38 keeps what failed of our own topics to be revived, and revives nothing that was emptied', async () => {
    const { deliveries } = hub.tools
    await enter('https://a.example/')
    const [one] = await deliveries.first(await tell('one'), now)
    await settle(one!, 'failed')
    await deliveries.emptySettled(later(1), OURS)
    assert.equal(await size(one!.documentId), 3)
    await deliveries.emptySettled(later(1), FOREIGN)
    assert.equal(await size(one!.documentId), 0)
    assert.equal(await deliveries.revive(one!.id), undefined)
  })

  it('X38 drops the oldest of what waits of a foreign topic beyond a limit, and nothing of our own', async () => {
    await enter('https://a.example/')
    for (const key of ['one', 'two', 'six']) await tell(key)
    await hub.tools.deliveries.dropExcess(6, OURS, now)
    assert.deepEqual(await states(), ['waiting', 'waiting', 'waiting'])
    await hub.tools.deliveries.dropExcess(6, FOREIGN, now)
    assert.deepEqual(await states(), ['dropped', 'waiting', 'waiting'])
  })
})
