/** acct: or URL -> who that is, and where feed, Salmon endpoint and keys are (D1 to D13). */
import type { AccountLinks, Descriptor, Feed, TraceStep } from '../model/activity.ts'
import { BadMessage, type Failure, isFailure, Missing, Refused } from '../model/errors.ts'
import { type AccountHandle, readHandle, readSubject, writeAcct } from '../protocol/acct.ts'
import { expandTemplate, listsUri } from '../protocol/descriptor.ts'
import { readFeed } from '../protocol/feed-document.ts'
import { readLinks, type WebLink } from '../protocol/link.ts'
import { readMagicKey, writeMagicKey } from '../protocol/magic.ts'
import { LIMIT, REL, TYPE } from '../protocol/names.ts'
import { type FeedLink, feedLinks, type Page, readPage } from '../protocol/page.ts'
import type { HttpAnswer, Tools } from '../tools.ts'
import { askDescriptor, type Lookup, lookUp, makeSearch, NO_FEED, type Search, wasAsked } from './lookup.ts'

type Needs = Pick<Tools, 'http' | 'clock'>

/**
 * What a search brought. `acct` is user@host in lower case, confirmed by that very host; `aliases` are other names that mean the
 * same on both sides (D9): names that only the descriptor lists are hints and stay there.
 */
export type Found = {
  acct?: string
  aliases: string[]
  descriptor?: Descriptor
  links: AccountLinks
  /** URL of the feed, not fetched yet, unless the URL that was given is the feed itself: then its answer is `feedDocument`. */
  feed?: string
  feedDocument?: { answer: HttpAnswer; feed: Feed }
  profile?: string
  /** All feeds that the page names, the one that is taken first. */
  feeds?: FeedLink[]
  /** There is an ActivityPub actor and no feed: nothing that OStatus could follow. */
  activityPubOnly: boolean
  /** Every step was https, or inside ALLOW_ADDRESSES: only then may the keys be kept. */
  trusted: boolean
}

export type Discovery = ({ found: true; trace: TraceStep[] } & Found) | { found: false; error: Failure; trace: TraceStep[] }

const ACCEPT_PAGE = `${TYPE.html}, application/xhtml+xml, ${TYPE.atom};q=0.9, ${TYPE.rss};q=0.8, ${TYPE.jsonFeed};q=0.8, */*;q=0.1`
const MOST_KEYS = 4
/** Feeds of one page that are told. */
const MOST_FEEDS = 20

/**
 * Finds an account, or a page with a feed.
 * @param input `acct:user@host`, `user@host`, `@user@host` or an http(s) URL
 * @returns what was found, or the failure (BadMessage, Refused, Missing, Unreachable); with the steps in either case
 */
export const discover = (tools: Needs, input: string): Promise<Discovery> =>
  run(tools, async search => {
    const handle = readHandle(input)
    if (handle.kind === 'url') return findByUri(search, handle.url, page => findOnPage(search, page))
    return findAccount(search, handle)
  })

/**
 * Whom an author's URI belongs to (D13): found only when the document of the URI's own host, and the account that it names, both
 * say so. Only then do the keys speak for the URI.
 */
export const confirmUri = (tools: Needs, uri: string): Promise<Discovery> =>
  run(tools, async search => {
    const handle = readHandle(uri)
    if (handle.kind !== 'url') throw new BadMessage('The URI of an author is a web address.')
    return findByUri(search, handle.url, () => {
      throw search.failure()
    })
  })

/** `uri` is the web address that was given, if it was one. */
type Account = Lookup & { acct?: string; aliases: string[]; uri?: string }

async function run(tools: Needs, work: (search: Search) => Promise<Found>): Promise<Discovery> {
  const search = makeSearch(tools)
  try {
    return { found: true, ...(await work(search)), trace: search.trace }
  } catch (error) {
    if (!isFailure(error)) throw error
    return { found: false, error, trace: search.trace }
  }
}

async function findAccount(search: Search, asked: AccountHandle): Promise<Found> {
  const lookup = await lookUp(search, writeAcct(asked), asked.host)
  if (!lookup) throw search.failure()
  const claimed = claimedAccount(lookup.descriptor, asked)
  if (claimed.acct === asked.acct) return complete(search, { ...lookup, acct: asked.acct, aliases: [] })
  const own = await askClaimed(search, claimed, lookup)
  if (!own) throw new Refused(`${asked.host} says that the account is ${claimed.acct}, which ${claimed.host} does not confirm.`)
  return complete(search, { ...own, acct: claimed.acct, aliases: [asked.acct] })
}

/**
 * Asks the URI's own host, then the page itself (D2, D13); whoever answers must speak of that very URI.
 * @param otherwise what a page is good for that belongs to no account
 */
