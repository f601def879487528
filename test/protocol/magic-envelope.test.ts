import assert from 'node:assert/strict'
import { constants, createHash, generateKeyPairSync, type KeyObject, privateEncrypt, sign } from 'node:crypto'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import { keyObject, writeMagicKey } from '../../src/protocol/magic.ts'
import {
  baseString,
  type Envelope,
  readEnvelope,
  readUnverified,
  signEnvelope,
  verifyEnvelope,
  writeEnvelope
} from '../../src/protocol/magic-envelope.ts'
import { NS } from '../../src/protocol/names.ts'

const pair = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })
const own = pair(1024)
const short = pair(512)
const OFF = { legacy: false }
const LEGACY = { legacy: true }
const ENTRY = `<entry xmlns="${NS.atom}"><id>tag:a.example,2024:1</id><content>Grüße</content></entry>`
const good = signEnvelope(ENTRY, own.privateKey)
const xml = writeEnvelope(good)

const read = (body: string) => readEnvelope(Buffer.from(body))
const verified = (envelope: Envelope, keys = [own.publicKey]) => verifyEnvelope(envelope, keys, OFF)
/** The envelope with another signature: over a text of one's own, by whatever means. */
const signedBy = (value: Buffer, data = good.data): Envelope => ({ ...good, data, sigs: [{ value: value.toString('base64url') }] })
const signText = (text: string, key: KeyObject = own.privateKey) => sign('RSA-SHA256', Buffer.from(text), key)

describe('magic envelopes out', () => {
  it('M1 are written prefixed and padded, with no white space in any value', () => {
    const pattern = new RegExp(
      `^<\\?xml version="1.0" encoding="UTF-8"\\?>\n<me:env xmlns:me="${NS.magicEnvelope}">\n  <me:data type="application/atom\\+xml">` +
        '([\\w-]{4})*([\\w-]{2}==|[\\w-]{3}=)?</me:data>\n  <me:encoding>base64url</me:encoding>\n  <me:alg>RSA-SHA256</me:alg>\n' +
        '  <me:sig>[\\w-]{171}=</me:sig>\n</me:env>\n$'
    )
    assert.match(xml, pattern)
  })

  it('M1 bear a key_id only when one is given, whatever is in it', () => {
    const named = signEnvelope(ENTRY, own.privateKey, '"<&\u0001')
    assert.match(writeEnvelope(named), /<me:sig key_id="&quot;&lt;&amp;">/)
    assert.deepEqual(verified(read(writeEnvelope(named))), { variant: 'a', bits: 1024 })
  })

  it('M2 are signed over the data as written and three padded parts', () => {
    assert.equal(baseString(good), `${good.data}.YXBwbGljYXRpb24vYXRvbSt4bWw=.YmFzZTY0dXJs.UlNBLVNIQTI1Ng==`)
    assert.equal(good.sigs[0]!.value.replace(/=+$/, ''), signText(baseString(good)).toString('base64url'))
  })

  it('M1 M3 come back as they were, whatever the payload', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.option(fc.base64String({ minLength: 4 })), (bytes, keyId) => {
        const envelope = signEnvelope(Buffer.from(bytes), own.privateKey, keyId ?? undefined)
        const back = read(writeEnvelope(envelope))
        assert.deepEqual(back, envelope)
        assert.deepEqual(readUnverified(back), Buffer.from(bytes))
        assert.deepEqual(verified(back), { variant: 'a', bits: 1024 })
      })
    )
  })
})

