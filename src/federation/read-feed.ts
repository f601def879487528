/**
 * A feed, fetched or pushed: each entry goes to `receive`, oldest first, in the name of the feed's owner. A push and a poll of
 * one feed go through the same code, one after the other.
 */
import type { Activity, Author, Feed } from '../model/activity.ts'
import { BadMessage, isFailure, Unreachable } from '../model/errors.ts'
import type { Actor, Subscription } from '../model/kept.ts'
import { identityOf } from '../protocol/atom-author.ts'
import { readFeed } from '../protocol/feed-document.ts'
import { readLinks } from '../protocol/link.ts'
import { LIMIT } from '../protocol/names.ts'
import type { HttpAnswer, Stores, Tools } from '../tools.ts'
import { hostOfName, receive, type Sender } from './receive.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const OLDER_PAGES = 10
export const FEED_ACCEPT =
  'application/atom+xml, application/rss+xml;q=0.9, application/feed+json;q=0.8, application/xml;q=0.7, text/xml;q=0.7, */*;q=0.1'

/** What a fetched feed says of where it belongs (S1): Link headers win over the document. */
export type Located = { url: string; topic: string; hubs: string[] }

/** Topic and hubs. A `self` on another host is not believed: it would let a page pose as somebody else's topic. */
export function locate(answer: Pick<HttpAnswer, 'url' | 'headers' | 'hops'>, asked: string, feed: Feed): Located {
  const headers = answer.headers.link === undefined ? [] : readLinks(answer.headers.link, answer.url)
  const told = (rel: string) => headers.filter(link => link.rel.includes(rel)).map(link => link.url)
  const selves = [...told('self'), ...feed.links.self].filter(url => URL.canParse(url) && new URL(url).host === new URL(answer.url).host)
  const hubs = told('hub').length > 0 ? told('hub') : feed.links.hub
  // only a move that is meant to last changes what is fetched from now on
  const url = answer.hops.every(hop => hop.status === 301 || hop.status === 308) ? answer.url : asked
  return { url, topic: selves[0] ?? answer.url, hubs: [...new Set(hubs)].filter(hub => /^https?:\/\//.test(hub)).slice(0, 5) }
}

/** Reads a feed document for its owner inside a transaction. Answers how many posts were new. */
export async function takeFeed(stores: Stores, feed: Feed, owner: Actor, via: Sender['via'], now: Date): Promise<number> {
  const names = new Set([owner.uri, ...(await stores.actors.namesOf(owner.id)), ...(feed.id === undefined ? [] : [feed.id])])
  const sender: Sender = { actor: owner, names, hosts: new Set([...names].map(hostOfName)), via }
  let fresh = 0
  for (const activity of oldestFirst(feed.activities)) {
    const { outcome } = await receive(stores, activity, sender, now)
    if (outcome === 'new') fresh++
  }
  for (const { ref } of feed.tombstones) await stores.history.remove(owner.id, ref, now)
  return fresh
}

/** Documents are newest first, and several may bear one time: of those the later in the document is the older (I14). */
function oldestFirst(activities: Activity[]): Activity[] {
  const time = (activity: Activity) => (activity.published ?? activity.updated)?.getTime() ?? 0
  return [...activities].reverse().sort((a, b) => time(a) - time(b))
}

/** The person whom a feed describes: its author, else the one author of all its entries (I6). */
export function ownerOf(feed: Feed): Author | undefined {
  if (feed.author !== undefined && identityOf(feed.author) !== undefined) return feed.author
  const authors = feed.activities.flatMap(activity => (activity.actor === undefined ? [] : [activity.actor]))
  const ids = new Set(authors.map(author => identityOf(author)))
  return ids.size === 1 && !ids.has(undefined) ? authors[0] : feed.author
}

/** Fetches a feed that is due, takes what is new, and sets its clock (I16, S14). */
export async function pollFeed(tools: Tools, subscriptionId: string): Promise<void> {
  const { clock, http, log, subscriptions } = tools
  const subscription = await subscriptions.find(subscriptionId)
  if (subscription === undefined || subscription.state === 'gone' || subscription.state === 'ended') return
  const headers: Record<string, string> = { accept: FEED_ACCEPT }
  if (subscription.etag !== undefined) headers['if-none-match'] = subscription.etag
  if (subscription.lastModified !== undefined) headers['if-modified-since'] = subscription.lastModified
  let answer: HttpAnswer
  try {
    answer = await http.request(subscription.url, { headers, maxBytes: LIMIT.feedBytes })
    if (answer.status === 304) return
    if (answer.status !== 200)
      throw new Unreachable(`answered ${answer.status}`, { peer: answer.status, retryAfter: Number(answer.headers['retry-after']) || 0 })
    const feed = readFeed(answer.body, { url: answer.url, contentType: answer.headers['content-type'] ?? '', bytes: LIMIT.feedBytes })
    await takePolled(tools, subscription, answer, feed)
  } catch (error) {
    if (!isFailure(error)) throw error
    const peer = error instanceof Unreachable ? error.peer : undefined
    log.info({ feed: subscription.url, why: error.message }, 'feed: could not be read')
    await subscriptions.change(subscription.id, failed(subscription, error.message, peer, error.retryAfter ?? 0, clock()))
  }
}

/** The clock of a feed that failed: slower each time, for ever only when the feed is gone (410). */
function failed(subscription: Subscription, error: string, status: number | undefined, retryAfter: number, now: Date) {
  const failures = subscription.pollFailures + 1
  const base = { error, status: status ?? null, polledAt: now, pollFailures: failures }
  if (status === 410) return { ...base, state: 'gone' as const, pollAt: null, askAt: null }
  const wait = Math.min(DAY, 5 * MINUTE * 2 ** Math.min(failures, 10))
  return { ...base, pollAt: new Date(now.getTime() + Math.max(wait, retryAfter * 1000)) }
}

async function takePolled(tools: Tools, subscription: Subscription, answer: HttpAnswer, feed: Feed): Promise<void> {
  const { clock, http, config, transaction } = tools
  const now = clock()
  const { hubs, url } = locate(answer, subscription.url, feed)
  const hub = subscription.fixedHub ?? hubs[0]
  const askable = hub !== undefined && (!config.isLoopback || (await http.isListed(hub)))
  await transaction(async stores => {
    await stores.subscriptions.lock(subscription.id)
    const owner = subscription.actorId === undefined ? undefined : await stores.actors.find(subscription.actorId)
    if (owner === undefined) return
    const fresh = await takeFeed(stores, feed, await refresh(stores, owner, feed, now), 'feed', now)
    // an active hub that did not push what a poll finds is asked again (S14)
    const missed = fresh > 0 && subscription.state === 'active'
    const ask = missed || (askable && subscription.state === 'polling' && subscription.askAt === undefined && subscription.hub !== hub)
    await stores.subscriptions.change(subscription.id, {
      ...{ url, hubs, hub: hub ?? null, etag: answer.headers.etag ?? null, lastModified: answer.headers['last-modified'] ?? null },
      ...{ polledAt: now, pollFailures: 0, status: 200, error: null },
      ...(fresh > 0 ? { newsAt: now } : {}),
      ...(missed ? { newsMissed: subscription.newsMissed + 1 } : {}),
      ...(ask ? { askAt: now } : {})
    })
  })
}

/** The profile in the head of somebody's own feed is the newest word about them (X7, I8). */
async function refresh(stores: Stores, owner: Actor, feed: Feed, now: Date): Promise<Actor> {
  const author = feed.author
  const id = author === undefined ? undefined : identityOf(author)
  if (author === undefined || (id !== undefined && id !== owner.uri)) return owner
  return stores.actors.keep({ uri: owner.uri, profile: profileOf(feed, author, owner) }, now)
}

/** The author of a feed with what else its head tells: title for a name, logo for a picture. */
export function profileOf(feed: Feed, author: Author | undefined, known?: { url?: string }): Author {
  const page = author?.url ?? known?.url ?? feed.links.alternate
  const displayName = author?.displayName ?? author?.username ?? feed.title
  return {
    ...(author ?? { ids: [], kind: 'person' as const }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(page === undefined ? {} : { url: page }),
    ...(author?.avatar === undefined && feed.logo !== undefined ? { avatar: { url: feed.logo } } : {})
  }
}

/** Reads what was pushed for a subscription, in the order in which it came (S9, S11). */
export async function readPushes(tools: Tools, subscriptionId: string): Promise<void> {
  const { clock, log, subscriptions, transaction } = tools
  const subscription = await subscriptions.find(subscriptionId)
  if (subscription === undefined) return
  for (;;) {
    const pushes = await subscriptions.pushes(subscriptionId, 20)
    if (pushes.length === 0) return
    for (const push of pushes) {
      const feed = readOrDrop(push.body, push.contentType, subscription, log)
      await transaction(async stores => {
        const now = clock()
        await stores.subscriptions.lock(subscriptionId)
        const owner = subscription.actorId === undefined ? undefined : await stores.actors.find(subscription.actorId)
        const fresh = feed === undefined || owner === undefined ? 0 : await takeFeed(stores, feed, owner, 'push', now)
        await stores.subscriptions.change(subscriptionId, {
          pushedAt: push.receivedAt,
          badSignatures: 0,
          ...(fresh > 0 ? { newsAt: now } : {})
        })
        await stores.subscriptions.removePush(push.id)
      })
    }
  }
}

function readOrDrop(body: Buffer, contentType: string | undefined, subscription: Subscription, log: Tools['log']): Feed | undefined {
  try {
    return readFeed(body, { url: subscription.url, contentType: contentType ?? '', bytes: LIMIT.messageBytes })
  } catch (error) {
    if (!(error instanceof BadMessage)) throw error
    log.info({ topic: subscription.topic, why: error.message }, 'push: could not be read, dropped')
    return undefined
  }
}

/** Reads one older page of a feed, politely: same host only, ten pages at most, never a page twice (I17). */
export async function readOlder(tools: Tools, subscriptionId: string): Promise<void> {
  const { clock, http, subscriptions, transaction } = tools
  const subscription = await subscriptions.find(subscriptionId)
  if (subscription?.olderUrl === undefined) return
  const url = subscription.olderUrl
  const answer = await http.request(url, { headers: { accept: FEED_ACCEPT }, maxBytes: LIMIT.feedBytes })
  if (answer.status >= 500 || answer.status === 429) throw new Unreachable(`${url} answered ${answer.status}`, { peer: answer.status })
  const feed =
    answer.status === 200
      ? readFeed(answer.body, { url: answer.url, contentType: answer.headers['content-type'] ?? '', bytes: LIMIT.feedBytes })
      : undefined
  await transaction(async stores => {
    const now = clock()
    await stores.subscriptions.lock(subscriptionId)
    const owner = subscription.actorId === undefined ? undefined : await stores.actors.find(subscription.actorId)
    const fresh = feed === undefined || owner === undefined ? 0 : await takeFeed(stores, feed, owner, 'feed', now)
    const next = feed === undefined || fresh === 0 ? undefined : olderPage(feed, url)
    const go = next !== undefined && subscription.olderPages + 1 < OLDER_PAGES
    await stores.subscriptions.change(subscriptionId, { olderUrl: go ? next : null, olderPages: subscription.olderPages + 1 })
    if (go) await stores.queue.add('feed.older', { subscription: subscriptionId }, new Date(now.getTime() + 3_000))
  })
}

/** The address of the page of older entries, when it lies on the feed's own host and is another page. */
export function olderPage(feed: Feed, url: string): string | undefined {
  const next = feed.links.next ?? feed.links.prevArchive
  return next !== undefined && next !== url && URL.canParse(next) && new URL(next).host === new URL(url).host ? next : undefined
}
