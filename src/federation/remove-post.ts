/** The end of a post of ours, in whatever way it comes. */
import type { Account, KeptPost } from '../model/kept.ts'
import type { Stores } from '../tools.ts'

/** Deletes it, with the work of telling everybody. Must run inside a transaction in which the account's topic is locked. */
export async function removeIn(stores: Stores, account: Account, post: KeptPost, now: Date): Promise<void> {
  const dead = await stores.history.remove(account.id, post.uri, now)
  if (dead === undefined) return
  await stores.queue.add('post.announce', { post: post.id, act: 'delete' })
  await stores.changes.tell(`account:${account.localName}`)
}
