/** The model -> ActivityStreams 2.0 documents, in the forms that Mastodon, Misskey, GoToSocial, Lemmy and their kin read. */
import type { Enclosure, Picture } from '../model/activity.ts'
import { AS } from './names.ts'
import { plainText } from './plain-text.ts'
import { escapeXml } from './xml.ts'

export type Written = Record<string, unknown>

/** `Everybody` as it is written in full, which all read. */
const EVERYBODY = `${AS}#Public`
const SECURITY = 'https://w3id.org/security/v1'

/** Terms beside those of the two contexts; each is used by something below. */
const TERMS = {
  ...{ toot: 'http://joinmastodon.org/ns#', schema: 'http://schema.org#', ostatus: 'http://ostatus.org#' },
  ...{ gts: 'https://gotosocial.org/ns#' },
  ...{ Hashtag: 'as:Hashtag', sensitive: 'as:sensitive', manuallyApprovesFollowers: 'as:manuallyApprovesFollowers' },
  ...{ movedTo: { '@id': 'as:movedTo', '@type': '@id' }, alsoKnownAs: { '@id': 'as:alsoKnownAs', '@type': '@id' } },
  ...{ featured: { '@id': 'toot:featured', '@type': '@id' }, discoverable: 'toot:discoverable', indexable: 'toot:indexable' },
  ...{ PropertyValue: 'schema:PropertyValue', value: 'schema:value', conversation: 'ostatus:conversation' },
  ...{ webfinger: 'https://purl.archive.org/socialweb/webfinger#webfinger', preview: { '@id': 'as:preview', '@type': '@id' } },
  ...{ interactionPolicy: { '@id': 'gts:interactionPolicy', '@type': '@id' }, canQuote: { '@id': 'gts:canQuote', '@type': '@id' } },
  ...{ automaticApproval: { '@id': 'gts:automaticApproval', '@type': '@id' } },
  ...{
    interactingObject: { '@id': 'gts:interactingObject', '@type': '@id' },
    QuoteAuthorization: 'https://w3id.org/fep/044f#QuoteAuthorization'
  },
  ...{ interactionTarget: { '@id': 'gts:interactionTarget', '@type': '@id' } },
  attributionDomains: { '@id': 'toot:attributionDomains', '@type': '@id' }
}
const CONTEXT = [AS, SECURITY, TERMS]
const KEYS = 'https://w3id.org/security/multikey/v1'
/** What the keys stand under, which their own context does not name. */
const KEY_TERMS = {
  ...TERMS,
  assertionMethod: { '@id': 'https://w3id.org/security#assertionMethod', '@type': '@id', '@container': '@set' }
}

/** A document as bytes of `application/activity+json`. @param multikey whether it bears keys in the form of FEP-521a */
export const writeDocument = (object: Written, multikey = false): Buffer =>
  Buffer.from(JSON.stringify({ '@context': multikey ? [AS, SECURITY, KEYS, KEY_TERMS] : CONTEXT, ...object }))

const present = (object: Written): Written => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

export type ActorOut = {
  uri: string
  type: 'Person' | 'Application'
  name: string
  handle: string
  displayName: string
  bio?: string
  page: string
  homepage?: string
  avatar?: Picture
  published?: Date
  pem: string
  multikey: string
  /** Addresses of its collections and inboxes; the node's own actor has an inbox and an outbox only. */
  inbox: string
  sharedInbox: string
  collections: { outbox: string; followers?: string; following?: string; featured?: string }
  alsoKnownAs?: string[]
  /** Hosts whose pages may name it as their `fediverse:creator`. */
  attribution?: string[]
}

