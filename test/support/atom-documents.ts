/** Atom documents for tests, with every namespace declared, so that a test shows only what it is about. */
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
