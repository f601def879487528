/** What was refused of what came in is written down: else nobody here would know why somebody's answer did not arrive (W52). */
import { type Failure, isFailure } from '../model/errors.ts'
import { hideSecrets } from '../model/log.ts'
import type { Tools } from '../tools.ts'
import { makeLimit, networkOf, take } from './bounds.ts'
import { hostOfName } from './identity.ts'

/** `from`: the address of whoever asked; `path`: where. */
type Came = { way: 'inbox' | 'salmon' | 'hub'; path: string; from: string }

type Needs = Pick<Tools, 'clock' | 'http' | 'log' | 'refusals'>
type Noter = (came: Came, who: string, failure: Failure) => Promise<void>

/** A minute: those who send rubbish all the time are not the ones whom the owner looks for. */
const SECONDS = 60
const IN_ALL = 30
const EACH = 5
const LONGEST = 300

const noters = new WeakMap<Tools['http'], Noter>()

/**
 * Does some work on what came in, and writes down why if it fails.
 * @param work `tell` is called with the URI, or the address, of whoever is said to have sent it, once that is known
 * @throws what the work throws
 */
export async function noting<T>(tools: Needs, came: Came, work: (tell: (who: string) => void) => Promise<T>): Promise<T> {
  let who = ''
  const tell = (name: string) => {
    who = name
  }
  try {
    return await work(tell)
  } catch (error) {
    if (isFailure(error)) await noteRefusal(tools, came, who, error)
    throw error
  }
}

/** Writes it down, unless too much was in this minute. Never throws. */
export function noteRefusal(tools: Needs, came: Came, who: string, failure: Failure): Promise<void> {
  const note = noters.get(tools.http) ?? makeNoter(tools)
  noters.set(tools.http, note)
  return note(came, who, failure)
}

/** One for a process, so that its bounds hold for all ways in together. */
function makeNoter({ clock, log, refusals }: Needs): Noter {
  const [each, all] = [makeLimit(EACH, SECONDS), makeLimit(IN_ALL, SECONDS)]
  return async ({ from, path, way }, who, { code, message, status }) => {
    try {
      await take(each, networkOf(from))
      await take(all, 'all')
    } catch {
      return
    }
    const host = hostOfName(who)
    const refusal = {
      way,
      path: path.slice(0, LONGEST),
      who: who.slice(0, LONGEST),
      status,
      code,
      sentence: hideSecrets(message).slice(0, LONGEST)
    }
    const work = refusals.add({ ...refusal, ...(host ? { host: host.slice(0, LONGEST) } : {}) }, clock())
    await work.catch(error => log.warn({ error }, 'a refusal could not be written down'))
  }
}
