import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { isFailure, Unreachable } from '../../src/model/errors.ts'
import { makeGuard } from '../../src/net/guard.ts'
import { makeHttp } from '../../src/net/http.ts'
import { listen, serve } from '../support/loopback.ts'

const TOO_LONG = { name: 'BadMessage', status: 413 }

describe('http, how much and how long', () => {
  const http = makeHttp({ guard: makeGuard({ allow: ['127.0.0.0/8'] }), allowHttp: false, userAgent: 'tidings/0', clock: Date.now })
  const open: { close(): Promise<unknown> }[] = []
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
  })
  after(() => http.close())

  /** A server that writes these bytes to whoever connects, and perhaps goes on with `more` for ever. */
  const raw = async (bytes: string, more?: string) => {
    const server = await listen(
      createServer(socket => {
        socket.write(bytes)
        if (more === undefined) return
        const timer = setInterval(() => socket.write(more), 20)
        socket.on('close', () => clearInterval(timer))
      })
    )
    open.push(server)
    return server
  }
  const packed = async (body: Buffer, coding: string) => {
    const server = await serve((_, answer) => answer.setHeader('content-encoding', coding).end(body))
    open.push(server)
    return server.origin
  }

  it('D14 gives up a server that answers drop by drop, in the headers and in the body', async () => {
    const drips = [
      await raw('HTTP/1.1 200 OK\r\n', 'x: y\r\n'),
      await raw('HTTP/1.1 200 OK\r\n\r\n', 'x'),
      await raw('HTTP/1.1 103 Early Hints\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\n\r\n')
    ]
    for (const { origin } of drips)
      await assert.rejects(http.request(origin, { timeout: 300 }), { name: 'Unreachable', message: /in time/ })
  })

  it('D14 counts all hops together', async () => {
    const server = await serve((request, answer) => {
      setTimeout(() => answer.writeHead(302, { location: `${request.url}x` }).end(), 100)
    })
    open.push(server)
    await assert.rejects(http.request(server.origin, { timeout: 250, redirects: 20 }), Unreachable)
  })

  it('D14 stops reading a body of 10 MB', async () => {
    let sent = 0
    const server = await serve((_, answer) => {
      const more = () => {
        while (sent < 10_000_000 && !answer.destroyed) {
          sent += 100_000
          if (!answer.write(Buffer.alloc(100_000))) return answer.once('drain', more)
        }
        return answer.end()
      }
      more()
    })
    open.push(server)
    await assert.rejects(http.request(server.origin, { maxBytes: 256_000 }), TOO_LONG)
    assert.ok(sent < 10_000_000)
  })

  it('D14 takes a body of exactly the limit, packed or not', async () => {
    const body = Buffer.alloc(1000, 'x')
    for (const [coding, bytes] of [
      ['identity', body],
      ['gzip', gzipSync(body)]
    ] as const) {
      const origin = await packed(bytes, coding)
      assert.equal((await http.request(origin, { maxBytes: 1000 })).body.length, 1000)
      await assert.rejects(http.request(origin, { maxBytes: 999 }), TOO_LONG)
    }
  })

  it('D14 inflates gzip, deflate with and without its header, and br', async () => {
    const text = 'tidings '.repeat(500)
    const forms = {
      gzip: gzipSync(text),
      'x-gzip': gzipSync(text),
      deflate: deflateSync(text),
      Deflate: deflateRawSync(text),
      br: brotliCompressSync(text)
    }
    for (const [coding, bytes] of Object.entries(forms)) {
      assert.equal((await http.request(await packed(bytes, coding))).body.toString(), text, coding)
    }
  })

  it('D14 stops a gzip bomb and a brotli bomb at the limit', async () => {
    const zeros = Buffer.alloc(50_000_000)
    for (const [coding, bomb] of [
      ['gzip', gzipSync(zeros)],
      ['deflate', deflateSync(zeros)],
      ['br', brotliCompressSync(zeros)]
    ] as const) {
      const origin = await packed(bomb, coding)
      const before = process.memoryUsage().arrayBuffers
      await assert.rejects(http.request(origin), TOO_LONG, coding)
      assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000, coding)
    }
  })

  it('D14 refuses what is packed twice, in an unknown way, or wrongly', async () => {
    const nested = await packed(gzipSync(gzipSync('x')), 'gzip, gzip')
    const unknown = await packed(Buffer.from('x'), 'zstd')
    const broken = await packed(Buffer.from('no gzip'), 'gzip')
    const cut = await packed(gzipSync('x'.repeat(1000)).subarray(0, 15), 'gzip')
    const inherited = await packed(Buffer.from('x'), '__proto__')
    for (const origin of [nested, unknown, broken, cut, inherited]) await assert.rejects(http.request(origin), { name: 'BadMessage' })
  })

  it('X27 stops at headers of more than 16 kB', async () => {
    const { origin } = await raw(`HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(1000)}\r\n`)
    await assert.rejects(http.request(origin), TOO_LONG)
  })

  it('X27 reads nothing of a discarded body but its beginning, and the status stands', async () => {
    const endless = await raw('HTTP/1.1 202 Accepted\r\n\r\n', 'x'.repeat(5000))
    const silent = await raw('HTTP/1.1 410 Gone\r\ncontent-length: 5\r\n\r\n')
    const answer = await http.request(endless.origin, { method: 'POST', body: 'x', discard: true })
    assert.equal(answer.status, 202)
    assert.equal(answer.body.length, 0)
    assert.equal((await http.request(silent.origin, { method: 'POST', body: 'x', discard: true, timeout: 200 })).status, 410)
  })

  it('X27 answers a HEAD whose length is huge', async () => {
    const server = await serve((_, answer) => answer.setHeader('content-length', '10000000').end())
    open.push(server)
    assert.equal((await http.request(server.origin, { method: 'HEAD' })).headers['content-length'], '10000000')
  })

  const nonsense = [
    '',
    '\r\n\r\n',
    'SSH-2.0-OpenSSH_9.6\r\n',
    'HTTP/1.1 99999 x\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello'
  ]
  const more = [
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx',
    'HTTP/1.1 302 x\r\nlocation: http://[\r\n\r\n'
  ]
  for (const bytes of [
    ...nonsense,
    ...more,
    'HTTP/1.1 200 OK\r\n__proto__: x\r\nconstructor: y\r\n\r\nx',
    'HTTP/1.1 101 x\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'
  ]) {
    it(`X27 survives a server that says ${JSON.stringify(bytes.slice(0, 60))}`, async () => {
      const server = await listen(createServer(socket => socket.end(bytes)))
      open.push(server)
      const answer = await http.request(server.origin, { timeout: 2000 }).catch(error => error)
      assert.ok(isFailure(answer) || answer.status === 200, String(answer?.stack))
    })
  }

  it('X27 says with one of the four errors that a header of ours cannot be written', async () => {
    const server = await serve((_, answer) => answer.end())
    open.push(server)
    await assert.rejects(http.request(server.origin, { headers: { 'if-none-match': 'a\r\nb: c' } }), { name: 'BadMessage' })
    assert.equal(server.hits(), 0)
  })
})
