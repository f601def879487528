/** Digests of a body in headers: `Digest` (RFC 3230, as draft-cavage peers send it) and `Content-Digest` (RFC 9530). */
import { createHash, timingSafeEqual } from 'node:crypto'
import { parseDictionary } from 'structured-headers'
import { Refused } from '../model/errors.ts'

const HASHES = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512']
])

const hash = (name: string, body: Buffer): Buffer => createHash(name).update(body).digest()

/** `SHA-256=…` */
export const writeDigest = (body: Buffer): string => `SHA-256=${hash('sha256', body).toString('base64')}`

/** `sha-256=:…:` */
export const writeContentDigest = (body: Buffer): string => `sha-256=:${hash('sha256', body).toString('base64')}:`

/** @throws Refused 401 when none of the digests is of a kind that we know, or one that is differs from the body (X3, X5) */
export function checkDigest(header: string, body: Buffer): void {
  const told = header.split(',').map(part => {
    const at = part.indexOf('=')
    return { name: part.slice(0, at).trim().toLowerCase(), value: Buffer.from(part.slice(at + 1).trim(), 'base64') }
  })
  compare(told, body)
}

/** @throws Refused 401 as `checkDigest`, and for what is no dictionary of byte sequences */
export function checkContentDigest(header: string, body: Buffer): void {
  compare(readContentDigest(header), body)
}

function readContentDigest(header: string): { name: string; value: Buffer }[] {
  try {
    return [...parseDictionary(header)].map(([name, [value]]) => {
      if (!(value instanceof ArrayBuffer)) throw new TypeError('not a byte sequence')
      return { name, value: Buffer.from(value) }
    })
  } catch (cause) {
    throw wrong('The digest of the body cannot be read.', cause)
  }
}

function compare(told: { name: string; value: Buffer }[], body: Buffer): void {
  const known = told.filter(({ name }) => HASHES.has(name))
  if (known.length === 0) throw wrong('The body has no digest of a kind that is known here: SHA-256 or SHA-512.')
  for (const { name, value } of known) {
    const own = hash(HASHES.get(name)!, body)
    if (value.length !== own.length || !timingSafeEqual(value, own)) throw wrong('The body is not the one that was signed.')
  }
}

const wrong = (sentence: string, cause?: unknown): Refused =>
  new Refused(sentence, { status: 401, code: 'digest', ...(cause === undefined ? {} : { cause }) })
