/** Blog post -> toot, lazily, once and only once. */
import { NEWS_MS, type Toot } from '../model/blog.ts'
import { BadMessage, isFailure, Missing, Refused, Unreachable } from '../model/errors.ts'
import { retryPause } from '../model/retries.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import type { Tools } from '../tools.ts'
import { findHandled } from './blog.ts'
import type { Handled } from './handled.ts'
import { type Asker, lookAtPage } from './look-at-page.ts'
import { editStatus, findConnection, findLimit } from './mastodon.ts'
import { takePage } from './take-entry.ts'
import { busy, deskOf, type UnderWay } from './toot-desk.ts'
import { dueAfter, make, ownersSentence, type Subject, writeText } from './toot-make.ts'

const SECOND = 1000
const HOUR = 3_600_000
/** Of the pauses of model/retries.ts an edit begins with that of two minutes. */
const FIRST_PAUSE = 3
/** Longer than a page may take: whoever waits hears what is wrong with it. */
const WAIT_MS = 10_000

/** The final toot of an address as it was asked for before, without waiting; undefined when this process has to look it up. */
export const tootAtHand = (tools: Tools, raw: string): Toot | undefined => deskOf(tools).recall(raw)

/**
 * The toot of a blog post: known, or made now (interface.md 4). Whoever asks while it is being made waits without a connection to
 * the database, for some seconds.
 * @param options.make false: only what is known is told, 503 when nothing is
 * @param options.from the network address of the stranger who asks
 * @throws BadMessage, Refused, Unreachable with the codes and statuses of interface.md 4
 */
export async function tootOf(tools: Tools, raw: string, { make = true, from }: { make?: boolean; from?: string } = {}): Promise<Toot> {
  const desk = deskOf(tools)
  const known = desk.recall(raw)
  if (known !== undefined) return known
  tools.log.debug({ url: raw.slice(0, 2048) }, 'toot is asked for')
  const address = cleanAddress(raw)
  if (address === undefined) throw new BadMessage('The parameter url holds no address of a web page.', { code: 'no_url' })
  const refusal = desk.refusal(address.url)
  if (refusal !== undefined) throw refusal
  const since = desk.changes()
  const toot = make ? await together(tools, address, from) : await findKnown(tools, address)
  if (toot === undefined) throw busy('This address was not asked for yet by somebody who wants to see it.')
  desk.remember(raw, toot, since)
  return toot
}

/** Once for all who want it meanwhile. Who has asked too often spoils it for nobody else. */
async function together(tools: Tools, address: Address, from: string | undefined): Promise<Toot> {
  const desk = deskOf(tools)
  const begin = () => desk.begin(address.url, seen => findOrMake(tools, address, { seen, from }))
  const theirs = desk.underWay(address.url)
  if (theirs === undefined) return patiently(begin())
  return patiently(theirs).catch((error: unknown) => {
    if (isFailure(error) && error.code === 'too_many') return patiently(desk.underWay(address.url) ?? begin())
    throw error
  })
}

/** @throws Unreachable after some seconds: 502 when the blog has not answered yet, 503 when the toot is not there; the work goes on */
async function patiently(work: UnderWay): Promise<Toot> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(work.seen ? busy('The toot is being made.') : silent()), WAIT_MS)
  })
  try {
    return await Promise.race([work.toot, late])
  } finally {
    clearTimeout(timer)
  }
}

const silent = () => new Unreachable('The blog did not answer in time.', { code: 'blog', retryAfter: 60 })

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

type Visit = { seen: () => void; from: string | undefined }

async function findOrMake(tools: Tools, address: Address, visit: Visit): Promise<Toot> {
  try {
    return (await findKnown(tools, address)) ?? (await bring(tools, await findHandled(tools, address.url), visit))
  } catch (error) {
    // what another side failed at may be well the next moment, and what one has asked too often nobody else has
    const isLasting = isFailure(error) && !(error instanceof Unreachable) && error.code !== 'mastodon' && error.code !== 'too_many'
    if (isLasting) deskOf(tools).refuse(address.url, error)
    throw error
  }
}

