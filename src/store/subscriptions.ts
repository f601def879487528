import { newId } from '../model/ids.ts'
import type { Subscription } from '../model/kept.ts'
import { hashToken, randomSecret, randomToken } from '../model/tokens.ts'
import { type Change, type Db, fromRow, toRow } from './rows.ts'
import type { Vault } from './vault.ts'

export type Subscriptions = ReturnType<typeof makeSubscriptions>
export type Push = { id: string; subscriptionId: string; body: Buffer; contentType?: string; receivedAt: Date }

/** We, at theirs: one row a feed that is read, with the hub's state and the polling clock. Tokens and secrets are sealed. */
export function makeSubscriptions(db: Db, vault: Vault) {
  const read = (row: Record<string, unknown> | undefined): Subscription | undefined => {
    if (row === undefined) return undefined
    const kept = fromRow<Subscription & { tokenHash?: string; leaseSeconds?: string | number }>(row)
    delete kept.tokenHash
    return {
      ...kept,
      token: vault.open(kept.token),
      secret: vault.open(kept.secret),
      ...(kept.nextSecret === undefined ? {} : { nextSecret: vault.open(kept.nextSecret) }),
      ...(kept.leaseSeconds === undefined ? {} : { leaseSeconds: Number(kept.leaseSeconds) })
    } as Subscription
  }
  const sealed = (change: Change<Subscription>) => {
    const { token: _token, secret, nextSecret, ...rest } = change
    return {
      ...toRow(rest),
      ...(secret ? { secret: vault.seal(secret) } : {}),
      ...(nextSecret === undefined ? {} : { next_secret: nextSecret === null ? null : vault.seal(nextSecret) })
    }
  }
  return {
    find: async (id: string) => read(await db('subscriptions').where({ id }).first()),
    findByTopic: async (topic: string) => read(await db('subscriptions').where({ topic }).first()),
    /** By the feed's address or its topic. */
    findByUrl: async (url: string) => read(await db('subscriptions').where({ url }).orWhere({ topic: url }).orderBy('created_at').first()),
    /** All feeds of somebody: the oldest first. */
    async byActor(actorId: string): Promise<Subscription[]> {
      return (await db('subscriptions').where({ actor_id: actorId }).orderBy('created_at')).map(row => read(row)!)
    },
    findByActor: async (actorId: string) => read(await db('subscriptions').where({ actor_id: actorId }).orderBy('created_at').first()),
    findByToken: async (token: string) =>
      read(
        await db('subscriptions')
          .where({ token_hash: hashToken(token) })
          .first()
      ),
    async all(): Promise<Subscription[]> {
      return (await db('subscriptions').orderBy('created_at')).map(row => read(row)!)
    },
    /** Makes the row of a topic with its own token and secret, or gives the one that is there. Two at once make one. */
    async add(facts: { url: string; topic: string; actorId?: string; fixedHub?: string }, now: Date): Promise<Subscription> {
      const token = randomToken()
      const row = {
        ...toRow(facts),
        id: newId(now.getTime()),
        token_hash: hashToken(token),
        token: vault.seal(token),
        secret: vault.seal(randomSecret()),
        created_at: now
      }
      await db('subscriptions').insert(row).onConflict('topic').ignore()
      return read(await db('subscriptions').where({ topic: facts.topic }).first())!
    },
    async change(id: string, change: Change<Subscription>): Promise<void> {
      const row = sealed(change)
      if (Object.keys(row).length > 0) await db('subscriptions').where({ id }).update(row)
    },
    /** Counts a push with a wrong signature, and answers how many there were since the last good one. */
    async countBadSignature(id: string): Promise<number> {
      const [row] = await db('subscriptions').where({ id }).increment('bad_signatures', 1).returning('bad_signatures')
      return row?.bad_signatures ?? 0
    },
    remove: (id: string) => db('subscriptions').where({ id }).delete(),

    /**
     * Takes feeds that are due to be polled, and sets their clocks to the next time at once, so that a poll which finds nothing
     * new writes nothing (I16): daily where a hub pushes and is not known to leave things out, else an eighth of the time since the last news, 15 minutes to a day.
     */
    async takePolls(now: Date, spread: number, limit: number): Promise<string[]> {
      const due = db('subscriptions').select('id').where('poll_at', '<=', now).orderBy('poll_at').limit(limit).forUpdate().skipLocked()
      const seconds = `case when state = 'active' and news_missed = 0 then 86400
        else least(86400, greatest(900, extract(epoch from ?::timestamptz - coalesce(news_at, created_at)) / 8)) end`
      const next = db.raw(`?::timestamptz + make_interval(secs => (${seconds}) * ?)`, [now, now, 0.9 + 0.2 * spread])
      return (await db('subscriptions').whereIn('id', due).update({ poll_at: next }).returning('id')).map(row => row.id)
    },
    /** Takes subscriptions whose hub is to be asked; they come again after `until` if nobody sets another time. */
    async takeAsks(now: Date, until: Date, limit: number): Promise<string[]> {
      const due = db('subscriptions').select('id').where('ask_at', '<=', now).orderBy('ask_at').limit(limit).forUpdate().skipLocked()
      return (await db('subscriptions').whereIn('id', due).update({ ask_at: until }).returning('id')).map(row => row.id)
    },
    /** Leases that ended without a renewal, and requests that nobody verified within a day: polled from now on (S7). */
    async expire(now: Date): Promise<void> {
      await db('subscriptions')
        .where({ state: 'active' })
        .where('expires_at', '<=', now)
        .update({ state: 'expired', poll_at: now, error: 'The lease ended.' })
      await db('subscriptions')
        .where({ state: 'asking' })
        .where('pending_at', '<=', new Date(now.getTime() - 86_400_000))
        .update({ state: 'polling', error: 'The hub did not verify.' })
    },
    /** Subscriptions with pushes that were not read: after a crash they are put into the queue again. */
    async unread(before: Date): Promise<string[]> {
      const rows = await db('pushes').distinct('subscription_id').where('received_at', '<=', before)
      return rows.map(row => row.subscription_id)
    },

    async addPush(subscriptionId: string, body: Buffer, contentType: string | undefined, now: Date): Promise<string> {
      const [row] = await db('pushes')
        .insert({ subscription_id: subscriptionId, body, content_type: contentType ?? null, received_at: now })
        .returning('id')
      return row.id
    },
    /** Pushed documents of a subscription that were not read yet, in the order in which they came, from behind one on. */
    async pushes(subscriptionId: string, after: string, limit: number): Promise<Push[]> {
      const rows = db('pushes').where({ subscription_id: subscriptionId }).where('id', '>', after).orderBy('id').limit(limit)
      return (await rows).map(row => fromRow<Push>(row))
    },
    /** False when it was removed before: somebody else has read it. */
    removePush: async (id: string): Promise<boolean> => (await db('pushes').where({ id }).delete()) > 0,
    /**
     * The subscription as it is now, its row held until the transaction ends: a push and a poll of one feed are read one after
     * the other (I16).
     */
    lock: async (id: string) => read(await db('subscriptions').where({ id }).forUpdate().first()),
    /**
     * All feeds of somebody, and the one of `id` whosever it is, the oldest first; their rows are held until the transaction ends.
     * Everybody holds them in this order, and before any follow or actor, so that no two wait for each other.
     */
    async lockAll({ actorId, id }: { actorId?: string | undefined; id?: string }): Promise<Subscription[]> {
      const rows = db('subscriptions')
        .whereIn('actor_id', actorId === undefined ? [] : [actorId])
        .orWhereIn('id', id === undefined ? [] : [id])
      return (await rows.orderBy('id').forUpdate()).map(row => read(row)!)
    }
  }
}
