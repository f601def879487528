import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, verify } from 'node:crypto'
import { BadMessage } from '../../src/model/errors.ts'
import { identityOf } from '../../src/protocol/atom-reader.ts'
import { keyObject } from '../../src/protocol/magic.ts'
import {
  baseString,
  readEnvelope,
  readPayload,
  readUnverified,
  signEnvelope,
  verifyEnvelope,
  writeEnvelope
} from '../../src/protocol/magic-envelope.ts'
import { TYPE } from '../../src/protocol/names.ts'
import { listSamples, readSample, withSamples } from '../support/samples.ts'

const TYPES: Record<string, string> = { xml: TYPE.magicEnvelope, json: TYPE.magicEnvelopeJson, txt: TYPE.form }
const readVector = (path: string) => JSON.parse(readSample(path).toString())
const open = (path: string) => readEnvelope(readSample(path), TYPES[path.slice(path.lastIndexOf('.') + 1)])

withSamples('magic envelopes of others', () => {
  const ANN = 'https://a.example/users/ann'
  const JPANZER = 'acct:jpanzer@google.com'
  const salmon: [file: string, key: string, variant: string, bits: number, author: string][] = [
    ['gs-quitter.no-mention.xml', 'gs-quitter.no.key', 'a', 1024, 'https://quitter.no/user/7477'],
    ['gs-heldscal.xml', 'gs-heldscal.key', 'a', 1024, 'https://social.heldscal.la/user/23211'],
    ['friendica.xml', 'friendica.key', 'e', 512, 'https://squeet.me/profile/lain'],
    ['identica-2011.xml', 'identica.key', 'e', 1024, 'http://identi.ca/user/385216'],
    ['at-salmon-2009.xml', 'spec-512.key', 'e', 512, JPANZER],
    ['at-salmon-2009-bad.xml', 'spec-512.key', 'none', 512, JPANZER],
    ['own-1-padded.xml', 'own-k2048.key', 'a', 2048, ANN],
    ['own-2-data-unpadded.xml', 'own-k2048.key', 'a', 2048, ANN],
    ['own-3-all-unpadded.xml', 'own-k2048.key', 'd', 2048, ANN],
    ['own-4-data-only.xml', 'own-k2048.key', 'e', 2048, ANN],
    ['own-5-wrapped.xml', 'own-k2048.key', 'a', 2048, ANN],
    ['own-6-padded-signed-over-nopadmeta.xml', 'own-k2048.key', 'none', 2048, ANN],
    ['own-7-bad-sig.xml', 'own-k2048.key', 'none', 2048, ANN],
    ['own-9.json', 'own-k2048.key', 'a', 2048, ANN],
    ['own-10-form.txt', 'own-k2048.key', 'a', 2048, ANN],
    ['own-11-leading-zero-full.xml', 'own-k2048.key', 'a', 2048, ANN],
    ['own-12-leading-zero-stripped.xml', 'own-k2048.key', 'a', 2048, ANN]
  ]

  for (const [file, keyFile, variant, bits, author] of salmon) {
    const envelope = open(`salmon/${file}`)
    const keys = [keyObject(readSample(`salmon/${keyFile}`).toString())]
    const proof = variant === 'none' ? undefined : { variant, bits }

    it(`M4 M7 ${file} is ${proof ? `signed in the way (${variant})` : 'refused'}`, () => {
      assert.deepEqual(verifyEnvelope(envelope, keys, { legacy: true }), proof)
      assert.deepEqual(verifyEnvelope(envelope, keys, { legacy: false }), variant === 'e' ? undefined : proof)
    })

    it(`M4 ${file} is signed by no other key`, () => {
      const others = listSamples('salmon').filter(path => path.endsWith('.key') && path !== `salmon/${keyFile}`)
      const strangers = others.map(path => keyObject(readSample(path).toString()))
      assert.equal(verifyEnvelope(envelope, strangers, { legacy: true }), undefined)
    })

    it(`M13 ${file} holds an entry of ${author}`, () => assert.equal(identityOf(readPayload(readUnverified(envelope)).actor), author))
  }

  it('M5 own-8-wrong-alg.xml is refused before any key is asked for', () => {
    assert.throws(() => open('salmon/own-8-wrong-alg.xml'), { name: 'BadMessage', status: 400 })
  })

  it('M4 the table above leaves out no envelope', () => {
    const envelopes = listSamples('salmon').filter(path => !/\.key$|payload|decoded|own-8/.test(path))
    assert.deepEqual(envelopes, salmon.map(([file]) => `salmon/${file}`).sort())
  })

  it('M2 takes the data as it is: the payloads are those beside the envelopes', () => {
    assert.deepEqual(readUnverified(open('salmon/own-1-padded.xml')), readSample('salmon/own.payload.xml'))
    const decoded = readSample('salmon/identica-2011.decoded.xml').toString().trim()
    assert.equal(readUnverified(open('salmon/identica-2011.xml')).toString().trim(), decoded)
  })

  it('M1 M2 M3 own-1-padded.xml comes out again byte for byte', () => {
    const { keys } = readVector('vectors/magic-keys.json')
    const privateKey = createPrivateKey(keys.k2048.pkcs8_pem_TEST_ONLY)
    const written = writeEnvelope(signEnvelope(readSample('salmon/own.payload.xml'), privateKey))
    assert.equal(written, readSample('salmon/own-1-padded.xml').toString())
  })

  const { rows, raw_rsa: raw } = readVector('vectors/magic-base.json')
  for (const { source, data, type, encoding, alg, base } of rows) {
    it(`M2 makes the base string of ${source}`, () => assert.equal(baseString({ data, dataType: type, encoding, alg }), base))
  }

  it(`M3 M6 verifies the signature of ${raw.source}`, () => {
    assert.ok(verify('RSA-SHA256', Buffer.from(raw.text), keyObject(raw.key), Buffer.from(raw.sig, 'base64url')))
    assert.throws(() => keyObject(`${raw.key}.${raw.private_exponent_TEST_ONLY}`), BadMessage)
  })

  it('M6 makes of every vector the key of its PEM', () => {
    const { keys } = readVector('vectors/magic-keys.json')
    for (const name of ['k512', 'k1024', 'k2048']) {
      const key = keyObject(keys[name].magic_unpadded)
      assert.equal(key.export({ type: 'spki', format: 'pem' }), keys[name].spki_pem)
      assert.equal(key.asymmetricKeyDetails?.modulusLength, keys[name].bits)
    }
  })
})

