/**
 * Answers of a Mastodon server's API (docs.joinmastodon.org/entities) -> the model. A server may be anything that speaks this API,
 * so what is missing or odd is borne where it can be, and nothing is believed to be what its name says.
 */
import { Parser } from 'htmlparser2'
import type { Answer, Person, Visibility } from '../model/blog.ts'
import { BadMessage, isFailure } from '../model/errors.ts'
import { readHandle } from './acct.ts'
import { capText, line, opaque, webUrl } from './atom-parts.ts'
import { present } from './atom-post.ts'
import { readDate } from './date.ts'
import { htmlToText, sanitizeHtml, textToHtml } from './sanitize.ts'
import { escapeXml, stripIllegal } from './xml.ts'

/**
 * A status. `html` is sanitised; `text` is plain text, `whole` the same with the addresses of its links in full; `links` are the
 * addresses in it, those of its links and of its card included.
 */
export type Status = {
  id: string
  uri: string
  url: string
  html: string
  text: string
  whole: string
  links: string[]
  createdAt: Date
  editedAt?: Date
  visibility: Visibility
  person: Person
  parentId?: string
  replies: number
  favourites: number
  shares: number
  language?: string
  /** Name of the program that made it. */
  application?: string
}

/** Somebody on the server that was asked. */
export type Account = Person & { id: string; username: string }

type Fields = Record<string, unknown>

/** As many as Mastodon gives of a thread at most. */
const MOST = 4096
const LONGEST_NAME = 200
const VISIBILITIES: readonly Visibility[] = ['public', 'unlisted', 'private', 'direct']

/** The JSON of an answer. @throws BadMessage when it is none */
export function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch (cause) {
    throw new BadMessage('The Mastodon server did not answer in JSON.', { cause })
  }
}

/**
 * A Status entity.
 * @param host of the server, or its origin: what is there without a host lives on it
 * @throws BadMessage when it is none, or lacks id, address, author or date
 */
export function readStatus(json: unknown, host: string): Status {
  const fields = readFields(json, 'a status')
  const uri = readUri(fields.uri) ?? address(fields.url)
  const url = address(fields.url) ?? address(uri)
  const createdAt = readDate(text(fields.created_at))
  if (uri === undefined || url === undefined || createdAt === undefined) throw notA('a status')
  const content = capText(text(fields.content) ?? '')
  const html = sanitizeHtml(withWarning(fields) + content + withMedia(fields))
  const plain = htmlToText(content)
  return {
    id: readId(fields.id),
    uri,
    url,
    html,
    text: plain,
    whole: htmlToText(withWholeLinks(content)),
    links: findLinks(html, plain, fields.card),
    createdAt,
    visibility: readVisibility(fields.visibility),
    person: readPerson(fields.account, host),
    replies: count(fields.replies_count),
    favourites: count(fields.favourites_count),
    shares: count(fields.reblogs_count),
    ...present({
      editedAt: readDate(text(fields.edited_at)),
      parentId: fields.in_reply_to_id == null ? undefined : readId(fields.in_reply_to_id),
      language: readLanguage(fields.language),
      application: isFields(fields.application) ? clean(fields.application.name) : undefined
    })
  }
}

/** An array of Status entities without what others wrote and was shared; what is no status is left out. @throws BadMessage when it is no array */
export const readStatuses = (json: unknown, host: string): Status[] =>
  readList(json, 'a list of statuses', item => {
    const status = readStatus(item, host)
    return isFields((item as Fields).reblog) ? undefined : status
  })

/** The descendants of a Context entity, all of them, private ones too; what is no status is left out. @throws BadMessage when it is none */
export function readContext(json: unknown, host: string): Answer[] {
  const statuses = readStatuses(readFields(json, 'a thread').descendants, host)
  return statuses.map(({ id, uri, url, parentId, person, html, language, createdAt, editedAt, visibility }) => ({
    id,
    uri,
    url,
    person,
    html,
    published: createdAt,
    visibility,
    ...present({ parentId, language, updated: editedAt })
  }))
}

/** An array of Account entities (favourited_by, reblogged_by), each person once. @throws BadMessage when it is no array */
export function readPeople(json: unknown, host: string): Person[] {
  const people = readList(json, 'a list of people', item => readPerson(item, host))
  return [...new Map(people.map(person => [person.handle, person])).values()]
}

/** An Account entity, such as verify_credentials gives. @throws BadMessage when it is none */
export function readAccount(json: unknown, host: string): Account {
  const fields = readFields(json, 'an account')
  const person = readPerson(fields, host)
  return { ...person, id: readId(fields.id), username: text(fields.username)?.trim() || person.handle.split('@')[0]! }
}

/** What POST /api/v1/apps gives. @throws BadMessage when it is something else */
export function readApp(json: unknown): { clientId: string; clientSecret: string } {
  const { client_id, client_secret } = readFields(json, 'an application')
  return { clientId: readSecret(client_id, 'an application'), clientSecret: readSecret(client_secret, 'an application') }
}

/** What POST /oauth/token gives; `scope` is '' when it is not told. @throws BadMessage when it is something else, or no bearer token */
export function readToken(json: unknown): { token: string; scope: string } {
  const { access_token, token_type = 'bearer', scope } = readFields(json, 'a token')
  if (text(token_type)?.toLowerCase() !== 'bearer') throw notA('a token')
  return { token: readSecret(access_token, 'a token'), scope: clean(scope) ?? '' }
}

