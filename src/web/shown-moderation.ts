/** What waits, what was decided, and what a list of blocks would do, as pages show it. */
import type { BlockPlan } from '../federation/block-list.ts'
import type { DecidedOf } from '../federation/decided.ts'
import type { FoundComment, Standing } from '../federation/moderate.ts'
import type { Waiting } from '../federation/waiting.ts'
import { isId } from '../model/ids.ts'
import type { Shown } from '../model/kept.ts'
import { htmlToText, sanitizeKept } from '../protocol/sanitize.ts'
import type { Did } from './decisions.ts'
import { type PersonView, type Pictures, type PlaceView, showFace, showPlace, showTime, type TimeView } from './shown.ts'

/** `about`: what it answers, in its first words, and where that is. `thread`: our page on which it stands. */
export type WaitingView = {
  id: string
  person: PersonView
  host: string
  way: Waiting['way']
  published: TimeView
  html: string
  warning?: string
  language?: string
  original?: PlaceView
  thread?: string
  about?: { text: string; page?: string }
}

export type ModerationView = {
  items: WaitingView[]
  all: boolean
  more?: string
  did?: Did
  problem?: string
  policy: 'first' | 'all' | 'none'
}

export type DecidedView = {
  what: 'hidden' | 'approved'
  list: { kind: DecidedOf['kind']; name: string; at: TimeView; person?: string; text?: string; place?: PlaceView }[]
  older?: string
  did?: Did
}

export type BlocksView = {
  list: { kind: DecidedOf['kind']; name: string; at: TimeView }[]
  older?: string
  did?: Did
  problem?: string
  typed?: string
}

export type PlanView = { plan: BlockPlan }

/** `name` is what the forms send; `own`: the owner's own word, of which nobody is to be blocked. */
export type CommentView = {
  name: string
  person: string
  host: string
  html: string
  place?: PlaceView
  standing: Standing
  own: boolean
  mayDecide: boolean
}

/** Characters of a text that stands for the whole. */
const START = 140

export function startOf(html: string, title?: string): string {
  const text = title ?? htmlToText(html).replace(/\s+/g, ' ').trim()
  return text.length > START ? `${text.slice(0, START).toWellFormed()}…` : text
}

export function showWaiting(
  { about, author, html, id, language, on, published, url, warning, way }: Waiting,
  pictures: Pictures
): WaitingView {
  const original = showPlace(url)
  return {
    ...{ id, person: showFace(author, pictures), host: hostOf(author), way, published: showTime(published), html: sanitizeKept(html) },
    ...(warning === undefined ? {} : { warning }),
    ...(language === undefined ? {} : { language }),
    ...(original === undefined ? {} : { original }),
    ...(isId(id) ? { thread: `/posts/${id}` } : {}),
    ...aboutOf(about, on)
  }
}

const hostOf = ({ handle, url }: Waiting['author']): string => handle?.split('@').at(-1) ?? URL.parse(url ?? '')?.host ?? ''

function aboutOf(about: Shown | undefined, on: string | undefined): Pick<WaitingView, 'about'> {
  if (about === undefined) {
    const place = showPlace(on)
    return place === undefined ? {} : { about: { text: place.url, page: place.url } }
  }
  const page = about.author.localName === undefined ? `/posts/${about.id}` : `/users/${about.author.localName}/posts/${about.id}`
  return { about: { text: startOf(about.html, about.title) || page, page } }
}

export function showDecided({ at, html, kind, name, person, url }: DecidedOf): DecidedView['list'][number] {
  const place = showPlace(url ?? (kind === 'comment' ? name : undefined))
  return {
    ...{ kind, name, at: showTime(at) },
    ...(person === undefined ? {} : { person }),
    ...(html === undefined ? {} : { text: startOf(html) }),
    ...(place === undefined ? {} : { place })
  }
}

export function showComment(
  { html, isAnswer, person, said, url }: FoundComment,
  name: string,
  standing: Standing,
  host: string
): CommentView {
  const place = showPlace(url)
  const what = { name, person, host, html: sanitizeKept(html), standing, own: said.own, mayDecide: isAnswer || !said.own }
  return { ...what, ...(place === undefined ? {} : { place }) }
}
