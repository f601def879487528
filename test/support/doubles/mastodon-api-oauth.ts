/** Applications and OAuth of the stand-in for Mastodon (its documents: methods/apps, methods/oauth, api/oauth-scopes). */
import { createHash } from 'node:crypto'
import { type Answer, ApiError, type Ask, type Routes, refuse } from './mastodon-api-http.ts'
import { escapeHtml } from './mastodon-api-text.ts'
import type { App, Token, World } from './mastodon-api-world.ts'

export const OOB = 'urn:ietf:wg:oauth:2.0:oob'
const TEN_MINUTES = 600_000

const things = 'accounts blocks bookmarks collections favourites filters follows lists mutes notifications statuses'.split(' ')
export const SCOPES: string[] = [
  ...['read', 'write', 'follow', 'push', 'profile', 'read:search', 'write:conversations', 'write:media', 'write:reports'],
  ...things.flatMap(thing => [`read:${thing}`, `write:${thing}`])
]

const words = (text: string | undefined): string[] => text?.split(/[\s+]+/).filter(Boolean) ?? []

const descriptions: Record<string, string> = {
  invalid_client:
    'Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.',
  invalid_grant:
    'The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.',
  invalid_scope: 'The requested scope is invalid, unknown, or malformed.',
  unsupported_grant_type: 'The authorization grant type is not supported by the authorization server.',
  unauthorized_client: 'You are not authorized to revoke this token',
  access_denied: 'The resource owner or authorization server denied the request.'
}
const oauthError = (status: number, error: string, description = descriptions[error]) =>
  new ApiError(status, { error, error_description: description })

/** @param world what is remembered */
export const oauthRoutes = (world: World): Routes => ({
  'POST /api/v1/apps': ask => register(world, ask),
  'GET /oauth/authorize': ask => explain(world, ask) ?? { html: consentPage(world, ask) },
  'POST /oauth/authorize': ask => explain(world, ask) ?? decide(world, ask),
  'POST /oauth/token': ask => ({ json: tokenJson(giveToken(world, ask)), headers: { 'cache-control': 'no-store' } }),
  'POST /oauth/revoke': ask => revoke(world, ask),
  'GET /.well-known/oauth-authorization-server': () => describe(world)
})

function register(world: World, ask: Ask): Answer {
  const name = ask.field('client_name')
  const redirectUris = ask.fields('redirect_uris').flatMap(uri => uri.split(/\s+/).filter(Boolean))
  const scopes = words(ask.field('scopes') || 'read')
  if (!name) throw refuse(422, "Validation failed: Application name can't be blank")
  if (!redirectUris.length) throw refuse(422, "Validation failed: Redirect URI can't be blank")
  if (!redirectUris.every(uri => URL.canParse(uri))) throw refuse(422, 'Validation failed: Redirect URI must be an absolute URI.')
  if (!scopes.every(scope => world.settings.knownScopes.includes(scope)))
    throw refuse(422, "Validation failed: Scopes doesn't match configured on the server.")
  const app = world.addApp({ name, redirectUris, scopes, website: ask.field('website') || null })
  return { json: appJson(app, world.settings.old) }
}

const appJson = (app: App, old: boolean) => ({
  id: app.id,
  name: app.name,
  website: app.website,
  redirect_uri: app.redirectUris.join('\n'),
  client_id: app.key,
  client_secret: app.secret,
  vapid_key: 'none',
  ...(old ? {} : { scopes: app.scopes, redirect_uris: app.redirectUris, client_secret_expires_at: 0 })
})

/** Why nobody is asked for consent: a page for people, never a redirect, as Mastodon does. */
function explain({ apps, settings }: World, { field }: Ask): Answer | undefined {
  const app = apps.get(field('client_id') ?? '')
  const page = (status: number, text: string) => ({ status, html: pageHtml('An error has occurred', `<p id="error">${text}</p>`) })
  if (!app) return page(401, descriptions.invalid_client!)
  if (!app.redirectUris.includes(field('redirect_uri') ?? '')) return page(400, 'The redirect uri included is not valid.')
  if (field('response_type') !== 'code') return page(400, 'The authorization server does not support this response type.')
  // By name and no wider: an application with `write` may not ask for `write:statuses`.
  if (!words(field('scope') || 'read').every(scope => app.scopes.includes(scope))) return page(400, descriptions.invalid_scope!)
  if (!settings.old && field('code_challenge') && field('code_challenge_method') !== 'S256')
    return page(400, 'The code_challenge_method must be S256.')
  return undefined
}

