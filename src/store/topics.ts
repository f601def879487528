import { type Db, fromRow, toRow } from './rows.ts'

export type Topics = ReturnType<typeof makeTopics>
export type Topic = {
  url: string
  etag?: string
  lastModified?: string
  hash?: string
  fetchedAt?: Date
  fetchWanted: boolean
  status?: number
  error?: string
}

/** Topics of others that an open hub serves: what was last fetched of each, to know what is new. */
export function makeTopics(db: Db) {
  return {
    /** Until the transaction ends nobody else hands out anything of this topic: what is handed out keeps its order (H8). */
    lock: (url: string) => db.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [url]),
    async find(url: string): Promise<Topic | undefined> {
      const row = await db('topics').where({ url }).first()
      return row && fromRow<Topic>(row)
    },
    /** Marks a topic as to be fetched. True when nobody had asked since the last fetch began: a fetch must be put into the queue. */
    async want(url: string): Promise<boolean> {
      const rows = await db('topics')
        .insert({ url, fetch_wanted: true })
        .onConflict('url')
        .merge({ fetch_wanted: true })
        .whereRaw('not topics.fetch_wanted')
        .returning('url')
      return rows.length > 0
    },
    /**
     * A fetch begins: a ping from now on asks for another one. One fetch of a topic at a time, six a minute (X38).
     * Answers true; false when another fetch is under way, which will see to the ping; or the time from which one is allowed.
     */
    async begin(url: string, now: Date): Promise<boolean | Date> {
      const minuteAgo = new Date(now.getTime() - 60_000)
      const fresh = db.raw('window_at is null or window_at <= ?', [minuteAgo])
      const rows = await db('topics')
        .where({ url })
        .where(free => free.whereNull('claimed_until').orWhere('claimed_until', '<=', now))
        .where(free => free.where('window_fetches', '<', 6).orWhere(fresh))
        .update({
          ...{ fetch_wanted: false, claimed_until: new Date(now.getTime() + 30_000) },
          ...{
            window_fetches: db.raw('case when ? then 1 else window_fetches + 1 end', [fresh]),
            window_at: db.raw('case when ? then ? else window_at end', [fresh, now])
          }
        })
        .returning('url')
      if (rows.length > 0) return true
      const row = await db('topics').where({ url }).first()
      if (row === undefined || (row.claimed_until !== null && row.claimed_until > now)) return false
      return new Date(row.window_at.getTime() + 60_000)
    },
    /** A fetch has ended. True when it was asked for again meanwhile. */
    async end(url: string): Promise<boolean> {
      const [row] = await db('topics').where({ url }).update({ claimed_until: null }).returning('fetch_wanted')
      return row?.fetch_wanted ?? false
    },
    async keep(
      url: string,
      change: { etag?: string | null; lastModified?: string | null; hash?: string; fetchedAt: Date; status?: number; error?: string | null }
    ): Promise<void> {
      await db('topics').where({ url }).update(toRow(change))
    },
    /** Forgets what was handed out of a topic, as if it had never been. */
    async removeDocuments(url: string): Promise<void> {
      await db('deliveries')
        .whereIn('document_id', db('documents').select('id').where({ topic: url }))
        .delete()
      await db('documents').where({ topic: url }).delete()
    },
    /** Topics that nobody subscribes to any more. */
    forget: (before: Date) =>
      db('topics')
        .where(old => old.where('fetched_at', '<', before).orWhereNull('fetched_at'))
        .whereNotExists(db('subscribers').select(db.raw('1')).whereRaw('subscribers.topic = topics.url'))
        .delete()
  }
}
