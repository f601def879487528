/** What a process keeps in mind of toots: those that are made, what it said no to, and who waits for what. All of it is bounded. */
import type { Toot } from '../model/blog.ts'
import { type Failure, Unreachable } from '../model/errors.ts'
import type { Tools } from '../tools.ts'

const MOST_KNOWN = 5_000
const MOST_REFUSALS = 5_000
const MOST_UNDER_WAY = 1_000
/** Longer addresses are looked up each time: nobody fills the memory with them. */
const LONGEST = 500
const REFUSAL_MS = 60_000
const SIGNAL = 'toot:'

export type Desk = ReturnType<typeof makeDesk>

/** @param seen is called when the page was looked at */
type Work = (seen: () => void) => Promise<Toot>
export type UnderWay = { toot: Promise<Toot>; seen: boolean }

const desks = new WeakMap<object, Desk>()

/** The desk of this process. */
export function deskOf({ clock, http, onChange }: Pick<Tools, 'clock' | 'http' | 'onChange'>): Desk {
  const known = desks.get(http)
  if (known !== undefined) return known
  const desk = makeDesk(() => clock().getTime())
  onChange(desk.hear)
  desks.set(http, desk)
  return desk
}

/** What `changes` tells when something became of a toot. */
export const tootSignal = (key: string): string => SIGNAL + key

function makeDesk(clock: () => number) {
  const toots = new Map<string, Toot>()
  const refusals = new Map<string, { error: Failure; until: number }>()
  const underWay = new Map<string, UnderWay>()
  const waiting = new Map<string, Set<() => void>>()
  let changes = 0

  const forget = (key: string | undefined) => {
    changes++
    for (const [address, toot] of toots) if (key === undefined || toot.key === key) toots.delete(address)
  }
  const wake = (keys: Iterable<string>) => {
    for (const key of [...keys]) for (const go of waiting.get(key) ?? []) go()
  }
  const begin = async (address: string, work: Work): Promise<Toot> => {
    try {
      return await work(() => {
        const mine = underWay.get(address)
        if (mine !== undefined) mine.seen = true
      })
    } finally {
      underWay.delete(address)
    }
  }

  return {
    /** Takes what is told by `changes`. */
    hear(told: string): void {
      // a page that was refused may just have become a post
      if (told === '*' || told.startsWith('account')) refusals.clear()
      // posts without a toot name the place where the blog toots
      if (told.startsWith('connection:')) forget(undefined)
      if (told === '*') {
        forget(undefined)
        wake(waiting.keys())
      } else if (told.startsWith(SIGNAL)) {
        const key = told.slice(SIGNAL.length)
        forget(key)
        wake([key])
      }
    },

    /** The final toot of an address as visitors send it. */
    recall: (address: string): Toot | undefined => toots.get(address),
    /** How many changes were told so far: `remember` takes nothing that was read before the last. */
    changes: () => changes,
    remember(address: string, toot: Toot, since: number): void {
      if (since !== changes || address.length > LONGEST) return
      if (toots.size >= MOST_KNOWN) dropOldest(toots)
      toots.set(address, toot)
    },

    /** A no that was said in the last minute to the whole of an address: another spelling may be the right one (X39). */
    refusal(address: string): Failure | undefined {
      const known = refusals.get(address)
      if (known !== undefined && known.until > clock()) return known.error
      refusals.delete(address)
    },
    /** Remembers a no for a minute, or for as long as it says itself when that is less. */
    refuse(address: string, error: Failure): void {
      if (refusals.size >= MOST_REFUSALS) dropOldest(refusals)
      const ms = Math.min(REFUSAL_MS, (error.retryAfter ?? Number.POSITIVE_INFINITY) * 1000)
      refusals.set(address, { error, until: clock() + ms })
    },

    /** What is under way for an address; `seen`: its page was looked at. */
    underWay: (address: string): UnderWay | undefined => underWay.get(address),
    /** Begins something that is not under way. @throws Unreachable 503 when too much else is */
    begin(address: string, work: Work): UnderWay {
      if (underWay.size >= MOST_UNDER_WAY) throw busy('Too many pages are being looked at.')
      const mine: UnderWay = { seen: false, toot: begin(address, work) }
      // those who wanted it may all have gone
      mine.toot.catch(() => {})
      underWay.set(address, mine)
      return mine
    },

    /** Waits until something is told of a toot, for some milliseconds at most. */
    async change(key: string, ms: number): Promise<void> {
      const mine = waiting.get(key) ?? new Set()
      waiting.set(key, mine)
      await new Promise<void>(resolve => {
        const go = () => {
          clearTimeout(timer)
          mine.delete(go)
          if (mine.size === 0 && waiting.get(key) === mine) waiting.delete(key)
          resolve()
        }
        const timer = setTimeout(go, ms)
        mine.add(go)
      })
    }
  }
}

/** Nothing is wrong, but it takes longer than anybody is let wait. */
export const busy = (sentence: string): Unreachable => new Unreachable(sentence, { status: 503, code: 'busy', retryAfter: 2 })

function dropOldest(map: Map<string, unknown>): void {
  const oldest = map.keys().next()
  if (!oldest.done) map.delete(oldest.value)
}
