/** The entries of a blog's own feed: each is a post of the account (take-entry.ts), and nobody else's word about it. */
import type { Activity, Feed, Post } from '../model/activity.ts'
import { NEWS_MS, type Told } from '../model/blog.ts'
import { isFailure } from '../model/errors.ts'
import type { Account, Actor } from '../model/kept.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import { firstImage } from '../protocol/first-image.ts'
import { htmlToText } from '../protocol/sanitize.ts'
import type { Stores, Tools } from '../tools.ts'
import { findPlace, isOnHost, looksLikePost, type Place, type Where } from './handled.ts'
import { isName } from './identity.ts'
import { lookAtPage, type Seen } from './look-at-page.ts'
import { removeIn } from './remove-post.ts'
import { takeEntry } from './take-entry.ts'

/** How many pages are looked at for one document. */
const MOST_PAGES = 10

/** What is known of a feed before it is taken, in a transaction in which nothing may be asked. */
export type BlogFeed = { place: Place; history: boolean; told: Named[]; seen: Map<string, Seen>; drafts: Set<string> }

type Named = Told & { key: string }

/** Whether somebody lives here: then what their feed says is theirs to publish. */
export const isAccount = (actor: Actor | undefined): actor is Account => actor?.localName !== undefined

/**
 * Reads what the feed of an account's own blog tells of its posts, oldest first, and looks at the pages of those that may be news:
 * they tell the one address of the post, and what the feed leaves out. A page that cannot be had holds up nothing. None for the
 * feed of anybody else.
 * @param history this is the first reading: what was published before the blog was known is no news
 */
export async function readBlogFeed(tools: Tools, feed: Feed, owner: Actor | undefined, history = false): Promise<BlogFeed | undefined> {
  const place = isAccount(owner) ? await findPlace(tools, owner.id) : undefined
  if (place === undefined) return undefined
  const all = readEntries(feed, place)
  const told = all.reverse().sort((a, b) => timeOf(a) - timeOf(b))
  const found: BlogFeed = { place, told, history, seen: new Map(), drafts: new Set() }
  const known = await tools.blogs.canonicals(told.map(({ key }) => key))
  const since = tools.clock().getTime() - NEWS_MS
  const fresh = told.filter(one => !known.has(one.key) && isNews(one, place, history) && (timeOf(one) || Number.POSITIVE_INFINITY) >= since)
  for (const one of fresh.slice(-MOST_PAGES)) {
    try {
      found.seen.set(one.key, await lookAtPage(tools, { account: place.account, url: one.url, key: one.key }, { named: true }))
    } catch (error) {
      if (!isFailure(error)) throw error
      if (error.code === 'draft') found.drafts.add(one.key)
      tools.log.debug({ url: one.url, why: error.message }, 'blog: the page of an entry could not be looked at')
    }
  }
  return found
}

/** What a feed tells of posts of the blog: what lies on its host, each once. */
export const readEntries = (feed: Feed, place: Where): Named[] =>
  withoutTwins(feed.activities.flatMap(activity => readEntry(activity, place)))

/** What is dated after the account got its blog is news in the first reading too. */
const isNews = ({ published }: Named, { blog }: Place, history: boolean): boolean =>
  !history || (published !== undefined && blog !== undefined && published > blog.since)

/** Takes what was read, inside the transaction that holds the feed's row. Answers how many posts were new. */
export async function takeBlogFeed(tools: Tools, stores: Stores, feed: Feed, own: BlogFeed): Promise<number> {
  const { drafts, history, place, seen, told } = own
  await stores.topics.lock(tools.addresses.feed(place.account.localName))
  const now = tools.clock()
  let fresh = 0
  for (const one of told) {
    const page = seen.get(one.key)
    const named = page === undefined ? one : { ...filled(one, page.told), key: page.key, url: page.url }
    const toot = !drafts.has(one.key) && looksLikePost(place, named.url) !== false
    const options = { keys: [one.key, ...(page?.keys ?? [])], history: !isNews(one, place, history), toot, now }
    const { outcome } = await takeEntry(tools, stores, place.account, named, options)
    if (outcome === 'new') fresh++
  }
  await bury(stores, feed, place.account, now)
  return fresh
}

