/** Namespaces, link relations and media types: every one that is written or compared anywhere (protocols.md section 0). */

export const NS = {
  atom: 'http://www.w3.org/2005/Atom',
  thr: 'http://purl.org/syndication/thread/1.0',
  activity: 'http://activitystrea.ms/spec/1.0/',
  poco: 'http://portablecontacts.net/spec/1.0',
  media: 'http://purl.org/syndication/atommedia',
  ostatus: 'http://ostatus.org/schema/1.0',
  tombstone: 'http://purl.org/atompub/tombstones/1.0',
  georss: 'http://www.georss.org/georss',
  mediaRss: 'http://search.yahoo.com/mrss',
  rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
  statusnet: 'http://status.net/schema/api/1/',
  mastodon: 'http://mastodon.social/schema/1.0',
  magicEnvelope: 'http://salmon-protocol.org/ns/magic-env',
  magicKey: 'http://salmon-protocol.org/ns/magic-key',
  xrd: 'http://docs.oasis-open.org/ns/xri/xrd-1.0',
  hostMeta: 'http://host-meta.net/xrd/1.0',
  xhtml: 'http://www.w3.org/1999/xhtml',
  xml: 'http://www.w3.org/XML/1998/namespace'
} as const

export const SCHEMA = {
  activity: 'http://activitystrea.ms/schema/1.0/',
  ostatus: 'http://ostatus.org/schema/1.0/',
  mastodon: 'http://mastodon.social/schema/1.0/'
} as const

/** "Everybody" among the mentioned of an OStatus entry. */
export const PUBLIC_COLLECTION = 'http://activityschema.org/collection/public'

/** The namespace of ActivityStreams 2.0, and "everybody" among its addressees in the three ways of writing it. */
export const AS = 'https://www.w3.org/ns/activitystreams'
export const AS_PUBLIC: readonly string[] = [`${AS}#Public`, 'as:Public', 'Public']

export const REL = {
  lrdd: 'lrdd',
  profilePage: 'http://webfinger.net/rel/profile-page',
  updatesFrom: 'http://schemas.google.com/g/2010#updates-from',
  avatar: 'http://webfinger.net/rel/avatar',
  salmon: 'salmon',
  salmonReplies: 'http://salmon-protocol.org/ns/salmon-replies',
  salmonMention: 'http://salmon-protocol.org/ns/salmon-mention',
  magicKey: 'magic-public-key',
  subscribe: 'http://ostatus.org/schema/1.0/subscribe'
} as const

export const TYPE = {
  jrd: 'application/jrd+json',
  json: 'application/json',
  xrd: 'application/xrd+xml',
  xml: 'application/xml',
  atom: 'application/atom+xml',
  rss: 'application/rss+xml',
  jsonFeed: 'application/feed+json',
  html: 'text/html',
  activity: 'application/activity+json',
  form: 'application/x-www-form-urlencoded',
  magicEnvelope: 'application/magic-envelope+xml',
  magicEnvelopeJson: 'application/magic-envelope+json',
  magicEnvelopeCompact: 'application/magic-envelope'
} as const

/** Prefix of a magic key in a link (M6). */
export const MAGIC_KEY_DATA = 'data:application/magic-public-key,'

/** Limits of protocols.md section 0, in bytes, nodes and levels. */
export const LIMIT = {
  feedBytes: 5_000_000,
  feedNodes: 200_000,
  feedEntries: 200,
  messageBytes: 1_000_000,
  messageNodes: 50_000,
  payloadBytes: 700_000,
  descriptorBytes: 256_000,
  depth: 100,
  attributes: 1_000,
  contentBytes: 65_536
} as const
