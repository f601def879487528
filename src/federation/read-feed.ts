/**
 * A feed, fetched or pushed: each entry goes to `receive`, oldest first, in the name of the feed's owner. A push and a poll of
 * one feed go through the same code, one after the other.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Activity, Author, Feed, Tombstone } from '../model/activity.ts'
import { BadMessage, type Failure, isFailure, Unreachable } from '../model/errors.ts'
import type { Actor, Subscription } from '../model/kept.ts'
import { identityOf } from '../protocol/atom-author.ts'
import { readRetryAfter } from '../protocol/date.ts'
import { readFeed } from '../protocol/feed-document.ts'
import { LIMIT } from '../protocol/names.ts'
import type { HttpAnswer, Push, Stores, Tools } from '../tools.ts'
import { type BlogFeed, checkVanished, isAccount, readBlogFeed, takeBlogFeed } from './blog-entries.ts'
import { wantTopic } from './distribute.ts'
import { profileOf } from './feed-owner.ts'
import { makeSender, type Sender } from './identity.ts'
import { locate } from './locate.ts'
import { receive } from './receive.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const LONGEST_WAIT = 7 * DAY
const OLDER_PAGES = 10
/** Between two pages of one feed. */
export const PAGE_PAUSE = 3_000
export const FEED_ACCEPT =
  'application/atom+xml, application/rss+xml;q=0.9, application/feed+json;q=0.8, application/xml;q=0.7, text/xml;q=0.7, */*;q=0.1'

/** Reads a feed document for its owner inside a transaction. Answers how many posts were new. */
export async function takeFeed(stores: Stores, feed: Feed, owner: Actor, via: Sender['via'], now: Date): Promise<number> {
  const names = await stores.actors.namesOf(owner.id)
  if (feed.id !== undefined) names.push(feed.id)
  // a feed that nobody vouches for speaks for itself, under whatever name it gives itself
  const author = identityOf(feed.author)
  if (author !== undefined && owner.uri === owner.feedUrl) names.push(author)
  const sender = makeSender(owner, names, { via })
  let fresh = 0
  for (const activity of [...oldestFirst(feed.activities), ...feed.tombstones.map(burial)]) {
    const { outcome } = await receive(stores, activity, sender, now)
    if (outcome === 'new') fresh++
  }
  return fresh
}

/** RFC 6721: a delete like any other, in the name of the feed's owner, whoever it says that it was `by` (X4). */
const burial = ({ ref }: Tombstone): Activity => ({ id: ref, verb: 'delete', authors: 0, object: { type: 'nothing' } })

/** Documents are newest first, and several may bear one time: of those the later in the document is the older (I14). */
function oldestFirst(activities: Activity[]): Activity[] {
  const time = (activity: Activity) => (activity.published ?? activity.updated)?.getTime() ?? 0
  return [...activities].reverse().sort((a, b) => time(a) - time(b))
}

/** Fetches a feed that is due, takes what is new, and sets its clock (I16, S14). */
export async function pollFeed(tools: Tools, subscriptionId: string): Promise<void> {
  await attempt(tools, subscriptionId)
}

/** The same for somebody who waits for it. @throws what fetching and reading it throw */
export async function readNow(tools: Tools, subscriptionId: string): Promise<void> {
  const failure = await attempt(tools, subscriptionId)
  if (failure !== undefined) throw failure
}

async function attempt(tools: Tools, subscriptionId: string): Promise<Failure | undefined> {
  const { clock, http, log, subscriptions } = tools
  const subscription = await subscriptions.find(subscriptionId)
  if (subscription === undefined || isOver(subscription)) return undefined
  const headers: Record<string, string> = { accept: FEED_ACCEPT }
  if (subscription.etag !== undefined) headers['if-none-match'] = subscription.etag
  if (subscription.lastModified !== undefined) headers['if-modified-since'] = subscription.lastModified
  try {
    const answer = await http.request(subscription.url, { headers, maxBytes: LIMIT.feedBytes })
    if (answer.status === 304) {
      if (subscription.pollFailures > 0) await subscriptions.change(subscription.id, { ...WELL, polledAt: clock() })
      return undefined
    }
    if (answer.status !== 200) throw answeredWrong(answer, clock())
    await takePolled(tools, subscription, answer)
    return undefined
  } catch (error) {
    if (!isFailure(error)) throw error
    const peer = error instanceof Unreachable ? error.peer : undefined
    log.info({ feed: subscription.url, why: error.message }, 'feed: could not be read')
    await subscriptions.change(subscription.id, failed(subscription, error, peer, clock()))
    return error
  }
}

const WELL = { pollFailures: 0, status: 200, error: null }

const isOver = ({ state }: Subscription): boolean => state === 'gone' || state === 'ending' || state === 'ended'

