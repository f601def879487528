/** People of a written internet who sign what they say, and post it to an account of a node. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { makeSalmon, type ReceiveEnvelope } from '../../src/federation/salmon.ts'
import { isFailure } from '../../src/model/errors.ts'
import { writeMagicKey } from '../../src/protocol/magic.ts'
import { signEnvelope, writeEnvelope } from '../../src/protocol/magic-envelope.ts'
import { authorXml, entryXml, typeXml, verbXml } from './atom-documents.ts'
import { jrd, linksOf, webFinger } from './discovery.ts'
import type { makeInternet } from './internet.ts'
import type { Reader } from './reader.ts'
import { countRows } from './rows.ts'

export type Pair = { privateKey: KeyObject; magicKey: string }
export type Writer = ReturnType<typeof makeWriter>

export function makePair(bits = 1024): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  return { privateKey, magicKey: writeMagicKey(publicKey.export({ format: 'jwk' }) as { n: string; e: string }) }
}

export const sign = (entry: Buffer | string, { privateKey }: Pick<Pair, 'privateKey'>): Buffer =>
  Buffer.from(writeEnvelope(signEnvelope(entry, privateKey)))

/** Elements of an entry: what is done, to whom or what. */
export const personXml = (uri: string): string => `<activity:object>${typeXml('person')}<id>${uri}</id></activity:object>`
export const noteXml = (id: string, inner = ''): string => `<activity:object>${typeXml('note')}<id>${id}</id>${inner}</activity:object>`
export const followXml = (uri: string): string => verbXml('follow') + personXml(uri)
export const unfollowXml = (uri: string): string => verbXml('unfollow', 'http://ostatus.org/schema/1.0/') + personXml(uri)
export const mentionXml = (uri: string, text = 'hello'): string =>
  `<content type="html">${text}</content><link rel="mentioned" href="${uri}"/>`

/** What an entry may say otherwise than usual. `at`: milliseconds of the epoch; `author`: its author elements. */
export type Told = { id?: string; at?: number; author?: string; by?: Pick<Pair, 'privateKey'> }

/** ann at NAME.example, or another URI of that host, which tells her key to whoever asks. @param at the time of what she says, unless told otherwise */
export function makeWriter(
  net: ReturnType<typeof makeInternet>,
  name: string,
  at: () => number,
  { pair = makePair(), uri = `https://${name}.example/ann` } = {}
) {
  const host = `${name}.example`
  let count = 0
  const writer = {
    ...{ host, uri, pair },
    /** What her host says of her from now on. */
    describe(key = pair.magicKey): void {
      const links = linksOf('ann', host).filter(link => link.rel !== 'magic-public-key')
      const keyLink = { rel: 'magic-public-key', href: `data:application/magic-public-key,${key}` }
      net.set(webFinger(uri, host), jrd({ subject: `acct:ann@${host}`, aliases: [uri], links: [...links, keyLink] }))
    },
    /** An entry of hers. */
    entry: (inner: string, told: Told = {}): Buffer =>
      entryXml(
        `<id>${told.id ?? `https://${host}/entries/${++count}`}</id><updated>${new Date(told.at ?? at()).toISOString()}</updated>` +
          `${told.author ?? authorXml(uri)}${inner}`
      ),
    /** The same in an envelope. */
    slap: (inner: string, told: Told = {}): Buffer => sign(writer.entry(inner, told), told.by ?? pair)
  }
  writer.describe()
  return writer
}

export type Endpoint = ReturnType<typeof makeEndpoint>

/** The endpoint of bob, or of somebody else, without HTTP: how it answers, as a status. */
export function makeEndpoint(
  { tools, net, time }: Pick<Reader, 'tools' | 'net' | 'time'>,
  receiveEnvelope: ReceiveEnvelope = makeSalmon(tools)
) {
  let posts = 0
  return {
    receiveEnvelope,
    writer: (name: string, options: { pair?: Pair; uri?: string } = {}): Writer => makeWriter(net, name, () => time.now, options),
    /** 202, or the status of the failure. Each comes from another address unless told otherwise: how many one may send is another matter. */
    async post(
      body: Buffer,
      { to = 'bob', from = `192.0.2.${++posts}`, contentType = 'application/magic-envelope+xml' } = {}
    ): Promise<number> {
      try {
        await receiveEnvelope(to, { body, contentType, from })
        return 202
      } catch (error) {
        if (!isFailure(error)) throw error
        return error.status
      }
    },
    /** How many rows there are of everything. */
    counts: ({ database: { database } }: Reader['node']): Promise<Record<string, number>> => countRows(database)
  }
}
