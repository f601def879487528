/**
 * One way out: what waits for an address is sent in its order, and what became of it is written down before the address is
 * given to anybody else. A crash repeats at most what was under way; nothing is lost.
 */
import { isFailure, Unreachable } from '../model/errors.ts'
import type { Recipient } from '../model/kept.ts'
import { RETRY_PAUSES, retryPause } from '../model/retries.ts'
import { signBody } from '../protocol/hub.ts'
import type { Document, Health, Outcome, Tools, Waiting } from '../tools.ts'
import { makeBatch } from './batch.ts'

type Needs = Pick<Tools, 'clock' | 'config' | 'deliveries' | 'http' | 'lanes' | 'log' | 'random' | 'transaction' | 'worker'>
type Tried = { outcome: Outcome; health: Health; gone: boolean }

const CLAIM_MS = 120_000
const SLOW_MS = 1_000
const TIMEOUT_MS = 10_000
const DAY = 86_400_000

/** Serves the addresses until nothing waits for them, or they must be tried later. Those that another worker serves are left to it. */
export async function deliver(tools: Needs, recipients: string[]): Promise<void> {
  const { clock, deliveries, worker } = tools
  for (let ids = recipients; ids.length > 0; ) {
    const now = clock()
    const claimed = await deliveries.claim(worker, ids, now, new Date(now.getTime() + CLAIM_MS))
    if (claimed.length === 0) return
    await round(tools, claimed)
    // after the release: what came while we held the claim was passed over by its own job
    ids = await deliveries.stillWaiting(claimed.map(recipient => recipient.id), clock())
  }
}

/** Sends each address the first thing that waits for it. */
async function round(tools: Needs, recipients: Recipient[]): Promise<void> {
  const { clock, deliveries, lanes, transaction, worker } = tools
  const byId = new Map(recipients.map(recipient => [recipient.id, recipient]))
  const waiting = await deliveries.first([...byId.keys()])
  const documents = await load(tools, waiting)
  const settle = makeBatch<Tried>(200, tried =>
    transaction(async stores => {
      const now = clock()
      await stores.deliveries.settle(tried.map(one => one.outcome), now)
      await stores.deliveries.release(worker, tried.map(one => one.health), now)
      const gone = tried.filter(one => one.gone)
      if (gone.length > 0) await stores.deliveries.giveUp(gone.map(one => one.health.recipientId), 'The subscriber is gone.', now)
    })
  )
  const idle = recipients.filter(recipient => !waiting.some(delivery => delivery.recipientId === recipient.id))
  await deliveries.release(worker, idle.map(recipient => ({ recipientId: recipient.id, ok: true, slow: recipient.slow })), clock())
  await Promise.all(
    waiting.map(async delivery => {
      const recipient = byId.get(delivery.recipientId)!
      let result: Result = { error: 'not sent' }
      const took = await lanes.run(recipient.host, recipient.slow, async () => {
        result = await send(tools, recipient, delivery, documents.get(delivery.documentId)!)
        return { busy: result.status === undefined || result.status >= 500 }
      })
      await settle(judge(tools, recipient, delivery, result, took))
    })
  )
}

async function load({ deliveries }: Needs, waiting: Waiting[]): Promise<Map<string, Document>> {
  const documents = new Map<string, Document>()
  for (const id of new Set(waiting.map(delivery => delivery.documentId))) {
    const document = await deliveries.document(id)
    if (document !== undefined) documents.set(id, document)
  }
  return documents
}

type Result = { status?: number; error?: string; retryAfter?: number }

/** One request; never throws. The same bytes for everybody, a signature each (H7). */
async function send({ http }: Needs, recipient: Recipient, delivery: Waiting, document: Document): Promise<Result> {
  const headers: Record<string, string> = { 'content-type': document.contentType }
  if (document.links !== undefined) headers.link = document.links
  if (delivery.secret !== undefined) headers['x-hub-signature'] = signBody(delivery.method ?? 'sha256', delivery.secret, document.body)
  try {
    const answer = await http.request(recipient.url, { method: 'POST', headers, body: document.body, discard: true, redirects: 0, timeout: TIMEOUT_MS })
    const retryAfter = Number(answer.headers['retry-after'])
    return { status: answer.status, ...(retryAfter > 0 ? { retryAfter } : {}) }
  } catch (error) {
    if (!isFailure(error)) throw error
    return { error: error.message, ...(error instanceof Unreachable && error.peer !== undefined ? { status: error.peer } : {}) }
  }
}

/** What one try means (H8): done, again after a pause, given up, or the end of the subscription. */
function judge({ clock, random }: Needs, recipient: Recipient, delivery: Waiting, result: Result, took: number): Tried {
  const { status } = result
  const base = { recipientId: recipient.id, slow: took > SLOW_MS, ...(status === undefined ? {} : { status }) }
  if (status !== undefined && status >= 200 && status < 300) {
    return { outcome: { delivery, state: 'done', status }, health: { ...base, ok: true }, gone: false }
  }
  const error = result.error ?? `answered ${status}`
  const now = clock().getTime()
  const failing = recipient.failingSince === undefined ? 0 : now - recipient.failingSince.getTime()
  const gone = status === 410 || (status === 404 && failing > 3 * DAY) || failing > 7 * DAY
  const pause = retryPause(delivery.attempts + 1, random)
  const told = { ...(status === undefined ? {} : { status }), error }
  if (gone) return { outcome: { delivery, state: 'dropped', ...told }, health: { ...base, ok: false, error }, gone }
  const wait = Math.max(pause ?? RETRY_PAUSES.at(-1)!, (result.retryAfter ?? 0) * 1000)
  const health = { ...base, ok: false, error, retryAt: new Date(now + Math.min(wait, DAY)) }
  return { outcome: { delivery, state: pause === undefined ? 'failed' : 'again', ...told }, health, gone }
}
