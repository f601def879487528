/** To publish, edit and delete what is ours (protocols.md F7, F8, X4, X11). */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { edit, ownPost, publish, remove } from '../../src/federation/publish.ts'
import { BadMessage, Missing, Refused } from '../../src/model/errors.ts'
import type { Account } from '../../src/model/kept.ts'
import type { Tools } from '../../src/tools.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

describe('publishing', () => {
  let node: TestNode
  let tools: Tools
  let ann: Account
  let now = Date.parse('2026-01-10T12:00:00Z')
  before(async () => {
    node = await startNode({
      accounts: ['ann', 'bob'],
      work: false,
      env: { PUBLIC_URL: 'https://ours.example' },
      overrides: { clock: () => new Date(now) }
    })
    tools = node.tools
    ann = await accountOf(tools, 'ann')
  })
  after(() => node.close())

  const jobs = async () => {
    const taken = await tools.queue.take('post.announce', 99)
    if (taken.length > 0) await tools.queue.done('post.announce', taken)
    return taken.map(job => `${job.data.act} ${job.data.post}`)
  }
  beforeEach(async () => void (await jobs()))

  it('keeps a post under a URI of its own, together with the work of telling everybody', async () => {
    const post = await publish(tools, ann, { text: 'a < b & c\n\nsee https://x.example/', language: 'en' })
    assert.equal(post.uri, `https://ours.example/users/ann/posts/${post.id}`)
    assert.deepEqual(
      [post.url, post.entryUrl, post.kind, post.visibility, post.language],
      [post.uri, `${post.uri}.atom`, 'note', 'public', 'en']
    )
    assert.match(post.html, /a &lt; b &amp; c/)
    assert.deepEqual(await jobs(), [`post ${post.id}`])
  })

  it('sanitises what it publishes, and refuses what is empty or too long', async () => {
    const { html, kind } = await publish(tools, ann, { html: '<p onclick="x">a<script>b</script></p>', title: ' T ' })
    assert.deepEqual([html, kind], ['<p>a</p>', 'article'])
    for (const draft of [{}, { text: ' ' }, { html: '<script>x</script>' }, { title: ' ' }])
      await assert.rejects(publish(tools, ann, draft), BadMessage)
    await assert.rejects(publish(tools, ann, { text: 'x'.repeat(60_000) }), error => error instanceof BadMessage && error.status === 413)
  })

  it('X41 links the tags of its text, and has them as tags; an edit finds those of the new text, and keeps those of the feed', async () => {
    const post = await publish(tools, ann, { text: 'on #bridges and #Water, see https://x.example/#no' })
    assert.deepEqual(post.tags, ['bridges', 'Water'])
    const link = '<a class="mention hashtag" href="https://ours.example/search?q=bridges" rel="tag">#<span>bridges</span></a>'
    assert.ok(post.html.startsWith(`<p>on ${link} and`), post.html)
    const { tags } = await edit(tools, ann, post, { html: `${post.html}<p>#more</p>` })
    assert.deepEqual(tags, ['bridges', 'Water', 'more'])
    assert.deepEqual((await edit(tools, ann, post, { text: 'nothing but #water' })).tags, ['water'])
    const told = await keepPost(tools, ann, { html: '<p>a post</p>', tags: ['open source'] })
    assert.deepEqual((await edit(tools, ann, told, { text: 'a #new post' })).tags, ['open source', 'new'])
  })

  it('answers a post that is known and alive, by its id or its page', async () => {
    const ben = await meet(tools, 'ben')
    const asked = await keepPost(tools, ben, { url: 'https://a.example/page', conversation: 'urn:c' })
    for (const replyTo of [asked.uri, 'https://a.example/page']) {
      const { conversation, inReplyTo, inReplyToUrl, kind, parentId } = await publish(tools, ann, { text: 'yes', replyTo })
      assert.deepEqual([conversation, inReplyTo, inReplyToUrl, kind, parentId], ['urn:c', asked.uri, asked.url, 'comment', asked.id])
    }
    await assert.rejects(publish(tools, ann, { text: 'yes', replyTo: 'urn:unknown' }), Missing)
    await tools.history.remove(ben.id, asked.uri, new Date(now))
    await assert.rejects(publish(tools, ann, { text: 'yes', replyTo: asked.uri }), Missing)
  })

  it('F7 X11 changes `updated` by an edit alone, and never by less than a second', async () => {
    const post = await publish(tools, ann, { text: 'first', title: 'T' })
    await jobs()
    const same = await edit(tools, ann, post, { text: 'first' })
    assert.deepEqual([same.updatedAt, same.edits, await jobs()], [post.updatedAt, 0, []])
    const changed = await edit(tools, ann, post, { text: 'second' })
    assert.deepEqual([changed.publishedAt, changed.uri, changed.title], [post.publishedAt, post.uri, 'T'])
    assert.equal(changed.updatedAt.getTime(), post.updatedAt.getTime() + 1000)
    now += 60_000
    const titled = await edit(tools, ann, post, { title: 'New' })
    assert.deepEqual([titled.html, titled.title, titled.updatedAt.getTime(), titled.edits], [changed.html, 'New', now, 2])
    assert.deepEqual(await jobs(), [`update ${post.id}`, `update ${post.id}`])
  })

  it('X11 makes two versions of two edits at once', async () => {
    const post = await publish(tools, ann, { text: 'first' })
    await Promise.all(['second', 'third'].map(text => edit(tools, ann, post, { text })))
    assert.deepEqual([(await tools.history.find(post.id))?.edits, (await tools.history.versions(post.id)).length], [2, 2])
  })

  it('X4 deletes once, for good, and only what is ours', async () => {
    const post = await publish(tools, ann, { text: 'x' })
    await jobs()
    assert.equal((await ownPost(tools, ann, post.uri)).id, post.id)
    assert.equal((await ownPost(tools, ann, post.id)).id, post.id)
    await assert.rejects(ownPost(tools, await findAccount(tools, 'bob'), post.uri), Refused)
    await remove(tools, ann, post)
    await remove(tools, ann, post)
    assert.deepEqual(await jobs(), [`delete ${post.id}`])
    await assert.rejects(ownPost(tools, ann, post.uri), error => error instanceof Missing && error.status === 410)
    await assert.rejects(edit(tools, ann, post, { text: 'alive' }), error => error instanceof Missing && error.status === 410)
    await assert.rejects(ownPost(tools, ann, 'unknown'), error => error instanceof Missing && error.status === 404)
  })

  it('F8 leaves the ids of old posts alone when the node has another name', async () => {
    const post = await publish(tools, ann, { text: 'old' })
    const moved = await startNode({
      work: false,
      env: { PUBLIC_URL: 'https://new.example' },
      overrides: { database: node.database.database }
    })
    try {
      assert.equal((await moved.tools.history.find(post.id))?.uri, post.uri)
      assert.equal((await moved.tools.actors.findAccount('ann'))?.uri, 'https://ours.example/users/ann')
    } finally {
      await moved.close()
    }
  })
})
