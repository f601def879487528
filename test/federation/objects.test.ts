import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { activitiesOut, actorOut, announceOut, nodeActorOut, noteOut } from '../../src/federation/objects.ts'
import type { Account, KeptPost, Shown } from '../../src/model/kept.ts'
import { readNote } from '../../src/protocol/activitystreams.ts'
import { writeActor, writeDocument, writeNote } from '../../src/protocol/activitystreams-writer.ts'
import { readActor } from '../../src/protocol/actor-document.ts'
import { readJsonObject } from '../../src/protocol/json-ld.ts'
import { keyObject } from '../../src/protocol/magic.ts'
import type { NewPost } from '../../src/tools.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const ORIGIN = 'https://near.example'
const ANN = `${ORIGIN}/users/ann`

describe('our accounts and posts as ActivityPub has them', () => {
  let node: TestNode
  let ann: Account
  const start = async (env: Record<string, string> = {}) => {
    node = await startNode({
      env: { PUBLIC_URL: ORIGIN, HANDLE_HOST: 'blog.example', BLOG_URL: 'https://blog.example/', ...env },
      accounts: ['ann'],
      work: false
    })
    ann = await accountOf(node.tools, 'ann')
  }
  beforeEach(() => start())
  afterEach(() => node?.close())

  const shown = async ({ id }: KeptPost): Promise<Shown> => (await node.tools.timelines.one(id))!
  const keep = async (post: Partial<NewPost> = {}) => shown(await keepPost(node.tools, ann, post))
  const note = async (post: Partial<NewPost> = {}) => {
    const out = await noteOut(node.tools, await keep(post))
    assert.ok(out)
    return out
  }
  const again = async (env: Record<string, string>) => {
    await node.close()
    await start(env)
  }
  const title = 'On bridges'

  it('S3-13 FEP-521a FEP-2c59 an account has its key in both forms, its handle, its collections and its blog', async () => {
    const out = await actorOut(node.tools, { ...ann, homepage: 'https://www.blog.example/', bio: 'Writes.' })
    const document = JSON.parse(writeDocument(writeActor(out), true).toString())
    assert.deepEqual([document.id, document.url, document.webfinger, document.preferredUsername], [ANN, ANN, 'ann@blog.example', 'ann'])
    assert.deepEqual(
      [document.inbox, document.outbox, document.followers, document.following, document.featured],
      ['inbox', 'outbox', 'followers', 'following', 'featured'].map(name => `${ANN}/${name}`)
    )
    assert.deepEqual([document.endpoints.sharedInbox, document.discoverable, document.indexable], [`${ORIGIN}/inbox`, true, true])
    assert.match(document.attachment[0].value, /<a href="https:\/\/www.blog.example\/" rel="me">/)
    assert.deepEqual(document.attributionDomains, ['near.example', 'www.blog.example'])
    const actor = readActor(readJsonObject(writeDocument(writeActor(out), true)))
    for (const { pem } of actor!.keys) assert.ok(createPublicKey(pem).equals(keyObject(ann.magicKey)))
    assert.equal(actor!.keys.length, 2)
  })

  it('FEP-2677 the node itself is an application with a key of its own, the same each time', async () => {
    const out = await nodeActorOut(node.tools)
    assert.deepEqual(
      [out.uri, out.type, out.handle, out.name],
      [`${ORIGIN}/actor`, 'Application', 'blog.example@blog.example', 'blog.example']
    )
    assert.ok(!createPublicKey(out.pem).equals(keyObject(ann.magicKey)))
    assert.equal((await nodeActorOut(node.tools)).pem, out.pem)
    const document = writeActor(out)
    assert.deepEqual([document.discoverable, document.indexable, document.published], [false, false, undefined])
    assert.ok(readActor(readJsonObject(writeDocument(document, true))))
  })

  it('W20 FEP-b2b8 a post with a title is a note, an article, or an article with a preview, as POST_AS says', async () => {
    const post = { title, html: `<p>${'A long text. '.repeat(60)}</p>`, kind: 'article', url: 'https://blog.example/bridges' } as const
    const asNote = await note(post)
    assert.deepEqual([asNote.type, asNote.preview, asNote.page, asNote.title], ['Note', undefined, post.url, title])
    await again({ POST_AS: 'article' })
    assert.deepEqual([(await note(post)).type, (await note(post)).preview], ['Article', undefined])
    assert.equal((await note()).type, 'Note')
    await again({ POST_AS: 'both' })
    const both = writeNote(await note(post)) as { type: string; name: string; preview: { type: string; content: string } }
    assert.deepEqual([both.type, both.name, both.preview.type], ['Article', title, 'Note'])
    assert.match(
      both.preview.content,
      /^<p><strong><a href="https:\/\/blog.example\/bridges">On bridges<\/a><\/strong><\/p><p>A long text\. .*…<\/p>$/
    )
    assert.ok(both.preview.content.length < 450)
  })

  it('W20 its url is one address on the host of its id, whatever the host of the blog: its page there, or what leads to that', async () => {
    const told = async (url: string) => {
      const out = await note({ title, url })
      const written = writeNote(out) as { id: string; url: string; content: string }
      assert.ok(written.content.startsWith(`<p><strong><a href="${url}">`), 'its title leads there at once')
      assert.equal(new URL(written.url).host, new URL(written.id).host)
      return written.url === `${written.id}/page` ? 'leads there' : written.url
    }
    for (const url of ['https://near.example/bridges', 'https://near.example:443/bridges?x=1']) assert.equal(await told(url), url)
    for (const url of ['https://blog.example/bridges', 'https://www.near.example/bridges', 'http://near.example/bridges'])
      assert.equal(await told(url), 'leads there')
    const own = await note()
    assert.equal(own.url, own.uri)
  })

  it('reads back as it was kept: picture with its text, tags in one word, language, warning, edit', async () => {
    const enclosures = [{ url: 'https://blog.example/1.png', type: 'image/png', title: 'a cat' }]
    const kept = { tags: ['open source', 'Blog', 'blog', '42'], enclosures, language: 'en-GB', warning: 'cats' }
    const at = new Date('2026-03-01T12:00:00Z')
    const out = await note({ ...kept, publishedAt: at, updatedAt: new Date(at.getTime() + 3_600_000) })
    const names = out.tags.map(({ name }) => name)
    assert.deepEqual([names, out.updated], [['OpenSource', 'Blog', 'blog'], new Date(at.getTime() + 3_600_000)])
    const post = readNote(readJsonObject(writeDocument(writeNote(out))))!
    assert.deepEqual([post.enclosures, post.language, post.warning, post.visibility], [enclosures, 'en-GB', 'cats', 'public'])
    assert.deepEqual([out.replies, out.followers], [`${out.uri}/replies`, `${ANN}/followers`])
    assert.equal((await note({ publishedAt: at, updatedAt: new Date(at.getTime() + 1000) })).updated, undefined)
    assert.equal((await note({ language: 'not a language' })).language, undefined)
  })

  it('names whom it mentions by URI and handle, strangers by URI, and nobody who has no address', async () => {
    const bob = await meet(node.tools, 'bob')
    const mentions = [`acct:${bob.acct}`, bob.uri, 'https://c.example/carol', 'tag:d.example,2026:dave']
    assert.deepEqual((await note({ mentions })).mentions, [{ uri: bob.uri, handle: 'bob@a.example' }, { uri: 'https://c.example/carol' }])
  })

  it('X13 answers a post by its ActivityPub id where an entry names one, else by its address', async () => {
    const bob = await meet(node.tools, 'bob')
    const tag = 'tag:a.example,2026:objectId=1:objectType=Status'
    const activityUrl = 'https://a.example/users/bob/statuses/1'
    const url = 'https://a.example/@bob/1'
    const toot = await keepPost(node.tools, bob, { uri: tag, url, activityUrl })
    const about = { inReplyTo: tag, inReplyToUrl: url, parentId: toot.id }
    assert.equal((await note(about)).inReplyTo, activityUrl)
    assert.equal(announceOut(node.tools, await keep({ verb: 'share', sharedId: toot.id }))?.object, activityUrl)
    const notice = await keepPost(node.tools, bob, { uri: 'tag:a.example,2026:notice=2', url: 'https://a.example/notice/2' })
    assert.equal((await note({ inReplyTo: notice.uri, inReplyToUrl: notice.url!, parentId: notice.id })).inReplyTo, notice.url)
    assert.equal((await note({ inReplyTo: 'https://gone.example/1' })).inReplyTo, 'https://gone.example/1')
  })

  it('a share tells everybody, the followers and its author, under its own URI', async () => {
    const bob = await meet(node.tools, 'bob')
    const post = await keepPost(node.tools, bob)
    const share = await keep({ verb: 'share', sharedId: post.id })
    assert.equal(await noteOut(node.tools, share), undefined)
    const out = announceOut(node.tools, share)!
    assert.deepEqual([out.id, out.actor, out.object], [share.uri, ANN, post.uri])
    assert.deepEqual([out.to, out.cc], [['https://www.w3.org/ns/activitystreams#Public'], [`${ANN}/followers`, bob.uri]])
  })

  it('X43 makes nothing of what is for few, dead, or somebody else’s, nor of the share of such', async () => {
    const bob = await meet(node.tools, 'bob')
    const some: Shown[] = []
    for (const visibility of ['followers', 'direct'] as const) {
      const secret = await keepPost(node.tools, bob, { visibility })
      some.push(await keep({ visibility }), await shown(secret), await keep({ verb: 'share', sharedId: secret.id }))
      some.push(await keep({ verb: 'share', sharedId: (await keepPost(node.tools, bob)).id, visibility }))
    }
    const dead = await keep()
    await node.tools.transaction(stores => stores.history.remove(ann.id, dead.uri, new Date()))
    some.push(await shown(dead), await shown(await keepPost(node.tools, bob)))
    for (const post of some) assert.equal(await noteOut(node.tools, post), undefined)
    assert.deepEqual(await activitiesOut(node.tools, some), [])
    assert.deepEqual(
      (await activitiesOut(node.tools, [await keep(), await keep({ visibility: 'unlisted' })])).map(({ type }) => type),
      ['Create', 'Create']
    )
  })
})
