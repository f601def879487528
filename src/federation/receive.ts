/**
 * The one door in. Every act of somebody else, whatever carried it, comes here with the sender whom the carrier has proven;
 * here it is checked, cleaned and kept. What a verb does is told here, whom it concerns in `receive-concern.ts`, and nowhere else
 * (house.md, section Y of protocols.md).
 */
import type { Activity } from '../model/activity.ts'
import type { Stores } from '../tools.ts'
import { isHostBlocked, isOwn, type Received, type Sender } from './identity.ts'
import { answer, block, favourite, follow, note, takeProfile } from './receive-acts.ts'
import { answerQuote, move, removePerson } from './receive-inbox.ts'
import { copy, keepOwn, remove, share, unshare } from './receive-post.ts'

/**
 * Takes one activity. Must be called inside a transaction, of which `stores` are the stores.
 * Doing it twice, or in another order, ends in the same state.
 */
export async function receive(stores: Stores, activity: Activity, sender: Sender, now: Date): Promise<Received> {
  // whoever is blocked, or lives where all are, is not heard, by whatever way (W31), but that they take something back
  const takesBack = activity.verb === 'delete' || activity.verb === 'undo'
  const isBlocked = sender.actor.blockedAt !== undefined || (await isHostBlocked(stores, sender.names))
  if (isBlocked && !takesBack) return { outcome: 'refused' }
  if (!isOwn(activity.actor, sender)) return copy(stores, activity, sender, now)
  const { verb, object } = activity
  switch (verb) {
    case 'post':
    case 'update':
      if (object.type === 'actor') return takeProfile(stores, activity, object.actor, sender, now)
      return object.type === 'post' ? keepOwn(stores, object.post, sender, now) : { outcome: 'ignored' }
    case 'share':
      return share(stores, activity, sender, now)
    case 'delete':
      return object.type === 'actor' ? removePerson(stores, object.actor, sender, now) : remove(stores, activity, sender, now)
    case 'favourite':
      return favourite(stores, activity, sender, now, false)
    case 'follow':
    case 'request':
      return follow(stores, activity, sender, now, false)
    case 'accept':
    case 'reject':
      return answer(stores, activity, sender, now)
    case 'block':
      return block(stores, activity, sender, now, false)
    case 'move':
      return move(stores, sender, now)
    case 'quote':
      return answerQuote(stores, activity, sender)
    case 'join':
      return note(stores, activity, sender, now, false)
    case 'undo':
      return undo(stores, activity, sender, now)
    default:
      return { outcome: 'ignored' }
  }
}

/** What is undone is told by the activity inside; when, by the one around it. */
async function undo(stores: Stores, { object, published, updated }: Activity, sender: Sender, now: Date): Promise<Received> {
  if (object.type !== 'activity') return { outcome: 'ignored' }
  const undone = { ...object.activity, ...(published ? { published } : {}), ...(updated ? { updated } : {}) }
  switch (undone.verb) {
    case 'favourite':
      return favourite(stores, undone, sender, now, true)
    case 'follow':
      return follow(stores, undone, sender, now, true)
    case 'block':
      return block(stores, undone, sender, now, true)
    case 'share':
      return unshare(stores, undone, sender, now)
    default:
      return note(stores, undone, sender, now, true)
  }
}
