/** An Atom entry, or the object of one, as a post (protocols.md I9-I13, X1, X2). */
import type { Author, Enclosure, Post, Reference, Visibility } from '../model/activity.ts'
import { readAuthor } from './atom-author.ts'
import {
  type AtomLink,
  findLink,
  line,
  opaque,
  PAGE_TYPES,
  readContent,
  readHtml,
  readLine,
  readLinks,
  readUri,
  webUrl
} from './atom-parts.ts'
import { type Meaning, readKind, readType, readVerb } from './atom-verbs.ts'
import { readDate } from './date.ts'
import { NS, PUBLIC_COLLECTION, TYPE } from './names.ts'
import { htmlToText } from './sanitize.ts'
import { attribute, child, children, text, type XmlElement } from './xml.ts'

/** How deep GNU social wraps what is shared: activity in activity in note (X2). */
const DEEPEST = 3

/** The element of OStatus' own namespace, whose URI the specification writes with a slash and everybody else without. */
const ostatus = (element: XmlElement, local: string) => child(element, NS.ostatus, local) ?? child(element, `${NS.ostatus}/`, local)

const objectType = (element: XmlElement): string => text(child(element, NS.activity, 'object-type'))

/**
 * The post in an entry that *is* the post, or of which `activity:object` is the post. Its author is who posts it: what the
 * object says of an author is nobody's word.
 */
export function readOwnPost(entry: XmlElement, id: string, author: Author | undefined): Post {
  const object = child(entry, NS.activity, 'object')
  const elements = object === undefined ? [entry] : [object, entry]
  return { ...readPost(elements, (object && readUri(child(object, NS.atom, 'id'))) ?? id), ...(author !== undefined && { author }) }
}

/**
 * The post inside `activity:object` of a share or a favourite: the innermost note or comment. It is a copy, and so is its
 * author. Undefined when it has neither an id nor a page.
 */
export function readForeignPost(object: XmlElement): Post | undefined {
  const chain = [object]
  for (
    let next = child(object, NS.activity, 'object');
    next !== undefined && chain.length < DEEPEST;
    next = child(next, NS.activity, 'object')
  ) {
    chain.push(next)
  }
  const isPost = (element: XmlElement) => ['note', 'comment'].includes(readType(objectType(element)))
  const innermost = chain.findLastIndex(isPost)
  const elements = withWrappers(innermost === -1 ? chain : chain.slice(0, innermost + 1))
  const author = elements.map(element => readAuthor(child(element, NS.atom, 'author'))).find(found => found !== undefined)
  const links = elements.flatMap(readLinks)
  const id =
    elements.map(element => readUri(child(element, NS.atom, 'id'))).find(found => found !== undefined) ??
    findLink(links, 'alternate', PAGE_TYPES)
  if (id === undefined) return undefined
  return { ...readPost(elements, id), ...(author !== undefined && { author }) }
}

/** The innermost first, and around it those wrappers that only post it: who shares it is not its author. */
function withWrappers(chain: XmlElement[]): XmlElement[] {
  const [post, ...wrappers] = chain.toReversed()
  const foreign = wrappers.findIndex(wrapper => readVerb(text(child(wrapper, NS.activity, 'verb'))).verb !== 'post')
  return post === undefined ? [] : [post, ...(foreign === -1 ? wrappers : wrappers.slice(0, foreign))]
}

/** A post of which only the name is known. */
export const emptyPost = (id: string): Post => ({
  id,
  kind: 'note',
  html: '',
  mentions: [],
  tags: [],
  enclosures: [],
  visibility: 'public',
  sensitive: false
})

/** @param elements the post itself, then what is wrapped around it: each part is taken from the first that has it */
function readPost(elements: XmlElement[], id: string): Post {
  const links = elements.flatMap(readLinks)
  const first = <T>(read: (element: XmlElement) => T | undefined): T | undefined => elements.map(read).find(found => found !== undefined)
  const url = findLink(links, 'alternate', PAGE_TYPES)
  const tags = readTags(elements)
  const warning = first(readWarning)
  const optional = {
    title: first(element => readLine(child(element, NS.atom, 'title'))),
    warning,
    language: first(readLanguage),
    url,
    atomUrl: findLink(links, 'self', [TYPE.atom, '']) ?? findLink(links, 'alternate', [TYPE.atom]),
    activityUrl: findLink(links, 'alternate', [TYPE.activity]),
    published: first(element => readPublished(element)),
    updated: first(element => readDate(text(child(element, NS.atom, 'updated')))),
    inReplyTo: first(element => readInReplyTo(element, links)),
    conversation: first(readConversation)
  }
  return {
    ...emptyPost(id),
    ...present(optional),
    kind: readKind(elements.map(objectType).find(type => type.trim() !== '') ?? ''),
    html: elements.map(element => readContent(element, url)).find(html => html !== '') ?? '',
    mentions: readMentions(links),
    tags: tags.filter(tag => tag !== 'nsfw'),
    enclosures: readEnclosures(links),
    visibility: readVisibility(elements, links),
    sensitive: warning !== undefined || tags.includes('nsfw')
  }
}

