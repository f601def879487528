import type { Db } from './rows.ts'

export type Changes = ReturnType<typeof makeChanges>

export const CHANNEL = 'tidings_changes'

/**
 * Tells every process of the node that something changed, when the transaction commits. The web halves keep what they rendered
 * until they hear its name: `account:NAME` (its posts or profile), `accounts` (which there are), `connection:ID` (whether an
 * account may toot), `posts` (somebody else’s came), `settings` (what the owner set), `sessions` (somebody signed out).
 */
export function makeChanges(db: Db) {
  // a transaction tells of a thing once, however many posts it keeps
  const told = new Set<string>()
  return {
    tell: async (name: string): Promise<void> => {
      if (db.isTransaction && told.has(name)) return
      told.add(name)
      await db.raw('select pg_notify(?, ?)', [CHANNEL, name])
    }
  }
}
