import type { KeptPost, Version } from '../model/kept.ts'
import { type Db, fromRow, toRow } from './rows.ts'

export type History = ReturnType<typeof makeHistory>

/** A post as it is about to be kept: cleaned, its author proven. `updated` is absent when the document does not tell it. */
export type NewPost = Omit<KeptPost, 'receivedAt' | 'edits' | 'updatedAt'> & {
  updatedAt?: Date
  /** The body without markup: what the full text search reads. */
  text: string
  /** Whether the id's authority (its host, or the domain of a tag: URI) is the author's own: such a post cannot be kept out by a squatter. */
  rightful: boolean
}

export type Kept =
  /** `stolen`: another author owns this id already; `dead`: it was deleted before, or a delete came first. */
  { outcome: 'new' | 'edited' | 'same' | 'dead'; post: KeptPost } | { outcome: 'stolen' }

export const POST_COLUMNS = [
  ...['id', 'uri', 'author_id', 'verb', 'kind', 'url', 'entry_url', 'activity_url', 'title', 'html', 'warning', 'language'],
  ...['published_at', 'updated_at', 'received_at', 'sorted_at', 'in_reply_to', 'in_reply_to_url', 'parent_id', 'conversation'],
  ...['mentions', 'tags', 'enclosures', 'visibility', 'sensitive', 'shared_id', 'quoted', 'edits', 'deleted_at']
]

/** What an edit may change: never id, author or first publication (X11). */
const editable = (post: NewPost) =>
  toRow({
    ...{ title: post.title ?? null, html: post.html, bodyText: post.text, warning: post.warning ?? null, language: post.language ?? null },
    ...{ url: post.url ?? null, tags: post.tags, mentions: post.mentions, enclosures: JSON.stringify(post.enclosures) },
    ...{ visibility: post.visibility, sensitive: post.sensitive }
  })

const whole = (post: NewPost, now: Date) =>
  toRow({
    ...{ id: post.id, uri: post.uri, authorId: post.authorId, verb: post.verb, kind: post.kind, entryUrl: post.entryUrl },
    ...{ activityUrl: post.activityUrl, publishedAt: post.publishedAt, updatedAt: post.updatedAt ?? post.publishedAt, receivedAt: now },
    ...{ sortedAt: post.sortedAt, inReplyTo: post.inReplyTo, inReplyToUrl: post.inReplyToUrl, parentId: post.parentId },
    ...{
      conversation: post.conversation,
      rightful: post.rightful,
      sharedId: post.sharedId,
      quoted: post.quoted && JSON.stringify(post.quoted)
    },
    ...editable(post)
  })

const EMPTY = { title: null, html: '', body_text: '', warning: null, quoted: null, enclosures: '[]', tags: [], mentions: [] }

