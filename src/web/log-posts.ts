/** The log of posts: where each went, by what way, and what came back. */
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Shown } from '../model/kept.ts'
import { LOG_DAYS } from '../model/retries.ts'
import { plainText } from '../protocol/plain-text.ts'
import type { Fate, Listed, Ping, Sum, Tools } from '../tools.ts'
import { pageAt, type Show, sendLog, showAnswer, timeOrNot } from './log-parts.ts'
import type { DeliveryView, HubView, LoggedPost, Quiet, TootView, WayView } from './log-views.ts'
import { parametersOf, readCursor, writeCursor } from './paging.ts'
import { postPath, showPlace, showTime, type Viewer } from './shown.ts'

const POSTS = 10
const DELIVERIES = 50
const DAY = 86_400_000
const TITLE = 90

/** `/log`: the last posts of our accounts, and what is wrong elsewhere. */
export const showPosts: Show = async (tools, ctx, viewer, problem) => {
  const { clock, recipients, refusals, subscriptions, timelines } = tools
  const before = parametersOf(ctx).get('before')
  const [found, hosts, feeds, refused] = await Promise.all([
    timelines.own({ limit: POSTS + 1, ...(before === null ? {} : { before: readCursor(before) }) }),
    recipients.countFailingHosts(),
    subscriptions.countTroubled(),
    refusals.count(new Date(clock().getTime() - DAY))
  ])
  const page = found.slice(0, POSTS)
  const last = found.length > POSTS ? page.at(-1) : undefined
  const posts = await logPosts(tools, viewer, page)
  const older = last === undefined ? {} : { older: pageAt(ctx, { before: writeCursor(last) }) }
  sendLog(ctx, viewer, 'log', 'posts', { posts, days: LOG_DAYS, hosts, feeds, refused, ...older }, problem)
}

/** `/log/posts/ID`: each delivery of a post. @throws Missing for a post that is not ours */
export const showPost: Show = async (tools, ctx, viewer, problem) => {
  const { id = '' } = ctx.params
  const found = isId(id) ? await tools.timelines.one(id) : undefined
  if (found?.author.localName === undefined) throw new Missing('There is no such post of ours.')
  const [[post], hosts] = await Promise.all([logPosts(tools, viewer, [found]), tools.outgoing.countHosts(id)])
  for (const way of post!.ways) way.hosts = hosts.get(way.kind) ?? 0
  const failed = countFailed(post!)
  const asked = parametersOf(ctx).get('show')
  const show = asked === 'all' || (asked !== 'failed' && failed === 0) ? 'all' : 'failed'
  const before = parametersOf(ctx).get('before') ?? ''
  const list = await tools.deliveries.list({
    ...{ failed: show === 'failed', postId: id, limit: DELIVERIES + 1 },
    ...(/^\d{1,18}$/.test(before) ? { before } : {})
  })
  const page = list.slice(0, DELIVERIES)
  const older = list.length > DELIVERIES ? { older: pageAt(ctx, { show, before: page.at(-1)!.id }) } : {}
  const deliveries = page.map(one => showDelivery(viewer, one))
  sendLog(ctx, viewer, 'log-post', 'posts', { post: post!, days: LOG_DAYS, deliveries, show, failed, ...older }, problem)
}

const countFailed = ({ ways }: LoggedPost): number =>
  ways
    .flatMap(({ counts }) => counts)
    .reduce((sum, { count, state }) => sum + (['again', 'failed', 'dropped'].includes(state) ? count : 0), 0)

/** Where posts went. Three reads, however many posts there are. */
async function logPosts(tools: Tools, viewer: Viewer, posts: Shown[]): Promise<LoggedPost[]> {
  const ids = posts.map(({ id }) => id)
  const topics = [...new Set(posts.flatMap(({ author }) => author.feedUrl ?? []))]
  const [sums, fates, pings] = await Promise.all([tools.outgoing.sums(ids), tools.toots.ofPosts(ids), tools.pings.find(topics)])
  return posts.map(post => {
    const mine = sums.filter(({ postId }) => postId === post.id)
    return logPost(
      tools,
      viewer,
      post,
      mine,
      fates.get(post.id),
      pings.filter(({ topic }) => topic === post.author.feedUrl)
    )
  })
}

