import type { Visibility } from '../model/activity.ts'
import type { KeptPost, Version } from '../model/kept.ts'
import { isUri, makeNewPosts, POST_COLUMNS, type Quoting } from './new-posts.ts'
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
  | { outcome: 'edited' | 'same' | 'dead'; post: KeptPost }
  /** `quoting`: shares that could only quote a post of this id before we had it. */
  | { outcome: 'new'; post: KeptPost; quoting: Quoting[] }
  | { outcome: 'stolen' }

/** What an edit may change: never id, author or first publication (X11). */
const editable = (post: NewPost) =>
  toRow({
    ...{ title: post.title ?? null, html: post.html, bodyText: post.text, warning: post.warning ?? null, language: post.language ?? null },
    ...{ url: post.url ?? null, tags: post.tags, mentions: post.mentions, enclosures: JSON.stringify(post.enclosures) },
    ...{ visibility: post.visibility, sensitive: post.sensitive, quoted: post.quoted && JSON.stringify(post.quoted) }
  })

const whole = (post: NewPost, now: Date) =>
  toRow({
    ...{ id: post.id, uri: post.uri, authorId: post.authorId, verb: post.verb, kind: post.kind, entryUrl: post.entryUrl },
    ...{ activityUrl: post.activityUrl, publishedAt: post.publishedAt, updatedAt: post.updatedAt ?? post.publishedAt, receivedAt: now },
    ...{ sortedAt: post.sortedAt, inReplyTo: post.inReplyTo, inReplyToUrl: post.inReplyToUrl, parentId: post.parentId },
    ...{ conversation: post.conversation, rightful: post.rightful, sharedId: post.sharedId },
    ...{ title: post.title, html: post.html, bodyText: post.text, warning: post.warning, language: post.language, url: post.url },
    ...{ tags: post.tags, mentions: post.mentions, enclosures: post.enclosures, quoted: post.quoted },
    ...{ visibility: post.visibility, sensitive: post.sensitive }
  })

const isChanged = (kept: KeptPost, post: NewPost) => kept.html !== post.html || kept.title !== post.title || kept.warning !== post.warning

/** Who may read, from everybody to few. */
const NARROWING: readonly Visibility[] = ['public', 'unlisted', 'followers', 'direct']

/** What was ever for few stays for those, whichever version is told last (W29). */
const narrower = (one: Visibility, other: Visibility): Visibility => (NARROWING.indexOf(one) > NARROWING.indexOf(other) ? one : other)

const EMPTY = { title: null, html: '', body_text: '', warning: null, quoted: null, enclosures: '[]', tags: [], mentions: [] }

async function one(query: PromiseLike<unknown>): Promise<KeptPost | undefined> {
  const row = (await query) as Record<string, unknown> | undefined
  return row && fromRow<KeptPost>(row)
}

