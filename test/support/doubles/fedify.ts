/**
 * A server that others wrote: Fedify, with its own JSON-LD, signatures and queue, and one account, carol. It believes what is signed, answers
 * a Follow by itself, keeps what it is told of, and does to us what a test asks for. See https://fedify.dev/manual/.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Context,
  createFederation,
  generateCryptoKeyPair,
  type HttpMessageSignaturesSpec,
  InProcessMessageQueue,
  MemoryKvStore
} from '@fedify/fedify'
import {
  Accept,
  Activity,
  Announce,
  Create,
  Delete,
  Endpoints,
  Follow,
  isActor,
  Like,
  Mention,
  Note,
  Person,
  PUBLIC_COLLECTION,
  type Object as Thing,
  Tombstone,
  Undo,
  Update
} from '@fedify/vocab'
import { readBody, serve } from '../loopback.ts'

/** An activity that it believed. `about`: the id of its object; `inner`: of an Undo or Accept, the type of that. */
export type Taken = { type: string; id: string; actor: string; about: string; inner?: string }
/** A request to its inbox: how it was signed, and what it answered. */
export type Delivered = { form: 'cavage' | 'rfc9421' | 'none'; status: number; reason?: string }
/** Why a request was not believed. */
type Told = { reason?: string }
type Maker<T> = new (values: ConstructorParameters<typeof Activity>[0]) => T
export type Fedify = Awaited<ReturnType<typeof startFedify>>

const NAME = 'carol'
const TYPES = [Follow, Undo, Accept, Create, Update, Delete, Like, Announce]

/** @param firstKnock how it signs before it tries the other form */
export async function startFedify(firstKnock: HttpMessageSignaturesSpec = 'draft-cavage-http-signatures-12') {
  const kv = new MemoryKvStore()
  const keys = await Promise.all([generateCryptoKeyPair('RSASSA-PKCS1-v1_5'), generateCryptoKeyPair('Ed25519')])
  const failures: Error[] = []
  const federation = createFederation<Told>({
    ...{ kv, firstKnock, allowPrivateAddress: true, manuallyStartQueue: true },
    queue: new InProcessMessageQueue({ pollInterval: { milliseconds: 50 } }),
    onOutboxError: error => void failures.push(error)
  })
  const taken: Taken[] = []
  const delivered: Delivered[] = []
  const followers = new Map<string, URL>()
  const notes = new Map<string, Note | Tombstone>()
  const acts = new Map<string, Activity>()
  const known = new Map<string, Note>()

  federation
    .setActorDispatcher('/users/{identifier}', async (ctx, identifier) => (identifier === NAME ? person(ctx) : null))
    .setKeyPairsDispatcher((_, identifier) => (identifier === NAME ? keys : []))
  federation.setObjectDispatcher(Note, '/notes/{id}', (ctx, { id }) => {
    const note = notes.get(ctx.getObjectUri(Note, { id }).href)
    return note instanceof Note ? note : null
  })
  // it asks for its own acts where we name them: what another host says of them is not believed
  federation.setObjectDispatcher(Activity, '/acts/{id}', (ctx, { id }) => acts.get(ctx.getObjectUri(Activity, { id }).href) ?? null)
  federation.setFollowersDispatcher('/users/{identifier}/followers', () => ({
    items: [...followers.values()].map(id => ({ id, inboxId: null }))
  }))
  federation.setOutboxDispatcher('/users/{identifier}/outbox', ctx => ({
    items: [...notes.values()].filter(note => note instanceof Note).map(note => about(Create, ctx, note, `${note.id}#create`))
  }))
  federation.setNodeInfoDispatcher('/nodeinfo/2.1', () => ({
    ...{ software: { name: 'fedify-peer', version: '2.3.6' }, protocols: ['activitypub'] },
    usage: { users: { total: 1 }, localPosts: notes.size, localComments: 0 }
  }))
  const inbox = federation.setInboxListeners('/users/{identifier}/inbox', '/inbox')
  inbox.setSharedKeyDispatcher(() => ({ identifier: NAME }))
  inbox.onError((_, error) => void failures.push(error))
  for (const type of TYPES) inbox.on<Activity>(type, (ctx, activity) => take(ctx, activity))
  inbox.onUnverifiedActivity((ctx, _, { type }) => {
    ctx.data.reason = type
  })

  async function take(ctx: Context<Told>, activity: Activity): Promise<void> {
    const object = await activity.getObject(ctx)
    const inner = object instanceof Activity ? { inner: object.constructor.name } : {}
    const facts = { id: activity.id!.href, actor: activity.actorId!.href, about: activity.objectId!.href }
    if (activity instanceof Follow) await answer(ctx, activity)
    if (activity instanceof Undo && object instanceof Follow) followers.delete(facts.actor)
    if ((activity instanceof Create || activity instanceof Update) && object instanceof Note) known.set(object.id!.href, object)
    if (activity instanceof Delete) known.delete(facts.about)
    taken.push({ type: activity.constructor.name, ...facts, ...inner })
  }
  async function answer(ctx: Context<Told>, follow: Follow): Promise<void> {
    const actor = await follow.getActor(ctx)
    if (actor === null) return
    followers.set(actor.id!.href, actor.id!)
    const accept = new Accept({ id: fresh(ctx, 'accepts'), actor: me(ctx), object: follow })
    await ctx.sendActivity({ identifier: NAME }, actor, accept)
  }

  const server = await serve(async (request, response) => {
    const asked = await toRequest(request, server.origin)
    const form = asked.headers.has('signature-input') ? 'rfc9421' : asked.headers.has('signature') ? 'cavage' : 'none'
    const contextData: Told = {}
    const found = await federation.fetch(asked, { contextData })
    if (asked.method === 'POST') delivered.push({ form, status: found.status, ...contextData })
    await writeResponse(found, response)
  })
  const stop = new AbortController()
  const queue = federation.startQueue({}, { signal: stop.signal })
  const context = federation.createContext(new URL(server.origin), {})
  const own = { id: me(context).href, acct: `${NAME}@${new URL(server.origin).host}` }

  /** Sends an activity to an actor of ours, as its document says how. */
  async function send<T extends Activity>(to: string, activity: T): Promise<T> {
    const actor = await context.lookupObject(to)
    if (!isActor(actor)) throw new Error(`${to} is no actor`)
    await context.sendActivity({ identifier: NAME }, actor, activity)
    return activity
  }
  const does = <T extends Activity>(type: Maker<T>, object: URL | Activity): T => {
    const act = about(type, context, object, fresh(context, 'acts').href)
    acts.set(act.id!.href, act)
    return act
  }

  /** A public note; with `replyTo`, an answer to whoever wrote that; if it is `direct`, for the mentioned alone. */
  async function write(
    text: string,
    more: { replyTo?: string; mentions?: string[]; changes?: string; direct?: boolean } = {}
  ): Promise<Note> {
    const id = more.changes === undefined ? context.getObjectUri(Note, { id: crypto.randomUUID() }) : new URL(more.changes)
    const before = notes.get(id.href)
    const people = (more.mentions ?? []).map(address => new URL(address))
    const note = new Note({
      ...{ id, attribution: me(context), content: `<p>${text}</p>` },
      ...(more.direct ? { tos: people } : { to: PUBLIC_COLLECTION, ccs: [context.getFollowersUri(NAME), ...people] }),
      ...{ tags: people.map(href => new Mention({ href })) },
      ...(before instanceof Note ? { published: before.published, updated: await instantOf(new Date()) } : {}),
      ...(before === undefined ? { published: await instantOf(new Date()) } : {}),
      ...(more.replyTo === undefined ? {} : { replyTarget: new URL(more.replyTo) })
    })
    notes.set(id.href, note)
    return note
  }

  return {
    ...{ ...own, ...server, context, taken, delivered, failures, followers, known, write },
    count: (type: string, id?: string, inner?: string): number =>
      taken.filter(one => one.type === type && (id === undefined || one.about === id) && one.inner === inner).length,
    follow: (to: string) => send(to, does(Follow, new URL(to))),
    undo: (to: string, activity: Activity) => send(to, does(Undo, activity)),
    like: (to: string, post: string) => send(to, does(Like, new URL(post))),
    announce: (to: string, post: string) => send(to, does(Announce, new URL(post))),
    create: (to: string, note: Note) =>
      send(to, about(Create, context, note, `${note.id}#create`).clone({ tos: note.toIds, ccs: note.ccIds })),
    update: (to: string, note: Note) => send(to, about(Update, context, note, `${note.id}#updates/${Date.now()}`)),
    async remove(to: string, note: Note): Promise<Delete> {
      const tombstone = new Tombstone({ id: note.id })
      notes.set(note.id!.href, tombstone)
      return send(to, about(Delete, context, tombstone, `${note.id}#delete`))
    },
    /** How it signed what was taken there, by what it remembers of the server. */
    knock: async (origin: string) => kv.get<HttpMessageSignaturesSpec>(['_fedify', 'httpMessageSignaturesSpec', origin]),
    async close(): Promise<void> {
      stop.abort()
      await queue
      await server.close()
    }
  }
}

