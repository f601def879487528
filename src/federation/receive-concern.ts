/** Whether something is any business of the account to whom it was sent: an endpoint is no door for all the world's posts (M15). */
import type { Activity, Post } from '../model/activity.ts'
import type { Account, Actor } from '../model/kept.ts'
import type { Stores } from '../tools.ts'
import { isAccount, isAnyOf } from './receive-acts.ts'

type Needs = Pick<Stores, 'actors' | 'follows' | 'history'>

/**
 * It mentions the account or answers a post of his; shares, likes or takes back a like of one; follows or blocks him or ends that;
 * says yes or no to being followed by him; or tells of the sender's own: a post that is gone, or, if we know the sender, what he looks like.
 * @param sender whoever is known under the name of the author
 */
export async function concerns(stores: Needs, activity: Activity, account: Account, sender: Actor | undefined): Promise<boolean> {
  const { object, verb } = activity
  switch (verb) {
    case 'post':
    case 'update':
      return object.type === 'post' ? isAddressed(stores, object.post, account) : object.type === 'actor' && sender !== undefined
    case 'share':
    case 'favourite':
      return object.type === 'post' && (await isPostOf(stores, account, { id: object.post.id }))
    case 'follow':
    case 'request':
    case 'block':
      return isAccount(stores, object, account)
    case 'undo':
      return object.type === 'activity' && concerns(stores, object.activity, account, sender)
    case 'delete':
      return true
    case 'accept':
    case 'reject':
      return sender !== undefined && (await stores.follows.find(account.id, sender.id)) !== undefined
    default:
      return false
  }
}

async function isAddressed(stores: Needs, { inReplyTo, mentions }: Post, account: Account): Promise<boolean> {
  if (await isAnyOf(stores.actors, mentions, account)) return true
  return inReplyTo !== undefined && isPostOf(stores, account, inReplyTo)
}

async function isPostOf({ history }: Needs, { id: authorId }: Account, { id, url }: { id?: string; url?: string }): Promise<boolean> {
  if (id !== undefined && (await history.findByUri(id, authorId)) !== undefined) return true
  return url !== undefined && (await history.findByAddress(url))?.authorId === authorId
}
