/** Posts that were there before the node: marked as known without a toot, or tooted little by little (requirements S1-49 to S1-51). */
import type { Visibility } from '../model/blog.ts'
import { BadMessage, isFailure } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import type { Stores, Tools } from '../tools.ts'
import { fetchFeed } from './follow.ts'
import { findPlace, isOnHost, looksLikePost, type Place } from './handled.ts'
import { olderPage } from './read-feed.ts'
import { walkSitemaps } from './read-sitemap.ts'
import { canToot, nowhereToToot } from './take-entry.ts'

const HOUR = 3_600_000
/** Posts that are written down together: a run that is cut off goes on behind them. */
const BATCH = 500
const MOST_SITEMAPS = 50
const MOST_FEED_PAGES = 50

export type ImportOptions = {
  /** Nothing is written. */
  dryRun?: boolean
  /** Instead of marking them: `pace` toots an hour. */
  toot?: { visibility: Visibility; pace: number }
}

/** `found`: addresses that were named; `handled`: posts among them; `new`: of those, that were not known to have a toot or none. */
export type Imported = { found: number; handled: number; new: number; known: number }

/** Hears how far it is: how many posts are written down, of how many so far; `left`: sitemaps that must still be read. */
export type ImportEars = {
  progress?(done: number, posts: number, left: number): void
  matched?(url: string): void
  /** It was named, and is no post. */
  passed?(url: string): void
  failed?(url: string, why: string): void
}

type Page = { url: string; lastModified?: Date }

/**
 * Imports what a sitemap names, and what the sitemaps that it names do.
 * @throws BadMessage when the account has no blog; what fetching the first sitemap throws
 */
export async function importSitemap(
  tools: Tools,
  account: Account,
  url: string,
  options: ImportOptions = {},
  ears: ImportEars = {}
): Promise<Imported> {
  const importer = await makeImporter(tools, account, options, ears)
  for await (const { failed, left, pages, url: sitemap } of walkSitemaps(tools, readAddress(url), MOST_SITEMAPS)) {
    if (failed !== undefined) ears.failed?.(sitemap, failed)
    await importer.take(pages, left)
  }
  return importer.end()
}

/** Imports what a feed names, with its older pages. @throws as importSitemap */
export async function importFeed(
  tools: Tools,
  account: Account,
  url: string,
  options: ImportOptions = {},
  ears: ImportEars = {}
): Promise<Imported> {
  const importer = await makeImporter(tools, account, options, ears)
  const read = new Set<string>()
  let page: string | undefined = readAddress(url)
  while (page !== undefined && !read.has(page) && read.size < MOST_FEED_PAGES) {
    read.add(page)
    page = await takeFeedPage(tools, page, importer.take).catch((error: unknown) => {
      if (!isFailure(error) || read.size === 1) throw error
      ears.failed?.([...read].at(-1) ?? url, error.message)
      return undefined
    })
  }
  return importer.end()
}

/** Answers where the next page is. */
async function takeFeedPage(tools: Tools, url: string, take: (pages: Page[], left: number) => Promise<void>): Promise<string | undefined> {
  const { answer, feed } = await fetchFeed(tools, url, [])
  const addresses = feed.activities.map(({ id, object, url }) => (object.type === 'post' ? object.post.url : url) ?? id)
  await take(
    addresses.map(address => ({ url: address })),
    0
  )
  return olderPage(feed, answer.url)
}

function readAddress(raw: string): string {
  const url = URL.parse(raw)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new BadMessage('Name a web address: https://blog.example/sitemap.xml')
  return url.href
}

async function makeImporter(tools: Tools, account: Account, options: ImportOptions, ears: ImportEars) {
  const place = await findPlace(tools, account.id)
  if (place === undefined) throw new BadMessage(`${account.localName} has no blog: \`tidings account blog ${account.localName} URL\`.`)
  if (options.toot !== undefined && options.dryRun !== true && !(await canToot(tools, tools, account, tools.clock()))) throw nowhereToToot()
  const total: Imported = { found: 0, handled: 0, new: 0, known: 0 }
  const waiting = new Map<string, Page>()
  const seen = new Set<string>()
  const write = async (most: number, left: number) => {
    while (waiting.size > most) {
      const pages = [...waiting.values()].slice(0, BATCH)
      for (const { url } of pages) waiting.delete(pageKey(url))
      total.new += await keepBatch(tools, place, pages, total.handled, options)
      total.handled += pages.length
      ears.progress?.(total.handled, total.handled + waiting.size, left)
    }
  }
  return {
    /** What is found again, under another spelling too, counts once. */
    async take(pages: Page[], left: number): Promise<void> {
      for (const { lastModified, url: raw } of pages) {
        const url = cleanAddress(raw)?.url
        if (url === undefined || seen.has(pageKey(url))) continue
        seen.add(pageKey(url))
        total.found++
        if (!isOnHost(place, url) || looksLikePost(place, url) === false) {
          ears.passed?.(url)
          continue
        }
        ears.matched?.(url)
        waiting.set(pageKey(url), { url, ...(lastModified ? { lastModified } : {}) })
      }
      await write(BATCH - 1, left)
    },
    async end(): Promise<Imported> {
      await write(0, 0)
      return { ...total, known: total.handled - total.new }
    }
  }
}

/** Undoes what a dry run has done to count. */
class Rehearsed extends Error {}

/**
 * Writes down some posts in one commit. Their turn is that of their place in the whole: so a run that goes on, and finds the
 * first of them known, does not crowd those that already wait. Answers how many are new.
 */
async function keepBatch(tools: Tools, place: Place, pages: Page[], before: number, options: ImportOptions): Promise<number> {
  let fresh = 0
  try {
    await tools.transaction(async stores => {
      fresh = await keep(stores, tools.clock(), place, pages, before, options)
      if (options.dryRun === true) throw new Rehearsed()
    })
  } catch (error) {
    if (!(error instanceof Rehearsed)) throw error
  }
  return fresh
}

async function keep(
  { blogs, toots }: Stores,
  now: Date,
  { account }: Place,
  pages: Page[],
  before: number,
  { toot }: ImportOptions
): Promise<number> {
  const rows = pages.map(({ lastModified, url }) => ({ key: pageKey(url), url, ...(lastModified ? { modifiedAt: lastModified } : {}) }))
  await blogs.addMany(account.id, rows)
  const canonicals = await blogs.canonicals(rows.map(({ key }) => key))
  const posts = rows.map(({ key, url }) => ({ key: canonicals.get(key) ?? key, url, accountId: account.id }))
  if (toot === undefined) return toots.markOld(posts, now)
  const dueAt = (index: number) => new Date(now.getTime() + ((before + index) * HOUR) / toot.pace)
  return toots.want(
    posts.map((post, index) => ({ ...post, dueAt: dueAt(index), visibility: toot.visibility })),
    now
  )
}