function logPost(tools: Tools, viewer: Viewer, post: Shown, sums: Sum[], fate: Fate | undefined, pings: Ping[]): LoggedPost {
  const { clock, config } = tools
  const page = postPath(viewer, post)
  const quiet = sums.length > 0 ? undefined : whyQuiet(post, fate, clock())
  const since = sums.reduce((first, sum) => (sum.since < first ? sum.since : first), sums[0]?.since ?? post.receivedAt)
  const isTold = quiet === undefined || quiet === 'nobody'
  return {
    ...{
      id: post.id,
      title: titleOf(post),
      shared: post.verb === 'share',
      as: post.author.localName ?? '',
      published: showTime(post.publishedAt)
    },
    ...(page === undefined ? {} : { page }),
    ways: waysOf(sums),
    hubs: isTold ? config.hubs.map(hub => showHub(viewer, hub, since, pings)) : [],
    ...(fate?.toot === undefined ? {} : { toot: showToot(viewer, fate.toot) }),
    ...(quiet === undefined ? {} : { quiet }),
    ...(quiet === 'later' ? { from: showTime(fate!.announceAt!) } : {})
  }
}

function titleOf({ html, shared, title }: Shown): string {
  const text = title ?? plainText(shared?.title ?? shared?.html ?? html)
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > TITLE ? `${line.slice(0, TITLE - 1)}…` : line
}

function whyQuiet({ receivedAt, visibility }: Shown, fate: Fate | undefined, now: Date): Quiet {
  if (visibility !== 'public') return 'private'
  if (fate?.isNews === false) return 'old'
  if (fate?.announceAt !== undefined && fate.announceAt > now) return 'later'
  return now.getTime() - receivedAt.getTime() > LOG_DAYS * DAY ? 'forgotten' : 'nobody'
}

const STATES = ['done', 'waiting', 'again', 'failed', 'dropped'] as const

function waysOf(sums: Sum[]): WayView[] {
  return (['inbox', 'hub', 'salmon'] as const).flatMap(kind => {
    const mine = sums.filter(sum => sum.kind === kind)
    const counts = STATES.flatMap(state => mine.filter(sum => sum.state === state).map(({ count }) => ({ state, count })))
    return mine.length === 0 ? [] : [{ kind, counts }]
  })
}

function showHub(viewer: Viewer, hub: string, since: Date, pings: Ping[]): HubView {
  const ping = pings.find(one => one.hub === hub)
  const answer = ping && showAnswer(viewer, ping)
  const at = timeOrNot(ping?.pingedAt)
  return {
    ...{ hub, host: showPlace(hub)?.host ?? hub, told: ping?.succeededAt !== undefined && ping.succeededAt >= since },
    ...(at === undefined ? {} : { at }),
    ...(ping?.error === undefined || answer === undefined ? {} : { answer })
  }
}

function showToot(viewer: Viewer, { dueAt, editAt, state, tootUrl, ...toot }: NonNullable<Fate['toot']>): TootView {
  const url = showPlace(tootUrl)?.url
  const answer = showAnswer(viewer, toot)
  return {
    ...{ state: state === 'wanted' ? 'waiting' : state, mayRetry: state === 'wanted' || (state === 'posted' && editAt !== undefined) },
    ...(url === undefined ? {} : { url }),
    ...(state === 'dry-run' && toot.text !== undefined ? { text: toot.text } : {}),
    ...(dueAt === undefined || state !== 'wanted' ? {} : { due: showTime(dueAt) }),
    ...(editAt === undefined ? {} : { editDue: showTime(editAt) }),
    ...(toot.error === undefined || answer === undefined ? {} : { answer })
  }
}

function showDelivery(viewer: Viewer, one: Listed): DeliveryView {
  const state = one.state === 'waiting' && one.attempts > 0 ? 'again' : one.state
  const answer = showAnswer(viewer, one)
  const [done, again] = [timeOrNot(one.doneAt), state === 'again' ? timeOrNot(one.retryAt) : undefined]
  return {
    ...{ id: one.id, kind: one.kind, host: one.host, state, attempts: one.attempts, at: showTime(one.createdAt) },
    ...(one.who === undefined ? {} : { who: one.who }),
    ...(done === undefined ? {} : { done }),
    ...(again === undefined ? {} : { again }),
    ...(answer === undefined ? {} : { answer })
  }
}
