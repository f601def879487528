/**
 * The database's shape, step by step: files NNNN-name in a folder, each exporting `up(knex)`. They only go forward. knex keeps
 * their names without an extension, because they are `.ts` in a clone and `.js` in the published package.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Knex } from 'knex'
import pg from 'pg'
import { fromKnex, PgBoss } from 'pg-boss'
import pgBoss from 'pg-boss/package.json' with { type: 'json' }
import { makeQueues, POLICY } from './queue.ts'

/** The folder of this project. */
export const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url))

/** The schema that the queue keeps its jobs in. */
export const jobsSchema = 'pgboss'

/** Advisory lock of whoever changes the shape of the database. */
const migrating = 7_041_777

/** @param folder absolute path; a file that is there as `.ts` and `.js` counts once, and the `.js` is used */
export function makeMigrationSource(folder: string): Knex.MigrationSource<string> {
  return {
    getMigrations: () => listMigrations(folder).then(files => [...files.keys()]),
    getMigrationName: name => name,
    getMigration: async name => {
      const file = (await listMigrations(folder)).get(name)
      const { up } = await import(pathToFileURL(join(folder, file ?? name)).href)
      return { up, down: () => Promise.reject(new Error('Migrations only go forward.')) }
    }
  }
}

/** Names and their files, in the order in which they are run. */
async function listMigrations(folder: string): Promise<Map<string, string>> {
  // Sorted downwards, `.ts` comes first and is overwritten by `.js`.
  const files = (await readdir(folder))
    .filter(file => /^\d{4}-[\w-]+\.[tj]s$/.test(file))
    .sort()
    .reverse()
  const names = new Map(files.map(file => [file.slice(0, -3), file]))
  return new Map([...names].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** knex's own settings for that source. An older release may run on a newer database, hence no validation of the list. */
export const migratorConfig = (folder: string): Knex.MigratorConfig => ({
  migrationSource: makeMigrationSource(folder),
  disableMigrationsListValidation: true
})

/** Names that were not run yet; the schema of the job queue counts as one of them. Changes nothing. */
export async function listPending(knex: Knex, folder: string): Promise<string[]> {
  const names = [...(await listMigrations(folder)).keys()]
  const done = (await knex.schema.hasTable('knex_migrations')) ? await knex('knex_migrations').pluck('name') : []
  const pending = names.filter(name => !done.includes(name))
  return (await jobsAreCurrent(knex)) ? pending : [...pending, jobsSchema]
}

/**
 * Runs what is pending. Any number of processes may do so at once: one works, the others wait for it.
 * @param config connection for the advisory lock, without a statement timeout
 * @param knex made with `migratorConfig`, on the same database, without a statement timeout
 * @returns names of what was run by us
 */
export async function runMigrations(config: pg.ClientConfig, knex: Knex): Promise<string[]> {
  const lock = new pg.Client(config)
  await lock.connect()
  try {
    await lock.query('select pg_advisory_lock($1)', [migrating])
    // knex's own lock is a row, which stays when a process is killed; ours goes with the connection.
    await knex.migrate.forceFreeMigrationsLock()
    const [, names] = (await knex.migrate.latest()) as [number, string[]]
    return (await jobsAreCurrent(knex)) ? names : [...names, await migrateJobs(knex)]
  } finally {
    await lock.end()
  }
}

async function jobsAreCurrent(knex: Knex): Promise<boolean> {
  if (!(await knex.schema.withSchema(jobsSchema).hasTable('version'))) return false
  const [version] = await knex.withSchema(jobsSchema).table('version').pluck('version')
  const queues = await knex.withSchema(jobsSchema).table('queue').pluck('name')
  return version >= pgBoss.pgboss.schema && Object.keys(POLICY).every(name => queues.includes(name))
}

/** pg-boss brings its tables up to date when it starts; without supervision and schedules it does little else. */
async function migrateJobs(knex: Knex): Promise<string> {
  const boss = new PgBoss({ db: fromKnex(knex), schema: jobsSchema, supervise: false, schedule: false })
  boss.on('error', () => {})
  await boss.start()
  await makeQueues(boss)
  await boss.stop({ graceful: false, close: false })
  return jobsSchema
}
