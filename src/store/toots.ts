import { CLAIM_MS, type Toot, type Visibility } from '../model/blog.ts'
import { type Change, type Db, fromRow, toRow } from './rows.ts'

export type Toots = ReturnType<typeof makeToots>

/** Columns of a toot; who holds the claim is nobody's business but the claim's. */
const COLUMNS = [
  ...['key', 'account_id', 'url', 'state', 'toot_id', 'toot_url', 'host', 'username', 'visibility', 'text', 'title_from', 'asked'],
  ...['due_at', 'claimed_until', 'attempts', 'created_at', 'tooted_at', 'status', 'error', 'edit_at', 'edit_failures'],
  ...['poll_at', 'polled_at', 'poll_failures', 'favourites', 'shares']
].map(column => `t.${column}`)

/** Class of the advisory lock under which the toots of an account are claimed one after the other: so its budget holds. */
const BUDGET_LOCK = 7443

/** Nothing more is to be done. What was only rehearsed is final as long as only rehearsals are made. */
const isFinal = ({ state }: Toot, dryRun: boolean): boolean => state === 'posted' || state === 'old' || (state === 'dry-run' && dryRun)

/** Its server wants to hear of it only when it is due: it is overrun, or has refused for good what would be asked once more. */
const isPaused = ({ dueAt, status, ...toot }: Toot, asked: string | undefined, now: Date): boolean =>
  dueAt !== undefined && dueAt > now && (status === 429 || (status === 422 && asked !== undefined && toot.asked === asked))

/** What became of a post of a blog. `isNews`: it was told to everybody, from `announceAt` on; else it is history. */
export type Fate = { isNews: boolean; announceAt?: Date; toot?: Toot }

export type Wish = {
  key: string
  url: string
  accountId: string
  mark: string
  budget: number
  dryRun: boolean
  visit: boolean
  text?: string
  titleFrom?: 'feed' | 'page'
  asked?: string
}

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
    const made = db.raw(`(state = 'claimed' or (state = 'posted' and tooted_at > ?))`, [new Date(now.getTime() - HOUR)])
    const counted = await db('toots')
      .where({ account_id: accountId })
      .where(made)
      .orderByRaw(`state = 'claimed' desc, tooted_at desc`)
      .limit(budget)
      .select('state', 'tooted_at')
    if (counted.length < budget) return undefined
    const oldest = counted.at(-1)
    return new Date(oldest.state === 'claimed' ? now.getTime() + CLAIM_MS : oldest.tooted_at.getTime() + HOUR)
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
     * @param wish.text what is to be tooted, kept with `titleFrom` and `asked` unless something else may have been tooted before
     */
    async claim(wish: Wish, now: Date, until: Date): Promise<Claim> {
      const { accountId, asked, budget, dryRun, key, mark, text, titleFrom, url, visit } = wish
      await db.raw('select pg_advisory_xact_lock(?, hashtext(?))', [BUDGET_LOCK, accountId])
      await db('toots').insert({ key, url, account_id: accountId, state: 'wanted', created_at: now }).onConflict('key').ignore()
      const toot = await one(db('toots as t').select(COLUMNS).where({ key }).forUpdate().first())
      if (toot === undefined) throw new Error('a toot vanished while it was claimed')
      if (isFinal(toot, dryRun)) return { outcome: 'known', toot }
      if (toot.claimedUntil !== undefined && toot.claimedUntil > now) return { outcome: 'theirs', until: toot.claimedUntil }
      if (visit && isPaused(toot, asked, now)) return { outcome: 'paused', toot }
      // whose maker died counts already, and is to be brought to its end
      const free = dryRun || toot.state === 'claimed' ? undefined : await nextFree(accountId, budget, now)
      if (free !== undefined) {
        await db('toots').where({ key }).update({ state: 'wanted', due_at: free })
        return { outcome: 'budget', at: free }
      }
      // due when it has run out: whose maker dies is brought to its end by the clock
      const before = toot.state === 'dry-run' ? 0 : toot.attempts
      const told = { ...(asked && { asked }), ...(before === 0 && text && { text }), ...(before === 0 && titleFrom && { titleFrom }) }
      const claimed = { ...told, state: 'claimed' as const, claimedUntil: until, dueAt: until, attempts: before + 1 }
      await db('toots')
        .where({ key })
        .update({ ...toRow(claimed), claim: mark })
      return { outcome: 'ours', toot: { ...toot, ...claimed }, again: before > 0 }
    },
    /** Nothing of what was begun before has arrived: this is what is tooted now. */
    async retext(mark: string, written: { text: string; titleFrom: 'feed' | 'page' }): Promise<void> {
      await db('toots').where({ claim: mark }).update(toRow(written))
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
    /** The post was changed: the instance of its toot, if it has one or is about to have one, is to be told. */
    async wantEdit(key: string, at: Date): Promise<void> {
      await db('toots').where({ key }).whereIn('state', ['posted', 'claimed']).update({ edit_at: at, edit_failures: 0 })
    },
    /** Toots whose edit is to be told now; nobody else takes them before `until`. */
    async takeEdits(now: Date, until: Date, limit: number): Promise<string[]> {
      const due = db('toots').select('key').where('edit_at', '<=', now).orderBy('edit_at').limit(limit).forUpdate().skipLocked()
      return (await db('toots').whereIn('key', due).update({ edit_at: until }).returning('key')).map(row => row.key)
    },
    /** What was found out of an edit that was due at `editAt`; one that was wished for meanwhile stays wished for. */
    async settleEdit({ editAt, key }: Pick<Toot, 'key' | 'editAt'>, change: Change<Toot>): Promise<void> {
      const { editAt: next = null, editFailures = 0, ...rest } = change
      if (Object.keys(rest).length > 0) await db('toots').where({ key }).update(toRow(rest))
      await db('toots')
        .where({ key, edit_at: editAt ?? null })
        .update({ edit_at: next, edit_failures: editFailures })
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
      await db('toots').where({ account_id: accountId }).where('edit_at', '>', now).update({ edit_at: now, edit_failures: 0 })
    },
    /** An import marked a post as old, or nobody wanted its toot: the owner does. Answers whether it is to be made now. */
    async wantNow(wish: { key: string; url: string; accountId: string }, now: Date): Promise<boolean> {
      const row = { ...toRow(wish), state: 'wanted', due_at: now, created_at: now }
      const old = db.raw(`toots.state in ('old', 'dry-run', 'wanted')`)
      const made = db('toots').insert(row).onConflict('key').merge({ state: 'wanted', due_at: now }).where(old)
      return (await made.returning('key')).length > 0
    },
    /** What became of posts of blogs, by their ids: whether they were told to anybody, from when on, and their toots. */
    async ofPosts(postIds: string[]): Promise<Map<string, Fate>> {
      const rows = await db('entries as e')
        .leftJoin('toots as t', 't.key', 'e.key')
        .whereRaw('e.post_id = any(?)', [postIds])
        .select([...COLUMNS, 'e.post_id as entry_post', 'e.news as entry_news', 'e.announce_at as entry_announce'])
      return new Map(
        rows.map(({ entry_post: id, entry_news: isNews, entry_announce: announceAt, ...toot }) => [
          id,
          { isNews, ...(announceAt === null ? {} : { announceAt }), ...(toot.key === null ? {} : { toot: fromRow<Toot>(toot) }) }
        ])
      )
    },
    /** How many edits wait to be told. */
    async countEdits(accountId: string): Promise<number> {
      const row = await db('toots').where({ account_id: accountId }).whereNotNull('edit_at').count({ n: '*' }).first()
      return Number(row?.n ?? 0)
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
