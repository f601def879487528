/** The log of those who are told of our posts: followers, and whoever subscribes at our hub. */
import { findAccount } from '../federation/accounts.ts'
import type { RecipientHealth, Subscriber } from '../model/kept.ts'
import type { Follower } from '../tools.ts'
import { pageAt, readPlace, type Show, sendLog, showAnswer, timeOrNot } from './log-parts.ts'
import type { FollowerView, HealthView, SubscriberView } from './log-views.ts'
import { parametersOf, readCursor, writeCursor } from './paging.ts'
import { showPerson, showPlace, showTime, type Viewer } from './shown.ts'

const PEOPLE = 50

/** `/log/followers`: those of one account. */
export const showFollowers: Show = async (tools, ctx, viewer, problem) => {
  const { follows, subscribers } = tools
  const asked = parametersOf(ctx).get('as')
  const account = asked === null ? (await tools.actors.accounts())[0] : await findAccount(tools, asked)
  const before = parametersOf(ctx).get('before')
  const cursor = before === null ? undefined : readCursor(before)
  const page = { limit: PEOPLE + 1, ...(cursor ? { before: { since: cursor.sortedAt, id: cursor.id } } : {}) }
  const [list, count, subscribed] = account
    ? await Promise.all([
        follows.listFollowers(account.id, page),
        follows.count('followers', account.id),
        subscribers.count(account.feedUrl ?? '')
      ])
    : [[], 0, 0]
  const shown = list.slice(0, PEOPLE)
  const last = list.length > PEOPLE ? shown.at(-1) : undefined
  const as = account?.localName ?? ''
  const followers = shown.map(one => showFollower(viewer, one))
  const accounts = viewer.accounts.map(name => ({ name, path: `/log/followers?as=${name}`, isShown: name === as }))
  const older = last === undefined ? {} : { older: pageAt(ctx, { before: writeCursor({ sortedAt: last.since, id: last.actor.id }) }) }
  sendLog(ctx, viewer, 'log-followers', 'followers', { accounts, as, count, subscribers: subscribed, followers, ...older }, problem)
}

const showFollower = (viewer: Viewer, { actor, health, since, via }: Follower): FollowerView => ({
  ...{ id: actor.id, person: showPerson(viewer, actor), via, since: showTime(since), health: showHealth(viewer, health) },
  mayAccept: via === 'inbox'
})

function showHealth(viewer: Viewer, health: Partial<RecipientHealth> | undefined): HealthView {
  const { failingSince, failures = 0, host, retryAt, succeededAt } = health ?? {}
  const isFailing = failures > 0
  const answer = isFailing ? showAnswer(viewer, health!) : undefined
  const [last, since, again] = [timeOrNot(succeededAt), timeOrNot(failingSince), isFailing ? timeOrNot(retryAt) : undefined]
  return {
    state: isFailing ? 'failing' : succeededAt === undefined ? 'unknown' : 'good',
    ...(host === undefined ? {} : { host }),
    ...(last === undefined ? {} : { last }),
    ...(since === undefined ? {} : { since }),
    ...(again === undefined ? {} : { again }),
    ...(answer === undefined ? {} : { answer })
  }
}

/** `/log/subscribers`: of all our feeds. Their callbacks are secrets of theirs: no more than the host is shown. */
export const showSubscribers: Show = async ({ subscribers }, ctx, viewer, problem) => {
  const [after] = readPlace(ctx, 'after', /^(\d{1,18})$/) ?? []
  const list = await subscribers.list(PEOPLE + 1, after)
  const page = list.slice(0, PEOPLE)
  const older = list.length > PEOPLE ? { older: pageAt(ctx, { after: page.at(-1)!.id }) } : {}
  sendLog(ctx, viewer, 'log-subscribers', 'subscribers', { subscribers: page.map(one => showSubscriber(viewer, one)), ...older }, problem)
}

function showSubscriber(viewer: Viewer, one: Subscriber): SubscriberView {
  const { callback, expiresAt, id, topic, verifiedAt } = one
  const name = /\/users\/([a-z0-9_]+)\.atom$/.exec(topic)?.[1]
  const host = showPlace(callback)?.host ?? ''
  return {
    ...{ id, host, topic: name === undefined ? (showPlace(topic)?.host ?? topic) : `@${name}`, lease: showTime(expiresAt) },
    ...{ since: showTime(verifiedAt), health: showHealth(viewer, one) }
  }
}
