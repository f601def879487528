import { jobsSchema, listPending, migrationsFolder } from './migrations.ts'
import type { Db } from './rows.ts'

export type Condition = ReturnType<typeof makeCondition>

/** How the database and what waits in it are doing: for `doctor`. */
export function makeCondition(db: Db) {
  return {
    /** Major version of PostgreSQL; migrations that were not run yet; milliseconds of the middle one of five simple questions. */
    async database(): Promise<{ version: number; pending: number; ms: number }> {
      const times: number[] = []
      let version = 0
      for (let round = 0; round < 5; round++) {
        const begun = performance.now()
        const { rows } = await db.raw(`select current_setting('server_version_num')::int / 10000 as version`)
        times.push(performance.now() - begun)
        version = rows[0].version
      }
      return { version, pending: (await listPending(db, migrationsFolder)).length, ms: times.sort((a, b) => a - b)[2]! }
    },
    /**
     * Jobs that should have been begun: how many, for how many seconds the oldest of them waits, and its kind. By the database's own
     * clock, as the queue goes.
     */
    async jobs(): Promise<{ due: number; seconds: number; kind?: string }> {
      const jobs = () => db.withSchema(jobsSchema).table('job')
      const due = () => jobs().whereIn('state', ['created', 'retry']).whereRaw('start_after <= now()')
      const [count, oldest] = await Promise.all([
        due().count({ n: '*' }).first(),
        due().orderBy('start_after').first('name', db.raw('extract(epoch from now() - start_after)::int as seconds'))
      ])
      const row = count as { n?: string } | undefined
      return { due: Number(row?.n ?? 0), seconds: oldest?.seconds ?? 0, ...(oldest ? { kind: oldest.name } : {}) }
    },
    /** Hosts that have not taken anything since before a time, the worst first, ten at most; and how many there are. */
    async deadHosts(before: Date): Promise<{ hosts: string[]; count: number }> {
      const failing = () => db('recipients').where('failing_since', '<', before)
      const rows: { host: string }[] = await failing().groupBy('host').select('host').orderByRaw('min(failing_since)').limit(10)
      const [row] = await failing().countDistinct({ n: 'host' })
      return { hosts: rows.map(({ host }) => host), count: Number(row?.n ?? 0) }
    },
    /** Deliveries that ended since a time: how many, and how many of them failed for good. */
    async deliveries(since: Date): Promise<{ done: number; failed: number }> {
      const ended = db('deliveries').where('done_at', '>', since).groupBy('state')
      const rows: { state: string; n: string }[] = await ended.select('state', db.raw('count(*) as n'))
      const of = (state: string) => Number(rows.find(row => row.state === state)?.n ?? 0)
      return { done: of('done'), failed: of('failed') }
    }
  }
}
