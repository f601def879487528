/**
 * Signatures of HTTP requests, in both forms that the fediverse speaks: draft-cavage-http-signatures-12 (`cavage-signature.ts`) and
 * RFC 9421 (`message-signature.ts`). What is read is a claim, until the key of whom it names has verified it.
 */
import { constants, type KeyObject, verify } from 'node:crypto'
import { Refused } from '../model/errors.ts'
import { readCavage } from './cavage-signature.ts'
import { checkContentDigest, checkDigest } from './digest.ts'
import { readMessageSignatures } from './message-signature.ts'
import type { Claim, HttpMessage } from './signature-claim.ts'

export type { Claim, HttpMessage } from './signature-claim.ts'

const HOUR = 60 * 60_000
/** X12: no clock is wrong by more, and nobody can use a captured request longer. */
const OLDEST = HOUR
const NEWEST = 5 * 60_000

/**
 * The signatures of a request: of RFC 9421 if it has any, else that of draft-cavage. Nothing is verified.
 * @throws Refused 401 when there is none, or none that can be read
 */
export function readUnverifiedSignatures(request: HttpMessage): Claim[] {
  const claims = request.headers['signature-input'] === undefined ? readCavage(request) : readMessageSignatures(request)
  if (claims.length === 0) throw unsigned('This request is not signed.')
  return claims
}

/** Whether the key made the signature. The key decides the algorithm: one that does not fit it is no signature of it. */
export function verifySignature(claim: Claim, key: KeyObject): boolean {
  const { base, signature } = claim
  const data = Buffer.from(base)
  if (key.type !== 'public') return false
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return rsaAlgorithms(claim).some(({ hash, pss }) => verify(hash, data, pss ? withSalt(key) : key, signature))
    case 'rsa-pss':
      return verify('sha512', data, withSalt(key), signature)
    case 'ec':
      return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
    case 'ed25519':
      return verify(null, data, key, signature)
    default:
      return false
  }
}

/** RFC 9421 may leave it to the key, and an RSA key serves two (section 3.2); `hs2019` of draft-cavage means SHA-256 to everybody. */
function rsaAlgorithms({ algorithm, form }: Claim): { hash: string; pss?: true }[] {
  if (algorithm === 'rsa-pss-sha512') return [{ hash: 'sha512', pss: true }]
  if (algorithm === 'rsa-sha512' || algorithm === 'rsa-v1_5-sha512') return [{ hash: 'sha512' }]
  return form === 'rfc9421' && algorithm === undefined ? [{ hash: 'sha256' }, { hash: 'sha512', pss: true }] : [{ hash: 'sha256' }]
}

const withSalt = (key: KeyObject) => ({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 })

/**
 * Whether a claim, once verified, says enough: what was asked of whom, when, and with which body (X3, X4, X5, X12).
 * @param request as it came @param body its bytes, empty for a GET @param authority our own, from the configuration
 * @throws Refused 401 when a part that must be signed is not, or one that is signed is not what came
 */
export function checkClaim(claim: Claim, request: HttpMessage, body: Buffer, authority: string, now: Date): void {
  const { covers, form } = claim
  const covered = (...names: string[]) => names.some(name => covers.includes(name))
  const target = form === 'cavage' ? ['(request-target)'] : ['@target-uri', '@request-target', '@path']
  const host = form === 'cavage' ? ['host'] : ['@target-uri', '@authority', 'host']
  if (!covered(...target)) throw unsigned('The address of the request is not signed.')
  if (form === 'rfc9421' && !covered('@method')) throw unsigned('The method of the request is not signed.')
  if (!covered(...host)) throw unsigned('The host of the request is not signed.')
  if (request.headers.host?.toLowerCase() !== authority.toLowerCase()) throw unsigned('The request was meant for another host.')
  checkTime(claim, request, now)
  if (request.method !== 'GET' && request.method !== 'HEAD') checkBody(claim, request, body)
}

/** A signed time is needed; of several the signature's own counts. */
function checkTime({ covers, created, expires, form }: Claim, { headers }: HttpMessage, now: Date): void {
  const own = form === 'rfc9421' || covers.includes('(created)') ? created : undefined
  const date = covers.includes('date') ? readHttpDate(headers.date) : undefined
  const at = own ?? date
  if (at === undefined) throw unsigned('The request bears no time that is signed.')
  const age = now.getTime() - at.getTime()
  if (!(age <= OLDEST && age >= -NEWEST)) throw unsigned('The request was signed at another time: are the clocks right?')
  if (expires !== undefined && expires <= now) throw unsigned('The signature has expired.')
}

/** @throws Refused 401 for what is no date: nothing is guessed where a signature depends on it */
function readHttpDate(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const date = new Date(text)
  if (Number.isNaN(date.getTime()) || !/^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|UTC|\+0000)$/.test(text))
    throw unsigned('The date of the request cannot be read.')
  return date
}

function checkBody({ covers }: Claim, { headers }: HttpMessage, body: Buffer): void {
  const signed = ['content-digest', 'digest'].filter(name => covers.includes(name) && headers[name] !== undefined)
  if (signed.length === 0) throw unsigned('The body is not signed: a signed Digest is needed.')
  // one that is not signed is no harm, but one that differs is a sign of a request that was changed
  if (headers.digest !== undefined) checkDigest(headers.digest, body)
  if (headers['content-digest'] !== undefined) checkContentDigest(headers['content-digest'], body)
}

const unsigned = (sentence: string): Refused => new Refused(sentence, { status: 401, code: 'signature' })
