import type { Toot, Visibility } from '../model/blog.ts'
import { type Change, type Db, fromRow, toRow } from './rows.ts'

export type Toots = ReturnType<typeof makeToots>

/** Columns of a toot; who holds the claim is nobody's business but the claim's. */
const COLUMNS = [
  ...['key', 'account_id', 'url', 'state', 'toot_id', 'toot_url', 'host', 'username', 'visibility', 'text', 'due_at', 'claimed_until'],
  ...['attempts', 'created_at', 'tooted_at', 'status', 'error', 'poll_at', 'polled_at', 'poll_failures', 'favourites', 'shares']
].map(column => `t.${column}`)

/** Class of the advisory lock under which the toots of an account are claimed one after the other: so its budget holds. */
const BUDGET_LOCK = 7443

/** Nothing more is to be done. What was only rehearsed is final as long as only rehearsals are made. */
const isFinal = ({ state }: Toot, dryRun: boolean): boolean => state === 'posted' || state === 'old' || (state === 'dry-run' && dryRun)

export type Claim =
  /** It is ours until then; `again`: somebody began before us and may have got further than we can see. */
  | { outcome: 'ours'; toot: Toot; again: boolean }
  /** Done, or never to be done. */
  | { outcome: 'known'; toot: Toot }
  /** Somebody else is at it. */
  | { outcome: 'theirs'; until: Date }
  /** Its server wants to hear of it only when it is due. */
  | { outcome: 'paused'; toot: Toot }
  /** Too many new ones in this hour; `at`: when the next one may be made. */
  | { outcome: 'budget'; at: Date }

