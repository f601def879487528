/** To subscribe at somebody's hub: ask, be verified, take content, renew, leave (protocols.md S). Renewing is asking again. */
import { isFailure, Missing, Unreachable } from '../model/errors.ts'
import type { Subscription } from '../model/kept.ts'
import { randomSecret } from '../model/tokens.ts'
import { readVerification, verifySignature, writeSubscribe } from '../protocol/hub.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const LEASE = 604_800
const PAUSES = [10 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR, DAY]
const BAD_SIGNATURES = 5

/**
 * Asks the hub of a subscription, as `pendingMode` or a due renewal says. What we expect is kept before the request leaves: some
 * hubs verify while our request is still open (S3, S5).
 */
export async function askHub(tools: Tools, subscriptionId: string): Promise<void> {
  const { addresses, clock, config, http, log, subscriptions } = tools
  const subscription = await subscriptions.find(subscriptionId)
  if (subscription === undefined) return
  if (subscription.state === 'ending') return leaveHub(tools, subscription)
  const hub = subscription.fixedHub ?? subscription.hub ?? subscription.hubs[0]
  if (['gone', 'ended'].includes(subscription.state)) return
  if (hub === undefined || (config.isLoopback && !(await http.isListed(hub)))) {
    await subscriptions.change(subscription.id, { state: 'polling', askAt: null })
    return
  }
  const now = clock()
  const nextSecret = subscription.verifiedAt === undefined ? subscription.secret : randomSecret()
  const verifyToken = subscription.verifyToken ?? randomSecret().slice(0, 32)
  const state = subscription.state === 'active' ? 'active' : 'asking'
  await subscriptions.change(subscription.id, {
    ...{ state, hub, pendingMode: 'subscribe', pendingAt: now, nextSecret, verifyToken },
    // asked again when no verification comes
    askAt: new Date(now.getTime() + pauseAfter(subscription.askFailures, tools.random))
  })
  const body = writeSubscribe({
    ...{ mode: 'subscribe', topic: subscription.topic, callback: addresses.push(subscription.token), secret: nextSecret },
    ...{ lease: LEASE, verifyToken }
  })
  const outcome = await post(tools, hub, body)
  log.info({ hub, topic: subscription.topic, outcome: outcome.ok ? 'taken' : outcome.error }, 'subscription: asked the hub')
  if (!outcome.ok) await refused(tools, subscription, hub, outcome)
}

const pauseAfter = (failures: number, random: () => number) =>
  (PAUSES[Math.min(failures, PAUSES.length - 1)] ?? DAY) * (0.9 + 0.2 * random())

type Outcome = { ok: true } | { ok: false; error: string; status?: number; lasting: boolean; retryAfter?: number }

async function post({ http }: Tools, hub: string, body: string): Promise<Outcome> {
  try {
    const answer = await http.request(hub, {
      method: 'POST',
      headers: { 'content-type': TYPE.form, accept: '*/*' },
      body,
      maxBytes: 65_536
    })
    const { status } = answer
    if (status >= 200 && status < 300) return { ok: true }
    const lasting = status < 500 && status !== 408 && status !== 429
    const retryAfter = Number(answer.headers['retry-after']) || 0
    return { ok: false, error: `the hub answered ${status}: ${answer.body.toString('utf8').slice(0, 200)}`, status, lasting, retryAfter }
  } catch (error) {
    if (!isFailure(error)) throw error
    return { ok: false, error: error.message, lasting: !(error instanceof Unreachable) }
  }
}

/** A refusal for good leads to the next hub, then to polling; anything else is tried again (S5). */
async function refused({ clock, random, subscriptions }: Tools, subscription: Subscription, hub: string, outcome: Outcome & { ok: false }) {
  const now = clock()
  const failures = subscription.askFailures + 1
  const base = { error: outcome.error, status: outcome.status ?? null, askFailures: failures }
  if (!outcome.lasting) {
    const wait = Math.max(pauseAfter(failures, random), (outcome.retryAfter ?? 0) * SECOND)
    await subscriptions.change(subscription.id, { ...base, askAt: new Date(now.getTime() + wait), pollAt: now })
    return
  }
  const next = subscription.fixedHub === undefined ? subscription.hubs[subscription.hubs.indexOf(hub) + 1] : undefined
  const state = subscription.state === 'active' && (subscription.expiresAt?.getTime() ?? 0) > now.getTime() ? 'active' : 'polling'
  const rediscover = outcome.status === 404 || outcome.status === 410 || outcome.status === 422
  await subscriptions.change(subscription.id, {
    ...{ ...base, state, pendingMode: null, nextSecret: null, hub: next ?? hub },
    ...{ askAt: next === undefined ? new Date(now.getTime() + DAY) : now, pollAt: rediscover || next === undefined ? now : undefined }
  })
}