describe('signatures of magic envelopes', () => {
  const padded = 'UGFkZGVkIQ=='
  const bare = 'UGFkZGVkIQ'
  const tail = baseString({ ...good, data: '' })
  const tries: [variant: 'a' | 'b' | 'c' | 'd' | 'e' | undefined, what: string, sent: string, signed: string][] = [
    ['a', 'over the data as sent', padded, padded + tail],
    ['a', 'over unpadded data as sent', bare, bare + tail],
    ['b', 'over padded data, sent without padding', bare, padded + tail],
    ['c', 'over unpadded data, sent with padding', padded, bare + tail],
    ['d', 'over nothing padded', padded, bare + tail.replaceAll('=', '')],
    ['e', 'over the data alone', padded, padded],
    [undefined, 'over padded data and unpadded parts', padded, padded + tail.replaceAll('=', '')],
    [undefined, 'over the data alone, padded otherwise', padded, bare],
    [undefined, 'over the decoded payload', padded, 'Padded!']
  ]
  for (const [variant, what, data, signed] of tries) {
    it(`M4 ${what}: ${variant === undefined ? 'refused' : `the way (${variant})`}`, () => {
      const envelope = signedBy(signText(signed), data)
      const proof = variant === undefined ? undefined : { variant, bits: 1024 }
      assert.deepEqual(verifyEnvelope(envelope, [own.publicKey], LEGACY), proof)
      assert.deepEqual(verified(envelope), variant === 'e' ? undefined : proof)
    })
  }

  it('M4 refuses what is not PKCS #1 with SHA-256 inside', () => {
    const text = Buffer.from(baseString(good))
    const hex = createHash('sha256').update(text).digest('hex')
    const forged = [
      sign('RSA-SHA1', text, own.privateKey),
      sign('RSA-SHA256', text, { key: own.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }),
      // node-ostatus signed so: the digest in ASCII, without the name of the hash.
      privateEncrypt(own.privateKey, Buffer.from(hex)),
      privateEncrypt(own.privateKey, Buffer.from(hex, 'hex')),
      Buffer.alloc(128),
      Buffer.alloc(1)
    ]
    for (const value of forged) assert.equal(verifyEnvelope(signedBy(value), [own.publicKey], LEGACY), undefined)
  })

  it('M3 fills up a signature that lost its leading zero, and takes none that is too long', () => {
    const payloads = Array.from({ length: 5000 }, (_, number) => Buffer.from(`payload ${number}`))
    const withZero = payloads
      .values()
      .map(payload => signEnvelope(payload, own.privateKey))
      .find(envelope => /^A[A-P]/.test(envelope.sigs[0]!.value))!
    const signature = Buffer.from(withZero.sigs[0]!.value, 'base64url')
    assert.equal(signature[0], 0)
    assert.deepEqual(verified(signedBy(signature, withZero.data)), { variant: 'a', bits: 1024 })
    assert.deepEqual(verified(signedBy(signature.subarray(1), withZero.data)), { variant: 'a', bits: 1024 })
    assert.equal(verified(signedBy(Buffer.concat([Buffer.alloc(1), signature]), withZero.data)), undefined)
  })

  it('X17 are tried one after the other with one key after the other', () => {
    const stranger = { value: signText(baseString(good), pair(1024).privateKey).toString('base64url') }
    const envelope = { ...good, sigs: [stranger, { value: 'AAAA' }, ...good.sigs] }
    assert.deepEqual(verified(envelope, [pair(2048).publicKey, own.publicKey]), { variant: 'a', bits: 1024 })
    assert.equal(verified({ ...good, sigs: [stranger] }), undefined)
    assert.equal(verified(good, []), undefined)
  })

  it('M7 X17 by a key of less than 1024 bits count only when old peers are allowed', () => {
    const weak = signEnvelope(ENTRY, short.privateKey)
    assert.equal(verified(weak, [short.publicKey]), undefined)
    assert.deepEqual(verifyEnvelope(weak, [short.publicKey], LEGACY), { variant: 'a', bits: 512 })
  })

  it('M7 by a key of another kind never count', () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    assert.equal(verifyEnvelope(good, [publicKey], LEGACY), undefined)
  })

  it('M6 are verified by the key of a magic key text', () => {
    const { n, e } = own.publicKey.export({ format: 'jwk' }) as { n: string; e: string }
    assert.deepEqual(verified(good, [keyObject(writeMagicKey({ n, e }))]), { variant: 'a', bits: 1024 })
    assert.throws(() => keyObject(`RSA.${n}`), BadMessage)
  })

  it('M6 are not verified by a key of nonsense, and nothing breaks', () => {
    const number = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(array => Buffer.from(array))
    fc.assert(
      fc.property(fc.constantFrom(64, 127, 128, 256).chain(number), fc.constantFrom('Aw', 'AQAB', '__________8'), (n, e) => {
        try {
          assert.equal(verifyEnvelope(good, [keyObject(`RSA.${n.toString('base64url')}.${e}`)], LEGACY), undefined)
        } catch (error) {
          assert.ok(error instanceof BadMessage, String(error))
        }
      }),
      { numRuns: 300 }
    )
  })

  it('X17 cover every byte of the data and of themselves', () => {
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    fc.assert(
      fc.property(fc.constantFrom('data', 'sig'), fc.nat(), fc.constantFrom(...digits), (part, at, digit) => {
        const text = part === 'data' ? good.data : good.sigs[0]!.value
        const changed = text.slice(0, at % text.length) + digit + text.slice((at % text.length) + 1)
        fc.pre(changed !== text)
        const written = xml.replace(`>${text}<`, `>${changed}<`)
        assert.notEqual(written, xml)
        try {
          assert.equal(verifyEnvelope(read(written), [own.publicKey], LEGACY), undefined)
        } catch (error) {
          assert.ok(error instanceof BadMessage, String(error))
        }
      }),
      { numRuns: 1000 }
    )
  })
})
