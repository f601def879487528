import type { Actor, Follow, RecipientHealth } from '../model/kept.ts'
import { actorColumns } from './actors.ts'
import { BY_INBOX } from './deliveries.ts'
import { type Db, fromRow } from './rows.ts'

export type Follows = ReturnType<typeof makeFollows>

/** Where a page of followers ends. */
export type FollowCursor = { since: Date; id: string }

/** A follower; `uri`: the id of the Follow, if it had one; `health`: how the address does where they are told, if they ever were. */
export type Follower = { actor: Actor; via: string; since: Date; uri?: string; health?: RecipientHealth }

const HEALTH = ['host', 'succeeded_at', 'failures', 'failing_since', 'retry_at', 'status', 'error']

function readFollower({ follow_via: via, follow_since: since, follow_uri: uri, ...row }: Record<string, unknown>): Follower {
  const health = Object.fromEntries(HEALTH.map(column => [column, row[`health_${column}`]]))
  for (const column of HEALTH) delete row[`health_${column}`]
  return {
    ...{ actor: fromRow<Actor>(row), via: via as string, since: since as Date },
    ...(uri === null ? {} : { uri: uri as string }),
    ...(health.host === null ? {} : { health: fromRow<RecipientHealth>(health) })
  }
}

/** Which end of a follow is looked at, from where it is looked at. */
type Side = 'followers' | 'following'
const ENDS = { followers: ['followed_id', 'follower_id'], following: ['follower_id', 'followed_id'] } as const

/** Somebody at the other end of a follow, what carries it, and since when. */
export type Followed = { actor: Actor; via: string; since: Date }

