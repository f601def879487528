/** Whether the page of a blog post is still there: gone twice, a day apart, means that the post was deleted. */
import type { Entry } from '../model/blog.ts'
import { isFailure } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import type { HttpAnswer, Tools } from '../tools.ts'
import { findPlace, type Place } from './handled.ts'
import { lookAtPage } from './look-at-page.ts'
import { removeIn } from './remove-post.ts'
import { takePage } from './take-entry.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const MOST = 30 * DAY
/** Between the two times at which a page was missing; a little less than a day, for the clock that asks is not that exact. */
const APART = 23 * HOUR

/** Looks at the page of an entry and sets the clock of the next look. What tells its edits by its page alone is read, too. A job. */
export async function checkPage(tools: Tools, key: string): Promise<void> {
  const { blogs, clock, history, http } = tools
  const entry = await blogs.findEntry(key)
  if (entry === undefined) return
  const [post, place] = [await history.find(entry.postId), await findPlace(tools, entry.accountId)]
  if (post === undefined || post.deletedAt !== undefined || place === undefined) return blogs.changeEntry(key, { checkAt: null })
  const answer = await http.request(entry.url, { discard: true, redirects: 5 }).catch((error: unknown) => {
    if (!isFailure(error)) throw error
    return undefined
  })
  const now = clock()
  if (answer?.status === 404 || answer?.status === 410) return note(tools, place, entry, now)
  if (answer?.status !== 200) return blogs.changeEntry(key, { checkAt: later(now, 6 * HOUR) })
  await blogs.changeEntry(key, { missingAt: null, checkAt: nextCheck(tools, entry, now) })
  if (entry.source === 'page') await readAgain(tools, place.account, entry)
}

const later = (now: Date, ms: number) => new Date(now.getTime() + ms)

/** The older a post, the longer it stays as it is: a quarter of the time for which it has been known, a day to a month. */
function nextCheck({ random }: Tools, { seenAt }: Entry, now: Date): Date {
  const pause = Math.min(MOST, Math.max(DAY, (now.getTime() - seenAt.getTime()) / 4))
  return later(now, pause * (0.9 + 0.2 * random()))
}

/** The first time it may be a mistake. When the blog itself is not there it is not the page that was taken away. */
async function note(tools: Tools, place: Place, entry: Entry, now: Date): Promise<void> {
  const { blogs } = tools
  const since = entry.missingAt
  if (since === undefined) return blogs.changeEntry(entry.key, { missingAt: now, checkAt: later(now, DAY) })
  if (now.getTime() - since.getTime() < APART) return blogs.changeEntry(entry.key, { checkAt: later(since, DAY) })
  if (!(await isAlive(tools, place.url ?? new URL('/', entry.url).href))) return blogs.changeEntry(entry.key, { checkAt: later(now, DAY) })
  await take(tools, place.account, entry.key, now)
}

async function isAlive({ http }: Tools, url: string): Promise<boolean> {
  const answer = await http.request(url, { discard: true, redirects: 5 }).catch((error: unknown): HttpAnswer | undefined => {
    if (!isFailure(error)) throw error
    return undefined
  })
  return answer?.status === 200
}

/** The post is deleted, unless it has got another address meanwhile; a toot that was not made yet is not made. */
async function take({ addresses, log, transaction }: Tools, account: Account, key: string, now: Date): Promise<void> {
  await transaction(async stores => {
    await stores.topics.lock(addresses.feed(account.localName))
    const entry = await stores.blogs.findEntry(key)
    const post = entry && (await stores.history.lock(entry.postId))
    if (entry === undefined || post === undefined) return
    await stores.blogs.changeEntry(key, { checkAt: null })
    await removeIn(stores, account, post, now)
    if ((await stores.toots.find(key))?.state === 'wanted') await stores.toots.change(key, { dueAt: null })
    log.info({ url: entry.url, post: post.uri }, 'blog: the page is gone, the post was deleted')
  })
}

/** A page that no feed names tells its edits itself. */
async function readAgain(tools: Tools, account: Account, { key, url }: Entry): Promise<void> {
  try {
    await takePage(tools, account, await lookAtPage(tools, { account, key, url }))
  } catch (error) {
    if (!isFailure(error)) throw error
  }
}
