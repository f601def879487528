import assert from 'node:assert/strict'
import { Refused, Unreachable } from '../../src/model/errors.ts'
import { makeGuard } from '../../src/net/guard.ts'
import { makeFailures } from '../../src/net/hosts.ts'
import { type HttpOptions, makeHttp, nextHop } from '../../src/net/http.ts'
import { readBody, serve } from '../support/loopback.ts'

const open: { close(): Promise<unknown> }[] = []
const keep = <T extends { close(): Promise<unknown> }>(one: T): T => {
  open.push(one)
  return one
}
const client = (more: Partial<HttpOptions> = {}) =>
  keep(
    makeHttp({
      guard: makeGuard({ allow: ['127.0.0.0/8'] }),
      allowHttp: false,
      userAgent: 'tidings/0 (+https://us/)',
      clock: Date.now,
      ...more
    })
  )
const close = async () => {
  for (const one of open.splice(0)) await one.close()
}

describe('http', () => {
  afterEach(close)

  it('D14 names itself, takes packed answers and sends no cookie back', async () => {
    const seen: NodeJS.Dict<string | string[]>[] = []
    const server = keep(
      await serve((request, answer) => {
        seen.push(request.headers)
        answer.setHeader('set-cookie', ['a=1', 'b=2']).end('x')
      })
    )
    const http = client()
    const answer = await http.request(`${server.origin}/a?b=%20c`, { headers: { Accept: 'text/html', Host: 'evil.example' } })
    await http.request(server.origin)
    assert.equal(answer.headers['set-cookie'], 'a=1, b=2')
    assert.equal(seen[0]!['user-agent'], 'tidings/0 (+https://us/)')
    assert.equal(seen[0]!['accept-encoding'], 'gzip, deflate, br')
    assert.equal(seen[0]!.accept, 'text/html')
    assert.equal(seen[0]!.host, `127.0.0.1:${server.port}`)
    assert.equal(seen[1]!.cookie, undefined)
  })

  it('D7 follows 301, 302, 303, 307 and 308 alike for GET and tells the hops', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const server = keep(
        await serve((request, answer) => {
          if (request.url === '/') answer.writeHead(status, { location: '/to#part' }).end()
          else answer.end(`${request.method} ${request.url}`)
        })
      )
      const answer = await client().request(server.origin)
      assert.equal(answer.body.toString(), 'GET /to')
      assert.equal(answer.url, `${server.origin}/to`)
      assert.deepEqual(answer.hops, [{ url: `${server.origin}/`, status }])
    }
  })

  it('D7 repeats a POST after 307 and 308 and gives other redirects as the answer', async () => {
    const server = keep(
      await serve(async (request, answer) => {
        const body = await readBody(request)
        const status = Number(request.url!.slice(1))
        if (status > 0) answer.writeHead(status, { location: '/end' }).end()
        else answer.end(`${request.method} ${body}`)
      })
    )
    const http = client()
    for (const status of [301, 302, 303, 307, 308]) {
      const answer = await http.request(`${server.origin}/${status}`, { method: 'POST', body: 'ping' })
      if (status < 307) assert.equal(answer.status, status)
      else assert.equal(answer.body.toString(), 'POST ping')
    }
  })

  it('D7 follows three redirects, not four, and none in a circle', async () => {
    const server = keep(
      await serve((request, answer) => {
        const left = Number(request.url!.slice(1))
        if (request.url === '/loop') answer.writeHead(302, { location: '/loop2' }).end()
        else if (request.url === '/loop2') answer.writeHead(302, { location: '/loop' }).end()
        else if (left > 0) answer.writeHead(302, { location: `/${left - 1}` }).end()
        else answer.end('end')
      })
    )
    const http = client()
    assert.equal((await http.request(`${server.origin}/3`)).hops.length, 3)
    await assert.rejects(http.request(`${server.origin}/4`), Refused)
    await assert.rejects(http.request(`${server.origin}/loop`), /in a circle/)
    assert.equal((await http.request(`${server.origin}/4`, { redirects: 0 })).status, 302)
    assert.equal((await http.request(`${server.origin}/5`, { redirects: 5 })).status, 200)
  })

  it('D7 keeps a token from the other origin of a redirect', async () => {
    const seen: (string | undefined)[] = []
    const far = keep(await serve((request, answer) => answer.end(String(seen.push(request.headers.authorization)))))
    const near = keep(
      await serve((request, answer) => {
        seen.push(request.headers.authorization)
        answer.writeHead(307, { location: request.url === '/' ? '/here' : far.origin }).end()
      })
    )
    await client().request(near.origin, { method: 'POST', body: 'x', headers: { Authorization: 'Bearer secret' } })
    assert.deepEqual(seen, ['Bearer secret', 'Bearer secret', undefined])
  })

  it('D14 asks a host for two things at a time; other hosts and POSTs do not wait', async () => {
    const waiting: (() => void)[] = []
    let most = 0
    const answer = (_: unknown, reply: { end(): void }) => {
      most = Math.max(
        most,
        waiting.push(() => reply.end())
      )
    }
    const server = keep(await serve(answer))
    const http = client()
    const gets = Array.from({ length: 6 }, (_, i) => http.request(`${server.origin}/${i}`))
    const other = keep(await serve((_, reply) => reply.end('free')))
    assert.equal((await http.request(other.origin)).body.toString(), 'free')
    while (waiting.length < 2) await new Promise(setImmediate)
    assert.equal(most, 2)
    const posts = Array.from({ length: 5 }, () => http.request(server.origin, { method: 'POST', body: 'x' }))
    while (waiting.length < 7) await new Promise(setImmediate)
    let done = false
    const all = Promise.all([...gets, ...posts]).then(() => {
      done = true
    })
    while (!done) {
      waiting.shift()?.()
      await new Promise(setImmediate)
    }
    await all
    assert.equal(server.hits(), 11)
    assert.ok(most <= 7)
  })

  it('D14 counts the wait for a turn as time', async () => {
    const server = keep(await serve(() => {}))
    const http = client({ getsPerHost: 1 })
    const first = assert.rejects(http.request(server.origin, { timeout: 500 }), /did not answer in time/)
    await assert.rejects(http.request(server.origin, { timeout: 50 }), /could not be asked in time/)
    await first
    assert.equal(server.hits(), 1)
  })

  it('D14 keeps sockets and uses them again', async () => {
    const server = keep(await serve((request, answer) => request.resume().on('end', () => answer.writeHead(202).end())))
    const http = client()
    for (let i = 0; i < 20; i++) await http.request(server.origin, { method: 'POST', body: 'x', discard: true })
    assert.equal(server.hits(), 20)
    // undici rests a socket for one turn of the event loop, so a caller who goes on at once has two
    assert.ok(server.connections() <= 2)
  })
})

