/** How checks are made: each within its own time, so that one that hangs holds up nobody else; and what one of them found. */
import type { Check, Seen } from '../model/check.ts'
import { isFailure } from '../model/errors.ts'
import type { Tools } from '../tools.ts'

export const ok = (id: string, sentence: string): Check => ({ id, state: 'ok', sentence })
export const skipped = (id: string, sentence: string): Check => ({ id, state: 'skipped', sentence })
export const warning = (id: string, sentence: string, cure: string, seen?: Seen): Check => ({
  ...{ id, state: 'warning', sentence, cure },
  ...(seen === undefined ? {} : { seen })
})
export const failure = (id: string, sentence: string, cure: string, seen?: Seen): Check => ({
  ...{ id, state: 'failure', sentence, cure },
  ...(seen === undefined ? {} : { seen })
})

export const isBad = (checks: Check[]): boolean => checks.some(({ state }) => state === 'failure')

const LOOK_AGAIN = 'Look at it by hand, and check again.'
const DEFECT = 'That is a mistake in tidings: the log has more of it.'

/**
 * One check, or several that belong together, within so many seconds; what it throws is what it found.
 * @param what `the database`, as it stands in a sentence
 */
export async function within(
  { log }: Pick<Tools, 'log'>,
  { id, seconds, what }: { id: string; seconds: number; what: string },
  work: () => Promise<Check | Check[]>
): Promise<Check[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Check>(done => {
    timer = setTimeout(() => done(failure(id, `To look at ${what} took longer than ${seconds} seconds.`, LOOK_AGAIN)), seconds * 1000)
  })
  try {
    return [await Promise.race([work(), late])].flat()
  } catch (error) {
    if (isFailure(error)) return [failure(id, `To look at ${what} failed: ${error.message}`, LOOK_AGAIN)]
    log.error({ error, check: id }, 'doctor')
    return [failure(id, `To look at ${what} failed.`, DEFECT)]
  } finally {
    clearTimeout(timer)
  }
}

/** Looks every quarter of a second until something is there; undefined when it is not within so many milliseconds. */
export async function waitFor<T>(milliseconds: number, look: () => Promise<T | undefined | false>): Promise<T | undefined> {
  const end = performance.now() + milliseconds
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen
    if (performance.now() > end) return undefined
    await new Promise(done => setTimeout(done, 250))
  }
}
