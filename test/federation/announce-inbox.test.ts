/** What an account does, as those get it who speak ActivityPub (W18, X19, S3-5). */
import assert from 'node:assert/strict'
import { removeAccount } from '../../src/federation/accounts.ts'
import { favourite, share, undo } from '../../src/federation/act.ts'
import { setBlog } from '../../src/federation/blog.ts'
import { settleOrigin } from '../../src/federation/origin.ts'
import { editProfile } from '../../src/federation/profile.ts'
import { edit, ownPost, publish, remove } from '../../src/federation/publish.ts'
import { setUpBlog } from '../../src/federation/set-up.ts'
import type { KeptPost } from '../../src/model/kept.ts'
import { type Activity, type Inhabitant, makeInhabitants } from '../support/inhabitants.ts'
import { keepPost } from '../support/residents.ts'
import { startWriter, type Writer } from '../support/writer.ts'

const PUBLIC = 'https://www.w3.org/ns/activitystreams#Public'

describe('announcing by ActivityPub', () => {
  let writer: Writer
  let fan: Inhabitant
  let bob: Inhabitant
  beforeEach(async () => {
    writer = await startWriter()
    const people = makeInhabitants(writer.hub, writer.ann)
    fan = await people.inhabitant('fan', 'fan.example', { follows: true })
    bob = await people.inhabitant('bob')
  })
  afterEach(() => writer?.close())

  const followers = () => `${writer.ann.uri}/followers`
  const types = async (one: Inhabitant) => (await one.got()).map(({ type }) => type)
  const last = async (one: Inhabitant) => (await one.got()).at(-1)!
  const post = async (text = 'Hi @bob@bob.example') => {
    const made = await publish(writer.tools, writer.ann, { text })
    await writer.work()
    return made
  }
  const bobsPost = (more = {}): Promise<KeptPost> =>
    keepPost(writer.tools, bob.actor, { uri: `https://bob.example/notes/${Math.random()}`, url: 'https://bob.example/@bob/1', ...more })
  const inner = (activity: Activity) => activity.object as Activity & { content?: string; inReplyTo?: string; attributedTo?: string }

  it('S3-5 sends a Create of a note to followers and to who is mentioned, each once', async () => {
    const { uri } = await post()
    assert.deepEqual([await types(fan), await types(bob)], [['Create'], ['Create']])
    const create = await last(bob)
    assert.deepEqual([create.actor, create.to, create.cc], [writer.ann.uri, [PUBLIC], [followers(), bob.actor.uri]])
    assert.deepEqual([inner(create).id, inner(create).type, inner(create).attributedTo], [uri, 'Note', writer.ann.uri])
    assert.deepEqual(await last(fan), create)
  })

  it('sends the tags of a text as Hashtags, and to subscribers as categories', async () => {
    const subscriber = await writer.listener()
    await post('a #Tag for @bob@bob.example')
    const note = inner(await last(bob)) as unknown as { tag: { type: string; name: string; href: string }[]; content: string }
    const { origin } = writer.tools.addresses
    assert.deepEqual(note.tag.at(-1), { type: 'Hashtag', href: `${origin}/search?q=Tag`, name: '#Tag' })
    assert.match(note.content, /<a class="mention hashtag" href="[^"]*" rel="tag">#<span>Tag<\/span><\/a>/)
    assert.match(subscriber.got[0]!.body, /<category term="tag"\/>/)
  })

  it('W18 sends an Update of the same note, and a Delete to everybody who had it', async () => {
    const made = await post()
    await edit(writer.tools, writer.ann, made, { text: 'Hi all' })
    await writer.work()
    assert.deepEqual(
      [await types(fan), await types(bob)],
      [
        ['Create', 'Update'],
        ['Create', 'Update']
      ]
    )
    const update = await last(fan)
    assert.deepEqual([inner(update).id, inner(update).content], [made.uri, '<p>Hi all</p>'])
    await remove(writer.tools, writer.ann, await ownPost(writer.tools, writer.ann, made.uri))
    await writer.work()
    const end = await last(bob)
    assert.deepEqual([end.type, inner(end).type, inner(end).id, end.to], ['Delete', 'Tombstone', made.uri, [PUBLIC]])
    assert.deepEqual(await last(fan), end)
    const ids = (await bob.got()).map(({ id }) => id)
    assert.equal(new Set(ids).size, 3)
  })

  it('W38 answers a post of the fediverse by a Create to its author, under its id', async () => {
    const theirs = await bobsPost()
    await publish(writer.tools, writer.ann, { text: 'Indeed', replyTo: theirs.uri })
    await writer.work()
    const create = await last(bob)
    assert.deepEqual([create.type, inner(create).inReplyTo, create.cc], ['Create', theirs.uri, [followers(), bob.actor.uri]])
  })

  it('sends a share as an Announce to followers and the author, and its end as an Undo of it', async () => {
    const theirs = await bobsPost()
    await share(writer.tools, writer.ann, theirs.uri)
    await writer.work()
    const announce = await last(bob)
    assert.deepEqual([announce.type, announce.object, announce.to], ['Announce', theirs.uri, [PUBLIC]])
    assert.deepEqual([announce.cc, await last(fan)], [[followers(), bob.actor.uri], announce])
    await undo(writer.tools, writer.ann, theirs.uri, 'share')
    await writer.work()
    const end = await last(bob)
    assert.deepEqual([end.type, inner(end).type, inner(end).id, inner(end).object], ['Undo', 'Announce', announce.id, theirs.uri])
    assert.deepEqual(await last(fan), end)
  })

  it('names a post that came by a feed by its ActivityPub id', async () => {
    const theirs = await bobsPost({ uri: 'tag:bob.example,2036:1', activityUrl: 'https://bob.example/notes/x' })
    await share(writer.tools, writer.ann, theirs.uri)
    await favourite(writer.tools, writer.ann, theirs.uri)
    await writer.work()
    assert.deepEqual(
      (await bob.got()).map(({ object }) => object),
      ['https://bob.example/notes/x', 'https://bob.example/notes/x']
    )
  })

  it('sends a Like to the author alone, once, and its Undo with the Like inside', async () => {
    const theirs = await bobsPost()
    for (let times = 0; times < 2; times++) await favourite(writer.tools, writer.ann, theirs.uri)
    await writer.work()
    const like = await last(bob)
    assert.deepEqual([await types(bob), like.object, like.to], [['Like'], theirs.uri, [bob.actor.uri]])
    await undo(writer.tools, writer.ann, theirs.uri)
    await writer.work()
    const end = await last(bob)
    assert.deepEqual([end.type, inner(end).type, inner(end).id, inner(end).object], ['Undo', 'Like', like.id, theirs.uri])
    assert.notEqual(end.id, like.id)
    assert.deepEqual(await types(fan), [])
  })

  it('X19 sends one person nothing twice: who speaks both is told by ActivityPub alone', async () => {
    const both = await writer.neighbour('both')
    const inbox = writer.hub.subscriber('https://both.example/inbox')
    await writer.tools.actors.keep(
      { uri: both.actor.uri, activityPub: { inboxUrl: inbox.callback, signingKeys: [], alsoKnownAs: [] } },
      writer.tools.clock()
    )
    await writer.tools.follows.add({ followerId: both.actor.id, followedId: writer.ann.id, via: 'salmon' }, writer.tools.clock())
    const made = await post('Hi @both@both.example')
    await remove(writer.tools, writer.ann, made)
    await writer.work()
    assert.deepEqual([inbox.got.length, both.endpoint.got.length], [2, 0])
  })

  it('X19 tells by Salmon who speaks nothing else, of the same post', async () => {
    const old = await writer.neighbour('old')
    await post('Hi @old@old.example and @bob@bob.example')
    assert.deepEqual([old.slaps().length, await types(bob), await types(fan)], [1, ['Create'], ['Create']])
  })

  it('S3-9 tells the followers of another name, bio, blog, picture or handle, once each and shared inboxes once', async () => {
    const { inhabitant } = makeInhabitants(writer.hub, writer.ann)
    const [one] = await Promise.all(['one', 'two'].map(name => inhabitant(name, 'many.example', { isShared: true, follows: true })))
    const { tools, ann } = writer
    const told = async () => {
      await writer.work()
      const news = (await fan.got()).map(inner)
      assert.deepEqual((await one!.gotShared()).map(inner), news)
      return news as unknown as Record<string, unknown>[]
    }
    assert.equal(await editProfile(tools, ann, { title: 'Ann!', bio: 'a < b' }), true)
    assert.equal(await editProfile(tools, ann, { title: ' Ann! ' }), false)
    const [first] = await told()
    assert.deepEqual([first!.id, first!.type, first!.name, first!.summary], [ann.uri, 'Person', 'Ann!', '<p>a &lt; b</p>'])
    const update = await last(fan)
    assert.deepEqual([update.type, update.actor, update.to, update.cc], ['Update', ann.uri, [PUBLIC], [followers()]])
    assert.ok((update['@context'] as unknown[]).includes('https://w3id.org/security/multikey/v1'))
    const blog = { url: 'https://ann.example/', name: 'ann', title: 'Ann!', icon: 'https://ann.example/icon.png' }
    for (const _ of [1, 2]) await setUpBlog(tools, blog)
    await setBlog(tools, ann, 'https://ann.example/other/')
    const handleHost = 'ann.example'
    for (const _ of [1, 2]) {
      await tools.settings.keep('origin', tools.config.publicUrl)
      await settleOrigin({ ...tools, addresses: { ...tools.addresses, handleHost } })
    }
    const news = await told()
    assert.deepEqual(
      news.map(({ attachment, icon, webfinger }) => [
        (attachment as { value: string }[] | undefined)?.[0]?.value.match(/href="([^"]*)"/)?.[1],
        (icon as { url: string } | undefined)?.url,
        webfinger
      ]),
      [
        [undefined, undefined, ann.acct],
        ['https://ann.example/', blog.icon, ann.acct],
        ['https://ann.example/other/', blog.icon, ann.acct],
        ['https://ann.example/other/', blog.icon, 'ann@ann.example']
      ]
    )
  })

  it('S3-33 tells the followers when an account is closed', async () => {
    await removeAccount(writer.tools, 'ann')
    await writer.work()
    const end = await last(fan)
    assert.deepEqual([end.type, end.actor, end.object], ['Delete', writer.ann.uri, writer.ann.uri])
  })

  it('W29 sends no activity of a post that is for followers, and one that is direct to whom it mentions alone', async () => {
    for (const visibility of ['followers', 'direct'] as const) {
      const secret = await keepPost(writer.tools, writer.ann, { visibility, mentions: [bob.actor.uri] })
      await writer.tools.queue.add('post.announce', { post: secret.id, act: 'post' })
      await writer.work()
      assert.deepEqual([await types(bob), await types(fan)], [visibility === 'direct' ? ['Create'] : [], []])
    }
  })
})
