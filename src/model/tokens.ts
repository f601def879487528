import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A secret of 256 bits for paths and links: 43 characters of base64url. */
export const randomToken = (): string => randomBytes(32).toString('base64url')

/** A secret of 256 bits as 64 hexadecimal digits (S4). */
export const randomSecret = (): string => randomBytes(32).toString('hex')

/** What is kept of a token that need not be sent again, and by which one that must be is looked up. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Compares in a time that does not depend on where they differ (X50). */
export const sameToken = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())

/**
 * A token of ours in other letters each time, for pages that are compressed: how long they are tells nothing of it (BREACH).
 * @param token as `randomToken` makes them
 */
export function maskToken(token: string): string {
  const pad = randomBytes(token.length)
  return Buffer.concat([pad, exclusiveOr(Buffer.from(token), pad)]).toString('base64url')
}

/** The token that was masked; anything else as it is. */
export function unmaskToken(text: string): string {
  const bytes = Buffer.from(text, 'base64url')
  const half = bytes.length / 2
  return half === TOKEN_LENGTH ? exclusiveOr(bytes.subarray(0, half), bytes.subarray(half)).toString() : text
}

const TOKEN_LENGTH = 43
const exclusiveOr = (one: Buffer, other: Buffer): Buffer => Buffer.from(one.map((byte, at) => byte ^ other[at]!))
