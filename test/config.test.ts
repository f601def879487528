import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { ConfigFaults, describeConfig, readConfig } from '../src/config.ts'
import { loadSecretKey } from '../src/secret-key.ts'
import { settings } from '../src/settings.ts'

const key = 'a key of sixteen or more'
const remote = { DATABASE_URL: 'postgres://ann:p%40ss@db.example:6543/node', SECRET_KEY: key }

describe('The configuration', () => {
  let cwd: string
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'tidings-config-'))
  })
  afterEach(() => rmSync(cwd, { recursive: true }))

  const read = (environment: Record<string, string | undefined>) => readConfig(environment, { cwd })
  const faultsOf = (environment: Record<string, string | undefined>) => {
    try {
      read(environment)
    } catch (error) {
      assert.ok(error instanceof ConfigFaults)
      return error.faults.map(fault => fault.name).sort()
    }
    return []
  }

  it('needs no setting at all', () => {
    const config = read({})
    assert.equal(config.publicUrl, 'http://127.0.0.1:3000')
    assert.equal(config.handleHost, '127.0.0.1:3000')
    assert.equal(config.host, '127.0.0.1')
    assert.equal(config.isLoopback, true)
    assert.equal(config.database, undefined)
    assert.equal(config.dataDir, join(cwd, 'data'))
    assert.deepEqual([config.account, config.moderation, config.trustProxy, config.logFormat], ['blog', 'first', 0, 'json'])
    assert.deepEqual(config.warnings, [])
  })

  it('tells all faults together, by name, and never a value', () => {
    const faulty = {
      PORT: 'eighty-hush',
      PUBLIC_URL: 'ftp://hush',
      OPEN_HUB: 'hush',
      DYNO: 'web.1',
      HUBS: 'hush',
      SECRET_KEY: 'hush',
      DATABASE_SSL: 'hush'
    }
    assert.deepEqual(faultsOf(faulty), ['DATABASE_SSL', 'DATABASE_URL', 'HUBS', 'OPEN_HUB', 'PORT', 'PUBLIC_URL', 'SECRET_KEY'])
    assert.throws(
      () => read(faulty),
      error => error instanceof ConfigFaults && error.message.split('\n').length === 7 && !error.message.includes('hush')
    )
  })

  it('throws nothing but its faults, whatever the values are', () => {
    const environment = fc.record(Object.fromEntries(Object.keys(settings).map(name => [name, fc.oneof(fc.string(), fc.webUrl())])), {
      requiredKeys: []
    })
    fc.assert(fc.property(environment, values => void faultsOf(values as Record<string, string>)))
  })

  describe('.env', () => {
    it('is read, and the environment wins over it', () => {
      writeFileSync(join(cwd, '.env'), 'PORT=4000\nACCOUNT="ann"\n')
      const config = read({ ACCOUNT: 'bob' })
      assert.deepEqual([config.port, config.account], [4000, 'bob'])
    })

    it('is overruled by an empty value, which is no value', () => {
      writeFileSync(join(cwd, '.env'), 'PORT=4000\n')
      assert.equal(read({ PORT: '' }).port, 3000)
    })
  })

  describe('PUBLIC_URL', () => {
    it('is an origin, without what does not belong to one', () => {
      assert.equal(read({ PUBLIC_URL: 'https://Node.Example:443/' }).publicUrl, 'https://node.example')
      for (const url of [
        'https://node.example/path',
        'https://node.example/?a',
        'https://a:b@node.example',
        'node.example',
        'http://0.0.0.0:3000'
      ])
        assert.deepEqual(faultsOf({ PUBLIC_URL: url }), ['PUBLIC_URL'], url)
    })

    it('decides where we listen: everywhere only when the origin is public', () => {
      assert.equal(read({ PUBLIC_URL: 'https://node.example' }).host, undefined)
      assert.equal(read({ PUBLIC_URL: 'http://localhost:8080' }).host, '127.0.0.1')
      assert.equal(read({ PUBLIC_URL: 'http://127.0.0.2:8080' }).host, '127.0.0.2')
      assert.equal(read({ PUBLIC_URL: 'http://[::1]:8080' }).host, '::1')
      assert.equal(read({ HOST: '0.0.0.0' }).host, '0.0.0.0')
    })

    it('on loopback gives its port to PORT, and a warning when the two differ', () => {
      assert.equal(read({ PUBLIC_URL: 'http://127.0.0.1:3001' }).port, 3001)
      assert.equal(read({ PORT: '3001' }).publicUrl, 'http://127.0.0.1:3001')
      assert.match(read({ PUBLIC_URL: 'http://127.0.0.1:3001', PORT: '3002' }).warnings.join(), /another port/)
    })

    it('gives the host of the handles, unless HANDLE_HOST does', () => {
      assert.equal(read({ PUBLIC_URL: 'https://node.example:8443' }).handleHost, 'node.example:8443')
      assert.equal(read({ PUBLIC_URL: 'https://node.example', HANDLE_HOST: 'Blog.Example' }).handleHost, 'blog.example')
      assert.deepEqual(faultsOf({ HANDLE_HOST: 'https://blog.example' }), ['HANDLE_HOST'])
    })
  })

  describe('The database', () => {
    it('is read from one address, and proven by TLS when it is elsewhere', () => {
      const { database } = read(remote)
      assert.deepEqual(database, {
        url: remote.DATABASE_URL,
        host: 'db.example',
        port: 6543,
        user: 'ann',
        password: 'p@ss',
        name: 'node',
        ssl: 'verify'
      })
    })

    it('S1-42 is read from its parts', () => {
      const parts = { DATABASE_HOST: '127.0.0.1', DATABASE_USER: 'ann', DATABASE_NAME: 'node', SECRET_KEY: key }
      assert.deepEqual(read(parts).database, { host: '127.0.0.1', port: 5432, user: 'ann', name: 'node', ssl: 'off' })
      assert.deepEqual(faultsOf({ DATABASE_USER: 'ann' }), ['DATABASE_USER'])
      assert.deepEqual(faultsOf({ DATABASE_HOST: 'db.example', SECRET_KEY: key }), ['DATABASE_NAME'])
      assert.deepEqual(faultsOf({ ...remote, ...parts }), ['DATABASE_HOST'])
    })

    const hosts: [address: string, host: string, ssl: string][] = [
      ['postgres://db.example/node', 'db.example', 'verify'],
      ['postgres://db.example/node?sslmode=require', 'db.example', 'verify'],
      ['postgres://db.example/node?sslmode=disable', 'db.example', 'off'],
      ['postgres://db.example/node?sslmode=constructor', 'db.example', 'verify'],
      ['postgresql://localhost/node', 'localhost', 'off'],
      ['postgres://[::1]:5433/node', '::1', 'off'],
      ['postgres://%2Fvar%2Frun%2Fpostgresql/node', '/var/run/postgresql', 'off'],
      ['postgres://ann@/node?host=/tmp', '/tmp', 'off']
    ]
    for (const [address, host, ssl] of hosts) {
      it(`at ${address} has TLS ${ssl}`, () => {
        const { database } = read({ DATABASE_URL: address, SECRET_KEY: key })
        assert.deepEqual([database?.host, database?.ssl], [host, ssl])
      })
    }

    it('on Heroku is believed without a certificate, said so, and must be there', () => {
      const config = read({ ...remote, DYNO: 'web.1' })
      assert.deepEqual([config.database?.ssl, config.trustProxy, config.dyno], ['no-verify', 1, true])
      assert.match(config.warnings.join(), /PUBLIC_URL is missing.*nothing proves/)
      assert.equal(config.host, undefined)
      assert.deepEqual(faultsOf({ DYNO: 'web.1' }), ['DATABASE_URL'])
    })

    it('needs a SECRET_KEY of 16 characters', () => {
      assert.deepEqual(faultsOf({ DATABASE_URL: remote.DATABASE_URL }), ['SECRET_KEY'])
      assert.deepEqual(faultsOf({ ...remote, SECRET_KEY: 'short' }), ['SECRET_KEY'])
    })

    it('is proven by the certificate in the file DATABASE_CA', () => {
      writeFileSync(join(cwd, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n')
      writeFileSync(join(cwd, 'wrong.pem'), 'nothing')
      const { database } = read({ ...remote, DYNO: 'web.1', DATABASE_CA: 'ca.pem' })
      assert.deepEqual([database?.ssl, database?.ca], ['verify', '-----BEGIN CERTIFICATE-----\n'])
      for (const file of ['wrong.pem', 'absent.pem', '.']) assert.deepEqual(faultsOf({ ...remote, DATABASE_CA: file }), ['DATABASE_CA'])
    })
  })

  it('reads lists, ranges, switches and numbers', () => {
    const config = read({
      HUBS: 'https://one.example/, http://two.example/hub',
      ALLOW_ADDRESSES: '127.0.0.0/8 ::1,10.1.2.3',
      OPEN_HUB: 'YES',
      DRY_RUN: '1',
      RETENTION_DAYS: '30',
      MODERATION: 'All'
    })
    assert.deepEqual(config.hubs, ['https://one.example/', 'http://two.example/hub'])
    assert.deepEqual(config.allowAddresses, ['127.0.0.0/8', '::1/128', '10.1.2.3/32'])
    assert.deepEqual([config.openHub, config.dryRun, config.retentionDays, config.moderation], [true, true, 30, 'all'])
    for (const range of ['127.0.0.0/33', '::/129', 'localhost', '10.0.0.0/8/8', '10.0.0.0/'])
      assert.deepEqual(faultsOf({ ALLOW_ADDRESSES: range }), ['ALLOW_ADDRESSES'])
  })

  it('S1-8 S1-35 takes the Mastodon host bare, or with plain http inside ALLOW_ADDRESSES', () => {
    assert.equal(read({ MASTODON_HOST: 'mastodon.example' }).mastodonHost, 'https://mastodon.example')
    const local = { MASTODON_HOST: 'http://127.0.0.1:4000' }
    assert.equal(read({ ...local, ALLOW_ADDRESSES: '127.0.0.0/8' }).mastodonHost, 'http://127.0.0.1:4000')
    assert.deepEqual(faultsOf(local), ['MASTODON_HOST'])
    assert.deepEqual(faultsOf({ ...local, ALLOW_ADDRESSES: '10.0.0.0/8' }), ['MASTODON_HOST'])
    assert.deepEqual(faultsOf({ MASTODON_OAUTH_TOKEN: 'hush' }), ['MASTODON_HOST'])
  })

  it('warns of names that were meant to be ours, and of no others', () => {
    const { warnings } = read({
      DATABASE_URI: 'x',
      HUB: 'x',
      MASTODON_TOKEN: 'x',
      HOME: 'x',
      PATH: 'x',
      HOSTNAME: 'x',
      LOGNAME: 'x',
      __proto__: 'x' as never
    })
    assert.deepEqual(warnings, [
      'DATABASE_URI is not a setting; did you mean DATABASE_URL?',
      'HUB is not a setting; did you mean HUBS?',
      'MASTODON_TOKEN is not a setting.'
    ])
  })

  it('X49 is described for the log without a secret', () => {
    const secrets = {
      MASTODON_HOST: 'm.example',
      MASTODON_OAUTH_TOKEN: 'hush',
      METRICS_TOKEN: 'hush',
      PUBLISH_TOKEN: 'hush',
      BLOG_URL: 'https://blog.example'
    }
    const described = JSON.stringify(describeConfig(read({ ...remote, ...secrets, HUBS: 'https://hub.example/?key=hush' })))
    for (const secret of ['hush', key, 'p@ss', 'p%40ss']) assert.ok(!described.includes(secret), secret)
    assert.match(described, /db\.example:6543\/node, TLS verify/)
  })

  it('W53 counts one proxy on Heroku, none elsewhere, and as many as TRUST_PROXY says', () => {
    assert.equal(read({}).trustProxy, 0)
    assert.equal(read({ ...remote, DYNO: 'web.1' }).trustProxy, 1)
    assert.equal(read({ TRUST_PROXY: '2' }).trustProxy, 2)
  })

  describe('The secret key', () => {
    it('is the one of the settings, and then no file is made', async () => {
      assert.equal(await loadSecretKey(read(remote)), key)
      assert.deepEqual(readdirSync(cwd), [])
    })

    it('is made once, however many ask at the same time, and is for our eyes only', async () => {
      const keys = await Promise.all(Array.from({ length: 20 }, () => loadSecretKey(read({}))))
      assert.equal(new Set(keys).size, 1)
      assert.equal(Buffer.from(keys[0]!, 'base64url').length, 32)
      assert.deepEqual(readdirSync(join(cwd, 'data')), ['secret.key'])
      if (process.platform !== 'win32') assert.equal(statSync(join(cwd, 'data', 'secret.key')).mode & 0o777, 0o600)
      assert.equal(await loadSecretKey(read({})), keys[0])
    })

    it('that was damaged is not replaced by another', async () => {
      writeFileSync(join(cwd, 'secret.key'), '\n')
      await assert.rejects(loadSecretKey(read({ DATA_DIR: '.' })), /is damaged/)
    })
  })

  for (const file of ['docs/configuration.md', '.env.example']) {
    it(`has every setting explained in ${file}`, () => {
      const told = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
      assert.deepEqual(
        Object.keys(settings).filter(name => !new RegExp(`\\b${name}\\b`).test(told)),
        []
      )
    })
  }
})
