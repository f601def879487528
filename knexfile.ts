/** For the `knex` command, to look at the migrations of a database; the node itself runs `openDatabase(…).migrate()`. */
import { readProcessConfig } from './src/config.ts'
import { openDatabase } from './src/store/database.ts'
import { migrationsFolder, migratorConfig } from './src/store/migrations.ts'

/** Connects as the node does, starting the bundled PostgreSQL if need be: the next node that starts joins it. */
export default async function configure() {
  const { database = { ssl: 'off' as const }, dataDir } = readProcessConfig()
  const { pgConfig } = await openDatabase({ ...database, dataDir }, { info() {}, warn: (_, message) => console.error(message) })
  return {
    client: 'pg',
    connection: pgConfig,
    migrations: migratorConfig(migrationsFolder)
  }
}
