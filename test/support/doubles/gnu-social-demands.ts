/**
 * What two real GNU social servers demanded of whoever speaks to them, each demand a check under its number in gnu-social.md:
 * F of table 2, S of table 6, P1 to P4 the lines of table 7 that a sender can break. In each group the order is that of asking.
 */
import { createHmac, type KeyObject, verify } from 'node:crypto'
import type { Descriptor } from '../../../src/model/activity.ts'
import { NS, PUBLIC_COLLECTION, REL } from '../../../src/protocol/names.ts'
import { child, children, text, type XmlElement } from '../../../src/protocol/xml.ts'
import { activity, atom, hrefs, SCHEMA } from '../atom.ts'

/** What came from a peer: an answer to us (with its status) or a request. Header names in lower case. */
export type Message = { kind: Kind; status: number; type: string; headers: Record<string, string>; body: string }
export type Kind = 'webfinger' | 'host-meta' | 'lrdd' | 'page' | 'feed' | 'hub' | 'question' | 'ping' | 'salmon'

type Checks<Seen> = Record<string, (seen: Seen) => boolean>

const FEED_TYPES = ['application/atom+xml', 'application/rss+xml', 'text/xml', 'application/xml']
const VERBS = [...['post', 'share', 'favorite', 'unfavorite', 'delete', 'follow'].map(verb => SCHEMA + verb), `${NS.ostatus}/unfollow`]

const author = (element: XmlElement) => child(element, NS.atom, 'author')
/** Who an entry or a feed says that it is by; '' for nobody. */
export const authorUri = (element: XmlElement): string => text(child(author(element), NS.atom, 'uri'))
/** Links of a descriptor by their relation. */
export const rels = ({ links }: Descriptor, rel: string) => links.filter(link => link.rel === rel)
/** The whole verb; none is a post (table 7). */
export const verbOf = (entry: XmlElement): string => activity(entry, 'verb') || `${SCHEMA}post`
/** Id of what is acted on; '' for nothing. */
export const objectOf = (entry: XmlElement): string => text(child(child(entry, NS.activity, 'object'), NS.atom, 'id'))
/** Tags are compared as they are written. */
const isBare = (element: XmlElement, name: string): boolean => element.name === name && element.ns === NS.atom

/** The feed that an HTML page names. */
export const feedOfPage = (html: string): string | undefined => {
  const links = html.match(/<link\b[^>]*>/g) ?? []
  const feed = links.find(link => /rel="alternate"/.test(link) && /type="application\/atom\+xml"/.test(link))
  return /href="([^"]+)"/.exec(feed ?? '')?.[1]
}