/** Activities and posts, each kept once. Every method may be called twice, or at once with itself: the end is the same. */
export function makeHistory(db: Db) {
  const one = async (query: PromiseLike<unknown>): Promise<KeptPost | undefined> => {
    const row = (await query) as Record<string, unknown> | undefined
    return row && fromRow<KeptPost>(row)
  }

  const edit = async (kept: KeptPost, post: NewPost, now: Date): Promise<Kept> => {
    const told = post.updatedAt
    const changed = kept.html !== post.html || kept.title !== post.title || kept.warning !== post.warning
    if (!changed || (told !== undefined && told <= kept.updatedAt)) return { outcome: 'same', post: kept }
    await db('post_versions').insert({
      post_id: kept.id,
      number: kept.edits,
      title: kept.title ?? null,
      html: kept.html,
      updated_at: kept.updatedAt,
      replaced_at: now
    })
    const [row] = await db('posts')
      .where({ id: kept.id })
      .update({ ...editable(post), updated_at: told ?? now, edits: kept.edits + 1 })
      .returning(POST_COLUMNS)
    return { outcome: 'edited', post: fromRow<KeptPost>(row) }
  }

  return {
    find: (id: string) => one(db('posts').select(POST_COLUMNS).where({ id }).first()),
    /** By its URI, and by its author when known. Of several with one URI the rightful one is given, else the first seen. */
    findByUri: (uri: string, authorId?: string) =>
      one(
        db('posts')
          .select(POST_COLUMNS)
          .where({ uri, ...(authorId === undefined ? {} : { author_id: authorId }) })
          .orderBy([{ column: 'rightful', order: 'desc' }, { column: 'received_at' }])
          .first()
      ),
    findByAddress: (url: string) =>
      one(db('posts').select(POST_COLUMNS).where({ url }).orWhere({ uri: url }).orderBy('received_at').first()),

    /**
     * Keeps a post, an edit of it, or nothing when nothing is new (I10, X11, S12). The unique (author, uri) decides between two
     * at once. Must run inside a transaction.
     */
    async keep(post: NewPost, now: Date): Promise<Kept> {
      const others = db('posts').select('id').where({ uri: post.uri }).whereNot({ author_id: post.authorId })
      const other = await (post.rightful ? others.where({ rightful: true }) : others).first()
      if (other !== undefined) return { outcome: 'stolen' }
      const [made] = await db('posts').insert(whole(post, now)).onConflict(['author_id', 'uri']).ignore().returning(POST_COLUMNS)
      if (made === undefined) {
        const kept = await one(db('posts').select(POST_COLUMNS).where({ author_id: post.authorId, uri: post.uri }).forUpdate().first())
        if (kept === undefined) throw new Error('a post vanished while it was kept')
        return kept.deletedAt === undefined ? edit(kept, post, now) : { outcome: 'dead', post: kept }
      }
      const grave = await db('tombstones').where({ author_id: post.authorId, uri: post.uri }).first()
      if (grave !== undefined) {
        await db('posts')
          .where({ id: post.id })
          .update({ ...EMPTY, deleted_at: grave.deleted_at })
        return { outcome: 'dead', post: { ...fromRow<KeptPost>(made), deletedAt: grave.deleted_at } }
      }
      await db('posts').where({ in_reply_to: post.uri }).whereNull('parent_id').update({ parent_id: post.id })
      return { outcome: 'new', post: fromRow<KeptPost>(made) }
    },
    /** A post of ours replaced by a new version. */
    edit: (kept: KeptPost, post: NewPost, now: Date) => edit(kept, post, now),

    /**
     * Lays a tombstone, for a post that we never saw too, and empties the post if we have it (X4). Answers the post that died
     * now, or undefined when there was none or it was dead already.
     */
    async remove(authorId: string, uri: string, now: Date): Promise<KeptPost | undefined> {
      await db('tombstones').insert({ author_id: authorId, uri, deleted_at: now }).onConflict().ignore()
      const [row] = await db('posts')
        .where({ author_id: authorId, uri })
        .whereNull('deleted_at')
        .update({ ...EMPTY, deleted_at: now })
        .returning(POST_COLUMNS)
      if (row === undefined) return undefined
      await db('post_versions').where({ post_id: row.id }).delete()
      return fromRow<KeptPost>(row)
    },
    async isDead(authorId: string, uri: string): Promise<boolean> {
      return (await db('tombstones').where({ author_id: authorId, uri }).first()) !== undefined
    },
    async versions(postId: string): Promise<Version[]> {
      return (await db('post_versions').where({ post_id: postId }).orderBy('number')).map(row => fromRow<Version>(row))
    },

    /** Records a favourite, follow or the like, or its undoing: the newest wins, at the same time the undoing (M16). */
    async act(act: {
      actorId: string
      verb: string
      object: string
      uri?: string
      postId?: string
      at: Date
      undone: boolean
    }): Promise<boolean> {
      const row = toRow({
        actorId: act.actorId,
        verb: act.verb,
        object: act.object,
        uri: act.uri,
        postId: act.postId,
        actedAt: act.at,
        undone: act.undone
      })
      const rows = await db('acts')
        .insert(row)
        .onConflict(['actor_id', 'verb', 'object'])
        .merge()
        .whereRaw('excluded.acted_at > acts.acted_at or (excluded.acted_at = acts.acted_at and excluded.undone and not acts.undone)')
        .returning('actor_id')
      return rows.length > 0
    },
    /** Acts on a post or a person that still hold: `{ favourite: 3, share: 1 }`. */
    async countActs(object: string): Promise<Record<string, number>> {
      const rows: { verb: string; n: string }[] = await db('acts')
        .where({ object, undone: false })
        .groupBy('verb')
        .select('verb', db.raw('count(*) as n'))
      return Object.fromEntries(rows.map(row => [row.verb, Number(row.n)]))
    },

    /** Rewrites the addresses of our own posts from one origin to another: only while nothing has left the node (interface.md 1). */
    async moveOrigin(from: string, to: string): Promise<void> {
      const moved = (column: string) =>
        db.raw(`case when starts_with(??, ?) then ? || substr(??, ?) else ?? end`, [
          column,
          `${from}/`,
          to,
          column,
          from.length + 1,
          column
        ])
      const move = (table: string, columns: string[]) =>
        db(table).update(Object.fromEntries(columns.map(column => [column, moved(column)])))
      const own = db('actors').select('id').whereNotNull('local_name')
      await move('posts', ['uri', 'url', 'entry_url']).whereIn('author_id', own)
      await move('posts', ['in_reply_to', 'in_reply_to_url']).where(some =>
        some.whereLike('in_reply_to', `${from}/%`).orWhereLike('in_reply_to_url', `${from}/%`)
      )
      await move('tombstones', ['uri']).whereIn('author_id', own)
      await move('acts', ['object']).whereLike('object', `${from}/%`)
    },

    /** Forgets posts of others older than the limit which nobody here answered, shared or favoured (RETENTION_DAYS). */
    async forget(before: Date, limit: number): Promise<number> {
      return db('posts')
        .whereIn(
          'id',
          db('posts as p')
            .join('actors as a', 'a.id', 'p.author_id')
            .select('p.id')
            .where('p.received_at', '<', before)
            .whereNull('a.local_name')
            .whereNotExists(
              db('posts as r')
                .join('actors as l', 'l.id', 'r.author_id')
                .whereNotNull('l.local_name')
                .whereRaw('(r.parent_id = p.id or r.shared_id = p.id)')
                .select(db.raw('1'))
            )
            .whereNotExists(
              db('posts as o')
                .join('actors as l', 'l.id', 'o.author_id')
                .whereNotNull('l.local_name')
                .whereRaw('p.parent_id = o.id')
                .select(db.raw('1'))
            )
            .whereNotExists(
              db('acts as c')
                .join('actors as l', 'l.id', 'c.actor_id')
                .whereNotNull('l.local_name')
                .whereRaw('c.post_id = p.id')
                .select(db.raw('1'))
            )
            .limit(limit)
        )
        .delete()
    }
  }
}
