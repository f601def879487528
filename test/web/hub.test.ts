/** The hub on the wire: what comes and goes over real sockets. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { findAccount } from '../../src/federation/accounts.ts'
import { publish } from '../../src/federation/publish.ts'
import { visitor } from '../support/browser.ts'
import { type Loopback, readBody, serve } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

type Push = { headers: IncomingHttpHeaders; body: string }

describe('the hub on the wire', () => {
  let node: TestNode
  let subscriber: Loopback
  const events: string[] = []
  const pushes: Push[] = []

  before(async () => {
    node = await startNode({ accounts: ['ann'] })
    subscriber = await serve(async (request, response) => {
      const url = new URL(request.url!, 'http://x')
      events.push(`${request.method} ${url.pathname} ${url.searchParams.get('hub.mode') ?? ''}`.trim())
      if (request.method === 'GET') return void response.end(url.searchParams.get('hub.challenge'))
      pushes.push({ headers: request.headers, body: await readBody(request) })
      response.writeHead(202).end()
    })
  })
  after(async () => {
    await node?.close()
    await subscriber?.close()
  })

  const post = (fields: Record<string, string> | string, headers: Record<string, string> = {}) =>
    fetch(`${node.url}/hub`, { method: 'POST', body: new URLSearchParams(fields), headers })

  it('H4 H5 answers 202 before it asks the callback, which it does within two seconds; then H7 pushes', async () => {
    const topic = `${node.url}/users/ann.atom`
    const answer = await post({
      'hub.mode': 'subscribe',
      'hub.topic': topic,
      'hub.callback': `${subscriber.origin}/cb`,
      'hub.secret': 'geheim'
    })
    events.push('answered')
    assert.equal(answer.status, 202)
    await until('the verification', () => events.includes('GET /cb subscribe'), 2_000)
    assert.deepEqual(events, ['answered', 'GET /cb subscribe'])
    await until('the subscription', async () => (await node.tools.subscribers.count(topic)) === 1)
    await publish(node.tools, await findAccount(node.tools, 'ann'), { text: 'Grüße ☃' })
    const { headers, body } = await until('the push', () => pushes[0])
    assert.equal(headers['x-hub-signature'], `sha256=${createHmac('sha256', 'geheim').update(body).digest('hex')}`)
    assert.equal(headers['content-type'], 'application/atom+xml')
    assert.equal(headers['content-length'], String(Buffer.byteLength(body)))
    assert.match(headers['user-agent']!, /^tidings\//)
    assert.match(String(headers.link), new RegExp(`<${topic}>; rel="self"`))
    await until(
      'the delivery to be written down',
      async () => (await node.tools.deliveries.list({ failed: false, limit: 1 }))[0]?.state === 'done'
    )
  })

  const good = () => ({ 'hub.mode': 'subscribe', 'hub.topic': `${node.url}/users/ann.atom`, 'hub.callback': `${subscriber.origin}/none` })
  const changes: [string, Record<string, string>, number][] = [
    ['no mode', { 'hub.mode': '' }, 400],
    ['an unknown mode', { 'hub.mode': 'delete' }, 400],
    ['mode denied', { 'hub.mode': 'denied' }, 400],
    ['no topic', { 'hub.topic': '' }, 400],
    ['a topic that is no URL', { 'hub.topic': 'feed' }, 400],
    ['a foreign topic', { 'hub.topic': 'https://other.example/feed' }, 422],
    ['no callback', { 'hub.callback': '' }, 400],
    ['a callback that is no URL', { 'hub.callback': 'javascript:alert(1)' }, 400],
    ['a callback with a fragment', { 'hub.callback': 'https://a.example/#x' }, 400],
    ['a callback with credentials', { 'hub.callback': 'https://u:p@a.example/' }, 400],
    ['a private callback', { 'hub.callback': 'http://192.168.0.1/' }, 400],
    ['a callback of 1001 characters', { 'hub.callback': `https://a.example/${'x'.repeat(984)}` }, 400],
    ['a secret of 200 bytes', { 'hub.secret': 'x'.repeat(200) }, 400],
    ['a NUL in its token', { 'hub.verify_token': '\0' }, 400],
    ['nothing to publish', { 'hub.mode': 'publish', 'hub.topic': '' }, 400]
  ]
  for (const [what, change, status] of changes) {
    it(`H1 H3 refuses ${what} with ${status} and a sentence in plain text`, async () => {
      const answer = await post({ ...good(), ...change }, { accept: 'text/html' })
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [status, 'text/plain; charset=utf-8'])
      assert.match(await answer.text(), /^[A-Z].*\.\n$/)
    })
  }

  it('H1 takes the first of repeated fields and ignores unknown ones', async () => {
    const form = new URLSearchParams([
      ...Object.entries(good()),
      ['hub.mode', 'nonsense'],
      ['hub.callback', 'nonsense'],
      ['hub.future', 'x']
    ])
    assert.equal((await fetch(`${node.url}/hub`, { method: 'POST', body: form })).status, 202)
  })

  it('H1 answers other methods with 405, and GET with a page', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const answer = await fetch(`${node.url}/hub`, { method })
      assert.deepEqual([answer.status, answer.headers.get('allow')?.split(', ').toSorted()], [405, ['GET', 'HEAD', 'POST']])
    }
    const page = await visitor(node).get('/hub')
    assert.deepEqual([page.status, /WebSub/.test(page.text)], [200, true])
  })

  it('H10 answers a ping for our own topic with 204 and nothing else', async () => {
    const answer = await post({ 'hub.mode': 'publish', 'hub.url': `${node.url}/users/ann.atom` })
    assert.deepEqual([answer.status, await answer.text()], [204, ''])
  })

  it('H12 tells nobody who subscribes', async () => {
    for (const path of ['/hub', '/users/ann.atom', '/users/ann', '/'])
      assert.ok(!(await visitor(node).get(path)).text.includes(subscriber.origin))
  })

  it('H4 holds no answer up for a callback that hangs', async () => {
    const slow = await serve(() => {})
    try {
      const answer = await post({ ...good(), 'hub.callback': `${slow.origin}/` })
      assert.equal(answer.status, 202)
      await until('the question', () => slow.hits() === 1)
      assert.equal((await post({ ...good(), 'hub.callback': `${subscriber.origin}/other` })).status, 202)
      await until('the other question', () => events.includes('GET /other subscribe'))
    } finally {
      await slow.close()
    }
  })

  it('H5 follows no redirect and reads no long answer', async () => {
    const trap = await serve((request, response) => {
      if (request.url!.startsWith('/redirect')) response.writeHead(302, { location: '/trap' }).end()
      else response.end('x'.repeat(100_000))
    })
    try {
      for (const path of ['redirect', 'long'])
        assert.equal((await post({ ...good(), 'hub.verify': 'sync', 'hub.callback': `${trap.origin}/${path}` })).status, 409)
      assert.equal(trap.hits(), 2)
    } finally {
      await trap.close()
    }
  })
})
