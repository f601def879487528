/**
 * The vocabulary: what every protocol is translated into and out of. Nothing here knows how it is written on a wire.
 *
 * Everything a codec returns is a claim. It becomes a fact only in `federation/receive`, which holds it against the
 * sender that the carrier has proven.
 */

/** What is done. `undo` takes back the activity that is its object; `unknown` is anything that we have no name for. */
export type Verb =
  | 'post'
  | 'update'
  | 'delete'
  | 'share'
  | 'favourite'
  | 'follow'
  | 'request'
  | 'accept'
  | 'reject'
  | 'block'
  | 'join'
  | 'tag'
  | 'move'
  | 'quote'
  | 'flag'
  | 'undo'
  | 'unknown'

/** Who may read a post. `unlisted` is public but not announced; `followers` and `direct` are never shown publicly. */
export type Visibility = 'public' | 'unlisted' | 'followers' | 'direct'

export type Picture = { url: string; type?: string; width?: number; height?: number }

/** What somebody tells of themselves beside the bio: `html` may hold a link; it is sanitised. */
export type ProfileField = { name: string; html: string }

/**
 * A person (or group) as a document describes them.
 * `ids` are all names under which the document identifies them, strongest first (I7): Atom id, uri, acct: from email, alternate link.
 */
export type Author = {
  ids: string[]
  kind: 'person' | 'group' | 'other'
  /** user@host from `email`, canonical, when it has that form. */
  acct?: string
  username?: string
  displayName?: string
  /** Plain text. */
  bio?: string
  /** Profile page, http(s). */
  url?: string
  avatar?: Picture
  location?: string
  homepage?: string
}

/** A file that belongs to a post. `length` in bytes; undefined when unknown. */
export type Enclosure = { url: string; type?: string; length?: number; title?: string }

/** A reference to something elsewhere: its id as written there, and where a browser finds it. At least one is present. */
export type Reference = { id?: string; url?: string }

export type PostKind = 'note' | 'comment' | 'article' | 'image' | 'video' | 'event' | 'other'

/** A post. `html` is as the document gave it: sanitised before it is kept, never before. */
export type Post = {
  id: string
  kind: PostKind
  author?: Author
  title?: string
  html: string
  /** Content warning, plain text (Mastodon's Atom `summary`). */
  warning?: string
  language?: string
  url?: string
  /** Atom entry document of this post. */
  atomUrl?: string
  /** ActivityPub id of the same post (X13). */
  activityUrl?: string
  published?: Date
  updated?: Date
  inReplyTo?: Reference
  conversation?: string
  mentions: string[]
  tags: string[]
  enclosures: Enclosure[]
  visibility: Visibility
  sensitive: boolean
}

export type ActivityObject =
  | { type: 'post'; post: Post }
  | { type: 'actor'; actor: Author }
  | { type: 'activity'; activity: Activity }
  | { type: 'nothing' }

/**
 * Somebody does something. For `post` the object is the post and `id` is the post's id; for `delete` the object is a post of
 * which only the id is known; for `share` the innermost shared post; for `favourite` the post; for `follow` the actor.
 */
export type Activity = {
  id: string
  verb: Verb
  /** Who is said to do it, with inheritance applied (I6). Undefined when the document names nobody. */
  actor?: Author
  /** How many authors the entry itself bears: a signed entry must bear exactly one (I4). */
  authors: number
  object: ActivityObject
  title?: string
  /** What the entry says of the activity ("ann favoured something by bob"); not sanitised. */
  html?: string
  published?: Date
  updated?: Date
  /** Where a browser finds it. */
  url?: string
  /** Feed from which the entry was copied (atom:source), if it says so. */
  source?: { id?: string; title?: string; author?: Author }
}

/** RFC 6721: somebody's post is gone. `by` is told, not proven. */
export type Tombstone = { ref: string; when?: Date; by?: string }

export type FeedLinks = {
  self: string[]
  hub: string[]
  salmon?: string
  alternate?: string
  next?: string
  prevArchive?: string
}

/** A feed document: an Atom feed, a bare Atom entry, RSS or JSON Feed, all alike. `activities` in document order. */
export type Feed = {
  format: 'atom' | 'entry' | 'rss' | 'json'
  id?: string
  title?: string
  subtitle?: string
  updated?: Date
  logo?: string
  author?: Author
  links: FeedLinks
  activities: Activity[]
  tombstones: Tombstone[]
  /** Entries that could not be read, or were over the limit of 200. */
  dropped: number
}

/** A resource descriptor (XRD or JRD) of an account or a host, whichever way it was written. */
export type DescriptorLink = {
  rel: string
  type?: string
  href?: string
  template?: string
  titles?: Record<string, string>
  properties?: Record<string, string | null>
}

export type Descriptor = {
  subject?: string
  aliases: string[]
  properties: [uri: string, value: string | null][]
  links: DescriptorLink[]
}

/** What an account's descriptor says, picked out (D10, D11). */
export type AccountLinks = {
  profile?: string
  feed?: string
  salmon?: string
  /** `magic-public-key` texts in the form RSA.n.e, four at most. */
  keys: string[]
  /** http(s) addresses from which a key must still be fetched. */
  keyUrls: string[]
  activityActor?: string
  subscribeTemplate?: string
  avatar?: string
}

/** One step of a discovery, as it is shown to people: what was asked, what answered, what was found in it. */
export type TraceStep = { step: string; url?: string; status?: number; type?: string; found?: string; failed?: string; ms?: number }