async function leaveHub(tools: Tools, subscription: Subscription): Promise<void> {
  const { addresses, clock, subscriptions } = tools
  const now = clock()
  const since = subscription.endedAt ?? now
  const over = now.getTime() - since.getTime() > 3 * DAY
  if (over || subscription.hub === undefined) {
    await subscriptions.change(subscription.id, { state: 'ended', askAt: null, pollAt: null, pendingMode: null })
    return
  }
  const askAt = new Date(now.getTime() + pauseAfter(subscription.askFailures + 2, tools.random))
  await subscriptions.change(subscription.id, {
    pendingMode: 'unsubscribe',
    pendingAt: now,
    endedAt: since,
    askAt,
    askFailures: subscription.askFailures + 1
  })
  const token = subscription.verifyToken === undefined ? {} : { verifyToken: subscription.verifyToken }
  await post(
    tools,
    subscription.hub,
    writeSubscribe({ mode: 'unsubscribe', topic: subscription.topic, callback: addresses.push(subscription.token), ...token })
  )
}

/**
 * The hub's question (S6): answers the challenge if and only if we asked for precisely this. Takes a denial, too (S8).
 * @throws Missing for everything else: nothing is told to whoever guesses
 */
export async function confirm(tools: Tools, token: string, query: URLSearchParams): Promise<string> {
  const { clock, log, subscriptions } = tools
  const subscription = await subscriptions.findByToken(token)
  const asked = readVerification(query)
  if (subscription === undefined || asked.topic !== subscription.topic) throw nothing()
  const now = clock()
  if (asked.mode === 'denied') {
    log.info({ topic: subscription.topic, why: asked.reason }, 'subscription: denied')
    const error = `the hub denied it${asked.reason === undefined ? '' : `: ${asked.reason.slice(0, 200)}`}`
    await subscriptions.change(subscription.id, {
      state: 'denied',
      error,
      pendingMode: null,
      askAt: new Date(now.getTime() + DAY),
      pollAt: now
    })
    return ''
  }
  const fresh = subscription.pendingAt !== undefined && now.getTime() - subscription.pendingAt.getTime() < DAY
  if (!fresh || asked.mode !== subscription.pendingMode || asked.challenge === undefined || asked.challenge.length > 1024) throw nothing()
  if (asked.verifyToken !== undefined && asked.verifyToken !== subscription.verifyToken) throw nothing()
  if (asked.mode === 'unsubscribe')
    await subscriptions.change(subscription.id, { state: 'ended', pendingMode: null, askAt: null, pollAt: null })
  else await activate(tools, subscription, asked.lease, now)
  return asked.challenge
}

const nothing = () => new Missing('There is no such subscription.')

/** The lease runs from now on; the new secret counts, the old one for what was under way (S7). */
async function activate({ random, subscriptions }: Tools, subscription: Subscription, lease: number | undefined, now: Date): Promise<void> {
  const granted = lease === undefined || lease <= 0 ? undefined : lease
  const short = granted !== undefined && granted < 600
  const renewAt = new Date(now.getTime() + renewalAfter(granted, random) * SECOND)
  const next = subscription.nextSecret
  await subscriptions.change(subscription.id, {
    ...{ state: short ? 'polling' : 'active', verifiedAt: now, pendingMode: null, askFailures: 0, badSignatures: 0, error: null },
    ...{ leaseSeconds: granted ?? null, expiresAt: granted === undefined ? null : new Date(now.getTime() + granted * SECOND) },
    ...{ askAt: renewAt, pollAt: new Date(now.getTime() + (short ? 15 * MINUTE : DAY)) },
    ...(next === undefined || next === subscription.secret ? {} : { secret: next, nextSecret: subscription.secret })
  })
}

/** Seconds after which a lease is renewed (S7): at 80 % ± 5 %, three days before its end at the latest; never sooner than a minute. */
export function renewalAfter(lease: number | undefined, random: () => number): number {
  const day = 86_400
  if (lease === undefined || lease > 365 * day) return 10 * day
  if (lease < 600) return day
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
  if (subscription.state === 'ended' || subscription.state === 'gone') throw new Missing('This subscription has ended.', { status: 410 })
  const now = clock()
  const secrets = [subscription.secret, ...(subscription.nextSecret === undefined ? [] : [subscription.nextSecret])]
  if (!secrets.some(secret => verifySignature(headers.signature, secret, body))) {
    log.warn({ topic: subscription.topic, signed: headers.signature !== undefined }, 'push: wrong signature, ignored')
    await distrust(tools, subscription, now)
    return
  }
  await transaction(async stores => {
    await stores.subscriptions.addPush(subscription.id, body, headers.contentType, now)
    await stores.queue.add('feed.push', { subscription: subscription.id })
  })
}

/** Content that proves nothing is a hint at most: the topic is looked at, not too often; after five a new secret is agreed on. */
async function distrust({ subscriptions }: Tools, subscription: Subscription, now: Date): Promise<void> {
  const count = await subscriptions.countBadSignature(subscription.id)
  const looked = subscription.polledAt !== undefined && now.getTime() - subscription.polledAt.getTime() < 10 * MINUTE
  const renew = count % BAD_SIGNATURES === 0 && subscription.state === 'active'
  await subscriptions.change(subscription.id, { ...(looked ? {} : { pollAt: now }), ...(renew ? { askAt: now } : {}) })
}

/** Leases that ended without a renewal, and requests that nobody verified: from now on the feed is polled (S7). */
export async function expireLeases({ clock, subscriptions }: Tools): Promise<void> {
  await subscriptions.expire(clock())
}
