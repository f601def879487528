/** Which account a WebFinger resource names, in whatever spelling (W3). */

import type { Addresses } from '../model/addresses.ts'
import { readWebAddress } from '../protocol/web-address.ts'

/**
 * Accepts `acct:u@H`, `u@H`, `@u@H`, the URIs and pages of an account (its feeds too), http or https, with or without a slash at
 * the end, encoded once more than needed. H is the host of handles or of the origin.
 * @param resource as decoded once from the query
 * @returns NAME in lower case; undefined when it is nobody's here
 */
export function nameOfResource(resource: string, origin: string, handleHost: string): string | undefined {
  const text = decodeAgain(resource.trim())
  const hosts = [handleHost.toLowerCase(), new URL(origin).host]
  const url = readWebAddress(text)
  if (url !== undefined) {
    if (!hosts.includes(url.host) || url.search !== '' || url.username !== '') return undefined
    return /^\/(?:users\/|@)([a-z0-9_]{1,30})(?:\.atom|\.rss|\.json)?\/?$/i.exec(url.pathname)?.[1]?.toLowerCase()
  }
  const [, user, host] = /^(?:acct:)?@?([^@/?#\s]+)@([^@/?#\s]+)$/i.exec(text) ?? []
  if (user === undefined || host === undefined) return undefined
  const bare = parse(`https://${host.replace(/:80$/, '')}`)?.host
  return bare !== undefined && hosts.includes(bare) && /^[a-z0-9_]{1,30}$/i.test(user) ? user.toLowerCase() : undefined
}

/** Whether a resource names the node's own actor, by its handle or its URI. */
export function isNode(resource: string, { nodeActor, nodeHandle }: Addresses): boolean {
  const text = decodeAgain(resource.trim())
    .replace(/^(acct:)?@?/i, '')
    .toLowerCase()
  return text === nodeHandle().toLowerCase() || text === nodeActor().toLowerCase()
}

/** GNU social, and templates inside templates, encode twice. */
function decodeAgain(text: string): string {
  if (!/%[0-9a-f]{2}/i.test(text)) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** Whether a text could name a resource at all: an account, or an absolute URI. Anything else is a bad request (W2). */
export function isResource(resource: string): boolean {
  const text = decodeAgain(resource.trim())
  return /^@?[^@\s/]+@[^@\s/]+$/.test(text) || /^[a-z][a-z0-9+.-]*:\S+$/i.test(text)
}
