/**
 * To follow somebody: find them, then ask them by ActivityPub; or read their feed, keep them, ask their hub (the first of the five ways
 * of architecture.md).
 */
import type { Feed, TraceStep } from '../model/activity.ts'
import { BadMessage, type Failure, isFailure, Missing, Refused } from '../model/errors.ts'
import { newId } from '../model/ids.ts'
import type { Account, Actor, Subscription } from '../model/kept.ts'
import { readHandle } from '../protocol/acct.ts'
import { readFeed } from '../protocol/feed-document.ts'
import { LIMIT } from '../protocol/names.ts'
import type { FeedLink } from '../protocol/page.ts'
import type { ActorFacts, HttpAnswer, Stores, Tools } from '../tools.ts'
import { announceAct } from './announce.ts'
import { discover, type Found } from './discover.ts'
import { followOut } from './entries.ts'
import { decideOwner } from './feed-owner.ts'
import { keepActor, type Met } from './fetch-actor.ts'
import { findActor, followActor } from './follow-inbox.ts'
import { isHostBlocked } from './identity.ts'
import { leave, leaveUnfollowed } from './leave.ts'
import { type Located, locate } from './locate.ts'
import { NO_FEED } from './lookup.ts'
import { FEED_ACCEPT, olderPage, PAGE_PAUSE, takeFeed } from './read-feed.ts'
import { withdraw } from './requests.ts'

const DAY = 86_400_000
const FIRST_POLL = 15 * 60_000
const OVER: Subscription['state'][] = ['ending', 'ended', 'gone']

/** `asked`: it is followed only when the answer has come. `others`: feeds that the page names beside the one that was taken. */
export type Followed = {
  actor: Actor
  subscription?: Subscription
  trace: TraceStep[]
  fresh: number
  already: boolean
  asked?: boolean
  others?: FeedLink[]
}

/** A failure that carries how far the search came: people are shown every step. */
export type Traced = Failure & { trace?: TraceStep[] }

/**
 * Follows who an input names, for one of our accounts: by what is known already, else by discovery; by ActivityPub where they speak it
 * and can reach us, unless a hub is given, else by their feed.
 * @throws Missing, Unreachable, Refused, BadMessage, each with `trace`
 */
export async function follow(tools: Tools, input: string, options: Options): Promise<Followed> {
  const known = await findKnown(tools, input)
  await refuseBlocked(tools, input, known)
  if (known?.localName !== undefined) return followLocal(tools, known, options.as)
  if (known?.feedUrl !== undefined && known.speaks === 'ostatus' && options.hub === undefined) {
    const again = await followKnown(tools, known, options.as)
    if (again !== undefined) return again
  }
  if (known !== undefined && options.hub === undefined && (await tools.follows.find(options.as.id, known.id))?.via === 'inbox')
    return { actor: known, trace: [{ step: 'known here', found: known.uri }], fresh: 0, already: true }
  const trace: TraceStep[] = []
  try {
    const found = await discover(tools, input)
    trace.push(...found.trace)
    const person = options.hub === undefined ? await findActor(tools, found, input, trace) : undefined
    if (person !== undefined) return await followPerson(tools, person, trace, options.as)
    if (!found.found) throw found.error
    return await followFound(tools, found, trace, options)
  } catch (error) {
    if (isFailure(error)) (error as Traced).trace = trace
    throw error
  }
}

/** Whoever an input names, if we know them: nothing leaves the node. */
export async function findKnown({ actors }: Pick<Tools, 'actors'>, input: string): Promise<Actor | undefined> {
  const handle = readHandle(input)
  return actors.findByName(handle.kind === 'acct' ? `acct:${handle.acct}` : handle.url)
}

/** Whoever is blocked is not heard: to follow them would bring nothing. @throws Refused 409 */
async function refuseBlocked(tools: Tools, input: string, known: Actor | undefined): Promise<void> {
  const handle = readHandle(input)
  const name = handle.kind === 'acct' ? `acct:${handle.acct}` : handle.url
  if (known?.blockedAt === undefined && !(await isHostBlocked(tools, known === undefined ? [name] : [name, known.uri]))) return
  throw new Refused(`${known?.acct ?? input.trim()} is blocked: take the block back first.`, { status: 409, code: 'blocked' })
}

async function followLocal(tools: Tools, actor: Actor, as: Account): Promise<Followed> {
  if (actor.id === as.id) throw new BadMessage('An account cannot follow itself.')
  const added = await tools.transaction(stores => addFollow(tools, stores, as, actor, 'local'))
  return { actor, trace: [{ step: 'known here', found: actor.uri }], fresh: 0, already: !added }
}

async function followPerson(tools: Tools, person: Met, trace: TraceStep[], as: Account): Promise<Followed> {
  const own = await tools.actors.findByUri(person.document.id)
  if (own?.localName !== undefined) return followLocal(tools, own, as)
  const followed = await followActor(tools, person, as, trace)
  return { ...followed, trace, asked: !followed.already }
}

