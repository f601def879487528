/** What people do that only ActivityPub can tell, as `receive` keeps it: to leave for good, to move, to ask whether they may quote. */
import type { Activity, Author } from '../model/activity.ts'
import type { Stores } from '../tools.ts'
import { isOwn, type Received, type Sender } from './identity.ts'
import { leaveUnfollowed } from './leave.ts'
import { askToFollow } from './requests.ts'

const IGNORED: Received = { outcome: 'ignored' }
const NOTED: Received = { outcome: 'noted' }

/** Somebody is gone: whom they followed, who followed them, and all that they said (X11: their own word alone counts). */
export async function removePerson(stores: Stores, told: Author, sender: Sender, now: Date): Promise<Received> {
  const { actor, via } = sender
  if (via !== 'inbox' || actor.localName !== undefined || !isOwn(told, sender)) return IGNORED
  await stores.identities.close(actor.id, now)
  await leaveUnfollowed(stores, actor.id, now)
  return { outcome: 'removed' }
}

/**
 * Somebody is another account from now on, which says the same of itself: our accounts that followed the old one ask the new one.
 * Those of theirs who follow us ask by themselves (FEP-7628).
 */
export async function move(stores: Stores, { actor, target }: Sender, now: Date): Promise<Received> {
  if (target === undefined || target.id === actor.id || !target.alsoKnownAs.includes(actor.uri)) return IGNORED
  // subscriptions first, as everybody locks them
  await stores.subscriptions.lockAll({ actorId: actor.id })
  await stores.identities.moved(actor.id, target.uri)
  const followers = await stores.follows.followers(actor.id)
  for (const { actor: account } of followers) {
    const own = account.localName === undefined ? undefined : await stores.actors.findAccount(account.localName)
    if (own === undefined) continue
    await stores.topics.lock(own.feedUrl!)
    await stores.follows.remove(own.id, actor.id)
    if ((await stores.follows.find(own.id, target.id)) === undefined) await askToFollow(stores, own, target, now)
  }
  await leaveUnfollowed(stores, actor.id, now)
  return NOTED
}

/** What is for everybody may be quoted by everybody; whoever asks is always told, as else the quote hangs (FEP-044f, W39). */
export async function answerQuote(stores: Stores, { object }: Activity, { account, actor, question }: Sender): Promise<Received> {
  if (account === undefined || question === undefined || object.type !== 'post') return IGNORED
  const post = await stores.history.findByUri(object.post.id, account.id)
  if (post === undefined) return IGNORED
  const yes = post.deletedAt === undefined && (post.visibility === 'public' || post.visibility === 'unlisted')
  await stores.queue.add('inbox.answer', { account: account.localName, person: actor.id, activity: question, yes })
  return NOTED
}
