/** Configuration -> Tools: the one place that wires. */
import { randomInt } from 'node:crypto'
import { PgBoss } from 'pg-boss'
import type { Config } from './config.ts'
import { makeAddresses } from './model/addresses.ts'
import type { Log } from './model/log.ts'
import { makeGuard } from './net/guard.ts'
import { makeHttp } from './net/http.ts'
import { makeLanes } from './net/lanes.ts'
import { loadSecretKey } from './secret-key.ts'
import { CHANNEL } from './store/changes.ts'
import { type Database, listen, openDatabase } from './store/database.ts'
import { jobsSchema } from './store/migrations.ts'
import { makeQueues } from './store/queue.ts'
import { makeStores } from './store/stores.ts'
import { WORKER_LOCK } from './store/subscribers.ts'
import { makeVault } from './store/vault.ts'
import type { Tools } from './tools.ts'

export const VERSION = '0.1.0'

/** What a process does beside answering: a `worker` takes jobs out of the queue; a `command` does one thing and ends. */
export type Role = 'node' | 'web' | 'worker' | 'command'

export type Assembled = { tools: Tools; database: Database; close(): Promise<void> }

/** What a test may put in the place of the real thing. */
export type Overrides = Partial<Pick<Tools, 'clock' | 'http' | 'random'>> & { database?: Database }

/** Opens the database, migrates it when it is the bundled one, and makes the tools. `close` ends all of it. */
export async function assemble(config: Config, log: Log, role: Role, overrides: Overrides = {}): Promise<Assembled> {
  const vault = makeVault(await loadSecretKey(config))
  const database = overrides.database ?? (await openDatabase({ ...databaseSettings(config), poolMax: role === 'command' ? 4 : 10 }, log))
  // the bundled database belongs to this node alone; another one is migrated by the release phase, and by `start`
  if (database.bundled || role === 'node') await database.migrate()
  const boss = await startQueue(database, log, role)
  const clock = overrides.clock ?? (() => new Date())
  const http = overrides.http ?? makeGuardedHttp(config, clock)
  const worker = randomInt(1, 2 ** 31 - 1)
  const hearers: ((name: string) => void)[] = []
  const tell = (name: string) => {
    for (const hear of hearers) hear(name)
  }
  const ear =
    role === 'command'
      ? undefined
      : await listen(database.pgConfig, CHANNEL, tell, () => tell('*'), [`select pg_advisory_lock(${WORKER_LOCK}, ${worker})`])
  const tools: Tools = {
    ...makeStores(database.knex, vault, boss),
    ...{ config, clock, log, http, worker, random: overrides.random ?? Math.random },
    addresses: makeAddresses(config.publicUrl, config.handleHost),
    lanes: makeLanes(() => clock().getTime()),
    onChange: hear => void hearers.push(hear),
    transaction: work => database.knex.transaction(trx => work(makeStores(trx, vault, boss)))
  }
  const close = async () => {
    await boss.stop({ graceful: false, close: true })
    await ear?.close()
    await http.close()
    if (overrides.database === undefined) await database.close()
  }
  return { tools, database, close }
}

/** Where the database is, as `openDatabase` takes it. */
export const databaseSettings = (config: Config) => ({ ssl: 'off' as const, ...config.database, dataDir: config.dataDir })

function makeGuardedHttp(config: Config, clock: () => Date) {
  const userAgent = `tidings/${VERSION} (+${config.publicUrl}/)`
  const guard = makeGuard({ allow: config.allowAddresses })
  return makeHttp({ guard, allowHttp: config.allowHttp, userAgent, clock: () => clock().getTime(), ownOrigin: config.publicUrl })
}

async function startQueue(database: Database, log: Log, role: Role): Promise<PgBoss> {
  const works = role === 'node' || role === 'worker'
  const { query_timeout: _timeout, ...connection } = database.pgConfig
  const boss = new PgBoss({
    ...(connection as object),
    ...{ schema: jobsSchema, max: works ? 6 : 2, migrate: false, createSchema: false, schedule: false, supervise: works },
    ...{ superviseIntervalSeconds: 20, monitorIntervalSeconds: 20, monitorVacuum: false }
  })
  boss.on('error', error => log.warn({ error }, 'queue'))
  await boss.start()
  await makeQueues(boss)
  return boss
}
