/** The head of an HTML page: what it is called, and where its feeds and descriptors are (D2, W9). */
import { Parser } from 'htmlparser2'
import { readRelations, type WebLink } from './link.ts'
import { LIMIT, REL, TYPE } from './names.ts'
import { isWebAddress, readWebAddress } from './web-address.ts'

export type FeedLink = { url: string; type: string; title?: string }

/** All addresses are absolute and http(s). `meta` holds name (or property, or itemprop) in lower case and content, in document order. */
export type Page = {
  title?: string
  /** Plain text. */
  summary?: string
  canonical?: string
  /** What a page calls its canonical address though it is none of the web, as it stands. */
  oddCanonical?: string
  language?: string
  image?: string
  /** Atom before RSS before JSON Feed, in document order within a kind; those of comments stand last. */
  feeds: FeedLink[]
  /** `template` is the text of an attribute with variables in it, as some pages have instead of `href`. */
  lrdd: { url?: string; template?: string; type?: string }[]
  links: WebLink[]
  meta: [name: string, content: string][]
}

type Attributes = Record<string, string>
type Head = { base?: string; title?: string; language?: string; links: Attributes[]; meta: [string, string][] }

const LONGEST_TITLE = 1000
const HEAD = new Set(['html', 'head', 'title', 'base', 'link', 'meta', 'style', 'script', 'noscript', 'template', 'object'])
const FEED_TYPES: Record<string, number> = { [TYPE.atom]: 0, [TYPE.rss]: 1, 'application/rdf+xml': 1, [TYPE.jsonFeed]: 2 }

/**
 * Reads the first megabyte of a page, and of it what stands before the body: a link that a reader's comment put further down
 * says nothing about the page. Never fails; what is not HTML gives an empty page.
 * @param url where the page came from: relative addresses are resolved against it, or against `<base>`
 */
export function readPage(body: Buffer, { contentType, url }: { contentType?: string; url: string }): Page {
  const head = readHead(decodePage(body.subarray(0, LIMIT.messageBytes), contentType))
  const base = resolve(head.base, url) ?? url
  const links = head.links.flatMap(attributes => readLink(attributes, base))
  const meta = (...names: string[]): string | undefined => names.map(name => head.meta.find(pair => pair[0] === name)?.[1]).find(Boolean)
  const [title, summary] = [meta('og:title') ?? head.title, meta('og:description', 'description')]
  const canonical = links.find(link => link.rel.includes('canonical'))?.url
  const named = head.links.filter(({ rel }) => readRelations(rel ?? '').includes('canonical')).map(({ href }) => href)
  const oddCanonical = [...named, meta('og:url')].find(href => href?.trim() && resolve(href, base) === undefined)
  const image = resolve(meta('og:image'), base)
  return {
    ...(title ? { title } : {}),
    ...(summary ? { summary } : {}),
    ...(canonical ? { canonical } : {}),
    ...(oddCanonical ? { oddCanonical } : {}),
    ...(head.language ? { language: head.language } : {}),
    ...(image ? { image } : {}),
    feeds: feedLinks(links),
    lrdd: head.links.filter(({ rel }) => readRelations(rel ?? '').includes(REL.lrdd)).flatMap(attributes => readLrdd(attributes, base)),
    links,
    meta: head.meta
  }
}

/** Feeds among the links of a page or of its Link headers: `rel=alternate` of a feed's type, sorted by kind, those of comments last. */
export const feedLinks = (links: WebLink[]): FeedLink[] =>
  links
    .map(({ url, rel, type = '', title }) => ({ url, rel, type: type.split(';')[0]!.trim().toLowerCase(), ...(title ? { title } : {}) }))
    .filter(({ rel, type }) => rel.includes('alternate') && Object.hasOwn(FEED_TYPES, type))
    .sort((a, b) => Number(isOfComments(a)) - Number(isOfComments(b)) || FEED_TYPES[a.type]! - FEED_TYPES[b.type]!)
    .map(({ rel, ...feed }) => feed)

