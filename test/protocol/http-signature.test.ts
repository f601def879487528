import assert from 'node:assert/strict'
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { isFailure } from '../../src/model/errors.ts'
import { signCavage } from '../../src/protocol/cavage-signature.ts'
import { checkContentDigest, checkDigest, writeContentDigest, writeDigest } from '../../src/protocol/digest.ts'
import { checkClaim, type HttpMessage, readUnverifiedSignatures, verifySignature } from '../../src/protocol/http-signature.ts'
import { readMessageSignatures, signMessage } from '../../src/protocol/message-signature.ts'
import { checkProgram, withChecks } from '../support/samples.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const now = new Date('2026-11-22T10:00:00Z')
const body = Buffer.from('{"type":"Follow"}')
const keyId = 'https://far.example/users/bob#main-key'
const request = { method: 'POST', target: '/users/ann/inbox?a=1', authority: 'near.example', scheme: 'https' as const }
const FORMS = {
  cavage: () => signCavage(request, { body, key: privateKey, keyId, now }),
  rfc9421: () => ({ host: request.authority, ...signMessage(request, { body, key: privateKey, keyId, now }) })
}

const take = (message: HttpMessage, content = body, at = now) => {
  const [claim] = readUnverifiedSignatures(message)
  assert.ok(claim)
  assert.ok(verifySignature(claim, publicKey), 'the signature does not hold')
  checkClaim(claim, message, content, 'near.example', at)
  return claim
}
const refused = (work: () => unknown) => assert.throws(work, error => isFailure(error) && error.status === 401)

describe('HTTP signatures', () => {
  for (const [form, write] of Object.entries(FORMS)) {
    const message = (headers: Record<string, string | undefined> = {}): HttpMessage => ({ ...request, headers: { ...write(), ...headers } })

    it(`S3-17 reads and verifies what it signs, as ${form}`, () => {
      const claim = take(message())
      assert.deepEqual([claim.form, claim.keyId], [form, keyId])
    })
    it(`X3 X5 refuses, as ${form}, another body, host, path, method or date than was signed`, () => {
      refused(() => take(message(), Buffer.from('{"type":"Undo"}')))
      for (const change of [{ target: '/users/eve/inbox' }, { method: 'PUT' }]) assert.throws(() => take({ ...message(), ...change }))
      assert.throws(() => take({ ...message({ host: 'other.example' }), authority: 'other.example' }))
      assert.throws(() => take(message({ date: 'Sun, 22 Nov 2026 10:00:01 GMT', 'signature-input': 'sig1=();created=1' })))
    })
    it(`X3 refuses, as ${form}, a request that was meant for another host, though it is signed rightly`, () => {
      const [claim] = readUnverifiedSignatures(message())
      refused(() => checkClaim(claim!, message(), body, 'elsewhere.example', now))
    })
    it(`X12 refuses, as ${form}, what was signed more than an hour ago or more than five minutes ahead`, () => {
      const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000)
      for (const minutes of [-5, 0, 60]) take(message(), body, at(minutes))
      for (const minutes of [-6, 61, 10_000]) refused(() => take(message(), body, at(minutes)))
    })
    it(`X17 refuses, as ${form}, the signature of another key`, () => {
      const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
      const [claim] = readUnverifiedSignatures(message())
      assert.equal(verifySignature(claim!, other), false)
      assert.equal(verifySignature(claim!, privateKey), false)
    })
  }

  it('X12 refuses, of draft-cavage, parts that are named and not there, named twice, or that leave out what must be signed', () => {
    const headers = { host: 'near.example', date: now.toUTCString(), digest: writeDigest(body) }
    const signed = (covers: string, more = '') => {
      const base = covers
        .split(' ')
        .map(name => `${name}: ${name === '(request-target)' ? 'post /users/ann/inbox?a=1' : headers[name as 'host']}`)
        .join('\n')
      const signature = sign('sha256', Buffer.from(base), privateKey).toString('base64')
      return { ...request, headers: { ...headers, signature: `keyId="${keyId}",headers="${covers}",signature="${signature}"${more}` } }
    }
    take(signed('(request-target) host date digest'))
    const bad = ['host date digest', '(request-target) date digest', '(request-target) host digest', '(request-target) host date']
    for (const covers of bad) refused(() => take(signed(covers)))
    for (const covers of ['(request-target) host date digest (created)', '(request-target) host date digest x-none', 'host host'])
      refused(() => readUnverifiedSignatures(signed(covers)))
    refused(() => readUnverifiedSignatures(signed('(request-target) host date digest', ',keyId="https://eve.example/"')))
  })

  it('X12 refuses a date that is none', () => {
    for (const date of ['yesterday', '2026-11-22T10:00:00Z', '', '0', 'Sun, 99 Nov 2026 10:00:00 GMT']) {
      const base = `(request-target): post ${request.target}\nhost: near.example\ndate: ${date}\ndigest: ${writeDigest(body)}`
      const signature = sign('sha256', Buffer.from(base), privateKey).toString('base64')
      const covers = '(request-target) host date digest'
      const headers = {
        host: 'near.example',
        date,
        digest: writeDigest(body),
        signature: `keyId="k",headers="${covers}",signature="${signature}"`
      }
      refused(() => take({ ...request, headers }))
    }
  })

  it('X5 compares every digest that it knows, and refuses a body with none', () => {
    checkDigest(`md5=abc, ${writeDigest(body)}`, body)
    checkContentDigest(`${writeContentDigest(body)}, unixsum=:AAAA:`, body)
    for (const header of ['', 'md5=abc', 'SHA-256=', `${writeDigest(body)},SHA-512=AAAA`]) refused(() => checkDigest(header, body))
    for (const header of ['', 'sha-256="text"', 'sha-256=:AAAA:', '((', `unixsum=:AAAA:`]) refused(() => checkContentDigest(header, body))
  })

  it('X34 throws nothing but refusals, and soon, whatever stands in the headers', () => {
    const odd = fc.record({
      signature: fc.string({ maxLength: 9000 }),
      'signature-input': fc.option(fc.string({ maxLength: 9000 }), { nil: undefined })
    })
    fc.assert(
      fc.property(odd, headers => {
        try {
          readUnverifiedSignatures({ ...request, headers })
        } catch (error) {
          assert.ok(isFailure(error) && error.status === 401, String(error))
        }
      })
    )
    refused(() => readUnverifiedSignatures({ ...request, headers: { signature: 'keyId='.repeat(1_000_000) } }))
  })

  withChecks('against the published vectors', publishedVectors)
})

