/** To subscribe at somebody's hub: ask, be verified, take content, renew, leave (protocols.md S). Renewing is asking again. */
import { isFailure, Missing, Unreachable } from '../model/errors.ts'
import type { Subscription } from '../model/kept.ts'
import { randomSecret } from '../model/tokens.ts'
import { readRetryAfter } from '../protocol/date.ts'
import { readVerification, type Verification, verifySignature, writeSubscribe } from '../protocol/hub.ts'
import { TYPE } from '../protocol/names.ts'
import { htmlToText } from '../protocol/sanitize.ts'
import type { Stores, Tools } from '../tools.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const LEASE = 604_800
/** After a request that failed. */
const PAUSES = [10 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR, DAY]
/** After a request that was taken, for as long as nobody verifies it. */
const SILENCES = [30 * MINUTE, 2 * HOUR, 12 * HOUR, DAY]
/** After so many failures of one hub the next of the feed's hubs is tried. */
const PATIENCE = 3
const BAD_SIGNATURES = 5
/** How long what was signed with the secret before is still taken. */
const OVERLAP = HOUR
/** Seconds: below it a lease is not worth its renewals. */
const SHORTEST_LEASE = 600
/** Seconds. */
const CENTURY = 36_525 * 86_400

type Request = { mode: 'subscribe' | 'unsubscribe'; hub: string; body: string; at: Date }

/**
 * Asks the hub of a subscription, to push or to stop. What we expect is kept before the request leaves: some hubs verify while our
 * request is still open (S3, S5). It is decided with the row held, for whoever follows or unfollows meanwhile may change it.
 */
export async function askHub(tools: Tools, subscriptionId: string): Promise<void> {
  const { config, http, log, subscriptions, transaction } = tools
  const known = await subscriptions.find(subscriptionId)
  if (known === undefined || isOver(known)) return
  const hub = hubOf(known)
  const askable = hub !== undefined && (!config.isLoopback || (await http.isListed(hub)))
  const request = await transaction(async stores => {
    const subscription = await stores.subscriptions.lock(subscriptionId)
    if (subscription === undefined || isOver(subscription)) return undefined
    if (subscription.state === 'ending') return prepareToLeave(tools, stores, subscription)
    // another hub, named meanwhile, is asked by whoever named it
    if (hub !== hubOf(subscription)) return undefined
    if (askable) return prepareToAsk(tools, stores, subscription, hub)
    await stores.subscriptions.change(subscriptionId, { state: 'polling', askAt: null, pendingMode: null })
    return undefined
  })
  if (request === undefined) return
  const outcome = await post(tools, request.hub, request.body)
  const told = { hub: request.hub, topic: known.topic, mode: request.mode, outcome: outcome.ok ? 'taken' : outcome.error }
  log.info(told, 'subscription: asked the hub')
  if (request.mode === 'subscribe' && !outcome.ok) await refused(tools, subscriptionId, request, outcome)
}

const hubOf = ({ fixedHub, hub, hubs }: Subscription): string | undefined => fixedHub ?? hub ?? hubs[0]

async function prepareToAsk(
  { addresses, clock, random }: Tools,
  { subscriptions }: Stores,
  subscription: Subscription,
  hub: string
): Promise<Request> {
  const at = clock()
  const { askFailures, id, state, token, topic } = subscription
  const secret = secretToAgreeOn(subscription)
  const verifyToken = subscription.verifyToken ?? randomSecret().slice(0, 32)
  await subscriptions.change(id, {
    ...{ state: state === 'active' ? 'active' : 'asking', hub, pendingMode: 'subscribe', pendingAt: at },
    ...{ nextSecret: secret, verifyToken, askFailures: askFailures + 1, askAt: later(at, pauseAfter(SILENCES, askFailures, random)) }
  })
  const body = writeSubscribe({ mode: 'subscribe', topic, callback: addresses.push(token), secret, lease: LEASE, verifyToken })
  return { mode: 'subscribe', hub, body, at }
}

/** A new secret for each renewal; one that a hub may have taken already, without our hearing of it, is sent again (S3). */
function secretToAgreeOn({ nextSecret, pendingMode, secret, verifiedAt }: Subscription): string {
  if (pendingMode === 'subscribe' && nextSecret !== undefined) return nextSecret
  return verifiedAt === undefined ? secret : randomSecret()
}

const isOver = ({ state }: Pick<Subscription, 'state'>): boolean => state === 'ended' || state === 'gone'

const later = (now: Date, milliseconds: number) => new Date(now.getTime() + milliseconds)

/** The pause after so many tries, moved by up to a tenth either way. */
const pauseAfter = (pauses: number[], tries: number, random: () => number): number =>
  (pauses[Math.min(tries, pauses.length - 1)] ?? DAY) * (0.9 + 0.2 * random())

type Refusal = { ok: false; error: string; status?: number; lasting: boolean; retryAfter?: number }
type Outcome = { ok: true } | Refusal

