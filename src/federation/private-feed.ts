/** Everybody whom the owner follows as one feed, for a reader that shows a token (W48). */
import type { Account, Actor, Shown } from '../model/kept.ts'
import { hashToken, randomToken, sameToken } from '../model/tokens.ts'
import type { EntryOut, FeedHead } from '../protocol/feed-parts.ts'
import { sanitizeKept } from '../protocol/sanitize.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import type { Page, Tools } from '../tools.ts'
import { authorOut, VERSION } from './entries.ts'
import { isOpen } from './moderate.ts'

/** What is kept of the token: it is shown once, and whoever has lost it makes a new one. */
type Kept = { hash: string; madeAt: string }
const SETTING = 'privateFeed'

/** A new token; the one before opens nothing any more. */
export async function renewToken({ clock, settings }: Pick<Tools, 'clock' | 'settings'>): Promise<string> {
  const token = randomToken()
  await settings.keep(SETTING, { hash: hashToken(token), madeAt: clock().toISOString() } satisfies Kept)
  return token
}

/** From now on no token opens the feed. */
export const closeFeed = ({ settings }: Pick<Tools, 'settings'>): Promise<void> => settings.keep(SETTING, null)

/** When the token was made; undefined while there is none. */
export async function tokenMadeAt({ settings }: Pick<Tools, 'settings'>): Promise<Date | undefined> {
  const kept = await settings.find<Kept | null>(SETTING)
  return kept ? new Date(kept.madeAt) : undefined
}

export async function opensFeed({ settings }: Pick<Tools, 'settings'>, token: string): Promise<boolean> {
  const kept = await settings.find<Kept | null>(SETTING)
  return kept ? sameToken(hashToken(token), kept.hash) : false
}

/**
 * Posts of the timelines of these accounts, newest first, without what is addressed to a few people by name: such a feed lies in the
 * caches of readers.
 */
export const readTimeline = ({ timelines }: Pick<Tools, 'timelines'>, accounts: Account[], page: Page): Promise<Shown[]> =>
  timelines.home(accounts, page, { direct: false })

/** @param topic the address of the feed, without any token: it is its id, and stands in what readers show and pass on */
export function privateHead({ addresses }: Pick<Tools, 'addresses'>, topic: string, title: string, updated: Date): FeedHead {
  const author = { uri: addresses.home(), name: title, page: addresses.home() }
  return { topic, title, updated, author, page: addresses.home(), hubs: [], generator: { name: 'tidings', version: VERSION } }
}

/**
 * A post of anybody as an entry. Its id is that of our row: what feeds without identities call theirs is unique in those alone. A share is
 * what was shared, with its sharer named; undefined when that is not to be had any more.
 */
export function privateEntry({ addresses }: Pick<Tools, 'addresses'>, post: Shown): EntryOut | undefined {
  const { author, shared, quoted, verb } = post
  const base = {
    ...{ id: addresses.remotePost(post.id), verb: 'post' as const, kind: 'note' as const, author: authorOut(author), public: false },
    ...{ published: post.publishedAt, updated: post.updatedAt, mentions: [], tags: post.tags }
  }
  if (verb === 'post') return { ...base, ...whole(post) }
  const name = callOf(author)
  // of what was deleted, or is for its author's followers alone, a share repeats nothing
  if (shared !== undefined) return isOpen(shared) ? { ...base, ...whole(shared), title: `${name} ↻ ${nameOf(shared)}` } : undefined
  if (quoted === undefined || post.sharedId !== undefined) return undefined
  const url = [quoted.url, quoted.uri].find(isWebAddress)
  return {
    ...base,
    title: `${name} ↻ ${quoted.title ?? quoted.authorName ?? ''}`.trim(),
    html: sanitizeKept(quoted.html),
    enclosures: [],
    ...(url ? { url } : {})
  }
}

const callOf = ({ acct, displayName, uri, username }: Actor): string => displayName?.trim() || username || acct || uri

const nameOf = ({ author, title }: Omit<Shown, 'shared'>): string => (title === undefined ? callOf(author) : `${callOf(author)}: ${title}`)

function whole(post: Omit<Shown, 'shared'>): Pick<EntryOut, 'html' | 'enclosures'> & Partial<EntryOut> {
  const { enclosures, html, inReplyTo, inReplyToUrl, language, title, uri, url, warning } = post
  const page = [url, uri].find(isWebAddress)
  const above = [inReplyToUrl, inReplyTo].find(isWebAddress)
  return {
    ...{ html: sanitizeKept(html), enclosures },
    ...(title === undefined ? {} : { title }),
    ...(warning === undefined ? {} : { warning }),
    ...(language === undefined ? {} : { language }),
    ...(page === undefined ? {} : { url: page }),
    ...(above === undefined ? {} : { inReplyTo: { id: inReplyTo ?? above, url: above } })
  }
}
