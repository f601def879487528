/** Who signed what came to an inbox: known keys first, and nobody is asked more often than bounds allow (X8, X24, X26, X31). */
import type { KeyObject } from 'node:crypto'
import { type Failure, isFailure, Missing, Refused, Unreachable } from '../model/errors.ts'
import type { SigningKey } from '../model/kept.ts'
import type { ActorDocument } from '../protocol/actor-document.ts'
import { type Claim, verifySignature } from '../protocol/http-signature.ts'
import type { Tools } from '../tools.ts'
import type { Bounds } from './bounds.ts'
import { fetchActor, readSigningKey } from './fetch-actor.ts'
import { hostOfName } from './identity.ts'

/** Somebody is asked for once in this time, milliseconds, whatever is signed wrongly in their name. */
const PAUSE = 60_000
/** Whose key was asked for so lately has not changed it since. */
const JUST_NOW = 10_000
const GONE_MS = 60 * 60_000
const MOST_KEYS = 10_000
const MOST_LOOKS = 5_000
const MOST_GONE = 20_000

type Look = { at: number; found: Promise<ActorDocument> }
type Key = Pick<SigningKey, 'id' | 'pem'>

export type Signers = ReturnType<typeof makeSigners>

/** What this process remembers of those who sign. @param bounds of all that strangers make us fetch */
export function makeSigners(tools: Tools, bounds: Bounds) {
  const { clock } = tools
  const looks = makeMemory<Look>(MOST_LOOKS)
  const gone = makeMemory<number>(MOST_GONE)
  const keyOf = makeKeyCache()

  /** The claim that one of the keys made. PeerTube names its actor where others name a key. */
  const proves = (claims: Claim[], keys: Key[], actor: string): Claim | undefined =>
    claims.find(claim =>
      keys.some(({ id, pem }) => {
        const key = claim.keyId === id || claim.keyId === actor ? keyOf(pem) : undefined
        return key !== undefined && verifySignature(claim, key)
      })
    )

  const isGone = (actor: string): boolean => (gone.get(actor) ?? 0) > clock().getTime()

  async function search(actor: string, source: string): Promise<ActorDocument> {
    try {
      const document = await fetchActor(tools, actor)
      if (document.id !== actor) throw unsigned('The actor is known by another id.')
      return document
    } catch (error) {
      if (error instanceof Missing) gone.set(actor, clock().getTime() + GONE_MS)
      await bounds.blame(source)
      throw error
    }
  }

  /** The actor's document as it is now, once for all who ask within a minute, whether or not it was there. */
  function lookUp(actor: string, source: string): Look {
    const now = clock().getTime()
    const earlier = looks.get(actor)
    if (earlier !== undefined && now - earlier.at < PAUSE) return earlier
    const spent = bounds.spend(source, hostOfName(actor))
    const look = { at: now, found: spent.then(() => search(actor, source)) }
    looks.set(actor, look)
    // who may not ask has not asked
    spent.catch(() => looks.get(actor) === look && looks.delete(actor))
    look.found.catch(() => undefined)
    return look
  }

  /**
   * What the actor's own host tells of them, if a key in it made one of the claims.
   * @param source the address from which the request came
   * @throws Refused 401 when it is not theirs, or nobody can tell; 429; Unreachable 503 when it must be tried again later
   */
  async function findSigner(actor: string, claims: Claim[], source: string): Promise<{ document: ActorDocument; claim: Claim }> {
    if (isGone(actor)) throw unsigned('The actor is gone.')
    const { at, found } = lookUp(actor, source)
    const document = await found.catch(error => {
      throw keyless(error)
    })
    const claim = proves(claims, document.keys, actor)
    if (claim === undefined) throw misfit(clock().getTime() - at)
    return { document, claim }
  }

  return { findSigner, proves }
}

/** Why there is no key. Of our own bounds, and of a host that is down, the sender hears that it may try again. */
function keyless(error: unknown): unknown {
  if (error instanceof Unreachable)
    return new Unreachable('The actor’s key cannot be asked for now.', { status: 503, retryAfter: 300, cause: error })
  return isFailure(error) && error.status !== 429 ? unsigned(`The actor’s key was not found: ${error.message}`, error) : error
}

/** A signature does not fit. That is final only if the key cannot have changed since it was asked for. */
function misfit(age: number): Failure {
  if (age <= JUST_NOW) return unsigned('The signature is not the actor’s.')
  const retryAfter = Math.max(1, Math.ceil((PAUSE - age) / 1000))
  return new Unreachable('The actor’s key cannot be asked for again yet.', { status: 503, retryAfter })
}

const unsigned = (sentence: string, cause?: unknown): Refused =>
  new Refused(sentence, { status: 401, code: 'signature', ...(cause === undefined ? {} : { cause }) })

/** The newest of what was remembered. */
function makeMemory<T>(most: number) {
  const kept = new Map<string, T>()
  return {
    get: (name: string): T | undefined => kept.get(name),
    delete: (name: string): boolean => kept.delete(name),
    set(name: string, value: T): void {
      kept.delete(name)
      kept.set(name, value)
      if (kept.size > most) kept.delete(kept.keys().next().value!)
    }
  }
}

/** Importing a key takes about as long as verifying with it. */
function makeKeyCache() {
  const cache = makeMemory<KeyObject | undefined>(MOST_KEYS)
  return (pem: string): KeyObject | undefined => {
    const key = cache.get(pem) ?? readSigningKey(pem)
    if (key !== undefined) cache.set(pem, key)
    return key
  }
}

const REPLAY_MS = 65 * 60_000
const MOST_REPLAYS = 50_000

/** The signatures of this process within the time in which they count: none does anything twice (X12). */
export function makeReplays(clock: () => Date) {
  let [young, old] = [new Set<string>(), new Set<string>()]
  let turned = clock().getTime()
  const nameOf = ({ keyId, signature }: Claim) => `${keyId} ${signature.toString('base64')}`
  return {
    has(claim: Claim): boolean {
      const name = nameOf(claim)
      return young.has(name) || old.has(name)
    },
    add(claim: Claim): void {
      const now = clock().getTime()
      if (now - turned > REPLAY_MS || young.size >= MOST_REPLAYS) [young, old, turned] = [new Set(), young, now]
      young.add(nameOf(claim))
    },
    /** It came to nothing through no fault of the sender, who may try the same again. */
    remove: (claim: Claim): boolean => young.delete(nameOf(claim)) || old.delete(nameOf(claim))
  }
}
