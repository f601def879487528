/** An inbox, told of posts (S3-23 to S3-34, W18, W25, W29, X2, X9, X11, X13). */
import assert from 'node:assert/strict'
import { fetchMissing } from '../../src/federation/fetch-missing.ts'
import { accepted, activityPage, type Json, makePerson, type Person, PUBLIC } from '../support/fediverse.ts'
import { useInboxes } from '../support/open-inboxes.ts'
import { SECOND } from '../support/reader.ts'
import { makeEndpoint, mentionXml } from '../support/slaps.ts'

describe('an inbox, told of posts', () => {
  const at = useInboxes()

  /** S3-24's sample: a toot that answers another toot and mentions the blog, with the signature that Mastodon puts into it. */
  const sample = (by: Person): Json => ({
    '@context': [
      'https://www.w3.org/ns/activitystreams',
      {
        ostatus: 'http://ostatus.org#',
        atomUri: 'ostatus:atomUri',
        inReplyToAtomUri: 'ostatus:inReplyToAtomUri',
        sensitive: 'as:sensitive'
      },
      { conversation: 'ostatus:conversation', toot: 'http://joinmastodon.org/ns#', votersCount: 'toot:votersCount' }
    ],
    ...{ id: `${by.id}/statuses/1/activity`, type: 'Create', actor: by.id, published: '2026-01-10T11:58:00Z' },
    ...{ to: [PUBLIC], cc: [`${by.id}/followers`, at.reader.bob.uri] },
    object: {
      ...{ id: `${by.id}/statuses/1`, type: 'Note', summary: null, inReplyTo: 'https://else.example/users/zoe/statuses/9' },
      ...{ published: '2026-01-10T11:58:00Z', url: `${by.origin}/@ann/1`, attributedTo: by.id, sensitive: false },
      ...{ to: [PUBLIC], cc: [`${by.id}/followers`, at.reader.bob.uri], atomUri: `${by.id}/statuses/1`, inReplyToAtomUri: null },
      ...{ conversation: 'tag:else.example,2026:objectId=1:objectType=Conversation', attachment: [] },
      content:
        '<p><span class="h-card"><a href="https://blog.example/" class="u-url mention">@<span>bob</span></a></span> fine<script>x</script></p>',
      contentMap: { en: '<p>fine</p>' },
      tag: [{ type: 'Mention', href: at.reader.bob.uri, name: '@bob@at.reader.example' }],
      replies: {
        ...{ id: `${by.id}/statuses/1/replies`, type: 'Collection' },
        first: { type: 'CollectionPage', next: `${by.id}/statuses/1/replies?page=true`, partOf: `${by.id}/statuses/1/replies`, items: [] }
      }
    },
    signature: { type: 'RsaSignature2017', creator: by.keyId, created: '2026-01-10T11:58:01Z', signatureValue: 'bm8=' }
  })

  it('S3-23 S3-24 S3-26 W25 keeps the sample, though it answers somebody else: it mentions the blog', async () => {
    const ann = at.person('s324')
    accepted(await at.inboxes.post(ann, sample(ann)))
    const post = (await at.reader.post(`${ann.id}/statuses/1`))!
    assert.deepEqual([post.kind, post.url, post.language, post.visibility], ['comment', `${ann.origin}/@ann/1`, 'en', 'public'])
    assert.ok(post.html.includes('fine') && !post.html.includes('script'), 'it is cleaned')
    const crawls = await at.reader.node.database.database.knex('pgboss.job').where({ name: 'replies.read' }).select('data')
    assert.deepEqual([...new Set(crawls.map(({ data }) => data.url))], [`${ann.id}/statuses/1/replies`])
  })

  it('X9 does not believe the signature inside the sample when somebody else passes it on: it is refused, and nobody asked', async () => {
    const [ann, eve] = [at.person('x9'), at.person('x9eve')]
    for (const to of ['bob', '']) {
      const { status } = await at.nothing(() => at.inboxes.post(eve, sample(ann), to))
      assert.equal(status, 401)
    }
  })

  it('X9 X11 of what somebody known passes on, only what its own host says counts: a post, its edit, its end, a share', async () => {
    const [ann, eve] = [at.person('x9b'), at.person('x9beve')]
    accepted(await at.inboxes.post(eve, eve.does('Follow', at.reader.bob.uri)))
    const note = ann.note({ inReplyTo: at.ours.uri })
    const uri = note.id as string
    at.reader.net.set(uri, activityPage(note))
    accepted(await at.inboxes.post(eve, ann.does('Create', { ...note, content: 'forged' })))
    assert.equal((await at.reader.post(uri))!.html, note.content)
    at.reader.net.set(uri, activityPage({ ...note, content: '<p>better</p>', updated: '2026-01-10T11:30:00Z' }))
    accepted(await at.inboxes.post(eve, ann.does('Update', { ...note, content: 'forged' })))
    assert.equal((await at.reader.post(uri))!.html, '<p>better</p>')
    accepted(await at.inboxes.post(eve, ann.does('Delete', { type: 'Tombstone', id: uri })))
    assert.equal((await at.reader.post(uri))!.deletedAt, undefined, 'it is there still')
    at.reader.net.set(uri, { status: 410 })
    accepted(await at.inboxes.post(eve, ann.does('Delete', uri)))
    assert.ok((await at.reader.post(uri))!.deletedAt)
    const share = ann.does('Announce', at.ours.uri)
    assert.equal((await at.inboxes.post(eve, share)).status, 202)
    assert.deepEqual(await at.counts(), await at.counts(), 'nobody tells of it')
    const before = (await at.counts()).share ?? 0
    at.reader.net.set(share.id as string, activityPage(share))
    accepted(await at.inboxes.post(eve, share))
    assert.equal((await at.counts()).share, before + 1)
    for (const activity of [ann.does('Follow', at.reader.bob.uri), ann.does('Like', at.ours.uri), ann.does('Undo', share)])
      assert.equal((await at.nothing(() => at.inboxes.post(eve, activity))).status, 401)
  })

  it('W25 keeps answers to any post of a known thread, and nothing of what concerns nobody', async () => {
    const [ann, zoe] = [at.person('w25'), at.person('w25zoe')]
    const first = ann.note({ inReplyTo: at.ours.uri, conversation: 'tag:w25.example,2026:c' })
    accepted(await at.inboxes.post(ann, ann.does('Create', first), ''))
    const second = zoe.note({ inReplyTo: first.id })
    accepted(await at.inboxes.post(zoe, zoe.does('Create', second), ''))
    assert.equal((await at.reader.post(second.id as string))!.parentId, (await at.reader.post(first.id as string))!.id)
    const third = zoe.note({ inReplyTo: 'https://unseen.example/1', conversation: 'tag:w25.example,2026:c' })
    accepted(await at.inboxes.post(zoe, zoe.does('Create', third), ''))
    assert.ok(await at.reader.post(third.id as string), 'indirectly of the thread')
    for (const note of [ann.note(), ann.note({ inReplyTo: 'https://unseen.example/2' })])
      await at.nothing(async () => accepted(await at.inboxes.post(ann, ann.does('Create', note), '')))
  })

  it('T4 takes what those say whom an account follows and is no post, and keeps nothing of it', async () => {
    const ann = at.person('kinds')
    await at.followedBy(ann)
    const file = { id: `${ann.origin}/files/1`, type: 'CacheFile', attributedTo: ann.id, url: 'https://x.example/' }
    for (const type of ['Create', 'Update', 'Announce'])
      await at.nothing(async () => accepted(await at.inboxes.post(ann, ann.does(type, type === 'Announce' ? 7 : file))))
  })

  it('S3-34 asks for nobody’s key for what is of no interest', async () => {
    const ann = at.person('s334')
    for (const activity of [
      ann.does('Create', ann.note()),
      ann.does('Like', 'https://else.example/1'),
      ann.does('Travel', 'https://x.example/')
    ])
      for (const to of ['bob', '']) await at.nothing(async () => accepted(await at.inboxes.post(ann, activity, to)))
  })

  it('W29 W30 keeps what is for followers or for bob alone, for the owner: it is in no public thread', async () => {
    const ann = at.person('w29')
    const mention = { tag: [{ type: 'Mention', href: at.reader.bob.uri }], inReplyTo: at.ours.uri }
    const notes = {
      followers: ann.note({ ...mention, to: [`${ann.id}/followers`], cc: [at.reader.bob.uri] }),
      direct: ann.note({ ...mention, to: [at.reader.bob.uri], cc: [] }),
      unlisted: ann.note({ ...mention, to: [`${ann.id}/followers`], cc: [PUBLIC] })
    }
    for (const [visibility, note] of Object.entries(notes)) {
      accepted(await at.inboxes.post(ann, ann.does('Create', note)))
      assert.equal((await at.reader.post(note.id as string))!.visibility, visibility)
    }
    const open = (await at.reader.tools.timelines.thread(at.ours.id, 100)).filter(({ author }) => author.uri === ann.id)
    assert.equal(open.length, 3, 'the owner has all of them')
    const page = await fetch(`http://${at.reader.node.host}/users/bob/posts/${at.ours.id}`, { headers: { accept: 'text/html' } })
    const text = await page.text()
    for (const name of ['followers', 'direct'] as const) assert.ok(!text.includes(String(notes[name].content)), name)
  })

  it('W29 keeps for the owner what is told to bob without naming him', async () => {
    const ann = at.person('chat')
    const note = ann.note({ to: [at.reader.bob.uri] })
    accepted(await at.inboxes.post(ann, ann.does('Create', note, { to: [at.reader.bob.uri] })))
    const [first] = await at.reader.tools.timelines
      .home([at.reader.bob], { limit: 100 })
      .then(all => all.filter(({ uri }) => uri === note.id))
    assert.equal(first?.visibility, 'direct')
  })

  it('X13 is told of a post once, though it comes by Salmon as well, whichever is first; and its end counts by either name', async () => {
    const endpoint = makeEndpoint(at.reader)
    for (const order of ['salmon', 'inbox']) {
      const old = endpoint.writer(`x13${order}`)
      const ann = makePerson(at.reader.net, `x13${order}`, { path: '/ann' })
      const note = ann.note({ inReplyTo: at.ours.uri, tag: [{ type: 'Mention', href: at.reader.bob.uri }] })
      const id = `tag:x13${order}.example,2026:1`
      const link = `<link rel="alternate" type="application/activity+json" href="${note.id}"/>`
      const ways = {
        salmon: async () =>
          assert.equal(
            await endpoint.post(old.slap(mentionXml(at.reader.bob.uri) + link, { id, at: Date.parse(note.published as string) })),
            202
          ),
        inbox: async () => accepted(await at.inboxes.post(ann, ann.does('Create', note)))
      }
      await (order === 'salmon' ? ways.salmon() : ways.inbox())
      await (order === 'salmon' ? ways.inbox() : ways.salmon())
      const { id: author } = (await at.actorOf(ann.id))!
      const kept = await at.reader.tools.timelines.all({ limit: 10 }, author)
      assert.deepEqual([kept.length, kept[0]!.edits], [1, 0], order)
      const answer = ann.note({ inReplyTo: note.id })
      accepted(await at.inboxes.post(ann, ann.does('Create', answer)))
      assert.equal((await at.reader.post(answer.id as string))!.parentId, kept[0]!.id)
      accepted(await at.inboxes.post(ann, ann.does('Delete', note.id)))
      assert.ok((await at.reader.tools.history.find(kept[0]!.id))!.deletedAt)
      await ways.inbox()
      const alive = (await at.reader.tools.timelines.all({ limit: 10 }, author)).filter(post => post.deletedAt === undefined)
      assert.deepEqual(
        alive.map(({ uri }) => uri),
        [answer.id]
      )
    }
  })

  it('W18 X11 follows edits and ends of a post by its author, whatever comes first', async () => {
    const ann = at.person('w18')
    const note = ann.note({ inReplyTo: at.ours.uri })
    const uri = note.id as string
    accepted(await at.inboxes.post(ann, ann.does('Create', note)))
    accepted(await at.inboxes.post(ann, ann.does('Update', { ...note, content: '<p>new</p>', updated: '2026-01-10T11:30:00Z' })))
    assert.deepEqual([(await at.reader.post(uri))!.html, (await at.reader.post(uri))!.edits], ['<p>new</p>', 1])
    accepted(await at.inboxes.post(ann, ann.does('Update', { ...note, content: '<p>older</p>', updated: '2026-01-10T11:20:00Z' })))
    assert.equal((await at.reader.post(uri))!.html, '<p>new</p>')
    accepted(await at.inboxes.post(ann, ann.does('Delete', { id: uri, type: 'Tombstone' })))
    assert.ok((await at.reader.post(uri))!.deletedAt)
    const later = ann.note({ inReplyTo: at.ours.uri })
    accepted(await at.inboxes.post(ann, ann.does('Delete', later.id)))
    accepted(await at.inboxes.post(ann, ann.does('Create', later)))
    assert.ok((await at.reader.post(later.id as string))?.deletedAt, 'the end came first')
  })

  it('keeps what those say whom an account follows, and fetches what is told by its id alone', async () => {
    const ann = at.person('read')
    await at.followedBy(ann)
    const [told, bare] = [ann.note(), ann.note()]
    at.reader.net.set(bare.id as string, activityPage(bare))
    accepted(await at.inboxes.post(ann, ann.does('Create', told), ''))
    accepted(await at.inboxes.post(ann, ann.does('Create', bare.id), ''))
    assert.deepEqual(
      [(await at.reader.post(told.id as string))!.html, (await at.reader.post(bare.id as string))!.html],
      [told.content, bare.content]
    )
  })

  it('X2 X11 fetches what they share from its own host, and believes nothing that was told of it', async () => {
    const [ann, zoe] = [at.person('boost'), at.person('boostzoe')]
    await at.followedBy(ann)
    const note = zoe.note()
    at.reader.net.set(note.id as string, activityPage(note))
    const share = ann.does('Announce', { ...note, content: 'forged', attributedTo: zoe.id })
    accepted(await at.inboxes.post(ann, share, ''))
    for (const wanted of await at.inboxes.jobs('post.fetch')) await fetchMissing(at.reader.tools, wanted)
    const kept = (await at.reader.post(share.id as string))!
    const original = (await at.reader.post(note.id as string))!
    assert.deepEqual([kept.html, kept.sharedId, original.html], ['', original.id, note.content])
    assert.equal((await at.reader.tools.actors.find(original.authorId))!.uri, zoe.id)
    at.reader.pass(SECOND)
    accepted(await at.inboxes.post(ann, ann.does('Undo', share.id), ''))
    assert.ok((await at.reader.post(share.id as string))!.deletedAt)
  })
})
