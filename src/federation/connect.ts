/** The owner lets us post on a Mastodon server: an application is registered there, allowed in a browser, and given a token (S1-25 to S1-32). */
import { createHash } from 'node:crypto'
import type { Connection } from '../model/blog.ts'
import { BadMessage, type Failure, isFailure, Missing, Refused, Unreachable } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import { HIDDEN } from '../model/log.ts'
import { randomToken } from '../model/tokens.ts'
import { readHandle, readHost } from '../protocol/acct.ts'
import { readAccount, readApp, readToken } from '../protocol/mastodon.ts'
import type { Tools } from '../tools.ts'
import { findMainAccount } from './handled.ts'
import { findConnection } from './mastodon.ts'
import { askServer, connectionSignal, type Question } from './mastodon-api.ts'

/** A connection that is to be allowed in a browser within 15 minutes. */
export type Begun = {
  /** An origin. */
  server: string
  /** What is asked for, and whether that is the least that will do. */
  scope: string
  narrow: boolean
  /** Where it is allowed: the browser is sent back to us with a code. */
  address: string
  /** The same for those whom the server cannot send back: it shows the code, which is then typed. */
  codeAddress: string
  /** Must come back with the code. */
  state: string
}

/** How an account stands with Mastodon. `shadowed`: the server of the settings, when the connection made here goes before it. */
export type Standing = {
  connection?: Connection
  from?: 'connect' | 'settings'
  shadowed?: string
  /** Toots that wait, for whatever reason. */
  waiting: number
}

/** What has to be remembered until then. */
type Facts = { clientId: string; clientSecret: string; scope: string; verifier: string }

/** The code is shown to the owner instead of being sent to a page (RFC 8252 knows it no more, Mastodon does). */
const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob'
/** The least first. An application can only ask for what it was registered with, word for word (S1-28). */
const SCOPES = ['profile write:statuses read:statuses', 'read:accounts read:statuses write:statuses', 'read write:statuses', 'read write']
const WIDEST = SCOPES.at(-1)!
const LIFETIME_MS = 15 * 60_000
/** Mastodon takes 60 characters. */
const LONGEST_NAME = 60

/**
 * Registers an application on a server, with the narrowest permissions that it takes.
 * @param typed `mastodon.example`, `https://mastodon.example/…` or `@me@mastodon.example`
 * @param wish.wide asks for all reading and writing at once: some servers take narrow permissions and then refuse them in the browser
 * @throws BadMessage for what is no server; Refused, Unreachable 502 `mastodon` when there is none or it refuses
 */
export async function beginConnection(tools: Tools, account: Account, typed: string, { wide = false } = {}): Promise<Begun> {
  const { clock, connections } = tools
  const server = await readServer(tools, typed)
  const { scope, app } = await register(tools, account, server, wide ? [WIDEST] : SCOPES)
  const [state, verifier] = [randomToken(), randomToken()]
  const facts: Facts = { ...app, scope, verifier }
  await connections.begin(state, { accountId: account.id, host: server }, facts, new Date(clock().getTime() + LIFETIME_MS))
  const query = {
    ...{ response_type: 'code', client_id: app.clientId, scope, state },
    // servers that do not know PKCE (RFC 7636) ignore it
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' }
  }
  const addressFor = (redirectUri: string) => `${server}/oauth/authorize?${new URLSearchParams({ ...query, redirect_uri: redirectUri })}`
  const [address, codeAddress] = [addressFor(callbackOf(tools)), addressFor(OUT_OF_BAND)]
  return { server, scope, narrow: scope === SCOPES[0], address, codeAddress, state }
}

/**
 * Redeems the code that the server gave, finds out whose it is, and keeps the connection; toots that waited for it are due now.
 * @param back `error` instead of a code when it was not allowed; `typed`: the owner typed the code
 * @throws Refused `denied`; `stale` when it was not begun, ended already or took too long; `code` when the server does not take the
 *   code, or gives less than is needed; Unreachable 502 `mastodon`
 */
