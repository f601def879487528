import { newId } from '../model/ids.ts'
import type { Import, ImportItem, ImportState } from '../model/imports.ts'
import { type Change, type Db, fromRow, toRow } from './rows.ts'

export type Imports = ReturnType<typeof makeImports>

/** How many are kept of one account. */
const MOST_KEPT = 10
/** Rows of one statement: each has six values, of 65,535 at most. */
const ROWS = 5_000

/** Lists of whom to follow, and what came of each: the work that is left is whatever waits and is due. */
export function makeImports(db: Db) {
  const items = (id: string) => db('import_items').where({ import_id: id })
  return {
    /**
     * Writes a list down. The same list, as long as the account's import of it goes on, is that import. Must run inside a transaction.
     * @param digest of the list
     */
    async begin(
      { accountId, digest, name, wishes }: { accountId: string; digest: string; name?: string; wishes: { who: string; title?: string }[] },
      now: Date
    ): Promise<Import> {
      const row = { id: newId(now.getTime()), account_id: accountId, digest, name: name ?? null, created_at: now }
      const made = await db('imports')
        .insert(row)
        .onConflict(db.raw('(account_id, digest) where ended_at is null'))
        .ignore()
        .returning('id')
      if (made.length > 0) {
        const rows = wishes.map(({ title, who }, place) => ({ import_id: row.id, place, who, title: title ?? null, due_at: now }))
        for (let from = 0; from < rows.length; from += ROWS) await db('import_items').insert(rows.slice(from, from + ROWS))
        const kept = db('imports').select('id').where({ account_id: accountId }).orderBy('created_at', 'desc').limit(MOST_KEPT)
        await db('imports').where({ account_id: accountId }).whereNotNull('ended_at').whereNotIn('id', kept).delete()
      }
      return fromRow<Import>(await db('imports').where({ account_id: accountId, digest }).whereNull('ended_at').first())
    },
    async find(id: string): Promise<Import | undefined> {
      const row = await db('imports').where({ id }).first()
      return row && fromRow<Import>(row)
    },
    /** The newest, of all accounts. */
    async latest(limit: number): Promise<Import[]> {
      return (await db('imports').orderBy('created_at', 'desc').limit(limit)).map(row => fromRow<Import>(row))
    },
    async counts(id: string): Promise<Partial<Record<ImportState, number>>> {
      const rows = await items(id).groupBy('state').select('state', db.raw('count(*)::integer as n'))
      return Object.fromEntries(rows.map(({ n, state }) => [state, n]))
    },
    /** One page in the order of the list, or of those in some states. @param after the place of the last one before it */
    async items(id: string, { after, limit, states }: { after: number; limit: number; states?: ImportState[] }): Promise<ImportItem[]> {
      const query = items(id).where('place', '>', after).orderBy('place').limit(limit)
      return (await (states === undefined ? query : query.whereIn('state', states))).map(row => fromRow<ImportItem>(row))
    },
    async item(id: string, place: number): Promise<ImportItem | undefined> {
      const row = await items(id).where({ place }).first()
      return row && fromRow<ImportItem>(row)
    },
    /**
     * Takes what is due, as far as fewer than `most` are in somebody's hands: theirs until `until`, and due again then if nobody has
     * settled it. @param id of one import alone
     */
    async takeDue(now: Date, until: Date, most: number, id?: string): Promise<{ import: string; place: number }[]> {
      const waiting = () => db('import_items').where({ state: 'waiting', ...(id === undefined ? {} : { import_id: id }) })
      const held = await waiting().where('claimed_until', '>', now).count({ n: '*' }).first()
      const room = most - Number(held?.n ?? 0)
      if (room <= 0) return []
      const due = waiting()
        .select('import_id', 'place')
        .where('due_at', '<=', now)
        .where(query => query.whereNull('claimed_until').orWhere('claimed_until', '<=', now))
        .orderBy(['due_at', 'import_id', 'place'])
        .limit(room)
        .forUpdate()
        .skipLocked()
      const taken = await db('import_items')
        .whereIn(['import_id', 'place'], due)
        .update({ claimed_until: until })
        .returning(['import_id', 'place'])
      return taken.map(row => ({ import: row.import_id, place: row.place }))
    },
    /** What came of one, which is in nobody's hands then; and the end of the import with its last. Must run inside a transaction. */
    async settle(id: string, place: number, change: Change<ImportItem>, now: Date): Promise<void> {
      await db('imports').where({ id }).forUpdate().first('id')
      await items(id)
        .where({ place })
        .update({ ...toRow(change), claimed_until: null })
      if ((await items(id).where({ state: 'waiting' }).first('place')) === undefined)
        await db('imports').where({ id }).whereNull('ended_at').update({ ended_at: now })
    },
    /** Those of which nothing came are due once more. Answers how many. Must run inside a transaction. */
    async again(id: string, states: ImportState[], now: Date): Promise<number> {
      await db('imports').where({ id }).forUpdate().first('id')
      const again = await items(id).whereIn('state', states).update({ state: 'waiting', tries: 0, due_at: now, why: null })
      // the same list may have been begun anew meanwhile, and goes on beside this one
      if (again > 0) await db('imports').where({ id }).update({ ended_at: null, digest: id })
      return again
    }
  }
}
