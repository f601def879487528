import type { Blog, Entry, OldImport } from '../model/blog.ts'
import { type Change, type Db, fromRow, toRow } from './rows.ts'

export type Blogs = ReturnType<typeof makeBlogs>

/** Blogs of our accounts, the addresses of their pages, and which post each page is. */
export function makeBlogs(db: Db) {
  const entry = async (query: PromiseLike<unknown>): Promise<Entry | undefined> => {
    const row = (await query) as Record<string, unknown> | undefined
    return row && fromRow<Entry>(row)
  }
  return {
    /** Gives an account a blog, or another one. What was found of the old one is forgotten, its posts and toots stay. */
    async keep(accountId: string, url: string, now: Date): Promise<void> {
      const found = { ...UNFOUND, fixed_feed: null, old_import: null }
      await db('blogs')
        .insert({ account_id: accountId, url, since: now, find_at: now })
        .onConflict('account_id')
        .merge({ url, since: now, find_at: now, ...found })
        .whereNot('blogs.url', url)
    },
    async find(accountId: string): Promise<Blog | undefined> {
      const row = await db('blogs').where({ account_id: accountId }).first()
      return row && fromRow<Blog>(row)
    },
    async all(): Promise<Blog[]> {
      const rows = await db('blogs as b')
        .join('actors as a', 'a.id', 'b.account_id')
        .whereNull('a.removed_at')
        .select('b.*')
        .orderBy('b.since')
      return rows.map(row => fromRow<Blog>(row))
    },
    async change(accountId: string, change: Change<Omit<Blog, 'oldImport'>>): Promise<void> {
      await db('blogs').where({ account_id: accountId }).update(toRow(change))
    },
    /** Everything is to be looked for anew. */
    async forgetFound(accountId: string): Promise<void> {
      await db('blogs').where({ account_id: accountId }).update(UNFOUND)
    },
    /** Writes down how far the import of old posts is. Answers whether the account has a blog. */
    async keepImport(accountId: string, oldImport: OldImport): Promise<boolean> {
      return (
        (await db('blogs')
          .where({ account_id: accountId })
          .update({ old_import: JSON.stringify(oldImport) })) > 0
      )
    },
    /** The import of old posts, held until the transaction ends. */
    async lockImport(accountId: string): Promise<OldImport | undefined> {
      const row = await db('blogs').where({ account_id: accountId }).forUpdate().first('old_import')
      return row?.old_import ?? undefined
    },
    /** Blogs whose feed and sitemap are to be looked for now; nobody else takes them before `until`. */
    async takeDue(now: Date, until: Date): Promise<string[]> {
      const rows = await db('blogs').where('find_at', '<=', now).update({ find_at: until }).returning('account_id')
      return rows.map(row => row.account_id)
    },
    remove: (accountId: string) => db('blogs').where({ account_id: accountId }).delete(),

    /** The canonical key and the account of the page that is known by one of these keys; the first that is known counts. */
    async findPage(keys: string[]): Promise<{ key: string; accountId: string } | undefined> {
      const rows = await db('pages').whereIn('key', keys)
      const row = keys.map(key => rows.find(one => one.key === key)).find(Boolean)
      return row && { key: row.canonical, accountId: row.account_id }
    },
    /** Remembers further addresses of a page. An address that was known for another page stays with that one. */
    async addPages(accountId: string, canonical: string, keys: string[]): Promise<void> {
      const rows = [...new Set([canonical, ...keys])].map(key => ({ key, canonical, account_id: accountId }))
      await db('pages').insert(rows).onConflict('key').ignore()
    },
    /** Remembers many pages at once, each by its own address: a sitemap. Answers how many were new. */
    async addMany(accountId: string, pages: { key: string; modifiedAt?: Date }[]): Promise<number> {
      const known = new Map(pages.map(page => [page.key, page]))
      const rows = [...known.values()].map(({ key, modifiedAt }) => ({
        ...{ key, canonical: key, account_id: accountId, modified_at: modifiedAt ?? null }
      }))
      let fresh = 0
      for (let at = 0; at < rows.length; at += 1000)
        fresh += (
          await db('pages')
            .insert(rows.slice(at, at + 1000))
            .onConflict('key')
            .ignore()
            .returning('key')
        ).length
      return fresh
    },
    /** Under which canonical key each of these pages is known, of those that are known. */
    async canonicals(keys: string[]): Promise<Map<string, string>> {
      const rows = await db('pages').whereIn('key', keys).select('key', 'canonical')
      return new Map(rows.map(row => [row.key, row.canonical]))
    },
    /** When a page was changed last, as the sitemap told. */
    async modifiedAt(keys: string[]): Promise<Date | undefined> {
      return (await db('pages').whereIn('key', keys).max({ at: 'modified_at' }).first())?.at ?? undefined
    },

    findEntry: (key: string) => entry(db('entries').where({ key }).first()),
    findEntryByGuid: (accountId: string, guid: string) => entry(db('entries').where({ account_id: accountId, guid }).first()),
    findEntryByPost: (postId: string) => entry(db('entries').where({ post_id: postId }).first()),
    addEntry: async (row: Omit<Entry, 'missingAt'>): Promise<void> => {
      await db('entries').insert(toRow(row))
    },
    changeEntry: async (key: string, change: Change<Entry>): Promise<void> => {
      await db('entries').where({ key }).update(toRow(change))
    },
    /**
     * A page has got another address: its entry, its toot and all its other addresses go along. Of two toots the one that stands
     * under the new address stays. Must run inside a transaction; the new key has no entry.
     */
    async moveEntry(from: string, to: { key: string; url: string }): Promise<void> {
      const page = await db('pages').where({ key: from }).first()
      if (page === undefined || from === to.key) return
      await db('entries').where({ key: from }).update({ key: to.key, url: to.url })
      const other = db('toots as other').where('other.key', to.key)
      await db('toots').where({ key: from }).whereNotExists(other).update({ key: to.key, url: to.url })
      await db('toots').where({ key: from }).whereIn('state', ['wanted', 'old']).delete()
      await db('pages').insert({ key: to.key, canonical: to.key, account_id: page.account_id }).onConflict('key').merge(['canonical'])
      await db('pages').where({ canonical: from }).update({ canonical: to.key })
    },
    /** The entries that a feed should name between two dates, but does not: their pages are looked at soon. */
    async checkSoon(accountId: string, { from, to, named }: { from: Date; to: Date; named: string[] }, now: Date): Promise<void> {
      const missing = db('entries as e')
        .join('posts as p', 'p.id', 'e.post_id')
        .where({ 'e.account_id': accountId, 'e.source': 'feed' })
        .where('e.check_at', '>', now)
        .where('p.published_at', '>', from)
        .where('p.published_at', '<', to)
        .whereNotIn('e.key', named)
        .orderBy('e.check_at')
        .limit(MOST_SOON)
        .select('e.key')
      await db('entries').whereIn('key', missing).update({ check_at: now })
    },
    /** Entries whose pages are to be looked at now; nobody else takes them before `until`. */
    async takeChecks(now: Date, until: Date, limit: number): Promise<string[]> {
      const due = db('entries').select('key').where('check_at', '<=', now).orderBy('check_at').limit(limit).forUpdate().skipLocked()
      return (await db('entries').whereIn('key', due).update({ check_at: until }).returning('key')).map(row => row.key)
    },
    async countEntries(accountId: string): Promise<number> {
      const row = await db('entries').where({ account_id: accountId }).count({ n: '*' }).first()
      return Number(row?.n ?? 0)
    },
    /** Entries of a blog, newest first by the dates of their posts: a first reading sees them all at once. */
    async entries(accountId: string, limit: number): Promise<Entry[]> {
      const rows = await db('entries as e')
        .join('posts as p', 'p.id', 'e.post_id')
        .where({ 'e.account_id': accountId })
        .orderBy('p.published_at', 'desc')
        .limit(limit)
        .select('e.*')
      return rows.map(row => fromRow<Entry>(row))
    }
  }
}

/** What was found of a blog. */
const UNFOUND = { feed_url: null, sitemap_url: null, title: null, icon: null, found_at: null, sitemap_at: null, error: null }

/** How many pages are looked at because of one reading of a feed. */
const MOST_SOON = 5
