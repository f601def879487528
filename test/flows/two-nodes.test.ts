/** Two of our nodes on loopback, over OStatus alone: the first and second of the five ways, whole. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { follow, unfollow } from '../../src/federation/follow.ts'
import { edit, ownPost, publish, remove } from '../../src/federation/publish.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

describe('two nodes', () => {
  let writer: TestNode
  let reader: TestNode

  before(async () => {
    writer = await startNode({ accounts: ['ann'], onlyOStatus: true })
    reader = await startNode({ accounts: ['bob'], onlyOStatus: true })
  })
  after(async () => {
    await reader?.close()
    await writer?.close()
  })

  const read = async (uri: string) => reader.tools.history.findByUri(uri)

  it('follow by acct:, with a trace, until the hub has verified', async () => {
    const ann = await findAccount(writer.tools, 'ann')
    await publish(writer.tools, ann, { text: 'before anybody followed' })
    const bob = await findAccount(reader.tools, 'bob')
    const followed = await follow(reader.tools, `acct:ann@${writer.host}`, { as: bob })
    assert.equal(followed.actor.acct, `ann@${writer.host}`)
    assert.equal(followed.actor.uri, `${writer.url}/users/ann`)
    assert.equal(followed.fresh, 1)
    assert.ok(followed.trace.some(step => step.url?.includes('/.well-known/webfinger')))
    const active = await until('the verification', async () => {
      const subscription = await reader.tools.subscriptions.find(followed.subscription!.id)
      return subscription?.state === 'active' && subscription
    })
    assert.equal(active.topic, `${writer.url}/users/ann.atom`)
    assert.ok(active.leaseSeconds! >= 86_400)
  })

  it('carry a post, its edit and its delete within two seconds each', async () => {
    const ann = await findAccount(writer.tools, 'ann')
    const post = await publish(writer.tools, ann, { text: 'Hello & <goodbye>', title: 'A title' })
    const seen = await until('the post', () => read(post.uri), 2_000)
    assert.equal(seen.html, post.html)
    assert.equal(seen.title, 'A title')
    await edit(writer.tools, ann, await ownPost(writer.tools, ann, post.uri), { text: 'Hello again' })
    const changed = await until(
      'the edit',
      async () => {
        const now = await read(post.uri)
        return now?.edits === 1 && now
      },
      2_000
    )
    assert.match(changed.html, /Hello again/)
    assert.deepEqual(changed.publishedAt, seen.publishedAt)
    assert.equal((await reader.tools.history.versions(changed.id)).length, 1)
    await remove(writer.tools, ann, await ownPost(writer.tools, ann, post.uri))
    const dead = await until(
      'the delete',
      async () => {
        const now = await read(post.uri)
        return now?.deletedAt !== undefined && now
      },
      2_000
    )
    assert.equal(dead.html, '')
  })

  it('leave: the hub forgets the subscriber when the last follower goes', async () => {
    const bob = await findAccount(reader.tools, 'bob')
    const ann = (await reader.tools.actors.findByName(`acct:ann@${writer.host}`))!
    assert.equal(await unfollow(reader.tools, ann, bob), true)
    await until('the unsubscription', async () => (await writer.tools.subscribers.list(10)).length === 0)
    await until('the end', async () => (await reader.tools.subscriptions.findByActor(ann.id))?.state === 'ended')
  })
})
