/**
 * Magic envelopes: the signed parcels in which Salmon travels (protocols.md M1-M5, M10-M13; draft-panzer-magicsig-01).
 * Reading, verifying and believing are three steps: `readEnvelope`, then `verifyEnvelope`, and only then `readPayload`.
 */
import { type KeyObject, sign, verify } from 'node:crypto'
import { create } from 'xmlbuilder2'
import type { Activity } from '../model/activity.ts'
import { BadMessage } from '../model/errors.ts'
import { identityOf, readAuthor } from './atom-author.ts'
import { readUri } from './atom-parts.ts'
import { readEntry } from './atom-reader.ts'
import { writePadded } from './magic.ts'
import { LIMIT, NS, TYPE } from './names.ts'
import { attribute, child, children, isElement, readXml, stripIllegal, text, type XmlElement } from './xml.ts'

export type Signature = { value: string; keyId?: string }

/**
 * `data` and the values of `sigs` are base64url as it was written, padded or not, without white space: what is signed is this
 * text and not the bytes in it. The other three have the one value that M5 allows.
 */
export type Envelope = { data: string; dataType: string; encoding: string; alg: string; sigs: Signature[] }

/** Which text was signed, in the order of M4, and the length of the key. `e` and less than 1024 bits occur only with `legacy`. */
export type Proof = { variant: 'a' | 'b' | 'c' | 'd' | 'e'; bits: number }

const FIXED = { dataType: TYPE.atom, encoding: 'base64url', alg: 'RSA-SHA256' } as const
const MOST_SIGNATURES = 4
const BITS = { least: 1024, leastOfLegacy: 512, most: 8192 }

const READERS = new Map<string, (body: Buffer, contentType: string) => Envelope>([
  [TYPE.magicEnvelope, readXmlForm],
  [TYPE.xml, readXmlForm],
  ['text/xml', readXmlForm],
  [TYPE.atom, readXmlForm],
  [TYPE.magicEnvelopeJson, readJsonForm],
  [TYPE.json, readJsonForm],
  [TYPE.magicEnvelopeCompact, readCompactForm],
  [TYPE.form, readPostedForm]
])

/**
 * The body of a request -> an envelope, of which nothing is proven yet (M5, M10, M11).
 * @param contentType as sent, with any parameters; a body without one is taken for XML
 * @throws BadMessage 415 for a type that no envelope has, 413 for a body or payload over the limit, else 400
 */
export function readEnvelope(body: Buffer, contentType: string = TYPE.magicEnvelope): Envelope {
  const read = READERS.get(contentType.replace(/;.*/s, '').trim().toLowerCase())
  if (read === undefined) throw new BadMessage('A magic envelope is not sent under this Content-Type.', { status: 415, code: 'type' })
  if (body.length > LIMIT.messageBytes) throw tooLong(`The envelope is longer than ${LIMIT.messageBytes} bytes.`)
  return checkEnvelope(read(body, contentType))
}

/** What is in an envelope, whoever may have put it there. */
export const readUnverified = ({ data }: Envelope): Buffer => Buffer.from(data, 'base64url')

/**
 * Whether one of the keys signed the envelope: each key, each signature, each text of M4; the first success counts.
 * @param legacy takes signatures over the data alone and keys from 512 bits too, neither of which proves much (M4, M7)
 */
export function verifyEnvelope(envelope: Envelope, keys: KeyObject[], { legacy }: { legacy: boolean }): Proof | undefined {
  const texts = signedTexts(envelope, legacy)
  for (const key of keys) {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    if (bits < (legacy ? BITS.leastOfLegacy : BITS.least) || bits > BITS.most) continue
    for (const { value } of envelope.sigs) {
      const signature = fillUp(Buffer.from(value, 'base64url'), Math.ceil(bits / 8))
      const found = texts.find(([, signed]) => verify(FIXED.alg, Buffer.from(signed), key, signature))
      if (found !== undefined) return { variant: found[0], bits }
    }
  }
  return undefined
}

/**
 * An envelope around a payload, signed by PKCS #1 v1.5 (M3). It is the same for everyone: sign once, send often.
 * @param keyId nobody reads it; by the draft it is the SHA-256 of the magic key, in base64url
 */
