/** A node that reads: real stores, a clock that stands still, a written internet, and its queue worked by hand. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { type Followed, follow } from '../../src/federation/follow.ts'
import { pollFeed, readOlder, readPushes } from '../../src/federation/read-feed.ts'
import { askHub, confirm, takeContent } from '../../src/federation/subscribe.ts'
import { isFailure, Missing } from '../../src/model/errors.ts'
import type { KeptPost, Subscription } from '../../src/model/kept.ts'
import { signBody } from '../../src/protocol/hub.ts'
import type { JobName, Jobs, Tools } from '../../src/tools.ts'
import { authorXml, feedXml, linkXml } from './atom-documents.ts'
import { makeInternet, type PageOf, type Sent } from './internet.ts'
import { startNode } from './node.ts'

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export type Reader = Awaited<ReturnType<typeof startReader>>
export type Site = ReturnType<typeof makeSite>

/** @param env settings over those of a node at https://reader.example, where bob lives */
export async function startReader(env: Record<string, string> = {}) {
  // behind the queue, which keeps the time of the database: what is to be done later is done when the queue is worked
  const time = { now: Date.parse('2026-01-10T12:00:00Z') }
  const net = makeInternet()
  const overrides = { clock: () => new Date(time.now), http: net.http, random: () => 0.5 }
  const node = await startNode({ env: { PUBLIC_URL: 'https://reader.example', ...env }, accounts: ['bob'], work: false, overrides })
  const { tools } = node
  const bob = await findAccount(tools, 'bob')
  const reader = {
    ...{ node, tools, net, time, bob, close: () => node.close() },
    /** Lets time go by. @param ms */
    pass(ms: number): Date {
      time.now += ms
      return new Date(time.now)
    },
    /** How far away a time is. */
    inHours: (date: Date | undefined): number | undefined => (date === undefined ? undefined : (date.getTime() - time.now) / HOUR),
    work: () => workQueue(tools),
    follow: (input: string, options: { hub?: string } = {}): Promise<Followed> => follow(tools, input, { as: bob, ...options }),
    /** Takes what is due to be polled and to be asked, as the schedule does, and does it. */
    async tick(): Promise<void> {
      await tools.subscriptions.expire(tools.clock())
      const { queue, subscriptions } = tools
      for (const id of await subscriptions.takeAsks(tools.clock(), new Date(time.now + 10 * MINUTE), 50))
        await queue.add('subscription.ask', { subscription: id })
      for (const id of await subscriptions.takePolls(tools.clock(), 0.5, 50)) await queue.add('feed.poll', { subscription: id })
      await workQueue(tools)
    },
    post: (uri: string): Promise<KeptPost | undefined> => tools.history.findByUri(uri),
    site: (name: string): Site => makeSite(reader, name)
  }
  return reader
}

type Needs = { tools: Tools; net: ReturnType<typeof makeInternet>; follow: (input: string) => Promise<Followed>; work: () => Promise<void> }

