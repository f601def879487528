import assert from 'node:assert/strict'
import { type Context, type RemoteMastodon, type Status, spawnMastodon } from './doubles/mastodon-api.ts'
import { as, call, freshMastodon, POST } from './doubles/mastodon-api-client.ts'

describe('the stand-in for Mastodon: what goes wrong', () => {
  const { now, ask, refused } = freshMastodon()

  const given = () => ({ form: { status: 'x' }, token: now().token, key: 'k' })

  it('fails as told, in that order, where told, and does nothing', async () => {
    const { server } = now()
    server.fail({ status: 503, times: 2, path: '/api/v1/statuses' })
    server.fail({ status: 429, retryAfter: 30 })
    server.fail({ status: 502, body: '<h1>Bad gateway</h1>', method: 'POST' })
    const instance = await ask('GET /api/v2/instance')
    assert.deepEqual([instance.status, instance.headers.get('retry-after'), instance.json], [429, '30', { error: 'Too many requests' }])
    const answers = [await ask(POST, given()), await ask(POST, given()), await ask(POST, given())]
    assert.deepEqual(
      answers.map(answer => answer.status),
      [503, 503, 502]
    )
    assert.equal(answers[2]!.text, '<h1>Bad gateway</h1>')
    assert.equal(server.statuses().length, 0)
    assert.equal((await ask(POST, given())).status, 200)
    assert.deepEqual(
      server.requests({ method: 'POST', path: '/api/*' }).map(asked => asked.status),
      [503, 503, 502, 200]
    )
  })

  it('cuts the line after the toot was made, or before', async () => {
    const { server } = now()
    server.cut()
    server.drop({ path: '/api/v1/instance' })
    await assert.rejects(ask('GET /api/v1/instance'))
    await assert.rejects(ask(POST, given()))
    assert.equal(server.statuses().length, 1)
    assert.equal(server.requests()[1]!.status, undefined)
    assert.equal(as<Status>(await ask(POST, given())).id, server.statuses()[0]!.status.id)
  })

  it('answers late, though the toot was made at once', async () => {
    const { server } = now()
    server.late(60_000)
    const late = assert.rejects(ask(POST, given()))
    await server.arrived({ path: '/api/v1/statuses' })
    assert.equal(as<Status>(await ask(POST, given())).id, server.statuses()[0]!.status.id)
    assert.equal(server.statuses().length, 1)
    await server.close()
    await late
  })

  it('never answers, until it is calm', async () => {
    const { server } = now()
    server.silent()
    const hung = assert.rejects(ask(POST, given()))
    await server.arrived({})
    server.calm()
    as(await ask('GET /api/v2/instance'))
    assert.equal(server.statuses().length, 0)
    await server.close()
    await hung
  })

  it('is slow before it does anything, even for one who went away', async () => {
    const { server, token } = now()
    server.slow(50)
    const gone = new AbortController()
    const headers = { authorization: `Bearer ${token}` }
    const body = new URLSearchParams({ status: 'x' })
    const left = fetch(`${server.origin}/api/v1/statuses`, { method: 'POST', headers, body, signal: gone.signal })
    await server.arrived({ method: 'POST' })
    assert.equal(server.statuses().length, 0)
    gone.abort()
    await assert.rejects(left)
    as(await ask('GET /api/v2/instance'))
    as(await ask('GET /api/v2/instance'))
    assert.equal(server.statuses().length, 1)
  })

  it('counts requests, and refuses one too many until the time is over', async () => {
    const { server, token } = now()
    server.change({ rateLimit: 2 })
    const path = 'GET /api/v2/instance'
    const { headers } = await ask(path, { token })
    assert.deepEqual([headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')], ['2', '1'])
    assert.ok(Date.parse(headers.get('x-ratelimit-reset')!) > Date.now())
    as(await ask(path, { token }))
    await refused(path, { token }, 429, 'Too many requests')
    as(await ask(path))
    server.pass(300_000)
    as(await ask(path, { token }))
  })
})

describe('the stand-in for Mastodon in its own process', () => {
  let remote: RemoteMastodon
  before(async () => {
    remote = await spawnMastodon({ owner: 'ann', maxCharacters: 100 })
  })
  after(() => remote.close())

  it('is controlled over the line', async () => {
    const token = await remote.grant('write')
    await remote.cut()
    await assert.rejects(call(remote.origin, POST, { form: { status: 'x' }, token }))
    const [made] = await remote.statuses()
    assert.equal(made!.request.body, 'status=x')
    const reply = await remote.reply({ to: made!.status.id, as: 'bob@other.example', text: 'hi' })
    const thread = as<Context>(await call(remote.origin, `GET /api/v1/statuses/${made!.status.id}/context`))
    assert.equal(thread.descendants[0]!.id, reply)
    assert.equal((await remote.arrived({ method: 'POST' }))[0]!.path, '/api/v1/statuses')
    await assert.rejects(remote.deleteReply('1'), /There is no status 1/)
    const state = as<{ statuses: unknown[]; requests: unknown[] }>(await call(remote.origin, 'GET /_state'))
    assert.deepEqual([state.statuses.length, state.requests.length], [1, 2])
  })
})
