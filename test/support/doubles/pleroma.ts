/**
 * Pleroma 1: waits for exactly 202, asks by the first author's uri, knows unfollows by
 * one verb alone, never ends a subscription, and has no answer to the verification of an unsubscribe.
 */
import { sign } from '../slaps.ts'
import { again, jrdOf, verifies, withTail } from './parts.ts'
import { first, type Rules } from './peer.ts'

export const pleroma: Rules = {
  bits: 2048,
  describe: jrdOf,
  author: payload => encodeURIComponent(first(payload, 'uri')),
  verify: ({ data, signature }, key) => verifies(withTail(again(data)), signature, key),
  sign: (payload, pair) => sign(payload, pair).toString(),
  mention: 'mentioned',
  asks: { 'hub.verify': 'async' },
  accepted: [202],
  confirms: query => query.get('hub.mode') === 'subscribe',
  refuses: 500,
  hub: '/push/hub/ann',
  leaving: 'never',
  unfollow: 'http://activitystrea.ms/schema/1.0/unfollow'
}
