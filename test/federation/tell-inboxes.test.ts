/** ActivityPub out: which inboxes get what an account does, each once (W10, W11). */
import assert from 'node:assert/strict'
import { tellInboxes } from '../../src/federation/tell-inboxes.ts'
import type { Actor } from '../../src/model/kept.ts'
import { type Inhabitant, makeInhabitants } from '../support/inhabitants.ts'
import { startWriter, type Writer } from '../support/writer.ts'

describe('inboxes', () => {
  let writer: Writer
  let people: ReturnType<typeof makeInhabitants>
  let count = 0
  beforeEach(async () => {
    writer = await startWriter()
    people = makeInhabitants(writer.hub, writer.ann)
  })
  afterEach(() => writer?.close())

  const activity = () => ({ id: `${writer.ann.uri}#${++count}`, type: 'Create', actor: writer.ann.uri, object: 'x' })
  const tell = async (to: { people?: Actor[]; followers?: boolean; key?: string }): Promise<Actor[]> => {
    const told = { people: [], followers: false, key: `key ${++count}`, ...to }
    const reached = await writer.tools.transaction(stores => tellInboxes(stores, writer.ann, activity(), told, writer.tools.clock()))
    await writer.work()
    return reached
  }
  const counts = (...all: Inhabitant[]) => all.map(({ inbox, shared }) => [inbox.got.length, shared.got.length])

  it('W10 S3-2 S3-3 S3-17 are those of all followers, shared ones once, signed by the account', async () => {
    const one = await people.inhabitant('one', 'big.example', { isShared: true, follows: true })
    const two = await people.inhabitant('two', 'big.example', { isShared: true, follows: true })
    const lone = await people.inhabitant('lone', 'small.example', { follows: true })
    const stranger = await people.inhabitant('stranger')
    await tell({ followers: true })
    assert.deepEqual(counts(one, two, lone, stranger), [
      [0, 1],
      [0, 1],
      [1, 0],
      [0, 0]
    ])
    const [came] = await lone.got()
    assert.deepEqual([came!.type, came!.actor], ['Create', writer.ann.uri])
    assert.equal((await one.gotShared()).length, 1)
  })

  it('X19 pass over who speaks OStatus alone, lives here, was closed or is blocked', async () => {
    const { tools } = writer
    const blocked = await people.inhabitant('blocked', 'blocked.example', { follows: true })
    await tools.actors.block(blocked.actor.id, tools.clock())
    const old = await writer.neighbour('old')
    await tools.follows.add({ followerId: old.actor.id, followedId: writer.ann.id, via: 'salmon' }, tools.clock())
    const bob = (await tools.actors.findAccount('bob'))!
    await tools.follows.add({ followerId: bob.id, followedId: writer.ann.id, via: 'local' }, tools.clock())
    assert.deepEqual(await tell({ followers: true, people: [old.actor, bob] }), [])
    assert.deepEqual(counts(blocked), [[0, 0]])
    assert.equal(old.endpoint.got.length, 0)
  })

  it('W11 of somebody who is named are their own, unless their server has it by its shared one', async () => {
    const follower = await people.inhabitant('follower', 'big.example', { isShared: true, follows: true })
    const neighbour = await people.inhabitant('neighbour', 'big.example', { isShared: true })
    const far = await people.inhabitant('far', 'far.example', { isShared: true })
    const told = await tell({ followers: true, people: [neighbour.actor, far.actor, far.actor] })
    assert.deepEqual(new Set(told.map(({ id }) => id)), new Set([neighbour.actor.id, far.actor.id]))
    assert.deepEqual(counts(follower, neighbour, far), [
      [0, 1],
      [0, 1],
      [1, 0]
    ])
  })

  it('X8 are not those of people who want to hear nothing of the account', async () => {
    const { tools } = writer
    const foe = await people.inhabitant('foe')
    const act = { actorId: foe.actor.id, verb: 'block', object: writer.ann.uri, at: tools.clock(), undone: false }
    await tools.history.act(act)
    assert.deepEqual(await tell({ people: [foe.actor] }), [])
    assert.deepEqual(counts(foe), [[0, 0]])
  })

  it('W15 get the same once, though the job is done twice', async () => {
    const one = await people.inhabitant('one', 'one.example', { follows: true })
    for (let times = 0; times < 2; times++) await tell({ followers: true, people: [one.actor], key: 'the same' })
    assert.deepEqual(counts(one), [[1, 0]])
  })

  it('W11 are served in jobs of 250, whatever the number of followers', async () => {
    const { tools } = writer
    const { knex } = writer.hub.node.database.database
    await knex.raw(`insert into actors (id, uri, kind, speaks, inbox_url, created_at, updated_at)
      select 'f' || n, 'https://h' || n || '.example/u', 'person', 'activitypub', 'https://h' || n || '.example/inbox', now(), now()
      from generate_series(1, 600) n`)
    await knex.raw(
      `insert into follows (follower_id, followed_id, via, created_at) select 'f' || n, ?, 'inbox', now() from generate_series(1, 600) n`,
      [writer.ann.id]
    )
    await tools.transaction(stores =>
      tellInboxes(stores, writer.ann, activity(), { people: [], followers: true, key: 'many' }, tools.clock())
    )
    const jobs = await tools.queue.take('deliver', 10)
    assert.deepEqual(jobs.map(job => job.data.recipients.length).sort(), [100, 250, 250])
    assert.equal(Number((await knex('documents').count())[0]!.count), 1)
    const [{ kind, topic } = {}] = await tools.deliveries.list({ failed: false, limit: 1, host: 'h7.example' })
    assert.deepEqual([kind, topic], ['inbox', writer.ann.uri])
  })
})
