import type { Knex } from 'knex'
import type { Delivery, SignatureMethod } from '../model/kept.ts'
import { type Db, fromRow } from './rows.ts'
import { hostOf } from './subscribers.ts'
import type { Vault } from './vault.ts'

export type Deliveries = ReturnType<typeof makeDeliveries>

/** `postId`: the post that it tells of. */
export type Document = { id: string; topic: string; contentType: string; body: Buffer; links?: string; postId?: string; createdAt: Date }

/** A delivery as it is shown. `who`: the person whose own address it is, if it is somebody's. */
export type Listed = {
  id: string
  kind: 'hub' | 'salmon' | 'inbox'
  url: string
  host: string
  topic: string
  state: 'waiting' | 'done' | 'failed' | 'dropped'
  attempts: number
  createdAt: Date
  doneAt?: Date
  status?: number
  error?: string
  retryAt?: Date
  who?: string
}

/** `failed`: those that have failed at least once; `postId`: what tells of a post; `before`: those with smaller ids. */
export type DeliveryFilter = { failed: boolean; host?: string; postId?: string; before?: string; limit: number }

/** What became of one try. `again` leaves it waiting; until `asideUntil` what comes after it is sent first. */
export type Outcome = {
  delivery: Delivery
  state: 'done' | 'failed' | 'dropped' | 'again'
  status?: number
  error?: string
  asideUntil?: Date
}

export type Waiting = Delivery & { secret?: string; method?: SignatureMethod }

/** Where somebody is reached by ActivityPub. */
export type Inboxes = { inboxUrl: string; sharedInboxUrl?: string }

/** What may be sent of what waits: not to those who left, nor to those whose lease has ended (H9). */
export const LIVE = `d.state = 'waiting' and (d.subscriber_id is null or exists (select 1 from subscribers s where s.id = d.subscriber_id and s.expires_at > ?))`

/** What is to be sent now. */
export const DUE = `${LIVE} and (d.aside_until is null or d.aside_until <= ?)`

/** What has failed, whether it is tried again or not. */
const FAILED = `(d.state in ('failed', 'dropped') or (d.state = 'waiting' and d.attempts > 0))`

/** Whose own address it is: a shared one is everybody's. */
const WHO = `(select coalesce(a.acct, a.uri) from actors a where
    (r.kind = 'inbox' and a.inbox_url = r.url or r.kind = 'salmon' and a.salmon_url = r.url) and a.local_name is null limit 1) as who`

/** Whether a follower (`a`) is served by ActivityPub. */
export const BY_INBOX = `a.speaks = 'activitypub' and a.inbox_url is not null and a.blocked_at is null and a.removed_at is null and a.local_name is null`

function open(vault: Vault, row: Record<string, unknown>): Waiting {
  const waiting = fromRow<Waiting>(row)
  return waiting.secret === undefined ? waiting : { ...waiting, secret: vault.open(waiting.secret) }
}

/** Arrays that hold nulls are good bindings, which knex's types do not know. */
const runRaw = (db: Db, sql: string, bindings: unknown[]) => db.raw(sql, bindings as Knex.RawBinding[])

