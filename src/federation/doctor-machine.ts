/** What runs the node: database, disk, clock, the queue, and what goes out of it. */
import { statfs } from 'node:fs/promises'
import type { Check } from '../model/check.ts'
import { isFailure } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { failure, ok, skipped, warning } from './checking.ts'
import { findPlaces } from './handled.ts'
import { findConnection } from './mastodon.ts'

const SECOND = 1000
const DAY = 86_400_000
const OLDEST_POSTGRES = 15
const SLOW_MS = 250
const MB = 1_000_000
/** Free space, megabytes: below the first it is urgent. */
const DISK = { urgent: 200, little: 1000 }
/** Signatures are good for minutes, but what is half a minute off goes on going wrong. */
const MOST_OFF = 30
const MOST_CLOCKS = 3
/** Seconds for which a job may wait that should have begun. */
const LONGEST_WAIT = 600

/** What a test may measure in another way. */
export type Measures = { freeBytes: (folder: string) => Promise<number | undefined> }

export const MEASURES: Measures = {
  /** Undefined for a folder that is not there: nothing is kept in it. */
  freeBytes: async folder => {
    try {
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}

export async function checkDatabase({ condition }: Tools): Promise<Check> {
  const { ms, pending, version } = await condition.database()
  const name = `PostgreSQL ${version}`
  if (version < OLDEST_POSTGRES)
    return failure('database', `The database is ${name}: too old.`, `Use PostgreSQL ${OLDEST_POSTGRES} or later.`)
  if (pending > 0)
    return failure(
      'database',
      `The database is not up to date. Missing steps: ${pending}.`,
      'Run `tidings migrate`, and start the node again.'
    )
  if (ms > SLOW_MS) return warning('database', `The database takes ${Math.round(ms)} ms for the simplest question.`, NEARER)
  return ok('database', `The database is ${name}, up to date, and answers in ${ms < 1 ? 'less than 1' : Math.round(ms)} ms.`)
}

const NEARER = 'Put node and database on one machine or into one network, and see whether the database has enough memory.'

export async function checkDisk({ config }: Tools, { freeBytes }: Measures): Promise<Check> {
  const free = await freeBytes(config.dataDir)
  if (free === undefined) return skipped('disk', 'Nothing is kept in DATA_DIR.')
  const megabytes = Math.floor(free / MB)
  const size = megabytes < 10_000 ? `${megabytes} MB` : `${Math.floor(megabytes / 1000)} GB`
  const sentence = `The disk of DATA_DIR has ${size} free.`
  if (megabytes < DISK.urgent)
    return failure('disk', sentence, 'Make room, or put DATA_DIR on a larger disk: a database without room stops.')
  return megabytes < DISK.little
    ? warning('disk', sentence, 'Make room before it is full: RETENTION_DAYS lets old posts of others go.')
    : ok('disk', sentence)
}

/** Held against the Date of servers that are asked anyway: of several the one that agrees best counts, for theirs may be wrong. */
export async function checkClock(tools: Tools): Promise<Check> {
  const places = [...(await findPlaces(tools)).flatMap(({ url }) => url ?? []), ...(await serversOf(tools))]
  const hosts = new Map(
    places.filter(url => new URL(url).host !== new URL(tools.config.publicUrl).host).map(url => [new URL(url).host, url])
  )
  const found = await Promise.all(
    [...hosts].slice(0, MOST_CLOCKS).map(async ([host, url]) => ({ host, off: await findOffset(tools, url) }))
  )
  const told = found.filter((one): one is { host: string; off: number } => one.off !== undefined)
  const [best] = told.sort((one, other) => Math.abs(one.off) - Math.abs(other.off))
  if (best === undefined) return skipped('clock', 'There is no other server whose clock could be looked at.')
  const seconds = Math.round(Math.abs(best.off))
  if (seconds <= MOST_OFF) return ok('clock', `The clock goes like that of ${best.host}.`)
  const sentence =
    best.off > 0
      ? `The clock of this machine is ${seconds} seconds behind that of ${best.host}.`
      : `The clock of this machine is ${seconds} seconds ahead of that of ${best.host}.`
  return failure('clock', sentence, 'Let the machine take the time from the net (NTP): with a wrong clock no signature is believed.')
}

async function serversOf(tools: Tools): Promise<string[]> {
  const connections = await Promise.all((await tools.actors.accounts()).slice(0, 5).map(({ id }) => findConnection(tools, id)))
  return connections.flatMap(connection => (connection === undefined ? [] : [`${connection.host}/`]))
}

/** Seconds by which another clock is before ours. What a cache answers is as old as it says (RFC 9111 5.1). */
async function findOffset({ clock, http }: Tools, url: string): Promise<number | undefined> {
  const begun = clock().getTime()
  try {
    const { headers } = await http.request(url, { method: 'HEAD', discard: true, wide: true, redirects: 3, timeout: 8 * SECOND })
    const age = /^\d{1,9}$/.test(headers.age ?? '') ? Number(headers.age) : 0
    const theirs = Date.parse(headers.date ?? '') + age * SECOND
    return Number.isNaN(theirs) ? undefined : (theirs - (begun + clock().getTime()) / 2) / SECOND
  } catch (error) {
    if (!isFailure(error)) throw error
    return undefined
  }
}

export async function checkQueue({ condition }: Tools): Promise<Check> {
  const { due, kind, seconds } = await condition.jobs()
  if (seconds <= LONGEST_WAIT) return ok('queue', `The queue is worked. Waiting now: ${due}, none for long.`)
  const sentence = `Jobs wait that should have begun: ${due}. The oldest (${kind}) has waited for ${Math.floor(seconds / 60)} minutes.`
  return failure('queue', sentence, 'See that `tidings start` or `tidings worker` runs: its log tells what holds it up.')
}

export async function checkDeliveries({ clock, condition }: Tools): Promise<Check[]> {
  const yesterday = new Date(clock().getTime() - DAY)
  const [{ count, hosts }, { done, failed }] = await Promise.all([condition.deadHosts(yesterday), condition.deliveries(yesterday)])
  const names = `${hosts.join(', ')}${count > hosts.length ? ' …' : ''}`
  return [
    count === 0
      ? ok('dead-hosts', 'Every server to which something is to go has taken something within a day.')
      : warning('dead-hosts', `For more than a day these take nothing: ${names}.`, DEAD),
    failed === 0
      ? ok('deliveries', `Deliveries within a day: arrived ${done}, given up none.`)
      : warning('deliveries', `Deliveries within a day: arrived ${done}, given up ${failed}.`, GIVEN_UP)
  ]
}

const DEAD = 'Nothing need be done: they are asked ever more seldom. `tidings deliveries --to HOST` shows what they answer.'
const GIVEN_UP = '`tidings deliveries --failed` shows which and why; `tidings deliveries retry ID` tries one again.'
