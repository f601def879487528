/** draft-cavage-http-signatures-12: the `Signature` header that every fediverse server reads. */
import { type KeyObject, sign } from 'node:crypto'
import { Refused } from '../model/errors.ts'
import { writeDigest } from './digest.ts'
import type { Claim, HttpMessage } from './signature-claim.ts'

const LONGEST_HEADER = 8192

/**
 * The one signature of a request, unverified; none when there is no such header. `Authorization: Signature …` counts too.
 * @throws Refused 401 for one that cannot be read, names something twice, or a header that the request lacks
 */
export function readCavage(request: HttpMessage): Claim[] {
  const header = request.headers.signature ?? request.headers.authorization?.replace(/^signature /i, '')
  if (header === undefined) return []
  const parameters = readParameters(header)
  const { algorithm, keyId, signature } = Object.fromEntries(parameters)
  if (!keyId || !signature) throw unreadable('The signature names no key, or is empty.')
  const covers = (parameters.get('headers') ?? 'date').toLowerCase().split(' ').filter(Boolean)
  if (covers.length === 0 || new Set(covers).size < covers.length) throw unreadable('The signature covers nothing, or something twice.')
  const [created, expires] = ['created', 'expires'].map(name => readTime(parameters.get(name)))
  return [
    {
      ...{ form: 'cavage', keyId, covers, signature: Buffer.from(signature, 'base64'), base: writeBase(request, covers, parameters) },
      ...(algorithm === undefined ? {} : { algorithm: algorithm.toLowerCase() }),
      ...(created === undefined ? {} : { created }),
      ...(expires === undefined ? {} : { expires })
    }
  ]
}

/**
 * Signs a request as every server reads it: `(request-target) host date`, and `digest` where there is a body.
 * @returns the headers to send: Host, Date, Signature, and Digest
 */
export function signCavage(
  request: Pick<HttpMessage, 'method' | 'target' | 'authority'>,
  { body, key, keyId, now }: { body?: Buffer; key: KeyObject; keyId: string; now: Date }
): Record<string, string> {
  const headers: Record<string, string> = {
    host: request.authority,
    date: now.toUTCString(),
    ...(body === undefined ? {} : { digest: writeDigest(body) })
  }
  const covers = ['(request-target)', ...Object.keys(headers)]
  const base = writeBase({ ...request, scheme: 'https', headers }, covers, new Map())
  const signature = sign('sha256', Buffer.from(base), key).toString('base64')
  const value = `keyId="${keyId}",algorithm="rsa-sha256",headers="${covers.join(' ')}",signature="${signature}"`
  return { ...headers, signature: value }
}

/** What is signed, section 2.3. @throws Refused 401 when a part that is named is not there (X12) */
function writeBase(request: HttpMessage, covers: string[], parameters: Map<string, string>): string {
  const { headers, method, target } = request
  const partOf = (name: string): string | undefined => {
    if (name === '(request-target)') return `${method.toLowerCase()} ${target}`
    if (name === '(created)' || name === '(expires)') return parameters.get(name.slice(1, -1))
    return headers[name]?.trim()
  }
  return covers
    .map(name => {
      const value = partOf(name)
      if (value === undefined) throw unreadable(`The signature covers ${name.slice(0, 40)}, which the request does not have.`)
      return `${name}: ${value}`
    })
    .join('\n')
}

/** `name="value"` or `name=123`, separated by commas; one pass, no name twice. */
function readParameters(header: string): Map<string, string> {
  if (header.length > LONGEST_HEADER) throw unreadable('The signature is too long.')
  const parameters = new Map<string, string>()
  const form = /\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|(\d+))\s*(?:,|$)/y
  while (form.lastIndex < header.length) {
    const found = form.exec(header)
    if (found === null) throw unreadable('The signature cannot be read.')
    const [, name = '', quoted, number] = found
    if (parameters.has(name)) throw unreadable('The signature says something twice.')
    parameters.set(name, quoted ?? number ?? '')
  }
  return parameters
}

function readTime(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,12}$/.test(text)) throw unreadable('The time of the signature cannot be read.')
  return new Date(Number(text) * 1000)
}

const unreadable = (sentence: string): Refused => new Refused(sentence, { status: 401, code: 'signature' })
