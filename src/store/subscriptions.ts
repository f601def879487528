import { newId } from '../model/ids.ts'
import type { Actor, Subscription } from '../model/kept.ts'
import { hashToken, randomSecret, randomToken } from '../model/tokens.ts'
import { type Change, type Db, fromRow, toRow } from './rows.ts'
import type { Vault } from './vault.ts'

export type Subscriptions = ReturnType<typeof makeSubscriptions>
export type Push = { id: string; subscriptionId: string; body: Buffer; contentType?: string; receivedAt: Date }

/** A feed as it is listed, without what opens doors. `who`: whose it is; `trouble`: 3 gone, 2 cannot be read, 1 its hub does not push, else 0. */
export type ListedFeed = Omit<Subscription, 'token' | 'secret' | 'nextSecret' | 'verifyToken'> & {
  trouble: number
  who?: Pick<Actor, 'id' | 'uri'> & Partial<Pick<Actor, 'acct' | 'displayName' | 'localName'>>
}

/** Where a page of feeds ends. */
export type FeedCursor = { trouble: number; id: string }

/** What is listed of a subscription. */
const LISTED = [
  ...['id', 'actor_id', 'url', 'topic', 'hubs', 'hub', 'fixed_hub', 'state', 'pending_mode', 'pending_at', 'lease_seconds', 'expires_at'],
  ...['ask_at', 'ask_failures', 'verified_at', 'pushed_at', 'bad_signatures', 'polled_at', 'poll_at', 'poll_failures', 'news_at'],
  ...['news_missed', 'older_pages', 'status', 'error', 'ended_at', 'created_at', 'format', 'trouble']
].map(column => `s.${column}`)

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
    /** A page of all feeds that are read: those with the worst trouble first if asked for, else the newest. */
    async list(page: { byTrouble: boolean; after?: FeedCursor; limit: number }): Promise<ListedFeed[]> {
      const { after, byTrouble, limit } = page
      const query = db('subscriptions as s')
        .leftJoin('actors as a', 'a.id', 's.actor_id')
        .select([
          ...LISTED,
          'a.id as who_id',
          'a.uri as who_uri',
          'a.acct as who_acct',
          'a.display_name as who_name',
          'a.local_name as who_local'
        ])
        .orderByRaw(byTrouble ? 's.trouble desc, s.id desc' : 's.id desc')
        .limit(limit)
      if (after !== undefined && byTrouble) query.whereRaw('(s.trouble, s.id) < (?, ?)', [after.trouble, after.id])
      else if (after !== undefined) query.where('s.id', '<', after.id)
      return (await query).map(readListed)
    },
    /** How many feeds are in trouble. */
    async countTroubled(): Promise<number> {
      return Number((await db('subscriptions').where('trouble', '>', 0).count({ n: '*' }).first())?.n ?? 0)
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
      // one that was never read stays so: its older pages are still to come
      const polled = db.raw('case when polled_at is not null then ?::timestamptz end', [now])
      return (await db('subscriptions').whereIn('id', due).update({ poll_at: next, polled_at: polled }).returning('id')).map(row => row.id)
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

function readListed({
  who_id: id,
  who_uri: uri,
  who_acct: acct,
  who_name: displayName,
  who_local: localName,
  ...row
}: Record<string, unknown>) {
  const { leaseSeconds, ...feed } = fromRow<ListedFeed>(row)
  const who = fromRow<NonNullable<ListedFeed['who']>>({ id, uri, acct, displayName, localName })
  return {
    ...feed,
    ...(leaseSeconds === undefined ? {} : { leaseSeconds: Number(leaseSeconds) }),
    ...(id === null ? {} : { who })
  }
}
