/** Sitemaps (sitemaps.org/protocol.html): a list of pages, of other sitemaps, or plain text with an address a line. */
import { gunzipSync } from 'node:zlib'
import { BadMessage } from '../model/errors.ts'
import { cleanAddress } from './blog-address.ts'
import { readDate } from './date.ts'
import { children, decodeXml, isElement, readXml, text, type XmlElement } from './xml.ts'

/** Pages and sitemaps lie on the host of this one, each once; `dropped` counts what does not, or is no address, or is too much. */
export type Sitemap = { pages: { url: string; lastModified?: Date }[]; sitemaps: string[]; dropped: number }

type Place = { address: string; lastModified?: Date | undefined }

/** A sitemap's entries, and its bytes after inflation, unless the caller says otherwise. */
const MOST = 50_000
const BYTES = 10_000_000
/** An element for a page and four in it, and some. */
const NODES = 6 * MOST

/**
 * Reads a sitemap, packed by gzip or not. Any namespace will do.
 * @param options.url where it came from
 * @param options.bytes largest size, after inflation
 * @throws BadMessage (413 when it is too long) when it is none, or cannot be read
 */
export function readSitemap(
  body: Buffer,
  { url, contentType, bytes = BYTES }: { url: string; contentType?: string | undefined; bytes?: number }
): Sitemap {
  const plain = decodeXml(inflate(body, bytes), { bytes, nodes: NODES, contentType, invalidUtf8: 'replace' })
  if (!/^\s*</.test(plain)) return readText(plain, url)
  const root = readXml(plain, { bytes: Number.POSITIVE_INFINITY, nodes: NODES, invalidUtf8: 'replace', base: url })
  if (isElement(root, root.ns, 'urlset')) {
    const { places, dropped } = choose(readPlaces(root, 'url'), url)
    return { pages: places, sitemaps: [], dropped }
  }
  if (!isElement(root, root.ns, 'sitemapindex')) throw new BadMessage(`This is no sitemap, but a document "${root.local.slice(0, 40)}".`)
  const { places, dropped } = choose(readPlaces(root, 'sitemap'), url)
  return { pages: [], sitemaps: places.map(place => place.url), dropped }
}

/** Told by its first bytes: many servers send `.xml.gz` without saying what it is, others have inflated it already. */
function inflate(body: Buffer, bytes: number): Buffer {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body
  try {
    return gunzipSync(body, { maxOutputLength: bytes })
  } catch (cause) {
    const isLong = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw new BadMessage('The sitemap cannot be unpacked.', isLong ? { cause, status: 413, code: 'too_long' } : { cause })
  }
}

const readPlaces = (root: XmlElement, name: string): Place[] =>
  children(root, root.ns, name).map(element => {
    const [place, date] = ['loc', 'lastmod'].map(part => children(element, root.ns, part)[0])
    return { address: text(place), lastModified: readDate(text(date)) }
  })

function readText(plain: string, url: string): Sitemap {
  const lines = plain.split('\n').filter(line => line.trim() !== '')
  const { places, dropped } = choose(
    lines.map(address => ({ address })),
    url
  )
  // Servers answer "not found" with status 200, too.
  if (places.length === 0) throw new BadMessage('This is no sitemap.')
  return { pages: places, sitemaps: [], dropped }
}

/** A sitemap speaks of its own host alone (sitemaps.org/protocol.html#location), here by http or https. */
function choose(all: Place[], url: string): { places: Sitemap['pages']; dropped: number } {
  const { host } = new URL(url)
  const places = new Map<string, Sitemap['pages'][number]>()
  let dropped = 0
  for (const { address, lastModified } of all) {
    const page = cleanAddress(address)?.url
    if (page === undefined || new URL(page).host !== host || places.size >= MOST) dropped++
    else places.set(page, { url: page, ...(lastModified && { lastModified }) })
  }
  return { places: [...places.values()], dropped }
}
