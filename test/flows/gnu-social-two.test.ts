/** Somebody at a GNU social 2.0 who follows by OStatus, then by ActivityPub: one person, one follower, each post once. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { publish } from '../../src/federation/publish.ts'
import type { Account, KeptPost } from '../../src/model/kept.ts'
import { type } from '../support/commands.ts'
import { type GnuSocialTwo, startGnuSocialTwo } from '../support/doubles/gnu-social-two.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { keepPost } from '../support/residents.ts'
import { followXml, makePair, mentionXml } from '../support/slaps.ts'

const PUBLIC = 'https://www.w3.org/ns/activitystreams#Public'

describe('somebody at a GNU social 2.0 who turns from OStatus to ActivityPub', () => {
  let node: TestNode
  let ann: Account
  let social: GnuSocialTwo
  let note: KeptPost

  before(async () => {
    node = await startNode({ accounts: ['ann'] })
    ann = await findAccount(node.tools, 'ann')
    social = await startGnuSocialTwo({ pair: makePair() })
  })
  after(async () => {
    await social?.close()
    await node?.close()
  })

  const shown = async () => (await type(node.tools, 'followers ann --json')).json.map(({ uri, via }) => [uri, via])
  const collected = async () => {
    const ask = async (url: string) => (await fetch(url, { headers: { accept: 'application/activity+json' } })).json()
    const collection = (await ask(`${ann.uri}/followers`)) as { totalItems: number; first?: string }
    const page = collection.first === undefined ? undefined : ((await ask(collection.first)) as { orderedItems: string[] })
    return [collection.totalItems, page?.orderedItems ?? []]
  }
  const people = async () => {
    const rows = await node.database.database.knex('actors').whereNull('local_name').select('uri', 'speaks')
    return rows.map(({ speaks, uri }) => [uri, speaks])
  }
  const isSettled = () =>
    until('the end of all deliveries', async () => {
      const list = await node.tools.deliveries.list({ failed: false, limit: 100 })
      return list.every(one => one.state !== 'waiting') && list
    })
  /** What is sent because of something, by kind. */
  const sent = async (work: () => Promise<unknown>) => {
    const before = (await isSettled()).length
    await work()
    await until('something to be sent', async () => (await node.tools.deliveries.list({ failed: false, limit: 100 })).length > before)
    const list = await isSettled()
    return list.slice(0, list.length - before).map(one => `${one.kind} ${one.state}`)
  }
  let asked = 0
  /** Follows or unfollows by ActivityPub, and has the answer to that. */
  const asks = async (what: 'followAgain' | 'undoFollow') => {
    assert.equal(await social[what](ann.uri), 202)
    asked++
    await until('the answer', () => social.taken.filter(({ type }) => type === 'Accept').length + social.refused.length === asked)
  }
  const isGone = () => until('the end of the follow', async () => (await shown()).length === 0)

  it('follows by OStatus at first: a hub subscription and a Salmon follow, and posts are pushed', async () => {
    await social.follow(ann.uri)
    await until('the subscription', async () => (await node.tools.subscribers.list(9)).length === 1)
    assert.deepEqual(await shown(), [[social.uri, ['salmon', 'hub']]])
    note = await publish(node.tools, ann, { text: 'Hello' })
    await until('the push', () => social.count('post', note.uri, 'ping') === 1)
    assert.deepEqual(await people(), [[social.uri, 'ostatus']])
  })

  it('X19 then by ActivityPub, and is one follower: in `followers`, in the collection, in one row', async () => {
    social.switchOn()
    await asks('followAgain')
    assert.deepEqual(social.refused, [])
    assert.deepEqual(await shown(), [[social.uri, ['inbox']]])
    assert.deepEqual(await collected(), [1, [social.uri]])
    assert.deepEqual(await people(), [[social.uri, 'activitypub']])
  })

  it('X19 gets a post in the inbox once: it is neither pushed to the old subscription nor slapped', async () => {
    for (const text of ['Hello again', `Hello @bob@${new URL(social.origin).host}`]) {
      let uri = ''
      assert.deepEqual(
        await sent(async () => {
          uri = (await publish(node.tools, ann, { text })).uri
        }),
        ['inbox done']
      )
      assert.equal(social.taken.filter(({ about, type }) => type === 'Create' && about === uri).length, 1)
      assert.equal(social.count('post', uri, 'salmon'), 0)
    }
    assert.equal((await node.tools.subscribers.list(9)).length, 1, 'the subscription is the server’s to end')
    assert.equal(social.dropped(), 0)
  })

  it('X19 a renewal of the old subscription, which nobody there stops, changes nothing', async () => {
    await social.renew()
    await until('the verification', social.isActive)
    assert.deepEqual(await sent(() => publish(node.tools, ann, { text: 'After a month' })), ['inbox done'])
    assert.equal(social.dropped(), 0)
  })

  it('X13 names a post of ours by its url in what it does to it, and its own in two ways: each is one', async () => {
    const post = await keepPost(node.tools, ann, {
      url: 'https://blog.example/bridges/',
      title: 'On bridges',
      publishedAt: new Date(Date.now() - 60_000)
    })
    const page = `${post.uri}/page`
    const [id, tag] = [`${social.origin}/object/note/8`, `tag:${new URL(social.origin).host},2026-01-01:noticeId=8:objectType=comment`]
    const reply = {
      ...{ id, type: 'Note', attributedTo: social.uri, content: 'Well', inReplyTo: page, url: `${social.origin}/notice/8` },
      ...{ to: [PUBLIC, ann.uri], cc: [`${social.origin}/user/1/followers.json`], published: new Date().toISOString() }
    }
    assert.equal(await social.act(ann.uri, { id, type: 'Create', object: reply, to: reply.to, cc: reply.cc }), 202)
    assert.equal(await social.act(ann.uri, { id: `${social.origin}/object/note/9`, type: 'Like', object: page }), 202)
    await social.slap(ann.uri, `<thr:in-reply-to ref="${post.uri}"/>${mentionXml(ann.uri, 'Well')}`, tag)
    const thread = await node.tools.timelines.thread(post.id, 9)
    assert.deepEqual(
      thread.map(({ parentId, uri }) => [uri, parentId]),
      [
        [post.uri, undefined],
        [id, post.id]
      ]
    )
    assert.equal((await node.tools.history.countActs(post.uri)).favourite, 1)
  })

  it('X19 is no follower any more when either way says so, and one again when either does', async () => {
    await asks('undoFollow')
    await isGone()
    assert.deepEqual(await collected(), [0, []])
    await asks('followAgain')
    assert.deepEqual(await shown(), [[social.uri, ['inbox']]])
    assert.equal(await social.unfollow(ann.uri), 202)
    await isGone()
    assert.equal(await social.slap(ann.uri, followXml(ann.uri), `tag:${new URL(social.origin).host},2026-01-02:follow:1:37`), 202)
    assert.deepEqual(await shown(), [[social.uri, ['inbox']]])
    assert.deepEqual(await sent(() => publish(node.tools, ann, { text: 'Back again' })), ['inbox done'])
    await asks('undoFollow')
    await isGone()
    assert.deepEqual(await people(), [[social.uri, 'activitypub']])
  })

  it('S3-22 took whatever it was sent, but the Accept of its Undo, which it does not know: that is not sent again', async () => {
    const failed = (await isSettled()).filter(({ state }) => state !== 'done')
    assert.deepEqual(new Set(failed.map(one => `${one.kind} ${one.state} ${one.attempts} ${one.status}`)), new Set(['inbox failed 1 400']))
    assert.deepEqual(social.refused, ['Accept: of an Undo', 'Accept: of an Undo'])
    assert.deepEqual(social.unmet, [])
  })
})