async function findByUri(search: Search, uri: string, otherwise: (page: Asked | undefined) => Found): Promise<Found> {
  const { host } = new URL(uri)
  const direct = await lookUp(search, uri, host)
  const account = direct && (await accountOfUri(search, uri, direct, host))
  if (account) return complete(search, account)
  const page = await askPage(search, uri)
  // a redirect that leads away from the host is not its word: many a site forwards to wherever it is told (X14)
  const there = page !== undefined && new URL(page.answer.url).host === host
  for (const { url, template, type } of there ? page.lrdd : []) {
    const address = url ?? expandTemplate(template!, uri)
    const lookup = wasAsked(search, address) ? undefined : await askDescriptor(search, 'LRDD of the page', address, type)
    const linked = lookup && (await accountOfUri(search, uri, { ...lookup, trusted: lookup.trusted && page!.answer.trusted }))
    if (linked) return complete(search, linked)
  }
  return otherwise(page)
}

/**
 * The account of a URI, when the descriptor speaks of that URI and the account's host agrees (D8, D13). An account that only an
 * alias names and nobody confirms is left out; one that is the subject makes the whole document worthless.
 * @param host the host of the URI, when the descriptor came from there by the host's own well-known ways
 */
async function accountOfUri(search: Search, uri: string, lookup: Lookup, host?: string): Promise<Account | undefined> {
  if (!(await speaksFor(search, lookup, uri))) return undefined
  const claimed = readSubject(lookup.descriptor.subject)
  const accounts = claimed?.kind === 'acct' ? [claimed] : aliasAccounts(lookup.descriptor)
  const account = accounts.find(alias => alias.host === new URL(uri).host) ?? accounts[0]
  const known = { uri, aliases: [uri] }
  if (!account) return { ...lookup, ...known }
  if (account.host === host) return { ...lookup, ...known, acct: account.acct }
  const own = await askClaimed(search, account, lookup)
  if (own && (await speaksFor(search, own, uri))) return { ...own, ...known, acct: account.acct }
  return claimed?.kind === 'acct' ? undefined : { ...lookup, ...known }
}

/** Asks a claimed account's own host, once. Its answer counts when it names that account and nothing in it disagrees. */
async function askClaimed(search: Search, claimed: AccountHandle, claim: Lookup): Promise<Lookup | undefined> {
  const own = await lookUp(search, writeAcct(claimed), claimed.host)
  const names = own ? [readSubject(own.descriptor.subject), ...aliasAccounts(own.descriptor)] : []
  const agreed = names.some(name => name?.kind === 'acct' && name.acct === claimed.acct) && isSameActor(claim.links, own!.links)
  search.trace.push({
    step: 'account',
    ...(agreed ? { found: claimed.acct } : { failed: `${claimed.host} does not confirm ${claimed.acct}.` })
  })
  return agreed ? { ...own!, trusted: own!.trusted && claim.trusted } : undefined
}

/** D8: GNU social gives back as subject what it was asked, or the URL, and names the account among the aliases. */
function claimedAccount(descriptor: Descriptor, asked: AccountHandle): AccountHandle {
  const subject = readSubject(descriptor.subject)
  if (subject?.kind === 'acct') return subject
  const here = aliasAccounts(descriptor).filter(alias => alias.host === asked.host)
  const only = here.length === 1 ? here[0] : undefined
  return only ?? asked
}

const aliasAccounts = (descriptor: Descriptor): AccountHandle[] =>
  descriptor.aliases.map(readSubject).filter((name): name is AccountHandle => name?.kind === 'acct')

/** The same feed or actor, and no other feed, actor or Salmon endpoint: a thief would name the true feed and his own endpoint (X14). */
function isSameActor(a: AccountLinks, b: AccountLinks): boolean {
  const both = (['feed', 'activityActor', 'salmon'] as const).filter(name => a[name] !== undefined && b[name] !== undefined)
  return both.every(name => a[name] === b[name]) && both.some(name => name !== 'salmon')
}

/** Whether a document speaks of a URI: it lists it, or its feed is by that author (D13). */
async function speaksFor(search: Search, { descriptor, links }: Lookup, uri: string): Promise<boolean> {
  if (listsUri(descriptor, uri)) return true
  if (links.feed === undefined) return false
  const feed = await search.ask('feed of the account', links.feed, { maxBytes: LIMIT.feedBytes, plainHttp: 'never' }, answer => {
    const feed = readFeed(answer.body, contentOf(answer))
    return [feed, feed.author?.ids[0] ?? 'no author']
  })
  return feed?.author?.ids.includes(uri) ?? false
}

/** Adds what the descriptor only points at: the feed that a page names (D10), and keys that have an address (D11). */
async function complete(search: Search, account: Account): Promise<Found> {
  const { descriptor, links, trusted, acct, aliases } = account
  const feed = links.feed ?? (await feedOfPage(search, account))
  if (feed === undefined && links.activityActor === undefined)
    throw new Missing(`${acct ?? 'That'} has neither a feed nor an actor.`, NO_FEED)
  const fetched = trusted ? await fetchKeys(search, links.keyUrls.slice(0, MOST_KEYS - links.keys.length)) : []
  return {
    ...(acct === undefined ? {} : { acct }),
    aliases: aliases.filter(alias => alias !== acct),
    descriptor,
    links: { ...links, keys: [...links.keys, ...fetched] },
    ...(feed === undefined ? {} : { feed }),
    ...(links.profile === undefined ? {} : { profile: links.profile }),
    activityPubOnly: feed === undefined,
    trusted
  }
}

