/** The only client (D7, D14, I15): which hop follows, who may be asked, how much and how long. */
import { promises as dns } from 'node:dns'
import type { Agent } from 'undici'
import { BadMessage, Refused, Unreachable } from '../model/errors.ts'
import { type Certificate, type Lookup, makeAgent, readCertificate } from './connect.ts'
import { exchange, outageOf, type Question, type Reply } from './exchange.ts'
import { type Guard, isLocalhost, LOOPBACK, literalAddress } from './guard.ts'
import { makeFailures, makeTurns } from './hosts.ts'

/** What a caller asks of the one way out. */
export type HttpRequest = {
  method?: 'GET' | 'POST' | 'PUT' | 'HEAD'
  headers?: Record<string, string>
  body?: Buffer | string
  /** Headers for each hop by itself: signatures, which hold for one address. */
  sign?: (hop: URL) => Record<string, string>
  /** Bytes taken at most, after inflation. More is a BadMessage (413), or is cut off when `discard` is set. Default 1 MB. */
  maxBytes?: number
  /** The answer's body is of no interest: at most 4 kB of it are read, `body` is empty. */
  discard?: boolean
  /** Milliseconds in all, redirects included. Default 10 000. */
  timeout?: number
  /** Redirects followed at most; 0 gives the redirect itself as the answer. Default 3. A POST or PUT follows only 307 and 308. */
  redirects?: number
  /** Whether plain http may be used: 'never' in discovery (unless ALLOW_HTTP, or the address lies in ALLOW_ADDRESSES). Default 'allowed'. */
  plainHttp?: 'allowed' | 'never'
  /** A GET that does not wait for its turn at the host, nor heeds its past failures: whoever sets it has limits of its own. */
  wide?: boolean
  /** Whether our own origin may be asked, which otherwise would be a loop (X29): for `doctor` alone. */
  allowOwn?: boolean
}

/** What came back, whatever the status. */
export type HttpAnswer = {
  status: number
  /** Where it finally came from. */
  url: string
  /** Names in lower case; repeated ones joined by a comma. */
  headers: Record<string, string>
  body: Buffer
  /** True when every hop was https, or lay inside ALLOW_ADDRESSES: only then may it tell a key. */
  trusted: boolean
  /** URLs that redirected, in order, with their status. */
  hops: { url: string; status: number }[]
}

/**
 * The only client. Throws Refused (an address, port or scheme that may not be reached; a downgrade; too many hops), BadMessage
 * (longer than `maxBytes`), Unreachable (no answer, time-out, broken line; also from the negative cache).
 */
export type Http = {
  request(url: string, options?: HttpRequest): Promise<HttpAnswer>
  /** Whether a URL lies inside ALLOW_ADDRESSES: such peers reach us even on a loopback origin. */
  isListed(url: string): Promise<boolean>
  /** Why a URL would be refused at first sight, without looking its name up; undefined when nothing speaks against it. */
  refusal(url: string): string | undefined
  /**
   * The certificate of an https address, whether or not it is good: for `doctor` alone, who may ask it of our own origin.
   * @throws Refused, Unreachable when there is no TLS
   */
  certificate(url: string): Promise<Certificate>
  close(): Promise<void>
}

export type { Certificate } from './connect.ts'

export type HttpOptions = {
  guard: Guard
  /** ALLOW_HTTP: whether plain http will do where `plainHttp` says never. */
  allowHttp: boolean
  /** NAME/VERSION (+https://ourhost/) (D14). */
  userAgent: string
  /** Milliseconds; how long failures are remembered is measured by it. */
  clock: () => number
  /** PUBLIC_URL: asking ourselves is refused (X29), except inside ALLOW_ADDRESSES. */
  ownOrigin?: string
  /** All addresses of a name. Default: as this machine resolves names, its hosts file included. */
  lookup?: Lookup
  /** GETs at a time for one host (name and port). Default 2. POSTs are not counted. */
  getsPerHost?: number
}

const systemLookup: Lookup = async host => (await dns.lookup(host, { all: true })).map(found => found.address)

/**
 * The client. A GET follows redirects, waits for its turn at the host and remembers hosts that cannot be reached; a POST goes out
 * at once, whatever was remembered. Every hop is checked, and every socket goes to an address that was checked: no second look-up.
 */
export function makeHttp(options: HttpOptions): Http {
  const { guard, userAgent } = options
  const resolve = makeResolver(guard, options.lookup ?? systemLookup)
  const agents = { open: makeAgent(resolve, guard.isAllowed), listed: makeAgent(resolve, guard.isListed) }
  const isListed = makeListing(guard, resolve)
  const checkHop = makeHopCheck(options)
  const visit = makeVisit(options)
  return {
    async request(first, ask = {}) {
      const deadline = performance.now() + (ask.timeout ?? 10_000)
      const hops: HttpAnswer['hops'] = []
      let headers = writeHeaders(userAgent, ask)
      let trusted = true
      let url = guard.checkUrl(first)
      for (;;) {
        const listed = await isListed(url)
        if (!listed) checkHop(url, ask)
        trusted &&= listed || url.protocol === 'https:'
        const reply = await visit(
          listed ? agents.listed : agents.open,
          listed,
          questionOf(ask, url, ask.sign === undefined ? headers : { ...headers, ...ask.sign(url) }),
          deadline,
          ask.wide
        )
        const next = nextHop(ask, url, reply, hops)
        if (next === undefined) return { status: reply.status, url: url.href, headers: reply.headers, body: reply.body, trusted, hops }
        hops.push({ url: url.href, status: reply.status })
        if (next.origin !== url.origin) headers = withoutSecrets(headers)
        url = guard.checkUrl(next.href)
      }
    },
    isListed: async url => URL.canParse(url) && isListed(new URL(url)),
    refusal(url) {
      try {
        guard.checkUrl(url)
        return undefined
      } catch (error) {
        return (error as Error).message
      }
    },
    async certificate(text) {
      const url = guard.checkUrl(text)
      return readCertificate(url, resolve, (await isListed(url)) ? guard.isListed : guard.isAllowed)
    },
    async close() {
      await Promise.all([agents.open.destroy(), agents.listed.destroy()])
    }
  }
}

