/** To hand out what is new: to the subscribers of a topic, of our own or of one that we fetched; and to tell other hubs (protocols.md H7, H10). */
import { createHash } from 'node:crypto'
import { isFailure, Refused, Unreachable } from '../model/errors.ts'
import { hubLinks, writePublish } from '../protocol/hub.ts'
import { LIMIT, TYPE } from '../protocol/names.ts'
import type { Stores, Tools } from '../tools.ts'

const BATCH = 250

/** A topic that is no feed of ours may be new: it is fetched, if anybody subscribes to it. Must run inside a transaction. */
export async function wantTopic({ queue, subscribers, topics }: Stores, topic: string): Promise<void> {
  if ((await subscribers.count(topic)) > 0 && (await topics.want(topic))) await queue.add('hub.fetch', { topic })
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

/**
 * What is handed out. `key` says what it tells: the same is not handed out twice, even when a job is done again. `accountId`: whose it
 * is, if it is ours.
 */
type DocumentOut = { key: string; postId?: string; topic: string; contentType: string; body: Buffer; links: string; accountId?: string }

/** Puts a document into the row of every subscriber of its topic, and the work of sending it into the queue (H11: one commit). */
export async function distribute(stores: Stores, { accountId, ...document }: DocumentOut, now: Date): Promise<void> {
  if ((await stores.subscribers.count(document.topic)) === 0) return
  const id = await stores.deliveries.addDocument(document, now)
  if (id === undefined) return
  await queueDeliveries(stores, await stores.deliveries.addForTopic(id, document.topic, now, accountId))
}

/** The work of serving addresses, a job a batch. */
export async function queueDeliveries({ queue }: Stores, recipients: string[]): Promise<void> {
  const batches: { recipients: string[] }[] = []
  for (let at = 0; at < recipients.length; at += BATCH) batches.push({ recipients: recipients.slice(at, at + BATCH) })
  await queue.addMany('deliver', batches)
}

/** Tells an external hub that a topic of ours is new (H10), and writes down how that went. */
export async function pingHub({ clock, http, pings }: Tools, hub: string, topic: string): Promise<void> {
  const headers = { 'content-type': TYPE.form }
  try {
    const { status } = await http.request(hub, { method: 'POST', headers, body: writePublish(topic), discard: true })
    if (status < 200 || status > 299) throw refusedBy(hub, status)
    await pings.keep({ hub, topic, status }, clock())
  } catch (error) {
    if (!isFailure(error)) throw error
    const peer = error instanceof Unreachable ? error.peer : undefined
    await pings.keep({ hub, topic, error: error.message, ...(peer === undefined ? {} : { status: peer }) }, clock())
    throw error
  }
}

function refusedBy(hub: string, status: number): Refused | Unreachable {
  const sentence = `The hub ${hub} answered ${status} to a publish ping.`
  return status < 500 && status !== 408 && status !== 429 ? new Refused(sentence) : new Unreachable(sentence, { peer: status })
}
