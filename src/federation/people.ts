/** Who an author is: the keys that speak for him, kept where they are hot, asked for when they are missing or may have changed (D13, M4, M14). */
import type { KeyObject } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Author } from '../model/activity.ts'
import { type Failure, Refused, Unreachable } from '../model/errors.ts'
import type { Actor } from '../model/kept.ts'
import { identityOf } from '../protocol/atom-author.ts'
import { keyObject } from '../protocol/magic.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import type { ActorFacts, Tools } from '../tools.ts'
import { type Bounds, makeBounds } from './bounds.ts'
import { confirmUri, type Discovery } from './discover.ts'
import { hostOfName, isAt } from './identity.ts'

type Found = Extract<Discovery, { found: true }>

/** Who signed. `facts` are to be kept when what he signed is taken: they were fetched for it. */
export type Signer<Proof> = { actor?: Actor; facts: ActorFacts; names: string[]; proof: Proof }

/** Somebody of whom something is kept, with all names. */
export type Known = { actor: Actor; names: string[] }

/** Whether one of the keys signed, and how. */
type Check<Proof> = (keys: KeyObject[]) => Proof | undefined

/** A key is asked for once in this time, milliseconds, whatever is signed wrongly in its owner's name. */
const PAUSE = 60_000
/** Whose key was asked for so lately has not changed it since. */
const JUST_NOW = 10_000
const RETRY_SECONDS = 300
const MOST_KEYS = 10_000
const MOST_SEARCHES = 1000

export type People = ReturnType<typeof makePeople>

/** What this process remembers of people: keys ready to verify with, and who was looked up for whom. */
export function makePeople(tools: Tools) {
  const { actors, clock, transaction } = tools
  const keyObjects = makeKeyCache()
  const bounds = makeBounds()
  const searches = new Map<string, { found: Promise<Found>; at: number }>()
  const refreshes = new Map<string, Promise<Actor>>()

  /** @throws Refused 401; Unreachable 503 */
  async function search(uri: string, source: string): Promise<Found> {
    try {
      return trusted(await confirmUri(tools, uri))
    } catch (error) {
      await bounds.blame(source)
      throw error
    }
  }

  /** What is found of somebody of whom nothing is kept, once for all who ask in a minute. */
  function lookUp(uri: string, source: string): { found: Promise<Found>; at: number } {
    const now = clock().getTime()
    const earlier = searches.get(uri)
    if (earlier !== undefined && now - earlier.at < PAUSE) return earlier
    const begun = { found: spend(bounds, uri, source).then(() => search(uri, source)), at: now }
    searches.delete(uri)
    searches.set(uri, begun)
    if (searches.size > MOST_SEARCHES) searches.delete(searches.keys().next().value!)
    begun.found.then(
      () => {
        begun.at = clock().getTime()
      },
      // of what failed nothing is remembered
      () => searches.get(uri) === begun && searches.delete(uri)
    )
    return begun
  }

  /** Somebody with the keys that their host tells now, unless it was asked within a minute. What it tells is kept, whoever made us ask. */
  async function refresh(actor: Actor, source: string): Promise<Actor> {
    const now = clock()
    if (now.getTime() - (actor.keysAskedAt?.getTime() ?? 0) < PAUSE) return actor
    await spend(bounds, actor.uri, source)
    if (!(await actors.claimKeys(actor.id, now, PAUSE))) return (await actors.find(actor.id)) ?? actor
    try {
      const found = await search(actor.uri, source)
      const isSame = isDeepStrictEqual(found.links.keys, actor.keys)
      const fresh = isSame ? actor : await transaction(stores => stores.actors.keep(factsOf(actor.uri, found, actor), clock()))
      return { ...fresh, keysAskedAt: clock() }
    } catch (error) {
      // nobody answered: that is no reason to refuse anybody, nor to wait
      if (error instanceof Unreachable) await actors.releaseKeys(actor.id)
      throw error
    }
  }

  /** The same, once for all who ask at the same time. */
  function refreshOnce(actor: Actor, source: string): Promise<Actor> {
    const begun = refreshes.get(actor.id) ?? refresh(actor, source).finally(() => refreshes.delete(actor.id))
    refreshes.set(actor.id, begun)
    return begun
  }

  /** Why a signature is refused that does not fit. For good only if the key cannot have changed since it was asked for. */
  async function misfit(askedAt: number, source: string): Promise<Failure> {
    const age = clock().getTime() - askedAt
    if (age > JUST_NOW) {
      const retryAfter = Math.max(1, Math.ceil((PAUSE - age) / 1000))
      return new Unreachable('The author’s key cannot be asked for again yet.', { status: 503, retryAfter })
    }
    await bounds.blame(source)
    return unsigned('The signature is not the author’s.')
  }

  async function signerKnown<Proof>({ actor, names }: Known, source: string, check: Check<Proof>): Promise<Signer<Proof>> {
    const facts = { uri: actor.uri }
    const proof = check(keyObjects(actor.keys))
    if (proof !== undefined && actor.removedAt === undefined) return { actor, facts, names, proof }
    if (actor.localName !== undefined || actor.blockedAt !== undefined) throw unsigned('The signature is not the author’s.')
    const fresh = await refreshOnce(actor, source)
    const anew = check(keyObjects(fresh.keys))
    if (anew === undefined) throw await misfit(fresh.keysAskedAt?.getTime() ?? 0, source)
    return { actor: fresh, facts, names: await actors.namesOf(actor.id), proof: anew }
  }

  async function signerUnknown<Proof>(uri: string, source: string, check: Check<Proof>): Promise<Signer<Proof>> {
    const asked = lookUp(uri, source)
    const told = await asked.found
    const proof = check(keyObjects(told.links.keys))
    if (proof === undefined) throw await misfit(asked.at, source)
    const facts = factsOf(uri, told, undefined)
    return { facts, proof, names: [...(facts.names ?? []), ...(facts.acct ? [`acct:${facts.acct}`] : [])] }
  }

  /** Whoever is known under the name of an author. */
  async function findKnown(author: Author): Promise<Known | undefined> {
    const name = identityOf(author)
    return name === undefined ? undefined : (await actors.findByNames([name])).get(name)
  }

  /**
   * The person whom an author names, if it is he who signed. Known keys come first; they are asked for again when they do not
   * fit, at most once a minute, and only by a way on which nobody could change them.
   * @param known what `findKnown` gave for him
   * @param source the address from which the request came @param check verifies with the keys that it is given
   * @throws Refused 401 when it is not, or nobody can tell; 429 when too much was looked up; Unreachable 503 when it must be tried later
   */
  async function findSigner<Proof>(author: Author, known: Known | undefined, source: string, check: Check<Proof>): Promise<Signer<Proof>> {
    if (known !== undefined) return signerKnown(known, source, check)
    const name = identityOf(author)
    if (name === undefined) throw unsigned('The author has no name.')
    return signerUnknown(name, source, check)
  }

  return { findKnown, findSigner }
}

/** @throws Refused 401 for a name that nobody could be asked about; 429 */
async function spend(bounds: Bounds, uri: string, source: string): Promise<void> {
  if (!isWebAddress(uri)) throw unsigned('The author has no address at which a key could be found.')
  await bounds.spend(source, hostOfName(uri))
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
