import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { isFailure } from '../../src/model/errors.ts'
import { readActivity, readNote } from '../../src/protocol/activitystreams.ts'
import {
  type ActorOut,
  type NoteOut,
  writeActor,
  writeCreate,
  writeDelete,
  writeDocument,
  writeFollow,
  writeLike,
  writeReplies,
  writeUndo
} from '../../src/protocol/activitystreams-writer.ts'
import { readActor } from '../../src/protocol/actor-document.ts'
import { readJsonObject } from '../../src/protocol/json-ld.ts'
import { readMultikey, writeMultikey } from '../../src/protocol/multikey.ts'

const read = (document: unknown) => readJsonObject(Buffer.from(JSON.stringify(document)))
const activity = (document: unknown) => readActivity(read(document))
const BOB = 'https://far.example/users/bob'
const ANN = 'https://near.example/users/ann'

/** As S3 item 24 describes it: a toot in which the blog is mentioned, and which answers another toot. */
const toot = {
  '@context': [
    'https://www.w3.org/ns/activitystreams',
    {
      ostatus: 'http://ostatus.org#',
      atomUri: 'ostatus:atomUri',
      inReplyToAtomUri: 'ostatus:inReplyToAtomUri',
      conversation: 'ostatus:conversation',
      sensitive: 'as:sensitive',
      toot: 'http://joinmastodon.org/ns#',
      votersCount: 'toot:votersCount'
    }
  ],
  id: `${BOB}/statuses/1/activity`,
  type: 'Create',
  actor: BOB,
  published: '2026-02-18T10:00:00Z',
  to: ['https://www.w3.org/ns/activitystreams#Public'],
  cc: [`${BOB}/followers`, ANN],
  object: {
    id: `${BOB}/statuses/1`,
    type: 'Note',
    summary: null,
    inReplyTo: `${BOB}/statuses/0`,
    published: '2026-02-18T10:00:00Z',
    url: 'https://far.example/@bob/1',
    attributedTo: BOB,
    to: ['https://www.w3.org/ns/activitystreams#Public'],
    cc: [`${BOB}/followers`, ANN],
    sensitive: false,
    atomUri: `${BOB}/statuses/1`,
    inReplyToAtomUri: `${BOB}/statuses/0`,
    conversation: 'tag:far.example,2026-02-18:objectId=1:objectType=Conversation',
    content: '<p><span class="h-card"><a href="https://near.example/" class="u-url mention">@<span>ann</span></a></span> a fine post</p>',
    contentMap: { en: '<p>a fine post</p>' },
    attachment: [],
    tag: [
      { type: 'Mention', href: ANN, name: '@ann@near.example' },
      { type: 'Hashtag', href: 'https://far.example/tags/Blog', name: '#Blog' }
    ],
    replies: {
      id: `${BOB}/statuses/1/replies`,
      type: 'Collection',
      first: { type: 'CollectionPage', next: 'https://far.example/x', partOf: 'https://far.example/y', items: [] }
    }
  },
  signature: { type: 'RsaSignature2017', creator: `${BOB}#main-key`, created: '2026-02-18T10:00:00Z', signatureValue: 'AAAA' }
}

