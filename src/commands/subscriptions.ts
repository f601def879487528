/** `subscriptions`: to whom we subscribe. */
import { hideSecrets } from '../model/log.ts'
import type { ListedFeed } from '../tools.ts'
import { type Command, orNull, printList, showTime } from './command.ts'

const MOST = 100_000

/** What is told of a feed: a subscription as it is listed, or as it is kept. */
type Told = Omit<ListedFeed, 'trouble' | 'who'>

export const subscriptions: Command = {
  words: 'subscriptions',
  usage: '',
  summary: 'shows to which feeds we subscribe: state, hub, lease, last delivery, last error',
  takes: [0, 0],
  async run(tools, args, out) {
    const feeds = (await tools.subscriptions.list({ byTrouble: false, limit: MOST })).reverse()
    printList(out, args, feeds, 'There are no subscriptions.', subscriptionObject, asRow)
    return 0
  }
}

/** A subscription without what opens doors: token and secrets stay out. */
export const subscriptionObject = (one: Told) => ({
  ...{
    id: one.id,
    url: one.url,
    topic: one.topic,
    format: orNull(one.format),
    hub: orNull(one.hub),
    state: one.state,
    lease_until: orNull(one.expiresAt)
  },
  ...{ verified: orNull(one.verifiedAt), last_push: orNull(one.pushedAt), last_poll: orNull(one.polledAt), next_poll: orNull(one.pollAt) },
  ...{ next_ask: orNull(one.askAt), status: orNull(one.status), error: one.error === undefined ? null : hideSecrets(one.error) }
})

function asRow({ error, expiresAt, hub, polledAt, pushedAt, state, topic }: Told): string[] {
  const parts = [
    hub === undefined ? 'no hub' : `hub ${hub}`,
    ...(expiresAt === undefined ? [] : [`lease until ${showTime(expiresAt)}`]),
    `pushed ${showTime(pushedAt)}`,
    `polled ${showTime(polledAt)}`,
    ...(error === undefined ? [] : [`error: ${hideSecrets(error)}`])
  ]
  return [state, topic, parts.join(', ')]
}
