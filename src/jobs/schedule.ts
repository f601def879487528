/** What recurs: polls, renewals, retries, and the end of what has had its time. Every worker runs it; each row is taken by one. */
import { forgetEchoes } from '../federation/echo.ts'
import { queueImports } from '../federation/follow-list.ts'
import { readPushes } from '../federation/read-feed.ts'
import { verifyDue } from '../federation/verify.ts'
import { LOG_DAYS } from '../model/retries.ts'
import type { Tools } from '../tools.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
/** How much of one foreign topic may wait: a publisher who changes it all the time does not fill the disk (OPEN_HUB). */
const MOST_WAITING = 64 * 1024 * 1024
/** Bytes of other people's pictures that are kept. */
const MOST_PICTURES = 200 * 1024 * 1024
const STOP_MS = 5 * SECOND

type Round = { every: number; what: string; work: (tools: Tools) => Promise<unknown> }

const ROUNDS: Round[] = [
  { every: 2 * SECOND, what: 'deliver', work: deliverDue },
  { every: 2 * SECOND, what: 'ask hubs', work: askDue },
  { every: 2 * SECOND, what: 'poll feeds', work: pollDue },
  { every: 2 * SECOND, what: 'follow a list', work: queueImports },
  { every: 5 * SECOND, what: 'verify', work: verifyDue },
  { every: 10 * SECOND, what: 'read pushes', work: readLeft },
  { every: 5 * SECOND, what: 'make toots', work: tootDue },
  { every: 5 * SECOND, what: 'edit toots', work: editsDue },
  { every: 5 * SECOND, what: 'read threads of toots', work: threadsDue },
  { every: 10 * SECOND, what: 'look for blogs', work: blogsDue },
  { every: MINUTE, what: 'check pages', work: pagesDue },
  { every: MINUTE, what: 'end leases', work: endLeases },
  { every: MINUTE, what: 'free documents', work: freeDocuments },
  { every: 60 * MINUTE, what: 'forget', work: forget }
]

/** Begins all rounds. The answer stops them: those under way are finished, for `timeout` milliseconds at most. */
export function startSchedule(tools: Tools): (timeout?: number) => Promise<void> {
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
  return async (timeout = STOP_MS) => {
    for (const timer of timers) clearInterval(timer)
    await Promise.race([Promise.all(running), new Promise(late => setTimeout(late, timeout).unref())])
  }
}

const later = (tools: Tools, milliseconds: number) => new Date(tools.clock().getTime() + milliseconds)

/** In one commit: an address whose worker died is found once, and would be lost between the finding and the queue. */
async function deliverDue(tools: Tools): Promise<void> {
  await tools.transaction(async ({ queue, recipients }) => {
    const due = await recipients.takeDue(tools.clock(), later(tools, 10 * MINUTE), 500)
    if (due.length > 0) await queue.addMany('deliver', [{ recipients: due }])
  })
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

async function tootDue(tools: Tools): Promise<void> {
  const due = await tools.toots.takeDue(tools.clock(), later(tools, 10 * MINUTE), 20)
  await tools.queue.addMany(
    'toot.make',
    due.map(toot => ({ toot }))
  )
}

async function editsDue(tools: Tools): Promise<void> {
  const due = await tools.toots.takeEdits(tools.clock(), later(tools, 10 * MINUTE), 20)
  await tools.queue.addMany(
    'toot.edit',
    due.map(toot => ({ toot }))
  )
}

async function threadsDue(tools: Tools): Promise<void> {
  const due = await tools.toots.takePolls(tools.clock(), later(tools, 10 * MINUTE), 20)
  await tools.queue.addMany(
    'toot.poll',
    due.map(toot => ({ toot }))
  )
}

async function blogsDue(tools: Tools): Promise<void> {
  const due = await tools.blogs.takeDue(tools.clock(), later(tools, 60 * MINUTE))
  await tools.queue.addMany(
    'blog.find',
    due.map(account => ({ account }))
  )
}

async function pagesDue(tools: Tools): Promise<void> {
  const due = await tools.blogs.takeChecks(tools.clock(), later(tools, 60 * MINUTE), 50)
  await tools.queue.addMany(
    'entry.check',
    due.map(entry => ({ entry }))
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

/** First what was dropped a round ago or before: nobody can be about to send it. */
async function freeDocuments(tools: Tools): Promise<void> {
  const ours = `${tools.config.publicUrl}/`
  await tools.deliveries.emptySettled(later(tools, -60 * MINUTE), ours)
  await tools.deliveries.dropExcess(MOST_WAITING, ours, tools.clock())
}

async function forget(tools: Tools): Promise<void> {
  const { clock, config, connections, deliveries, history, pictures, refusals, sessions, settings, subscribers, topics, transaction } =
    tools
  const now = clock()
  await subscribers.removeExpired(now)
  await deliveries.forget(later(tools, -LOG_DAYS * DAY))
  await refusals.forget(later(tools, -LOG_DAYS * DAY))
  await transaction(stores => stores.recipients.forget())
  await topics.forget(later(tools, -DAY))
  await sessions.forget(now)
  await connections.forget(now)
  await pictures.shrink(MOST_PICTURES)
  await forgetEchoes({ clock, settings })
  if (config.retentionDays === 0) return
  while ((await history.forget(later(tools, -config.retentionDays * DAY), 1000)) === 1000);
}
