/** ActivityPub in: who signed is held against who is said to act, before anything is fetched; then through the one door (X3 to X12). */
import { type Failure, isFailure, Missing, Refused } from '../model/errors.ts'
import type { Actor } from '../model/kept.ts'
import type { ActorDocument } from '../protocol/actor-document.ts'
import { type Claim, checkClaim, type HttpMessage, readUnverifiedSignatures } from '../protocol/http-signature.ts'
import type { Stores, Tools } from '../tools.ts'
import { findAccount } from './accounts.ts'
import { askTogether } from './ask-together.ts'
import { makeBounds } from './bounds.ts'
import { noteAtInbox } from './echo.ts'
import { confirmHandle, isOfOne } from './fetch-actor.ts'
import type { Received } from './identity.ts'
import { completeAnswered, findConcern } from './inbox-concern.ts'
import { checkObject, type Question, readQuestion } from './inbox-question.ts'
import { makeRelays } from './inbox-relay.ts'
import { makeReplays, makeSigners } from './inbox-signer.ts'
import { fetchWhatIsMissing, isBlocked, type Proven, takeProven } from './inbox-take.ts'
import type { Known } from './people.ts'
import { isSociable, makeTogether } from './receive-together.ts'
import { noting } from './refusals.ts'

/** What was posted. `account`: to whose inbox, none for the shared one; `from`: the address of whoever posted it. */
export type Posted = { account?: string; request: HttpMessage; body: Buffer; from: string }

const IGNORED: Received = { outcome: 'ignored' }
/** A server of many people who are all new here asks for each of them, and from one address. */
const MORE = 20
/** What still counts of somebody who is blocked: that something is no more. */
const ENDS = ['delete', 'undo']

