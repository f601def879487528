/** Lists of feeds as readers exchange them: OPML 2.0, read with all that is in use, written as the specification has it. */
import { BadMessage } from '../model/errors.ts'
import { element, textElement, XML_DECLARATION } from './markup.ts'
import { LIMIT } from './names.ts'
import { attribute, readXml, type XmlElement } from './xml.ts'

/**
 * One who is followed. `url` is the address of the feed, as it was written; `acct` is user@host of somebody who is followed by
 * ActivityPub. One of the two is there. `page` is where people read it.
 */
export type Outline = { url?: string; acct?: string; title?: string; page?: string }

/** For what OPML has no attribute: the account of somebody who has no feed. */
const OURS = 'urn:tidings:opml'
const LONGEST_TITLE = 300

/**
 * Everything in a list that is a feed, in its order, out of whatever folders it lies in.
 * @param contentType of which the charset counts, as in `readXml`
 * @throws BadMessage when it is no well-formed XML within the limits, or another document than OPML
 */
export function readOpml(input: Buffer | string, { contentType }: { contentType?: string } = {}): Outline[] {
  const root = readXml(input, { bytes: LIMIT.feedBytes, nodes: LIMIT.feedNodes, contentType, invalidUtf8: 'replace' })
  if (root.local.toLowerCase() !== 'opml') throw new BadMessage(`This is no OPML, but a document "${root.local.slice(0, 40)}".`)
  return outlinesIn(root)
}

function outlinesIn({ children }: XmlElement): Outline[] {
  return children.flatMap(node => {
    if (typeof node === 'string') return []
    return node.local.toLowerCase() === 'outline' ? [...readOutline(node), ...outlinesIn(node)] : outlinesIn(node)
  })
}

function readOutline(outline: XmlElement): Outline[] {
  // XML tells `xmlUrl` from `xmlurl`; those who write it do not
  const read = (name: string) =>
    outline.attributes.find(one => one.ns === '' && one.local.toLowerCase() === name)?.value.trim() || undefined
  const [url, page, title] = [read('xmlurl'), read('htmlurl') ?? read('url'), read('text') ?? read('title')]
  const acct = attribute(outline, 'acct', OURS)?.trim() || undefined
  if (url === undefined && acct === undefined) return []
  return [{ ...(url && { url }), ...(acct && { acct }), ...(title && { title: title.slice(0, LONGEST_TITLE) }), ...(page && { page }) }]
}

/**
 * A list of feeds.
 * @param groups a folder each; a single one is written without
 * @param made when
 */
export function writeOpml(title: string, groups: { name: string; outlines: Outline[] }[], made: Date): string {
  const written = groups.map(({ name, outlines }) => {
    const inner = outlines.map(writeOutline).join('')
    return groups.length === 1 ? inner : element('outline', { text: name }, inner)
  })
  const head = textElement('title', title) + textElement('dateCreated', made.toUTCString())
  const body = element('head', {}, head) + element('body', {}, written.join(''))
  return XML_DECLARATION + element('opml', { version: '2.0', 'xmlns:t': OURS }, body)
}

/** `text` is what every outline must have. */
function writeOutline({ acct, page, title, url }: Outline): string {
  const text = title || acct || url
  if (url === undefined) return element('outline', { type: 'link', text, url: page, 't:acct': acct })
  return element('outline', { type: 'rss', text, title: text, xmlUrl: url, htmlUrl: page, 't:acct': acct })
}
