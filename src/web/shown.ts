/** What is kept -> what a template shows: who may see it, under which address, in which words. Templates only escape and arrange. */
import { type Face, isEdited, isLanguage } from '../federation/comments.ts'
import { isOpen, type Standing } from '../federation/moderate.ts'
import type { Answer } from '../model/blog.ts'
import type { Actor, KeptPost, Quoted, Shown } from '../model/kept.ts'
import { sanitizeKept } from '../protocol/sanitize.ts'
import { readWebAddress } from '../protocol/web-address.ts'
import { escapeXml } from '../protocol/xml.ts'
import type { Language } from './texts.ts'

/**
 * Whoever looks at a page. `sees` is how much of the history: `all` the owner, `public` everybody with OPEN_SEARCH, `local`
 * everybody else; `waiting`: how many answers wait for the owner. `accounts` are the names under which the owner may act; `csrf` belongs
 * into each of the owner's forms, masked.
 */
export type Viewer = {
  sees: 'all' | 'public' | 'local'
  language: Language
  accounts: string[]
  csrf?: string
  notices?: Notice[]
  waiting?: number
}

/** What the owner is told on every page, and where something can be done about it. */
export type Notice = { sentence: string; path: string; act: string }

/** Somebody of whom nothing is known. */
export const strangerOf = (language: Language): Viewer => ({ sees: 'local', language, accounts: [] })

/** A place elsewhere. Its host is shown, so that nobody is led where they did not mean to go (X41). */
export type PlaceView = { url: string; host: string }
export type TimeView = { iso: string; text: string }

/** `page`: where a click leads; `tone` 0 to 7: the colour of the initials that stand in for a picture, which nobody's server is asked for. */
export type PersonView = { name: string; handle?: string; page?: string; local: boolean; initials: string; tone: number }

export type FileView = PlaceView & { name: string; type?: string }

export type PostView = {
  page?: string
  original?: PlaceView
  author: PersonView
  published: TimeView
  edited?: TimeView
  title?: string
  warning?: string
  language?: string
  /** Sanitised: the one thing that a template writes as it is. */
  html: string
  answers?: Partial<PlaceView> & { page?: string }
  files: FileView[]
  tags: string[]
  visibility?: 'followers' | 'direct'
  /** What only the owner sees: it waits to be approved, or is not shown to anybody else. */
  standing?: Exclude<Standing, 'shown'>
  isShare: boolean
  shared?: PostView
  /** What the sharer says that somebody else wrote. */
  quoted?: { author?: string; place?: PlaceView; title?: string; html: string }
}

/** The one rule about who sees which post (X43). */
export function maySee(viewer: Viewer, post: Pick<Shown, 'deletedAt' | 'visibility' | 'author'>): boolean {
  if (post.deletedAt !== undefined) return false
  if (viewer.sees === 'all') return true
  return isOpen(post) && post.author.removedAt === undefined && (viewer.sees === 'public' || post.author.localName !== undefined)
}

/** The path of our page about somebody; undefined when there is none for this viewer. */
export function personPath(viewer: Viewer, { id, localName }: Actor): string | undefined {
  if (localName !== undefined) return `/users/${localName}`
  return viewer.sees === 'local' ? undefined : `/people/${id}`
}

/** The path of our page of a post; undefined when there is none for this viewer. */
export function postPath(viewer: Viewer, { id, author }: Pick<Shown, 'id' | 'author'>): string | undefined {
  if (author.localName !== undefined) return `/users/${author.localName}/posts/${id}`
  return viewer.sees === 'local' ? undefined : `/posts/${id}`
}

/** Somebody as pages show them. Their own page elsewhere is linked where we have none to show. */
export function showPerson(viewer: Viewer, actor: Actor): PersonView {
  const name = actor.displayName?.trim() || actor.username || actor.acct || actor.uri
  const page = personPath(viewer, actor) ?? showPlace(actor.url)?.url
  return {
    ...{ name, local: actor.localName !== undefined, initials: initialsOf(name), tone: toneOf(actor.uri) },
    ...(actor.acct === undefined ? {} : { handle: `@${actor.acct}` }),
    ...(page === undefined ? {} : { page })
  }
}

/** Somebody as a comment names them. */
export function showFace({ handle, name, url }: Face): PersonView {
  const page = showPlace(url)?.url
  const who = { name, local: false, initials: initialsOf(name), tone: toneOf(url ?? handle ?? name) }
  return { ...who, ...(handle === undefined ? {} : { handle: `@${handle}` }), ...(page === undefined ? {} : { page }) }
}

