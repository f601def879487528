import { createHash } from 'node:crypto'
import { CHANNEL } from './changes.ts'
import type { Db } from './rows.ts'

export type Settings = ReturnType<typeof makeSettings>

/** Class of the advisory locks by which a process shows under which origin it runs. */
const ORIGIN_LOCK = 7442

const numberOf = (origin: string): number => createHash('sha256').update(origin).digest().readUInt32BE() >>> 1

/** The statement by which a process shows its origin, as long as the connection lives. */
export const showOrigin = (origin: string): string => `select pg_advisory_lock_shared(${ORIGIN_LOCK}, ${numberOf(origin)})`

/**
 * What the node must remember of itself: `origin`, `left` (something has left the node from a public origin), `signed_in` (the owner has
 * been here), `passphrase`; and what the owner set on the pages: `pictures` (false: those of other people are not shown).
 */
export function makeSettings(db: Db) {
  return {
    async find<T>(name: string): Promise<T | undefined> {
      return (await db('settings').where({ name }).first())?.value
    },
    /** Whether a process of this node runs under another origin now. */
    async runsElsewhere(origin: string): Promise<boolean> {
      const here = db.raw('(select oid from pg_database where datname = current_database())')
      const others = db('pg_locks').where({ locktype: 'advisory', classid: ORIGIN_LOCK, database: here })
      return (await others.whereNot({ objid: numberOf(origin) }).first('pid')) !== undefined
    },
    /** Every process is told `settings`: they keep in memory what pages ask for. */
    async keep(name: string, value: unknown): Promise<void> {
      await db('settings')
        .insert({ name, value: JSON.stringify(value) })
        .onConflict('name')
        .merge()
      await db.raw('select pg_notify(?, ?)', [CHANNEL, 'settings'])
    },
    /** Forgets what stands under a name, or begins with `beginning`. */
    async remove(name: string, beginning = false): Promise<void> {
      const rows = db('settings')
      await (beginning ? rows.whereRaw('starts_with(name, ?)', [name]) : rows.where({ name })).delete()
    },
    /** Forgets what begins so and had its time: its value has an `until`. */
    async forget(beginning: string, now: Date): Promise<void> {
      await db('settings').whereRaw('starts_with(name, ?)', [beginning]).whereRaw(`(value ->> 'until')::timestamptz < ?`, [now]).delete()
    }
  }
}
