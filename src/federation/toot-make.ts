/**
 * To make the toot of a post, once and only once. One of all who want it holds a claim in the database that ends by itself; nothing
 * is held while the server is asked; and whoever takes up what another began looks first whether it was done.
 */
import { CLAIM_MS, type Connection, type Entry, type Told, type Toot } from '../model/blog.ts'
import { BadMessage, isFailure, Missing, Refused, Unreachable } from '../model/errors.ts'
import type { KeptPost } from '../model/kept.ts'
import { hashToken, randomToken } from '../model/tokens.ts'
import { hashOf, writeToot } from '../protocol/toot.ts'
import type { Tools } from '../tools.ts'
import { findConnection, findLimit, findOwnStatus, hasText, mayHaveArrived, postStatus } from './mastodon.ts'
import { busy, deskOf, tootSignal } from './toot-desk.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const WAIT_MS = 10 * SECOND
const LOOK_MS = 500
/** How far its clock may be behind ours. */
const SKEW = HOUR
const LONGEST_PAUSE = 6 * HOUR
/** Stands for each no that no repetition mends. */
const REFUSED_FOR_GOOD = 422

/** A post of a blog as its page tells it now and as it is kept. */
export type Subject = { told: Told; entry: Entry; post: KeptPost }

type Written = { text: string; titleFrom: Entry['source']; language?: string }

/**
 * What is tooted of a post. A page's title bears the name of its blog, a feed's does not; what is missing in one the other has.
 * @param titleFrom whose title it is to be: a toot keeps to that of which it was made
 */
export function writeText({ config }: Pick<Tools, 'config'>, subject: Subject, limit: number, titleFrom = subject.entry.source): Written {
  const { told, entry, post } = subject
  const title = titleFrom === 'feed' ? (post.title ?? told.title) : (told.title ?? post.title)
  const language = config.tootLanguage ?? told.language ?? post.language
  const facts = {
    ...{ url: entry.url, html: post.html, tags: [...new Set([...told.tags, ...post.tags])] },
    ...(title && { title }),
    ...(told.summary && { summary: told.summary })
  }
  const { blogPostPostfix: postfix, blogTitlePattern: titlePattern, tootTemplate: template } = config
  return { text: writeToot(facts, { limit, postfix, template, titlePattern }), titleFrom, ...(language && { language }) }
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
  const written = writeText(tools, subject, connection === undefined ? 500 : await findLimit(tools, connection))
  const { text, titleFrom } = written
  const mark = randomToken()
  const now = clock()
  const until = new Date(now.getTime() + CLAIM_MS)
  const wish = { key, url, accountId, mark, visit, text, titleFrom, budget: config.tootBudget, dryRun: config.dryRun }
  const asked = digestOf(written, connection, config.tootVisibility)
  const claim = await transaction(({ toots }) => toots.claim({ ...wish, asked }, now, until))
  if (claim.outcome === 'known') return claim.toot
  if (claim.outcome === 'paused') throw paused(claim.toot, now)
  if (claim.outcome === 'budget') throw spent(claim.at, now)
  if (claim.outcome === 'theirs') {
    if (visit) return waitFor(tools, key)
    throw busy('The toot is being made.')
  }
  return carryOut(tools, connection, claim, written, mark)
}

/** Of all that decides what the server says: another post, other settings and another connection are another question. */
const digestOf = ({ language, text }: Written, connection: Connection | undefined, visibility: string): string =>
  hashToken(JSON.stringify([text, language, visibility, connection?.host, connection?.token]))

async function requireConnection(tools: Tools, accountId: string): Promise<Connection> {
  const connection = await findConnection(tools, accountId)
  if (connection !== undefined) return connection
  throw new Unreachable('This blog has no Mastodon account yet: its owner must run `tidings mastodon connect`.', {
    code: 'mastodon',
    retryAfter: 60
  })
}

const refused = () =>
  new Unreachable('The Mastodon server of this blog refuses our token: its owner must run `tidings mastodon connect` again.', {
    ...{ code: 'mastodon', peer: 401, retryAfter: 60 }
  })

const paused = ({ dueAt = new Date(0), status }: Toot, now: Date) => withheld(status, secondsUntil(dueAt, now))

/** What its server says is for the owner: a visitor hears it from us (X49). */
function withheld(peer: number | undefined, retryAfter = 60, cause?: unknown): Unreachable {
  if (peer === 401) return refused()
  const sentence = SENTENCES.get(peer) ?? 'The Mastodon server of this blog does not answer as it should: the toot is made later.'
  return new Unreachable(sentence, { code: 'mastodon', retryAfter, cause, ...(peer && { peer }) })
}

