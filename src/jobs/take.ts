/** Takes jobs of one kind out of the queue, as many at once as there is room for: a slow one never holds up the next. */
import { type JobName, jobSignal, type Taken, type Tools } from '../tools.ts'

const LOOK_MS = 5_000
const BEAT_MS = 10_000

/**
 * Begins. Jobs come when they are told of (`queue.add`), and are looked for every few seconds: retries and what nobody told of.
 * @param handle throws when the job is to be tried again
 * @returns a function that takes no more and waits for those under way
 */
export function startTaking<Name extends JobName>(
  { log, onChange, queue }: Pick<Tools, 'log' | 'onChange' | 'queue'>,
  name: Name,
  width: number,
  handle: (job: Taken<Name>) => Promise<void>
): () => Promise<void> {
  const running = new Map<Taken<Name>, Promise<void>>()
  let finished: Taken<Name>[] = []
  let settling: Promise<void> | undefined
  let taking: Promise<void> | undefined
  let wanted = false
  let stopped = false

  const take = async () => {
    while (wanted && !stopped && running.size < width) {
      wanted = false
      const room = width - running.size
      const jobs = await queue.take(name, room)
      // a full hand means that there may be more
      if (jobs.length === room) wanted = true
      for (const job of jobs) running.set(job, run(job))
    }
  }
  const look = () => {
    if (stopped || taking !== undefined) return
    taking = take()
      .catch(error => log.error({ error, queue: name }, 'queue'))
      .finally(() => {
        taking = undefined
        if (wanted && running.size < width) look()
      })
  }
  const run = async (job: Taken<Name>) => {
    try {
      await handle(job)
      finished.push(job)
      settling ??= settle()
      await settling
    } catch (error) {
      await queue.again(name, job, (error as Error).message).catch(failed => log.error({ error: failed, queue: name }, 'queue'))
    }
    running.delete(job)
    if (wanted) look()
  }
  /** Jobs that end while others are being written down are written down together. */
  const settle = async () => {
    try {
      while (finished.length > 0) {
        const jobs = finished
        finished = []
        await queue.done(name, jobs)
      }
    } finally {
      // not later: who ends between the last look and this would be forgotten
      settling = undefined
    }
  }

  const want = () => {
    wanted = true
    look()
  }
  onChange(told => {
    if (told === '*' || told === jobSignal(name)) want()
  })
  const clock = setInterval(want, LOOK_MS)
  const pulse = setInterval(() => {
    if (running.size > 0) queue.keepAlive(name, [...running.keys()]).catch(error => log.warn({ error, queue: name }, 'queue'))
  }, BEAT_MS)
  want()
  return async () => {
    stopped = true
    clearInterval(clock)
    await taking
    await Promise.all(running.values())
    clearInterval(pulse)
  }
}
