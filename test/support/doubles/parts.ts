/** How old servers put together what is signed, and what they describe themselves by. */
import { type KeyObject, verify } from 'node:crypto'
import { REL, TYPE } from '../../../src/protocol/names.ts'
import type { Me } from './peer.ts'

const TAIL = '.YXBwbGljYXRpb24vYXRvbSt4bWw=.YmFzZTY0dXJs.UlNBLVNIQTI1Ng=='

export const verifies = (text: string, signature: Buffer, key: KeyObject): boolean =>
  verify('RSA-SHA256', Buffer.from(text), key, signature)
/** M2 over the data as it stands. */
export const withTail = (data: string): string => data + TAIL
/** Decoded and encoded again, with padding: what Mastodon and Pleroma verify. */
export const again = (data: string): string => Buffer.from(data, 'base64url').toString('base64').replaceAll('+', '-').replaceAll('/', '_')

export const linksOf = (me: Me, { salmon = 'salmon', key = `data:application/magic-public-key,${me.key}` } = {}) => [
  { rel: REL.updatesFrom, type: TYPE.atom, href: me.feed },
  { rel: salmon, href: `${me.origin}/salmon` },
  { rel: REL.magicKey, href: key }
]

export const jrdOf = (me: Me) => ({
  type: TYPE.jrd,
  body: JSON.stringify({ subject: `acct:ann@${me.host}`, aliases: [me.uri], links: linksOf(me) })
})

/** @param element how the server spells `Link` */
export function xrdOf(me: Me, links: ReturnType<typeof linksOf>, element = 'Link') {
  const written = links.map(({ rel, href, type }) => `<${element} rel="${rel}"${type ? ` type="${type}"` : ''} href="${href}"/>`)
  const body = `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Subject>acct:ann@${me.host}</Subject><Alias>${me.uri}</Alias>${written.join('')}</XRD>`
  return { type: TYPE.xrd, body }
}
