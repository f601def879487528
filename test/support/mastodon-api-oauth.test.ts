import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type CredentialAccount, consent, OOB } from './doubles/mastodon-api.ts'
import { as, freshMastodon, type Taken } from './doubles/mastodon-api-client.ts'

describe('the stand-in for Mastodon: applications and OAuth', () => {
  const { now, ask, refused } = freshMastodon()

  const REDIRECT = 'https://blog.example/done?x=1'
  const register = (scopes = 'profile write:statuses', redirect_uris: unknown = [REDIRECT, OOB]) =>
    ask('POST /api/v1/apps', { json: { client_name: 'Tidings <>', redirect_uris, scopes } })
  type App = { client_id: string; client_secret: string; scopes?: string[] }
  const verifier = 'v'.repeat(43)
  const wish = (app: App, more: object = {}) => ({
    client_id: app.client_id,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'profile write:statuses',
    state: 's&t',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more
  })
  const decide = (fields: object, choice = 'allow') => ask('POST /oauth/authorize', { form: { ...fields, login: 'ann', choice } })
  const redeem = (app: App, code: string, more: object = {}) =>
    ask('POST /oauth/token', {
      form: {
        ...{ grant_type: 'authorization_code', redirect_uri: REDIRECT, code, code_verifier: verifier },
        ...{ client_id: app.client_id, client_secret: app.client_secret, ...more }
      }
    })
  const codeFrom = (given: Taken) => new URL(given.headers.get('location')!).searchParams.get('code')!

  it('registers an application, by JSON and by form', async () => {
    const app = as<App>(await register())
    assert.deepEqual(app.scopes, ['profile', 'write:statuses'])
    const form = { client_name: 'x', redirect_uris: OOB }
    assert.deepEqual(as<App>(await ask('POST /api/v1/apps', { form })).scopes, ['read'])
    await refused('POST /api/v1/apps', { form: { redirect_uris: OOB } }, 422, "Validation failed: Application name can't be blank")
    const relative = { client_name: 'x', redirect_uris: '/done' }
    await refused('POST /api/v1/apps', { form: relative }, 422, 'Validation failed: Redirect URI must be an absolute URI.')
  })

  it('refuses scopes that an old server does not know', async () => {
    const { server } = now()
    server.change({ knownScopes: ['read', 'write', 'follow'], old: true })
    assert.equal((await register()).status, 422)
    assert.equal((await register('write:statuses')).status, 422)
    assert.equal(as<App>(await register('read write')).scopes, undefined)
    assert.equal((await ask('GET /.well-known/oauth-authorization-server')).status, 404)
  })

  it('describes itself', async () => {
    const { server } = now()
    const told = as<{ token_endpoint: string; scopes_supported: string[] }>(await ask('GET /.well-known/oauth-authorization-server'))
    assert.equal(told.token_endpoint, `${server.origin}/oauth/token`)
    assert.ok(told.scopes_supported.includes('profile'))
  })

  it('asks for consent and sends back a code with the state', async () => {
    const app = as<App>(await register())
    const page = await ask(`GET /oauth/authorize?${new URLSearchParams(wish(app))}`)
    assert.equal(page.status, 200)
    assert.match(page.text, /Tidings &lt;&gt;.*name="state" value="s&amp;t"/s)
    const back = await decide(wish(app))
    const location = new URL(back.headers.get('location')!)
    assert.deepEqual([back.status, location.searchParams.get('x'), location.searchParams.get('state')], [302, '1', 's&t'])
    const given = as<{ access_token: string; scope: string; token_type: string }>(await redeem(app, codeFrom(back)))
    assert.deepEqual([given.scope, given.token_type], ['profile write:statuses', 'Bearer'])
    const me = as<CredentialAccount>(await ask('GET /api/v1/accounts/verify_credentials', { token: given.access_token }))
    assert.deepEqual([me.acct, me.source.privacy], ['ann', 'public'])
    assert.equal((await ask(`GET /api/v1/accounts/${me.id}/statuses`, { token: given.access_token })).status, 403)
  })

  it('tells the site of a refusal', async () => {
    const location = new URL((await decide(wish(as<App>(await register())), 'deny')).headers.get('location')!)
    assert.deepEqual([location.searchParams.get('error'), location.searchParams.get('state')], ['access_denied', 's&t'])
  })

  it('shows the code out of band', async () => {
    const app = as<App>(await register())
    const fields = wish(app, { redirect_uri: OOB, code_challenge: '' })
    const code = /class="oauth-code" readonly value="([^"]+)"/.exec((await decide(fields)).text)![1]!
    as(await redeem(app, code, { redirect_uri: OOB, code_verifier: '' }))
    assert.match((await decide(fields, 'deny')).text, /denied the request/)
  })

  it('plays the browser for a test', async () => {
    const { server } = now()
    const address = (wished: object) => `${server.origin}/oauth/authorize?${new URLSearchParams({ ...wished })}`
    const app = as<App>(await register())
    as(await redeem(app, new URL(await consent(address(wish(app)), 'allow', 'ann')).searchParams.get('code')!))
    assert.match(await consent(address(wish(app, { redirect_uri: OOB })), 'allow', 'ann'), /^[\w-]{43}$/)
    assert.match(await consent(address(wish(app)), 'deny', 'ann'), /error=access_denied/)
    await assert.rejects(consent(address(wish(app, { scope: 'write' }))), /requested scope is invalid/)
    await assert.rejects(consent(address(wish(app)), 'allow', 'nobody'), /Invalid username/)
  })

  it('explains on a page what is wrong with the wish, and redirects nowhere', async () => {
    const app = as<App>(await register('write'))
    const faults = { client_id: 'x', redirect_uri: 'https://evil.example/', response_type: 'token', scope: 'write:statuses' }
    for (const [name, value] of Object.entries(faults)) {
      const page = await ask(`GET /oauth/authorize?${new URLSearchParams(wish(app, { scope: 'write', [name]: value }))}`)
      assert.equal(page.status, name === 'client_id' ? 401 : 400)
      assert.match(page.text, /id="error"/)
    }
    const plain = wish(app, { scope: 'write', code_challenge_method: 'plain' })
    assert.match((await ask(`GET /oauth/authorize?${new URLSearchParams(plain)}`)).text, /must be S256/)
  })

  it('takes a code once, from its client, for ten minutes, with its verifier', async () => {
    const { server } = now()
    const app = as<App>(await register())
    const other = as<App>(await register())
    const fresh = async () => codeFrom(await decide(wish(app)))
    const fails = async (given: Promise<Taken>, status: number, error: string) => {
      const { status: got, json } = await given
      assert.deepEqual([got, (json as { error: string }).error], [status, error])
    }
    const code = await fresh()
    await fails(redeem(app, code, { code_verifier: 'w'.repeat(43) }), 400, 'invalid_grant')
    await fails(redeem(app, code, { code_verifier: '' }), 400, 'invalid_grant')
    await fails(redeem(app, code, { redirect_uri: OOB }), 400, 'invalid_grant')
    await fails(redeem(app, code, { client_secret: 'x' }), 401, 'invalid_client')
    await fails(redeem(app, code, { grant_type: 'password' }), 400, 'unsupported_grant_type')
    await fails(redeem(app, ''), 400, 'invalid_request')
    await fails(redeem(other, code), 400, 'invalid_grant')
    as(await redeem(app, code))
    await fails(redeem(app, code), 400, 'invalid_grant')
    const late = await fresh()
    server.pass(600_000)
    await fails(redeem(app, late), 400, 'invalid_grant')
  })

  it('gives an application a token of its own, which is nobody', async () => {
    const app = as<App>(await register('read'))
    const { access_token } = as<{ access_token: string }>(await redeem(app, '', { grant_type: 'client_credentials', scope: 'read' }))
    const given = { token: access_token }
    await refused('GET /api/v1/accounts/verify_credentials', given, 422, 'This method requires an authenticated user')
  })

  it('revokes a token for its client, and for the test', async () => {
    const { server, token } = now()
    const app = as<App>(await register())
    const given = as<{ access_token: string }>(await redeem(app, codeFrom(await decide(wish(app)))))
    const form = { client_id: app.client_id, client_secret: app.client_secret, token: given.access_token }
    assert.equal((await ask('POST /oauth/revoke', { form: { ...form, token } })).status, 403)
    as(await ask('POST /oauth/revoke', { form }))
    as(await ask('POST /oauth/revoke', { form }))
    const path = 'GET /api/v1/accounts/verify_credentials'
    await refused(path, { token: given.access_token }, 401, 'The access token was revoked')
    as(await ask(path, { token }))
    server.revoke(token)
    await refused(path, { token }, 401, 'The access token was revoked')
    await refused(path, { token: 'x' }, 401, 'The access token is invalid')
    await refused(path, {}, 401, 'The access token is invalid')
  })
})
