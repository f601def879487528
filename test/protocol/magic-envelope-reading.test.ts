import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import { identityOf } from '../../src/protocol/atom-reader.ts'
import {
  readEnvelope,
  readPayload,
  readUnverified,
  signEnvelope,
  verifyEnvelope,
  writeEnvelope
} from '../../src/protocol/magic-envelope.ts'
import { NS, TYPE } from '../../src/protocol/names.ts'

const own = generateKeyPairSync('rsa', { modulusLength: 1024 })
const AUTHOR = '<author><uri>https://a.example/users/ann</uri></author>'
const writeEntry = (inner: string, prefix = '') => `<entry xmlns="${NS.atom}" ${prefix}>${inner}</entry>`
const ENTRY = writeEntry(`<id>tag:a.example,2024:1</id>${AUTHOR}<content>Grüße</content>`)
const good = signEnvelope(ENTRY, own.privateKey)
const xml = writeEnvelope(good)
const PROOF = { variant: 'a', bits: 1024 }

const read = (body: string | Buffer, type?: string) => readEnvelope(Buffer.from(body as string), type)
const verified = (envelope: typeof good) => verifyEnvelope(envelope, [own.publicKey], { legacy: false })
const refused = (body: string | Buffer, status = 400, type?: string) =>
  assert.throws(() => read(body, type), { name: 'BadMessage', status })
const base64 = (text: string) => Buffer.from(text).toString('base64url')

describe('magic envelopes in', () => {
  const change = (from: string | RegExp, to: string) => xml.replace(from, to)

  it('M5 X17 are refused unless type, encoding and algorithm are the ones that everybody uses', () => {
    for (const [from, to] of [
      [TYPE.atom, 'text/plain'],
      [TYPE.atom, 'Application/atom+xml'],
      [` type="${TYPE.atom}"`, ''],
      ['base64url<', 'base64<'],
      ['RSA-SHA256', 'HMAC-SHA256'],
      ['RSA-SHA256', 'rsa-sha256'],
      ['RSA-SHA256', 'RSA-SHA1'],
      ['RSA-SHA256', ''],
      ['<me:alg>RSA-SHA256</me:alg>', ''],
      ['<me:encoding>base64url</me:encoding>', '']
    ] as const) {
      refused(change(from, to))
    }
  })

  it('M5 X17 any byte of these changed is refused', () => {
    const values = ['application/atom+xml', 'base64url', 'RSA-SHA256']
    fc.assert(
      fc.property(fc.constantFrom(...values), fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (value, at, character) => {
        const changed = value.slice(0, at % value.length) + character + value.slice((at % value.length) + 1)
        fc.pre(changed !== value && changed !== 'application/atom xml')
        const claims = { data: good.data, data_type: TYPE.atom, encoding: 'base64url', alg: 'RSA-SHA256', sigs: good.sigs }
        refused(JSON.stringify(claims).replace(`"${value}"`, JSON.stringify(changed)), 400, TYPE.magicEnvelopeJson)
      })
    )
  })

  it('M5 read a space in the type as the plus that it was', () => {
    assert.deepEqual(read(change('atom+xml', 'atom xml')), good)
    assert.deepEqual(verified(read(change('atom+xml', 'atom xml'))), PROOF)
  })

  it('M5 S2 are told by their namespace, with any prefix or none, as env or provenance', () => {
    const bare = change('xmlns:me=', 'xmlns=').replaceAll('me:', '')
    for (const spelling of [bare, xml.replaceAll('me:env', 'me:provenance'), xml.replaceAll('me:', 'x:').replace('xmlns:me', 'xmlns:x')]) {
      assert.deepEqual(read(spelling), good)
    }
    refused(change(NS.magicEnvelope, 'http://a.example/'))
    refused(xml.replaceAll('me:env', 'me:envelope'))
    refused(ENTRY)
  })

  it('M5 have exactly one of each part, and nothing but text in it', () => {
    const data = `<me:data type="${TYPE.atom}">${good.data}</me:data>`
    refused(change('<me:encoding>', `${data}<me:encoding>`))
    refused(change(data, ''))
    refused(change(data, `<me:wrapped>${data}</me:wrapped>`))
    refused(change(good.data, `<x>${good.data}</x>`))
    refused(change('<me:alg>', '<me:alg>RSA-SHA256</me:alg><me:alg>'))
    refused(change(/<me:sig>.*<\/me:sig>/, ''))
    refused(change(/<me:sig>.*<\/me:sig>/, '<me:sig/>'))
    refused(change(/<me:sig>/, `${'<me:sig>AAAA</me:sig>'.repeat(4)}<me:sig>`))
  })

  it('M2 X16 leave out white space and put together what a comment or CDATA parts', () => {
    const half = good.data.length >> 1
    const [start, end] = [good.data.slice(0, half), good.data.slice(half)]
    for (const spelling of [`\n  ${start}\r\n\t${end}\n`, `${start}<!-- x -->${end}`, `<![CDATA[${start}]]>${end}`]) {
      assert.deepEqual(read(change(good.data, spelling)), good)
    }
    refused(change(good.data, `${start}<!-- x --${end}`))
  })

  it('M2 X17 are refused when the data is written in anything but base64url, or in a second way', () => {
    for (const data of ['', '=', '====', 'A', 'AAAAA', 'AA+A', 'AA/A', 'AA.A', 'AA=A', 'AAA===', 'QR', 'QR==', 'Grüß', '%41%41']) {
      refused(change(good.data, data))
      refused(change(good.sigs[0]!.value, data))
    }
  })

  it('I1 X35 are refused with a DOCTYPE, or when they are no XML', () => {
    refused(change('<me:env', '<!DOCTYPE x [<!ENTITY a "b">]><me:env'))
    refused(change('base64url<', '&base64url;<'))
    for (const body of ['', '<', xml.slice(0, -10), `${xml}<x/>`, '<a>'.repeat(100_000)]) refused(body)
    refused(Buffer.concat([Buffer.from(xml.slice(0, 300)), Buffer.from([0xff]), Buffer.from(xml.slice(300))]))
  })

  it('M5 M10 are too large above 1 MB, their payload above 700 kB', () => {
    refused(Buffer.alloc(1_000_001, 32), 413)
    refused(Buffer.alloc(1_000_001, 32), 413, TYPE.form)
    const sized = (length: number) => change(good.data, Buffer.alloc(length).toString('base64url'))
    assert.equal(readUnverified(read(sized(700_000))).length, 700_000)
    refused(sized(700_001), 413)
    refused(sized(999_999), 413)
  })

  it('M10 come under these types with any parameters, and under no other', () => {
    for (const type of [undefined, TYPE.magicEnvelope, `${TYPE.magicEnvelope}; charset=utf-8`, 'Text/XML', TYPE.xml, TYPE.atom]) {
      assert.deepEqual(read(xml, type), good)
    }
    for (const type of ['text/html', 'text/plain', 'multipart/form-data', '', '__proto__', 'constructor', TYPE.activity]) {
      refused(xml, 415, type)
    }
    refused(xml, 400, `${TYPE.xml}; charset=utf-7`)
    refused(xml, 400, TYPE.magicEnvelopeJson)
  })

  it('M10 come in a form, in base64url or bare', () => {
    for (const value of [base64(xml), Buffer.from(xml).toString('base64url').replace(/.{60}/g, '$&\n'), xml]) {
      assert.deepEqual(read(new URLSearchParams({ xml: value }).toString(), `${TYPE.form}; charset=UTF-8`), good)
    }
    for (const form of [
      '',
      'xml=',
      'xml',
      `yml=${base64(xml)}`,
      `xml=${base64(xml)}&xml=`,
      'xml=%ff',
      'xml=***',
      'a&'.repeat(400_000),
      Buffer.from([0xff])
    ]) {
      refused(form, 400, TYPE.form)
    }
  })
})

