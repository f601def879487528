/** The server of a visitor: WebFinger that tells where it takes answers, and that page. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Loopback, serve } from './loopback.ts'

export const startVisitors = (): Promise<Loopback> => serve(answer)

/** `me` has a template; `plain` lives here too, and has none; `typo` does not. */
function answer(request: IncomingMessage, response: ServerResponse): unknown {
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
  const send = (status: number, type: string, body: string) => void response.writeHead(status, { 'content-type': type }).end(body)
  if (url.pathname === '/.well-known/webfinger') {
    const subject = url.searchParams.get('resource') ?? ''
    if (subject.includes('typo')) return send(404, 'text/plain', '')
    const links = [{ rel: 'http://ostatus.org/schema/1.0/subscribe', template: `http://${request.headers.host}/interact?uri={uri}` }]
    const self = { rel: 'self', type: 'application/activity+json', href: `http://${request.headers.host}/users/plain` }
    return send(200, 'application/jrd+json', JSON.stringify({ subject, links: subject.includes('plain') ? [self] : links }))
  }
  const isPage = url.pathname === '/interact' || url.pathname === '/authorize_interaction'
  return send(isPage ? 200 : 404, 'text/html', '<!doctype html><html lang="en"><title>Your own server</title>')
}
