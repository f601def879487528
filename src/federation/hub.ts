/** To be a hub: take requests, verify them, hand out what is published; and tell other hubs of our topics (protocols.md H). */
import { createHash, randomBytes } from 'node:crypto'
import { BadMessage, Refused, Unreachable } from '../model/errors.ts'
import type { PendingVerification, Verification } from '../model/kept.ts'
import {
  canonicalTopic,
  challengeMatches,
  grantLease,
  hubLinks,
  readHubRequest,
  type SubscriptionRequest,
  signatureMethod,
  verificationUrl
} from '../protocol/hub.ts'
import { LIMIT, TYPE } from '../protocol/names.ts'
import type { Stores, Tools } from '../tools.ts'
import { makeBatch } from './batch.ts'

const OPEN_AT_ONCE = 100
const FAILED_A_MINUTE = 10
const CLAIM_MS = 60_000
const BATCH = 250
const PAUSES = [60_000, 10 * 60_000, 50 * 60_000]

type Waiting = { request: Verification; since: number; kept: boolean; refuse?: Refused }

/**
 * The hub's counter: takes requests and keeps them to be verified, those that come together in one commit.
 * Answers `published`, `accepted` (202: verified later) or `verified` (204: an old subscriber asked for it).
 */
export function makeHub(tools: Tools) {
  const keep = makeKeeper(tools)
  return async (form: URLSearchParams): Promise<'published' | 'accepted' | 'verified'> => {
    const read = readHubRequest(form)
    if (read.mode === 'publish') {
      await publishPing(tools, read.topics)
      return 'published'
    }
    const request = await checked(tools, read)
    if (read.verify === 'async') {
      await keep(request)
      return 'accepted'
    }
    if (!(await challenge(tools, request)).confirmed)
      throw new Refused('The subscriber did not confirm.', { status: 409, code: 'not_verified' })
    if (request.mode === 'subscribe') await tools.subscribers.enter([request], tools.clock())
    else await tools.subscribers.leave([request])
    return 'verified'
  }
}

/** Keeps requests as far as their callbacks' hosts have room (H5). A host with many open ones is served as they end: its requests wait here, not in the table. */
function makeKeeper({ clock, subscribers, transaction }: Tools) {
  const ask = makeBatch<Waiting>(200, async list => {
    const now = clock()
    const room = await withRoom(subscribers, list, now)
    if (room.length === 0) return
    await transaction(async stores => {
      await stores.subscribers.ask(
        room.map(one => one.request),
        now
      )
      await stores.queue.add('hub.verify', {})
    })
    for (const one of room) one.kept = true
  })
  return async (request: Verification): Promise<void> => {
    const one: Waiting = { request, since: clock().getTime(), kept: false }
    for (;;) {
      await ask(one)
      if (one.refuse !== undefined) throw one.refuse
      if (one.kept) return
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
    else if (now.getTime() - one.since > 5_000) one.refuse = tooMany('Too many verifications of this host are open.')
    return false
  })
}

const tooMany = (sentence: string) => new Refused(sentence, { status: 429, code: 'too_many', retryAfter: 60 })

/** Topic and callback held against what we serve and reach (H2, H3). */
async function checked({ actors, addresses, config, http }: Tools, read: SubscriptionRequest): Promise<Verification> {
  const topic = canonicalTopic(read.topic, config.publicUrl)
  const own = topic.startsWith(`${addresses.origin}/`)
  if (own) {
    const name = /^\/users\/([a-z0-9_]{1,30})\.atom$/.exec(topic.slice(addresses.origin.length))?.[1]
    if (name === undefined || (await actors.findAccount(name)) === undefined) throw notOurs()
  } else if (!config.openHub) throw notOurs()
  const why = http.refusal(read.callback)
  if (why !== undefined) throw new BadMessage(`hub.callback: ${why}`)
  return {
    ...{ mode: read.mode, topic: own ? topic : read.topic, topicAsked: read.topic, callback: read.callback },
    ...(read.secret === undefined ? {} : { secret: read.secret }),
    ...{ method: signatureMethod(config.hubSignature, read.old), leaseSeconds: grantLease(read.lease) },
    ...(read.verifyToken === undefined ? {} : { verifyToken: read.verifyToken })
  }
}

const notOurs = () => new Refused('This hub serves the feeds of its own accounts only.', { status: 422, code: 'unknown_topic' })

/** Verifies what is due, as far as nobody else does: many at once, each outcome kept with those that came with it. */
export async function verifyDue(tools: Tools): Promise<void> {
  const { clock, log, subscribers, worker } = tools
  const confirm = makeBatch<PendingVerification>(200, list => subscribers.confirm(list, clock()))
  for (;;) {
    const now = clock()
    const due = await subscribers.claim(worker, now, new Date(now.getTime() + CLAIM_MS), 100)
    if (due.length === 0) return
    await Promise.all(
      due.map(async one => {
        const { confirmed, refused, why } = await challenge(tools, one)
        if (confirmed) return confirm(one)
        const pause = PAUSES[one.attempts]
        log.info({ mode: one.mode, topic: one.topic, callback: one.callback, why }, 'hub: a verification failed')
        if (!refused && pause !== undefined) return subscribers.retry(one, new Date(clock().getTime() + pause), clock())
        if (one.mode === 'unsubscribe' && !refused) return unsubscribeSilent(tools, one)
        await subscribers.drop(one, clock())
      })
    )
  }
}

/** P answers 500 to the verification of an unsubscribe: after the last try it counts when pushes fail too (H5). */
async function unsubscribeSilent({ clock, subscribers }: Tools, one: PendingVerification): Promise<void> {
  if (await subscribers.isFailing(one.topic, one.callback)) await subscribers.confirm([one], clock())
  else await subscribers.drop(one, clock())
}

