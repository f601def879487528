/**
 * One way out: what waits for an address is sent in its order, and what became of it is written down before the address is
 * given to anybody else. A crash repeats at most what was under way; nothing is lost.
 */
import { isFailure, Unreachable } from '../model/errors.ts'
import type { Recipient } from '../model/kept.ts'
import { LAST_PAUSE, retryPause } from '../model/retries.ts'
import { readRetryAfter } from '../protocol/date.ts'
import { signBody } from '../protocol/hub.ts'
import type { Document, Health, Outcome, Tools, Waiting } from '../tools.ts'
import { makeBatch } from './batch.ts'

type Needs = Pick<Tools, 'clock' | 'config' | 'deliveries' | 'http' | 'lanes' | 'log' | 'random' | 'recipients' | 'transaction' | 'worker'>
type Tried = { outcome: Outcome; health: Health; gone: boolean; movedTo?: string }

const CLAIM_MS = 120_000
const SLOW_MS = 1_000
const TIMEOUT_MS = 10_000
/** How a Salmon endpoint says that it took an envelope (M8). */
const TAKEN = [200, 201, 202, 204]
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Serves the addresses until nothing waits for them, or they must be tried later. Those that another worker serves are left to it. */
export async function deliver(tools: Needs, recipientIds: string[]): Promise<void> {
  const { clock, recipients } = tools
  const rounds: Promise<void>[] = []
  const begin = (ids: string[]) => {
    const round = serve(tools, ids, look)
    // it is waited for below; until then nobody hears of its failure
    round.catch(() => {})
    rounds.push(round)
  }
  // What came while we held an address was passed over by its own job: asked for as soon as the address is free, so that what
  // is quick does not wait for the slowest of its round.
  const look = makeBatch<string>(500, async ids => {
    const more = await recipients.stillWaiting(ids, clock())
    if (more.length > 0) begin(more)
  })
  begin(recipientIds)
  for (const round of rounds) await round
}

/** Claims what is free of the addresses and holds the claims until each of them was sent something. */
async function serve(tools: Needs, ids: string[], look: (id: string) => Promise<void>): Promise<void> {
  const { clock, log, recipients, worker } = tools
  const until = () => new Date(clock().getTime() + CLAIM_MS)
  const claimed = await recipients.claim(worker, ids, clock(), until())
  if (claimed.length === 0) return
  const claims = claimed.map(recipient => recipient.id)
  const hold = setInterval(() => {
    recipients.hold(worker, claims, until()).catch(error => log.warn({ error }, 'deliver: claims could not be held'))
  }, CLAIM_MS / 4)
  try {
    await sendFirst(tools, claimed, look)
  } finally {
    clearInterval(hold)
  }
}

/** Sends each address the first thing that waits for it. */
async function sendFirst(tools: Needs, claimed: Recipient[], look: (id: string) => Promise<void>): Promise<void> {
  const { clock, deliveries, recipients, worker } = tools
  const byId = new Map(claimed.map(recipient => [recipient.id, recipient]))
  const waiting = await deliveries.first([...byId.keys()], clock())
  const documents = await load(tools, waiting)
  const settle = makeBatch<Tried>(200, tried => writeDown(tools, tried))
  const busy = new Set(waiting.map(delivery => delivery.recipientId))
  const idle = [...byId.keys()].filter(id => !busy.has(id))
  await recipients.letGo(worker, idle)
  await Promise.all([
    ...idle.map(look),
    ...waiting.map(async delivery => {
      await settle(await attempt(tools, byId.get(delivery.recipientId)!, delivery, documents.get(delivery.documentId)!))
      await look(delivery.recipientId)
    })
  ])
}

/** What became of some tries, and the addresses given back, in one commit. */
async function writeDown({ clock, transaction, worker }: Needs, tried: Tried[]): Promise<void> {
  const now = clock()
  const outcomes = tried.map(one => one.outcome)
  const health = tried.map(one => one.health)
  const gone = tried.filter(one => one.gone).map(one => one.health.recipientId)
  await transaction(async ({ deliveries, recipients }) => {
    await deliveries.settle(outcomes, now)
    await recipients.release(worker, health, now)
    await recipients.giveUp(gone, 'The subscriber is gone.', now)
    for (const { health, movedTo } of tried) if (movedTo !== undefined) await recipients.move(health.recipientId, movedTo, now)
  })
}

async function load({ deliveries }: Needs, waiting: Waiting[]): Promise<Map<string, Document>> {
  const documents = new Map<string, Document>()
  for (const id of new Set(waiting.map(delivery => delivery.documentId))) {
    const document = await deliveries.document(id)
    if (document !== undefined) documents.set(id, document)
  }
  return documents
}

/** What one request brought. `lasting`: it never left, and never will. */
type Result = { status?: number; error?: string; retryAfter?: number; movedTo?: string; lasting?: boolean }

/** One try in its lane, and what it means. */
async function attempt(tools: Needs, recipient: Recipient, delivery: Waiting, document: Document): Promise<Tried> {
  let result: Result = { error: 'not sent' }
  const took = await tools.lanes.run(recipient.host, recipient.slow, async () => {
    result = await send(tools, recipient, delivery, document)
    const safe = safeSpelling(recipient, delivery, result)
    const again = safe === undefined ? undefined : await send(tools, { ...recipient, url: safe }, delivery, document)
    if (safe !== undefined && again !== undefined && isDone(again)) result = { ...again, movedTo: safe }
    return { busy: result.status === undefined || result.status >= 500 }
  })
  return judge(tools, recipient, delivery, result, took)
}

