/** The blog of an account: where its feed and its sitemap are, and which pages are posts of it. */
import { createHash } from 'node:crypto'
import type { Blog } from '../model/blog.ts'
import { BadMessage, type Failure, isFailure, Missing, Refused, Unreachable } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import type { Tools } from '../tools.ts'
import { keepBlog } from './accounts.ts'
import { readBlogFeed, takeBlogFeed } from './blog-entries.ts'
import { type Explored, exploreBlog } from './explore-blog.ts'
import { begin, type Settled } from './follow.ts'
import { findMainAccount, findPlace, findPlaces, type Handled, inOwnScheme, isOnHost, looksLikePost, type Place } from './handled.ts'
import { leave } from './leave.ts'
import { changeProfile } from './profile.ts'
import { readNow } from './read-feed.ts'
import { walkSitemaps } from './read-sitemap.ts'

export type { Handled } from './handled.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Sitemaps that are read by ourselves; an import reads more. */
const MOST_SITEMAPS = 10
const OVER = ['ending', 'ended', 'gone']

/**
 * Gives an account a blog (an http(s) address), which stands on its profile; its feed and sitemap are looked for at once, by a job.
 * @throws BadMessage when it is no such address; Refused 409 when another account has that blog
 */
export async function setBlog(tools: Tools, account: Account, url: string): Promise<void> {
  await tools.transaction(async stores => {
    const homepage = await keepBlog(stores, account, url, tools.clock())
    await changeProfile(tools, stores, account, { homepage })
  })
}

/** Looks for title, icon, language, feed and sitemap of a blog, and subscribes to the feed. @throws Unreachable, Missing */
export async function findBlog(tools: Tools, accountId: string): Promise<Blog> {
  const { blogs, clock, config, log } = tools
  const place = await findPlace(tools, accountId)
  if (place?.blog === undefined) throw new Missing('This account has no blog.')
  try {
    const isMain = (await findMainAccount(tools))?.id === accountId
    const named = (isMain ? config.blogFeed : undefined) ?? place.blog.fixedFeed
    const found = await exploreBlog(tools, place.blog.url, named)
    const { feed } = found
    if (feed === undefined) await keepFound(tools, place.blog, found)
    else await subscribe(tools, place.account, place.blog, found, feed)
    log.info({ blog: place.blog.url, feed: feed?.located.url, sitemap: found.sitemap?.url }, 'blog: looked for feed and sitemap')
    if (found.sitemap !== undefined) await readPages(tools, place, found.sitemap.url)
  } catch (error) {
    if (!isFailure(error)) throw error
    await blogs.change(accountId, { error: error.message, findAt: new Date(clock().getTime() + HOUR) })
    throw error
  }
  return (await blogs.find(accountId)) ?? place.blog
}

const NO_FEED = 'No feed was found: name it by BLOG_FEED, or by <link rel="alternate" type="application/rss+xml"> in the blog’s pages.'

/** What was found counts only if the account has still that blog. */
async function keepFound({ clock, transaction }: Tools, { accountId, url }: Blog, found: Explored): Promise<void> {
  await transaction(async ({ blogs }) => {
    if ((await blogs.find(accountId))?.url === url) await blogs.change(accountId, factsOf(found, clock()))
  })
}

const factsOf = ({ feed, icon, language, sitemap, title }: Explored, now: Date) => ({
  ...{ feedUrl: feed?.located.url ?? null, sitemapUrl: sitemap?.url ?? null, title: title ?? null, icon: icon ?? null },
  ...{ language: language ?? null, foundAt: now, error: feed === undefined ? NO_FEED : null },
  findAt: new Date(now.getTime() + (feed === undefined ? HOUR : DAY))
})

