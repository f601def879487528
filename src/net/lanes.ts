/**
 * How many things are sent at once, and to whom (H8). Each host (name and port) begins with two at a time; the number grows
 * while answers are quick, up to 64, and is halved by a time-out or a failing server. A send that is still waiting for its answer
 * after a moment leaves its place to others and goes on in the slow lane; whoever took more than a second last time begins there.
 * So nobody waits for the slow.
 */
export type Lanes = ReturnType<typeof makeLanes>

/** What the sender says of its send: `busy` when the host failed or did not answer in time. */
export type SendResult = { busy: boolean }

type Task = { send: () => Promise<SendResult>; begun: number; slow: boolean; done: (tookMs: number) => void }
type Host = { limit: number; active: number; slow: number; halvedAt: number; quick: Task[]; late: Task[]; queued: boolean }

const FIRST = 2
const MOST = 64
const ALL = 256
const ALL_SLOW = 512
const MOMENT = 100

export function makeLanes(clock: () => number) {
  const hosts = new Map<string, Host>()
  const ready: string[] = []
  const running = new Set<Task & { host: string }>()
  let active = 0
  let slow = 0
  let watch: NodeJS.Timeout | undefined

  const hostOf = (name: string): Host => {
    let host = hosts.get(name)
    if (host === undefined) {
      host = { limit: FIRST, active: 0, slow: 0, halvedAt: 0, quick: [], late: [], queued: false }
      hosts.set(name, host)
    }
    return host
  }

  // Sends that have become slow give their places back. One clock for all, not a timer each.
  const look = () => {
    const late = clock() - MOMENT
    for (const task of running) {
      if (task.slow || task.begun > late) continue
      task.slow = true
      active--
      slow++
      const host = hostOf(task.host)
      host.active--
      host.slow++
      wake(task.host, host)
    }
    pump()
    if (running.size === 0) {
      clearInterval(watch)
      watch = undefined
    }
  }

  const wake = (name: string, host: Host) => {
    if (host.queued || (host.quick.length === 0 && host.late.length === 0)) return
    host.queued = true
    ready.push(name)
  }

  const finish = (name: string, host: Host, task: Task & { host: string }, busy: boolean) => {
    running.delete(task)
    if (task.slow) {
      slow--
      host.slow--
    } else {
      active--
      host.active--
    }
    const now = clock()
    if (!busy) host.limit = Math.min(MOST, host.limit + 1)
    else if (now - host.halvedAt > 500) {
      host.limit = Math.max(FIRST, host.limit >> 1)
      host.halvedAt = now
    }
    task.done(now - task.begun)
    if (host.active === 0 && host.slow === 0 && host.quick.length === 0 && host.late.length === 0) hosts.delete(name)
    else wake(name, host)
    pump()
  }

  const start = (name: string, host: Host, task: Task) => {
    const run = Object.assign(task, { host: name, begun: clock() })
    if (task.slow) {
      slow++
      host.slow++
    } else {
      active++
      host.active++
    }
    running.add(run)
    watch ??= setInterval(look, MOMENT / 2).unref()
    task.send().then(
      result => finish(name, host, run, result.busy),
      () => finish(name, host, run, true)
    )
  }

  const pump = () => {
    for (let left = ready.length; left > 0 && ready.length > 0; left--) {
      const name = ready.shift()!
      const host = hosts.get(name)
      if (host === undefined) continue
      host.queued = false
      while (host.quick.length > 0 && host.active < host.limit && active < ALL) start(name, host, host.quick.shift()!)
      while (host.late.length > 0 && host.slow < MOST && slow < ALL_SLOW) start(name, host, host.late.shift()!)
      // waiting for a place that belongs to all: keep a place in the row
      if ((host.quick.length > 0 && host.active < host.limit) || (host.late.length > 0 && host.slow < MOST)) wake(name, host)
    }
  }

  return {
    /**
     * Sends when there is a place. `send` does not throw: it tells how it went. Resolves with the milliseconds that it took.
     * @param host name and port @param late whether this one was slow last time
     */
    run: (host: string, late: boolean, send: () => Promise<SendResult>): Promise<number> =>
      new Promise(done => {
        const state = hostOf(host)
        const task = { send, begun: 0, slow: late, done }
        if (late) state.late.push(task)
        else state.quick.push(task)
        wake(host, state)
        pump()
      }),
    size: () => ({ hosts: hosts.size, active, slow })
  }
}
