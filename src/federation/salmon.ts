/** An envelope in: opened, its signer found and held against what it says, then through the one door (protocols.md M4, M10, M13 to M16). */
import type { Activity, Author, Verb } from '../model/activity.ts'
import { BadMessage, Refused } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import { authorsAgree } from '../protocol/atom-author.ts'
import { type Proof, readEnvelope, readPayload, readUnverified, verifyEnvelope } from '../protocol/magic-envelope.ts'
import type { Stores, Tools } from '../tools.ts'
import { findAccount } from './accounts.ts'
import { askTogether } from './ask-together.ts'
import { hostOfName, isHostBlocked, isOwn, makeSender, type Received } from './identity.ts'
import { makePeople, type Signer } from './people.ts'
import { receive } from './receive.ts'
import { concerns } from './receive-concern.ts'

import { isSociable, makeTogether } from './receive-together.ts'
import { noting } from './refusals.ts'

/** What was posted. `from`: the address of whoever posted it. */
export type Slap = { body: Buffer; contentType?: string; from: string }

const HOUR = 60 * 60_000
const OLDEST = 7 * 24 * HOUR
/** What a signature that proves little may still do (M7). */
const HARMLESS: readonly Verb[] = ['post', 'favourite']

export type ReceiveEnvelope = ReturnType<typeof makeSalmon>

/** The Salmon endpoints of our accounts, in this process. */
export function makeSalmon(given: Tools) {
  const tools = askTogether(given)
  const { clock, config, log, transaction } = tools
  const people = makePeople(tools)
  const together = makeTogether(tools)

  /**
   * Whether anything could come of what a stranger says: else no key is asked for (X30). A server tells all the world when somebody
   * leaves: of whom we know nothing there is nothing to delete (X31).
   */
  const mayConcern = async (activity: Activity, account: Account): Promise<boolean> =>
    activity.verb !== 'delete' && concerns(tools, activity, account, undefined)

  async function receiveEnvelope(name: string, { body, contentType, from }: Slap, tell: (who: string) => void): Promise<Received> {
    const account = await findAccount(tools, name)
    const envelope = readEnvelope(body, contentType)
    const activity = readPayload(readUnverified(envelope))
    const author = activity.actor!
    tell(author.ids[0] ?? '')
    if (!authorsAgree(author)) throw disagree()
    // before anybody is asked for a key
    if (await isHostBlocked(tools, author.ids)) throw blocked()
    const now = clock()
    checkFresh(activity, now)
    const ignore = (): Received => {
      log.info({ account: name, author: author.ids[0], verb: activity.verb, outcome: 'ignored' }, 'salmon')
      return { outcome: 'ignored' }
    }
    const known = await people.findKnown(author)
    if (known === undefined && !(await mayConcern(activity, account))) return ignore()
    const check = (keys: Parameters<typeof verifyEnvelope>[1]) => verifyEnvelope(envelope, keys, { legacy: config.salmonLegacy })
    const signer = await people.findSigner(author, known, from, check)
    await checkNames(tools, author, signer)
    checkStrength(activity, signer.proof)
    if (known !== undefined && !(await concerns(tools, activity, account, signer.actor))) return ignore()
    if (signer.actor?.blockedAt !== undefined || (await isHostBlocked(tools, [signer.facts.uri, ...signer.names]))) throw blocked()
    const work = (stores: Stores) => take(stores, activity, signer, account, now)
    const { actor } = signer
    const received = await (actor && isSociable(activity) ? together(actor.id, work) : transaction(work))
    log.info({ account: name, author: author.ids[0], verb: activity.verb, outcome: received.outcome }, 'salmon')
    return received
  }

  /**
   * Takes an envelope that was posted to an account. Whatever is genuine is taken, though nothing may come of it.
   * @throws Missing for no such account; BadMessage 400, 413, 415; Refused 401 for a wrong signature or no key, 403 for what is too
   * old, from the future or from somebody blocked, 429; Unreachable 503 when the key must be asked for later
   */
  return (name: string, slap: Slap): Promise<Received> =>
    noting(tools, { way: 'salmon', path: `/users/${name}/salmon`, from: slap.from }, tell => receiveEnvelope(name, slap, tell))
}

const blocked = (): Refused => new Refused('The author is blocked here.', { code: 'blocked' })
const disagree = (): Refused => new Refused('The names of the author are not of one person.', { status: 401, code: 'author' })

/** A captured envelope is good for a week, and no clock is wrong by more than an hour (M16). */
function checkFresh({ published, updated }: Activity, now: Date): void {
  const told = updated ?? published
  if (told === undefined) throw new BadMessage('A signed entry must tell its date.')
  const age = now.getTime() - told.getTime()
  if (age > OLDEST || age < -HOUR) throw new Refused('The entry is too old, or is dated in the future.', { code: 'stale' })
}

/** Old servers sign with 512 bits, or nothing but the data: with SALMON_LEGACY they may speak, and no more (M7). */
function checkStrength({ verb }: Activity, { bits, variant }: Proof): void {
  const weak = bits < 1024 || variant === 'e'
  if (weak && !HARMLESS.includes(verb)) throw new Refused('A signature of this kind is too weak for that.', { code: 'weak' })
}

/**
 * M14, X16: the author must be the signer under all his names, before anything is kept of either. A name of his own host that nobody
 * confirmed passes, but not another handle beside his, nor the name of somebody who has a key of their own.
 */
async function checkNames({ actors }: Pick<Stores, 'actors'>, author: Author, { actor, facts, names }: Signer<Proof>): Promise<void> {
  const own = new Set([facts.uri, ...names])
  if (!isOwn(author, { names: own, hosts: new Set([...own].map(hostOfName)) })) throw disagree()
  const handles = new Set([...own].filter(isHandle).map(hostOfName))
  const keys = facts.keys ?? actor?.keys ?? []
  for (const name of author.ids.filter(id => !own.has(id))) {
    const other = await actors.findByName(name)
    const foreign = other !== undefined && other.keys.length > 0 && !other.keys.some(key => keys.includes(key))
    if (foreign || (isHandle(name) && handles.has(hostOfName(name)))) throw disagree()
  }
}

const isHandle = (name: string): boolean => name.startsWith('acct:')

/** Whoever is heard of for the first time is known from now on, together with what he said. */
async function take(stores: Stores, activity: Activity, signer: Signer<Proof>, account: Account, now: Date): Promise<Received> {
  const { actor: known, facts, names } = signer
  const author = activity.actor!
  const fetched = facts.keys !== undefined
  const actor = fetched || known === undefined ? await stores.actors.keep(known ? facts : { ...facts, profile: author }, now) : known
  // what tells no more than a name is no description (X7)
  const described = author.bio !== undefined || author.avatar !== undefined
  if (described) await stores.actors.refresh(actor.id, author, activity.updated ?? activity.published ?? now)
  return receive(stores, activity, makeSender(actor, names, { via: 'salmon', account }), now)
}
