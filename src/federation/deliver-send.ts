/** One delivery as a request: signed as its kind demands (H7, M8, S3-17), and what the other side said. */
import { isFailure, Unreachable } from '../model/errors.ts'
import type { Recipient } from '../model/kept.ts'
import { readRetryAfter } from '../protocol/date.ts'
import { signBody } from '../protocol/hub.ts'
import type { Document, HttpRequest, Tools, Waiting } from '../tools.ts'
import { isEcho } from './echo.ts'
import { findSigner, type SignatureForm, signRequest } from './sign.ts'

type Needs = Pick<Tools, 'actors' | 'addresses' | 'clock' | 'config' | 'http' | 'lanes' | 'log' | 'nodeKeys'>

/** What one try brought. `lasting`: it never left, and never will. `movedTo`: where it was taken instead. */
export type Result = { status?: number; error?: string; retryAfter?: number; movedTo?: string; lasting?: boolean }

const TIMEOUT_MS = 10_000
const MOST_HOSTS = 10_000

/** Which hosts take only the form of signature that is not tried first: remembered in each process. */
const odd = new WeakMap<object, Set<string>>()

export const isDone = ({ status = 0 }: Result) => status >= 200 && status < 300

/** Sends it, if need be in another spelling or with another signature; never throws. */
export async function send(tools: Needs, recipient: Recipient, delivery: Waiting, document: Document): Promise<Result> {
  if (recipient.kind === 'inbox') return sendSigned(tools, recipient, document)
  const result = await post(tools, recipient, headersFor(delivery, document), document)
  const safe = safeSpelling(recipient, delivery, result)
  if (safe === undefined) return result
  const again = await post(tools, { ...recipient, url: safe }, headersFor(delivery, document), document)
  return isDone(again) ? { ...again, movedTo: safe } : result
}

/** The same bytes for everybody, at a hub's callback a signature each (H7); an envelope bears its own. */
function headersFor(delivery: Waiting, { body, links }: Document): HttpRequest {
  const headers: Record<string, string> = {}
  if (links !== undefined) headers.link = links
  if (delivery.secret !== undefined) headers['x-hub-signature'] = signBody(delivery.method ?? 'sha256', delivery.secret, body)
  return { headers }
}

/** A callback that moved to https is tried there once for each thing that it did not take by http, as GNU social does (H8). */
function safeSpelling({ kind, url }: Recipient, { attempts }: Waiting, result: Result): string | undefined {
  const { status = 0 } = result
  const moved = kind === 'hub' && attempts === 0 && !isDone(result) && status < 500 && status !== 410 && status !== 429
  return moved && /^http:\/\/[^/:?]+([/?]|$)/i.test(url) ? url.replace(/^http:/i, 'https:') : undefined
}

/**
 * An activity, signed by whoever does it. One form of signature is tried first, the other one after a refusal: no server says which
 * it reads.
 */
async function sendSigned(tools: Needs, recipient: Recipient, document: Document): Promise<Result> {
  const { clock, config, lanes } = tools
  const name = document.topic.slice(document.topic.lastIndexOf('/') + 1)
  try {
    const signer = await findSigner(tools, name)
    const by = (form: SignatureForm): HttpRequest => ({
      sign: hop => signRequest(signer, form, { method: 'POST', url: hop, body: document.body }, clock())
    })
    const hosts = odd.get(lanes) ?? new Set()
    odd.set(lanes, hosts)
    const first = hosts.has(recipient.host) ? other(config.httpSignature) : config.httpSignature
    const result = await post(tools, recipient, by(first), document)
    if (result.status !== 401 && result.status !== 403) return result
    const again = await post(tools, recipient, by(other(first)), document)
    if (!isDone(again)) return result
    remember(hosts, recipient.host, first === config.httpSignature)
    return again
  } catch (error) {
    return failed(tools, recipient, error)
  }
}

const other = (form: SignatureForm): SignatureForm => (form === 'cavage' ? 'rfc9421' : 'cavage')

function remember(hosts: Set<string>, host: string, isOdd: boolean): void {
  if (isOdd) hosts.add(host)
  else hosts.delete(host)
  if (hosts.size > MOST_HOSTS) hosts.delete(hosts.values().next().value!)
}

/** One request. Nobody outside could call a node on loopback back, so it sends them neither envelopes nor activities. */
async function post(tools: Needs, recipient: Recipient, request: HttpRequest, { body, contentType }: Document): Promise<Result> {
  const { clock, config, http } = tools
  const { kind, url } = recipient
  try {
    if (kind !== 'hub' && config.isLoopback && !(await http.isListed(url)))
      return { error: 'This node is not public, so nothing is sent there.', lasting: true }
    // a POST follows 307 and 308 alone: as much as M8 allows, and more than H8 does
    const redirects = kind === 'hub' ? 0 : 3
    const headers = { 'content-type': contentType, ...request.headers }
    const allowOwn = kind === 'hub' && isEcho(tools, url)
    const asked: HttpRequest = { ...request, method: 'POST', headers, body, discard: true, redirects, timeout: TIMEOUT_MS, allowOwn }
    const answer = await http.request(url, asked)
    const retryAfter = readRetryAfter(answer.headers['retry-after'], clock())
    return { status: answer.status, ...(retryAfter === undefined ? {} : { retryAfter }) }
  } catch (error) {
    return failed(tools, recipient, error)
  }
}

function failed({ log }: Needs, { url }: Recipient, error: unknown): Result {
  if (!isFailure(error)) {
    log.error({ error, url }, 'deliver: a defect')
    return { error: 'It could not be sent.' }
  }
  const unreachable = error instanceof Unreachable
  return { error: error.message, lasting: !unreachable, ...(unreachable && error.peer !== undefined ? { status: error.peer } : {}) }
}
