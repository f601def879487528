/** Who an author is: the keys that speak for him, kept where they are hot, asked for when they are missing or may have changed (D13, M4, M14). */
import type { KeyObject } from 'node:crypto'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Author } from '../model/activity.ts'
import { Refused, Unreachable } from '../model/errors.ts'
import type { Actor } from '../model/kept.ts'
import { identityOf } from '../protocol/atom-author.ts'
import { keyObject } from '../protocol/magic.ts'
import type { ActorFacts, Tools } from '../tools.ts'
import { makeFinder } from './batch.ts'
import { confirmUri, type Discovery } from './discover.ts'
import { hostOfName, isAt, withoutPort } from './identity.ts'

type Found = Extract<Discovery, { found: true }>

/** Who signed. `facts` are to be kept when what he signed is taken: they were fetched for it. */
export type Signer<Proof> = { actor?: Actor; facts: ActorFacts; names: string[]; proof: Proof }

/** Whether one of the keys signed, and how. */
type Check<Proof> = (keys: KeyObject[]) => Proof | undefined

const REFRESH_PAUSE = 5 * 60_000
const RETRY_SECONDS = 300
const MOST_KEYS = 10_000
const MOST_SEARCHES = 1000
const MOST_AT_ONCE = 100

export type People = ReturnType<typeof makePeople>

