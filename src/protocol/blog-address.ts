/** Addresses of a blog's pages: under which key each is known, what visitors may ask for, what is a post (requirements T7, X39). */
import { domainToUnicode } from 'node:url'
import { BadMessage } from '../model/errors.ts'
import type { Pattern } from '../model/patterns.ts'
import { readHost } from './acct.ts'
import { withoutRoot } from './web-address.ts'

const LONGEST = 2048
/** Of a query that are held against a pattern. */
const MOST_PARAMETERS = 50
/** Parameters that say where a visitor came from, and nothing of the page. */
const TRACKING =
  /^(?:(?:utm|mtm|pk|piwik|hsa)_\w+|(?:fb|g|d|tw|tt|y)clid|msclkid|gbraid|wbraid|mc_[ce]id|igsh(?:id)?|ref_(?:src|url)|_hs(?:enc|mi)|_g[al]|mkt_tok|vero_id|li_fat_id)(?:=|$)/i

/**
 * The key under which the page of an http(s) address is known: host, port unless it is usual, path and query. Scheme, user,
 * password, fragment and one slash at the end of the path are no part of it, nor does it matter how a letter is written, or how many
 * slashes stand between two names (RFC 3986 6.2.2.2; servers give the same page).
 * @throws BadMessage for any other address
 */
export function pageKey(address: string): string {
  const url = parseWebUrl(address)
  if (url === undefined) throw new BadMessage('This is not the address of a web page.')
  const port = ['', '80', '443'].includes(url.port) ? '' : `:${url.port}`
  const path = url.pathname.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1')
  return `${withoutRoot(url.hostname)}${port}${plainLetters(path + url.search)}`
}

/** Letters, digits and `-._~` as they are, whatever else is percent-encoded in one way. */
const plainLetters = (address: string): string =>
  address.replace(/%([\da-f]{2})/gi, (code, hex: string) => {
    const letter = String.fromCharCode(Number.parseInt(hex, 16))
    return /[\w.~-]/.test(letter) ? letter : code.toUpperCase()
  })

/**
 * An address without those parts of its query that a pattern can do without: the one under which a page is known that does not tell
 * its address itself. Whoever adds parameters leads to no other page, and a pattern that would take any parameter asks for none.
 * @param matches whether an address fits the pattern
 */
export function withoutQuery(address: string, matches: (address: string) => boolean): string {
  const url = new URL(address)
  const bare = (parameters: string[]) => {
    url.search = parameters.join('&')
    return url.href
  }
  let kept = url.search.slice(1).split('&')
  if (matches(bare([])) || matches(bare(['any-other=1']))) return bare([])
  for (const parameter of kept.slice(0, MOST_PARAMETERS).reverse()) {
    const fewer = kept.toSpliced(kept.lastIndexOf(parameter), 1)
    if (matches(bare(fewer))) kept = fewer
  }
  return bare(kept)
}

/** The same address by https instead of http, or the reverse. */
export const otherScheme = (address: string): string => address.replace(/^http(s?):/, (_, s: string) => (s === '' ? 'https:' : 'http:'))

/**
 * An address as a stranger's browser sends it, without user, password, fragment and tracking parameters; `bare` is without any
 * query. Undefined for what is not http(s), longer than 2,048 characters, or written to be read differently by different readers.
 */
export function cleanAddress(raw: string): { url: string; bare: string } | undefined {
  const text = raw.trim()
  if (text.length > LONGEST || /[\s\p{C}\\]/u.test(text)) return undefined
  const url = parseWebUrl(text)
  if (url === undefined || !cleanHost(url)) return undefined
  url.username = ''
  url.password = ''
  url.hash = ''
  const kept = url.search
    .replace(/^\?+/, '')
    .split('&')
    .filter(parameter => parameter !== '' && !TRACKING.test(parameter))
  url.search = kept.join('&')
  const { href } = url
  url.search = ''
  return href.length > LONGEST ? undefined : { url: href, bare: url.href }
}

/**
 * Whether an address is one of a blog's posts by its look: http(s), on the host of the blog or of the pattern, and matching.
 * Undefined when it lies on the blog's host and there is no pattern: then it is a post if feed or sitemap name it.
 */
export function isHandled({ pattern, blogUrl }: { pattern?: Pattern | undefined; blogUrl?: string | undefined }, address: string) {
  const url = parseWebUrl(address)
  const hosts = [blogUrl === undefined ? undefined : URL.parse(blogUrl)?.host, pattern?.host]
  if (url === undefined || url.username !== '' || url.password !== '' || !hosts.includes(url.host)) return false
  return pattern && spellings(url).some(spelling => pattern.matches(spelling))
}

/** An address as it is sent and as people read it: the owner may have written either into the pattern. */
function spellings(url: URL): string[] {
  try {
    return [url.href, decodeURI(url.href).replace(url.hostname, domainToUnicode(url.hostname))]
  } catch {
    return [url.href]
  }
}

function parseWebUrl(address: string): URL | undefined {
  const url = URL.parse(address)
  return url !== null && /^https?:$/.test(url.protocol) ? url : undefined
}

/** Takes the dot of the root away; false when the host is none that anybody has. */
function cleanHost(url: URL): boolean {
  try {
    url.hostname = readHost(url.hostname)
    return true
  } catch {
    return false
  }
}
