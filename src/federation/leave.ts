/** To read somebody's feeds no more (protocols.md S13). */
import type { Subscription } from '../model/kept.ts'
import type { Stores } from '../tools.ts'

const DAY = 86_400_000

/** Ends what is subscribed of somebody whom nobody here follows any more: counted when nobody else can begin to, in a transaction. */
export async function leaveUnfollowed(stores: Stores, actorId: string, now: Date): Promise<void> {
  const held = await stores.subscriptions.lockAll({ actorId })
  if ((await stores.follows.localFollowers(actorId)) > 0) return
  // the feed of a blog of ours is read for its account, whoever follows that
  if ((await stores.actors.find(actorId))?.localName !== undefined) return
  for (const subscription of held) await leave(stores, subscription, now)
}

/** Ends a subscription: a hub that pushes must be told so (S13). */
export async function leave(stores: Stores, { id, state }: Subscription, now: Date): Promise<void> {
  if (state === 'ending' || state === 'ended') return
  const pushed = state === 'active' || state === 'asking'
  await stores.subscriptions.change(id, {
    ...{ state: pushed ? 'ending' : 'ended', endedAt: now, pollAt: null, olderUrl: null },
    ...{ askAt: pushed ? new Date(now.getTime() + DAY) : null, askFailures: 0, pendingMode: null }
  })
  if (pushed) await stores.queue.add('subscription.ask', { subscription: id })
}
