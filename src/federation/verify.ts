/** To ask subscribers whether they meant it, and to tell them when it is over (protocols.md H5, H6). */
import { randomBytes } from 'node:crypto'
import { makeBatch } from '../model/batch.ts'
import { BadMessage, isFailure, Refused, Unreachable } from '../model/errors.ts'
import type { PendingVerification, Verification } from '../model/kept.ts'
import { challengeMatches, deniedUrl, verificationUrl } from '../protocol/hub.ts'
import type { Tools } from '../tools.ts'
import { isEcho } from './echo.ts'
import { noteRefusal } from './refusals.ts'

const CLAIM_MS = 60_000
const AT_ONCE = 500
const LOOK_MS = 100
const PAUSES = [60_000, 10 * 60_000, 50 * 60_000]
/** Answers that are no refusal: the subscriber is asked again. */
const TEMPORARY = [408, 425, 429]

export type Verdict = { confirmed: boolean; refused?: boolean; why?: string }

/**
 * Verifies what is due, as far as nobody else does. It goes on looking while it waits for the slow, so that those who answer at
 * once are not held up by them; each outcome is kept with those that came with it.
 */
export async function verifyDue(tools: Tools): Promise<void> {
  const { clock, subscribers, transaction, worker } = tools
  const confirm = makeBatch<PendingVerification>(200, list => transaction(stores => stores.subscribers.confirm(list, clock())))
  const end = clock().getTime() + CLAIM_MS
  const running = new Set<Promise<void>>()
  let failed: unknown
  for (;;) {
    const now = clock()
    const room = now.getTime() < end ? Math.min(100, AT_ONCE - running.size) : 0
    const due = room === 0 ? [] : await subscribers.claim(worker, now, new Date(now.getTime() + CLAIM_MS), room)
    for (const one of due) {
      const run: Promise<void> = verify(tools, one, confirm)
        .catch(error => {
          failed = error
        })
        .finally(() => running.delete(run))
      running.add(run)
    }
    if (running.size === 0) break
    if (due.length === 0) await Promise.race([Promise.all(running), new Promise(done => setTimeout(done, LOOK_MS))])
  }
  if (failed !== undefined) throw failed
}

async function verify(tools: Tools, one: PendingVerification, confirm: (one: PendingVerification) => Promise<void>): Promise<void> {
  const { clock, log, subscribers } = tools
  const { confirmed, refused, why } = await challenge(tools, one)
  if (confirmed) return confirm(one)
  const pause = PAUSES[one.attempts]
  log.info({ mode: one.mode, topic: one.topic, callback: one.callback, why }, 'hub: a verification failed')
  if (!refused && pause !== undefined) return subscribers.retry(one, new Date(clock().getTime() + pause), clock())
  // P answers 500 to the verification of an unsubscribe: after the last try it counts when pushes fail too (H5)
  if (one.mode === 'unsubscribe' && !refused && (await subscribers.isFailing(one.topic, one.callback))) return confirm(one)
  await subscribers.drop(one, clock())
  const failure = new Refused(`The subscriber did not confirm: ${why}.`, { status: 409, code: 'not_verified' })
  await noteRefusal(tools, { way: 'hub', path: '/hub', from: '' }, new URL(one.callback).origin, failure)
}

/** Asks the callback: confirmed if and only if the answer is 2xx and its body is the challenge, byte for byte. */
export async function challenge({ addresses, http }: Pick<Tools, 'addresses' | 'http'>, one: Verification): Promise<Verdict> {
  const challenge = randomBytes(24).toString('hex')
  const lease = one.mode === 'subscribe' && one.leaseSeconds !== undefined ? { lease: one.leaseSeconds } : {}
  const token = one.verifyToken === undefined ? {} : { verifyToken: one.verifyToken }
  const url = verificationUrl(one.callback, { mode: one.mode, topic: one.topicAsked, challenge, ...lease, ...token })
  try {
    const { body, status } = await http.request(url, {
      redirects: 0,
      timeout: 10_000,
      maxBytes: 4096,
      wide: true,
      allowOwn: isEcho({ addresses }, one.callback),
      headers: { accept: '*/*' }
    })
    if (status < 200 || status > 299)
      return { confirmed: false, refused: status < 500 && !TEMPORARY.includes(status), why: `answered ${status}` }
    return challengeMatches(body, challenge)
      ? { confirmed: true }
      : { confirmed: false, refused: true, why: 'the answer was not the challenge' }
  } catch (error) {
    if (error instanceof Unreachable) return { confirmed: false, why: error.message }
    if (error instanceof Refused || error instanceof BadMessage) return { confirmed: false, refused: true, why: error.message }
    throw error
  }
}

/** Tells callbacks that their subscription is over, each once: whoever does not listen will see it by the silence. */
export async function tellDenied(
  { http, log }: Pick<Tools, 'http' | 'log'>,
  topic: string,
  callbacks: string[],
  reason: string
): Promise<void> {
  await Promise.all(
    callbacks.map(async callback => {
      try {
        await http.request(deniedUrl(callback, { topic, reason }), { redirects: 0, discard: true, wide: true })
      } catch (error) {
        if (!isFailure(error)) throw error
        log.info({ callback, topic, why: error.message }, 'hub: the end of a subscription could not be told')
      }
    })
  )
}
