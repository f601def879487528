import { type Db, fromRow } from './rows.ts'

export type Refusals = ReturnType<typeof makeRefusals>

/**
 * Something that came in and was refused. `who`: the URI of whoever is said to have sent it, or where it came from when it does not say:
 * not proven. `path`: where it came to.
 */
export type Refusal = {
  id: string
  way: 'inbox' | 'salmon' | 'hub'
  who: string
  host?: string
  path: string
  status: number
  code: string
  sentence: string
  times: number
  firstAt: Date
  at: Date
}

/** So many are kept of those whom we know, and as many of strangers: these may be made up. */
const KEPT = 100

/** What was refused of late. */
export function makeRefusals(db: Db) {
  return {
    /** Keeps it, or counts it when the same was refused before; the oldest go. */
    async add({ who, ...refusal }: Omit<Refusal, 'id' | 'times' | 'firstAt' | 'at'>, now: Date): Promise<void> {
      const known = (await db('actor_names').where({ name: who }).first()) !== undefined
      const row = { ...refusal, host: refusal.host ?? null, known, at: now }
      await db('refusals')
        .insert({ ...row, who, first_at: now })
        .onConflict(['way', 'who', 'code'])
        .merge({ ...row, times: db.raw('refusals.times + 1') })
      const old = db('refusals').select('id').where({ known }).orderBy(NEWEST).offset(KEPT)
      await db('refusals').whereIn('id', old).delete()
    },
    /** All that are kept, newest first. */
    async list(): Promise<Refusal[]> {
      return (
        await db('refusals')
          .orderBy(NEWEST)
          .limit(2 * KEPT)
      ).map(row => fromRow<Refusal>(row))
    },
    forget: (before: Date) => db('refusals').where('at', '<', before).delete(),
    /** How many different ones there were since a time. */
    async count(since: Date): Promise<number> {
      return Number((await db('refusals').where('at', '>', since).count({ n: '*' }).first())?.n ?? 0)
    }
  }
}

const NEWEST = [
  { column: 'at', order: 'desc' },
  { column: 'id', order: 'desc' }
]
