/** What was proven of an activity at an inbox: what must still be fetched for it, and the transaction that keeps it. */
import type { Activity } from '../model/activity.ts'
import { Refused } from '../model/errors.ts'
import type { Actor, KeptPost } from '../model/kept.ts'
import { readNote } from '../protocol/activitystreams.ts'
import type { Stores, Tools } from '../tools.ts'
import { actorFacts, fetchDocument, keepActor, type Met, meetActor } from './fetch-actor.ts'
import { hostOfName, isHostBlocked, makeSender, type Received } from './identity.ts'
import { type Concern, findConcern, mentioning } from './inbox-concern.ts'
import { checkObject, type Question, repliesOf } from './inbox-question.ts'
import { namesOf } from './moderate.ts'
import type { Known } from './people.ts'
import { receive } from './receive.ts'

/** `known`: the actor as kept; `met`: as fetched just now, one of the two is there; `target`: where they move to. */
export type Proven = { question: Question; concern: Concern; known?: Known; met?: Met; target?: Met; signedAt: Date }

/** What was signed within this time of its arrival was done when it came, milliseconds: dates of signatures have whole seconds. */
const PROMPT_MS = 10_000
const MINUTE = 60_000
/** When the server of an answer is asked for what was answered to that, and how many requests that may cause (W26). */
const CRAWLS = [10 * MINUTE, 6 * 60 * MINUTE]
const CRAWL_REQUESTS = 20
const LONGEST_THREAD = 50

/** Whether nothing is to be heard of somebody, or of their host. */
export async function isBlocked({ verdicts }: Pick<Stores, 'verdicts'>, uri: string, known: Actor | undefined): Promise<boolean> {
  if (known?.blockedAt !== undefined) return true
  const names = known === undefined ? [uri] : namesOf(known)
  const people = await verdicts.blockedPeople()
  return names.some(name => people.has(name)) || isHostBlocked({ verdicts }, names)
}

/**
 * The object where no more than its id was told; and the actor to whom somebody moves, who must say that they are the same.
 * @param spend counts a request to a host @returns undefined when it turns out to be no business of ours
 * @throws Refused, Missing, Unreachable as fetchDocument
 */
export async function fetchWhatIsMissing(
  tools: Tools,
  question: Question,
  concern: Concern,
  known: Actor | undefined,
  spend: (host: string) => Promise<void>
): Promise<Pick<Proven, 'question' | 'concern' | 'target'> | undefined> {
  const { activity, actor, isBare } = question
  const { object, verb } = activity
  if (verb === 'move') {
    const target = object.type === 'actor' ? object.actor.ids[0]! : actor
    await spend(hostOfName(target))
    const met = await meetActor(tools, target)
    if (!met.document.alsoKnownAs.includes(actor)) throw new Refused('The other account does not say that it is the same.')
    return { question, concern, target: met }
  }
  if (!isBare || object.type !== 'post') return { question, concern }
  await spend(hostOfName(object.post.id))
  const post = readNote((await fetchDocument(tools, object.post.id)).document)
  if (post === undefined) return undefined
  const whole: Question = { ...question, isBare: false, activity: { ...activity, object: { type: 'post', post } } }
  checkObject(whole)
  const anew = await findConcern(tools, whole, known)
  return anew && { question: whole, concern: anew }
}

/** Keeps what was proven, once. Must be called inside a transaction, of which `stores` are the stores. */
export async function takeProven(stores: Stores, proven: Proven, now: Date): Promise<Received> {
  const { concern, known, met, question, signedAt, target } = proven
  const actor = met === undefined ? known!.actor : await keepActor(stores, met.document, now, met.acct)
  if (actor.removedAt !== undefined) return { outcome: 'ignored' }
  const activity = dated(mentioning(question, concern).activity, signedAt, now)
  const sender = makeSender(actor, met === undefined ? known!.names : await stores.actors.namesOf(actor.id), {
    ...{ via: 'inbox', question: question.text },
    ...concern,
    ...(question.profile === undefined ? {} : { facts: withoutProfile(question.profile) }),
    ...(target === undefined ? {} : { target: await keepActor(stores, target.document, now, target.acct) })
  })
  const received = await receive(stores, activity, sender, now)
  const replies = repliesOf(question)
  if (received.outcome === 'new' && received.post !== undefined && replies !== undefined && (await isOurs(stores, received.post, concern)))
    await crawlLater(stores, received.post, replies, now)
  return received
}

/** What was done was done when it was signed: dates inside are those of other things, but that of a share is its place in time. */
function dated({ updated: _updated, ...activity }: Activity, signedAt: Date, now: Date): Activity {
  if (activity.verb === 'share' && activity.published !== undefined) return activity
  const late = now.getTime() - signedAt.getTime() > PROMPT_MS
  return { ...activity, published: late ? signedAt : now }
}

/** The newest profile counts, which `receive` decides; where they are reached and by which keys is taken as it is. */
function withoutProfile(document: Met['document']) {
  const { profile: _profile, ...facts } = actorFacts(document)
  return facts
}

async function crawlLater({ queue }: Stores, { id: post }: KeptPost, url: string, now: Date): Promise<void> {
  for (const pause of CRAWLS) await queue.add('replies.read', { post, url, left: CRAWL_REQUESTS }, new Date(now.getTime() + pause))
}

/** Whether a post concerns an account of ours, or belongs to a thread that one began. */
async function isOurs({ actors, history }: Stores, post: KeptPost, { account }: Concern): Promise<boolean> {
  if (account !== undefined) return true
  let root = post
  for (let height = 0; root.parentId !== undefined && height < LONGEST_THREAD; height++) {
    const parent = await history.find(root.parentId)
    if (parent === undefined) break
    root = parent
  }
  return (await actors.find(root.authorId))?.localName !== undefined
}
