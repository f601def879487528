import type { Config } from './config.ts'
import type { Addresses } from './model/addresses.ts'
import type { Log } from './model/log.ts'
import type { Http } from './net/http.ts'
import type { Lanes } from './net/lanes.ts'
import type { Stores } from './store/stores.ts'

/** All that a verb may use. A verb takes it first and unpacks in its signature what it needs. */
export type Tools = Stores & {
  /** This process among those that work on one database: claims bear it. */
  worker: number
  lanes: Lanes
  config: Config
  addresses: Addresses
  clock: () => Date
  /** 0 (inclusive) to 1: pauses are spread by it. */
  random: () => number
  log: Log
  http: Http
  /** Hears of every change that a process of this node tells (`changes.tell`); `*` when some may have been missed. */
  onChange: (hear: (name: string) => void) => void
  /** The stores bound to one transaction: a change and the job that follows from it are kept together or not at all. */
  transaction: <T>(work: (stores: Stores) => Promise<T>) => Promise<T>
}

export type { Http, HttpAnswer, HttpRequest } from './net/http.ts'
export type { ActorFacts } from './store/actors.ts'
export type { Done } from './store/acts.ts'
export type { DeliveryFilter, Document, Listed, Outcome, Waiting } from './store/deliveries.ts'
export type { FollowCursor, Follower } from './store/follows.ts'
export type { Kept, NewPost } from './store/history.ts'
export type { Cursor, Page } from './store/newest.ts'
export type { Sum } from './store/outgoing.ts'
export type { Ping } from './store/pings.ts'
export { type Given, type Job, type JobName, type Jobs, jobSignal, type Taken } from './store/queue.ts'
export type { Read, ReadPlace } from './store/reading.ts'
export type { FailingHost, Health, HostCursor } from './store/recipients.ts'
export type { Refusal } from './store/refusals.ts'
export type { Stores } from './store/stores.ts'
export type { FeedCursor, ListedFeed, Push } from './store/subscriptions.ts'
export type { Fate } from './store/toots.ts'
export { MODERATED } from './store/verdicts.ts'
