import { makeFinder, makeGatherer } from '../model/batch.ts'
import type { KeptPost, Quoted } from '../model/kept.ts'
import { type Db, fromRow } from './rows.ts'

/** A share that could only quote a post before we had it. */
export type Quoting = { id: string; quoted: Quoted }

type Settled = Pick<KeptPost, 'id' | 'uri' | 'authorId' | 'url' | 'activityUrl'> & { rightful: boolean }
/** What was here before a post. */
type Before = { stolen: boolean; deletedAt: Date | null; quoting: Quoting[] }
type Twin = { authorId: string; ids: string[] }

export const POST_COLUMNS = [
  ...['id', 'uri', 'author_id', 'verb', 'kind', 'url', 'entry_url', 'activity_url', 'title', 'html', 'warning', 'language'],
  ...['published_at', 'updated_at', 'received_at', 'sorted_at', 'in_reply_to', 'in_reply_to_url', 'parent_id', 'conversation'],
  ...['mentions', 'tags', 'enclosures', 'visibility', 'sensitive', 'shared_id', 'quoted', 'edits', 'deleted_at']
]

const NEW_COLUMNS = [...POST_COLUMNS.filter(column => column !== 'edits' && column !== 'deleted_at'), 'body_text', 'rightful']

const INSERT = `
  insert into posts (${NEW_COLUMNS}) select ${NEW_COLUMNS} from json_populate_recordset(null::posts, :rows)
  on conflict (author_id, uri) do nothing returning ${POST_COLUMNS}`

// by the author's index alone all would be read that they ever wrote: `offset 0` keeps the planner from it
const FIND_TWINS = `
  select asked.n, twin.* from json_to_recordset(:asked) as asked (n integer, author text collate "C", ids text[]),
  lateral (
    select ${POST_COLUMNS} from posts where id in (
      select id from posts where author_id = author and uri = any(ids)
      union all
      select id from (select id, author_id from posts where activity_url = any(ids) offset 0) named where author_id = author)
    order by uri = ids[1] desc, received_at limit 1) twin`

const FIND_BY_URIS = `
  select distinct on (uri) ${POST_COLUMNS} from posts where uri = any(:uris) order by uri, rightful desc, received_at`

const SETTLE = `
  with made as (
    select made.*, (select deleted_at from tombstones where author_id = author and tombstones.uri = made.uri) as deleted_at,
      exists (select from posts where is_uri and posts.uri = made.uri and author_id <> author
        and (not made.rightful or posts.rightful)) as stolen
    from json_to_recordset(:posts) as made
      (id text collate "C", author text collate "C", uri text, rightful boolean, is_uri boolean, names text[])),
  good as (select * from made where deleted_at is null and not stolen),
  answers as (
    update posts set parent_id = good.id from good
    where in_reply_to = any(names) and in_reply_to is not null and parent_id is null and posts.id <> good.id),
  done as (update acts set post_id = good.id from good where object = good.uri and post_id is null)
  select id, stolen, deleted_at as "deletedAt",
    array(select jsonb_build_object('id', id, 'quoted', quoted) from posts
      where quoted->>'uri' = made.uri and quoted is not null and shared_id is null) as quoting
  from made`

const MOST_AT_ONCE = 100

/** What is no URI counts within its feed alone. */
export const isUri = ({ uri }: Pick<KeptPost, 'uri'>) => /^[a-z][a-z\d+.-]*:/i.test(uri)

/** JSON that the database reads: half a character, which it does not take, becomes the sign for what is no character. */
function toJson(value: unknown): string {
  const json = JSON.stringify(value)
  // written so are halves alone, which are rare
  if (!/\\ud[89a-f]/.test(json)) return json
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? part.toWellFormed() : part))
}

/** Posts as they come into a transaction: those that come at once need one statement of each kind. */
export function makeNewPosts(db: Db) {
  return {
    /** A post by its URI. Of several with one URI the rightful one is given, else the first seen. */
    findByUri: makeFinder<KeptPost>(MOST_AT_ONCE, async uris => {
      const { rows } = await db.raw(FIND_BY_URIS, { uris })
      return new Map(rows.map((row: { uri: string }) => [row.uri, fromRow<KeptPost>(row)]))
    }),
    /** Somebody's post by any of the ids that it bears in the protocols by which it may have come (X13), best of all the first of these. */
    findTwin: makeGatherer<Twin, KeptPost | undefined>(MOST_AT_ONCE, async list => {
      const asked = toJson(list.map(({ authorId: author, ids }, n) => ({ n, author, ids })))
      const { rows } = await db.raw(FIND_TWINS, { asked })
      const found = new Map(rows.map(({ n, ...row }: { n: number }) => [n, fromRow<KeptPost>(row)]))
      return list.map((_, n) => found.get(n) as KeptPost | undefined)
    }),
    /** The post as it was kept; undefined when there is one of its author and URI. @param row by the names of columns */
    insert: makeGatherer<Record<string, unknown>, KeptPost | undefined>(MOST_AT_ONCE, async rows => {
      const made = await db.raw(INSERT, { rows: toJson(rows) })
      const kept = new Map(made.rows.map((row: { id: string }) => [row.id, fromRow<KeptPost>(row)]))
      return rows.map(({ id }) => kept.get(id) as KeptPost | undefined)
    }),
    /**
     * What was here before a post that was just kept: its tombstone, the same id of somebody else; if neither, the answers and acts
     * that came before it are tied to it (I13). A statement of its own, that it may see what the insert had to wait for.
     */
    settle: makeGatherer<Settled, Before>(MOST_AT_ONCE, async list => {
      const posts = list.map(post => {
        const { activityUrl, authorId: author, id, rightful, uri, url } = post
        return { id, author, uri, rightful, is_uri: isUri(post), names: [uri, url, activityUrl].filter(name => name !== undefined) }
      })
      const { rows } = await db.raw(SETTLE, { posts: toJson(posts) })
      const found = new Map(rows.map(({ id, ...before }: Before & { id: string }) => [id, before]))
      return list.map(({ id }) => found.get(id) as Before)
    })
  }
}
