/** A Mastodon server is connected: registered, allowed in a browser, redeemed, verified, taken back. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { type Begun, beginConnection, disconnect, findStanding, finishConnection, handleOf } from '../../src/federation/connect.ts'
import { postStatus } from '../../src/federation/mastodon.ts'
import { makeLog } from '../../src/logging.ts'
import { isFailure } from '../../src/model/errors.ts'
import type { Account } from '../../src/model/kept.ts'
import { consent, type Mastodon, startMastodon } from '../support/doubles/mastodon-api.ts'
import { serve } from '../support/loopback.ts'
import { startNode, type TestNode } from '../support/node.ts'

const NARROW = 'profile write:statuses read:statuses'
const APPS = '/api/v1/apps'

describe('connecting Mastodon', function () {
  this.timeout(40_000)
  let mastodon: Mastodon
  let node: TestNode
  let ann: Account
  let now = new Date()
  const lines: string[] = []
  const log = makeLog({ level: 'debug', format: 'json' }, { write: text => lines.push(text) })

  beforeEach(async () => {
    mastodon = await startMastodon()
    now = new Date()
    lines.length = 0
    node = await startNode({ accounts: ['ann', 'bob'], work: false, log, overrides: { clock: () => now } })
    ann = await findAccount(node.tools, 'ann')
  })
  afterEach(async () => {
    await node?.close()
    await mastodon?.close()
  })

  const begin = (wish = {}, host = mastodon.origin) => beginConnection(node.tools, ann, host, wish)
  const allow = async ({ address }: Begun, choice: 'allow' | 'deny' = 'allow') => {
    const back = new URL(await consent(address, choice))
    const { code, error, state = '' } = Object.fromEntries(back.searchParams)
    return { place: back.origin + back.pathname, state, ...(code && { code }), ...(error && { error }) }
  }
  const connect = async () => finishConnection(node.tools, await allow(await begin()))
  const forms = (path: string) => mastodon.requests({ path }).map(({ body }) => Object.fromEntries(new URLSearchParams(body)))
  /** What came of something that fails. */
  async function failing(work: Promise<unknown>, code: string, status: number, words: RegExp): Promise<void> {
    const error = await work.then(
      () => assert.fail('it did not fail'),
      error => error
    )
    assert.ok(isFailure(error), String(error))
    assert.deepEqual([error.code, error.status], [code, status], error.message)
    assert.match(error.message, words)
  }
  const kept = () => node.tools.connections.find(ann.id)

  it('S1-25 S1-27 S1-28 registers an application with the least permissions, once, and with both ways back', async () => {
    const { narrow, scope } = await begin()
    assert.deepEqual([scope, narrow], [NARROW, true])
    assert.deepEqual(forms(APPS), [
      {
        client_name: 'tidings (ann)',
        redirect_uris: `${node.url}/settings/mastodon/callback\nurn:ietf:wg:oauth:2.0:oob`,
        scopes: NARROW,
        website: node.url
      }
    ])
    await node.tools.blogs.keep(ann.id, 'https://blog.example/', now)
    await node.tools.blogs.change(ann.id, { title: 'Über Brücken '.repeat(9) })
    await begin()
    assert.equal(forms(APPS)[1]?.client_name, `tidings (${'Über Brücken '.repeat(9)}`.slice(0, 60))
  })

  for (const [knownScopes, expected] of [
    [['read', 'write', 'read:accounts', 'read:statuses', 'write:statuses'], 'read:accounts read:statuses write:statuses'],
    [['read', 'write', 'write:statuses'], 'read write:statuses'],
    [['read', 'write', 'follow'], 'read write']
  ] as const) {
    it(`S1-28 falls back to “${expected}” where a server knows no narrower permissions, and says so`, async () => {
      mastodon.change({ knownScopes: [...knownScopes], old: true })
      const begun = await begin()
      assert.deepEqual([begun.scope, begun.narrow], [expected, false])
      const connection = await finishConnection(node.tools, await allow(begun))
      assert.equal(connection.scope, expected)
    })
  }

  it('S1-28 asks for all reading and writing at once when the owner wants it so', async () => {
    assert.equal((await begin({ wide: true })).scope, 'read write')
    assert.equal(forms(APPS).length, 1)
  })

  it('S1-26 S1-30 S1-31 S1-32 redeems the code by PKCE and state, and finds out whose it is', async () => {
    const begun = await begin()
    const query = Object.fromEntries(new URL(begun.address).searchParams)
    assert.deepEqual([query.response_type, query.code_challenge_method, query.state], ['code', 'S256', begun.state])
    const back = await allow(begun)
    assert.equal(back.place, `${node.url}/settings/mastodon/callback`)
    const connection = await finishConnection(node.tools, back)
    assert.equal(handleOf(connection), `@owner@${mastodon.host}`)
    assert.deepEqual(await kept(), connection)
    const { accountId, connectedAt, host, scope, state, url } = connection
    assert.deepEqual([accountId, connectedAt, host, scope, state], [ann.id, now, mastodon.origin, NARROW, 'ok'])
    assert.ok(url?.startsWith(mastodon.origin))
    const [form] = forms('/oauth/token')
    assert.match(form?.code_verifier ?? '', /^[\w-]{43}$/)
    const made = await postStatus(node.tools, connection, { text: 'Hello', visibility: 'public', key: 'k' })
    assert.equal(made.username, 'owner')
  })

  it('S1-29 takes a code that the owner typed, with blanks around it', async () => {
    const { codeAddress, state } = await begin()
    const code = ` ${await consent(codeAddress)}\n`
    const connection = await finishConnection(node.tools, { state, code, typed: true })
    assert.equal(connection.username, 'owner')
    assert.equal(forms('/oauth/token')[0]?.redirect_uri, 'urn:ietf:wg:oauth:2.0:oob')
  })

  it('S1-33 keeps one connection for each account', async () => {
    await connect()
    const bob = await findAccount(node.tools, 'bob')
    assert.deepEqual(await findStanding(node.tools, bob), { waiting: 0 })
    const begun = await beginConnection(node.tools, bob, mastodon.origin)
    await finishConnection(node.tools, await allow(begun))
    const [mine, his] = [await kept(), await node.tools.connections.find(bob.id)]
    assert.notEqual(mine?.token, his?.token)
  })

  it('knows a server by name, address or the owner’s handle, by https unless it lies inside ALLOW_ADDRESSES', async () => {
    const asked: string[] = []
    const http = {
      ...node.tools.http,
      request: async (url: string) => {
        asked.push(url)
        return { status: 404, url, headers: {}, body: Buffer.from(''), trusted: true, hops: [] }
      }
    }
    const hosts = [
      'Mastodon.Example',
      ' mastodon.example/ ',
      'https://mastodon.example/@me',
      'http://mastodon.example',
      '@me@mastodon.example',
      'acct:me@mastodon.example',
      'mastodon.example/@me'
    ]
    for (const host of hosts) {
      await failing(beginConnection({ ...node.tools, http }, ann, host), 'no_api', 502, /^mastodon\.example does not speak Mastodon's API/)
      assert.equal(asked.pop(), 'https://mastodon.example/api/v1/apps', host)
    }
    for (const host of ['', ' ', '@', 'a b', 'https://', 'https://u:p@mastodon.example', 'ftp://mastodon.example', 'x\\y', 'a@b@c', 'a..b'])
      await assert.rejects(beginConnection({ ...node.tools, http }, ann, host), { name: 'BadMessage' }, host)
    assert.deepEqual(asked, [])
  })

  it('X23 asks no server that is not public, and follows no redirect', async () => {
    for (const host of ['10.0.0.1', '[::1]', '169.254.169.254', 'https://0x0a000001/'])
      await failing(begin({}, host), 'mastodon', 502, /is not a public address/)
    mastodon.fail({ status: 302, path: APPS, headers: { location: 'https://evil.example/' }, times: 9 })
    await failing(begin(), 'mastodon', 502, /answered POST \/api\/v1\/apps with 302/)
  })

  it('S1-69 says why when a server is down, or answers what is no application', async () => {
    mastodon.fail({ status: 503, path: APPS, body: { error: 'soon again' } })
    await failing(begin(), 'mastodon', 502, /with 503: soon again/)
    assert.equal(forms(APPS).length, 1)
    mastodon.fail({ status: 200, path: APPS, body: { hello: 1 } })
    await failing(begin(), 'mastodon', 502, /is not an application/)
    mastodon.drop({ path: APPS })
    await failing(begin(), 'mastodon', 502, /did not answer POST/)
  })

  it('changes nothing when the owner denies it', async () => {
    await connect()
    const before = await kept()
    await failing(
      allow(await begin(), 'deny').then(back => finishConnection(node.tools, back)),
      'denied',
      403,
      /did not allow it at 127/
    )
    const { state } = await begin()
    await failing(finishConnection(node.tools, { state, error: 'invalid_scope' }), 'scope', 403, /ask for all reading and writing/)
    const odd = '<script>server_error\u001b</script>'
    await failing(
      finishConnection(node.tools, { state: (await begin()).state, error: odd }),
      'denied',
      403,
      /allow it: scriptserver_errorscript\. Begin/
    )
    assert.deepEqual(await kept(), before)
  })

  it('X45 takes a state once, within 15 minutes, and none that it did not give', async () => {
    const stale = (state: string) => failing(finishConnection(node.tools, { state, code: 'x' }), 'stale', 403, /Begin again/)
    for (const state of ['', 'x', '\0', 'x'.repeat(43), "' or 1=1 --"]) await stale(state)
    const back = await allow(await begin())
    await finishConnection(node.tools, back)
    await stale(back.state)
    const late = await begin()
    now = new Date(now.getTime() + 15 * 60_000)
    await stale(late.state)
  })

  it('keeps nothing of a code that the server does not take', async () => {
    for (const [code, status, words] of [
      ['x', 422, /127\.0\.0\.1:\d+ answered POST \/oauth\/token with 400: invalid_grant.*Begin again/],
      ['', 400, /That is no code/],
      ['a b', 400, /That is no code/],
      ['x'.repeat(3000), 400, /That is no code/]
    ] as const)
      await failing(finishConnection(node.tools, { state: (await begin()).state, code }), 'code', status, words)
    assert.equal(await kept(), undefined)
  })

  it('takes a token back that turns out to be of no use', async () => {
    mastodon.fail({ status: 500, path: '/api/v1/accounts/verify_credentials' })
    await failing(connect(), 'mastodon', 502, /verify_credentials with 500/)
    mastodon.fail({ status: 200, path: '/oauth/token', body: { access_token: 'only-reads', token_type: 'Bearer', scope: 'read' } })
    await failing(connect(), 'scope', 403, /it gave only “read”/)
    assert.equal(forms('/oauth/revoke').length, 2)
    assert.equal(await kept(), undefined)
  })

  it('takes the old token back when an account is connected anew, and the only one when it is disconnected', async () => {
    const first = await connect()
    const second = await connect()
    assert.deepEqual(
      forms('/oauth/revoke').map(({ token }) => token),
      [first.token]
    )
    assert.equal((await disconnect(node.tools, ann)).token, second.token)
    assert.equal(forms('/oauth/revoke').at(-1)?.token, second.token)
    assert.equal(await kept(), undefined)
    await assert.rejects(disconnect(node.tools, ann), { name: 'Missing' })
  })

  it('disconnects from a server that is no more', async () => {
    await connect()
    mastodon.drop({ path: '/oauth/revoke' })
    await disconnect(node.tools, ann)
    assert.equal(await kept(), undefined)
  })

  it('T3 makes what failed for want of a token due at once, and nothing that waits for its time', async () => {
    const { connections, toots } = node.tools
    const connection = await connect()
    const later = new Date(now.getTime() + 3_600_000)
    const wish = (name: string) => ({ key: `blog.example/${name}`, url: `https://blog.example/${name}`, accountId: ann.id, dueAt: later })
    await toots.want([wish('failed'), wish('paced')], now)
    await toots.change('blog.example/failed', { error: 'answered 401', status: 401 })
    mastodon.revoke()
    await assert.rejects(postStatus(node.tools, connection, { text: 'x', visibility: 'public', key: 'k' }), { peer: 401 })
    assert.equal((await kept())?.state, 'revoked')
    assert.equal((await findStanding(node.tools, ann)).waiting, 2)
    await connect()
    const dueOf = async (name: string) => (await toots.find(`blog.example/${name}`))?.dueAt
    assert.deepEqual([await dueOf('failed'), await dueOf('paced')], [now, later])
    assert.deepEqual([(await connections.find(ann.id))?.state, (await connections.find(ann.id))?.error], ['ok', undefined])
  })

  it('tells every process what became of a connection', async () => {
    const told: string[] = []
    node.tools.onChange(name => name.startsWith('connection:') && told.push(name))
    const signals = async (work: () => Promise<unknown>) => {
      told.length = 0
      await work()
      for (let tries = 0; tries < 200 && !told.includes(`connection:${ann.id}`); tries++) await new Promise(done => setTimeout(done, 10))
      assert.deepEqual(told, [`connection:${ann.id}`])
    }
    await signals(connect)
    const connection = (await kept())!
    mastodon.revoke()
    await signals(() => postStatus(node.tools, connection, { text: 'x', visibility: 'public', key: 'k' }).catch(() => {}))
    await signals(() => disconnect(node.tools, ann))
  })

  it('X49 no secret stands in the log, in an error or in a row, whatever the server repeats', async () => {
    const connection = await connect()
    const secrets = [connection.token, connection.clientSecret!]
    for (const { code = '', code_verifier = '' } of forms('/oauth/token')) secrets.push(code, code_verifier)
    assert.ok(secrets.every(secret => secret.length > 20))
    const echo = await serve((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () => {
        const isApp = request.url === APPS
        response.writeHead(isApp ? 200 : 400, { 'content-type': 'application/json' })
        const error = decodeURIComponent(Buffer.concat(chunks).toString()).replaceAll('&', ' ')
        response.end(JSON.stringify(isApp ? { client_id: 'an-id', client_secret: 'echoed-app-secret' } : { error }))
      })
    })
    const { state } = await begin({}, echo.origin)
    const failure = await finishConnection(node.tools, { state, code: 'echoed-code' }).catch(error => error)
    assert.ok(isFailure(failure))
    assert.match(failure.message, /client_secret=…/)
    log.error({ error: failure }, 'request')
    await echo.close()
    mastodon.fail({ status: 200, path: '/oauth/token', body: `{"access_token":"half-a-token` })
    const half = await connect().catch(error => error)
    log.error({ error: half }, 'request')
    mastodon.fail({ status: 422, path: '/api/v1/statuses', body: { error: `bad token ${connection.token}` } })
    const refusal = await postStatus(node.tools, connection, { text: 'x', visibility: 'public', key: 'k' }).catch(error => error)
    assert.match(refusal.message, /bad token …$/)
    await disconnect(node.tools, ann)
    const { knex } = node.database.database
    const rows = [await knex('connections'), await knex('authorisations')]
    const all = [failure.message, half.message, JSON.stringify(rows), ...lines].join('\n')
    for (const secret of [...secrets, 'echoed-app-secret', 'echoed-code', 'half-a', state]) assert.ok(!all.includes(secret), secret)
  })

  it('goes before the token of the settings, which stands as long as there is none', async () => {
    const other = await startNode({
      accounts: ['ann'],
      work: false,
      env: { ACCOUNT: 'ann', MASTODON_HOST: 'toot.example', MASTODON_OAUTH_TOKEN: 'a-token', MASTODON_USER: 'me' }
    })
    try {
      const account = await findAccount(other.tools, 'ann')
      const { connection, from, shadowed } = await findStanding(other.tools, account)
      assert.deepEqual([handleOf(connection!), from, shadowed], ['@me@toot.example', 'settings', undefined])
      await assert.rejects(disconnect(other.tools, account), { name: 'Missing', message: /MASTODON_HOST/ })
      const begun = await beginConnection(other.tools, account, mastodon.origin)
      await finishConnection(other.tools, await allow(begun))
      const after = await findStanding(other.tools, account)
      assert.deepEqual([after.connection?.host, after.from, after.shadowed], [mastodon.origin, 'connect', 'https://toot.example'])
      // the account of the settings is the first when there is none of that name
      const nameless = { ...other.tools, config: { ...other.tools.config, account: 'nobody' } }
      assert.equal((await findStanding(nameless, account)).shadowed, 'https://toot.example')
    } finally {
      await other.close()
    }
  })
})
