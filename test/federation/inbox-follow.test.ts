/** An inbox, asked to follow (S3-9 to S3-22, M16, X12, X19). */
import assert from 'node:assert/strict'
import { webFinger } from '../support/discovery.ts'
import { accepted, activityPage, makeKey, makePerson } from '../support/fediverse.ts'
import { useInboxes } from '../support/open-inboxes.ts'
import { MINUTE, SECOND } from '../support/reader.ts'
import { followXml, makeEndpoint, mentionXml } from '../support/slaps.ts'

describe('an inbox, asked to follow', () => {
  const at = useInboxes()

  it('S3-9 S3-12 S3-14 keeps who it was by their own document, and puts the Accept into the queue with the whole question', async () => {
    const ann = at.person('s39')
    const follow = ann.does('Follow', at.reader.bob.uri)
    accepted(await at.inboxes.post(ann, follow))
    const [answer] = await at.answers()
    const actor = (await at.actorOf(ann.id))!
    assert.ok(await at.follows(ann.id))
    assert.deepEqual(
      { ...answer, activity: JSON.parse(answer!.activity) },
      { account: 'bob', person: actor.id, activity: follow, yes: true }
    )
    assert.deepEqual(
      [actor.speaks, actor.inboxUrl, actor.sharedInboxUrl, actor.acct, actor.displayName],
      ['activitypub', `${ann.id}/inbox`, `${ann.origin}/inbox`, 'ann@s39.example', 'ann of s39']
    )
  })

  it('S3-7 is followed by somebody who has an id, an inbox and a key, and nothing else yet', async () => {
    const ann = at.person('s37')
    const { id, inbox, publicKey } = ann.actor()
    at.reader.net.set(ann.id, activityPage({ id, type: 'Person', inbox, publicKey }))
    at.reader.net.set(webFinger(`acct:ann@${ann.host}`, ann.host), { status: 404 })
    accepted(await at.inboxes.post(ann, ann.does('Follow', at.reader.bob.uri)))
    assert.ok(await at.follows(ann.id))
    const { acct, inboxUrl, outboxUrl, sharedInboxUrl } = (await at.actorOf(ann.id))!
    assert.deepEqual([acct, inboxUrl, outboxUrl, sharedInboxUrl], [undefined, inbox, undefined, undefined])
    const { deliveries, transaction } = at.reader.tools
    const document = { key: 's37', topic: at.reader.bob.uri, contentType: 'text/plain', body: Buffer.from('') }
    const told = await deliveries.addDocument(document, at.reader.tools.clock())
    await transaction(stores => stores.deliveries.addForInboxes(told!, at.reader.bob.id, [], at.reader.tools.clock()))
    const list = await deliveries.list({ failed: false, host: ann.host, limit: 9 })
    assert.deepEqual(
      list.map(({ url }) => url),
      [inbox]
    )
  })

  it('S3-10 takes the sample: its id is the path of a UUID alone', async () => {
    const ann = at.person('s310', { path: '/users/mapache' })
    const follow = { '@context': 'https://www.w3.org/ns/activitystreams', id: '/0f7ff0f4-8d8e-4b9f-9fd4-6ee7eab2ba4e', type: 'Follow' }
    accepted(await at.inboxes.post(ann, { ...follow, actor: ann.id, object: at.reader.bob.uri }))
    assert.ok(await at.follows(ann.id))
  })

  it('S3-19 S3-20 S3-22 ends it by an Undo whose object is the whole Follow or its id alone, and answers that as well', async () => {
    for (const whole of [true, false]) {
      const ann = at.person(`s320${whole}`)
      const follow = ann.does('Follow', at.reader.bob.uri)
      accepted(await at.inboxes.post(ann, follow))
      await at.answers()
      at.reader.pass(SECOND)
      const undo = ann.does('Undo', whole ? follow : follow.id, { id: `${ann.id}#follows/1/undo` })
      accepted(await at.inboxes.post(ann, undo))
      assert.equal(await at.follows(ann.id), false)
      assert.deepEqual(
        (await at.answers()).map(({ activity }) => JSON.parse(activity)),
        [undo]
      )
      assert.deepEqual(at.reader.net.requests().filter(request => request === `GET ${ann.id}`).length, 1, 'the actor is asked for once')
    }
  })

  it('S3-21 lets nobody end what somebody else follows, not by an id nor by writing the other into the object', async () => {
    const [ann, eve] = [at.person('s321'), at.person('s321eve')]
    const follow = ann.does('Follow', at.reader.bob.uri)
    accepted(await at.inboxes.post(ann, follow))
    accepted(await at.inboxes.post(eve, eve.does('Follow', at.reader.bob.uri)))
    for (const object of [follow, follow.id]) await at.nothing(async () => accepted(await at.inboxes.post(eve, eve.does('Undo', object))))
    assert.ok(await at.follows(ann.id))
  })

  it('M16 X12 takes a follow after its end, and not the old request once more', async () => {
    const ann = at.person('again')
    const first = { at: at.reader.time.now }
    const follow = ann.does('Follow', at.reader.bob.uri)
    for (const activity of [follow, ann.does('Undo', follow), ann.does('Follow', at.reader.bob.uri), ann.does('Undo', follow)]) {
      accepted(await at.inboxes.post(ann, activity, 'bob', { at: at.reader.time.now }))
      at.reader.pass(20)
    }
    assert.equal(await at.follows(ann.id), false)
    at.reader.pass(MINUTE)
    accepted(await at.inboxes.post(ann, follow, 'bob', first))
    accepted(await at.inboxes.post(ann, { ...follow, id: `${ann.origin}/other` }, 'bob', first))
    assert.equal(await at.follows(ann.id), false, 'what was signed before its end does not begin it again')
    accepted(await at.inboxes.post(ann, ann.does('Follow', at.reader.bob.uri)))
    assert.ok(await at.follows(ann.id))
  })

  it('T4 takes what the shared inbox gets for whom it is meant, and 202 for what nobody here is meant by', async () => {
    const ann = at.person('shared')
    await at.nothing(async () => accepted(await at.inboxes.post(ann, ann.does('Follow', 'https://at.reader.example/users/nobody'), '')))
    accepted(await at.inboxes.post(ann, ann.does('Follow', at.reader.bob.uri), ''))
    assert.ok(await at.follows(ann.id))
  })

  it('X19 makes one follower of whom OStatus knew by another URI: GNU social 2.0, by the handle that its host confirms', async () => {
    const endpoint = makeEndpoint(at.reader)
    const old = endpoint.writer('gs20')
    assert.equal(await endpoint.post(old.slap(followXml(at.reader.bob.uri))), 202)
    const before = (await at.actorOf(old.uri))!
    const now = makePerson(at.reader.net, 'gs20', { path: '/index.php/user/1' })
    accepted(await at.inboxes.post(now, now.does('Follow', at.reader.bob.uri)))
    const after = (await at.actorOf(now.id))!
    assert.deepEqual([after.id, after.speaks, after.uri, after.acct], [before.id, 'activitypub', now.id, 'ann@gs20.example'])
    assert.equal((await at.actorOf(old.uri))!.id, after.id)
    const mine = (await at.reader.tools.follows.followers(at.reader.bob.id)).filter(({ actor }) => actor.acct === 'ann@gs20.example')
    assert.deepEqual(
      mine.map(({ via }) => via),
      ['inbox']
    )
    // an envelope by the old name is theirs still, and brings nothing down
    assert.equal(await endpoint.post(old.slap(followXml(at.reader.bob.uri), { at: at.reader.pass(MINUTE).getTime() })), 202)
    assert.equal(await endpoint.post(old.slap(mentionXml(at.reader.bob.uri), { id: 'tag:gs20.example,2026:1' })), 202)
    assert.deepEqual(
      [(await at.reader.post('tag:gs20.example,2026:1'))!.authorId, (await at.actorOf(old.uri))!.speaks],
      [after.id, 'activitypub']
    )
  })

  it('X19 makes one of two rows when the host confirms the handle later, and keeps what both did', async () => {
    const endpoint = makeEndpoint(at.reader)
    const now = makePerson(at.reader.net, 'late', { path: '/user/7' })
    at.reader.net.set(`https://late.example/.well-known/webfinger?resource=${encodeURIComponent('acct:ann@late.example')}`, { status: 404 })
    accepted(await at.inboxes.post(now, now.does('Like', at.ours.uri)))
    const old = endpoint.writer('late')
    assert.equal(await endpoint.post(old.slap(followXml(at.reader.bob.uri))), 202)
    assert.notEqual((await at.actorOf(old.uri))!.id, (await at.actorOf(now.id))!.id)
    const key = makeKey()
    const renewed = makePerson(at.reader.net, 'late', { path: '/user/7', key })
    at.reader.pass(2 * MINUTE)
    accepted(await at.inboxes.post(renewed, renewed.does('Create', renewed.note({ inReplyTo: at.ours.uri }))))
    const one = (await at.actorOf(now.id))!
    assert.equal((await at.actorOf(old.uri))!.id, one.id)
    assert.ok((await at.reader.tools.follows.find(one.id, at.reader.bob.id)) !== undefined)
    assert.equal((await at.reader.tools.history.findAct(one.id, 'favourite', at.ours.uri))?.undone, false)
  })
})
