/** To look at the page of a blog post: whether it is there, is public, and what it says of itself. */
import type { Told } from '../model/blog.ts'
import { BadMessage, type Failure, isFailure, Refused, Unreachable } from '../model/errors.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import { type BlogPage, readBlogPage } from '../protocol/blog-page.ts'
import { readRetryAfter } from '../protocol/date.ts'
import type { HttpAnswer, Tools } from '../tools.ts'
import { findPlace, type Handled, isOnHost, looksLikePost, type Place } from './handled.ts'

const MINUTE = 60_000
const MOST_A_MINUTE = 60
/** Failures that are remembered. */
const MOST_KNOWN = 2_000
const PAGE_BYTES = 2_000_000
const PAGE_ACCEPT = 'text/html, application/xhtml+xml;q=0.9, */*;q=0.1'

/** What a page says, under its canonical address. `keys`: all addresses by which it was reached. */
export type Seen = { told: Told; key: string; url: string; keys: string[] }

/**
 * Fetches a page, bounded, and holds it against the blog: host and pattern after redirects, and of its canonical address. A failure
 * is remembered for a minute (X39).
 * @param fresh the owner asks: what was remembered does not count
 * @throws BadMessage 400 `not_found` unless it answers 200, `not_handled` when it leads elsewhere; Refused 409 `draft`; 429 with
 *   retryAfter when too many pages were looked at; Unreachable 502 when the blog fails
 */
export async function lookAtPage(tools: Tools, handled: Handled, { fresh = false } = {}): Promise<Seen> {
  const memory = memoryOf(tools)
  const now = tools.clock().getTime()
  const known = memory.failures.get(handled.key)
  if (known !== undefined && known.until > now && !fresh) throw known.error
  memory.count(now)
  try {
    const seen = await look(tools, handled)
    memory.failures.delete(handled.key)
    return seen
  } catch (error) {
    if (!isFailure(error)) throw error
    memory.failures.delete(handled.key)
    memory.failures.set(handled.key, { error, until: now + MINUTE })
    const oldest = memory.failures.keys().next()
    if (memory.failures.size > MOST_KNOWN && !oldest.done) memory.failures.delete(oldest.value)
    throw error
  }
}

type Memory = { failures: Map<string, { error: Failure; until: number }>; count(now: number): void }

const memories = new WeakMap<object, Memory>()

/** What this process remembers: failures, and how many pages it looked at in the last minute. */
function memoryOf({ http }: Tools): Memory {
  const known = memories.get(http)
  if (known !== undefined) return known
  let looks: number[] = []
  const count = (now: number) => {
    looks = looks.filter(at => at > now - MINUTE && at <= now)
    const [oldest = now] = looks
    const retryAfter = Math.ceil((oldest + MINUTE - now) / 1000)
    if (looks.length >= MOST_A_MINUTE)
      throw new Refused('Too many pages were looked at in this minute.', { status: 429, code: 'too_many', retryAfter })
    looks.push(now)
  }
  const memory = { failures: new Map(), count }
  memories.set(http, memory)
  return memory
}

async function look(tools: Tools, handled: Handled): Promise<Seen> {
  const place = await findPlace(tools, handled.account.id)
  if (place === undefined) throw notHandled('This account has no blog any more.')
  const answer = await fetchPage(tools, handled.url)
  checkPlace(place, handled, answer.url, 'The page leads to')
  const page = readPage(answer, tools.clock())
  checkPlace(place, handled, page.canonical, 'The page names as its canonical address')
  if (page.draft !== undefined) throw new Refused(DRAFTS[page.draft], { status: 409, code: 'draft' })
  const key = pageKey(page.canonical)
  const keys = [...new Set([key, ...aliases(handled, answer, key)])]
  const published = page.told.published ?? (await tools.blogs.modifiedAt(keys))
  return { told: { ...page.told, url: page.canonical, ...(published ? { published } : {}) }, key, url: page.canonical, keys }
}

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
function checkPlace(place: Place, { key, url }: Handled, address: string, how: string): void {
  if (isOnHost(place, address) && pageKey(address) === key) return
  // without a pattern it is a post since the blog leads to it from one that is
  const fine = new URL(address).host === new URL(url).host && looksLikePost(place, address) !== false
  if (!fine) throw notHandled(`${how} ${address.slice(0, 200)}, which is no post of this blog.`)
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
    .request(url, { headers: { accept: PAGE_ACCEPT }, maxBytes: PAGE_BYTES, timeout: 10_000, redirects: 5 })
    .catch((error: unknown) => {
      if (!isFailure(error)) throw error
      if (error instanceof Unreachable) throw new Unreachable(error.message, { code: 'blog', retryAfter: 60, cause: error })
      throw notFound(error.message, error)
    })
  const { headers, status } = answer
  if (status === 200) return answer
  if (status < 500 && status !== 408 && status !== 429) throw notFound(`The page does not exist (yet): it answered ${status}.`)
  const retryAfter = readRetryAfter(headers['retry-after'], clock()) ?? 60
  throw new Unreachable(`The blog answered ${status}.`, { code: 'blog', peer: status, retryAfter })
}
