/** When something that could not be delivered is tried again: one list for hubs, Salmon and inboxes (protocols.md H8). */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** The longest pause, milliseconds. */
export const LAST_PAUSE = 24 * HOUR

/** For how many days it is kept what became of deliveries. */
export const LOG_DAYS = 14

/** Milliseconds after the first, second, … failed try; about three days in all. */
export const RETRY_PAUSES: readonly number[] = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  HOUR,
  6 * HOUR,
  12 * HOUR,
  LAST_PAUSE,
  LAST_PAUSE
]

/**
 * The pause before the next try, moved by up to a fifth either way, so that what failed together does not come back together.
 * @param attempt tries made so far, 1 after the first failure
 * @param random as Math.random: at least 0, less than 1
 * @returns milliseconds, or undefined when it is to be given up
 */
export function retryPause(attempt: number, random: () => number): number | undefined {
  const pause = RETRY_PAUSES[attempt - 1]
  return pause === undefined ? undefined : Math.round(pause * (0.8 + 0.4 * random()))
}
