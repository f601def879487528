import type { Knex } from 'knex'
import type { Listed } from './deliveries.ts'
import { type Db, fromRow } from './rows.ts'

export type Outgoing = ReturnType<typeof makeOutgoing>

/**
 * So many deliveries of a post stand so, to `hosts` different hosts: `waiting` were not tried yet, `again` are tried again; without a
 * state all of the kind.
 */
export type Sum = { postId: string; kind: Listed['kind']; state?: Listed['state'] | 'again'; count: number; hosts: number; since: Date }

/** What went out of whole posts, by whatever way. */
export function makeOutgoing(db: Db) {
  const raw = (sql: string, bindings: unknown[]) => db.raw(sql, bindings as Knex.RawBinding[])
  return {
    /** How the deliveries of each post stand, by the kind of address. `since`: when the first of them was laid down. */
    async sums(postIds: string[]): Promise<Sum[]> {
      const { rows } = await raw(
        `select post_id, kind, state, count(*)::int as count, count(distinct host)::int as hosts, min(created_at) as since from (
           select c.post_id, r.kind, r.host, d.created_at, case when d.state = 'waiting' and d.attempts > 0 then 'again' else d.state end as state
           from documents c join deliveries d on d.document_id = c.id join recipients r on r.id = d.recipient_id
           where c.post_id = any(?)) one
         group by grouping sets ((post_id, kind, state), (post_id, kind))`,
        [postIds]
      )
      return rows.map((row: Record<string, unknown>) => fromRow<Sum>(row))
    },
    /** Puts all that failed of a post back to the waiting ones, and what waits for a later try before that. Answers their addresses. */
    async revive(postId: string): Promise<string[]> {
      const { rows } = await raw(
        `with revived as (
           update deliveries d set state = 'waiting', attempts = 0, aside_until = null from documents c
           where c.post_id = ? and c.id = d.document_id and c.body <> ''
             and (d.state = 'failed' or (d.state = 'waiting' and d.attempts > 0)) returning d.recipient_id)
         update recipients set retry_at = null where id in (select recipient_id from revived) returning id`,
        [postId]
      )
      return rows.map((row: { id: string }) => row.id)
    }
  }
}
