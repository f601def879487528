import assert from 'node:assert/strict'
import { createPublicKey, createVerify, generateKeyPairSync } from 'node:crypto'
import { BadMessage } from '../../src/model/errors.ts'
import { readDescriptor } from '../../src/protocol/descriptor.ts'
import { keysOf, magicKeyOf, readMagicKey, writeMagicKey, writeMagicKeyLink } from '../../src/protocol/magic.ts'
import { NS, REL } from '../../src/protocol/names.ts'
import { readSample, withSamples } from '../support/samples.ts'

const own = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
const jwk = own.export({ format: 'jwk' }) as { n: string; e: string }
const text = writeMagicKey(jwk)

const spkiOf = ({ n, e }: { n: string; e: string }) =>
  createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' }).export({ type: 'spki', format: 'pem' })

describe('magic keys', () => {
  it('M6 writes a key padded, without a leading zero byte, and reads it again', () => {
    assert.match(text, /^RSA\.[\w-]{171}=\.AQAB$/)
    assert.deepEqual(readMagicKey(text), { n: jwk.n, e: 'AQAB', bits: 1024 })
    const withZero = Buffer.concat([Buffer.alloc(1), Buffer.from(jwk.n, 'base64url')]).toString('base64url')
    assert.equal(writeMagicKey({ n: withZero, e: 'AAEAAQ' }), text)
    assert.deepEqual(readMagicKey(`RSA.${withZero}.AQAB`), readMagicKey(text))
  })

  const n = jwk.n
  const spellings = [
    ['without padding', `RSA.${n}.AQAB`],
    ['with line breaks', `\n RSA.${n.slice(0, 60)}\n  ${n.slice(60)}\n.\nAQAB\n`],
    ['as a data: URI', `data:application/magic-public-key,${text}`],
    ['as StatusNet 0.9.0 wrote it, with a semicolon', `data:application/magic-public-key;${text}`],
    ['with an encoded equals sign', `data:application/magic-public-key,${text.replaceAll('=', '%3D')}`]
  ]
  for (const [how, spelling] of spellings) {
    it(`M6 D11 reads a key ${how}`, () => assert.deepEqual(readMagicKey(spelling!), { n, e: 'AQAB', bits: 1024 }))
  }

  const refused = [
    ['nothing', ''],
    ['two parts', `RSA.${n}`],
    ['a private exponent', `RSA.${n}.AQAB.AQAB`],
    ['another algorithm', `DSA.${n}.AQAB`],
    ['the alphabet of plain base64', `RSA.+${n.slice(1, -1)}/.AQAB`],
    ['an empty modulus', 'RSA..AQAB'],
    ['a modulus of zeros', `RSA.${'A'.repeat(100)}.AQAB`],
    ['a modulus of 504 bits', `RSA.${Buffer.alloc(63, 255).toString('base64url')}.AQAB`],
    ['a modulus of 8200 bits', `RSA.${Buffer.alloc(1025, 255).toString('base64url')}.AQAB`],
    ['an even exponent', `RSA.${n}.Ag`],
    ['the exponent 1', `RSA.${n}.AQ`],
    ['a text without end', `RSA.${'A'.repeat(1_000_000)}.AQAB`]
  ]
  for (const [what, key] of refused) it(`M6 refuses ${what}`, () => assert.throws(() => readMagicKey(key!), BadMessage))

  it('D11 takes four keys at most from links and properties, each once, and leaves out what is no key', () => {
    const others = [1, 2, 3, 4].map(
      () => generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey.export({ format: 'jwk' }) as typeof jwk
    )
    const href = (key: typeof jwk) => ({ rel: REL.magicKey, href: writeMagicKeyLink(key) })
    const links = [
      { rel: REL.magicKey, href: 'data:,nonsense' },
      href(jwk),
      href(jwk),
      { rel: 'salmon', href: writeMagicKeyLink(others[3]!) }
    ]
    const keys = keysOf({ aliases: [], properties: [[NS.magicKey, writeMagicKey(others[0]!)]], links: [...links, href(others[1]!)] })
    assert.deepEqual(keys, { keys: [text, writeMagicKey(others[1]!), writeMagicKey(others[0]!)], keyUrls: [] })
    const many = keysOf({ aliases: [], properties: [], links: [href(jwk), ...others.map(href)] })
    assert.equal(many.keys.length, 4)
  })

  it('D11 tells where a key must be fetched', () => {
    const links = [{ rel: REL.magicKey, href: 'https://a.example/key' }]
    assert.deepEqual(keysOf({ aliases: [], properties: [], links }), { keys: [], keyUrls: ['https://a.example/key'] })
  })

  withSamples('of others', () => {
    type Vector = { bits: number; jwk_public: { n: string; e: string }; spki_pem: string } & Record<string, string>
    const { keys, accept, refuse } = JSON.parse(readSample('vectors/magic-keys.json').toString()) as {
      keys: Record<string, Vector>
      accept: string[]
      refuse: string[]
    }
    for (const [name, vector] of Object.entries(keys)) {
      for (const form of ['magic_padded', 'magic_unpadded', 'magic_leading_zero', 'data_uri', 'data_uri_semicolon_bug']) {
        it(`M6 D11 reads ${name} written as ${form}`, () => {
          const key = readMagicKey(vector[form]!)
          assert.deepEqual(key, { n: vector.jwk_public.n, e: vector.jwk_public.e, bits: vector.bits })
          assert.equal(spkiOf(key), vector.spki_pem)
        })
      }
      it(`M6 writes ${name} padded`, () => assert.equal(writeMagicKey(vector.jwk_public), vector.magic_padded))
    }
    for (const key of accept) it(`M6 accepts ${JSON.stringify(key).slice(0, 60)}`, () => assert.equal(readMagicKey(key).bits, 512))
    for (const key of refuse) it(`M6 refuses ${JSON.stringify(key)}`, () => assert.throws(() => readMagicKey(key), BadMessage))

    it("M6 finds in Friendica's key text the key of its PEM", () => {
      const pem = createPublicKey(readSample('vectors/friendica-key.pem')).export({ type: 'spki', format: 'pem' })
      assert.equal(spkiOf(readMagicKey(readSample('vectors/friendica-key.magic').toString())), pem)
    })

    it('D11 finds in the JRD of quitter.no the key that verifies its mention', () => {
      const [key] = keysOf(readDescriptor(readSample('discovery/gs-quitter.no-webfinger.json'))).keys
      const envelope = readSample('salmon/gs-quitter.no-mention.xml').toString()
      const [, data = '', sig = ''] = /<me:data[^>]*>([^<]*)<[\s\S]*?<me:sig[^>]*>([^<]*)</.exec(envelope) ?? []
      const parts = ['application/atom+xml', 'base64url', 'RSA-SHA256'].map(part =>
        Buffer.from(part).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
      )
      const { n, e } = readMagicKey(key!)
      const verify = createVerify('sha256').update([data.trim(), ...parts].join('.'))
      assert.ok(verify.verify(createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' }), sig.trim(), 'base64url'))
    })
  })
})

describe('the magic key of a private key', () => {
  it('M6 is that of its public half, by another library', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    assert.equal(magicKeyOf(pem), writeMagicKey(publicKey.export({ format: 'jwk' }) as { n: string; e: string }))
  })
})