/** Activities and posts, each kept once. Every method may be called twice, or at once with itself: the end is the same. */
export function makeHistory(db: Db) {
  const posts = makeNewPosts(db)
  /**
   * What comes again: a document that is not newer changes nothing but who may read, and that only to fewer; one that only tells a
   * later time moves the clock (X11, S12).
   */
  const again = async (kept: KeptPost, telling: NewPost, now: Date): Promise<Kept> => {
    const told = telling.updatedAt
    const visibility = narrower(kept.visibility, telling.visibility)
    const post = { ...telling, visibility }
    if (visibility !== kept.visibility) await db('posts').where({ id: kept.id }).update({ visibility })
    // both came at the same time, and neither saw the other
    const orphan = kept.parentId === undefined && post.parentId !== undefined && post.parentId !== kept.id
    if (orphan) await db('posts').where({ id: kept.id }).update({ parent_id: post.parentId })
    if (told !== undefined && told <= kept.updatedAt) return { outcome: 'same', post: kept }
    if (isChanged(kept, post)) return edit(kept, post, now)
    if (told !== undefined)
      await db('posts')
        .where({ id: kept.id })
        .update({ ...editable(post), updated_at: told })
    return { outcome: 'same', post: kept }
  }

  const edit = async (kept: KeptPost, post: NewPost, now: Date): Promise<Kept> => {
    if (!isChanged(kept, post)) return { outcome: 'same', post: kept }
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
      .update({ ...editable(post), updated_at: post.updatedAt ?? now, edits: kept.edits + 1 })
      .returning(POST_COLUMNS)
    return { outcome: 'edited', post: fromRow<KeptPost>(row) }
  }

  return {
    find: (id: string) => one(db('posts').select(POST_COLUMNS).where({ id }).first()),
    /** By its URI, and by its author when known. Of several with one URI the rightful one is given, else the first seen. */
    findByUri: (uri: string, authorId?: string) =>
      authorId === undefined ? posts.findByUri(uri) : one(db('posts').select(POST_COLUMNS).where({ uri, author_id: authorId }).first()),
    /** By the ActivityPub id that it bears beside its own (X13). */
    findByActivityUrl: (url: string) => one(db('posts').select(POST_COLUMNS).where({ activity_url: url }).orderBy('received_at').first()),
    findByAddress(url: string): Promise<KeptPost | undefined> {
      const named = db('posts').where({ url }).orWhere({ uri: url }).orWhere({ activity_url: url })
      return one(named.select(POST_COLUMNS).orderBy('received_at').first())
    },
    /** Somebody's post by any of the ids that it bears in the protocols by which it may have come (X13). */
    findTwin: (authorId: string, ids: string[]) => posts.findTwin({ authorId, ids }),

    /** Of two authors with one id the one whose host it names is believed, else the first (I10). What is no URI counts within its feed alone. */
    async isStolen(post: Pick<NewPost, 'uri' | 'authorId' | 'rightful'>): Promise<boolean> {
      if (!isUri(post)) return false
      const others = db('posts').select('id').where({ uri: post.uri }).whereNot({ author_id: post.authorId })
      return (await (post.rightful ? others.where({ rightful: true }) : others).first()) !== undefined
    },
    /**
     * Keeps a post, an edit of it, or nothing when nothing is new (I10, X11, S12). The unique (author, uri) decides between two
     * at once. Must run inside a transaction.
     */
    async keep(post: NewPost, now: Date): Promise<Kept> {
      const made = await posts.insert(whole(post, now))
      if (made === undefined) {
        if (await this.isStolen(post)) return { outcome: 'stolen' }
        const kept = await one(db('posts').select(POST_COLUMNS).where({ author_id: post.authorId, uri: post.uri }).forUpdate().first())
        if (kept === undefined) throw new Error('a post vanished while it was kept')
        return kept.deletedAt === undefined ? again(kept, post, now) : { outcome: 'dead', post: kept }
      }
      const { deletedAt, quoting, stolen } = await posts.settle(post)
      const mine = db('posts').where({ id: post.id })
      if (stolen) await mine.delete()
      else if (deletedAt !== null) await mine.update({ ...EMPTY, deleted_at: deletedAt })
      else return { outcome: 'new', post: made, quoting }
      return stolen ? { outcome: 'stolen' } : { outcome: 'dead', post: { ...made, deletedAt: deletedAt! } }
    },
    /** A post of ours as it is now, held until the transaction ends: two edits at once become two versions. */
    lock: (id: string) => one(db('posts').select(POST_COLUMNS).where({ id }).forUpdate().first()),
    /** A post of ours, as `lock` gave it, replaced by a new version. */
    edit,
    async amend(id: string, facts: Pick<KeptPost, 'tags' | 'enclosures'> & Pick<Partial<KeptPost>, 'url' | 'language'>): Promise<void> {
      // what a better source tells of a post of ours beside its text: it makes no new version
      await db('posts')
        .where({ id })
        .update(toRow({ ...facts, enclosures: JSON.stringify(facts.enclosures) }))
    },
    /** Shares that quoted a post before we had it point at it from now on (X2). */
    async adopt({ id }: KeptPost, shares: Quoting[]): Promise<void> {
      if (shares.length === 0) return
      await db('posts')
        .whereIn(
          'id',
          shares.map(share => share.id)
        )
        .update({ shared_id: id })
    },

    /**
     * Lays a tombstone, for a post that we never saw too, and empties the post if we have it (X4). Answers the post that died
     * now, or undefined when there was none or it was dead already. Must run inside a transaction.
     */
    async remove(authorId: string, uri: string, now: Date): Promise<KeptPost | undefined> {
      // every insert of a post holds a share of its author's row: so a post that comes at the same time is seen here, or sees the tombstone
      await db('actors').select('id').where({ id: authorId }).forUpdate()
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
    /** The newest that somebody did in that way to that object, and whether it was taken back. */
    async findAct(actorId: string, verb: string, object: string): Promise<{ at: Date; undone: boolean; uri?: string } | undefined> {
      const row = await db('acts').where({ actor_id: actorId, verb, object }).first()
      return row && { at: row.acted_at, undone: row.undone, ...(row.uri === null ? {} : { uri: row.uri }) }
    },
    /** Takes back the shares and favourites that came under an id: their entry was deleted (X2, X4). */
    async undoActs(actorId: string, uri: string): Promise<void> {
      await db('acts').where({ actor_id: actorId, uri }).whereIn('verb', ['share', 'favourite']).update({ undone: true })
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

    /**
     * Forgets posts of others older than the limit which nobody here answered, shared or favours, and which answer
     * nobody here (RETENTION_DAYS). Tombstones stay.
     */
    async forget(before: Date, limit: number): Promise<number> {
      const { rowCount } = await db.raw(
        `delete from posts where id in (
           select p.id from posts p join actors a on a.id = p.author_id
           where p.received_at < ? and a.local_name is null
             and not exists (
               select 1 from posts o join actors l on l.id = o.author_id
               where l.local_name is not null and (o.parent_id = p.id or o.shared_id = p.id or o.id = p.parent_id))
             and not exists (
               select 1 from acts c join actors l on l.id = c.actor_id
               where l.local_name is not null and c.post_id = p.id and not c.undone)
           limit ?)`,
        [before, limit]
      )
      return rowCount
    }
  }
}
