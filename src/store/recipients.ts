import type { Knex } from 'knex'
import type { Recipient, RecipientHealth } from '../model/kept.ts'
import { DUE } from './deliveries.ts'
import { disperse } from './disperse.ts'
import { type Db, fromRow } from './rows.ts'
import { DEAD_CLAIM } from './subscribers.ts'

export type Recipients = ReturnType<typeof makeRecipients>

/**
 * How an address did in this round: written once a round, whatever number of things went to it. `changed` is false when it
 * tells nothing that is not known already: then nothing is written.
 */
export type Health = { recipientId: string; ok: boolean; slow: boolean; changed: boolean; status?: number; error?: string; retryAt?: Date }

/** Where a page of hosts ends. */
export type HostCursor = { since: Date; host: string }

/** A host that does not answer as it should. `addresses`: how many of its addresses fail; `waiting`: deliveries for them. */
export type FailingHost = RecipientHealth & { failingSince: Date; addresses: number; waiting: number }

/** Addresses to which things are delivered: who works on them, and how they are doing. */
export function makeRecipients(db: Db) {
  // arrays that hold nulls are good bindings, which knex's types do not know
  const raw = (sql: string, bindings: unknown[]) => db.raw(sql, bindings as Knex.RawBinding[])
  const ids = (rows: { id: string }[]) => rows.map(row => row.id)
  return {
    /**
     * Hosts that do not answer as they should, longest first, from behind one on: of each what one of its addresses answered last, how
     * many of them fail, and how much waits for them.
     */
    async failingHosts({ after, limit }: { after?: HostCursor; limit: number }): Promise<FailingHost[]> {
      const { rows } = await raw(
        `select h.*, (select count(*)::int from deliveries d where d.recipient_id = any(h.ids) and d.state = 'waiting') as waiting from (
           select host, min(failing_since) as failing_since, min(retry_at) as retry_at, max(succeeded_at) as succeeded_at,
             count(*)::int as addresses, array_agg(id) as ids,
             (array_agg(status order by failing_since desc))[1] as status, (array_agg(error order by failing_since desc))[1] as error
           from recipients where failing_since is not null group by host
           having ?::timestamptz is null or (min(failing_since), host) > (?::timestamptz, ?::text) order by min(failing_since), host limit ?) h
         order by h.failing_since, h.host`,
        [after?.since ?? null, after?.since ?? null, after?.host ?? null, limit]
      )
      return rows.map(({ ids: _ids, ...row }: Record<string, unknown>) => fromRow<FailingHost>(row))
    },
    isFailing: async (host: string): Promise<boolean> =>
      (await db('recipients').where({ host }).whereNotNull('failing_since').first('id')) !== undefined,
    /** How many hosts do not answer. */
    async countFailingHosts(): Promise<number> {
      const { rows } = await raw('select count(distinct host)::int as n from recipients where failing_since is not null', [])
      return rows[0].n
    },
    /** A host is tried again now, with all that was set aside. Answers its addresses for which something waits. */
    async wakeHost(host: string): Promise<string[]> {
      const { rows } = await raw(
        `with woken as (
           update recipients r set retry_at = null where host = ? and failing_since is not null
           returning id, exists (select from deliveries d where d.recipient_id = r.id and d.state = 'waiting') as waits),
         taken_up as (
           update deliveries set aside_until = null
           where state = 'waiting' and aside_until is not null and recipient_id in (select id from woken))
         select id, waits from woken`,
        [host]
      )
      return ids(rows.filter((row: { waits: boolean }) => row.waits))
    },
    /** Claims those of the addresses that nobody works on. Their waiting deliveries belong to the caller until `release`. */
    async claim(worker: number, recipientIds: string[], now: Date, until: Date): Promise<Recipient[]> {
      const { rows } = await raw(
        `with mine as (
           insert into claims select id, ?, ? from unnest(?::bigint[]) as id order by id
           on conflict (recipient_id) do update set claimed_by = excluded.claimed_by, claimed_until = excluded.claimed_until
             where claims.claimed_until <= ? or ${DEAD_CLAIM.replace('claimed_by', 'claims.claimed_by')}
           returning recipient_id)
         select id, kind, url, host, failures, failing_since, slow, succeeded_at, retry_at from recipients join mine on recipient_id = id`,
        [worker, until, recipientIds, now]
      )
      return rows.map((row: Record<string, unknown>) => fromRow<Recipient>(row))
    },
    /** Holds claims for longer, as far as they are still the worker's. */
    async hold(worker: number, recipientIds: string[], until: Date): Promise<void> {
      await db('claims').whereIn('recipient_id', recipientIds).where({ claimed_by: worker }).update({ claimed_until: until })
    },
    /** Gives addresses back for which there was nothing to do: that says nothing of how they are doing. */
    async letGo(worker: number, recipientIds: string[]): Promise<void> {
      if (recipientIds.length === 0) return
      await db('recipients').whereIn('id', recipientIds).whereNotNull('retry_at').update({ retry_at: null })
      await db('claims').whereIn('recipient_id', recipientIds).where({ claimed_by: worker }).delete()
    },
    /** Gives addresses back, with what is new of how they do: failures count until the next success. */
    async release(worker: number, health: Health[], now: Date): Promise<void> {
      if (health.length === 0) return
      const news = health.filter(one => one.changed)
      if (news.length > 0) {
        await raw(
          `update recipients r set slow = h.slow, status = h.status, error = h.error, retry_at = h.retry_at,
             failures = case when h.ok then 0 else r.failures + 1 end,
             failing_since = case when h.ok then null else coalesce(r.failing_since, ?) end,
             succeeded_at = case when h.ok then ? else r.succeeded_at end
           from unnest(?::bigint[], ?::bool[], ?::bool[], ?::int[], ?::text[], ?::timestamptz[]) as h (id, ok, slow, status, error, retry_at)
           where r.id = h.id`,
          [
            ...[now, now, news.map(one => one.recipientId), news.map(one => one.ok), news.map(one => one.slow)],
            ...[
              news.map(one => one.status ?? null),
              news.map(one => one.error?.slice(0, 500) ?? null),
              news.map(one => one.retryAt ?? null)
            ]
          ]
        )
      }
      await raw('delete from claims where claimed_by = ? and recipient_id = any(?::bigint[])', [worker, health.map(one => one.recipientId)])
    },
    /** Which of the addresses have something waiting and are due: what a round left behind, or what came meanwhile. */
    async stillWaiting(recipientIds: string[], now: Date): Promise<string[]> {
      const { rows } = await raw(
        `select r.id from recipients r where r.id = any(?::bigint[]) and (r.retry_at is null or r.retry_at <= ?)
         and exists (select 1 from deliveries d where d.recipient_id = r.id and ${DUE}) order by 1`,
        [recipientIds, now, now, now]
      )
      return ids(rows)
    },
    /**
     * Addresses on which nobody works though they should be served: a retry is due, of the address or of what was set aside, or their
     * worker died. `retry_at` is moved on to `until`, so that two who look at once do not both take them.
     */
    async takeDue(now: Date, until: Date, limit: number): Promise<string[]> {
      const due = await raw(
        `update recipients set retry_at = ? where id in (
           select id from recipients where id in (
               select id from recipients where retry_at <= ?
               union select recipient_id from deliveries where state = 'waiting' and aside_until <= ?)
             and (retry_at is null or retry_at <= ?) and not exists (select 1 from claims where recipient_id = id)
           order by id limit ? for update skip locked)
         returning id`,
        [until, now, now, now, limit]
      )
      const left = await raw(`delete from claims where claimed_until <= ? or ${DEAD_CLAIM} returning recipient_id as id`, [now])
      return [...new Set([...ids(due.rows), ...ids(left.rows)])]
    },
    /** Of what waits for an address under keys that begin with `key` only the newest stays. */
    async keepNewest({ kind, key, most, url }: { kind: string; url: string; key: string; most: number }, now: Date): Promise<void> {
      await raw(
        `update deliveries set state = 'dropped', error = 'A newer answer went out.', done_at = ? where id in (
           select d.id from recipients r join deliveries d on d.recipient_id = r.id join documents c on c.id = d.document_id
           where r.kind = ? and r.url = ? and d.state = 'waiting' and starts_with(c.key, ?) order by d.id desc offset ?)`,
        [now, kind, url, key, most]
      )
    },
    /** Of addresses that are not well nothing is passed over any more: when they are, all is sent in its order. */
    async takeUp(recipientIds: string[]): Promise<void> {
      if (recipientIds.length === 0) return
      const aside = db('deliveries').where({ state: 'waiting' }).whereNotNull('aside_until').whereIn('recipient_id', recipientIds)
      await aside.update({ aside_until: null })
    },
    /** An address is known by another URL from now on, with all its subscriptions; it goes when that URL is an address already. */
    async move(recipientId: string, url: string, now: Date): Promise<void> {
      const taken = db('recipients as o').select(db.raw('1')).whereRaw('o.kind = recipients.kind').where('o.url', url)
      const moved = await db('recipients').where({ id: recipientId }).whereNotExists(taken).update({ url })
      if (moved === 0) return this.giveUp([recipientId], 'It has another subscription, by https.', now)
      await db('subscribers').where({ recipient_id: recipientId }).update({ callback: url })
    },
    /** Drops what waits for an address that is gone for good, and its subscriptions (H8: 410). */
    async giveUp(recipientIds: string[], error: string, now: Date): Promise<void> {
      if (recipientIds.length === 0) return
      await db('deliveries')
        .whereIn('recipient_id', recipientIds)
        .where({ state: 'waiting' })
        .update({ state: 'dropped', error, done_at: now })
      await db('subscribers').whereIn('recipient_id', recipientIds).delete()
    },
    disperse: (recipientId: string, url: string, tried: string[], now: Date) => disperse(db, recipientId, url, tried, now),
    /** Gives up what has waited for addresses since before a time. */
    async giveUpOld(recipientIds: string[], before: Date, error: string, now: Date): Promise<void> {
      if (recipientIds.length === 0) return
      await db('deliveries')
        .whereIn('recipient_id', recipientIds)
        .where({ state: 'waiting' })
        .where('created_at', '<', before)
        .update({ state: 'failed', error, done_at: now })
    },
    /**
     * Forgets addresses of nobody. In a transaction: first they are locked, then looked at again, so that one who subscribes just
     * now is not lost with the old address.
     */
    async forget(): Promise<void> {
      const unused = () =>
        db('recipients as r')
          .select('r.id')
          .whereNotExists(db('subscribers as s').select(db.raw('1')).whereRaw('s.recipient_id = r.id'))
          .whereNotExists(db('deliveries as d').select(db.raw('1')).whereRaw('d.recipient_id = r.id'))
      const locked = await unused().limit(1000).forUpdate().skipLocked()
      await db('recipients')
        .whereIn('id', unused().whereIn('r.id', ids(locked)))
        .delete()
    }
  }
}