/** The inboxes of this process. Whatever is genuine is taken, though nothing may come of it (202). */
export function makeInbox(given: Tools): (posted: Posted) => Promise<Received> {
  const tools = askTogether(given)
  const { actors, addresses, clock, log, transaction } = tools
  const authority = new URL(addresses.origin).host
  const bounds = makeBounds({ more: MORE })
  const signers = makeSigners(tools, bounds)
  const relays = makeRelays(tools, bounds, signers)
  const replays = makeReplays(clock)
  const together = makeTogether(tools)

  /** The claims in whose favour everything speaks but the signature itself. @throws Refused 401 when there is none */
  function checkClaims({ body, request }: Posted): Claim[] {
    const wrong: Failure[] = []
    const claims = readUnverifiedSignatures(request).filter(claim => {
      try {
        checkClaim(claim, request, body, authority, clock())
        return true
      } catch (error) {
        if (!isFailure(error)) throw error
        wrong.push(error)
        return false
      }
    })
    if (claims.length === 0) throw wrong[0] ?? unsigned('This request is not signed.')
    return claims
  }

  /** Who it is, proven by a key: one that we know, else one that their host tells. Undefined when it is not worth asking for. */
  async function identify(
    question: Question,
    claims: Claim[],
    from: string,
    known: Actor | undefined
  ): Promise<Omit<Signed, 'at'> | undefined> {
    const { actor } = question
    const claim = known && signers.proves(claims, known.signingKeys, known.uri)
    if (claim !== undefined) return { claim }
    // of whom nothing is known, and what is no business of ours: nobody is asked for (S3-34)
    if (known?.speaks !== 'activitypub' && (await findConcern(tools, question, known)) === undefined) return undefined
    if (known?.blockedAt !== undefined) throw unsigned('The signature is not the actor’s.')
    return signers.findSigner(actor, claims, from)
  }

  /** All that is proven, with whatever must be fetched for it. */
  async function prepare(question: Question, signed: Signed, found: Known | undefined, from: string): Promise<Proven | undefined> {
    const { document } = signed
    const known = found?.actor
    const activity = known === undefined ? question.activity : await completeAnswered(tools, question.activity, known)
    const asked = { ...question, activity }
    const concern = asked.isBare && known !== undefined ? {} : await findConcern(tools, asked, known)
    if (concern === undefined) return undefined
    if (activity.verb === 'flag') {
      log.warn({ by: question.actor, about: question.about.slice(0, 20), told: question.text.slice(0, 2000) }, 'somebody complains')
      return undefined
    }
    const spend = (host: string) => bounds.spend(from, host)
    const whole = await fetchWhatIsMissing(tools, asked, concern, known, spend).catch(error => {
      // what it is about is gone: a 404 or 410 of ours would mean that the inbox is
      if (error instanceof Missing) return undefined
      throw error
    })
    const acct = document === undefined || known?.acct !== undefined ? undefined : await confirmHandle(tools, document)
    const met = document === undefined ? {} : { met: { document, ...(acct ? { acct } : {}) } }
    return whole && { ...whole, ...met, ...(found ? { known: found } : {}), signedAt: signed.at }
  }

  /** What holds no more than rows of its actor's shares a transaction with others. */
  function keep(proven: Proven): Promise<Received> {
    const { known, met, question, target } = proven
    const work = (stores: Stores) => takeProven(stores, proven, clock())
    const alone = known === undefined || met !== undefined || target !== undefined || question.profile !== undefined
    return alone || !isSociable(question.activity) ? transaction(work) : together(known.actor.id, work)
  }

  async function takeSigned(question: Question, posted: Posted, found: Known | undefined): Promise<Received> {
    const { actor } = question
    const known = found?.actor
    const claims = checkClaims(posted)
    if (!ENDS.includes(question.activity.verb) && (await isBlocked(tools, actor, known))) return IGNORED
    const own = claims.filter(claim => isOfOne(claim.keyId, actor))
    if (claims.some(claim => replays.has(actor, claim))) return IGNORED
    if (own.length === 0) return relays(question, claims, posted.from, known)
    const signed = await identify(question, own, posted.from, known)
    if (signed === undefined) return IGNORED
    // from here on the same does nothing twice, at the same time either
    if (replays.has(actor, signed.claim)) return IGNORED
    replays.add(actor, signed.claim)
    try {
      const proven = await prepare(question, { ...signed, at: signedAt(signed.claim, posted.request) }, found, posted.from)
      return proven === undefined ? IGNORED : await keep(proven)
    } catch (error) {
      replays.remove(actor, signed.claim)
      throw error
    }
  }

  async function receivePosted(posted: Posted, tell: (who: string) => void): Promise<Received> {
    if (posted.account !== undefined) await findAccount(tools, posted.account)
    const question = readQuestion(posted.body)
    const { activity, actor } = question
    tell(actor)
    if (isOfOne(actor, addresses.origin)) return takeOwn(tools, activity.id, posted)
    const found = (await actors.findByNames([actor])).get(actor)
    const known = found?.actor
    // whoever is gone, and whoever was never here, has nothing to be deleted (X31)
    const nobody = known === undefined || known.removedAt !== undefined
    if ((nobody && activity.verb === 'delete') || known?.removedAt !== undefined) return IGNORED
    checkObject(question)
    const received = await takeSigned(question, posted, found)
    log.info({ account: posted.account, actor, verb: activity.verb, outcome: received.outcome }, 'inbox')
    return received
  }

  /**
   * Takes what was posted to an inbox.
   * @throws Missing for no such account; BadMessage 400; Refused 401 for a signature that is not the actor's, 403 for what cannot be
   * theirs, 429; Unreachable 503 when it must be tried again later
   */
  return posted => {
    const path = posted.account === undefined ? '/inbox' : `/users/${posted.account}/inbox`
    return noting(tools, { way: 'inbox', path, from: posted.from }, tell => receivePosted(posted, tell))
  }
}

/** Of us comes nothing by an inbox, but what `doctor` sends through the outside. @throws Refused */
async function takeOwn(tools: Tools, id: string, posted: Posted): Promise<Received> {
  if (await noteAtInbox(tools, id, posted)) return IGNORED
  throw new Refused('That is one of us, who does not write here.', { code: 'origin' })
}

/** `document`: it was fetched for this. */
type Signed = { claim: Claim; document?: ActorDocument; at: Date }

/** The time that was signed, which `checkClaim` has found good. */
const signedAt = ({ covers, created, form }: Claim, { headers }: HttpMessage): Date =>
  created !== undefined && (form === 'rfc9421' || covers.includes('(created)')) ? created : new Date(headers.date ?? '')

const unsigned = (sentence: string): Refused => new Refused(sentence, { status: 401, code: 'signature' })
