/** A post of a blog -> the text of its toot (requirements S1-62 to S1-65, W20, W21). */
import { createHash } from 'node:crypto'
import type { Told } from '../model/blog.ts'
import { type Pattern, TOOT_PARTS, type TootPart } from '../model/patterns.ts'
import { withoutControls } from './plain-text.ts'
import { htmlToText } from './sanitize.ts'
import { countCharacters, replaceUrls, splitCharacters } from './toot-length.ts'
import { stripIllegal } from './xml.ts'

/** `template` as TOOT_TEMPLATE; `titlePattern` has a group `title`; `limit` in characters as the server counts them. */
export type TootOptions = {
  template?: string | undefined
  postfix?: string | undefined
  titlePattern?: Pattern | undefined
  limit?: number | undefined
}

type Parts = Record<TootPart, string>

/** S1-64: title, blank line, description, postfix line, address. */
const TEMPLATE = '{title}\n\n{summary}\n{postfix}\n{url}'
const MOST_TAGS = 10
/** What is given up, in this order, when a toot is too long. */
const SPARED = ['content', 'excerpt', 'summary', 'hashtags', 'title', 'postfix'] as const
const ASKED = new RegExp(`\\{(${TOOT_PARTS.join('|')})\\}`, 'g')

/**
 * The text of a toot. A line whose parts are all empty is left out. What is too long is shortened, the description first, the
 * title last, the address never: only an address that alone is over the limit makes a toot longer than it.
 */
export function writeToot(told: Pick<Told, 'title' | 'summary' | 'html' | 'tags' | 'url'>, options: TootOptions = {}): string {
  const { template = TEMPLATE, limit = 500 } = options
  let parts = gather(told, options, limit)
  for (const part of SPARED) {
    const isShort = (text: string) => countCharacters(fill(template, { ...parts, [part]: text })) <= limit
    if (isShort(parts[part])) break
    parts = { ...parts, [part]: shorteners[part](parts[part], isShort) }
  }
  return fill(template, parts)
}

/** MD5 as 32 hex digits: the Idempotency-Key of the toot of an address (S1-68). */
export const hashOf = (url: string): string => createHash('md5').update(url).digest('hex')

function gather(
  { title = '', summary = '', html = '', tags, url }: Parameters<typeof writeToot>[0],
  options: TootOptions,
  limit: number
): Parts {
  const { titlePattern, postfix = '' } = options
  // Nothing that could ever be seen: it only costs time to count it.
  const tidy = (text: string) => defuse(cap(withoutControls(stripIllegal(text)).trim(), limit * 10))
  const content = tidy(htmlToText(html))
  const whole = title.replace(/\s+/g, ' ').trim()
  const short = tidy(summary.replace(/\s+/g, ' '))
  return {
    title: tidy(titlePattern?.group(whole, 'title')?.trim() || whole),
    summary: short,
    excerpt: short || content.replace(/\s+/g, ' '),
    content: content || short,
    url,
    hashtags: writeHashtags(tags),
    postfix: postfix.trim()
  }
}

const cap = (text: string, length: number) => (text.length > length ? `${text.slice(0, length).toWellFormed().trimEnd()}…` : text)

/** In one pass: what a page tells is not looked through for further parts. */
function fill(template: string, parts: Parts): string {
  const lines = template.split('\n').flatMap(line => {
    const asked = [...line.matchAll(ASKED)].map(([, part]) => parts[part as TootPart])
    return asked.length > 0 && asked.every(text => text === '') ? [] : [line.replace(ASKED, (_, part: TootPart) => parts[part])]
  })
  return lines
    .map(line => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

/**
 * Nobody is called by a title such as "Ask @joe": a server notifies whomever the text of a status mentions, and the page decides
 * that text. A word joiner behind the @ ends the name before it begins; it has no width, and unlike the zero width space it allows
 * no line break and unlike the joiner of emoji it changes no letter's shape. In a web address it would break the link, so there
 * the @ is written %40, except in `/@user`, which servers take for no mention.
 */
const defuse = (text: string): string =>
  replaceUrls(
    text,
    url => url.replace(/(?<![/\p{L}\p{M}\p{Nd}\p{Pc}])@/gu, '%40'),
    between => between.replace(/(?<![\p{L}\p{M}\p{Nd}\p{Pc}])[@＠](?=[\p{L}\p{M}\p{Nd}\p{Pc}]|$)/gu, '$&\u2060')
  )

type Shorten = (text: string, isShort: (text: string) => boolean) => string

/** The longest beginning that is short enough, up to the end of a word where there are words. */
const cutText: Shorten = (text, isShort) => {
  const characters = splitCharacters(text)
  return longest(characters.length, length => cutAt(characters, length), isShort)
}

function cutAt(characters: string[], length: number): string {
  if (length === 0) return ''
  const text = characters.slice(0, length).join('')
  const isWhole = /^\s/.test(characters[length] ?? ' ')
  const end = isWhole ? text.length : text.search(/\s\S*$/)
  // A word that fills a third of the text is none, or a writing without spaces.
  return `${text.slice(0, end < text.length * 0.67 ? undefined : end).replace(/[\s,;:.–—-]+$/, '')}…`
}

const cutTags: Shorten = (text, isShort) => {
  const tags = text.split(' ')
  return longest(tags.length, length => tags.slice(0, length).join(' '), isShort)
}

const shorteners: Record<(typeof SPARED)[number], Shorten> = {
  content: cutText,
  excerpt: cutText,
  summary: cutText,
  hashtags: cutTags,
  title: cutText,
  postfix: () => ''
}

/** By halving. A cut through an address may make a text longer, so only what was tried is given; '' when nothing is short enough. */
function longest(most: number, cut: (length: number) => string, isShort: (text: string) => boolean): string {
  let best = ''
  for (let [low, high] = [0, most]; low < high; ) {
    const middle = Math.ceil((low + high) / 2)
    const text = cut(middle)
    const fits = isShort(text)
    if (fits) [best, low] = [text, middle]
    else high = middle - 1
  }
  return best
}

/** Words joined as OpenSource, so that screen readers find them; letters, digits and `_` alone. Undefined without a letter. */
export function hashtagName(tag: string): string | undefined {
  const words = tag.normalize('NFC').match(/[\p{L}\p{M}\p{Nd}_]+/gu) ?? []
  const name = words.length > 1 ? words.map(word => word.replace(/^./u, first => first.toUpperCase())).join('') : (words[0] ?? '')
  return /\p{L}/u.test(name) ? name : undefined
}

function writeHashtags(tags: string[]): string {
  const names = tags.flatMap(tag => hashtagName(tag) ?? [])
  const once = new Map(names.map(name => [name.toLowerCase(), name]))
  return [...once.values()]
    .slice(0, MOST_TAGS)
    .map(name => `#${name}`)
    .join(' ')
}
