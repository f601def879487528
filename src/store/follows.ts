import type { Actor, Follow } from '../model/kept.ts'
import { actorColumns } from './actors.ts'
import { type Db, fromRow } from './rows.ts'

export type Follows = ReturnType<typeof makeFollows>

/** Who follows whom, whatever carried it. */
export function makeFollows(db: Db) {
  const people = async (rows: Promise<Record<string, unknown>[]>) =>
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
      return (await db('follows').insert(row).onConflict(['follower_id', 'followed_id']).ignore().returning('follower_id')).length > 0
    },
    async remove(followerId: string, followedId: string): Promise<boolean> {
      return (await db('follows').where({ follower_id: followerId, followed_id: followedId }).delete()) > 0
    },
    find: async (followerId: string, followedId: string) => {
      const row = await db('follows').where({ follower_id: followerId, followed_id: followedId }).first()
      return row && fromRow<Follow>(row)
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
    followers: (followedId: string) =>
      people(
        db('follows as f')
          .join('actors as a', 'a.id', 'f.follower_id')
          .where('f.followed_id', followedId)
          .select([...actorColumns('a', ''), 'f.via as follow_via', 'f.created_at as follow_since'])
          .orderBy('f.created_at', 'desc')
      ),
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
