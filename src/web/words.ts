/** What is known of others, in words. */
import type { Actor, Subscription } from '../model/kept.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import { showTime } from './shown.ts'

/** The name by which the search finds somebody whom we know; undefined for one who has none that it takes. */
export function nameForSearch({ acct, uri, feedUrl }: Actor): string | undefined {
  return acct ?? (isWebAddress(uri) ? uri : feedUrl)
}

/** How the posts of a feed come to us: a sentence. */
export function describeSubscription({ state, hub, expiresAt, polledAt, error }: Subscription): string {
  const host = URL.parse(hub ?? '')?.host ?? 'the hub'
  const polled = polledAt === undefined ? '' : `, last on ${showTime(polledAt).text}`
  const told = error === undefined ? '' : ` ${error}`
  switch (state) {
    case 'active':
      return `New posts are pushed by ${host}${expiresAt === undefined ? '' : `, until ${showTime(expiresAt).text}`}.`
    case 'asking':
      return `${host} was asked to push new posts and has not answered yet; until then the feed is fetched from time to time${polled}.`
    case 'polling':
      return `The feed is fetched from time to time${polled}.${told}`
    case 'denied':
      return `${host} refused to push; the feed is fetched from time to time${polled}.${told}`
    case 'expired':
      return `${host} no longer pushes; the feed is fetched from time to time${polled}.${told}`
    case 'gone':
      return 'The feed is gone.'
    case 'ending':
    case 'ended':
      return 'The feed is no longer read.'
  }
}
