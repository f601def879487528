/** Every endpoint against input that is missing, doubled, too long, wrongly encoded or of the wrong type: a clear error, and nothing done. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Log } from '../../src/model/log.ts'
import { silence } from '../support/database.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

const FORM = 'application/x-www-form-urlencoded'

describe('bad input', () => {
  let node: TestNode
  const defects: object[] = []
  const log: Log = { ...silence, error: fields => void defects.push(fields), child: () => log }

  before(async () => {
    node = await startNode({ accounts: ['ann'], work: false, log })
  })
  after(() => node?.close())
  afterEach(() => assert.deepEqual(defects.splice(0), [], 'nothing here is a defect'))

  /** Everything that might have been left behind. */
  const traces = async () => {
    const { knex } = node.database.database
    const tables = ['verifications', 'subscribers', 'posts', 'follows', 'subscriptions', 'pushes', 'topics', 'sessions', 'documents']
    return Promise.all(tables.map(async table => Number((await knex(table).count({ n: '*' }).first())!.n)))
  }

  const clean = async (answer: Response, expected: number | number[]) => {
    const text = await answer.text()
    assert.ok([expected].flat().includes(answer.status), `${answer.status} ${text}`)
    assert.doesNotMatch(text, /\bat .*\.ts\b|node_modules|select |knex|Error:/)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    return text
  }

  const forms = ['/hub', '/notes', '/search', '/unfollow', '/signin', '/signout'] as const
  const foreign = { 'content-type': FORM }
  const bodies: [string, { body?: string | Buffer; headers?: Record<string, string> }, number[]][] = [
    ['nothing at all', {}, [400, 403, 415]],
    ['an empty form', { body: '', headers: foreign }, [400, 403]],
    ['JSON', { body: '{}', headers: { 'content-type': 'application/json' } }, [403, 415]],
    ['a form that says it is JSON', { body: 'q=x', headers: { 'content-type': 'application/json' } }, [403, 415]],
    ['several parts', { body: '--x\r\n', headers: { 'content-type': 'multipart/form-data; boundary=x' } }, [403, 415]],
    ['bytes that are no UTF-8', { body: Buffer.from('q=\xff\xfe', 'latin1'), headers: foreign }, [400, 403]],
    ['percent signs that are no UTF-8', { body: 'q=%ff&hub.mode=subscribe&hub.topic=%c3%28', headers: foreign }, [400, 403]],
    ['a NUL', { body: 'q=%00&hub.mode=%00', headers: foreign }, [400, 403]],
    ['too much', { body: `q=${'x'.repeat(100_000)}`, headers: foreign }, [403, 413]],
    ['compressed bytes', { body: 'q=x', headers: { ...foreign, 'content-encoding': 'gzip' } }, [403, 415]],
    ['names of our own objects', { body: '__proto__=x&constructor=y', headers: foreign }, [400, 403]]
  ]
  for (const path of forms) {
    for (const [what, init, statuses] of bodies) {
      it(`POST ${path} with ${what} is refused and leaves nothing`, async () => {
        const before = await traces()
        // signing out is no secret, and whoever is not signed in may do it
        const allowed = path === '/signout' ? [...statuses, 303] : statuses
        const answer = await fetch(`${node.url}${path}`, { method: 'POST', redirect: 'manual', ...init } as RequestInit)
        if (answer.status !== 303) await clean(answer, allowed)
        assert.deepEqual(await traces(), before)
      })
    }
  }

  const token = 'x'.repeat(43)
  const paths: [string, string, number | number[]][] = [
    ['GET', '/nothing', 404],
    ['GET', '/users/%00', 404],
    ['GET', '/users/%E0%A4%A', [400, 404]],
    ['GET', '/users/ann/posts/x', 404],
    ['GET', `/users/ann/posts/${'9'.repeat(17)}`, 404],
    ['GET', '/users/ann/posts/%00.atom', 404],
    ['GET', '/users/ann.atom?before=%00', 404],
    ['GET', '/users/ann.atom?before=1&before=2', 404],
    ['GET', '/users/ann?before=x', 400],
    ['GET', '/?before=99999999999999999999_x', 400],
    ['GET', '/people/%00', 404],
    ['GET', '/posts/..%2f..%2fetc', 404],
    ['GET', '/.well-known/webfinger', 400],
    ['GET', '/.well-known/webfinger?resource=%00', 400],
    ['GET', '/.well-known/webfinger?resource=a&resource=b', 400],
    ['GET', `/push/${token}`, 404],
    ['GET', `/push/${token}?hub.mode=subscribe`, 404],
    ['GET', '/push/%00?hub.mode=subscribe&hub.topic=x&hub.challenge=y', 404],
    ['GET', `/push/${token}?hub.mode=subscribe&hub.topic=%00&hub.challenge=%00`, 404],
    ['POST', '/push/%00', [404, 410]],
    ['POST', '/healthz', 405],
    ['POST', '/users/ann.atom', 405],
    ['DELETE', '/users/ann', 405],
    ['PUT', '/', 405],
    ['PATCH', '/hub', 405],
    ['GET', '/notes', 405],
    ['POST', '/.well-known/host-meta', 405]
  ]
  for (const [method, path, status] of paths) {
    it(`${method} ${path} gets ${status}`, async () => {
      const answer = await fetch(`${node.url}${path}`, { method, ...(method === 'POST' ? { body: 'x' } : {}) })
      await clean(answer, status)
      if (answer.status === 405) assert.match(answer.headers.get('allow')!, /GET|POST/)
    })
  }

  it('POST /push with more than a push may hold gets 413, also when it does not say so beforehand', async () => {
    const stream = () => {
      let left = 30
      return new ReadableStream({ pull: controller => (left-- > 0 ? controller.enqueue(new Uint8Array(65_536)) : controller.close()) })
    }
    const answer = await fetch(`${node.url}/push/${token}`, { method: 'POST', body: stream(), duplex: 'half' } as RequestInit)
    await clean(answer, [404, 413])
    const long = await fetch(`${node.url}/hub`, {
      method: 'POST',
      body: stream(),
      duplex: 'half',
      headers: { 'content-type': FORM }
    } as RequestInit)
    await clean(long, 413)
  })

  it('answers errors in the form that the address has: text, JSON or a page', async () => {
    const table: [string, Record<string, string>, RegExp][] = [
      ['/users/nobody.atom', { accept: 'text/html' }, /^text\/plain/],
      ['/.well-known/webfinger?resource=acct:x@y', { accept: 'text/html' }, /^text\/plain/],
      ['/api/none', { accept: 'text/html' }, /^application\/json/],
      ['/users/nobody', { accept: 'text/html' }, /^text\/html/],
      ['/users/nobody', { accept: 'text/plain' }, /^text\/plain/],
      ['/users/nobody', { accept: 'nonsense' }, /^text\/(plain|html)/]
    ]
    for (const [path, headers, type] of table) {
      const answer = await fetch(`${node.url}${path}`, { headers })
      assert.equal(answer.status, 404)
      assert.match(answer.headers.get('content-type')!, type, `${path} ${headers.accept}`)
    }
    assert.deepEqual(Object.keys((await (await fetch(`${node.url}/api/none`)).json()) as object), ['error', 'code'])
  })

  it('answers HEAD like GET, without a body, errors too', async () => {
    for (const path of ['/', '/users/ann', '/users/ann.atom', '/users/nobody.atom', '/healthz', '/hub', '/style.css']) {
      const [head, get] = await Promise.all(['HEAD', 'GET'].map(method => fetch(`${node.url}${path}`, { method })))
      assert.deepEqual(
        [head!.status, head!.headers.get('content-type'), await head!.text()],
        [get!.status, get!.headers.get('content-type'), '']
      )
    }
  })

  it('X45 takes no address from a Host header, however it looks', async () => {
    for (const host of ['evil.example', 'a:b@c', '', 'evil.example/x', `${'x'.repeat(300)}.example`]) {
      const text = await raw(`GET /users/ann HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n`)
      assert.match(text, /^HTTP\/1\.1 (200|400) /)
      assert.ok(!text.includes('evil.example'))
    }
    const twice = await raw('GET //evil.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert.ok(!/^location:/im.test(twice))
  })

  it('survives what is no HTTP at all, and bodies that break off', async () => {
    await raw('\0\r\n\r\n')
    await raw('GET / HTTP/9.9\r\n\r\n')
    await new Promise<void>(done => {
      const socket = connect(Number(node.host.split(':')[1]), '127.0.0.1', () => {
        socket.write(`POST /hub HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\nContent-Length: 1000\r\n\r\nhub.mode=subscribe`)
        setTimeout(() => socket.destroy(), 50)
      })
      socket.on('close', () => done()).on('error', () => {})
    })
    await until('life', async () => (await fetch(`${node.url}/healthz`)).ok)
  })

  /** Sends bytes and reads until the other side ends. */
  const raw = (request: string): Promise<string> =>
    new Promise(done => {
      let text = ''
      const socket = connect(Number(node.host.split(':')[1]), '127.0.0.1', () => void socket.write(request))
      socket.on('data', data => {
        text += data
      })
      socket.on('close', () => done(text)).on('error', () => {})
      socket.setTimeout(2_000, () => socket.destroy())
    })
})
