/** The small parts of Atom documents: URIs, links, text constructs, content (protocols.md I5, I11, I12). */
import { createHash } from 'node:crypto'
import { LIMIT, NS } from './names.ts'
import { htmlToText } from './sanitize.ts'
import { readWebAddress } from './web-address.ts'
import { attribute, child, children, escapeXml, innerXml, text, type XmlElement } from './xml.ts'

export type AtomLink = { rel: string; type: string; url?: string; element: XmlElement }

const LONGEST_URI = 2048
const LONGEST_LINE = 1000

/** The trimmed text of an element, which is compared as it stands: an id, a `ref`. Undefined when empty or too long. */
export const readUri = (element: XmlElement | undefined): string | undefined => opaque(text(element))

/** A URI as it stands, trimmed; undefined when empty, missing or too long. */
export function opaque(raw: string | undefined): string | undefined {
  const uri = raw?.trim() ?? ''
  return uri === '' || uri.length > LONGEST_URI ? undefined : uri
}

/** An id for what has none (I10): the same parts always give the same. */
export const hashedId = (parts: string[]): string => `urn:sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`

/** An http(s) URL: as it is written when it is absolute, else resolved against `base`. Undefined for anything else. */
export function webUrl(raw: string | undefined, base = ''): string | undefined {
  const uri = opaque(raw)
  if (uri === undefined) return undefined
  const url = readWebAddress(uri, base === '' ? undefined : base)
  if (url === undefined) return undefined
  return /^https?:\/\/[^\s\p{C}]+$/iu.test(uri) ? uri : url.href
}

/** Direct `link` children in document order. No rel means alternate, and a rel may be written as a URI of IANA (I12). */
export function readLinks(element: XmlElement): AtomLink[] {
  return children(element, NS.atom, 'link').map(link => {
    const rel = attribute(link, 'rel')?.trim() || 'alternate'
    const type = (attribute(link, 'type') ?? '').split(';', 1).join().trim().toLowerCase()
    const url = webUrl(attribute(link, 'href'), link.base)
    const plain = { rel: rel.replace(/^https?:\/\/www\.iana\.org\/assignments\/relation\//, ''), type, element: link }
    return url === undefined ? plain : { ...plain, url }
  })
}

/** URL of the first link with that rel and one of those types, the types tried in order; any type when none is given. */
export function findLink(links: AtomLink[], rel: string, types: readonly (string | undefined)[] = [undefined]): string | undefined {
  const usable = links.filter(link => link.rel === rel && link.url !== undefined)
  for (const type of types) {
    const found = usable.find(link => type === undefined || link.type === type)
    if (found?.url !== undefined) return found.url
  }
  return undefined
}

/** Where a browser goes: friendica and Buzz write text/xhtml, others no type at all (I12). */
export const PAGE_TYPES = ['text/html', 'text/xhtml', 'application/xhtml+xml', ''] as const

/** One line of plain text out of an Atom text construct (RFC 4287 section 3.1), undefined when empty. */
export function readLine(element: XmlElement | undefined): string | undefined {
  if (element === undefined) return undefined
  const raw = capText(text(element))
  return line(attribute(element, 'type') === 'html' ? htmlToText(raw) : raw)
}

/** Text as one line of at most 1,000 characters, undefined when empty or missing. */
export function line(raw: string | undefined): string | undefined {
  const clean = (raw ?? '')
    .slice(0, LONGEST_LINE * 4)
    .replace(/\s+/g, ' ')
    .trim()
  return clean === '' ? undefined : [...clean].slice(0, LONGEST_LINE).join('')
}

/** At most LIMIT.contentBytes bytes of a text, cut between characters. */
export function capText(raw: string): string {
  if (Buffer.byteLength(raw) <= LIMIT.contentBytes) return raw
  const bytes = Buffer.from(raw.slice(0, LIMIT.contentBytes))
  return bytes
    .subarray(0, LIMIT.contentBytes)
    .toString()
    .replace(/\ufffd+$/, '')
}

/** A text construct or content as HTML, not sanitised: escaped text, HTML, or the inside of an xhtml div (I11). '' when empty. */
export function readHtml(element: XmlElement | undefined): string {
  if (element === undefined) return ''
  const type = (attribute(element, 'type') ?? 'text').split(';', 1).join().trim().toLowerCase()
  const source = webUrl(attribute(element, 'src'), element.base)
  if (attribute(element, 'src') !== undefined) return source === undefined ? '' : linkTo(source)
  if (type === 'html' || type === 'text/html') return capText(text(element)).trim()
  if (type === 'xhtml' || type === 'application/xhtml+xml') return capText(innerXml(child(element, NS.xhtml, 'div') ?? element)).trim()
  return type === 'text' || type === 'text/plain' || type === '' ? escapeXml(capText(text(element)).trim()) : ''
}

/** The content of an entry or object as HTML; without one its summary, then its title, then a link to its page (I11). */
export function readContent(element: XmlElement, page: string | undefined): string {
  const content = readHtml(child(element, NS.atom, 'content'))
  if (content !== '') return content
  const summary = readHtml(child(element, NS.atom, 'summary'))
  if (summary !== '') return summary
  const title = escapeXml(readLine(child(element, NS.atom, 'title')) ?? '')
  return title === '' && page !== undefined ? linkTo(page) : title
}

const linkTo = (url: string): string => `<a href="${escapeXml(url)}">${escapeXml(url)}</a>`
