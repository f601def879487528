/** One request and its answer over one guarded socket: limits on time, headers and size. Redirects are not known here. */
import { promisify } from 'node:util'
import { brotliDecompress, inflateRaw, unzip } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { BadMessage, isFailure, Unreachable } from '../model/errors.ts'

export type Question = {
  method: 'GET' | 'POST' | 'PUT' | 'HEAD'
  url: URL
  headers: Record<string, string>
  body: Buffer | string | null
  maxBytes: number
  discard: boolean
}

export type Reply = { status: number; headers: Record<string, string>; body: Buffer }

const DISCARDED_BYTES = 4096

/**
 * Asks and waits for the whole answer, inflated. With `discard` the status is enough: a body that is too long, too slow or breaks
 * off is let go.
 * @param timeout milliseconds for all of it
 * @throws BadMessage, Unreachable; Refused from the guard
 */
export async function exchange(agent: Dispatcher, question: Question, timeout: number): Promise<Reply> {
  const reply = await ask(agent, question, timeout)
  const coding = reply.headers['content-encoding']?.toLowerCase() ?? 'identity'
  if (reply.body.length === 0 || coding === 'identity') return reply
  return { ...reply, body: await inflate(reply.body, coding, question) }
}

// This is the way of the fan-out: no stream, no AbortController, one timer. undici's own request() is slower than that.
function ask(agent: Dispatcher, question: Question, timeout: number): Promise<Reply> {
  const { discard, maxBytes } = question
  const { host } = question.url
  return new Promise((resolve, reject) => {
    const limit = discard ? DISCARDED_BYTES : maxBytes
    const chunks: Buffer[] = []
    let size = 0
    let head: Omit<Reply, 'body'> | undefined
    let line: Dispatcher.DispatchController | undefined
    let settled = false
    const settle = (error?: Error) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      if (head !== undefined && (discard || error === undefined)) resolve({ ...head, body: discard ? EMPTY : Buffer.concat(chunks) })
      else reject(explain(error, host))
    }
    const stop = (error: Error) => {
      settle(error)
      line?.abort(error)
    }
    const timer = setTimeout(() => stop(tooSlow(host)), timeout)
    agent.dispatch(requestOf(question), {
      onRequestStart(controller) {
        line = controller
        if (settled) controller.abort(tooSlow(host)) // it waited too long for a socket
      },
      onResponseStart(_, status, received) {
        if (status >= 200) head = { status, headers: flatten(received) }
      },
      onResponseData(_, chunk) {
        size += chunk.length
        if (size > limit) stop(tooLong(host, limit))
        else if (!discard) chunks.push(chunk)
      },
      onResponseEnd: () => settle(),
      onResponseError: (_, error) => settle(error)
    })
  })
}

const requestOf = ({ url, method, headers, body }: Question) => ({
  origin: url.origin,
  path: url.pathname + url.search,
  method,
  headers,
  body
})

const EMPTY = Buffer.alloc(0)

const tooSlow = (host: string) => new Unreachable(`${host} did not answer in time.`)

const tooLong = (host: string, limit: number) => new BadMessage(`The answer of ${host} is longer than ${limit} bytes.`, { status: 413 })

function flatten(received: Record<string, string | string[] | undefined>): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  for (const name in received) {
    const value = received[name]
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return headers
}

const INFLATERS = new Map([
  ['gzip', promisify(unzip)],
  ['x-gzip', promisify(unzip)],
  ['br', promisify(brotliDecompress)]
])

/** `deflate` means zlib (RFC 9110 8.4.1.2), but some servers send it bare; a zlib header's low half-byte is 8 (RFC 1950 2.2). */
const inflaterOf = (coding: string, body: Buffer) =>
  coding === 'deflate' ? promisify((body[0]! & 15) === 8 ? unzip : inflateRaw) : INFLATERS.get(coding)

// zlib itself stops at the limit: a bomb is never unpacked further than that.
async function inflate(body: Buffer, coding: string, { url, maxBytes }: Question): Promise<Buffer> {
  const unpack = inflaterOf(coding, body)
  if (unpack === undefined) throw new BadMessage(`The answer of ${url.host} is packed in a way that is not read here.`)
  try {
    return await unpack(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLong(url.host, maxBytes)
    throw new BadMessage(`The packed answer of ${url.host} cannot be unpacked.`, { cause: error })
  }
}

/** Ours: what came back is no TLS. Node tells that as EPROTO or ERR_SSL_…, in the words of OpenSSL. */
const NO_TLS = 'NO_TLS'

/** Codes of Node's net, tls and dns and of undici, as people read them. */
const REASONS: Record<string, string> = {
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name could not be looked up at the moment',
  ECONNREFUSED: 'nothing answers at that port',
  ECONNRESET: 'it broke the line',
  EPIPE: 'it broke the line',
  EHOSTUNREACH: 'no way leads to it',
  ENETUNREACH: 'no way leads to it',
  ETIMEDOUT: 'no connection came about in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection came about in time',
  UND_ERR_SOCKET: 'it broke the line',
  [NO_TLS]: 'it does not speak https',
  EPROTO: 'no secure connection came about',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate belongs to another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody but itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes without that of its authority'
}

/** What failed on the way to a host, as a failure that people understand. */
export function explain(error: unknown, host: string): Error {
  if (isFailure(error)) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new BadMessage(`The headers of ${host} are too long.`, { status: 413, cause: error })
  // a header value that cannot be written: most come from answers of others, an ETag for one
  if (code === 'UND_ERR_INVALID_ARG') return new BadMessage(`This request to ${host} cannot be written.`, { cause: error })
  return new Unreachable(`${host} could not be reached: ${reasonOf(code)}.`, { cause: error })
}

export const reasonOf = (code: string): string =>
  REASONS[code] ?? (code.startsWith('HPE_') ? 'it does not speak HTTP' : code.startsWith('ERR_SSL_') ? REASONS.EPROTO! : 'the line failed')

function codeOf(error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  return /wrong version number|packet length too long|http request/i.test(String(message)) ? NO_TLS : String(code ?? '')
}

const NO_CONNECTION = new Set(['ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'])
const NONE_FOR_NOW = new Set(['ECONNREFUSED', 'EAI_AGAIN'])

/** Milliseconds for which a failure says that the whole host cannot be reached: 5 min, 30 s when it may be starting; else 0. */
export function outageOf(error: unknown): number {
  const code = error instanceof Unreachable ? codeOf(error.cause) : ''
  return NO_CONNECTION.has(code) ? 300_000 : NONE_FOR_NOW.has(code) ? 30_000 : 0
}
