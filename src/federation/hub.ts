/** The hub's counter: takes requests and keeps them to be verified, and takes publish pings (protocols.md H1 to H5, H10). */
import { makeBatch } from '../model/batch.ts'
import { BadMessage, Refused } from '../model/errors.ts'
import type { PendingVerification, Verification } from '../model/kept.ts'
import { canonicalTopic, grantLease, readHubRequest, type SubscriptionRequest, signatureMethod } from '../protocol/hub.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import type { Tools } from '../tools.ts'
import { isAccount } from './blog-entries.ts'
import { wantTopic } from './distribute.ts'
import { findEcho } from './echo.ts'
import { noting } from './refusals.ts'
import { challenge } from './verify.ts'

const OPEN_AT_ONCE = 100
const FAILED_A_MINUTE = 10
const PATIENCE_MS = 5_000
const CLAIM_MS = 60_000
const TOPICS_A_PING = 100

/** A request on its way into the table. `now`: whoever asked waits for the outcome, which `pending` stands for. */
type Waiting = { request: Verification; now: boolean; since: number; kept: boolean; pending?: PendingVerification; refuse?: Refused }

/**
 * Answers `published`, `accepted` (202: verified later) or `verified` (204: an old subscriber asked for it). The answer throws
 * BadMessage for what cannot be read, Refused for a topic that is not ours (422), too many verifications of a host (429), a
 * synchronous verification that failed (409). `from`: the address of whoever asks.
 */
export function makeHub(tools: Tools) {
  const keep = makeKeeper(tools)
  const take = async (form: URLSearchParams, tell: (who: string) => void): Promise<'published' | 'accepted' | 'verified'> => {
    const read = readHubRequest(form)
    if (read.mode === 'publish') {
      await publishPing(tools, read.topics)
      return 'published'
    }
    tell(URL.parse(read.callback)?.origin ?? '')
    const request = await checked(tools, read)
    if (read.verify === 'async') {
      await keep(request, false)
      return 'accepted'
    }
    await verifyNow(tools, (await keep(request, true))!)
    return 'verified'
  }
  return (form: URLSearchParams, from = '') => noting(tools, { way: 'hub', path: '/hub', from }, tell => take(form, tell))
}

/** The synchronous verification of PubSubHubbub 0.3: it holds a place at its host and counts when it fails, like any other. */
async function verifyNow(tools: Tools, one: PendingVerification): Promise<void> {
  const { clock, subscribers, transaction } = tools
  const { confirmed, why } = await challenge(tools, one)
  if (confirmed) return transaction(stores => stores.subscribers.confirm([one], clock()))
  await subscribers.drop(one, clock())
  throw new Refused(`The subscriber did not confirm: ${why}.`, { status: 409, code: 'not_verified' })
}

/**
 * Keeps requests as far as their callbacks' hosts have room (H5), those that come together in one commit. A host with many open
 * ones is served as they end: its requests wait here, not in the table.
 */
function makeKeeper({ clock, subscribers, transaction, worker }: Tools) {
  const ask = makeBatch<Waiting>(200, async list => {
    const now = clock()
    const room = await withRoom(subscribers, list, now)
    if (room.length === 0) return
    const later = room.filter(one => !one.now)
    await transaction(async stores => {
      await stores.subscribers.ask(
        later.map(one => one.request),
        now
      )
      if (later.length > 0) await stores.queue.add('hub.verify', {})
      for (const one of room) {
        if (one.now) one.pending = await stores.subscribers.askNow(one.request, now, worker, new Date(now.getTime() + CLAIM_MS))
      }
    })
    for (const one of room) one.kept = true
  })
  return async (request: Verification, now: boolean): Promise<PendingVerification | undefined> => {
    const one: Waiting = { request, now, since: clock().getTime(), kept: false }
    for (;;) {
      await ask(one)
      if (one.refuse !== undefined) throw one.refuse
      if (one.kept) return one.pending
      await new Promise(done => setTimeout(done, 20))
    }
  }
}

