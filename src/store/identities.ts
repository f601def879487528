import type { Db } from './rows.ts'

export type Identities = ReturnType<typeof makeIdentities>

/** Who somebody is, beyond one row: two rows that turn out to be one person, and the end of somebody. Each must run inside a transaction. */
export function makeIdentities(db: Db) {
  /** Rows of a table that name somebody name somebody else from now on; where there is such a row already, it stays. */
  const pass = async (table: string, column: string, from: string, to: string, beside: string[]): Promise<void> => {
    const same = beside.map(name => `o.${name} = t.${name}`).join(' and ')
    const taken = beside.length === 0 ? '' : `and not exists (select 1 from ${table} o where o.${column} = ? and ${same})`
    await db.raw(`update ${table} t set ${column} = ? where t.${column} = ? ${taken}`, beside.length === 0 ? [to, from] : [to, from, to])
  }
  return {
    /** Two of whom we knew are one: all that the second did, said and was called is the first's, and the second is no more. */
    async absorb(keptId: string, goneId: string): Promise<void> {
      await db('actors').select('id').whereIn('id', [keptId, goneId]).orderBy('id').forUpdate()
      await pass('posts', 'author_id', goneId, keptId, ['uri'])
      await pass('acts', 'actor_id', goneId, keptId, ['verb', 'object'])
      await pass('tombstones', 'author_id', goneId, keptId, ['uri'])
      await pass('follows', 'follower_id', goneId, keptId, ['followed_id'])
      await pass('follows', 'followed_id', goneId, keptId, ['follower_id'])
      await pass('told', 'actor_id', goneId, keptId, ['post_id'])
      await pass('subscriptions', 'actor_id', goneId, keptId, [])
      await pass('actor_names', 'actor_id', goneId, keptId, [])
      // who blocked one of them meant both
      await db.raw('update actors k set blocked_at = coalesce(k.blocked_at, g.blocked_at) from actors g where k.id = ? and g.id = ?', [
        keptId,
        goneId
      ])
      await db('actors').where({ id: goneId }).delete()
    },
    /** Somebody has another URI from now on; what was done to them is done to whom that names. The old one still finds them. */
    async rename(id: string, from: string, to: string): Promise<void> {
      await db('actors').where({ id }).update({ uri: to })
      await db('actor_names').insert({ name: to, actor_id: id }).onConflict('name').merge()
      await pass('acts', 'object', from, to, ['actor_id', 'verb'])
    },
    async moved(id: string, uri: string): Promise<void> {
      await db('actors').where({ id }).update({ moved_to: uri })
    },
    /** Somebody has left for good: of what they said and did, and of whom they knew, nothing stays but that it is gone. */
    async close(id: string, now: Date): Promise<void> {
      await db('actors').select('id').where({ id }).forUpdate()
      const own = db('posts').where({ author_id: id }).whereNull('deleted_at')
      await db('post_versions').whereIn('post_id', own.clone().select('id')).delete()
      await own.update({
        ...{ title: null, html: '', body_text: '', warning: null, quoted: null, enclosures: '[]', tags: [], mentions: [], deleted_at: now }
      })
      await db('acts').where({ actor_id: id }).update({ undone: true })
      await db('follows').where({ follower_id: id }).orWhere({ followed_id: id }).delete()
      await db('actors')
        .where({ id })
        .update({ removed_at: now, bio: null, avatar: null, location: null, homepage: null, signing_keys: '[]', keys: '[]' })
    }
  }
}
