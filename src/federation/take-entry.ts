/** A blog's post, whatever told it, becomes one post of the account, once. */
import { isDeepStrictEqual } from 'node:util'
import type { Enclosure } from '../model/activity.ts'
import { type Entry, NEWS_MS, type Told } from '../model/blog.ts'
import { Refused } from '../model/errors.ts'
import { newId } from '../model/ids.ts'
import type { Account, KeptPost } from '../model/kept.ts'
import { withoutControls } from '../protocol/plain-text.ts'
import { htmlToText, sanitizeHtml, textToHtml } from '../protocol/sanitize.ts'
import type { NewPost, Stores, Tools } from '../tools.ts'
import type { Seen } from './look-at-page.ts'
import { findConnection } from './mastodon.ts'

const DAY = 86_400_000

export type Taken = { outcome: 'new' | 'edited' | 'same' | 'gone'; post: KeptPost; entry: Entry }

/** `keys`: further addresses of the page; `history`: it is not news whatever its date; `toot`: whether one is wished for. */
export type TakeOptions = { keys?: string[]; history?: boolean; toot?: boolean; now: Date }

type Needs = Pick<Tools, 'addresses' | 'config' | 'random'>
type Named = Told & { key: string }

/** Keeps what a page says of itself, as `lookAtPage` gave it. */
export const takePage = (tools: Tools, account: Account, { key, keys, told }: Seen, options: Partial<TakeOptions> = {}): Promise<Taken> =>
  tools.transaction(stores => takeEntry(tools, stores, account, { ...told, key }, { keys, now: tools.clock(), ...options }))

/**
 * Keeps what is told of a blog post: as a new post with the work of telling everybody, as an edit, or not at all when nothing is
 * new. One that was first seen when it was old is history: kept, and told to nobody. Must run inside a transaction.
 */
export async function takeEntry(tools: Needs, stores: Stores, account: Account, told: Named, options: TakeOptions): Promise<Taken> {
  // whatever tells of a post, one after the other
  await stores.topics.lock(tools.addresses.feed(account.localName))
  const keys = [...new Set([told.key, ...(options.keys ?? [])])]
  const known = await findEntry(stores, account, told, keys)
  if (known !== undefined && known.accountId !== account.id) return { outcome: 'same', post: await postOf(stores, known), entry: known }
  const entry = await settleAddress(stores, told, keys, known)
  const taken =
    entry === undefined ? await add(tools, stores, account, told, options) : await compare(stores, account, told, entry, options)
  await stores.blogs.addPages(account.id, taken.entry.key, keys)
  return taken
}

/** By its address, by the id that the feed gives it, or by any other address of the page. */
async function findEntry({ blogs }: Stores, account: Account, { guid, key }: Named, keys: string[]): Promise<Entry | undefined> {
  const found = (await blogs.findEntry(key)) ?? (guid === undefined ? undefined : await blogs.findEntryByGuid(account.id, guid))
  if (found !== undefined) return found
  for (const canonical of new Set((await blogs.canonicals(keys)).values())) {
    const entry = await blogs.findEntry(canonical)
    if (entry !== undefined) return entry
  }
  return undefined
}

/**
 * An entry that was known by another address moves to the one that is told now, unless that is just another way to the same page.
 * What was known of the page before it had an entry, its toot too, goes along.
 */
async function settleAddress({ blogs }: Stores, { key, source, url }: Named, keys: string[], entry: Entry | undefined) {
  const known = await blogs.canonicals(keys)
  if (entry !== undefined && entry.key !== key) {
    const isAlias = source === 'feed' && known.get(key) === entry.key
    if (isAlias) return entry
    await blogs.moveEntry(entry.key, { key, url })
    return { ...entry, key, url }
  }
  for (const canonical of new Set(known.values()))
    if (canonical !== key && (await blogs.findEntry(canonical)) === undefined) await blogs.moveEntry(canonical, { key, url })
  return entry
}

async function postOf({ history }: Stores, { postId }: Entry): Promise<KeptPost> {
  const post = await history.lock(postId)
  if (post === undefined) throw new Error('the post of an entry vanished')
  return post
}