/** Appendix C of draft-cavage and appendix B of RFC 9421, as they were published. */
function publishedVectors(): void {
  const read = (name: string) => JSON.parse(readFileSync(checkProgram(`vectors/${name}`), 'utf8'))

  it('reads and makes the signatures of appendix C of draft-cavage', () => {
    const { privateKeyPem, publicKeyPem, request: asked, vectors } = read('cavage-appendix-c.json')
    const message = { ...asked, authority: 'example.com', scheme: 'http' as const }
    for (const { header, headers, signature, signingString } of vectors) {
      const [claim] = readUnverifiedSignatures({ ...message, headers: { ...asked.headers, signature: header } })
      assert.equal(claim?.base, signingString)
      assert.deepEqual(claim?.covers, headers ?? ['date'])
      assert.ok(verifySignature(claim!, createPublicKey(publicKeyPem)))
      assert.equal(sign('sha256', Buffer.from(claim!.base), createPrivateKey(privateKeyPem)).toString('base64'), signature)
    }
  })

  it('reads the signatures of appendix B of RFC 9421, and makes those that are always the same', () => {
    const { keys, sharedSecretBase64, vectors } = read('rfc9421-appendix-b.json')
    const headers = {
      ...{ host: 'example.com', date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type': 'application/json', 'content-length': '18' },
      'content-digest': 'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:'
    }
    const asked = { method: 'POST', target: '/foo?param=Value&Pet=dog', authority: 'example.com', scheme: 'https' as const, headers }
    const answer = {
      ...{ 'content-type': 'application/json', 'content-length': '23' },
      'content-digest': 'sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:'
    }
    for (const { base, keyid, name, signature, signatureInput } of vectors) {
      const message = name === 'b24' ? { ...asked, status: 200, headers: answer } : asked
      const signed = { 'signature-input': signatureInput, signature: `sig-${name}=:${signature}:` }
      const [claim] = readMessageSignatures({ ...message, headers: { ...message.headers, ...signed } })
      assert.equal(claim?.base, base, name)
      if (keyid === 'test-shared-secret') {
        const mac = createHmac('sha256', Buffer.from(sharedSecretBase64, 'base64')).update(claim!.base).digest('base64')
        assert.equal(mac, signature)
      } else assert.ok(verifySignature(claim!, createPublicKey(keys[keyid].public)), name)
      if (keyid === 'test-key-ed25519')
        assert.equal(sign(null, Buffer.from(claim!.base), createPrivateKey(keys[keyid].private)).toString('base64'), signature)
    }
  })
}
