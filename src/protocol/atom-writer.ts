/**
 * Posts and acts of our accounts -> Atom with Activity Streams 1 (RFC 4287, AS-Atom 1.0, OStatus 1.0 draft 2).
 *
 * The order of the elements is part of the protocol: sloppy receivers take the first id, verb, author or content of the whole
 * document, so those of the entry stand before any object (protocols.md F6). GNU social compares tag names literally, so Atom
 * elements bear no prefix and all others bear the usual one (F2).
 */
import type { PostKind, Reference, Verb } from '../model/activity.ts'
import {
  type AuthorOut,
  type EntryOut,
  entryTitle,
  type FeedHead,
  type ObjectOut,
  type PostOut,
  plainTags,
  type SourceOut
} from './feed-parts.ts'
import { element, textElement, XML_DECLARATION } from './markup.ts'
import { NS, PUBLIC_COLLECTION, REL, SCHEMA, TYPE } from './names.ts'
import { escapeXml, stripIllegal } from './xml.ts'

const NAMESPACES = {
  xmlns: NS.atom,
  'xmlns:thr': NS.thr,
  'xmlns:activity': NS.activity,
  'xmlns:poco': NS.poco,
  'xmlns:ostatus': NS.ostatus
}

/** Those that a validator warns of are declared only where they are used. */
const rootNamespaces = (inner: string) => ({
  ...NAMESPACES,
  ...(inner.includes(' media:') ? { 'xmlns:media': NS.media } : {}),
  ...(inner.includes('<at:') ? { 'xmlns:at': NS.tombstone } : {})
})

const ACTIVITY_VERBS: Partial<Record<Verb, string>> = {
  favourite: 'favorite',
  request: 'request-friend',
  accept: 'authorize'
}

const PERSON = `${SCHEMA.activity}person`
const NOTE = `${SCHEMA.activity}note`
const ACTIVITY = `${SCHEMA.activity}activity`

