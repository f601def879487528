/** What is kept -> what a template shows: who may see it, under which address, in which words. Templates only escape and arrange. */
import { type Face, isEdited, isLanguage } from '../federation/comments.ts'
import { isOpen, type Standing } from '../federation/moderate.ts'
import type { Enclosure } from '../model/activity.ts'
import type { Answer } from '../model/blog.ts'
import type { Actor, KeptPost, Quoted, Shown } from '../model/kept.ts'
import { type Network, networkOf } from '../model/network.ts'
import { sanitizeKept } from '../protocol/sanitize.ts'
import { readWebAddress } from '../protocol/web-address.ts'
import { escapeXml } from '../protocol/xml.ts'
import type { Done } from '../tools.ts'
import { cutHtml } from './excerpt.ts'
import type { Language, Values } from './texts.ts'

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

/** What the owner is told on every page, and where something can be done about it. `text` and `act` are keys of texts. */
export type Notice = { text: string; values: Values; path: string; act: string }

/** Somebody of whom nothing is known. */
export const strangerOf = (language: Language): Viewer => ({ sees: 'local', language, accounts: [] })

/** A place elsewhere. Its host is shown, so that nobody is led where they did not mean to go (X41). */
export type PlaceView = { url: string; host: string }
/** Templates put it into words by `time()`. */
export type TimeView = { iso: string }

/** Pictures elsewhere -> the ids under which they are shown from here: `findPictures` of those that `picturesOf` names. */
export type Pictures = ReadonlyMap<string, string>
const NO_PICTURES: Pictures = new Map()

/**
 * `page`: where a click leads; `picture`: a path of ours; `tone` 0 to 7: the colour of the initials that stand in for it where there is
 * none.
 */
export type PersonView = { name: string; handle?: string; page?: string; local: boolean; picture?: string; initials: string; tone: number }

/** `picture`: the path of ours at which it is shown. */
export type FileView = PlaceView & { name: string; type?: string; picture?: string }

/**
 * What the owner may do to a post: `id` is that of what is acted on, which for a share is the shared post; `own` the path of an own post,
 * under which it is changed and deleted.
 */
export type ActsView = { id: string; reply?: string; mayShare: boolean; done: Done[]; own?: string }

export type PostView = {
  /** Of the row here; none for an answer to a toot. */
  id?: string
  page?: string
  network?: Exclude<Network, 'local'>
  original?: PlaceView
  author: PersonView
  published: TimeView
  edited?: TimeView
  title?: string
  warning?: string
  language?: string
  /** Sanitised: the one thing that a template writes as it is. */
  html: string
  /** There is more of it on its own page. */
  isCut?: boolean
  /** What belongs to it is not for everybody's eyes, as its author says. */
  sensitive: boolean
  /** `name`: whose post it is. */
  answers?: Partial<PlaceView> & { page?: string; name?: string }
  files: FileView[]
  tags: string[]
  visibility?: 'followers' | 'direct'
  /** What only the owner sees: it waits to be approved, or is not shown to anybody else. */
  standing?: Exclude<Standing, 'shown'>
  /** Of a comment that stands in a thread of ours: the page where the owner hides it or blocks its author. */
  moderate?: string
  isShare: boolean
  shared?: PostView
  acts?: ActsView
  /** What the sharer says that somebody else wrote. */
  quoted?: { author?: string; place?: PlaceView; title?: string; html: string }
}

/** Of a post. */
const MOST_TAGS = 30
/** Letters of a name. */
const LONGEST_NAME = 200

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

/** Where the owner decides of one comment: by its address, its URI or its id. */
export const commentPath = (name: string): string => `/moderation/comment?of=${encodeURIComponent(name)}`

/** Somebody as pages show them. Their own page elsewhere is linked where we have none to show. */
export function showPerson(viewer: Viewer, actor: Actor, pictures: Pictures = NO_PICTURES): PersonView {
  const name = (actor.displayName?.trim() || actor.username || actor.acct || actor.uri).slice(0, LONGEST_NAME).toWellFormed()
  const page = personPath(viewer, actor) ?? showPlace(actor.url)?.url
  return {
    ...{ name, local: actor.localName !== undefined, initials: initialsOf(name), tone: toneOf(actor.uri) },
    ...pictureAt(pictures, actor.avatar?.url),
    ...(actor.acct === undefined ? {} : { handle: `@${actor.acct}` }),
    ...(page === undefined ? {} : { page })
  }
}

function pictureAt(pictures: Pictures, url: string | undefined): { picture?: string } {
  const id = pictures.get(url ?? '')
  return id === undefined ? {} : { picture: `/media/${id}` }
}

/** What is shown of a post as a picture: its own files, and its author; those of what it shares too. */
export const picturesOf = ({ author, enclosures, shared }: Shown): (string | undefined)[] => [
  author.avatar?.url,
  ...enclosures.filter(isPicture).map(({ url }) => url),
  ...(shared === undefined ? [] : picturesOf(shared))
]

