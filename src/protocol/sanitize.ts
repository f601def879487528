/**
 * Which HTML of strangers may stay (protocols.md I11), and plain text to and from HTML. All of it runs in one pass over
 * the input, however it was meant to be (requirements X34, X41).
 */
import { Parser } from 'htmlparser2'
import sanitize from 'sanitize-html'
import { showLinkHosts } from './link-host.ts'
import { LIMIT } from './names.ts'
import { escapeXml } from './xml.ts'

const REL = 'nofollow noopener noreferrer'
const TAGS = ['p', 'br', 'a', 'span', 'b', 'i', 'em', 'strong', 'u', 'del', 'blockquote', 'ul', 'ol', 'li', 'pre', 'code']
/** Classes that say something about a text (microformats); any other would borrow the looks of our own pages. */
const CLASSES = ['h-card', 'vcard', 'p-nickname', 'fn', 'nickname', 'u-url', 'url', 'mention', 'hashtag', 'tag', 'invisible', 'ellipsis']
const SCHEMES = ['http', 'https', 'mailto']
const SILENT = ['script', 'style', 'template', 'textarea', 'option', 'noscript', 'title', 'iframe', 'object', 'svg', 'math', 'xmp']

/**
 * HTML of a stranger -> HTML that may stand in a page of ours: the allow-list of I11, links with `rel` set, and with the host of
 * their target where their text names another. It must be the last step before it is kept or shown. Links to places relative to
 * nothing go.
 * @param options.base URL of the page it comes from, against which links are resolved
 */
export function sanitizeHtml(html: string, options: { base?: string | undefined } = {}): string {
  const clean = sanitize(shallow(html), {
    allowedTags: TAGS,
    allowedAttributes: { a: ['href', 'rel'] },
    allowedClasses: { a: CLASSES, span: CLASSES },
    allowedSchemes: SCHEMES,
    allowProtocolRelative: false,
    nonTextTags: SILENT,
    nestingLimit: 32,
    transformTags: {
      a: (_, attributes) => ({ tagName: 'a', attribs: anchor(attributes, options.base) }),
      ...Object.fromEntries(['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map(name => [name, 'p'])),
      s: 'del',
      strike: 'del'
    }
  })
  return showLinkHosts(clean)
}

const kept = new Map<string, string>()
const MOST_KEPT = 8_000_000
let sizeOfKept = 0

/**
 * The same for HTML that was sanitised when it was kept: once more as the last step before it is shown (X41), and then not again
 * as long as it is the same. A process remembers 8 million characters.
 */
export function sanitizeKept(html: string): string {
  const known = kept.get(html)
  if (known !== undefined) return known
  const clean = sanitizeHtml(html)
  kept.set(html, clean === html ? html : clean)
  sizeOfKept += html.length
  for (const oldest of kept.keys()) {
    if (sizeOfKept <= MOST_KEPT) break
    kept.delete(oldest)
    sizeOfKept -= oldest.length
  }
  return clean
}

function anchor(attributes: Record<string, string>, base: string | undefined): Record<string, string> {
  const kept: Record<string, string> = attributes.class === undefined ? {} : { class: attributes.class }
  const url = URL.parse(attributes.href ?? '', base)
  if (attributes.href === undefined || url === null || !SCHEMES.includes(url.protocol.slice(0, -1))) return kept
  return { ...kept, href: url.href, rel: REL }
}

/** The HTML up to where it goes deeper than any text does: the time that the parser takes grows with the depth. */
function shallow(html: string): string {
  let depth = 0
  let end = html.length
  const parser = new Parser({
    onopentagname() {
      if (++depth <= LIMIT.depth) return
      end = Math.min(end, parser.startIndex)
      parser.pause()
    },
    onclosetag() {
      depth--
    }
  })
  parser.write(html)
  return html.slice(0, end)
}

const QUIET = new Set(SILENT)
const BLOCKS = new Set(
  'address article aside blockquote br dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tr ul'.split(
    ' '
  )
)

/** HTML -> plain text of lines: a block is a line, two paragraphs have an empty line between them. It makes nothing safe. */
export function htmlToText(html: string): string {
  const pieces: string[] = []
  let quiet = 0
  const parser = new Parser({
    onopentagname(name) {
      if (QUIET.has(name)) quiet++
      if (BLOCKS.has(name)) pieces.push('\n')
    },
    onclosetag(name) {
      if (QUIET.has(name) && quiet > 0) quiet--
      if (BLOCKS.has(name) && name !== 'br') pieces.push('\n')
    },
    ontext(data) {
      if (quiet === 0) pieces.push(data.replace(/\s+/g, ' '))
    }
  })
  parser.end(shallow(html))
  const lines = pieces
    .join('')
    .replace(/ {2,}/g, ' ')
    .split('\n')
    .map(line => line.trim())
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

/** Plain text -> HTML: escaped, http(s) addresses linked, empty lines between paragraphs, other line breaks kept. */
export function textToHtml(plain: string): string {
  const paragraphs = plain
    .replace(/\r\n?/g, '\n')
    .split(/\n{2,}/)
    .map(paragraph => paragraph.trim())
  return paragraphs
    .filter(paragraph => paragraph !== '')
    .map(paragraph => `<p>${linkUrls(paragraph).replaceAll('\n', '<br>')}</p>`)
    .join('')
}

function linkUrls(plain: string): string {
  let html = ''
  let done = 0
  for (const found of plain.matchAll(/https?:\/\/[^\s<>"']+/gi)) {
    const url = withoutPunctuation(found[0])
    html += escapeXml(plain.slice(done, found.index))
    html += URL.canParse(url) ? `<a href="${escapeXml(url)}" rel="${REL}">${escapeXml(url)}</a>` : escapeXml(url)
    done = found.index + url.length
  }
  return html + escapeXml(plain.slice(done))
}

/** A sentence's own punctuation after an address; a closing bracket stays when the address opens one. */
function withoutPunctuation(url: string): string {
  const closes = url.includes('(') ? '.,;:!?' : '.,;:!?)'
  let end = url.length
  while (end > 0 && closes.includes(url.charAt(end - 1))) end--
  return url.slice(0, end)
}
