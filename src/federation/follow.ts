/** To follow somebody: find them, read their feed, keep them, ask their hub (the first of the five ways of architecture.md). */
import type { Feed, TraceStep } from '../model/activity.ts'
import { BadMessage, type Failure, isFailure, Missing } from '../model/errors.ts'
import type { Account, Actor, Subscription } from '../model/kept.ts'
import { readHandle } from '../protocol/acct.ts'
import { identityOf } from '../protocol/atom-author.ts'
import { readFeed } from '../protocol/feed-document.ts'
import { LIMIT } from '../protocol/names.ts'
import type { HttpAnswer, Stores, Tools } from '../tools.ts'
import { confirmUri, discover, type Found } from './discover.ts'
import { FEED_ACCEPT, locate, olderPage, ownerOf, profileOf, takeFeed } from './read-feed.ts'
import { hostOfName } from './receive.ts'

const DAY = 86_400_000

export type Followed = { actor: Actor; subscription?: Subscription; trace: TraceStep[]; fresh: number; already: boolean }

/** A failure that carries how far the search came: people are shown every step. */
export type Traced = Failure & { trace?: TraceStep[] }

/**
 * Follows who an input names, for one of our accounts: by what is known already, else by discovery.
 * @throws Missing, Unreachable, Refused, BadMessage, each with `trace`
 */
