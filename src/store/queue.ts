import { fromKnex, type PgBoss } from 'pg-boss'
import type { Db } from './rows.ts'

/** Work for later: the name of each job and what it is given. */
export type Jobs = {
  /** Read a feed by fetching it. */
  'feed.poll': { subscription: string }
  /** Read what was pushed for a subscription. */
  'feed.push': { subscription: string }
  /** Read an older page of a feed. */
  'feed.older': { subscription: string }
  /** Ask a hub to subscribe or unsubscribe us. */
  'subscription.ask': { subscription: string }
  /** Tell everybody concerned of a post, its edit or its delete. */
  'post.announce': { post: string; act: 'post' | 'update' | 'delete' }
  /** Tell an external hub that a topic is new. */
  'hub.ping': { hub: string; topic: string }
  /** Verify requests at our hub that are due. */
  'hub.verify': Record<string, never>
  /** Fetch a topic of somebody else's that we are the hub of. */
  'hub.fetch': { topic: string }
  /** Deliver what waits for these addresses. */
  deliver: { recipients: string[] }
}
export type JobName = keyof Jobs
export type Job = { [Name in JobName]: { name: Name; data: Jobs[Name] } }[JobName]

/** How each kind is tried again: seconds before the first retry (doubled each time, at most `most`), and how often. */
export const POLICY: Record<JobName, { tries: number; pause: number; most: number }> = {
  'feed.poll': { tries: 0, pause: 60, most: 60 },
  'feed.push': { tries: 5, pause: 2, most: 600 },
  'feed.older': { tries: 4, pause: 60, most: 3600 },
  'subscription.ask': { tries: 3, pause: 5, most: 600 },
  'post.announce': { tries: 10, pause: 1, most: 3600 },
  'hub.ping': { tries: 8, pause: 5, most: 6 * 3600 },
  'hub.verify': { tries: 3, pause: 1, most: 60 },
  'hub.fetch': { tries: 6, pause: 2, most: 3600 },
  deliver: { tries: 5, pause: 1, most: 60 }
}

export type Queue = ReturnType<typeof makeQueue>

/** A job that was taken out: `retries` were made before, of `POLICY[name].tries`. */
export type Taken<Name extends JobName> = { data: Jobs[Name]; retries: number }

/** @param inside a transaction in which jobs are added, so that they exist if and only if it commits */
export function makeQueue(boss: PgBoss, inside?: Db) {
  const within = inside === undefined ? {} : { db: fromKnex(inside) }
  return {
    /** Puts one job into the queue; it is worked at once, or `after` a time. */
    async add<Name extends JobName>(name: Name, data: Jobs[Name], after?: Date): Promise<void> {
      await boss.send(name, data, { ...within, ...(after === undefined ? {} : { startAfter: after }) })
    },
    /** Takes jobs of one kind out, `width` at once, until `stop`. A handler that throws has its job tried again. */
    async work<Name extends JobName>(name: Name, width: number, handle: (job: Taken<Name>) => Promise<void>): Promise<void> {
      const options = { localConcurrency: width, batchSize: 1, includeMetadata: true, pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: 15 } as const
      await boss.work<Jobs[Name], void, typeof options>(name, options, async ([job]) => {
        if (job !== undefined) await handle({ data: job.data, retries: job.retryCount })
      })
    },
    /** Takes no more jobs and waits for those under way, for so many milliseconds at most. */
    async stop(timeout: number): Promise<void> {
      await boss.stop({ graceful: true, timeout, close: true })
    },
    async addMany<Name extends JobName>(name: Name, list: Jobs[Name][]): Promise<void> {
      if (list.length > 0)
        await boss.insert(
          name,
          list.map(data => ({ data })),
          within
        )
    }
  }
}

/** Makes the queues that are not there yet. Part of `migrate`. */
export async function makeQueues(boss: PgBoss): Promise<void> {
  for (const [name, { tries, pause, most }] of Object.entries(POLICY)) {
    const options = {
      retryLimit: tries,
      retryDelay: pause,
      retryBackoff: true,
      retryDelayMax: most,
      expireInSeconds: 900,
      heartbeatSeconds: 30,
      notify: true
    }
    if ((await boss.getQueue(name)) === null) await boss.createQueue(name, options)
  }
}
