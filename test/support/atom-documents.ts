/** Atom documents for tests, with every namespace declared, so that a test shows only what it is about; and their readers. */
import assert from 'node:assert/strict'
import type { Activity, Feed, Post } from '../../src/model/activity.ts'
import { readEntry } from '../../src/protocol/atom-reader.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'

const NAMESPACES =
  'xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0" ' +
  'xmlns:activity="http://activitystrea.ms/spec/1.0/" xmlns:poco="http://portablecontacts.net/spec/1.0" ' +
  'xmlns:media="http://purl.org/syndication/atommedia" xmlns:ostatus="http://ostatus.org/schema/1.0" ' +
  'xmlns:mastodon="http://mastodon.social/schema/1.0" xmlns:statusnet="http://status.net/schema/api/1/" ' +
  'xmlns:at="http://purl.org/atompub/tombstones/1.0"'

export const ANN = 'https://a.example/users/ann'
export const BOB = 'https://b.example/users/bob'

export const feedXml = (inner: string): Buffer => Buffer.from(`<?xml version="1.0"?><feed ${NAMESPACES}>${inner}</feed>`)
export const entryXml = (inner: string): Buffer => Buffer.from(`<?xml version="1.0"?><entry ${NAMESPACES}>${inner}</entry>`)
export const authorXml = (uri: string, more = ''): string => `<author><uri>${uri}</uri><name>x</name>${more}</author>`
export const verbXml = (word: string, base = 'http://activitystrea.ms/schema/1.0/'): string =>
  `<activity:verb>${base}${word}</activity:verb>`
export const typeXml = (word: string): string => `<activity:object-type>http://activitystrea.ms/schema/1.0/${word}</activity:object-type>`
export const linkXml = (rel: string, href: string, more = ''): string => `<link rel="${rel}" href="${href}" ${more}/>`

/** URL of every feed that `feed` and `inFeed` read. */
export const FEED = 'https://a.example/users/ann.atom'
export const feed = (inner: string): Feed => readFeed(feedXml(inner), { url: FEED })
/** An entry alone, as in an envelope. */
export const entry = (inner: string): Activity => readEntry(entryXml(inner))
export const inFeed = (inner: string): Activity => feed(`<id>f</id><entry>${inner}</entry>`).activities[0] ?? assert.fail()
export const postOf = (activity: Activity): Post =>
  activity.object.type === 'post' ? activity.object.post : assert.fail(activity.object.type)
