/**
 * A GNU social on loopback with one user, bob: it asks, answers and refuses as two real servers did (gnu-social.md). Like 2.0 it
 * finds an author by host-meta alone; like 1.20 it has no ActivityPub (`gnu-social-two.ts` adds that) and follows a profile URL with a
 * port.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Descriptor } from '../../../src/model/activity.ts'
import { readDescriptor } from '../../../src/protocol/descriptor.ts'
import { keyObject } from '../../../src/protocol/magic.ts'
import { NS, REL, TYPE } from '../../../src/protocol/names.ts'
import { attribute, child, children, text, type XmlElement } from '../../../src/protocol/xml.ts'
import { hrefs, parse } from '../atom.ts'
import { typeXml, verbXml } from '../atom-documents.ts'
import { readBody, serve } from '../loopback.ts'
import { followXml, makePair, type Pair, sign, unfollowXml } from '../slaps.ts'
import * as demanded from './gnu-social-demands.ts'
import { makeUser, noSuchUser, type Reply, send } from './gnu-social-user.ts'

/** What changes a message on its way to the double. `secret`: what pings are signed with. */
export type Tamper = (message: demanded.Message, secret: string) => demanded.Message

/** Somebody elsewhere, as kept. */
type Person = { uri: string; feed: string; hub: string; salmon: string; key: string }
/** `waits`: for our hub's question. */
type Subscription = { topic: string; owner: string; secret: string; waits: boolean }
type Via = 'salmon' | 'ping'
/** What was stored of an entry, once; `by` its author, `via` all the ways on which it came. */
export type Stored = { id: string; verb: string; by: string; object: string; parent: string; via: Set<Via> }

type Asked = { query: URLSearchParams; body: string; seen(kind: demanded.Kind): demanded.Message }
type Route = (asked: Asked) => Reply | Promise<Reply>
/** What else it answers, or in place of what it would. */
export type Before = (request: IncomingMessage, body: string) => Reply | undefined | Promise<Reply | undefined>

/** A ping that is thrown away is answered like any other (table 7). */
const REFUSED: Record<string, number> = {
  'GET /main/push/callback/1': 404,
  'POST /main/push/callback/1': 200,
  'POST /main/salmon/user/1': 400
}

/** A demand that was not met; the message is its number. */
export class Unmet extends Error {}

export type GnuSocial = Awaited<ReturnType<typeof startGnuSocial>>