describe('other forms of magic envelopes', () => {
  const claims = { data: good.data, data_type: TYPE.atom, encoding: 'base64url', alg: 'RSA-SHA256', sigs: good.sigs }
  const json = (more: object = {}) => JSON.stringify({ ...claims, ...more })

  it('M11 are read from JSON', () => {
    assert.deepEqual(read(json(), TYPE.magicEnvelopeJson), good)
    const named = { value: good.sigs[0]!.value, key_id: 'k' }
    const envelope = read(json({ sigs: [named, named], more: [] }), `${TYPE.json}; charset=utf-8`)
    assert.deepEqual(envelope.sigs[1], { value: named.value, keyId: 'k' })
    assert.deepEqual(verified(envelope), PROOF)
  })

  it('M11 X36 are refused as JSON that is anything else', () => {
    const odd = [
      { data: null },
      { data: [good.data] },
      { sigs: {} },
      { sigs: [] },
      { sigs: [null] },
      { sigs: ['x'] },
      { sigs: 'x' },
      { alg: 1 }
    ]
    for (const more of odd) refused(json(more), 400, TYPE.magicEnvelopeJson)
    for (const body of ['', 'null', '[]', '"x"', '1', '{', '['.repeat(500_000), Buffer.from([0xff]), `{"__proto__":${json()}}`]) {
      refused(body, 400, TYPE.magicEnvelopeJson)
    }
    refused(json({ sigs: new Array(300_000).fill(1) }), 400, TYPE.magicEnvelopeJson)
    const polluting = json().replace('{', '{"__proto__":{"alg":"none","polluted":1},')
    assert.deepEqual(read(polluting, TYPE.magicEnvelopeJson), good)
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })

  it('M11 are read from the compact form, padded or not', () => {
    const parts = [base64('k'), good.sigs[0]!.value, good.data, ...[TYPE.atom, 'base64url', 'RSA-SHA256'].map(base64)]
    const named = { ...good, sigs: [{ ...good.sigs[0]!, keyId: 'k' }] }
    assert.deepEqual(read(parts.join('.'), TYPE.magicEnvelopeCompact), named)
    assert.deepEqual(read(['', ...parts.slice(1)].join('.\n'), TYPE.magicEnvelopeCompact), good)
    for (const body of ['', '.....', parts.slice(1).join('.'), [...parts, ''].join('.'), '.'.repeat(900_000)]) {
      refused(body, 400, TYPE.magicEnvelopeCompact)
    }
  })

  it('X35 any bytes give an envelope or BadMessage, and a damaged one gives the payload that was signed or none', () => {
    const forms: [string, string][] = [
      [TYPE.magicEnvelope, xml],
      [TYPE.magicEnvelopeJson, json()],
      [TYPE.form, `xml=${base64(xml)}`],
      [TYPE.form, `xml=${encodeURIComponent(xml)}`]
    ]
    const bytes = fc.uint8Array({ maxLength: 4 })
    fc.assert(
      fc.property(fc.constantFrom(...forms), fc.nat(), fc.nat(3), bytes, ([type, body], where, length, put) => {
        const at = where % body.length
        try {
          const envelope = read(Buffer.concat([Buffer.from(body.slice(0, at)), put, Buffer.from(body.slice(at + length))]), type)
          if (verifyEnvelope(envelope, [own.publicKey], { legacy: true })) assert.equal(readUnverified(envelope).toString(), ENTRY)
        } catch (error) {
          assert.ok(error instanceof BadMessage, String(error))
        }
      }),
      { numRuns: 2000 }
    )
  })
})