/** As one follows, but the feed is the account's own; when it is read for the first time it is history. Another one is left. */
async function subscribe(tools: Tools, account: Account, blog: Blog, found: Explored, settled: Settled): Promise<void> {
  const { clock, config, http, subscriptions } = tools
  const { feed, located } = settled
  const known = await subscriptions.findByTopic(located.topic)
  const own = isLive(known, account) ? undefined : await readBlogFeed(tools, feed, account, true)
  const hub = known?.fixedHub ?? located.hubs[0]
  const askable = hub !== undefined && (!config.isLoopback || (await http.isListed(hub)))
  await tools.transaction(async stores => {
    const now = clock()
    const { id } = await stores.subscriptions.add({ url: located.url, topic: located.topic }, now)
    const held = await stores.subscriptions.lockAll({ id, actorId: account.id })
    const before = held.find(one => one.id === id)!
    const holder = before.actorId === undefined ? undefined : await stores.actors.find(before.actorId)
    if (holder?.localName !== undefined && holder.id !== account.id)
      throw new Refused(`This feed belongs to the account ${holder.localName}.`, { status: 409, code: 'taken' })
    if ((await stores.blogs.find(account.id))?.url !== blog.url) return
    if (own !== undefined && !isLive(before, account)) {
      await takeBlogFeed(tools, stores, feed, own)
      const whole = { ...settled, feed: { ...feed, links: { self: feed.links.self, hub: feed.links.hub } } }
      await begin(stores, before, whole, { actorId: account.id, ...(askable ? { askable: hub } : {}) }, now)
    }
    for (const other of held) if (other.id !== id) await leave(stores, other, now)
    await stores.blogs.change(account.id, factsOf(found, now))
  })
}

const isLive = (subscription: { actorId?: string; state: string } | undefined, { id }: Account): boolean =>
  subscription?.actorId === id && !OVER.includes(subscription.state)

/** Remembers which pages the sitemap names: without a pattern they are what we handle. What did not change is not written again. */
async function readPages(tools: Tools, place: Place, sitemapUrl: string): Promise<void> {
  const { blogs, clock, log } = tools
  const { sitemaps } = memoryOf(tools)
  for await (const { pages, url } of walkSitemaps(tools, sitemapUrl, MOST_SITEMAPS)) {
    const posts = pages.filter(page => isOnHost(place, page.url) && looksLikePost(place, page.url) !== false)
    const digest = createHash('sha256').update(JSON.stringify(posts)).digest('base64')
    if (sitemaps.get(url) === digest) continue
    const rows = posts.map(page => ({ key: pageKey(page.url), ...(page.lastModified ? { modifiedAt: page.lastModified } : {}) }))
    const fresh = await blogs.addMany(place.account.id, rows)
    log.debug({ sitemap: url, pages: posts.length, fresh }, 'blog: read a sitemap')
    if (sitemaps.size > 1000) sitemaps.clear()
    sitemaps.set(url, digest)
  }
  await blogs.change(place.account.id, { sitemapAt: clock() })
}

/** Reads the blog's feed now, conditionally, and takes what is new. @throws Missing when it has no feed; Unreachable */
export async function readBlogNow(tools: Tools, accountId: string): Promise<void> {
  const { blogs, subscriptions } = tools
  const blog = await blogs.find(accountId)
  if (blog === undefined) throw new Missing('This account has no blog: `tidings account blog NAME URL` gives it one.')
  const subscription = (await subscriptions.byActor(accountId)).find(({ state }) => !OVER.includes(state))
  if (subscription !== undefined && blog.feedUrl !== undefined) return readNow(tools, subscription.id)
  const { error, feedUrl } = await findBlog(tools, accountId)
  if (feedUrl === undefined) throw new Missing(error ?? NO_FEED)
}

/** `reading` answers what failed. */
type Memory = { reads: Map<string, { at: number; reading: Promise<Failure | undefined> }>; sitemaps: Map<string, string> }

const memories = new WeakMap<object, Memory>()

