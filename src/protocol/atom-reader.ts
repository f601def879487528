/**
 * Atom feeds and entries -> model (protocols.md I3-I14, X1-X6). Whatever is read is taken from direct children, compared by
 * namespace (I4), so that nobody speaks in another's name from inside a share.
 */
import type { Activity, ActivityObject, Author, Feed, FeedLinks, Tombstone, Verb } from '../model/activity.ts'
import { BadMessage, isFailure } from '../model/errors.ts'
import { identityOf, readAuthor, sameAuthor } from './atom-author.ts'
import { findLink, hashedId, opaque, PAGE_TYPES, readLine, readLinks, readUri, webUrl } from './atom-parts.ts'
import { emptyPost, present, readForeignPost, readOwnPost, readPublished, readTelling } from './atom-post.ts'
import { type Meaning, readType, readVerb } from './atom-verbs.ts'
import { readDate } from './date.ts'
import { LIMIT, NS } from './names.ts'
import { attribute, child, children, isElement, readXml, text, type XmlElement } from './xml.ts'

export { authorsAgree, identityOf } from './atom-author.ts'

/** What an entry takes from the feed around it (I6, I10). */
type Surroundings = { author?: Author | undefined; feedId?: string | undefined }

/**
 * One entry: of a feed, or a document of its own as in an envelope.
 * @throws BadMessage when the bytes are not an Atom entry, are not UTF-8, or hold neither an id nor anything to read
 */
export function readEntry(input: XmlElement | Buffer, around: Surroundings = {}): Activity {
  const entry = Buffer.isBuffer(input)
    ? readXml(input, { bytes: LIMIT.messageBytes, nodes: LIMIT.messageNodes, invalidUtf8: 'refuse' })
    : input
  if (!isElement(entry, NS.atom, 'entry')) throw new BadMessage('This is not an Atom entry.')
  const meaning = readVerb(text(child(entry, NS.activity, 'verb')))
  const source = readSource(child(entry, NS.atom, 'source'))
  const actor = readActor(entry) ?? source?.author ?? around.author
  const id = readId(entry, around.feedId)
  const object = readObject(entry, meaning, id, actor)
  return {
    id: meaning.verb === 'post' && object.type === 'post' ? object.post.id : id,
    verb: meaning.verb,
    authors: countAuthors(entry),
    object,
    ...readTelling(entry, meaning),
    ...present({
      actor,
      published: readPublished(entry),
      updated: readDate(text(child(entry, NS.atom, 'updated'))),
      url: findLink(readLinks(entry), 'alternate', PAGE_TYPES),
      source
    })
  }
}

/**
 * An Atom feed whose document has been read. An entry that cannot be read is dropped and counted, like those over the limit.
 * @throws BadMessage when the root is not an Atom feed
 */
export function readAtomFeed(root: XmlElement): Feed {
  if (!isElement(root, NS.atom, 'feed')) throw new BadMessage('This is not an Atom feed.')
  const logo = webUrl(text(child(root, NS.atom, 'logo')), root.base) ?? webUrl(text(child(root, NS.atom, 'icon')), root.base)
  const author = readAuthor(child(root, NS.atom, 'author'), { profile: child(root, NS.activity, 'subject'), logo })
  const id = readUri(child(root, NS.atom, 'id'))
  const entries = children(root, NS.atom, 'entry')
  const activities = entries.slice(0, LIMIT.feedEntries).flatMap(entry => readOrDrop(entry, { author, feedId: id ?? root.base }))
  return {
    format: 'atom',
    links: readFeedLinks(root),
    activities,
    tombstones: readTombstones(root),
    dropped: entries.length - activities.length,
    ...present({
      id,
      title: readLine(child(root, NS.atom, 'title')),
      subtitle: readLine(child(root, NS.atom, 'subtitle')),
      updated: readDate(text(child(root, NS.atom, 'updated'))),
      logo,
      author
    })
  }
}

function readOrDrop(entry: XmlElement, around: Surroundings): Activity[] {
  try {
    return [readEntry(entry, around)]
  } catch (error) {
    if (isFailure(error)) return []
    throw error
  }
}

const readActor = (entry: XmlElement): Author | undefined =>
  readAuthor(child(entry, NS.atom, 'author'), { profile: child(entry, NS.activity, 'actor') })

/** An `activity:actor` that names somebody else counts as another author: all places must agree before a signature counts. */
function countAuthors(entry: XmlElement): number {
  const author = readAuthor(child(entry, NS.atom, 'author'))
  const actor = readAuthor(child(entry, NS.activity, 'actor'))
  const disagrees = actor !== undefined && identityOf(actor) !== undefined && (author === undefined || !sameAuthor(author, actor))
  return children(entry, NS.atom, 'author').length + (disagrees ? 1 : 0)
}

function readSource(element: XmlElement | undefined): Activity['source'] {
  if (element === undefined) return undefined
  return present({
    id: readUri(child(element, NS.atom, 'id')),
    title: readLine(child(element, NS.atom, 'title')),
    author: readAuthor(child(element, NS.atom, 'author'))
  })
}

