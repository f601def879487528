import type { StoredPicture } from '../model/blog.ts'
import { newId } from '../model/ids.ts'
import { type Change, type Db, fromRow, toRow } from './rows.ts'

export type Pictures = ReturnType<typeof makePictures>

/** Pictures of strangers: known by the ids of rows, never by an address that a caller gives (X25). */
export function makePictures(db: Db) {
  return {
    /** The ids of pictures at these addresses; those that are new get one. */
    async idsOf(urls: string[], now: Date): Promise<Map<string, string>> {
      const wanted = [...new Set(urls)]
      if (wanted.length === 0) return new Map()
      const known = new Map<string, string>((await db('pictures').select('id', 'url').whereIn('url', wanted)).map(row => [row.url, row.id]))
      const rows = wanted.filter(url => !known.has(url)).map(url => ({ id: newId(now.getTime()), url }))
      if (rows.length === 0) return known
      await db('pictures').insert(rows).onConflict('url').ignore()
      return new Map((await db('pictures').select('id', 'url').whereIn('url', wanted)).map(row => [row.url, row.id]))
    },
    async find(id: string): Promise<StoredPicture | undefined> {
      const row = await db('pictures').where({ id }).first()
      return row && fromRow<StoredPicture>(row)
    },
    async change(id: string, change: Change<StoredPicture>): Promise<void> {
      await db('pictures').where({ id }).update(toRow(change))
    },
    async touch(id: string, now: Date): Promise<void> {
      await db('pictures').where({ id }).update({ used_at: now })
    },
    /** Forgets the bodies that were not asked for longest, until they have `bytes` in all at most. They can be fetched again. */
    async shrink(bytes: number): Promise<void> {
      const sums = db('pictures')
        .whereNotNull('body')
        .select('id', db.raw('sum(length(body)) over (order by used_at desc nulls last, id) as kept'))
      const over = db.select('id').from(sums.as('sums')).where('kept', '>', bytes)
      await db('pictures').whereIn('id', over).update({ body: null, fetched_at: null })
    }
  }
}
