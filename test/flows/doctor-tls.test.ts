/** The node's certificate, its public address, and nodes that have neither. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { examine } from '../../src/federation/doctor.ts'
import { checkOutside } from '../../src/federation/doctor-outside.ts'
import { makeGuard } from '../../src/net/guard.ts'
import { makeHttp } from '../../src/net/http.ts'
import { startNode } from '../support/node.ts'
import { type Patient, startPatient, told } from '../support/patient.ts'
import { startProxy } from '../support/proxy.ts'

const pem = (what: string) => readFileSync(new URL(`../fixtures/tls/${what}.pem`, import.meta.url))
const authorities = getCACertificates('default')

describe('doctor behind TLS', function () {
  this.timeout(60_000)
  let patient: Patient | undefined
  afterEach(async () => {
    setDefaultCACertificates(authorities)
    await patient?.close()
  })
  const start = async (cert: string, trusted: string[], key = 'loopback.key') => {
    setDefaultCACertificates([...authorities, ...trusted.map(name => pem(name).toString())])
    patient = await startPatient(() => ({ key: pem(key), cert: pem(cert) }))
    return patient
  }

  it('W52 finds a good certificate good', async () => {
    const { tools } = await start('loopback.cert', ['loopback.cert'])
    const checks = await examine(tools)
    assert.deepEqual(told(checks), [])
    assert.match(checks.find(({ id }) => id === 'tls')!.sentence, /is good until 2126-/)
  })

  for (const [what, cert, trusted, why, key] of [
    ['one that has expired', 'loopback.expired', ['loopback.expired'], /its certificate has expired/],
    ['one of another name', 'good.test.cert', ['good.test.cert'], /its certificate belongs to another name/, 'good.test.key'],
    ['one that nobody has signed', 'loopback.cert', [], /signed by nobody but itself/]
  ] as [string, string, string[], RegExp, string?][]) {
    it(`W52 names ${what}, and tries nothing that needs it`, async () => {
      const { tools } = await start(cert, trusted, key)
      const checks = await examine(tools)
      assert.deepEqual(
        told(checks).map(({ id }) => id),
        ['tls']
      )
      assert.match(told(checks)[0]!.sentence, why)
      assert.match(told(checks)[0]!.cure!, /Renew it/)
      assert.deepEqual(
        checks.flatMap(({ id, state }) => (state === 'skipped' ? [id] : [])),
        ['webfinger', 'signature', 'hub']
      )
    })
  }
})

describe('doctor at a public address', function () {
  this.timeout(30_000)

  it('W52 says when a certificate ends within two weeks', async () => {
    const patient = await startPatient()
    try {
      const { tools } = patient
      const validTo = new Date(Date.now() + 3 * 86_400_000)
      // of the address alone is it told that it is https, and what its certificate is
      const http = { ...tools.http, certificate: async () => ({ validTo }) }
      const config = { ...tools.config, isLoopback: false }
      const addresses = { ...tools.addresses, origin: tools.addresses.origin.replace('http:', 'https:') }
      const [found] = told(await checkOutside({ ...tools, addresses, config, http }))
      assert.deepEqual([found?.id, found?.state], ['tls', 'warning'])
      assert.match(found!.sentence, new RegExp(`ends on ${validTo.toISOString().slice(0, 10)}\\.$`))
    } finally {
      await patient.close()
    }
  })

  it('W52 says when its name leads to a private address from here', async () => {
    const origin = 'http://node.test:3000'
    const guard = makeGuard({ allow: [] })
    const http = makeHttp({
      guard,
      lookup: async () => ['10.0.0.7'],
      allowHttp: true,
      userAgent: 'x/0',
      clock: Date.now,
      ownOrigin: origin
    })
    const node = await startNode({ env: { PUBLIC_URL: origin, ALLOW_ADDRESSES: '' }, accounts: ['blog'], work: false, overrides: { http } })
    try {
      const [found] = told(await examine(node.tools)).filter(({ state }) => state === 'failure')
      assert.equal(found?.sentence, `From here ${origin} is at a private address.`)
      assert.match(found!.cure!, /ALLOW_ADDRESSES/)
    } finally {
      await node.close()
    }
  })

  it('X29 reaches its own node through the outside, which nothing else of the node does', async () => {
    const proxy = await startProxy()
    const origin = `http://node.test:${proxy.port}`
    // as on the internet: the address may be reached, but is none that the owner has listed
    const guard = { ...makeGuard({ allow: [] }), isAllowed: () => true }
    const lookup = async (host: string) => {
      if (host === 'node.test') return ['127.0.0.1']
      throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' })
    }
    const http = makeHttp({ guard, lookup, allowHttp: true, userAgent: 'tidings/0', clock: Date.now, ownOrigin: origin })
    const node = await startNode({
      env: { PUBLIC_URL: origin, ALLOW_ADDRESSES: '', ALLOW_HTTP: 'on' },
      accounts: ['blog'],
      overrides: { http }
    })
    try {
      proxy.lead(`http://${node.host}`)
      const checks = await examine(node.tools)
      assert.deepEqual(
        told(checks).map(({ id, sentence }) => [id, sentence]),
        [['tls', 'PUBLIC_URL is plain http: many servers do not talk to it.']]
      )
      assert.deepEqual(
        ['public-url', 'own-webfinger', 'signature', 'hub'].map(id => checks.find(one => one.id === id)?.state),
        ['ok', 'ok', 'ok', 'ok']
      )
      await assert.rejects(() => http.request(`${origin}/`), /an address of this node itself/)
    } finally {
      await node.close()
      await proxy.close()
    }
  })
})

describe('doctor on a node that nobody can reach', function () {
  this.timeout(30_000)
  it('6.2 says so and tries nothing from outside; without a worker it says that as well', async () => {
    const alone = await startNode({ accounts: ['blog'], env: { ALLOW_ADDRESSES: '' }, work: false })
    try {
      const checks = await examine(alone.tools)
      assert.deepEqual(told(checks), [])
      assert.match(checks.find(({ id }) => id === 'public-url')!.sentence, /^The node is not public/)
    } finally {
      await alone.close()
    }
    const idle = await startNode({ accounts: ['blog'], work: false })
    try {
      const [found, ...more] = told(await examine(idle.tools))
      assert.deepEqual([found?.id, more], ['hub', []])
      assert.match(found!.cure!, /tidings worker/)
    } finally {
      await idle.close()
    }
  })
})
