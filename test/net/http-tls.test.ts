import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { makeGuard } from '../../src/net/guard.ts'
import { makeHttp } from '../../src/net/http.ts'
import { listen, serve } from '../support/loopback.ts'

// The certificate of the fixtures is for good.test, signed by itself and good until 2126.
describe('http over TLS', () => {
  const pem = (what: string) => readFileSync(new URL(`../fixtures/tls/good.test.${what}.pem`, import.meta.url))
  const authorities = getCACertificates('default')
  const guard = { ...makeGuard({ allow: [] }), isAllowed: () => true }
  const open: { close(): Promise<unknown> }[] = []
  const keep = <T extends { close(): Promise<unknown> }>(one: T): T => {
    open.push(one)
    return one
  }
  const lookup = async () => ['127.0.0.1']
  const http = () => keep(makeHttp({ guard, lookup, allowHttp: false, userAgent: 'tidings/0', clock: Date.now }))
  afterEach(async () => {
    setDefaultCACertificates(authorities)
    for (const one of open.splice(0)) await one.close()
  })
  const secure = (location?: string) => {
    const names: string[] = []
    const server = createTlsServer({ key: pem('key'), cert: pem('cert') }, (_, answer) =>
      location === undefined ? answer.end('secret') : answer.writeHead(302, { location }).end()
    )
    server.on('secureConnection', socket => names.push(String(socket.servername))).on('tlsClientError', () => {})
    return listen(server).then(found => ({ ...keep(found), names }))
  }

  it('I15 keeps the name for SNI and for the certificate though it connects to the checked address', async () => {
    setDefaultCACertificates([...authorities, pem('cert').toString()])
    const server = await secure()
    const answer = await http().request(`https://good.test:${server.port}/`, { plainHttp: 'never' })
    assert.equal(answer.body.toString(), 'secret')
    assert.equal(answer.trusted, true)
    assert.deepEqual(server.names, ['good.test'])
    await assert.rejects(http().request(`https://other.test:${server.port}/`), { name: 'Unreachable', message: /belongs to another name/ })
  })

  it('I15 does not speak to a certificate that nobody trusts', async () => {
    const server = await secure()
    await assert.rejects(http().request(`https://good.test:${server.port}/`), {
      name: 'Unreachable',
      message: /signed by nobody but itself/
    })
    assert.equal(server.hits(), 0)
  })

  it('D7 refuses a redirect from https to http', async () => {
    setDefaultCACertificates([...authorities, pem('cert').toString()])
    const plain = keep(await serve((_, answer) => answer.end('plain')))
    const server = await secure(`http://good.test:${plain.port}/`)
    await assert.rejects(http().request(`https://good.test:${server.port}/`), /from https to plain http/)
    assert.equal(plain.hits(), 0)
  })

  it('D7 says of a plain server behind an https URL that it does not speak https', async () => {
    const plain = keep(await serve((_, answer) => answer.end('plain')))
    await assert.rejects(http().request(`https://good.test:${plain.port}/`), {
      name: 'Unreachable',
      message: /: it does not speak https\.$/
    })
  })
})
