import type { PendingVerification, Subscriber, Verification } from '../model/kept.ts'
import { type Db, fromRow } from './rows.ts'
import type { Vault } from './vault.ts'

export type Subscribers = ReturnType<typeof makeSubscribers>

type Row = Record<string, unknown>

/** Host (name and port) of a callback: the unit by which it is limited. */
export const hostOf = (url: string): string => new URL(url).host

/** They, at our hub: who is subscribed, and who asked to be and must still be verified. */
export function makeSubscribers(db: Db, vault: Vault) {
  const seal = (secret: string | undefined) => (secret === undefined ? null : vault.seal(secret))
  const pending = (row: Row): PendingVerification => {
    const kept = fromRow<PendingVerification>(row)
    return kept.secret === undefined ? kept : { ...kept, secret: vault.open(kept.secret) }
  }
  /**
   * A later request of the same callback and topic takes the place of an earlier one that still waits (its version goes up, so
   * that the answer to the earlier one does not count).
   */
  const put = (requests: Verification[], now: Date, claim: Row = { claimed_by: null, claimed_until: null }) => {
    const rows = requests.map(({ callback, topic, ...request }) => ({
      ...{ mode: request.mode, topic, topic_asked: request.topicAsked, callback, host: hostOf(callback) },
      ...{ secret: seal(request.secret), method: request.method, lease_seconds: request.leaseSeconds ?? null },
      ...{ verify_token: request.verifyToken ?? null, created_at: now, due_at: now, ...claim }
    }))
    const taken = [
      'mode',
      'topic_asked',
      'secret',
      'method',
      'lease_seconds',
      'verify_token',
      'created_at',
      'due_at',
      ...Object.keys(claim)
    ]
    const fresh = Object.fromEntries(taken.map(column => [column, db.raw('excluded.??', [column])]))
    return db('verifications')
      .insert(rows)
      .onConflict(['topic', 'callback'])
      .merge({ ...fresh, version: db.raw('verifications.version + 1'), attempts: 0 })
  }
  return {
    /** Keeps requests to be verified, many in one statement. */
    async ask(requests: Verification[], now: Date): Promise<void> {
      const last = new Map(requests.map(request => [`${request.topic}\n${request.callback}`, request]))
      // in one order, so that two who keep at once do not wait for each other
      const sorted = [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, request]) => request)
      if (sorted.length > 0) await put(sorted, now)
    },
    /** Keeps a request whose asker waits for the outcome (H4): it is the worker's at once, and verified by another if that one dies. */
    async askNow(request: Verification, now: Date, worker: number, until: Date): Promise<PendingVerification> {
      const [row] = await put([request], now, { claimed_by: worker, claimed_until: until }).returning('*')
      return pending(row)
    },
    /**
     * Open verifications of callbacks' hosts, and how many of them failed since a time (H5): a callback that asks again and again
     * counts each time, as long as it fails.
     */
    async countOpen(hosts: string[], since: Date): Promise<Map<string, { open: number; failed: number }>> {
      const rows: { host: string; open: number; failed: number }[] = await db('verifications')
        .whereIn('host', hosts)
        .groupBy('host')
        .select('host')
        .select(db.raw(`(count(*) filter (where due_at < 'infinity'))::int as open`))
        .select(db.raw('coalesce(sum(version) filter (where failed_at > ?), 0)::int as failed', [since]))
      return new Map(rows.map(({ host, ...counts }) => [host, counts]))
    },
    /** Claims verifications that are due; a claim ends by itself, or with its worker. */
    async claim(worker: number, now: Date, until: Date, limit: number): Promise<PendingVerification[]> {
      const due = db('verifications')
        .select('id')
        .where('due_at', '<=', now)
        .where(free => free.whereNull('claimed_until').orWhere('claimed_until', '<=', now).orWhereRaw(DEAD_CLAIM))
        .orderBy('id')
        .limit(limit)
        .forUpdate()
        .skipLocked()
      const rows = await db('verifications').whereIn('id', due).update({ claimed_by: worker, claimed_until: until }).returning('*')
      return rows.map(pending).sort((a, b) => Number(a.id) - Number(b.id))
    },
    /**
     * Applies verifications that were confirmed, many at once: subscribers come, are renewed with their new secret and lease, or
     * go (H6). One whose request was replaced meanwhile is left to its successor.
     */
    async confirm(confirmed: PendingVerification[], now: Date): Promise<void> {
      const gone = await db('verifications')
        .whereIn(
          ['id', 'version'],
          confirmed.map(one => [one.id, one.version])
        )
        .delete()
        .returning('id')
      const ids = new Set(gone.map(row => row.id))
      const mine = confirmed.filter(one => ids.has(one.id))
      await this.leave(mine.filter(one => one.mode === 'unsubscribe'))
      const coming = mine.filter(one => one.mode === 'subscribe')
      if (coming.length > 0) await this.enter(coming, now)
    },
    /** Makes or renews subscribers; their address is a recipient that is tried afresh. */
    async enter(coming: Verification[], now: Date): Promise<void> {
      const urls = [...new Set(coming.map(one => one.callback))].sort()
      await db('recipients')
        .insert(urls.map(url => ({ kind: 'hub', url, host: hostOf(url) })))
        .onConflict(['kind', 'url'])
        .ignore()
      const recipients = await db('recipients')
        .select('id', 'url', 'failures')
        .where({ kind: 'hub' })
        .whereIn('url', urls)
        .orderBy('id')
        .forKeyShare()
      const failing = recipients.filter(row => row.failures > 0).map(row => row.id)
      await db('recipients').whereIn('id', failing).update({ retry_at: now, failures: 0, failing_since: null })
      const byUrl = new Map(recipients.map(row => [row.url, row.id]))
      const rows = coming.map(one => ({
        ...{ topic: one.topic, topic_asked: one.topicAsked, callback: one.callback, recipient_id: byUrl.get(one.callback) },
        ...{ secret: seal(one.secret), method: one.method, lease_seconds: one.leaseSeconds ?? 0 },
        ...{ expires_at: new Date(now.getTime() + (one.leaseSeconds ?? 0) * 1000), verified_at: now, created_at: now }
      }))
      await db('subscribers')
        .insert(rows)
        .onConflict(['topic', 'callback'])
        .merge(['topic_asked', 'secret', 'method', 'lease_seconds', 'expires_at', 'verified_at'])
    },
    /** Ends subscriptions by topic and callback. */
    async leave(leaving: Verification[]): Promise<void> {
      if (leaving.length === 0) return
      await db('subscribers')
        .whereIn(
          ['topic', 'callback'],
          leaving.map(one => [one.topic, one.callback])
        )
        .delete()
    },
    /** Whether the last pushes to a subscriber failed. */
    async isFailing(topic: string, callback: string): Promise<boolean> {
      const row = await db('subscribers as s')
        .join('recipients as r', 'r.id', 's.recipient_id')
        .where({ topic, callback })
        .where('r.failures', '>', 0)
        .first()
      return row !== undefined
    },
    /** Ends a verification that was refused, or tried for the last time. The row stays a while: failures of a host are counted. */
    async drop(one: PendingVerification, now: Date): Promise<void> {
      await db('verifications')
        .where({ id: one.id, version: one.version })
        .update({ due_at: 'infinity', failed_at: now, claimed_by: null, claimed_until: null })
    },
    forgetFailed: (before: Date) => db('verifications').where({ due_at: 'infinity' }).where('failed_at', '<', before).delete(),
    async retry(one: PendingVerification, at: Date, now: Date): Promise<void> {
      await db('verifications')
        .where({ id: one.id, version: one.version })
        .update({ attempts: one.attempts + 1, due_at: at, failed_at: now, claimed_by: null, claimed_until: null })
    },
    async find(topic: string, callback: string): Promise<Subscriber | undefined> {
      const row = await db('subscribers').where({ topic, callback }).first()
      return row && fromRow<Subscriber>(row)
    },
    /** Ends a subscription. Answers what it was, or undefined when there is none. */
    async remove(id: string): Promise<Subscriber | undefined> {
      const [row] = await db('subscribers').where({ id }).delete().returning('*')
      return row && fromRow<Subscriber>(row)
    },
    async removeExpired(now: Date): Promise<number> {
      return db('subscribers').where('expires_at', '<=', now).delete()
    },
    /** Subscribers whose topic has ended go, and are to be told so (H6). */
    async removeTopic(topic: string): Promise<Subscriber[]> {
      return (await db('subscribers').where({ topic }).delete().returning('*')).map(row => fromRow<Subscriber>(row))
    },
    async count(topic: string): Promise<number> {
      return Number((await db('subscribers').where({ topic }).count({ n: '*' }).first())?.n ?? 0)
    },
    /** For `hub list` and the log: subscribers with how their address is doing, from behind one on. */
    async list(limit: number, after = '0'): Promise<Subscriber[]> {
      const rows = await db('subscribers as s')
        .join('recipients as r', 'r.id', 's.recipient_id')
        .select('s.id', 's.topic', 's.callback', 's.method', 's.lease_seconds', 's.expires_at', 's.verified_at')
        .select('r.retry_at', 'r.failures', 'r.succeeded_at', 'r.status', 'r.error')
        .where('s.id', '>', after)
        .orderBy('s.id')
        .limit(limit)
      return rows.map(row => fromRow<Subscriber>(row))
    }
  }
}

/** Class of the advisory locks by which a worker shows that it lives. */
export const WORKER_LOCK = 7441

/** True of a row whose claim belongs to a worker that is no more: its connection, and so its lock, has ended. */
export const DEAD_CLAIM = `claimed_by::bigint not in (select objid::bigint from pg_locks
  where locktype = 'advisory' and classid = ${WORKER_LOCK} and database = (select oid from pg_database where datname = current_database()))`
