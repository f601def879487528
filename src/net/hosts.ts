/** What the client keeps in mind of other hosts while it runs. Every record has an end (X32). */
import { Unreachable } from '../model/errors.ts'

export type Failures = ReturnType<typeof makeFailures>

const MAX_RECORDS = 10_000

/** Hosts (name and port) that lately could not be reached, so that a page full of links to one is not asked for in vain (D14). */
export function makeFailures(clock: () => number) {
  const records = new Map<string, { until: number; message: string }>()
  return {
    /** @param ms how long it is remembered */
    note(host: string, message: string, ms: number) {
      records.delete(host)
      const oldest = records.keys().next()
      if (records.size >= MAX_RECORDS && !oldest.done) records.delete(oldest.value)
      records.set(host, { until: clock() + ms, message })
    },
    /** The sentence that was noted, while it holds. */
    recall(host: string): string | undefined {
      const record = records.get(host)
      if (record !== undefined && record.until > clock()) return record.message
      records.delete(host)
    }
  }
}

type Turns = { busy: number; waiting: (() => void)[] }

/** Does work for a host when fewer than `limit` others are at it; the rest wait in order (D14). */
export function makeTurns(limit: number) {
  const hosts = new Map<string, Turns>()

  /**
   * @param patience milliseconds to wait for the turn at most; Unreachable after that
   */
  return async function inTurn<T>(host: string, patience: number, work: () => Promise<T>): Promise<T> {
    const turns = hosts.get(host) ?? { busy: 0, waiting: [] }
    hosts.set(host, turns)
    if (turns.busy < limit) turns.busy++
    else await waitFor(turns, host, patience)
    try {
      return await work()
    } finally {
      const next = turns.waiting.shift()
      if (next !== undefined) next()
      else if (--turns.busy === 0) hosts.delete(host)
    }
  }
}

function waitFor({ waiting }: Turns, host: string, patience: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      waiting.splice(waiting.indexOf(turn), 1)
      reject(new Unreachable(`${host} could not be asked in time: too many requests to it are under way.`))
    }, patience)
    const turn = () => {
      clearTimeout(timer)
      resolve()
    }
    waiting.push(turn)
  })
}