/** Who follows whom, whatever carried it. */
export function makeFollows(db: Db) {
  const people = async (rows: PromiseLike<Record<string, unknown>[]>): Promise<Followed[]> =>
    (await rows).map(row => ({ actor: fromRow<Actor>(row), via: row.follow_via as string, since: row.follow_since as Date }))
  return {
    /** True when it was not there before. */
    async add(follow: Omit<Follow, 'createdAt'>, now: Date): Promise<boolean> {
      const row = {
        follower_id: follow.followerId,
        followed_id: follow.followedId,
        via: follow.via,
        uri: follow.uri ?? null,
        created_at: now
      }
      const made = await db('follows').insert(row).onConflict(['follower_id', 'followed_id']).ignore().returning('follower_id')
      // whoever follows by ActivityPub as well follows by that alone from then on (X19)
      if (made.length === 0 && follow.via === 'inbox')
        await db('follows').where({ follower_id: follow.followerId, followed_id: follow.followedId }).update({ via: row.via, uri: row.uri })
      return made.length > 0
    },
    async remove(followerId: string, followedId: string): Promise<boolean> {
      return (await db('follows').where({ follower_id: followerId, followed_id: followedId }).delete()) > 0
    },
    /** Ends what those follow whose own inbox this is: it is gone. */
    async removeInbox(inboxUrl: string): Promise<void> {
      const owners = db('actors').select('id').where({ inbox_url: inboxUrl }).whereNull('local_name')
      await db('follows').whereIn('follower_id', owners).delete()
    },
    find: async (followerId: string, followedId: string) => {
      const row = await db('follows').where({ follower_id: followerId, followed_id: followedId }).first()
      return row && fromRow<Follow>(row)
    },
    /** Whether anybody who follows is served by ActivityPub. */
    async hasByInbox(followedId: string): Promise<boolean> {
      const some = db('follows as f').join('actors as a', 'a.id', 'f.follower_id').where('f.followed_id', followedId).whereRaw(BY_INBOX)
      return (await some.first(db.raw('1'))) !== undefined
    },
    /** Whether anybody else whose inbox is at a host (with port) follows. */
    async hasOtherAt(followedId: string, followerId: string, host: string): Promise<boolean> {
      const other = db('follows as f')
        .join('actors as a', 'a.id', 'f.follower_id')
        .where('f.followed_id', followedId)
        .whereNot('a.id', followerId)
        .whereRaw("lower(split_part(a.inbox_url, '/', 3)) = ?", [host])
      return (await other.first(db.raw('1'))) !== undefined
    },
    /** Whom somebody follows, newest first. */
    following: (followerId: string) =>
      people(
        db('follows as f')
          .join('actors as a', 'a.id', 'f.followed_id')
          .where('f.follower_id', followerId)
          .select([...actorColumns('a', ''), 'f.via as follow_via', 'f.created_at as follow_since'])
          .orderBy('f.created_at', 'desc')
      ),
    /** Whom an account asked whether it may follow, and who has not answered, newest first. */
    asked: (followerId: string) =>
      people(
        db('acts as c')
          .join('actors as a', 'a.uri', 'c.object')
          .where({ 'c.actor_id': followerId, 'c.verb': 'request', 'c.undone': false })
          .select([...actorColumns('a', ''), db.raw("'asked' as follow_via"), 'c.acted_at as follow_since'])
          .orderBy('c.acted_at', 'desc')
      ),
    followers: (followedId: string) =>
      people(
        db('follows as f')
          .join('actors as a', 'a.id', 'f.follower_id')
          .where('f.followed_id', followedId)
          .select([...actorColumns('a', ''), 'f.via as follow_via', 'f.created_at as follow_since'])
          .orderBy('f.created_at', 'desc')
      ),
    /**
     * A page of the followers of an account, newest first, each with how the address does by which they are told. Who left is gone,
     * and who subscribes to the feed alone is no follower.
     */
    async listFollowers(followedId: string, { before, limit }: { before?: FollowCursor; limit: number }): Promise<Follower[]> {
      const query = db('follows as f')
        .join('actors as a', 'a.id', 'f.follower_id')
        .joinRaw(`left join recipients r on r.kind = case a.speaks when 'activitypub' then 'inbox' else 'salmon' end
          and r.url = case a.speaks when 'activitypub' then coalesce(a.shared_inbox_url, a.inbox_url) else a.salmon_url end`)
        .where('f.followed_id', followedId)
        .select([...actorColumns('a', ''), 'f.via as follow_via', 'f.created_at as follow_since', 'f.uri as follow_uri'])
        .select(HEALTH.map(column => `r.${column} as health_${column}`))
        .orderBy([
          { column: 'f.created_at', order: 'desc' },
          { column: 'f.follower_id', order: 'desc' }
        ])
        .limit(limit)
      if (before !== undefined) query.whereRaw('(f.created_at, f.follower_id) < (?, ?)', [before.since, before.id])
      return (await query).map(readFollower)
    },
    /** URIs of the followers of somebody, or of whom they follow, by id: one page, and those alone that are addresses on the web. */
    async page(side: Side, actorId: string, before: string | undefined, limit: number): Promise<{ id: string; uri: string }[]> {
      const [mine, other] = ENDS[side]
      const query = db('follows as f')
        .join('actors as a', 'a.id', `f.${other}`)
        .where(`f.${mine}`, actorId)
        .whereNull('a.removed_at')
        .where('a.uri', 'like', 'http%')
        .orderBy(`f.${other}`, 'desc')
        .limit(limit)
        .select('a.id', 'a.uri')
      return before === undefined ? query : query.where(`f.${other}`, '<', before)
    },
    /** The same with all that is known of them: `via` tells what carries the follow. */
    people: (side: Side, actorId: string, before: string | undefined, limit: number): Promise<Followed[]> => {
      const [mine, other] = ENDS[side]
      const query = db('follows as f')
        .join('actors as a', 'a.id', `f.${other}`)
        .where(`f.${mine}`, actorId)
        .whereNull('a.removed_at')
        .orderBy(`f.${other}`, 'desc')
        .limit(limit)
        .select([...actorColumns('a', ''), 'f.via as follow_via', 'f.created_at as follow_since'])
      return people(before === undefined ? query : query.where(`f.${other}`, '<', before))
    },
    async count(side: Side, actorId: string): Promise<number> {
      const row = await db('follows')
        .where({ [ENDS[side][0]]: actorId })
        .count({ n: '*' })
        .first()
      return Number(row?.n ?? 0)
    },
    /** Of these people those whom an account of ours follows. */
    async amongFollowed(ids: string[]): Promise<Set<string>> {
      const rows = await db('follows as f')
        .join('actors as a', 'a.id', 'f.follower_id')
        .whereIn('f.followed_id', [...new Set(ids)])
        .whereNotNull('a.local_name')
        .whereNull('a.removed_at')
        .distinct('f.followed_id')
      return new Set(rows.map(row => row.followed_id))
    },
    /** How many accounts of ours follow somebody. */
    async localFollowers(followedId: string): Promise<number> {
      const row = await db('follows as f')
        .join('actors as a', 'a.id', 'f.follower_id')
        .where('f.followed_id', followedId)
        .whereNotNull('a.local_name')
        .whereNull('a.removed_at')
        .count({ n: '*' })
        .first()
      return Number(row?.n ?? 0)
    }
  }
}
