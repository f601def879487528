/** What we serve, read by a server that others wrote, with a real JSON-LD processor: every fact is there. */
import assert from 'node:assert/strict'
import {
  Announce,
  Article,
  Collection,
  CollectionPage,
  Create,
  Hashtag,
  Image,
  type Link,
  Mention,
  Note,
  OrderedCollection,
  Person,
  type Object as Thing,
  Tombstone
} from '@fedify/vocab'
import { remove } from '../../src/federation/publish.ts'
import type { Account } from '../../src/model/kept.ts'
import { type Fedify, startFedify } from '../support/doubles/fedify.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

describe('documents of ours, read by Fedify', () => {
  let node: TestNode
  let fedify: Fedify
  let ann: Account
  before(async () => {
    node = await startNode({ accounts: ['ann'], env: { POST_AS: 'both', BLOG_URL: 'https://blog.example/' }, work: false })
    fedify = await startFedify()
    ann = await accountOf(node.tools, 'ann')
  })
  after(async () => {
    await fedify?.close()
    await node?.close()
  })

  /** Looked up as Fedify does it: by its loaders, its JSON-LD processor and its check of the id's origin. */
  const look = async <T extends Thing>(uri: string, type: abstract new (...given: never[]) => T): Promise<T> => {
    const found = await fedify.context.lookupObject(uri)
    assert.ok(found instanceof type, `${uri} is ${found?.constructor.name}`)
    return found
  }
  const all = async (collection: Collection): Promise<(Thing | Link)[]> => Array.fromAsync(fedify.context.traverseCollection(collection))
  const hrefs = (urls: (URL | null)[]) => urls.map(url => url?.href)

  it('S3-13 S3-37 the actor has its names, places and keys', async () => {
    const actor = await look(ann.uri, Person)
    assert.deepEqual(
      [actor.id?.href, actor.preferredUsername, String(actor.name), actor.url, actor.manuallyApprovesFollowers],
      [ann.uri, 'ann', 'ann', new URL(ann.uri), false]
    )
    assert.deepEqual([actor.discoverable, actor.indexable, actor.endpoints?.sharedInbox?.href], [true, true, `${node.url}/inbox`])
    assert.deepEqual(
      hrefs([actor.inboxId, actor.outboxId, actor.followersId, actor.followingId, actor.featuredId]),
      ['inbox', 'outbox', 'followers', 'following', 'featured'].map(name => `${ann.uri}/${name}`)
    )
    const [key, multikey] = [
      await actor.getPublicKey(fedify.context),
      (await Array.fromAsync(actor.getAssertionMethods(fedify.context)))[0]
    ]
    assert.deepEqual(hrefs([key!.id, key!.ownerId, multikey!.controllerId]), [`${ann.uri}#main-key`, ann.uri, ann.uri])
    assert.deepEqual(await crypto.subtle.exportKey('jwk', multikey!.publicKey!), await crypto.subtle.exportKey('jwk', key!.publicKey!))
  })

  it('S3-24 a note has its words, places, people, tags and pictures', async () => {
    const carol = await meet(node.tools, 'carol')
    const enclosures = [{ url: 'https://blog.example/cat.png', type: 'image/png', title: 'A cat' }]
    const about = {
      url: 'https://blog.example/1/',
      html: '<p>Miaow</p>',
      language: 'en',
      tags: ['cats'],
      mentions: [carol.uri],
      enclosures
    }
    const post = await keepPost(node.tools, ann, { ...about, updatedAt: new Date(Date.now() + 3_600_000) })
    const note = await look(post.uri, Note)
    assert.deepEqual(hrefs([note.id, note.attributionId, note.url as URL]), [post.uri, ann.uri, `${post.uri}/page`])
    assert.deepEqual([String(note.content), String(note.contents[1]), note.sensitive], [about.html, about.html, false])
    assert.deepEqual(
      [note.published, note.updated].map(time => new Date(String(time))),
      [post.publishedAt, post.updatedAt]
    )
    assert.deepEqual(hrefs([...note.toIds, ...note.ccIds]), [
      'https://www.w3.org/ns/activitystreams#Public',
      `${ann.uri}/followers`,
      carol.uri
    ])
    const tags = await Array.fromAsync(note.getTags(fedify.context))
    assert.deepEqual(
      tags.map(tag => [tag.constructor, String(tag.name), (tag as Mention).href?.href]),
      [
        [Mention, `@${carol.acct}`, carol.uri],
        [Hashtag, '#cats', `${node.url}/search?q=cats`]
      ]
    )
    const [picture] = await Array.fromAsync(note.getAttachments(fedify.context))
    assert.ok(picture instanceof Image)
    assert.deepEqual([String(picture.name), picture.mediaType, (picture.url as URL).href], ['A cat', 'image/png', enclosures[0]!.url])
  })

  it('S3-29 its replies are those that everybody may read', async () => {
    const post = await keepPost(node.tools, ann)
    const carol = await meet(node.tools, 'carol')
    await node.tools.follows.add({ followerId: ann.id, followedId: carol.id, via: 'feed' }, new Date())
    const reply = await keepPost(node.tools, carol, { inReplyTo: post.uri, parentId: post.id })
    await keepPost(node.tools, carol, { inReplyTo: post.uri, parentId: post.id, visibility: 'direct' })
    const replies = await (await look(post.uri, Note)).getReplies(fedify.context)
    assert.ok(replies instanceof Collection)
    assert.equal(replies.totalItems, 1)
    const first = await replies.getFirst(fedify.context)
    assert.ok(first instanceof CollectionPage)
    assert.deepEqual(hrefs(first.itemIds), [reply.uri])
    assert.deepEqual(hrefs([first.partOfId]), [`${post.uri}/replies`])
  })

  it('FEP-b2b8 an article has its name, and a note as its preview', async () => {
    const post = await keepPost(node.tools, ann, { title: 'Cats & dogs', html: '<p>Long</p>', url: 'https://blog.example/2/' })
    const article = await look(post.uri, Article)
    const preview = await article.getPreview(fedify.context)
    assert.ok(preview instanceof Note)
    assert.deepEqual([String(article.name), String(article.content)], ['Cats & dogs', '<p>Long</p>'])
    assert.match(String(preview.content), /Cats &amp; dogs[\s\S]*Long/)
  })

  it('W4 W9 outbox, featured and followers are whole collections, and what is gone is a Tombstone', async () => {
    const carol = await meet(node.tools, 'carol')
    const post = await keepPost(node.tools, ann)
    const share = await keepPost(node.tools, ann, { verb: 'share', sharedId: (await keepPost(node.tools, carol)).id })
    for (let count = 0; count < 20; count++) await keepPost(node.tools, ann)
    await node.tools.follows.add({ followerId: carol.id, followedId: ann.id, via: 'inbox' }, new Date())
    const outbox = await look(`${ann.uri}/outbox`, OrderedCollection)
    const done = (await all(outbox)) as (Create | Announce)[]
    assert.equal(done.length, outbox.totalItems)
    assert.ok(done.some(one => one instanceof Announce && one.id?.href === share.uri))
    assert.ok(done.some(one => one instanceof Create && one.objectId?.href === post.uri))
    assert.equal((await all(await look(`${ann.uri}/featured`, OrderedCollection))).length, 5)
    const followers = await look(`${ann.uri}/followers`, OrderedCollection)
    const page = await followers.getFirst(fedify.context)
    assert.deepEqual([followers.totalItems, hrefs(page!.itemIds)], [1, [carol.uri]])
    await remove(node.tools, ann, post)
    const gone = await fetch(post.uri, { headers: { accept: 'application/activity+json' } })
    const tombstone = await Tombstone.fromJsonLd(await gone.json(), fedify.context)
    assert.deepEqual([gone.status, tombstone.id?.href, tombstone.deleted !== null], [410, post.uri, true])
  })
})
