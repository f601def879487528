/**
 * One way out: what waits for an address is sent in its order, and what became of it is written down before the address is
 * given to anybody else. A crash repeats at most what was under way; nothing is lost.
 */
import { makeBatch } from '../model/batch.ts'
import type { Recipient } from '../model/kept.ts'
import { LAST_PAUSE, RETRY_PAUSES, retryPause } from '../model/retries.ts'
import type { Document, Health, Outcome, Stores, Tools, Waiting } from '../tools.ts'
import { isDone, type Result, send } from './deliver-send.ts'
import { queueDeliveries } from './distribute.ts'

type Needs = Omit<Tools, 'history' | 'onChange' | 'queue'>
/**
 * `url`: of an inbox that is gone. `dead`: nothing has arrived there for days. `stubborn`: it may be this one thing that is not taken;
 * `neutral`: it is, which says nothing of how the address is doing.
 */
type Tried = {
  outcomes: [Outcome, ...Outcome[]]
  health: Health
  gone: boolean
  movedTo?: string
  url?: string
  dead?: boolean
  stubborn?: boolean
  neutral?: boolean
}

const CLAIM_MS = 120_000
const SLOW_MS = 1_000
/** How a Salmon endpoint says that it took an envelope (M8). */
const TAKEN = [200, 201, 202, 204]
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** As often one thing may fail a server (5xx) before the next one is tried there. */
const STUBBORN = 3
/** How long an activity is tried; a host that has failed for longer is asked once a day. */
const PATIENCE = 3 * DAY

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
      const recipient = byId.get(delivery.recipientId)!
      const tried = await attempt(tools, recipient, delivery, documents.get(delivery.documentId)!)
      await settle(tried.stubborn ? await passBy(tools, recipient, tried) : tried)
      await look(delivery.recipientId)
    })
  ])
}

/** What became of some tries, and the addresses given back, in one commit. */
async function writeDown({ clock, transaction, worker }: Needs, tried: Tried[]): Promise<void> {
  const now = clock()
  const outcomes = tried.flatMap(one => one.outcomes)
  const health = tried.filter(one => !one.neutral).map(one => one.health)
  const neutral = tried.filter(one => one.neutral).map(one => one.health.recipientId)
  const gone = tried.filter(one => one.gone).map(one => one.health.recipientId)
  const dead = tried.filter(one => one.dead).map(one => one.health.recipientId)
  const ill = health.filter(one => one.retryAt !== undefined).map(one => one.recipientId)
  await transaction(async stores => {
    const { deliveries, recipients } = stores
    await deliveries.settle(outcomes, now)
    await recipients.takeUp(ill)
    await recipients.release(worker, health, now)
    await recipients.letGo(worker, neutral)
    for (const one of tried) if (one.gone && one.url !== undefined) await leaveInbox(stores, one, one.url, now)
    await recipients.giveUp(gone, 'Whoever it was for is gone.', now)
    await recipients.giveUpOld(dead, new Date(now.getTime() - PATIENCE), 'It did not arrive within three days.', now)
    for (const { health, movedTo } of tried) if (movedTo !== undefined) await recipients.move(health.recipientId, movedTo, now)
  })
}

/** Whose own inbox it was follows no more; whom it served beside others is served by his own from now on (W10). */
async function leaveInbox(stores: Stores, { health, outcomes }: Tried, url: string, now: Date): Promise<void> {
  const sent = outcomes.map(({ delivery }) => delivery.id)
  await stores.follows.removeInbox(url)
  await queueDeliveries(stores, await stores.recipients.disperse(health.recipientId, url, sent, now))
}

async function load({ deliveries }: Needs, waiting: Waiting[]): Promise<Map<string, Document>> {
  const documents = new Map<string, Document>()
  for (const id of new Set(waiting.map(delivery => delivery.documentId))) {
    const document = await deliveries.document(id)
    if (document !== undefined) documents.set(id, document)
  }
  return documents
}

/** One try in its lane, and what it means. */
async function attempt(tools: Needs, recipient: Recipient, delivery: Waiting, document: Document): Promise<Tried> {
  let result: Result = { error: 'not sent' }
  const took = await tools.lanes.run(recipient.host, recipient.slow, async () => {
    result = await send(tools, recipient, delivery, document)
    return { busy: result.status === undefined || result.status >= 500 }
  })
  return judge(tools, recipient, delivery, result, took)
}

