import { fromKnex, type PgBoss } from 'pg-boss'
import { CHANNEL } from './changes.ts'
import type { Db } from './rows.ts'

/** Work for later: the name of each job and what it is given. */
export type Jobs = {
  /** Read a feed by fetching it. */
  'feed.poll': { subscription: string }
  /** Read what was pushed for a subscription. */
  'feed.push': { subscription: string }
  /** Read an older page of a feed. */
  'feed.older': { subscription: string }
  /** Follow one of a list that is imported. */
  'feed.follow': { import: string; place: number }
  /** Ask a hub to subscribe or unsubscribe us. */
  'subscription.ask': { subscription: string }
  /** Fetch what a post shares or answers from where it is; `left`: how many may follow from it, itself included. */
  'post.fetch': { post: string; left: number }
  /** Tell everybody concerned of a post, its edit or its delete. */
  'post.announce': { post: string; act: 'post' | 'update' | 'delete' }
  /** Answer whoever asked to follow an account of ours; `request`: the id of the question. */
  'salmon.authorize': { account: string; person: string; request: string; at: string }
  /** Answer a follow, its undoing or a wish to quote that came by ActivityPub: `activity` is the JSON of the question. */
  'inbox.answer': { account: string; person: string; activity: string; yes: boolean }
  /** Ask whoever an account wants to follow by ActivityPub; or tell them that it is over. */
  'activity.follow': { account: string; person: string; id: string; undo: boolean }
  /** Read the answers to a post of somebody's from their servers (its `replies` collection). */
  'replies.read': { post: string; url: string; left: number }
  /** Tell an external hub that a topic is new. */
  'hub.ping': { hub: string; topic: string }
  /** Verify requests at our hub that are due. */
  'hub.verify': Record<string, never>
  /** Tell subscribers that their subscription has ended. */
  'hub.deny': { topic: string; callbacks: string[]; reason: string }
  /** Fetch a topic of somebody else's that we are the hub of. */
  'hub.fetch': { topic: string }
  /** Look for the feed and the sitemap of an account's blog. */
  'blog.find': { account: string }
  /** Import the old posts of an account's blog, or find out which they are. */
  'blog.import': { account: string }
  /** Look whether the page of a blog post is still there. */
  'entry.check': { entry: string }
  /** Make the toot of a blog post, or bring it to its end. */
  'toot.make': { toot: string }
  /** Tell the server of the toot that the blog post was changed. */
  'toot.edit': { toot: string }
  /** Read what was answered to the toot. */
  'toot.poll': { toot: string }
  /** Look for what is wrong with the node. */
  doctor: Record<string, never>
  /** Deliver what waits for these addresses. */
  deliver: { recipients: string[] }
}
export type JobName = keyof Jobs
/** `after`: not worked before that time. */
export type Job = { [Name in JobName]: { name: Name; data: Jobs[Name]; after?: Date } }[JobName]

/** How each kind is tried again: seconds before the first retry (doubled each time, at most `most`), and how often. */
export const POLICY: Record<JobName, { tries: number; pause: number; most: number }> = {
  'feed.poll': { tries: 0, pause: 60, most: 60 },
  'feed.push': { tries: 5, pause: 2, most: 600 },
  'feed.older': { tries: 4, pause: 60, most: 3600 },
  'feed.follow': { tries: 0, pause: 60, most: 60 },
  'subscription.ask': { tries: 3, pause: 5, most: 600 },
  'post.fetch': { tries: 4, pause: 10, most: 3600 },
  'post.announce': { tries: 10, pause: 1, most: 3600 },
  'salmon.authorize': { tries: 5, pause: 1, most: 600 },
  'inbox.answer': { tries: 10, pause: 5, most: 6 * 3600 },
  'activity.follow': { tries: 10, pause: 5, most: 6 * 3600 },
  'replies.read': { tries: 3, pause: 60, most: 3600 },
  'hub.ping': { tries: 8, pause: 5, most: 6 * 3600 },
  'hub.verify': { tries: 3, pause: 1, most: 60 },
  'hub.deny': { tries: 3, pause: 1, most: 60 },
  'hub.fetch': { tries: 6, pause: 2, most: 3600 },
  'blog.find': { tries: 3, pause: 30, most: 3600 },
  'blog.import': { tries: 3, pause: 10, most: 600 },
  'entry.check': { tries: 0, pause: 60, most: 60 },
  'toot.make': { tries: 0, pause: 60, most: 60 },
  'toot.edit': { tries: 0, pause: 60, most: 60 },
  'toot.poll': { tries: 0, pause: 60, most: 60 },
  doctor: { tries: 0, pause: 60, most: 60 },
  deliver: { tries: 5, pause: 1, most: 60 }
}