async function post({ clock, http }: Tools, hub: string, body: string): Promise<Outcome> {
  try {
    const {
      body: said,
      headers,
      status
    } = await http.request(hub, { method: 'POST', headers: { 'content-type': TYPE.form, accept: '*/*' }, body })
    if (status >= 200 && status < 300) return { ok: true }
    const lasting = status < 500 && status !== 408 && status !== 429
    const retryAfter = readRetryAfter(headers['retry-after'], clock())
    const told = oneLine(said.toString('utf8'))
    const error = `The hub answered ${status}${told === '' ? '.' : `: ${told}`}`
    return { ok: false, error, status, lasting, ...(retryAfter === undefined ? {} : { retryAfter }) }
  } catch (error) {
    if (!isFailure(error)) throw error
    return { ok: false, error: error.message, lasting: !(error instanceof Unreachable) }
  }
}

/** What a hub says, as it may stand in a line of ours. */
const oneLine = (said: string | undefined): string =>
  htmlToText(said ?? '')
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim()
    .slice(0, 200)

/**
 * A refusal for good leads to the next hub, and after the last of them to polling; anything else is tried again, after a while at
 * the next hub too (S1, S5). A verification that came in the meantime stands, whatever the hub answered afterwards.
 */
async function refused({ clock, random, transaction }: Tools, id: string, request: Request, outcome: Refusal): Promise<void> {
  const now = clock()
  await transaction(async ({ subscriptions }) => {
    const subscription = await subscriptions.lock(id)
    const waits = subscription?.pendingMode === 'subscribe' && subscription.pendingAt?.getTime() === request.at.getTime()
    if (waits) await subscriptions.change(id, afterRefusal(subscription, request.hub, outcome, now, random))
  })
}

function afterRefusal(subscription: Subscription, hub: string, outcome: Refusal, now: Date, random: () => number) {
  const { askFailures, expiresAt, fixedHub, hubs, state } = subscription
  const base = { error: outcome.error, status: outcome.status ?? null, pollAt: now }
  const next = fixedHub ?? hubs[(hubs.indexOf(hub) + 1) % hubs.length] ?? hub
  if (!outcome.lasting) {
    const wait = Math.max(pauseAfter(PAUSES, askFailures - 1, random), Math.min((outcome.retryAfter ?? 0) * SECOND, 7 * DAY))
    return { ...base, hub: askFailures < PATIENCE ? hub : next, askAt: later(now, wait) }
  }
  const runs = state === 'active' && (expiresAt === undefined || expiresAt > now)
  const tried = hubs.indexOf(next) <= hubs.indexOf(hub)
  return {
    ...{ ...base, state: runs ? ('active' as const) : ('polling' as const), pendingMode: null, nextSecret: null, hub: next },
    ...(tried ? { askAt: later(now, DAY) } : { askAt: now, askFailures: 0 })
  }
}

/** To unsubscribe. Some hubs never verify that: after three days it is over all the same (S13). */
async function prepareToLeave(
  { addresses, clock, random }: Tools,
  { subscriptions }: Stores,
  subscription: Subscription
): Promise<Request | undefined> {
  const { askFailures, endedAt, hub, id, token, topic, verifyToken } = subscription
  const at = clock()
  const since = endedAt ?? at
  const end = later(since, 3 * DAY)
  if (at >= end || hub === undefined) {
    await subscriptions.change(id, { state: 'ended', askAt: null, pollAt: null, pendingMode: null })
    return undefined
  }
  const again = later(at, pauseAfter(PAUSES, askFailures + 2, random))
  const askAt = again < end ? again : end
  await subscriptions.change(id, { pendingMode: 'unsubscribe', pendingAt: at, endedAt: since, askAt, askFailures: askFailures + 1 })
  const proof = verifyToken === undefined ? {} : { verifyToken }
  const body = writeSubscribe({ mode: 'unsubscribe', topic, callback: addresses.push(token), ...proof })
  return { mode: 'unsubscribe', hub, body, at }
}

/**
 * The hub's question (S6): answers the challenge if and only if we asked for precisely this. Takes a denial, too (S8).
 * @throws Missing for everything else: nothing is told to whoever guesses
 */
export async function confirm(tools: Tools, token: string, query: URLSearchParams): Promise<string> {
  const { clock, log, random, subscriptions, transaction } = tools
  const known = await subscriptions.findByToken(token)
  const asked = readVerification(query)
  if (known === undefined) throw nothing()
  const now = clock()
  // with the row held: what is expected may have changed since (S13)
  return transaction(async stores => {
    const subscription = await stores.subscriptions.lock(known.id)
    if (asked.topic !== subscription?.topic) throw nothing()
    if (asked.mode === 'denied') {
      log.info({ topic: subscription.topic, why: asked.reason }, 'subscription: denied')
      await deny(stores, subscription, asked.reason, now)
      return ''
    }
    if (!isExpected(subscription, asked, now)) throw nothing()
    if (asked.mode === 'unsubscribe')
      await stores.subscriptions.change(subscription.id, { state: 'ended', pendingMode: null, askAt: null, pollAt: null })
    else await activate(stores, subscription, asked.lease, now, random)
    return asked.challenge
  })
}

type Question = Exclude<Verification, { mode: 'denied' }>

