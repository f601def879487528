/** What our accounts do, as activities of ActivityPub: what `entries` is for feeds and Salmon. */
import type { Account, Actor, KeptPost, Shown } from '../model/kept.ts'
import {
  type Written,
  writeAnnounce,
  writeCreate,
  writeDelete,
  writeFollow,
  writeLike,
  writeUndo,
  writeUpdate
} from '../protocol/activitystreams-writer.ts'
import { AS_PUBLIC } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { announceOut, directOut, noteOut } from './objects.ts'

/** `Everybody` as it is written in full, which all read. */
const EVERYBODY = AS_PUBLIC[0]!

/** The name of somebody's post in ActivityPub; undefined when it has none that could be asked for. */
export const objectOf = ({ activityUrl, uri }: Pick<KeptPost, 'activityUrl' | 'uri'>): string | undefined =>
  [activityUrl, uri].find(name => /^https?:\/\//.test(name ?? ''))

/**
 * A post, a share, an edit or an end, for followers and for who is concerned; of a post that is for few, for those. Undefined for what ActivityPub cannot tell: a share of
 * something that has no address, or is not for everybody.
 * @param people URIs of those to whom it goes by name: of a delete those who had got the post
 */
export async function activityOut(
  tools: Tools,
  post: Shown,
  act: 'post' | 'update' | 'delete',
  people: string[]
): Promise<Written | undefined> {
  if (post.verb === 'share') return shareOut(tools, post, act, people)
  if (act === 'delete') {
    const at = post.deletedAt ?? post.updatedAt
    const to = post.visibility === 'direct' ? { actor: post.author.uri, to: people } : toAll(tools, post.author, people)
    return writeDelete({ ...to, id: `${post.uri}#delete`, object: post.uri, at })
  }
  const note = await (post.visibility === 'direct' ? directOut : noteOut)(tools, post)
  if (note === undefined) return undefined
  return act === 'post' ? writeCreate(note) : writeUpdate(note, post.updatedAt)
}

/** A share is an activity and no object; its end takes it back, even when what was shared is gone. */
async function shareOut(tools: Tools, post: Shown, act: 'post' | 'update' | 'delete', people: string[]): Promise<Written | undefined> {
  if (act !== 'delete') {
    const announce = announceOut(tools, post)
    return announce && writeAnnounce(announce)
  }
  const shared = post.sharedId === undefined ? undefined : await tools.timelines.one(post.sharedId)
  const announce = shared && announceOut(tools, { ...post, shared })
  const object = announce ? writeAnnounce(announce) : { type: 'Announce', id: post.uri, actor: post.author.uri }
  return writeUndo({ ...toAll(tools, post.author, [...(announce?.cc ?? []), ...people]), id: `${post.uri}#undo`, object })
}

/** To everybody, the followers, and some by name. */
const toAll = ({ addresses }: Tools, { localName, uri }: Actor, people: string[]) => ({
  ...{ actor: uri, to: [EVERYBODY], cc: [...new Set([addresses.followers(localName!), ...people])] }
})

type Act = { id: string; at: Date }

/** Undefined when the post has no name that its author's server knows. */
export function likeOut(account: Account, post: Shown, { at, id }: Act): Written | undefined {
  const object = objectOf(post)
  return object === undefined ? undefined : writeLike({ id, actor: account.uri, object, to: [post.author.uri], published: at })
}

export const followOut = (account: Account, followed: Actor, id: string): Written =>
  writeFollow({ id, actor: account.uri, object: followed.uri, to: [followed.uri] })

/** The end of a like or a follow: it bears the whole of what it takes back, as some peers know no ids (S3-20). */
export const undoOut = (account: Account, person: Actor, id: string, undone: Written): Written =>
  writeUndo({ id, actor: account.uri, object: undone, to: [person.uri] })