export const TARGET: Checks<string> = {
  F1: target => !/^(acct:)?[^/]+@[^/]+:\d+$/.test(target)
}
export const HOST_META: Checks<Descriptor> = {
  F5: meta => rels(meta, REL.lrdd).some(link => link.template?.includes('{uri}'))
}
export const ACCOUNT: Checks<Descriptor> = {
  F8: account => [REL.updatesFrom, REL.profilePage].some(rel => rels(account, rel).length > 0)
}
export const AUTHOR: Checks<{ account: Descriptor; uri: string }> = {
  F6: ({ account, uri }) => [account.subject, ...account.aliases].includes(uri)
}
export const PAGE: Checks<string> = {
  'S11 page': html => feedOfPage(html) !== undefined
}
export const FEED_ANSWER: Checks<Message> = {
  F9: ({ type }) => FEED_TYPES.includes(type.split(';')[0]!.trim())
}
export const FEED: Checks<XmlElement> = {
  F10: feed => hrefs(feed, 'hub').length > 0,
  F11: feed => hrefs(feed, 'salmon').length > 0,
  F12: feed => /^(https?|tag|mailto):/.test(authorUri(feed)),
  F13: feed => /^\w+$/.test(text(child(author(feed), NS.poco, 'preferredUsername')))
}
export const OWN_FEED: Checks<{ feed: XmlElement; uri: string }> = {
  S5: ({ feed, uri }) => authorUri(feed) === uri
}
export const KEY: Checks<Descriptor> = {
  'S11 key': account =>
    rels(account, REL.magicKey).some(({ href = '' }) => /^data:application\/magic-public-key,RSA\.[\w-]+=*\.[\w-]+=*$/.test(href))
}
export const HUB: Checks<Message> = {
  F15: ({ status }) => status === 202 || status === 204
}
/** `topic`: for which an answer is awaited. */
export const QUESTION: Checks<{ query: URLSearchParams; topic: string | undefined }> = {
  F17: ({ query, topic }) => topic !== undefined && query.get('hub.topic') === topic && query.get('hub.mode') === 'subscribe'
}
/** `isVerified`: whether the secret was agreed on. */
export const CONTENT: Checks<Message & { secret: string; isVerified: boolean }> = {
  F19: ({ isVerified }) => isVerified,
  P1: ({ body, headers, secret }) => {
    const [, method, hex] = /^(sha1|sha256|sha512)=([0-9a-f]+)$/i.exec(headers['x-hub-signature'] ?? '') ?? []
    return method !== undefined && createHmac(method, secret).update(body).digest('hex') === hex?.toLowerCase()
  }
}
export const PING: Checks<XmlElement> = {
  P2: feed => isBare(feed, 'feed'),
  P3: feed =>
    children(feed, NS.atom, 'entry')
      .flatMap(toEverybody)
      .every(link => link.attributes.some(one => one.name === 'ostatus:object-type')),
  P4: feed => children(feed, NS.atom, 'entry').every(entry => !author(entry) || authorUri(entry) === authorUri(feed))
}
export const POSTED: Checks<Message> = {
  S1: ({ type }) => type === 'application/magic-envelope+xml'
}
export const ENTRY: Checks<XmlElement> = {
  S3: entry => isBare(entry, 'entry'),
  S4: entry => /^https?:/.test(authorUri(entry))
}
/** `key`: the one that was fetched first, which stays (S9). */
export const SIGNED: Checks<{ parts: string[]; sig: string; key: KeyObject }> = {
  S2: ({ parts: [data = '', ...rest], sig, key }) => {
    const padded = rest.map(part => Buffer.from(part).toString('base64').replaceAll('+', '-').replaceAll('/', '_'))
    return verify('RSA-SHA256', Buffer.from([data, ...padded].join('.')), key, Buffer.from(sig, 'base64url'))
  }
}
type Act = { entry: XmlElement; owner: string; isNotice: (uri: string) => boolean }
export const ACT: Checks<Act> = {
  S8: ({ entry }) => VERBS.includes(verbOf(entry)),
  S6: act => isAddressed(act) || objectOf(act.entry) === act.owner || act.isNotice(objectOf(act.entry)),
  S7: act =>
    !/\/(favorite|share)$/.test(verbOf(act.entry)) || (verbOf(act.entry) === `${SCHEMA}share` ? isMentioned(act) : isAddressed(act))
}

/** All of them, by number. */
export const DEMANDS: string[] = [
  ...[TARGET, HOST_META, ACCOUNT, AUTHOR, PAGE, FEED_ANSWER, FEED, OWN_FEED, KEY, HUB, QUESTION, CONTENT, PING, POSTED, ENTRY, SIGNED, ACT]
].flatMap(checks => Object.keys(checks))

const toEverybody = (entry: XmlElement) =>
  children(entry, NS.atom, 'link').filter(link => link.attributes.some(({ value }) => value === PUBLIC_COLLECTION))
const isMentioned = ({ entry, owner }: Act): boolean => hrefs(entry, 'mentioned').includes(owner)
const isAddressed = (act: Act): boolean => isMentioned(act) || act.isNotice(parentOf(act.entry))

/** The notice that an entry answers; '' for none. */
export const parentOf = (entry: XmlElement): string =>
  child(entry, NS.thr, 'in-reply-to')?.attributes.find(({ local }) => local === 'ref')?.value ?? ''

/** Id of an entry. */
export const idOf = (entry: XmlElement): string => atom(entry, 'id')
