/** Our accounts and posts in the shape that the writer of ActivityStreams takes: what `entries` is for feeds. */
import type { Account, Shown } from '../model/kept.ts'
import type { ActorOut, NoteOut } from '../protocol/activitystreams-writer.ts'
import type { Tools } from '../tools.ts'

/** The document of an account. */
export async function actorOut(_tools: Tools, _account: Account): Promise<ActorOut> {
  throw new Error('not yet')
}

/** The document of the node itself. */
export async function nodeActorOut(_tools: Tools): Promise<ActorOut> {
  throw new Error('not yet')
}

/** A post of ours as a note or an article (POST_AS). Undefined for a share, and for what is not public or unlisted. */
export async function noteOut(_tools: Tools, _post: Shown): Promise<NoteOut | undefined> {
  throw new Error('not yet')
}