/** Those of the requests whose host has room; the others wait, or are refused when they waited long or their host fails. */
async function withRoom(subscribers: Tools['subscribers'], list: Waiting[], now: Date): Promise<Waiting[]> {
  const hostOf = (one: Waiting) => new URL(one.request.callback).host
  const counts = await subscribers.countOpen([...new Set(list.map(hostOf))], new Date(now.getTime() - 60_000))
  return list.filter(one => {
    const count = counts.get(hostOf(one)) ?? { open: 0, failed: 0 }
    counts.set(hostOf(one), count)
    if (count.failed >= FAILED_A_MINUTE) one.refuse = tooMany('Too many verifications of this host failed.')
    else if (count.open < OPEN_AT_ONCE) return ++count.open
    else if (now.getTime() - one.since >= PATIENCE_MS) one.refuse = tooMany('Too many verifications of this host are open.')
    return false
  })
}

const tooMany = (sentence: string) => new Refused(sentence, { status: 429, code: 'too_many', retryAfter: 60 })

/** Topic and callback held against what we serve and reach (H2, H3). */
async function checked(tools: Tools, read: SubscriptionRequest): Promise<Verification> {
  const { config, http } = tools
  const { topic } = await servedTopic(tools, read.topic)
  const why = http.refusal(read.callback)
  if (why !== undefined) throw new BadMessage(`The hub.callback cannot be used: ${why}`)
  // the database takes no NUL, and nobody means one
  if (read.verifyToken?.includes('\0')) throw new BadMessage('The hub.verify_token has a NUL in it.')
  return {
    ...{ mode: read.mode, topic, topicAsked: read.topic, callback: read.callback },
    ...(read.secret === undefined ? {} : { secret: read.secret }),
    ...{ method: signatureMethod(config.hubSignature, read.old), leaseSeconds: grantLease(read.lease) },
    ...(read.verifyToken === undefined ? {} : { verifyToken: read.verifyToken })
  }
}

/**
 * A topic as we keep it: the feed of an account of ours in our spelling; the feed of an account's blog as it calls itself; or any other as
 * it was asked for when we are open (H2).
 */
async function servedTopic(tools: Tools, asked: string): Promise<{ topic: string; own: boolean }> {
  const { actors, addresses, config, subscriptions } = tools
  const topic = canonicalTopic(asked, config.publicUrl)
  if (topic.startsWith(`${addresses.origin}/`)) {
    // of which nothing but `doctor` knows, who asks as anybody would
    if ((await findEcho(tools, topic)) !== undefined) return { topic, own: true }
    const name = /^\/users\/([a-z0-9_]{1,30})\.atom$/.exec(topic.slice(addresses.origin.length))?.[1]
    if (name === undefined || (await actors.findAccount(name)) === undefined) throw notOurs()
    return { topic, own: true }
  }
  if (config.openHub) return { topic: asked, own: false }
  const read = await subscriptions.findByTopic(asked)
  const owner = read?.actorId === undefined ? undefined : await actors.find(read.actorId)
  if (owner === undefined || !isAccount(owner)) throw notOurs()
  return { topic: asked, own: false }
}

const notOurs = () =>
  new Refused('This hub serves the feeds of its own accounts and their blogs only.', { status: 422, code: 'unknown_topic' })

/** A publish ping (H10): our own topics are always fresh; others are fetched, when we are open and somebody subscribes. All or nothing. */
async function publishPing(tools: Tools, asked: string[]): Promise<void> {
  if (asked.length > TOPICS_A_PING) throw new BadMessage(`A publish request names ${TOPICS_A_PING} topics at most.`)
  const wanted: string[] = []
  for (const one of asked) {
    if (!isWebAddress(one) || /[\s\p{C}]/u.test(one)) throw new BadMessage('A published topic is no http or https URL.')
    const { own, topic } = await servedTopic(tools, one)
    if (!own) wanted.push(topic)
  }
  if (wanted.length === 0) return
  await tools.transaction(async stores => {
    for (const topic of wanted.sort()) await wantTopic(stores, topic)
  })
}