/** RFC 3339, UTC, whole seconds (F7). */
export const rfc3339 = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`

/**
 * A whole feed document (F3).
 * @param entries newest first; a string is an entry that `writeEntry` wrote with `root: false`
 * @returns XML without a byte order mark, to be sent as UTF-8
 */
export function writeFeed(head: FeedHead, entries: readonly (string | EntryOut)[]): string {
  const written = entries.map(entry => (typeof entry === 'string' ? entry : writeEntry(entry, head.author, { root: false })))
  const gone = (head.tombstones ?? []).map(({ ref, when }) => element('at:deleted-entry', { ref, when: rfc3339(when ?? head.updated) }))
  const inner = `\n${writeHead(head)}${gone.join('')}${written.join('')}`
  return XML_DECLARATION + element('feed', { ...rootNamespaces(inner), 'xml:lang': head.language }, inner)
}

/**
 * One entry (F6): inside a feed, or as a document of its own that has the same bytes but for the declaration and the
 * namespaces on its root (F14).
 * @param author who is named when the entry has no author of its own
 */
export function writeEntry(entry: EntryOut, author: AuthorOut, { root }: { root: boolean }): string {
  const actor = entry.author ?? author
  const title = entryTitle(entry, actor)
  const inner = [
    textElement('id', entry.id),
    writeDates(entry),
    textElement('title', title),
    writeAuthor(actor),
    textElement('activity:object-type', entryType(entry)),
    textElement('activity:verb', verbUri(entry)),
    textElement('summary', entry.warning, { type: 'text' }),
    writeContent(entry.html, title, entry.language),
    writeObjects(entry),
    writeLinks(entry),
    writeThread(entry),
    entry.source ? writeSource(entry.source) : ''
  ].join('')
  return (root ? XML_DECLARATION : '') + element('entry', root ? rootNamespaces(inner) : {}, `\n${inner}`)
}

function writeHead(head: FeedHead): string {
  const { generator } = head
  return [
    textElement('id', head.topic),
    textElement('title', head.title || head.author.name),
    textElement('subtitle', head.subtitle),
    textElement('updated', rfc3339(head.updated)),
    textElement('logo', head.logo),
    writeAuthor(head.author),
    link('alternate', head.page, TYPE.html),
    link('self', head.topic, TYPE.atom),
    link('next', head.next, TYPE.atom),
    link('first', head.first, TYPE.atom),
    link('previous', head.previous, TYPE.atom),
    ...head.hubs.map(hub => link('hub', hub)),
    // StatusNet reads only the two long relations.
    ...['salmon', REL.salmonReplies, REL.salmonMention].map(rel => link(rel, head.salmon)),
    generator ? textElement('generator', generator.name, { uri: generator.uri, version: generator.version }) : ''
  ].join('')
}

/**
 * F5, less what RFC 4287 3.2 does not know: validators call id, summary and link inside an author errors. So identity is uri and
 * email, the rest are extensions, and a link stands there only for a picture. GNU social needs uri and poco:preferredUsername,
 * Mastodon takes the account from email; name is the user name.
 */
function writeAuthor(person: AuthorOut): string {
  return element(
    'author',
    {},
    textElement('activity:object-type', PERSON) + writeNames(person) + writeAvatar(person) + writeContact(person)
  )
}

const writeNames = ({ uri, name, handle }: AuthorOut): string =>
  textElement('uri', uri) + textElement('name', name) + textElement('email', isAddress(handle) ? handle : undefined)

const writeAvatar = ({ avatar }: AuthorOut): string =>
  avatar
    ? element('link', { rel: 'avatar', type: avatar.type, 'media:width': avatar.width, 'media:height': avatar.height, href: avatar.url })
    : ''

/** Portable Contacts. */
function writeContact({ name, displayName, bio, location, homepage }: AuthorOut): string {
  return [
    textElement('poco:preferredUsername', name),
    textElement('poco:displayName', displayName),
    textElement('poco:note', bio),
    location ? element('poco:address', {}, textElement('poco:formatted', location)) : '',
    homepage ? element('poco:urls', {}, writeHomepage(homepage)) : ''
  ].join('')
}

const writeHomepage = (url: string): string =>
  textElement('poco:type', 'homepage') + textElement('poco:value', url) + textElement('poco:primary', 'true')

/** A handle with a port is no e-mail address, and strict readers say so. */
const isAddress = (handle = ''): boolean => /^[\w.+-]+@([a-z0-9-]+\.)+[a-z0-9-]+$/i.test(handle)

/** `updated` is never before `published` (F7). */
function writeDates({ published, updated }: { published?: Date; updated?: Date }): string {
  const changed = published && updated ? new Date(Math.max(+published, +updated)) : (updated ?? published)
  return textElement('published', published && rfc3339(published)) + textElement('updated', changed && rfc3339(changed))
}

/** HTML escaped once, never empty: GNU social refuses an empty note (F9). */
function writeContent(html: string, title: string, language: string | undefined): string {
  return textElement('content', stripIllegal(html).trim() === '' ? escapeXml(title) : html, { type: 'html', 'xml:lang': language })
}

/** Mastodon drops whatever is not a note, a comment or an activity, so an article goes out as a note as well (F9). */
function entryType(entry: EntryOut): string {
  if (entry.verb !== 'post' && entry.verb !== 'update') return ACTIVITY
  return postType(entry.inReplyTo ? 'comment' : entry.kind)
}

const postType = (kind: PostKind): string => (kind === 'comment' ? `${SCHEMA.activity}comment` : NOTE)

/** Absolute, and under the base that Mastodon and GNU social compare exactly (F9, X5). */
function verbUri({ forPleroma, verb, object }: EntryOut): string {
  if (verb === 'undo' && object?.type === 'person') return `${forPleroma ? SCHEMA.activity : SCHEMA.ostatus}unfollow`
  if (verb === 'undo') return `${SCHEMA.activity}unfavorite`
  if (verb === 'block') return `${SCHEMA.mastodon}block`
  return SCHEMA.activity + (ACTIVITY_VERBS[verb] ?? verb)
}

/** Mastodon takes the id of what is deleted from the entry, GNU social from object or target: all three (X4). */
function writeObjects(entry: EntryOut): string {
  if (entry.verb === 'delete') {
    const gone = textElement('activity:object-type', NOTE) + textElement('id', entry.id)
    return element('activity:object', {}, gone) + element('activity:target', {}, gone)
  }
  return entry.object ? writeObject(entry.object) : ''
}

function writeObject(object: ObjectOut): string {
  if (object.type === 'post') return writePost(object.post)
  if (object.type === 'person') return writePersonObject(object.person)
  const inner = [
    textElement('activity:object-type', ACTIVITY),
    textElement('activity:verb', `${SCHEMA.activity}request-friend`),
    textElement('id', object.id),
    writeAuthor(object.requester),
    writePersonObject(object.target)
  ]
  return element('activity:object', {}, inner.join(''))
}

/** A person who is acted upon: inside an object no validator looks, and old peers read id, summary and page (X5). */
function writePersonObject(person: AuthorOut): string {
  const inner = [
    textElement('id', person.uri),
    textElement('activity:object-type', PERSON),
    writeNames(person),
    textElement('summary', person.bio && escapeXml(person.bio), { type: 'html' }),
    link('alternate', person.page, TYPE.html),
    writeAvatar(person),
    writeContact(person),
    textElement('title', person.displayName ?? person.name)
  ]
  return element('activity:object', {}, inner.join(''))
}

/** A shared or favoured post: one object, not GNU social's two nested ones (X2). */
function writePost(post: PostOut): string {
  const title = entryTitle(post, post.author ?? { uri: '', name: 'somebody' })
  const inner = [
    textElement('id', post.id),
    writeDates(post),
    textElement('title', title),
    post.author ? writeAuthor(post.author) : '',
    textElement('activity:object-type', postType(post.kind)),
    textElement('activity:verb', `${SCHEMA.activity}post`),
    writeContent(post.html, title, post.language),
    link('alternate', post.url, TYPE.html)
  ]
  return element('activity:object', {}, inner.join(''))
}

function writeLinks(entry: EntryOut): string {
  const mentioned = (type: string, href: string) =>
    element('link', { rel: 'mentioned', 'ostatus:object-type': SCHEMA.activity + type, href })
  return [
    // Old StatusNet knows only ostatus:attention (F10).
    ...[...new Set(entry.mentions)].map(uri => mentioned('person', uri) + link('ostatus:attention', uri)),
    entry.public ? mentioned('collection', PUBLIC_COLLECTION) : '',
    ...plainTags(entry.tags).map(term => element('category', { term })),
    ...entry.enclosures.map(file =>
      element('link', { rel: 'enclosure', type: file.type, length: file.length ?? 0, title: file.title, href: file.url })
    ),
    link('alternate', entry.url, TYPE.html),
    link('self', entry.entryUrl, TYPE.atom)
  ].join('')
}

/** F11; a favourite, and the undo of one, names its post here as well (X3). A share does not: it would be taken for a reply. */
function writeThread({ verb, inReplyTo, object, conversation }: EntryOut): string {
  const favours = verb === 'favourite' || verb === 'undo'
  const favoured = favours && object?.type === 'post' ? object.post : undefined
  const parent: Reference | undefined = inReplyTo ?? favoured
  const ref = parent?.id ?? parent?.url
  return [
    link('related', parent?.url),
    ref ? element('thr:in-reply-to', { ref, href: parent?.url, type: parent?.url && TYPE.html }) : '',
    link('ostatus:conversation', conversation),
    textElement('ostatus:conversation', conversation, { ref: conversation })
  ].join('')
}

function writeSource(source: SourceOut): string {
  const inner = [
    textElement('id', source.topic),
    textElement('title', source.title),
    link('alternate', source.page, TYPE.html),
    link('self', source.topic, TYPE.atom),
    textElement('updated', rfc3339(source.updated))
  ]
  return element('source', {}, inner.join(''))
}

function link(rel: string, href: string | undefined, type?: string): string {
  return href ? element('link', { rel, type, href }) : ''
}
