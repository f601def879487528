/** What is known of others, as templates put it into words. */
import type { Actor, Subscription } from '../model/kept.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import { showTime, type TimeView } from './shown.ts'

/** The name by which the search finds somebody whom we know; undefined for one who has none that it takes. */
export function nameForSearch({ acct, uri, feedUrl }: Actor): string | undefined {
  return acct ?? (isWebAddress(uri) ? uri : feedUrl)
}

/** How somebody's posts come to us: by ActivityPub, or by a feed that is pushed by the hub at `host`, or fetched. views/carrier.eta tells it. */
export type CarrierView = { way: 'inbox' | Subscription['state']; host?: string; until?: TimeView; polled?: TimeView; error?: string }

export const INBOX: CarrierView = { way: 'inbox' }

export function showSubscription({ state, hub, expiresAt, polledAt, error }: Subscription): CarrierView {
  const host = URL.parse(hub ?? '')?.host
  const isPolled = ['asking', 'polling', 'denied', 'expired'].includes(state)
  return {
    way: state,
    ...(host === undefined ? {} : { host }),
    ...(state === 'active' && expiresAt !== undefined ? { until: showTime(expiresAt) } : {}),
    ...(isPolled && polledAt !== undefined ? { polled: showTime(polledAt) } : {}),
    ...(isPolled && state !== 'asking' && error !== undefined ? { error } : {})
  }
}
