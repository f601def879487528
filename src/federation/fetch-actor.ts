/** ActivityPub documents of others, from where they belong: only there is it proven whose they are (X1, X2, X8). */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { isFailure, Missing, Refused, Unreachable } from '../model/errors.ts'
import type { Actor } from '../model/kept.ts'
import { readHandle, readSubject } from '../protocol/acct.ts'
import { type ActorDocument, type ActorKey, readActor, readKeyDocument } from '../protocol/actor-document.ts'
import { isActivityType, type JsonObject, readJsonObject, textOf } from '../protocol/json-ld.ts'
import { AS, LIMIT, TYPE } from '../protocol/names.ts'
import { readWebAddress } from '../protocol/web-address.ts'
import type { ActorFacts, Stores, Tools } from '../tools.ts'
import { isName } from './identity.ts'
import { lookUp, makeSearch } from './lookup.ts'
import { getSigned } from './sign.ts'

const ACCEPT = `${TYPE.activity}, application/ld+json; profile="${AS}"`

/** Characters; a key of 8192 bits has 1,500. */
const LONGEST_PEM = 8000

/** An actor's document, and the handle that its host confirmed. */
export type Met = { document: ActorDocument; acct?: string }

/** Scheme, host and port; undefined for what is no http(s) address. */
export const originOf = (id: string): string | undefined => readWebAddress(id)?.origin

/** Whether two ids belong to one server: what one of them may say of the other (X7, X10). */
export const isOfOne = (one: string, other: string): boolean => originOf(one) !== undefined && originOf(one) === originOf(other)

/**
 * A document by its id, by a signed GET. Its `id` must be the address that was asked, or the one that answered, of the same origin:
 * else the id is asked once, and must then agree.
 * @throws Refused for another type than ActivityPub's, or an id of another origin; Missing for 404 and 410 (`code` gone); Unreachable
 */
export async function fetchDocument(tools: Tools, id: string): Promise<{ document: JsonObject; id: string }> {
  const first = await askDocument(tools, id)
  const told = textOf(first.document, 'id')
  if (told === undefined || !isOfOne(told, id)) throw new Refused('The document bears no id of its own host.')
  if (told === id || told === first.url) return { document: first.document, id: told }
  const { document } = await askDocument(tools, told)
  if (textOf(document, 'id') !== told) throw new Refused('The document does not stand at its own id.')
  return { document, id: told }
}

/**
 * Whatever ActivityPub document is at an address, whether or not it bears an id; it stays within the origin that was asked.
 * @throws as fetchDocument
 */
export async function askDocument(tools: Tools, url: string): Promise<{ document: JsonObject; url: string }> {
  const answer = await getSigned(tools, url, { headers: { accept: ACCEPT }, maxBytes: LIMIT.messageBytes, plainHttp: 'never' })
  const { status } = answer
  if (status === 404 || status === 410) throw new Missing(`${url} answered ${status}.`, { status, code: 'gone' })
  if (status >= 500 || status === 429 || status === 408) throw new Unreachable(`${url} answered ${status}.`, { peer: status })
  if (status !== 200) throw new Refused(`${url} answered ${status}.`)
  if (!answer.trusted) throw new Refused('A document that came by plain http proves nothing.')
  if (!isOfOne(answer.url, url)) throw new Refused(`${url} leads to another host.`)
  if (!isActivityType(answer.headers['content-type'])) throw new Refused(`${url} is no ActivityPub document.`)
  return { document: readJsonObject(answer.body), url: answer.url }
}

/** An actor's document. @throws as fetchDocument; Refused when it is no actor, or its keys name another owner */
export async function fetchActor(tools: Tools, id: string): Promise<ActorDocument> {
  const { document } = await fetchDocument(tools, id)
  const actor = readActor(document)
  if (actor === undefined) throw new Refused('The document is no actor’s.')
  const inline = actor.keys.filter(key => isKeyOf(key, actor.id))
  if (inline.length < actor.keys.length && inline.length === 0) throw new Refused('The keys of the actor name another owner.')
  const [url] = inline.length === 0 ? (actor.keyUrls ?? []) : []
  return { ...actor, keys: url === undefined ? inline : [await fetchKey(tools, url, actor.id)] }
}

/** X8: whoever the document belongs to must be named by the key, and both stand at one origin. */
const isKeyOf = ({ id, owner, pem }: ActorKey, actorId: string): boolean =>
  owner === actorId && isOfOne(id, actorId) && readSigningKey(pem) !== undefined

