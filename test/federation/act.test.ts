import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { favourite, share, undo } from '../../src/federation/act.ts'
import { follow } from '../../src/federation/follow.ts'
import { edit, publish, remove } from '../../src/federation/publish.ts'
import { BadMessage, Missing, Refused, Unreachable } from '../../src/model/errors.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import type { WrittenSubscriber } from '../support/hub.ts'
import { keepPost } from '../support/residents.ts'
import { type Neighbour, startWriter, type Writer } from '../support/writer.ts'

describe('our own acts', () => {
  let writer: Writer
  let bob: Neighbour
  beforeEach(async () => {
    writer = await startWriter()
    bob = await writer.neighbour('bob')
  })
  afterEach(() => writer?.close())

  const did = (name: string) => favourite(writer.tools, writer.ann, name)
  const shared = (name: string) => share(writer.tools, writer.ann, name)
  const undone = async (name: string) => (await undo(writer.tools, writer.ann, name)).undone
  const verbs = () => bob.slaps().map(({ activity }) => activity.verb)
  const pushed = ({ got }: WrittenSubscriber) =>
    got.map(knock => readFeed(Buffer.from(knock.body), { url: writer.hub.topic }).activities[0]!)
  const ours = () => writer.tools.timelines.feed(writer.ann.id, undefined, 20)

  it('X3 a favourite stands once, whatever it is called by, and is sent once', async () => {
    const post = await bob.post()
    assert.equal((await did(post.uri)).already, false)
    for (const name of [post.uri, post.url!, post.id, `https://hub.example/posts/${post.id}`]) assert.equal((await did(name)).already, true)
    await Promise.all([did(post.uri), did(post.uri)])
    await writer.work()
    assert.deepEqual(verbs(), ['favourite'])
    assert.deepEqual(await writer.tools.history.countActs(post.uri), { favourite: 1 })
  })

  it('X2 a share stands once, also of two at once; of a share the original is shared', async () => {
    const post = await bob.post()
    await Promise.all([shared(post.uri), shared(post.uri)])
    const [own] = await ours()
    assert.deepEqual([own!.verb, own!.shared?.id, own!.html], ['share', post.id, ''])
    const other = await findAccount(writer.tools, 'bob')
    assert.equal((await share(writer.tools, other, own!.uri)).post.id, post.id)
    await writer.work()
    assert.equal(bob.endpoint.got.length, 2)
    assert.equal((await ours()).length, 1)
  })

  it('X3 X2 undo takes back the favourite and the share, each by its own message; then there is nothing', async () => {
    const post = await bob.post()
    await did(post.uri)
    await shared(post.uri)
    await writer.work()
    const [own] = await ours()
    assert.deepEqual(await undone(post.uri), ['favourite', 'share'])
    await writer.work()
    assert.deepEqual(verbs().sort(), ['delete', 'favourite', 'share', 'undo'])
    assert.equal(bob.slaps().find(({ activity }) => activity.verb === 'delete')!.activity.id, own!.uri)
    await assert.rejects(undone(post.uri), new Missing('ann has not favoured or shared this post.'))
    await assert.rejects(undo(writer.tools, writer.ann, post.uri, 'share'), Missing)
    assert.equal((await did(post.uri)).already, false)
    assert.equal((await shared(post.uri)).already, false)
  })

  it('M16 what is done anew is a second later than its undoing, even when the clock stands still', async () => {
    const post = await bob.post()
    for (let round = 0; round < 3; round++) {
      await did(post.uri)
      await undone(post.uri)
    }
    await writer.work()
    const times = bob.slaps().map(({ activity }) => activity.updated!.getTime())
    for (const at of [2, 4]) assert.ok(times[at]! - times[at - 1]! >= 1000)
  })

  it('M8 what subscribers get is the same act: a favourite, its undoing, a share, its delete, a follow', async () => {
    const listener = await writer.listener()
    const post = await bob.post('<p>worth it</p>')
    const other = await findAccount(writer.tools, 'bob')
    for (const step of [did, undone, shared]) {
      await step(post.uri)
      await writer.work()
    }
    const [own] = await ours()
    await undone(post.uri)
    await writer.work()
    await follow(writer.tools, other.acct, { as: writer.ann })
    await writer.work()
    const got = pushed(listener)
    assert.deepEqual(
      got.map(activity => activity.verb),
      ['favourite', 'undo', 'share', 'delete', 'follow']
    )
    assert.equal(new Set(got.map(activity => activity.id)).size, 4, 'a delete bears the id of what is gone')
    assert.deepEqual([got[2]!.id, got[3]!.id], [own!.uri, own!.uri])
    assert.ok(got.every(activity => activity.actor?.ids[0] === writer.ann.uri))
  })

  it('X43 what is not for everybody is not shared, and its favourite goes to its author alone', async () => {
    const listener = await writer.listener()
    const secret = await keepPost(writer.tools, bob.actor, { visibility: 'direct' })
    await assert.rejects(shared(secret.uri), Refused)
    await did(secret.uri)
    await writer.work()
    assert.deepEqual([verbs(), listener.got.length], [['favourite'], 0])
  })

  it('X2 a share in our feed is whole, follows an edit of the original, and goes with it', async () => {
    const post = await bob.post('<p>one</p>')
    await shared(post.uri)
    const entries = async () => {
      const answer = await fetch(`http://${writer.hub.node.host}/users/ann.atom`, { headers: { 'cache-control': 'no-cache' } })
      return readFeed(Buffer.from(await answer.arrayBuffer()), { url: writer.hub.topic }).activities
    }
    const [entry] = await entries()
    assert.ok(entry?.object.type === 'post')
    assert.deepEqual([entry.verb, entry.object.post.id, entry.object.post.author?.ids[0]], ['share', post.uri, bob.actor.uri])
    await writer.tools.transaction(stores => stores.history.remove(bob.actor.id, post.uri, writer.tools.clock()))
    await writer.tools.changes.tell('account:ann')
    await new Promise(done => setTimeout(done, 50))
    assert.deepEqual(await entries(), [])
    const [own] = await ours()
    assert.equal((await fetch(`http://${writer.hub.node.host}/users/ann/posts/${own!.id}.atom`)).status, 410)
  })

  it('F11 a reply mentions whom it answers, once, and never its own author', async () => {
    const parent = await bob.post()
    const reply = await publish(writer.tools, writer.ann, { text: '@bob@bob.example yes', replyTo: parent.uri })
    assert.deepEqual(reply.mentions, [bob.actor.uri])
    const own = await publish(writer.tools, writer.ann, { text: 'and more', replyTo: reply.uri })
    assert.deepEqual(own.mentions, [])
    const changed = await edit(writer.tools, writer.ann, reply, { text: 'no' })
    assert.deepEqual(changed.mentions, [bob.actor.uri])
    await shared(parent.uri)
    const answer = await publish(writer.tools, writer.ann, { text: 'to the original', replyTo: (await ours())[0]!.uri })
    assert.equal(answer.parentId, parent.id)
  })

  it('has its effect here at once when the other lives here, and sends them nothing', async () => {
    const other = await findAccount(writer.tools, 'bob')
    const post = await publish(writer.tools, other, { text: 'Hello' })
    await did(post.uri)
    await shared(post.uri)
    await follow(writer.tools, other.acct, { as: writer.ann })
    await writer.work()
    assert.deepEqual((await writer.tools.acts.onPosts([post.id])).get(post.id), [
      { name: 'ann', verb: 'favourite' },
      { name: 'ann', verb: 'share' }
    ])
    assert.ok(await writer.tools.follows.find(writer.ann.id, other.id))
    assert.deepEqual(await writer.tools.deliveries.list({ failed: false, limit: 10 }), [])
  })

  it('is refused of what is unknown, dead, or a share without its original', async () => {
    await assert.rejects(did('urn:unknown'), new Missing('This post is not known here.'))
    await assert.rejects(did('https://bob.example/unknown'), Unreachable)
    const post = await bob.post()
    await remove(writer.tools, writer.ann, await publish(writer.tools, writer.ann, { text: 'x' }))
    await writer.tools.transaction(stores => stores.history.remove(bob.actor.id, post.uri, writer.tools.clock()))
    await assert.rejects(did(post.uri), (error: Missing) => error instanceof Missing && error.status === 410)
    const told = await keepPost(writer.tools, bob.actor, { verb: 'share', html: '', quoted: { html: 'told' } })
    await assert.rejects(shared(told.uri), new Missing('The post that was shared is not kept here.'))
    await assert.rejects(follow(writer.tools, writer.ann.acct, { as: writer.ann }), BadMessage)
    await shared((await bob.post()).uri)
    await assert.rejects(edit(writer.tools, writer.ann, (await ours())[0]!, { text: 'mine' }), Refused)
  })
})