describe('ActivityStreams documents', () => {
  it('S3-24 reads a Create: who said what, in answer to what, mentioning whom', () => {
    const { actor, id, object, verb } = activity(toot)
    assert.deepEqual([id, verb, actor?.ids], [`${BOB}/statuses/1/activity`, 'post', [BOB]])
    assert.ok(object.type === 'post')
    const { post } = object
    assert.deepEqual(
      [post.id, post.kind, post.author?.ids, post.mentions, post.tags, post.language, post.visibility, post.url],
      [`${BOB}/statuses/1`, 'comment', [BOB], [ANN], ['blog'], 'en', 'public', 'https://far.example/@bob/1']
    )
    assert.deepEqual(post.inReplyTo, { id: `${BOB}/statuses/0`, url: `${BOB}/statuses/0` })
    assert.match(post.conversation ?? '', /objectId=1/)
    assert.equal(post.warning, undefined)
  })

  it('S3-10 S3-20 reads a Follow, and an Undo with the whole Follow in it', () => {
    const follow = { id: '/5c63a7a4', type: 'Follow', actor: BOB, object: ANN }
    assert.deepEqual(activity(follow).object, { type: 'actor', actor: { ids: [ANN], kind: 'person' } })
    const undo = activity({ id: `${BOB}#follows/7/undo`, type: 'Undo', actor: BOB, object: follow })
    assert.ok(undo.object.type === 'activity')
    assert.deepEqual([undo.verb, undo.object.activity.verb, undo.object.activity.actor?.ids], ['undo', 'follow', [BOB]])
  })

  it('X6 makes nothing of an Undo of what somebody else did', () => {
    const undo = { id: 'x:1', type: 'Undo', actor: BOB, object: { id: 'x:2', type: 'Follow', actor: 'https://eve.example/', object: ANN } }
    assert.deepEqual(activity(undo).object, { type: 'nothing' })
  })

  it('reads the short, the prefixed and the expanded spelling of one document alike', () => {
    const as = 'https://www.w3.org/ns/activitystreams#'
    const plain = { id: 'https://a.example/1', type: 'Like', actor: BOB, object: `${ANN}/posts/1` }
    const prefixed = { '@id': plain.id, '@type': 'as:Like', 'as:actor': { '@id': BOB }, 'as:object': { id: plain.object } }
    const expanded = {
      '@id': plain.id,
      '@type': [`${as}Like`],
      [`${as}actor`]: [{ '@id': BOB }],
      [`${as}object`]: [{ '@id': plain.object }]
    }
    for (const document of [prefixed, expanded]) assert.deepEqual(activity(document), activity(plain))
    assert.equal(activity(plain).verb, 'favourite')
  })

  it('X10 takes a string, an object, an array of one and null for an actor or author alike, and refuses several', () => {
    for (const actor of [BOB, { id: BOB }, [BOB], [null, { id: BOB, type: 'Person' }]])
      assert.deepEqual(activity({ type: 'Like', actor, object: 'x:1' }).actor?.ids, [BOB])
    for (const actor of [null, [], [BOB, ANN], {}, 7, '', [[BOB]]])
      assert.throws(() => activity({ type: 'Like', actor, object: 'x:1' }), isFailure, JSON.stringify(actor))
    const note = (attributedTo: unknown) => readNote(read({ id: 'x:1', type: 'Note', attributedTo }))
    assert.equal(note([BOB, ANN]), undefined)
    assert.deepEqual(note([BOB])?.author?.ids, [BOB])
  })

  it('W29 W30 tells public, unlisted, for followers and direct apart, in every spelling of everybody', () => {
    const visibility = (to: unknown, cc: unknown) => readNote(read({ id: 'x:1', type: 'Note', to, cc }))?.visibility
    for (const everybody of ['https://www.w3.org/ns/activitystreams#Public', 'as:Public', 'Public']) {
      assert.equal(visibility(everybody, [`${BOB}/followers`]), 'public')
      assert.equal(visibility([`${BOB}/followers`], [everybody]), 'unlisted')
    }
    assert.equal(visibility([`${BOB}/followers`], []), 'followers')
    assert.equal(visibility([ANN], undefined), 'direct')
    assert.equal(visibility(undefined, undefined), 'direct')
  })

  it('reads what other servers write: pages in arrays, choices, alt texts, deletes of posts and of people', () => {
    const url = [
      { type: 'Link', mediaType: 'video/mp4', href: 'https://v.example/1.mp4' },
      { type: 'Link', mediaType: 'text/html', href: 'https://v.example/w/1' }
    ]
    assert.equal(readNote(read({ id: 'https://v.example/1', type: 'Video', name: 'A film', url }))?.url, 'https://v.example/w/1')
    const question = readNote(read({ id: 'x:1', type: 'Question', content: '<p>?</p>', oneOf: [{ type: 'Note', name: 'A<b>' }] }))
    assert.match(question?.html ?? '', /<li>A&lt;b&gt;<\/li>/)
    const picture = readNote(
      read({
        id: 'x:1',
        type: 'Note',
        attachment: [{ type: 'Document', mediaType: 'image/png', url: 'https://v.example/1.png', name: 'a cat' }]
      })
    )
    assert.deepEqual(picture?.enclosures, [{ url: 'https://v.example/1.png', type: 'image/png', title: 'a cat' }])
    for (const object of ['x:1', { id: 'x:1', type: 'Tombstone' }]) {
      const gone = activity({ type: 'Delete', actor: BOB, object })
      assert.ok(gone.object.type === 'post' && gone.object.post.id === 'x:1')
    }
    assert.deepEqual(activity({ type: 'Delete', actor: BOB, object: BOB }).object, { type: 'actor', actor: { ids: [BOB], kind: 'person' } })
    assert.deepEqual(activity({ type: 'Move', actor: BOB, object: BOB, target: ANN }).object, {
      type: 'actor',
      actor: { ids: [ANN], kind: 'person' }
    })
    assert.equal(activity({ type: 'Arrive', actor: BOB }).verb, 'unknown')
  })

  it('GNU social 2.0 names what it likes, shares and answers by its url: that is read as its id', () => {
    const post = 'https://near.example/users/ann/posts/01kjmma3f83tr4m54'
    const about = (type: string, object: unknown) => {
      const { object: thing } = activity({ type, actor: BOB, object })
      return thing.type === 'activity' && thing.activity.object.type === 'post'
        ? thing.activity.object.post.id
        : thing.type === 'post' && thing.post.id
    }
    for (const type of ['Like', 'Announce']) {
      assert.equal(about(type, `${post}/page`), post)
      assert.equal(about('Undo', { type, actor: BOB, object: `${post}/page` }), post)
      for (const other of [post, `${post}/page/page`, `${post}/page?x`, 'https://b.example/posts/1/page'])
        assert.equal(about(type, other), other)
    }
    assert.equal(readNote(read({ id: `${BOB}/1`, type: 'Note', inReplyTo: `${post}/page` }))?.inReplyTo?.id, post)
  })

  it('reads what it writes', () => {
    const note: NoteOut = {
      ...{
        uri: `${ANN}/posts/1`,
        author: ANN,
        followers: `${ANN}/followers`,
        type: 'Note',
        url: 'https://blog.example/1',
        page: 'https://blog.example/1',
        html: '<p>Hello</p>'
      },
      ...{
        title: 'On <bridges>',
        language: 'en',
        published: new Date('2026-11-22T10:00:00Z'),
        tags: [{ name: 'blog', address: 'https://near.example/search?q=blog' }],
        visibility: 'public' as const
      },
      ...{
        mentions: [{ uri: BOB, handle: 'bob@far.example' }],
        enclosures: [{ url: 'https://blog.example/1.png', type: 'image/png', title: 'a cat' }]
      },
      ...{ replies: `${ANN}/posts/1/replies`, inReplyTo: `${BOB}/statuses/1` }
    }
    const { actor, object, verb } = readActivity(readJsonObject(writeDocument(writeCreate(note))))
    assert.ok(object.type === 'post')
    const { post } = object
    assert.deepEqual([verb, actor?.ids, post.id, post.url, post.mentions, post.tags], ['post', [ANN], note.uri, note.url, [BOB], ['blog']])
    assert.deepEqual(
      [post.visibility, post.language, post.inReplyTo?.id, post.enclosures],
      ['public', 'en', note.inReplyTo, note.enclosures]
    )
    assert.match(post.html, /<strong><a href="https:\/\/blog.example\/1">On &lt;bridges&gt;<\/a><\/strong><\/p><p>Hello<\/p>/)
    const direct = readActivity(readJsonObject(writeDocument(writeCreate({ ...note, visibility: 'direct' })))).object
    assert.equal(direct.type === 'post' && direct.post.visibility, 'direct')
    const like = { id: `${ANN}/acts/1`, actor: ANN, object: `${BOB}/statuses/1`, to: [BOB] }
    assert.equal(readActivity(readJsonObject(writeDocument(writeLike(like)))).verb, 'favourite')
    const undone = readActivity(readJsonObject(writeDocument(writeUndo({ ...like, object: writeFollow({ ...like, object: BOB }) }))))
    assert.ok(undone.object.type === 'activity' && undone.object.activity.verb === 'follow')
    const dead = readActivity(readJsonObject(writeDocument(writeDelete({ ...like, at: new Date(0) }))))
    assert.ok(dead.verb === 'delete' && dead.object.type === 'post' && dead.object.post.id === like.object)
  })

  it('S3-29 writes the answers to a post as a collection with its first page, of URLs', () => {
    assert.deepEqual(writeReplies('https://near.example/r', ['https://far.example/1']), {
      id: 'https://near.example/r',
      type: 'Collection',
      totalItems: 1,
      first: {
        id: 'https://near.example/r?page=true',
        type: 'CollectionPage',
        partOf: 'https://near.example/r',
        items: ['https://far.example/1']
      }
    })
  })

  it('S3-13 reads the actors that it writes, with both forms of their key', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const out: ActorOut = {
      ...{
        uri: ANN,
        type: 'Person',
        name: 'ann',
        handle: 'ann@near.example',
        displayName: 'Ann',
        bio: 'Writes.\n\nAnd <reads>.',
        page: ANN
      },
      ...{
        homepage: 'https://blog.example/',
        published: new Date(0),
        pem,
        multikey: writeMultikey(publicKey),
        inbox: `${ANN}/inbox`,
        sharedInbox: 'https://near.example/inbox'
      },
      ...{ avatar: { url: 'https://blog.example/a.png', type: 'image/png' } },
      collections: { outbox: `${ANN}/outbox`, followers: `${ANN}/followers`, following: `${ANN}/following`, featured: `${ANN}/featured` }
    }
    const actor = readActor(readJsonObject(writeDocument(writeActor(out), true)))
    assert.ok(actor)
    assert.deepEqual(
      [actor.id, actor.inbox, actor.sharedInbox, actor.webfinger, actor.indexable],
      [ANN, out.inbox, out.sharedInbox, 'ann@near.example', true]
    )
    assert.deepEqual(
      actor.keys.map(({ id, owner }) => [id, owner]),
      [
        [`${ANN}#main-key`, ANN],
        [`${ANN}#multikey`, ANN]
      ]
    )
    for (const { pem: read } of actor.keys) assert.ok(createPublicKey(read).equals(publicKey))
    assert.deepEqual([actor.author.displayName, actor.author.username, actor.author.bio], ['Ann', 'ann', 'Writes. And <reads>.'])
  })

  it('FEP-521a reads the multikeys that it writes, and nothing else', () => {
    for (const key of [generateKeyPairSync('ed25519').publicKey, generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey])
      assert.ok(createPublicKey(readMultikey(writeMultikey(key)) ?? '').equals(key))
    // the example of the Controlled Identifiers specification
    assert.match(readMultikey('z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu') ?? '', /BEGIN PUBLIC KEY/)
    for (const text of ['', 'z', 'zIl0O', 'm6Mk', 'z6Mk', `z${'1'.repeat(2000)}`]) assert.equal(readMultikey(text), undefined)
  })

  it('X34 X36 throws nothing but failures, and changes no prototype, whatever the document is', () => {
    const odd =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"type":"Create","actor":"x:1","object":{"__proto__":{"id":"x:2"},"type":"Note"}}'
    readActivity(readJsonObject(Buffer.from(odd)))
    assert.equal(({} as { polluted?: number }).polluted, undefined)
    assert.throws(() => readJsonObject(Buffer.from('['.repeat(100_000))), isFailure)
    assert.throws(() => readJsonObject(Buffer.from(`{"a":${'['.repeat(60)}${']'.repeat(60)}}`)), isFailure)
    assert.throws(() => readJsonObject(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), isFailure)
    for (const text of ['', 'null', '[]', '"x"', '{']) assert.throws(() => readJsonObject(Buffer.from(text)), isFailure)
    const value = fc.letrec(tie => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.constant(null),
        fc.integer(),
        fc.boolean(),
        fc.constantFrom('Note', 'Person', 'x:1'),
        fc.array(tie('any'), { maxLength: 3 }),
        tie('object')
      ),
      object: fc.dictionary(
        fc.constantFrom(
          'id',
          'type',
          'actor',
          'object',
          'tag',
          'attributedTo',
          'url',
          'content',
          'contentMap',
          'attachment',
          'inReplyTo',
          'published',
          'icon',
          'publicKey',
          'inbox',
          '@value',
          'to'
        ),
        tie('any'),
        { maxKeys: 8 }
      )
    })).object
    fc.assert(
      fc.property(value, fc.constantFrom('Create', 'Like', 'Undo', 'Delete', 'Person'), (document, type) => {
        try {
          const json = read({ ...(document as object), type })
          readActor(json)
          readNote(json)
          readActivity(json)
        } catch (error) {
          assert.ok(isFailure(error), String((error as Error).stack))
        }
      })
    )
  })
})
