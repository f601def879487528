/** Whose feed it is: what it says of itself held against what was discovered (section Y of protocols.md). */
import type { Author, Feed, TraceStep } from '../model/activity.ts'
import { identityOf } from '../protocol/atom-author.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import type { ActorFacts, Tools } from '../tools.ts'
import { confirmUri, type Found } from './discover.ts'
import { hostOfName, isName, withoutPort } from './identity.ts'

/** The person whom a feed describes: its author, else the one author of all its entries (I6). */
export function ownerOf(feed: Feed): Author | undefined {
  if (feed.author !== undefined && identityOf(feed.author) !== undefined) return feed.author
  const authors = feed.activities.flatMap(activity => (activity.actor === undefined ? [] : [activity.actor]))
  const ids = new Set(authors.map(author => identityOf(author)))
  return ids.size === 1 && !ids.has(undefined) ? authors[0] : feed.author
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

/**
 * Who owns a feed, and what may be believed of them (I7, D13, X14, X15). A feed that belongs to somebody known already stays theirs,
 * whoever points at it; only a feed that nobody vouched for may find its owner later.
 * @param topic the feed's address, by which it calls itself
 */
export async function decideOwner(tools: Tools, found: Found, feed: Feed, topic: string, trace: TraceStep[]): Promise<ActorFacts> {
  const facts = await judge(tools, found, feed, topic, trace)
  const subscription = await tools.subscriptions.findByTopic(topic)
  const holder = subscription?.actorId === undefined ? undefined : await tools.actors.find(subscription.actorId)
  const stays = holder !== undefined && holder.uri !== facts.uri && holder.uri !== topic
  return stays ? { uri: holder.uri, feedUrl: topic } : facts
}

/**
 * The author whom the feed names, if whoever was discovered speaks for that URI, or the URI's own host confirms that this is its
 * feed. A feed on the URI's own host is the author's too, but what was discovered elsewhere does not belong to them then.
 * Otherwise the feed speaks for itself alone, under its own address.
 */
async function judge(tools: Tools, found: Found, feed: Feed, topic: string, trace: TraceStep[]): Promise<ActorFacts> {
  const author = ownerOf(feed)
  const claimed = identityOf(author)
  const id = isName(claimed) ? claimed : undefined
  const told = {
    ...{ feedUrl: topic, trusted: found.trusted, names: [topic] },
    profile: profileOf(feed, author, found.profile === undefined ? undefined : { url: found.profile }),
    ...(feed.links.salmon === undefined ? {} : { salmonUrl: feed.links.salmon })
  }
  if (id === undefined) return { ...told, ...account(found, topic), uri: found.acct === undefined ? topic : `acct:${found.acct}` }
  const known = await tools.actors.findByUri(id)
  const free = known?.feedUrl === undefined || known.feedUrl === topic || known.feedUrl === found.feed
  if (free && speaksFor(found, topic, id)) return { ...told, ...account(found, topic), uri: id }
  const confirmed = isWebAddress(id) ? await confirmUri(tools, id) : undefined
  trace.push(...(confirmed?.trace ?? []))
  if (confirmed?.found === true && [topic, found.feed].includes(confirmed.feed)) return { ...told, ...account(confirmed, topic), uri: id }
  if (free && isNear(id, topic)) return { ...told, uri: id }
  trace.push({
    step: 'author',
    url: id,
    failed: 'the author named in the feed does not confirm it: the feed is kept under its own address'
  })
  const { url: _claimed, ...profile } = told.profile
  const page = feed.links.alternate
  const own = { ...told, profile: { ...profile, ...(page !== undefined && isNear(page, topic) ? { url: page } : {}) }, uri: topic }
  return found.acct !== undefined && isNear(`acct:${found.acct}`, topic) ? { ...own, ...account(found, topic) } : own
}

/** What discovery says of an account. Its keys count only when they came by a way that nobody could change (D11). */
function account({ acct, aliases, links, trusted }: Found, topic: string): Partial<ActorFacts> {
  return {
    ...{ trusted, names: [...aliases.map(alias => (/^[^/:]+@/.test(alias) ? `acct:${alias}` : alias)), topic] },
    ...(acct === undefined ? {} : { acct }),
    ...(links.salmon === undefined ? {} : { salmonUrl: links.salmon }),
    ...(links.keys.length > 0 && trusted ? { keys: links.keys } : {})
  }
}

/** Whether what was discovered has a say about a URI: it is of the host of one of its names. Without names the feed's host decides. */
function speaksFor({ acct, aliases }: Found, topic: string, id: string): boolean {
  const names = [...(acct === undefined ? [] : [`acct:${acct}`]), ...aliases]
  return (names.length > 0 ? names : [topic]).some(name => isNear(id, name))
}

/** One host. A name without a port stands for all of them: GNU social on an odd one leaves it out of its handles. */
const isNear = (id: string, name: string): boolean =>
  hostOfName(id) === hostOfName(name) || withoutPort(hostOfName(id)) === hostOfName(name)