/** Nothing when no feed of theirs is read any more, which only those who hold its row can tell: another may just unfollow (S13). */
async function followKnown(tools: Tools, actor: Actor, as: Account): Promise<Followed | undefined> {
  return tools.transaction(async stores => {
    const subscription = (await stores.subscriptions.lockAll({ actorId: actor.id })).find(({ state }) => !OVER.includes(state))
    if (subscription === undefined) return undefined
    const added = await addFollow(tools, stores, as, actor, 'feed')
    return { actor, subscription, trace: [{ step: 'known here', url: subscription.url, found: actor.uri }], fresh: 0, already: !added }
  })
}

async function followFound(tools: Tools, found: Found, trace: TraceStep[], { as, hub }: Options): Promise<Followed> {
  const { clock, config, http, transaction } = tools
  const { owner, ...fetched } = await readOwner(tools, found, trace)
  const { feed, located } = fetched
  const own = await tools.actors.findByUri(owner.uri)
  if (own?.localName !== undefined) return followLocal(tools, own, as)
  const chosen = hub ?? (await tools.subscriptions.findByTopic(located.topic))?.fixedHub ?? located.hubs[0]
  const askable = chosen !== undefined && (!config.isLoopback || (await http.isListed(chosen)))
  trace.push({ step: 'hub', ...(chosen ? { url: chosen } : {}), found: describeHub(chosen, askable) })
  return transaction(async stores => {
    const now = clock()
    const { id } = await stores.subscriptions.add({ url: located.url, topic: located.topic }, now)
    const held = await stores.subscriptions.lockAll({ id, actorId: own?.id })
    const before = held.find(one => one.id === id)!
    const actor = await stores.actors.keep({ ...owner, trace }, now)
    const fresh = await takeFeed(stores, feed, actor, 'feed', now)
    await begin(
      stores,
      before,
      fetched,
      { actorId: actor.id, ...(hub ? { fixedHub: hub } : {}), ...(askable ? { askable: chosen } : {}) },
      now
    )
    const added = await addFollow(tools, stores, as, actor, 'feed')
    for (const other of held) if (other.id !== id) await leave(stores, other, now)
    const subscription = await stores.subscriptions.find(id)
    const others = (found.feeds ?? []).filter(({ url }) => ![found.feed, located.url, located.topic].includes(url))
    return { actor, trace, fresh, already: !added, others, ...(subscription ? { subscription } : {}) }
  })
}

/** The feed of whoever was found, and whose it is. @throws Missing when there is none, and whatever fetching it does */
async function readOwner(tools: Tools, found: Found, trace: TraceStep[]): Promise<Settled & { owner: ActorFacts }> {
  if (found.feed === undefined && found.feedDocument === undefined) {
    throw new Missing(
      found.activityPubOnly ? 'This account speaks ActivityPub only; it has no feed to follow.' : 'No feed was found.',
      NO_FEED
    )
  }
  const fetched = await settle(tools, found.feedDocument ?? (await fetchFeed(tools, found.feed!, trace)), found.feed, trace)
  return { ...fetched, owner: await decideOwner(tools, found, fetched.feed, fetched.located.topic, trace) }
}

/**
 * Gets to know somebody without following them: their profile, keys and endpoints are kept, their posts are not.
 * @throws Missing, Unreachable, Refused, BadMessage
 */
export async function meet(tools: Tools, input: string): Promise<Actor> {
  const known = await findKnown(tools, input)
  if (known !== undefined) return known
  const { clock, transaction } = tools
  const found = await discover(tools, input)
  const person = await findActor(tools, found, input, found.trace)
  if (person !== undefined) return transaction(stores => keepActor(stores, person.document, clock(), person.acct))
  if (!found.found) throw found.error
  const { owner } = await readOwner(tools, found, found.trace)
  return transaction(stores => stores.actors.keep({ ...owner, trace: found.trace }, clock()))
}

type Options = { as: Account; hub?: string }
export type Fetched = { answer: HttpAnswer; feed: Feed }
export type Settled = Fetched & { located: Located }

/**
 * Where a feed belongs. Another address by which it calls itself counts when that, fetched, calls itself the same and names the
 * same hub (S1): then what it says counts, and not the copy through which it was found.
 */
export async function settle(tools: Tools, fetched: Fetched, asked: string | undefined, trace: TraceStep[]): Promise<Settled> {
  const located = locate(tools, fetched.answer, asked ?? fetched.answer.url, fetched.feed)
  if (located.self === undefined || located.hubs[0] === undefined) return { ...fetched, located }
  try {
    const there = await fetchFeed(tools, located.self, trace)
    const itself = locate(tools, there.answer, located.self, there.feed)
    if (itself.topic === located.self && itself.hubs.includes(located.hubs[0])) return { ...there, located: itself }
  } catch (error) {
    if (!isFailure(error)) throw error
  }
  return { ...fetched, located }
}

