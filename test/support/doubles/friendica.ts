/** Friendica: XRD with `link` in lower case, 512-bit keys, a token that must come back, and signatures over the data alone. */
import { sign as signature } from 'node:crypto'
import { writePadded } from '../../../src/protocol/magic.ts'
import { signEnvelope, writeEnvelope } from '../../../src/protocol/magic-envelope.ts'
import { linksOf, verifies, withTail, xrdOf } from './parts.ts'
import { first, type Rules } from './peer.ts'

const TOKEN = 'f41e'

export const friendica: Rules = {
  bits: 512,
  describe: me => xrdOf(me, linksOf(me, { key: `data:application/magic-public-key,${withZero(me.key)}` }), 'link'),
  author: payload => encodeURIComponent(first(payload, 'uri')),
  // as its code tries them: whole, without padding, the data alone
  verify: ({ data, signature }, key) =>
    [withTail(data), withTail(data).replaceAll('=', ''), data].some(text => verifies(text, signature, key)),
  sign(payload, { privateKey }) {
    const envelope = signEnvelope(payload, privateKey)
    const value = writePadded(signature('RSA-SHA256', Buffer.from(envelope.data), privateKey))
    return writeEnvelope({ ...envelope, sigs: [{ value }] })
  },
  mention: 'mentioned',
  asks: { 'hub.verify': 'async', 'hub.verify_token': TOKEN },
  accepted: [202, 204],
  leaving: 'by token',
  confirms: query => query.get('hub.verify_token') === TOKEN
}

/** The modulus as DER has it, with a zero byte before it. */
function withZero(key: string): string {
  const [name, n = '', e] = key.split('.')
  return [name, writePadded(Buffer.concat([Buffer.alloc(1), Buffer.from(n, 'base64url')])), e].join('.')
}