/** Whether a URL lies inside ALLOW_ADDRESSES. The agent of the listed holds it to that when it connects. */
function makeListing(guard: Guard, resolve: Lookup) {
  return async ({ hostname }: URL): Promise<boolean> => {
    if (!guard.hasList) return false
    const ip = literalAddress(hostname)
    if (ip !== undefined) return guard.isListed(ip)
    const found = await resolve(hostname).catch((): string[] => [])
    return found.length > 0 && found.every(guard.isListed)
  }
}

/** What holds for every hop outside ALLOW_ADDRESSES, besides the guard. */
function makeHopCheck({ allowHttp, ownOrigin }: HttpOptions) {
  const own = ownOrigin === undefined ? undefined : new URL(ownOrigin).origin
  return (url: URL, ask: HttpRequest): void => {
    if (url.origin === own && ask.allowOwn !== true) throw new Refused('That is an address of this node itself.')
    if (!allowHttp) checkScheme(url, ask)
  }
}

const isWrite = (method?: string): boolean => method === 'POST' || method === 'PUT'

/** One hop: a POST or PUT goes out at once, anything else in its turn and to a host that is not known to be down. */
function makeVisit({ clock, getsPerHost = 2 }: HttpOptions) {
  const failures = makeFailures(clock)
  const inTurn = makeTurns(getsPerHost)
  return async (agent: Agent, listed: boolean, question: Question, deadline: number, wide = false): Promise<Reply> => {
    if (wide || isWrite(question.method)) return exchange(agent, question, left(deadline))
    const { host, origin } = question.url
    // a LAN and the tests start their servers again at any moment: nothing is remembered of them
    const known = listed ? undefined : failures.recall(origin)
    if (known !== undefined) throw new Unreachable(known)
    return inTurn(host, left(deadline), async () => {
      try {
        return await exchange(agent, question, left(deadline))
      } catch (error) {
        const outage = listed ? 0 : outageOf(error)
        if (outage > 0) failures.note(origin, (error as Error).message, outage)
        throw error
      }
    })
  }
}

function questionOf(ask: HttpRequest, url: URL, headers: Record<string, string>): Question {
  const { method = 'GET', body = null, maxBytes = 1_000_000, discard = false } = ask
  return { method, url, headers, body, maxBytes, discard }
}

const left = (deadline: number): number => Math.max(1, deadline - performance.now())

/**
 * Where an answer sends us (D7), or undefined when it is the answer itself: 301, 302, 303, 307 and 308 alike for GET, only 307 and
 * 308 for a POST, which is repeated. A fragment is cut off.
 * @param hops what redirected before, in order
 * @throws Refused for a hop from https to http, a URL that was asked already, one hop too many; BadMessage for a Location that is no URL
 */
export function nextHop(
  ask: Pick<HttpRequest, 'method' | 'redirects'>,
  url: URL,
  reply: { status: number; headers: Record<string, string> },
  hops: HttpAnswer['hops']
): URL | undefined {
  const { location } = reply.headers
  const followed = isWrite(ask.method) ? [307, 308] : [301, 302, 303, 307, 308]
  const most = ask.redirects ?? 3
  if (location === undefined || most === 0 || !followed.includes(reply.status)) return undefined
  const next = URL.parse(location, url.href)
  if (next === null) throw new BadMessage(`${url.host} redirects to something that is not a URL.`)
  next.hash = ''
  if (url.protocol === 'https:' && next.protocol === 'http:') throw new Refused(`${url.host} redirects from https to plain http.`)
  if (next.href === url.href || hops.some(hop => hop.url === next.href)) throw new Refused(`${url.host} redirects in a circle.`)
  if (hops.length >= most) throw new Refused(`${url.host} redirects once more after ${most} redirects.`)
  return next
}

/** Refuses plain http where only https can prove anything. @throws Refused */
export function checkScheme(url: URL, ask: Pick<HttpRequest, 'plainHttp'>): void {
  if (ask.plainHttp === 'never' && url.protocol === 'http:') throw new Refused(`${url.host} may only be asked by https here.`)
}

function writeHeaders(userAgent: string, ask: HttpRequest): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': userAgent }
  if (ask.discard !== true) headers['accept-encoding'] = 'gzip, deflate, br'
  for (const name in ask.headers) headers[name.toLowerCase()] = ask.headers[name]!
  // undici would take the name of the certificate from it; it is always that of the URL
  delete headers.host
  return headers
}

const withoutSecrets = ({ authorization: _, ...headers }: Record<string, string>): Record<string, string> => headers

function makeResolver(guard: Guard, lookup: Lookup): Lookup {
  return async host => {
    if (!isLocalhost(host)) return lookup(host)
    const listed = LOOPBACK.filter(guard.isListed)
    return listed.length > 0 ? listed : LOOPBACK
  }
}
