/** How many rows there are of everything, and what is known of somebody: what came to nothing must have left them as they were. */
import type { Database } from '../../src/store/database.ts'

let question: string | undefined

/** The rows of every table, and the jobs that wait under `jobs`. */
export async function countRows({ knex }: Pick<Database, 'knex'>): Promise<Record<string, number>> {
  question ??= await ask(knex)
  const { rows } = await knex.raw(question)
  return Object.fromEntries(rows.map(({ name, n }: { name: string; n: number }) => [name, n]))
}

/** All tests have the same tables. That something was refused is written down, and no more of it. */
async function ask(knex: Database['knex']): Promise<string> {
  const { rows } = await knex.raw(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'refusals' order by 1`
  )
  const counts = rows.map(({ name }: { name: string }) => knex.raw('select ? as name, count(*)::int as n from ??', [name, name]).toString())
  return [...counts, `select 'jobs', count(*)::int from pgboss.job where state < 'completed'`].join(' union all ')
}

/** All that is kept of a person and by that person. When their key was asked for, and how they were found, is no knowledge of them. */
export async function knownOf({ knex }: Pick<Database, 'knex'>, uri: string): Promise<unknown> {
  const { rows } = await knex.raw(
    `select to_jsonb(a) - '{keys_asked_at,updated_at,trace}'::text[] as person,
       (select json_agg(n order by n.name) from actor_names n where n.actor_id = a.id) as names,
       (select json_agg(p order by p.id) from posts p where p.author_id = a.id) as posts,
       (select json_agg(t order by t.uri) from tombstones t where t.author_id = a.id) as graves,
       (select json_agg(c order by c.verb, c.object) from acts c where c.actor_id = a.id or (c.object = a.uri and c.verb = 'request')) as acts,
       (select json_agg(f order by f.follower_id) from follows f where a.id in (f.follower_id, f.followed_id)) as follows
     from actors a where a.uri = ?`,
    [uri]
  )
  return rows[0]
}
