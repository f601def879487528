import type { Knex } from 'knex'
import { hashToken, randomToken } from '../model/tokens.ts'
import { CHANNEL } from './changes.ts'
import { type Db, fromRow } from './rows.ts'

export type Sessions = ReturnType<typeof makeSessions>

/** Whoever is signed in somewhere. `browser`: its name in two words; `usedAt`: to within a day. */
export type SignedIn = { id: string; browser?: string; createdAt: Date; usedAt: Date }

const DAY = 24 * 3_600_000
const SESSION_MS = 30 * DAY
const LINK_MS = 15 * 60_000

/** Who is signed in, and links that sign in once. Only hashes are kept. */
export function makeSessions(db: Db) {
  const add = async (kind: string, now: Date, milliseconds: number, browser?: string) => {
    const token = randomToken()
    const csrf = randomToken()
    const expires = new Date(now.getTime() + milliseconds)
    const row = { hash: hashToken(token), kind, csrf, browser: browser ?? null, created_at: now, used_at: now, expires_at: expires }
    await db('sessions').insert(row)
    return { token, csrf }
  }
  const alive = (kind: string, now: Date) => db('sessions').where({ kind }).where('expires_at', '>', now)
  const live = (kind: string, token: string, now: Date) => alive(kind, now).where({ hash: hashToken(token) })
  /** It holds 30 days from its last use, of which one is written down a day. */
  const renew = async (token: string, now: Date): Promise<boolean> => {
    const due = live('session', token, now).where('used_at', '<=', new Date(now.getTime() - DAY))
    return (await due.update({ used_at: now, expires_at: new Date(now.getTime() + SESSION_MS) })) > 0
  }
  /** What is open under them hears of it. */
  const end = async (some: Knex.QueryBuilder): Promise<number> => {
    const count = await some.delete()
    await db.raw('select pg_notify(?, ?)', [CHANNEL, 'sessions'])
    return count
  }
  return {
    /** A link that signs in once, within 15 minutes. */
    addLink: async (now: Date): Promise<string> => (await add('link', now, LINK_MS)).token,
    isLink: async (token: string, now: Date): Promise<boolean> => (await live('link', token, now).first()) !== undefined,
    /** Uses the link up and begins a session; undefined when the link does not hold. */
    async open(link: string, now: Date, browser?: string): Promise<{ token: string; csrf: string } | undefined> {
      if ((await live('link', link, now).delete()) === 0) return undefined
      return add('session', now, SESSION_MS, browser)
    },
    /** A session of 30 days, for whoever has proven to be the owner. */
    begin: (now: Date, browser?: string) => add('session', now, SESSION_MS, browser),
    /** `renewed`: it holds 30 days from now on, which its cookie must be told. */
    async find(token: string, now: Date): Promise<{ id: string; csrf: string; renewed: boolean } | undefined> {
      const row = await live('session', token, now).first()
      if (row === undefined) return undefined
      const isDue = now.getTime() - row.used_at.getTime() >= DAY
      return { id: row.id, csrf: row.csrf, renewed: isDue && (await renew(token, now)) }
    },
    /** Everybody who is signed in, who came last first. */
    async all(now: Date): Promise<SignedIn[]> {
      const rows = await alive('session', now).select('id', 'browser', 'created_at', 'used_at').orderBy('created_at', 'desc').limit(100)
      return rows.map(row => fromRow<SignedIn>(row))
    },
    /** Whether it holds, without being used. */
    holds: async (token: string, now: Date): Promise<boolean> => (await live('session', token, now).first('id')) !== undefined,
    close: (token: string) => end(db('sessions').where({ hash: hashToken(token) })),
    /** @param id of the session, a UUID */
    end: (id: string) => end(db('sessions').where({ kind: 'session', id })),
    /** All but one; links that were not used yet end as well. */
    endOthers: (id: string) => end(db('sessions').whereNot({ id })),
    forget: (now: Date) => db('sessions').where('expires_at', '<=', now).delete()
  }
}
