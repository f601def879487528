/** One request to a Mastodon server in the owner's name, bounded, and what its answer means. */
import type { Connection } from '../model/blog.ts'
import { isFailure, Missing, Refused, Unreachable } from '../model/errors.ts'
import { HIDDEN } from '../model/log.ts'
import { hashToken } from '../model/tokens.ts'
import { readRetryAfter } from '../protocol/date.ts'
import { readError, readJson } from '../protocol/mastodon.ts'
import { TYPE } from '../protocol/names.ts'
import type { HttpAnswer, Tools } from '../tools.ts'

export type Question = {
  method?: 'GET' | 'POST' | 'PUT'
  form?: Record<string, string>
  headers?: Record<string, string>
  /** Without the token, as anybody may ask. */
  open?: boolean
  /** Milliseconds. Default 15,000. */
  timeout?: number
  /** Default 1 MB. */
  maxBytes?: number
}

const TIMEOUT_MS = 15_000
const CODE = 'mastodon'
/** The name of the setting that holds the hash of a token of the environment that its server refuses. */
const REVOKED = 'mastodon.revoked'
/** Of Node and undici, when no connection came about: nothing was sent. */
const NOT_SENT =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_.*|.*_CERT_IN_CHAIN|DEPTH_ZERO_.*|UNABLE_TO_.*)$/

/**
 * Asks `path` of the API. `read` gets the JSON of the answer.
 * @throws Unreachable 502 `mastodon`: no answer, one that `read` refuses, or 5xx, 429 (with `retryAfter`) and 401, each as `peer`; a
 *   401 marks the connection as revoked. Refused 502 `mastodon`: any other 4xx, which no repetition mends. Missing: 404 and 410
 */
export async function askServer<T>(
  tools: Tools,
  connection: Connection,
  path: string,
  read: (json: unknown) => T,
  question: Question = {}
): Promise<T> {
  const { method = 'GET', open = false } = question
  const call = `${method} ${path.replace(/\?.*/, '')}`
  const { host } = new URL(connection.host)
  const answer = await send(tools, connection, path, question).catch(error => {
    throw translate(error, `${host} did not answer ${call}: `)
  })
  if (answer.status >= 200 && answer.status < 300) {
    if (!open && connection.state === 'revoked') await noteState(tools, connection, 'ok')
    return readAnswer(answer, read, `${host} answered ${call} with something else: `)
  }
  const told = connection.token === '' ? tellOf(answer) : tellOf(answer).replaceAll(connection.token, HIDDEN)
  const error = failureOf(answer, `${host} answered ${call} with ${answer.status}${told ? `: ${told}` : '.'}`, tools.clock())
  if (answer.status === 401 && !open) await noteState(tools, connection, 'revoked', error.message)
  throw error
}

function send({ http }: Tools, { host, token }: Connection, path: string, question: Question): Promise<HttpAnswer> {
  const { method = 'GET', form, headers, open = false, timeout = TIMEOUT_MS, maxBytes = 1_000_000 } = question
  return http.request(host + path, {
    method,
    // a token goes to nobody but the server that it is from
    ...{ redirects: 0, plainHttp: 'never', timeout, maxBytes },
    headers: {
      accept: TYPE.json,
      ...(open ? {} : { authorization: `Bearer ${token}` }),
      ...(form && { 'content-type': TYPE.form }),
      ...headers
    },
    ...(form && { body: new URLSearchParams(form).toString() })
  })
}

function readAnswer<T>({ body }: HttpAnswer, read: (json: unknown) => T, sentence: string): T {
  try {
    return read(readJson(body))
  } catch (error) {
    throw translate(error, sentence)
  }
}

/** A failure of what lies below, in the words of this call. What is refused here was not sent. */
function translate(error: unknown, sentence: string): unknown {
  if (!isFailure(error)) return error
  const details = { status: 502, code: CODE, cause: error }
  return error instanceof Refused ? new Refused(sentence + error.message, details) : new Unreachable(sentence + error.message, details)
}

/** What the server itself says of its refusal; nothing when it does not speak JSON. */
function tellOf({ body }: HttpAnswer): string {
  try {
    return readError(readJson(body))
  } catch {
    return ''
  }
}

function failureOf(answer: HttpAnswer, sentence: string, now: Date): Unreachable | Refused | Missing {
  const { headers, status } = answer
  if (status === 404 || status === 410) return new Missing(sentence, { code: CODE })
  if (status >= 500 || status === 401 || status === 408 || status === 429) {
    // Mastodon tells when its count begins anew, proxies in front of it tell it as RFC 9110 has it
    const retryAfter = readRetryAfter(headers['retry-after'], now) ?? readRetryAfter(headers['x-ratelimit-reset'], now)
    const waits = status === 429 ? (retryAfter ?? 300) : status === 503 ? retryAfter : undefined
    return new Unreachable(sentence, { code: CODE, peer: status, ...(waits === undefined ? {} : { retryAfter: waits }) })
  }
  return new Refused(sentence, { status: 502, code: CODE })
}

/** Whether a request that failed with this may have done its work nevertheless: then it must be looked for before it is repeated. */
export function mayHaveArrived(error: unknown): boolean {
  if (error instanceof Refused || error instanceof Missing) return false
  if (!(error instanceof Unreachable)) return true
  if (error.peer !== undefined) return error.peer < 400 || error.peer >= 500 || error.peer === 408
  const cause = isFailure(error.cause) ? error.cause.cause : error.cause
  return !NOT_SENT.test(String((cause as { code?: unknown } | undefined)?.code ?? ''))
}

/** The owner sees it in the settings and in the log. A connection of the environment has no row. */
async function noteState(tools: Tools, connection: Connection, state: Connection['state'], error?: string): Promise<void> {
  const { changes, connections, log, settings } = tools
  const { accountId, host, token } = connection
  const row = await connections.find(accountId)
  if (row?.token === token) await connections.change(accountId, { state, error: error ?? null })
  else if (row === undefined) await settings.keep(REVOKED, state === 'revoked' ? hashToken(token) : null)
  if (state !== connection.state) await changes.tell(connectionSignal(accountId))
  if (state === 'revoked' && connection.state === 'ok')
    log.warn({ host, why: error }, 'the Mastodon server refuses our token: toots wait; run `tidings mastodon connect` again')
}

/** What `changes` tells when an account is connected, disconnected, or its token refused. */
export const connectionSignal = (accountId: string): string => `connection:${accountId}`

/** Whether the server of a token of the environment has refused it. */
export const isRefused = async ({ settings }: Pick<Tools, 'settings'>, token: string): Promise<boolean> =>
  (await settings.find(REVOKED)) === hashToken(token)