const isDone = ({ status = 0 }: Result) => status >= 200 && status < 300

/** A callback that moved to https is tried there once for each thing that it did not take by http, as GNU social does (H8). */
function safeSpelling({ kind, url }: Recipient, { attempts }: Waiting, result: Result): string | undefined {
  const { status = 0 } = result
  const moved = kind === 'hub' && attempts === 0 && !isDone(result) && status < 500 && status !== 410 && status !== 429
  return moved && /^http:\/\/[^/:?]+([/?]|$)/i.test(url) ? url.replace(/^http:/i, 'https:') : undefined
}

/** One request; never throws. The same bytes for everybody, at a hub's callback a signature each (H7); an envelope bears its own. */
async function send({ clock, config, http, log }: Needs, { kind, url }: Recipient, delivery: Waiting, document: Document): Promise<Result> {
  const headers: Record<string, string> = { 'content-type': document.contentType }
  if (document.links !== undefined) headers.link = document.links
  if (delivery.secret !== undefined) headers['x-hub-signature'] = signBody(delivery.method ?? 'sha256', delivery.secret, document.body)
  const isSalmon = kind === 'salmon'
  try {
    if (isSalmon && config.isLoopback && !(await http.isListed(url)))
      return { error: 'This node is not public, so nothing is sent there.', lasting: true }
    // a POST follows 307 and 308 alone: as much as M8 allows, and more than H8 does
    const redirects = isSalmon ? 3 : 0
    const answer = await http.request(url, { method: 'POST', headers, body: document.body, discard: true, redirects, timeout: TIMEOUT_MS })
    const retryAfter = readRetryAfter(answer.headers['retry-after'], clock())
    return { status: answer.status, ...(retryAfter === undefined ? {} : { retryAfter }) }
  } catch (error) {
    if (!isFailure(error)) {
      log.error({ error, url }, 'deliver: a defect')
      return { error: 'It could not be sent.' }
    }
    const unreachable = error instanceof Unreachable
    return { error: error.message, lasting: !unreachable, ...(unreachable && error.peer !== undefined ? { status: error.peer } : {}) }
  }
}

type Verdict = 'done' | 'again' | 'refused' | 'gone'

/** H8: nothing that a callback answers is final, until it is gone. */
function judgeCallback({ failingSince }: Recipient, result: Result, now: number): Verdict {
  if (isDone(result)) return 'done'
  const failing = failingSince === undefined ? 0 : now - failingSince.getTime()
  return result.status === 410 || (result.status === 404 && failing > 3 * DAY) || failing > 7 * DAY ? 'gone' : 'again'
}

/** M8: an envelope that is refused once is refused for good; that says nothing of the next one. */
function judgeEnvelope({ lasting, status }: Result): Verdict {
  if (status === undefined) return lasting === true ? 'refused' : 'again'
  if (TAKEN.includes(status)) return 'done'
  return status >= 500 || status === 408 || status === 429 ? 'again' : 'refused'
}

/** What is written down of one try. */
function judge({ clock, log, random }: Needs, recipient: Recipient, delivery: Waiting, result: Result, took: number): Tried {
  const { movedTo, status } = result
  const now = clock().getTime()
  const verdict = recipient.kind === 'salmon' ? judgeEnvelope(result) : judgeCallback(recipient, result, now)
  const told = status === undefined ? {} : { status }
  const base = { recipientId: recipient.id, slow: took > SLOW_MS, ...told }
  if (verdict === 'done') {
    const health = { ...base, ok: true, changed: isNews(recipient, base.slow, now) }
    return { outcome: { delivery, state: 'done', ...told }, health, gone: false, ...(movedTo === undefined ? {} : { movedTo }) }
  }
  const error = result.error ?? `answered ${status}`
  const failed = { ...base, ok: false, changed: true, error }
  if (verdict === 'gone') return { outcome: { delivery, state: 'dropped', ...told, error }, health: failed, gone: true }
  if (verdict === 'refused') {
    log.warn({ url: recipient.url, why: error }, 'deliver: an envelope was refused')
    return { outcome: { delivery, state: 'failed', ...told, error }, health: failed, gone: false }
  }
  const pause = retryPause(delivery.attempts + 1, random)
  const wait = Math.max(pause ?? LAST_PAUSE, Math.min((result.retryAfter ?? 0) * 1000, DAY))
  const health = { ...failed, retryAt: new Date(now + wait) }
  return { outcome: { delivery, state: pause === undefined ? 'failed' : 'again', ...told, error }, health, gone: false }
}

/** Whether a success is to be written down: not for those who took everything within the last minute as well. */
function isNews({ failures, retryAt, slow, succeededAt }: Recipient, isSlow: boolean, now: number): boolean {
  return failures > 0 || retryAt !== undefined || slow !== isSlow || succeededAt === undefined || now - succeededAt.getTime() > MINUTE
}
