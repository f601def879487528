import type { Actor, KeptPost } from '../model/kept.ts'
import { actorColumns } from './actors.ts'
import { POST_COLUMNS } from './new-posts.ts'
import { type Db, fromRow } from './rows.ts'

export type Acts = ReturnType<typeof makeActs>

/** What an account of ours did to something: `object` is the URI of a post or a person, `uri` the id of the act itself. */
export type OwnAct = { actorId: string; verb: 'favourite' | 'follow' | 'request'; object: string; uri: string; postId?: string }

/** What stands of the accounts' own acts on a post. */
export type Done = { name: string; verb: 'favourite' | 'share' }

/**
 * The acts of our own accounts. On the wire times have whole seconds, and at the same second the undoing act wins (M16): so what is
 * done again is dated at least a second after its undoing.
 */
export function makeActs(db: Db) {
  return {
    /** Does it. Answers when, or undefined when it stands already: of two at once one is told so. */
    async begin({ actorId, verb, object, uri, postId }: OwnAct, now: Date): Promise<Date | undefined> {
      const { rows } = await db.raw(
        `insert into acts (actor_id, verb, object, uri, post_id, acted_at, received_at) values (?, ?, ?, ?, ?, ?, ?)
         on conflict (actor_id, verb, object) do update set uri = excluded.uri, undone = false,
           acted_at = greatest(excluded.acted_at, acts.acted_at + interval '1 second')
         where acts.undone returning acted_at`,
        [actorId, verb, object, uri, postId ?? null, now, now]
      )
      return rows[0]?.acted_at
    },
    /** Takes it back. Answers when, or undefined when there was nothing to take back. */
    async end({ actorId, verb, object }: Omit<OwnAct, 'uri'>, now: Date): Promise<Date | undefined> {
      const [row] = await db('acts')
        .where({ actor_id: actorId, verb, object, undone: false })
        .update({ undone: true, acted_at: db.raw('greatest(?, acted_at)', [now]) })
        .returning('acted_at')
      return row?.acted_at
    },
    /** An act of an account by its id; once it was done again the old id names nothing. */
    async findByUri(actorId: string, uri: string): Promise<(Omit<OwnAct, 'actorId'> & { at: Date; undone: boolean }) | undefined> {
      const row = await db('acts').where({ actor_id: actorId, uri }).first()
      if (row === undefined) return undefined
      const { acted_at: at, object, post_id: postId, undone, verb } = row
      return { verb, object, uri, at, undone, ...(postId === null ? {} : { postId }) }
    },
    /** What some people did under an id: an undoing or an answer may name no more than that. */
    async findOf(actorIds: string[], uri: string): Promise<{ actorId: string; verb: string; object: string } | undefined> {
      const row = await db('acts').whereIn('actor_id', actorIds).where({ uri }).first('actor_id', 'verb', 'object')
      return row && { actorId: row.actor_id, verb: row.verb, object: row.object }
    },
    /** Somebody's share of a post, if it stands. */
    async findShare(authorId: string, sharedId: string): Promise<KeptPost | undefined> {
      const row = await db('posts')
        .select(POST_COLUMNS)
        .where({ author_id: authorId, shared_id: sharedId, verb: 'share' })
        .whereNull('deleted_at')
        .first()
      return row && fromRow<KeptPost>(row)
    },
    /** The quote of a post that a stamp allows, by somebody who is not blocked. */
    async findQuote(postId: string, uri: string): Promise<string | undefined> {
      const row = await db('acts as c')
        .join('actors as a', 'a.id', 'c.actor_id')
        .where({ 'c.post_id': postId, 'c.verb': 'quote', 'c.uri': uri, 'c.undone': false })
        .whereNull('a.blocked_at')
        .first('c.object')
      return row?.object
    },
    /** What our accounts did to some posts and did not take back, by name, for each post to which they did anything. */
    async onPosts(postIds: string[]): Promise<Map<string, Done[]>> {
      if (postIds.length === 0) return new Map()
      const { rows } = await db.raw(
        `with ours as (select id, local_name as name from actors where local_name is not null and removed_at is null)
         select post_id, name, verb from ours join (
           select post_id, actor_id, verb from acts where post_id = any(:ids) and verb = 'favourite' and not undone
           union select shared_id, author_id, verb from posts where shared_id = any(:ids) and verb = 'share' and deleted_at is null) d
         on d.actor_id = ours.id order by name, verb`,
        { ids: postIds }
      )
      const done = new Map<string, Done[]>()
      for (const { name, post_id: id, verb } of rows) done.set(id, [...(done.get(id) ?? []), { name, verb }])
      return done
    },
    /** Who favoured or shared a post in public and did not take it back, whoever they are. */
    async peopleOf({ id, uri }: Pick<KeptPost, 'id' | 'uri'>): Promise<{ verb: Done['verb']; person: Actor }[]> {
      const rows = await db
        .with('d', did =>
          did
            .select('actor_id', 'verb')
            .from('acts')
            .where(about => about.where({ post_id: id }).orWhere({ object: uri }))
            .whereIn('verb', ['favourite', 'share'])
            .where({ undone: false })
            .union(
              db('posts')
                .select('author_id', 'verb')
                .where({ shared_id: id, verb: 'share' })
                .whereIn('visibility', ['public', 'unlisted'])
                .whereNull('deleted_at')
            )
        )
        .from('d')
        .join('actors as a', 'a.id', 'd.actor_id')
        .whereNull('a.removed_at')
        .select(['d.verb as did', ...actorColumns('a', '')])
        .orderBy('a.id')
      return rows.map(({ did, ...row }) => ({ verb: did, person: fromRow<Actor>(row) }))
    },
    /** Hosts (with port) whose callbacks subscribe to a topic at our hub. */
    async subscribedHosts(topic: string): Promise<Set<string>> {
      const rows = await db('subscribers as s').join('recipients as r', 'r.id', 's.recipient_id').where({ topic }).distinct('r.host')
      return new Set(rows.map(row => row.host))
    },
    /** Those whom we told of a post by Salmon. */
    async told(postId: string): Promise<Actor[]> {
      const rows = await db('told as t').join('actors as a', 'a.id', 't.actor_id').where({ post_id: postId }).select(actorColumns('a', ''))
      return rows.map(row => fromRow<Actor>(row))
    },
    async addTold(postId: string, actorIds: string[]): Promise<void> {
      const rows = actorIds.map(id => ({ post_id: postId, actor_id: id }))
      if (rows.length > 0) await db('told').insert(rows).onConflict().ignore()
    },
    /** Rewrites the ids of our own acts from one origin to another: only while nothing has left the node (interface.md 1). */
    async moveOrigin(from: string, to: string): Promise<void> {
      await db('acts')
        .whereIn('actor_id', db('actors').select('id').whereNotNull('local_name'))
        .whereLike('uri', `${from}/%`)
        .update({ uri: db.raw('? || substr(uri, ?)', [to, from.length + 1]) })
    }
  }
}
