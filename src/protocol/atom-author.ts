/** The author of a document: who he says that he is (I7) and what he looks like (I8). */
import type { Author, Picture } from '../model/activity.ts'
import { readSubject } from './acct.ts'
import { findLink, line, PAGE_TYPES, readLine, readLinks, readUri } from './atom-parts.ts'
import { readType } from './atom-verbs.ts'
import { NS } from './names.ts'
import { htmlToText } from './sanitize.ts'
import { isWebAddress } from './web-address.ts'
import { attribute, child, children, text, type XmlElement } from './xml.ts'

type Hints = {
  /** `activity:actor` or `activity:subject` of old StatusNet: describes the author better than `author` does (I6). */
  profile?: XmlElement | undefined
  /** The feed's own picture, taken when the author has none. */
  logo?: string | undefined
}

/** Anything else cannot be an identity (I7): a relative URI would name whoever the base names. */
const IDENTITY = /^(?:https?:\/\/|acct:|tag:)\S+$/i
const LONGEST_BIO = 5000

/** The name under which an author is known, undefined when he has none. */
export const identityOf = (author: Author | undefined): string | undefined => author?.ids[0]

/**
 * Whether all http(s) names of an author are of one host (I7); only then may they be taken for one person. The port does not
 * count: GNU social on an odd one leaves it out of its page links.
 */
export function authorsAgree(author: Author): boolean {
  const hosts = author.ids.filter(isWebAddress).map(id => new URL(id).hostname)
  return new Set(hosts).size <= 1
}

/** Whether two authors share a name. */
export const sameAuthor = (one: Author, other: Author): boolean => one.ids.some(id => other.ids.includes(id))

/**
 * A person construct (`author`, `at:by`, an `activity:object` that is a person) -> an author. An element that says nothing
 * at all is no author. Identity comes from the element alone, never from the hints.
 */
export function readAuthor(element: XmlElement | undefined, hints: Hints = {}): Author | undefined {
  if (element === undefined || (element.children.every(node => typeof node === 'string') && text(element).trim() === '')) return undefined
  const named = { ids: readIds(element) }
  const profile = hints.profile !== undefined && describesSame(hints.profile, named.ids) ? hints.profile : undefined
  const sources = profile === undefined ? [element] : [element, profile]
  const type = readType(text(child(element, NS.activity, 'object-type')))
  const kind = type === 'group' ? 'group' : type === '' || type === 'person' ? 'person' : 'other'
  const acct = readAcct(element)
  const author: Author = { ...named, kind, ...readNames(sources, named.ids), ...readProfile(sources, named.ids, hints.logo) }
  return acct === undefined ? author : { ...author, acct }
}

function readIds(element: XmlElement): string[] {
  const acct = readAcct(element)
  const page = readLinks(element).find(link => link.rel === 'alternate' && link.type === 'text/html')
  const written = [
    readUri(child(element, NS.atom, 'id')),
    readUri(child(element, NS.atom, 'uri')),
    acct === undefined ? undefined : `acct:${acct}`,
    attribute(page?.element, 'href')?.trim()
  ]
  const valid = written.filter((id): id is string => id !== undefined && IDENTITY.test(id) && (isWebAddress(id) || !/^https?:/i.test(id)))
  return [...new Set(valid)]
}

/** Another person's description is not to be hung on this one. */
function describesSame(profile: XmlElement, ids: string[]): boolean {
  const claimed = readIds(profile)
  return claimed.length === 0 || claimed.some(id => ids.includes(id))
}

function readAcct(element: XmlElement): string | undefined {
  const email = readUri(child(element, NS.atom, 'email'))
  if (email === undefined || !/^[^\s@:/]+@[^\s@/]+$/.test(email)) return undefined
  const handle = readSubject(email)
  return handle?.kind === 'acct' ? handle.acct : undefined
}

