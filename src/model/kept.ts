import type { Enclosure, Feed, Picture, PostKind, ProfileField, TraceStep, Visibility } from './activity.ts'

/** Someone known: anyone who was discovered or seen in a document that they had the right to speak in. */
export type Actor = {
  id: string
  /** Their URI: the first id of the author in their own feed. Unique. */
  uri: string
  /** user@host, canonical. */
  acct?: string
  /** Present when they live here: NAME. */
  localName?: string
  kind: string
  username?: string
  displayName?: string
  bio?: string
  url?: string
  avatar?: Picture
  location?: string
  homepage?: string
  feedUrl?: string
  salmonUrl?: string
  /** Public magic keys, `RSA.n.e`. */
  keys: string[]
  keysAt?: Date
  /** When their host was asked last because a signature did not fit. */
  keysAskedAt?: Date
  /** What we know of them came by https, or from inside ALLOW_ADDRESSES. */
  trusted: boolean
  trace?: TraceStep[]
  createdAt: Date
  updatedAt: Date
  removedAt?: Date
  /** The owner wants to hear nothing of them. */
  blockedAt?: Date
  /** The best protocol by which they were met: it only rises (X19). */
  speaks: 'ostatus' | 'activitypub'
  inboxUrl?: string
  sharedInboxUrl?: string
  followersUrl?: string
  outboxUrl?: string
  /** By which they sign requests: SPKI in PEM form. */
  signingKeys: SigningKey[]
  /** When their ActivityPub document was read last. */
  documentAt?: Date
  movedTo?: string
  alsoKnownAs: string[]
  /** What they tell of themselves, by ActivityPub; only where one person is read. */
  fields?: ProfileField[]
  /** False: they do not want to be found by searching (FEP-5feb). */
  indexable?: boolean
}

export type SigningKey = { id: string; pem: string }

/** An actor that lives here. */
export type Account = Actor & { localName: string; acct: string; magicKey: string }

/** A post or a share as it is kept. `html` has been sanitised. A deleted one has `deletedAt` and no content. */
export type KeptPost = {
  id: string
  uri: string
  authorId: string
  verb: 'post' | 'share'
  kind: PostKind
  url?: string
  entryUrl?: string
  activityUrl?: string
  title?: string
  html: string
  warning?: string
  language?: string
  publishedAt: Date
  updatedAt: Date
  receivedAt: Date
  sortedAt: Date
  inReplyTo?: string
  inReplyToUrl?: string
  parentId?: string
  conversation?: string
  mentions: string[]
  tags: string[]
  enclosures: Enclosure[]
  visibility: Visibility
  sensitive: boolean
  sharedId?: string
  /** What was shared, as the sharer told it: not proven. */
  quoted?: Quoted
  edits: number
  deletedAt?: Date
}

export type Quoted = {
  uri?: string
  url?: string
  /** Atom entry document of the original. */
  entryUrl?: string
  authorUri?: string
  authorName?: string
  authorUrl?: string
  title?: string
  html: string
}

/** A post with its author, as lists show it. */
export type Shown = KeptPost & { author: Actor; shared?: KeptPost & { author: Actor } }

export type Version = { number: number; title?: string; html: string; updatedAt: Date; replacedAt: Date }

export type Follow = { followerId: string; followedId: string; via: string; uri?: string; createdAt: Date }

/** We, at theirs. `state` tells how content comes: `polling` has no working hub, `active` is pushed and polled once a day. */
export type Subscription = {
  id: string
  actorId?: string
  /** What is fetched. */
  url: string
  topic: string
  hubs: string[]
  hub?: string
  fixedHub?: string
  state: 'polling' | 'asking' | 'active' | 'denied' | 'expired' | 'gone' | 'ending' | 'ended'
  token: string
  secret: string
  /** Sent with a renewal: both count until the hub has confirmed it. */
  nextSecret?: string
  verifyToken?: string
  pendingMode?: 'subscribe' | 'unsubscribe'
  pendingAt?: Date
  leaseSeconds?: number
  expiresAt?: Date
  /** When the hub is to be asked (again). */
  askAt?: Date
  askFailures: number
  verifiedAt?: Date
  pushedAt?: Date
  badSignatures: number
  etag?: string
  lastModified?: string
  polledAt?: Date
  pollAt?: Date
  pollFailures: number
  newsAt?: Date
  /** Polls that found news which an active hub had not pushed. */
  newsMissed: number
  olderUrl?: string
  olderPages: number
  /** What it was when it was read last. */
  format?: Feed['format']
  status?: number
  error?: string
  endedAt?: Date
  createdAt: Date
}

/** They, at our hub. */
export type Subscriber = {
  id: string
  topic: string
  callback: string
  method: string
  leaseSeconds: number
  expiresAt: Date
  verifiedAt: Date
  retryAt?: Date
  failures: number
  succeededAt?: Date
  status?: number
  error?: string
}

/** A request at our hub that must still be verified. */
export type SignatureMethod = 'sha1' | 'sha256' | 'sha384' | 'sha512'

export type Verification = {
  mode: 'subscribe' | 'unsubscribe'
  topic: string
  /** The topic in the subscriber's own spelling. */
  topicAsked: string
  callback: string
  secret?: string
  method: SignatureMethod
  leaseSeconds?: number
  verifyToken?: string
}

export type PendingVerification = Verification & { id: string; version: number; attempts: number; createdAt: Date }

/** One thing that is to reach one address. */
export type Delivery = {
  id: string
  recipientId: string
  documentId: string
  subscriberId?: string
  attempts: number
  createdAt: Date
}

export type Recipient = {
  id: string
  kind: string
  url: string
  host: string
  failures: number
  failingSince?: Date
  slow: boolean
  succeededAt?: Date
  retryAt?: Date
}

/** How an address does to which things are delivered: `status` and `error` are what it answered last, when that failed. */
export type RecipientHealth = {
  host: string
  failures: number
  failingSince?: Date
  succeededAt?: Date
  retryAt?: Date
  status?: number
  error?: string
}
