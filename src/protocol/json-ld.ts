/**
 * JSON of strangers, and as much of JSON-LD as the fediverse writes: names with or without the prefix `as:` or the whole namespace,
 * `@id` and `@type`, values alone or in arrays, `@value` around text. No context is ever fetched, and none is believed.
 */
import { BadMessage } from '../model/errors.ts'
import { AS, TYPE } from './names.ts'

export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = Map<string, Json>

const MOST_NODES = 50_000
const DEEPEST = 50
const PREFIXES = [
  `${AS}#`,
  'as:',
  'https://w3id.org/security#',
  'sec:',
  'http://joinmastodon.org/ns#',
  'toot:',
  'http://ostatus.org#',
  'ostatus:'
]

/**
 * An object of a document, its names in their short form. Of two names that mean the same the first counts.
 * @throws BadMessage for what is not UTF-8, no JSON, no object, too deep or too large (X35, X36)
 */
export function readJsonObject(body: Buffer): JsonObject {
  const document = read(parse(body), 0, { nodes: 0 })
  if (!(document instanceof Map)) throw new BadMessage('The document is no JSON object.')
  return document
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new BadMessage('The document is not JSON.', { cause })
  }
}

/** Maps have no prototype that a name could reach. */
function read(value: unknown, depth: number, count: { nodes: number }): Json {
  if (++count.nodes > MOST_NODES || depth > DEEPEST) throw new BadMessage('The document is too large, or too deep.')
  if (Array.isArray(value)) return value.map(item => read(item, depth + 1, count))
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value.replaceAll('\0', '') : (value as Json)
  if ('@value' in value) return read(value['@value'], depth + 1, count)
  if ('@list' in value) return read(value['@list'], depth + 1, count)
  const object: JsonObject = new Map()
  for (const [name, item] of Object.entries(value)) {
    const short = shortName(name)
    if (short !== undefined && !object.has(short)) object.set(short, read(item, depth + 1, count))
  }
  return object
}

/** Contexts are left out: nothing is looked up in them. */
function shortName(name: string): string | undefined {
  if (name === '@context') return undefined
  if (name === '@id' || name === '@type') return name.slice(1)
  const prefix = PREFIXES.find(prefix => name.startsWith(prefix))
  return prefix === undefined ? name : name.slice(prefix.length)
}

/** All values under a name: none, one or many, nulls left out. */
export function all(object: JsonObject, name: string): Json[] {
  const value = object.get(name)
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value.filter(item => item !== null) : [value]
}

/** The first text under a name, trimmed; undefined when it is empty. */
export function textOf(object: JsonObject, name: string): string | undefined {
  const found = all(object, name).find(value => typeof value === 'string' && value.trim() !== '')
  return typeof found === 'string' ? found.trim() : undefined
}

/** The objects under a name. */
export const objectsOf = (object: JsonObject, name: string): JsonObject[] =>
  all(object, name).filter((value): value is JsonObject => value instanceof Map)

/** What a value names: itself when it is text, else its `id`. */
export function idOf(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value.trim() || undefined
  return value instanceof Map ? textOf(value, 'id') : undefined
}

/** All that is named under a name, each once. */
export const idsOf = (object: JsonObject, name: string): string[] => [...new Set(all(object, name).flatMap(value => idOf(value) ?? []))]

/** The types of an object, in their short form. */
export const typesOf = (object: JsonObject): string[] =>
  all(object, 'type').flatMap(type => (typeof type === 'string' ? [shortName(type) ?? type] : []))

/**
 * Whether a Content-Type is one of ActivityPub's: files that somebody uploaded are served as JSON or text, but never as that (X2).
 * @param header may be missing
 */
export function isActivityType(header: string | undefined): boolean {
  const [type, ...parameters] = (header ?? '').split(';').map(part => part.trim())
  if (type?.toLowerCase() === TYPE.activity) return true
  const profile = parameters.find(part => /^profile\s*=/i.test(part)) ?? ''
  return type?.toLowerCase() === 'application/ld+json' && profile.includes(AS)
}
