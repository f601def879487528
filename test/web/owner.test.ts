import assert from 'node:assert/strict'
import type { Account } from '../../src/model/kept.ts'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

describe('the owner', () => {
  let node: TestNode
  let alice: Account
  let owner: Visitor & { csrf: string }
  before(async () => {
    node = await startNode({ accounts: ['alice', 'zoe'], work: false })
    alice = await accountOf(node.tools, 'alice')
    owner = await signIn(node)
  })
  after(() => node.close())

  const newLink = () => node.tools.sessions.addLink(node.tools.clock())

  it('signs in by a button that uses the link up, not by looking at it', async () => {
    const browser = visitor(node)
    const token = await newLink()
    for (let i = 0; i < 2; i++) {
      const { headers, status, text } = await browser.get(`/signin?token=${token}`)
      assert.equal(status, 200)
      assert.match(text, new RegExp(`name="token" value="${token}"[\\s\\S]*<button>Sign in</button>`))
      assert.deepEqual([headers.get('referrer-policy'), headers.get('cache-control')], ['no-referrer', 'no-store'])
    }
    const entered = await browser.post('/signin', { token })
    assert.deepEqual([entered.status, entered.location], [303, '/'])
    const cookie = entered.headers.get('set-cookie') ?? ''
    assert.match(cookie, /^tidings_session=[\w-]{43}; path=\/; expires=[^;]+; samesite=lax; httponly$/i)
    assert.match((await visitor(node, cookie.split(';')[0]).get('/')).text, /Sign out/)
    assert.equal((await browser.post('/signin', { token })).status, 403)
    assert.equal((await browser.get(`/signin?token=${token}`)).status, 403)
  })

  it('signs in from the page of the link, whose browser tells no origin', async () => {
    assert.equal(
      (await visitor(node).post('/signin', { token: await newLink() }, { origin: 'null', 'sec-fetch-site': 'same-origin' })).status,
      303
    )
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null', 'sec-fetch-site': 'cross-site' }])
      assert.equal((await visitor(node).post('/signin', { token: await newLink() }, headers)).status, 403)
  })

  it('is told how to get a new link when it does not hold', async () => {
    for (const token of ['', 'x', '\u0000', 'x'.repeat(43)]) {
      const { status, text } = await visitor(node).get(`/signin?token=${encodeURIComponent(token)}`)
      assert.equal(status, 403)
      assert.match(text, /npx tidings signin/)
      assert.equal((await visitor(node).post('/signin', { token })).status, 403)
    }
    const late = await node.tools.sessions.addLink(new Date(Date.now() - 16 * 60_000))
    assert.equal((await visitor(node).get(`/signin?token=${late}`)).status, 403)
    assert.match((await visitor(node).get('/signin')).text, /npx tidings signin/)
  })

  it('gets a cookie for https alone when the node is public, behind a proxy too', async () => {
    const other = await startNode({ env: { PUBLIC_URL: 'https://blog.example' }, work: false })
    try {
      const token = await other.tools.sessions.addLink(new Date())
      const local = { url: `http://${other.host}` }
      const { headers, status } = await visitor(local).post('/signin', { token }, { origin: 'https://blog.example' })
      assert.equal(status, 303)
      assert.match(headers.get('set-cookie') ?? '', /; secure/i)
    } finally {
      await other.close()
    }
  })

  it('signs out here and in the browser', async () => {
    const mine = await signIn(node)
    const out = await mine.post('/signout', { csrf: mine.csrf })
    assert.deepEqual([out.status, out.location], [303, '/'])
    assert.match(out.headers.get('set-cookie') ?? '', /^tidings_session=; path=\/; expires=Thu, 01 Jan 1970/)
    assert.doesNotMatch((await mine.get('/')).text, /Sign out/)
  })

  it('X44 a form that is not one is refused', async () => {
    const { csrf } = owner
    const send = (body: string, type: string) =>
      owner
        .get('/notes')
        .then(() => fetch(`${node.url}/notes`, { method: 'POST', body, headers: { 'content-type': type, origin: node.url } }))
    assert.equal((await send(`csrf=${csrf}`, 'text/plain')).status, 415)
    assert.equal((await owner.post('/notes', { csrf, text: 'x'.repeat(700_000) })).status, 413)
    assert.equal((await owner.post('/notes', { csrf, text: 'a\u0000b' })).status, 400)
    assert.equal((await owner.post('/notes', { csrf, text: ' ' })).status, 400)
  })

  it('writes a note, changes and deletes it', async () => {
    const { csrf } = owner
    const written = await owner.post('/notes', { csrf, text: 'first line\n\n<b>second</b>', title: '' })
    assert.equal(written.status, 303)
    const path = written.location ?? ''
    assert.match(path, /^\/users\/alice\/posts\/\w{17}$/)
    const page = await owner.get(path)
    assert.match(page.text, /<p>first line<\/p><p>&lt;b&gt;second&lt;\/b&gt;<\/p>/)
    const form = await owner.get(`${path}/edit`)
    assert.match(form.text, /<textarea[^>]* name="text"[^>]*>\s*first line\n\n&lt;b&gt;second&lt;\/b&gt;<\/textarea>/)
    const changed = await owner.post(`${path}/edit`, { csrf, text: 'changed', title: 'A title' })
    assert.deepEqual([changed.status, changed.location], [303, path])
    assert.match((await visitor(node).get(path)).text, /A title[\s\S]*<p>changed<\/p>/)
    assert.match((await visitor(node).get(path)).text, /edited <time/)
    const gone = await owner.post(`${path}/delete`, { csrf })
    assert.deepEqual([gone.status, gone.location], [303, '/users/alice'])
    assert.equal((await visitor(node).get(path)).status, 410)
    assert.equal((await owner.post(`${path}/delete`, { csrf })).status, 410)
  })

  it('changes a post that is more than text as HTML, which is cleaned again', async () => {
    const { csrf } = owner
    const post = await keepPost(node.tools, alice, { html: '<p>with <em>more</em></p>' })
    const path = `/users/alice/posts/${post.id}`
    assert.match((await owner.get(`${path}/edit`)).text, /<textarea[^>]* name="html"/)
    await owner.post(`${path}/edit`, { csrf, html: '<p>with <strong>even more</strong><script>alert(1)</script></p>', title: '' })
    assert.match((await visitor(node).get(path)).text, /<p>with <strong>even more<\/strong><\/p>/)
  })

  it('answers a post as the account that is named', async () => {
    const post = await keepPost(node.tools, await meet(node.tools, 'bob'))
    const answered = await owner.post('/notes', { csrf: owner.csrf, text: 'yes', replyTo: post.uri, as: 'zoe' })
    assert.match(answered.location ?? '', /^\/users\/zoe\//)
    assert.match((await owner.get(answered.location ?? '')).text, new RegExp(`In reply to\\s*<a href="/posts/${post.id}"`))
    assert.equal((await owner.post('/notes', { csrf: owner.csrf, text: 'yes', replyTo: 'https://a.example/unknown' })).status, 422)
  })

  it('does not change what belongs to somebody else', async () => {
    const { csrf } = owner
    const theirs = await keepPost(node.tools, await meet(node.tools, 'bob'))
    for (const act of ['edit', 'delete']) {
      assert.equal((await owner.post(`/users/alice/posts/${theirs.id}/${act}`, { csrf, text: 'x' })).status, 403)
      assert.equal((await owner.post(`/users/nobody/posts/${theirs.id}/${act}`, { csrf, text: 'x' })).status, 404)
      assert.equal((await owner.post(`/users/alice/posts/x/${act}`, { csrf, text: 'x' })).status, 404)
    }
  })
})
