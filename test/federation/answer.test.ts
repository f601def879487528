/** Answers to what came by ActivityPub: S3-13 to S3-22, W3, W4 and FEP-044f. */
import assert from 'node:assert/strict'
import { publish } from '../../src/federation/publish.ts'
import type { KeptPost } from '../../src/model/kept.ts'
import { type Activity, type Inhabitant, makeInhabitants } from '../support/inhabitants.ts'
import { keepPost } from '../support/residents.ts'
import { startWriter, type Writer } from '../support/writer.ts'

const DAY = 86_400_000

describe('answering', () => {
  let writer: Writer
  let people: ReturnType<typeof makeInhabitants>
  let bob: Inhabitant
  const start = async (env: Record<string, string> = {}) => {
    writer = await startWriter(env)
    people = makeInhabitants(writer.hub, writer.ann)
    bob = await people.inhabitant('bob', 'bob.example', { follows: true })
  }
  beforeEach(() => start())
  afterEach(() => writer?.close())

  const followOf = ({ actor }: Inhabitant, n = 1) => ({
    ...{ '@context': 'https://www.w3.org/ns/activitystreams', id: `${actor.uri}#follows/${n}`, type: 'Follow' },
    ...{ actor: actor.uri, object: writer.ann.uri }
  })
  const undoOf = (one: Inhabitant) => ({ ...followOf(one), id: `${one.actor.uri}#follows/1/undo`, type: 'Undo', object: followOf(one) })
  const ask = async (one: Inhabitant, question: object, yes = true): Promise<Activity[]> => {
    await writer.tools.queue.add('inbox.answer', { account: 'ann', person: one.actor.id, activity: JSON.stringify(question), yes })
    await writer.work()
    return one.got()
  }

  it('S3-14 accepts a follow: the id names who it is for, the object is the whole Follow as it came', async () => {
    const [accept] = await ask(bob, followOf(bob))
    assert.deepEqual([accept!.type, accept!.actor, accept!.to], ['Accept', writer.ann.uri, [bob.actor.uri]])
    assert.deepEqual(accept!.object, followOf(bob))
    assert.ok(accept!.id.startsWith(`${writer.ann.uri}#accepts/follows/bob@bob.example/`), accept!.id)
  })

  it('W3 answers each time that it is asked, under one id for one follow and another for the next', async () => {
    await ask(bob, followOf(bob))
    writer.hub.pass(1000)
    await ask(bob, followOf(bob))
    writer.hub.pass(1000)
    const ids = (await ask(bob, followOf(bob, 2))).map(({ id }) => id)
    assert.deepEqual([ids.length, ids[0] === ids[1], ids[1] === ids[2]], [3, true, false])
  })

  it('W3 tries an Accept again when the server is away', async () => {
    bob.inbox.onPost = () => ({ status: 503 })
    await ask(bob, followOf(bob))
    bob.inbox.onPost = () => ({})
    writer.hub.pass(60_000)
    await writer.hub.retry()
    assert.equal(bob.inbox.got.length, 2)
  })

  it('X33 keeps one answer for whoever asks often and does not take it, the newest; to each wish to quote its own', async () => {
    bob.inbox.onPost = () => ({ status: 503 })
    const post = await keepPost(writer.tools, writer.ann)
    for (const n of [1, 2, 3]) {
      const quote = { type: 'QuoteRequest', actor: bob.actor.uri, object: post.uri, instrument: `https://bob.example/notes/${n}` }
      for (const question of [followOf(bob, n), { ...followOf(bob, n), type: 'Undo', object: followOf(bob, n) }, quote])
        await writer.tools.queue.add('inbox.answer', {
          account: 'ann',
          person: bob.actor.id,
          activity: JSON.stringify(question),
          yes: true
        })
      await writer.work()
      writer.hub.pass(1000)
    }
    const waiting = (await writer.tools.deliveries.list({ failed: false, limit: 99 })).filter(({ state }) => state === 'waiting')
    assert.equal(waiting.length, 5)
    bob.inbox.onPost = () => ({})
    bob.inbox.got.length = 0
    writer.hub.pass(DAY)
    await writer.hub.retry()
    await writer.work()
    const told = bob.inbox.got.map(({ body }) => JSON.parse(body).object)
    assert.deepEqual(told.map(({ id, instrument, type }) => [type, instrument ?? id]).sort(), [
      ['Follow', followOf(bob, 3).id],
      ...[1, 2, 3].map(n => ['QuoteRequest', `https://bob.example/notes/${n}`]),
      ['Undo', followOf(bob, 3).id]
    ])
  })

  it('S3-22 accepts the end of a follow, the object being the whole Undo with the Follow inside', async () => {
    await writer.tools.follows.remove(bob.actor.id, writer.ann.id)
    const [accept] = await ask(bob, undoOf(bob))
    assert.deepEqual([accept!.type, accept!.object], ['Accept', undoOf(bob)])
  })

  it('does not accept a follow that has ended in the meantime, and rejects one that is not wanted', async () => {
    await writer.tools.follows.remove(bob.actor.id, writer.ann.id)
    assert.deepEqual(await ask(bob, followOf(bob)), [])
    const [reject] = await ask(bob, followOf(bob), false)
    assert.deepEqual([reject!.type, reject!.object], ['Reject', followOf(bob)])
  })

  it('goes to the own inbox of whoever asked, not to the shared one', async () => {
    const one = await people.inhabitant('one', 'big.example', { isShared: true, follows: true })
    assert.equal((await ask(one, followOf(one))).length, 1)
    assert.equal(one.shared.got.length, 0)
  })

  describe('SEND_LAST_POSTS', () => {
    const posts = async (...daysAgo: number[]): Promise<KeptPost[]> => {
      const made: KeptPost[] = []
      for (const days of daysAgo)
        made.push(await keepPost(writer.tools, writer.ann, { publishedAt: new Date(writer.hub.time.now - days * DAY) }))
      return made
    }
    const told = async (one: Inhabitant) => (await one.got()).map(({ object, type }) => [type, (object as Activity).id])

    it('W4 sends the first follower of a server the last posts after the Accept, oldest first, none older than two weeks', async () => {
      await writer.close()
      await start({ SEND_LAST_POSTS: '3' })
      const [, , three, two] = await posts(20, 15, 3, 2)
      await ask(bob, followOf(bob))
      assert.deepEqual(await told(bob), [
        ['Accept', followOf(bob).id],
        ['Create', three!.uri],
        ['Create', two!.uri]
      ])
      writer.hub.pass(1000)
      await ask(bob, followOf(bob))
      assert.equal(bob.inbox.got.length, 4)
      const second = await people.inhabitant('second', 'bob.example', { follows: true })
      await ask(second, followOf(second))
      assert.deepEqual(await told(second), [['Accept', followOf(second).id]])
    })

    it('W4 sends nothing unless it is set', async () => {
      await posts(2)
      await ask(bob, followOf(bob))
      assert.equal(bob.inbox.got.length, 1)
    })
  })

  describe('a wish to quote', () => {
    const quote = 'https://bob.example/notes/q'
    const request = (object: string, instrument: unknown = quote) => ({
      ...{ id: `${bob.actor.uri}/quote_requests/1`, type: 'QuoteRequest', actor: bob.actor.uri, object, instrument }
    })
    const look = (address: unknown) => fetch(String(address).replace('https://hub.example', `http://${writer.hub.node.host}`))

    it('FEP-044f W39 is accepted with a stamp that everybody can look at', async () => {
      const post = await publish(writer.tools, writer.ann, { text: 'Quote me' })
      const [accept] = (await ask(bob, request(post.uri, { id: quote, type: 'Note' }))).filter(({ type }) => type === 'Accept')
      assert.deepEqual(accept!.object, request(post.uri, { id: quote, type: 'Note' }))
      const answer = await look(accept!.result)
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'application/activity+json; charset=utf-8'])
      const { '@context': _, ...stamp } = (await answer.json()) as Record<string, unknown>
      const about = { attributedTo: writer.ann.uri, interactingObject: quote, interactionTarget: post.uri }
      assert.deepEqual(stamp, { id: accept!.result, type: 'QuoteAuthorization', ...about })
      const again = (await ask(bob, request(post.uri))).filter(({ type }) => type === 'Accept')
      assert.deepEqual(new Set(again.map(({ result }) => result)), new Set([accept!.result]))
      await writer.tools.actors.block(bob.actor.id, writer.tools.clock())
      assert.equal((await look(accept!.result)).status, 404)
    })

    it('FEP-044f is rejected for what is not an open post of the account, or a quote that stands elsewhere', async () => {
      const secret = await keepPost(writer.tools, writer.ann, { visibility: 'followers' })
      const open = await keepPost(writer.tools, writer.ann)
      const asked = [
        request(secret.uri),
        request('https://bob.example/notes/1'),
        request(open.uri, 'https://evil.example/q'),
        request(open.uri, null)
      ]
      for (const one of asked) await ask(bob, one)
      assert.deepEqual(
        (await bob.got()).map(({ result, type }) => [type, result]),
        asked.map(() => ['Reject', undefined])
      )
      assert.equal((await look(`${open.uri}/quotes/0000000000000`)).status, 404)
    })
  })
})