/** A key in a document of its own. The actor named it; it must name the actor. */
async function fetchKey(tools: Tools, url: string, actorId: string): Promise<ActorKey> {
  if (!isOfOne(url, actorId)) throw new Refused('The key is at another host than its owner.')
  const { document } = await askDocument(tools, url)
  const key = readKeyDocument(document, url)
  if (key === undefined || !isKeyOf(key, actorId)) throw new Refused('The key names another owner.')
  return key
}

/** A public key that may speak for somebody: RSA of 1024 to 8192 bits, or Ed25519. Undefined for anything else. */
export function readSigningKey(pem: string): KeyObject | undefined {
  if (pem.length > LONGEST_PEM) return undefined
  try {
    const key = createPublicKey(pem)
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    return key.asymmetricKeyType === 'ed25519' || (key.asymmetricKeyType === 'rsa' && bits >= 1024 && bits <= 8192) ? key : undefined
  } catch {
    return undefined
  }
}

/** An actor with the handle that their host confirms, if it does. @throws as fetchActor */
export async function meetActor(tools: Tools, id: string): Promise<Met> {
  const document = await fetchActor(tools, id)
  const acct = await confirmHandle(tools, document)
  return { document, ...(acct === undefined ? {} : { acct }) }
}

/**
 * The handle of an actor, when the host of the handle names that very actor (FEP-2c59, FEP-4adb). A host may say that the account is
 * at another one, which must then say the same. Undefined when nobody confirms any.
 */
export async function confirmHandle(tools: Tools, { author, id, webfinger }: ActorDocument): Promise<string | undefined> {
  const claimed = readSubject(webfinger ?? `${author.username}@${new URL(id).host}`)
  if (claimed?.kind !== 'acct' || (webfinger ?? author.username) === undefined) return undefined
  const search = makeSearch(tools)
  const ask = async (acct: string): Promise<string | undefined> => {
    const handle = readHandle(acct)
    const found = handle.kind === 'acct' ? await lookUp(search, `acct:${acct}`, handle.host) : undefined
    const subject = readSubject(found?.descriptor.subject)
    return found?.trusted && found.links.activityActor === id && subject?.kind === 'acct' ? subject.acct : undefined
  }
  try {
    const told = await ask(claimed.acct)
    if (told === undefined || told === claimed.acct) return told
    return (await ask(told)) === told ? told : undefined
  } catch (error) {
    if (isFailure(error)) return undefined
    throw error
  }
}

/** What a document tells of an actor, as the store keeps it. */
export function actorFacts({ author, keys, ...document }: ActorDocument): ActorFacts {
  const { alsoKnownAs, fields, followers, id, inbox, indexable, movedTo, outbox, sharedInbox } = document
  return {
    ...{ uri: id, profile: author, trusted: true, names: author.url !== undefined && isOfOne(author.url, id) ? [author.url] : [] },
    activityPub: {
      ...{
        inboxUrl: inbox,
        alsoKnownAs: alsoKnownAs.filter(isName),
        signingKeys: keys.filter(key => isKeyOf(key, id)).map(key => ({ id: key.id, pem: key.pem }))
      },
      ...(sharedInbox === undefined ? {} : { sharedInboxUrl: sharedInbox }),
      ...(followers === undefined ? {} : { followersUrl: followers }),
      ...(outbox === undefined ? {} : { outboxUrl: outbox }),
      ...(movedTo === undefined ? {} : { movedTo }),
      ...(indexable === undefined ? {} : { indexable }),
      ...(fields === undefined ? {} : { fields })
    }
  }
}

/**
 * Keeps what a document tells of an actor. Somebody who was met by OStatus before (the same URI, or the same confirmed handle) stays
 * the one row, and speaks ActivityPub from now on (X19). Must run inside a transaction.
 * @param acct user@host, when it was confirmed by WebFinger
 */
export async function keepActor(stores: Stores, document: ActorDocument, now: Date, acct?: string): Promise<Actor> {
  const { actors, identities } = stores
  const own = await actors.findByUri(document.id)
  const named = await actors.findByName(document.id)
  const called = acct === undefined ? undefined : await actors.findByName(`acct:${acct}`)
  if ([own, named, called].some(actor => actor?.localName !== undefined)) throw new Refused('That is one of us.')
  const before = [called, named].find(actor => actor?.speaks === 'ostatus')
  if (before !== undefined && before.id !== own?.id) {
    if (own !== undefined) await identities.absorb(before.id, own.id)
    await identities.rename(before.id, before.uri, document.id)
  }
  return actors.keep({ ...actorFacts(document), ...(acct === undefined ? {} : { acct }) }, now)
}
