/** An inbox, told of people (X11, X31, X33, FEP-7628). */
import assert from 'node:assert/strict'
import { block as blockPerson } from '../../src/federation/moderate.ts'
import { accepted, makeKey } from '../support/fediverse.ts'
import { useInboxes } from '../support/open-inboxes.ts'
import { MINUTE } from '../support/reader.ts'

describe('an inbox, told of people', () => {
  const at = useInboxes()

  it('X11 takes a profile that its owner signed, with where they are reached from now on', async () => {
    const [ann, eve] = [at.person('profile'), at.person('profileeve')]
    for (const one of [ann, eve]) accepted(await at.inboxes.post(one, one.does('Follow', at.reader.bob.uri)))
    accepted(await at.inboxes.post(ann, ann.does('Update', ann.actor({ name: 'Ann Two', inbox: `${ann.id}/inbox2` }))))
    const actor = (await at.actorOf(ann.id))!
    assert.deepEqual([actor.displayName, actor.inboxUrl], ['Ann Two', `${ann.id}/inbox2`])
    assert.equal((await at.nothing(() => at.inboxes.post(eve, eve.does('Update', ann.actor({ name: 'Eve' }))))).status, 403)
  })

  it('X8 asks for a key that may have changed, and takes the new one', async () => {
    const old = at.person('rotate')
    accepted(await at.inboxes.post(old, old.does('Follow', at.reader.bob.uri)))
    const renewed = at.person('rotate', { key: makeKey() })
    at.reader.pass(2 * MINUTE)
    accepted(await at.inboxes.post(renewed, renewed.does('Like', at.ours.uri)))
    at.reader.pass(2 * MINUTE)
    assert.equal(
      (await at.inboxes.post(old, old.does('Undo', old.does('Follow', at.reader.bob.uri)))).status,
      401,
      'the old one is none any more'
    )
  })

  it('X31 forgets whoever leaves: what they said, what they did and whom they followed', async () => {
    const ann = at.person('leave')
    const note = ann.note({ inReplyTo: at.ours.uri })
    await at.followedBy(ann)
    const before = (await at.counts()).favourite ?? 0
    for (const activity of [ann.does('Create', note), ann.does('Like', at.ours.uri)]) accepted(await at.inboxes.post(ann, activity))
    const { id } = (await at.actorOf(ann.id))!
    at.reader.net.set(ann.id, { status: 410 })
    accepted(await at.inboxes.post(ann, { ...ann.does('Delete', ann.id), id: `${ann.id}#delete` }, ''))
    const post = (await at.reader.post(note.id as string))!
    assert.deepEqual([post.html, post.deletedAt !== undefined, (await at.counts()).favourite ?? 0], ['', true, before])
    assert.deepEqual([await at.follows(ann.id), await at.reader.tools.follows.find(at.reader.bob.id, id)], [false, undefined])
    // and hears of them no more
    await at.nothing(async () => accepted(await at.inboxes.post(ann, ann.does('Follow', at.reader.bob.uri))))
  })

  it('X33 keeps nothing of any length that somebody makes up', async () => {
    const ann = at.person('long')
    const long = `https://long.example/${'x'.repeat(50_000)}`
    ann.describe({
      name: 'n'.repeat(50_000),
      summary: 's'.repeat(100_000),
      alsoKnownAs: [long, 'https://long.example/old'],
      url: long,
      outbox: long
    })
    const tag = [
      ...Array.from({ length: 200 }, (_, n) => ({ type: 'Mention', href: `https://long.example/${n}` })),
      { type: 'Mention', href: long }
    ]
    const note = ann.note({
      inReplyTo: at.ours.uri,
      tag: [{ type: 'Mention', href: long }, ...tag],
      conversation: long,
      name: 't'.repeat(10_000)
    })
    accepted(await at.inboxes.post(ann, ann.does('Create', note)))
    const [actor, post] = [(await at.actorOf(ann.id))!, (await at.reader.post(note.id as string))!]
    assert.deepEqual([actor.alsoKnownAs, actor.url, actor.outboxUrl], [['https://long.example/old'], undefined, undefined])
    assert.ok(JSON.stringify(actor).length < 12_000 && JSON.stringify(post).length < 12_000)
    assert.ok(post.mentions.length <= 50)
  })

  it('X31 forgets whoever says that they leave in other words', async () => {
    for (const [index, type] of ['Person', 'Tombstone'].entries()) {
      const ann = at.person(`leave${index}`)
      accepted(await at.inboxes.post(ann, ann.does('Follow', at.reader.bob.uri)))
      accepted(await at.inboxes.post(ann, ann.does('Delete', { id: ann.id, type }), ''))
      assert.ok((await at.actorOf(ann.id))!.removedAt)
    }
  })

  it('X11 lets nobody delete, move or undo for somebody else', async () => {
    const [ann, eve] = [at.person('other'), at.person('othereve')]
    await at.followedBy(ann)
    const note = ann.note()
    accepted(await at.inboxes.post(ann, ann.does('Create', note)))
    accepted(await at.inboxes.post(eve, eve.does('Follow', at.reader.bob.uri)))
    const tries = [
      eve.does('Delete', ann.id),
      eve.does('Delete', note.id),
      eve.does('Move', ann.id, { target: eve.id }),
      eve.does('Update', note)
    ]
    for (const activity of tries) assert.equal((await at.nothing(() => at.inboxes.post(eve, activity))).status, 403)
    assert.equal((await at.reader.post(note.id as string))!.deletedAt, undefined)
  })

  it('FEP-7628 lets accounts follow whom somebody moves to, if that account says that it is the same', async () => {
    const [old, now, other] = [at.person('moveold'), at.person('movenew'), at.person('moveother')]
    await at.followedBy(old)
    now.describe({ alsoKnownAs: [old.id] })
    await at.inboxes.jobs('activity.follow')
    assert.equal((await at.nothing(() => at.inboxes.post(old, old.does('Move', old.id, { target: other.id })), 4)).status, 403)
    accepted(await at.inboxes.post(old, old.does('Move', old.id, { target: now.id })))
    const [was, is] = [(await at.actorOf(old.id))!, (await at.actorOf(now.id))!]
    assert.deepEqual([was.movedTo, await at.reader.tools.follows.find(at.reader.bob.id, was.id)], [now.id, undefined])
    const [asked] = await at.inboxes.jobs('activity.follow')
    assert.deepEqual([asked!.account, asked!.person, asked!.undo], ['bob', is.id, false])
    assert.equal((await at.reader.tools.history.findAct(at.reader.bob.id, 'request', now.id))?.undone, false)
  })

  it('hears nothing of whom the owner blocked, nor of a host, but that something of theirs is no more', async () => {
    const [ann, zoe] = [at.person('blocked'), at.person('blockedhost')]
    const note = ann.note({ inReplyTo: at.ours.uri })
    for (const activity of [ann.does('Follow', at.reader.bob.uri), ann.does('Create', note)]) accepted(await at.inboxes.post(ann, activity))
    await blockPerson(at.reader.tools, ann.id)
    await blockPerson(at.reader.tools, 'blockedhost.example')
    for (const one of [ann, zoe]) await at.nothing(async () => accepted(await at.inboxes.post(one, one.does('Like', at.ours.uri))))
    accepted(await at.inboxes.post(ann, ann.does('Delete', note.id)))
    assert.ok((await at.reader.post(note.id as string))!.deletedAt)
  })
})
