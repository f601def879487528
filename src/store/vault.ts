import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export type Vault = ReturnType<typeof makeVault>

/**
 * Encrypts what is secret at rest (keys, tokens, hub secrets) with AES-256-GCM under a key derived from SECRET_KEY.
 * A sealed text is `1.` + base64url of nonce (12 bytes), tag (16 bytes) and cipher text.
 */
export function makeVault(secretKey: string) {
  const key = Buffer.from(hkdfSync('sha256', secretKey, '', 'tidings at rest', 32))
  return {
    seal(text: string): string {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return `1.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`
    },
    /** Throws when the text was sealed under another SECRET_KEY, or was changed. */
    open(sealed: string): string {
      const bytes = Buffer.from(sealed.slice(2), 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      decipher.setAuthTag(bytes.subarray(12, 28))
      try {
        return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')
      } catch (cause) {
        throw new Error('A stored secret cannot be read: SECRET_KEY is not the one with which it was stored.', { cause })
      }
    }
  }
}
