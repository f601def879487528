import assert from 'node:assert/strict'
import { Unreachable } from '../../src/model/errors.ts'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { jrd, linksOf, webFinger } from '../support/discovery.ts'
import { makeInternet, type PageOf } from '../support/internet.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const FEED = 'https://b.example/carol.atom'
const CAROL = 'https://b.example/carol'
const CAROLS_FEED = `<feed xmlns="http://www.w3.org/2005/Atom"><id>${FEED}</id><title>Carol</title>
  <author><uri>${CAROL}</uri><name>carol</name></author><link rel="self" href="${FEED}"/>
  <entry><id>https://b.example/1</id><title>One</title><published>2026-01-01T00:00:00Z</published><content type="html">&lt;p&gt;the first&lt;/p&gt;</content></entry>
</feed>`

const finger = (name: string) => webFinger(`acct:${name}@b.example`, 'b.example')

const internet = (): Record<string, PageOf> => ({
  [finger('carol')]: jrd({ subject: 'acct:carol@b.example', aliases: [CAROL], links: linksOf('carol', 'b.example') }),
  [FEED]: { headers: { 'content-type': 'application/atom+xml' }, body: CAROLS_FEED }
})

type Place = { node: TestNode; net: ReturnType<typeof makeInternet> }

describe('search', () => {
  const made: TestNode[] = []
  const place = async (env: Record<string, string> = {}, accounts = ['alice']): Promise<Place> => {
    const net = makeInternet(internet())
    const node = await startNode({ env, accounts, work: false, overrides: { http: net.http } })
    made.push(node)
    return { node, net }
  }
  after(() => Promise.all(made.map(node => node.close())))

  it('follows an account at once and shows every step, with an undo that works', async () => {
    const { node } = await place()
    const owner = await signIn(node)
    const { status, text } = await owner.post('/search', { csrf: owner.csrf, q: '@carol@b.example' })
    assert.equal(status, 200)
    assert.match(text, /alice now follows/)
    const steps = text.slice(text.indexOf('<ol class="trace">'))
    assert.match(steps, /webfinger\?resource=acct%3Acarol%40b.example[\s\S]*answered 200 · application\/jrd\+json/)
    assert.match(steps, /carol\.atom[\s\S]*answered 200 · application\/atom\+xml[\s\S]*Result: <bdi>1 entry of “Carol”/)
    assert.match((await owner.get('/')).text, /<p>the first<\/p>/)
    const [, actor = ''] = /name="actor" value="(\w+)"/.exec(text) ?? []
    const undone = await owner.post('/unfollow', { csrf: owner.csrf, actor, as: 'alice' })
    assert.deepEqual([undone.status, undone.location], [303, `/people/${actor}`])
    assert.equal(await node.tools.follows.find((await accountOf(node.tools, 'alice')).id, actor), undefined)
    assert.match((await owner.get(`/people/${actor}`)).text, /Follow as alice/)
  })

  it('answers programs with account, trace and subscription, and no secret', async () => {
    const { node } = await place()
    const owner = await signIn(node)
    const { headers, status, text } = await owner.post(
      '/search',
      { csrf: owner.csrf, q: 'carol@b.example' },
      { origin: node.url, accept: 'application/json' }
    )
    assert.deepEqual(
      [status, headers.get('content-type'), headers.get('x-content-type-options')],
      [200, 'application/json; charset=utf-8', 'nosniff']
    )
    const answer = JSON.parse(text)
    assert.deepEqual(Object.keys(answer), ['account', 'trace', 'subscription'])
    assert.deepEqual([answer.account.uri, answer.account.acct, answer.account.feed], [CAROL, 'carol@b.example', FEED])
    assert.ok(answer.trace.length > 1)
    assert.deepEqual(Object.keys(answer.subscription), ['id', 'url', 'topic', 'hub', 'state', 'expires'])
    const { token, secret } = (await node.tools.subscriptions.findByTopic(FEED))!
    assert.ok(!text.includes(token) && !text.includes(secret))
  })

  it('shows how far it came when nothing is found, with the status of what failed', async () => {
    const { node, net } = await place()
    const owner = await signIn(node)
    net.set(finger('dave'), { error: new Unreachable('b.example did not answer in time.') })
    const missing = await owner.post('/search', { csrf: owner.csrf, q: 'dave@b.example' })
    assert.equal(missing.status, 404)
    assert.match(missing.text, /Not followed:[\s\S]*<ol class="trace">[\s\S]*Failed: <bdi>b\.example did not answer in time/)
    const asJson = await owner.post(
      '/search',
      { csrf: owner.csrf, q: 'dave@nowhere.example' },
      { origin: node.url, accept: 'application/json' }
    )
    assert.equal(asJson.status, 502)
    const answer = JSON.parse(asJson.text)
    assert.deepEqual([Object.keys(answer), answer.code, answer.trace.length > 0], [['error', 'code', 'trace'], 'unreachable', true])
  })

  it('D1 tells what is wrong with a name that is none', async () => {
    const { node, net } = await place()
    const owner = await signIn(node)
    for (const q of [
      '',
      ' ',
      'a@b@c',
      '@',
      'acct:',
      'acct:alice',
      'https://',
      'https://user:word@b.example/',
      `https://b.example/${'x'.repeat(2100)}`
    ]) {
      assert.equal((await owner.post('/search', { csrf: owner.csrf, q })).status, 400, q)
      if (q.trim() !== '') assert.equal((await owner.get(`/search?q=${encodeURIComponent(q)}`)).status, 400, q)
    }
    assert.deepEqual(net.requests(), [])
  })

  it('takes words to the full text, and never to another site', async () => {
    const { node, net } = await place()
    const owner = await signIn(node)
    for (const q of ['two words', '//evil.example', '/\\evil.example', 'javascript:alert(1)', '\u0000 nul']) {
      const { location, status } = await owner.post('/search', { csrf: owner.csrf, q })
      assert.equal(status, 303, q)
      assert.match(location ?? '', /^\/search\?q=[\w%.()]*$/, q)
      assert.equal((await owner.get(location ?? '')).status, 200, q)
    }
    assert.deepEqual(net.requests(), [])
  })

  it('by GET shows what is known and asks nobody', async () => {
    const { node, net } = await place()
    const owner = await signIn(node)
    const bob = await meet(node.tools, 'bob')
    const post = await keepPost(node.tools, bob, { html: '<p>zebra</p>' })
    assert.match((await owner.get('/search?q=bob@a.example')).text, new RegExp(`/people/${bob.id}`))
    assert.match((await owner.get(`/search?q=${encodeURIComponent(post.uri)}`)).text, /zebra/)
    assert.match((await owner.get('/search?q=zebra')).text, /<p>zebra<\/p>/)
    assert.match((await owner.get('/search?q=carol@b.example')).text, /Not known here[\s\S]*Look it up and follow/)
    assert.deepEqual(net.requests(), [])
  })

  it('tells a stranger of our accounts alone, and lets nothing leave', async () => {
    const { node, net } = await place()
    await meet(node.tools, 'bob')
    const stranger = visitor(node)
    assert.doesNotMatch((await stranger.get('/search?q=bob@a.example')).text, /people\/|Look it up/)
    assert.match((await stranger.get(`/search?q=alice@${encodeURIComponent(node.host)}`)).text, /href="\/users\/alice"/)
    for (const q of ['carol@b.example', 'words']) assert.equal((await stranger.post('/search', { q })).status, 403, q)
    assert.deepEqual(net.requests(), [])
  })

  it('says what to type when there is no account yet', async () => {
    const { node } = await place({}, [])
    const owner = await signIn(node)
    const { status, text } = await owner.post('/search', { csrf: owner.csrf, q: 'carol@b.example' })
    assert.equal(status, 409)
    assert.match(text, /npx tidings account add NAME/)
  })

  it('follows as the account that is named, of several', async () => {
    const { node } = await place({}, ['alice', 'zoe'])
    const owner = await signIn(node)
    assert.match((await owner.get('/')).text, /<select name="as">/)
    assert.match((await owner.post('/search', { csrf: owner.csrf, q: 'carol@b.example', as: 'zoe' })).text, /zoe now follows/)
    assert.equal((await owner.post('/search', { csrf: owner.csrf, q: 'carol@b.example', as: 'nobody' })).status, 404)
    assert.equal((await owner.post('/search', { csrf: owner.csrf, q: 'carol@b.example', as: '\u0000' })).status, 404)
  })

  describe('with OPEN_SEARCH', () => {
    it('lets anyone follow, without an undo', async () => {
      const { node } = await place({ OPEN_SEARCH: 'on' })
      const { status, text } = await visitor(node).post('/search', { q: 'carol@b.example' })
      assert.equal(status, 200)
      assert.match(text, /alice now follows/)
      assert.doesNotMatch(text, /\/unfollow/)
    })

    it('X44 refuses what a foreign page sends', async () => {
      const { node, net } = await place({ OPEN_SEARCH: 'on' })
      const foreign: Record<string, string>[] = [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { referer: 'https://evil.example/page' }
      ]
      for (const headers of foreign)
        assert.equal((await visitor(node).post('/search', { q: 'carol@b.example' }, headers)).status, 403, JSON.stringify(headers))
      assert.deepEqual(net.requests(), [])
      assert.equal((await visitor(node).post('/search', { q: 'carol@b.example' }, {})).status, 200)
    })

    it('allows ten look-ups an hour to one address, and two hundred a day to all', async () => {
      const { node } = await place({ OPEN_SEARCH: 'on', TRUST_PROXY: '1' })
      const stranger = visitor(node)
      await meet(node.tools, 'bob', { feedUrl: FEED })
      const from = (address: string) =>
        stranger.post('/search', { q: `alice@${node.host}` }, { origin: node.url, 'x-forwarded-for': address })
      // an account cannot follow itself: the cheapest answer of a look-up
      for (let i = 0; i < 10; i++) assert.equal((await from('192.0.2.1')).status, 400)
      const refused = await from('192.0.2.1')
      assert.equal(refused.status, 429)
      const seconds = Number(refused.headers.get('retry-after'))
      assert.ok(seconds > 3500 && seconds <= 3600)
      for (let i = 10; i < 200; i++) assert.equal((await from(`192.0.2.${2 + Math.floor(i / 10)}`)).status, 400)
      const last = await from('192.0.2.250')
      assert.equal(last.status, 429)
      assert.ok(Number(last.headers.get('retry-after')) > 86_000)
    })

    it('X46 does not count what a client says of its own address', async () => {
      const { node } = await place({ OPEN_SEARCH: 'on' })
      const from = (address: string) =>
        visitor(node).post('/search', { q: `alice@${node.host}` }, { origin: node.url, 'x-forwarded-for': address })
      for (let i = 0; i < 10; i++) assert.equal((await from(`192.0.2.${i}`)).status, 400)
      assert.equal((await from('192.0.2.99')).status, 429)
    })
  })
})