/** URL of a blog post -> its toot. `posted`, `old` and, while DRY_RUN is on, `dry-run` are final; a claim ends by itself. */
export function makeToots(db: Db) {
  const one = async (query: PromiseLike<unknown>): Promise<Toot | undefined> => {
    const row = (await query) as Record<string, unknown> | undefined
    return row && fromRow<Toot>(row)
  }
  const find = (key: string) => one(db('toots as t').select(COLUMNS).where({ key }).first())

  /** When the budget of the last hour lets one more be made: undefined for now. Claims count, those of the dead too, until they end. */
  const nextFree = async (accountId: string, budget: number, now: Date): Promise<Date | undefined> => {
    if (budget === 0) return new Date(now.getTime() + HOUR)
    const made = db.raw(`(state = 'claimed' or (state in ('posted', 'dry-run') and tooted_at > ?))`, [new Date(now.getTime() - HOUR)])
    const counted = await db('toots')
      .where({ account_id: accountId })
      .where(made)
      .orderByRaw(`state = 'claimed' desc, tooted_at desc`)
      .limit(budget)
      .select('state', 'tooted_at')
    if (counted.length < budget) return undefined
    const oldest = counted.at(-1)
    return new Date(oldest.state === 'claimed' ? now.getTime() + CLAIM_ENDS : oldest.tooted_at.getTime() + HOUR)
  }

  return {
    find,
    /** The toot of the page that is known by one of these keys: one indexed read. The first key that is known counts. */
    async findByPage(keys: string[]): Promise<Toot | undefined> {
      const rows = await db('pages as p')
        .join('toots as t', 't.key', 'p.canonical')
        .whereIn('p.key', keys)
        .select([...COLUMNS, 'p.key as page'])
      const row = keys.map(key => rows.find(one => one.page === key)).find(Boolean)
      if (row === undefined) return undefined
      const { page: _page, ...toot } = row
      return fromRow<Toot>(toot)
    },

    /**
     * Lets one of all who ask make the toot, until `until`. Must run inside a transaction of its own, with no network call in it.
     * @param wish.mark of whoever asks: only under it the claim is settled or given back
     * @param wish.dryRun DRY_RUN: else what was rehearsed is now made in earnest
     * @param wish.visit it is not the clock that asks
     */
    async claim(
      wish: { key: string; url: string; accountId: string; mark: string; budget: number; dryRun: boolean; visit: boolean },
      now: Date,
      until: Date
    ): Promise<Claim> {
      const { accountId, budget, dryRun, key, mark, url, visit } = wish
      await db.raw('select pg_advisory_xact_lock(?, hashtext(?))', [BUDGET_LOCK, accountId])
      await db('toots').insert({ key, url, account_id: accountId, state: 'wanted', created_at: now }).onConflict('key').ignore()
      const toot = await one(db('toots as t').select(COLUMNS).where({ key }).forUpdate().first())
      if (toot === undefined) throw new Error('a toot vanished while it was claimed')
      if (isFinal(toot, dryRun)) return { outcome: 'known', toot }
      if (toot.claimedUntil !== undefined && toot.claimedUntil > now) return { outcome: 'theirs', until: toot.claimedUntil }
      if (visit && toot.status === 429 && toot.dueAt !== undefined && toot.dueAt > now) return { outcome: 'paused', toot }
      // whose maker died counts already, and is to be brought to its end
      const free = toot.state === 'claimed' ? undefined : await nextFree(accountId, budget, now)
      if (free !== undefined) {
        await db('toots').where({ key }).update({ state: 'wanted', due_at: free })
        return { outcome: 'budget', at: free }
      }
      // due when it has run out: whose maker dies is brought to its end by the clock
      const claimed = { state: 'claimed', claim: mark, claimed_until: until, due_at: until, attempts: toot.attempts + 1 }
      await db('toots').where({ key }).update(claimed)
      return {
        outcome: 'ours',
        toot: { ...toot, state: 'claimed', claimedUntil: until, attempts: toot.attempts + 1 },
        again: toot.attempts > 0
      }
    },
    /** The toot is made: as it is kept now, or undefined when the claim is not ours any more. The post may have got another key. */
    async settle(mark: string, done: Change<Toot>): Promise<Toot | undefined> {
      const row = { ...toRow(done), claim: null, claimed_until: null, due_at: null, error: null, status: null }
      const [kept] = await db('toots as t').where({ claim: mark }).update(row).returning(COLUMNS)
      return kept && fromRow<Toot>(kept)
    },
    /** It was not made. `begun`: it may have been made nevertheless, and the next one looks for it first. */
    async giveBack(mark: string, { begun, ...why }: { begun: boolean; dueAt: Date; status?: number; error?: string }): Promise<void> {
      const row = { status: null, error: null, ...toRow(why), state: 'wanted', claim: null, claimed_until: null }
      await db('toots')
        .where({ claim: mark })
        .update({ ...row, ...(begun ? {} : { attempts: db.raw('attempts - 1') }) })
    },
    /** Wishes for toots that are made when their time has come. One that is known stays as it is. Answers how many are new. */
    async want(
      wishes: { key: string; url: string; accountId: string; dueAt: Date; visibility?: Visibility }[],
      now: Date
    ): Promise<number> {
      if (wishes.length === 0) return 0
      const rows = wishes.map(wish => ({ ...toRow(wish), state: 'wanted', created_at: now }))
      return (await db('toots').insert(rows).onConflict('key').ignore().returning('key')).length
    },
    /** Posts that get no toot (S1-49). One that has a toot keeps it. Answers how many were marked. */
    async markOld(posts: { key: string; url: string; accountId: string }[], now: Date): Promise<number> {
      if (posts.length === 0) return 0
      const rows = posts.map(post => ({ ...toRow(post), state: 'old', created_at: now }))
      return (await db('toots').insert(rows).onConflict('key').ignore().returning('key')).length
    },
    async change(key: string, change: Change<Toot>): Promise<void> {
      await db('toots').where({ key }).update(toRow(change))
    },
    /** Toots whose time has come, or whose maker died; nobody else takes them before `until`. */
    async takeDue(now: Date, until: Date, limit: number): Promise<string[]> {
      const due = db('toots')
        .select('key')
        .where('due_at', '<=', now)
        .whereIn('state', ['wanted', 'claimed'])
        .orderBy('due_at')
        .limit(limit)
      return (await db('toots').whereIn('key', due.forUpdate().skipLocked()).update({ due_at: until }).returning('key')).map(row => row.key)
    },
    /** Toots whose thread is to be read now; nobody else takes them before `until`. */
    async takePolls(now: Date, until: Date, limit: number): Promise<string[]> {
      const due = db('toots').select('key').where('poll_at', '<=', now).orderBy('poll_at').limit(limit).forUpdate().skipLocked()
      return (await db('toots').whereIn('key', due).update({ poll_at: until }).returning('key')).map(row => row.key)
    },
    /** Somebody looks at the thread: it is read again soon unless that was after `before`. A toot that is not there any more is not asked for. */
    async wakePoll(key: string, before: Date, now: Date): Promise<boolean> {
      const due = db('toots')
        .where({ key, state: 'posted', poll_failures: 0 })
        .where(read => read.whereNull('polled_at').orWhere('polled_at', '<=', before))
        .where(later => later.whereNull('poll_at').orWhere('poll_at', '>', now))
        .where(there => there.whereNull('status').orWhereNot({ status: 404 }))
      return (await due.update({ poll_at: now })) > 0
    },
    /** What failed so far may go well now. */
    async wake(accountId: string, now: Date): Promise<void> {
      const failed = db('toots').where({ account_id: accountId, state: 'wanted' }).whereNotNull('error')
      await failed.where('due_at', '>', now).update({ due_at: now, status: null })
    },
    /** How many there are of each state. */
    async counts(accountId: string): Promise<Partial<Record<Toot['state'], number>>> {
      const rows: { state: string; n: string }[] = await db('toots')
        .where({ account_id: accountId })
        .groupBy('state')
        .select('state', db.raw('count(*) as n'))
      return Object.fromEntries(rows.map(row => [row.state, Number(row.n)]))
    }
  }
}

const HOUR = 3_600_000
/** When those who are at it now will have ended, one way or the other. */
const CLAIM_ENDS = 120_000
