/** Who may quote our posts: everybody whom the owner has not blocked. Who asks gets a stamp that others can look at (FEP-044f). */

import { newId } from '../model/ids.ts'
import type { Account, Actor } from '../model/kept.ts'
import { type Written, writeQuoteAuthorization } from '../protocol/activitystreams-writer.ts'
import { idOf, type JsonObject } from '../protocol/json-ld.ts'
import type { Stores, Tools } from '../tools.ts'
import { isAt, isName } from './identity.ts'

/**
 * Keeps that somebody may quote a post of an account. Must be called inside a transaction.
 * @returns the address of the stamp, the same for the same quote; undefined for what is no open post of the account, or for a quote
 * that stands on another server than whoever asks
 */
export async function grantQuote(
  { history }: Stores,
  account: Account,
  person: Actor,
  request: JsonObject,
  now: Date
): Promise<string | undefined> {
  const [object, quote] = [idOf(request.get('object')), idOf(request.get('instrument'))]
  if (!isName(object) || !isName(quote) || !isAt(quote, person)) return undefined
  const post = await history.findByUri(object, account.id)
  const isOpen = post?.visibility === 'public' || post?.visibility === 'unlisted'
  if (post === undefined || post.verb !== 'post' || post.deletedAt !== undefined || !isOpen) return undefined
  const known = await history.findAct(person.id, 'quote', quote)
  if (known?.uri?.startsWith(`${post.uri}/`)) return known.uri
  const uri = `${post.uri}/quotes/${newId(now.getTime())}`
  await history.act({ actorId: person.id, verb: 'quote', object: quote, uri, postId: post.id, at: now, undone: false })
  return uri
}

/** A stamp, as long as its post stands and nobody is blocked. @param uri its address */
export async function findStamp(
  { acts, timelines }: Pick<Tools, 'acts' | 'timelines'>,
  postId: string,
  uri: string
): Promise<Written | undefined> {
  const [post, quote] = [await timelines.one(postId), await acts.findQuote(postId, uri)]
  if (post === undefined || post.deletedAt !== undefined || quote === undefined) return undefined
  return writeQuoteAuthorization({ id: uri, author: post.author.uri, quote, quoted: post.uri })
}
