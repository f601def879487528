/** The form in which the owner writes: empty, an answer, an own post to be changed, or once more what could not be published. */
import { isLanguage } from '../federation/comments.ts'
import { isOpen } from '../federation/moderate.ts'
import { type Draft, typedText } from '../federation/publish.ts'
import { BadMessage } from '../model/errors.ts'
import type { Shown } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { postPath, type Viewer } from './shown.ts'
import type { Language } from './texts.ts'

export type ComposeView = {
  /** The path that takes it. */
  action: string
  kind: 'note' | 'reply' | 'edit'
  /** The URI of what is answered; `isPrivate`: that is not for everybody, nor will the answer be. */
  replyTo?: string
  isPrivate?: boolean
  field: 'text' | 'html'
  body: string
  title: string
  warning: string
  /** The account that is chosen. */
  as?: string
  /** Of a post that is new: in which language it is, and which there are. */
  language?: string
  languages?: { code: string; name: string }[]
  /** Mentions that lead to nobody, when the owner was told so. */
  anyway?: string
}

const EMPTY = { field: 'text', body: '', title: '', warning: '' } as const

/** The languages of most blogs. */
const CODES = (
  'ar bg bn ca cs cy da de el en eo es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka ko lt lv mk ms nb nl nn pl pt ro ru ' +
  'sk sl sq sr sv sw ta th tr uk ur vi zh'
).split(' ')
const names = new Map<Language, { code: string; name: string }[]>()

function languagesIn(language: Language): { code: string; name: string }[] {
  const known = names.get(language)
  if (known !== undefined) return known
  const display = new Intl.DisplayNames(language, { type: 'language' })
  const all = CODES.map(code => ({ code, name: display.of(code) ?? code })).sort((a, b) => a.name.localeCompare(b.name, language))
  names.set(language, all)
  return all
}

/** A new post, in the language of the last one; undefined for whoever has no account to write as. */
export async function composeNote({ timelines }: Tools, viewer: Viewer): Promise<ComposeView | undefined> {
  const [first] = viewer.accounts
  if (first === undefined) return undefined
  const language = (await timelines.lastLanguage(first)) ?? viewer.language
  return { ...EMPTY, action: '/notes', kind: 'note', ...choices(viewer, language) }
}

function choices(viewer: Viewer, language: string): Pick<ComposeView, 'language' | 'languages'> {
  const languages = languagesIn(viewer.language)
  const isListed = language === '' || languages.some(({ code }) => code === language)
  return { language, languages: isListed ? languages : [{ code: language, name: language }, ...languages] }
}

/**
 * An answer. Its author is told of it anyway; the others who are mentioned in what is answered stand in the text already, and stay or
 * are taken out. To a share nothing is answered but to what it shares.
 */
export async function composeReply(tools: Tools, viewer: Viewer, post: Shown): Promise<ComposeView | undefined> {
  const parent = post.verb === 'share' ? post.shared : post
  const empty = parent && (await composeNote(tools, viewer))
  if (parent === undefined || empty === undefined) return undefined
  const known = parent.mentions.length === 0 ? [] : [...(await tools.actors.findByNames(parent.mentions)).values()]
  const others = known.filter(
    ({ actor }) => actor.localName === undefined && actor.id !== parent.author.id && actor.removedAt === undefined
  )
  const mentions = [...new Set(others.flatMap(({ actor }) => actor.acct ?? []))].slice(0, 10)
  return { ...empty, kind: 'reply', replyTo: parent.uri, isPrivate: !isOpen(parent), body: mentions.map(acct => `@${acct} `).join('') }
}

/** A post of our own: as the text that was typed, or as HTML when it is more than that. */
export function composeEdit(tools: Tools, viewer: Viewer, post: Shown): ComposeView {
  const { html, title = '', warning = '' } = post
  const text = typedText(tools, html)
  const body = text === undefined ? ({ field: 'html', body: html } as const) : ({ field: 'text', body: text } as const)
  return { ...body, title, warning, action: `${postPath(viewer, post)}/edit`, kind: 'edit' }
}

/** What was sent, as it was: nothing of it is lost because it could not be published. @param action the path that takes it */
export function composeAgain(viewer: Viewer, action: string, form: URLSearchParams): ComposeView {
  const of = (name: string) => form.get(name) ?? ''
  const [as, replyTo] = [of('as'), of('replyTo')]
  const isNew = action === '/notes'
  return {
    ...{ action, kind: isNew ? (replyTo === '' ? 'note' : 'reply') : 'edit', field: form.has('html') ? 'html' : 'text' },
    ...{ body: of(form.has('html') ? 'html' : 'text'), title: of('title'), warning: of('warning') },
    ...(replyTo === '' ? {} : { replyTo }),
    ...(as === '' ? {} : { as }),
    ...(isNew ? choices(viewer, of('language')) : {})
  }
}

/** @throws BadMessage for text that the database cannot hold, and a language that is none */
export function readDraft(form: URLSearchParams): Draft {
  const [text, html, title, replyTo, warning, language] = ['text', 'html', 'title', 'replyTo', 'warning', 'language'].map(name =>
    form.get(name)
  )
  if ([...form.values()].some(value => value.includes('\0'))) throw new BadMessage('This text holds a character that is none.')
  if (language && !isLanguage(language)) throw new BadMessage('There is no such language.')
  return {
    title: title ?? '',
    ...(warning == null ? {} : { warning }),
    ...(text == null ? {} : { text }),
    ...(html == null ? {} : { html }),
    ...(replyTo ? { replyTo } : {}),
    ...(language ? { language } : {})
  }
}
