/** ActivityPub out: what an account does, for the inboxes of its followers and of whom it concerns (W10, W11). */
import type { Account, Actor } from '../model/kept.ts'
import { type Written, writeDocument } from '../protocol/activitystreams-writer.ts'
import { TYPE } from '../protocol/names.ts'
import type { Stores } from '../tools.ts'
import { queueDeliveries } from './distribute.ts'
import { hasBlocked, type Telling } from './slap.ts'

/**
 * Lays an activity down for the inboxes of people, and of all followers if they are to know it, shared inboxes once, with the work of
 * sending it. Must be called inside the transaction that does what it tells. Whoever does not speak ActivityPub is left out, and so is
 * whoever wants to hear nothing of the account (X8).
 * @param to.key says what it tells: the same is not laid down twice; `multikey`: it bears keys, as `writeDocument` has it @returns the people to whom it goes by name
 */
export async function tellInboxes(
  stores: Stores,
  account: Account,
  activity: Written,
  to: Telling & { people: Actor[]; followers: boolean; multikey?: boolean },
  now: Date
): Promise<Actor[]> {
  const people: Reachable[] = []
  for (const person of to.people.filter(canReach)) if (!(await hasBlocked(stores, person, account))) people.push(person)
  if (people.length === 0 && !(to.followers && (await stores.follows.hasByInbox(account.id)))) return []
  // the topic tells in whose name it is signed when it is sent
  const post = to.postId === undefined ? {} : { postId: to.postId }
  const document = {
    key: `inbox ${to.key}`,
    topic: account.uri,
    contentType: TYPE.activity,
    body: writeDocument(activity, to.multikey),
    ...post
  }
  const id = await stores.deliveries.addDocument(document, now)
  if (id === undefined) return people
  const recipients = await stores.deliveries.addForInboxes(id, to.followers ? account.id : undefined, people, now)
  await queueDeliveries(stores, recipients)
  return people
}

type Reachable = Actor & { inboxUrl: string }

/** Whether somebody who lives elsewhere takes activities. */
export const canReach = (person: Actor): person is Reachable =>
  person.localName === undefined && person.removedAt === undefined && person.speaks === 'activitypub' && person.inboxUrl !== undefined
