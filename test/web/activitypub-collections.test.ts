/** Collections: pages by keyset, totals, and what everybody may read under a post. */
import assert from 'node:assert/strict'
import { approve, hide } from '../../src/federation/moderate.ts'
import type { Account } from '../../src/model/kept.ts'
import { visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'
import { startTalk } from '../support/talk.ts'

type Document = Record<string, unknown> & {
  orderedItems: never[]
  items: string[]
  first: string & { items: string[]; next?: string }
  next?: string
}

const reader = (node: TestNode) => async (address: string) => {
  const { headers, status, text } = await visitor(node).get(address.replace(node.tools.addresses.origin, ''), { accept: '*/*' })
  assert.deepEqual([status, headers.get('content-type')], [200, 'application/activity+json; charset=utf-8'], address)
  return JSON.parse(text) as Document
}

describe('the collections of an account', () => {
  let node: TestNode
  let alice: Account
  beforeEach(async () => {
    node = await startNode({ accounts: ['alice'], work: false })
    alice = await accountOf(node.tools, 'alice')
  })
  afterEach(() => node?.close())

  /** All pages of a collection, one after the other, as their items. */
  const walk = async (address: string): Promise<unknown[][]> => {
    const read = reader(node)
    const pages: unknown[][] = []
    let next: string | undefined = (await read(address)).first
    while (next !== undefined) {
      const page = await read(next)
      assert.deepEqual([page.type, page.id, page.partOf], ['OrderedCollectionPage', next, address])
      pages.push(page.orderedItems)
      next = page.next
    }
    return pages
  }

  it('W4 the outbox is real: a Create for each post, an Announce for each share, newest first, in pages', async () => {
    const posts = []
    for (let count = 0; count < 43; count++) posts.push(await keepPost(node.tools, alice))
    const shared = await keepPost(node.tools, await meet(node.tools, 'bob'))
    const share = await keepPost(node.tools, alice, { verb: 'share', sharedId: shared.id })
    const outbox = `${alice.uri}/outbox`
    assert.equal((await reader(node)(outbox)).totalItems, 44)
    const pages = (await walk(outbox)) as {
      type: string
      id: string
      actor: string
      object: string | { id: string; attributedTo: string }
    }[][]
    assert.deepEqual(
      pages.map(({ length }) => length),
      [20, 20, 4]
    )
    const [first, ...rest] = pages.flat()
    assert.deepEqual([first?.type, first?.id, first?.object], ['Announce', share.uri, shared.uri])
    assert.deepEqual(
      rest.map(({ actor, object, type }) => [type, actor, typeof object === 'object' && object.id]),
      posts.reverse().map(({ uri }) => ['Create', alice.uri, uri])
    )
  })

  it('W4 featured are the last five posts, as objects: no shares, no answers', async () => {
    const posts = []
    for (let count = 0; count < 6; count++) posts.push(await keepPost(node.tools, alice))
    const other = await keepPost(node.tools, await meet(node.tools, 'bob'))
    await keepPost(node.tools, alice, { verb: 'share', sharedId: other.id })
    await keepPost(node.tools, alice, { inReplyTo: other.uri, parentId: other.id })
    const { orderedItems, totalItems } = await reader(node)(`${alice.uri}/featured`)
    assert.equal(totalItems, 5)
    assert.deepEqual(
      orderedItems.map(({ id, type }) => [id, type]),
      posts
        .slice(1)
        .reverse()
        .map(({ uri }) => [uri, 'Note'])
    )
  })

  it('W9 followers and following have their totals, and each person once on their pages, though somebody comes meanwhile', async () => {
    const people = []
    for (let count = 0; count < 230; count++) people.push(await meet(node.tools, `p${count}`))
    for (const { id } of people) await node.tools.follows.add({ followerId: id, followedId: alice.id, via: 'inbox' }, new Date())
    await node.tools.follows.add({ followerId: alice.id, followedId: people[0]!.id, via: 'inbox' }, new Date())
    const read = reader(node)
    assert.equal((await read(`${alice.uri}/followers`)).totalItems, 230)
    const first = await read(`${alice.uri}/followers?page=true`)
    const late = await meet(node.tools, 'late')
    await node.tools.follows.add({ followerId: late.id, followedId: alice.id, via: 'inbox' }, new Date())
    assert.equal((await read(first.next!)).orderedItems.length, 100)
    const pages = await walk(`${alice.uri}/followers`)
    assert.deepEqual(
      pages.map(({ length }) => length),
      [100, 100, 31]
    )
    assert.deepEqual(new Set(pages.flat()), new Set([...people, late].map(({ uri }) => uri)))
    assert.deepEqual(await walk(`${alice.uri}/following`), [[people[0]!.uri]])
  })

  it('a page that is none of ours is none', async () => {
    for (const path of ['outbox?before=x', 'followers?before=../1', 'following?before='])
      assert.equal((await visitor(node).get(`/users/alice/${path}`)).status, 404)
    const { id } = await keepPost(node.tools, alice)
    assert.equal((await visitor(node).get(`/users/alice/posts/${id}/replies?after=x`)).status, 400)
  })
})

describe('the replies collection of a post', () => {
  let talk: Awaited<ReturnType<typeof startTalk>>
  afterEach(() => talk?.close())

  it('S3-29 W27 lists what everybody may read under a post, from every network, by its address', async () => {
    talk = await startTalk({ MODERATION: 'all' })
    const { alice, answerOf, friend, keepAnswers, post, reply } = talk
    const bob = await friend('bob')
    const first = await reply(bob, post)
    const own = await reply(alice, first)
    const toot = await reply(bob, own, {
      uri: 'tag:a.example,2026:1',
      url: 'https://a.example/@bob/1',
      activityUrl: 'https://a.example/users/bob/statuses/1'
    })
    await reply(bob, own, { visibility: 'followers' })
    const carol = answerOf('carol', { published: new Date(toot.publishedAt.getTime() + 10_000) })
    await keepAnswers([carol, answerOf('dave', { visibility: 'direct' })])
    const read = reader(talk.node)
    const collection = await read(`${post.uri}/replies`)
    const items = [first.uri, own.uri, toot.activityUrl, carol.uri]
    assert.deepEqual([collection.type, collection.totalItems, collection.first.items], ['Collection', 4, items])
    const page = await read(`${post.uri}/replies?page=true`)
    assert.deepEqual([page.type, page.partOf, page.items, page.next], ['CollectionPage', `${post.uri}/replies`, items, undefined])
  })

  it('W31 lists only what moderation lets in', async () => {
    talk = await startTalk({ MODERATION: 'first' })
    const { friend, post, reply, tools } = talk
    const known = await reply(await friend('bob'), post)
    const waiting = await reply(await talk.meet('carol'), post)
    const read = async () => (await reader(talk.node)(`${post.uri}/replies`)).first.items
    assert.deepEqual(await read(), [known.uri])
    await approve(tools, waiting.uri)
    assert.deepEqual(await read(), [known.uri, waiting.uri])
    await hide(tools, known.uri)
    assert.deepEqual(await read(), [waiting.uri])
  })

  it('W27 goes on in pages when there are many', async () => {
    talk = await startTalk({ MODERATION: 'all' })
    const bob = await talk.friend('bob')
    const replies: string[] = []
    for (let count = 0; count < 205; count++) replies.push((await talk.reply(bob, talk.post)).uri)
    const read = reader(talk.node)
    const { first, totalItems } = await read(`${talk.post.uri}/replies`)
    assert.deepEqual([totalItems, first.items.length], [205, 200])
    const rest = await read(first.next!)
    assert.deepEqual([rest.id, rest.next], [first.next, undefined])
    assert.deepEqual([...first.items, ...rest.items], replies)
  })
})