/** Sets the clocks of a subscription that is new, or is taken up again, as if it were new; what works is left as it is. */
export async function begin(
  stores: Stores,
  before: Subscription,
  { answer, feed, located }: Settled,
  { actorId, askable, fixedHub }: { actorId: string; askable?: string; fixedHub?: string },
  now: Date
): Promise<void> {
  const { id } = before
  const hub = fixedHub ?? before.fixedHub ?? located.hubs[0]
  const works = (before.state === 'active' || before.state === 'asking') && before.hub === hub
  const older = before.polledAt === undefined ? olderPage(feed, answer.url) : undefined
  await stores.subscriptions.change(id, {
    ...{ actorId, url: located.url, format: feed.format, hubs: located.hubs, hub: hub ?? null, endedAt: null },
    ...(fixedHub ? { fixedHub } : {}),
    ...{ etag: answer.headers.etag ?? null, lastModified: answer.headers['last-modified'] ?? null },
    ...{ polledAt: now, pollAt: new Date(now.getTime() + FIRST_POLL), pollFailures: 0, status: 200, error: null },
    ...(works || before.state === 'active' ? {} : { state: 'polling', pendingMode: null, newsMissed: 0, askAt: null }),
    ...(works || askable === undefined ? {} : { askAt: new Date(now.getTime() + DAY), askFailures: 0 }),
    ...(older === undefined ? {} : { olderUrl: older })
  })
  if (!works && askable !== undefined) await stores.queue.add('subscription.ask', { subscription: id })
  if (older !== undefined) await stores.queue.add('feed.older', { subscription: id }, new Date(now.getTime() + PAGE_PAUSE))
}

const describeHub = (hub: string | undefined, askable: boolean) => {
  if (hub === undefined) return 'none: the feed is polled'
  return askable ? 'is asked to push' : 'cannot call back here, as this node is not public: the feed is polled'
}

export async function fetchFeed({ http, clock }: Tools, url: string, trace: TraceStep[]): Promise<Fetched> {
  const begun = clock().getTime()
  const step: TraceStep = { step: 'feed', url }
  trace.push(step)
  try {
    const answer = await http.request(url, { headers: { accept: FEED_ACCEPT }, maxBytes: LIMIT.feedBytes })
    Object.assign(step, { status: answer.status, type: answer.headers['content-type'] ?? '', ms: clock().getTime() - begun })
    if (answer.status !== 200) throw new Missing(`The feed answered ${answer.status}.`)
    const feed = readFeed(answer.body, { url: answer.url, contentType: answer.headers['content-type'], bytes: LIMIT.feedBytes })
    step.found = `${feed.activities.length === 1 ? '1 entry' : `${feed.activities.length} entries`}${feed.title ? ` of “${feed.title}”` : ''}`
    return { answer, feed }
  } catch (error) {
    if (isFailure(error)) step.failed = error.message
    throw error
  }
}

/** Follows, and tells it to whom it concerns (X5). Answers whether it was not so before. */
async function addFollow(tools: Tools, stores: Stores, as: Account, actor: Actor, via: 'feed' | 'local'): Promise<boolean> {
  const now = tools.clock()
  await stores.topics.lock(tools.addresses.feed(as.localName))
  const uri = tools.addresses.act(as.localName, newId(now.getTime()))
  if (!(await stores.follows.add({ followerId: as.id, followedId: actor.id, via, uri }, now))) return false
  const at = await stores.acts.begin({ actorId: as.id, verb: 'follow', object: actor.uri, uri }, now)
  await announceAct(tools, stores, as, { entry: followOut(as, 'follow', actor, { id: uri, at: at ?? now }), person: actor }, now)
  return true
}

/** Ends a follow and tells it; when it was the last of somebody, their feeds are read no more and the hubs are told so (S13). */
export async function unfollow(tools: UnfollowNeeds, actor: Actor, as: Account): Promise<boolean> {
  const { addresses, clock, transaction } = tools
  return transaction(async stores => {
    const now = clock()
    await stores.subscriptions.lockAll({ actorId: actor.id })
    await stores.topics.lock(addresses.feed(as.localName))
    if (!(await withdraw(stores, as, actor, now))) {
      if (!(await stores.follows.remove(as.id, actor.id))) return false
      await tellUnfollow(tools, stores, as, actor, now)
    }
    await leaveUnfollowed(stores, actor.id, now)
    return true
  })
}

async function tellUnfollow(tools: UnfollowNeeds, stores: Stores, as: Account, actor: Actor, now: Date): Promise<void> {
  const at = await stores.acts.end({ actorId: as.id, verb: 'follow', object: actor.uri }, now)
  const hubs = (await stores.subscriptions.byActor(actor.id)).flatMap(subscription => subscription.hubs)
  const entry = followOut(as, 'undo', actor, { id: tools.addresses.act(as.localName, newId(now.getTime())), at: at ?? now })
  const isPleroma = hubs.some(hub => new URL(hub).pathname.startsWith('/push/hub/'))
  await announceAct(tools, stores, as, { entry: { ...entry, ...(isPleroma ? { forPleroma: true } : {}) }, person: actor }, now)
}

type UnfollowNeeds = Pick<Tools, 'addresses' | 'clock' | 'config' | 'transaction'>
