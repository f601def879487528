/** An ActivityPub actor's document -> whoever it describes, where it is reached and by which keys it signs. */
import type { Author, Picture, ProfileField } from '../model/activity.ts'
import { line, opaque, webUrl } from './atom-parts.ts'
import { present } from './atom-post.ts'
import { all, idOf, idsOf, type JsonObject, objectsOf, textOf, typesOf } from './json-ld.ts'
import { readMultikey } from './multikey.ts'
import { htmlToText, sanitizeHtml } from './sanitize.ts'

/** A public key: its id, whom it says it belongs to, and SPKI in PEM form. */
export type ActorKey = { id: string; owner: string; pem: string }

export type ActorDocument = {
  id: string
  author: Author
  inbox: string
  sharedInbox?: string
  outbox?: string
  followers?: string
  featured?: string
  keys: ActorKey[]
  /** Addresses of keys that stand in documents of their own. */
  keyUrls?: string[]
  /** Other accounts of the same person, as it says itself (Move, FEP-7628). */
  alsoKnownAs: string[]
  movedTo?: string
  /** FEP-2c59: user@host. */
  webfinger?: string
  /** What Mastodon and others show as a table. */
  fields?: ProfileField[]
  /** FEP-5feb: false when the person does not want to be kept in searches. */
  indexable?: boolean
}

const MOST_KEYS = 4
const MOST_FIELDS = 8
const KEY_NAMES = ['publicKey', 'assertionMethod']
const KINDS: Record<string, Author['kind']> = {
  Person: 'person',
  Group: 'group',
  Service: 'person',
  Application: 'other',
  Organization: 'group'
}

/** Undefined for what is no actor, or has no id or no inbox. */
export function readActor(document: JsonObject): ActorDocument | undefined {
  const id = opaque(textOf(document, 'id'))
  const kind = typesOf(document)
    .map(type => KINDS[type])
    .find(Boolean)
  const inbox = webUrl(textOf(document, 'inbox'))
  if (id === undefined || kind === undefined || inbox === undefined) return undefined
  const [endpoints] = objectsOf(document, 'endpoints')
  const indexable = document.get('indexable')
  const keyUrls = KEY_NAMES.flatMap(name => all(document, name)).flatMap(value => webUrl(typeof value === 'string' ? value : '') ?? [])
  return {
    ...{
      id,
      inbox,
      author: readAuthor(document, id, kind),
      keys: readKeys(document, id),
      alsoKnownAs: idsOf(document, 'alsoKnownAs').slice(0, 20)
    },
    ...present({
      ...{ sharedInbox: webUrl(endpoints && textOf(endpoints, 'sharedInbox')), outbox: webUrl(idOf(document.get('outbox'))) },
      ...{ followers: webUrl(idOf(document.get('followers'))), featured: webUrl(idOf(document.get('featured'))) },
      ...{ movedTo: webUrl(idOf(document.get('movedTo'))), webfinger: line(textOf(document, 'webfinger'))?.replace(/^acct:/, '') },
      ...{ indexable: typeof indexable === 'boolean' ? indexable : undefined, fields: readFields(document) },
      keyUrls: keyUrls.length === 0 ? undefined : keyUrls.slice(0, MOST_KEYS)
    })
  }
}

function readAuthor(document: JsonObject, id: string, kind: Author['kind']): Author {
  const url = all(document, 'url')
    .map(value => webUrl(typeof value === 'string' ? value : value instanceof Map ? textOf(value, 'href') : undefined))
    .find(Boolean)
  const username = line(textOf(document, 'preferredUsername'))
  const bio = line(htmlToText(textOf(document, 'summary') ?? '').slice(0, 5000))
  return {
    ids: [id],
    kind,
    ...present({ username, displayName: line(textOf(document, 'name')), bio, url, avatar: readPicture(objectsOf(document, 'icon')[0]) })
  }
}

function readFields(document: JsonObject): ProfileField[] | undefined {
  const fields = objectsOf(document, 'attachment')
    .filter(one => typesOf(one).includes('PropertyValue'))
    .slice(0, MOST_FIELDS)
    .flatMap(one => {
      const [name, html] = [line(textOf(one, 'name'))?.slice(0, 100), sanitizeHtml((textOf(one, 'value') ?? '').slice(0, 2000))]
      return name === undefined || html === '' ? [] : [{ name, html }]
    })
  return fields.length === 0 ? undefined : fields
}

function readPicture(image: JsonObject | undefined): Picture | undefined {
  const url = image && webUrl(textOf(image, 'url') ?? textOf(image, 'href') ?? objectsOf(image, 'url').map(link => textOf(link, 'href'))[0])
  return url === undefined ? undefined : { url, ...present({ type: line(textOf(image!, 'mediaType')) }) }
}

/** `publicKey` of the security vocabulary, and multikeys (FEP-521a); what cannot be read is left out. */
function readKeys(document: JsonObject, id: string): ActorKey[] {
  const classic = objectsOf(document, 'publicKey').flatMap(key => {
    const pem = textOf(key, 'publicKeyPem')
    return pem === undefined ? [] : [{ id: opaque(textOf(key, 'id')) ?? id, owner: textOf(key, 'owner') ?? id, pem }]
  })
  const multi = objectsOf(document, 'assertionMethod').flatMap(key => {
    const pem = readMultikey(textOf(key, 'publicKeyMultibase') ?? '')
    const keyId = opaque(textOf(key, 'id'))
    return pem === undefined || keyId === undefined ? [] : [{ id: keyId, owner: textOf(key, 'controller') ?? '', pem }]
  })
  return [...classic, ...multi].slice(0, MOST_KEYS)
}

/**
 * A key in a document of its own: the key itself, or as much of its owner's as shows it (GoToSocial's `/main-key`).
 * @param id the address at which the document is
 */
export function readKeyDocument(document: JsonObject, id: string): ActorKey | undefined {
  const itself = new Map([['publicKey', document]])
  return [...readKeys(document, ''), ...readKeys(itself, '')].find(key => key.id === id)
}
