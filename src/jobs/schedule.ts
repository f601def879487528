/** What recurs: polls, renewals, retries, and the end of what has had its time. Every worker runs it; each row is taken by one. */
import { deliver } from '../federation/deliver.ts'
import { readPushes } from '../federation/read-feed.ts'
import { verifyDue } from '../federation/verify.ts'
import type { Tools } from '../tools.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
const LOG_DAYS = 14

type Round = { every: number; what: string; work: (tools: Tools) => Promise<unknown> }

const ROUNDS: Round[] = [
  { every: 2 * SECOND, what: 'deliver', work: deliverDue },
  { every: 2 * SECOND, what: 'ask hubs', work: askDue },
  { every: 2 * SECOND, what: 'poll feeds', work: pollDue },
  { every: 5 * SECOND, what: 'verify', work: verifyDue },
  { every: 10 * SECOND, what: 'read pushes', work: readLeft },
  { every: MINUTE, what: 'end leases', work: endLeases },
  { every: 60 * MINUTE, what: 'forget', work: forget }
]

/** Begins all rounds. The answer stops them and waits for those under way. */
export function startSchedule(tools: Tools): () => Promise<void> {
  const running = new Set<Promise<unknown>>()
  const timers = ROUNDS.map(round => {
    let busy = false
    return setInterval(() => {
      if (busy) return
      busy = true
      const turn = round
        .work(tools)
        .catch(error => tools.log.error({ error, round: round.what }, 'schedule'))
        .finally(() => {
          busy = false
          running.delete(turn)
        })
      running.add(turn)
    }, round.every)
  })
  return async () => {
    timers.map(clearInterval)
    await Promise.all(running)
  }
}

const later = (tools: Tools, milliseconds: number) => new Date(tools.clock().getTime() + milliseconds)

async function deliverDue(tools: Tools): Promise<void> {
  const due = await tools.recipients.takeDue(tools.clock(), later(tools, MINUTE), 500)
  if (due.length > 0) await deliver(tools, due)
}

async function askDue(tools: Tools): Promise<void> {
  const due = await tools.subscriptions.takeAsks(tools.clock(), later(tools, 10 * MINUTE), 50)
  await tools.queue.addMany(
    'subscription.ask',
    due.map(subscription => ({ subscription }))
  )
}

async function pollDue(tools: Tools): Promise<void> {
  const due = await tools.subscriptions.takePolls(tools.clock(), tools.random(), 50)
  await tools.queue.addMany(
    'feed.poll',
    due.map(subscription => ({ subscription }))
  )
}

/** What was pushed and not read: the worker that had it is gone. */
async function readLeft(tools: Tools): Promise<void> {
  for (const id of await tools.subscriptions.unread(later(tools, -10 * SECOND))) await readPushes(tools, id)
}

async function endLeases(tools: Tools): Promise<void> {
  await tools.subscriptions.expire(tools.clock())
  await tools.subscribers.forgetFailed(later(tools, -10 * MINUTE))
  await tools.deliveries.dropEnded(tools.clock())
}

async function forget(tools: Tools): Promise<void> {
  const { clock, config, deliveries, history, sessions, subscribers, topics, transaction } = tools
  const now = clock()
  await subscribers.removeExpired(now)
  await deliveries.forget(later(tools, -LOG_DAYS * DAY))
  await transaction(stores => stores.recipients.forget())
  await topics.forget(later(tools, -DAY))
  await sessions.forget(now)
  if (config.retentionDays === 0) return
  while ((await history.forget(later(tools, -config.retentionDays * DAY), 1000)) === 1000);
}
