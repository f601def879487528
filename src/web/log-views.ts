/** What the pages of the log are given to show. */
import type { Listed, ListedFeed, Refusal, Sum } from '../tools.ts'
import type { PersonView, PlaceView, TimeView } from './shown.ts'

/** The pages below `/log`, as its tabs name them. */
export type Part = 'posts' | 'feeds' | 'followers' | 'subscribers' | 'hosts' | 'refused'

/** What each page of the log is given: `done` names what was just done, `problem` says why it was not; `query` keeps the place in a list. */
export type LogView = { part: Part; done?: Done; problem?: string; query: string }

/** What a button did: `log.done_…` says it. */
export const DONE = ['retried', 'read', 'asked', 'accepted', 'dropped', 'pinged'] as const
export type Done = (typeof DONE)[number]

/** What a server answered last, in words; `told` is English where nobody has translated it. */
export type AnswerView = { status?: number; told?: string }

type Standing = Sum['state']

/** Deliveries of one kind: how many stand how. `hosts`: to how many hosts they go, where that is told. */
export type WayView = { kind: Sum['kind']; hosts?: number; counts: { state: Standing; count: number }[] }

/** How a toot stands. */
export type TootView = {
  state: 'posted' | 'waiting' | 'claimed' | 'old' | 'dry-run'
  /** What would have been tooted, of a rehearsal. */
  text?: string
  url?: string
  due?: TimeView
  answer?: AnswerView
  /** An edit that its server was not told of yet. */
  editDue?: TimeView
  mayRetry: boolean
}

/** How an external hub was told. `told`: since the post came. */
export type HubView = { hub: string; host: string; told: boolean; at?: TimeView; answer?: AnswerView }

/** Why nobody was told: it is for few, history, not yet due, too long ago, or there is nobody to be told. */
export type Quiet = 'private' | 'old' | 'later' | 'forgotten' | 'nobody'

export type LoggedPost = {
  id: string
  title: string
  shared: boolean
  as: string
  page?: string
  published: TimeView
  ways: WayView[]
  hubs: HubView[]
  toot?: TootView
  quiet?: Quiet
  /** From when on it is told. */
  from?: TimeView
}

/** `days`: for how long is kept where a post went; `hosts`, `feeds`, `refused`: how much is wrong elsewhere. */
export type LogPostsView = LogView & {
  posts: LoggedPost[]
  days: number
  older?: string
  hosts: number
  feeds: number
  refused: number
}

export type DeliveryView = {
  id: string
  kind: Listed['kind']
  host: string
  who?: string
  state: Standing
  attempts: number
  at: TimeView
  done?: TimeView
  again?: TimeView
  answer?: AnswerView
}

export type LogPostView = LogView & {
  post: LoggedPost
  days: number
  deliveries: DeliveryView[]
  /** Which of them are shown: those that failed, or all. */
  show: 'failed' | 'all'
  failed: number
  older?: string
}

/** `hub`: its host; `unread`: how often it could not be read lately; `missed`: news that its hub did not push. */
export type FeedView = {
  id: string
  name: string
  page?: string
  feed?: PlaceView
  url: string
  format?: NonNullable<ListedFeed['format']>
  state: ListedFeed['state']
  hub?: string
  lease?: TimeView
  pushed?: TimeView
  polled?: TimeView
  news?: TimeView
  nextPoll?: TimeView
  nextAsk?: TimeView
  unread: number
  badSignatures: number
  missed: number
  answer?: AnswerView
  mayRead: boolean
  mayAsk: boolean
}

export type LogFeedsView = LogView & { feeds: FeedView[]; byTrouble: boolean; older?: string }

/** How somebody is reached. `unknown`: nothing was sent yet. */
export type HealthView = {
  state: 'good' | 'failing' | 'unknown'
  host?: string
  last?: TimeView
  since?: TimeView
  again?: TimeView
  answer?: AnswerView
}

export type FollowerView = { id: string; person: PersonView; via: string; since: TimeView; health: HealthView; mayAccept: boolean }

export type LogFollowersView = LogView & {
  accounts: { name: string; path: string; isShown: boolean }[]
  as: string
  count: number
  subscribers: number
  followers: FollowerView[]
  older?: string
}

export type SubscriberView = {
  id: string
  host: string
  topic: string
  lease: TimeView
  since: TimeView
  health: HealthView
}

export type LogSubscribersView = LogView & { subscribers: SubscriberView[]; older?: string }

export type HostView = {
  host: string
  since: TimeView
  last?: TimeView
  again?: TimeView
  waiting: number
  answer?: AnswerView
}

export type LogHostsView = LogView & { hosts: HostView[]; older?: string }

/** `way`: by what it came; `who`: as whom somebody signed, or would have. */
export type RefusalView = {
  way: Refusal['way']
  who?: string
  page?: string
  path: string
  status: number
  told: string
  times: number
  at: TimeView
  first?: TimeView
}

export type LogRefusedView = LogView & { refusals: RefusalView[]; days: number }