export async function finishConnection(
  tools: Tools,
  { state, code = '', error, typed = false }: { state: string; code?: string; error?: string; typed?: boolean }
): Promise<Connection> {
  const { clock, connections } = tools
  const begun = /^[\w-]{43}$/.test(state) ? await connections.finish<Facts>(state, clock()) : undefined
  if (begun === undefined)
    throw new Refused('This connection was finished already, or begun more than 15 minutes ago. Begin again.', { code: 'stale' })
  const { accountId, facts, host: server } = begun
  if (error !== undefined) throw denied(server, error)
  const given = await redeem(tools, server, facts, code.trim(), typed ? OUT_OF_BAND : callbackOf(tools))
  const { clientId, clientSecret } = facts
  const made = { accountId, host: server, ...given, clientId, clientSecret, state: 'ok' as const, connectedAt: clock() }
  try {
    const connection = { ...made, ...(await verify(tools, server, given)) }
    const before = await connections.find(accountId)
    await keep(tools, connection)
    if (before !== undefined && before.token !== connection.token) await revoke(tools, before)
    tools.log.info({ host: server, username: connection.username, scope: connection.scope }, 'Mastodon is connected')
    return connection
  } catch (failure) {
    // nobody would know of it any more
    await revoke(tools, made)
    throw failure
  }
}

/** Forgets the connection of an account and takes the token back, if the server answers. @throws Missing when there is none */
export async function disconnect(tools: Tools, account: Account): Promise<Connection> {
  const connection = await tools.connections.find(account.id)
  if (connection === undefined)
    throw new Missing(`${account.localName} has no connection that was made here. One of the settings ends when MASTODON_HOST goes.`)
  await tools.transaction(async ({ changes, connections }) => {
    await connections.remove(account.id)
    await changes.tell(connectionSignal(account.id))
  })
  await revoke(tools, connection)
  return connection
}

/** Which connection of an account holds, and what waits. */
export async function findStanding(tools: Tools, { id }: Account): Promise<Standing> {
  const { config, connections, toots } = tools
  const [made, connection, counts] = await Promise.all([connections.find(id), findConnection(tools, id), toots.counts(id)])
  const isMain = (await findMainAccount(tools))?.id === id
  const settings = isMain && config.mastodonOauthToken !== undefined ? config.mastodonHost : undefined
  return {
    waiting: counts.wanted ?? 0,
    ...(connection && { connection, from: made === undefined ? 'settings' : 'connect' }),
    ...(made !== undefined && settings !== undefined && { shadowed: settings })
  }
}

/** `@me@mastodon.example` of a connection; only the host when the name is not known. */
export function handleOf({ host, username }: Pick<Connection, 'host' | 'username'>): string {
  const place = new URL(host).host
  return username === undefined ? place : `@${username}@${place}`
}

/** Where servers send the browser back to. */
const callbackOf = ({ config }: Tools): string => `${config.publicUrl}/settings/mastodon/callback`

/** The origin of a server as people write it. Plain http only inside ALLOW_ADDRESSES. @throws BadMessage */
async function readServer({ http }: Tools, typed: string): Promise<string> {
  const text = typed.trim()
  if (/^https?:/i.test(text)) {
    const handle = readHandle(text)
    const url = new URL(handle.kind === 'url' ? handle.url : text)
    const plain = url.protocol === 'http:' && (await http.isListed(url.origin))
    return plain ? url.origin : `https://${url.host}`
  }
  if (text === '' || text.includes('://'))
    throw new BadMessage('Write the name of your Mastodon server, such as mastodon.example.', { code: 'no_host' })
  const place = text.replace(/\/.*$/s, '')
  const handle = place.includes('@') ? readHandle(place) : undefined
  return `https://${handle?.kind === 'acct' ? handle.host : readHost(place)}`
}

async function register(tools: Tools, account: Account, server: string, scopes: string[]) {
  const { blogs, config } = tools
  const title = (await blogs.find(account.id))?.title ?? account.displayName
  const form = {
    client_name: [...(title ? `tidings (${title})` : 'tidings')].slice(0, LONGEST_NAME).join(''),
    redirect_uris: `${callbackOf(tools)}\n${OUT_OF_BAND}`,
    website: config.publicUrl
  }
  let refusal: unknown
  for (const scope of scopes) {
    try {
      return { scope, app: await ask(tools, server, '/api/v1/apps', readApp, { method: 'POST', form: { ...form, scopes: scope } }) }
    } catch (error) {
      if (error instanceof Missing)
        throw new Refused(`${new URL(server).host} does not speak Mastodon's API.`, { code: 'no_api', status: 502 })
      if (!(error instanceof Refused)) throw error
      refusal = error
    }
  }
  throw refusal
}