type Verdict = { confirmed: boolean; refused?: boolean; why?: string }

/** Asks the callback (H5): confirmed if and only if the answer is 2xx and its body is the challenge, byte for byte. */
async function challenge({ http }: Tools, one: Verification): Promise<Verdict> {
  const challenge = randomBytes(24).toString('hex')
  const lease = one.mode === 'subscribe' && one.leaseSeconds !== undefined ? { lease: one.leaseSeconds } : {}
  const token = one.verifyToken === undefined ? {} : { verifyToken: one.verifyToken }
  const url = verificationUrl(one.callback, { mode: one.mode, topic: one.topicAsked, challenge, ...lease, ...token })
  try {
    const answer = await http.request(url, { redirects: 0, timeout: 10_000, maxBytes: 4096, wide: true, headers: { accept: '*/*' } })
    const ok = answer.status >= 200 && answer.status < 300
    if (ok && challengeMatches(answer.body, challenge)) return { confirmed: true }
    return { confirmed: false, refused: answer.status < 500, why: ok ? 'the answer was not the challenge' : `answered ${answer.status}` }
  } catch (error) {
    if (error instanceof Unreachable) return { confirmed: false, why: error.message }
    if (error instanceof Refused || error instanceof BadMessage) return { confirmed: false, refused: true, why: error.message }
    throw error
  }
}

/** A publish ping (H10): our own topics are always fresh; others are fetched, when we are open and somebody subscribes. */
async function publishPing({ addresses, config, subscribers, transaction }: Tools, asked: string[]): Promise<void> {
  for (const topic of asked) {
    if (topic.startsWith(`${addresses.origin}/users/`)) continue
    if (!config.openHub) throw notOurs()
    if ((await subscribers.count(topic)) === 0) continue
    await transaction(async stores => {
      if (await stores.topics.want(topic)) await stores.queue.add('hub.fetch', { topic })
    })
  }
}

/** Fetches a topic that was pinged and hands it out when it is new. A ping during the fetch brings another one, after it. */
export async function fetchTopic(tools: Tools, topic: string): Promise<void> {
  const { clock, queue, topics } = tools
  const begun = await topics.begin(topic, clock())
  if (begun === false) return
  if (begun !== true) return queue.add('hub.fetch', { topic }, begun)
  try {
    await fetchAndDistribute(tools, topic)
  } finally {
    if (await topics.end(topic)) await queue.add('hub.fetch', { topic })
  }
}

async function fetchAndDistribute({ addresses, clock, http, topics, transaction }: Tools, topic: string): Promise<void> {
  const known = await topics.find(topic)
  const headers: Record<string, string> = { accept: '*/*' }
  if (known?.etag !== undefined) headers['if-none-match'] = known.etag
  if (known?.lastModified !== undefined) headers['if-modified-since'] = known.lastModified
  const answer = await http.request(topic, { headers, maxBytes: LIMIT.feedBytes })
  const now = clock()
  if (answer.status === 304) return topics.keep(topic, { fetchedAt: now, status: 304 })
  if (answer.status !== 200) {
    await topics.keep(topic, { fetchedAt: now, status: answer.status, error: `answered ${answer.status}` })
    if (answer.status < 500 && answer.status !== 429) return
    throw new Unreachable(`${topic} answered ${answer.status}`, { peer: answer.status })
  }
  const hash = createHash('sha256').update(answer.body).digest('hex')
  const kept = {
    etag: answer.headers.etag ?? null,
    lastModified: answer.headers['last-modified'] ?? null,
    hash,
    fetchedAt: now,
    status: 200,
    error: null
  }
  const contentType = answer.headers['content-type'] ?? 'application/octet-stream'
  const links = hubLinks([addresses.hub()], topic)
  await transaction(async stores => {
    await stores.topics.keep(topic, kept)
    if (hash === known?.hash) return
    await distribute(stores, { key: `${topic} ${now.toISOString()} ${hash}`, topic, contentType, body: answer.body, links }, now)
  })
}

/** What is handed out. `key` says what it tells: the same is not handed out twice, even when a job is done again. */
type DocumentOut = { key: string; topic: string; contentType: string; body: Buffer; links: string }

/** Puts a document into the row of every subscriber of its topic, and the work of sending it into the queue (H11: one commit). */
export async function distribute(stores: Stores, document: DocumentOut, now: Date): Promise<void> {
  if ((await stores.subscribers.count(document.topic)) === 0) return
  const id = await stores.deliveries.addDocument(document, now)
  if (id === undefined) return
  const recipients = await stores.deliveries.addForTopic(id, document.topic, now)
  const batches: { recipients: string[] }[] = []
  for (let at = 0; at < recipients.length; at += BATCH) batches.push({ recipients: recipients.slice(at, at + BATCH) })
  await stores.queue.addMany('deliver', batches)
}

/** Tells an external hub that a topic of ours is new (H10). */
export async function pingHub({ http }: Tools, hub: string, topic: string): Promise<void> {
  const body = new URLSearchParams([
    ['hub.mode', 'publish'],
    ['hub.url', topic],
    ['hub.topic', topic]
  ]).toString()
  const answer = await http.request(hub, { method: 'POST', headers: { 'content-type': TYPE.form }, body, discard: true })
  if (answer.status < 200 || answer.status > 299) {
    if (answer.status < 500 && answer.status !== 408 && answer.status !== 429)
      throw new Refused(`The hub ${hub} answered ${answer.status} to a publish ping.`)
    throw new Unreachable(`The hub ${hub} answered ${answer.status}`, { peer: answer.status })
  }
}
