/** The log of the feeds that are read: how each comes, when, and what is wrong with it (W14, W41). */
import { hideSecrets } from '../model/log.ts'
import type { ListedFeed } from '../tools.ts'
import { pageAt, readPlace, type Show, sendLog, showAnswer, timeOrNot } from './log-parts.ts'
import type { FeedView } from './log-views.ts'
import { parametersOf } from './paging.ts'
import { showPlace } from './shown.ts'

const FEEDS = 20

/** `/log/feeds`: those in trouble first, or the newest. */
export const showFeeds: Show = async ({ subscriptions }, ctx, viewer, problem) => {
  const byTrouble = parametersOf(ctx).get('sort') !== 'new'
  const [trouble, id] = readPlace(ctx, 'after', /^([0-3])_([0-9a-hjkmnp-tv-z]{17})$/) ?? []
  const after = trouble === undefined || id === undefined ? {} : { after: { trouble: Number(trouble), id } }
  const list = await subscriptions.list({ byTrouble, limit: FEEDS + 1, ...after })
  const page = list.slice(0, FEEDS)
  const last = list.length > FEEDS ? page.at(-1) : undefined
  const older = last === undefined ? {} : { older: pageAt(ctx, { after: `${last.trouble}_${last.id}` }) }
  const feeds = page.map(feed => {
    const answer = feed.error === undefined ? undefined : showAnswer(viewer, feed)
    return answer === undefined ? showFeed(feed) : { ...showFeed(feed), answer }
  })
  sendLog(ctx, viewer, 'log-feeds', 'feeds', { feeds, byTrouble, ...older }, problem)
}

function showFeed(feed: ListedFeed): FeedView {
  const { badSignatures, fixedHub, format, hubs, id, newsMissed, pollFailures, state, topic, url, who } = feed
  const place = showPlace(url)
  // an address that opens doors is no link
  const told = hideSecrets(url)
  const hub = feed.hub ?? fixedHub ?? hubs[0]
  const isOver = state === 'ending' || state === 'ended'
  const page = who && (who.localName === undefined ? `/people/${who.id}` : `/users/${who.localName}`)
  return {
    ...{
      id,
      name: who?.displayName?.trim() || who?.acct || place?.host || hideSecrets(topic),
      url: told,
      state,
      unread: pollFailures,
      badSignatures
    },
    ...{ missed: newsMissed, mayRead: !isOver, mayAsk: !isOver && state !== 'gone' && hub !== undefined },
    ...(page === undefined ? {} : { page }),
    ...(place === undefined || told !== url ? {} : { feed: place }),
    ...(format === undefined ? {} : { format }),
    ...(hub === undefined ? {} : { hub: showPlace(hub)?.host ?? hub }),
    ...timesOf(feed)
  }
}

function timesOf({ askAt, expiresAt, newsAt, pollAt, polledAt, pushedAt, state }: ListedFeed): Partial<FeedView> {
  const times = {
    ...{ lease: state === 'active' ? expiresAt : undefined, pushed: pushedAt, polled: polledAt, news: newsAt, nextPoll: pollAt },
    nextAsk: state === 'active' ? undefined : askAt
  }
  return Object.fromEntries(Object.entries(times).flatMap(([name, time]) => (time === undefined ? [] : [[name, timeOrNot(time)]])))
}
