/**
 * What somebody passes on that another did (X9). The signature inside the document, if there is one, is never believed: only what the
 * origin of the thing itself says counts, and it is asked only because somebody known passed it on.
 */
import { BadMessage, Missing, Refused } from '../model/errors.ts'
import type { Actor } from '../model/kept.ts'
import type { Claim } from '../protocol/http-signature.ts'
import type { Json, JsonObject } from '../protocol/json-ld.ts'
import type { Tools } from '../tools.ts'
import type { Bounds } from './bounds.ts'
import { fetchDocument, isOfOne, keepActor, meetActor } from './fetch-actor.ts'
import { hostOfName, makeSender, type Received } from './identity.ts'
import { findConcern } from './inbox-concern.ts'
import { type Question, questionOf } from './inbox-question.ts'
import type { Signers } from './inbox-signer.ts'
import { isBlocked } from './inbox-take.ts'
import { receive } from './receive.ts'
import { readFetched, takeNote } from './take-note.ts'

const IGNORED: Received = { outcome: 'ignored' }
/** How many posts are fetched because of one that was passed on. */
const FETCHES = 3

export type Relays = ReturnType<typeof makeRelays>

export function makeRelays(tools: Tools, bounds: Bounds, { proves }: Signers) {
  const { actors, clock, history, transaction } = tools

  /** Whoever is known under the name of a key, if it is that key's signature. Nobody is asked for here. */
  async function findRelay(claims: Claim[]): Promise<Actor | undefined> {
    for (const claim of claims) {
      const relay = await actors.findByName(claim.keyId.replace(/#.*$|\/main-key$/, ''))
      const fits = relay !== undefined && relay.removedAt === undefined && proves([claim], relay.signingKeys, relay.uri) !== undefined
      if (fits && !(await isBlocked(tools, relay.uri, relay))) return relay
    }
    return undefined
  }

  async function askNote(id: string, known: boolean): Promise<Received> {
    if (known) return IGNORED
    const { document } = await fetchDocument(tools, id)
    const fetched = readFetched(document)
    if (fetched === undefined) return IGNORED
    // what was passed on may have told that it answers us; what its author wrote counts
    const asTold = questionOf(asCreate(document, fetched.author))
    const concern = await findConcern(tools, asTold, await actors.findByName(fetched.author))
    return concern === undefined ? IGNORED : takeNote(tools, fetched, FETCHES)
  }

  /** It dies if its own host says that it is no more. */
  async function askWhetherGone(id: string, author: Actor): Promise<Received> {
    if ((await history.findByUri(id, author.id)) === undefined) return IGNORED
    try {
      await fetchDocument(tools, id)
      return IGNORED
    } catch (error) {
      if (!(error instanceof Missing)) throw error
    }
    const activity = { id, verb: 'delete' as const, authors: 0, object: { type: 'nothing' as const } }
    return transaction(stores => receive(stores, activity, makeSender(author, [], { via: 'fetch' }), clock()))
  }

  async function askShare({ activity, actor }: Question, known: Actor | undefined): Promise<Received> {
    const told = questionOf((await fetchDocument(tools, activity.id)).document)
    if (told.activity.verb !== 'share' || told.actor !== actor || (await findConcern(tools, told, known)) === undefined) return IGNORED
    const met = known === undefined ? await meetActor(tools, actor) : undefined
    return transaction(async stores => {
      const sharer = met === undefined ? known! : await keepActor(stores, met.document, clock(), met.acct)
      const sender = makeSender(sharer, await stores.actors.namesOf(sharer.id), { via: 'fetch' })
      return receive(stores, told.activity, sender, clock())
    })
  }

  /**
   * @param known whoever is known under the name of the actor
   * @throws Refused 401 unless somebody known signed it, and it is a post, an edit, a share or a delete of something that can be asked for
   */
  return async function takeRelayed(question: Question, claims: Claim[], from: string, known: Actor | undefined): Promise<Received> {
    const { activity, actor } = question
    const { object, verb } = activity
    const id = verb === 'share' ? activity.id : object.type === 'post' ? object.post.id : undefined
    const askable = ['post', 'update', 'share', 'delete'].includes(verb) && id !== undefined && isOfOne(id, actor)
    if (!askable || (await findRelay(claims)) === undefined) throw notTheActor()
    if ((await findConcern(tools, question, known)) === undefined) return IGNORED
    await bounds.spend(from, hostOfName(id))
    try {
      if (verb === 'share') return await askShare(question, known)
      return verb === 'delete'
        ? await askWhetherGone(id, known!)
        : await askNote(id, verb === 'post' && (await history.findByUri(id)) !== undefined)
    } catch (error) {
      const isNothing = error instanceof Missing || error instanceof BadMessage || (error instanceof Refused && error.status !== 429)
      if (!isNothing) throw error
      return IGNORED
    }
  }
}

/** A note as its author would have told it to an inbox. */
const asCreate = (note: JsonObject, author: string): JsonObject =>
  new Map<string, Json>([
    ['type', 'Create'],
    ['actor', author],
    ['object', note]
  ])

const notTheActor = (): Refused => new Refused('The request is not signed by its actor.', { status: 401, code: 'signature' })
