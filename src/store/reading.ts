import type { Actor, Subscription } from '../model/kept.ts'
import { actorColumns } from './actors.ts'
import { type Db, fromRow } from './rows.ts'

export type Reading = ReturnType<typeof makeReading>

/** Where a page of the list ends. */
export type ReadPlace = { since: Date; followedId: string; followerId: string }

/** What is told of how a feed is read: nothing that opens doors. */
export type ReadBy = Pick<Subscription, 'url' | 'state' | 'hub' | 'error' | 'polledAt' | 'pushedAt' | 'pollAt' | 'pollFailures'>

/** Somebody whom an account follows: by what, how they are read, and when they last said something. */
export type Read = { actor: Actor; via: string; since: Date; followerId: string; subscription?: ReadBy; lastPost?: Date }

const READ_BY = ['url', 'state', 'hub', 'error', 'polled_at', 'pushed_at', 'poll_at', 'poll_failures']

/** Whom our accounts follow, as pages list it. */
export function makeReading(db: Db) {
  return {
    /**
     * One page, newest follow first. Each account's follows are read by index: nothing grows with those who follow us.
     * @param words only those in whose name or address they stand
     */
    async list(accounts: string[], page: { before?: ReadPlace; limit: number; words?: string }): Promise<Read[]> {
      const { before, limit, words } = page
      const behind = before === undefined ? '' : 'and (f.created_at, f.followed_id, f.follower_id) < (:since, :followedId, :followerId)'
      const named = words === undefined ? '' : `and concat_ws(' ', a.display_name, a.acct, a.uri, a.url, a.feed_url) ilike :words`
      const { rows } = await db.raw(
        `select ${actorColumns('a', '').join(', ')}, f.via as follow_via, f.created_at as follow_since, f.follower_id as follow_by,
           to_jsonb(s) as follow_feed, p.sorted_at as follow_last
         from unnest(cast(:accounts as text[])) as account (id)
         cross join lateral (
           select f.* from follows f ${words === undefined ? '' : 'join actors a on a.id = f.followed_id'}
           where f.follower_id = account.id ${behind} ${named}
           order by f.created_at desc, f.followed_id desc limit :limit) f
         join actors a on a.id = f.followed_id
         left join lateral (
           select ${READ_BY.join(', ')} from subscriptions where actor_id = a.id and state not in ('ending', 'ended')
           order by created_at limit 1) s on true
         left join lateral (
           select sorted_at from posts where author_id = a.id and deleted_at is null order by sorted_at desc, id desc limit 1) p on true
         order by f.created_at desc, f.followed_id desc, f.follower_id desc limit :limit`,
        { accounts, limit, ...before, ...(words === undefined ? {} : { words: `%${words.replace(/[\\%_]/g, '\\$&')}%` }) }
      )
      return rows.map(readRow)
    },
    /** The hosts of each person whom our accounts follow: of their URI and of their handle. A host may bear a port. */
    async followedHosts(): Promise<string[][]> {
      const { rows } = await db.raw(
        `select distinct a.id, array_remove(array[lower(split_part(a.uri, '/', 3)), lower(split_part(a.acct, '@', 2))], null) as hosts
         from actors o join follows f on f.follower_id = o.id join actors a on a.id = f.followed_id
         where o.local_name is not null and o.removed_at is null and a.local_name is null`
      )
      return rows.map(({ hosts }: { hosts: string[] }) => hosts)
    },
    /** Hosts of everybody who is known, with how many. */
    async knownHosts(): Promise<Map<string, number>> {
      const rows = await db('actors')
        .whereNull('local_name')
        .select(db.raw(`lower(coalesce(nullif(split_part(acct, '@', 2), ''), split_part(uri, '/', 3))) as host, count(*)::integer as n`))
        .groupBy('host')
      return new Map(rows.map(({ host, n }) => [host, n]))
    }
  }
}

function readRow(row: Record<string, unknown>): Read {
  const { follow_by, follow_feed, follow_last, follow_since, follow_via, ...actor } = row
  return {
    ...{ actor: fromRow<Actor>(actor), via: follow_via as string, since: follow_since as Date, followerId: follow_by as string },
    ...(follow_feed === null ? {} : { subscription: readFeed(follow_feed as Record<string, unknown>) }),
    ...(follow_last === null ? {} : { lastPost: follow_last as Date })
  }
}

/** In JSON times are text. */
function readFeed(feed: Record<string, unknown>): ReadBy {
  const dated = Object.entries(feed).map(([name, value]) => [
    name,
    name.endsWith('_at') && value !== null ? new Date(value as string) : value
  ])
  return fromRow<ReadBy>(Object.fromEntries(dated))
}
