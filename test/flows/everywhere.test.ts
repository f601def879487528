/** A post of a blog, published once: it is everywhere, once, and what is answered anywhere stands in one thread, once. */
import assert from 'node:assert/strict'
import { Note } from '@fedify/vocab'
import { findAccount } from '../../src/federation/accounts.ts'
import { favourite } from '../../src/federation/act.ts'
import { follow } from '../../src/federation/follow.ts'
import { publish } from '../../src/federation/publish.ts'
import { publishPage } from '../../src/federation/publish-page.ts'
import type { Account, KeptPost } from '../../src/model/kept.ts'
import { signBody } from '../../src/protocol/hub.ts'
import { type Fedify, startFedify } from '../support/doubles/fedify.ts'
import { readBody, serve } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { startTooting, type Tooting } from '../support/tooting.ts'

const SECRET = 'a secret of a feed reader'
const PATIENCE = 15_000

type Told = {
  counts: { replies: number; likes: number; shares: number }
  comments: { id: string; url: string; html: string; network: string; author: { handle: string }; in_reply_to: string | null }[]
}
type Subscriber = Awaited<ReturnType<typeof startSubscriber>>

/** A feed reader that a hub pushes to: it echoes what it is asked, and keeps what comes with the right signature. */
async function startSubscriber() {
  const got: string[] = []
  const server = await serve(async (request, response) => {
    const body = await readBody(request)
    const isSigned = request.headers['x-hub-signature'] === signBody('sha256', SECRET, Buffer.from(body))
    if (request.method === 'POST' && isSigned) got.push(body)
    response.end(new URL(request.url ?? '', server.origin).searchParams.get('hub.challenge'))
  })
  return { ...server, got, callback: `${server.origin}/callback` }
}