/** ann, with a feed and a hub at NAME.example. */
function makeSite({ follow, net, tools, work }: Needs, name: string) {
  const origin = `https://${name}.example`
  const [author, hub] = [`${origin}/users/ann`, `${origin}/hub`]
  const feed = `${author}.atom`
  const asked: URLSearchParams[] = []
  const head = `<id>${feed}</id><title>ann’s</title>${authorXml(author)}${linkXml('self', feed)}${linkXml('hub', hub)}`
  const answer = (status: number) => (sent: Sent) => {
    asked.push(new URLSearchParams(sent.body))
    return { status }
  }
  net.set(`POST ${hub}`, answer(202))
  const site = {
    ...{ origin, author, feed, hub, asked, head },
    id: (n: number | string) => `${origin}/posts/${n}`,
    /** An entry: its number is the minute in which it was published. */
    entry: (n: number, text = `post ${n}`, more = '', updated = n) =>
      `<entry><id>${origin}/posts/${n}</id><published>${minute(n)}</published><updated>${minute(updated)}</updated>` +
      `<content type="html">&lt;p&gt;${text}&lt;/p&gt;</content>${more}</entry>`,
    document: (entries: string, own = head) => feedXml(own + entries),
    /** What the feed says from now on. */
    write(entries: string, headers: Record<string, string> = {}, own = head): void {
      net.set(feed, { headers: { 'content-type': 'application/atom+xml', ...headers }, body: feedXml(own + entries) })
    },
    page: (page: PageOf) => net.set(feed, page),
    /** What the hub answers from now on, and does before it answers. */
    hubAnswers: (status: number, before?: () => Promise<unknown>, headers: Record<string, string> = {}) =>
      net.set(`POST ${hub}`, async sent => {
        answer(status)(sent)
        await before?.()
        return { status, headers }
      }),
    subscription: async (): Promise<Subscription> =>
      (await tools.subscriptions.findByTopic(feed)) ?? assert.fail(`no subscription of ${feed}`),
    /** The hub's question. */
    async verify(fields: Record<string, string> = {}): Promise<string> {
      const { token, topic } = await site.subscription()
      const query = { 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.challenge': 'c4f3', 'hub.lease_seconds': '604800', ...fields }
      return confirm(tools, token, new URLSearchParams(query))
    },
    /** Followed and asked, and not verified. */
    async ask(entries = ''): Promise<void> {
      site.write(entries)
      await follow(feed)
      await work()
    },
    /** Followed, asked and verified. */
    async active(entries = ''): Promise<Subscription> {
      await site.ask(entries)
      await site.verify()
      return site.subscription()
    },
    /** What the hub pushes, signed unless told otherwise; the answer to it is awaited, the reading of it not. */
    async deliver(document: string | Buffer, signature?: string): Promise<void> {
      const { secret, token } = await site.subscription()
      const body = Buffer.from(document)
      await takeContent(tools, token, body, {
        contentType: 'application/atom+xml',
        signature: signature ?? signBody('sha256', secret, body)
      })
    },
    async push(entries: string): Promise<void> {
      await site.deliver(feedXml(head + entries))
      await work()
    },
    poll: async (): Promise<void> => pollFeed(tools, (await site.subscription()).id),
    async kept(): Promise<KeptPost[]> {
      const actor = await tools.actors.findByUri(author)
      return actor === undefined ? [] : tools.timelines.all({ limit: 1000 }, actor.id)
    }
  }
  return site
}

/** How content comes, what is waited for, and the path of the hub. */
export const stateOf = ({ hub, pendingMode, state }: Subscription) => [state, pendingMode, hub && new URL(hub).pathname]

/** For `assert.rejects`: there is no such thing. */
export const missing = (status: number) => (error: unknown) => error instanceof Missing && error.status === status

/** 2026-01-01, so many minutes after midnight. */
export const minute = (n: number): string => new Date(Date.parse('2026-01-01T00:00:00Z') + n * MINUTE).toISOString()

type Verbs = { [Name in JobName]?: (tools: Tools, data: Jobs[Name]) => Promise<void> }
const VERBS: Verbs = {
  'feed.poll': (tools, { subscription }) => pollFeed(tools, subscription),
  'feed.push': (tools, { subscription }) => readPushes(tools, subscription),
  'feed.older': (tools, { subscription }) => readOlder(tools, subscription),
  'subscription.ask': (tools, { subscription }) => askHub(tools, subscription)
}

/** Does what the queue holds, until it holds nothing. What peers do wrong is dropped, a defect of ours is thrown. */
async function workQueue(tools: Tools): Promise<void> {
  for (let busy = true; busy; ) {
    busy = false
    for (const name of Object.keys(VERBS) as JobName[]) {
      for (const job of await tools.queue.take(name, 100)) {
        busy = true
        await VERBS[name]?.(tools, job.data as never).catch(error => {
          if (!isFailure(error)) throw error
        })
        await tools.queue.done(name, [job])
      }
    }
  }
}