withSamples('magic envelopes out of and into GNU social', () => {
  const VERBS: Record<string, string> = { 61: 'follow', 69: 'follow', 72: 'favourite', 74: 'undo', 76: 'undo' }
  const ENVELOPE = /<\?xml[^>]*>\s*<me:env[\s\S]*<\/me:env>/
  const textOf = (path: string) => readSample(path).toString()
  const keysIn = (paths: string[]) => [...new Set(paths.flatMap(path => textOf(path).match(/RSA\.[\w=-]+\.AQAB/g) ?? []))]
  let tried = 0

  for (const version of ['gs-1.20.9', 'gs-2.0.0beta0']) {
    const paths = listSamples(`gnu-social/${version}`)
    const named = (start: string) => paths.filter(path => path.startsWith(`gnu-social/${version}/${start}`))
    /** The descriptors in which the keys of those were found who signed that request: its user, or somebody on the throw-away node. */
    const keysFor = (step: string) => keysIn(named({ 66: '60', 67: '60', 68: '60', 69: '69' }[step] ?? '04'))

    for (const path of paths.filter(path => ENVELOPE.test(textOf(path)))) {
      const name = path.slice('gnu-social/'.length)
      const step = /\/(\d+)-[^/]+$/.exec(path)![1]!
      it(`M4 M13 ${name} is ${step === '68' ? 'refused' : 'signed in the way (a), and read'}`, () => {
        tried++
        const envelope = readEnvelope(Buffer.from(ENVELOPE.exec(textOf(path))![0]), TYPE.magicEnvelope)
        const [key, ...more] = keysFor(step)
        assert.deepEqual(more, [])
        const proof = verifyEnvelope(envelope, [keyObject(key!)], { legacy: false })
        assert.equal(proof?.variant, step === '68' ? undefined : 'a')
        assert.equal(readPayload(readUnverified(envelope)).verb, VERBS[step] ?? 'post')
        const payload = paths.find(other => other === path.replace(/\.txt$/, '.payload.xml'))
        if (payload !== undefined) assert.deepEqual(readUnverified(envelope), readSample(payload))
      })
    }
  }

  it('M4 there were twenty of them', () => assert.equal(tried, 20))
})

withSamples('hostile documents in good envelopes', () => {
  const evil = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const MAL = 'https://evil.example/users/mal'
  /** Who speaks in those that are read: nobody but the direct author, whose names are held against each other later (M14). */
  const speakers: Record<string, string> = {
    'delete-of-other.xml': MAL,
    'future-date.xml': MAL,
    'id-steal.xml': MAL,
    'id-uri-disagree.xml': 'https://a.example/users/ann',
    'object-author-first.xml': MAL,
    'prefixed-atom.xml': MAL,
    'script-content.xml': MAL,
    'source-author.xml': MAL
  }

  for (const path of listSamples('hostile')) {
    const speaker = speakers[path.slice('hostile/'.length)]
    it(`M13 I1 I4 ${path} is ${speaker === undefined ? 'refused' : `what ${speaker} says`}`, () => {
      const envelope = readEnvelope(Buffer.from(writeEnvelope(signEnvelope(readSample(path), evil.privateKey))))
      assert.deepEqual(verifyEnvelope(envelope, [evil.publicKey], { legacy: false }), { variant: 'a', bits: 2048 })
      const read = () => readPayload(readUnverified(envelope))
      if (speaker === undefined) assert.throws(read, BadMessage)
      else assert.equal(identityOf(read().actor), speaker)
    })
  }
})
