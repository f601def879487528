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
    /** A fetch begins: a ping from now on asks for another one. */
    begin: (url: string) => db('topics').where({ url }).update({ fetch_wanted: false }),
    async keep(
      url: string,
      change: { etag?: string | null; lastModified?: string | null; hash?: string; fetchedAt: Date; status?: number; error?: string | null }
    ): Promise<void> {
      await db('topics').where({ url }).update(toRow(change))
    },
    /** Topics that nobody subscribes to any more. */
    forget: (before: Date) =>
      db('topics')
        .where(old => old.where('fetched_at', '<', before).orWhereNull('fetched_at'))
        .whereNotExists(db('subscribers').select(db.raw('1')).whereRaw('subscribers.topic = topics.url'))
        .delete()
  }
}
