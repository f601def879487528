import assert from 'node:assert/strict'
import type { Actor } from '../../src/model/kept.ts'
import { type Answer, signIn, type Visitor, visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

describe('the pages of a node', () => {
  let node: TestNode
  let owner: Visitor & { csrf: string }
  let stranger: Visitor
  let alice: Actor
  let bob: Actor

  before(async () => {
    node = await startNode({ accounts: ['alice'], work: false })
    owner = await signIn(node)
    stranger = visitor(node)
    alice = await accountOf(node.tools, 'alice')
    bob = await meet(node.tools, 'bob')
    await node.tools.follows.add({ followerId: alice.id, followedId: bob.id, via: 'feed' }, new Date())
  })
  after(() => node.close())

  it('W9 a profile names descriptor, feeds and Salmon endpoint in headers and head, Atom before RSS', async () => {
    const { headers, status, text } = await stranger.get('/users/alice')
    assert.equal(status, 200)
    const resource = encodeURIComponent(`acct:alice@${node.host}`)
    const expected = [
      ['lrdd', 'application/jrd+json', `${node.url}/.well-known/webfinger?resource=${resource}`],
      ['lrdd', 'application/xrd+xml', `${node.url}/.well-known/webfinger.xml?resource=${resource}`],
      ['alternate', 'application/atom+xml', `${node.url}/users/alice.atom`],
      ['alternate', 'application/rss+xml', `${node.url}/users/alice.rss`],
      ['alternate', 'application/feed+json', `${node.url}/users/alice.json`],
      ['salmon', undefined, `${node.url}/users/alice/salmon`],
      ['alternate', 'application/activity+json', `${node.url}/users/alice`]
    ]
    const inHeader = [...(headers.get('link') ?? '').matchAll(/<([^>]*)>; rel="([^"]*)"(?:; type="([^"]*)")?/g)].map(
      ([, url, rel, type]) => [rel, type, url]
    )
    const inHead = [...text.matchAll(/<link rel="(\w+)"(?: type="([^"]*)")?(?: title="[^"]*")? href="([^"]*)">/g)]
      .filter(([, rel]) => rel !== 'stylesheet' && rel !== 'icon')
      .map(([, rel, type, url]) => [rel, type, url])
    assert.deepEqual(inHeader, expected)
    assert.deepEqual(inHead, expected)
  })

  it('F14 the page of a post links its Atom entry and its own address', async () => {
    const post = await keepPost(node.tools, alice)
    const { headers, text } = await stranger.get(`/users/alice/posts/${post.id}`)
    assert.match(text, new RegExp(`<link rel="alternate" type="application/atom\\+xml" href="${post.uri}\\.atom">`))
    assert.match(text, new RegExp(`<link rel="canonical" href="${post.uri}">`))
    assert.match(headers.get('link') ?? '', /\.atom>; rel="alternate"/)
    assert.match(text, new RegExp(`<link rel="alternate" type="application/activity\\+json" href="${post.uri}">`))
    assert.match(headers.get('link') ?? '', new RegExp(`<${post.uri}>; rel="alternate"; type="application/activity\\+json"`))
    assert.match(text, /class="post h-entry"/)
  })

  it('X47 pages vary by Accept, are asked for each time, and answer 304 and HEAD', async () => {
    const post = await keepPost(node.tools, alice)
    for (const path of ['/', '/users/alice', `/users/alice/posts/${post.id}`]) {
      const first = await stranger.get(path)
      const etag = first.headers.get('etag') ?? ''
      assert.match(etag, /^W\/"/)
      assert.deepEqual(first.headers.get('vary')?.split(', ').sort(), ['Accept', 'Accept-Encoding', 'Accept-Language', 'Cookie'])
      assert.equal(first.headers.get('cache-control'), 'no-cache')
      const again = await stranger.get(path, { 'if-none-match': etag })
      assert.deepEqual([again.status, again.text, again.headers.get('etag')], [304, '', etag])
      const head = await stranger.head(path)
      assert.deepEqual([head.status, head.text, head.headers.get('etag')], [200, '', etag])
    }
    assert.equal((await owner.get('/')).headers.get('cache-control'), 'private, no-cache')
  })

  it('names who wrote it as fediverse:creator, of our own accounts and posts alone', async () => {
    const post = await keepPost(node.tools, alice)
    for (const path of ['/users/alice', `/users/alice/posts/${post.id}`])
      assert.match((await stranger.get(path)).text, new RegExp(`<meta name="fediverse:creator" content="@alice@${node.host}">`))
    const bob = await meet(node.tools, 'bob')
    const remote = await keepPost(node.tools, bob)
    for (const path of ['/', `/people/${bob.id}`, `/posts/${remote.id}`])
      assert.doesNotMatch((await owner.get(path)).text, /fediverse:creator/)
  })

  it('X47 gives HTML to whoever does not name ActivityPub', async () => {
    for (const accept of ['*/*', 'application/json', 'text/html', '']) {
      const { headers, status } = await stranger.get('/users/alice', { accept })
      assert.deepEqual([status, headers.get('content-type')], [200, 'text/html; charset=utf-8'], accept)
    }
  })

  it('X41 every page allows no script but our file, no frame and nothing from elsewhere', async () => {
    for (const path of ['/', '/users/alice', '/search', '/signin', '/authorize_interaction?uri=bob@a.example']) {
      const { headers, text } = await owner.get(path)
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'none'/, path)
      assert.match(policy, /form-action 'self'; frame-ancestors 'none'; base-uri 'none'/, path)
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
      assert.match(headers.get('referrer-policy') ?? '', /^(same-origin|no-referrer)$/, path)
      assert.doesNotMatch(text, /<script(?! type="module" src="\/page)|<img|<style| style=| on\w+=/i, path)
    }
  })

  it('X41 tells the same when the page fails', async () => {
    const { headers, status, text } = await stranger.get('/users/%3Cscript%3Ealert(1)')
    assert.equal(status, 404)
    assert.match(headers.get('content-type') ?? '', /^text\/html/)
    assert.doesNotMatch(text, /<script(?! type="module" src="\/page)/)
  })

  it('serves the style sheet under the address that pages name', async () => {
    const [, path = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec((await stranger.get('/')).text) ?? []
    const { headers, status } = await stranger.get(path)
    assert.deepEqual([status, headers.get('content-type')], [200, 'text/css; charset=utf-8'])
    assert.match(headers.get('cache-control') ?? '', /max-age=31536000/)
    assert.equal((await stranger.get(path, { 'if-none-match': headers.get('etag') ?? '' })).status, 304)
  })

  it('F15 answers 410 for what was here and 404 for what never was', async () => {
    const dead = await keepPost(node.tools, alice)
    const remote = await keepPost(node.tools, bob)
    await node.tools.history.remove(alice.id, dead.uri, new Date())
    const never = '0'.repeat(17)
    const table: [Visitor, string, number][] = [
      [stranger, `/users/alice/posts/${dead.id}`, 410],
      [owner, `/users/alice/posts/${dead.id}`, 410],
      [stranger, `/users/alice/posts/${never}`, 404],
      [stranger, '/users/alice/posts/x', 404],
      [stranger, `/users/alice/posts/${remote.id}`, 404],
      [stranger, `/users/nobody/posts/${dead.id}`, 404],
      [stranger, '/users/nobody', 404],
      [stranger, '/users/ALICE', 404],
      [stranger, `/people/${bob.id}`, 404],
      [stranger, `/posts/${remote.id}`, 404],
      [owner, `/people/${never}`, 404],
      [owner, '/people/%00', 404],
      [owner, `/posts/${never}`, 404],
      [owner, `/people/${bob.id}`, 200],
      [owner, `/posts/${remote.id}`, 200]
    ]
    for (const [who, path, status] of table) assert.equal((await who.get(path)).status, status, path)
  })

  it('names to the owner whom a post answers, in a list and in a thread', async () => {
    const post = await keepPost(node.tools, bob)
    const answer = await keepPost(node.tools, alice, { inReplyTo: post.uri, parentId: post.id })
    for (const path of ['/users/alice', `/users/alice/posts/${answer.id}`])
      assert.match((await owner.get(path)).text, new RegExp(`In reply to <a href="/posts/${post.id}">a post by <bdi>[^<]*bob`, 'i'), path)
  })

  it('F15 whoever may be the owner is offered the way in, whether there is something or not', async () => {
    const remote = await keepPost(node.tools, bob)
    const never = '0'.repeat(17)
    const pages = []
    for (const path of [`/posts/${remote.id}`, `/posts/${never}`, `/people/${bob.id}`, `/people/${never}`]) {
      const { status, text } = await stranger.get(path)
      assert.equal(status, 404)
      assert.ok(text.includes(`If that is you, <a href="/signin?next=${encodeURIComponent(path)}">sign in</a>`), path)
      pages.push(text.replaceAll(encodeURIComponent(path), ''))
    }
    assert.deepEqual([pages[0] === pages[1], pages[2] === pages[3]], [true, true])
  })

  it('the owner stays signed in on the page of a failure', async () => {
    for (const path of [`/posts/${'0'.repeat(17)}`, '/users/nobody', '/nothing/here']) {
      const { headers, status, text } = await owner.get(path)
      assert.deepEqual([status, headers.get('cache-control')], [404, 'no-store'])
      assert.match(text, /action="\/signout"/, path)
      assert.doesNotMatch(text, /href="\/signin/, path)
    }
    const refused = await owner.post('/signout', { csrf: 'wrong' })
    assert.deepEqual([refused.status, /action="\/signout"/.test(refused.text)], [403, true])
  })

  it('F15 answers 410 for an account that was closed', async () => {
    const other = await startNode({ accounts: ['gone'], work: false })
    try {
      const post = await keepPost(other.tools, await accountOf(other.tools, 'gone'))
      await other.tools.actors.removeAccount('gone', new Date())
      for (const path of ['/users/gone', `/users/gone/posts/${post.id}`]) assert.equal((await visitor(other).get(path)).status, 410, path)
      assert.doesNotMatch((await visitor(other).get('/')).text, /class="post /)
    } finally {
      await other.close()
    }
  })

  it('leads from the general address of an own post or account to its own', async () => {
    const post = await keepPost(node.tools, alice)
    assert.equal((await owner.get(`/posts/${post.id}`)).location, `/users/alice/posts/${post.id}`)
    assert.equal((await owner.get(`/people/${alice.id}`)).location, '/users/alice')
  })

  it('W49 keeps pages about others out of search engines', async () => {
    const post = await keepPost(node.tools, bob)
    for (const path of [`/people/${bob.id}`, `/posts/${post.id}`, '/search?q=post']) {
      const { headers, text } = await owner.get(path)
      assert.equal(headers.get('x-robots-tag'), 'noindex', path)
      assert.match(text, /<meta name="robots" content="noindex">/, path)
    }
    assert.doesNotMatch((await stranger.get('/users/alice')).text, /noindex/)
  })

  it('X42 nothing that a stranger says of themselves becomes markup or runs', async () => {
    const hostile = '"><script>alert(1)</script>'
    const eve = await meet(node.tools, 'eve', {
      profile: { ids: [], kind: 'person', displayName: hostile, bio: hostile, url: 'javascript:alert(1)', homepage: 'javascript:alert(2)' }
    })
    const post = await keepPost(node.tools, eve, {
      ...{
        title: hostile,
        warning: hostile,
        language: '" onclick="alert(3)',
        tags: [hostile],
        url: 'javascript:alert(4)',
        inReplyToUrl: 'data:text/html,x'
      },
      html: '<p onclick="alert(5)">text<script>alert(6)</script><a href="javascript:alert(7)">link</a><img src=x onerror=alert(8)></p>',
      enclosures: [
        { url: 'javascript:alert(9)', title: hostile },
        { url: 'https://a.example/x.mp3', title: hostile, type: hostile }
      ]
    })
    const share = await keepPost(node.tools, eve, {
      ...{ verb: 'share', uri: 'https://a.example/share' },
      quoted: {
        html: '<script>alert(10)</script>told',
        authorName: hostile,
        authorUrl: 'javascript:alert(11)',
        url: 'javascript:alert(12)',
        title: hostile
      }
    })
    for (const path of [
      `/people/${eve.id}`,
      `/posts/${post.id}`,
      `/posts/${share.id}`,
      '/search?q=text',
      `/search?q=${encodeURIComponent(hostile)}`
    ]) {
      const { status, text } = await owner.get(path)
      assert.equal(status, 200, path)
      assert.equal(/<script(?! type="module" src="\/page)|<img|javascript:|data:|<[^>]+ on\w+=/i.exec(text)?.[0], undefined, path)
    }
    assert.match((await owner.get(`/posts/${share.id}`)).text, /Told by .* not verified/)
  })

  it('X45 an address with two slashes leads nowhere', async () => {
    for (const path of ['//evil.example', '//evil.example/%2f..', '/\\evil.example']) {
      const { location, status } = await stranger.get(path)
      assert.deepEqual([status, location], [404, null], path)
    }
  })

  it('F4 pages of a list go on where the one before ended, and refuse a cursor that is none', async () => {
    const many = await startNode({ accounts: ['alice'], work: false })
    try {
      const author = await accountOf(many.tools, 'alice')
      // all at one instant: the id decides
      const at = new Date('2026-01-02T03:04:05Z')
      for (let i = 0; i < 45; i++) await keepPost(many.tools, author, { publishedAt: at, sortedAt: at })
      const seen: string[] = []
      const browser = visitor(many)
      let path: string | undefined = '/users/alice'
      while (path !== undefined) {
        const { text }: Answer = await browser.get(path)
        seen.push(...[...text.matchAll(/<a class="u-url" href="([^"]+)"/g)].map(([, url]) => url!))
        const [, older] = /rel="next" href="([^"]+)"/.exec(text) ?? []
        path = older && `/users/alice${older}`
      }
      assert.deepEqual([seen.length, new Set(seen).size], [45, 45])
      for (const cursor of ['', 'x', '1_x', `9999999999999999_${'0'.repeat(17)}`, '1_00000000000000000%00', "1' or 1=1"]) {
        assert.equal((await browser.get(`/?before=${cursor}`)).status, 400, cursor)
        assert.equal((await browser.get(`/users/alice?before=${cursor}`)).status, 400, cursor)
      }
      assert.equal((await browser.get(`/?before=-9999999999999_${'0'.repeat(17)}`)).status, 200)
    } finally {
      await many.close()
    }
  })

  it('X2 shows a shared original as it is now, and nothing of one that is gone', async () => {
    const original = await keepPost(node.tools, bob, { html: '<p>the original</p>' })
    const share = await keepPost(node.tools, alice, { verb: 'share', sharedId: original.id, html: '<p>RT the original</p>' })
    const path = `/users/alice/posts/${share.id}`
    assert.match((await stranger.get(path)).text, /u-repost-of[\s\S]*<p>the original<\/p>/)
    assert.doesNotMatch((await stranger.get(path)).text, /RT the original/)
    await node.tools.history.remove(bob.id, original.uri, new Date())
    const { text } = await stranger.get(path)
    assert.doesNotMatch(text, /the original/)
    assert.match(text, /no longer there/)
  })

  it('W31 shows a post within its conversation: to strangers only what MODERATION lets in', async () => {
    const post = await keepPost(node.tools, alice, { html: '<p>a question</p>' })
    const answer = await keepPost(node.tools, bob, { html: '<p>an answer</p>', inReplyTo: post.uri, parentId: post.id })
    const carol = await meet(node.tools, 'carol')
    await keepPost(node.tools, carol, { html: '<p>another answer</p>', inReplyTo: post.uri, parentId: post.id })
    const path = `/users/alice/posts/${post.id}`
    assert.match((await owner.get(path)).text, /a question[\s\S]*an answer[\s\S]*waits for your approval[\s\S]*another answer/)
    assert.match((await stranger.get(path)).text, /a question[\s\S]*an answer/)
    assert.doesNotMatch((await stranger.get(path)).text, /another answer|approval/)
    assert.match((await owner.get(`/posts/${answer.id}`)).text, new RegExp(`In reply to\\s*<a href="/posts/${post.id}"`))
  })
})
