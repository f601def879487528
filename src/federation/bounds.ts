/** How much strangers may make us ask others: each in a minute, a host and a domain in a minute, new domains in an hour (M10, X24, X30). */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { getDomain } from 'tldts'
import { Refused } from '../model/errors.ts'
import { withoutPort } from './identity.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE

export type Bounds = ReturnType<typeof makeBounds>

/**
 * The bounds of looking up unknown authors. A host and a domain may be asked as often again for those who never named anybody in
 * vain: so whoever makes names up uses nobody's share but his own.
 * @param more how often in a minute beyond that somebody such may ask a host at which not more is in vain than not
 */
export function makeBounds({ more = 0 } = {}) {
  const sources = { all: makeLimit(10, MINUTE), more: makeLimit(more, MINUTE) }
  const hosts = { all: makeLimit(5, MINUTE), reserve: makeLimit(5, MINUTE), more: makeLimit(more, MINUTE) }
  const domains = { all: makeLimit(20, MINUTE), reserve: makeLimit(20, MINUTE) }
  const failed = makeLimit(1, HOUR)
  const vain = makeLimit(1, HOUR)
  const mayMeet = makeNewDomains()
  return {
    /**
     * Counts one look-up. @param source the address from which the request came @param host with its port
     * @throws Refused 429 when it would be one too many
     */
    async spend(source: string, host: string): Promise<void> {
      const network = networkOf(source)
      const reliable = (await failed.get(network)) === null
      const isGood = reliable && ((await vain.get(host))?.consumedPoints ?? 0) <= 0
      await takeAny([sources.all, ...(isGood ? [sources.more] : [])], network)
      await takeAny([hosts.all, ...(reliable ? [hosts.reserve] : []), ...(isGood ? [hosts.more] : [])], host)
      await takeAny([domains.all, ...(reliable ? [domains.reserve] : [])], domainOf(host))
      await mayMeet(network, host)
    },
    /** A look-up was in vain: for an hour whoever caused it has no part in the reserve. */
    async blame(source: string, host: string): Promise<void> {
      await failed.penalty(networkOf(source))
      await vain.penalty(host)
    },
    /** A look-up found whom it was for. */
    praise: async (host: string): Promise<void> => void (await vain.reward(host))
  }
}

/** Counts one at the first of some limits that is not full. @throws Refused 429 */
async function takeAny(limits: RateLimiterMemory[], key: string): Promise<void> {
  for (const [index, limit] of limits.entries()) {
    try {
      return await take(limit, key)
    } catch (full) {
      if (!(full instanceof Refused) || index === limits.length - 1) throw full
    }
  }
}

/**
 * How many domains that were not asked for an hour strangers may lead us to within one: `each` of them, and `all` together. Whoever
 * has a domain has all of its sub-domains. The returned function throws Refused 429.
 */
export function makeNewDomains({ each = 60, all = 500 } = {}): (cause: string, host: string) => Promise<void> {
  const [causes, total, asked] = [makeLimit(each, HOUR), makeLimit(all, HOUR), makeLimit(1, HOUR)]
  return async (cause, host) => {
    const domain = domainOf(host)
    if ((await asked.get(domain)) !== null) return
    await take(causes, cause)
    await take(total, 'all')
    await asked.penalty(domain)
  }
}

/** @param seconds in which there are as many `points` */
export const makeLimit = (points: number, seconds: number) => new RateLimiterMemory({ points, duration: seconds })

/** @throws Refused 429, with `retryAfter` */
export async function take(limit: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limit.consume(key)
  } catch (full) {
    const { msBeforeNext } = full as { msBeforeNext?: number }
    if (msBeforeNext === undefined) throw full
    const retryAfter = Math.ceil(msBeforeNext / 1000)
    throw new Refused('Too many unknown names were asked for.', { status: 429, code: 'too_many', retryAfter })
  }
}

/** The registrable domain of a host, by the list of public suffixes; an address or a single name is one by itself, with its port. */
export const domainOf = (host: string): string => getDomain(withoutPort(host), { allowPrivateDomains: true }) ?? host

/** Whoever has one address of IPv6 has all of its /64 (RFC 4291 2.5.1). */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address
  const [head, tail] = address.split('::').map(half => half.split(':').filter(group => group !== ''))
  const zeros = Array<string>(Math.max(0, 8 - head!.length - (tail?.length ?? 0))).fill('0')
  return [...head!, ...zeros, ...(tail ?? [])].slice(0, 4).join(':')
}