/** How long a status may be (Instance entity, version 1 or 2); undefined when it is not told. Never fails. */
export function readLimit(json: unknown): number | undefined {
  const part = (fields: unknown, name: string): unknown => (isFields(fields) ? fields[name] : undefined)
  const told = part(part(part(json, 'configuration'), 'statuses'), 'max_characters') ?? part(json, 'max_toot_chars')
  return count(told) || undefined
}

/** Why the server refused, in its own words on one line; '' when it says nothing. Takes anything, never fails. */
export function readError(json: unknown): string {
  if (!isFields(json)) return ''
  const words = [clean(json.error), clean(json.error_description)].filter(word => word !== undefined)
  return [...words.join(': ')].slice(0, 300).join('')
}

function readPerson(json: unknown, host: string): Person {
  const fields = readFields(json, 'an account')
  const acct = (text(fields.acct) ?? text(fields.username) ?? '').trim()
  const handle = readHandle(acct.includes('@') ? acct : `${acct}@${host.replace(/^https?:\/\//, '')}`)
  const uri = webUrl(text(fields.uri)) ?? address(fields.url)
  const url = address(fields.url) ?? address(uri)
  if (handle.kind !== 'acct' || uri === undefined || url === undefined) throw notA('an account')
  const name = [...(clean(fields.display_name) ?? handle.user)].slice(0, LONGEST_NAME).join('')
  return { handle: handle.acct, name, uri, url, ...present({ avatar: address(fields.avatar_static) ?? address(fields.avatar) }) }
}

/** A string by the documents; some servers send a number, which has lost digits when it is too large for one (S1-70). */
function readId(raw: unknown): string {
  const id = Number.isSafeInteger(raw) ? String(raw) : text(raw)
  // It becomes part of addresses; and nothing may look like our own "-1".
  if (id === undefined || !/^[a-z\d][\w-]{0,63}$/i.test(id)) throw new BadMessage('The Mastodon server gave an id that cannot be one.')
  return id
}

/** A server that knows more kinds than we do means fewer people by them. */
const readVisibility = (raw: unknown): Visibility => VISIBILITIES.find(known => known === raw) ?? 'direct'

const readUri = (raw: unknown): string | undefined => {
  const uri = opaque(text(raw))
  return uri !== undefined && /^(https?:\/\/|tag:)[^\s\p{C}]+$/iu.test(uri) ? uri : undefined
}

const readLanguage = (raw: unknown): string | undefined => /^[a-z]{2,3}(-[a-z\d]{2,8}){0,4}$/i.exec(text(raw) ?? '')?.[0]

/** It goes into a header, or into a form. */
function readSecret(raw: unknown, what: string): string {
  const secret = text(raw) ?? ''
  if (!/^[\x21-\x7e]{1,2048}$/.test(secret)) throw notA(what)
  return secret
}

/** What stands before the content: its warning is shown, though nothing is folded. */
const withWarning = ({ spoiler_text }: Fields): string => (clean(spoiler_text) ? textToHtml(clean(spoiler_text)!) : '')

/** Pictures and the like as links, told by their description: without them many an answer would be empty. */
function withMedia({ media_attachments }: Fields): string {
  const media = Array.isArray(media_attachments) ? media_attachments.filter(isFields).slice(0, 16) : []
  return media
    .map(({ url, description, type }) => [address(url), clean(description) ?? clean(type)])
    .map(([url, words]) => (url === undefined ? '' : `<p><a href="${escapeXml(url)}">${escapeXml(words ?? url)}</a></p>`))
    .join('')
}

/** Each link but those of hashtags and mentions shows its address: some servers show a part of it. */
function withWholeLinks(content: string): string {
  const pieces: string[] = []
  let [begin, href]: [number, string | undefined] = [0, undefined]
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name !== 'a' || /\b(mention|hashtag|tag)\b/.test(`${attributes.class} ${attributes.rel}`)) return
      pieces.push(content.slice(begin, parser.startIndex))
      ;[begin, href] = [parser.startIndex, attributes.href]
    },
    onclosetag(name) {
      if (name !== 'a' || href === undefined) return
      pieces.push(escapeXml(href))
      ;[begin, href] = [parser.endIndex + 1, undefined]
    }
  })
  parser.end(content)
  return [...pieces, content.slice(begin)].join('')
}

/** Also addresses that the server made no link of, such as those of this machine. */
function findLinks(html: string, plain: string, card: unknown): string[] {
  const linked = [...html.matchAll(/ href="([^"]*)"/g)].map(found => found[1]!.replaceAll('&quot;', '"').replaceAll('&amp;', '&'))
  const written = plain.match(/https?:\/\/[^\s<>"]+/gi) ?? []
  return [...new Set([...linked, ...written, ...(isFields(card) ? [address(card.url)] : [])].filter(url => url !== undefined))]
}

function readList<T>(json: unknown, what: string, read: (item: unknown) => T | undefined): T[] {
  if (!Array.isArray(json)) throw notA(what)
  return json.slice(0, MOST).flatMap(item => {
    try {
      return read(item) ?? []
    } catch (error) {
      if (isFailure(error)) return []
      throw error
    }
  })
}

function readFields(json: unknown, what: string): Fields {
  if (!isFields(json)) throw notA(what)
  return json
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string | undefined => (typeof value === 'string' ? stripIllegal(value) : undefined)
const clean = (value: unknown): string | undefined => line(text(value))
const count = (value: unknown): number => (Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0)
const notA = (what: string): BadMessage => new BadMessage(`The Mastodon server's answer is not ${what}.`)

/** An http(s) address, normalised. */
function address(raw: unknown): string | undefined {
  const url = webUrl(text(raw))
  return url === undefined ? undefined : new URL(url).href
}