/** Many a blog names the feed of its readers' comments beside its own, and some in another kind. */
const isOfComments = ({ title = '', url }: { title?: string; url: string }): boolean =>
  /\b(comments?|kommentare|commentaires|comentarios)\b/i.test(`${title} ${new URL(url).pathname}`)

function readHead(html: string): Head {
  const head: Head = { links: [], meta: [] }
  let title: string | undefined
  const parser = new Parser({
    onopentag(name, attributes) {
      if (!HEAD.has(name)) return parser.pause()
      if (name === 'html' && attributes.lang) head.language = attributes.lang.trim()
      if (name === 'base' && attributes.href) head.base ??= attributes.href
      if (name === 'title') title = ''
      if (name === 'link') head.links.push(attributes)
      if (name === 'meta') head.meta.push(...readMeta(attributes))
    },
    ontext(text) {
      if (title !== undefined && title.length < LONGEST_TITLE) title += text
    },
    onclosetag(name) {
      if (name !== 'title' || title === undefined) return
      head.title ??= squeeze(title)
      title = undefined
    }
  })
  parser.write(html)
  return head
}

function readMeta({ name, property, itemprop, content }: Attributes): [string, string][] {
  const key = (property ?? name ?? itemprop)?.trim().toLowerCase()
  return key && content !== undefined ? [[key, squeeze(content)]] : []
}

function readLink({ rel, href, type, title }: Attributes, base: string): WebLink[] {
  const url = resolve(href, base)
  if (url === undefined || !rel) return []
  return [{ url, rel: readRelations(rel), ...(type ? { type } : {}), ...(title ? { title: squeeze(title) } : {}) }]
}

function readLrdd({ href, template, type }: Attributes, base: string): Page['lrdd'] {
  const url = resolve(href, base)
  const typed = type ? { type } : {}
  if (url !== undefined) return [{ url, ...typed }]
  return isWebAddress(template) ? [{ template, ...typed }] : []
}

/** Of a byte order mark, of the transport, of the page's own `<meta charset>`: the first that there is counts. */
function charsets(body: Buffer, contentType = ''): string[] {
  const marked = /^\xff\xfe/.test(body.toString('latin1', 0, 2)) ? 'utf-16le' : undefined
  const told = /charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(contentType)?.[1]
  const written = /<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(body.toString('latin1', 0, 4096))?.[1]
  // who can be read byte by byte so far is not UTF-16, whatever he says (HTML 13.2.3.3)
  return [marked, told, written && /^utf-?16/i.test(written) ? 'utf-8' : written].filter(charset => charset !== undefined)
}

/**
 * Whether the head of a page is in the charset that it is said to be in: for whoever goes by the words of a page, which `readPage`
 * reads as well as it can. Answers what is wrong.
 */
export function findWrongCharset(body: Buffer, contentType?: string): string | undefined {
  const [charset = 'utf-8'] = charsets(body, contentType)
  const start = body.subarray(0, LIMIT.messageBytes)
  const text = start.toString('latin1')
  const end = text.search(/<body[\s>]/i)
  if (/^utf-?16/i.test(charset) && /^\s*<[!a-z]/i.test(text)) return charset
  try {
    // what is cut off may be in the middle of a letter
    new TextDecoder(charset, { fatal: true }).decode(end < 0 ? start : start.subarray(0, end), { stream: true })
    return undefined
  } catch {
    return charset
  }
}

/** Bytes -> text, in the first charset that is known, else UTF-8; what is invalid is replaced. */
export function decodePage(body: Buffer, contentType = ''): string {
  for (const charset of charsets(body, contentType)) {
    try {
      return new TextDecoder(charset).decode(body)
    } catch {
      // There is no such charset: the next guess.
    }
  }
  return new TextDecoder().decode(body)
}

/** A reference to nothing is none, and not the page itself. */
const resolve = (reference: string | undefined, base: string): string | undefined =>
  reference ? readWebAddress(reference, base)?.href : undefined

const squeeze = (text: string): string => text.replace(/\s+/g, ' ').trim()