async function add(tools: Needs, stores: Stores, account: Account, told: Named, options: TakeOptions): Promise<Taken> {
  const { now } = options
  const published = noLater(told.published ?? told.updated, now) ?? now
  const news = options.history !== true && now.getTime() - published.getTime() <= NEWS_MS
  const kept = await stores.history.keep(makePost(tools, account, told, published, now), now)
  if (kept.outcome !== 'new') throw new Error('a new id was not new')
  const announceAt = new Date(now.getTime() + tools.config.publishDelay * 1000)
  const entry: Entry = {
    ...{ key: told.key, accountId: account.id, url: told.url, postId: kept.post.id, source: told.source, news, seenAt: now },
    ...{ checkAt: new Date(now.getTime() + DAY * (0.9 + 0.2 * tools.random())) },
    ...(told.guid === undefined ? {} : { guid: told.guid }),
    ...(told.updated === undefined ? {} : { toldAt: told.updated }),
    ...(news ? { announceAt } : {})
  }
  await stores.blogs.addEntry(entry)
  if (news) await publish(tools, stores, account, entry, options)
  await stores.changes.tell(`account:${account.localName}`)
  return { outcome: 'new', post: kept.post, entry }
}

/** The work of telling everybody, and the wish for a toot when there is somewhere to toot. */
async function publish(tools: Needs, stores: Stores, account: Account, entry: Entry, { now, toot = true }: TakeOptions): Promise<void> {
  const { accountId, announceAt = now, key, postId, url } = entry
  await stores.queue.add('post.announce', { post: postId, act: 'post' }, announceAt > now ? announceAt : undefined)
  if (toot && (await canToot(tools, stores, account, now))) await stores.toots.want([{ key, url, accountId, dueAt: announceAt }], now)
}

/** Whether there is somewhere to toot for an account, or it is rehearsed. */
export const canToot = async ({ config }: Pick<Tools, 'config'>, stores: Stores, { id }: Account, now: Date): Promise<boolean> =>
  config.dryRun || (await findConnection({ ...stores, config, clock: () => now }, id)) !== undefined

/** @returns the error of whoever wants a toot all the same */
export const nowhereToToot = () =>
  new Refused('There is nowhere to toot: run `tidings mastodon connect HOST` first.', { status: 409, code: 'mastodon' })

const noLater = (date: Date | undefined, now: Date): Date | undefined => (date !== undefined && date > now ? now : date)

function makePost({ addresses }: Needs, account: Account, told: Named, published: Date, now: Date): NewPost {
  const id = newId(published.getTime())
  const uri = addresses.post(account.localName, id)
  const updated = noLater(told.updated, now)
  return {
    ...{ id, uri, url: told.url, entryUrl: `${uri}.atom`, authorId: account.id, verb: 'post', kind: 'article' },
    ...withText({ ...factsOf(told), html: htmlOf(told) ?? textToHtml(told.title ?? told.url) }),
    ...{ publishedAt: published, sortedAt: published, mentions: [], visibility: 'public', sensitive: false, rightful: true },
    ...(updated === undefined || updated < published ? {} : { updatedAt: updated })
  }
}

type Facts = Pick<KeptPost, 'title' | 'language' | 'tags' | 'enclosures'>

/** Everything but the text, bounded. The picture of a post is an enclosure, its alternative text the title of that. */
function factsOf({ enclosures, image, language, tags, title }: Told): Facts {
  const picture = image && { url: image.url, ...imageType(image), ...(image.alt ? { title: image.alt } : {}) }
  const files = [...enclosures, ...(picture && !enclosures.some(({ url }) => url === picture.url) ? [picture] : [])]
  return {
    tags: tags.slice(0, 50).map(tag => withoutControls(tag).slice(0, 100)),
    enclosures: files.slice(0, 20),
    ...(title ? { title: withoutControls(title).slice(0, 500) } : {}),
    ...(language ? { language: language.slice(0, 35) } : {})
  }
}

/** By its name when nobody tells it: peers show what says that it is a picture. */
function imageType({ type, url }: { url: string; type?: string }): Pick<Enclosure, 'type'> {
  const [, ending] = /\.(png|jpe?g|gif|webp|avif)$/i.exec(new URL(url).pathname) ?? []
  const told = type ?? (ending && `image/${ending.toLowerCase().replace('jpg', 'jpeg')}`)
  return told ? { type: told } : {}
}

/** The content as it may be kept; a summary when there is none. */
function htmlOf({ html, summary, url }: Told): string | undefined {
  const clean = html === undefined ? '' : sanitizeHtml(html, { base: url })
  if (htmlToText(clean) !== '') return clean
  return summary ? textToHtml(summary) : undefined
}

