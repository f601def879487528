import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { Refused } from '../model/errors.ts'

const MOST_OPENED = 10_000

export type Vault = ReturnType<typeof makeVault>

/**
 * Encrypts what is secret at rest (keys, tokens, hub secrets) with AES-256-GCM under a key derived from SECRET_KEY.
 * A sealed text is `1.` + base64url of nonce (12 bytes), tag (16 bytes) and cipher text.
 */
export function makeVault(secretKey: string) {
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', secretKey, '', 'tidings at rest', 32)))
  // a hub opens the same secrets again and again
  const opened = new Map<string, string>()
  return {
    seal(text: string): string {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return `1.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`
    },
    /** @throws Refused when the text was sealed under another SECRET_KEY, or was changed */
    open(sealed: string): string {
      const known = opened.get(sealed)
      if (known !== undefined) return known
      const text = decipher(sealed, key)
      if (opened.size >= MOST_OPENED) opened.clear()
      opened.set(sealed, text)
      return text
    }
  }
}

function decipher(sealed: string, key: KeyObject): string {
  const bytes = Buffer.from(sealed.slice(2), 'base64url')
  const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
  cipher.setAuthTag(bytes.subarray(12, 28))
  try {
    return cipher.update(bytes.subarray(28), undefined, 'utf8') + cipher.final('utf8')
  } catch (cause) {
    throw new Refused('A stored secret cannot be read: SECRET_KEY is not the one with which it was stored.', { cause })
  }
}
