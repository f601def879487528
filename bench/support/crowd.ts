/** A node that has lived long: people, posts, threads, followers and deliveries, written as the stores would keep them, in bulk. */
import type { Knex } from 'knex'
import type { Account } from '../../src/model/kept.ts'

/** Posts of one statement: well within the time that a statement may take. */
const BATCH = 20_000
/** Every so many posts one is the account's own, and one mentions it. */
const OWN = 100
const MENTIONS = 250
/** The posts right after the first of the account's own answer it; no other answers reach into that thread. */
export const ANSWERS = 60
const AFTER_THREAD = OWN + ANSWERS + 1

/** The ids of rows sort as they were made. */
export const idOf = (n: number): string => String(n).padStart(17, '0')
const ID = (n: string) => `lpad((${n})::text, 17, '0')`

/** A word for searches: `w1` is in every other post, `w20000` in hardly any; nobody wrote `w0`. */
const SENTENCES = 20_000
const SENTENCE = `select n, initcap((select string_agg('w' || (1 + floor(20000 * power(random(), 3)))::int, ' ') from generate_series(1, 12) k where n > 0)) || '.' as text
  from generate_series(1, ?::int) n`

/** People at 900 servers; all of them follow the account by ActivityPub, and the account follows one in ten. */
export async function addPeople(db: Knex, account: Account, people: number): Promise<void> {
  await db.raw(
    `insert into actors (id, uri, acct, kind, username, display_name, bio, url, avatar, speaks, inbox_url, shared_inbox_url, created_at, updated_at)
     select ${ID('n')}, 'https://s' || n % 900 || '.example/users/p' || n, 'p' || n || '@s' || n % 900 || '.example', 'person', 'p' || n,
       'Person ' || n, 'They write of this and that.', 'https://s' || n % 900 || '.example/@p' || n,
       jsonb_build_object('url', 'https://s' || n % 900 || '.example/p' || n || '.png'), 'activitypub',
       'https://s' || n % 900 || '.example/users/p' || n || '/inbox', 'https://s' || n % 900 || '.example/inbox', now(), now()
     from generate_series(1, ?::int) n`,
    [people]
  )
  const names = `insert into actor_names select uri, id from actors where local_name is null union all select 'acct:' || acct, id from actors where local_name is null`
  await db.raw(names)
  await db.raw(
    `insert into follows (follower_id, followed_id, via, uri, created_at)
     select ${ID('n')}, ?, 'inbox', 'https://s' || n % 900 || '.example/follows/' || n, date_trunc('second', now()) - make_interval(mins => n) from generate_series(1, ?::int) n`,
    [account.id, people]
  )
  await db.raw(
    `insert into follows (follower_id, followed_id, via, created_at) select ?, ${ID('n * 10')}, 'inbox', now() from generate_series(1, ?::int) n`,
    [account.id, people / 10]
  )
  await db.raw(`create table sentences as ${SENTENCE}`, [SENTENCES])
  await db.raw('alter table sentences add primary key (n)')
}

/** The owner let those in who answered the first post. */
export async function approveAnswers(db: Knex): Promise<void> {
  await db.raw(
    `insert into verdicts (subject, verdict, at) select distinct a.uri, 'approved', now() from posts p join actors a on a.id = p.author_id
     where p.parent_id = ?`,
    [idOf(OWN)]
  )
}

/** Posts number `from` to `to`, a minute apart, some people writing far more than others; one in six answers a recent one. */
export async function addPosts(db: Knex, account: Account, people: number, from: number, to: number): Promise<void> {
  for (let first = from; first <= to; first += BATCH) await addBatch(db, account, people, first, Math.min(to, first + BATCH - 1))
  await db.raw('analyze')
}

async function addBatch(db: Knex, account: Account, people: number, first: number, last: number): Promise<void> {
  const inThread = `n between ${OWN + 1} and ${OWN + ANSWERS}`
  await db.raw(
    `with drawn as materialized (
       select n, n % ${OWN} = 0 as own, timestamptz '2024-01-01' + make_interval(mins => n) as at,
         case when n % ${OWN} = 0 then ? else ${ID('1 + floor(?::int * power(random(), 2))::int')} end as author,
         case when ${inThread} then ${OWN} when n > ${AFTER_THREAD} + 500 and random() < 0.16 then n - 1 - floor(random() * 500)::int end as parent,
         1 + floor(random() * ${SENTENCES})::int as one, 1 + floor(random() * ${SENTENCES})::int as two, 1 + floor(random() * ${SENTENCES})::int as three
       from generate_series(?::int, ?::int) n),
     told as (select d.*, a.text || ' ' || b.text as beginning, c.text as rest
       from drawn d join sentences a on a.n = one join sentences b on b.n = two join sentences c on c.n = three)
     insert into posts (id, uri, author_id, verb, kind, url, title, html, body_text, language, published_at, updated_at, received_at, sorted_at,
       in_reply_to, parent_id, mentions, tags, visibility)
     select ${ID('n')}, case when own then ? || ${ID('n')} else 'https://s' || n % 900 || '.example/posts/' || n end, author, 'post', 'note',
       case when own then ? || ${ID('n')} else 'https://s' || n % 900 || '.example/posts/' || n end, case when own then 'Post ' || n end,
       '<p>' || beginning || '</p><p>' || rest || '</p>', beginning || ' ' || rest, 'en', at, at, at, at,
       case when parent is not null then 'https://s' || parent % 900 || '.example/posts/' || parent end, ${ID('parent')},
       case when n % ${MENTIONS} = 7 then array[?] else '{}' end, case when n % 5 = 0 then array['tag' || n % 50] else '{}' end, 'public'
     from told order by n`,
    [account.id, people, first, last, `${account.uri}/posts/`, `${account.uri}/posts/`, account.uri]
  )
}

/** A blog that was published every day for three months, each post delivered to all 900 servers; some of them are dead. */
export async function addDeliveries(db: Knex, account: Account, posts: number[]): Promise<void> {
  await db.raw(
    `insert into recipients (kind, url, host, succeeded_at, failures, failing_since, retry_at, status, error)
     select 'inbox', 'https://s' || n || '.example/inbox', 's' || n || '.example', now(), dead::int * 9,
       case when dead then now() - interval '2 days' end, case when dead then now() + interval '1 hour' end, 200, case when dead then 'answered 502' end
     from (select n, n % 30 = 0 as dead from generate_series(0, 899) n) s on conflict do nothing`
  )
  for (const n of posts) {
    const { rows } = await db.raw(
      `insert into documents (key, topic, content_type, body, post_id, created_at) values (?, ?, 'application/activity+json', '{}', ?, now()) returning id`,
      [`inbox ${n} post 0`, account.uri, idOf(n)]
    )
    await db.raw(
      `insert into deliveries (recipient_id, document_id, state, attempts, created_at, done_at, status, error)
       select id, ?, case when failures > 0 then 'waiting' else 'done' end, greatest(failures, 1), now(), case when failures = 0 then now() end,
         case when failures > 0 then 502 else 202 end, case when failures > 0 then 'answered 502' end
       from recipients order by id`,
      [rows[0].id]
    )
  }
  await db.raw('analyze')
}
