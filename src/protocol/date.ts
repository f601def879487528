/** Dates of strangers: RFC 3339 with any offset or none, RFC 822 with its zones (protocols.md I14). */

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)? ?(Z|[+-]\d\d:?\d\d)?$/i
const RFC822 = /^(?:[a-z]{3,9},? )?(\d{1,2}) ([a-z]{3})[a-z]* (\d{2,4}) (\d\d?):(\d\d)(?::(\d\d))? ?([+-]\d{4}|[a-z]{1,5})?$/i
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
/** Hours west of Greenwich of the zones that RFC 822 section 5.1 names; every other name is read as UTC. */
const ZONES = new Map([
  ['EDT', 4],
  ['EST', 5],
  ['CDT', 5],
  ['CST', 6],
  ['MDT', 6],
  ['MST', 7],
  ['PDT', 7],
  ['PST', 8]
])
const LONGEST = 64

/** A date, undefined when it cannot be read. Without a zone it is taken as UTC. */
export function readDate(raw: string | undefined): Date | undefined {
  if (raw === undefined || raw.length > LONGEST * 2) return undefined
  const text = raw.trim().replace(/\s+/g, ' ')
  if (text.length > LONGEST) return undefined
  return readRfc3339(text) ?? readRfc822(text)
}

function readRfc3339(text: string): Date | undefined {
  const found = RFC3339.exec(text)
  if (found === null) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(part => Number(part ?? 0))
  const millisecond = Math.floor(Number(`0.${found[7] ?? 0}`) * 1000)
  return instant([year!, month!, day!, hour!, minute!, second!, millisecond], minutesEast(found[8]))
}

function readRfc822(text: string): Date | undefined {
  const found = RFC822.exec(text)
  if (found === null) return undefined
  const [day, , rawYear, hour, minute, second] = found.slice(1, 7).map(part => Number(part ?? 0))
  const month = MONTHS.indexOf(found[2]!.toLowerCase()) + 1
  // RFC 2822 section 4.3: two digits below 50 are of this century, three count from 1900.
  const year = rawYear! >= 1000 ? rawYear! : rawYear! < 50 ? rawYear! + 2000 : rawYear! + 1900
  return instant([year, month, day!, hour!, minute!, second!, 0], minutesEast(found[7]))
}

function minutesEast(zone = 'Z'): number {
  const found = /^([+-])(\d\d):?(\d\d)$/.exec(zone)
  if (found === null) return -60 * (ZONES.get(zone.toUpperCase()) ?? 0)
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3]))
}

function instant(parts: [number, number, number, number, number, number, number], east: number): Date | undefined {
  const [year, month, day, hour, minute, second, millisecond] = parts
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return undefined
  const date = new Date(0)
  // Date.UTC would take the years 0 to 99 as 1900 to 1999.
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute - east, second, millisecond)
  return date
}

/** The seconds of a Retry-After header, which may hold a date instead (RFC 9110 10.2.3). Undefined when there is nothing to wait for. */
export function readRetryAfter(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim() ?? ''
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Math.ceil(((readDate(text)?.getTime() ?? 0) - now.getTime()) / 1000)
  return seconds > 0 ? seconds : undefined
}
