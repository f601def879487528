/**
 * To make the toot of a post, once and only once. One of all who want it holds a claim in the database that ends by itself; nothing
 * is held while the server is asked; and whoever takes up what another began looks first whether it was done.
 */
import type { Connection, Entry, Told, Toot } from '../model/blog.ts'
import { Missing, Refused, Unreachable } from '../model/errors.ts'
import type { KeptPost } from '../model/kept.ts'
import { randomToken } from '../model/tokens.ts'
import { hashOf, writeToot } from '../protocol/toot.ts'
import type { Tools } from '../tools.ts'
import { findConnection, findLimit, findOwnStatus, mayHaveArrived, postStatus } from './mastodon.ts'
import { busy, deskOf, tootSignal } from './toot-desk.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Far longer than all that is asked of the server under it, far shorter than it keeps an Idempotency-Key (an hour). */
const CLAIM_MS = 2 * MINUTE
const WAIT_MS = 10 * SECOND
const LOOK_MS = 500
/** How far its clock may be behind ours. */
const SKEW = HOUR
const LONGEST_PAUSE = 6 * HOUR

/** A post of a blog as its page tells it now and as it is kept. */
export type Subject = { told: Told; entry: Entry; post: KeptPost }

type Written = { text: string; language?: string }

/** What is tooted of a post. A page's title bears the name of its blog, a feed's does not; what is missing in one the other has. */
export async function writeText({ config }: Tools, { told, entry, post }: Subject, limit: number): Promise<Written> {
  const title = entry.source === 'feed' ? (post.title ?? told.title) : (told.title ?? post.title)
  const language = config.tootLanguage ?? told.language ?? post.language
  const facts = {
    ...{ url: entry.url, html: post.html, tags: [...new Set([...told.tags, ...post.tags])] },
    ...(title && { title }),
    ...(told.summary && { summary: told.summary })
  }
  const { blogPostPostfix: postfix, blogTitlePattern: titlePattern, tootTemplate: template } = config
  return { text: writeToot(facts, { limit, postfix, template, titlePattern }), ...(language && { language }) }
}

/**
 * Makes the toot of a post, or waits for whoever is making it.
 * @param visit somebody waits for the answer: a server that lately refused is not asked again for them
 * @throws Unreachable 502 `mastodon`; 503 `busy` when it takes others too long; Refused 429 `budget`
 */
export async function make(tools: Tools, subject: Subject, { visit }: { visit: boolean }): Promise<Toot> {
  const { clock, config, transaction } = tools
  const { accountId, key, url } = subject.entry
  const connection = config.dryRun ? undefined : await requireConnection(tools, accountId)
  if (visit && connection?.state === 'revoked') throw refused()
  const written = await writeText(tools, subject, connection === undefined ? 500 : await findLimit(tools, connection))
  const mark = randomToken()
  const now = clock()
  const until = new Date(now.getTime() + CLAIM_MS)
  const wish = { key, url, accountId, mark, visit, budget: config.tootBudget, dryRun: config.dryRun }
  const claim = await transaction(({ toots }) => toots.claim(wish, now, until))
  if (claim.outcome === 'known') return claim.toot
  if (claim.outcome === 'paused') throw paused(claim.toot, now)
  if (claim.outcome === 'budget') throw spent(claim.at, now)
  if (claim.outcome === 'theirs') {
    if (visit) return waitFor(tools, key)
    throw busy('The toot is being made.')
  }
  return carryOut(tools, connection, claim, written, mark)
}

async function requireConnection(tools: Tools, accountId: string): Promise<Connection> {
  const connection = await findConnection(tools, accountId)
  if (connection !== undefined) return connection
  throw new Unreachable('This blog has no Mastodon account yet: its owner must run `tidings mastodon connect`.', {
    code: 'mastodon',
    retryAfter: 60
  })
}

const refused = () =>
  new Unreachable('The Mastodon server refuses our token: the owner must run `tidings mastodon connect` again.', {
    ...{ code: 'mastodon', retryAfter: 60 }
  })

const paused = ({ dueAt = new Date(0), error = 'The Mastodon server wants no more requests for now.' }: Toot, now: Date) =>
  new Unreachable(error, { code: 'mastodon', peer: 429, retryAfter: secondsUntil(dueAt, now) })

const spent = (at: Date, now: Date) =>
  new Refused('As many toots as may be made in an hour have been made.', {
    ...{ status: 429, code: 'budget', retryAfter: secondsUntil(at, now) }
  })

const secondsUntil = (at: Date, now: Date): number => Math.max(1, Math.ceil((at.getTime() - now.getTime()) / SECOND))