const withText = <T extends { html: string }>(post: T): T & { text: string } => ({ ...post, text: htmlToText(post.html) })

/** What is told of an entry that is known: what a page tells fills gaps, but never replaces what the feed told. */
async function compare(stores: Stores, account: Account, told: Named, entry: Entry, { now }: TakeOptions): Promise<Taken> {
  const post = await postOf(stores, entry)
  if (post.deletedAt !== undefined) return { outcome: 'gone', post, entry }
  const next = await noteSource(stores, told, entry)
  const isOld = entry.toldAt !== undefined && told.updated !== undefined && told.updated < entry.toldAt
  const wins = told.source === 'feed' ? !isOld : entry.source === 'page'
  const draft = merge(post, told, wins)
  const facts = { url: entry.url, tags: draft.tags, enclosures: draft.enclosures, ...(draft.language ? { language: draft.language } : {}) }
  const { language, tags, enclosures, url } = post
  if (!isDeepStrictEqual(facts, { url, tags, enclosures, ...(language ? { language } : {}) })) {
    await stores.history.amend(post.id, facts)
    await stores.changes.tell(`account:${account.localName}`)
  }
  const kept = await stores.history.edit(post, { ...draft, ...dateOfEdit(post, told, now), url: entry.url, rightful: true }, now)
  if (kept.outcome !== 'edited') return { outcome: 'same', post: { ...post, ...facts }, entry: next }
  // the feed has the whole of what the page only announced: for readers nothing was changed, nor in the toot
  const isEdit = entry.source === next.source
  await tellEdit(stores, next, now, isEdit || post.title !== kept.post.title)
  if (isEdit) await stores.toots.wantEdit(next.key, now)
  await stores.changes.tell(`account:${account.localName}`)
  return { outcome: 'edited', post: kept.post, entry: next }
}

/** The better source counts from now on, and the newest change of which it told. */
async function noteSource({ blogs }: Stores, { guid, source, updated }: Named, entry: Entry): Promise<Entry> {
  if (source === 'page') return entry
  const free = guid !== undefined && guid !== entry.guid && (await blogs.findEntryByGuid(entry.accountId, guid)) === undefined
  const newer = updated !== undefined && (entry.toldAt === undefined || updated > entry.toldAt)
  const change = { source, ...(free ? { guid } : {}), ...(newer ? { toldAt: updated } : {}) }
  const next = { ...entry, ...change }
  if (!isDeepStrictEqual(next, entry)) await blogs.changeEntry(entry.key, change)
  return next
}

function merge(post: KeptPost, told: Told, wins: boolean): Omit<NewPost, 'rightful'> {
  const facts = factsOf(told)
  const pick = <T>(there: T | undefined, here: T | undefined): T | undefined => (wins ? (here ?? there) : (there ?? here))
  const list = <T>(there: T[], here: T[]): T[] => (here.length > 0 && (wins || there.length === 0) ? here : there)
  const [title, language] = [pick(post.title, facts.title), pick(post.language, facts.language)]
  const files = list(post.enclosures, facts.enclosures)
  const { title: _title, language: _language, ...rest } = post
  return withText({
    ...{ ...rest, html: pick(post.html, htmlOf(told)) ?? '', tags: list(post.tags, facts.tags) },
    ...{ enclosures: told.image === undefined ? withPictures(files, post) : files },
    ...(title ? { title } : {}),
    ...(language ? { language } : {})
  })
}

/** A feed without pictures does not take away those that the page told. */
const withPictures = (files: Enclosure[], { enclosures }: KeptPost): Enclosure[] => [
  ...files,
  ...enclosures.filter(({ type, url }) => type?.startsWith('image/') && !files.some(file => file.url === url))
]

/** When it was changed, as it is told; the time never stands still, for whoever reads our feed goes by it. */
function dateOfEdit(post: KeptPost, { updated }: Told, now: Date): { updatedAt: Date } {
  const told = noLater(updated, now) ?? now
  return { updatedAt: told > post.updatedAt ? told : new Date(Math.max(now.getTime(), post.updatedAt.getTime() + 1000)) }
}

/** An edit is told to whoever got the post; before the post was told there is nobody to be told. */
async function tellEdit({ queue }: Stores, { announceAt, news, postId }: Entry, now: Date, announce: boolean): Promise<void> {
  if (announce && news && announceAt !== undefined && announceAt <= now) await queue.add('post.announce', { post: postId, act: 'update' })
}