const CARRIED = ['client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'code_challenge', 'code_challenge_method']

function consentPage(world: World, { field }: Ask): string {
  const hidden = CARRIED.filter(name => field(name) !== undefined).map(
    name => `<input type="hidden" name="${name}" value="${escapeHtml(field(name)!)}">`
  )
  const app = world.apps.get(field('client_id')!)!
  return pageHtml(
    'Authorization required',
    `<p><strong>${escapeHtml(app.name)}</strong> would like permission to access your account: ${escapeHtml(field('scope') || 'read')}</p>
<form method="post" action="/oauth/authorize">${hidden.join('')}
<label>Username <input name="login" value="${escapeHtml(world.owner().username)}"></label>
<button name="choice" value="allow">Authorize</button> <button name="choice" value="deny">Deny</button></form>`
  )
}

/** The form is sent. Whoever signs in is asked no password. */
function decide(world: World, { field }: Ask): Answer {
  const redirectUri = field('redirect_uri')!
  const person = world.find(field('login') ?? '')
  if (!person || person.host) return { status: 422, html: pageHtml('Log in', '<p id="error">Invalid username.</p>') }
  const denied = field('choice') !== 'allow'
  if (denied && redirectUri === OOB) return { html: pageHtml('An error has occurred', `<p id="error">${descriptions.access_denied}</p>`) }
  const given = denied
    ? { error: 'access_denied', error_description: descriptions.access_denied! }
    : { code: world.addCode({ ...wishOf(world, field), person, redirectUri }) }
  if (given.code && redirectUri === OOB)
    return { html: pageHtml('Authorization code', `<input class="oauth-code" readonly value="${escapeHtml(given.code)}">`) }
  const location = new URL(redirectUri)
  for (const [name, value] of Object.entries({ ...given, ...(field('state') ? { state: field('state')! } : {}) }))
    location.searchParams.set(name, value)
  return { status: 302, headers: { location: location.href }, html: '' }
}

const wishOf = ({ apps, settings }: World, field: Ask['field']) => ({
  app: apps.get(field('client_id')!)!,
  scopes: words(field('scope') || 'read'),
  challenge: (!settings.old && field('code_challenge')) || ''
})

const pageHtml = (title: string, body: string) =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1>${body}</body></html>`

/** By the body or by HTTP Basic. @throws ApiError 401 */
function clientOf({ apps }: World, { asked, field }: Ask): App {
  const basic = /^Basic +(\S+)$/i.exec(asked.headers.authorization ?? '')?.[1]
  const [key, secret] = basic ? Buffer.from(basic, 'base64').toString().split(':') : [field('client_id'), field('client_secret')]
  const app = apps.get(key ?? '')
  if (!app || app.secret !== secret) throw oauthError(401, 'invalid_client')
  return app
}

function giveToken(world: World, ask: Ask): Token {
  const { field } = ask
  const grant = field('grant_type')
  const missing = (grant === 'authorization_code' ? ['code', 'redirect_uri'] : ['grant_type']).find(name => !field(name))
  if (missing) throw oauthError(400, 'invalid_request', `Missing required parameter: ${missing}.`)
  if (grant !== 'authorization_code' && grant !== 'client_credentials') throw oauthError(400, 'unsupported_grant_type')
  const app = clientOf(world, ask)
  if (grant === 'client_credentials') {
    const scopes = words(field('scope') || 'read')
    if (!scopes.every(scope => app.scopes.includes(scope))) throw oauthError(400, 'invalid_scope')
    return world.addToken({ app, scopes })
  }
  const code = world.codes.get(field('code')!)
  const fits = code?.app === app && code.redirectUri === field('redirect_uri') && world.now() < code.at + TEN_MINUTES
  if (!fits || !verifies(field('code_verifier'), code.challenge, world.settings.old)) throw oauthError(400, 'invalid_grant')
  world.codes.delete(field('code')!)
  return world.addToken({ app, person: code.person, scopes: code.scopes })
}

/** RFC 7636 section 4.6, S256. Servers before 4.3 know none of it. */
function verifies(verifier: string | undefined, challenge: string, old: boolean): boolean {
  if (old || (!verifier && !challenge)) return true
  return (
    createHash('sha256')
      .update(verifier ?? '')
      .digest('base64url') === challenge
  )
}

const tokenJson = ({ value, scopes, at }: Token) => ({
  access_token: value,
  token_type: 'Bearer',
  scope: scopes.join(' '),
  created_at: Math.floor(at.getTime() / 1000)
})

function revoke(world: World, ask: Ask): Answer {
  const app = clientOf(world, ask)
  const token = world.tokens.get(ask.field('token') ?? '')
  if (!ask.field('token') || (token && token.app !== app)) throw oauthError(403, 'unauthorized_client')
  if (token) token.revoked = true
  return { json: {} }
}

function describe(world: World): Answer {
  if (world.settings.old) throw refuse(404, 'Not Found')
  const at = (path: string) => `${world.origin()}${path}`
  return {
    json: {
      issuer: at('/'),
      service_documentation: 'https://docs.joinmastodon.org/',
      authorization_endpoint: at('/oauth/authorize'),
      token_endpoint: at('/oauth/token'),
      app_registration_endpoint: at('/api/v1/apps'),
      revocation_endpoint: at('/oauth/revoke'),
      scopes_supported: world.settings.knownScopes,
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'fragment', 'form_post'],
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: ['authorization_code', 'client_credentials'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post']
    }
  }
}
