/** A note that was fetched from where it is, kept as its author's own word: by whatever way its id came to us (X1, X9, X11). */
import type { Post } from '../model/activity.ts'
import type { Actor } from '../model/kept.ts'
import { readNote } from '../protocol/activitystreams.ts'
import type { JsonObject } from '../protocol/json-ld.ts'
import type { Stores, Tools } from '../tools.ts'
import { isOfOne, keepActor, type Met, meetActor } from './fetch-actor.ts'
import { isName, makeSender, type Received } from './identity.ts'
import { isBlocked } from './inbox-take.ts'
import { receive } from './receive.ts'

/** A note, its author named and of its own host. */
export type Fetched = { post: Post; author: string }

/** @param document as `fetchDocument` gave it @returns undefined for what is no note, or not its own host's author's (X10) */
export function readFetched(document: JsonObject): Fetched | undefined {
  const post = readNote(document)
  const author = post?.author?.ids[0]
  if (post === undefined || author === undefined || !isName(author) || !isName(post.id) || !isOfOne(post.id, author)) return undefined
  return { post, author }
}

/**
 * Keeps a note. Its author is asked for when unknown.
 * @param left how many posts may be fetched because of it @throws as fetchDocument
 */
export async function takeNote(tools: Tools, fetched: Fetched, left: number): Promise<Received> {
  const { actors, clock, transaction } = tools
  const { author } = fetched
  const known = await actors.findByName(author)
  if (known?.localName !== undefined || known?.removedAt !== undefined || (await isBlocked(tools, author, known)))
    return { outcome: 'ignored' }
  const met = known === undefined ? await meetActor(tools, author) : undefined
  if (met !== undefined && met.document.id !== author) return { outcome: 'refused' }
  return transaction(stores => keepNote(stores, fetched, known ?? met!, left, clock()))
}

async function keepNote(stores: Stores, { post }: Fetched, who: Actor | Met, left: number, now: Date): Promise<Received> {
  const actor = 'document' in who ? await keepActor(stores, who.document, now, who.acct) : who
  const sender = makeSender(actor, await stores.actors.namesOf(actor.id), { via: 'fetch', left })
  const activity = { id: post.id, verb: 'post' as const, actor: post.author!, authors: 1, object: { type: 'post' as const, post } }
  return receive(stores, activity, sender, now)
}