const SENTENCES = new Map<number | undefined, string>([
  [422, 'The Mastodon server of this blog has not taken the toot: its owner can see why.'],
  [429, 'The Mastodon server of this blog wants no more requests for now.']
])

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
    if (toot?.state === 'wanted' && toot.error !== undefined) throw withheld(toot.status)
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

async function toot(tools: Tools, connection: Connection, held: Held, written: Written, mark: string) {
  const { clock } = tools
  const { host } = connection
  try {
    const { status, text } = await findOrPost(tools, connection, held, written, mark)
    return {
      ...{ state: 'posted' as const, tootId: status.id, tootUrl: status.url, host, username: connection.username ?? status.username },
      ...{ favourites: status.favourites, shares: status.shares, pollAt: new Date(clock().getTime() + MINUTE), text },
      // the post was changed between the first try and this one
      ...(text === written.text ? {} : { editAt: clock() })
    }
  } catch (error) {
    throw await giveBack(tools, held.toot, mark, error)
  }
}

/**
 * Of one that was begun before is looked for what was written then, and only when that is not there the toot is made, as it is
 * written now. All of it takes less than half as long as the claim lasts, however slow the server is.
 */
async function findOrPost(tools: Tools, connection: Connection, { again, toot }: Held, written: Written, mark: string) {
  const { config, log, toots } = tools
  const { language, text, titleFrom } = written
  const { text: begun = text, url } = toot
  const visibility = toot.visibility ?? config.tootVisibility
  const since = new Date(toot.createdAt.getTime() - SKEW)
  const found = again ? await findOwnStatus(tools, connection, { text: begun, visibility }, since) : undefined
  log.debug({ url, host: connection.host, found: found?.id }, found ? 'toot is there already' : 'toot is being made')
  if (found !== undefined) return { status: found, text: begun }
  if (begun !== text) await toots.retext(mark, { text, titleFrom })
  const status = await postStatus(tools, connection, { text, visibility, key: hashOf(url), ...(language && { language }) })
  // what was begun has arrived after all, and the Idempotency-Key gave it
  return { status, text: begun !== text && hasText(status, begun) ? begun : text }
}

/** It was not made, as far as we know: the owner can see why. Answers what is told to whoever asked. */
async function giveBack({ changes, clock, log, toots }: Tools, toot: Toot, mark: string, cause: unknown): Promise<unknown> {
  const peer = cause instanceof Unreachable ? cause.peer : isFailure(cause) ? REFUSED_FOR_GOOD : undefined
  const dueAt = dueAfter(cause, toot, clock())
  const error = (cause as Error).message
  await toots.giveBack(mark, { begun: mayHaveArrived(cause), dueAt, error, ...(peer && { status: peer }) })
  log.info({ url: toot.url, why: error, again: dueAt }, 'toot: not made')
  await changes.tell(tootSignal(toot.key))
  if (!isFailure(cause)) return cause
  return withheld(peer, cause.retryAfter ?? (peer === REFUSED_FOR_GOOD ? secondsUntil(dueAt, clock()) : 60), cause)
}

/** What the owner is told of an error that visitors hear in our words. */
export const ownersSentence = (error: Error): string => (isFailure(error.cause) ? error.cause.message : error.message)

/**
 * When something that failed is tried again by itself: when the other side said, or after pauses that grow with the time for which
 * it has been waiting; what no repetition mends is tried once a day, for the owner may mend it.
 */
export function dueAfter(error: unknown, { createdAt }: Pick<Toot, 'createdAt'>, now: Date): Date {
  const age = now.getTime() - createdAt.getTime()
  const growing = Math.min(Math.max(age, MINUTE), LONGEST_PAUSE)
  const after = (ms: number) => new Date(now.getTime() + ms)
  if (error instanceof Unreachable && error.peer === 401) return after(HOUR)
  if (error instanceof Unreachable && error.peer === 429) return after((error.retryAfter ?? 60) * SECOND)
  const isFinal = (error instanceof Refused || error instanceof Missing) && error.code === 'mastodon'
  if (isFinal || (error instanceof Unreachable && error.peer === REFUSED_FOR_GOOD)) return after(DAY)
  // no post of the blog, unless its owner changes that
  if (error instanceof BadMessage && error.code === 'not_handled') return after(DAY)
  const told = error instanceof Refused ? (error.retryAfter ?? 0) * SECOND : 0
  return after(Math.max(told, growing))
}
