/** A proxy before a node, as its owner set it up: well, or not so well. */
import { createServer as createPlain, type IncomingMessage, request } from 'node:http'
import { createServer as createSecure } from 'node:https'
import { type Loopback, listen } from './loopback.ts'

/** What a proxy hands on instead of what it got; `undefined` in `headers` leaves one out. */
export type Meddling = (asked: { method: string; path: string; body: Buffer; headers: IncomingMessage['headers'] }) => {
  path?: string
  body?: Buffer
  headers?: Record<string, string | undefined>
}
export type MeddlingProxy = Loopback & { meddle(how?: Meddling): void; lead(target: string): void }

/** @param tls with a certificate */
export async function startProxy(tls?: () => { key: Buffer; cert: Buffer }): Promise<MeddlingProxy> {
  let meddling: Meddling = () => ({})
  let target = ''
  const answer: Parameters<typeof createPlain>[1] = async (asked, response) => {
    const parts: Buffer[] = []
    for await (const part of asked) parts.push(part)
    const before = { method: asked.method ?? 'GET', path: asked.url ?? '/', body: Buffer.concat(parts), headers: asked.headers }
    const { body = before.body, headers = {}, path = before.path } = meddling(before)
    const all = Object.entries({ ...asked.headers, ...headers, 'content-length': String(body.length) }).filter(
      ([, value]) => value !== undefined
    )
    const forwarded = request(
      `${target}${path}`,
      { method: before.method, headers: Object.fromEntries(all) as Record<string, string> },
      got => {
        response.writeHead(got.statusCode ?? 502, got.headers)
        got.pipe(response)
      }
    )
    forwarded.on('error', () => response.writeHead(502).end('no node')).end(body)
  }
  const server = await listen(tls === undefined ? createPlain(answer) : createSecure(tls(), answer))
  return {
    ...server,
    origin: tls === undefined ? server.origin : server.origin.replace('http:', 'https:'),
    meddle(how = () => ({})) {
      meddling = how
    },
    lead(to) {
      target = to
    }
  }
}