/** An account of ours, or the actor in whose name the node asks (FEP-2677). */
export function writeActor(actor: ActorOut): Written {
  const { avatar, bio, collections, displayName, handle, homepage, inbox, multikey, name, page, pem, published, sharedInbox, type, uri } =
    actor
  const link =
    homepage === undefined
      ? undefined
      : `<a href="${escapeXml(homepage)}" rel="me">${escapeXml(homepage.replace(/^https?:\/\/|\/$/g, ''))}</a>`
  return present({
    ...{ id: uri, type, preferredUsername: name, name: displayName, summary: bio === undefined ? '' : paragraphs(bio), url: page },
    ...{ inbox, ...collections, endpoints: { sharedInbox }, published: published?.toISOString(), webfinger: handle },
    ...{ manuallyApprovesFollowers: false, discoverable: type === 'Person', indexable: type === 'Person' },
    ...{ icon: avatar && present({ type: 'Image', url: avatar.url, mediaType: avatar.type }) },
    ...{ attachment: link === undefined ? undefined : [{ type: 'PropertyValue', name: 'Blog', value: link }] },
    ...{ alsoKnownAs: actor.alsoKnownAs?.length ? actor.alsoKnownAs : undefined, attributionDomains: actor.attribution },
    publicKey: { id: `${uri}#main-key`, owner: uri, publicKeyPem: pem },
    assertionMethod: [{ id: `${uri}#multikey`, type: 'Multikey', controller: uri, publicKeyMultibase: multikey }]
  })
}

const paragraphs = (text: string): string =>
  text
    .split(/\n{2,}/)
    .map(part => `<p>${escapeXml(part).replaceAll('\n', '<br>')}</p>`)
    .join('')

export type NoteOut = {
  uri: string
  author: string
  followers: string
  type: 'Note' | 'Article'
  /** What its `url` is, and the page to which that leads. */
  url: string
  page: string
  html: string
  title?: string
  warning?: string
  language?: string
  published: Date
  updated?: Date
  inReplyTo?: string
  conversation?: string
  /** Who is mentioned, by URI and handle. */
  mentions: { uri: string; handle?: string }[]
  /** Without `#`; `address` of what is told here under it. */
  tags: { name: string; address: string }[]
  enclosures: Enclosure[]
  replies: string
  /** Of an article: the beginning of the text, as HTML, which stands below the title where articles are not shown (FEP-b2b8). */
  preview?: string
  /** `direct`: for those alone whom it mentions. */
  visibility: 'public' | 'unlisted' | 'direct'
}

/** A post of ours. Quotes of what is for everybody are welcome: whoever asks is told so at once (FEP-044f). */
export function writeNote(note: NoteOut): Written {
  const { author, html, language, preview, published, title, type, uri, updated } = note
  return present({
    ...{ id: uri, type, attributedTo: author, url: note.url, content: type === 'Note' ? withTitle(note) : html },
    ...{ contentMap: language === undefined ? undefined : { [language]: type === 'Note' ? withTitle(note) : html } },
    ...{ name: type === 'Article' ? title : undefined, summary: note.warning, sensitive: note.warning !== undefined },
    ...{ published: published.toISOString(), updated: updated?.toISOString(), ...addressed(note) },
    ...{ inReplyTo: note.inReplyTo, conversation: note.conversation, context: note.conversation },
    ...{ tag: [...note.mentions.map(mentionTag), ...note.tags.map(hashtag)], attachment: note.enclosures.map(attachment) },
    ...(note.visibility === 'direct' ? {} : { replies: note.replies, interactionPolicy: { canQuote: { automaticApproval: [EVERYBODY] } } }),
    preview: preview === undefined ? undefined : previewOf({ ...note, html: preview })
  })
}

const previewOf = (note: NoteOut): Written => ({
  ...{ type: 'Note', attributedTo: note.author, url: note.url, content: withTitle(note), published: note.published.toISOString() }
})

/** Servers show no name of a note: so the title stands in it, and leads to the page of the post. */
const withTitle = ({ html, page, title }: NoteOut): string =>
  title === undefined ? html : `<p><strong><a href="${escapeXml(page)}">${escapeXml(title)}</a></strong></p>${html}`

/** To whom a post goes: everybody or the followers first, then who is mentioned; or these alone. */
function addressed({ followers, mentions, visibility }: Pick<NoteOut, 'followers' | 'mentions' | 'visibility'>): {
  to: string[]
  cc: string[]
} {
  const people = mentions.map(({ uri }) => uri)
  if (visibility === 'direct') return { to: people, cc: [] }
  return visibility === 'public' ? { to: [EVERYBODY], cc: [followers, ...people] } : { to: [followers], cc: [EVERYBODY, ...people] }
}

