import type { Enclosure } from './activity.ts'

/** A post that is older when it is first seen is no news: nobody is told, nothing is tooted (W16). */
export const NEWS_MS = 7 * 86_400_000
/** For how long the toot of a post is somebody's to make: far shorter than a server keeps an Idempotency-Key (an hour). */
export const CLAIM_MS = 120_000

/** The blog of an account: what is read, and where it was found. */
export type Blog = {
  accountId: string
  url: string
  feedUrl?: string
  sitemapUrl?: string
  title?: string
  icon?: string
  language?: string
  /** Since when we know it: what it published before is history. */
  since: Date
  foundAt?: Date
  /** When its feed and sitemap are looked for (again). */
  findAt?: Date
  sitemapAt?: Date
  error?: string
  /** The owner named it: no other is looked for. */
  fixedFeed?: string
  oldImport?: OldImport
}

/**
 * The import of old posts from the page, or its rehearsal, as far as it has come. Times are ISO 8601. `done` of `posts` are written
 * down, `left` sitemaps must still be read; `taken` and `passed` are the first addresses that are posts, and that are none.
 */
export type OldImport = {
  state: 'running' | 'done' | 'failed'
  source: 'sitemap' | 'feed'
  url: string
  rehearsal: boolean
  at: string
  done: number
  posts: number
  left: number
  found: number
  fresh: number
  taken: string[]
  passed: string[]
  unread: { url: string; why: string }[]
  error?: string
}

/**
 * A post of a blog as its feed or its page tells it. `url` is its canonical address, `html` not yet sanitised. What a source does
 * not tell is absent.
 */
export type Told = {
  url: string
  source: 'feed' | 'page'
  guid?: string
  title?: string
  /** Plain text. */
  summary?: string
  html?: string
  /** Lower case, without `#`. */
  tags: string[]
  /** `alt` is plain text. */
  image?: { url: string; type?: string; alt?: string }
  enclosures: Enclosure[]
  author?: string
  language?: string
  published?: Date
  updated?: Date
}

/** A post of a blog, whatever found it. `key` is the key of its canonical address (protocol/blog-address). */
export type Entry = {
  key: string
  accountId: string
  url: string
  guid?: string
  postId: string
  /** The best source that told it: what a page tells never replaces what the feed told. */
  source: 'feed' | 'page'
  /** It was told to everybody; else it is history. */
  news: boolean
  seenAt: Date
  /** Told to everybody from then on (PUBLISH_DELAY). */
  announceAt?: Date
  /** The newest change that its feed told of: an older document changes nothing. */
  toldAt?: Date
  /** When its page is looked at again, and since when it is missing. */
  checkAt?: Date
  missingAt?: Date
}

/**
 * The toot of a blog post. `wanted` waits for its time or for the budget, `claimed` is being made, `old` is never made.
 * `tootId` is a string of digits, too long for a number.
 */
export type Toot = {
  key: string
  accountId: string
  url: string
  state: 'wanted' | 'claimed' | 'posted' | 'old' | 'dry-run'
  tootId?: string
  tootUrl?: string
  /** Origin of the instance, and the account's name on it. */
  host?: string
  username?: string
  /** Other than the setting: old posts may be tooted unlisted. */
  visibility?: Visibility
  /** What was tooted, or may have been: it is written down before the instance is asked. An edit that changes it is told there. */
  text?: string
  /** Whose title stands in it. */
  titleFrom?: 'feed' | 'page'
  /** Digest of all that was asked of the instance: when it has refused that for good, it is asked again by the clock only. */
  asked?: string
  dueAt?: Date
  claimedUntil?: Date
  /** How often it was begun: from the second time on the instance is asked first whether it is there. */
  attempts: number
  createdAt: Date
  tootedAt?: Date
  status?: number
  error?: string
  /** When the instance is to be told of an edit, and how often that has failed. */
  editAt?: Date
  editFailures: number
  pollAt?: Date
  polledAt?: Date
  pollFailures: number
  favourites: number
  shares: number
}

export type Visibility = 'public' | 'unlisted' | 'private' | 'direct'

/** An account of the owner on a Mastodon server. `token` in clear: it is sealed at rest. */
export type Connection = {
  accountId: string
  /** An origin: `https://mastodon.example`. */
  host: string
  token: string
  clientId?: string
  clientSecret?: string
  scope?: string
  /** Its id on that server. */
  mastodonId?: string
  username?: string
  url?: string
  avatar?: string
  /** `revoked`: the server refuses the token, toots wait. */
  state: 'ok' | 'revoked'
  error?: string
  connectedAt: Date
}

/** Somebody as a Mastodon server describes them. `handle` is user@host in lower case. */
export type Person = { handle: string; name: string; uri: string; url: string; avatar?: string }

/** An answer in the thread of a toot, as the server of the toot tells it; `html` is sanitised. */
export type Answer = {
  /** Id on that server. */
  id: string
  uri: string
  url: string
  /** Id of what it answers, on that server. */
  parentId?: string
  person: Person
  html: string
  language?: string
  published: Date
  updated?: Date
  visibility: Visibility
}

/** Somebody favoured or shared the toot. */
export type Reaction = { verb: 'favourite' | 'share'; person: Person }

/** What the owner decided of a comment (by its URI), a person (`acct:user@host` or URI) or a host (`host:example.com`). */
export type Verdict = { subject: string; verdict: 'approved' | 'hidden' | 'blocked'; at: Date }

/** A picture of somebody, by the id of its row. `body` is absent until it was fetched. */
export type StoredPicture = {
  id: string
  url: string
  type?: string
  body?: Buffer
  etag?: string
  fetchedAt?: Date
  usedAt?: Date
  error?: string
}
