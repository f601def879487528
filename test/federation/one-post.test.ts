/** One post under the two ids that Mastodon gives it: `tag:D,DATE:objectId=N:objectType=Status` in Atom, `https://D/users/NAME/statuses/N` else (X13). */
import assert from 'node:assert/strict'
import { fetchMissing } from '../../src/federation/fetch-missing.ts'
import { verbXml } from '../support/atom-documents.ts'
import { accepted, activityPage, type Json, makePerson, type Person } from '../support/fediverse.ts'
import { useInboxes } from '../support/open-inboxes.ts'
import { type Endpoint, makeEndpoint, mentionXml, noteXml, type Writer } from '../support/slaps.ts'

const DAY = '2026-01-10'

describe('a post under the two ids that Mastodon gives it', () => {
  const at = useInboxes()
  let endpoint: Endpoint
  before(() => {
    endpoint = makeEndpoint(at.reader)
  })

  const tagOf = (host: string, n: number) => `tag:${host}.example,${DAY}:objectId=${n}:objectType=Status`
  /** ann at a host, by both protocols: her Atom names no other id than the tag. */
  function both(host: string, uri = `https://${host}.example/users/ann`) {
    const old = endpoint.writer(host, { uri })
    const ann = makePerson(at.reader.net, host, { path: new URL(uri).pathname })
    const note = (n: number): Json =>
      ann.note({ id: `${ann.id}/statuses/${n}`, inReplyTo: at.ours.uri, tag: [{ type: 'Mention', href: at.reader.bob.uri }] })
    const told = (n: number) => ({ id: tagOf(host, n), at: Date.parse('2026-01-10T11:00:00Z') })
    return {
      ...{ ann, old, note },
      slap: (n: number, inner = '') => slapped(old, mentionXml(at.reader.bob.uri) + inner, told(n)),
      slapDelete: (n: number) => slapped(old, verbXml('delete'), { id: tagOf(host, n) }),
      create: async (n: number) => accepted(await at.inboxes.post(ann, ann.does('Create', note(n)))),
      delete: async (n: number) => accepted(await at.inboxes.post(ann, ann.does('Delete', `${ann.id}/statuses/${n}`)))
    }
  }
  const slapped = async (by: Writer, inner: string, told: { id: string; at?: number }) =>
    assert.equal(await endpoint.post(by.slap(inner, told)), 202)
  const postsOf = async ({ id }: Pick<Person, 'id'>) => at.reader.tools.timelines.all({ limit: 20 }, (await at.actorOf(id))!.id)

  it('X13 is one row, whichever comes first, and no edit', async () => {
    const { ann, create, slap } = both('order')
    for (const [n, ways] of [[slap, create] as const, [create, slap] as const].entries()) {
      for (const way of ways) await way(n)
      const kept = (await postsOf(ann)).filter(({ activityUrl }) => activityUrl === `${ann.id}/statuses/${n}`)
      assert.deepEqual([kept.length, kept[0]!.edits], [1, 0])
    }
    assert.equal((await postsOf(ann)).length, 2)
  })

  it('X4 X13 is dead under both when either dies, before it came or after', async () => {
    const { ann, ...ways } = both('dead')
    const orders = [
      [ways.slap, ways.delete, ways.create],
      [ways.create, ways.slapDelete, ways.slap],
      [ways.slapDelete, ways.create, ways.slap],
      [ways.delete, ways.slap, ways.create]
    ]
    // of somebody of whom nothing is known a delete by ActivityPub is not heard
    await ways.create(100)
    await ways.slap(100)
    for (const [n, steps] of orders.entries()) for (const step of steps) await step(n)
    const alive = (await postsOf(ann)).filter(post => post.deletedAt === undefined)
    assert.deepEqual(
      alive.map(({ activityUrl }) => activityUrl),
      [`${ann.id}/statuses/100`]
    )
  })

  it('X13 is found by the other id: what answers it, and what shares it', async () => {
    const { ann, slap } = both('found')
    await slap(1)
    const zoe = at.person('foundzoe')
    await at.followedBy(zoe)
    const answer = zoe.note({ inReplyTo: `${ann.id}/statuses/1` })
    const share = zoe.does('Announce', `${ann.id}/statuses/1`)
    for (const activity of [zoe.does('Create', answer), share]) accepted(await at.inboxes.post(zoe, activity, ''))
    const [post] = await postsOf(ann)
    assert.equal((await at.reader.post(answer.id as string))!.parentId, post!.id)
    assert.equal((await at.reader.post(share.id as string))!.sharedId, post!.id)
    assert.deepEqual(await at.inboxes.jobs('post.fetch'), [], 'nothing of it is missing')
  })

  it('X13 an edit by ActivityPub edits what came by OStatus', async () => {
    const { ann, note, slap } = both('edit')
    await slap(1)
    const edited = { ...note(1), content: '<p>better</p>', updated: '2026-01-10T11:30:00Z' }
    accepted(await at.inboxes.post(ann, ann.does('Update', edited)))
    const kept = await postsOf(ann)
    assert.deepEqual(
      kept.map(({ edits, html }) => [edits, html]),
      [[1, '<p>better</p>']]
    )
  })

  it('X13 a share is one, too, and is taken back under its other id', async () => {
    const { ann, old } = both('share')
    await at.followedBy(ann)
    const original = at.ours.uri
    await slapped(old, verbXml('share') + noteXml(original) + mentionXml(at.reader.bob.uri), { id: tagOf('share', 5) })
    const id = `${ann.id}/statuses/5/activity`
    accepted(await at.inboxes.post(ann, ann.does('Announce', original, { id })))
    const shares = (await postsOf(ann)).filter(({ verb }) => verb === 'share')
    assert.deepEqual([shares.length, shares[0]!.activityUrl, (await at.counts()).share], [1, id, 1])
    at.reader.pass(1000)
    accepted(await at.inboxes.post(ann, ann.does('Undo', { id, type: 'Announce', actor: ann.id, object: original })))
    assert.ok((await at.reader.tools.history.find(shares[0]!.id))!.deletedAt)
    assert.equal((await at.counts()).share ?? 0, 0)
  })

  it('X13 of GNU social 2.0: what its hub or Salmon tells of somebody who speaks ActivityPub is what the inbox got', async () => {
    const uri = 'https://gs.example/index.php/user/1'
    const { ann, old } = both('gs', uri)
    await at.followedBy(ann)
    const note = ann.note({ id: 'https://gs.example/object/note/7', url: 'https://gs.example/notice/7' })
    accepted(await at.inboxes.post(ann, ann.does('Create', note), ''))
    await slapped(old, mentionXml(at.reader.bob.uri), { id: `tag:gs.example,${DAY}:noticeId=7:objectType=note` })
    assert.equal((await postsOf(ann)).length, 1)
  })

  describe('claimed by somebody else', () => {
    it('X10 X13 of the same server: each has a row of their own, in whatever order', async () => {
      for (const first of ['eve', 'ann']) {
        const host = `same${first}`
        const { ann, create, slap } = both(host)
        const eve = endpoint.writer(host, { uri: `https://${host}.example/users/eve` })
        const claim = () => slapped(eve, mentionXml(at.reader.bob.uri, 'forged'), { id: tagOf(host, 3) })
        await create(1)
        if (first === 'eve') await claim()
        await create(3)
        if (first === 'ann') await claim()
        const note = (await at.reader.post(`${ann.id}/statuses/3`))!
        assert.equal(note.authorId, (await at.actorOf(ann.id))!.id)
        assert.ok(!note.html.includes('forged'))
        await slap(4)
        assert.equal(await endpoint.post(eve.slap(verbXml('delete'), { id: tagOf(host, 4) })), 202)
        assert.equal((await postsOf(ann)).filter(({ deletedAt }) => deletedAt === undefined).length, 3)
      }
    })

    it('X7 X13 of another server: neither a tag of its host nor its address beside one’s own gives a hold on it', async () => {
      const { ann, create } = both('victim')
      await create(1)
      const eve = endpoint.writer('thief', { uri: 'https://thief.example/users/ann' })
      const claims = {
        [tagOf('victim', 1)]: '',
        [tagOf('victim', 2)]: '',
        [tagOf('thief', 2)]: `<link rel="alternate" type="application/activity+json" href="${ann.id}/statuses/2"/>`
      }
      for (const [id, link] of Object.entries(claims)) await endpoint.post(eve.slap(mentionXml(at.reader.bob.uri, 'forged') + link, { id }))
      for (const id of Object.keys(claims)) await endpoint.post(eve.slap(verbXml('delete'), { id }))
      await create(2)
      const kept = await postsOf(ann)
      assert.deepEqual(kept.map(({ deletedAt, uri }) => [uri, deletedAt]).sort(), [
        [`${ann.id}/statuses/1`, undefined],
        [`${ann.id}/statuses/2`, undefined]
      ])
      const { knex } = at.reader.node.database.database
      const thief = (await at.actorOf(eve.uri))!
      const named = await knex('posts').where({ author_id: thief.id }).whereLike('activity_url', 'https://victim%')
      assert.deepEqual(named, [])
    })

    it('X13 what answers or shares the true one is never tied to the claim', async () => {
      const zoe = at.person('tiezoe')
      await at.followedBy(zoe)
      const [target, thief] = ['https://tied.example/users/ann/statuses/9', endpoint.writer('tiethief')]
      const link = `<link rel="alternate" type="application/activity+json" href="${target}"/>`
      await slapped(thief, mentionXml(at.reader.bob.uri, 'forged') + link, { id: 'https://tiethief.example/9' })
      const answer = zoe.note({ inReplyTo: target })
      const share = zoe.does('Announce', target)
      for (const activity of [zoe.does('Create', answer), share]) accepted(await at.inboxes.post(zoe, activity, ''))
      const { ann } = both('tied')
      at.reader.net.set(target, activityPage(ann.note({ id: target })))
      for (const wanted of await at.inboxes.jobs('post.fetch')) await fetchMissing(at.reader.tools, wanted)
      const post = (await at.reader.post(target))!
      assert.equal((await at.reader.post(answer.id as string))!.parentId, post.id)
      assert.equal((await at.reader.post(share.id as string))!.sharedId, post.id)
    })
  })
})