export function signEnvelope(payload: Buffer | string, privateKey: KeyObject, keyId?: string): Envelope {
  const parcel = { data: writePadded(typeof payload === 'string' ? Buffer.from(payload) : payload), ...FIXED }
  const value = writePadded(sign(FIXED.alg, Buffer.from(baseString(parcel)), privateKey))
  return { ...parcel, sigs: [makeSignature(value, keyId)] }
}

/** XML in the one form that every known peer reads: prefixed, padded, no white space in any value (M1). */
export function writeEnvelope({ data, dataType, encoding, alg, sigs }: Envelope): string {
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele(NS.magicEnvelope, 'me:env')
  root.ele('me:data', { type: dataType }).txt(data)
  root.ele('me:encoding').txt(encoding)
  root.ele('me:alg').txt(alg)
  for (const { value, keyId } of sigs) root.ele('me:sig', keyId === undefined ? {} : { key_id: stripIllegal(keyId) }).txt(value)
  return `${root.end({ wellFormed: true, prettyPrint: true })}\n`
}

/**
 * The payload of a verified envelope -> what its author says (M13). That the keys were his is for the caller to know (M14).
 * @throws BadMessage unless it is an Atom entry in UTF-8 with one id and exactly one author, who has a name of his own
 */
export function readPayload(bytes: Buffer): Activity {
  const entry = readXml(decodeUtf8(bytes), { bytes: LIMIT.payloadBytes, nodes: LIMIT.messageNodes, invalidUtf8: 'refuse' })
  const activity = readEntry(entry)
  if (activity.authors !== 1) throw new BadMessage('A signed entry must have exactly one author.')
  // Read from the entry itself: the reader would also take the author of a feed from which it says to be copied.
  if (identityOf(readAuthor(child(entry, NS.atom, 'author'))) === undefined) throw new BadMessage('The author of the entry has no name.')
  const ids = children(entry, NS.atom, 'id')
  if (ids.length !== 1 || readUri(ids[0]) === undefined) throw new BadMessage('A signed entry must have one id.')
  return activity
}

/** The text that is signed (M2). The last three parts are padded by every peer that was met. */
export const baseString = ({ data, dataType, encoding, alg }: Omit<Envelope, 'sigs'>): string =>
  [data, ...[dataType, encoding, alg].map(part => writePadded(Buffer.from(part)))].join('.')

/** All texts under which an envelope may be signed (M4), each once: ordinary data is (a) and (b) at the same time. */
function signedTexts(envelope: Envelope, legacy: boolean): [Proof['variant'], string][] {
  const bare = stripPadding(envelope.data)
  const texts: [Proof['variant'], string][] = [
    ['a', baseString(envelope)],
    ['b', baseString({ ...envelope, data: writePadded(readUnverified(envelope)) })],
    ['c', baseString({ ...envelope, data: bare })],
    ['d', baseString({ ...envelope, data: bare }).replaceAll('=', '')]
  ]
  // StatusNet 0.9 and Friendica sign the data and nothing else; what is left out has fixed values (M5).
  if (legacy) texts.push(['e', envelope.data])
  return texts.filter(([, one], at) => texts.findIndex(([, other]) => other === one) === at)
}

/** Some encoders drop the leading zero bytes of a signature, and no library would verify the rest (M3). */
const fillUp = (signature: Buffer, length: number): Buffer =>
  Buffer.concat([Buffer.alloc(Math.max(0, length - signature.length)), signature])

/** The last gate of every form: what passes has the fixed values of M5 and holds nothing but base64url. */
function checkEnvelope(raw: Envelope): Envelope {
  const envelope = {
    data: dropSpace(raw.data),
    // Two old captures have a space there: a plus that got lost in the decoding of a form.
    dataType: raw.dataType.replace(' ', '+'),
    encoding: raw.encoding.trim(),
    alg: raw.alg.trim(),
    sigs: raw.sigs.map(({ value, keyId }) => makeSignature(dropSpace(value), keyId))
  }
  if (envelope.dataType !== FIXED.dataType) throw new BadMessage('The data of the envelope is not declared as Atom.')
  if (envelope.encoding !== FIXED.encoding) throw new BadMessage('The encoding of the envelope is not base64url.')
  if (envelope.alg !== FIXED.alg) throw new BadMessage('The envelope is not signed by RSA-SHA256.')
  if (envelope.sigs.length === 0) throw new BadMessage('The envelope is not signed.')
  if (envelope.sigs.length > MOST_SIGNATURES) throw new BadMessage('The envelope has too many signatures.')
  for (const { value } of envelope.sigs) readBase64(value)
  if (readBase64(envelope.data).length > LIMIT.payloadBytes) throw tooLong(`The data is longer than ${LIMIT.payloadBytes} bytes.`)
  return envelope
}

