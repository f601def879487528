/** A signed request of the node to its own inbox, through the outside: whatever a proxy changes of it, it changes of everybody's (W6). */
import type { Check } from '../model/check.ts'
import { AS, TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { failure, ok } from './checking.ts'
import { type AtInbox, closeEcho, findArrival, fingerprint, openEcho } from './echo.ts'
import { describeLook, look } from './look.ts'
import { findSigner, signRequest } from './sign.ts'

const TIMEOUT_MS = 8_000

export async function checkSignature(tools: Tools): Promise<Check[]> {
  const { addresses, clock } = tools
  const token = await openEcho(tools)
  try {
    const url = addresses.sharedInbox()
    // letters and signs that whoever writes it anew writes differently
    const body = Buffer.from(
      JSON.stringify({
        '@context': AS,
        id: addresses.echo(token),
        type: 'View',
        actor: addresses.nodeActor(),
        object: addresses.nodeActor(),
        content: '<p>ä  &amp; "§"</p>\n'
      })
    )
    const signer = await findSigner(tools)
    const sent = signRequest(signer, 'cavage', { method: 'POST', url: new URL(url), body }, clock())
    const looked = await look(tools, url, '*/*', {
      ...{ method: 'POST', body, headers: { 'content-type': TYPE.activity, ...sent } },
      ...{ redirects: 0, timeout: TIMEOUT_MS }
    })
    const arrived = await findArrival(tools, token, 'inbox')
    if (arrived === undefined) {
      const sentence = `A signed request to ${url} does not arrive as it was sent: ${describeLook(looked)}.`
      return [failure('signature', sentence, LET_THROUGH, looked.seen)]
    }
    return compare(new URL(url), sent, fingerprint(body), arrived)
  } finally {
    await closeEcho(tools, token)
  }
}

const LET_THROUGH =
  'See what the proxy before the node does with POST requests of type application/activity+json: it must hand them on as they are.'
const HOST =
  'Let the proxy hand on the Host that it was asked for: in nginx `proxy_set_header Host $host;`, in Apache `ProxyPreserveHost On`. Or set TRUST_PROXY to the number of proxies, if they send X-Forwarded-Host.'
const HEADERS = 'Let the proxy hand on the headers Date, Digest and Signature as they are.'
const BODY =
  'Switch off whatever reads or rewrites bodies before they reach the node, such as a firewall for web applications, at least for /inbox.'
const PATH = 'Let the proxy hand on the path as it is: in nginx a `proxy_pass` without a slash at its end.'

/** What arrived in another form than it was sent; or, when all is the same, what is wrong nevertheless. */
function compare(url: URL, sent: Record<string, string>, body: string, { headers, target, wrong, ...arrived }: AtInbox): Check[] {
  const changed = (part: string, cure: string, now = 'nothing') =>
    failure('signature', `On the way to ${url.host} ${part} is changed: ${now.slice(0, 100)} arrives.`, cure)
  const found = [
    ...(headers.host?.toLowerCase() === url.host ? [] : [changed('Host', HOST, headers.host)]),
    ...['date', 'digest', 'signature'].flatMap(name =>
      headers[name] === sent[name] ? [] : [changed(nameOf(name), HEADERS, headers[name])]
    ),
    ...(arrived.body === body ? [] : [failure('signature', `On the way to ${url.host} the body of a request is changed.`, BODY)]),
    ...(target === url.pathname ? [] : [changed('the path', PATH, target)])
  ]
  if (found.length > 0) return found
  if (wrong === undefined) return [ok('signature', 'A signed request arrives as it was sent.')]
  return [failure('signature', `A signed request arrives, but is not believed: ${wrong}`, LET_THROUGH)]
}

const nameOf = (header: string): string => `${header[0]!.toUpperCase()}${header.slice(1)}`
