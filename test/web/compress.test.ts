import assert from 'node:assert/strict'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { request } from 'undici'
import type { Account } from '../../src/model/kept.ts'
import { maskToken, randomToken, unmaskToken } from '../../src/model/tokens.ts'
import { signIn } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost } from '../support/residents.ts'

describe('what is sent compressed', () => {
  let node: TestNode
  let alice: Account

  before(async () => {
    node = await startNode({ accounts: ['alice'], work: false })
    alice = await accountOf(node.tools, 'alice')
    for (let n = 0; n < 5; n++) await keepPost(node.tools, alice, { html: `<p>${'words and words '.repeat(30)}</p>` })
    await node.tools.changes.tell('account:alice')
  })
  after(() => node?.close())

  const ask = async (path: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') => {
    const answer = await request(`${node.url}${path}`, { method, headers })
    const header = (name: string) => String(answer.headers[name] ?? '')
    return { status: answer.statusCode, header, body: Buffer.from(await answer.body.arrayBuffer()) }
  }

  it('sends pages, feeds, documents and our own files by brotli or gzip, to whoever takes them so', async () => {
    const activity = { accept: 'application/activity+json' }
    for (const [path, headers] of [
      ['/users/alice', { accept: 'text/html' }],
      ['/users/alice', activity],
      ['/users/alice.atom', {}],
      ['/users/alice.rss', {}],
      ['/users/alice.json', {}],
      ['/style.css', {}],
      ['/page.js', {}]
    ] as [string, Record<string, string>][]) {
      const plain = await ask(path, headers)
      assert.equal(plain.header('content-encoding'), '', path)
      assert.match(plain.header('vary'), /Accept-Encoding/, path)
      for (const [coding, read] of [
        ['br', brotliDecompressSync],
        ['gzip', gunzipSync]
      ] as const) {
        // twice: what is kept in memory is compressed once
        for (let n = 0; n < 2; n++) {
          const small = await ask(path, { ...headers, 'accept-encoding': `deflate, ${coding}` })
          assert.equal(small.header('content-encoding'), coding, path)
          assert.ok(read(small.body).equals(plain.body), path)
          assert.equal(small.header('content-length'), String(small.body.length))
          assert.match(small.header('etag'), /^W\/"/, path)
        }
      }
      assert.equal((await ask(path, { ...headers, 'accept-encoding': 'gzip, br' })).header('content-encoding'), 'br')
      assert.equal((await ask(path, { ...headers, 'accept-encoding': 'gzip, br;q=0' })).header('content-encoding'), 'gzip')
    }
  })

  it('answers 304 to whoever has it in either form, and HEAD without a body', async () => {
    for (const path of ['/users/alice', '/users/alice.atom']) {
      const coded = { 'accept-encoding': 'br', accept: 'text/html' }
      const tags = [await ask(path, { accept: 'text/html' }), await ask(path, coded)].map(answer => answer.header('etag'))
      for (const tag of tags) {
        const again = await ask(path, { ...coded, 'if-none-match': tag })
        assert.deepEqual([again.status, again.body.length], [304, 0], path)
        assert.match(again.header('vary'), /Accept-Encoding/)
      }
      const head = await ask(path, coded, 'HEAD')
      assert.deepEqual([head.status, head.body.length, head.header('content-encoding')], [200, 0, ''])
      assert.match(head.header('vary'), /Accept-Encoding/)
    }
  })

  it('leaves what is short, and what no cache may keep, as it is', async () => {
    const owner = await node.tools.sessions.open(await node.tools.sessions.addLink(new Date()), new Date())
    const cookie = `tidings_session=${owner!.token}`
    for (const path of ['/icon.svg', '/settings/mastodon', '/signin?token=x', '/healthz', '/widget.js']) {
      const answer = await ask(path, { cookie, accept: 'text/html', 'accept-encoding': path === '/widget.js' ? 'identity' : 'br' })
      assert.equal(answer.header('content-encoding'), '', path)
    }
  })

  it('X44 writes the CSRF token in other letters into each page, takes each of them, and no page is sent anew for it', async () => {
    const owner = await signIn(node)
    const tokenIn = (text: string) => /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? ''
    const pages = [await owner.get('/'), await owner.get('/')]
    const tokens = pages.map(page => tokenIn(page.text))
    assert.equal(new Set([...tokens, owner.csrf]).size, 3)
    assert.ok(pages.every(page => !page.text.includes(owner.csrf)))
    const etag = pages[0]!.headers.get('etag')!
    assert.equal(pages[1]!.headers.get('etag'), etag)
    assert.equal((await owner.get('/', { 'if-none-match': etag })).status, 304)
    // the token in a page of another session is another, so that page is sent
    assert.equal((await (await signIn(node)).get('/', { 'if-none-match': etag })).status, 200)
    for (const csrf of tokens) assert.equal((await owner.post('/notes', { csrf, as: 'alice', text: 'x' })).status, 303)
    const other = tokenIn((await (await signIn(node)).get('/')).text)
    for (const csrf of [other, '', 'x', tokens[0]!.slice(1), `${tokens[0]}A`, maskToken(randomToken())])
      assert.equal((await owner.post('/notes', { csrf, as: 'alice', text: 'x' })).status, 403)
  })

  it('gives each masked token back as it was, and leaves alone what is none', () => {
    const token = randomToken()
    assert.equal(unmaskToken(maskToken(token)), token)
    assert.equal(unmaskToken(token), token)
    fc.assert(
      fc.property(fc.string(), text => {
        unmaskToken(text)
        assert.equal(unmaskToken(maskToken(token)), token)
      })
    )
  })
})
