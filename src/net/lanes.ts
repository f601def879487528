/**
 * How many things are sent at once, and to whom (H8). Each host (name and port) begins with two at a time; the number grows
 * while answers are quick, up to 64, and is halved by a time-out or a failing server. A send that is still waiting for its answer
 * after a moment leaves its place to others and goes on in the slow lane; whoever took more than a second last time begins there.
 * So nobody waits for the slow.
 */
export type Lanes = ReturnType<typeof makeLanes>

/** What the sender says of its send: `busy` when the host failed or did not answer in time. */
export type SendResult = { busy: boolean }

type Task = { host: Host; send: () => Promise<SendResult>; begun: number; done: (tookMs: number) => void }

/** One of the two lanes of a host: what waits, and how many are under way. `queued`: the host stands in the row for a place. */
type Lane = { waiting: Task[]; active: number; queued: boolean }
type Host = { name: string; limit: number; halvedAt: number; quick: Lane; slow: Lane }
type Speed = 'quick' | 'slow'

const FIRST = 2
const MOST = 64
const ALL = { quick: 256, slow: 512 }
const MOMENT = 100

/** @param clock milliseconds */
export function makeLanes(clock: () => number) {
  const hosts = new Map<string, Host>()
  const rows: Record<Speed, Host[]> = { quick: [], slow: [] }
  const active = { quick: 0, slow: 0 }
  const hurried = new Set<Task>()
  let watch: NodeJS.Timeout | undefined

  const hostOf = (name: string): Host => {
    const known = hosts.get(name)
    if (known !== undefined) return known
    const lane = (): Lane => ({ waiting: [], active: 0, queued: false })
    const host = { name, limit: FIRST, halvedAt: 0, quick: lane(), slow: lane() }
    hosts.set(name, host)
    return host
  }

  const hasRoom = (host: Host, speed: Speed) =>
    host[speed].waiting.length > 0 && host[speed].active < (speed === 'quick' ? host.limit : MOST)

  /** A host that could send stands in the row of its lane, once. */
  const queue = (host: Host, speed: Speed) => {
    const lane = host[speed]
    if (lane.queued || !hasRoom(host, speed)) return
    lane.queued = true
    rows[speed].push(host)
  }

  /** Gives the free places away, one a host in turn. */
  const pump = (speed: Speed) => {
    while (active[speed] < ALL[speed]) {
      const host = rows[speed].shift()
      if (host === undefined) return
      host[speed].queued = false
      if (hasRoom(host, speed)) start(host, speed)
      queue(host, speed)
    }
  }

  const start = (host: Host, speed: Speed) => {
    const task = host[speed].waiting.shift()!
    task.begun = clock()
    count(task, speed, 1)
    if (speed === 'quick') {
      hurried.add(task)
      watch ??= setInterval(look, MOMENT / 2).unref()
    }
    task.send().then(
      result => finish(task, result.busy),
      () => finish(task, true)
    )
  }

  const count = ({ host }: Task, speed: Speed, by: 1 | -1) => {
    active[speed] += by
    host[speed].active += by
  }

  /** Sends that have become slow give their places back. One clock for all, not a timer each. */
  const look = () => {
    const late = clock() - MOMENT
    for (const task of hurried) {
      if (task.begun > late) continue
      hurried.delete(task)
      count(task, 'quick', -1)
      count(task, 'slow', 1)
      queue(task.host, 'quick')
    }
    pump('quick')
    if (hurried.size > 0) return
    clearInterval(watch)
    watch = undefined
  }

  const finish = (task: Task, busy: boolean) => {
    const { host } = task
    const now = clock()
    const speed = hurried.delete(task) ? 'quick' : 'slow'
    count(task, speed, -1)
    // those that were under way together fail together: that halves it once
    if (busy && now - host.halvedAt > 500) Object.assign(host, { limit: Math.max(FIRST, host.limit >> 1), halvedAt: now })
    if (!busy && speed === 'quick') host.limit = Math.min(MOST, host.limit + 1)
    task.done(now - task.begun)
    const isIdle = ({ active, waiting }: Lane) => active === 0 && waiting.length === 0
    if (isIdle(host.quick) && isIdle(host.slow)) hosts.delete(host.name)
    queue(host, 'quick')
    queue(host, 'slow')
    pump('quick')
    pump('slow')
  }

  return {
    /**
     * Sends when there is a place. `send` tells how it went; if it throws, that is as if the host had failed. Resolves with the
     * milliseconds that it took.
     * @param name host and port @param late whether this one was slow last time
     */
    run: (name: string, late: boolean, send: () => Promise<SendResult>): Promise<number> =>
      new Promise(done => {
        const host = hostOf(name)
        const speed = late ? 'slow' : 'quick'
        host[speed].waiting.push({ host, send, begun: 0, done })
        queue(host, speed)
        pump(speed)
      }),
    size: () => ({ hosts: hosts.size, active: active.quick, slow: active.slow })
  }
}
