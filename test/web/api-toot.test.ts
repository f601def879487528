/** GET /api/toot as a blog's script, a crawler and an attacker ask for it (interface.md 4). */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type Loopback, serve } from '../support/loopback.ts'
import { startTooting, type Tooting } from '../support/tooting.ts'

const STATUSES = '/api/v1/statuses'

describe('GET /api/toot', () => {
  let all: Tooting
  let foreign: Loopback
  before(async () => {
    all = await startTooting({ BLOG_TITLE_PATTERN: '^(?<title>.*?)( - A blog)?$' })
    foreign = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Elsewhere</title>'))
  })
  after(async () => {
    await all?.close()
    await foreign?.close()
  })
  const made = () => all.mastodon.statuses().length
  const get = (query: string, init: RequestInit = {}) => fetch(`${all.node.url}/api/toot${query}`, init)

  /** A clear error in JSON, that nobody keeps; and no toot. */
  async function refused(url: string, status: number, code: string): Promise<Record<string, unknown>> {
    const before = made()
    const answer = await all.ask(url)
    assert.deepEqual([answer.status, answer.json.code], [status, code], JSON.stringify(answer.json))
    assert.deepEqual(Object.keys(answer.json), ['error', 'code'])
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal(made(), before)
    return answer.json
  }

  it('S1-10 S1-11 S1-16 S1-17 S1-35 S1-36 S1-70 T2 answers all that a script needs, the id as a string', async () => {
    const url = all.blog.put('/1/full', { title: 'Full' })
    const { headers, json, status } = await all.ask(url)
    const toot = all.mastodon.statuses().at(-1)?.status
    assert.equal(status, 200)
    assert.deepEqual(json, {
      ...{ url, toot_id: toot?.id, toot_url: toot?.url, mastodon_host: all.mastodon.host, mastodon_user: 'owner', state: 'posted' }
    })
    assert.deepEqual(
      ['content-type', 'cache-control', 'x-content-type-options', 'vary'].map(name => headers.get(name)),
      ['application/json; charset=utf-8', 'public, max-age=60', 'nosniff', 'Origin']
    )
    const etag = headers.get('etag') ?? ''
    assert.equal((await all.ask(url, { 'if-none-match': etag })).status, 304)
  })

  it('S1-49 S1-50 S1-59 answers -1 for an old post', async () => {
    const url = all.blog.put('/1/old', { meta: { 'article:published_time': '2020-01-01' } })
    const { json, status } = await all.ask(url)
    const place = { mastodon_host: all.mastodon.host, mastodon_user: 'owner' }
    assert.deepEqual([status, json], [200, { url, toot_id: '-1', toot_url: null, ...place, state: 'old' }])
  })

  it('S1-43 refuses a request without an address, and what is none', async () => {
    for (const query of ['', '?', '?url=', '?url=%20', '?uri=https://a.example']) {
      const answer = await get(query)
      assert.deepEqual([query, answer.status, ((await answer.json()) as { code: string }).code], [query, 400, 'no_url'])
    }
    const origin = all.blog.origin
    for (const url of [
      '1/one',
      'javascript:alert(1)',
      'ftp://127.0.0.1/1/one',
      'http://',
      `${origin}/1/${'x'.repeat(2100)}`,
      `${origin}/1/a\u0000b`
    ])
      await refused(url, 400, 'no_url')
  })

  it('S1-44 S1-47 S1-48 T7 X39 refuses what is no post of the blog, without asking anybody', async () => {
    const { origin, port } = all.blog
    const before = [all.blog.hits(), foreign.hits()]
    for (const url of [
      `${origin}/archive`,
      `${origin}/`,
      `${foreign.origin}/1/one`,
      `${foreign.origin}/?${origin}/1/one`,
      `https://evil.example/${origin}/1/one`,
      `http://127.0.0.1:${port}@evil.example/1/one`,
      `http://127.0.0.1.evil.example:${port}/1/one`,
      `http://127x0x0x1:${port}/1/one`,
      `http://localhost:${port}/1/one`
    ])
      await refused(url, 400, 'not_handled')
    assert.deepEqual([all.blog.hits(), foreign.hits()], before)
  })

  it('S1-19 S1-60 S1-66 refuses what does not exist, makes nothing of it, and does not look again for a minute', async () => {
    const url = `${all.blog.origin}/1/missing`
    await refused(url, 400, 'not_found')
    await refused(url, 400, 'not_found')
    assert.equal(all.blog.asked('/1/missing'), 1)
    assert.equal(await all.find(url), undefined)
    for (const status of [201, 204, 403, 410]) {
      const path = `/1/status-${status}`
      await refused(
        all.blog.put(path, response => void response.writeHead(status).end()),
        400,
        'not_found'
      )
    }
  })

  it('T9 refuses drafts: noindex in the page or a header, a future date, an opt-out', async () => {
    const { put } = all.blog
    const future = new Date(Date.now() + 86_400_000).toISOString()
    const marked = (response: ServerResponse) =>
      void response.writeHead(200, { 'content-type': 'text/html', 'x-robots-tag': 'noindex' }).end('<title>x</title>')
    for (const url of [
      put('/1/noindex', { head: '<meta name="robots" content="noindex, follow">' }),
      put('/1/header', marked),
      put('/1/future', { meta: { 'article:published_time': future } }),
      put('/1/out', { head: '<meta name="fediverse:toot" content="no">' })
    ])
      await refused(url, 409, 'draft')
  })

  it('S1-60 says that the blog fails when it does: not found unless it answers 200, and 502 when it does not answer', async () => {
    for (const status of [500, 503]) {
      const { error } = await refused(
        all.blog.put(`/1/down-${status}`, response => void response.writeHead(status).end()),
        400,
        'not_found'
      )
      assert.match(String(error), new RegExp(`The blog cannot show the page now: it answered ${status}`))
    }
    await refused(
      all.blog.put('/1/cut', response => void response.destroy()),
      502,
      'blog'
    )
  })

  it('answers 502 with Retry-After when the Mastodon server refuses, and the next visit tries again', async () => {
    for (const status of [500, 401, 422]) {
      const url = all.blog.put(`/1/refused-${status}`)
      all.mastodon.fail({ status, path: STATUSES, body: { error: 'Not today, 10.9.8.7' } })
      const answer = await all.ask(url)
      assert.deepEqual([answer.status, answer.json.code], [502, 'mastodon'])
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
      // its words are for the owner
      assert.doesNotMatch(JSON.stringify(answer.json), /Not today|answered|127\.0/)
      assert.ok(all.lines.some(({ fields }) => String(fields.why).includes('Not today')))
      const before = made()
      // what it has refused for good it is asked again tomorrow
      if (status === 500) assert.deepEqual([(await all.ask(url)).status, made()], [200, before + 1])
      if (status === 422)
        assert.deepEqual([(await all.ask(url)).status, Number((await all.ask(url)).headers.get('retry-after')) > 80_000], [502, true])
      if (status === 401) await all.node.tools.settings.keep('mastodon.revoked', null)
    }
  })

  it('X39 one stranger who asks for sixty pages stops nobody else, and is told when to come again', async () => {
    const from = (n: number, path: string) => all.ask(`${all.blog.origin}/1/${path}`, { 'x-forwarded-for': `203.0.113.${n}` })
    const statuses = []
    for (let n = 0; n < 60; n++) statuses.push((await from(1, `none-${n}`)).status)
    assert.deepEqual([statuses.filter(status => status === 400).length, statuses.filter(status => status === 429).length], [10, 50])
    const refusal = await from(1, 'none-59')
    assert.deepEqual([refusal.status, refusal.json.code, Number(refusal.headers.get('retry-after')) > 0], [429, 'too_many', true])
    all.blog.put('/1/none-59')
    assert.equal((await from(2, 'none-59')).status, 200)
  })

  it('X39 one request for the https spelling of an http address stops nobody who asks for the right one', async () => {
    const url = all.blog.put('/1/spelling')
    const wrong = await all.ask(url.replace('http:', 'https:'))
    assert.deepEqual([wrong.status, wrong.json.url], [200, url])
    const absent = `${all.blog.origin}/1/spelling-2`
    await refused(absent.replace('http:', 'https:'), 400, 'not_found')
    all.blog.put('/1/spelling-2')
    all.pass(61_000)
    assert.equal((await all.ask(absent)).status, 200)
  })

  it('T10 makes nothing for a browser that fetches in advance nor for HEAD, and tells both what is known', async () => {
    const url = all.blog.put('/1/advance')
    const before = made()
    const advance = { 'sec-purpose': 'prefetch;prerender' }
    const head = () => get(`?${new URLSearchParams({ url })}`, { method: 'HEAD' })
    const answer = await all.ask(url, advance)
    assert.deepEqual([answer.status, answer.json.code, Number(answer.headers.get('retry-after')) > 0], [503, 'busy', true])
    assert.equal((await head()).status, 503)
    assert.deepEqual([made(), all.blog.asked('/1/advance')], [before, 0])
    await all.ask(url)
    assert.deepEqual([(await all.ask(url, advance)).status, (await head()).status, made()], [200, 200, before + 1])
  })

  it('X39 lets scripts of the blog read the answer, errors too, and no others', async () => {
    const url = all.blog.put('/1/cors')
    const allowed = async (origin: string, address = url) => (await all.ask(address, { origin })).headers.get('access-control-allow-origin')
    assert.equal(await allowed(all.blog.origin), all.blog.origin)
    assert.equal(await allowed(all.blog.origin.replace('http', 'https')), all.blog.origin.replace('http', 'https'))
    assert.equal(await allowed(all.blog.origin, 'nonsense'), all.blog.origin)
    for (const origin of ['https://evil.example', 'null', foreign.origin]) assert.equal(await allowed(origin), null)
    const preflight = await get('?url=x', { method: 'OPTIONS', headers: { origin: all.blog.origin } })
    assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-methods')], [204, 'GET, HEAD'])
    const post = await get('?url=x', { method: 'POST' })
    assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD, OPTIONS'])
  })

  it('S1-34 takes the first of several addresses, and minds no other parameters', async () => {
    const url = all.blog.put('/1/first')
    const answer = await get(`?x=1&url=${encodeURIComponent(url)}&url=https://evil.example/&routeKey=GET`)
    assert.equal(((await answer.json()) as { url: string }).url, url)
    for (const query of ['?url=%', '?url=%ff%fe', '?url[]=x', `?url=${'%41'.repeat(4000)}`])
      assert.equal((await get(query)).status, 400, query)
  })
})

