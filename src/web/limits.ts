/** How often strangers may do what makes this node ask others. */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { networkOf } from '../federation/bounds.ts'
import { Refused } from '../model/errors.ts'
import type { Tools } from '../tools.ts'

const MINUTE = 60
const HOUR = 3600
const DAY = 24 * HOUR

/** Look-ups with OPEN_SEARCH: 10 an hour for an address, 200 a day in all. The returned function throws Refused 429 with `retryAfter`. */
export function makeLookupLimit(): (address: string) => Promise<void> {
  const each = new RateLimiterMemory({ points: 10, duration: HOUR })
  const all = new RateLimiterMemory({ points: 200, duration: DAY })
  return async address => {
    await take(each, address, 'You have looked up as many accounts as one may in an hour.')
    await take(all, 'all', 'As many accounts as may be looked up here in a day have been.')
  }
}

/** Pictures that are not here yet: 300 a minute for an address, a long conversation of people whom nobody has seen before. */
export function makePictureLimit(): (address: string) => Promise<void> {
  const each = new RateLimiterMemory({ points: 300, duration: MINUTE })
  return address => take(each, address, 'You have asked for as many new pictures as one may in a minute.')
}

/** Servers of visitors: 10 a minute for an address. */
export function makeRemoteLimit(): (address: string) => Promise<void> {
  const each = new RateLimiterMemory({ points: 10, duration: MINUTE })
  return address => take(each, address, 'You have asked for as many servers as one may in a minute.')
}

/** Checks of the owner, each of which asks a blog or this node a dozen times: 6 a minute. */
export function makeCheckLimit(): () => Promise<void> {
  const all = new RateLimiterMemory({ points: 6, duration: MINUTE })
  return () => take(all, 'all', 'You have checked as often as one may in a minute.')
}

/**
 * Passphrases that are tried: 10 in a quarter of an hour for an address (a /64 of IPv6), 60 an hour in all; whoever knew it begins
 * anew. Links are no part of it: nobody guesses one, and whoever floods this cannot lock the owner out.
 */
export function makePassphraseLimit() {
  const each = new RateLimiterMemory({ points: 10, duration: 15 * MINUTE })
  const all = new RateLimiterMemory({ points: 60, duration: HOUR })
  return {
    /** @throws Refused 429 with `retryAfter` */
    async take(address: string): Promise<void> {
      const sentence = 'Too many passphrases were tried.'
      await take(each, networkOf(address), sentence)
      await take(all, 'all', sentence)
    },
    forgive: async (address: string): Promise<void> => void (await each.delete(networkOf(address)))
  }
}

/** Conversations that are not at hand: 60 pages a minute for an address, and 600 that are only counted. */
export function makeGatherLimit({ clock }: Pick<Tools, 'clock'>): Record<'comments' | 'counts', (address: string) => Promise<void>> {
  return { comments: makeMinutes(clock, 60), counts: makeMinutes(clock, 600) }
}

/** So many in each minute of the node's clock, by which what is at hand grows old too. */
function makeMinutes(clock: () => Date, most: number): (address: string) => Promise<void> {
  const taken = new Map<string, number>()
  let end = 0
  return async address => {
    const now = clock().getTime()
    if (now >= end) {
      taken.clear()
      end = now + MINUTE * 1000
    }
    const count = (taken.get(address) ?? 0) + 1
    const retryAfter = Math.ceil((end - now) / 1000)
    const sentence = 'You have asked for as many conversations as one may in a minute.'
    if (count > most) throw new Refused(sentence, { status: 429, code: 'too_many', retryAfter })
    taken.set(address, count)
  }
}

async function take(limiter: RateLimiterMemory, key: string, sentence: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (full) {
    const { msBeforeNext } = full as { msBeforeNext?: number }
    if (msBeforeNext === undefined) throw full
    throw new Refused(sentence, { status: 429, code: 'too_many', retryAfter: Math.ceil(msBeforeNext / 1000) })
  }
}
