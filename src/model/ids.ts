/**
 * Ids of rows that people see (posts, people, subscriptions): made once, sorted by time, never used again.
 * 48 bits of milliseconds, then 37 bits that are random at first and count up within the same millisecond: 17 characters of
 * Crockford's base 32 in lower case, whose order as text (C collation) is the order in which they were made by one process.
 */
import { randomInt } from 'node:crypto'

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
const TAIL = 32 ** 7

let lastTime = 0
let lastTail = 0

const write = (value: number, length: number): string => {
  let text = ''
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) text = DIGITS[rest % 32] + text
  return text
}

/** @param now milliseconds of the epoch: the time by which the id sorts */
export function newId(now: number): string {
  const time = Math.max(now, 0)
  lastTail = time === lastTime ? (lastTail + 1) % TAIL : randomInt(TAIL / 2)
  lastTime = time
  return write(time, 10) + write(lastTail, 7)
}

/** Whether a text has the form of an id: what comes in from outside is checked before it reaches a query. */
export const isId = (text: string): boolean => /^[0-9a-hjkmnp-tv-z]{17}$/.test(text)