describe('payloads of magic envelopes', () => {
  const ID = '<id>tag:a.example,2024:1</id>'
  const payload = (written: string | Buffer) => readPayload(Buffer.from(written as string))

  it('M13 are entries of their one author', () => {
    const activity = payload(ENTRY)
    assert.deepEqual([activity.verb, activity.id, activity.authors], ['post', 'tag:a.example,2024:1', 1])
    assert.equal(identityOf(activity.actor), 'https://a.example/users/ann')
    const prefixed = ENTRY.replaceAll(/<(\/?)(?=\w)/g, '<$1a:').replace('xmlns=', 'xmlns:a=')
    assert.deepEqual(payload(prefixed), activity)
    assert.deepEqual(payload(`\ufeff<?xml version="1.0" encoding="ISO-8859-1"?>${ENTRY}`), activity)
  })

  const stranger = AUTHOR.replace('ann', 'bob')
  const wrong: [what: string, written: string | Buffer][] = [
    ['nothing', ''],
    ['a feed', `<feed xmlns="${NS.atom}">${ENTRY}</feed>`],
    ['an entry of no namespace', ENTRY.replace(`xmlns="${NS.atom}"`, '')],
    ['no author', writeEntry(`${ID}<content>x</content>`)],
    ['an author without a name of his own', writeEntry(`${ID}<author><name>ann</name></author>`)],
    ['an empty author, and one of the feed it is from', writeEntry(`${ID}<author/><source>${stranger}</source>`)],
    ['only the author of a source', writeEntry(`${ID}<source>${AUTHOR}</source>`)],
    ['only the author of an object', writeEntry(`${ID}<a:object>${AUTHOR}</a:object>`, `xmlns:a="${NS.activity}"`)],
    ['two authors', writeEntry(ID + AUTHOR + stranger)],
    ['the same author twice', writeEntry(ID + AUTHOR + AUTHOR)],
    [
      'an actor who is not the author',
      writeEntry(`${ID}${AUTHOR}<a:actor>${stranger}<uri>https://b.example/</uri></a:actor>`, `xmlns:a="${NS.activity}"`)
    ],
    ['no id', writeEntry(`${AUTHOR}<content>x</content>`)],
    ['an empty id', writeEntry(`<id> </id>${AUTHOR}<content>x</content>`)],
    ['two ids', writeEntry(ID + ID + AUTHOR)],
    ['a DOCTYPE', `<!DOCTYPE entry>${ENTRY}`],
    ['bytes that are not UTF-8', Buffer.from(ENTRY, 'latin1')],
    ['UTF-16', Buffer.from(`\ufeff${ENTRY}`, 'utf16le')],
    ['more than 700 kB', ENTRY.replace('Grüße', 'x'.repeat(700_000))]
  ]
  for (const [what, written] of wrong) it(`M13 X16 are refused with ${what}`, () => assert.throws(() => payload(written), BadMessage))

  it('X16 speak in the name of the direct author, wherever another stands', () => {
    const object = `<a:object><id>x</id>${stranger}</a:object><source>${stranger}</source>`
    const entry = writeEntry(`${object}${ID}${AUTHOR}`, `xmlns:a="${NS.activity}"`)
    assert.equal(identityOf(payload(entry).actor), 'https://a.example/users/ann')
    const parted = ENTRY.replace('users/ann', 'users/<!-- x -->a<![CDATA[n]]>n')
    assert.equal(identityOf(payload(parted).actor), 'https://a.example/users/ann')
  })

  it('M12 are read as if a provenance in them were absent', () => {
    const provenance = xml.replace(/<\?.*\?>/, '').replaceAll('me:env', 'me:provenance')
    assert.deepEqual(payload(ENTRY.replace('</entry>', `${provenance}</entry>`)), payload(ENTRY))
  })
})
