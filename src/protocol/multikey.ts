/** Multikeys (FEP-521a; W3C Controlled Identifiers 1.0, section 2.2.2): public keys as base58btc text. */
import { createPublicKey, type KeyObject } from 'node:crypto'

const DIGITS = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const ED25519 = [0xed, 0x01]
const RSA = [0x85, 0x24]
/** What stands before the 32 bytes of an Ed25519 key in SPKI form (RFC 8410). */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const LONGEST = 1500

/** SPKI in PEM form; undefined for what is neither an Ed25519 nor an RSA key. */
export function readMultikey(text: string): string | undefined {
  if (!text.startsWith('z') || text.length > LONGEST) return undefined
  const bytes = readBase58(text.slice(1))
  const starts = (code: number[]) => bytes !== undefined && code.every((byte, at) => bytes[at] === byte)
  try {
    if (starts(ED25519))
      return write(createPublicKey({ key: Buffer.concat([ED25519_SPKI, bytes!.subarray(2)]), format: 'der', type: 'spki' }))
    if (starts(RSA)) return write(createPublicKey({ key: bytes!.subarray(2), format: 'der', type: 'pkcs1' }))
  } catch {
    // The bytes are no key.
  }
  return undefined
}

/** The multikey of an RSA or Ed25519 key. */
export function writeMultikey(key: KeyObject): string {
  const rsa = key.asymmetricKeyType === 'rsa'
  const bytes = rsa
    ? Buffer.from([...RSA, ...key.export({ format: 'der', type: 'pkcs1' })])
    : Buffer.from([...ED25519, ...key.export({ format: 'der', type: 'spki' }).subarray(ED25519_SPKI.length)])
  return `z${writeBase58(bytes)}`
}

const write = (key: KeyObject): string => key.export({ format: 'pem', type: 'spki' }).toString()

function readBase58(text: string): Buffer | undefined {
  let number = 0n
  for (const digit of text) {
    const value = DIGITS.indexOf(digit)
    if (value < 0) return undefined
    number = number * 58n + BigInt(value)
  }
  const hex = number.toString(16)
  const zeros = /^1*/.exec(text)![0].length
  return Buffer.concat([
    Buffer.alloc(zeros),
    number === 0n ? Buffer.alloc(0) : Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  ])
}

function writeBase58(bytes: Buffer): string {
  let number = BigInt(`0x${bytes.toString('hex') || '0'}`)
  let text = ''
  for (; number > 0n; number /= 58n) text = DIGITS[Number(number % 58n)] + text
  return '1'.repeat([...bytes].findIndex(byte => byte !== 0)) + text
}