/** Code -> token. */
async function redeem(tools: Tools, server: string, { clientId, clientSecret, verifier }: Facts, code: string, redirectUri: string) {
  if (!/^[\x21-\x7e]{1,2048}$/.test(code)) throw new BadMessage('That is no code. Begin again.', { code: 'code' })
  const form = {
    ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri },
    ...{ client_id: clientId, client_secret: clientSecret, code_verifier: verifier }
  }
  const secrets = [code, clientSecret, verifier]
  const { scope, token } = await ask(tools, server, '/oauth/token', readToken, { method: 'POST', form }, secrets).catch(error => {
    throw isRefusal(error) ? new Refused(`${(error as Error).message} Begin again.`, { status: 422, code: 'code' }) : error
  })
  return { token, ...(scope && { scope }) }
}

/** Whose token it is (S1-31), and whether it is good for toots, as far as the server tells. */
async function verify(tools: Tools, server: string, { scope, token }: { scope?: string; token: string }) {
  if (scope !== undefined && !/(^|[\s+])write(:statuses)?($|[\s+])/.test(scope))
    throw new Refused(`${new URL(server).host} does not let us post there: it gave only “${scope}”.`, { code: 'scope' })
  const headers = { authorization: `Bearer ${token}` }
  const read = (json: unknown) => readAccount(json, server)
  const person = await ask(tools, server, '/api/v1/accounts/verify_credentials', read, { headers }, [token])
  const { avatar, id, url, username } = person
  return { mastodonId: id, username, url, ...(avatar && { avatar }) }
}

/** What failed for want of it is tried again at once. */
async function keep({ clock, transaction }: Tools, connection: Connection): Promise<void> {
  await transaction(async ({ changes, connections, toots }) => {
    await connections.keep(connection)
    await toots.wake(connection.accountId, clock())
    await changes.tell(connectionSignal(connection.accountId))
  })
}

/** Takes a token back, which only its application can; of a server that does not answer the owner has to ask it there. */
async function revoke(tools: Tools, { clientId, clientSecret, host, token }: Connection): Promise<void> {
  if (clientId === undefined || clientSecret === undefined) return
  const form = { client_id: clientId, client_secret: clientSecret, token }
  try {
    await ask(tools, host, '/oauth/revoke', () => {}, { method: 'POST', form }, [token, clientSecret])
  } catch (error) {
    if (!isFailure(error)) throw error
    tools.log.info({ host, why: error.message }, 'the Mastodon server did not take our token back')
  }
}

/**
 * Asks a server with which there is no connection yet.
 * @param secrets what of the question may not stand in an error, should the answer repeat it (X49); causes are left out for the same reason
 */
async function ask<T>(
  tools: Tools,
  server: string,
  path: string,
  read: (json: unknown) => T,
  question: Question,
  secrets: string[] = []
): Promise<T> {
  const nobody: Connection = { accountId: '', host: server, token: '', state: 'ok', connectedAt: tools.clock() }
  try {
    return await askServer(tools, nobody, path, read, { ...question, open: true })
  } catch (error) {
    throw isFailure(error) ? withoutSecrets(error, secrets) : error
  }
}

function withoutSecrets(error: Failure, secrets: string[]): Failure {
  const message = secrets.reduce((text, secret) => text.replaceAll(secret, HIDDEN), error.message)
  const { code, retryAfter, status } = error
  const details = { code, status, ...(retryAfter === undefined ? {} : { retryAfter }) }
  if (error instanceof Missing) return new Missing(message, details)
  if (error instanceof Refused) return new Refused(message, details)
  const { peer } = error as Unreachable
  return new Unreachable(message, { ...details, ...(peer === undefined ? {} : { peer }) })
}

/** The server answered, and said no. */
const isRefusal = (error: unknown): boolean =>
  error instanceof Refused || error instanceof Missing || (error instanceof Unreachable && error.peer === 401)

/** What the server says in place of a code (RFC 6749 4.1.2.1). */
function denied(server: string, error: string): Refused {
  const { host } = new URL(server)
  if (error === 'access_denied') return new Refused(`You did not allow it at ${host}. Nothing was changed.`, { code: 'denied' })
  if (error === 'invalid_scope')
    return new Refused(`${host} does not give these permissions. Begin again, and ask for all reading and writing.`, { code: 'scope' })
  return new Refused(`${host} did not allow it: ${error.replace(/[^\w .-]/g, '').slice(0, 100)}. Begin again.`, { code: 'denied' })
}
