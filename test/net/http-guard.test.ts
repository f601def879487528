import assert from 'node:assert/strict'
import { Refused, Unreachable } from '../../src/model/errors.ts'
import { makeGuard } from '../../src/net/guard.ts'
import { type HttpOptions, makeHttp } from '../../src/net/http.ts'
import { type Loopback, serve } from '../support/loopback.ts'

const open: { close(): Promise<unknown> }[] = []
const LOOPBACK = ['127.0.0.0/8']

const client = (allow: string[], more: Partial<HttpOptions> = {}) => {
  const http = makeHttp({ guard: makeGuard({ allow }), allowHttp: false, userAgent: 'tidings/0', clock: Date.now, ...more })
  open.push(http)
  return http
}

describe('http, where it lets itself be sent', () => {
  let server: Loopback
  before(async () => {
    server = await serve((_, answer) => answer.end('inside'))
    open.push(server)
  })
  after(async () => {
    for (const one of open) await one.close()
  })

  const spellings = [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.0.0.1.',
    '１２７.０.０.１',
    'localhost',
    'a.localhost'
  ]
  const others = [
    'localhost.',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '169.254.169.254'
  ]
  for (const method of ['GET', 'POST', 'HEAD'] as const) {
    it(`X23 refuses a ${method} to every spelling of a private address, and the server is not hit`, async () => {
      const http = client([])
      const before = server.connections()
      for (const host of [...spellings, ...others]) {
        await assert.rejects(http.request(`http://${host}:${server.port}/`, { method }), Refused, host)
      }
      assert.equal(server.connections(), before)
    })
  }

  it('X23 reaches the same spellings once ALLOW_ADDRESSES opens loopback', async () => {
    const http = client(LOOPBACK)
    for (const host of spellings) {
      const answer = await http.request(`http://${host}:${server.port}/`, { plainHttp: 'never' })
      assert.equal(answer.body.toString(), 'inside', host)
      assert.equal(answer.trusted, true)
    }
  })

  it('X23 refuses a name that resolves to a private address, and one of whose addresses only one is private', async () => {
    const answers: Record<string, string[]> = {
      'inside.test': ['127.0.0.1'],
      'mixed.test': ['93.184.216.34', '127.0.0.1'],
      'mapped.test': ['::ffff:127.0.0.1'],
      'zone.test': ['fe80::1%lo'],
      'junk.test': ['not an address']
    }
    const http = client([], { lookup: async host => answers[host] ?? [] })
    const before = server.connections()
    for (const host in answers) await assert.rejects(http.request(`http://${host}:${server.port}/`), Refused, host)
    await assert.rejects(http.request(`http://empty.test:${server.port}/`), Unreachable)
    assert.equal(server.connections(), before)
  })

  it('X23 connects to the address that was checked, and asks the resolver again for a new socket only', async () => {
    // 127.0.0.1 plays the public address, all others are private
    const outside = await serve((_, answer) => answer.setHeader('connection', 'close').end('outside'))
    open.push(outside)
    let asked = 0
    const guard = { ...makeGuard({ allow: [] }), isAllowed: (ip: string) => ip === '127.0.0.1' }
    const http = client([], { guard, lookup: async () => (asked++ === 0 ? ['127.0.0.1'] : ['127.0.0.2']) })
    const url = `http://rebind.test:${outside.port}/`
    assert.equal((await http.request(url)).body.toString(), 'outside')
    assert.equal(asked, 1)
    await assert.rejects(http.request(url), Refused)
    await assert.rejects(http.request(url, { method: 'POST' }), Refused)
    assert.equal(outside.hits(), 1)
  })

  it('X23 holds a name that was found inside ALLOW_ADDRESSES to them when it connects', async () => {
    let asked = 0
    const http = client(['127.0.0.1/32'], { lookup: async () => (asked++ === 0 ? ['127.0.0.1'] : ['93.184.216.34']) })
    await assert.rejects(http.request(`http://rebind.test:${server.port}/`, { plainHttp: 'never' }), Refused)
  })

  const targets = [
    'http://127.0.0.2:PORT/',
    'http://169.254.169.254/latest/',
    'http://[::1]:PORT/',
    'http://0:PORT/',
    'http://inside.test:PORT/'
  ]
  for (const target of targets) {
    it(`D7 checks the hop of a redirect to ${target}`, async () => {
      const location = target.replace('PORT', String(server.port))
      const door = await serve((_, answer) => answer.writeHead(302, { location }).end())
      open.push(door)
      const http = client(['127.0.0.1/32'], { lookup: async () => ['127.0.0.1', '10.0.0.1'] })
      const before = server.connections()
      await assert.rejects(http.request(door.origin), Refused)
      assert.equal(server.connections(), before)
    })
  }

  it('X28 refuses credentials, odd schemes and ports in the target of a redirect', async () => {
    for (const location of ['http://u:p@127.0.0.1:4000/', 'file:///etc/passwd', 'gopher://127.0.0.1:4000/', 'http://127.0.0.1:25/']) {
      const door = await serve((_, answer) => answer.writeHead(302, { location }).end())
      open.push(door)
      await assert.rejects(client(LOOPBACK).request(door.origin), Refused, location)
    }
  })

  it('X29 refuses our own origin outside ALLOW_ADDRESSES unless doctor asks, who still passes the guard', async () => {
    const lookup = async () => ['127.0.0.1']
    const guard = { ...makeGuard({ allow: [] }), isAllowed: () => true }
    const ownOrigin = `http://own.test:${server.port}`
    const http = client([], { guard, lookup, ownOrigin })
    const before = server.hits()
    await assert.rejects(http.request(`${ownOrigin}/users/ann`), /this node itself/)
    await assert.rejects(http.request(`${ownOrigin}/users/ann`, { method: 'POST' }), Refused)
    assert.equal(server.hits(), before)
    assert.equal((await http.request(`${ownOrigin}/healthz`, { allowOwn: true })).status, 200)
    assert.equal((await http.request(`http://other.test:${server.port}/`)).status, 200)
    await assert.rejects(client([], { lookup, ownOrigin }).request(ownOrigin, { allowOwn: true }), Refused)
  })

  it('X29 lets a node reach itself inside ALLOW_ADDRESSES', async () => {
    assert.equal((await client(LOOPBACK, { ownOrigin: server.origin }).request(server.origin)).status, 200)
  })

  it('D7 refuses plain http in discovery unless ALLOW_HTTP is set', async () => {
    const options = { guard: { ...makeGuard({ allow: [] }), isAllowed: () => true }, lookup: async () => ['127.0.0.1'] }
    const url = `http://peer.test:${server.port}/`
    await assert.rejects(client([], options).request(url, { plainHttp: 'never' }), Refused)
    assert.equal((await client([], options).request(url)).trusted, false)
    const answer = await client([], { ...options, allowHttp: true }).request(url, { plainHttp: 'never' })
    assert.equal(answer.trusted, false)
  })
})
