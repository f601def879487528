/** Posts of our accounts -> RSS 2.0 (RSS Advisory Board profile) and JSON Feed 1.1, for readers that know nothing of OStatus. */
import type { Enclosure } from '../model/activity.ts'
import { type AuthorOut, type EntryOut, entryTitle, type FeedHead, plainTags, textStart } from './feed-parts.ts'
import { element, textElement, XML_DECLARATION } from './markup.ts'
import { NS, TYPE } from './names.ts'
import { escapeXml } from './xml.ts'

const NAMESPACES = {
  version: '2.0',
  'xmlns:atom': NS.atom,
  'xmlns:content': 'http://purl.org/rss/1.0/modules/content/',
  'xmlns:dc': 'http://purl.org/dc/elements/1.1/'
}

/** Characters of the plain text that stands beside the whole content. */
const DESCRIPTION = 300

/**
 * RSS 2.0: the whole HTML in content:encoded, its first words in description.
 * @param head `topic` is the address of the RSS document itself; hubs are named only if they distribute that one
 * @param entries newest first
 */
export function writeRss(head: FeedHead, entries: readonly EntryOut[]): string {
  const { generator } = head
  const link = (rel: string, href: string | undefined, type?: string) => (href ? element('atom:link', { rel, type, href }) : '')
  const title = head.title || head.author.name
  const inner = [
    plainElement('title', title),
    textElement('link', head.page),
    plainElement('description', head.subtitle || title),
    textElement('language', head.language),
    textElement('lastBuildDate', head.updated.toUTCString()),
    generator ? textElement('generator', `${generator.name} ${generator.version}`) : '',
    link('self', head.topic, TYPE.rss),
    link('next', head.next, TYPE.rss),
    ...head.hubs.map(hub => link('hub', hub)),
    head.logo ? element('image', {}, textElement('url', head.logo) + plainElement('title', title) + textElement('link', head.page)) : '',
    ...entries.map(entry => writeItem(entry, entry.author ?? head.author))
  ]
  return XML_DECLARATION + element('rss', NAMESPACES, element('channel', {}, inner.join('')))
}

function writeItem(entry: EntryOut, author: AuthorOut): string {
  const title = entryTitle(entry, author)
  const inner = [
    plainElement('title', title),
    textElement('link', entry.url),
    textElement('guid', entry.id, { isPermaLink: String(entry.id === entry.url) }),
    textElement('pubDate', entry.published.toUTCString()),
    textElement('dc:creator', author.displayName ?? author.name),
    ...plainTags(entry.tags).map(tag => textElement('category', tag)),
    // HTML by custom, so plain text is escaped twice.
    textElement('description', escapeXml(entry.warning || textStart(entry.html, DESCRIPTION) || title)),
    textElement('content:encoded', entry.html),
    ...entry.enclosures.filter(isTyped).slice(0, 1).map(writeEnclosure)
  ]
  return element('item', {}, inner.join(''))
}

/** Plain text where readers may expect HTML: in this spelling it means the same to both (RSS profile, character data). */
const plainElement = (name: string, text: string): string =>
  textElement(name, text).replaceAll('&amp;', '&#x26;').replaceAll('&lt;', '&#x3C;')

/** RSS demands the type of an enclosure, and readers expect one enclosure at most. */
const isTyped = (file: Enclosure): file is Enclosure & { type: string } => file.type !== undefined

const writeEnclosure = ({ url, type, length }: Enclosure): string => element('enclosure', { url, length: length ?? 0, type })

/**
 * JSON Feed 1.1. A post without a title of its own gets none, as the format provides for short notes.
 * @param head as in `writeRss`
 */
export function writeJsonFeed(head: FeedHead, entries: readonly EntryOut[]): string {
  const feed = {
    version: 'https://jsonfeed.org/version/1.1',
    title: head.title || head.author.name,
    home_page_url: head.page,
    feed_url: head.topic,
    description: head.subtitle,
    next_url: head.next,
    icon: head.logo,
    language: head.language,
    authors: [jsonAuthor(head.author)],
    hubs: head.hubs.length > 0 ? head.hubs.map(url => ({ type: 'WebSub', url })) : undefined,
    items: entries.map(entry => jsonItem(entry, entry.author ?? head.author))
  }
  return JSON.stringify(feed)
}

function jsonItem(entry: EntryOut, author: AuthorOut) {
  const tags = plainTags(entry.tags)
  const attachments = entry.enclosures.filter(isTyped).map(({ url, type, title, length }) => ({
    url,
    mime_type: type,
    title,
    size_in_bytes: length
  }))
  return {
    id: entry.id,
    url: entry.url,
    title: entry.title,
    content_html: entry.html,
    summary: entry.warning,
    date_published: entry.published.toISOString(),
    date_modified: entry.updated.toISOString(),
    authors: [jsonAuthor(author)],
    tags: tags.length > 0 ? tags : undefined,
    language: entry.language,
    attachments: attachments.length > 0 ? attachments : undefined
  }
}

const jsonAuthor = ({ name, displayName, page, uri, avatar }: AuthorOut) => ({
  name: displayName ?? name,
  url: page ?? uri,
  avatar: avatar?.url
})
