/** What the owner does by hand when something is stuck or unwanted. */
import { isFailure, Missing } from '../model/errors.ts'
import { deniedUrl } from '../protocol/hub.ts'
import type { Tools } from '../tools.ts'

const REASON = 'The owner of the hub has ended this subscription.'

/**
 * Ends what a callback subscribes to at our hub, and tells it so (WebSub 5.2; H6).
 * @param topic one topic; without it, the feeds of all our accounts
 * @returns the topics that it got
 * @throws Missing when it got none
 */
export async function dropSubscriber({ actors, http, log, subscribers }: Tools, callback: string, topic?: string): Promise<string[]> {
  const topics = topic === undefined ? (await actors.accounts()).flatMap(({ feedUrl }) => feedUrl ?? []) : [topic]
  const dropped: string[] = []
  for (const topic of topics) {
    const subscriber = await subscribers.find(topic, callback)
    if (subscriber === undefined) continue
    await subscribers.remove(subscriber.id)
    dropped.push(topic)
  }
  if (dropped.length === 0) throw new Missing(`Nothing is subscribed by ${callback}.`)
  for (const topic of dropped) {
    try {
      await http.request(deniedUrl(callback, { topic, reason: REASON }), { redirects: 0, discard: true })
    } catch (error) {
      if (!isFailure(error)) throw error
      log.info({ callback, topic, why: error.message }, 'hub: the end of a subscription could not be told')
    }
  }
  return dropped
}

/** Puts a delivery that waits or failed at the head of the queue. @throws Missing when there is none, or it has arrived */
export async function retryDelivery({ transaction }: Pick<Tools, 'transaction'>, id: string): Promise<void> {
  await transaction(async ({ deliveries, queue }) => {
    const recipient = /^\d{1,18}$/.test(id) ? await deliveries.revive(id) : undefined
    if (recipient === undefined) throw new Missing(`There is no delivery ${id} that could be tried again.`)
    await queue.add('deliver', { recipients: [recipient] })
  })
}
