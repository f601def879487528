/** StatusNet 0.9: XRD whatever is asked for, only the long Salmon relations, a key after a semicolon, and attention for mentioned. */
import { REL } from '../../../src/protocol/names.ts'
import { sign } from '../slaps.ts'
import { linksOf, verifies, withTail, xrdOf } from './parts.ts'
import { first, type Rules } from './peer.ts'

export const statusnet: Rules = {
  bits: 1024,
  describe: me => xrdOf(me, linksOf(me, { salmon: REL.salmonReplies, key: `data:application/magic-public-key;${me.key}` })),
  author: payload => encodeURIComponent(first(payload, 'uri')),
  verify: ({ data, signature }, key) => verifies(withTail(data), signature, key),
  sign: (payload, pair) => sign(payload, pair).toString(),
  mention: 'ostatus:attention',
  asks: { 'hub.verify': 'sync', 'hub.verify_token': 'x' },
  accepted: [202, 204],
  confirms: query => query.get('hub.verify_token') === 'x'
}