export type Queue = ReturnType<typeof makeQueue>

/** What a job is given, and how often it was put off before. */
export type Given<Name extends JobName> = Jobs[Name] & { putOff?: number }

/** A job that was taken out: `retries` were made before, of `POLICY[name].tries`. */
export type Taken<Name extends JobName> = { id: string; data: Given<Name>; retries: number }

/** What `changes` tells when a job of a kind was added. */
export const jobSignal = (name: JobName): string => `job:${name}`

/**
 * Jobs, kept by pg-boss. Those that are added wake the workers when the transaction commits.
 * @param db a transaction in which jobs are added, so that they exist if and only if it commits; or the database itself
 */
export function makeQueue(boss: PgBoss, db: Db) {
  const within = 'isTransaction' in db && db.isTransaction ? { db: fromKnex(db) } : {}
  const wake = (name: JobName) => db.raw('select pg_notify(?, ?)', [CHANNEL, jobSignal(name)])
  const attempt = ({ id, retries }: { id: string; retries: number }) => ({ id, retryCount: retries })
  return {
    /** Puts one job into the queue; it is worked at once, or `after` a time. */
    async add<Name extends JobName>(name: Name, data: Jobs[Name], after?: Date): Promise<void> {
      await boss.send(name, data, { ...within, ...(after === undefined ? {} : { startAfter: after }) })
      if (after === undefined) await wake(name)
    },
    /** Puts a job off until a time that its other side has named. Answers false when it was tried as often as its kind may be. */
    async putOff<Name extends JobName>(name: Name, { data, retries }: Taken<Name>, until: Date): Promise<boolean> {
      const putOff = (data.putOff ?? 0) + retries + 1
      if (putOff > POLICY[name].tries) return false
      await boss.send(name, { ...data, putOff }, { ...within, startAfter: until })
      return true
    },
    async addMany<Name extends JobName>(name: Name, list: Jobs[Name][]): Promise<void> {
      if (list.length === 0) return
      await boss.insert(
        name,
        list.map(data => ({ data })),
        within
      )
      await wake(name)
    },
    /** Jobs of any kinds, with one statement for each kind. */
    async addAll(jobs: Job[]): Promise<void> {
      for (const [name, list] of Map.groupBy(jobs, job => job.name)) {
        await boss.insert(
          name,
          list.map(({ after, data }) => ({ data, ...(after === undefined ? {} : { startAfter: after }) })),
          within
        )
        if (list.some(({ after }) => after === undefined)) await wake(name)
      }
    },
    /** Takes up to `most` jobs out. They are this process's until settled; `keepAlive` must be called within 30 s, again and again. */
    async take<Name extends JobName>(name: Name, most: number): Promise<Taken<Name>[]> {
      const jobs = await boss.fetch<Given<Name>>(name, { batchSize: most, includeMetadata: true })
      return jobs.map(job => ({ id: job.id, data: job.data, retries: job.retryCount }))
    },
    done: async (name: JobName, jobs: Taken<JobName>[]): Promise<void> => {
      await boss.complete(name, jobs.map(attempt))
    },
    /** It failed: it comes again after the pause of its kind, or is parked after the last try. */
    again: async (name: JobName, job: Taken<JobName>, why: string): Promise<void> => {
      await boss.fail(name, [attempt(job)], { why })
    },
    keepAlive: async (name: JobName, jobs: Taken<JobName>[]): Promise<void> => {
      await boss.touch(name, jobs.map(attempt))
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
      heartbeatSeconds: 30
    }
    if ((await boss.getQueue(name)) === null) await boss.createQueue(name, options)
  }
}