describe('a post of a blog', function () {
  this.timeout(60_000)
  let here: Tooting
  let there: TestNode
  let fedify: Fedify
  let subscriber: Subscriber
  let blog: Account
  let bob: Account
  let url: string
  let post: KeptPost
  let toot: { id: string; uri: string }
  let note: Note

  before(async () => {
    here = await startTooting({ MODERATION: 'all' }, { work: true })
    ;[there, fedify, subscriber] = await Promise.all([
      startNode({ accounts: ['bob'], onlyOStatus: true }),
      startFedify(),
      startSubscriber()
    ])
    blog = await findAccount(here.node.tools, 'blog')
    bob = await findAccount(there.tools, 'bob')
  })
  after(async () => {
    await fedify?.close()
    await subscriber?.close()
    await there?.close()
    await here?.close()
  })

  const find = (uri: string) => here.node.tools.history.findByUri(uri)
  const pushes = () => subscriber.got.filter(body => body.includes(`<id>${post.uri}</id>`))
  const subscribed = async () => (await here.node.tools.subscribers.list(10)).length
  const read = async (): Promise<Told> => {
    // older than what the node remembers
    here.pass(6_000)
    const got = await fetch(`${here.node.url}/api/comments?${new URLSearchParams({ url })}`)
    assert.equal(got.status, 200)
    return (await got.json()) as Told
  }
  const becomes = (what: string, holds: (told: Told) => boolean) =>
    until(
      what,
      async () => {
        const told = await read()
        return holds(told) && told
      },
      PATIENCE
    )

  it('S3-2 has followers by OStatus and by ActivityPub, and a feed reader that its hub pushes to', async () => {
    const { addresses, follows } = here.node.tools
    const topic = addresses.feed('blog')
    const fields = { 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.callback': subscriber.callback, 'hub.secret': SECRET }
    assert.equal((await fetch(addresses.hub(), { method: 'POST', body: new URLSearchParams(fields) })).status, 202)
    const { subscription } = await follow(there.tools, blog.uri, { as: bob })
    await fedify.follow(blog.uri)
    await until('bob', async () => (await there.tools.subscriptions.find(subscription!.id))?.state === 'active', PATIENCE)
    await until('everybody', async () => (await subscribed()) === 2 && (await follows.followers(blog.id)).length === 2, PATIENCE)
    assert.deepEqual(
      new Map((await follows.followers(blog.id)).map(({ actor, via }) => [actor.uri, via])),
      new Map([
        [bob.uri, 'salmon'],
        [fedify.id, 'inbox']
      ] as const)
    )
  })

  it('S3-2 S3-5 published once is with each of them and tooted, once each', async () => {
    url = here.blog.put('/1/one', { title: 'One', meta: { 'og:title': 'One' } })
    post = (await publishPage(here.node.tools, url, { toot: true })).post
    await until('the post at bob’s', () => there.tools.history.findByUri(post.uri), PATIENCE)
    await until('the post at carol’s', () => fedify.count('Create', post.uri) > 0, PATIENCE)
    await until('the push', () => pushes().length > 0, PATIENCE)
    await until('the toot', () => here.mastodon.statuses().length > 0, PATIENCE)
    await publishPage(here.node.tools, url, { toot: true })
    await here.ask(url)
    const [made] = here.mastodon.statuses()
    toot = made!.status
    assert.ok(made!.status.content.includes(url))
    assert.equal(fedify.known.get(post.uri)?.url?.toString(), url)
    assert.deepEqual([fedify.count('Create', post.uri), pushes().length, here.mastodon.statuses().length], [1, 1, 1])
    assert.equal((await there.tools.timelines.all({ limit: 10 })).filter(({ uri }) => uri === post.uri).length, 1)
  })

  it('S3-23 S3-27 W25 W26 what all of them answer is one thread', async () => {
    const { mastodon } = here
    const parent = (await there.tools.history.findByUri(post.uri))!
    const salmon = await publish(there.tools, bob, { text: 'By Salmon', replyTo: parent.uri })
    await favourite(there.tools, bob, parent.uri)
    await until('bob’s answer', () => find(salmon.uri), PATIENCE)
    note = await fedify.write('By ActivityPub', { replyTo: post.uri, mentions: [blog.uri] })
    await fedify.create(blog.uri, note)
    await fedify.like(blog.uri, post.uri)
    await until('carol’s answer', () => find(note.id!.href), PATIENCE)
    mastodon.reply({ to: toot.id, as: 'dave', text: 'On Mastodon' })
    mastodon.favourite(toot.id, 'dave')
    here.pass(121_000)
    const { comments, counts } = await becomes('all answers', told => told.counts.replies >= 3 && told.counts.likes >= 3)
    assert.deepEqual(counts, { replies: 3, likes: 3, shares: 0 })
    assert.deepEqual(
      new Set(comments.map(({ author, html, in_reply_to, network }) => [network, author.handle, html, in_reply_to].join(' '))),
      new Set([
        `ostatus ${bob.acct} <p>By Salmon</p> `,
        `activitypub ${fedify.acct} <p>By ActivityPub</p> `,
        `mastodon dave@${mastodon.host} <p>On Mastodon</p> `
      ])
    )
  })

  for (const [index, order] of ['its server and then an inbox', 'an inbox and then its server'].entries())
    it(`S3-24 S3-28 W26 an answer to the toot that ${order} tells is there once`, async () => {
      const { mastodon } = here
      const words = `To the toot, ${index}`
      const answer = await fedify.write(words, { replyTo: toot.uri, mentions: [blog.uri] })
      const uri = answer.id!.href
      const byServer = async () => {
        mastodon.account(fedify.acct, { uri: fedify.id, url: fedify.id })
        mastodon.reply({ to: toot.id, as: fedify.acct, html: `<p>${words}</p>`, uri, url: uri })
        here.pass(121_000)
        await becomes('what the server tells', all => told(all).length === 1)
      }
      const byInbox = async () => {
        await fedify.create(blog.uri, answer)
        await until('the same by an inbox', () => find(uri), PATIENCE)
      }
      const told = ({ comments }: Told) => comments.filter(({ html }) => html.includes(words))
      for (const tell of index === 0 ? [byServer, byInbox] : [byInbox, byServer]) await tell()
      const all = await becomes('one of both', all => told(all)[0]?.network === 'activitypub')
      assert.deepEqual([told(all).length, all.counts.replies], [1, 4 + index])
      assert.equal(new Set(all.comments.map(({ html }) => html)).size, 4 + index)
    })

  it('S3-25 S3-29 its replies collection lists all of them by their addresses; and it is still everywhere once', async () => {
    const { comments } = await read()
    const found = await fedify.context.lookupObject(post.uri)
    assert.ok(found instanceof Note)
    const first = await (await found.getReplies(fedify.context))!.getFirst(fedify.context)
    const listed = first!.itemIds.map(({ href }) => href)
    assert.deepEqual([listed.length, new Set(listed).size, comments.length], [5, 5, 5])
    assert.ok(listed.includes(note.id!.href))
    assert.deepEqual([fedify.count('Create', post.uri), pushes().length, here.mastodon.statuses().length], [1, 1, 1])
  })
})