describe('http, hosts that cannot be reached', () => {
  afterEach(close)
  const noSuchHost = () => Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' })
  const lookups = (error: () => Error) => {
    let asked = 0
    const lookup = async () => {
      asked++
      throw error()
    }
    return { lookup, asked: () => asked }
  }

  it('D14 remembers for five minutes that a name does not exist, for GET and not for POST', async () => {
    let now = 0
    const { lookup, asked } = lookups(noSuchHost)
    const http = client({ guard: makeGuard({ allow: [] }), clock: () => now, lookup })
    const get = () => assert.rejects(http.request('https://gone.test/'), { name: 'Unreachable', message: /gone.test .*no such host/ })
    await get()
    await get()
    assert.equal(asked(), 1)
    await assert.rejects(http.request('https://gone.test/', { method: 'POST' }), Unreachable)
    assert.equal(asked(), 2)
    now = 299_999
    await get()
    assert.equal(asked(), 2)
    now = 300_000
    await get()
    assert.equal(asked(), 3)
  })

  it('D14 remembers a refused connection for thirty seconds, and never inside ALLOW_ADDRESSES', async () => {
    const server = await serve(() => {})
    await server.close()
    let now = 0
    let asked = 0
    const lookup = async () => {
      asked++
      return ['127.0.0.1']
    }
    const guard = { ...makeGuard({ allow: [] }), isAllowed: () => true }
    const http = client({ guard, lookup, clock: () => now })
    const url = `http://down.test:${server.port}/`
    const get = () => assert.rejects(http.request(url), { name: 'Unreachable', message: /nothing answers at that port/ })
    await get()
    await get()
    assert.equal(asked, 1)
    now = 30_000
    await get()
    assert.equal(asked, 2)

    const lan = client({ lookup })
    await assert.rejects(lan.request(url), Unreachable)
    const after = asked
    await assert.rejects(lan.request(url), Unreachable)
    assert.ok(asked > after)
  })

  it('X32 remembers no more than ten thousand hosts, the latest', () => {
    const failures = makeFailures(() => 0)
    for (let i = 0; i <= 10_000; i++) failures.note(`h${i}.test`, 'down', 1000)
    assert.equal(failures.recall('h0.test'), undefined)
    assert.equal(failures.recall('h1.test'), 'down')
    assert.equal(failures.recall('h10000.test'), 'down')
  })

  it('D14 does not take an answer or a time-out of one page for a dead host', async () => {
    let quick = false
    const server = keep(await serve((_, answer) => void (quick && answer.writeHead(500).end())))
    const guard = { ...makeGuard({ allow: [] }), isAllowed: () => true }
    const http = client({ guard, lookup: async () => ['127.0.0.1'] })
    await assert.rejects(http.request(`http://slow.test:${server.port}/`, { timeout: 100 }), /did not answer in time/)
    quick = true
    assert.equal((await http.request(`http://slow.test:${server.port}/`)).status, 500)
  })
})

describe('nextHop', () => {
  const hop = (location: string, { status = 302, from = 'https://a.example/x', ...ask }: Record<string, unknown> = {}) =>
    nextHop(ask, new URL(from as string), { status: status as number, headers: { location } }, [{ url: 'https://a.example/', status: 301 }])

  it('D7 goes on from http to https and from host to host', () => {
    assert.equal(hop('https://b.example/', { from: 'http://a.example/' })?.href, 'https://b.example/')
    assert.equal(hop('//b.example/y?z')?.href, 'https://b.example/y?z')
    assert.equal(hop('../y#z')?.href, 'https://a.example/y')
  })

  it('D7 refuses a downgrade, a circle and a Location that is no URL', () => {
    assert.throws(() => hop('http://a.example/x'), Refused)
    assert.throws(() => hop('https://a.example/'), Refused)
    assert.throws(() => hop('#again'), Refused)
    assert.throws(() => hop('http://[::'), { name: 'BadMessage' })
  })

  it('D7 takes an answer without Location, and any other status, as the answer', () => {
    assert.equal(nextHop({}, new URL('https://a.example/'), { status: 302, headers: {} }, []), undefined)
    for (const status of [200, 201, 300, 304, 305, 404]) assert.equal(hop('/y', { status }), undefined)
  })
})
