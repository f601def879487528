import type { KeptPost, Quoted } from '../model/kept.ts'
import type { Db } from './rows.ts'

/** A share that could only quote a post before we had it. */
export type Quoting = { id: string; quoted: Quoted }

type Settled = Pick<KeptPost, 'id' | 'uri' | 'authorId' | 'url' | 'activityUrl'> & { rightful: boolean }

const SETTLE = `
  with stolen as (
    select from posts where :isUri and uri = :uri and author_id <> :author and (not :rightful or rightful) limit 1),
  grave as (select deleted_at from tombstones where author_id = :author and uri = :uri),
  answers as (
    update posts set parent_id = :id where in_reply_to = any(:names) and in_reply_to is not null and parent_id is null and id <> :id
    and not exists (select from stolen) and not exists (select from grave)),
  done as (
    update acts set post_id = :id where object = :uri and post_id is null
    and not exists (select from stolen) and not exists (select from grave))
  select exists (select from stolen) as stolen, (select deleted_at from grave) as "deletedAt",
    array(select jsonb_build_object('id', id, 'quoted', quoted) from posts
      where quoted->>'uri' = :uri and quoted is not null and shared_id is null) as quoting`

/** What is no URI counts within its feed alone. */
export const isUri = ({ uri }: Pick<KeptPost, 'uri'>) => /^[a-z][a-z\d+.-]*:/i.test(uri)

/**
 * What was here before a post that was just kept: its tombstone, the same id of somebody else; if neither, the answers and acts that
 * came before it are tied to it (I13). A statement of its own, that it may see what the insert had to wait for.
 */
export async function settle(db: Db, post: Settled): Promise<{ stolen: boolean; deletedAt: Date | null; quoting: Quoting[] }> {
  const { activityUrl, id, authorId: author, rightful, uri, url } = post
  const names = [uri, url, activityUrl].filter(name => name !== undefined)
  const { rows } = await db.raw(SETTLE, { id, author, rightful, uri, isUri: isUri(post), names }).options({ name: 'settle' })
  return rows[0]
}
