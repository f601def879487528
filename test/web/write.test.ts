import assert from 'node:assert/strict'
import type { Account, KeptPost } from '../../src/model/kept.ts'
import { type Answer, signIn, type Visitor, visitor } from '../support/browser.ts'
import { makeInternet } from '../support/internet.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const TEXT = 'Long thought about, & <never> to be lost.'

describe('the form in which the owner writes', () => {
  let node: TestNode
  let alice: Account
  let owner: Visitor & { csrf: string }
  beforeEach(async () => {
    const net = makeInternet({})
    node = await startNode({ accounts: ['alice', 'zoe'], work: false, overrides: { http: net.http } })
    alice = await accountOf(node.tools, 'alice')
    owner = await signIn(node)
  })
  afterEach(() => node?.close())

  const send = (form: Record<string, string>, who: Visitor = owner) => who.post('/notes', { csrf: owner.csrf, text: TEXT, ...form })
  const written = async () => (await node.tools.timelines.local({ limit: 9 })).length
  const last = async () => (await node.tools.timelines.local({ limit: 1 }))[0]!
  /** What the form of a page holds. */
  const held = ({ text }: Answer) => /<textarea id="text"[^>]*>\n?([\s\S]*?)<\/textarea>/.exec(text)?.[1]
  const escaped = 'Long thought about, &amp; &lt;never&gt; to be lost.'

  it('loses nothing of what cannot be published, says above it why, and keeps the status', async () => {
    const faults: [Record<string, string>, number, RegExp][] = [
      [{ replyTo: 'https://a.example/unknown' }, 422, /role="alert"/],
      [{ language: '"><script>' }, 400, /no such language/],
      [{ as: 'nobody' }, 404, /role="alert"/],
      [{ text: `${'long '.repeat(10_100)}${TEXT}` }, 413, /at most 50000/]
    ]
    for (const [form, status, words] of faults) {
      const answer = await send({ title: 'A title', warning: 'Heights', ...form })
      assert.equal(answer.status, status)
      assert.match(answer.text, words)
      assert.ok(held(answer)?.endsWith(escaped), answer.text)
      if (form.replyTo === undefined) assert.match(answer.text, /name="title"[^>]* value="A title"/)
      else assert.match(answer.text, /name="replyTo" value="https:\/\/a\.example\/unknown"/)
      assert.match(answer.text, /name="warning"[^>]* value="Heights"/)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
    }
    assert.equal(await written(), 0)
  })

  it('X44 keeps what was written when one is signed out or the page too old by then, and publishes it after', async () => {
    const out = await send({}, visitor(node))
    assert.equal(out.status, 403)
    assert.match(out.text, /not signed in any more[\s\S]*href="\/signin"/)
    assert.equal(held(out), escaped)
    const old = await send({ csrf: 'of another session' })
    assert.deepEqual([old.status, held(old)], [403, escaped])
    const [, csrf = ''] = /<form class="compose"[\s\S]*?name="csrf" value="([^"]*)"/.exec(old.text) ?? []
    assert.equal((await send({ csrf })).status, 303)
    const foreign = await owner.post('/notes', { csrf: owner.csrf, text: TEXT }, { origin: 'https://evil.example' })
    assert.deepEqual([foreign.status, held(foreign)], [403, undefined])
    assert.equal(await written(), 1)
  })

  it('F10 tells which mention leads to nobody, once, and publishes it as text when it is to', async () => {
    await meet(node.tools, 'bob')
    const text = 'Hello @bob@a.example and @nobody@nowhere.example'
    const told = await send({ text })
    assert.equal(told.status, 422)
    assert.match(told.text, /Nobody was found as <bdi>@nobody@nowhere\.example<\/bdi>/)
    assert.equal(await written(), 0)
    const [, anyway = ''] = /name="anyway" value="([^"]*)"/.exec(told.text) ?? []
    assert.equal((await send({ text: `${text} @other@nowhere.example`, anyway })).status, 422)
    assert.equal((await send({ text, anyway })).status, 303)
    const { html, mentions } = await last()
    assert.match(html, /class="u-url mention"[^>]*>@bob<\/a>/)
    assert.match(html, /and @nobody@nowhere\.example/)
    assert.deepEqual(mentions, ['https://a.example/bob'])
  })

  it('offers the language of the last post, and publishes language, title and warning', async () => {
    const selected = async (path = '/') => /<option value="([^"]*)" selected>/.exec((await owner.get(path)).text)?.[1]
    assert.equal(await selected(), 'en')
    assert.equal(/<option value="([^"]*)" selected>/.exec((await owner.get('/', { 'accept-language': 'de' })).text)?.[1], 'de')
    assert.equal((await send({ language: 'fr', title: 'Un titre', warning: ' Ponts ' })).status, 303)
    const { language, sensitive, title, warning } = await last()
    assert.deepEqual([language, sensitive, title, warning], ['fr', true, 'Un titre', 'Ponts'])
    assert.equal(await selected(), 'fr')
    await send({ language: 'gsw' })
    assert.equal(await selected(), 'gsw')
    await send({ language: '' })
    assert.equal((await last()).language, undefined)
  })

  it('proposes in an answer those who are mentioned in what is answered, but for its author and us', async () => {
    const [bob, carol] = [await meet(node.tools, 'bob'), await meet(node.tools, 'carol')]
    const mentions = [carol.uri, alice.uri, bob.uri, 'https://a.example/unknown']
    const post = await keepPost(node.tools, bob, { mentions })
    for (const path of [`/posts/${post.id}`, `/authorize_interaction?uri=${encodeURIComponent(post.uri)}`])
      assert.equal(held(await owner.get(path)), '@carol@a.example ', path)
    const share = await keepPost(node.tools, carol, { verb: 'share', sharedId: post.id, html: '' })
    const page = await owner.get(`/posts/${share.id}`)
    assert.deepEqual([held(page), page.text.includes(`name="replyTo" value="${post.uri}"`)], ['@carol@a.example ', true])
  })

  it('changes a post: its text, title and warning, and keeps what was written when that cannot be', async () => {
    await send({ title: 'One', warning: 'Heights' })
    const path = new URL((await last()).uri).pathname
    const form = await owner.get(`${path}/edit`)
    assert.equal(held(form), escaped)
    assert.match(form.text, /name="title"[^>]* value="One"[\s\S]*name="warning"[^>]* value="Heights"/)
    assert.equal(form.headers.get('cache-control'), 'no-store')
    const empty = await owner.post(`${path}/edit`, { csrf: owner.csrf, text: ' ', title: '', warning: 'Depths' })
    assert.deepEqual([empty.status, held(empty)], [400, ' '])
    assert.match(empty.text, /name="warning"[^>]* value="Depths"/)
    const changed = await owner.post(`${path}/edit`, { csrf: owner.csrf, text: 'Two', title: 'Two', warning: '' })
    assert.deepEqual([changed.status, changed.location], [303, path])
    const { html, sensitive, title, warning } = await last()
    assert.deepEqual([html, sensitive, title, warning], ['<p>Two</p>', false, 'Two', undefined])
  })

  it('deletes a post after it was shown and asked about', async () => {
    await send({})
    const path = new URL((await last()).uri).pathname
    const asked = await owner.get(`${path}/delete`)
    assert.match(
      asked.text,
      new RegExp(`goes for good[\\s\\S]*action="${path}/delete"[\\s\\S]*href="${path}">Keep it<[\\s\\S]*Long thought about`)
    )
    assert.equal(await written(), 1)
    assert.equal((await owner.post(`${path}/delete`, { csrf: owner.csrf })).status, 303)
    assert.equal(await written(), 0)
    assert.equal((await owner.get(`${path}/delete`)).status, 410)
  })

  it('X44 shows no form of a post to strangers, nor one for what is somebody else’s', async () => {
    const own: KeptPost = await keepPost(node.tools, alice)
    const theirs = await keepPost(node.tools, await meet(node.tools, 'bob'))
    for (const act of ['edit', 'delete']) {
      assert.equal((await visitor(node).get(`/users/alice/posts/${own.id}/${act}`)).status, 403)
      for (const [path, status] of [
        [`/users/alice/posts/${theirs.id}`, 403],
        [`/users/zoe/posts/${own.id}`, 403],
        [`/users/alice/posts/${'0'.repeat(17)}`, 404],
        ['/users/alice/posts/x', 404]
      ] as const)
        assert.equal((await owner.get(`${path}/${act}`)).status, status, path)
    }
  })
})
