/** RFC 9421, HTTP Message Signatures: `Signature-Input` and `Signature`. */
import { type KeyObject, sign } from 'node:crypto'
import { type InnerList, type Item, type Parameters, parseDictionary, serializeInnerList, serializeItem } from 'structured-headers'
import { Refused } from '../model/errors.ts'
import { writeContentDigest } from './digest.ts'
import type { Claim, HttpMessage } from './signature-claim.ts'

const MOST_SIGNATURES = 4

/**
 * The signatures of a message, unverified; those whose parts are not there or of a kind that is not known are left out.
 * @throws Refused 401 when the headers cannot be read
 */
export function readMessageSignatures(message: HttpMessage): Claim[] {
  const inputs = readDictionary(message.headers['signature-input'])
  const signatures = readDictionary(message.headers.signature)
  return [...inputs].slice(0, MOST_SIGNATURES).flatMap(([label, input]) => {
    const signature = signatures.get(label)?.[0]
    if (!(signature instanceof ArrayBuffer) || !isInnerList(input)) return []
    const claim = readClaim(message, input, Buffer.from(signature))
    return claim === undefined ? [] : [claim]
  })
}

/**
 * Signs a request: method, target, authority, date of creation, and the digest of a body.
 * @returns the headers to send: Signature-Input, Signature, and Content-Digest
 */
export function signMessage(
  request: Pick<HttpMessage, 'method' | 'target' | 'authority' | 'scheme'>,
  { body, key, keyId, now }: { body?: Buffer; key: KeyObject; keyId: string; now: Date }
): Record<string, string> {
  const headers: Record<string, string> = body === undefined ? {} : { 'content-digest': writeContentDigest(body) }
  const names = ['@method', '@target-uri', ...Object.keys(headers)]
  const rsa = key.asymmetricKeyType === 'rsa'
  const parameters: Parameters = new Map<string, string | number>([
    ['created', Math.floor(now.getTime() / 1000)],
    ['keyid', keyId],
    ['alg', rsa ? 'rsa-v1_5-sha256' : 'ed25519']
  ])
  const input: InnerList = [names.map((name): Item => [name, new Map()]), parameters]
  const base = writeBase({ ...request, headers }, input)
  const signature = sign(rsa ? 'sha256' : null, Buffer.from(base!), key).toString('base64')
  return { ...headers, 'signature-input': `sig1=${serializeInnerList(input)}`, signature: `sig1=:${signature}:` }
}

type Member = Item | InnerList

const isInnerList = (member: Member): member is InnerList => Array.isArray(member[0])

function readDictionary(header: string | undefined): Map<string, Member> {
  try {
    return header === undefined ? new Map() : parseDictionary(header)
  } catch (cause) {
    throw new Refused('The signature cannot be read.', { status: 401, code: 'signature', cause })
  }
}

function readClaim(message: HttpMessage, input: InnerList, signature: Buffer): Claim | undefined {
  const [items, parameters] = input
  const base = writeBase(message, input)
  const text = (name: string) => (typeof parameters.get(name) === 'string' ? (parameters.get(name) as string) : undefined)
  const time = (name: string) => (Number.isInteger(parameters.get(name)) ? new Date((parameters.get(name) as number) * 1000) : undefined)
  const keyId = text('keyid')
  if (base === undefined || keyId === undefined) return undefined
  const [algorithm, created, expires] = [text('alg'), time('created'), time('expires')]
  return {
    ...{ form: 'rfc9421', keyId, signature, base, covers: items.map(([name]) => String(name)) },
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(created === undefined ? {} : { created }),
    ...(expires === undefined ? {} : { expires })
  }
}

/** What is signed, section 2.5; undefined when a component is missing, stands twice, or is of a kind that we do not know. */
function writeBase(message: HttpMessage, input: InnerList): string | undefined {
  const lines = new Map<string, string>()
  for (const [name, parameters] of input[0]) {
    const value = typeof name === 'string' ? partOf(message, name, parameters) : undefined
    const identifier = serializeItem([name, parameters])
    if (value === undefined || lines.has(identifier)) return undefined
    lines.set(identifier, `${identifier}: ${value}`)
  }
  return [...lines.values(), `"@signature-params": ${serializeInnerList(input)}`].join('\n')
}

/** Section 2.1 and 2.2. Of the parameters of a component only `name` of a query parameter is known. */
function partOf(message: HttpMessage, name: string, parameters: Parameters): string | undefined {
  const { authority, headers, method, scheme, status, target } = message
  if (name === '@query-param') return queryParameter(target, parameters)
  if (parameters.size > 0) return undefined
  const at = target.indexOf('?')
  switch (name) {
    case '@method':
      return method
    case '@target-uri':
      return `${scheme}://${authority}${target}`
    case '@authority':
      return authority.toLowerCase()
    case '@scheme':
      return scheme
    case '@request-target':
      return target
    case '@path':
      return (at < 0 ? target : target.slice(0, at)) || '/'
    case '@query':
      return at < 0 ? '?' : target.slice(at)
    case '@status':
      return status?.toString()
    default:
      return name.startsWith('@') ? undefined : headers[name]?.trim()
  }
}

/** Section 2.2.8: the one value of that name, percent-encoded anew; undefined when there are several. */
function queryParameter(target: string, parameters: Parameters): string | undefined {
  const name = parameters.get('name')
  if (typeof name !== 'string' || parameters.size > 1) return undefined
  const query = new URLSearchParams(target.slice(target.indexOf('?') + 1))
  const values = [...query].flatMap(([key, value]) => (encodeURIComponent(key) === name ? [value] : []))
  return values.length === 1 ? encodeURIComponent(values[0]!) : undefined
}
