import assert from 'node:assert/strict'
import { favourite, share, undo } from '../../src/federation/act.ts'
import { follow, unfollow } from '../../src/federation/follow.ts'
import { edit, publish, remove } from '../../src/federation/publish.ts'
import { NS } from '../../src/protocol/names.ts'
import { attribute, child, children, text } from '../../src/protocol/xml.ts'
import { activity, atom, elements, hrefs, object, SCHEMA } from '../support/atom.ts'
import { type Neighbour, startWriter, type Writer } from '../support/writer.ts'

const ANN = 'https://hub.example/users/ann'

describe('what we send by Salmon', () => {
  let writer: Writer
  let bob: Neighbour
  beforeEach(async () => {
    writer = await startWriter()
    bob = await writer.neighbour('bob')
  })
  afterEach(() => writer?.close())

  const mention = async (words: string) => {
    const post = await publish(writer.tools, writer.ann, { text: `@bob@bob.example ${words}` })
    await writer.work()
    return post
  }
  const list = () => writer.tools.deliveries.list({ failed: false, limit: 100 })

  /** Every kind of act, each about bob or a post of his. */
  const acts: Record<string, () => Promise<unknown>> = {
    mention: () => mention('hello'),
    reply: async () => publish(writer.tools, writer.ann, { text: 'yes', replyTo: (await bob.post()).uri }),
    share: async () => share(writer.tools, writer.ann, (await bob.post()).uri),
    favourite: async () => favourite(writer.tools, writer.ann, (await bob.post()).uri),
    unfavourite: async () => {
      const post = await bob.post()
      await favourite(writer.tools, writer.ann, post.uri)
      await undo(writer.tools, writer.ann, post.uri)
    },
    unshare: async () => {
      const post = await bob.post()
      await share(writer.tools, writer.ann, post.uri)
      await writer.work()
      await undo(writer.tools, writer.ann, post.uri)
    },
    follow: () => followBob(),
    unfollow: async () => {
      await followBob()
      await unfollow(writer.tools, bob.actor, writer.ann)
    },
    delete: async () => remove(writer.tools, writer.ann, await mention('soon gone'))
  }

  /** bob is known, and his feed is read already: nothing but the follow is left to do. */
  async function followBob(): Promise<void> {
    const feed = { url: 'https://bob.example/1.atom', topic: 'https://bob.example/1.atom', actorId: bob.actor.id }
    const { id } = await writer.tools.subscriptions.add(feed, writer.tools.clock())
    await writer.tools.subscriptions.change(id, { state: 'polling', endedAt: null })
    await follow(writer.tools, 'bob@bob.example', { as: writer.ann })
  }

  for (const [name, act] of Object.entries(acts)) {
    it(`S1 S3 S4 S6 M1 M9 an envelope of a kind (${name}) is one that GNU social takes`, async () => {
      await act()
      await writer.work()
      const { entry, knock, xml } = bob.slaps().at(-1)!
      assert.deepEqual(knock.headers, { 'content-type': 'application/magic-envelope+xml' })
      assert.match(knock.body, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<me:env xmlns:me=/)
      assert.match(xml, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<entry xmlns="http:\/\/www\.w3\.org\/2005\/Atom"/)
      const author = child(entry, NS.atom, 'author')
      assert.deepEqual([atom(author!, 'uri'), atom(author!, 'email')], [ANN, 'ann@hub.example'])
      const thread = child(entry, NS.thr, 'in-reply-to')
      const about = child(entry, NS.activity, 'object')
      const concerned = [...hrefs(entry, 'mentioned'), about && atom(about, 'id')].includes(bob.actor.uri)
      assert.ok(concerned || attribute(thread!, 'ref')?.startsWith('tag:bob.example'), xml)
      assert.ok(!hrefs(entry, 'mentioned').includes(bob.actor.url), 'the user URI, not the profile page')
    })

    it(`F6 the first id, verb, author and content (${name}) are those of the entry itself`, async () => {
      await act()
      await writer.work()
      const { activity: read, xml } = bob.slaps().at(-1)!
      assert.equal(/<id>([^<]*)/.exec(xml)?.[1], read.id)
      assert.equal(/<uri>([^<]*)/.exec(xml)?.[1], ANN)
      const [verb, content, foreign] = [xml.indexOf('<activity:verb'), xml.indexOf('<content'), xml.indexOf('<activity:object>')]
      assert.ok(verb > 0 && content > verb && (foreign < 0 || foreign > content))
    })
  }

  const meanings: [name: string, verb: string, object: string, written: string][] = [
    ['mention', 'post', 'post', 'post'],
    ['reply', 'post', 'post', 'post'],
    ['share', 'share', 'post', 'share'],
    ['favourite', 'favourite', 'post', 'favorite'],
    ['unfavourite', 'undo', 'activity', 'unfavorite'],
    ['unshare', 'delete', 'post', 'delete'],
    ['follow', 'follow', 'actor', 'follow'],
    ['unfollow', 'undo', 'activity', 'http://ostatus.org/schema/1.0/unfollow'],
    ['delete', 'delete', 'post', 'delete']
  ]
  for (const [name, verb, type, written] of meanings) {
    it(`S8 M9 X1-X5 an act (${name}) reads back as what it is, under the verb that peers compare`, async () => {
      await acts[name]!()
      await writer.work()
      const { activity: read, entry } = bob.slaps().at(-1)!
      assert.deepEqual([read.verb, read.object.type, read.actor?.ids[0]], [verb, type, ANN])
      assert.equal(activity(entry, 'verb'), written.startsWith('http') ? written : SCHEMA + written)
    })
  }

  it('S7 a favourite has in-reply-to as well as its object, and the author of the post in it', async () => {
    const post = await bob.post('<p>a &lt; b</p>')
    await favourite(writer.tools, writer.ann, post.url!)
    await writer.work()
    const { activity: read, entry } = bob.slaps()[0]!
    const thread = child(entry, NS.thr, 'in-reply-to')!
    assert.deepEqual([attribute(thread, 'ref'), attribute(thread, 'href')], [post.uri, post.url])
    assert.deepEqual([atom(object(entry), 'id'), atom(object(entry), 'content')], [post.uri, post.html])
    assert.equal(atom(child(object(entry), NS.atom, 'author')!, 'uri'), bob.actor.uri)
    assert.equal(atom(entry, 'title'), 'ann favoured a post by bob & co')
    assert.match(read.id, /^https:\/\/hub\.example\/users\/ann\/acts\/[0-9a-z]{17}$/)
  })

  it('X2 a share has an id of its own, one object with its author, and the original’s text', async () => {
    const post = await bob.post('<p>worth it</p>')
    await share(writer.tools, writer.ann, post.uri)
    await writer.work()
    const { activity: read, entry } = bob.slaps()[0]!
    assert.equal(children(entry, NS.activity, 'object').length, 1)
    assert.deepEqual(
      [atom(object(entry), 'id'), atom(entry, 'content'), activity(entry, 'object-type')],
      [post.uri, post.html, `${SCHEMA}activity`]
    )
    assert.match(read.id, /^https:\/\/hub\.example\/users\/ann\/posts\/[0-9a-z]{17}$/)
    assert.deepEqual(hrefs(entry, 'mentioned'), [bob.actor.uri, 'http://activityschema.org/collection/public'])
    assert.equal(child(entry, NS.thr, 'in-reply-to'), undefined)
  })

  it('F11 a reply names the parent by its id, carries its conversation, and mentions its author', async () => {
    const parent = await bob.post()
    await publish(writer.tools, writer.ann, { text: 'yes', replyTo: parent.url! })
    await writer.work()
    const { entry } = bob.slaps()[0]!
    assert.equal(attribute(child(entry, NS.thr, 'in-reply-to')!, 'ref'), parent.uri)
    assert.equal(text(child(entry, NS.ostatus, 'conversation')), parent.conversation)
    assert.equal(activity(entry, 'object-type'), `${SCHEMA}comment`)
    assert.ok(hrefs(entry, 'mentioned').includes(bob.actor.uri))
  })

  it('X4 a delete bears the dead post’s id in the entry, its object and its target, and says something', async () => {
    const post = await mention('soon gone')
    await remove(writer.tools, writer.ann, post)
    await writer.work()
    const { entry } = bob.slaps()[1]!
    const target = child(entry, NS.activity, 'target')!
    assert.deepEqual([atom(entry, 'id'), atom(object(entry), 'id'), atom(target, 'id')], [post.uri, post.uri, post.uri])
    assert.notEqual(atom(entry, 'content'), '')
  })

  it('F8 X5 each unfollow has a fresh id, and what is done again is later than its undoing', async () => {
    for (let round = 0; round < 2; round++) {
      await followBob()
      await unfollow(writer.tools, bob.actor, writer.ann)
    }
    await writer.work()
    const told = bob.slaps().map(slap => slap.activity)
    assert.equal(new Set(told.map(one => one.id)).size, 4)
    assert.ok(told[2]!.updated! > told[1]!.updated!, 'whole seconds: at the same one the undoing wins')
  })

  it('X5 a follow names the person by the user URI; Pleroma alone gets the other unfollow', async () => {
    await acts.unfollow!()
    await writer.work()
    const [follows] = bob.slaps()
    assert.equal(atom(object(follows!.entry), 'id'), bob.actor.uri)
    assert.ok(elements(object(follows!.entry)).some(element => element.local === 'preferredUsername'))
    const topic = 'https://bob.example/1.atom'
    const { id } = (await writer.tools.subscriptions.findByTopic(topic))!
    await writer.tools.subscriptions.change(id, { hubs: ['https://bob.example/push/hub/bob'] })
    await followBob()
    await unfollow(writer.tools, bob.actor, writer.ann)
    await writer.work()
    assert.equal(activity(bob.slaps().at(-1)!.entry, 'verb'), `${SCHEMA}unfollow`)
  })

  it('M8 goes once to an endpoint that several share, and to nobody who has none or lives here', async () => {
    const carl = await writer.neighbour('carl', 'bob.example', { uri: 'https://bob.example/user/2' })
    const dora = await writer.neighbour('dora')
    await writer.tools.actors.keep({ uri: 'https://mute.example/eve', acct: 'eve@mute.example' }, writer.tools.clock())
    const words = '@bob@bob.example @carl@bob.example @dora@dora.example @eve@mute.example @bob@hub.example'
    const post = await publish(writer.tools, writer.ann, { text: words })
    await writer.work()
    assert.deepEqual(
      [bob.endpoint.callback, carl.endpoint.callback].map(url => url),
      Array(2).fill('https://bob.example/salmon/1')
    )
    assert.deepEqual([carl.slaps().length, dora.slaps().length, (await list()).length], [1, 1, 2])
    assert.equal(post.mentions.length, 5)
  })

  it('M8 tells of an edit and of the delete also those who are mentioned no more, and nobody twice', async () => {
    const post = await mention('and more')
    await edit(writer.tools, writer.ann, post, { text: 'nobody any more' })
    await writer.work()
    const changed = (await writer.tools.history.find(post.id))!
    assert.deepEqual(changed.mentions, [])
    await remove(writer.tools, writer.ann, changed)
    await remove(writer.tools, writer.ann, changed)
    await writer.work()
    assert.deepEqual(
      bob.slaps().map(slap => slap.activity.verb),
      ['post', 'post', 'delete']
    )
  })
})
