/** A node whose inboxes are open to a written fediverse, for a whole `describe`: bob lives there and has posted something. */
import assert from 'node:assert/strict'
import type { KeptPost } from '../../src/model/kept.ts'
import { accepted, makeInboxes, makePerson, type Person } from './fediverse.ts'
import { MINUTE, type Reader, startReader } from './reader.ts'
import { keepPost } from './residents.ts'

/** Starts the node before the tests and ends it after them; each test begins a minute later, with nothing left to be answered or fetched. */
export function useInboxes() {
  let reader: Reader
  let inboxes: ReturnType<typeof makeInboxes>
  let ours: KeptPost
  before(async () => {
    reader = await startReader({ TRUST_PROXY: '1' })
    inboxes = makeInboxes(reader)
    ours = await keepPost(reader.tools, reader.bob)
  })
  beforeEach(async () => {
    reader.pass(MINUTE)
    await inboxes.jobs('inbox.answer')
    await inboxes.jobs('post.fetch')
  })
  after(() => reader.close())

  const actorOf = (uri: string) => reader.tools.actors.findByName(uri)
  return {
    get reader() {
      return reader
    },
    get inboxes() {
      return inboxes
    },
    /** A post of bob's. */
    get ours() {
      return ours
    },
    person: (host: string, options: Parameters<typeof makePerson>[2] = {}): Person => makePerson(reader.net, host, options),
    actorOf,
    /** Whether somebody follows bob. */
    async follows(uri: string): Promise<boolean> {
      const actor = await actorOf(uri)
      return actor !== undefined && (await reader.tools.follows.find(actor.id, reader.bob.id)) !== undefined
    },
    counts: (uri = ours.uri) => reader.tools.history.countActs(uri),
    /** What is done leaves no row, and makes no more requests than are allowed. */
    async nothing<T>(work: () => Promise<T>, requests = 0): Promise<T> {
      const [rows, sent] = [await inboxes.rows(), reader.net.sent.length]
      const done = await work()
      assert.deepEqual(await inboxes.rows(), rows, 'it left no row')
      assert.ok(reader.net.sent.length - sent <= requests, `${reader.net.requests().slice(sent)}`)
      return done
    },
    answers: () => inboxes.jobs('inbox.answer'),
    /** Somebody follows bob, and bob them. */
    async followedBy(by: Person): Promise<void> {
      accepted(await inboxes.post(by, by.does('Follow', reader.bob.uri)))
      const { id } = (await actorOf(by.id))!
      await reader.tools.follows.add({ followerId: reader.bob.id, followedId: id, via: 'inbox' }, reader.tools.clock())
    }
  }
}
