/**
 * The written internet: URL -> answer, and a list of what was sent. It stands in for `net/http` in tests of verbs and keeps its
 * rules: redirects, limits, plain http in discovery. No socket is opened.
 */
import { BadMessage, Unreachable } from '../../src/model/errors.ts'
import { makeGuard } from '../../src/net/guard.ts'
import { checkScheme, type Http, type HttpRequest, nextHop } from '../../src/net/http.ts'

/** An answer. `redirectTo` makes it a redirect (302 unless `status` is given); `error` is thrown instead of any answer. */
export type Page = {
  status?: number
  headers?: Record<string, string>
  body?: string | Buffer
  error?: Error
  redirectTo?: string
}

/** What was sent; header names in lower case, the body as text. */
export type Sent = { method: string; url: string; headers: Record<string, string>; body: string }

export type PageOf = Page | ((request: Sent) => Page | Promise<Page>)

/**
 * @param pages keys are URLs with their query, or `METHOD URL`, which goes before. A host that no key names does not exist:
 * Unreachable; anything else on a known host is a 404.
 * @param options.allowHttp ALLOW_HTTP @param options.listed hosts (name and port) inside ALLOW_ADDRESSES
 */
export function makeInternet(pages: Record<string, PageOf> = {}, { allowHttp = false, listed = [] as string[] } = {}) {
  const written = new Map(Object.entries(pages).map(([key, page]) => [normal(key), page]))
  const sent: Sent[] = []
  const guard = makeGuard({ allow: [] })
  // A literal address that is listed is known here by its name only.
  const check = (text: string) => {
    const url = URL.parse(text)
    return url !== null && listed.includes(url.host) ? url : guard.checkUrl(text)
  }

  const answer = makeAnswering(written, sent)
  const request: Http['request'] = async (first, ask = {}) => {
    const hops: { url: string; status: number }[] = []
    let trusted = true
    let url = check(first)
    for (;;) {
      const known = listed.includes(url.host)
      if (!known && !allowHttp) checkScheme(url, ask)
      trusted &&= known || url.protocol === 'https:'
      const page = await answer(url, ask)
      if (page.error !== undefined) throw page.error
      const reply = replyOf(page)
      const next = nextHop(ask, url, reply, hops)
      if (next === undefined) return { ...reply, body: limited(page, url, ask), url: url.href, trusted, hops }
      hops.push({ url: url.href, status: reply.status })
      url = check(next.href)
    }
  }

  return {
    http: {
      request,
      isListed: async () => false,
      refusal: () => undefined,
      certificate: noCertificate,
      close: async () => {}
    } satisfies Http,
    sent,
    /** Writes or overwrites a page. */
    set: (key: string, page: PageOf) => void written.set(normal(key), page),
    /** `METHOD URL` of everything that was sent, in order. */
    requests: () => sent.map(request => `${request.method} ${request.url}`)
  }
}

const noCertificate: Http['certificate'] = async url => {
  throw new Unreachable(`${new URL(url).host} could not be reached: nothing answers at that port.`)
}

function makeAnswering(written: Map<string, PageOf>, sent: Sent[]) {
  const isKnown = (host: string) => [...written.keys()].some(key => new URL(key.slice(key.indexOf(' ') + 1)).host === host)
  return async (url: URL, ask: HttpRequest): Promise<Page> => {
    const headers = Object.fromEntries(
      Object.entries({ ...ask.headers, ...ask.sign?.(url) }).map(([name, value]) => [name.toLowerCase(), value])
    )
    const request = { method: ask.method ?? 'GET', url: url.href, headers, body: ask.body?.toString() ?? '' }
    sent.push(request)
    const found = written.get(`${request.method} ${url.href}`) ?? written.get(url.href)
    if (found !== undefined) return typeof found === 'function' ? await found(request) : found
    if (!isKnown(url.host)) throw new Unreachable(`${url.host} could not be reached: there is no such host.`)
    return { status: 404 }
  }
}

// A key is compared with the URL as it was sent: `https://a.example` is `https://a.example/`.
function normal(key: string): string {
  const [url = '', method] = key.split(' ').reverse()
  return method === undefined ? new URL(url).href : `${method} ${new URL(url).href}`
}

function replyOf(page: Page): { status: number; headers: Record<string, string> } {
  const headers = Object.fromEntries(Object.entries(page.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
  if (page.redirectTo !== undefined) headers.location = page.redirectTo
  return { status: page.status ?? (page.redirectTo === undefined ? 200 : 302), headers }
}

function limited(page: Page, url: URL, { maxBytes = 1_000_000, discard = false, method }: HttpRequest): Buffer {
  const body = Buffer.from(page.body ?? '')
  if (discard || method === 'HEAD') return Buffer.alloc(0)
  if (body.length > maxBytes) throw new BadMessage(`The answer of ${url.host} is longer than ${maxBytes} bytes.`, { status: 413 })
  return body
}