/** Whether we asked for this, within a day, and still want it. */
function isExpected(subscription: Subscription, { mode, verifyToken }: Question, now: Date): boolean {
  const { pendingAt, pendingMode } = subscription
  const fresh = pendingAt !== undefined && now.getTime() - pendingAt.getTime() < DAY
  const proven = verifyToken === undefined || verifyToken === subscription.verifyToken
  return !isOver(subscription) && fresh && mode === pendingMode && proven
}

/** The word of a hub that knows the secret address is taken, but asked about again after a day (S8). What has ended stays so. */
async function deny({ subscriptions }: Stores, { id, state }: Subscription, reason: string | undefined, now: Date): Promise<void> {
  if (isOver({ state })) return
  const told = oneLine(reason)
  const error = `The hub denied it${told === '' ? '.' : `: ${told}`}`
  const rest =
    state === 'ending' ? { state: 'ended' as const, askAt: null } : { state: 'denied' as const, askAt: later(now, DAY), pollAt: now }
  await subscriptions.change(id, { ...rest, error, pendingMode: null, nextSecret: null })
}

const nothing = () => new Missing('There is no such subscription.')

/**
 * The lease runs from now on; the new secret counts, the old one for what was under way (S7). What was published before the hub
 * began to push is looked for once more.
 */
async function activate(
  { subscriptions }: Stores,
  subscription: Subscription,
  lease: number | undefined,
  now: Date,
  random: () => number
): Promise<void> {
  const granted = lease === undefined || lease <= 0 ? undefined : lease
  const short = granted !== undefined && granted < SHORTEST_LEASE
  const next = subscription.nextSecret
  await subscriptions.change(subscription.id, {
    ...{ state: short ? 'polling' : 'active', verifiedAt: now, pendingMode: null, askFailures: 0, badSignatures: 0, error: null },
    ...{ leaseSeconds: granted ?? null, expiresAt: granted === undefined || granted > CENTURY ? null : later(now, granted * SECOND) },
    ...{ askAt: later(now, renewalAfter(granted, random) * SECOND) },
    ...(subscription.state === 'active' ? {} : { pollAt: later(now, MINUTE) }),
    ...(next === undefined || next === subscription.secret ? { nextSecret: null } : { secret: next, nextSecret: subscription.secret })
  })
}

/** Seconds after which a lease is renewed (S7): at 80 % ± 5 %, three days before its end at the latest; never sooner than a minute. */
export function renewalAfter(lease: number | undefined, random: () => number): number {
  const day = 86_400
  if (lease === undefined || lease > 365 * day) return 10 * day
  if (lease < SHORTEST_LEASE) return day
  const early = lease * (0.75 + 0.1 * random())
  return Math.max(60, lease > 15 * day ? Math.min(early, lease - 3 * day) : early)
}

/**
 * Content from a hub: kept as it came when its signature is right; acknowledged and ignored when it is not (S9, S10).
 * @throws Missing 404 for an unknown token, 410 for a subscription that has ended
 */
export async function takeContent(
  tools: Tools,
  token: string,
  body: Buffer,
  headers: { contentType?: string; signature?: string }
): Promise<void> {
  const { clock, log, subscriptions, transaction } = tools
  const subscription = await subscriptions.findByToken(token)
  if (subscription === undefined) throw nothing()
  if (isOver(subscription)) throw new Missing('This subscription has ended.', { status: 410 })
  const now = clock()
  if (!secretsOf(subscription, now).some(secret => verifySignature(headers.signature, secret, body))) {
    log.warn({ topic: subscription.topic, signed: headers.signature !== undefined }, 'push: wrong signature, ignored')
    await distrust(tools, subscription.id, now)
    return
  }
  await transaction(async stores => {
    await stores.subscriptions.addPush(subscription.id, body, headers.contentType, now)
    await stores.queue.add('feed.push', { subscription: subscription.id })
  })
}

/** What content may be signed with: the secret, and beside it the one that is being agreed on, or for a while the one before. */
function secretsOf({ nextSecret, pendingMode, secret, verifiedAt }: Subscription, now: Date): string[] {
  const overlaps = pendingMode === 'subscribe' || (verifiedAt !== undefined && now.getTime() - verifiedAt.getTime() < OVERLAP)
  return nextSecret !== undefined && overlaps ? [secret, nextSecret] : [secret]
}

/** Content that proves nothing is a hint at most: the topic is looked at soon, once for many; after five a new secret is agreed on. */
async function distrust({ transaction }: Tools, id: string, now: Date): Promise<void> {
  await transaction(async ({ subscriptions }) => {
    const count = await subscriptions.countBadSignature(id)
    const subscription = await subscriptions.lock(id)
    if (subscription === undefined || subscription.state === 'ending' || isOver(subscription)) return
    const { pollAt, state } = subscription
    const soon = later(now, 5 * MINUTE)
    const renew = count % BAD_SIGNATURES === 0 && state === 'active'
    await subscriptions.change(id, { ...(pollAt === undefined || pollAt > soon ? { pollAt: soon } : {}), ...(renew ? { askAt: now } : {}) })
  })
}
