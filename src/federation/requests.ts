/** What our accounts ask of people by ActivityPub: whether they may follow. The answer comes later, or never (S3-11). */
import { newId } from '../model/ids.ts'
import type { Account, Actor } from '../model/kept.ts'
import type { Stores } from '../tools.ts'

/**
 * Asks somebody whether an account may follow, with the work of sending it; an earlier question that was not answered is put once more.
 * Until the answer nothing is followed. Must be called inside a transaction in which the account's topic is locked.
 */
export async function askToFollow(stores: Stores, account: Account, person: Actor, now: Date): Promise<void> {
  const act = { actorId: account.id, object: person.uri }
  await stores.follows.remove(account.id, person.id)
  await stores.acts.end({ ...act, verb: 'follow' }, now)
  await stores.acts.end({ ...act, verb: 'request' }, now)
  const id = `${account.uri}/acts/${newId(now.getTime())}`
  await stores.acts.begin({ ...act, verb: 'request', uri: id }, now)
  await stores.queue.add('activity.follow', { account: account.localName, person: person.id, id, undo: false })
}

/**
 * Takes a follow by ActivityPub back, whether it was answered or not. Must be called as `askToFollow`.
 * @returns whether there was one
 */
export async function withdraw(stores: Stores, account: Account, person: Actor, now: Date): Promise<boolean> {
  const request = await stores.history.findAct(account.id, 'request', person.uri)
  const open = await stores.acts.end({ actorId: account.id, verb: 'request', object: person.uri }, now)
  const followed = (await stores.follows.find(account.id, person.id))?.via === 'inbox'
  if (open === undefined && !followed) return false
  await stores.follows.remove(account.id, person.id)
  const id = request?.uri ?? `${account.uri}/acts/${newId(now.getTime())}`
  await stores.queue.add('activity.follow', { account: account.localName, person: person.id, id, undo: true })
  return true
}