/** A post that the viewer may see (`maySee` was asked before), sanitised once more as the last step (X41). */
export function showPost(viewer: Viewer, post: Shown): PostView {
  const page = postPath(viewer, post)
  const original = post.author.localName === undefined ? showPlace(post.url ?? post.uri) : undefined
  return {
    ...{ author: showPerson(viewer, post.author), published: showTime(post.publishedAt), html: sanitizeKept(post.html) },
    ...{ files: showFiles(post), tags: post.tags, isShare: post.verb === 'share' },
    ...(isEdited(post) ? { edited: showTime(post.updatedAt) } : {}),
    ...(page === undefined ? {} : { page }),
    ...(original === undefined ? {} : { original }),
    ...(post.title === undefined ? {} : { title: post.title }),
    ...(post.warning === undefined ? {} : { warning: post.warning }),
    ...(isLanguage(post.language) ? { language: post.language } : {}),
    ...(post.visibility === 'followers' || post.visibility === 'direct' ? { visibility: post.visibility } : {}),
    ...answersOf(viewer, post),
    ...(post.verb === 'share' ? sharedOf(viewer, post) : {})
  }
}

/** An answer to a toot, as its server tells it. */
export function showAnswer({ html, language, person, published, updated, uri, url, visibility }: Answer): PostView {
  const original = showPlace(url) ?? showPlace(uri)
  const name = person.name.trim() || person.handle
  const page = showPlace(person.url)?.url
  const who = { name, handle: `@${person.handle}`, local: false, initials: initialsOf(name), tone: toneOf(person.uri) }
  return {
    ...{ author: { ...who, ...(page === undefined ? {} : { page }) }, published: showTime(published), html: sanitizeKept(html) },
    ...{ files: [], tags: [], isShare: false },
    ...(updated === undefined ? {} : { edited: showTime(updated) }),
    ...(original === undefined ? {} : { original }),
    ...(isLanguage(language) ? { language } : {}),
    ...(visibility === 'direct' ? { visibility } : visibility === 'private' ? { visibility: 'followers' as const } : {})
  }
}

/**
 * A share shows the original as its author has it now. Only when the original is not kept here does the sharer's own word count:
 * of one that was deleted, or is not for everybody, nothing is repeated.
 */
function sharedOf(viewer: Viewer, { sharedId, shared, quoted, html }: Shown): Partial<PostView> {
  if (shared !== undefined && (viewer.sees === 'all' || isOpen(shared))) return { html: '', shared: showPost(viewer, shared) }
  if (sharedId !== undefined) return { html: '' }
  return quoted === undefined ? { html: sanitizeKept(html) } : { html: '', quoted: showQuoted(quoted) }
}

function showQuoted({ authorName, authorUri, authorUrl, html, title, url, uri }: Quoted): NonNullable<PostView['quoted']> {
  const author = authorName ?? authorUri
  const place = showPlace(url ?? uri ?? authorUrl)
  return { html: sanitizeKept(html), ...(author ? { author } : {}), ...(place ? { place } : {}), ...(title ? { title } : {}) }
}

function answersOf(viewer: Viewer, { inReplyTo, inReplyToUrl, parentId }: KeptPost): Pick<PostView, 'answers'> {
  if (inReplyTo === undefined && inReplyToUrl === undefined) return {}
  const page = parentId !== undefined && viewer.sees === 'all' ? { page: `/posts/${parentId}` } : {}
  return { answers: { ...showPlace(inReplyToUrl ?? inReplyTo), ...page } }
}

function showFiles({ enclosures }: KeptPost): FileView[] {
  return enclosures.flatMap(({ url, title, type }) => {
    const place = showPlace(url)
    if (place === undefined) return []
    return [
      {
        ...place,
        name: title?.trim() || place.url.split(/[?#]/)[0]!.split('/').at(-1) || place.host,
        ...(type === undefined ? {} : { type })
      }
    ]
  })
}

/** A link that may be followed: http(s), and nothing that runs (X42). */
export function showPlace(text: string | undefined): PlaceView | undefined {
  const url = readWebAddress(text)
  return url && { url: url.href, host: url.host }
}

/** A sentence as HTML: what stands between backticks in it is code. */
export const codeInText = (sentence: string): string => escapeXml(sentence).replace(/`([^`]+)`/g, '<code dir="ltr">$1</code>')

const clock = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

export const showTime = (time: Date): TimeView => ({ iso: time.toISOString(), text: `${clock.format(time)} UTC` })

function initialsOf(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? []
  const [first, last] = [words[0], words.length > 1 ? words.at(-1) : undefined]
  return [first, last].map(word => (word === undefined ? '' : [...word][0]!.toLocaleUpperCase('en'))).join('') || '?'
}

const toneOf = (uri: string): number => [...uri].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 9973, 7) % 8