/**
 * An account with an actor and no Atom is for ActivityPub: the RSS of its profile page would be a poorer way to follow. Who gives
 * the address of a page, however, gets the feed that the page shows, of whatever kind: many a blog has an actor beside its RSS.
 */
async function feedOfPage(search: Search, { links, uri }: Account): Promise<string | undefined> {
  const address = uri ?? links.profile
  const page = address === undefined ? undefined : await askPage(search, address)
  return page?.feeds.find(({ type }) => type === TYPE.atom || uri !== undefined || links.activityActor === undefined)?.url
}

async function fetchKeys(search: Search, urls: string[]): Promise<string[]> {
  const keys: string[] = []
  for (const url of urls) {
    const key = await search.ask('key', url, { maxBytes: 16_384, plainHttp: 'never' }, answer => {
      if (!answer.trusted) throw new Refused('A key is taken by https only.')
      return [writeMagicKey(readMagicKey(answer.body.toString('latin1'))), 'a key']
    })
    if (key !== undefined) keys.push(key)
  }
  return keys
}

/** `refused`: why what was meant as a feed is none. */
type Asked = { answer: HttpAnswer; lrdd: Page['lrdd']; feeds: Page['feeds']; links: WebLink[]; feed?: Feed; refused?: Failure }

/** GET, not HEAD, which servers answer as they like (D2). What Link headers say comes before what the page says. */
async function askPage(search: Search, url: string): Promise<Asked | undefined> {
  const asked = await search.ask<Asked>('page', url, { headers: { accept: ACCEPT_PAGE }, maxBytes: LIMIT.feedBytes }, answer => {
    const headers = readLinks(answer.headers.link, answer.url)
    const { feed, refused } = feedOf(answer)
    if (feed) return [{ answer, lrdd: [], feeds: [], links: headers, feed }, `the feed ${feed.title ?? ''}`.trim()]
    const page = readPage(answer.body, contentOf(answer))
    const lrdd = [...headers.filter(link => link.rel.includes(REL.lrdd)), ...page.lrdd]
    const feeds = feedLinks([...page.links, ...headers])
    const why = refused === undefined || feeds.length > 0 ? {} : { refused }
    return [{ answer, lrdd, feeds, links: [...headers, ...page.links], ...why }, `a page with ${feeds.length} feeds`]
  })
  if (asked?.refused !== undefined) {
    const line = search.trace.at(-1)!
    delete line.found
    line.failed = asked.refused.message
  }
  return asked
}

/** The answer as a feed, unless it is a page; or why it cannot be read, if it was meant as one. */
function feedOf(answer: HttpAnswer): Pick<Asked, 'feed' | 'refused'> {
  const type = answer.headers['content-type'] ?? ''
  const start = answer.body.toString('latin1', 0, 1024)
  const begins = /<(\w+:)?(feed|entry|rss|RDF)[\s>]/.test(start)
  if (/html/i.test(type) && !begins) return {}
  try {
    return { feed: readFeed(answer.body, contentOf(answer)) }
  } catch (error) {
    if (!isFailure(error)) throw error
    const meant = begins || (/[/+]xml|feed\+json/i.test(type) && !/<(!doctype\s+)?html/i.test(start))
    return meant ? { refused: error } : {}
  }
}

/** A URL that belongs to no account may still be a feed, or a page with one (D2, step 5): most blogs are. */
function findOnPage(search: Search, asked: Asked | undefined): Found {
  if (!asked) throw search.failure()
  const { answer, feed: document, links } = asked
  const feed = document ? answer.url : asked.feeds[0]?.url
  const actor = links.find(({ rel, type = '' }) => rel.includes('alternate') && /^application\/(activity|ld)\+json/.test(type))?.url
  if (feed === undefined && actor === undefined) throw asked.refused ?? search.failure()
  const profile = document ? document.links.alternate : answer.url
  return {
    aliases: [],
    links: { keys: [], keyUrls: [], ...(actor === undefined ? {} : { activityActor: actor }) },
    ...(feed === undefined ? {} : { feed }),
    ...(document ? { feedDocument: { answer, feed: document } } : { feeds: asked.feeds.slice(0, MOST_FEEDS) }),
    ...(profile === undefined ? {} : { profile }),
    activityPubOnly: feed === undefined,
    trusted: answer.trusted
  }
}

const contentOf = ({ url, headers }: HttpAnswer): { url: string; contentType?: string } =>
  headers['content-type'] === undefined ? { url } : { url, contentType: headers['content-type'] }
