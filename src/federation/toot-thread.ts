/** What was answered to a toot: asked for often while the toot is young, seldom later. */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Connection, Toot } from '../model/blog.ts'
import { type Failure, isFailure, Missing } from '../model/errors.ts'
import { retryPause } from '../model/retries.ts'
import type { Tools } from '../tools.ts'
import { findConnection, readStatusThread } from './mastodon.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Pauses between two readings by the age of the toot: by the clock, and when somebody looks at the conversation. */
const PAUSES = [
  { age: HOUR, usual: 10 * MINUTE, asked: 2 * MINUTE },
  { age: DAY, usual: 10 * MINUTE, asked: 10 * MINUTE },
  { age: 7 * DAY, usual: HOUR, asked: 30 * MINUTE },
  { age: 30 * DAY, usual: DAY, asked: 30 * MINUTE },
  { age: Number.POSITIVE_INFINITY, usual: undefined, asked: 30 * MINUTE }
]

/** Readings an hour, for each Mastodon server: its own limit is 300 requests in five minutes, for everything that the owner does. */
const budget = new RateLimiterMemory({ points: 200, duration: 3600 })

/** Milliseconds until the thread is read again; `usual` is undefined when it is left alone until somebody looks at it. */
export function pauseAt(ageMs: number): { usual: number | undefined; asked: number } {
  return PAUSES.find(({ age }) => ageMs < age) ?? PAUSES.at(-1)!
}

const ageOf = ({ createdAt, tootedAt = createdAt }: Toot, now: Date) => now.getTime() - tootedAt.getTime()

/**
 * Somebody looks at the conversation: its thread is read soon, unless that was done lately. Costs a write only when it is due.
 */
export async function wakeThread({ clock, toots }: Pick<Tools, 'clock' | 'toots'>, toot: Toot): Promise<void> {
  const now = clock()
  const before = new Date(now.getTime() - pauseAt(ageOf(toot, now)).asked)
  const { pollAt, polledAt, pollFailures, state } = toot
  const isDue = state === 'posted' && pollFailures === 0 && (polledAt === undefined || polledAt <= before)
  if (isDue && (pollAt === undefined || pollAt > now)) await toots.wakePoll(toot.key, before, now)
}

/**
 * Reads the thread, keeps it, and sets the clock of the next reading. A job. What fails is tried again after pauses that grow; a
 * toot that is gone is left alone, and what was answered to it stays.
 */
export async function readTootThread(tools: Tools, key: string): Promise<void> {
  const { clock, toots } = tools
  const toot = await toots.find(key)
  if (toot === undefined) return
  const connection = toot.tootId === undefined || toot.state !== 'posted' ? undefined : await findConnection(tools, toot.accountId)
  if (connection === undefined || connection.host !== toot.host) return toots.change(key, { pollAt: null })
  const wait = await waitFor(tools, connection)
  if (wait > 0) return toots.change(key, { pollAt: new Date(clock().getTime() + wait) })
  try {
    await read(tools, toot, connection)
  } catch (error) {
    if (!isFailure(error)) throw error
    await putOff(tools, toot, error)
  }
}

/** Milliseconds until the budget of the server lets it be asked; 0: now. */
async function waitFor({ worker }: Tools, { host }: Connection): Promise<number> {
  try {
    await budget.consume(`${worker} ${host}`)
    return 0
  } catch (full) {
    const { msBeforeNext } = full as { msBeforeNext?: number }
    if (msBeforeNext === undefined) throw full
    return Math.max(msBeforeNext, 1000)
  }
}

async function read(tools: Tools, toot: Toot, connection: Connection): Promise<void> {
  const { clock, random, transaction } = tools
  const { answers, favourites, shares, status } = await readStatusThread(tools, connection, toot.tootId!)
  const now = clock()
  const pause = pauseAt(ageOf(toot, now)).usual
  await transaction(async stores => {
    await stores.answers.keep(toot.key, answers)
    await stores.answers.keepReactions(toot.key, [
      ...favourites.map(person => ({ verb: 'favourite' as const, person })),
      ...shares.map(person => ({ verb: 'share' as const, person }))
    ])
    await stores.toots.change(toot.key, {
      ...{ favourites: status.favourites, shares: status.shares, polledAt: now, pollFailures: 0, error: null },
      // not all toots of one hour at the same moment
      pollAt: pause === undefined ? null : new Date(now.getTime() + Math.round(pause * (0.9 + 0.2 * random())))
    })
  })
}

async function putOff({ clock, log, random, toots }: Tools, toot: Toot, error: Failure): Promise<void> {
  const { key, pollFailures } = toot
  log.info({ toot: key, why: error.message }, 'the thread of a toot was not read')
  if (error instanceof Missing) return toots.change(key, { pollAt: null, status: 404, error: error.message })
  const pause = retryPause(pollFailures + 3, random)
  const wait = error.retryAfter === undefined ? pause : Math.min(error.retryAfter * 1000, DAY)
  const pollAt = wait === undefined ? null : new Date(clock().getTime() + wait)
  // who tells when to come again has not failed; and nobody who looks at the conversation makes us come before (see wakeThread)
  const failures = error.retryAfter === undefined ? pollFailures + 1 : Math.max(pollFailures, 1)
  await toots.change(key, { pollAt, pollFailures: pollAt === null ? 0 : failures, error: error.message })
}
