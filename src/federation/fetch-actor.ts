/** ActivityPub documents of others, from where they belong: only there is it proven whose they are (X1, X2, X8). */
import type { Actor } from '../model/kept.ts'
import type { ActorDocument } from '../protocol/actor-document.ts'
import type { JsonObject } from '../protocol/json-ld.ts'
import type { Stores, Tools } from '../tools.ts'

/**
 * A document by its id, by a signed GET. Its `id` must be the address that was asked, or the one that answered, of the same origin:
 * else the id is asked once, and must then agree.
 * @throws Refused for another type than ActivityPub's, or an id of another origin; Missing for 404 and 410 (`code` gone); Unreachable
 */
export async function fetchDocument(_tools: Tools, _id: string): Promise<{ document: JsonObject; id: string }> {
  throw new Error('not yet')
}

/** An actor's document. @throws as fetchDocument; Refused when it is no actor, or its keys name another owner */
export async function fetchActor(_tools: Tools, _id: string): Promise<ActorDocument> {
  throw new Error('not yet')
}

/**
 * Keeps what a document tells of an actor. Somebody who was met by OStatus before (the same URI, or the same confirmed handle) stays
 * the one row, and speaks ActivityPub from now on (X19).
 * @param acct user@host, when it was confirmed by WebFinger
 */
export async function keepActor(_stores: Stores, _document: ActorDocument, _now: Date, _acct?: string): Promise<Actor> {
  throw new Error('not yet')
}
