/** To look at the page of a blog post: whether it is there, is public, and what it says of itself. */
import type { Told } from '../model/blog.ts'
import { BadMessage, type Failure, isFailure, Refused, Unreachable } from '../model/errors.ts'
import { cleanAddress, pageKey, withoutQuery } from '../protocol/blog-address.ts'
import { type BlogPage, readBlogPage } from '../protocol/blog-page.ts'
import { readRetryAfter } from '../protocol/date.ts'
import type { HttpAnswer, Tools } from '../tools.ts'
import { networkOf } from './bounds.ts'
import { findPlace, type Handled, isOnHost, looksLikePost, type Place } from './handled.ts'

const MINUTE = 60_000
/** Pages that are looked at for all strangers, for the clock, for the owner; and for one stranger. */
const MOST_A_MINUTE = 60
const MOST_OF_ONE = 10
/** Failures, and strangers, that are remembered. */
const MOST_KNOWN = 2_000
/** Whoever waits for a page, for ten seconds, hears that it was too slow. */
const PAGE_TIMEOUT = 8_000
const PAGE_BYTES = 2_000_000
const PAGE_ACCEPT = 'text/html, application/xhtml+xml;q=0.9, */*;q=0.1'

/** What a page says, under its canonical address. `keys`: all addresses by which it was reached. */
export type Seen = { told: Told; key: string; url: string; keys: string[] }

/** Who wants a page looked at: a stranger, by the network address of the request, or the clock, or the owner. */
export type Asker = { kind: 'stranger'; from: string } | { kind: 'clock' } | { kind: 'owner' }

/** `fresh`: what was remembered of failures does not count; `named`: the feed names the page by this very address. */
type Wish = { asker?: Asker; fresh?: boolean; named?: boolean }

/**
 * Fetches a page, bounded, and holds it against the blog: host and pattern after redirects, and of its canonical address. Without a
 * pattern it must say itself that it is an article unless the feed names it. A failure is remembered for a minute (X39).
 * @throws BadMessage 400 `not_found` unless it answers 200 with a page, `not_handled` when it leads elsewhere or is no post;
 *   Refused 409 `draft`; 429 with retryAfter when too many pages were looked at; Unreachable 502 when the blog cannot be reached
 */
export async function lookAtPage(tools: Tools, handled: Handled, wish: Wish = {}): Promise<Seen> {
  const memory = memoryOf(tools)
  const now = tools.clock().getTime()
  const known = memory.failures.get(handled.url)
  if (known !== undefined && known.until > now && wish.fresh !== true) throw known.error
  memory.count(wish.asker ?? { kind: 'clock' }, now)
  try {
    const seen = await look(tools, handled, wish.named === true)
    memory.failures.delete(handled.url)
    return seen
  } catch (error) {
    if (!isFailure(error)) throw error
    memory.failures.delete(handled.url)
    memory.failures.set(handled.url, { error, until: now + MINUTE })
    const oldest = memory.failures.keys().next()
    if (memory.failures.size > MOST_KNOWN && !oldest.done) memory.failures.delete(oldest.value)
    throw error
  }
}

type Memory = { failures: Map<string, { error: Failure; until: number }>; count(asker: Asker, now: number): void }

const memories = new WeakMap<object, Memory>()

/** What this process remembers: failures by the whole address, and how many pages it looked at in the last minute for whom. */
function memoryOf({ http }: Tools): Memory {
  const known = memories.get(http)
  if (known !== undefined) return known
  const looks = new Map<string, number[]>()
  const countOf = (who: string, most: number, now: number) => {
    const mine = (looks.get(who) ?? []).filter(at => at > now - MINUTE && at <= now)
    const [oldest = now] = mine
    const retryAfter = Math.ceil((oldest + MINUTE - now) / 1000)
    if (mine.length >= most)
      throw new Refused('Too many pages were looked at in this minute.', { status: 429, code: 'too_many', retryAfter })
    return () => {
      looks.delete(who)
      looks.set(who, [...mine, now])
      const first = looks.keys().next()
      if (looks.size > MOST_KNOWN && !first.done) looks.delete(first.value)
    }
  }
  const count = (asker: Asker, now: number) => {
    const notes = [countOf(asker.kind, MOST_A_MINUTE, now)]
    if (asker.kind === 'stranger') notes.unshift(countOf(`from ${networkOf(asker.from)}`, MOST_OF_ONE, now))
    for (const note of notes) note()
  }
  const memory = { failures: new Map(), count }
  memories.set(http, memory)
  return memory
}