/** What goes out, what failed, and why. One row a thing and address; its state is always that of the last commit. */
export function makeDeliveries(db: Db, vault: Vault) {
  const raw = (sql: string, bindings: unknown[]) => runRaw(db, sql, bindings)
  return {
    /** Keeps a document under a key that says what it tells. Answers undefined when that has been told already. */
    async addDocument(document: Omit<Document, 'id' | 'createdAt'> & { key: string }, now: Date): Promise<string | undefined> {
      const { key, topic, contentType, body, links = null, postId = null } = document
      const [row] = await db('documents')
        .insert({ key, topic, content_type: contentType, body, links, post_id: postId, created_at: now })
        .onConflict('key')
        .ignore()
        .returning('id')
      return row?.id
    },
    async document(id: string): Promise<Document | undefined> {
      const row = await db('documents').where({ id }).first()
      return row && fromRow<Document>(row)
    },
    /**
     * A document for every subscriber of its topic whose lease holds; if it is an account's, but for servers whose people have all turned
     * from OStatus to ActivityPub (X19). Answers the addresses that may be served now; who waits for a retry gets it in order (H8).
     */
    async addForTopic(documentId: string, topic: string, now: Date, accountId?: string): Promise<string[]> {
      const { rows } = await raw(
        `with turned as (
           select lower(split_part(a.uri, '/', 3)) as host from follows f join actors a on a.id = f.follower_id
           where f.followed_id = ? and a.salmon_url is not null
           group by 1 having bool_and(${BY_INBOX})),
         added as (
           insert into deliveries (recipient_id, subscriber_id, document_id, created_at)
           select s.recipient_id, s.id, ?, ? from subscribers s join recipients r on r.id = s.recipient_id
           where s.topic = ? and s.expires_at > ? and r.host not in (select host from turned) order by s.id
           returning recipient_id)
         select distinct a.recipient_id as id from added a join recipients r on r.id = a.recipient_id
         where r.retry_at is null or r.retry_at <= ? order by 1`,
        [accountId ?? null, documentId, now, topic, now, now]
      )
      return rows.map((row: { id: string }) => row.id)
    },

    /**
     * A document for one address, which is made when it is not known. Answers the address if it may be served now; one that waits
     * for a retry gets it after what it already waits for.
     */
    async addForRecipient(documentId: string, kind: 'salmon' | 'inbox', url: string, now: Date): Promise<string | undefined> {
      // the address is written even when it is known: so it is held until the transaction ends, and not forgotten meanwhile
      const [recipient] = await db('recipients')
        .insert({ kind, url, host: hostOf(url) })
        .onConflict(['kind', 'url'])
        .merge(['host'])
        .returning(['id', 'retry_at'])
      await db('deliveries').insert({ recipient_id: recipient.id, document_id: documentId, created_at: now })
      return recipient.retry_at === null || recipient.retry_at <= now ? recipient.id : undefined
    },

    /**
     * A document for the inboxes of all who follow an account (if one is given) by ActivityPub, shared ones once, and for those of
     * people, unless their shared inbox has it already; in one statement. Answers the addresses that may be served now.
     */
    async addForInboxes(documentId: string, accountId: string | undefined, people: Inboxes[], now: Date): Promise<string[]> {
      const { rows } = await raw(
        `with followers as (
           select distinct coalesce(a.shared_inbox_url, a.inbox_url) as url from follows f join actors a on a.id = f.follower_id
           where f.followed_id = ? and ${BY_INBOX}),
         inboxes as (
           select url from followers
           union select p.own from unnest(?::text[], ?::text[]) as p (own, shared)
             where not exists (select 1 from followers where url = p.shared)),
         -- known addresses are written too: so they are held until the transaction ends, and not forgotten meanwhile
         made as (
           insert into recipients (kind, url, host) select 'inbox', url, lower(split_part(url, '/', 3)) from inboxes order by url
           on conflict (kind, url) do update set host = excluded.host returning id, retry_at),
         added as (
           insert into deliveries (recipient_id, document_id, created_at) select id, ?, ? from made order by id)
         select id from made where retry_at is null or retry_at <= ? order by 1`,
        [accountId ?? null, people.map(one => one.inboxUrl), people.map(one => one.sharedInboxUrl ?? null), documentId, now, now]
      )
      return rows.map((row: { id: string }) => row.id)
    },

    /** The first delivery of each address that is to be sent now, with the secret of its subscriber. */
    async first(recipientIds: string[], now: Date): Promise<Waiting[]> {
      const { rows } = await raw(
        `select d.*, s.secret, s.method from (
           select distinct on (recipient_id) id, recipient_id, subscriber_id, document_id, attempts, created_at
           from deliveries d where recipient_id = any(?::bigint[]) and ${DUE} order by recipient_id, id) d
         left join subscribers s on s.id = d.subscriber_id`,
        [recipientIds, now, now]
      )
      return rows.map((row: Record<string, unknown>) => open(vault, row))
    },
    /** Another than this one that is to be sent to its address now: the one that was tried least, of those the first. */
    async another({ id, recipientId }: Delivery, now: Date): Promise<Waiting | undefined> {
      const { rows } = await raw(
        `select d.id, d.recipient_id, d.subscriber_id, d.document_id, d.attempts, d.created_at, s.secret, s.method
         from deliveries d left join subscribers s on s.id = d.subscriber_id
         where d.recipient_id = ? and d.id <> ? and ${DUE} order by d.attempts, d.id limit 1`,
        [recipientId, id, now, now]
      )
      return rows.map((row: Record<string, unknown>) => open(vault, row))[0]
    },
    /** Writes what became of many tries, in one statement. */
    async settle(outcomes: Outcome[], now: Date): Promise<void> {
      if (outcomes.length === 0) return
      await raw(
        `update deliveries d set attempts = d.attempts + 1, status = o.status, error = o.error,
           state = case o.state when 'again' then 'waiting' else o.state end, aside_until = o.aside_until,
           done_at = case o.state when 'again' then null else ?::timestamptz end
         from unnest(?::bigint[], ?::text[], ?::int[], ?::text[], ?::timestamptz[]) as o (id, state, status, error, aside_until)
         where d.id = o.id`,
        [
          now,
          outcomes.map(one => one.delivery.id),
          outcomes.map(one => one.state),
          outcomes.map(one => one.status ?? null),
          outcomes.map(one => one.error?.slice(0, 500) ?? null),
          outcomes.map(one => one.asideUntil ?? null)
        ]
      )
    },
    /** Drops what waits for subscribers who have left or whose lease has ended. */
    async dropEnded(now: Date): Promise<void> {
      await db('deliveries as d')
        .where('d.state', 'waiting')
        .whereNotNull('d.subscriber_id')
        .whereNotExists(db('subscribers as s').select(db.raw('1')).whereRaw('s.id = d.subscriber_id').where('s.expires_at', '>', now))
        .update({ state: 'dropped', error: 'The subscription has ended.', done_at: now })
    },

    /** For `deliveries` and the log: newest first. */
    async list({ before, failed, host, limit, postId }: DeliveryFilter): Promise<Listed[]> {
      const query = db('deliveries as d')
        .join('recipients as r', 'r.id', 'd.recipient_id')
        .join('documents as c', 'c.id', 'd.document_id')
        .select('d.id', 'r.kind', 'r.url', 'r.host', 'c.topic', 'd.state', 'd.attempts', 'd.created_at', 'd.done_at', 'd.status', 'd.error')
        .select(db.raw('coalesce(d.aside_until, r.retry_at) as retry_at'), db.raw(WHO))
        .orderBy('d.id', 'desc')
        .limit(limit)
      if (failed) query.whereRaw(FAILED)
      if (host !== undefined) query.where('r.host', host)
      if (postId !== undefined) query.where('c.post_id', postId)
      if (before !== undefined) query.where('d.id', '<', before)
      return (await query).map(row => fromRow<Listed>(row))
    },
    /**
     * Puts a delivery that failed back to the waiting ones. Answers its address, or undefined when there is no such delivery or
     * its document has been emptied.
     */
    async revive(id: string): Promise<string | undefined> {
      const [row] = await db('deliveries')
        .where({ id })
        .whereNot({ state: 'done' })
        .whereExists(db('documents as c').select(db.raw('1')).whereRaw(`c.id = deliveries.document_id and c.body <> ''`))
        .update({ state: 'waiting', attempts: 0, aside_until: null })
        .returning('recipient_id')
      if (row !== undefined) await db('recipients').where({ id: row.recipient_id }).update({ retry_at: null })
      return row?.recipient_id
    },
    /**
     * Empties documents from before a time that nobody waits for; their rows stay for the log. Of our own topics those stay whole
     * that may be revived.
     * @param ours what the URLs of our own topics begin with
     */
    async emptySettled(before: Date, ours: string): Promise<void> {
      await raw(
        `update documents c set body = '' where created_at < ? and body <> ''
           and not exists (select 1 from deliveries where document_id = c.id and state = 'waiting')
           and not (starts_with(topic, ?) and exists (select 1 from deliveries where document_id = c.id and state = 'failed'))`,
        [before, ours]
      )
    },
    /**
     * Drops the oldest of what waits of a foreign topic beyond its newest `bytes`.
     * @param ours what the URLs of our own topics begin with
     */
    async dropExcess(bytes: number, ours: string, now: Date): Promise<void> {
      await raw(
        `update deliveries d set state = 'dropped', error = 'Too much of this topic was waiting.', done_at = ?
         from (select id, sum(octet_length(body)) over (partition by topic order by id desc) as size
           from documents where not starts_with(topic, ?)) c
         where d.document_id = c.id and d.state = 'waiting' and c.size > ?`,
        [now, ours, bytes]
      )
    },
    /** Forgets what was settled before a time, and documents that nobody waits for. */
    async forget(before: Date): Promise<void> {
      await db('deliveries').where('created_at', '<', before).whereNot({ state: 'waiting' }).delete()
      await db('documents')
        .where('created_at', '<', before)
        .whereNotExists(db('deliveries').select(db.raw('1')).whereRaw('deliveries.document_id = documents.id'))
        .delete()
    }
  }
}
