/** The API of the owner's Mastodon server, as the stand-in speaks it. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { findAccount } from '../../src/federation/accounts.ts'
import {
  editStatus,
  findConnection,
  findLimit,
  findOwnStatus,
  mayHaveArrived,
  postStatus,
  readStatusThread
} from '../../src/federation/mastodon.ts'
import { CLAIM_MS, type Connection } from '../../src/model/blog.ts'
import { isFailure, Missing, Refused, Unreachable } from '../../src/model/errors.ts'
import type { Log } from '../../src/model/log.ts'
import { silence } from '../support/database.ts'
import { type Mastodon, startMastodon } from '../support/doubles/mastodon-api.ts'
import { listen } from '../support/loopback.ts'
import { startNode, type TestNode } from '../support/node.ts'

const URL = 'https://blog.example/2026/a-post?page=1&x=2'
const PAST = new Date(0)
const STATUSES = '/api/v1/statuses'

describe('the API of Mastodon', function () {
  this.timeout(40_000)
  let mastodon: Mastodon
  let node: TestNode
  let connection: Connection
  let token: string
  const warnings: string[] = []
  const log: Log = { ...silence, warn: (_fields, message) => void warnings.push(message) }

  beforeEach(async () => {
    mastodon = await startMastodon()
    token = mastodon.grant()
    const env = { ACCOUNT: 'ann', MASTODON_HOST: mastodon.origin, MASTODON_OAUTH_TOKEN: token, MASTODON_USER: '@owner' }
    node = await startNode({ accounts: ['ann', 'bob'], work: false, env, log })
    connection = (await findConnection(node.tools, (await findAccount(node.tools, 'ann')).id))!
    warnings.length = 0
  })
  afterEach(async () => {
    await node?.close()
    await mastodon?.close()
  })

  const toot = (text = `Hello ${URL}`, key = 'a key') => postStatus(node.tools, connection, { text, visibility: 'public', key })
  /** What came of a failing toot. */
  async function failing(work: () => Promise<unknown> = toot): Promise<Unreachable | Refused | Missing> {
    const error = await work().then(
      () => assert.fail('it did not fail'),
      error => error
    )
    assert.ok(isFailure(error), String(error))
    assert.doesNotMatch(error.message, new RegExp(token))
    return error as Unreachable
  }

  it('S1-35 S1-36 S1-37 takes the connection of the environment for the first account, and for no other', async () => {
    const { accountId, host, state, username } = connection
    assert.deepEqual([host, connection.token, username, state], [mastodon.origin, token, 'owner', 'ok'])
    assert.equal(await findConnection(node.tools, (await findAccount(node.tools, 'bob')).id), undefined)
    const made = { accountId, host: 'https://toot.example', token: 'other', state: 'ok' as const, connectedAt: node.tools.clock() }
    await node.tools.connections.keep(made)
    assert.equal((await findConnection(node.tools, accountId))?.host, 'https://toot.example')
  })

  it('S1-21 S1-67 S1-68 T2 makes a status by one form, with an Idempotency-Key, and keeps all digits of its id', async () => {
    const made = await postStatus(node.tools, connection, { text: `é\n\n#b ${URL}`, visibility: 'unlisted', language: 'de', key: 'k1' })
    const [first] = mastodon.statuses()
    assert.equal(made.id, first?.status.id)
    assert.match(made.id, /^\d{18}$/)
    assert.deepEqual([made.url, made.username], [first?.status.url, 'owner'])
    const { headers, body } = first!.request
    assert.deepEqual(
      [headers['content-type'], headers.authorization, headers['idempotency-key']],
      ['application/x-www-form-urlencoded', `Bearer ${token}`, 'k1']
    )
    assert.deepEqual(Object.fromEntries(new URLSearchParams(body)), { status: `é\n\n#b ${URL}`, visibility: 'unlisted', language: 'de' })
    assert.equal((await toot('again', 'k1')).id, made.id)
    assert.equal(mastodon.statuses().length, 1)
  })

  it('W16 edits a status', async () => {
    const { id } = await toot()
    const edited = await editStatus(node.tools, connection, id, { text: 'Better', language: 'en' })
    assert.deepEqual([edited.id, edited.text], [id, 'Better'])
    assert.equal(mastodon.statuses()[0]?.edits.length, 1)
    mastodon.deleteReply(id)
    assert.ok((await failing(() => editStatus(node.tools, connection, id, { text: 'x' }))) instanceof Missing)
  })

  for (const [status, name, arrived] of [
    [401, 'Unreachable', false],
    [403, 'Refused', false],
    [404, 'Missing', false],
    [422, 'Refused', false],
    [429, 'Unreachable', false],
    [408, 'Unreachable', true],
    [500, 'Unreachable', true],
    [503, 'Unreachable', true],
    [302, 'Refused', false]
  ] as const) {
    it(`S1-69 S1-76 names the call, the status and the words of the server when it answers ${status}`, async () => {
      const headers: Record<string, string> = status === 302 ? { location: 'https://evil.example/' } : {}
      mastodon.fail({ status, path: STATUSES, body: { error: 'so it is' }, headers })
      const error = await failing()
      assert.equal(error.name, name)
      assert.match(error.message, new RegExp(`^127\\.0\\.0\\.1:\\d+ answered POST /api/v1/statuses with ${status}: so it is$`))
      assert.deepEqual([error.code, mayHaveArrived(error)], ['mastodon', arrived])
      if (error instanceof Unreachable) assert.equal(error.peer, status)
    })
  }

  it('honours Retry-After, and the end of the count that Mastodon tells', async () => {
    mastodon.fail({ status: 429, retryAfter: 77, path: STATUSES })
    assert.equal((await failing()).retryAfter, 77)
    const headers = { 'x-ratelimit-reset': new Date(Date.now() + 40_000).toISOString() }
    mastodon.fail({ status: 429, headers, path: STATUSES })
    const { retryAfter = 0 } = await failing()
    assert.ok(retryAfter > 30 && retryAfter <= 40)
    mastodon.fail({ status: 429, path: STATUSES })
    assert.equal((await failing()).retryAfter, 300)
  })

  it('T3 cannot tell whether a status was made when the line was cut, or the answer is no status', async () => {
    mastodon.cut()
    assert.equal(mayHaveArrived(await failing()), true)
    assert.equal(mastodon.statuses().length, 1)
    for (const body of ['<html>', {}, [], null, { id: '-1' }]) {
      mastodon.fail({ status: 200, path: STATUSES, body })
      const error = await failing()
      assert.deepEqual([error.name, error.status, mayHaveArrived(error)], ['Unreachable', 502, true])
    }
  })

  it('T3 knows that nothing was made where nobody listens, at a name that nobody has, and at an address that may not be reached', async () => {
    const server = await listen(createServer())
    await server.close()
    for (const host of [server.origin, 'https://nobody.invalid', 'https://10.0.0.1', 'http://192.0.2.1']) {
      const error = await failing(() => postStatus(node.tools, { ...connection, host }, { text: 'x', visibility: 'public', key: 'k' }))
      assert.deepEqual([host, error.code, error.status, mayHaveArrived(error)], [host, 'mastodon', 502, false])
    }
  })

  it('X49 sends the token to nobody but its server', async () => {
    mastodon.fail({ status: 307, path: STATUSES, headers: { location: `${mastodon.origin}/elsewhere` } })
    assert.ok((await failing()) instanceof Refused)
    assert.equal(mastodon.requests({ path: '/elsewhere' }).length, 0)
  })

  it('marks the connection as revoked by a 401, tells the owner once, and takes it back when the token is good again', async () => {
    const again = async () => (await findConnection(node.tools, connection.accountId))!
    mastodon.fail({ status: 401, path: STATUSES, times: 2 })
    await failing()
    connection = await again()
    assert.equal(connection.state, 'revoked')
    await failing()
    assert.equal(warnings.length, 1)
    await toot()
    connection = await again()
    assert.equal(connection.state, 'ok')

    await node.tools.connections.keep(connection)
    mastodon.revoke(token)
    await failing()
    connection = await again()
    assert.equal(connection.state, 'revoked')
    assert.match(connection.error ?? '', /revoked/)
    await node.tools.connections.keep({ ...connection, token: mastodon.grant(), state: 'ok' })
    connection = await again()
    await toot()
  })

  it('W20 asks how long a toot may be, once a day, newer servers and older ones, and believes in 500', async () => {
    const { tools } = node
    const asked = () => mastodon.requests({ path: '/api/v*' }).map(({ path }) => path)
    mastodon.change({ maxCharacters: 2000 })
    assert.equal(await findLimit(tools, connection), 2000)
    assert.equal(await findLimit(tools, connection), 2000)
    assert.deepEqual(asked(), ['/api/v2/instance'])
    const http = { ...tools.http }
    mastodon.fail({ status: 404, path: '/api/v2/instance' })
    assert.equal(await findLimit({ ...tools, http }, connection), 2000)
    assert.deepEqual(asked().slice(1), ['/api/v2/instance', '/api/v1/instance'])
    mastodon.fail({ status: 500, path: '/api/v2/instance' })
    assert.equal(await findLimit({ ...tools, http: { ...http } }, connection), 500)
  })

  it('T3 finds the status that was to be made among the latest, by the whole of its text', async () => {
    const { tools } = node
    const { id } = await toot()
    await toot(`Another ${URL}3`, 'k2')
    for (let n = 0; n < 45; n++) await toot(`Filling ${n}`, `k ${n}`)
    const find = (text: string, since = PAST) => findOwnStatus(tools, connection, { text, visibility: 'public' }, since)
    assert.equal((await find(`Hello ${URL}`))?.id, id)
    assert.equal((await find(` Hello\n\n${URL}\n`))?.id, id)
    for (const text of [URL, `Hello ${URL}3`, `hello ${URL}`, 'Hello https://blog.example/2026/a-post', ''])
      assert.equal(await find(text), undefined)
    assert.equal(await find(`Hello ${URL}`, new Date(Date.now() + 1000)), undefined)
  })

  it('T3 X49 takes no other status of the owner for it: not another text, visibility, nor an answer', async () => {
    const { tools } = node
    const say = (status: Record<string, string>) =>
      fetch(`${mastodon.origin}${STATUSES}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: new URLSearchParams({ status: `Hello ${URL}`, ...status })
      })
    const { id } = await toot('A question', 'k0')
    await say({ visibility: 'direct' })
    await say({ visibility: 'private' })
    await say({ in_reply_to_id: id })
    await say({ status: `Look, I wrote ${URL}` })
    const find = (visibility: 'public' | 'unlisted' | 'private') =>
      findOwnStatus(tools, connection, { text: `Hello ${URL}`, visibility }, PAST)
    assert.equal(await find('public'), undefined)
    assert.equal(await find('unlisted'), undefined)
    assert.equal((await find('private'))?.text, `Hello ${URL}`)
    await say({ visibility: 'unlisted' })
    // as Mastodon makes it of a public one when it limits the account
    assert.ok(await find('public'))
  })

  it('T3 asks for less than half as long as a claim lasts, however slow the server is', async () => {
    const { tools } = node
    let sum = 0
    const http: typeof tools.http = {
      ...tools.http,
      async request(url, ask) {
        sum += ask?.timeout ?? 10_000
        // each question must be asked twice
        if (ask?.headers?.authorization !== undefined && ask.method !== 'POST') return answer(403, {})
        if (url.includes('lookup')) return answer(200, mastodon.statuses()[0]?.status.account)
        return answer(200, url.includes('max_id') ? [] : [mastodon.statuses()[0]?.status])
      }
    }
    const answer = (status: number, json: unknown) =>
      ({ status, url: mastodon.origin, headers: {}, body: Buffer.from(JSON.stringify(json)), trusted: true, hops: [] }) as never
    await toot()
    await findOwnStatus({ ...tools, http }, connection, { text: 'x', visibility: 'public' }, PAST)
    assert.ok(sum > 30_000 && sum + 15_000 <= CLAIM_MS / 2, `${sum}`)
  })

  it('S1-28 finds it, and reads the thread, with a token that may only write', async () => {
    const { tools } = node
    connection = { ...connection, token: mastodon.grant('write:statuses') }
    const { id } = await toot()
    const wanted = { text: `Hello ${URL}`, visibility: 'public' } as const
    assert.equal((await findOwnStatus(tools, connection, wanted, PAST))?.id, id)
    assert.equal((await readStatusThread(tools, connection, id)).status.id, id)
    await failing(() => findOwnStatus(tools, { ...connection, token: 'bad' }, wanted, PAST))
  })

  it('S1-85 S1-86 reads answers, favourites and boosts, those of a revoked connection as anybody may', async () => {
    const { tools } = node
    const { id } = await toot()
    const answer = mastodon.reply({ to: id, as: 'bob@other.example', text: 'Well said' })
    mastodon.reply({ to: answer, as: 'cat', text: 'Yes' })
    mastodon.favourite(id, 'bob@other.example')
    mastodon.boost(id, 'cat')
    for (const state of ['ok', 'revoked'] as const) {
      const thread = await readStatusThread(tools, { ...connection, state }, id)
      assert.deepEqual(
        thread.answers.map(({ parentId, person }) => [parentId, person.handle]),
        [
          [id, 'bob@other.example'],
          [answer, `cat@${mastodon.host}`]
        ]
      )
      assert.deepEqual([thread.favourites.length, thread.shares.length, thread.status.favourites], [1, 1, 1])
    }
    mastodon.deleteReply(id)
    assert.ok((await failing(() => readStatusThread(tools, connection, id))) instanceof Missing)
  })
})
