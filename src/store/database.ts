/**
 * The one database: a PostgreSQL given by its address, else the bundled one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import makeKnex, { type Knex } from 'knex'
import pg from 'pg'
import { Refused, Unreachable } from '../model/errors.ts'
import type { Log } from '../model/log.ts'
import { applicationName, type Bundled, startBundled } from './bundled.ts'
import { listPending, migrationsFolder, migratorConfig, runMigrations } from './migrations.ts'

/**
 * `url`, or `host` and the rest, or neither: the bundled PostgreSQL in `dataDir` (absolute). `ssl` holds whatever the address
 * says; `ca` is PEM text. `poolMax`: connections at most, 10 by default. `migrations`: another folder, for tests.
 */
export type DatabaseSettings = {
  url?: string
  host?: string
  port?: number
  user?: string
  password?: string
  name?: string
  ssl: 'verify' | 'no-verify' | 'off'
  ca?: string
  dataDir: string
  poolMax?: number
  migrations?: string
}

export type Database = {
  knex: Knex
  /** For connections outside the pool, such as the one of `listen`. */
  pgConfig: pg.ClientConfig
  bundled: boolean
  /** server_version_num: 150000 and more. */
  version: number
  /** Runs what is pending, safely beside others who do the same; names of what was run. */
  migrate(): Promise<string[]>
  /** How many migrations were not run yet. */
  pending(): Promise<number>
  close(): Promise<void>
}

/** Milliseconds that one statement may take: a forgotten one delays even the restart of a killed server. */
const statementTimeout = 30_000
const oldest = 150_000

/**
 * Connects, starting the bundled PostgreSQL when no other is named.
 * @throws Unreachable when there is no connection; Refused when the server is older than PostgreSQL 15; what `startBundled` throws
 */
export async function openDatabase(settings: DatabaseSettings, log: Pick<Log, 'info' | 'warn'>): Promise<Database> {
  const bundled = settings.url || settings.host ? undefined : await startBundled({ dataDir: settings.dataDir, log })
  const pgConfig = clientConfig(settings, bundled)
  const folder = settings.migrations ?? migrationsFolder
  const knex = openPool(pgConfig, folder, settings.poolMax ?? 10, log)
  const close = async () => {
    await knex.destroy()
    await bundled?.stop()
  }
  const pending = () => listPending(knex, folder)
  const migrate = async () => ((await pending()).length === 0 ? [] : migrateUnhurried(pgConfig, folder, log))
  try {
    const version = await readVersion(knex)
    requireVersion(version)
    return { knex, pgConfig, bundled: bundled !== undefined, version, migrate, pending: async () => (await pending()).length, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A change and the job that follows from it belong into one transaction; no network call does. */
export const transaction = <T>(db: Database, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> => db.knex.transaction(work)

function openPool(connection: pg.ClientConfig, folder: string, max: number, log: Pick<Log, 'info' | 'warn'>): Knex {
  const say = (message: unknown) => log.warn({}, String(message))
  return makeKnex({
    client: 'pg',
    // queries of one transaction that do not wait for each other go out together
    connection: { ...connection, pipeline: true } as Knex.PgConnectionConfig,
    pool: { min: 0, max },
    migrations: migratorConfig(folder),
    log: { warn: say, error: say, deprecate: say, debug: () => {} }
  })
}

/** A migration may take its time; so it has a pool of its own. */
async function migrateUnhurried(config: pg.ClientConfig, folder: string, log: Pick<Log, 'info' | 'warn'>): Promise<string[]> {
  const unhurried = { ...config, statement_timeout: 0 }
  const knex = openPool(unhurried, folder, 2, log)
  try {
    const names = await runMigrations(unhurried, knex)
    log.info({ names }, 'the database is up to date')
    return names
  } finally {
    await knex.destroy()
  }
}

function clientConfig(settings: DatabaseSettings, bundled: Bundled | undefined): pg.ClientConfig {
  const common = {
    application_name: applicationName,
    statement_timeout: statementTimeout,
    connectionTimeoutMillis: 10_000,
    keepAlive: true
  }
  if (bundled) return { ...bundled.connection, ssl: false, ...common }
  const ssl = settings.ssl === 'off' ? false : { rejectUnauthorized: settings.ssl === 'verify', ...(settings.ca && { ca: settings.ca }) }
  if (settings.url) return { connectionString: withoutTls(settings.url), ssl, ...common }
  const { host = 'localhost', port = 5432, user, password, name } = settings
  return { host, port, ...(user && { user }), ...(password && { password }), ...(name && { database: name }), ssl, ...common }
}

/** node-postgres lets what the address says of TLS win over `ssl`, whose default was chosen with care. */
function withoutTls(address: string): string {
  const url = new URL(address)
  for (const name of ['ssl', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert', 'uselibpqcompat']) url.searchParams.delete(name)
  return url.href
}

async function readVersion(knex: Knex): Promise<number> {
  try {
    const { rows } = await knex.raw(`select current_setting('server_version_num')::int as version`)
    return rows[0].version
  } catch (cause) {
    throw new Unreachable(`The database cannot be reached: ${(cause as Error).message || (cause as { code?: string }).code}`, { cause })
  }
}

/** @param version server_version_num @throws Refused below PostgreSQL 15 */
export function requireVersion(version: number): void {
  if (version >= oldest) return
  throw new Refused(`The database is PostgreSQL ${Math.floor(version / 10_000)}, but tidings needs PostgreSQL 15 or later.`)
}

/**
 * Hears NOTIFY on a connection of its own, which is made anew, after growing pauses, whenever it is lost.
 * @param onMessage gets the payload
 * @param onReconnect is called whenever listening begins, the first time too: what was said before must be looked up
 * @param also statements for each new connection: the locks that it holds while it lives
 * @throws Unreachable when the first connection fails
 */
export async function listen(
  pgConfig: pg.ClientConfig,
  channel: string,
  onMessage: (payload: string) => void,
  onReconnect: () => void,
  also: string[] = []
): Promise<{ close(): Promise<void> }> {
  const closing = new AbortController()
  let ear = await hear(pgConfig, channel, onMessage, also)
  onReconnect()
  const again = async () => {
    for (let pause = 100; ; pause = Math.min(pause * 2, 10_000)) {
      try {
        ear = await hear(pgConfig, channel, onMessage, also)
        return onReconnect()
      } catch {
        await sleep(pause, undefined, { signal: closing.signal })
      }
    }
  }
  const keepOn = async () => {
    while (!closing.signal.aborted) {
      await ear.lost
      if (!closing.signal.aborted) await again()
    }
  }
  const kept = keepOn().catch(() => {})
  return {
    close: async () => {
      closing.abort()
      await ear.end()
      await kept
      await ear.end()
    }
  }
}

/** One connection that listens. `lost` is fulfilled when it ends, whoever ended it. */
async function hear(pgConfig: pg.ClientConfig, channel: string, onMessage: (payload: string) => void, also: string[]) {
  const client = new pg.Client({ ...pgConfig, keepAlive: true, query_timeout: 10_000 })
  const lost = new Promise<void>(resolve => client.once('end', resolve).on('error', () => resolve()))
  client.on('notification', ({ payload = '' }) => onMessage(payload))
  const end = () => client.end().catch(() => {})
  try {
    await client.connect()
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    for (const statement of also) await client.query(statement)
  } catch (cause) {
    await end()
    throw new Unreachable('The database cannot be reached.', { cause })
  }
  // A peer that went without a word is noticed only by speaking to it.
  const pulse = setInterval(() => client.query('select').catch(end), 15_000).unref()
  lost.then(() => clearInterval(pulse))
  return { lost, end }
}