/** Another process is at it: it tells when it is done, and we look besides. No connection to the database is held meanwhile. */
async function waitFor(tools: Tools, key: string): Promise<Toot> {
  const desk = deskOf(tools)
  for (const end = performance.now() + WAIT_MS; performance.now() < end; ) {
    await desk.change(key, LOOK_MS)
    const toot = await tools.toots.find(key)
    if (toot?.state === 'wanted' && toot.error !== undefined)
      throw new Unreachable(toot.error, { code: 'mastodon', retryAfter: 60, ...(toot.status && { peer: toot.status }) })
    if (toot !== undefined && toot.state !== 'claimed' && toot.state !== 'wanted') return toot
  }
  throw busy('The toot is being made.')
}

type Held = { toot: Toot; again: boolean }

/** The claim is ours. Whatever happens from here to the commit, the next one finds out. */
async function carryOut(tools: Tools, connection: Connection | undefined, held: Held, written: Written, mark: string): Promise<Toot> {
  const { clock, log, transaction } = tools
  const { key, url } = held.toot
  const made = connection === undefined ? rehearsed(written) : await toot(tools, connection, held, written, mark)
  log.info({ url, ...('tootUrl' in made ? { toot: made.tootUrl } : { text: made.text }) }, `toot: ${made.state}`)
  const settled = await transaction(async ({ changes, toots }) => {
    const kept = await toots.settle(mark, { ...made, tootedAt: clock() })
    await changes.tell(tootSignal(kept?.key ?? key))
    return kept
  })
  // it took us longer than the claim lasts, and somebody else has found or is finding what we made
  return settled ?? waitFor(tools, key)
}

const rehearsed = ({ text }: Written) => ({ state: 'dry-run' as const, tootId: '-1', text })

async function toot(tools: Tools, connection: Connection, { again, toot }: Held, { language, text }: Written, mark: string) {
  const { clock, config, log } = tools
  const { host } = connection
  const visibility = toot.visibility ?? config.tootVisibility
  try {
    const found = again ? await findOwnStatus(tools, connection, toot.url, new Date(toot.createdAt.getTime() - SKEW)) : undefined
    log.debug({ url: toot.url, host, found: found?.id }, found ? 'toot is there already' : 'toot is being made')
    const status =
      found ?? (await postStatus(tools, connection, { text, visibility, key: hashOf(toot.url), ...(language && { language }) }))
    return {
      ...{ state: 'posted' as const, tootId: status.id, tootUrl: status.url, host, username: connection.username ?? status.username },
      ...{ favourites: status.favourites, shares: status.shares, pollAt: new Date(clock().getTime() + MINUTE) },
      // what stands in one that was found is not known as it was written
      ...{ text: found === undefined ? text : null }
    }
  } catch (error) {
    throw await giveBack(tools, toot, mark, error)
  }
}

/** It was not made, as far as we know. Answers what is told to whoever asked. */
async function giveBack({ changes, clock, toots }: Tools, toot: Toot, mark: string, cause: unknown): Promise<unknown> {
  const error = inOurWords(cause)
  const peer = error instanceof Unreachable ? error.peer : undefined
  const why = { error: (error as Error).message, ...(peer === undefined ? {} : { status: peer }) }
  await toots.giveBack(mark, { begun: mayHaveArrived(cause), dueAt: dueAfter(error, toot, clock()), ...why })
  await changes.tell(tootSignal(toot.key))
  return error
}

/** To visitors it is all one: the server has not done what it was asked. */
function inOurWords(error: unknown): unknown {
  if (error instanceof Missing) return new Refused(error.message, { status: 502, code: 'mastodon', retryAfter: 60, cause: error })
  if (error instanceof Unreachable || error instanceof Refused) error.retryAfter ??= 60
  return error
}

/**
 * When something that failed is tried again by itself: when the other side said, or after pauses that grow with the time for which
 * it has been waiting; what no repetition mends is tried once a day, for the owner may mend it.
 */
export function dueAfter(error: unknown, { createdAt }: Toot, now: Date): Date {
  const age = now.getTime() - createdAt.getTime()
  const growing = Math.min(Math.max(age, MINUTE), LONGEST_PAUSE)
  const after = (ms: number) => new Date(now.getTime() + ms)
  if (error instanceof Unreachable && error.peer === 401) return after(HOUR)
  if (error instanceof Unreachable && error.peer === 429) return after((error.retryAfter ?? 60) * SECOND)
  if (error instanceof Refused && error.code === 'mastodon') return after(DAY)
  const told = error instanceof Refused ? (error.retryAfter ?? 0) * SECOND : 0
  return after(Math.max(told, growing))
}