export async function follow(tools: Tools, input: string, options: { as: Account; hub?: string }): Promise<Followed> {
  const known = await findKnown(tools, input)
  if (known?.localName !== undefined) return followLocal(tools, known, options.as)
  if (known?.feedUrl !== undefined && options.hub === undefined) {
    const again = await followKnown(tools, known, options.as)
    if (again !== undefined) return again
  }
  const trace: TraceStep[] = []
  try {
    const found = await discover(tools, input)
    trace.push(...found.trace)
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

async function followLocal({ clock, follows }: Tools, actor: Actor, as: Account): Promise<Followed> {
  if (actor.id === as.id) throw new BadMessage('An account cannot follow itself.')
  const added = await follows.add({ followerId: as.id, followedId: actor.id, via: 'local' }, clock())
  return { actor, trace: [{ step: 'known here', found: actor.uri }], fresh: 0, already: !added }
}

async function followKnown({ clock, subscriptions, transaction }: Tools, actor: Actor, as: Account): Promise<Followed | undefined> {
  const subscription = await subscriptions.findByActor(actor.id)
  if (subscription === undefined || ['ending', 'ended', 'gone'].includes(subscription.state)) return undefined
  const now = clock()
  const added = await transaction(stores => stores.follows.add({ followerId: as.id, followedId: actor.id, via: 'feed' }, now))
  return { actor, subscription, trace: [{ step: 'known here', url: subscription.url, found: actor.uri }], fresh: 0, already: !added }
}

async function followFound(tools: Tools, found: Found, trace: TraceStep[], { as, hub }: { as: Account; hub?: string }): Promise<Followed> {
  if (found.feed === undefined && found.feedDocument === undefined) {
    throw new Missing(found.activityPubOnly ? 'This account speaks ActivityPub only; it has no feed to follow.' : 'No feed was found.')
  }
  const { answer, feed } = found.feedDocument ?? (await fetchFeed(tools, found.feed!, trace))
  const located = locate(answer, found.feed ?? answer.url, feed)
  const owner = await decideOwner(tools, found, feed, located.topic, trace)
  const { clock, config, http, transaction } = tools
  const chosen = hub ?? located.hubs[0]
  const askable = chosen !== undefined && (!config.isLoopback || (await http.isListed(chosen)))
  trace.push({ step: 'hub', ...(chosen ? { url: chosen } : {}), found: describeHub(chosen, askable) })
  const followed = await transaction(async stores => {
    const now = clock()
    const actor = await stores.actors.keep({ ...owner, trace }, now)
    const subscription = await keepSubscription(stores, located, actor, hub, now)
    const fresh = await takeFeed(stores, feed, actor, 'feed', now)
    const added = await stores.follows.add({ followerId: as.id, followedId: actor.id, via: 'feed' }, now)
    const older = olderPage(feed, answer.url)
    await stores.subscriptions.change(subscription.id, {
      ...{ hubs: located.hubs, hub: chosen ?? null, state: revived(subscription), endedAt: null, etag: answer.headers.etag ?? null },
      ...{
        lastModified: answer.headers['last-modified'] ?? null,
        polledAt: now,
        pollAt: new Date(now.getTime() + 15 * 60_000),
        status: 200,
        error: null
      },
      ...(askable && subscription.state !== 'active' ? { askAt: new Date(now.getTime() + DAY), askFailures: 0 } : {}),
      ...(older !== undefined && subscription.polledAt === undefined ? { olderUrl: older } : {})
    })
    if (askable && subscription.state !== 'active') await stores.queue.add('subscription.ask', { subscription: subscription.id })
    if (older !== undefined && subscription.polledAt === undefined) {
      await stores.queue.add('feed.older', { subscription: subscription.id }, new Date(now.getTime() + 3_000))
    }
    return { actor, id: subscription.id, fresh, already: !added }
  })
  const subscription = await tools.subscriptions.find(followed.id)
  return { actor: followed.actor, trace, fresh: followed.fresh, already: followed.already, ...(subscription ? { subscription } : {}) }
}

const describeHub = (hub: string | undefined, askable: boolean) =>
  hub === undefined
    ? 'none: the feed is polled'
    : askable
      ? 'is asked to push'
      : 'cannot call back here, as this node is not public: the feed is polled'

const revived = ({ state }: Subscription) => (state === 'active' || state === 'asking' ? state : 'polling')

async function keepSubscription(stores: Stores, located: { url: string; topic: string }, actor: Actor, hub: string | undefined, now: Date) {
  return stores.subscriptions.add(
    { url: located.url, topic: located.topic, actorId: actor.id, ...(hub === undefined ? {} : { fixedHub: hub }) },
    now
  )
}

async function fetchFeed({ http, clock }: Tools, url: string, trace: TraceStep[]): Promise<{ answer: HttpAnswer; feed: Feed }> {
  const begun = clock().getTime()
  const step: TraceStep = { step: 'feed', url }
  trace.push(step)
  try {
    const answer = await http.request(url, { headers: { accept: FEED_ACCEPT }, maxBytes: LIMIT.feedBytes })
    Object.assign(step, { status: answer.status, type: answer.headers['content-type'] ?? '', ms: clock().getTime() - begun })
    if (answer.status !== 200) throw new Missing(`The feed answered ${answer.status}.`)
    const feed = readFeed(answer.body, { url: answer.url, contentType: answer.headers['content-type'] ?? '', bytes: LIMIT.feedBytes })
    step.found = `${feed.activities.length} entries${feed.title ? ` of “${feed.title}”` : ''}`
    return { answer, feed }
  } catch (error) {
    if (isFailure(error)) step.failed = error.message
    throw error
  }
}

/**
 * Who owns a feed (I7, D13, X15): the author whom it names, if the URI lies on the feed's or the account's host, or the URI's own
 * host confirms that this is its feed. Otherwise the feed speaks for itself alone, under its own address.
 */
async function decideOwner(tools: Tools, found: Found, feed: Feed, topic: string, trace: TraceStep[]) {
  const author = ownerOf(feed)
  const id = author === undefined ? undefined : identityOf(author)
  const base = {
    ...{
      feedUrl: topic,
      trusted: found.trusted,
      profile: profileOf(feed, author, found.profile === undefined ? undefined : { url: found.profile })
    },
    ...(found.acct === undefined ? {} : { acct: found.acct }),
    ...((found.links.salmon ?? feed.links.salmon) ? { salmonUrl: (found.links.salmon ?? feed.links.salmon)! } : {}),
    ...(found.links.keys.length > 0 && found.trusted ? { keys: found.links.keys } : {})
  }
  const names = found.aliases
  if (id === undefined) return { ...base, uri: found.acct === undefined ? topic : `acct:${found.acct}`, names: [...names, topic] }
  const known = await tools.actors.findByUri(id)
  const near = [hostOfName(topic), ...(found.acct === undefined ? [] : [found.acct.slice(found.acct.indexOf('@') + 1)])].includes(
    hostOfName(id)
  )
  const listed =
    found.descriptor !== undefined &&
    found.links.feed === found.feed &&
    [...found.descriptor.aliases, found.descriptor.subject].includes(id)
  const free = known === undefined || known.feedUrl === undefined || known.feedUrl === topic || known.feedUrl === found.feed
  if ((near || listed) && free) return { ...base, uri: id, names: [...names, topic] }
  const confirmed = /^https?:/.test(id) ? await confirmUri(tools, id) : undefined
  if (confirmed !== undefined) trace.push(...confirmed.trace)
  if (confirmed?.found === true && confirmed.feed === found.feed) return { ...base, uri: id, names: [...names, topic] }
  trace.push({
    step: 'author',
    url: id,
    failed: 'the author named in the feed does not confirm it: the feed is kept under its own address'
  })
  return { ...base, uri: topic, names }
}

/** Ends a follow; when it was the last of a feed, the hub is told so (S13). */
export async function unfollow({ clock, transaction }: Tools, actor: Actor, as: Account): Promise<boolean> {
  return transaction(async stores => {
    if (!(await stores.follows.remove(as.id, actor.id))) return false
    if ((await stores.follows.localFollowers(actor.id)) > 0) return true
    const now = clock()
    const subscription = await stores.subscriptions.findByActor(actor.id)
    if (subscription === undefined) return true
    const pushed = ['active', 'asking'].includes(subscription.state)
    await stores.subscriptions.change(subscription.id, {
      ...{
        state: pushed ? 'ending' : 'ended',
        endedAt: now,
        pollAt: null,
        olderUrl: null,
        askAt: pushed ? new Date(now.getTime() + DAY) : null,
        askFailures: 0
      }
    })
    if (pushed) await stores.queue.add('subscription.ask', { subscription: subscription.id })
    return true
  })
}
