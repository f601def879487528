/**
 * The wire of a hub and of its subscribers: WebSub (W3C Recommendation 2018-01-23), with what PubSubHubbub 0.3 and 0.4 peers
 * still need. Form and query in, form and query out; nothing here sends anything.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { BadMessage } from '../model/errors.ts'
import { writeLinks } from './link.ts'

/** Who asks for what. `old` is true when the request bears a field of PubSubHubbub 0.3 that WebSub has dropped. */
export type SubscriptionRequest = {
  mode: 'subscribe' | 'unsubscribe'
  topic: string
  callback: string
  /** Seconds, as asked for. */
  lease?: number
  secret?: string
  verify: 'sync' | 'async'
  verifyToken?: string
  old: boolean
}

export type HubRequest = SubscriptionRequest | { mode: 'publish'; topics: string[] }

/** What a hub asks or tells our callback. `lease` in seconds, as granted. */
export type Verification =
  | { mode: 'subscribe' | 'unsubscribe'; topic: string; challenge: string; lease?: number; verifyToken?: string }
  | { mode: 'denied'; topic: string; reason?: string }

export type SignatureMethod = 'sha1' | 'sha256' | 'sha384' | 'sha512'

const DAY = 86_400
const LEASE = { default: 7 * DAY, least: DAY, most: 30 * DAY }
const MAX_URL = 1000
const MAX_SECRET_BYTES = 199
const MAX_CHALLENGE = 1024

/**
 * Reads a request to our hub (WebSub 5.1; H1-H3, H10). The first value of a repeated field counts; unknown fields are ignored.
 * Whether the topic is ours and the callback may be reached is not looked at.
 * @throws BadMessage saying which field is missing or wrong
 */
export function readHubRequest(form: URLSearchParams): HubRequest {
  const mode = form.get('hub.mode')
  if (mode === 'publish') return { mode, topics: readPublished(form) }
  if (mode !== 'subscribe' && mode !== 'unsubscribe') {
    throw new BadMessage(mode ? 'The hub.mode is none that this hub knows.' : 'There is no hub.mode.')
  }
  const asked = form.getAll('hub.verify').flatMap(value => value.toLowerCase().split(/[\s,]+/))
  return {
    mode,
    topic: readUrl(form, 'hub.topic'),
    callback: readCallback(form),
    ...given('lease', readLease(form)),
    ...given('secret', readShort(form, 'hub.secret', MAX_SECRET_BYTES)),
    verify: asked.includes('sync') && !asked.includes('async') ? 'sync' : 'async',
    ...given('verifyToken', readShort(form, 'hub.verify_token', MAX_URL)),
    old: form.has('hub.verify') || form.has('hub.verify_token')
  }
}

function readPublished(form: URLSearchParams): string[] {
  const topics = [...form.getAll('hub.url'), ...form.getAll('hub.topic')].filter(topic => topic !== '')
  if (topics.length === 0) throw new BadMessage('A publish request needs hub.url or hub.topic.')
  return [...new Set(topics)]
}

function readUrl(form: URLSearchParams, field: string): string {
  const text = form.get(field)
  if (!text) throw new BadMessage(`There is no ${field}.`)
  if (text.length > MAX_URL) throw new BadMessage(`The ${field} is longer than ${MAX_URL} characters.`)
  // URL.parse would silently drop white space and control characters, and the text is sent on as it came.
  const url = /[\s\x00-\x20\x7f]/.test(text) ? null : URL.parse(text)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw new BadMessage(`The ${field} is no http or https URL.`)
  return text
}

function readCallback(form: URLSearchParams): string {
  const callback = readUrl(form, 'hub.callback')
  const { username, password } = new URL(callback)
  if (callback.includes('#')) throw new BadMessage('The hub.callback has a fragment.')
  if (username || password) throw new BadMessage('The hub.callback has credentials.')
  return callback
}

/** An empty text counts as absent. */
function readShort(form: URLSearchParams, field: string, most: number): string | undefined {
  const text = form.get(field) || undefined
  if (text && Buffer.byteLength(text) > most) throw new BadMessage(`The ${field} is longer than ${most} bytes.`)
  return text
}

/** Absent, empty, 0 and garbage are all the same: no wish (H3, S7). */
function readLease(form: URLSearchParams): number | undefined {
  const text = form.get('hub.lease_seconds') ?? ''
  return /^\d+$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) || undefined : undefined
}

const given = <K extends string, V>(key: K, value: V | undefined) => (value === undefined ? {} : { [key]: value }) as { [key in K]?: V }

/** The lease that we grant, in seconds (H3): 7 days unless another is asked for, between 1 and 30 days. */
export function grantLease(asked?: number): number {
  return asked ? Math.min(Math.max(Math.trunc(asked), LEASE.least), LEASE.most) : LEASE.default
}

/** Where our hub asks whether a request was meant (WebSub 5.3; H5). The callback's own query is kept byte for byte. */
export function verificationUrl(
  callback: string,
  asked: { mode: 'subscribe' | 'unsubscribe'; topic: string; challenge: string; lease?: number; verifyToken?: string }
): string {
  return appendQuery(callback, [
    ['hub.mode', asked.mode],
    ['hub.topic', asked.topic],
    ['hub.challenge', asked.challenge],
    ['hub.lease_seconds', asked.lease?.toString()],
    ['hub.verify_token', asked.verifyToken]
  ])
}

