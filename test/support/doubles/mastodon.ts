/**
 * Mastodon 2: the account is the first e-mail and is asked for as it is written, of several links of one relation the last counts, data
 * is encoded anew before it is verified, SHA-1 alone, deletes as bare entries.
 */
import { REL } from '../../../src/protocol/names.ts'
import { sign } from '../slaps.ts'
import { again, jrdOf, verifies, withTail } from './parts.ts'
import { first, type Rules } from './peer.ts'

export const mastodon: Rules = {
  bits: 2048,
  describe: jrdOf,
  author: payload => `acct:${first(payload, 'email')}`,
  needs: [REL.updatesFrom, REL.salmon, REL.profilePage],
  lastLink: true,
  verify: ({ data, signature }, key) => verifies(withTail(again(data)), signature, key),
  sign: (payload, pair) => sign(payload, pair).toString().replace('<me:sig>', '<me:sig key_id="LS0tLS1CRUdJTg==">'),
  mention: 'mentioned',
  asks: { 'hub.verify': 'async', 'hub.lease_seconds': '' },
  accepted: [200, 202, 204],
  confirms: query => query.get('hub.mode') === 'unsubscribe' || /^\d+$/.test(query.get('hub.lease_seconds') ?? ''),
  bareDelete: true
}
