import type { Db } from './rows.ts'

const PEOPLE = `select id, uri, inbox_url from actors
  where shared_inbox_url = :url and inbox_url <> :url and local_name is null and removed_at is null and blocked_at is null`

/** Whoever follows the account that a document is signed by, or is named in it: as text, since not all that is JSON is jsonb. */
const SPREAD = `
  with people as (${PEOPLE}),
  lost as (
    select c.id, c.topic, convert_from(c.body, 'utf8') as body from documents c where c.body <> '' and c.id in (
      select document_id from deliveries where recipient_id = :recipientId and (state = 'waiting' or id = any(:tried)))),
  goes as (
    select distinct l.id as document_id, p.inbox_url as url from lost l cross join people p
    where exists (select 1 from follows f join actors a on a.id = f.followed_id where f.follower_id = p.id and a.uri = l.topic)
      or strpos(l.body, to_json(p.uri)::text) > 0),
  made as (
    insert into recipients (kind, url, host) select 'inbox', url, lower(split_part(url, '/', 3)) from (select distinct url from goes) as u order by url
    on conflict (kind, url) do update set host = excluded.host returning id, url, retry_at),
  added as (
    insert into deliveries (recipient_id, document_id, created_at)
    select m.id, g.document_id, :now from goes g join made m using (url)
    where not exists (select 1 from deliveries d where d.recipient_id = m.id and d.document_id = g.document_id)
    order by g.document_id, m.id)
  select id from made where retry_at is null or retry_at <= :now order by 1`

/**
 * A shared inbox is gone: that says nothing of those whom it served. What went there goes to the inbox of each of them, as does
 * whatever comes later, until their documents tell of a shared one again. Must run inside a transaction.
 * @param tried deliveries that were sent there just now @returns the addresses that may be served now
 */
export async function disperse(db: Db, recipientId: string, url: string, tried: string[], now: Date): Promise<string[]> {
  const { rows } = await db.raw(SPREAD, { recipientId, url, tried, now })
  await db('actors')
    .where({ shared_inbox_url: url })
    .whereNot({ inbox_url: url })
    .whereNull('local_name')
    .update({ shared_inbox_url: null })
  return rows.map((row: { id: string }) => row.id)
}