const mentionTag = ({ handle, uri }: { uri: string; handle?: string }): Written => ({
  type: 'Mention',
  href: uri,
  name: `@${handle ?? uri}`
})
const hashtag = ({ address, name }: NoteOut['tags'][number]): Written => ({ type: 'Hashtag', href: address, name: `#${name}` })

function attachment({ title, type, url }: Enclosure): Written {
  const kind = /^(image|video|audio)\//.exec(type ?? '')?.[1]
  const name = kind === 'image' ? 'Image' : kind === 'video' ? 'Video' : kind === 'audio' ? 'Audio' : 'Document'
  return present({ type: name, mediaType: type, url, name: title === undefined ? undefined : plainText(title) })
}

/** The activity of a post: it bears the post's own addressees. */
export const writeCreate = (note: NoteOut): Written => wrap('Create', `${note.uri}#create`, note, note.published)

/** @param at when it was changed: each change has an id of its own */
export const writeUpdate = (note: NoteOut, at: Date): Written => wrap('Update', `${note.uri}#updates/${at.getTime()}`, note, at)

const wrap = (type: string, id: string, note: NoteOut, published: Date): Written => ({
  ...{ id, type, actor: note.author, published: published.toISOString(), ...addressed(note) },
  object: writeNote(note)
})

/** What every other activity of ours has: its id, who does it, to whom it is told, and what it is about. */
export type ActOut = { id: string; actor: string; object: unknown; to: string[]; cc?: string[]; published?: Date }

const act =
  (type: string) =>
  ({ published, ...rest }: ActOut): Written =>
    present({ type, ...rest, published: published?.toISOString() })

export const writeFollow = act('Follow')
export const writeAccept = act('Accept')
export const writeReject = act('Reject')
export const writeUndo = act('Undo')
export const writeLike = act('Like')
export const writeAnnounce = act('Announce')
export const writeMove = ({ target, ...rest }: ActOut & { target: string }): Written => ({ ...act('Move')(rest), target })
export const writeActorUpdate = act('Update')
/** An account that is closed: it has no tombstone. */
export const writeActorDelete = act('Delete')

/** That a quote is welcome: everybody who shows it asks for this (FEP-044f). `quote` and `quoted` are URIs of posts. */
export const writeQuoteAuthorization = ({
  author,
  id,
  quote,
  quoted
}: {
  author: string
  id: string
  quote: string
  quoted: string
}): Written => ({
  ...{ id, type: 'QuoteAuthorization', attributedTo: author, interactingObject: quote, interactionTarget: quoted }
})

/** A post that is gone. */
export const writeDelete = ({ at, ...rest }: ActOut & { at: Date }): Written =>
  act('Delete')({ ...rest, object: { type: 'Tombstone', id: rest.object, deleted: at.toISOString() } })

export const tombstone = (id: string, at: Date): Written => ({ id, type: 'Tombstone', deleted: at.toISOString() })

/** The first page of a collection is named, its items are not (S3-29). */
export const writeCollection = (id: string, totalItems: number, first?: string): Written =>
  present({ id, type: 'OrderedCollection', totalItems, first })

/** A page of a collection: items as URIs or whole objects. */
export const writePage = (
  id: string,
  partOf: string,
  items: unknown[],
  { next, type = 'OrderedCollectionPage' }: { next?: string; type?: string } = {}
): Written => present({ id, type, partOf, next, [type === 'CollectionPage' ? 'items' : 'orderedItems']: items })

/** A whole collection in one document. */
export const writeWholeCollection = (id: string, items: unknown[]): Written => ({
  id,
  type: 'OrderedCollection',
  totalItems: items.length,
  orderedItems: items
})

/** The known public answers to a post, as the source document has it: a collection with its first page inside (S3-29). */
export const writeReplies = (
  id: string,
  items: string[],
  { total = items.length, next }: { total?: number; next?: string } = {}
): Written => ({
  ...{ id, type: 'Collection', totalItems: total },
  first: writePage(`${id}?page=true`, id, items, { type: 'CollectionPage', ...(next === undefined ? {} : { next }) })
})