/** Looks at the page, takes it as a post, and makes its toot unless it is to have none. Without a visit it is the clock that asks. */
async function bring(tools: Tools, handled: Handled, visit?: Visit): Promise<Toot> {
  const { clock, toots } = tools
  const subject = await take(tools, handled, visit && { kind: 'stranger', from: visit.from ?? '' })
  visit?.seen()
  const { entry } = subject
  const now = clock()
  const toot = (await findOld(tools, subject, now)) ?? (await toots.find(entry.key))
  if (toot !== undefined && isDone(tools, toot)) return withPlace(tools, toot)
  const left = (entry.announceAt?.getTime() ?? 0) - now.getTime()
  if (left > 0) {
    const retryAfter = Math.ceil(left / SECOND)
    throw new Refused('The post is not told to anybody yet (PUBLISH_DELAY).', { status: 409, code: 'draft', retryAfter })
  }
  return withPlace(tools, await make(tools, subject, { visit: visit !== undefined }))
}

async function take(tools: Tools, handled: Handled, asker?: Asker): Promise<Subject> {
  const seen = await lookAtPage(tools, handled, asker && { asker })
  const taken = await takePage(tools, handled.account, seen)
  if (taken.outcome === 'gone') throw new BadMessage('This post was deleted.', { code: 'not_found' })
  return { told: seen.told, entry: taken.entry, post: taken.post }
}

/** An old post of which nobody has wanted a toot in earnest gets none, and that is written down (S1-49, W16). */
async function findOld({ toots }: Tools, { entry, post }: Subject, now: Date): Promise<Toot | undefined> {
  const { accountId, key, news, url } = entry
  const toot = await toots.find(key)
  const rehearsed = toot?.state === 'dry-run'
  const isOld = now.getTime() - post.publishedAt.getTime() > NEWS_MS
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
    await bring(tools, await findHandled(tools, toot.url))
  } catch (error) {
    if (!isFailure(error)) throw error
    const why = ownersSentence(error)
    log.info({ url: toot.url, why }, 'toot waits')
    await toots.change(key, { dueAt: dueAfter(error, toot, clock()), error: why })
  }
}

/**
 * Tells the server that the blog post was changed, when that changes the text of the toot. A job: what fails comes again after pauses
 * that grow, for days, and at once when an account is connected.
 */
export async function editToot(tools: Tools, key: string): Promise<void> {
  const { clock, config, log, random, toots } = tools
  const toot = await toots.find(key)
  if (toot === undefined) return
  const { claimedUntil = clock(), editFailures, state, url } = toot
  // a rehearsal is no reason to forget it
  if (config.dryRun) return toots.settleEdit(toot, { editAt: new Date(clock().getTime() + HOUR), editFailures })
  if (state === 'claimed') return toots.settleEdit(toot, { editAt: new Date(Math.max(+claimedUntil, +clock()) + SECOND), editFailures })
  try {
    const text = state === 'posted' ? await tellEdit(tools, toot) : undefined
    await toots.settleEdit(toot, text === undefined ? {} : { text })
  } catch (error) {
    if (!isFailure(error)) throw error
    const isGone = error instanceof Missing && error.code === 'mastodon'
    const pause = isGone ? undefined : retryPause(editFailures + FIRST_PAUSE, random)
    const why = { url, why: error.message }
    if (pause === undefined) log.warn(why, 'the toot of a post that was changed is left as it is')
    else log.info(why, 'the edit of a toot waits')
    const editAt = pause === undefined ? null : new Date(clock().getTime() + Math.max(pause, (error.retryAfter ?? 0) * SECOND))
    await toots.settleEdit(toot, { editAt, editFailures: editAt === null ? 0 : editFailures + 1 })
  }
}

/** Answers the text that stands there then; undefined when nothing was told. */
async function tellEdit(tools: Tools, toot: Toot): Promise<string | undefined> {
  const { blogs, history } = tools
  const entry = await blogs.findEntry(toot.key)
  const post = entry && (await history.find(entry.postId))
  if (entry === undefined || post === undefined || post.deletedAt !== undefined || toot.tootId === undefined) return undefined
  const connection = await findConnection(tools, toot.accountId)
  if (connection === undefined) throw new Unreachable('This blog has no Mastodon account.', { code: 'mastodon' })
  // what was tooted from another account stays as it is
  if (connection.host !== toot.host) return undefined
  const { told } = await lookAtPage(tools, await findHandled(tools, toot.url), { fresh: true })
  const { language, text } = writeText(tools, { told, entry, post }, await findLimit(tools, connection), toot.titleFrom)
  if (text === toot.text) return undefined
  await editStatus(tools, connection, toot.tootId, { text, ...(language && { language }) })
  return text
}
