/**
 * Which addresses may be reached (I15, X23, X28): only the public internet, and what the owner has opened by ALLOW_ADDRESSES.
 * Pure: whoever opens a socket asks `isAllowed` of the very address that it connects to, and `checkUrl` of every URL before.
 */
import { BlockList, isIP } from 'node:net'
import { BadMessage, Refused } from '../model/errors.ts'

export type Guard = ReturnType<typeof makeGuard>

const MAX_URL = 2048

/** Ports of X28 from 1024 on that are no web servers: SQL Server, MySQL, PostgreSQL, Redis, Elasticsearch, memcached, MongoDB. */
const NAMED_SERVICES = new Set([1433, 3306, 5432, 6379, 9200, 11211, 27017])

/** The IANA special-purpose registries, IPv4. */
const RESERVED_4 = [
  '0.0.0.0/8', // this host on this network, RFC 791 3.2
  '10.0.0.0/8', // private, RFC 1918
  '100.64.0.0/10', // carrier-grade NAT, RFC 6598
  '127.0.0.0/8', // loopback, RFC 1122 3.2.1.3
  '169.254.0.0/16', // link-local, clouds' metadata, RFC 3927
  '172.16.0.0/12', // private, RFC 1918
  '192.0.0.0/24', // protocol assignments, RFC 6890 2.1
  '192.0.2.0/24', // documentation, RFC 5737
  '192.88.99.0/24', // 6to4 relays, RFC 7526
  '192.168.0.0/16', // private, RFC 1918
  '198.18.0.0/15', // benchmarks, RFC 2544
  '198.51.100.0/24', // documentation, RFC 5737
  '203.0.113.0/24', // documentation, RFC 5737
  '224.0.0.0/4', // multicast, RFC 5771
  '240.0.0.0/4' // reserved and broadcast, RFC 1112 4 and RFC 919 7
]

/**
 * IPv6: all but global unicast (2000::/3, RFC 4291 2.4), and what is special within it. An IPv4 address inside an IPv6 one is
 * refused even when it is public: nobody publishes such an AAAA record, and each form is one more way to spell a private address.
 */
const RESERVED_6 = [
  '::/3', // ::, ::1, IPv4-compatible and -mapped (RFC 4291 2.5), -translated (RFC 2765), NAT64 (RFC 6052, 8215), 100::/64 (RFC 6666)
  '4000::/2', // unassigned; segment routing 5f00::/16, RFC 9602
  '8000::/1', // fc00::/7 (RFC 4193), fe80::/10 (RFC 4291), fec0::/10 (RFC 3879), ff00::/8 (RFC 4291)
  '2001::/23', // protocol assignments, RFC 2928; Teredo 2001::/32, RFC 4380; ORCHID, RFC 7343
  '2001:db8::/32', // documentation, RFC 3849
  '2002::/16', // 6to4, RFC 3056
  '3fff::/20' // documentation, RFC 9637
]

/**
 * @param options.allow CIDRs or single addresses that may be reached although they are not public (ALLOW_ADDRESSES)
 * @throws BadMessage when one of them is not a CIDR
 */
export function makeGuard({ allow }: { allow: string[] }) {
  const isListed = makeMatcher(allow)
  const isReserved = makeMatcher([...RESERVED_4, ...RESERVED_6])
  const isAllowed = (ip: string) => isIP(ip) !== 0 && (isListed(ip) || !isReserved(ip))

  /**
   * Reads a URL and refuses what may not be asked for: another scheme, credentials, a host that ends in a dot, a port of X28, a literal address that is not
   * public in whichever spelling (the URL standard has made them one), more than 2,048 characters. Names are checked when they
   * are resolved. The fragment, which is never sent, is cut off.
   * @throws BadMessage, Refused
   */
  const checkUrl = (text: string): URL => {
    const url = URL.parse(text)
    if (url === null) throw new BadMessage('This is not a complete URL.')
    if (url.hash !== '') url.hash = ''
    if (text.length > MAX_URL || url.href.length > MAX_URL) throw new Refused('The URL is longer than 2,048 characters.')
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Refused('Only http and https URLs are fetched.')
    // the root is no part of the name: with it every host would have two, and one of them could be blocked in vain (X13)
    if (url.hostname.endsWith('.')) throw new Refused('The name of the host ends in a dot.')
    if (url.username !== '' || url.password !== '') throw new Refused('The URL contains a user name or password.')
    const ip = literalAddress(url.hostname)
    if (ip !== undefined && !isAllowed(ip)) throw new Refused(`${url.hostname} is not a public address.`)
    const open = (ip !== undefined && isListed(ip)) || (isLocalhost(url.hostname) && LOOPBACK.some(isListed))
    if (!isPortAllowed(url.port, open)) throw new Refused(`Port ${url.port} may not be reached.`)
    return url
  }

  return {
    /** Whether anything that is not public was opened at all. */
    hasList: allow.length > 0,
    /** Whether this address (no name) may be connected to. */
    isAllowed,
    /** Whether this address lies inside ALLOW_ADDRESSES. */
    isListed,
    checkUrl
  }
}

/** What `localhost` means here without asking anybody (RFC 6761 6.3). */
export const LOOPBACK = ['127.0.0.1', '::1']

export const isLocalhost = (host: string): boolean => /^(.*\.)?localhost\.?$/.test(host)

/** The address that a URL's hostname is, without brackets; undefined for a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 ? undefined : bare
}

function isPortAllowed(port: string, open: boolean): boolean {
  const number = Number(port)
  if (port === '' || number === 80 || number === 443) return true
  return number >= 1024 && (open || !NAMED_SERVICES.has(number))
}

// One list for each family: a BlockList holds IPv4 addresses against IPv6 ranges too, and ::/3 would contain them all.
function makeMatcher(ranges: string[]): (ip: string) => boolean {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const range of ranges) {
    const [address = '', prefix, ...rest] = range.split('/')
    const family = familyOf(address)
    const bits = prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix)
    const known = isIP(address) !== 0 && !address.includes('%') && rest.length === 0 && prefix !== ''
    if (!known || !Number.isInteger(bits) || bits < 0 || bits > (family === 'ipv4' ? 32 : 128)) {
      throw new BadMessage(`“${range}” is not a range of addresses like 127.0.0.0/8.`)
    }
    lists[family].addSubnet(address, bits, family)
  }
  return ip => isIP(ip) !== 0 && lists[familyOf(ip)].check(ip, familyOf(ip))
}

const familyOf = (ip: string): 'ipv4' | 'ipv6' => (isIP(ip) === 4 ? 'ipv4' : 'ipv6')