/** @param options.tamper stands between the peer and the double @param options.pair keys of bob's, when there is no time for new ones */
export async function startGnuSocial({
  tamper = message => message,
  pair = makePair(),
  before = () => undefined
}: {
  tamper?: Tamper
  pair?: Pair
  before?: Before
} = {}) {
  const met = new Set<string>()
  const unmet: string[] = []
  const stored: Stored[] = []
  const people = new Map<string, Person>()
  const subscribers: { callback: string; secret: string | null }[] = []
  let subscription: Subscription | undefined
  let notices = 0

  /** Holds what came against a group of demands. @throws Unmet with the first that is not met */
  function demand<Seen>(checks: Record<string, (seen: Seen) => boolean>, seen: Seen): Seen {
    for (const [id, check] of Object.entries(checks)) {
      if (!check(seen)) fail(id)
      met.add(id)
    }
    return seen
  }
  function fail(id: string): never {
    unmet.push(id)
    throw new Unmet(id)
  }

  const server = await serve((request, response) => void answer(request, response))
  const { origin } = server
  const user = makeUser(origin, pair.magicKey)
  const { acct, feed, uri } = user

  /** Asks a peer; what it answers comes through the hands of the tamperer. */
  async function ask(kind: demanded.Kind, url: string, post?: { type: string; body: string }): Promise<demanded.Message> {
    const { status, headers, body } = await send(url, post)
    return tamper({ kind, status, type: headers['content-type'] ?? '', headers, body: body.toString() }, subscription?.secret ?? '')
  }
  const askDescriptor = async (kind: demanded.Kind, url: string) => {
    const { status, type, body } = await ask(kind, url)
    return status === 200 ? readDescriptor(Buffer.from(body), type) : { aliases: [], properties: [], links: [] }
  }

  /** host-meta, then the LRDD document of an author's URI, which must list it (F5, F6). */
  async function askAuthor(author: string): Promise<Descriptor> {
    const meta = demand(demanded.HOST_META, await askDescriptor('host-meta', `${new URL(author).origin}/.well-known/host-meta`))
    const template = demanded.rels(meta, REL.lrdd)[0]!.template!
    const account = await askDescriptor('lrdd', template.replace('{uri}', encodeURIComponent(author)))
    return demand(demanded.AUTHOR, { account, uri: author }).account
  }

  async function askFeed(url: string): Promise<XmlElement> {
    const { body } = demand(demanded.FEED_ANSWER, await ask('feed', url))
    return demand(demanded.FEED, parse(body))
  }

  /** Keeps the owner of a feed. The key is fetched once, by the URI, and stays (S9). */
  async function keep(url: string, document: XmlElement): Promise<Person> {
    const uri = demanded.authorUri(document)
    const account = demand(demanded.KEY, await askAuthor(uri))
    const key = demanded.rels(account, REL.magicKey)[0]!.href!
    const [[hub], [salmon]] = [hrefs(document, 'hub'), hrefs(document, 'salmon')]
    const known = people.get(uri) ?? { uri, feed: url, hub: hub!, salmon: salmon!, key }
    people.set(uri, known)
    return known
  }

  /** Who an unknown author of a slap is, asked while the POST is open (S11). */
  async function meet(author: string): Promise<Person> {
    await askAuthor(author)
    const page = await ask('page', author)
    const url = new URL(demanded.feedOfPage(demand(demanded.PAGE, page.body))!, author).href
    const document = await askFeed(url)
    demand(demanded.OWN_FEED, { feed: document, uri: author })
    return keep(url, document)
  }

  /** Asks a hub, with a new secret each time (F16, F19). @throws Unmet F15 */
  async function subscribe(owner: Person): Promise<void> {
    const secret = randomBytes(32).toString('hex')
    subscription = { topic: owner.feed, owner: owner.uri, secret, waits: true }
    const form = {
      ...{ 'hub.mode': 'subscribe', 'hub.callback': `${origin}/main/push/callback/1`, 'hub.topic': owner.feed, 'hub.secret': secret },
      ...{ 'hub.verify': 'async', 'hub.verify_token': 'Deprecated-since-PuSH-0.4', 'hub.lease_seconds': '2592000' }
    }
    demand(demanded.HUB, await ask('hub', owner.hub, { type: TYPE.form, body: String(new URLSearchParams(form)) }))
  }

  /** The same again changes nothing, not even what it says (S10); a delete has the id of what it deletes. */
  function store(entry: XmlElement, by: string, via: Via): void {
    const [id, verb] = [demanded.idOf(entry), demanded.verbOf(entry)]
    const known = stored.find(one => one.id === id && one.verb === verb)
    if (known) known.via.add(via)
    else stored.push({ id, verb, by, object: demanded.objectOf(entry), parent: demanded.parentOf(entry), via: new Set([via]) })
  }

  /** Takes an envelope, and asks for the author whom nobody knows while whoever sent it waits. */
  async function takeSlap(message: demanded.Message): Promise<Reply> {
    const envelope = parse(demand(demanded.POSTED, message).body)
    const part = (local: string) => text(child(envelope, NS.magicEnvelope, local))
    const type = attribute(child(envelope, NS.magicEnvelope, 'data'), 'type') ?? ''
    const entry = demand(demanded.ENTRY, parse(Buffer.from(part('data'), 'base64url').toString()))
    const author = demanded.authorUri(entry)
    const { key } = people.get(author) ?? (await meet(author))
    demand(demanded.SIGNED, { parts: [part('data'), type, part('encoding'), part('alg')], sig: part('sig'), key: keyObject(key) })
    demand(demanded.ACT, { entry, owner: uri, isNotice: id => id.startsWith(user.tag('noticeId=')) })
    store(entry, author, 'salmon')
    return {}
  }

  function takePing(message: demanded.Message): Reply {
    const { owner = '', secret = '', waits = true } = subscription ?? {}
    demand(demanded.CONTENT, { ...message, secret, isVerified: !waits })
    const document = demand(demanded.PING, parse(message.body))
    for (const entry of children(document, NS.atom, 'entry')) store(entry, owner, 'ping')
    return {}
  }

  /** The bare challenge, when an answer to a request of ours is awaited; else nothing, with 404. */
  function takeQuestion(query: URLSearchParams): Reply {
    const topic = subscription?.waits ? subscription.topic : undefined
    demand(demanded.QUESTION, { query, topic })
    subscription!.waits = false
    return { body: query.get('hub.challenge') ?? '' }
  }

  /** Its own hub: asks before it answers, and looks at nothing but the status. */
  async function takeSubscriber(form: URLSearchParams): Promise<Reply> {
    const callback = form.get('hub.callback') ?? ''
    if (form.get('hub.topic') !== feed || form.get('hub.mode') !== 'subscribe') return { status: 400 }
    const query = { 'hub.mode': 'subscribe', 'hub.topic': feed, 'hub.challenge': 'abc', 'hub.lease_seconds': '2592000' }
    const { status } = await send(`${callback}${callback.includes('?') ? '&' : '?'}${new URLSearchParams(query)}`)
    if (status < 200 || status > 299) return { status: 400 }
    subscribers.push({ callback, secret: form.get('hub.secret') })
    return { status: 202 }
  }

  const routes: Record<string, Route> = {
    ...user.pages,
    'GET /main/push/callback/1': ({ seen }) => takeQuestion(new URLSearchParams(seen('question').body)),
    'POST /main/push/callback/1': ({ seen }) => takePing(seen('ping')),
    'POST /main/push/hub': ({ body }) => takeSubscriber(new URLSearchParams(body)),
    'POST /main/salmon/user/1': ({ seen }) => takeSlap(seen('salmon'))
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url!, origin)
    const name = `${request.method} ${pathname}`
    const headers = request.headers as Record<string, string>
    const body = await readBody(request)
    const seen = (kind: demanded.Kind) =>
      tamper({ kind, status: 0, type: headers['content-type'] ?? '', headers, body: body || String(query) }, subscription?.secret ?? '')
    let reply: Reply
    try {
      reply = (await before(request, body)) ?? (await (routes[name] ?? noSuchUser)({ query, body, seen }))
    } catch (error) {
      if (!(error instanceof Unmet)) unmet.push(String(error))
      reply = { status: REFUSED[name] ?? 500, type: 'text/plain' }
    }
    response.writeHead(reply.status ?? 200, { 'content-type': reply.type ?? TYPE.html, ...reply.headers }).end(reply.body)
  }

  const double = {
    ...{ acct, uri, met, unmet, stored, close: server.close },
    /** Follows the account of a profile page. @throws Unmet */
    async follow(target: string): Promise<void> {
      demand(demanded.TARGET, target)
      const finger = `${new URL(target).origin}/.well-known/webfinger?resource=${encodeURIComponent(target)}`
      const account = demand(demanded.ACCOUNT, await askDescriptor('webfinger', finger))
      const [known] = demanded.rels(account, REL.updatesFrom)
      const url = known?.href ?? demanded.feedOfPage((await ask('page', target)).body)!
      const owner = await keep(url, await askFeed(url))
      await subscribe(owner)
      await double.slap(owner.uri, followXml(owner.uri), user.tag(`follow:1:37:${new Date().toISOString()}`))
    },
    /** Renews as the cron of every day does. */
    renew: () => subscribe(people.get(subscription!.owner)!),
    isActive: (): boolean => subscription?.waits === false,
    isListenedTo: (): boolean => subscribers.length > 0,
    /** An unfollow has the same id each time. */
    unfollow: (of: string): Promise<number> => double.slap(of, unfollowXml(of), user.tag('unfollow:1:37:1970-01-01T00:00:00+00:00')),
    /** Posts an act to somebody's endpoint. @returns the status of the answer */
    async slap(to: string, inner: string, id: string): Promise<number> {
      const envelope = sign(user.entry(inner, id), pair).toString()
      return (await send(people.get(to)!.salmon, { type: TYPE.magicEnvelope, body: envelope })).status
    },
    /** A notice, or what is done to one, for the subscribers; and by Salmon to who is named. @returns its id */
    async say(
      inner: string,
      { to, id = user.tag(`noticeId=${++notices}:objectType=note`) }: { to?: string; id?: string } = {}
    ): Promise<string> {
      const whole = inner.includes('activity:verb') ? inner : typeXml('note') + verbXml('post') + inner
      const body = user.feedWith(user.entry(whole, id))
      for (const { callback, secret } of subscribers) {
        const signature = `sha1=${createHmac('sha1', secret ?? '')
          .update(body)
          .digest('hex')}`
        await send(callback, { type: TYPE.atom, body, headers: secret ? { 'X-Hub-Signature': signature } : {} })
      }
      if (to !== undefined) await double.slap(to, whole, id)
      return id
    },
    /** How many acts of a kind came by a way, of which `name` is the id, the object or the parent. */
    count: (verb: string, name: string, via: Via): number =>
      stored.filter(one => one.verb.endsWith(`/${verb}`) && one.via.has(via) && [one.id, one.object, one.parent].includes(name)).length
  }
  return double
}