describe('a hostile page', function () {
  this.timeout(60_000)
  let all: Tooting
  let foreign: Loopback
  before(async () => {
    all = await startTooting()
    foreign = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Elsewhere</title>'))
  })
  after(async () => {
    await all?.close()
    await foreign?.close()
  })

  const html = (response: ServerResponse, body: string | Buffer, type = 'text/html') =>
    void response.writeHead(200, { 'content-type': type }).end(body)
  const redirect = (response: ServerResponse, location: string) => void response.writeHead(302, { location }).end()
  let hop = 0

  const refusals: [what: string, code: string, page: (response: ServerResponse) => void][] = [
    ['redirects to another host', 'not_handled', response => redirect(response, `${foreign.origin}/1/x`)],
    ['redirects to a page that is no post', 'not_handled', response => redirect(response, '/about')],
    ['redirects in a circle', 'not_found', response => redirect(response, '/1/hostile')],
    ['redirects without end', 'not_found', response => redirect(response, `/1/hop-${++hop}`)],
    ['redirects to something that is no address', 'not_found', response => redirect(response, 'http://[')],
    ['redirects to an address inside', 'not_found', response => redirect(response, 'http://10.0.0.1/1/x')],
    [
      'has its canonical address on another host',
      'not_handled',
      response => html(response, '<link rel=canonical href=https://evil.example/1/x>')
    ],
    ['has a canonical address that is no post', 'not_handled', response => html(response, '<link rel=canonical href=/about>')],
    [
      'has a script in og:title',
      'not_found',
      response => html(response, '<meta property="og:title" content="&lt;script&gt;alert(1)&lt;/script&gt;">')
    ],
    [
      'has a script in og:description',
      'not_found',
      response => html(response, '<meta property="og:description" content="a<script src=x>">')
    ],
    ['has a javascript: canonical address', 'not_found', response => html(response, '<link rel=canonical href="javascript:alert(1)">')],
    ['has a data: og:url', 'not_found', response => html(response, '<meta property=og:url content="data:text/html,x">')],
    [
      'says that it is in a charset that is none',
      'not_found',
      response => html(response, '<title>x</title>', 'text/html; charset=no-such')
    ],
    [
      'is in another charset than it says',
      'not_found',
      response => html(response, Buffer.from('<meta charset=utf-8><title>Gr\xfc\xdfe</title>', 'latin1'))
    ],
    ['is megabytes long', 'not_found', response => html(response, '<'.repeat(3_000_000))],
    ['is a picture', 'not_found', response => html(response, 'GIF89a', 'image/gif')]
  ]
  for (const [what, code, page] of refusals) {
    it(`X39 gives a clear error and no toot when it ${what}`, async () => {
      const path = `/1/hostile-${refusals.findIndex(([name]) => name === what)}`
      all.blog.put('/about')
      if (what.includes('circle')) all.blog.put('/1/hostile', response => redirect(response, path))
      if (what.includes('without end')) for (let n = 1; n < 20; n++) all.blog.put(`/1/hop-${n}`, page)
      const answer = await all.ask(all.blog.put(path, page))
      assert.deepEqual([answer.status, answer.json.code], [400, code], JSON.stringify(answer.json))
      assert.equal(all.mastodon.statuses().length, 0)
    })
  }

  it('T1 gives a clear error and no toot when it never ends, to each of its visitors', async () => {
    const url = all.blog.put('/1/slow', response => void response.writeHead(200, { 'content-type': 'text/html' }).write('<title>'))
    const first = all.ask(url)
    const later = new Promise(done => setTimeout(done, 4000)).then(() => all.ask(url))
    for (const answer of [await first, await later, await all.ask(url)]) {
      assert.deepEqual([answer.status, answer.json.code], [502, 'blog'], JSON.stringify(answer.json))
      assert.match(String(answer.json.error), /The blog did not answer/)
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
    }
    assert.equal(all.blog.asked('/1/slow'), 1)
    assert.equal(all.mastodon.statuses().length, 0)
  })

  it('X41 has its words as words, and nothing in them that turns the writing round', async () => {
    const page = '<html><head><meta property="og:title" content="&lt;b&gt;A&lt;/b&gt; &#x202E;gpj.exe @ann"></head></html>'
    const url = all.blog.put('/1/words', response => html(response, page))
    const { json, status } = await all.ask(url)
    assert.deepEqual([status, json.state, json.url], [200, 'posted', url])
    const [made] = all.mastodon.statuses()
    assert.match(new URLSearchParams(made?.request.body).get('status') ?? '', /^<b>A<\/b> gpj\.exe @\u2060ann\n/)
    assert.doesNotMatch(made?.status.content ?? '', /<b>/)
  })
})