/** What a whole feed leaves out between its oldest and its newest entry may have been deleted: the pages will tell. */
export async function checkVanished({ blogs }: Stores, { place, told }: BlogFeed, now: Date): Promise<void> {
  const [oldest, newest] = [told[0], told.at(-1)].map(one => one?.published)
  if (oldest === undefined || newest === undefined) return
  const canonicals = await blogs.canonicals(told.map(({ key }) => key))
  const named = [...told.map(({ key }) => key), ...canonicals.values()]
  await blogs.checkSoon(place.account.id, { from: oldest, to: newest, named }, now)
}

/** RFC 6721: the feed says itself that an entry is gone. */
async function bury(stores: Stores, { activities, tombstones }: Feed, account: Account, now: Date): Promise<void> {
  const dead = [...tombstones.map(({ ref }) => ref), ...activities.flatMap(({ id, verb }) => (verb === 'delete' ? [id] : []))]
  for (const guid of dead.filter(isName)) {
    const entry = await stores.blogs.findEntryByGuid(account.id, guid)
    const post = entry && (await stores.history.find(entry.postId))
    if (post !== undefined) await removeIn(stores, account, post, now)
  }
}

const timeOf = ({ published, updated }: Told): number => (published ?? updated)?.getTime() ?? 0

/** An entry as it is told; none for what is no post, or is not of this blog's host. */
function readEntry({ object, verb, ...activity }: Activity, place: Where): Named[] {
  if ((verb !== 'post' && verb !== 'update') || object.type !== 'post') return []
  const { post } = object
  const url = [post.url, post.id].map(address => address && cleanAddress(address)?.url).find(address => address && isOnHost(place, address))
  if (!url || (place.url !== undefined && pageKey(url) === pageKey(place.url))) return []
  const id = activity.id || post.id
  const [published, updated] = [post.published ?? activity.published, post.updated ?? activity.updated]
  const author = (post.author ?? activity.actor)?.displayName
  return [
    {
      ...{ url, key: pageKey(url), source: 'feed', tags: post.tags, enclosures: post.enclosures, ...textOf(post, url) },
      ...(isName(id) ? { guid: id } : {}),
      ...(author ? { author } : {}),
      ...(post.language ? { language: post.language } : {}),
      ...(published ? { published } : {}),
      ...(updated ? { updated } : {})
    }
  ]
}

/** Readers put title or address where there is no text: that is none. */
function textOf({ html, title, url }: Post, base: string): Pick<Told, 'title' | 'html' | 'image'> {
  const text = htmlToText(html)
  const image = firstImage(html, base)
  return {
    ...(title ? { title } : {}),
    ...(text === '' || text === title || text === url ? {} : { html }),
    ...(image ? { image } : {})
  }
}

/** An id that several entries of one document bear says nothing; of two entries with one address the first, which is newer, counts. */
function withoutTwins(all: Named[]): Named[] {
  const bearers = new Map<string, number>()
  for (const { guid = '' } of all) bearers.set(guid, (bearers.get(guid) ?? 0) + 1)
  const first = all.filter((one, at) => all.findIndex(other => other.key === one.key) === at)
  return first.map(({ guid, ...one }) => (guid === undefined || bearers.get(guid) !== 1 ? one : { ...one, guid }))
}

/** What the feed does not tell is taken from the page. */
function filled(told: Named, page: Told): Named {
  const rest = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined))
  const tags = told.tags.length > 0 ? told.tags : page.tags
  const image = told.image && page.image?.url === told.image.url ? { ...page.image, ...told.image } : (told.image ?? page.image)
  return { ...page, ...rest, ...{ tags, source: 'feed' }, ...(image ? { image } : {}) } as Named
}
