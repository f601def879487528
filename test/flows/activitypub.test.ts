/** Two of our nodes converse over ActivityPub alone: what one does, the other has, and both show the same thread. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { findAccount } from '../../src/federation/accounts.ts'
import { favourite, share, undo } from '../../src/federation/act.ts'
import { setBlog } from '../../src/federation/blog.ts'
import { follow, unfollow } from '../../src/federation/follow.ts'
import { editProfile } from '../../src/federation/profile.ts'
import { edit, ownPost, publish, remove } from '../../src/federation/publish.ts'
import type { Account, KeptPost } from '../../src/model/kept.ts'
import { checkClaim, readUnverifiedSignatures, verifySignature } from '../../src/protocol/http-signature.ts'
import { readBody, serve } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { keepPost } from '../support/residents.ts'

for (const HTTP_SIGNATURE of ['cavage', 'rfc9421'])
  describe(`two nodes by ActivityPub, signed by ${HTTP_SIGNATURE}`, () => {
    let [here, there]: TestNode[] = []
    let ann: Account
    let bob: Account
    let note: KeptPost

    before(async () => {
      ;[here, there] = await Promise.all(['ann', 'bob'].map(name => startNode({ accounts: [name], env: { HTTP_SIGNATURE } })))
      ann = await findAccount(here!.tools, 'ann')
      bob = await findAccount(there!.tools, 'bob')
    })
    after(async () => {
      await there?.close()
      await here?.close()
    })

    const find = (node: TestNode | undefined, uri: string) => node!.tools.history.findByUri(uri)
    const arrives = (node: TestNode | undefined, uri: string) => until(uri, () => find(node, uri))
    const becomes = (node: TestNode | undefined, uri: string, holds: (post: KeptPost) => boolean) =>
      until(`a change of ${uri}`, async () => {
        const post = await find(node, uri)
        return post !== undefined && holds(post) && post
      })
    const counted = (what: Record<string, number>) =>
      until(`the acts ${JSON.stringify(what)}`, async () => {
        const counts = await here!.tools.history.countActs(note.uri)
        return Object.entries(what).every(([verb, count]) => (counts[verb] ?? 0) === count)
      })
    const thread = async (node: TestNode | undefined, uri: string) => {
      const post = (await find(node, uri))!
      return (await node!.tools.timelines.thread(post.id, 100)).map(one => [one.uri, one.author.uri, one.html, one.inReplyTo ?? null])
    }
    const followedBy = async (node: TestNode | undefined, account: Account) =>
      (await node!.tools.follows.followers(account.id)).map(({ actor, via }) => [actor.uri, via])

    it('S3-9 W4 a follow is accepted, on both sides, and what was posted before is there', async () => {
      const before = await publish(here!.tools, ann, { text: 'before anybody followed' })
      const { actor, asked, fresh, subscription } = await follow(there!.tools, `ann@${here!.host}`, { as: bob })
      assert.deepEqual([actor.uri, actor.acct, asked, fresh, subscription], [ann.uri, ann.acct, true, 1, undefined])
      await until('the answer', async () => (await there!.tools.follows.find(bob.id, actor.id))?.via === 'inbox')
      assert.deepEqual(await followedBy(here, ann), [[bob.uri, 'inbox']])
      assert.equal((await find(there, before.uri))!.html, before.html)
    })

    it('carry a post, its edit and its delete', async () => {
      const post = await publish(here!.tools, ann, { text: 'Hello & <goodbye>' })
      assert.equal((await arrives(there, post.uri)).html, post.html)
      await edit(here!.tools, ann, await ownPost(here!.tools, ann, post.uri), { text: 'Hello again' })
      const changed = await becomes(there, post.uri, ({ edits }) => edits === 1)
      assert.match(changed.html, /Hello again/)
      await remove(here!.tools, ann, await ownPost(here!.tools, ann, post.uri))
      assert.equal((await becomes(there, post.uri, ({ deletedAt }) => deletedAt !== undefined)).html, '')
    })

    it('S3-23 a mention, a reply and a reply to that are one thread on both', async () => {
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

    it('W29 W38 what one tells the other alone is answered to that one alone', async () => {
      const secret = await keepPost(here!.tools, ann, { html: '<p>psst</p>', visibility: 'direct', mentions: [bob.uri] })
      await here!.tools.queue.add('post.announce', { post: secret.id, act: 'post' })
      assert.equal((await arrives(there, secret.uri)).visibility, 'direct')
      const reply = await publish(there!.tools, bob, { text: 'hush', replyTo: secret.uri })
      const kept = await arrives(here, reply.uri)
      assert.deepEqual([kept.visibility, kept.mentions, kept.html], ['direct', [ann.uri], '<p>hush</p>'])
      await edit(there!.tools, bob, await ownPost(there!.tools, bob, reply.uri), { text: 'hush!' })
      assert.equal((await becomes(here, reply.uri, ({ edits }) => edits === 1)).visibility, 'direct')
      await remove(there!.tools, bob, await ownPost(there!.tools, bob, reply.uri))
      await becomes(here, reply.uri, ({ deletedAt }) => deletedAt !== undefined)
    })

    it('a like counts, and its undoing too, however often', async () => {
      for (let round = 0; round < 2; round++) {
        await favourite(there!.tools, bob, note.uri)
        await counted({ favourite: 1 })
        await undo(there!.tools, bob, note.uri)
        await counted({ favourite: 0 })
      }
    })

    it('a share is known to the author, and its undoing', async () => {
      await share(there!.tools, bob, note.uri)
      await counted({ share: 1 })
      await undo(there!.tools, bob, note.uri)
      await counted({ share: 0 })
    })

    it('a delete takes a reply away there as well', async () => {
      const reply = await publish(there!.tools, bob, { text: 'Never mind', replyTo: note.uri })
      await arrives(here, reply.uri)
      await remove(there!.tools, bob, await ownPost(there!.tools, bob, reply.uri))
      await becomes(here, reply.uri, ({ deletedAt }) => deletedAt !== undefined)
    })

    it('S3-8 S3-20 an unfollow ends the follower there, and a new follow makes him one again', async () => {
      const actor = (await there!.tools.actors.findByUri(ann.uri))!
      for (let round = 0; round < 2; round++) {
        assert.equal(await unfollow(there!.tools, actor, bob), true)
        await until('the end of the follow', async () => (await followedBy(here, ann)).length === 0)
        await follow(there!.tools, ann.acct, { as: bob })
        await until('the answer', async () => (await there!.tools.follows.find(bob.id, actor.id))?.via === 'inbox')
        assert.deepEqual(await followedBy(here, ann), [[bob.uri, 'inbox']])
        assert.equal((await there!.tools.follows.asked(bob.id)).length, 0)
      }
    })

    it('S3-9 W4 another name, bio and blog are told to who follows', async () => {
      const known = () => there!.tools.actors.findByUri(ann.uri)
      await editProfile(here!.tools, ann, { title: 'Ann of the river', bio: 'Writes & reads.' })
      const told = await until('the new name', async () => {
        const actor = await known()
        return actor?.displayName === 'Ann of the river' && actor
      })
      assert.deepEqual([told.bio, told.acct, told.signingKeys?.length], ['Writes & reads.', ann.acct, 2])
      await setBlog(here!.tools, ann, `${there!.url}/users/bob`)
      await until('the new blog', async () => (await known())?.fields?.some(({ html }) => html.includes('/users/bob')))
      const feed = await (await fetch(here!.tools.addresses.feed('ann'))).text()
      assert.match(feed, /Ann of the river/)
    })

    it('X19 all of it went by ActivityPub, at the first try', async () => {
      for (const node of [here, there]) {
        const sent = await until('the end of the last', async () => {
          const all = await node!.tools.deliveries.list({ failed: false, limit: 200 })
          return all.every(one => one.state !== 'waiting') && all
        })
        assert.deepEqual(new Set(sent.map(one => `${one.kind} ${one.state} ${one.attempts}`)), new Set(['inbox done 1']))
        assert.deepEqual(await node!.tools.subscribers.list(9), [])
      }
    })
  })

describe('an inbox that moved', () => {
  it('S3-17 is followed by 307, and signed anew for each address; by 302 it is not', async () => {
    const node = await startNode({ accounts: ['ann'] })
    const { tools } = node
    const ann = await findAccount(tools, 'ann')
    const key = createPublicKey((await tools.actors.privateKey('ann'))!)
    const verified: string[] = []
    const peer = await serve(async (request, response) => {
      const { headers, method = '', url = '' } = request
      const asked = { method, target: url, authority: headers.host!, scheme: 'http' as const, headers: headers as Record<string, string> }
      const [claim] = readUnverifiedSignatures(asked)
      checkClaim(claim!, asked, Buffer.from(await readBody(request)), asked.authority, new Date())
      if (verifySignature(claim!, key)) verified.push(url)
      const moved = { '/307': 307, '/302': 302 }[url]
      response.writeHead(moved ?? 202, moved ? { location: '/taken' } : {}).end()
    })
    for (const status of [307, 302]) {
      const inboxes = { inboxUrl: `${peer.origin}/${status}`, signingKeys: [], alsoKnownAs: [] }
      const actor = await tools.actors.keep({ uri: `${peer.origin}/users/${status}`, activityPub: inboxes }, new Date())
      await tools.follows.add({ followerId: actor.id, followedId: ann.id, via: 'inbox' }, new Date())
    }
    await publish(tools, ann, { text: 'Hello' })
    const settled = await until('the answers', async () => {
      const list = await tools.deliveries.list({ failed: false, limit: 10 })
      return list.length === 2 && list.every(one => one.state !== 'waiting') && list
    })
    await peer.close()
    await node.close()
    assert.deepEqual(
      new Map(settled.map(one => [one.url.slice(-3), [one.state, one.status]])),
      new Map([
        ['307', ['done', 202]],
        ['302', ['failed', 302]]
      ] as const)
    )
    assert.deepEqual(verified.sort(), ['/302', '/307', '/taken'])
  })
})
