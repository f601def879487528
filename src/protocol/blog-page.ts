/** A page of a blog -> what it tells of the post (requirements S1-60 to S1-65, T9). */
import type { Told } from '../model/blog.ts'
import { BadMessage } from '../model/errors.ts'
import { line, webUrl } from './atom-parts.ts'
import { present } from './atom-post.ts'
import { cleanAddress } from './blog-address.ts'
import { readDate } from './date.ts'
import { findWrongCharset, type Page, readPage } from './page.ts'
import { withoutControls } from './plain-text.ts'
import { isWebAddress } from './web-address.ts'
import { stripIllegal } from './xml.ts'

/**
 * `canonical` is `told.url`: where the page says that it lives, which may be another host; `named`: it says so, else it is where it
 * came from. `isArticle`: it says that it is one. `draft`: why it is not to be tooted, `future` means until `told.published`.
 */
export type BlogPage = { told: Told; canonical: string; named: boolean; isArticle: boolean; draft?: 'noindex' | 'future' | 'opted out' }

/** Header names in lower case. `url` is where the page finally came from. */
export type PageAnswer = { body: Buffer; url: string; headers?: Record<string, string>; contentType?: string | undefined }

const MOST_TAGS = 30
const SPOKEN = new Set(['og:title', 'og:description', 'description'])
const LONGEST_TAG = 100
const PUBLISHED = [
  'article:published_time',
  'datepublished',
  'dcterms.created',
  'dc.date.issued',
  'dc.date',
  'dcterms.date',
  'date',
  'pubdate'
]
const MODIFIED = ['article:modified_time', 'og:updated_time', 'datemodified', 'dcterms.modified']
const AUTHOR = ['article:author', 'author', 'dc.creator', 'dcterms.creator']

/**
 * Reads the head of a page. Texts are plain text in one line, whatever stands in them.
 * @param now a page published later is a draft
 * @throws BadMessage (415) for an answer that says that it is no HTML; (400) for a page that nobody should read aloud: in another
 *   charset than it says, with a script in its title or description, with a canonical address that is none
 */
export function readBlogPage({ body, url, headers = {}, contentType = headers['content-type'] }: PageAnswer, now: Date): BlogPage {
  if (contentType !== undefined && !/^\s*(text\/html|application\/xhtml\+xml)\b/i.test(contentType))
    throw new BadMessage('The address is not one of a web page.', { status: 415 })
  const page = readPage(body, { url, ...(contentType === undefined ? {} : { contentType }) })
  refuseHostile(page, findWrongCharset(body, contentType))
  const all = (...names: string[]) =>
    names.flatMap(name => page.meta.flatMap(([key, content]) => (key === name && content ? [content] : [])))
  const own = [page.canonical, webUrl(all('og:url')[0], url)].map(address => address && cleanAddress(address)?.url).find(Boolean)
  const canonical = own ?? cleanAddress(url)?.url ?? url
  const published = firstDate(all(...PUBLISHED))
  const told: Told = {
    url: canonical,
    source: 'page',
    tags: readTags(all('article:tag', 'keywords')),
    enclosures: [],
    ...present({
      title: clean(page.title),
      summary: clean(page.summary),
      image: readImage(page, all, url),
      author: clean(all(...AUTHOR).find(name => !isWebAddress(name))),
      language: readLanguage([page.language, ...all('og:locale')]),
      published,
      updated: firstDate(all(...MODIFIED))
    })
  }
  const draft = findDraft({ toot: all('fediverse:toot'), robots: all('robots', 'googlebot'), header: headers['x-robots-tag'] ?? '' })
  const isLater = published !== undefined && published > now
  const isArticle = all('og:type').some(type => /^article$/i.test(type)) || all('article:published_time').length > 0
  return { told, canonical, named: own !== undefined, isArticle, ...(draft ? { draft } : isLater ? { draft: 'future' } : {}) }
}

/** Words that end up in other people's timelines: what looks like an attack gets none. @throws BadMessage */
function refuseHostile({ meta, oddCanonical }: Page, wrongCharset: string | undefined): void {
  if (wrongCharset !== undefined) throw new BadMessage(`The page is not in the charset “${wrongCharset.slice(0, 40)}”, as it should be.`)
  if (oddCanonical !== undefined) throw new BadMessage('The page names as its canonical address what is no address of the web.')
  const isScript = ([name, content]: Page['meta'][number]) => SPOKEN.has(name) && /<\s*\/?\s*script/i.test(content)
  if (meta.some(isScript)) throw new BadMessage('The title or the description of the page contains a script.')
}

const clean = (text: string | undefined): string | undefined =>
  line(text === undefined ? undefined : withoutControls(stripIllegal(text.replace(/\s+/g, ' '))))

const firstDate = (dates: string[]): Date | undefined => dates.map(readDate).find(date => date !== undefined)

function readTags(lists: string[]): string[] {
  const tags = lists.flatMap(list => list.split(',')).map(tag => clean(tag)?.replace(/^#+/, '').trim().toLowerCase() ?? '')
  return [...new Set(tags)].filter(tag => tag !== '' && tag.length <= LONGEST_TAG).slice(0, MOST_TAGS)
}

function readImage(page: Page, all: (...names: string[]) => string[], base: string): Told['image'] {
  const url = page.image ?? webUrl(all('twitter:image', 'twitter:image:src')[0], base)
  const type = all('og:image:type').find(type => /^image\/[\w.+-]+$/.test(type))
  return url === undefined ? undefined : { url, ...present({ type, alt: clean(all('og:image:alt', 'twitter:image:alt')[0]) }) }
}

/** The first that is a language tag; Open Graph writes `pt_BR`. */
const readLanguage = (written: (string | undefined)[]): string | undefined =>
  written.map(language => language?.replaceAll('_', '-')).find(language => /^[a-z]{2,3}(-[a-z\d]{2,8}){0,4}$/i.test(language ?? ''))

function findDraft({ toot, robots, header }: { toot: string[]; robots: string[]; header: string }): BlogPage['draft'] {
  if (toot.some(wish => /^(no|off|false|0)$/i.test(wish))) return 'opted out'
  return robots.some(forbidsIndex) || forbidsIndex(header) ? 'noindex' : undefined
}

/**
 * Whether rules such as `noindex, nofollow` or `googlebot: noindex, otherbot: none` keep a page out of every index. A name holds
 * until the next one; rules for a robot that nobody takes us for are not for us.
 */
function forbidsIndex(rules: string): boolean {
  let isOurs = true
  for (const piece of rules.toLowerCase().split(',')) {
    const [, name, rule = ''] = /^\s*(?:([^:]*):)?(.*)$/s.exec(piece) ?? []
    // `max-snippet: 0` and the like are rules with a value, no robot's name.
    if (name !== undefined && !/^(max-|unavailable_after)/.test(name)) isOurs = /^(\*|robots|googlebot)$/.test(name.trim())
    if (isOurs && /^\s*(noindex|none)\s*$/.test(rule) && !name?.startsWith('max-')) return true
  }
  return false
}
