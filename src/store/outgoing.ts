import type { Knex } from 'knex'
import type { Listed } from './deliveries.ts'
import { type Db, fromRow } from './rows.ts'

export type Outgoing = ReturnType<typeof makeOutgoing>

/** So many deliveries of a post stand so; `waiting` were not tried yet, `again` are tried again. `since`: when the first was laid down. */
export type Sum = { postId: string; kind: Listed['kind']; state: Listed['state'] | 'again'; count: number; since: Date }

/** What went out of whole posts, by whatever way. */
export function makeOutgoing(db: Db) {
  const raw = (sql: string, bindings: unknown[]) => db.raw(sql, bindings as Knex.RawBinding[])
  return {
    /** How the deliveries of each post stand, by the kind of address. */
    async sums(postIds: string[]): Promise<Sum[]> {
      const { rows } = await raw(
        `select c.post_id, r.kind, case when d.state = 'waiting' and d.attempts > 0 then 'again' else d.state end as state,
           count(*)::int as count, min(d.created_at) as since
         from documents c join deliveries d on d.document_id = c.id join recipients r on r.id = d.recipient_id
         where c.post_id = any(?) group by 1, 2, 3`,
        [postIds]
      )
      return rows.map((row: Record<string, unknown>) => fromRow<Sum>(row))
    },
    /** To how many hosts a post went, by the kind of address. */
    async countHosts(postId: string): Promise<Map<Listed['kind'], number>> {
      const { rows } = await raw(
        `select r.kind, count(distinct r.host)::int as n from documents c join deliveries d on d.document_id = c.id
           join recipients r on r.id = d.recipient_id where c.post_id = ? group by 1`,
        [postId]
      )
      return new Map(rows.map((row: { kind: Listed['kind']; n: number }) => [row.kind, row.n]))
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
