/** A passphrase as it is kept: `scrypt$LOG2N$R$P$SALT$HASH`, so that what was made with other parameters can still be told. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

type Parameters = { logN: number; r: number; p: number }

/** 32 MB and a fifth of a second: what OWASP's cheat sheet on storing passwords takes for as strong as 128 MB at once. */
const PARAMETERS: Parameters = { logN: 15, r: 8, p: 3 }
const SALT_BYTES = 16
const HASH_BYTES = 32

/** What is kept of a passphrase. */
export async function hashPassphrase(text: string): Promise<string> {
  const { logN, r, p } = PARAMETERS
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(text, salt, PARAMETERS)
  return ['scrypt', logN, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/**
 * Whether a passphrase is the one that is kept. When none is kept it takes as long (X50).
 * @throws Error for what `hashPassphrase` did not write
 */
export async function matchesPassphrase(text: string, kept: string | undefined): Promise<boolean> {
  if (kept === undefined) {
    await derive(text, Buffer.alloc(SALT_BYTES), PARAMETERS)
    return false
  }
  const [, logN, r, p, salt = '', hash = ''] = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([\w-]{22})\$([\w-]{43})$/.exec(kept) ?? []
  if (logN === undefined) throw new Error('the kept passphrase is damaged')
  const derived = await derive(text, Buffer.from(salt, 'base64url'), { logN: Number(logN), r: Number(r), p: Number(p) })
  return timingSafeEqual(derived, Buffer.from(hash, 'base64url'))
}

/** Keyboards write the same letter in different ways: NFKC makes them one. */
function derive(text: string, salt: Buffer, { logN, r, p }: Parameters): Promise<Buffer> {
  const options = { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r }
  return new Promise((resolve, reject) =>
    scrypt(text.normalize('NFKC'), salt, HASH_BYTES, options, (error, hash) => (error === null ? resolve(hash) : reject(error)))
  )
}
