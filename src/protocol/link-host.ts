/** Links whose text names one host and whose target lies on another: the target's host is shown behind them (X41, CVE-2023-36462). */
import { parse } from 'tldts'
import { escapeXml } from './xml.ts'

/** Names that no registry gives out, and people write nevertheless (RFC 6761, RFC 7686). */
const RESERVED = /\.(?:example|test|invalid|localhost|local|internal|onion)$/i
const ADDRESS = /\/\/[^\s/?#\\]+|\bwww\.[^\s/?#\\]+/gi
const BARE_HOST = /^[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?(?::\d{1,5})?(?=$|[/?#])/u

/**
 * @param html sanitised: every link is closed before the next begins, and `<`, `>` and `&` are escaped wherever they are text
 * @returns the same with ` (host)` behind each link that needs it. Asked twice it adds nothing more.
 */
export function showLinkHosts(html: string): string {
  return html.replace(/<a [^>]*?href="([^"]*)"[^>]*>(.*?)<\/a>/gs, (link, href: string, inside: string, at: number) => {
    const host = URL.parse(decode(href))?.host ?? ''
    const told = ` (${escapeXml(host)})`
    return host === '' || !hides(host, inside) || html.startsWith(told, at + link.length) ? link : link + told
  })
}

const decode = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')

/** Whether the text of a link looks like an address or a host that is not the one where it leads. Signs that nobody sees are no part of it. */
function hides(host: string, inside: string): boolean {
  const plain = decode(inside.replace(/<[^>]*>/g, '').replace(/\p{Cf}/gu, '')).trim()
  const named = [...plain.matchAll(ADDRESS)].map(([address]) => address.replace(/^\/\//, ''))
  const bare = BARE_HOST.exec(plain)?.[0]
  if (bare !== undefined && isHost(bare)) named.push(bare)
  return named.some(authority => authority.includes('@') || nameOf(authority.replace(/[.,;:!?)\]}'"”’»]+$/u, '')) !== nameOf(host))
}

function isHost(word: string): boolean {
  const name = word.replace(/:\d+$/, '')
  return name.includes('.') && (RESERVED.test(name) || parse(name).isIcann === true || /^\d+(\.\d+){3}$/.test(name))
}

/** A host as it is compared: ASCII, without port, and `www.` says nothing. */
const nameOf = (host: string): string => (URL.parse(`http://${host}`)?.hostname ?? host.toLowerCase()).replace(/^www\.|\.$/g, '')
