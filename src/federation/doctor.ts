/** What is wrong here, and its cure: every check at once, each within its own time, so that none holds up another. */
import type { Check } from '../model/check.ts'
import type { Tools } from '../tools.ts'
import { within } from './checking.ts'
import { checkBlogs, checkMastodon } from './doctor-blog.ts'
import { checkClock, checkDatabase, checkDeliveries, checkDisk, checkQueue, MEASURES, type Measures } from './doctor-machine.ts'
import { checkOutside } from './doctor-outside.ts'

export type Examined = { at: Date; checks: Check[] }

const NAME = 'doctor'
/** Seconds: hosts such as Heroku end a request after thirty. */
const PATIENCE = 20
const running = new WeakMap<object, Promise<Examined>>()

/** All checks, in the order in which they are told. */
export async function examine(tools: Tools, measures: Measures = MEASURES): Promise<Check[]> {
  const one = (id: string, what: string, work: () => Promise<Check | Check[]>) => within(tools, { id, what, seconds: PATIENCE }, work)
  const found = await Promise.all([
    one('database', 'the database', () => checkDatabase(tools)),
    one('disk', 'the disk', () => checkDisk(tools, measures)),
    one('clock', 'the clock', () => checkClock(tools)),
    checkOutside(tools),
    one('blog', 'the blog', () => checkBlogs(tools)),
    one('mastodon', 'Mastodon', () => checkMastodon(tools)),
    one('queue', 'the queue', () => checkQueue(tools)),
    one('deliveries', 'the deliveries', () => checkDeliveries(tools))
  ])
  return found.flat()
}

/** Examines the node and keeps what was found; whoever asks meanwhile in this process gets the same. */
export function runDoctor(tools: Tools): Promise<Examined> {
  const known = running.get(tools.settings)
  if (known !== undefined) return known
  const mine = examineAndKeep(tools).finally(() => running.delete(tools.settings))
  running.set(tools.settings, mine)
  return mine
}

async function examineAndKeep(tools: Tools): Promise<Examined> {
  const found = { checks: await examine(tools), at: tools.clock() }
  await tools.settings.keep(NAME, found)
  return found
}

/** The same when nobody asked for it: what fails is written into the log. */
export async function runDoctorAlone(tools: Tools): Promise<void> {
  const { checks } = await runDoctor(tools)
  for (const { cure, id, sentence, state } of checks) if (state === 'failure') tools.log.warn({ check: id, cure }, `doctor: ${sentence}`)
  const count = (state: Check['state']) => checks.filter(one => one.state === state).length
  tools.log.info({ ok: count('ok'), warnings: count('warning'), failures: count('failure'), skipped: count('skipped') }, 'doctor')
}

/** What was found last, by whichever process of this node. */
export async function findExamined({ settings }: Pick<Tools, 'settings'>): Promise<Examined | undefined> {
  const kept = await settings.find<{ at: string; checks: Check[] }>(NAME)
  return kept && { at: new Date(kept.at), checks: kept.checks }
}
