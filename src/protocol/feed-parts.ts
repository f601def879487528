/** What our feeds are written from, whatever their format: the head of a feed, its entries, and the people in both. */
import type { Enclosure, Picture, PostKind, Reference, Tombstone, Verb } from '../model/activity.ts'
import { plainText } from './plain-text.ts'
import { stripIllegal } from './xml.ts'

/** A person as we show them. `handle` (user@host) and `page` (HTML) are always known of our own accounts. */
export type AuthorOut = {
  uri: string
  name: string
  handle?: string
  displayName?: string
  /** Plain text. */
  bio?: string
  page?: string
  avatar?: Picture
  homepage?: string
  location?: string
}

/** A post that somebody else may have written, as far as we know it. */
export type PostOut = {
  id: string
  kind: PostKind
  html: string
  title?: string
  language?: string
  url?: string
  published?: Date
  updated?: Date
  author?: AuthorOut
}

/** What an act is about. `request` is the wish to follow that `accept` and `reject` answer (X6). */
export type ObjectOut =
  | { type: 'post'; post: PostOut }
  | { type: 'person'; person: AuthorOut }
  | { type: 'request'; id: string; requester: AuthorOut; target: AuthorOut }

/** The feed that an entry was taken from (RFC 4287 4.2.11). */
export type SourceOut = { topic: string; title: string; page: string; updated: Date }

/**
 * An entry: a post, or an act with its `object`. A delete bears the id of what is gone; so does the undo of a share, which is
 * a delete of that share. An undo of a follow has a person as its object, an undo of a favourite has a post.
 */
export type EntryOut = {
  id: string
  verb: Verb
  kind: PostKind
  published: Date
  updated: Date
  title?: string
  html: string
  /** Content warning, plain text. */
  warning?: string
  language?: string
  /** HTML page. */
  url?: string
  /** This entry as a document of its own. */
  entryUrl?: string
  inReplyTo?: Reference
  conversation?: string
  /** Actor URIs. */
  mentions: string[]
  public: boolean
  tags: string[]
  enclosures: Enclosure[]
  object?: ObjectOut
  /** For Pleroma, which knows an unfollow only under the other base (X5). */
  forPleroma?: true
  author?: AuthorOut
  source?: SourceOut
}

/** What a feed says of itself. `topic`, the address of the document, is its id and its `self` too: one string (F1). */
export type FeedHead = {
  topic: string
  title: string
  subtitle?: string
  language?: string
  /** The newest change of an entry, never "now" (F3). */
  updated: Date
  logo?: string
  author: AuthorOut
  page: string
  next?: string
  first?: string
  previous?: string
  hubs: string[]
  salmon?: string
  generator?: { name: string; uri?: string; version: string }
  tombstones?: Tombstone[]
}

/** The title of an entry, never empty (F9): its own, else the start of its text, else who wrote it. */
export function entryTitle(entry: Pick<EntryOut, 'title' | 'html'>, author: AuthorOut): string {
  return stripIllegal(entry.title ?? '').trim() || textStart(entry.html, 80) || `New note by ${author.name}`
}

/** The first words of a piece of HTML as one line of plain text: at most `length` code points, with an ellipsis when cut. */
export function textStart(html: string, length: number): string {
  const characters = [...stripIllegal(plainText(html))]
  if (characters.length <= length) return characters.join('')
  const cut = characters.slice(0, length - 1).join('')
  // Between words, unless that would cost more than a third of it.
  const space = cut.lastIndexOf(' ')
  return `${(space > (cut.length * 2) / 3 ? cut.slice(0, space) : cut).trimEnd()}…`
}

/** Tags as they are written everywhere (F13): lower case, without `#`, each once. */
export function plainTags(tags: readonly string[]): string[] {
  const terms = tags.map(tag => stripIllegal(tag).trim().replace(/^#/, '').toLowerCase())
  return [...new Set(terms.filter(term => term !== ''))]
}