async function look(tools: Tools, handled: Handled, named: boolean): Promise<Seen> {
  const place = await findPlace(tools, handled.account.id)
  if (place === undefined) throw notHandled('This account has no blog any more.')
  const first = await readAt(tools, place, handled)
  const plain = named || first.page.named ? first.page.canonical : await plainAddress(tools, place, first.page.canonical)
  // what a page shows for a query of somebody's own is not what it is without it
  const { answer, page } = plain === first.page.canonical ? first : await readAt(tools, place, { ...handled, url: plain })
  const url = page.named ? page.canonical : plain
  if (page.draft !== undefined) throw new Refused(DRAFTS[page.draft], { status: 409, code: 'draft' })
  const key = pageKey(url)
  const keys = [...new Set([key, ...aliases(handled, answer, key)])]
  if (!named && place.pattern === undefined && !page.isArticle && !(await isKnown(tools, [handled.key, ...keys])))
    throw notHandled(NO_ARTICLE)
  const published = page.told.published ?? (await tools.blogs.modifiedAt(keys))
  return { told: { ...page.told, url, ...(published ? { published } : {}) }, key, url, keys }
}

async function readAt(tools: Tools, place: Place, handled: Handled): Promise<{ answer: HttpAnswer; page: BlogPage }> {
  const answer = await fetchPage(tools, handled.url)
  checkPlace(place, handled, answer.url, 'redirect')
  const page = readPage(answer, tools.clock())
  checkPlace(place, handled, page.canonical, 'canonical')
  return { answer, page }
}

/** Of a page that does not tell its address: without the query, unless the sitemap names it with that, or the pattern asks for it. */
async function plainAddress({ blogs }: Tools, place: Place, address: string): Promise<string> {
  const key = pageKey(address)
  if (new URL(address).search === '' || (await blogs.findPage([key]))?.key === key) return address
  const isPost = (shorter: string) => looksLikePost(place, shorter)
  if (place.pattern !== undefined) return withoutQuery(address, shorter => isPost(shorter) === true)
  const [bare = address] = address.split('?')
  return isPost(bare) === false ? address : bare
}

const isKnown = async ({ blogs }: Tools, keys: string[]): Promise<boolean> => {
  for (const key of new Set([...keys, ...(await blogs.canonicals(keys)).values()]))
    if ((await blogs.findEntry(key)) !== undefined) return true
  return false
}

const NO_ARTICLE =
  'The page is no post of the blog: the feed does not name it, and it does not say that it is an article (og:type). BLOG_POST_PATTERN decides without that.'

/** Where it came from on the way, without what only adds a query to the canonical address: of those there is no end. */
function aliases({ url }: Handled, answer: HttpAnswer, canonical: string): string[] {
  const passed = [url, ...answer.hops.map(hop => hop.url), answer.url].flatMap(address => cleanAddress(address)?.url ?? [])
  return passed.map(pageKey).filter(key => !key.startsWith(`${canonical}?`))
}

const DRAFTS = {
  noindex: 'The page asks not to be indexed: it is taken for a draft.',
  future: 'The date of the page lies in the future: it is taken for a draft.',
  'opted out': 'The page asks not to be tooted.'
}

/** @throws BadMessage 400 `not_handled` unless an address is a post of the same blog, or the very one that was asked for */
function checkPlace(place: Place, { key, url }: Handled, address: string, by: 'redirect' | 'canonical'): void {
  if (isOnHost(place, address) && pageKey(address) === key) return
  // without a pattern it is a post since the blog leads to it from one that is
  const fine = new URL(address).host === new URL(url).host && looksLikePost(place, address) !== false
  if (fine) return
  const there = address.slice(0, 200)
  throw notHandled(`The page ${by === 'redirect' ? 'leads to' : 'names as its canonical address'} ${there}, which is no post of this blog.`)
}

const notHandled = (sentence: string) => new BadMessage(sentence, { code: 'not_handled' })
const notFound = (sentence: string, cause?: unknown) => new BadMessage(sentence, { code: 'not_found', cause })

function readPage(answer: HttpAnswer, now: Date): BlogPage {
  try {
    return readBlogPage(answer, now)
  } catch (error) {
    if (error instanceof BadMessage) throw notFound(error.message, error)
    throw error
  }
}

async function fetchPage({ clock, http }: Tools, url: string): Promise<HttpAnswer> {
  const answer = await http
    .request(url, { headers: { accept: PAGE_ACCEPT }, maxBytes: PAGE_BYTES, timeout: PAGE_TIMEOUT, redirects: 5 })
    .catch((error: unknown) => {
      if (!isFailure(error)) throw error
      if (error instanceof Unreachable)
        throw new Unreachable(`The blog did not answer: ${error.message}`, { code: 'blog', retryAfter: 60, cause: error })
      throw notFound(error.message, error)
    })
  const { headers, status } = answer
  if (status === 200) return answer
  const isPassing = status >= 500 || status === 408 || status === 429
  const retryAfter = isPassing ? (readRetryAfter(headers['retry-after'], clock()) ?? 60) : undefined
  const sentence = `${isPassing ? 'The blog cannot show the page now' : 'The page does not exist (yet)'}: it answered ${status}.`
  throw new BadMessage(sentence, { code: 'not_found', ...(retryAfter === undefined ? {} : { retryAfter }) })
}
