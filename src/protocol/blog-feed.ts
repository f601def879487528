/**
 * A blog's feed in RSS 0.9x, 1.0 (RDF) and 2.0 or in JSON Feed -> the same model as Atom (protocols.md I3), by a library.
 * RSS comes here only after the guard of `xml.ts` has read it.
 */
import { type JsonFeed, parseJsonFeed, parseRdfFeed, parseRssFeed, type RdfFeed, type RssFeed } from 'feedsmith'
import type { Activity, Author, Enclosure, Feed, Post } from '../model/activity.ts'
import { BadMessage } from '../model/errors.ts'
import { identityOf } from './atom-author.ts'
import { capText, hashedId, line, opaque, webUrl } from './atom-parts.ts'
import { emptyPost, present } from './atom-post.ts'
import { readDate } from './date.ts'
import { LIMIT } from './names.ts'
import { htmlToText, textToHtml } from './sanitize.ts'
import { stripIllegal, text, type XmlElement } from './xml.ts'

/** What all formats say of an item; `owner` is the feed's author, who wrote what names nobody. */
type Item = {
  id?: string | undefined
  url?: string | undefined
  /** Plain text. */
  title?: string | undefined
  html: string
  language?: string | undefined
  published?: string | undefined
  updated?: string | undefined
  author?: Author | undefined
  tags: (string | undefined)[]
  enclosures: (Enclosure | undefined)[]
}

/**
 * @param root what `readXml` made of the text
 * @param xml the same text, for the library
 * @param url of the document
 * @throws BadMessage when the library finds no feed in it, or would look for a name in it for minutes
 */
export function readRssFeed(root: XmlElement, xml: string, url: string): Feed {
  refuseBrackets(root)
  const channel = parse(() => parseRssFeed(xml))
  const owner = readOwner(channel, url, channel.managingEditor?.name)
  const items = (channel.items ?? []).map(item => readRssItem(item, url))
  return {
    ...readChannel(channel, url, channel.lastBuildDate ?? channel.pubDate),
    ...makeEntries(items, owner, url),
    ...present({ author: owner })
  }
}

/** @param xml text that `readXml` has accepted @param url of the document @throws BadMessage when the library finds no feed in it */
export function readRdfFeed(xml: string, url: string): Feed {
  const channel = parse(() => parseRdfFeed(xml))
  const owner = readOwner(channel, url, channel.dc?.creators?.[0])
  const items = (channel.items ?? []).map(item => ({ ...readCommon(item, url), id: item.rdf?.about ?? item.link, enclosures: [] }))
  return { ...readChannel(channel, url, channel.dc?.dates?.[0]), ...makeEntries(items, owner, url), ...present({ author: owner }) }
}

/** @throws BadMessage when it is too long (413), not UTF-8, not JSON or not a JSON Feed */
export function readJsonFeed(input: Buffer, { url, bytes }: { url: string; bytes: number }): Feed {
  if (input.length > bytes) throw new BadMessage(`The document is longer than ${bytes} bytes.`, { status: 413, code: 'too_long' })
  const feed = parse(() => parseJsonFeed(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(input), cleanJson)))
  const home = webUrl(feed.home_page_url, url)
  const logo = webUrl(feed.icon, url)
  const owner = readJsonAuthor(feed.authors?.[0], url, home) ?? makeOwner(line(feed.title), home, logo, feed.description)
  const hubs = feed.hubs?.map(hub => webUrl(hub.url, url)).filter(isDefined) ?? []
  const self = webUrl(feed.feed_url, url)
  return {
    format: 'json',
    links: {
      self: self === undefined ? [] : [self],
      hub: [...new Set(hubs)],
      ...present({ alternate: home, next: webUrl(feed.next_url, url) })
    },
    tombstones: [],
    ...makeEntries(
      (feed.items ?? []).map(item => readJsonItem(item, url)),
      owner,
      self ?? url
    ),
    ...present({ id: self ?? url, title: line(feed.title), subtitle: line(feed.description), logo, author: owner })
  }
}

/** The library asks an object for its constructor, and a stranger must not answer. Text holds only what XML could hold, too. */
function cleanJson(key: string, value: unknown): unknown {
  if (key === '__proto__' || key === 'constructor') return undefined
  return typeof value === 'string' ? stripIllegal(value) : value
}

