/** Configuration -> Tools: the one place that wires. */
import { randomInt } from 'node:crypto'
import { PgBoss } from 'pg-boss'
import type { Config } from './config.ts'
import { makeAddresses } from './model/addresses.ts'
import { Refused } from './model/errors.ts'
import type { Log } from './model/log.ts'
import { makeGuard } from './net/guard.ts'
import { makeHttp } from './net/http.ts'
import { makeLanes } from './net/lanes.ts'
import { loadSecretKey } from './secret-key.ts'
import { CHANNEL } from './store/changes.ts'
import { type Database, listen, openDatabase } from './store/database.ts'
import { jobsSchema } from './store/migrations.ts'
import { makeQueues } from './store/queue.ts'
import { makeSettings, type Settings, showOrigin } from './store/settings.ts'
import { makeStores } from './store/stores.ts'
import { WORKER_LOCK } from './store/subscribers.ts'
import { makeVault, type Vault } from './store/vault.ts'
import { type KnownVerdicts, MODERATED } from './store/verdicts.ts'
import type { Tools } from './tools.ts'

export const VERSION = '0.1.0'

/** What a process does beside answering: a `worker` takes jobs out of the queue; a `command` does one thing and ends. */
export type Role = 'node' | 'web' | 'worker' | 'command'

export type Assembled = { tools: Tools; database: Database; close(): Promise<void> }

/** What a test may put in the place of the real thing. */
export type Overrides = Partial<Pick<Tools, 'clock' | 'http' | 'random'>> & { database?: Database }

/**
 * Opens the database, brings it up to date when that is our task, and makes the tools. `close` ends all of it.
 * @throws Refused when the database is not up to date, or its secrets were stored under another SECRET_KEY
 */
export async function assemble(config: Config, log: Log, role: Role, overrides: Overrides = {}): Promise<Assembled> {
  const vault = makeVault(await loadSecretKey(config))
  const database = overrides.database ?? (await openDatabase({ ...databaseSettings(config), poolMax: poolSize(config, role) }, log))
  const ends: (() => Promise<void>)[] = overrides.database === undefined ? [() => database.close()] : []
  const close = async () => {
    for (const end of ends.reverse()) await end()
  }
  try {
    await bringUpToDate(database, role)
    await checkSecretKey(makeSettings(database.knex), vault)
    const boss = await startQueue(database, log, role)
    ends.push(() => boss.stop({ graceful: false, close: true }))
    const http = overrides.http ?? makeGuardedHttp(config, overrides.clock)
    ends.push(() => http.close())
    const worker = randomInt(1, 2 ** 31 - 1)
    const ear = await hear(database, config, role, worker)
    ends.push(ear.close)
    return { tools: wire({ config, log, database, vault, boss, http, worker, onChange: ear.onChange }, overrides), database, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Small databases of a host such as Heroku allow twenty connections, for all processes together. */
const poolSize = ({ dyno }: Config, role: Role) => (role === 'command' ? 2 : dyno ? 5 : 10)

type Parts = Pick<Tools, 'config' | 'log' | 'http' | 'worker' | 'onChange'> & { database: Database; vault: Vault; boss: PgBoss }

function wire({ database, vault, boss, ...parts }: Parts, { clock = () => new Date(), random = Math.random }: Overrides): Tools {
  const known: KnownVerdicts = {}
  parts.onChange(told => {
    if (told === MODERATED || told === '*') delete known.blocked
  })
  return {
    ...makeStores(database.knex, vault, boss, known),
    ...{ ...parts, clock, random },
    addresses: makeAddresses(parts.config.publicUrl, parts.config.handleHost),
    lanes: makeLanes(() => clock().getTime()),
    transaction: work => database.knex.transaction(trx => work(makeStores(trx, vault, boss, known)))
  }
}

/** The bundled database belongs to this node alone; another one is migrated by the release phase, and by `start`. */
async function bringUpToDate(database: Database, role: Role): Promise<void> {
  if (database.bundled || role === 'node') await database.migrate()
  else if ((await database.pending()) > 0) throw new Refused('The database is not up to date: run `tidings migrate` first.')
}

/** A wrong key is told at the start, not when the first secret is needed. @throws Refused */
async function checkSecretKey(settings: Settings, vault: Vault): Promise<void> {
  const sealed = await settings.find<string>('sealed')
  if (sealed === undefined) await settings.keep('sealed', vault.seal('tidings'))
  else vault.open(sealed)
}

/** One connection that hears of changes and shows that this process lives, and under which origin. */
async function hear(database: Database, config: Config, role: Role, worker: number) {
  const hearers: ((name: string) => void)[] = []
  const tell = (name: string) => {
    for (const one of hearers) one(name)
  }
  const onChange: Tools['onChange'] = one => void hearers.push(one)
  if (role === 'command') return { onChange, close: async () => {} }
  const shown = [`select pg_advisory_lock(${WORKER_LOCK}, ${worker})`, showOrigin(config.publicUrl)]
  const { close } = await listen(database.pgConfig, CHANNEL, tell, () => tell('*'), shown)
  return { onChange, close }
}

/** Where the database is, as `openDatabase` takes it. */
export const databaseSettings = (config: Config) => ({ ssl: 'off' as const, ...config.database, dataDir: config.dataDir })

function makeGuardedHttp(config: Config, clock: () => Date = () => new Date()) {
  const userAgent = `tidings/${VERSION} (+${config.publicUrl}/)`
  const guard = makeGuard({ allow: config.allowAddresses })
  return makeHttp({ guard, allowHttp: config.allowHttp, userAgent, clock: () => clock().getTime(), ownOrigin: config.publicUrl })
}

async function startQueue(database: Database, log: Log, role: Role): Promise<PgBoss> {
  const works = role === 'node' || role === 'worker'
  const { query_timeout: _timeout, ...connection } = database.pgConfig
  const boss = new PgBoss({
    ...(connection as object),
    ...{ schema: jobsSchema, max: works ? 3 : 2, migrate: false, createSchema: false, schedule: false, supervise: works },
    ...{ superviseIntervalSeconds: 20, monitorIntervalSeconds: 20, monitorVacuum: false }
  })
  boss.on('error', error => log.warn({ error }, 'queue'))
  await boss.start()
  await makeQueues(boss)
  return boss
}