/** What this process remembers: when it read feed and sitemap of a blog because of a visit, and what the sitemaps said. */
function memoryOf({ http }: Tools): Memory {
  const memory = memories.get(http) ?? { reads: new Map(), sitemaps: new Map() }
  memories.set(http, memory)
  return memory
}

/** Reads feed and sitemap again because somebody asks for a page that they did not name: one at a time, once a minute. */
async function readAgain(tools: Tools, place: Place): Promise<Failure | undefined> {
  const { reads } = memoryOf(tools)
  const at = tools.clock().getTime()
  const last = reads.get(place.account.id)
  if (last !== undefined && Math.abs(at - last.at) < MINUTE) return last.reading
  const done = readBoth(tools, place).then(() => undefined)
  const reading = done.catch((error: unknown) => {
    if (!isFailure(error)) throw error
    tools.log.info({ blog: place.url, why: error.message }, 'blog: could not be read because of a visit')
    return error
  })
  reads.set(place.account.id, { at, reading })
  return reading
}

async function readBoth(tools: Tools, { account, blog, ...place }: Place): Promise<void> {
  if (blog === undefined) return
  try {
    await readBlogNow(tools, account.id)
  } finally {
    if (blog.sitemapUrl !== undefined) await readPages(tools, { account, blog, ...place }, blog.sitemapUrl)
  }
}

/**
 * Whether an address is a post of a blog of ours, as far as it can be told without looking at its page (interface.md 5,
 * BLOG_POST_PATTERN). Without a pattern the blog's feed and sitemap decide, read again at most once a minute.
 * @throws BadMessage 400 `no_url` when it is no address, `not_handled` when it is no post of ours; Unreachable 502 `blog` when the
 *   blog does not answer that should tell
 */
export async function findHandled(tools: Tools, raw: string): Promise<Handled> {
  const clean = cleanAddress(raw)
  if (clean === undefined) throw new BadMessage('Name the address of a page: ?url=https://…', { code: 'no_url' })
  const places = (await findPlaces(tools)).filter(place => isOnHost(place, clean.url))
  const known = await findKnown(tools, places, clean)
  if (known !== undefined) return known
  let why = NO_BLOG
  for (const place of places) {
    const url = inOwnScheme(place, clean.url)
    const isPost = looksLikePost(place, url)
    if (isPost === true) return { account: place.account, url, key: pageKey(url) }
    if (isPost === false) why = place.pattern === undefined ? FRONT_PAGE : NO_MATCH
    if (isPost === undefined) why = NOT_NAMED
  }
  for (const place of places) {
    if (looksLikePost(place, clean.url) === false) continue
    const failed = await readAgain(tools, place)
    const found = await findKnown(tools, [place], clean)
    if (found !== undefined) return found
    if (failed instanceof Unreachable) throw new Unreachable(NO_ANSWER, { code: 'blog', retryAfter: 60, cause: failed })
  }
  throw new BadMessage(why, { code: 'not_handled' })
}

const NO_BLOG = 'This address does not lie on a blog of this node.'
const FRONT_PAGE = 'This is the front page of the blog, and no post.'
const NO_MATCH = 'This page is no post of the blog: BLOG_POST_PATTERN does not take its address.'
const NOT_NAMED = 'This page is no post of the blog: neither its feed nor its sitemap names it.'
const NO_ANSWER = 'The blog does not answer, and only its feed and its sitemap can tell whether this page is a post.'

/** A page that feed, sitemap, import or a visit named before; with a pattern only what it takes. */
async function findKnown({ blogs }: Tools, places: Place[], clean: { url: string; bare: string }): Promise<Handled | undefined> {
  for (const url of new Set([clean.url, clean.bare])) {
    const key = pageKey(url)
    const page = await blogs.findPage([key])
    const place = places.find(({ account }) => account.id === page?.accountId)
    const own = place && inOwnScheme(place, url)
    if (own !== undefined && looksLikePost(place!, own) !== false) return { account: place!.account, url: own, key }
  }
  return undefined
}
