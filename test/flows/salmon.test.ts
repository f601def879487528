/** Two of our nodes converse over OStatus alone: what one does, the other has, and both show the same thread. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { favourite, share, undo } from '../../src/federation/act.ts'
import { follow, unfollow } from '../../src/federation/follow.ts'
import { publish, remove } from '../../src/federation/publish.ts'
import type { Account, KeptPost } from '../../src/model/kept.ts'
import { serve } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

describe('two nodes by Salmon', () => {
  let [here, there]: TestNode[] = []
  let ann: Account
  let bob: Account
  let note: KeptPost

  before(async () => {
    ;[here, there] = await Promise.all(['ann', 'bob'].map(name => startNode({ accounts: [name], onlyOStatus: true })))
    ann = await findAccount(here!.tools, 'ann')
    bob = await findAccount(there!.tools, 'bob')
  })
  after(async () => {
    await there?.close()
    await here?.close()
  })

  const arrives = (node: TestNode | undefined, uri: string) => until(uri, () => node!.tools.history.findByUri(uri))
  const counted = (what: Record<string, number>) =>
    until(`the acts ${JSON.stringify(what)}`, async () => {
      const counts = await here!.tools.history.countActs(note.uri)
      return Object.entries(what).every(([verb, count]) => (counts[verb] ?? 0) === count)
    })
  const thread = async (node: TestNode | undefined, uri: string) => {
    const post = (await node!.tools.history.findByUri(uri))!
    return (await node!.tools.timelines.thread(post.id, 100)).map(one => [
      one.uri,
      one.author.uri,
      one.title,
      one.html,
      one.inReplyTo ?? null
    ])
  }

  it('X5 a follow makes a follower there', async () => {
    await follow(there!.tools, `acct:ann@${here!.host}`, { as: bob })
    const followers = await until('the follower', async () => {
      const list = await here!.tools.follows.followers(ann.id)
      return list.length > 0 && list
    })
    assert.deepEqual(
      followers.map(({ actor, via }) => [actor.uri, via]),
      [[bob.uri, 'salmon']]
    )
  })

  it('X1 F10 F11 a mention, a reply and a reply to that are one thread on both', async () => {
    note = await publish(here!.tools, ann, { text: `Hello @bob@${there!.host}` })
    await arrives(there, note.uri)
    const reply = await publish(there!.tools, bob, { text: 'Hello & welcome', replyTo: note.uri })
    await arrives(here, reply.uri)
    const again = await publish(here!.tools, ann, { text: 'Thanks', replyTo: reply.uri })
    await arrives(there, again.uri)
    const seen = await thread(there, note.uri)
    assert.equal(seen.length, 3)
    assert.deepEqual(await thread(here, note.uri), seen)
  })

  it('X3 a favourite counts, and its undoing too, however often', async () => {
    for (let round = 0; round < 2; round++) {
      await favourite(there!.tools, bob, note.uri)
      await counted({ favourite: 1 })
      await undo(there!.tools, bob, note.uri)
      await counted({ favourite: 0 })
    }
  })

  it('X2 a share is known to the author, and its undoing', async () => {
    await share(there!.tools, bob, note.uri)
    await counted({ share: 1 })
    await undo(there!.tools, bob, note.uri)
    await counted({ share: 0 })
  })

  it('X4 a delete takes a reply away there as well', async () => {
    const reply = await publish(there!.tools, bob, { text: 'soon gone', replyTo: note.uri })
    await arrives(here, reply.uri)
    await remove(there!.tools, bob, reply)
    await until('the delete', async () => (await here!.tools.history.findByUri(reply.uri))?.deletedAt !== undefined)
  })

  it('X5 an unfollow ends the follower there', async () => {
    const actor = (await there!.tools.actors.findByUri(ann.uri))!
    assert.equal(await unfollow(there!.tools, actor, bob), true)
    await until('the end of the follow', async () => (await here!.tools.follows.followers(ann.id)).length === 0)
  })

  it('M8 all of it was taken at the first try', async () => {
    for (const node of [here, there]) {
      const sent = await until('the end of the last', async () => {
        const all = (await node!.tools.deliveries.list({ failed: false, limit: 100 })).filter(one => one.kind === 'salmon')
        return all.length > 0 && all.every(one => one.state !== 'waiting') && all
      })
      assert.deepEqual(new Set(sent.map(one => `${one.state} ${one.attempts}`)), new Set(['done 1']))
    }
  })

  it('M8 goes where 307 and 308 lead, and nowhere else', async () => {
    const paths: string[] = []
    const peer = await serve((request, response) => {
      paths.push(request.url ?? '')
      const moved = { '/307': 307, '/308': 308, '/302': 302 }[request.url ?? '']
      response.writeHead(moved ?? 202, moved ? { location: `/taken?${moved}` } : {}).end()
    })
    for (const status of [307, 308, 302]) {
      const uri = `${peer.origin}/user/${status}`
      const acct = `p${status}@127.0.0.1:${peer.port}`
      await here!.tools.actors.keep({ uri, acct, salmonUrl: `${peer.origin}/${status}` }, here!.tools.clock())
      await publish(here!.tools, ann, { text: `Hello @${acct}` })
    }
    const settled = await until('the answers', async () => {
      const list = await here!.tools.deliveries.list({ failed: false, host: `127.0.0.1:${peer.port}`, limit: 10 })
      return list.length === 3 && list.every(one => one.state !== 'waiting') && list.sort((one, other) => one.url.localeCompare(other.url))
    })
    await peer.close()
    assert.deepEqual(
      settled.map(one => [one.state, one.status]),
      [
        ['failed', 302],
        ['done', 202],
        ['done', 202]
      ]
    )
    assert.deepEqual(paths.sort(), ['/302', '/307', '/308', '/taken?307', '/taken?308'])
  })
})
