/** What was posted to an inbox, read and held against itself: whose it says it is, and whether all of it can be theirs (X7, X10, X11). */
import type { Activity } from '../model/activity.ts'
import { BadMessage, Refused } from '../model/errors.ts'
import { isNote, readActivity, visibilityOf } from '../protocol/activitystreams.ts'
import { type ActorDocument, readActor } from '../protocol/actor-document.ts'
import { emptyPost } from '../protocol/atom-post.ts'
import { all, idOf, idsOf, type JsonObject, objectsOf, readJsonObject, textOf, typesOf } from '../protocol/json-ld.ts'
import { isOfOne, originOf } from './fetch-actor.ts'
import { isName } from './identity.ts'

/** An activity as it came. `actor`: whoever is said to do it; nothing of it is proven. */
export type Question = {
  activity: Activity
  actor: string
  document: JsonObject
  /** The bytes as text: an answer bears the whole question (S3-14). */
  text: string
  /** Of the object no more is told than its id: it must be fetched. */
  isBare: boolean
  /** The actor as they describe themselves: the object of an update. */
  profile?: ActorDocument
  /** Everything that it is about, by id. */
  about: string[]
  /** To whom it is told, people and collections. */
  to: string[]
}

const MOST_ADDRESSEES = 50
/** Characters of a question that an answer bears whole. No server asks in a tenth of it. */
const LONGEST_QUESTION = 16_384

/** @throws BadMessage for what is no activity, or has no actor, or several; Refused for an id of another host than the actor's */
export const readQuestion = (body: Buffer): Question => questionOf(readJsonObject(body), body.toString())

/** An activity that was read already. @param text the bytes as they came, if they did @throws as `readQuestion` */
export function questionOf(document: JsonObject, text = ''): Question {
  const read = readActivity(document)
  const actor = read.actor!.ids[0]!
  if (originOf(actor) === undefined || !isName(actor)) throw new BadMessage('The actor has no web address.')
  const object = all(document, 'object')[0]
  const profile = object instanceof Map ? readActor(object) : undefined
  const isUnread = isWritten(read.verb) && read.object.type === 'post' && read.object.post.activityUrl === undefined
  // what is written out and still could not be read is not fetched instead
  if (isUnread && object instanceof Map && isNote(object)) throw unrightful('The object cannot be its actor’s.')
  const activity = { ...read, id: ownId(read.id, document, actor), object: objectOf(read, document, isUnread && object instanceof Map) }
  const isBare = isUnread && activity.object.type === 'post'
  return {
    ...{ activity, actor, document, isBare, text, about: idsOf(document, 'object'), to: addressees(document) },
    ...(profile?.id === actor ? { profile } : {})
  }
}

/** Of the activity and of what it tells. */
function addressees(document: JsonObject): string[] {
  const told = [document, ...objectsOf(document, 'object')].flatMap(one => [...idsOf(one, 'to'), ...idsOf(one, 'cc')])
  return [...new Set(told)].slice(0, MOST_ADDRESSEES)
}

const isWritten = (verb: Activity['verb']): boolean => verb === 'post' || verb === 'update'

/**
 * Of what somebody shares nothing is believed but its id: it is fetched from where it is (X11). Who may see the share is told by it.
 * @param unknown it is of a kind that is no post
 */
function objectOf({ object, verb }: Activity, document: JsonObject, unknown: boolean): Activity['object'] {
  if (unknown) return { type: 'nothing' }
  if (verb !== 'share' || object.type !== 'post') return object
  return { type: 'post', post: { ...emptyPost(object.post.id), visibility: visibilityOf(document) } }
}

/**
 * The id of an activity, which must be of its actor's host (X7). One without a host is read as beside the actor (S3-10), one that is
 * missing is made of what is done: so the same comes to the same.
 */
function ownId(told: string, document: JsonObject, actor: string): string {
  const isNoAddress = told === '' || (URL.canParse(told) && originOf(told) === undefined)
  if (isNoAddress) return `${actor}#${told || `${typesOf(document)[0]}/${idOf(document.get('object')) ?? ''}`}`
  const id = originOf(told) === undefined ? (URL.parse(told, actor)?.href ?? actor) : told
  if (!isOfOne(id, actor)) throw unrightful('The id of the activity is of another host than its actor.')
  return id
}

/**
 * Holds what is said of a post or a person against who says it: a post must be of the actor's own host and theirs alone.
 * @throws Refused
 */
export function checkObject({ activity: { object, verb }, actor, isBare, profile, about }: Question): void {
  const written = isWritten(verb)
  if (object.type === 'actor' && written && profile === undefined) throw unrightful('That is another person’s profile.')
  if (object.type === 'actor' && verb === 'delete' && object.actor.ids[0] !== actor) throw unrightful('Nobody deletes somebody else.')
  if (verb === 'move' && about[0] !== actor) throw unrightful('Nobody moves somebody else.')
  if (object.type !== 'post' || (!written && verb !== 'delete')) return
  const { author, id } = object.post
  if (!isOfOne(id, actor)) throw unrightful('The object is of another host than its actor.')
  // what names nobody could be anybody's of that host
  if (author === undefined && written && !isBare) throw unrightful('The object is attributed to nobody.')
  if (author !== undefined && author.ids[0] !== actor) throw unrightful('The object is attributed to somebody else.')
}

/** What an answer bears of the question: all of it (S3-14), or of a very long one no more than who asks for what (X33). */
export const askedIn = ({ document, text }: Pick<Question, 'document' | 'text'>): string =>
  text.length > LONGEST_QUESTION ? JSON.stringify(shorten(document, 0)) : text

function shorten(document: JsonObject, depth: number): Record<string, unknown> {
  const [object] = all(document, 'object')
  const told = {
    id: textOf(document, 'id'),
    type: typesOf(document)[0],
    actor: idOf(all(document, 'actor')[0]),
    instrument: idOf(all(document, 'instrument')[0])
  }
  const names = Object.entries(told).filter(([, name]) => isName(name))
  // the end of a follow bears the follow, the wish to quote only which post it means
  const inner = object instanceof Map && depth === 0 && document.get('instrument') === undefined ? shorten(object, 1) : idOf(object)
  return { ...Object.fromEntries(names), ...(typeof inner !== 'string' || isName(inner) ? { object: inner } : {}) }
}

/** The collection of the answers to the post that is told of, if it names one of its own host. */
export function repliesOf({ actor, document }: Question): string | undefined {
  const object = all(document, 'object')[0]
  const url = object instanceof Map ? idOf(all(object, 'replies')[0]) : undefined
  return url !== undefined && isOfOne(url, actor) && isName(url) ? url : undefined
}

const unrightful = (sentence: string): Refused => new Refused(sentence, { code: 'origin' })
