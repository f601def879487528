import assert from 'node:assert/strict'
import { Unreachable } from '../../src/model/errors.ts'
import { type BlogNode, HOUR, startBlog } from '../support/written-blog.ts'

describe('POST /publish', () => {
  let blog: BlogNode
  before(async () => {
    blog = await startBlog({ PUBLISH_TOKEN: 'let me in' })
  })
  after(() => blog.close())
  beforeEach(async () => {
    await blog.clear()
    blog.pass(HOUR)
  })

  const TOKEN = { authorization: 'Bearer let-me-in' }
  const post = async (body: RequestInit['body'] = null, headers: Record<string, string> = {}, node = blog, method = 'POST') => {
    const answer = await fetch(`http://${node.node.host}/publish`, { method, body, headers })
    return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Record<string, unknown> }
  }

  it('W24 takes the token by the Authorization header alone, and says how else', async () => {
    const wrong = ['', 'let me in', 'Bearer', 'Bearer x', 'Basic bGV0IG1lIGlu', 'Bearer let']
    for (const authorization of wrong) {
      const { headers, json, status } = await post(null, authorization ? { authorization } : {})
      assert.deepEqual([status, json.code, headers.get('www-authenticate')], [401, 'token', 'Bearer realm="publish"'])
      assert.equal(headers.get('cache-control'), 'no-store')
    }
    assert.equal((await post(new URLSearchParams({ token: 'let me in' }))).status, 401)
    const get = await post(undefined, TOKEN, blog, 'GET')
    assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST'])
  })

  it('W24 is not there without PUBLISH_TOKEN', async () => {
    const closed = await startBlog()
    try {
      for (const method of ['POST', 'GET']) {
        const { json, status } = await post(undefined, TOKEN, closed, method)
        assert.deepEqual([status, json], [404, { error: 'There is nothing here.', code: 'not_found' }])
      }
    } finally {
      await closed.close()
    }
  })

  describe('with the token', () => {
    let open: BlogNode
    before(async () => {
      open = await startBlog({ PUBLISH_TOKEN: 'let-me-in', DRY_RUN: 'on' })
    })
    after(() => open.close())
    beforeEach(async () => {
      await open.clear()
      open.pass(HOUR)
      await open.open()
    })
    const publish = (body: RequestInit['body'] = null, headers: Record<string, string> = {}) => post(body, { ...TOKEN, ...headers }, open)
    const JSON_TYPE = { 'content-type': 'application/json' }

    it('W12 publishes a page at once, as a form or as JSON, once', async () => {
      open.write([{ path: 'one', date: open.date() }])
      const { headers, json, status } = await publish(new URLSearchParams({ url: `${open.url('one')}?utm_source=ci` }))
      const [{ uri } = assert.fail('no post')] = await open.posts()
      assert.equal(status, 200)
      assert.match(headers.get('content-type') ?? '', /^application\/json/)
      assert.deepEqual(json, { url: open.url('one'), post: uri, state: 'new', toot: { state: 'wanted', toot_id: null, toot_url: null } })
      open.pass(HOUR)
      const again = await publish(JSON.stringify({ url: open.url('one') }), JSON_TYPE)
      assert.deepEqual([again.json.state, again.json.post, await open.told()], ['known', uri, ['post']])
      open.page('one', '<title>x</title><meta name="robots" content="noindex">')
      assert.deepEqual((await publish(new URLSearchParams({ url: open.url('one') }))).json.code, 'draft')
    })

    it('W12 reads the feeds of all blogs without a page', async () => {
      open.write([{ path: 'two', date: open.date() }])
      const read = { state: 'read', blogs: [{ account: 'blog', blog: 'https://blog.example/' }] }
      for (const answer of [await publish(), await publish('{}', JSON_TYPE)]) assert.deepEqual([answer.status, answer.json], [200, read])
      assert.deepEqual(await open.told(), ['post'])
      open.feed([], '', { status: 500 })
      const [failed] = (await publish()).json.blogs as { code: string; error: string }[]
      assert.deepEqual([failed?.code, failed?.error], ['unreachable', 'https://blog.example/feed.xml answered 500.'])
    })

    it('says in JSON what is wrong', async () => {
      const wrong: [RequestInit['body'], Record<string, string>, number, string][] = [
        [new URLSearchParams({ url: '' }), {}, 400, 'no_url'],
        [new URLSearchParams({ url: 'https://evil.example/x' }), {}, 400, 'not_handled'],
        [JSON.stringify({ url: 7 }), JSON_TYPE, 400, 'no_url'],
        ['{', JSON_TYPE, 400, 'bad_message'],
        ['url=x', { 'content-type': 'text/plain' }, 415, 'type'],
        ['x'.repeat(11_000), JSON_TYPE, 413, 'too_long']
      ]
      for (const [body, headers, status, code] of wrong) {
        const answer = await publish(body, headers)
        assert.deepEqual([answer.status, answer.json.code], [status, code])
      }
      open.sitemap(['gone', 'down'])
      open.net.set(open.url('gone'), { status: 404 })
      assert.equal((await publish(new URLSearchParams({ url: open.url('gone') }))).json.code, 'not_found')
      open.net.set(open.url('gone'), { status: 500 })
      assert.equal((await publish(new URLSearchParams({ url: open.url('gone') }))).json.code, 'not_found')
      open.net.set(open.url('down'), { error: new Unreachable('no answer') })
      const down = await publish(new URLSearchParams({ url: open.url('down') }))
      assert.deepEqual([down.status, down.json.code], [502, 'blog'])
    })
  })
})
