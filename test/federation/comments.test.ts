import assert from 'node:assert/strict'
import { type Conversation, conversation, countConversation } from '../../src/federation/comments.ts'
import { approve, block, hide } from '../../src/federation/moderate.ts'
import { BadMessage, Missing } from '../../src/model/errors.ts'
import { PAGE, saidIn, startTalk, type Talk } from '../support/talk.ts'

const BY_INBOX = { inboxUrl: 'https://a.example/inbox', signingKeys: [], alsoKnownAs: [] }

describe('the conversation under a blog post', () => {
  let talk: Talk
  const start = async (env: Record<string, string> = { MODERATION: 'all' }) => {
    talk = await startTalk(env)
  }
  beforeEach(() => start())
  afterEach(() => talk?.close())

  const read = (after?: string) => conversation(talk.tools, PAGE, after)
  const said = ({ comments }: Conversation) => comments.flatMap(({ html }) => saidIn(html))
  const again = async (env: Record<string, string>) => {
    await talk.close()
    await start(env)
  }

  it('W26 is one list of what came by every network, oldest first, with what each answers', async () => {
    const { answerOf, alice, friend, keepAnswers, post, reply, meet } = talk
    const bob = await friend('bob')
    const first = await reply(bob, post)
    const carol = answerOf('carol')
    const own = await reply(alice, first)
    const dave = answerOf('dave', { parentId: carol.id })
    const erin = await reply(await meet('erin', { activityPub: BY_INBOX }), own)
    await keepAnswers([carol, dave])
    const told = await read()
    assert.deepEqual(said(told), ['bob', 'carol', 'alice', 'dave', 'erin'])
    assert.deepEqual(
      told.comments.map(({ id, inReplyTo, network }) => [id, inReplyTo, network]),
      [
        [first.id, undefined, 'ostatus'],
        [`m-${carol.id}`, undefined, 'mastodon'],
        [own.id, first.id, 'local'],
        [`m-${dave.id}`, `m-${carol.id}`, 'mastodon'],
        [erin.id, own.id, 'activitypub']
      ]
    )
    assert.deepEqual([told.url, told.counts.replies], [PAGE, 5])
    assert.deepEqual(told.links, { post: post.uri, toot: 'https://masto.example/@alice/110000000000000001' })
  })

  it('X19 the network of somebody known by both is ActivityPub from then on, whatever else is known of them', async () => {
    const { meet, post, reply } = talk
    const gus = await meet('gus', { salmonUrl: 'https://a.example/gus/salmon' })
    await reply(gus, post)
    const networks = async () => (await read()).comments.map(({ network }) => network)
    assert.deepEqual(await networks(), ['ostatus'])
    await meet('gus', { activityPub: BY_INBOX })
    await meet('gus', { salmonUrl: 'https://a.example/gus/salmon' })
    assert.deepEqual(await networks(), ['activitypub'])
  })

  it('W26 an answer never stands before what it answers, though a clock is wrong or times have whole seconds', async () => {
    const { answerOf, keepAnswers } = talk
    const late = answerOf('late', { published: new Date('2026-03-01T13:00:00Z') })
    const early = answerOf('early', { parentId: late.id, published: new Date('2026-03-01T12:30:00Z') })
    const same = answerOf('same', { parentId: early.id, published: new Date('2026-03-01T13:00:00Z') })
    await keepAnswers([same, early, late])
    assert.deepEqual(said(await read()), ['late', 'early', 'same'])
  })

  it('W26 answers that answer each other in a circle do no harm', async () => {
    const { answerOf, keepAnswers } = talk
    const one = answerOf('one')
    const two = answerOf('two', { parentId: one.id })
    await keepAnswers([{ ...one, parentId: two.id }, two, answerOf('own', { id: '5', parentId: '5' })])
    assert.deepEqual(said(await read()).sort(), ['one', 'own', 'two'])
  })

  it('W26 what came by two networks is there once: the post that we hold, where the other says that it stands', async () => {
    const { answerOf, keepAnswers, meet, personOf, post, reply } = talk
    const person = personOf('bob', 'a.example')
    const bob = await meet('bob', { uri: person.uri })
    const parent = answerOf('carol')
    const byUri = answerOf('bob', { person, parentId: parent.id })
    const byUrl = answerOf('bob', { person })
    await keepAnswers([parent, byUri, byUrl, answerOf('dave', { parentId: byUri.id })])
    const elsewhere = await reply(bob, post, { uri: byUri.uri, parentId: undefined as never, html: '<p>bob says 7</p>' })
    await reply(bob, post, { uri: 'tag:a.example,2026:1', url: byUrl.url })
    const { comments, counts } = await read()
    assert.equal(counts.replies, 4)
    assert.deepEqual(
      comments.filter(({ author }) => author.name === 'bob').map(({ network }) => network),
      ['ostatus', 'ostatus']
    )
    assert.equal(comments.find(({ id }) => id === elsewhere.id)?.inReplyTo, `m-${parent.id}`)
    assert.equal(comments.find(({ html }) => html.includes('dave'))?.inReplyTo, elsewhere.id)
  })

  it('X10 a stranger who claims the id of somebody’s answer neither replaces nor removes it', async () => {
    const { answerOf, keepAnswers, meet, post, reply, tools } = talk
    const carol = answerOf('carol')
    await keepAnswers([carol])
    const mallory = await meet('mallory')
    const stolen = await reply(mallory, post, { uri: carol.uri, url: carol.url, rightful: false })
    await tools.history.remove(mallory.id, stolen.uri, tools.clock())
    assert.deepEqual(said(await read()), ['carol'])
  })

  it('W29 X43 what is for few is never told, whichever way it came', async () => {
    const { answerOf, friend, keepAnswers, post, reply, meet, personOf } = talk
    const bob = await friend('bob')
    for (const visibility of ['followers', 'direct'] as const) await reply(bob, post, { visibility })
    for (const visibility of ['private', 'direct'] as const) await keepAnswers([answerOf('carol', { visibility })])
    const open = await reply(bob, post, { visibility: 'unlisted' })
    // told as public by one way, kept as private by the other: the stricter counts
    const person = personOf('dave', 'a.example')
    const both = answerOf('dave', { person })
    await reply(await meet('dave', { uri: person.uri }), post, { uri: both.uri, visibility: 'direct' })
    await keepAnswers([both, answerOf('erin', { visibility: 'unlisted' })])
    const told = await read()
    assert.deepEqual(said(told), ['bob', 'erin'])
    assert.equal(told.comments[0]!.id, open.id)
  })

  it('X4 what was deleted is gone, also when the server of the toot still tells it; what answered it stays', async () => {
    const { answerOf, friend, keepAnswers, personOf, post, reply, tools } = talk
    const person = personOf('bob', 'a.example')
    const bob = await friend('bob', { uri: person.uri })
    const told = answerOf('bob', { person })
    await keepAnswers([told])
    const gone = await reply(bob, post, { uri: told.uri })
    const below = await reply(await friend('carol'), gone)
    await tools.history.remove(bob.id, gone.uri, tools.clock())
    const { comments } = await read()
    assert.deepEqual(
      comments.map(({ id, inReplyTo }) => [id, inReplyTo]),
      [[below.id, undefined]]
    )
  })

  it('W26 what is not told any more by the server of the toot is gone, and what was edited is as it is now', async () => {
    const { answerOf, keepAnswers } = talk
    const [carol, dave] = [answerOf('carol'), answerOf('dave')]
    await keepAnswers([carol, dave])
    await keepAnswers([{ ...carol, html: '<p>carol says 99</p>', updated: new Date('2026-03-02T00:00:00Z') }])
    const { comments } = await read()
    assert.deepEqual(
      comments.map(({ html, updated }) => [html, updated?.toISOString()]),
      [['<p>carol says 99</p>', '2026-03-02T00:00:00.000Z']]
    )
  })

  it('W32 S1-85 S1-86 likes and shares are people, each once over all networks, and whom the server only counts', async () => {
    const { friend, meet, personOf, post, tools } = talk
    const person = personOf('bob', 'a.example')
    const bob = await friend('bob', { uri: person.uri })
    const carol = await meet('carol')
    const at = { at: tools.clock(), undone: false, postId: post.id, object: post.uri }
    for (const actor of [bob, carol]) await tools.history.act({ ...at, actorId: actor.id, verb: 'favourite' })
    await tools.history.act({ ...at, actorId: carol.id, verb: 'share' })
    await tools.history.act({ ...at, actorId: bob.id, verb: 'share', undone: true })
    const toot = await talk.toot()
    await tools.answers.keepReactions(toot.key, [
      ...[person, personOf('dave')].map(person => ({ verb: 'favourite' as const, person })),
      { verb: 'share', person: personOf('erin') }
    ])
    await tools.toots.change(toot.key, { favourites: 12, shares: 1 })
    const told = await read()
    // bob, carol and dave, and ten whom the server does not name
    assert.deepEqual(told.counts, { replies: 0, likes: 13, shares: 2 })
    assert.deepEqual(told.faces.likes.map(({ handle }) => handle).sort(), ['bob@a.example', 'carol@a.example', 'dave@masto.example'])
    assert.deepEqual(told.faces.shares.map(({ handle }) => handle).sort(), ['carol@a.example', 'erin@masto.example'])
    assert.deepEqual(await countConversation(tools, PAGE), told.counts)
    await block(tools, 'bob@a.example')
    await block(tools, 'masto.example')
    assert.deepEqual(
      (await read()).faces.likes.map(({ name }) => name),
      ['carol']
    )
    assert.deepEqual((await read()).counts, { replies: 0, likes: 1, shares: 1 })
  })

  it('W32 W31 of a hundred who like it none counts who is blocked, nor whom the server only counts as of their kind', async () => {
    const { personOf, tools } = talk
    const { key } = await talk.toot()
    const likers = Array.from({ length: 80 }, (_, n) => personOf(`p${n}`, n < 60 ? 'flood.example' : 'a.example'))
    await tools.answers.keepReactions(
      key,
      likers.map(person => ({ verb: 'favourite', person }))
    )
    await tools.toots.change(key, { favourites: 100 })
    const likes = async () => (await read()).counts.likes
    assert.equal(await likes(), 100)
    await block(tools, 'flood.example')
    assert.equal(await likes(), 25)
    await block(tools, 'a.example')
    assert.equal(await likes(), 0)
  })

  it('W31 S3-36 MODERATION decides: first, all, none', async () => {
    const expected = {
      first: ['alice', 'friend', 'alice'],
      all: ['alice', 'friend', 'stranger', 'carol', 'alice'],
      none: ['alice', 'alice']
    }
    for (const [mode, names] of Object.entries(expected)) {
      await again({ MODERATION: mode })
      const { alice, answerOf, friend, keepAnswers, meet, personOf, post, reply } = talk
      await reply(alice, post)
      await reply(await friend('friend'), post)
      await reply(await meet('stranger'), post)
      await keepAnswers([answerOf('carol'), answerOf('alice', { person: personOf('alice') })])
      assert.deepEqual(said(await read()), names, mode)
    }
  })

  it('W31 an answer to something that waits or is hidden stands under what is shown above it', async () => {
    await again({ MODERATION: 'first' })
    const { friend, meet, post, reply, tools } = talk
    const bob = await friend('bob')
    const top = await reply(bob, post)
    const waits = await reply(await meet('stranger'), top)
    const hidden = await reply(bob, waits)
    const below = await reply(bob, hidden)
    await hide(tools, hidden.uri)
    assert.deepEqual(
      (await read()).comments.map(({ id, inReplyTo }) => [id, inReplyTo]),
      [
        [top.id, undefined],
        [below.id, top.id]
      ]
    )
    await approve(tools, waits.id)
    assert.deepEqual(
      (await read()).comments.map(({ inReplyTo }) => inReplyTo),
      [undefined, top.id, waits.id]
    )
  })

  it('X41 X42 nothing of a stranger runs: markup, names, addresses, pictures', async () => {
    const { answerOf, keepAnswers, meet, personOf, post, reply } = talk
    const evil = '<p onclick="x()">hi<script>alert(1)</script><img src=x onerror=alert(1)><svg><a xlink:href="javascript:x"/></svg>'
    const profile = {
      ids: ['https://a.example/eve'],
      kind: 'person' as const,
      displayName: '\u202e<b>Eve</b>\u0007\n',
      url: 'javascript:alert(1)'
    }
    const eve = await meet('eve', { profile: { ...profile, avatar: { url: 'javascript:alert(1)' } } })
    await reply(eve, post, { html: `${evil}<a href="javascript:alert(1)">a</a>`, url: 'javascript:alert(1)', language: '"><script>' })
    const person = { ...personOf('mal'), name: '<img src=x onerror=alert(1)>', url: 'data:text/html,x', avatar: 'data:image/svg+xml,x' }
    await keepAnswers([answerOf('mal', { person, html: evil, url: 'javascript:alert(1)' })])
    const { comments } = await read()
    const text = JSON.stringify(comments)
    assert.doesNotMatch(text, /javascript:|data:|onclick|<script|<svg|"html":"[^"]*onerror/)
    assert.deepEqual(
      comments.map(({ author }) => author),
      [
        { name: '<b>Eve</b>', handle: 'eve@a.example' },
        { name: '<img src=x onerror=alert(1)>', handle: 'mal@masto.example' }
      ]
    )
    assert.deepEqual(
      comments.map(({ url, language }) => [url, language]),
      [
        [undefined, undefined],
        [undefined, undefined]
      ]
    )
    assert.match(comments[0]!.html, /^<p>hi/)
  })

  it('X25 pictures of others are addresses of ours, one for one picture', async () => {
    const { answerOf, keepAnswers, node, personOf } = talk
    const avatar = 'https://cdn.example/bob.png'
    const person = { ...personOf('bob'), avatar }
    await keepAnswers([answerOf('bob', { person }), answerOf('bob', { person })])
    const shown = (await read()).comments.map(({ author }) => author.avatar)
    assert.match(shown[0]!, new RegExp(`^${node.url}/media/[0-9a-z]{17}$`))
    assert.equal(shown[0], shown[1])
    assert.equal((await read()).comments[0]!.author.avatar, shown[0])
  })

  it('6.4 comes in pages of 200, each comment once, also when something new is said meanwhile', async () => {
    const { answerOf, keepAnswers } = talk
    const answers = Array.from({ length: 450 }, () => answerOf('bob'))
    await keepAnswers(answers)
    const first = await read()
    assert.deepEqual([first.comments.length, first.counts.replies], [200, 450])
    await keepAnswers([...answers, answerOf('late'), answerOf('early', { published: new Date('2026-03-01T12:00:01Z') })])
    const second = await read(first.next)
    const third = await read(second.next)
    assert.deepEqual([second.comments.length, third.comments.length, third.next], [200, 51, undefined])
    const ids = [first, second, third].flatMap(({ comments }) => comments.map(({ id }) => id))
    assert.equal(new Set(ids).size, 451)
    for (const after of ['', 'x', '1.2', '1.2.3.4', "1.2.'", '99999999999999.1.a']) await assert.rejects(read(after), { code: 'cursor' })
  })

  it('S1-46 finds the page in any spelling by which it is known, and a post of ours by its URI', async () => {
    const { alice, post, tools } = talk
    await tools.blogs.addPages(alice.id, 'blog.example/2026/hello', ['blog.example/?p=1'])
    const spellings = [`${PAGE}?utm_source=x#top`, `${PAGE}?fbclid=1`, PAGE.replace('https', 'http'), 'https://blog.example/?p=1', post.uri]
    for (const spelling of spellings) assert.equal((await conversation(tools, spelling)).url, PAGE, spelling)
  })

  it('answers for a page of which nothing but the address is known, and refuses what is none or not ours', async () => {
    const { alice, blogPost, tools } = talk
    await tools.blogs.addPages(alice.id, 'blog.example/old', [])
    assert.deepEqual(await conversation(tools, 'https://blog.example/old/'), {
      ...{ url: 'https://blog.example/old', counts: { replies: 0, likes: 0, shares: 0 }, comments: [] },
      ...{ faces: { likes: [], shares: [] }, links: {} }
    })
    for (const none of ['', 'x', 'javascript:alert(1)', 'ftp://blog.example/', `https://blog.example/${'x'.repeat(3000)}`])
      await assert.rejects(conversation(tools, none), (error: BadMessage) => error instanceof BadMessage && error.code === 'no_url', none)
    for (const other of [
      'https://blog.example/unknown/',
      'https://evil.example/?https://blog.example/2026/hello/',
      `${talk.node.url}/users/alice/posts/x`
    ])
      await assert.rejects(conversation(tools, other), (error: Missing) => error instanceof Missing && error.status === 404, other)
    const dead = await blogPost('https://blog.example/dead/')
    await tools.history.remove(alice.id, dead.uri, tools.clock())
    await assert.rejects(conversation(tools, 'https://blog.example/dead/'), (error: Missing) => error.status === 410)
  })

  it('X29 never asks anybody; a thread that was not read lately is read soon', async () => {
    await talk.tools.toots.change((await talk.toot()).key, { pollAt: new Date('2026-03-01T12:30:00Z') })
    talk.pass(60_000)
    await read()
    assert.deepEqual((await talk.toot()).pollAt, talk.tools.clock())
    assert.deepEqual(talk.internet.requests(), [])
  })
})
