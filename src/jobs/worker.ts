/** Job name -> verb; and what an outcome means: done, drop, or again (the table in architecture.md). */
import { announce } from '../federation/announce.ts'
import { answerActivity } from '../federation/answer.ts'
import { authorize } from '../federation/authorize.ts'
import { findBlog } from '../federation/blog.ts'
import { checkPage } from '../federation/check-page.ts'
import { readReplies } from '../federation/crawl-replies.ts'
import { deliver } from '../federation/deliver.ts'
import { fetchTopic, pingHub } from '../federation/distribute.ts'
import { runDoctorAlone } from '../federation/doctor.ts'
import { fetchMissing } from '../federation/fetch-missing.ts'
import { sendFollow } from '../federation/follow-inbox.ts'
import { followListed, queueImports } from '../federation/follow-list.ts'
import { runImport } from '../federation/import-run.ts'
import { pollFeed, readOlder, readPushes } from '../federation/read-feed.ts'
import { askHub } from '../federation/subscribe.ts'
import { editToot, makeToot } from '../federation/toot.ts'
import { readTootThread } from '../federation/toot-thread.ts'
import { tellDenied, verifyDue } from '../federation/verify.ts'
import { isFailure, Unreachable } from '../model/errors.ts'
import type { Given, JobName, Taken, Tools } from '../tools.ts'
import { startTaking } from './take.ts'

type Work = { [Name in JobName]: { width: number; verb: (tools: Tools, data: Given<Name>) => Promise<void> } }

/** Every kind of job: how many of it at once, and what is done. Those that wait for strangers are many: they hold up nobody else. */
const WORK: Work = {
  'feed.poll': { width: 4, verb: (tools, { subscription }) => pollFeed(tools, subscription) },
  'feed.push': { width: 4, verb: (tools, { subscription }) => readPushes(tools, subscription) },
  'feed.older': { width: 1, verb: (tools, { subscription }) => readOlder(tools, subscription) },
  'feed.follow': {
    width: 8,
    verb: async (tools, one) => {
      await followListed(tools, one)
      // the next at once, and not by the clock alone
      await queueImports(tools)
    }
  },
  'subscription.ask': { width: 4, verb: (tools, { subscription }) => askHub(tools, subscription) },
  'post.fetch': { width: 2, verb: fetchMissing },
  'post.announce': { width: 2, verb: (tools, { post, act }) => announce(tools, post, act) },
  'salmon.authorize': { width: 2, verb: authorize },
  'inbox.answer': { width: 4, verb: answerActivity },
  'activity.follow': { width: 4, verb: sendFollow },
  'replies.read': { width: 1, verb: readReplies },
  'hub.ping': { width: 8, verb: (tools, { hub, topic }) => pingHub(tools, hub, topic) },
  'hub.verify': { width: 2, verb: tools => verifyDue(tools) },
  'hub.deny': { width: 2, verb: (tools, { topic, callbacks, reason }) => tellDenied(tools, topic, callbacks, reason) },
  'hub.fetch': { width: 32, verb: (tools, { topic }) => fetchTopic(tools, topic) },
  'blog.find': { width: 2, verb: async (tools, { account }) => void (await findBlog(tools, account)) },
  'blog.import': { width: 1, verb: (tools, { account }) => runImport(tools, account) },
  'entry.check': { width: 2, verb: (tools, { entry }) => checkPage(tools, entry) },
  'toot.make': { width: 2, verb: (tools, { toot }) => makeToot(tools, toot) },
  'toot.edit': { width: 1, verb: (tools, { toot }) => editToot(tools, toot) },
  'toot.poll': { width: 2, verb: (tools, { toot }) => readTootThread(tools, toot) },
  doctor: { width: 1, verb: runDoctorAlone },
  deliver: { width: 32, verb: (tools, { recipients }) => deliver(tools, recipients) }
}

/** Begins to take jobs out of the queue. The answer stops it: what is in hand is finished, for `timeout` milliseconds at most. */
export function startWorker(tools: Tools): (timeout: number) => Promise<void> {
  const begin = <Name extends JobName>(name: Name) => startTaking(tools, name, WORK[name].width, job => carryOut(tools, name, job))
  const stops = (Object.keys(WORK) as JobName[]).map(name => begin(name))
  return async timeout => {
    await Promise.race([Promise.all(stops.map(stop => stop())), new Promise(late => setTimeout(late, timeout).unref())])
  }
}

/** One job. Throws when it is to be tried again, by the queue's own growing pauses. */
async function carryOut<Name extends JobName>(tools: Tools, name: Name, job: Taken<Name>): Promise<void> {
  const { clock, log, queue } = tools
  const { data, retries } = job
  const begun = clock().getTime()
  const line = (outcome: string, more: object = {}) => ({ job: name, ...describe(data), outcome, ms: clock().getTime() - begun, ...more })
  try {
    await WORK[name].verb(tools, data)
    log.info(line('done'), 'job')
  } catch (error) {
    if (!isFailure(error)) {
      log.error(line('defect', { error, retries }), 'job')
      throw error
    }
    const why = { why: error.message }
    if (!(error instanceof Unreachable)) return log.info(line('dropped', why), 'job')
    const { retryAfter = 0 } = error
    const asked = new Date(clock().getTime() + Math.min(retryAfter, 86_400) * 1000)
    if (retryAfter > 0 && !(await queue.putOff(name, job, asked))) return log.info(line('given up', why), 'job')
    log.info(line('again', { ...why, retries }), 'job')
    if (retryAfter <= 0) throw error
  }
}

/** Characters that a log line tells of anything. */
const TOLD = 200

/** What a log line tells of a job: lists by their length, of a text its beginning. */
function describe(data: object): object {
  const tell = (value: unknown) => (Array.isArray(value) ? value.length : typeof value === 'string' ? value.slice(0, TOLD) : value)
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, tell(value)]))
}