/** The first element in which a name stands, as one line. */
function firstLine(sources: XmlElement[], ns: string, local: string): string | undefined {
  return sources.map(source => readLine(child(source, ns, local))).find(found => found !== undefined)
}

function readNames(sources: XmlElement[], ids: string[]): Pick<Author, 'username' | 'displayName'> {
  const name = firstLine(sources, NS.atom, 'name')
  const handle = name !== undefined && !name.includes(' ') ? name : undefined
  const username = firstLine(sources, NS.poco, 'preferredUsername') ?? handle ?? lastPart(ids.find(isWebAddress))
  const displayName = firstLine(sources, NS.poco, 'displayName') ?? name ?? firstLine(sources, NS.atom, 'title')
  return { ...(username !== undefined && { username }), ...(displayName !== undefined && { displayName }) }
}

const lastPart = (url: string | undefined): string | undefined =>
  url === undefined ? undefined : line(new URL(url).pathname.split('/').findLast(part => part !== ''))

function readProfile(sources: XmlElement[], ids: string[], logo: string | undefined): Omit<Author, 'ids' | 'kind'> {
  const links = sources.flatMap(readLinks)
  const url = findLink(links, 'alternate', PAGE_TYPES) ?? ids.find(isWebAddress)
  const bio = readBio(sources)
  const avatar = largestAvatar(links) ?? (logo === undefined ? undefined : { url: logo })
  const location = sources.map(source => line(text(child(child(source, NS.poco, 'address'), NS.poco, 'formatted')))).find(Boolean)
  const homepage = sources
    .flatMap(source => children(source, NS.poco, 'urls'))
    .map(readHomepage)
    .find(Boolean)
  return {
    ...(url !== undefined && { url }),
    ...(bio !== '' && { bio }),
    ...(avatar !== undefined && { avatar }),
    ...(location !== undefined && { location }),
    ...(homepage !== undefined && { homepage })
  }
}

function readBio(sources: XmlElement[]): string {
  for (const source of sources) {
    const note = text(child(source, NS.poco, 'note')).trim()
    if (note !== '') return note.slice(0, LONGEST_BIO)
    const summary = child(source, NS.atom, 'summary')
    const raw = text(summary).trim().slice(0, LONGEST_BIO)
    if (raw !== '') return attribute(summary, 'type') === 'html' ? htmlToText(raw) : raw
  }
  return ''
}

function readHomepage(urls: XmlElement): string | undefined {
  const value = text(child(urls, NS.poco, 'value')).trim()
  return text(child(urls, NS.poco, 'primary')).trim() === 'true' && isWebAddress(value) ? value : undefined
}

/** The largest `rel=avatar`; without a size it counts as the smallest. A relative address is a default picture of Mastodon's. */
function largestAvatar(links: ReturnType<typeof readLinks>): Picture | undefined {
  const pictures = links
    .filter(link => link.rel === 'avatar' && isWebAddress(attribute(link.element, 'href')?.trim() ?? '') && /^(image\/|$)/.test(link.type))
    .map(link => readPicture(link.url ?? '', link.type, link.element))
  const area = (picture: Picture) => (picture.width ?? 0) * (picture.height ?? 0)
  return pictures.reduce<Picture | undefined>((best, one) => (best === undefined || area(one) > area(best) ? one : best), undefined)
}

function readPicture(url: string, type: string, element: XmlElement): Picture {
  const width = readSize(element, 'width')
  const height = readSize(element, 'height')
  return { url, ...(type !== '' && { type }), ...(width !== undefined && { width }), ...(height !== undefined && { height }) }
}

function readSize(element: XmlElement, side: 'width' | 'height'): number | undefined {
  const spaces = [NS.media, NS.mediaRss, `${NS.mediaRss}/`]
  const value = spaces.map(ns => attribute(element, side, ns)).find(found => found !== undefined)
  return value !== undefined && /^\d{1,5}$/.test(value) ? Number(value) : undefined
}
