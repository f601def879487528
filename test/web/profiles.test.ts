import assert from 'node:assert/strict'
import { actorFacts } from '../../src/federation/fetch-actor.ts'
import type { Account, Actor } from '../../src/model/kept.ts'
import { readActor } from '../../src/protocol/actor-document.ts'
import { readJsonObject } from '../../src/protocol/json-ld.ts'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

describe('profiles', () => {
  let node: TestNode
  let owner: Visitor & { csrf: string }
  let stranger: Visitor
  let alice: Account
  let bob: Actor
  before(async () => {
    node = await startNode({ accounts: ['alice'], work: false })
    owner = await signIn(node)
    stranger = visitor(node)
    const profile = {
      ...{ ids: [], kind: 'person' as const, displayName: 'Alice', bio: 'Writes of bridges.', homepage: 'https://blog.example/' },
      ...{ location: 'Basel', avatar: { url: 'https://blog.example/icon.png' } }
    }
    alice = await accountOf(node.tools, 'alice')
    await node.tools.actors.keep({ uri: alice.uri, profile }, new Date())
    alice = await accountOf(node.tools, 'alice')
    bob = await meet(node.tools, 'bob')
    await node.tools.follows.add({ followerId: bob.id, followedId: alice.id, via: 'inbox' }, new Date())
    await node.tools.follows.add({ followerId: alice.id, followedId: bob.id, via: 'feed' }, new Date())
  })
  after(() => node?.close())

  it('S2b show picture, bio, place and a homepage that is theirs by rel=me, as an h-card in an h-feed', async () => {
    const { text } = await stranger.get('/users/alice')
    assert.match(text, /<div class="h-feed">\s*<section class="profile p-author h-card">/)
    assert.match(text, /<img class="avatar large u-photo" src="\/media\/\w{17}" alt="" width="64" height="64"/)
    assert.match(text, /class="p-name u-url u-uid" href="\/users\/alice"/)
    assert.match(text, /<p class="p-note" dir="auto">Writes of bridges\.<\/p>/)
    assert.match(text, /<a class="u-url" rel="me noopener" href="https:\/\/blog\.example\/">/)
    assert.match(text, /<dd class="p-locality" dir="auto">Basel</)
  })

  it('S2b X41 show what people tell of themselves as a table, cleaned, where their server tells it', async () => {
    const told = [
      { type: 'PropertyValue', name: 'Site', value: '<a href="https://carol.example" rel="me" onclick="x()">carol.example</a>' },
      { type: 'PropertyValue', name: '<b>Pronouns</b>', value: '<script>alert(1)</script>she' },
      { type: 'Image', name: 'none', value: 'none' },
      { type: 'PropertyValue', name: 'empty', value: '' }
    ]
    const text = JSON.stringify({ id: 'https://a.example/carol', type: 'Person', inbox: 'https://a.example/carol/inbox', attachment: told })
    const document = readActor(readJsonObject(Buffer.from(text)))!
    const carol = await node.tools.actors.keep(actorFacts(document), new Date())
    const page = (await owner.get(`/people/${carol.id}`)).text
    assert.match(
      page,
      /<dt><bdi>Site<\/bdi><\/dt><dd dir="auto"><a href="https:\/\/carol\.example\/" rel="nofollow noopener noreferrer">carol\.example<\/a>/
    )
    assert.match(page, /<dt><bdi>&lt;b&gt;Pronouns&lt;\/b&gt;<\/bdi><\/dt><dd dir="auto">she<\/dd>/)
    assert.doesNotMatch(page, />none<|>empty<|onclick/)
  })

  it('W33 lead visitors to their own server to follow, and not the owner', async () => {
    const { text } = await stranger.get('/users/alice')
    assert.match(text, new RegExp(`Follow from your own server[\\s\\S]*action="/remote"[\\s\\S]*name="url" value="${alice.uri}"`))
    assert.doesNotMatch((await owner.get('/users/alice')).text, /action="\/remote"/)
  })

  it('tell how many follow and are followed, and list them: to the owner with the way by which each follows', async () => {
    assert.match(
      (await stranger.get('/users/alice')).text,
      /href="\/users\/alice\/followers">1 follower<[\s\S]*href="\/users\/alice\/following">follows 1</
    )
    const seen = (await stranger.get('/users/alice/followers')).text
    assert.match(seen, /Who follows Alice[\s\S]*@bob@a\.example/)
    assert.doesNotMatch(seen, /ActivityPub|\/log\/followers/)
    assert.match(seen, /<a class="p-name u-url" href="https:\/\/a\.example\/bob" rel="nofollow/)
    const own = (await owner.get('/users/alice/followers')).text
    assert.match(own, new RegExp(`href="/log/followers"[\\s\\S]*href="/people/${bob.id}"[\\s\\S]*class="via">ActivityPub<`))
    assert.match((await owner.get('/users/alice/following')).text, /Whom Alice follows[\s\S]*class="via">Feed</)
  })

  it('X47 the lists are pages for browsers, and collections for everybody else, at one address', async () => {
    for (const side of ['followers', 'following']) {
      for (const [accept, type] of [
        ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html; charset=utf-8'],
        ['application/activity+json', 'application/activity+json; charset=utf-8'],
        [
          'application/ld+json; profile="https://www.w3.org/ns/activitystreams", text/html;q=0.1',
          'application/activity+json; charset=utf-8'
        ],
        ['*/*', 'application/activity+json; charset=utf-8'],
        ['', 'application/activity+json; charset=utf-8']
      ]) {
        const { headers, status } = await stranger.get(`/users/alice/${side}`, { accept: accept! })
        assert.deepEqual([status, headers.get('content-type')], [200, type], accept)
        assert.match(headers.get('vary') ?? '', /Accept/)
      }
      for (const path of [`/users/nobody/${side}`, `/users/alice/${side}?before=x`])
        assert.equal((await stranger.get(path)).status, 404, path)
      assert.equal((await stranger.get(`/users/alice/${side}`)).headers.get('x-robots-tag'), 'noindex')
    }
  })

  it('F4 the lists go on where the page before ended', async () => {
    const many = await startNode({ accounts: ['alice'], work: false })
    try {
      const account = await accountOf(many.tools, 'alice')
      for (let n = 0; n < 120; n++) {
        const { id } = await meet(many.tools, `n${n}`)
        await many.tools.follows.add({ followerId: id, followedId: account.id, via: 'salmon' }, new Date())
      }
      const seen: string[] = []
      let path: string | undefined = '/users/alice/followers'
      while (path !== undefined) {
        const { text } = await visitor(many).get(path)
        seen.push(...[...text.matchAll(/class="handle">(@n\d+@)/g)].map(([, handle]) => handle!))
        const [, older] = /rel="next" href="([^"]+)"/.exec(text) ?? []
        path = older && `/users/alice/followers${older}`
      }
      assert.deepEqual([seen.length, new Set(seen).size], [120, 120])
    } finally {
      await many.close()
    }
  })

  it('S2b public pages tell by Open Graph what they are: own profiles and posts, and nothing of what is guarded', async () => {
    const picture = { url: 'https://blog.example/river.png', type: 'image/png', title: 'A river' }
    const card = async (path: string) =>
      Object.fromEntries(
        [...(await stranger.get(path)).text.matchAll(/<meta property="og:([\w:]+)" content="([^"]*)">/g)].map(([, name, value]) => [
          name,
          value
        ])
      )
    const profile = await card('/users/alice')
    assert.deepEqual([profile.type, profile.title, profile.url, profile.description], ['profile', 'Alice', alice.uri, 'Writes of bridges.'])
    assert.match(profile.image!, new RegExp(`^${node.url}/media/\\w{17}$`))
    const post = await keepPost(node.tools, alice, { title: 'On "bridges"', html: '<p>They stand.</p>', enclosures: [picture] })
    const told = await card(`/users/alice/posts/${post.id}`)
    assert.deepEqual(
      [told.type, told.title, told.url, told.description, told['image:alt']],
      ['article', 'Alice: On &quot;bridges&quot;', post.uri, 'They stand.', 'A river']
    )
    assert.match(told.image!, new RegExp(`^${node.url}/media/\\w{17}$`))
    const guarded = await keepPost(node.tools, alice, { warning: 'Heights', html: '<p>Very high.</p>', enclosures: [picture] })
    const little = await card(`/users/alice/posts/${guarded.id}`)
    assert.deepEqual([little.description, little.image, little.title], ['Heights', undefined, 'Alice: Heights'])
    assert.equal((await card('/')).type, 'website')
    assert.deepEqual(await card('/search?q=bridges'), {})
  })

  it('S2b posts are h-entries with author, time, tags and what they answer; comments are cited', async () => {
    const post = await keepPost(node.tools, alice, { html: '<p>asked</p>', tags: ['bridges'] })
    const answer = await keepPost(node.tools, bob, {
      html: '<p>answered</p>',
      inReplyTo: post.uri,
      inReplyToUrl: post.url!,
      parentId: post.id
    })
    const { text } = await stranger.get(`/users/alice/posts/${post.id}`)
    const [first = '', second = ''] = text.split('<article').slice(1)
    assert.match(
      first,
      /class="post h-entry"[\s\S]*class="who p-author h-card"[\s\S]*u-photo[\s\S]*class="p-name u-url"[\s\S]*dt-published[\s\S]*e-content[\s\S]*p-category/
    )
    assert.match(second, new RegExp(`class="post h-cite" id="p${answer.id}"[\\s\\S]*class="u-in-reply-to"[^>]* href="${post.url}"`))
    assert.match((await stranger.get('/')).text, /<div class="h-feed">\s*<h1 class="p-name">Posts<[\s\S]*class="post h-entry"/)
  })
})