/** I10: its id, else its page, else a hash of what it says. */
function readId(entry: XmlElement, feedId = ''): string {
  const named = readUri(child(entry, NS.atom, 'id')) ?? findLink(readLinks(entry), 'alternate', PAGE_TYPES)
  if (named !== undefined) return named
  const told = ['title', 'published', 'content'].map(local => text(child(entry, NS.atom, local)).trim())
  if (told.every(part => part === '')) throw new BadMessage('The entry has no id, and says nothing.')
  return hashedId([feedId, ...told])
}

const ABOUT_PEOPLE: readonly Verb[] = ['follow', 'request', 'block', 'join']
const ABOUT_POSTS: readonly Verb[] = ['share', 'favourite', 'tag']

function readObject(entry: XmlElement, meaning: Meaning, id: string, actor: Author | undefined): ActivityObject {
  const { verb, undoes } = meaning
  const object = child(entry, NS.activity, 'object')
  if (undoes !== undefined) return readUndone(entry, undoes, id, actor)
  if (meaning.profile) return actorObject(readAuthor(object) ?? actor)
  if (verb === 'post' || verb === 'update') return { type: 'post', post: readOwnPost(entry, id, actor) }
  if (verb === 'delete') return { type: 'post', post: emptyPost(readDeletedId(entry) ?? id) }
  if (ABOUT_PEOPLE.includes(verb)) return actorObject(readAuthor(object))
  if (ABOUT_POSTS.includes(verb)) return readForeignObject(entry)
  if (verb === 'accept' || verb === 'reject') return readAnswered(object)
  return { type: 'nothing' }
}

/** Without a name it is nobody. */
const actorObject = (actor: Author | undefined): ActivityObject =>
  actor === undefined || identityOf(actor) === undefined ? { type: 'nothing' } : { type: 'actor', actor }

/** X4: Mastodon gives the entry itself the id of the dead post, GNU social its object and target. */
const readDeletedId = (entry: XmlElement): string | undefined =>
  ['object', 'target'].map(local => readUri(child(child(entry, NS.activity, local), NS.atom, 'id'))).find(id => id !== undefined)

/** The post that is shared or liked; X3 names it once more as what is answered. */
function readForeignObject(entry: XmlElement): ActivityObject {
  const object = child(entry, NS.activity, 'object') ?? child(entry, NS.activity, 'target')
  const answered = opaque(attribute(child(entry, NS.thr, 'in-reply-to'), 'ref'))
  const post = (object && readForeignPost(object)) ?? (answered === undefined ? undefined : emptyPost(answered))
  return post === undefined ? { type: 'nothing' } : { type: 'post', post }
}

/** Peers repeat the object of what they take back and not its id, except GNU social 1.0, which writes `undo:` before it (X5). */
function readUndone(entry: XmlElement, verb: Verb, id: string, actor: Author | undefined): ActivityObject {
  const object = readObject(entry, { verb }, id, actor)
  const undone = id.startsWith('undo:') ? id.slice('undo:'.length) : ''
  return { type: 'activity', activity: { id: undone, verb, authors: countAuthors(entry), object, ...present({ actor }) } }
}

/** X6: what is accepted or rejected is an activity whose author asked. A bare person is taken as he who asked. */
function readAnswered(object: XmlElement | undefined): ActivityObject {
  if (object === undefined) return { type: 'nothing' }
  if (readType(text(child(object, NS.activity, 'object-type'))) === 'person') return actorObject(readAuthor(object))
  const { verb } = readVerb(text(child(object, NS.activity, 'verb')))
  const told = readAuthor(child(object, NS.activity, 'object'))
  const activity = {
    id: readUri(child(object, NS.atom, 'id')) ?? '',
    verb,
    authors: countAuthors(object),
    object: ABOUT_PEOPLE.includes(verb) ? actorObject(told) : ({ type: 'nothing' } as const)
  }
  return { type: 'activity', activity: { ...activity, ...present({ actor: readActor(object) }) } }
}

function readFeedLinks(root: XmlElement): FeedLinks {
  const links = readLinks(root)
  const all = (rel: string) => [...new Set(links.filter(link => link.rel === rel).map(link => link.url))].filter(url => url !== undefined)
  return {
    self: all('self'),
    hub: all('hub'),
    ...present({
      salmon: ['salmon', 'http://salmon-protocol.org/ns/salmon-replies', 'http://salmon-protocol.org/ns/salmon-mention']
        .map(rel => findLink(links, rel))
        .find(url => url !== undefined),
      alternate: findLink(links, 'alternate', PAGE_TYPES),
      next: findLink(links, 'next'),
      prevArchive: findLink(links, 'prev-archive')
    })
  }
}

/** RFC 6721. `at:by` is a person construct, and no proof. */
function readTombstones(root: XmlElement): Tombstone[] {
  return children(root, NS.tombstone, 'deleted-entry')
    .slice(0, LIMIT.feedEntries)
    .flatMap(stone => {
      const ref = opaque(attribute(stone, 'ref'))
      const when = readDate(attribute(stone, 'when'))
      const by = identityOf(readAuthor(child(stone, NS.tombstone, 'by')))
      return ref === undefined ? [] : [{ ref, ...present({ when, by }) }]
    })
}
