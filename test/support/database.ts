/**
 * A migrated database for a test file, copied from a template. All of a run are on one bundled PostgreSQL in a temporary
 * folder, started by the first who asks, or on the server of TEST_DATABASE_URL. Two runs at once do not meet.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../src/model/log.ts'
import { startBundled } from '../../src/store/bundled.ts'
import { type Database, type DatabaseSettings, openDatabase } from '../../src/store/database.ts'

export type FreshDatabase = { database: Database; settings: DatabaseSettings; drop(): Promise<void> }

type Server = { admin: Database; settings(name: string): DatabaseSettings; template: string; stop(): Promise<void> }

/** Tests of the node log nothing; faults are thrown. */
export const silence: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silence }

const run = `tidings_test_${randomBytes(4).toString('hex')}`
let server: Promise<Server> | undefined
let count = 0

/** A database with all migrations, or an empty one. `drop` closes it too. */
export async function freshDatabase(options: { empty?: boolean; migrations?: string } = {}): Promise<FreshDatabase> {
  server ??= startServer()
  const { admin, template, settings: settingsOf } = await server
  const name = `${run}_${++count}`
  await admin.knex.raw(`create database ${name} template ${options.empty ? 'template0' : template} strategy file_copy`)
  const settings = { ...settingsOf(name), ...(options.migrations && { migrations: options.migrations }) }
  const database = await openDatabase(settings, silence)
  const drop = async () => {
    await database.close()
    await admin.knex.raw(`drop database ${name} with (force)`)
  }
  return { database, settings, drop }
}

/** Removes what this run made; called once at its end. */
export async function stopDatabases(): Promise<void> {
  // A server that did not start has been reported by the tests that needed it.
  const started = await server?.catch(() => undefined)
  await started?.stop()
}

async function startServer(): Promise<Server> {
  const { settings, stop } = process.env.TEST_DATABASE_URL ? givenServer(process.env.TEST_DATABASE_URL) : await temporaryServer()
  const admin = await openDatabase(settings(), silence)
  const template = `${run}_template`
  await admin.knex.raw(`create database ${template} template template0`)
  const migrated = await openDatabase(settings(template), silence)
  await migrated.migrate()
  await migrated.close()
  const clear = async () => {
    const { rows } = await admin.knex.raw('select datname from pg_database where starts_with(datname, ?)', [run])
    for (const { datname } of rows) await admin.knex.raw('drop database ?? with (force)', [datname])
    await admin.close()
    await stop()
  }
  return { admin, settings, template, stop: clear }
}

function givenServer(address: string) {
  const tls = new URL(address).searchParams.get('sslmode') ?? 'disable'
  const settings = (name?: string): DatabaseSettings => {
    const url = new URL(address)
    if (name) url.pathname = `/${name}`
    return { url: url.href, ssl: tls === 'disable' ? 'off' : 'no-verify', dataDir: tmpdir(), poolMax: 4 }
  }
  return { settings, stop: async () => {} }
}

async function temporaryServer() {
  const dataDir = temporaryFolder()
  const bundled = await startBundled({ dataDir, log: silence, unsafe: true })
  const { host, port, user, database } = bundled.connection
  const settings = (name = database): DatabaseSettings => ({ host, port, user, name, ssl: 'off', dataDir, poolMax: 4 })
  const abandon = () => {
    process.kill(bundled.pid, 'SIGQUIT')
    rmSync(dataDir, { recursive: true, force: true })
  }
  // A run that is interrupted does not come to its end.
  process.once('exit', abandon)
  const stop = async () => {
    await bundled.stop()
    process.off('exit', abandon)
    rmSync(dataDir, { recursive: true, force: true })
  }
  return { settings, stop }
}

const folders: string[] = []
// not earlier: processes that a test started may still write into them
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/**
 * A new folder that the server can enter although it does not run as root; in memory where there is room, for speed. It is gone
 * when this process ends.
 */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(hasRoom('/dev/shm') ? '/dev/shm' : tmpdir(), 'tidings-test-'))
  folders.push(folder)
  chmodSync(folder, 0o755)
  return folder
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize > 2_000_000_000
}
