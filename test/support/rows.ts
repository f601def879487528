/** How many rows there are of everything: what came to nothing must have left them as they were. */
import type { Database } from '../../src/store/database.ts'

let question: string | undefined

/** The rows of every table, and the jobs that wait under `jobs`. */
export async function countRows({ knex }: Pick<Database, 'knex'>): Promise<Record<string, number>> {
  question ??= await ask(knex)
  const { rows } = await knex.raw(question)
  return Object.fromEntries(rows.map(({ name, n }: { name: string; n: number }) => [name, n]))
}

/** All tests have the same tables. */
async function ask(knex: Database['knex']): Promise<string> {
  const { rows } = await knex.raw(`select tablename as name from pg_tables where schemaname = 'public' order by 1`)
  const counts = rows.map(({ name }: { name: string }) => knex.raw('select ? as name, count(*)::int as n from ??', [name, name]).toString())
  return [...counts, `select 'jobs', count(*)::int from pgboss.job where state < 'completed'`].join(' union all ')
}
