/** `following` and `followers`: who follows whom. */
import { exportFollows } from '../federation/follow-list.ts'
import type { Actor, RecipientHealth } from '../model/kept.ts'
import { hideSecrets } from '../model/log.ts'
import { actingAccount, type Command, flag, orNull, printList, showTime, value } from './command.ts'

type Following = { actor: Actor; via: string; since: Date }
type Follower = { actor: Actor; via: string[]; since: Date; health?: RecipientHealth }

const MOST = 100_000

export const following: Command = {
  words: 'following',
  usage: '[--as NAME] [--opml]',
  summary: 'shows whom an account follows and by what, and whom it asked and who has not answered; with --opml as a list for other readers',
  options: { as: value, opml: flag },
  takes: [0, 0],
  async run(tools, args, out) {
    const account = await actingAccount(tools, args)
    const { id, localName } = account
    if (args.opml) {
      const opml = await exportFollows(tools, [account])
      for (const line of args.json ? [JSON.stringify({ opml })] : opml.trimEnd().split('\n')) out.print(line)
      return 0
    }
    const people = [...(await tools.follows.asked(id)), ...(await tools.follows.following(id))]
    printList(out, args, people, `${localName} follows nobody.`, asObject, asRow)
    return 0
  }
}

export const followers: Command = {
  words: 'followers',
  usage: '[NAME]',
  summary: 'shows who follows an account and by what, and how many subscribe to its feed',
  options: { as: value },
  takes: [0, 1],
  async run(tools, args, out) {
    const [name = args.as] = args.positionals
    const { id, localName, feedUrl = '' } = await actingAccount(tools, name === undefined ? {} : { as: name })
    const hosts = await tools.acts.subscribedHosts(feedUrl)
    const list = await tools.follows.listFollowers(id, { limit: MOST })
    const people = list.map(person => ({ ...person, via: carriers(person, hosts) }))
    printList(out, args, people, `Nobody follows ${localName} by name.`, followerObject, asRow)
    const subscribers = await tools.subscribers.count(feedUrl)
    out.progress(`${subscribers} ${subscribers === 1 ? 'subscriber' : 'subscribers'} at our hub`)
    return 0
  }
}

/**
 * What serves a follower: ActivityPub alone where they speak it (X19); else a subscription at our hub, which belongs to a server, counts
 * for each of its people.
 */
function carriers({ actor, via }: Following, hosts: Set<string>): string[] {
  if (actor.speaks === 'activitypub') return ['inbox']
  return hosts.has(URL.parse(actor.uri)?.host ?? '') ? [via, 'hub'] : [via]
}

const asObject = ({ actor: { acct, displayName, feedUrl, uri, url }, via, since }: Following | Follower) => ({
  ...{ uri, acct: orNull(acct), name: orNull(displayName), url: orNull(url), feed: orNull(feedUrl), via, since }
})

const followerObject = (one: Follower) => ({
  ...asObject(one),
  ...{ last_delivery: orNull(one.health?.succeededAt), failures: one.health?.failures ?? 0, retry: orNull(one.health?.retryAt) },
  error: one.health?.error === undefined ? null : hideSecrets(one.health.error)
})

const asRow = ({ actor, via, since }: Following | Follower) => [
  actor.acct ?? actor.uri,
  actor.displayName ?? '',
  [via].flat().map(describeCarrier).join(', '),
  showTime(since)
]

const describeCarrier = (via: string): string =>
  via === 'asked' ? 'asked by ActivityPub, not answered yet' : via === 'inbox' ? 'ActivityPub' : via