describe('the page of a remote follow', () => {
  let node: TestNode
  let net: ReturnType<typeof makeInternet>
  let owner: Visitor & { csrf: string }
  before(async () => {
    net = makeInternet(internet())
    node = await startNode({ accounts: ['alice'], work: false, overrides: { http: net.http } })
    owner = await signIn(node)
  })
  after(() => node.close())

  it('X14 asks before it follows, whatever the form of the name, and acts on no GET', async () => {
    for (const uri of ['acct:carol@b.example', 'carol@b.example', '@carol@b.example', CAROL]) {
      const { status, text } = await owner.get(`/authorize_interaction?uri=${encodeURIComponent(uri)}`)
      assert.equal(status, 200, uri)
      assert.match(text, new RegExp(`name="q" value="(carol@b\\.example|${CAROL})"[\\s\\S]*<button>Follow</button>`), uri)
    }
    assert.deepEqual(net.requests(), [])
  })

  it('X14 shows a known post with a form for the answer', async () => {
    const post = await keepPost(node.tools, await meet(node.tools, 'bob'), { html: '<p>what do you think?</p>' })
    const { text } = await owner.get(`/authorize_interaction?uri=${encodeURIComponent(post.uri)}`)
    assert.match(text, /what do you think\?[\s\S]*name="replyTo"/)
  })

  it('X14 tells whoever is signed out how to sign in, and nothing else', async () => {
    await meet(node.tools, 'bob', { profile: { ids: [], kind: 'person', displayName: 'Secret Friend' } })
    const { status, text } = await visitor(node).get('/authorize_interaction?uri=bob@a.example')
    assert.equal(status, 200)
    assert.match(text, /npx tidings signin/)
    assert.doesNotMatch(text, /Secret Friend|<button>Follow/)
  })

  it('X14 refuses what names nobody', async () => {
    for (const query of ['', '?uri=', '?uri=x', '?uri=javascript:alert(1)', '?uri=a@b@c', '?uri=https://', '?uri=%00'])
      assert.equal((await owner.get(`/authorize_interaction${query}`)).status, 400, query)
  })
})
