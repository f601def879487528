/** The last posts of somebody by ActivityPub: the first page of the outbox, which the actor's own server vouches for. */
import type { Activity, TraceStep } from '../model/activity.ts'
import { isFailure } from '../model/errors.ts'
import { readActivity, readNote } from '../protocol/activitystreams.ts'
import type { ActorDocument } from '../protocol/actor-document.ts'
import { all, idOf, type JsonObject, objectsOf } from '../protocol/json-ld.ts'
import type { Tools } from '../tools.ts'
import { askDocument, isOfOne } from './fetch-actor.ts'

const MOST = 20

/** Oldest first; nothing when the outbox cannot be read, which is no reason not to follow. Two requests at most. */
export async function readOutbox(tools: Tools, { id, outbox }: ActorDocument, trace: TraceStep[]): Promise<Activity[]> {
  if (outbox === undefined || !isOfOne(outbox, id)) return []
  const step: TraceStep = { step: 'outbox', url: outbox }
  trace.push(step)
  try {
    const activities = (await firstItems(tools, outbox)).flatMap(item => readItem(item, id)).slice(0, MOST)
    step.found = activities.length === 1 ? '1 activity' : `${activities.length} activities`
    return activities.reverse()
  } catch (error) {
    if (!isFailure(error)) throw error
    step.failed = error.message
    return []
  }
}

async function firstItems(tools: Tools, outbox: string): Promise<JsonObject[]> {
  const { document } = await askDocument(tools, outbox)
  const [first] = all(document, 'first')
  const page = idOf(first)
  if (first instanceof Map && (first.has('orderedItems') || first.has('items'))) return itemsOf(first)
  if (page === undefined || !isOfOne(page, outbox)) return itemsOf(document)
  return itemsOf((await askDocument(tools, page)).document)
}

const itemsOf = (page: JsonObject): JsonObject[] => [...objectsOf(page, 'orderedItems'), ...objectsOf(page, 'items')]

/** A post or a share by the actor himself, whose object is told in whole or is somebody else's and asked for later (X1, X10). */
function readItem(item: JsonObject, actor: string): Activity[] {
  try {
    const note = readNote(item)
    const told: Activity =
      note === undefined
        ? readActivity(item)
        : { id: note.id, verb: 'post', actor: { ids: [actor], kind: 'person' }, authors: 1, object: { type: 'post', post: note } }
    if (told.actor?.ids[0] !== actor || told.object.type !== 'post') return []
    const { post } = told.object
    if (told.verb === 'share') return isOfOne(told.id, actor) ? [told] : []
    const isWhole = note !== undefined || all(item, 'object')[0] instanceof Map
    const isOwn = isOfOne(post.id, actor) && (post.author === undefined || post.author.ids[0] === actor)
    return told.verb === 'post' && isWhole && isOwn ? [told] : []
  } catch (error) {
    if (!isFailure(error)) throw error
    return []
  }
}
