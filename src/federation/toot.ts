/** Blog post -> toot, lazily, once and only once. */
import type { Toot } from '../model/blog.ts'
import { BadMessage, isFailure, Refused, Unreachable } from '../model/errors.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import type { Tools } from '../tools.ts'
import { findHandled } from './blog.ts'
import type { Handled } from './handled.ts'
import { lookAtPage } from './look-at-page.ts'
import { editStatus, findConnection, findLimit } from './mastodon.ts'
import { takePage } from './take-entry.ts'
import { busy, deskOf } from './toot-desk.ts'
import { dueAfter, make, type Subject, writeText } from './toot-make.ts'

const SECOND = 1000
const DAY = 86_400_000
const WAIT_MS = 10_000
/** A post that is first seen with an older date gets no toot (W16). */
const OLD_MS = 7 * DAY

/** The final toot of an address as it was asked for before, without waiting; undefined when this process has to look it up. */
export const tootAtHand = (tools: Tools, raw: string): Toot | undefined => deskOf(tools).recall(raw)

/**
 * The toot of a blog post: known, or made now (interface.md 4). Whoever asks while it is being made waits without a connection to
 * the database, for some seconds.
 * @param make false: only what is known is told, 503 when nothing is
 * @throws BadMessage, Refused, Unreachable with the codes and statuses of interface.md 4
 */
export async function tootOf(tools: Tools, raw: string, { make = true } = {}): Promise<Toot> {
  const desk = deskOf(tools)
  const known = desk.recall(raw)
  if (known !== undefined) return known
  tools.log.debug({ url: raw.slice(0, 2048) }, 'toot is asked for')
  const address = cleanAddress(raw)
  if (address === undefined) throw new BadMessage('The parameter url holds no address of a web page.', { code: 'no_url' })
  const key = pageKey(address.url)
  const refusal = desk.refusal(key)
  if (refusal !== undefined) throw refusal
  const since = desk.changes()
  const toot = make ? await patiently(desk.once(key, () => findOrMake(tools, address))) : await findKnown(tools, address)
  if (toot === undefined) throw busy('This address was not asked for yet by somebody who wants to see it.')
  desk.remember(raw, toot, since)
  return toot
}

/** @throws Unreachable 503 after some seconds; the work goes on */
async function patiently<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(busy('The toot is being made.')), WAIT_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

type Address = NonNullable<ReturnType<typeof cleanAddress>>

async function findKnown(tools: Tools, { bare, url }: Address): Promise<Toot | undefined> {
  const toot = await tools.toots.findByPage([...new Set([pageKey(url), pageKey(bare)])])
  return toot && isDone(tools, toot) ? withPlace(tools, toot) : undefined
}

/** What was only rehearsed is done while nothing but rehearsals are made (DRY_RUN). */
const isDone = ({ config }: Tools, { state }: Toot): boolean =>
  state === 'posted' || state === 'old' || (state === 'dry-run' && config.dryRun)

/** Where the blog toots, for a post that has no toot. */
async function withPlace(tools: Tools, toot: Toot): Promise<Toot> {
  if (toot.host !== undefined) return toot
  const connection = await findConnection(tools, toot.accountId)
  return { ...toot, ...(connection && { host: connection.host, ...(connection.username && { username: connection.username }) }) }
}

async function findOrMake(tools: Tools, address: Address): Promise<Toot> {
  try {
    return (await findKnown(tools, address)) ?? (await bring(tools, await findHandled(tools, address.url), { visit: true }))
  } catch (error) {
    // what another side failed at may be well the next moment
    if (isFailure(error) && !(error instanceof Unreachable) && error.code !== 'mastodon') deskOf(tools).refuse(pageKey(address.url), error)
    throw error
  }
}

/** Looks at the page, takes it as a post, and makes its toot unless it is to have none. */
async function bring(tools: Tools, handled: Handled, { visit }: { visit: boolean }): Promise<Toot> {
  const { clock, toots } = tools
  const subject = await take(tools, handled)
  const { entry } = subject
  const now = clock()
  const toot = (await findOld(tools, subject, now)) ?? (await toots.find(entry.key))
  if (toot !== undefined && isDone(tools, toot)) return withPlace(tools, toot)
  const left = (entry.announceAt?.getTime() ?? 0) - now.getTime()
  if (left > 0) {
    const retryAfter = Math.ceil(left / SECOND)
    throw new Refused('The post is not told to anybody yet (PUBLISH_DELAY).', { status: 409, code: 'draft', retryAfter })
  }
  return withPlace(tools, await make(tools, subject, { visit }))
}

async function take(tools: Tools, handled: Handled): Promise<Subject> {
  const seen = await lookAtPage(tools, handled)
  const taken = await takePage(tools, handled.account, seen)
  if (taken.outcome === 'gone') throw new BadMessage('This post was deleted.', { code: 'not_found' })
  return { told: seen.told, entry: taken.entry, post: taken.post }
}

/** An old post of which nobody has wanted a toot in earnest gets none, and that is written down (S1-49, W16). */
async function findOld({ toots }: Tools, { entry, post }: Subject, now: Date): Promise<Toot | undefined> {
  const { accountId, key, news, url } = entry
  const toot = await toots.find(key)
  const rehearsed = toot?.state === 'dry-run'
  const isOld = now.getTime() - post.publishedAt.getTime() > OLD_MS
  if (!isOld || (toot === undefined ? news : !rehearsed)) return toot
  if (rehearsed) await toots.change(key, { state: 'old' })
  else await toots.markOld([{ key, url, accountId }], now)
  return toots.find(key)
}

/** Makes a toot that is wanted, or brings one to its end whose maker died. A job: what fails comes again when it is due. */
export async function makeToot(tools: Tools, key: string): Promise<void> {
  const { clock, log, toots } = tools
  const toot = await toots.find(key)
  if (toot === undefined || (toot.state !== 'wanted' && toot.state !== 'claimed')) return
  if (toot.claimedUntil !== undefined && toot.claimedUntil > clock()) return toots.change(key, { dueAt: toot.claimedUntil })
  try {
    await bring(tools, await findHandled(tools, toot.url), { visit: false })
  } catch (error) {
    if (!isFailure(error)) throw error
    log.info({ url: toot.url, why: error.message }, 'toot waits')
    await toots.change(key, { dueAt: dueAfter(error, toot, clock()), error: error.message })
  }
}

/** Tells the server that the blog post was changed, when that changes the text of the toot. A job. */
export async function editToot(tools: Tools, key: string): Promise<void> {
  const { blogs, config, history, toots } = tools
  const [toot, entry] = [await toots.find(key), await blogs.findEntry(key)]
  if (toot?.state !== 'posted' || toot.tootId === undefined || entry === undefined || config.dryRun) return
  const connection = await findConnection(tools, toot.accountId)
  const post = await history.find(entry.postId)
  // what was tooted from another account stays as it is
  if (connection === undefined || connection.host !== toot.host || post === undefined || post.deletedAt !== undefined) return
  const { told } = await lookAtPage(tools, await findHandled(tools, toot.url), { fresh: true }).catch(error => {
    // too many pages in this minute: a job that is refused would be dropped
    if (error instanceof Refused && error.retryAfter !== undefined) throw new Unreachable(error.message, { retryAfter: error.retryAfter })
    throw error
  })
  const { language, text } = await writeText(tools, { told, entry, post }, await findLimit(tools, connection))
  if (text === toot.text) return
  await editStatus(tools, connection, toot.tootId, { text, ...(language && { language }) })
  await toots.change(key, { text })
}