/**
 * W10: whether it is the address that fails, or the one thing that it is sent, is told by what else was taken since it was first tried;
 * if nothing was, by the next thing. If that is taken, the first waits by itself. Where there is no next thing it does so too, lest
 * what comes later has to wait for it.
 */
async function passBy(tools: Needs, recipient: Recipient, tried: Tried): Promise<Tried> {
  const { clock, deliveries } = tools
  const [first] = tried.outcomes
  const { retryAt, ...health } = tried.health
  const aside: Outcome = { ...first, ...(retryAt === undefined ? {} : { asideUntil: retryAt }) }
  if (recipient.failures < first.delivery.attempts) return { ...tried, outcomes: [aside], health, neutral: true }
  const next = await deliveries.another(first.delivery, clock())
  const document = next && (await deliveries.document(next.documentId))
  if (next === undefined || document === undefined) return { ...tried, outcomes: [aside], health }
  const other = await attempt(tools, recipient, next, document)
  const isIll = other.outcomes[0].state === 'again'
  return isIll ? { ...tried, outcomes: [first, ...other.outcomes] } : { ...other, outcomes: [aside, ...other.outcomes] }
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

/**
 * W10: an activity is refused for good by whoever says that it is wrong, but not by whoever could not check the signature now. An
 * inbox that is gone takes its owner along (410).
 */
function judgeActivity({ lasting, status }: Result): Verdict {
  if (status === undefined) return lasting === true ? 'refused' : 'again'
  if (isDone({ status })) return 'done'
  if (status === 410) return 'gone'
  return status >= 500 || [401, 408, 429].includes(status) ? 'again' : 'refused'
}

function verdictOn(recipient: Recipient, result: Result, now: number): Verdict {
  if (recipient.kind === 'salmon') return judgeEnvelope(result)
  return recipient.kind === 'inbox' ? judgeActivity(result) : judgeCallback(recipient, result, now)
}

/** What is written down of one try. */
function judge({ clock, log, random }: Needs, recipient: Recipient, delivery: Waiting, result: Result, took: number): Tried {
  const { movedTo, status } = result
  const now = clock().getTime()
  const verdict = verdictOn(recipient, result, now)
  const told = status === undefined ? {} : { status }
  const base = { recipientId: recipient.id, slow: took > SLOW_MS, ...told }
  if (verdict === 'done') {
    const health = { ...base, ok: true, changed: isNews(recipient, base.slow, now) }
    return { outcomes: [{ delivery, state: 'done', ...told }], health, gone: false, ...(movedTo === undefined ? {} : { movedTo }) }
  }
  const error = result.error ?? `answered ${status}`
  const failed = { ...base, ok: false, changed: true, error }
  if (verdict === 'gone') {
    const outcome: Outcome = { delivery, state: 'dropped', ...told, error }
    return { outcomes: [outcome], health: failed, gone: true, ...(recipient.kind === 'inbox' ? { url: recipient.url } : {}) }
  }
  if (verdict === 'refused') {
    log.warn({ url: recipient.url, why: error }, `deliver: refused by an ${recipient.kind === 'inbox' ? 'inbox' : 'endpoint'}`)
    return { outcomes: [{ delivery, state: 'failed', ...told, error }], health: failed, gone: false }
  }
  const dead = recipient.kind === 'inbox' && now - (recipient.failingSince?.getTime() ?? now) > PATIENCE
  const pause = dead ? undefined : retryPause(Math.max(delivery.attempts, recipient.failures) + 1, random)
  const over = dead ? now - delivery.createdAt.getTime() > PATIENCE : delivery.attempts >= RETRY_PAUSES.length
  const wait = Math.max(pause ?? LAST_PAUSE, Math.min((result.retryAfter ?? 0) * 1000, DAY))
  const health = { ...failed, retryAt: new Date(now + wait) }
  const stubborn = !dead && (status ?? 0) >= 500 && result.retryAfter === undefined && delivery.attempts + 1 >= STUBBORN
  return { outcomes: [{ delivery, state: over ? 'failed' : 'again', ...told, error }], health, gone: false, dead, stubborn }
}

/** Whether a success is to be written down: not for those who took everything within the last minute as well. */
function isNews({ failures, retryAt, slow, succeededAt }: Recipient, isSlow: boolean, now: number): boolean {
  return failures > 0 || retryAt !== undefined || slow !== isSlow || succeededAt === undefined || now - succeededAt.getTime() > MINUTE
}