function answeredWrong({ headers, status, url }: HttpAnswer, now: Date): Unreachable {
  const retryAfter = readRetryAfter(headers['retry-after'], now)
  return new Unreachable(`${url} answered ${status}.`, { peer: status, ...(retryAfter === undefined ? {} : { retryAfter }) })
}

/** The clock of a feed that failed: slower each time, for ever only when the feed is gone (410). */
function failed({ pollFailures }: Subscription, { message, retryAfter = 0 }: Failure, status: number | undefined, now: Date) {
  const failures = pollFailures + 1
  const base = { error: message, status: status ?? null, polledAt: now, pollFailures: failures }
  if (status === 410) return { ...base, state: 'gone' as const, pollAt: null, askAt: null, olderUrl: null }
  const wait = Math.max(Math.min(DAY, 5 * MINUTE * 2 ** Math.min(failures, 10)), Math.min(retryAfter * 1000, LONGEST_WAIT))
  return { ...base, pollAt: new Date(now.getTime() + wait) }
}

async function takePolled(tools: Tools, known: Subscription, answer: HttpAnswer): Promise<void> {
  const { clock, subscriptions, transaction } = tools
  const subscriptionId = known.id
  const now = clock()
  const feed = readFeed(answer.body, { url: answer.url, contentType: answer.headers['content-type'], bytes: LIMIT.feedBytes })
  const asked = (await subscriptions.find(subscriptionId))?.url ?? answer.url
  const { hubs, self, topic, url } = locate(tools, answer, asked, feed)
  const own = await readBlogFeed(tools, feed, await ownerIn(tools, known))
  await transaction(async stores => {
    const subscription = await stores.subscriptions.lock(subscriptionId)
    const owner = await ownerIn(stores, subscription)
    if (subscription === undefined || owner === undefined || isOver(subscription)) return
    const fresh = await takeAny(tools, stores, feed, { owner, own, via: 'feed', topic: subscription.topic }, now)
    const moved = url !== subscription.url && self === undefined && (await stores.subscriptions.findByTopic(topic)) === undefined
    await stores.subscriptions.change(subscriptionId, {
      ...{ ...WELL, url, hubs, format: feed.format, polledAt: now },
      ...{ etag: answer.headers.etag ?? null, lastModified: answer.headers['last-modified'] ?? null },
      ...(fresh > 0 ? { newsAt: now } : {}),
      ...reconsider(subscription, hubs, fresh > 0, now),
      ...(moved ? { topic, askAt: now, ...(subscription.state === 'active' ? { state: 'polling' as const } : {}) } : {})
    })
  })
}

/** `topic`: the feed, which our hub may serve as well, when it is an account's blog. */
type Whose = { owner: Actor; own: BlogFeed | undefined; via: 'feed' | 'push'; topic: string }

/** The feed of an account's blog is the account's own word; any other is somebody else's. Answers how many posts were new. */
async function takeAny(tools: Tools, stores: Stores, feed: Feed, { own, owner, topic, via }: Whose, now: Date): Promise<number> {
  if (!isAccount(owner)) return takeFeed(stores, feed, await refresh(stores, owner, feed, now), via, now)
  if (own?.place.account.id !== owner.id) return 0
  const fresh = await takeBlogFeed(tools, stores, feed, own)
  await wantTopic(stores, topic)
  if (via === 'feed') await checkVanished(stores, own, now)
  return fresh
}

/**
 * What a poll means for the hub. One that the feed no longer names is left for one that it does; one that should have pushed what
 * was found, and has been silent for a day, is asked again, and the feed is polled like any other until it does push (S14).
 */
function reconsider(subscription: Subscription, hubs: string[], found: boolean, now: Date) {
  const { askAt, fixedHub, newsMissed, pushedAt, state, verifiedAt } = subscription
  const hub = fixedHub ?? hubs.find(one => one === subscription.hub) ?? hubs[0]
  const heard = Math.max(pushedAt?.getTime() ?? 0, verifiedAt?.getTime() ?? 0)
  const missed = found && state === 'active' && now.getTime() - heard >= DAY
  const changed = state === 'active' && hub !== subscription.hub
  const idle = askAt === undefined && ['polling', 'expired', 'denied'].includes(state)
  return {
    hub: hub ?? null,
    ...(missed ? { newsMissed: newsMissed + 1 } : {}),
    ...(missed || changed || (idle && hub !== undefined) ? { askAt: now } : {})
  }
}

const ownerIn = async (stores: Stores, subscription: Subscription | undefined): Promise<Actor | undefined> =>
  subscription?.actorId === undefined ? undefined : stores.actors.find(subscription.actorId)

/** The profile in the head of somebody's own feed is the newest word about them; it is written only when it says something new (X7, I8). */
async function refresh(stores: Stores, owner: Actor, feed: Feed, now: Date): Promise<Actor> {
  const author = feed.author
  const id = identityOf(author)
  if (author === undefined || (id !== undefined && id !== owner.uri)) return owner
  const profile = profileOf(feed, author, owner)
  return isDeepStrictEqual(looks(profile), looks(owner)) ? owner : stores.actors.keep({ uri: owner.uri, profile }, now)
}