/** Without its undefined members: optional ones are omitted, not set to undefined. */
export function present<T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** `published`, else `updated` (I14). */
export const readPublished = (element: XmlElement): Date | undefined =>
  readDate(text(child(element, NS.atom, 'published'))) ?? readDate(text(child(element, NS.atom, 'updated')))

const readLanguage = (element: XmlElement): string | undefined =>
  opaque(attribute(child(element, NS.atom, 'content'), 'lang', NS.xml) ?? attribute(element, 'lang', NS.xml))?.slice(0, 35)

/** Mastodon writes a content warning into `summary` (F13); elsewhere that is an excerpt, or the text once more. */
function readWarning(element: XmlElement): string | undefined {
  const summary = child(element, NS.atom, 'summary')
  const type = readType(objectType(element))
  if (summary === undefined || (type !== 'note' && type !== 'comment') || attribute(summary, 'type') === 'html') return undefined
  const warning = readLine(summary)
  const content = line(htmlToText(readHtml(child(element, NS.atom, 'content'))))
  return content === undefined || warning === content || warning === readLine(child(element, NS.atom, 'title')) ? undefined : warning
}

function readInReplyTo(element: XmlElement, links: AtomLink[]): Reference | undefined {
  const reply = child(element, NS.thr, 'in-reply-to')
  const id = opaque(attribute(reply, 'ref'))
  const url = webUrl(attribute(reply, 'href'), element.base)
  if (id !== undefined || url !== undefined) return { ...(id !== undefined && { id }), ...(url !== undefined && { url }) }
  // GNU social's related link is the parent; a blog's is whatever the post is about (I13).
  const related = child(element, NS.statusnet, 'notice_info') === undefined ? undefined : findLink(links, 'related')
  return related === undefined ? undefined : { url: related }
}

function readConversation(element: XmlElement): string | undefined {
  const conversation = ostatus(element, 'conversation')
  const link = readLinks(element).find(one => one.rel === 'ostatus:conversation')
  return (
    opaque(attribute(conversation, 'ref')) ??
    readUri(conversation) ??
    opaque(attribute(conversation, 'href')) ??
    opaque(attribute(link?.element, 'href'))
  )
}

function readMentions(links: AtomLink[]): string[] {
  const mentioned = links.filter(link => link.rel === 'mentioned' || link.rel === 'ostatus:attention').map(link => link.url)
  return [...new Set(mentioned)].filter((url): url is string => url !== undefined && url !== PUBLIC_COLLECTION)
}

function readTags(elements: XmlElement[]): string[] {
  const terms = elements.flatMap(element => children(element, NS.atom, 'category')).map(category => line(attribute(category, 'term')))
  return [...new Set(terms.map(term => term?.replace(/^#/, '').toLowerCase()))].filter(
    (tag): tag is string => tag !== undefined && tag !== ''
  )
}

function readEnclosures(links: AtomLink[]): Enclosure[] {
  return links.flatMap(({ rel, url, type, element }) => {
    if (rel !== 'enclosure' || url === undefined) return []
    const length = attribute(element, 'length')?.trim() ?? ''
    const title = line(attribute(element, 'title'))
    const known = /^[1-9]\d{0,14}$/.test(length)
    return [{ url, ...(type !== '' && { type }), ...(known && { length: Number(length) }), ...(title !== undefined && { title }) }]
  })
}

/** X1: Mastodon's word if it gives one, else whether everybody is among the mentioned. A scope that we do not know hides. */
function readVisibility(elements: XmlElement[], links: AtomLink[]): Visibility {
  const scope = elements.map(element => text(child(element, NS.mastodon, 'scope')).trim()).find(found => found !== '')
  if (scope === 'public' || scope === 'unlisted' || scope === 'direct') return scope
  if (scope !== undefined) return 'followers'
  const mentioned = links.filter(link => link.rel === 'mentioned' && link.url !== undefined)
  return mentioned.length === 0 || mentioned.some(link => link.url === PUBLIC_COLLECTION) ? 'public' : 'unlisted'
}

/** What an entry says of its activity: a title, and a text unless the text is the post. */
export function readTelling(entry: XmlElement, { verb }: Meaning): { title?: string; html?: string } {
  const title = readLine(child(entry, NS.atom, 'title'))
  const html = verb === 'post' ? '' : readContent(entry, undefined)
  return { ...(title !== undefined && { title }), ...(html !== '' && { html }) }
}
