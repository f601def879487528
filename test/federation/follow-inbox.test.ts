/** To follow by ActivityPub: who is asked, when it is true, and how it ends (S3-9, S3-11, X19). */
import assert from 'node:assert/strict'
import { addAccount } from '../../src/federation/accounts.ts'
import { deliver } from '../../src/federation/deliver.ts'
import { follow as followVerb, meet, unfollow } from '../../src/federation/follow.ts'
import { sendFollow } from '../../src/federation/follow-inbox.ts'
import { authorXml, feedXml, linkXml } from '../support/atom-documents.ts'
import { jrd, webFinger } from '../support/discovery.ts'
import { ACTIVITY, accepted, activityPage, type Json, makeInboxes, makePerson, type Person, PUBLIC } from '../support/fediverse.ts'
import { type Reader, startReader } from '../support/reader.ts'

describe('following by ActivityPub', () => {
  let reader: Reader
  let inboxes: ReturnType<typeof makeInboxes>
  let count = 0
  before(async () => {
    reader = await startReader({ TRUST_PROXY: '1' })
    inboxes = makeInboxes(reader)
  })
  after(() => reader.close())

  const someone = (): Person => {
    const ann = makePerson(reader.net, `p${++count}`)
    reader.net.set(`POST ${ann.inbox}`, { status: 202 })
    return ann
  }
  const follow = ({ host, name }: Person, options = {}) => reader.follow(`@${name}@${host}`, options)
  /** Does what the queue holds: what came to the inbox of somebody since the last look. */
  const sent = async ({ inbox }: Person): Promise<Json[]> => {
    const from = reader.net.sent.length
    for (const name of ['activity.follow', 'deliver'] as const)
      for (const data of await inboxes.jobs(name)) {
        if ('recipients' in data) await deliver(reader.tools, data.recipients)
        else await sendFollow(reader.tools, data)
      }
    const came = reader.net.sent.slice(from).filter(({ method, url }) => method === 'POST' && url === inbox)
    return came.map(({ body }) => JSON.parse(body) as Json)
  }
  const actorOf = async ({ id }: Person) => (await reader.tools.actors.findByUri(id))!
  const isFollowed = async (ann: Person) => (await reader.tools.follows.find(reader.bob.id, (await actorOf(ann)).id))?.via
  const asked = async () => (await reader.tools.follows.asked(reader.bob.id)).map(({ actor }) => actor.uri)
  const accept = async (ann: Person, question: unknown, type = 'Accept') =>
    accepted(await inboxes.post(ann, { id: `${ann.origin}/accepts/${++count}`, type, actor: ann.id, object: question }))
  /** An account that has a feed as well. */
  const withFeed = (ann: Person, entries = '') => {
    const feed = `${ann.id}.atom`
    reader.net.set(feed, {
      headers: { 'content-type': 'application/atom+xml' },
      body: feedXml(`<id>${feed}</id><title>ann’s</title>${authorXml(ann.id)}${linkXml('self', feed)}${entries}`)
    })
    const links = [
      { rel: 'http://schemas.google.com/g/2010#updates-from', type: 'application/atom+xml', href: feed },
      { rel: 'self', type: ACTIVITY, href: ann.id }
    ]
    const subject = `acct:${ann.name}@${ann.host}`
    reader.net.set(webFinger(subject, ann.host), jrd({ subject, aliases: [ann.id], links }))
    return feed
  }

  it('S3-9 S3-11 asks, shows each step, and follows when the Accept has come', async () => {
    const ann = someone()
    const followed = await follow(ann)
    assert.deepEqual([followed.asked, followed.already, followed.subscription], [true, false, undefined])
    assert.deepEqual(
      followed.trace.map(({ step }) => step),
      ['WebFinger', 'actor', 'outbox', 'follow']
    )
    const [question, ...others] = await sent(ann)
    assert.deepEqual(
      [question!.type, question!.actor, question!.object, question!.to, others],
      ['Follow', reader.bob.uri, ann.id, [ann.id], []]
    )
    assert.deepEqual([await isFollowed(ann), (await asked()).includes(ann.id)], [undefined, true])
    await accept(ann, question)
    assert.deepEqual([await isFollowed(ann), (await asked()).includes(ann.id)], ['inbox', false])
    const asking = reader.net.sent.length
    assert.equal((await follow(ann)).already, true)
    assert.deepEqual([await sent(ann), reader.net.sent.length], [[], asking])
  })

  it('S3-11 follows nobody who says no, nor anybody on whose behalf somebody else says yes', async () => {
    const [ann, eve] = [someone(), someone()]
    await follow(ann)
    const [question] = await sent(ann)
    await inboxes.post(eve, { id: `${eve.origin}/1`, type: 'Accept', actor: eve.id, object: question })
    assert.equal(await isFollowed(ann), undefined)
    await accept(ann, question, 'Reject')
    assert.deepEqual([await isFollowed(ann), (await asked()).includes(ann.id)], [undefined, false])
  })

  it('asks again under a new id whoever has not answered', async () => {
    const ann = someone()
    await follow(ann)
    const [first] = await sent(ann)
    await follow(ann)
    const [second] = await sent(ann)
    assert.deepEqual([second!.type, second!.id === first!.id], ['Follow', false])
    await accept(ann, second)
    assert.equal(await isFollowed(ann), 'inbox')
  })

  describe('ends', () => {
    const end = async (ann: Person) => unfollow(reader.tools, await actorOf(ann), reader.bob)

    it('S3-20 with an Undo that bears the Follow', async () => {
      const ann = someone()
      await follow(ann)
      const [question] = await sent(ann)
      await accept(ann, question)
      assert.equal(await end(ann), true)
      const [undo] = await sent(ann)
      const { '@context': _, ...inner } = question!
      assert.deepEqual([undo!.type, undo!.actor, undo!.object], ['Undo', reader.bob.uri, inner])
      assert.equal(await isFollowed(ann), undefined)
      assert.equal(await end(ann), false)
    })

    it('before it was answered, and a late Accept changes nothing', async () => {
      const ann = someone()
      await follow(ann)
      const [question] = await sent(ann)
      assert.equal(await end(ann), true)
      assert.equal((await sent(ann))[0]!.type, 'Undo')
      await accept(ann, question)
      assert.deepEqual([await isFollowed(ann), (await asked()).includes(ann.id)], [undefined, false])
    })

    it('as it was wished last, in whatever order the work is done', async () => {
      const ann = someone()
      await follow(ann)
      await end(ann)
      await follow(ann)
      const jobs = await inboxes.jobs('activity.follow')
      for (const job of jobs.reverse()) await sendFollow(reader.tools, job)
      const came = await sent(ann)
      assert.deepEqual(
        came.map(({ type }) => type),
        ['Follow']
      )
    })
  })

  describe('X19', () => {
    it('reads no feed of whoever is asked', async () => {
      const ann = someone()
      const feed = withFeed(ann)
      await follow(ann)
      assert.ok(!reader.net.requests().includes(`GET ${feed}`))
      assert.equal(await reader.tools.subscriptions.findByTopic(feed), undefined)
    })

    it('leaves the feed by which somebody was read before: one person, read once', async () => {
      const ann = someone()
      const feed = withFeed(ann, '<entry><id>tag:x:1</id><title>x</title><updated>2026-01-01T00:00:00Z</updated></entry>')
      await reader.follow(feed)
      const before = await actorOf(ann)
      assert.equal(await isFollowed(ann), 'feed')
      await reader.tools.subscriptions.change((await reader.tools.subscriptions.findByTopic(feed))!.id, { state: 'gone' })
      await follow(ann)
      assert.equal((await actorOf(ann)).id, before.id)
      const [question] = await sent(ann)
      await accept(ann, question)
      assert.equal(await isFollowed(ann), 'inbox')
      assert.equal((await reader.tools.subscriptions.findByTopic(feed))!.state, 'ended')
    })

    it('asks for every account that read the feed', async () => {
      const ann = someone()
      const feed = withFeed(ann)
      const cora = await addAccount(reader.tools, 'cora')
      await followVerb(reader.tools, feed, { as: cora })
      await reader.tools.subscriptions.change((await reader.tools.subscriptions.findByTopic(feed))!.id, { state: 'gone' })
      await follow(ann)
      assert.deepEqual(new Set((await sent(ann)).map(({ actor }) => actor)), new Set([reader.bob.uri, cora.uri]))
    })

    it('reads the feed where the actor cannot be had, unless it is known that they speak ActivityPub', async () => {
      const ann = someone()
      const feed = withFeed(ann)
      reader.net.set(ann.id, { status: 500 })
      const { subscription, trace } = await follow(ann)
      assert.equal(subscription?.topic, feed)
      assert.match(trace.find(({ step }) => step === 'actor')?.failed ?? '', /500/)
      const eve = someone()
      withFeed(eve)
      await follow(eve)
      await unfollow(reader.tools, await actorOf(eve), reader.bob)
      reader.net.set(eve.id, { status: 500 })
      await assert.rejects(follow(eve), /500/)
    })

    it('reads the feed whose hub is named', async () => {
      const ann = someone()
      const feed = withFeed(ann)
      const { subscription } = await follow(ann, { hub: 'https://hub.example/' })
      assert.deepEqual([subscription?.topic, subscription?.fixedHub], [feed, 'https://hub.example/'])
    })
  })

  it('takes an address that is an actor itself, at a server without WebFinger', async () => {
    const ann = someone()
    reader.net.set(webFinger(`acct:${ann.name}@${ann.host}`, ann.host), { status: 404 })
    const { actor, asked: isAsked } = await reader.follow(ann.id)
    assert.deepEqual([actor.uri, actor.acct, isAsked], [ann.id, undefined, true])
  })

  it('S3-11 does not ask from a node that nobody can answer', async () => {
    const lonely = await startReader({ PUBLIC_URL: 'http://127.0.0.1:3997' })
    try {
      const ann = makePerson(lonely.net, 'far')
      await assert.rejects(lonely.follow(`${ann.name}@${ann.host}`), /ActivityPub only/)
      assert.ok(!lonely.net.requests().includes(`GET ${ann.id}`))
    } finally {
      await lonely.close()
    }
  })

  it('W38 meets whoever is mentioned by ActivityPub, and asks nothing', async () => {
    const ann = someone()
    const actor = await meet(reader.tools, `acct:${ann.name}@${ann.host}`)
    assert.deepEqual([actor.speaks, actor.inboxUrl, actor.acct], ['activitypub', ann.inbox, `${ann.name}@${ann.host}`])
    assert.deepEqual([await sent(ann), await isFollowed(ann)], [[], undefined])
  })

  describe('W4 the outbox', () => {
    const write = (ann: Person, items: unknown[], page = `${ann.id}/outbox?page=true`) => {
      reader.net.set(`${ann.id}/outbox`, activityPage({ id: `${ann.id}/outbox`, type: 'OrderedCollection', first: page }))
      reader.net.set(page, activityPage({ id: page, type: 'OrderedCollectionPage', orderedItems: items }))
    }
    const kept = async (ann: Person) => (await reader.tools.timelines.all({ limit: 100 }, (await actorOf(ann)).id)).map(({ uri }) => uri)

    it('fills the history, of posts and shares', async () => {
      const ann = someone()
      const [one, two] = [ann.note(), ann.note({ published: '2026-01-10T11:30:00Z' })]
      write(ann, [
        ann.does('Announce', 'https://else.example/notes/1', { published: '2026-01-10T11:40:00Z' }),
        ann.does('Create', two),
        one
      ])
      const { fresh } = await follow(ann)
      assert.equal(fresh, 3)
      assert.deepEqual((await kept(ann)).slice(1), [two.id, one.id])
    })

    it('X10 speaks for its owner alone', async () => {
      const [ann, eve] = [someone(), someone()]
      const strange = [
        eve.does('Create', eve.note()),
        ann.does('Create', eve.note()),
        ann.does('Create', { ...ann.note(), attributedTo: eve.id }),
        ann.does('Create', `${ann.origin}/notes/only-named`),
        { ...ann.does('Announce', eve.note()), id: `${eve.origin}/x` },
        ann.does('Delete', `${ann.origin}/notes/1`),
        'https://else.example/',
        null,
        { type: 'Create' }
      ]
      write(ann, [...strange, ann.does('Create', ann.note({ content: 'mine' }))])
      assert.equal((await follow(ann)).fresh, 1)
      assert.equal((await kept(ann)).length, 1)
    })

    it('is read to twenty posts, and by two requests', async () => {
      const ann = someone()
      write(
        ann,
        Array.from({ length: 30 }, () => ann.does('Create', ann.note({ to: [PUBLIC] })))
      )
      assert.equal((await follow(ann)).fresh, 20)
      assert.equal(reader.net.requests().filter(asked => asked.includes(`${ann.id}/outbox`)).length, 2)
    })

    it('may be missing, elsewhere or nonsense', async () => {
      const [missing, elsewhere, nonsense] = [someone(), someone(), someone()]
      elsewhere.describe({ outbox: 'https://else.example/outbox' })
      reader.net.set(`${nonsense.id}/outbox`, { headers: { 'content-type': ACTIVITY }, body: '[]' })
      for (const one of [missing, elsewhere, nonsense]) assert.deepEqual([(await follow(one)).fresh, (await follow(one)).asked], [0, true])
      assert.ok(!reader.net.requests().includes('GET https://else.example/outbox'))
    })
  })
})