/** What this process remembers of people: keys ready to verify with, and who was looked up for whom. */
export function makePeople(tools: Tools) {
  const { actors, clock } = tools
  const find = makeFinder(MOST_AT_ONCE, names => actors.findByNames(names))
  const keyObjects = makeKeyCache()
  const mayLookUp = makeBounds()
  const searches = new Map<string, { found: Promise<Found>; at: number }>()

  /**
   * Looks a URI up, once for all who ask at the same time. What was found of somebody of whom nothing was kept is good for a while.
   * @throws Refused 401, 429; Unreachable 503
   */
  async function lookUp(uri: string, source: string, isKnown: boolean): Promise<Found> {
    if (!/^https?:\/\//.test(uri)) throw unsigned('The author has no address at which a key could be found.')
    const now = clock().getTime()
    const earlier = searches.get(uri)
    if (earlier !== undefined && !isKnown && now - earlier.at < REFRESH_PAUSE) return earlier.found
    const found = mayLookUp(source, hostOfName(uri))
      .then(() => confirmUri(tools, uri))
      .then(trusted)
    searches.delete(uri)
    searches.set(uri, { found, at: now })
    if (searches.size > MOST_SEARCHES) searches.delete(searches.keys().next().value!)
    return found.catch(error => {
      searches.delete(uri)
      throw error
    })
  }

  /**
   * The person whom an author names, if it is he who signed. Known keys come first; they are asked for again when they do not
   * fit, at most once in five minutes, and only by a way on which nobody could change them.
   * @param source the address from which the request came @param check verifies with the keys that it is given
   * @throws Refused 401 when it is not, or nobody can tell; 429 when too much was looked up; Unreachable 503 when it must be tried later
   */
  async function findSigner<Proof>(author: Author, source: string, check: Check<Proof>): Promise<Signer<Proof>> {
    const name = identityOf(author)
    if (name === undefined) throw unsigned('The author has no name.')
    const { actor, names } = (await find(name)) ?? { actor: undefined, names: [] }
    if (actor !== undefined && actor.keys.length > 0) {
      const proof = check(keyObjects(actor.keys))
      if (proof !== undefined && actor.removedAt === undefined) return { actor, facts: { uri: actor.uri }, names, proof }
      const fixed = actor.localName !== undefined || actor.blockedAt !== undefined
      if (fixed || !(await actors.claimKeys(actor.id, clock(), REFRESH_PAUSE))) throw unsigned('The signature is not the author’s.')
    }
    const uri = actor?.uri ?? name
    const found = await lookUp(uri, source, actor !== undefined)
    const proof = check(keyObjects(found.links.keys))
    if (proof === undefined) throw unsigned('The signature is not the author’s.')
    const facts = factsOf(uri, found, actor)
    return {
      ...(actor ? { actor } : {}),
      facts,
      proof,
      names: [...names, ...(facts.names ?? []), ...(facts.acct ? [`acct:${facts.acct}`] : [])]
    }
  }

  /** Whether anything is kept of whom an author names. */
  async function isKnown(author: Author): Promise<boolean> {
    const name = identityOf(author)
    return name !== undefined && (await find(name)) !== undefined
  }

  return { findSigner, isKnown }
}

const unsigned = (sentence: string): Refused => new Refused(sentence, { status: 401, code: 'signature' })

/**
 * A feed that is known stays, and one at another host is not taken from a descriptor alone: whoever named somebody's feed would have
 * a say about ids of that host (I10, X14). Keys came by https, or from a listed address.
 */
function factsOf(uri: string, { acct, aliases, feed, links }: Found, known: Actor | undefined): ActorFacts {
  const near = feed !== undefined && isAt(feed, { uri, ...(acct === undefined ? {} : { acct }) })
  return {
    ...{ uri, keys: links.keys, trusted: true, names: aliases.map(alias => (/^[^/:]+@/.test(alias) ? `acct:${alias}` : alias)) },
    ...(acct === undefined ? {} : { acct }),
    ...(links.salmon === undefined ? {} : { salmonUrl: links.salmon }),
    ...(near && known?.feedUrl === undefined ? { feedUrl: feed } : {})
  }
}

/** @throws Unreachable 503 when whoever knows does not answer now; Refused 401 when there is no key that may be believed */
function trusted(discovery: Discovery): Found {
  if (discovery.found && discovery.trusted && discovery.links.keys.length > 0) return discovery
  const busy = discovery.trace.some(({ status }) => status !== undefined && (status >= 500 || status === 429))
  if (!discovery.found && (busy || discovery.error instanceof Unreachable)) {
    throw new Unreachable('The author’s key cannot be asked for now.', { status: 503, retryAfter: RETRY_SECONDS, cause: discovery.error })
  }
  throw unsigned(
    discovery.found && !discovery.trusted ? 'The author’s key can be had by plain http only.' : 'The author’s key was not found.'
  )
}

/** Importing a key takes about as long as verifying with it: the newest ten thousand are kept. */
function makeKeyCache() {
  const cache = new Map<string, KeyObject>()
  const read = (text: string): KeyObject => {
    const key = cache.get(text) ?? keyObject(text)
    cache.delete(text)
    cache.set(text, key)
    if (cache.size > MOST_KEYS) cache.delete(cache.keys().next().value!)
    return key
  }
  return (texts: string[]): KeyObject[] => texts.map(read)
}

/**
 * Whoever sends us an envelope makes us ask others, a minute: for ten authors for an address, five of one host, twenty of one domain,
 * whatever its ports and sub-domains are (M10, X24, X30).
 */
function makeBounds(): (source: string, host: string) => Promise<void> {
  const [sources, hosts, domains] = [10, 5, 20].map(points => new RateLimiterMemory({ points, duration: 60 })) as Limiters
  return async (source, host) => {
    await take(sources, networkOf(source))
    await take(hosts, host)
    await take(domains, domainOf(host))
  }
}

type Limiters = [sources: RateLimiterMemory, hosts: RateLimiterMemory, domains: RateLimiterMemory]

/** Whoever has one address of IPv6 has all of its /64 (RFC 4291 2.5.1). */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address
  const [head, tail] = address.split('::').map(half => half.split(':').filter(group => group !== ''))
  const zeros = Array<string>(Math.max(0, 8 - head!.length - (tail?.length ?? 0))).fill('0')
  return [...head!, ...zeros, ...(tail ?? [])].slice(0, 4).join(':')
}

/** The last two labels: a registered domain, or a suffix under which many are, of which strangers are looked up rarely enough. */
function domainOf(host: string): string {
  const name = withoutPort(host)
  return /^[\d.]+$|\]$/.test(name) ? host : name.split('.').slice(-2).join('.')
}

async function take(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (full) {
    const { msBeforeNext } = full as { msBeforeNext?: number }
    if (msBeforeNext === undefined) throw full
    const retryAfter = Math.ceil(msBeforeNext / 1000)
    throw new Refused('Too many unknown authors were asked for.', { status: 429, code: 'too_many', retryAfter })
  }
}