/** Where our hub tells a subscriber that there is no subscription (any more) (WebSub 5.2; H6). */
export function deniedUrl(callback: string, { topic, reason }: { topic: string; reason?: string }): string {
  return appendQuery(callback, [
    ['hub.mode', 'denied'],
    ['hub.topic', topic],
    ['hub.reason', reason]
  ])
}

type Fields = [name: string, value: string | undefined][]

function appendQuery(callback: string, fields: Fields): string {
  const joint = !callback.includes('?') ? '?' : /[?&]$/.test(callback) ? '' : '&'
  // A space as %20: not every server reads + in a query as a space.
  return callback + joint + encodeForm(fields).replaceAll('+', '%20')
}

function encodeForm(fields: Fields): string {
  return new URLSearchParams(fields.filter((field): field is [string, string] => field[1] !== undefined)).toString()
}

/** True when a callback echoed the challenge exactly, byte for byte (WebSub 5.3.1). */
export function challengeMatches(body: Buffer, challenge: string): boolean {
  return body.equals(Buffer.from(challenge))
}

/** The form with which we subscribe or unsubscribe (S2). `lease` in seconds; verification is asked for as `async`, once. */
export function writeSubscribe(request: {
  mode: 'subscribe' | 'unsubscribe'
  topic: string
  callback: string
  secret?: string
  lease?: number
  verifyToken?: string
}): string {
  return encodeForm([
    ['hub.mode', request.mode],
    ['hub.topic', request.topic],
    ['hub.callback', request.callback],
    ['hub.secret', request.secret],
    ['hub.lease_seconds', request.lease?.toString()],
    ['hub.verify', 'async'],
    ['hub.verify_token', request.verifyToken]
  ])
}

/** The form that tells a foreign hub of news in our feed (H10): some hubs read hub.url, some hub.topic. */
export function writePublish(topic: string): string {
  return encodeForm([
    ['hub.mode', 'publish'],
    ['hub.url', topic],
    ['hub.topic', topic]
  ])
}

/**
 * Reads what a hub asks our callback (S6, S8). Whether we asked for it is not looked at.
 * @throws BadMessage for an unknown mode, or without topic or challenge
 */
export function readVerification(query: URLSearchParams): Verification {
  const mode = query.get('hub.mode')
  const topic = query.get('hub.topic')
  if (!topic) throw new BadMessage('There is no hub.topic.')
  if (mode === 'denied') return { mode, topic, ...given('reason', query.get('hub.reason') || undefined) }
  if (mode !== 'subscribe' && mode !== 'unsubscribe') throw new BadMessage('The hub.mode is none that a subscriber knows.')
  const challenge = readShort(query, 'hub.challenge', MAX_CHALLENGE)
  if (!challenge) throw new BadMessage('There is no hub.challenge.')
  return {
    mode,
    topic,
    challenge,
    ...given('lease', readLease(query)),
    ...given('verifyToken', query.get('hub.verify_token') || undefined)
  }
}

/** The value of X-Hub-Signature over exactly these bytes (WebSub 7.1). */
export function signBody(method: SignatureMethod, secret: string, body: Buffer): string {
  return `${method}=${createHmac(method, secret).update(body).digest('hex')}`
}

/** True when X-Hub-Signature is that of the body (S10). A header that came twice (joined by a comma) proves nothing. */
export function verifySignature(header: string | undefined, secret: string, body: Buffer): boolean {
  const [, method, hex] = /^(sha1|sha256|sha384|sha512)=([0-9a-f]+)$/i.exec(header ?? '') ?? []
  if (!method || !hex) return false
  const expected = createHmac(method.toLowerCase(), secret).update(body).digest()
  const claimed = Buffer.from(hex, 'hex')
  return hex.length === 2 * expected.length && timingSafeEqual(claimed, expected)
}

/** How a delivery is signed (H7): PubSubHubbub 0.3 subscribers know only SHA-1. `setting` is HUB_SIGNATURE. */
export function signatureMethod(setting: 'auto' | SignatureMethod, old: boolean): SignatureMethod {
  if (setting !== 'auto') return setting
  return old ? 'sha1' : 'sha256'
}

/**
 * A topic in the spelling in which topics are compared (H2): scheme and host in lower case, no default port, our own host under
 * the scheme of our origin. Path and query stay as they are: `%62` is not `b`. What is no URL stays as it is too, and so equals
 * no topic of ours.
 */
export function canonicalTopic(topic: string, origin: string): string {
  const [, start, rest = ''] = /^(https?:\/\/[^/?#\\\s]+)(.*)$/is.exec(topic) ?? []
  const url = start === undefined ? null : URL.parse(start)
  if (!url || url.username || url.password) return topic
  const ours = new URL(origin)
  return (url.host === ours.host ? ours.origin : url.origin) + rest
}

/** The Link header of a topic and of its deliveries (WebSub 4; F1, H7). */
export function hubLinks(hubs: readonly string[], topic: string): string {
  return writeLinks([...hubs.map(url => ({ url, rel: ['hub'] })), { url: topic, rel: ['self'] }])
}
