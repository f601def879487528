/** A hub whose subscribers are written: real stores, a clock that stands still, and its queue worked by hand. */
import { findAccount } from '../../src/federation/accounts.ts'
import { announce } from '../../src/federation/announce.ts'
import { answerActivity } from '../../src/federation/answer.ts'
import { deliver } from '../../src/federation/deliver.ts'
import { fetchTopic, pingHub } from '../../src/federation/distribute.ts'
import { sendFollow } from '../../src/federation/follow-inbox.ts'
import { makeHub } from '../../src/federation/hub.ts'
import { publish } from '../../src/federation/publish.ts'
import { tellDenied, verifyDue } from '../../src/federation/verify.ts'
import { Unreachable } from '../../src/model/errors.ts'
import type { KeptPost } from '../../src/model/kept.ts'
import { makeGuard } from '../../src/net/guard.ts'
import type { HttpAnswer, JobName, Jobs, Tools } from '../../src/tools.ts'
import { startNode } from './node.ts'

export type Knock = { method: string; url: string; query: URLSearchParams; headers: Record<string, string>; body: string }
export type Reply = { status?: number; body?: string; headers?: Record<string, string>; error?: Error }
export type Answer = (knock: Knock) => Reply | Promise<Reply>

/** Somebody with a callback: what came there by GET and by POST, and how it answers. */
export type WrittenSubscriber = { callback: string; asked: Knock[]; got: Knock[]; onGet: Answer; onPost: Answer }

export type WrittenHub = Awaited<ReturnType<typeof startHub>>

const echo: Answer = ({ query }) => ({ body: query.get('hub.challenge') ?? '' })

/** Addresses without their query -> who answers there. Anything else does not exist. */
function writtenHttp(subscribers: Map<string, WrittenSubscriber>): Tools['http'] {
  const guard = makeGuard({ allow: [] })
  const request: Tools['http']['request'] = async (address, { method = 'GET', headers: plain = {}, body = '', sign } = {}) => {
    const url = guard.checkUrl(address)
    const headers = { ...plain, ...sign?.(url) }
    const subscriber = subscribers.get(url.origin + url.pathname)
    if (subscriber === undefined) throw new Unreachable(`There is no ${url.host}.`)
    const knock = { method, url: address, query: url.searchParams, headers, body: body.toString() }
    const [list, answer] = method === 'POST' ? [subscriber.got, subscriber.onPost] : [subscriber.asked, subscriber.onGet]
    list.push(knock)
    const reply = await answer(knock)
    if (reply.error !== undefined) throw reply.error
    const found: HttpAnswer = {
      status: reply.status ?? 200,
      url: address,
      headers: reply.headers ?? {},
      body: Buffer.from(reply.body ?? ''),
      trusted: true,
      hops: []
    }
    return found
  }
  const refusal = (url: string) => {
    try {
      guard.checkUrl(url)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
  return { request, refusal, isListed: async () => false, certificate: async () => ({ validTo: new Date(0) }), close: async () => {} }
}

/** @param env settings over those of a hub at https://hub.example with the accounts ann and bob */
export async function startHub(env: Record<string, string> = {}) {
  const subscribers = new Map<string, WrittenSubscriber>()
  // far ahead of the queue, which keeps the time of the database: what is to be done later never comes by itself
  const time = { now: Date.parse('2036-03-01T12:00:00Z') }
  const overrides = { clock: () => new Date(time.now), http: writtenHttp(subscribers), random: () => 0.5 }
  const node = await startNode({ env: { PUBLIC_URL: 'https://hub.example', ...env }, accounts: ['ann', 'bob'], work: false, overrides })
  const { tools } = node
  const hub = makeHub(tools)
  const topic = tools.addresses.feed('ann')
  const ask = (fields: Record<string, string>) => hub(new URLSearchParams(fields))
  return {
    ...{ node, tools, time, topic, ask, close: () => node.close() },
    /** Lets time go by. @param ms */
    pass(ms: number): void {
      time.now += ms
    },
    work: () => workQueue(tools),
    /** Publishes a note of ann's, and tells everybody. */
    async publish(text: string): Promise<KeptPost> {
      const post = await publish(tools, await findAccount(tools, 'ann'), { text })
      await workQueue(tools)
      return post
    },
    /** Tries again what is due, as the schedule does. */
    retry: async () => deliver(tools, await tools.recipients.takeDue(tools.clock(), new Date(time.now + 60_000), 500)),
    /** Somebody at a callback (with its query), who echoes challenges and takes what comes, unless told otherwise. */
    subscriber(callback: string, answers: Partial<Pick<WrittenSubscriber, 'onGet' | 'onPost'>> = {}): WrittenSubscriber {
      const one = { callback, asked: [], got: [], onGet: echo, onPost: () => ({}), ...answers }
      const { origin, pathname } = new URL(callback)
      subscribers.set(origin + pathname, one)
      return one
    },
    /** Subscribes, and verifies at once. */
    async subscribe({ callback }: WrittenSubscriber, more: Record<string, string> = {}): Promise<void> {
      await ask({ 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.callback': callback, ...more })
      await workQueue(tools)
    }
  }
}

type Verbs = { [Name in JobName]?: (tools: Tools, data: Jobs[Name]) => Promise<void> }
const VERBS: Verbs = {
  'post.announce': (tools, { post, act }) => announce(tools, post, act),
  'hub.verify': tools => verifyDue(tools),
  'hub.deny': (tools, { topic, callbacks, reason }) => tellDenied(tools, topic, callbacks, reason),
  'hub.fetch': (tools, { topic }) => fetchTopic(tools, topic),
  'hub.ping': (tools, { hub, topic }) => pingHub(tools, hub, topic),
  'inbox.answer': answerActivity,
  'activity.follow': sendFollow,
  deliver: (tools, { recipients }) => deliver(tools, recipients)
}

/** Does what the queue holds for the hub, until it holds nothing. */
async function workQueue(tools: Tools): Promise<void> {
  for (let busy = true; busy; ) {
    busy = false
    for (const name of Object.keys(VERBS) as JobName[]) {
      const jobs = await tools.queue.take(name, 100)
      for (const { data } of jobs) await VERBS[name]?.(tools, data as never)
      if (jobs.length > 0) await tools.queue.done(name, jobs)
      busy ||= jobs.length > 0
    }
  }
}