function parse<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new BadMessage('The document is not a feed that can be read.', { cause })
  }
}

const isDefined = <T>(value: T | undefined): value is T => value !== undefined

const PEOPLE = ['author', 'managingeditor', 'webmaster']
const LONGEST_NAME = 1000
const MOST_BRACKETS = 20
const LONGEST_TITLE = 4000

/** The library's time to take "ann@a.example (Ann)" apart grows with the square of the brackets (feedsmith 3.0.1, measured). */
function refuseBrackets(element: XmlElement): void {
  if (PEOPLE.includes(element.local.toLowerCase())) {
    const name = text(element)
    if (name.length > LONGEST_NAME || name.split(/[(<]/).length > MOST_BRACKETS)
      throw new BadMessage('The name of an author in the feed is too long.')
  }
  for (const node of element.children) if (typeof node !== 'string') refuseBrackets(node)
}

type Channel = RssFeed.Feed<string> | RdfFeed.Feed<string>

function readChannel(channel: Channel, url: string, updated: string | undefined): Omit<Feed, 'activities' | 'dropped' | 'author'> {
  const links = channel.atom?.links ?? []
  const all = (rel: string) => [...new Set(links.filter(link => link.rel === rel).map(link => webUrl(link.href, url)))].filter(isDefined)
  return {
    format: 'rss',
    links: {
      self: all('self'),
      hub: all('hub'),
      ...present({ alternate: webUrl(channel.link, url), next: all('next')[0], prevArchive: all('prev-archive')[0] })
    },
    tombstones: [],
    ...present({
      id: all('self')[0] ?? url,
      title: readTitle(channel.title),
      subtitle: line(htmlToText(channel.description ?? '')),
      updated: readDate(updated),
      logo: webUrl(channel.image?.url, url)
    })
  }
}

/** RSS knows no identity of people: the owner of a feed is its site. */
const readOwner = (channel: Channel, url: string, name: string | undefined): Author | undefined =>
  makeOwner(line(name) ?? readTitle(channel.title), webUrl(channel.link, url), webUrl(channel.image?.url, url), channel.description)

function makeOwner(
  displayName: string | undefined,
  url: string | undefined,
  logo: string | undefined,
  bio: string | undefined
): Author | undefined {
  if (displayName === undefined && url === undefined) return undefined
  const avatar = logo === undefined ? undefined : { url: logo }
  return {
    ids: url === undefined ? [] : [url],
    kind: 'person',
    ...present({ displayName, url, avatar, bio: line(htmlToText(capText(bio ?? ''))) })
  }
}

function readRssItem(item: RssFeed.Item<string>, url: string): Item {
  const page = item.guid?.isPermaLink === false ? undefined : item.guid?.value
  const common = readCommon(item, url)
  return {
    ...common,
    id: item.guid?.value ?? item.link,
    url: common.url ?? webUrl(page),
    published: item.pubDate ?? common.published,
    author: common.author ?? named(item.authors?.[0]?.name),
    tags: [...common.tags, ...(item.categories ?? []).map(category => category.name)],
    enclosures: (item.enclosures ?? []).map(file => readEnclosure(file.url, file.type, file.length, undefined, url))
  }
}

function readCommon(item: RssFeed.Item<string> | RdfFeed.Item<string>, url: string): Omit<Item, 'id' | 'enclosures'> {
  return {
    url: webUrl(item.link, url),
    title: readTitle(item.title),
    html: item.content?.encoded ?? item.description ?? '',
    language: item.dc?.languages?.[0],
    published: item.dc?.dates?.[0] ?? item.atom?.published,
    updated: item.atom?.updated,
    author: named(item.dc?.creators?.[0]),
    tags: item.dc?.subjects ?? []
  }
}

/** A name alone: it says who wrote an item, and is nobody's identity. */
function named(name: string | undefined): Author | undefined {
  const displayName = line(name)
  return displayName === undefined ? undefined : { ids: [], kind: 'person', displayName }
}

function readJsonItem(item: JsonFeed.Item<string>, url: string): Item {
  return {
    id: item.id,
    url: webUrl(item.url, url) ?? webUrl(item.external_url, url),
    title: item.title,
    html: item.content_html ?? textToHtml(capText(item.content_text ?? item.summary ?? '')),
    language: item.language,
    published: item.date_published,
    updated: item.date_modified,
    author: readJsonAuthor(item.authors?.[0], url, undefined),
    tags: item.tags ?? [],
    enclosures: (item.attachments ?? []).map(file => readEnclosure(file.url, file.mime_type, file.size_in_bytes, file.title, url))
  }
}

function readJsonAuthor(author: JsonFeed.Author | undefined, base: string, home: string | undefined): Author | undefined {
  const page = webUrl(author?.url, base)
  const picture = webUrl(author?.avatar, base)
  const displayName = line(author?.name)
  if (displayName === undefined && page === undefined) return undefined
  const url = page ?? home
  return {
    ids: url === undefined ? [] : [url],
    kind: 'person',
    ...present({ displayName, url, avatar: picture === undefined ? undefined : { url: picture } })
  }
}

function readEnclosure(
  raw: string | undefined,
  type: string | undefined,
  length: number | undefined,
  title: string | undefined,
  base: string
): Enclosure | undefined {
  const url = webUrl(raw, base)
  const known = Number.isSafeInteger(length) && (length ?? 0) > 0 ? length : undefined
  return url === undefined ? undefined : { url, ...present({ type: line(type), length: known, title: line(title) }) }
}

function makeEntries(items: Item[], owner: Author | undefined, feedId: string): Pick<Feed, 'activities' | 'dropped'> {
  const activities = items.slice(0, LIMIT.feedEntries).flatMap(item => makeEntry(item, owner, feedId))
  return { activities, dropped: items.length - activities.length }
}

const TITLE_TAGS =
  /<(\/?)(abbr|b|bdi|big|br|cite|code|del|em|font|i|ins|kbd|mark|q|s|small|span|strike|strong|sub|sup|tt|u|var|wbr|a)(?:\s[^<>]*)?\/?>/gi

/**
 * A title of RSS, of which nobody knows whether it is text or HTML: entities are decoded once, and what is markup beyond doubt goes.
 * “The <picture> element” stays what it is.
 */
function readTitle(raw: string | undefined): string | undefined {
  const title = (raw ?? '').slice(0, LONGEST_TITLE)
  const text = isPaired(title) ? title.replace(TITLE_TAGS, (_, __, name: string) => (name.toLowerCase() === 'br' ? ' ' : '')) : title
  return line(htmlToText(text.replaceAll('<', '&lt;')))
}

/** Whether each tag of a text has its other half. */
function isPaired(text: string): boolean {
  const open: string[] = []
  for (const [, end, name = ''] of text.matchAll(TITLE_TAGS)) {
    const tag = name.toLowerCase()
    if (tag === 'br' || tag === 'wbr') continue
    if (end === '') open.push(tag)
    else if (open.pop() !== tag) return false
  }
  return open.length === 0
}

/** None for an item that says nothing at all. */
function makeEntry(item: Item, owner: Author | undefined, feedId: string): Activity[] {
  const title = line(item.title)
  const html = capText(item.html).trim()
  const id = opaque(item.id) ?? item.url
  if (id === undefined && title === undefined && html === '') return []
  const isOwner = item.author !== undefined && identityOf(item.author) === undefined && item.author.displayName === owner?.displayName
  const actor = isOwner ? owner : (item.author ?? owner)
  const published = readDate(item.published) ?? readDate(item.updated)
  const dates = { published, updated: readDate(item.updated) }
  const post: Post = {
    ...emptyPost(id ?? hashedId([feedId, title ?? '', item.published ?? '', html])),
    kind: 'article',
    html: html === '' ? textToHtml(title ?? item.url ?? '') : html,
    tags: [...new Set(item.tags.map(tag => line(tag)?.replace(/^#/, '').toLowerCase()))].filter(isDefined),
    enclosures: item.enclosures.filter(isDefined),
    ...present({ ...dates, author: actor, title, url: item.url, language: line(item.language)?.slice(0, 35) })
  }
  return [
    {
      id: post.id,
      verb: 'post',
      authors: item.author === undefined ? 0 : 1,
      object: { type: 'post', post },
      ...present({ ...dates, actor, title, url: item.url })
    }
  ]
}
