/** Where a feed belongs: its topic, and the hubs that hand it out. */
import type { Feed } from '../model/activity.ts'
import { readLinks } from '../protocol/link.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import type { HttpAnswer, Tools } from '../tools.ts'
import { isName } from './identity.ts'

/**
 * What a fetched feed says of where it belongs (S1). `self` is the address by which it calls itself when that is another than the
 * one that answered: until it was fetched too it is not believed, since a page could pose as somebody else's topic.
 */
export type Located = { url: string; topic: string; self?: string; hubs: string[] }

/**
 * Our own hub is none of its hubs: a blog may name it, for others, but we need not be told what we know (X29).
 * @param asked the address that was asked, before any redirect
 */
export function locate(
  { addresses }: Pick<Tools, 'addresses'>,
  answer: Pick<HttpAnswer, 'url' | 'headers' | 'hops'>,
  asked: string,
  feed: Feed
): Located {
  const headers = answer.headers.link === undefined ? [] : readLinks(answer.headers.link, answer.url)
  const told = (rel: string) => headers.filter(link => link.rel.includes(rel)).map(link => link.url)
  const selves = [...told('self'), ...feed.links.self].filter(isAddress)
  const hubs = told('hub').length > 0 ? told('hub') : feed.links.hub
  const same = selves.find(self => isSame(self, answer.url))
  return {
    // only a move that is meant to last changes what is fetched from now on
    url: answer.hops.every(hop => hop.status === 301 || hop.status === 308) ? answer.url : asked,
    topic: same ?? answer.url,
    ...(same === undefined && selves[0] !== undefined ? { self: selves[0] } : {}),
    hubs: [...new Set(hubs)].filter(hub => isAddress(hub) && hub !== addresses.hub()).slice(0, 5)
  }
}

/** An address that can be asked, and kept. */
const isAddress = (url: string): boolean => isWebAddress(url) && isName(url)

/** One address, http and https taken for the same. */
const isSame = (one: string, other: string): boolean =>
  new URL(one).href.replace(/^http:/, 'https:') === new URL(other).href.replace(/^http:/, 'https:')
