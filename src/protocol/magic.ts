/** Magic keys: RSA public keys as text (M6; draft-panzer-magicsig-01 section 4), and where a descriptor keeps them (D11). */
import { createPublicKey, type KeyObject } from 'node:crypto'
import NodeRSA from 'node-rsa'
import type { Descriptor } from '../model/activity.ts'
import { BadMessage } from '../model/errors.ts'
import { MAGIC_KEY_DATA, NS, REL } from './names.ts'
import { isWebAddress } from './web-address.ts'

/** `n` and `e` as in a JWK: base64url without padding or leading zero byte. `bits` is the length of the modulus. */
export type MagicKey = { n: string; e: string; bits: number }

const MOST_KEYS = 4
const LONGEST_TEXT = 4096

/**
 * Reads `RSA.n.e`, bare or as a data: URI, with or without padding.
 * @throws BadMessage for a private key, an algorithm other than RSA, another alphabet, a modulus outside 512 to 8192 bits, an exponent that is even or below 3
 */
export function readMagicKey(text: string): MagicKey {
  if (text.length > LONGEST_TEXT) throw new BadMessage('The key is too long.')
  // StatusNet 0.9.0 wrote a semicolon where the comma of the data: URI belongs; some write = as %3D.
  const bare = text.replace(/\s+/g, '').replace(/%3d/gi, '=')
  const [algorithm, modulus, exponent, ...more] = bare.replace(/^data:application\/magic-public-key[,;]/i, '').split('.')
  if (algorithm !== 'RSA' || modulus === undefined || exponent === undefined)
    throw new BadMessage('This is not a magic key: RSA.n.e is expected.')
  if (more.length > 0) throw new BadMessage('This is not a public key: it has more than two parts.')
  const n = readNumber(modulus)
  const e = readNumber(exponent)
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24
  if (bits < 512 || bits > 8192) throw new BadMessage(`A key of ${bits} bits is not accepted.`)
  if (e.length > 8 || e.at(-1)! % 2 === 0 || (e.length === 1 && e[0]! < 3)) throw new BadMessage('The exponent of the key is not accepted.')
  return { n: n.toString('base64url'), e: e.toString('base64url'), bits }
}

/** `RSA.n.e` padded, as GNU social and Mastodon publish it. A zero byte before the modulus (DER style) is dropped. */
export function writeMagicKey({ n, e }: { n: string; e: string }): string {
  return `RSA.${writePadded(readNumber(n))}.${writePadded(readNumber(e))}`
}

/** base64url with its padding: so every peer writes keys, data and signatures, and some read nothing else (M1, M6). */
export const writePadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')

/**
 * The key that a magic key text holds, ready to verify with. Importing takes about as long as verifying: keep it where it is hot.
 * @throws BadMessage as readMagicKey does
 */
export function keyObject(text: string): KeyObject {
  const { n, e } = readMagicKey(text)
  return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' })
}

/** The public half of a private key (PEM), as a magic key. */
export function magicKeyOf(privateKey: string): string {
  const { n, e } = new NodeRSA(privateKey).exportKey('components-public')
  const exponent = typeof e === 'number' ? Buffer.from(e.toString(16).padStart(6, '0'), 'hex') : Buffer.from(e)
  return writeMagicKey({ n: Buffer.from(n).toString('base64url'), e: exponent.toString('base64url') })
}

/** The href of a `magic-public-key` link. */
export const writeMagicKeyLink = (key: { n: string; e: string }): string => MAGIC_KEY_DATA + writeMagicKey(key)

/**
 * Keys of an account's descriptor, four at most, from links and from properties; what cannot be read is left out.
 * `keyUrls` are http(s) addresses whose text is a key. A host's descriptor is not to be asked: Friendica puts the host's own key there.
 */
export function keysOf(descriptor: Descriptor): { keys: string[]; keyUrls: string[] } {
  const hrefs = descriptor.links.flatMap(link => (link.rel === REL.magicKey && link.href !== undefined ? [link.href] : []))
  const properties = descriptor.properties.flatMap(([uri, value]) => (uri === NS.magicKey && value !== null ? [value] : []))
  const [keyUrls, texts] = [hrefs.filter(isWebAddress), [...hrefs.filter(href => !isWebAddress(href)), ...properties]]
  return { keys: [...new Set(texts.flatMap(readable))].slice(0, MOST_KEYS), keyUrls: [...new Set(keyUrls)].slice(0, MOST_KEYS) }
}

function readable(text: string): string[] {
  try {
    return [writeMagicKey(readMagicKey(text))]
  } catch {
    return []
  }
}

/** Bytes of a big-endian number without leading zeros. Empty for zero. */
function readNumber(text: string): Buffer {
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(text)) throw new BadMessage('The key is not written in base64url.')
  const bytes = Buffer.from(text, 'base64url')
  const start = bytes.findIndex(byte => byte !== 0)
  if (start < 0) throw new BadMessage('A number of the key is zero.')
  return bytes.subarray(start)
}
