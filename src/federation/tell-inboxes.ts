/** ActivityPub out: what an account does, for the inboxes of its followers and of whom it concerns (W10, W11). */
import type { Account, Actor } from '../model/kept.ts'
import type { Written } from '../protocol/activitystreams-writer.ts'
import type { Stores, Tools } from '../tools.ts'

/**
 * Lays an activity down for the inboxes of people, and of all followers if they are to know it, shared inboxes once, with the work of
 * sending it. Must be called inside the transaction that does what it tells. Whoever does not speak ActivityPub is left out.
 * @param key says what it tells: the same is not laid down twice @returns the people to whom it goes by name
 */
export async function tellInboxes(
  _tools: Pick<Tools, 'addresses'>,
  _stores: Stores,
  _account: Account,
  _activity: Written,
  _to: { people: Actor[]; followers: boolean; key: string },
  _now: Date
): Promise<Actor[]> {
  throw new Error('not yet')
}