function readXmlForm(input: Buffer, contentType?: string): Envelope {
  const limits = { bytes: LIMIT.messageBytes, nodes: LIMIT.messageNodes, contentType, invalidUtf8: 'refuse' } as const
  const root = readXml(input, limits)
  const isEnvelope = ['env', 'provenance'].some(local => isElement(root, NS.magicEnvelope, local))
  if (!isEnvelope) throw new BadMessage('The document is not a magic envelope.')
  const data = onlyChild(root, 'data')
  return {
    data: plainText(data),
    dataType: attribute(data, 'type') ?? '',
    encoding: plainText(onlyChild(root, 'encoding')),
    alg: plainText(onlyChild(root, 'alg')),
    sigs: children(root, NS.magicEnvelope, 'sig').map(sig => makeSignature(plainText(sig), attribute(sig, 'key_id')))
  }
}

/** A second one would be the one that another reader takes. */
function onlyChild(root: XmlElement, local: string): XmlElement {
  const [element, ...more] = children(root, NS.magicEnvelope, local)
  if (element === undefined || more.length > 0) throw new BadMessage(`The envelope must have exactly one ${local}.`)
  return element
}

function plainText(element: XmlElement): string {
  if (element.children.some(node => typeof node === 'object')) throw new BadMessage(`The ${element.local} must be plain text.`)
  return text(element)
}

function readJsonForm(body: Buffer): Envelope {
  const root = asObject(parseJson(decodeUtf8(body)))
  const sigs = (Array.isArray(root.sigs) ? root.sigs : []).map(asObject)
  return {
    data: asText(root.data),
    dataType: asText(root.data_type),
    encoding: asText(root.encoding),
    alg: asText(root.alg),
    sigs: sigs.map(({ value, key_id }) => makeSignature(asText(value), asText(key_id)))
  }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new BadMessage('The envelope is not JSON.', { cause })
  }
}

const asObject = (value: unknown): Record<string, unknown> => Object(value)

const asText = (value: unknown): string => (typeof value === 'string' ? value : '')

/** `key_id.sig.data.type.encoding.alg`, in base64url all six (section 3.3 of the draft). */
function readCompactForm(body: Buffer): Envelope {
  const [keyId, value, data, ...metadata] = dropSpace(decodeUtf8(body)).split('.', 7)
  if (keyId === undefined || value === undefined || data === undefined || metadata.length !== 3) {
    throw new BadMessage('A compact envelope has six parts.')
  }
  const [dataType = '', encoding = '', alg = ''] = metadata.map(part => readBase64(part).toString())
  return { data, dataType, encoding, alg, sigs: [makeSignature(value, Buffer.from(keyId, 'base64url').toString())] }
}

/** What Diaspora posts: a field `xml` with the XML in base64url, or bare. Half a million other fields would take seconds to decode. */
function readPostedForm(body: Buffer): Envelope {
  const [field, ...more] = decodeUtf8(body)
    .split('&')
    .filter(one => one.startsWith('xml='))
  if (field === undefined || more.length > 0) throw new BadMessage('The form must have exactly one field xml.')
  const xml = new URLSearchParams(field).get('xml') ?? ''
  return readXmlForm(xml.trimStart().startsWith('<') ? Buffer.from(xml) : readBase64(dropSpace(xml)))
}

const makeSignature = (value: string, keyId: string | undefined): Signature => (keyId ? { value, keyId } : { value })

const dropSpace = (written: string): string => written.replace(/\s+/g, '')

const stripPadding = (base64: string): string => base64.replace(/={1,2}$/, '')

/** Only the one spelling of those bytes, padded or not, is taken: another would be a changed message under the old signature. */
function readBase64(written: string): Buffer {
  const bytes = Buffer.from(written, 'base64url')
  if (bytes.length === 0 || bytes.toString('base64url') !== stripPadding(written)) {
    throw new BadMessage('A part of the envelope is missing, or is not written in base64url.')
  }
  return bytes
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new BadMessage('The message is not UTF-8.', { cause })
  }
}

const tooLong = (message: string): BadMessage => new BadMessage(message, { status: 413, code: 'too_long' })