const me = (ctx: Context<Told>): URL => ctx.getActorUri(NAME)
const fresh = (ctx: Context<Told>, kind: string): URL => new URL(`/${kind}/${crypto.randomUUID()}`, ctx.origin)

/** An activity of carol's for everybody. */
const about = <T extends Activity>(type: Maker<T>, ctx: Context<Told>, object: URL | Thing, id: string): T =>
  new type({ id: new URL(id), actor: me(ctx), object, to: PUBLIC_COLLECTION, cc: ctx.getFollowersUri(NAME) })

async function person(ctx: Context<Told>): Promise<Person> {
  const pairs = await ctx.getActorKeyPairs(NAME)
  return new Person({
    ...{ id: me(ctx), preferredUsername: NAME, name: 'Carol of Fedify', url: me(ctx), inbox: ctx.getInboxUri(NAME) },
    ...{ outbox: ctx.getOutboxUri(NAME), followers: ctx.getFollowersUri(NAME) },
    ...{ endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }), assertionMethods: pairs.map(({ multikey }) => multikey) },
    publicKey: pairs[0]!.cryptographicKey
  })
}

/** A time as Fedify has it, read by itself: Node has no Temporal yet. */
async function instantOf(date: Date): Promise<NonNullable<Note['published']>> {
  const context = 'https://www.w3.org/ns/activitystreams'
  return (await Note.fromJsonLd({ '@context': context, type: 'Note', published: date.toISOString() })).published!
}

async function toRequest(request: IncomingMessage, origin: string): Promise<Request> {
  const { headers, method = 'GET', url = '/' } = request
  const body = await readBody(request)
  const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string])
  return new Request(origin + url, { method, headers: pairs, ...(method === 'POST' ? { body } : {}) })
}

async function writeResponse(found: Response, response: ServerResponse): Promise<void> {
  response.writeHead(found.status, Object.fromEntries(found.headers)).end(Buffer.from(await found.arrayBuffer()))
}