const looks = ({ avatar, bio, displayName, homepage, kind, location, url, username }: Author | Actor) => ({
  avatar,
  bio,
  displayName,
  homepage,
  kind,
  location,
  url,
  username
})

/**
 * Reads what was pushed for a subscription, in the order in which it came (S9, S11). What fails by a defect of ours does not hold up
 * what came after it; it is tried again for a day.
 */
export async function readPushes(tools: Tools, subscriptionId: string): Promise<void> {
  const { clock, log, subscriptions } = tools
  let after = '0'
  let defect: unknown
  for (;;) {
    const pushes = await subscriptions.pushes(subscriptionId, after, 20)
    for (const push of pushes) {
      after = push.id
      try {
        await readPush(tools, push)
      } catch (error) {
        defect = error
        if (clock().getTime() - push.receivedAt.getTime() < DAY) continue
        log.error({ error, subscription: subscriptionId }, 'push: could not be taken for a day, dropped')
        await subscriptions.removePush(push.id)
      }
    }
    if (pushes.length > 0) continue
    if (defect !== undefined) throw defect
    return
  }
}

async function readPush(tools: Tools, push: Push): Promise<void> {
  const { clock, log, subscriptions, transaction } = tools
  const known = await subscriptions.find(push.subscriptionId)
  const feed = known && readOrDrop(push.body, push.contentType, known, log)
  const own = feed && (await readBlogFeed(tools, feed, await ownerIn(tools, known)))
  await transaction(async stores => {
    const now = clock()
    const subscription = await stores.subscriptions.lock(push.subscriptionId)
    const owner = await ownerIn(stores, subscription)
    // when it is not there any more another worker has read it
    if (!(await stores.subscriptions.removePush(push.id)) || subscription === undefined || owner === undefined) return
    const fresh = feed === undefined ? 0 : await takeAny(tools, stores, feed, { owner, own, via: 'push', topic: subscription.topic }, now)
    const news = fresh > 0 ? { newsAt: now } : {}
    await stores.subscriptions.change(subscription.id, { pushedAt: push.receivedAt, badSignatures: 0, newsMissed: 0, ...news })
  })
}

function readOrDrop(body: Buffer, contentType: string | undefined, subscription: Subscription, log: Tools['log']): Feed | undefined {
  try {
    return readFeed(body, { url: subscription.url, contentType, bytes: LIMIT.messageBytes })
  } catch (error) {
    if (!(error instanceof BadMessage)) throw error
    log.info({ topic: subscription.topic, why: error.message }, 'push: could not be read, dropped')
    return undefined
  }
}

/** Reads one older page of a feed, politely: same host only, ten pages at most, no further than to what is known (I17). */
export async function readOlder(tools: Tools, subscriptionId: string): Promise<void> {
  const { clock, http, subscriptions, transaction } = tools
  const asked = await subscriptions.find(subscriptionId)
  if (asked?.olderUrl === undefined || isOver(asked)) return
  const url = asked.olderUrl
  const answer = await http.request(url, { headers: { accept: FEED_ACCEPT }, maxBytes: LIMIT.feedBytes })
  if (answer.status >= 500 || answer.status === 429) throw answeredWrong(answer, clock())
  const there = answer.status === 200 && sameHost(answer.url, url)
  const feed = there
    ? readFeed(answer.body, { url: answer.url, contentType: answer.headers['content-type'], bytes: LIMIT.feedBytes })
    : undefined
  await transaction(async stores => {
    const now = clock()
    const subscription = await stores.subscriptions.lock(subscriptionId)
    const owner = await ownerIn(stores, subscription)
    if (subscription === undefined || owner === undefined || isAccount(owner) || subscription.olderUrl !== url) return
    const fresh = feed === undefined ? 0 : await takeFeed(stores, feed, owner, 'feed', now)
    const known = fresh === 0 && (feed === undefined || feed.activities.length === 0 || feed.activities.some(({ verb }) => verb === 'post'))
    const next = feed === undefined || known ? undefined : olderPage(feed, url)
    const go = next !== undefined && subscription.olderPages + 1 < OLDER_PAGES
    await stores.subscriptions.change(subscriptionId, { olderUrl: go ? next : null, olderPages: subscription.olderPages + 1 })
    if (go) await stores.queue.add('feed.older', { subscription: subscriptionId }, new Date(now.getTime() + PAGE_PAUSE))
  })
}

/** The address of the page of older entries, when it lies on the feed's own host and is another page. */
export function olderPage(feed: Feed, url: string): string | undefined {
  const next = feed.links.next ?? feed.links.prevArchive
  return next !== undefined && next !== url && sameHost(next, url) ? next : undefined
}

const sameHost = (one: string, other: string): boolean => URL.canParse(one) && new URL(one).host === new URL(other).host
