/** What the owner does by hand when something is stuck or unwanted. */
import { isFailure, Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account } from '../model/kept.ts'
import { deniedUrl } from '../protocol/hub.ts'
import { AS } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { queueDeliveries } from './distribute.ts'
import { tootSignal } from './toot-desk.ts'

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

/** Ends one subscription at our hub; the callback is told so by a job. @throws Missing when there is none */
export async function endSubscription({ transaction }: Tools, id: string): Promise<void> {
  await transaction(async ({ queue, subscribers }) => {
    const ended = isNumber(id) ? await subscribers.remove(id) : undefined
    if (ended === undefined) throw new Missing('There is no such subscription any more.')
    await queue.add('hub.deny', { topic: ended.topic, callbacks: [ended.callback], reason: REASON })
  })
}

/** Whether it can be the number of a row. */
const isNumber = (text: string): boolean => /^\d{1,18}$/.test(text)

/** Puts a delivery that waits or failed at the head of the queue. @throws Missing when there is none, or it has arrived */
export async function retryDelivery({ transaction }: Pick<Tools, 'transaction'>, id: string): Promise<void> {
  await transaction(async ({ deliveries, queue }) => {
    const recipient = isNumber(id) ? await deliveries.revive(id) : undefined
    if (recipient === undefined) throw new Missing(`There is no delivery ${id} that could be tried again.`)
    await queue.add('deliver', { recipients: [recipient] })
  })
}

/** Tries everything again that tells of a post and has not arrived. @throws Missing when there is nothing of the kind */
export async function retryDeliveries({ transaction }: Tools, postId: string): Promise<void> {
  await transaction(async stores => {
    const recipients = isId(postId) ? await stores.outgoing.revive(postId) : []
    if (recipients.length === 0) throw new Missing('Nothing of this post failed that could be tried again.')
    await queueDeliveries(stores, recipients)
  })
}

/** The toot of a post that waits, or an edit of it, is tried again now. @throws Missing when none waits */
export async function retryToot({ clock, transaction }: Tools, postId: string): Promise<void> {
  await transaction(async ({ changes, toots }) => {
    const toot = isId(postId) ? (await toots.ofPosts([postId])).get(postId)?.toot : undefined
    const isWanted = toot?.state === 'wanted' && (await toots.wantNow(toot, clock()))
    if (toot?.state === 'posted' && toot.editAt !== undefined) await toots.wantEdit(toot.key, clock())
    else if (!isWanted) throw new Missing('No toot of this post waits.')
    await changes.tell(tootSignal(toot.key))
  })
}

/** Tells a hub of the settings once more that the feed of an account is new. @throws Missing for any other hub */
export async function pingAgain({ config, queue }: Tools, { feedUrl }: Account, hub: string): Promise<void> {
  if (!config.hubs.includes(hub) || feedUrl === undefined) throw new Missing('That is no hub that is told of posts.')
  await queue.add('hub.ping', { hub, topic: feedUrl })
}

/** Reads a feed that we follow now. @throws Missing when there is none, or it has ended */
export async function readFeedNow({ clock, transaction }: Tools, id: string): Promise<void> {
  await transaction(async ({ queue, subscriptions }) => {
    const feed = isId(id) ? await subscriptions.lock(id) : undefined
    if (feed === undefined || ['ending', 'ended'].includes(feed.state)) throw new Missing('This feed is not read any more.')
    // one that was gone may be there again
    if (feed.state === 'gone') await subscriptions.change(id, { state: 'polling', pollAt: clock() })
    await queue.add('feed.poll', { subscription: id })
  })
}

/** Asks the hub of a feed anew to push. @throws Missing when there is no such feed, or it names no hub */
export async function askHubAgain({ transaction }: Tools, id: string): Promise<void> {
  await transaction(async ({ queue, subscriptions }) => {
    const feed = isId(id) ? await subscriptions.lock(id) : undefined
    if (feed === undefined || ['ending', 'ended', 'gone'].includes(feed.state)) throw new Missing('This feed is not read any more.')
    if (feed.hub === undefined && feed.fixedHub === undefined && feed.hubs.length === 0) throw new Missing('This feed names no hub.')
    await subscriptions.change(id, { askFailures: 0 })
    await queue.add('subscription.ask', { subscription: id })
  })
}

/** Says once more to somebody who follows by ActivityPub that they may (W3). @throws Missing when they do not */
export async function acceptAgain({ actors, follows, queue }: Tools, account: Account, personId: string): Promise<void> {
  const person = isId(personId) ? await actors.find(personId) : undefined
  const follow = person && (await follows.find(person.id, account.id))
  if (person === undefined || follow?.via !== 'inbox') throw new Missing('They do not follow by ActivityPub.')
  const id = follow.uri === undefined ? {} : { id: follow.uri }
  const activity = { '@context': AS, ...id, type: 'Follow', actor: person.uri, object: account.uri }
  await queue.add('inbox.answer', { account: account.localName, person: person.id, activity: JSON.stringify(activity), yes: true })
}

/** Tries now what waits for a host that did not answer. @throws Missing when no address of it fails */
export async function tryHostNow({ transaction }: Tools, host: string): Promise<void> {
  await transaction(async stores => {
    if (!(await stores.recipients.isFailing(host))) throw new Missing(`Nothing is known against ${host} any more.`)
    await queueDeliveries(stores, await stores.recipients.wakeHost(host))
  })
}
