/**
 * An evil server on loopback: it is whoever it wants to be, at any host below localhost, its victim too, and its answers hurt. What
 * is done with it stands in its flow test (section Z).
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { signBody } from '../../../src/protocol/hub.ts'
import { REL, TYPE } from '../../../src/protocol/names.ts'
import { authorXml, entryXml, feedXml, linkXml } from '../atom-documents.ts'
import { readBody, serve } from '../loopback.ts'
import { makePair, type Pair, sign, type Told } from '../slaps.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void
export type Evil = Awaited<ReturnType<typeof startEvil>>
export type Person = ReturnType<Evil['person']>

/** A descriptor as JSON. */
export type Described = { subject?: string; aliases?: string[]; links?: { rel: string; href: string }[] }

const BOMB = gzipSync(Buffer.alloc(50_000_000, ' '))
const LAUGHS = `<!DOCTYPE x [<!ENTITY a "ha">${Array.from({ length: 20 }, (_, n) => `<!ENTITY a${n} "&a${n - 1 || ''};&a${n - 1 || ''};">`).join('')}]><x>&a19;</x>`

const text = (type: string, body: string | Buffer, headers: Record<string, string> = {}): Answer => {
  return (_, response) => void response.writeHead(200, { 'content-type': type, ...headers }).end(body)
}
const redirect = (to: (request: IncomingMessage) => string): Answer => {
  return (request, response) => void response.writeHead(302, { location: to(request) }).end()
}
/** Says something over and over, until nobody listens. */
const repeat = (chunk: string, pause: number): Answer => {
  return (_, response) => {
    response.writeHead(200, { 'content-type': TYPE.jrd })
    const timer = setInterval(() => response.write(chunk), pause)
    response.on('close', () => clearInterval(timer))
  }
}

/** Answers that hurt whoever waits for their end, keeps them whole, or goes where they lead. @param trap a port on [::1] */
export const harms = (trap: number): Record<string, Answer> => ({
  silent: () => {},
  dripping: repeat(' ', 20),
  endless: repeat(' '.repeat(1_000_000), 1),
  huge: (_, response) => void response.writeHead(200, { 'content-length': 1_000_000_000 }).write('{'),
  inflated: text(TYPE.jrd, BOMB, { 'content-encoding': 'gzip' }),
  laughing: text(TYPE.xrd, LAUGHS),
  deep: text(TYPE.jrd, '['.repeat(200_000)),
  nested: text(TYPE.xrd, '<x>'.repeat(80_000)),
  noisy: text(TYPE.jrd, randomBytes(50_000)),
  cut: (_, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('{"subject":')
    setTimeout(() => response.destroy(), 20)
  },
  wordy: (_, response) => void response.writeHead(200, { 'x-words': 'x'.repeat(200_000) }).end(),
  circling: redirect(({ url }) => `${url}`),
  chained: redirect(({ url }) => `/${'n'.repeat((url ?? '').split('?')[0]!.length)}`),
  'leading to a metadata service': redirect(() => 'http://169.254.169.254/latest/meta-data'),
  'leading to a private network': redirect(() => 'http://10.0.0.1/'),
  'leading to another loopback': redirect(() => `http://[::1]:${trap}/`),
  'leading to an address in disguise': redirect(() => `http://0x0a000001:${trap}/`),
  'leading to a database': redirect(({ headers }) => `http://${headers.host?.split(':')[0]}:5432/`),
  'leading to a file': redirect(() => 'file:///etc/passwd')
})

/** Its hosts are there as soon as somebody lives at them. */
export async function startEvil() {
  const written = new Map<string, Answer>()
  const asked: string[] = []
  const server = await serve((request, response) => {
    const [host = '', path = ''] = [request.headers.host?.split('.')[0], request.url?.split('?')[0]]
    asked.push(`${host} ${request.method} ${path}`)
    const found = written.get(`${host} ${path}`) ?? written.get(host)
    if (found !== undefined) found(request, response)
    else response.writeHead(404).end()
  })

  /** Somebody at NAME.localhost. @param pair one's key, as long as one's descriptor tells no other */
  function person(name: string, pair: Pair = makePair()) {
    const host = `${name}.localhost:${server.port}`
    const origin = `http://${host}`
    const [uri, feed] = [`${origin}/users/${name}`, `${origin}/feed`]
    let count = 0
    let subscriber: { callback: string; secret: string } | undefined
    const head = `<id>${feed}</id><title>${name}</title>${authorXml(uri)}${linkXml('self', feed)}${linkXml('hub', `${origin}/hub`)}`
    const links = (key = pair) => [
      { rel: REL.updatesFrom, href: feed },
      { rel: REL.salmon, href: `${origin}/salmon` },
      { rel: REL.magicKey, href: `data:application/magic-public-key,${key.magicKey}` }
    ]
    const entry = (inner: string, { at = Date.now(), author = authorXml(uri), id = `${origin}/entries/${++count}` }: Told = {}) => {
      const date = new Date(at).toISOString()
      return `<id>${id}</id><published>${date}</published><updated>${date}</updated>${author}${inner}`
    }
    const me = {
      ...{ name, host, origin, uri, feed, pair, links, acct: `acct:${name}@${host}` },
      entry: (inner: string, told: Told = {}) => `<entry>${entry(inner, told)}</entry>`,
      /** An envelope. */
      slap: (inner: string, told: Told = {}): Buffer => sign(entryXml(entry(inner, told)), told.by ?? pair),
      /** What is answered at a path, or everywhere. */
      answers: (answer: Answer, path?: string) => void written.set(path === undefined ? name : `${name} ${path}`, answer),
      tells: (told: Described) => me.answers(text(TYPE.jrd, JSON.stringify(told)), '/.well-known/webfinger'),
      writes: (entries: string) => me.answers(text(TYPE.atom, feedXml(head + entries)), '/feed'),
      /** An entry as a document of its own. @returns its address */
      shows(path: string, inner: string): string {
        me.answers(text(TYPE.atom, entryXml(entry(inner, { id: origin + path }))), path)
        return origin + path
      },
      isSubscribed: () => subscriber !== undefined,
      /** What one's hub pushes. */
      async push(entries: string): Promise<void> {
        const body = feedXml(head + entries)
        const headers = { 'content-type': TYPE.atom, 'x-hub-signature': signBody('sha256', subscriber!.secret, body) }
        await fetch(subscriber!.callback, { method: 'POST', headers, body: new Uint8Array(body) })
      },
      /** How often one was asked, under a path or in all. */
      asked: (path = '') => asked.filter(line => line.startsWith(`${name} `) && line.includes(path)).length
    }
    me.tells({ subject: me.acct, aliases: [uri], links: links() })
    me.writes('')
    me.answers(async (request, response) => {
      const form = new URLSearchParams(await readBody(request))
      const [callback, topic, secret] = ['callback', 'topic', 'secret'].map(field => form.get(`hub.${field}`) ?? '') as [
        string,
        string,
        string
      ]
      response.writeHead(202).end()
      const query = new URLSearchParams({
        'hub.mode': 'subscribe',
        'hub.topic': topic,
        'hub.challenge': 'c4f3',
        'hub.lease_seconds': '86400'
      })
      if ((await (await fetch(`${callback}?${query}`)).text()) === 'c4f3') subscriber = { callback, secret }
    }, '/hub')
    return me
  }

  return { port: server.port, person, close: server.close }
}
