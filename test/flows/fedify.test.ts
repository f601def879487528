/** Our node and a server that others wrote: what one does, the other has, whichever way either signs. */
import assert from 'node:assert/strict'
import type { Note } from '@fedify/vocab'
import { findAccount } from '../../src/federation/accounts.ts'
import { favourite, share, undo } from '../../src/federation/act.ts'
import { follow, unfollow } from '../../src/federation/follow.ts'
import { edit, ownPost, publish, remove } from '../../src/federation/publish.ts'
import type { Account, KeptPost } from '../../src/model/kept.ts'
import { type } from '../support/commands.ts'
import { type Fedify, startFedify } from '../support/doubles/fedify.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

type Comments = { comments: { id: string; url: string; html: string; in_reply_to: string | null; author: { handle: string } }[] }

const FORMS = [
  ['cavage', 'draft-cavage-http-signatures-12'],
  ['rfc9421', 'rfc9421']
] as const

for (const [form, firstKnock] of FORMS)
  describe(`our node and a Fedify, signed by ${form}`, () => {
    let node: TestNode
    let fedify: Fedify
    let ann: Account
    let note: KeptPost
    let theirs: Note

    before(async () => {
      node = await startNode({ accounts: ['ann'], env: { HTTP_SIGNATURE: form, MODERATION: 'all' } })
      fedify = await startFedify(firstKnock)
      ann = await findAccount(node.tools, 'ann')
    })
    after(async () => {
      await fedify?.close()
      await node?.close()
    })

    const isThere = (verb: string, id: string, { inner, times = 1 }: { inner?: string; times?: number } = {}) =>
      until(`${verb} ${id}`, () => fedify.count(verb, id, inner) === times)
    const find = (uri: string) => node.tools.history.findByUri(uri)
    const becomes = (uri: string, holds: (post: KeptPost) => boolean = () => true) =>
      until(`a change of ${uri}`, async () => {
        const post = await find(uri)
        return post !== undefined && holds(post) && post
      })
    const counted = (what: Record<string, number>) =>
      until(`the acts ${JSON.stringify(what)}`, async () => {
        const counts = await node.tools.history.countActs(note.uri)
        return Object.entries(what).every(([verb, count]) => (counts[verb] ?? 0) === count)
      })
    const carol = async () => (await node.tools.actors.findByUri(fedify.id))!
    const followers = async () => (await node.tools.follows.followers(ann.id)).map(({ actor, via }) => [actor.uri, via])
    const answer = async (text: string, parent: string) => {
      const said = await fedify.write(text, { replyTo: parent, mentions: [ann.uri] })
      await fedify.create(ann.uri, said)
      await becomes(said.id!.href)
      return said
    }

    it('S3-9 S3-11 our follow is pending until the Accept, by @user@host', async () => {
      const { actor, asked } = await follow(node.tools, `@${fedify.acct}`, { as: ann })
      assert.deepEqual([actor.uri, actor.acct, asked], [fedify.id, fedify.acct, true])
      await isThere('Follow', fedify.id)
      await until('the Accept', async () => (await node.tools.follows.find(ann.id, actor.id))?.via === 'inbox')
    })

    it('S3-9 S3-14 S3-15 its follow is kept, and it believes our Accept', async () => {
      const asked = await fedify.follow(ann.uri)
      await isThere('Accept', asked.id!.href, { inner: 'Follow' })
      assert.deepEqual(await followers(), [[fedify.id, 'inbox']])
    })

    it('S3-4 S3-5 S3-18 our post is there as it stands here, and so are its edit and its delete', async () => {
      const post = await publish(node.tools, ann, { text: 'Hello & <goodbye>' })
      await isThere('Create', post.uri)
      const told = fedify.known.get(post.uri)!
      assert.equal(told.content, post.html)
      const served = await fedify.context.lookupObject(post.uri)
      assert.deepEqual(await told.toJsonLd({ format: 'expand' }), await served!.toJsonLd({ format: 'expand' }))
      await edit(node.tools, ann, await ownPost(node.tools, ann, post.uri), { text: 'Hello again' })
      await isThere('Update', post.uri)
      assert.match(String(fedify.known.get(post.uri)?.content), /Hello again/)
      await remove(node.tools, ann, await ownPost(node.tools, ann, post.uri))
      await isThere('Delete', post.uri)
      assert.equal(fedify.known.has(post.uri), false)
    })

    it('its post, its edit and its delete are here', async () => {
      const said = await fedify.write('Good day')
      await fedify.create(ann.uri, said)
      const kept = await becomes(said.id!.href)
      assert.deepEqual([kept.html, kept.visibility], ['<p>Good day</p>', 'public'])
      await fedify.update(ann.uri, await fedify.write('Good evening', { changes: said.id!.href }))
      assert.equal((await becomes(kept.uri, ({ edits }) => edits === 1)).html, '<p>Good evening</p>')
      await fedify.remove(ann.uri, said)
      assert.equal((await becomes(kept.uri, ({ deletedAt }) => deletedAt !== undefined)).html, '')
    })

    it('S3-23 S3-24 a mention, a reply and replies to that are one thread: there, in /api/comments and by `thread`', async () => {
      note = await publish(node.tools, ann, { text: `Hello @${fedify.acct}` })
      await isThere('Create', note.uri)
      theirs = await answer('Well met', note.uri)
      const again = await publish(node.tools, ann, { text: 'Thanks', replyTo: theirs.id!.href })
      await isThere('Create', again.uri)
      const last = await answer('Never mind', again.uri)
      const parents = [theirs.id!.href, again.uri, last.id!.href].map((uri, index, all) => [uri, index === 0 ? note.uri : all[index - 1]])
      const told = async (uri: string) => {
        const here = await find(uri)
        return [uri, here?.inReplyTo]
      }
      assert.deepEqual(await Promise.all(parents.map(([uri]) => told(uri!))), parents)
      assert.deepEqual([again.uri, fedify.known.get(again.uri)?.replyTargetId?.href], parents[1])
      const { comments } = await read()
      assert.deepEqual(
        comments.map(({ author, html, in_reply_to }) => [author.handle, html, in_reply_to]),
        [
          [fedify.acct, '<p>Well met</p>', null],
          [ann.acct, again.html, comments[0]!.id],
          [fedify.acct, '<p>Never mind</p>', comments[1]!.id]
        ]
      )
      const shown = (await type(node.tools, ['thread', note.uri])).printed.join('\n')
      assert.match(shown, /Hello[\s\S]*Well met[\s\S]*Thanks[\s\S]*Never mind/)
      assert.equal(shown.match(/Well met/g)?.length, 1)
      await fedify.remove(ann.uri, last)
      await becomes(last.id!.href, ({ deletedAt }) => deletedAt !== undefined)
    })
    const read = async (): Promise<Comments> => {
      const got = await fetch(`${node.url}/api/comments?${new URLSearchParams({ url: note.uri })}`)
      assert.equal(got.status, 200)
      return (await got.json()) as Comments
    }

    it('W29 W38 its message to us alone is answered to it alone', async () => {
      const said = await fedify.write('Between us', { mentions: [ann.uri], direct: true })
      await fedify.create(ann.uri, said)
      await becomes(said.id!.href, ({ visibility }) => visibility === 'direct')
      const reply = await publish(node.tools, ann, { text: 'As you wish', replyTo: said.id!.href })
      await isThere('Create', reply.uri)
      const told = fedify.known.get(reply.uri)!
      assert.deepEqual([told.toIds.map(String), told.ccIds, told.replyTargetId?.href], [[fedify.id], [], said.id!.href])
      assert.equal((await fetch(reply.uri, { headers: { accept: 'application/activity+json' } })).status, 404)
      await edit(node.tools, ann, await ownPost(node.tools, ann, reply.uri), { text: 'As we wish' })
      await isThere('Update', reply.uri)
      await remove(node.tools, ann, await ownPost(node.tools, ann, reply.uri))
      await isThere('Delete', reply.uri)
    })

    it('W26 likes and announces count, in both directions, and their undoing', async () => {
      for (const verb of ['like', 'announce'] as const) {
        const name = verb === 'like' ? 'favourite' : 'share'
        const done = await fedify[verb](ann.uri, note.uri)
        await counted({ [name]: 1 })
        await fedify.undo(ann.uri, done)
        await counted({ [name]: 0 })
      }
      const uri = theirs.id!.href
      await favourite(node.tools, ann, uri)
      await isThere('Like', uri)
      await undo(node.tools, ann, uri)
      await until('the end of the like', () => fedify.taken.some(({ inner, type }) => type === 'Undo' && inner === 'Like'))
      await share(node.tools, ann, uri)
      await isThere('Announce', uri)
      await undo(node.tools, ann, uri)
      await until('the end of the share', () => fedify.taken.some(({ inner, type }) => type === 'Undo' && inner === 'Announce'))
    })

    it('S3-19 S3-20 S3-22 an unfollow ends a follow, in both directions; ours is told, its is answered', async () => {
      assert.equal(await unfollow(node.tools, await carol(), ann), true)
      await until('the Undo', () => fedify.taken.some(({ inner, type }) => type === 'Undo' && inner === 'Follow'))
      assert.equal(fedify.followers.size, 0)
      const asked = await fedify.follow(ann.uri)
      await isThere('Accept', asked.id!.href, { inner: 'Follow' })
      const undone = await fedify.undo(ann.uri, asked)
      await isThere('Accept', undone.id!.href, { inner: 'Undo' })
      assert.deepEqual(await followers(), [])
    })

    it('S3-17 all of it was believed at the first try, signed as it should be', async () => {
      assert.deepEqual(new Set(fedify.delivered.map(one => JSON.stringify(one))), new Set([JSON.stringify({ form, status: 202 })]))
      assert.equal(await fedify.knock(node.url), firstKnock)
      assert.deepEqual(fedify.failures, [])
      const sent = await until('the end of the last', async () => {
        const all = await node.tools.deliveries.list({ failed: false, limit: 200 })
        return all.every(one => one.state !== 'waiting') && all
      })
      assert.deepEqual(new Set(sent.map(one => `${one.kind} ${one.state} ${one.attempts}`)), new Set(['inbox done 1']))
    })

    it('X5 it believes nothing that is not signed', async () => {
      const body = {
        '@context': 'https://www.w3.org/ns/activitystreams',
        id: `${ann.uri}#x`,
        type: 'Like',
        actor: ann.uri,
        object: fedify.id
      }
      const headers = { 'content-type': 'application/activity+json' }
      assert.equal((await fetch(`${fedify.id}/inbox`, { method: 'POST', headers, body: JSON.stringify(body) })).status, 401)
      assert.deepEqual(fedify.delivered.at(-1), { form: 'none', status: 401, reason: 'noSignature' })
    })
  })
