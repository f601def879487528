/** Any document that a feed's address or a hub may give us -> a feed (protocols.md I3): Atom, a bare entry, RSS, RDF, JSON Feed. */
import type { Feed } from '../model/activity.ts'
import { BadMessage } from '../model/errors.ts'
import { readAtomFeed, readEntry } from './atom-reader.ts'
import { readJsonFeed, readRdfFeed, readRssFeed } from './blog-feed.ts'
import { LIMIT, NS } from './names.ts'
import { decodeXml, isElement, readXml, type XmlElement } from './xml.ts'

export type FeedOptions = {
  /** Content-Type, of which only the charset is believed (I2). */
  contentType?: string | undefined
  /** URL of the document, against which its links are resolved. */
  url: string
  /** Largest size in bytes: LIMIT.feedBytes unless told otherwise. A document of at most LIMIT.messageBytes may have fewer nodes. */
  bytes?: number | undefined
}

/**
 * Reads a feed document, whatever format it is in.
 * @throws BadMessage when it is none that we know, cannot be read, or is over a limit
 */
export function readFeed(input: Buffer, { contentType, url, bytes = LIMIT.feedBytes }: FeedOptions): Feed {
  if (looksLikeJson(input)) return readJsonFeed(input, { url, bytes })
  const nodes = bytes <= LIMIT.messageBytes ? LIMIT.messageNodes : LIMIT.feedNodes
  const limits = { bytes, nodes, contentType, base: url, invalidUtf8: 'replace' } as const
  const xml = decodeXml(input, limits)
  // Decoded text may be longer than the bytes that it came from: they have been counted.
  const root = readXml(xml, { ...limits, bytes: Number.POSITIVE_INFINITY })
  return readFeedElement(root) ?? readByLibrary(root, xml, url)
}

/** A feed out of a root that has been read: an Atom feed or a bare entry, undefined for any other. */
export function readFeedElement(root: XmlElement): Feed | undefined {
  if (isElement(root, NS.atom, 'feed')) return readAtomFeed(root)
  if (!isElement(root, NS.atom, 'entry')) return undefined
  return { format: 'entry', links: { self: [], hub: [] }, activities: [readEntry(root)], tombstones: [], dropped: 0 }
}

function readByLibrary(root: XmlElement, xml: string, url: string): Feed {
  if (isElement(root, '', 'rss')) return readRssFeed(root, xml, url)
  if (isElement(root, NS.rdf, 'RDF')) return readRdfFeed(xml, url)
  throw new BadMessage(`This is no feed, but a document "${root.local.slice(0, 40)}".`)
}

/** The first byte that is neither a byte order mark nor white space. */
function looksLikeJson(input: Buffer): boolean {
  let start = input[0] === 0xef && input[1] === 0xbb && input[2] === 0xbf ? 3 : 0
  while (start < input.length && [0x20, 0x09, 0x0a, 0x0d].includes(input[start]!)) start++
  return input[start] === 0x7b
}
