/** What the small doubles of old servers share: ann, her note and her hub on loopback. How each reads and signs is its own (section Z). */
import { createHmac, type KeyObject, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { keyObject } from '../../../src/protocol/magic.ts'
import { NS, REL, TYPE } from '../../../src/protocol/names.ts'
import { authorXml, entryXml, feedXml, linkXml } from '../atom-documents.ts'
import { readBody, serve } from '../loopback.ts'
import { makePair, type Pair } from '../slaps.ts'

export type Me = { origin: string; host: string; uri: string; feed: string; note: string; key: string }
/** An envelope in the parts that a server of 2012 cut it into. */
export type Parts = { data: string; signature: Buffer }

export type Rules = {
  bits: number
  /** Her descriptor, whatever Accept asks for. */
  describe(me: Me): { type: string; body: string }
  /** By which name of the author the key is asked for, as it is put into the address: escaped, or as it is. */
  author(payload: string): string
  /** Relations that our descriptor must have, beside the key, and whether of several links of one the last counts. */
  needs?: string[]
  lastLink?: true
  verify(parts: Parts, key: KeyObject): boolean
  sign(payload: Buffer, pair: Pair): string
  /** Links by which somebody is meant. */
  mention: string
  /** What it sends to a hub beside mode, topic, callback and secret; what the hub must answer, and must ask. */
  asks: Record<string, string>
  accepted: number[]
  confirms(query: URLSearchParams): boolean
  /** What it answers to a question that it does not confirm; 404 unless given. */
  refuses?: number
  /** Path of its hub, if it tells the kind of server; and how that is left: never, or only by whoever has the token of the subscription. */
  hub?: string
  leaving?: 'never' | 'by token'
  /** The only verb of an unfollow that it knows; that of OStatus unless given. */
  unfollow?: string
  /** How a delete goes to subscribers. */
  bareDelete?: true
}

export type Peer = Awaited<ReturnType<typeof startPeer>>

/** The first of its kind in the text, as sloppy readers have it. */
export const first = (xml: string, name: string): string => new RegExp(`<${name}(?: [^>]*)?>([^<]*)`).exec(xml)?.[1] ?? ''
const hmac = (secret: string, body: string | Buffer) => `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`
const form = (fields: Record<string, string>) => ({
  method: 'POST',
  headers: { 'content-type': TYPE.form },
  body: new URLSearchParams(fields).toString()
})

/** @param resolve where an address of our node is really found */
export async function startPeer(rules: Rules, resolve: (url: string) => string) {
  const pair = makePair(rules.bits)
  const known = new Set<string>()
  const taken: string[] = []
  const refused: string[] = []
  const questions: string[] = []
  const secret = randomBytes(16).toString('hex')
  let subscriber: { callback: string; secret: string; token: string } | undefined
  const hubPath = rules.hub ?? '/hub'
  const server = await serve(async (request, response) => {
    const { status = 200, type = 'text/plain', body = '' } = await answer(request, await readBody(request))
    response.writeHead(status, { 'content-type': type }).end(body)
  })
  const { origin } = server
  const me: Me = {
    origin,
    host: new URL(origin).host,
    uri: `${origin}/users/ann`,
    feed: `${origin}/ann.atom`,
    note: `${origin}/notes/1`,
    key: pair.magicKey
  }
  known.add(me.note)
  const head = `<id>${me.feed}</id><title>ann</title>${authorXml(me.uri)}${linkXml('self', me.feed)}${linkXml('hub', origin + hubPath)}${linkXml('salmon', `${origin}/salmon`)}`
  const dated = (id: string, inner: string) => `<id>${id}</id><updated>${new Date().toISOString()}</updated>${authorXml(me.uri)}${inner}`

  type Reply = { status?: number; type?: string; body?: string | Buffer }
  async function answer(request: IncomingMessage, body: string): Promise<Reply> {
    const { pathname, searchParams } = new URL(request.url ?? '', origin)
    if (pathname === '/.well-known/webfinger') return rules.describe(me)
    if (pathname === '/ann.atom')
      return { type: TYPE.atom, body: feedXml(`${head}<entry>${dated(me.note, '<content>hello</content>')}</entry>`) }
    if (pathname === hubPath) return hub(new URLSearchParams(body))
    if (pathname === '/salmon') return { status: await takeSlap(request.headers['content-type'], body) }
    if (pathname !== '/callback') return { status: 404 }
    if (request.method === 'GET') {
      questions.push(searchParams.get('hub.mode') ?? '')
      return rules.confirms(searchParams) ? { body: searchParams.get('hub.challenge') ?? '' } : { status: rules.refuses ?? 404 }
    }
    if (request.headers['x-hub-signature'] !== hmac(secret, body)) refused.push('a push with a wrong signature')
    else if (/<feed[ >]/.test(body)) for (const [entry] of body.matchAll(/<entry>[\s\S]*?<\/entry>/g)) taken.push(`push ${act(entry)}`)
    return {}
  }

  async function takeSlap(type: string | undefined, body: string): Promise<number> {
    try {
      if (type !== TYPE.magicEnvelope) throw new Error(`the type is ${type}`)
      const parts = { data: first(body, 'me:data'), signature: Buffer.from(first(body, 'me:sig'), 'base64url') }
      const payload = Buffer.from(parts.data, 'base64url').toString()
      const links = await linksOf(rules.author(payload))
      for (const rel of [REL.magicKey, ...(rules.needs ?? [])]) if (!links.has(rel)) throw new Error(`there is no ${rel}`)
      const key = links.get(REL.magicKey)!
      if (!rules.verify(parts, keyObject(key))) throw new Error('the signature is wrong')
      const verb = first(payload, 'activity:verb')
      if (/unfollow$/.test(verb) && verb !== (rules.unfollow ?? `${NS.ostatus}/unfollow`)) throw new Error(`${verb} is unknown`)
      if (!concerns(payload)) throw new Error(`it is not for ann: ${payload}`)
      taken.push(`slap ${act(payload)}`)
      return 202
    } catch (error) {
      refused.push((error as Error).message)
      return 400
    }
  }

  /** Relation -> address, in our descriptor of somebody. */
  async function linksOf(resource: string): Promise<Map<string, string>> {
    const described = await fetch(resolve(`https://tidings.example/.well-known/webfinger?resource=${resource}`))
    const { links } = (await described.json()) as { links: { rel: string; href: string }[] }
    // a map keeps the last of those that are put into it
    return new Map((rules.lastLink ? links : links.reverse()).map(({ rel, href }) => [rel, href]))
  }

  /** The verb and the first id: of a delete that of what is gone, of an act that of what it is about. */
  function act(entry: string): string {
    const verb = first(entry, 'activity:verb').replace(/^http:\/\/(activitystrea\.ms\/schema|ostatus\.org\/schema)\/1\.0\//, '')
    const about = first(/<activity:object>[\s\S]*/.exec(entry)?.[0] ?? entry, 'id')
    if (verb === 'post') known.add(first(entry, 'id'))
    return `${verb} ${verb === 'post' || verb === 'delete' ? first(entry, 'id') : about}`
  }
  function concerns(payload: string): boolean {
    const about = first(/<activity:object>[\s\S]*/.exec(payload)?.[0] ?? '', 'id')
    const parent = /<thr:in-reply-to [^>]*ref="([^"]*)/.exec(payload)?.[1] ?? ''
    const meant = payload.match(/<link [^>]*>/g)?.some(link => link.includes(`rel="${rules.mention}"`) && link.includes(`href="${me.uri}"`))
    return Boolean(meant) || known.has(parent) || known.has(about) || about === me.uri
  }

  async function hub(asked: URLSearchParams): Promise<Reply> {
    const told = (name: string) => asked.get(`hub.${name}`) ?? ''
    const [mode, callback, token] = [told('mode'), told('callback'), told('verify_token')]
    const leaves = mode === 'unsubscribe'
    if (leaves && rules.leaving === 'never') return { status: 500 }
    if (leaves && rules.leaving === 'by token' && token !== subscriber?.token) return { status: 404 }
    const query = { 'hub.mode': mode, 'hub.topic': told('topic'), 'hub.challenge': 'c4f3', 'hub.verify_token': token }
    setImmediate(async () => {
      const echoed = await (await fetch(resolve(`${callback}?${new URLSearchParams(query)}`))).text()
      if (echoed === 'c4f3') subscriber = leaves ? undefined : { callback, secret: told('secret'), token }
    })
    return { status: 202 }
  }

  return {
    ...{ me, taken, refused, questions, close: server.close, isSubscribed: () => subscriber !== undefined },
    /** Subscribes to a topic of ours, or no longer. Answers whether our hub said what this server waits for. */
    async subscribe(topic: string, mode: 'subscribe' | 'unsubscribe' = 'subscribe'): Promise<boolean> {
      const fields = { 'hub.mode': mode, 'hub.topic': topic, 'hub.callback': `${origin}/callback`, 'hub.secret': secret, ...rules.asks }
      return rules.accepted.includes((await fetch(resolve('https://tidings.example/hub'), form(fields))).status)
    },
    /** Posts an entry of hers to an endpoint. @returns the status */
    async slap(endpoint: string, id: string, inner: string): Promise<number> {
      const body = rules.sign(entryXml(dated(id, inner)), pair)
      return (await fetch(resolve(endpoint), { method: 'POST', headers: { 'content-type': TYPE.magicEnvelope }, body })).status
    },
    /** Pushes an entry of hers to us. @param key what it is signed with, if not with our secret */
    async push(id: string, inner: string, key = subscriber!.secret): Promise<void> {
      const bare = rules.bareDelete && inner.includes('delete')
      const body = bare ? entryXml(dated(id, inner)) : feedXml(`${head}<entry>${dated(id, inner)}</entry>`)
      const headers = { 'content-type': TYPE.atom, 'x-hub-signature': hmac(key, body) }
      await fetch(resolve(subscriber!.callback), { method: 'POST', headers, body: new Uint8Array(body) })
    }
  }
}
