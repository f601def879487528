import { hashToken, randomToken } from '../model/tokens.ts'
import type { Db } from './rows.ts'

export type Sessions = ReturnType<typeof makeSessions>

/** Who is signed in, and links that sign in once. Only hashes are kept. */
export function makeSessions(db: Db) {
  const add = async (kind: string, now: Date, milliseconds: number) => {
    const token = randomToken()
    const csrf = randomToken()
    await db('sessions').insert({ hash: hashToken(token), kind, csrf, created_at: now, expires_at: new Date(now.getTime() + milliseconds) })
    return { token, csrf }
  }
  const live = (kind: string, token: string, now: Date) =>
    db('sessions')
      .where({ hash: hashToken(token), kind })
      .where('expires_at', '>', now)
  return {
    /** A link that signs in once, within 15 minutes. */
    addLink: async (now: Date): Promise<string> => (await add('link', now, 15 * 60_000)).token,
    isLink: async (token: string, now: Date): Promise<boolean> => (await live('link', token, now).first()) !== undefined,
    /** Uses the link up and answers a session of 30 days; undefined when the link does not hold. */
    async open(link: string, now: Date): Promise<{ token: string; csrf: string } | undefined> {
      if ((await live('link', link, now).delete()) === 0) return undefined
      return add('session', now, 30 * 24 * 3_600_000)
    },
    async find(token: string, now: Date): Promise<{ csrf: string } | undefined> {
      const row = await live('session', token, now).first()
      return row && { csrf: row.csrf }
    },
    close: (token: string) =>
      db('sessions')
        .where({ hash: hashToken(token) })
        .delete(),
    forget: (now: Date) => db('sessions').where('expires_at', '<=', now).delete()
  }
}