/** SVG is a document, and never shown as a picture (X48). */
export const isPicture = ({ type, url }: Enclosure): boolean =>
  type === undefined ? /\.(avif|gif|jpe?g|png|webp)$/i.test(URL.parse(url)?.pathname ?? '') : /^image\/(?!svg)/i.test(type)

/** Somebody as a comment names them. */
export function showFace({ avatar, handle, name, url }: Face, pictures: Pictures): PersonView {
  const page = showPlace(url)?.url
  const who = { name, local: false, initials: initialsOf(name), tone: toneOf(url ?? handle ?? name), ...pictureAt(pictures, avatar) }
  return { ...who, ...(handle === undefined ? {} : { handle: `@${handle}` }), ...(page === undefined ? {} : { page }) }
}

/**
 * A post that the viewer may see (`maySee` was asked before), sanitised once more as the last step (X41).
 * @param most letters of its text; a longer one is cut
 */
export function showPost(viewer: Viewer, post: Shown, pictures: Pictures, most = Number.POSITIVE_INFINITY): PostView {
  const page = postPath(viewer, post)
  const original = post.author.localName === undefined ? showPlace(post.url ?? post.uri) : undefined
  const network = networkOf(post.author)
  return {
    ...{ id: post.id, author: showPerson(viewer, post.author, pictures), published: showTime(post.publishedAt) },
    ...{ files: showFiles(post, pictures), tags: post.tags.slice(0, MOST_TAGS), isShare: post.verb === 'share', sensitive: post.sensitive },
    ...showText(post.html, page === undefined ? Number.POSITIVE_INFINITY : most),
    ...(network === 'local' ? {} : { network }),
    ...(isEdited(post) ? { edited: showTime(post.updatedAt) } : {}),
    ...(page === undefined ? {} : { page }),
    ...(original === undefined ? {} : { original }),
    ...(post.title === undefined ? {} : { title: post.title }),
    ...(post.warning === undefined ? {} : { warning: post.warning }),
    ...(isLanguage(post.language) ? { language: post.language } : {}),
    ...(post.visibility === 'followers' || post.visibility === 'direct' ? { visibility: post.visibility } : {}),
    ...answersOf(viewer, post),
    ...(post.verb === 'share' ? sharedOf(viewer, post, pictures, most) : {})
  }
}

function showText(html: string, most: number): Pick<PostView, 'html' | 'isCut'> {
  const cut = cutHtml(html, most)
  return cut === undefined ? { html: sanitizeKept(html) } : { html: sanitizeKept(cut), isCut: true }
}

/** An answer to a toot, as its server tells it. */
export function showAnswer({ html, language, person, published, updated, uri, url, visibility }: Answer, pictures: Pictures): PostView {
  const original = showPlace(url) ?? showPlace(uri)
  const name = person.name.trim() || person.handle
  const page = showPlace(person.url)?.url
  const who = { name, handle: `@${person.handle}`, local: false, initials: initialsOf(name), tone: toneOf(person.uri) }
  const author = { ...who, ...pictureAt(pictures, person.avatar), ...(page === undefined ? {} : { page }) }
  return {
    ...{ author, published: showTime(published), html: sanitizeKept(html), network: 'mastodon' },
    ...{ files: [], tags: [], isShare: false, sensitive: false },
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
function sharedOf(viewer: Viewer, { sharedId, shared, quoted, html }: Shown, pictures: Pictures, most: number): Partial<PostView> {
  if (shared !== undefined && (viewer.sees === 'all' || isOpen(shared)))
    return { html: '', shared: showPost(viewer, shared, pictures, most) }
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

function showFiles({ enclosures }: KeptPost, pictures: Pictures): FileView[] {
  return enclosures.flatMap(file => {
    const { title = '', type, url } = file
    const place = showPlace(url)
    if (place === undefined) return []
    const picture = isPicture(file) ? pictureAt(pictures, url) : {}
    const name = title.trim() || (picture.picture === undefined ? nameOf(place) : '')
    return [{ ...place, name, ...picture, ...(type === undefined ? {} : { type }) }]
  })
}

const nameOf = ({ host, url }: PlaceView): string => url.split(/[?#]/)[0]!.split('/').at(-1) || host

/** A link that may be followed: http(s), and nothing that runs (X42). */
export function showPlace(text: string | undefined): PlaceView | undefined {
  const url = readWebAddress(text)
  return url && { url: url.href, host: url.host }
}

export const showTime = (time: Date): TimeView => ({ iso: time.toISOString() })
/** A sentence as HTML: what stands between backticks in it is code. */
export const codeInText = (sentence: string): string => escapeXml(sentence).replace(/`([^`]+)`/g, '<code dir="ltr">$1</code>')

function initialsOf(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? []
  const [first, last] = [words[0], words.length > 1 ? words.at(-1) : undefined]
  return [first, last].map(word => (word === undefined ? '' : [...word][0]!.toLocaleUpperCase('en'))).join('') || '?'
}

const toneOf = (uri: string): number => [...uri].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 9973, 7) % 8
