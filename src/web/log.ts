/** `/log`: why something did not arrive, on the way out and on the way in, and what can be done about it (W52). */
import Router, { type RouterContext } from '@koa/router'
import { findAccount } from '../federation/accounts.ts'
import {
  acceptAgain,
  askHubAgain,
  endSubscription,
  pingAgain,
  readFeedNow,
  retryDeliveries,
  retryDelivery,
  retryToot,
  tryHostNow
} from '../federation/remedy.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { showFeeds } from './log-feeds.ts'
import { showHosts, showRefused } from './log-hosts.ts'
import { doing, type Show, showing } from './log-parts.ts'
import { showFollowers, showSubscribers } from './log-people.ts'
import { showPost, showPosts } from './log-posts.ts'
import type { Done } from './log-views.ts'
import { parametersOf } from './paging.ts'

const idOf = ({ params }: RouterContext): string => params.id ?? ''

export function logRoutes(tools: Tools): Router {
  const router = new Router()
  router.use('/log', async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    await next()
  })
  const page = (path: string, show: Show) => router.get(path, showing(tools, show))
  page('/log', showPosts)
  page('/log/posts/:id', showPost)
  page('/log/feeds', showFeeds)
  page('/log/followers', showFollowers)
  page('/log/subscribers', showSubscribers)
  page('/log/hosts', showHosts)
  page('/log/refused', showRefused)
  addPostButtons(router, tools)
  const button = (path: string, done: Done, back: string, show: Show, work: (ctx: RouterContext, form: URLSearchParams) => Promise<void>) =>
    router.post(
      path,
      doing(tools, done, () => back, show, work)
    )
  button('/log/feeds/:id/read', 'read', '/log/feeds', showFeeds, ctx => readFeedNow(tools, idOf(ctx)))
  button('/log/feeds/:id/ask', 'asked', '/log/feeds', showFeeds, ctx => askHubAgain(tools, idOf(ctx)))
  button('/log/followers/:id/accept', 'accepted', '/log/followers', showFollowers, async ctx =>
    acceptAgain(tools, await followed(tools, ctx), idOf(ctx))
  )
  button('/log/subscribers/:id/drop', 'dropped', '/log/subscribers', showSubscribers, ctx => endSubscription(tools, idOf(ctx)))
  button('/log/hosts/retry', 'retried', '/log/hosts', showHosts, (_, form) => tryHostNow(tools, form.get('host') ?? ''))
  return router
}

function addPostButtons(router: Router, tools: Tools): void {
  const button = (path: string, done: Done, work: (ctx: RouterContext, form: URLSearchParams) => Promise<void>) =>
    router.post(
      `/log/posts/:id/${path}`,
      doing(tools, done, ctx => `/log/posts/${idOf(ctx)}`, showPost, work)
    )
  button('retry', 'retried', async (ctx, form) => {
    const delivery = form.get('delivery')
    await (delivery === null ? retryDeliveries(tools, idOf(ctx)) : retryDelivery(tools, delivery))
  })
  button('toot', 'retried', ctx => retryToot(tools, idOf(ctx)))
  button('ping', 'pinged', async (ctx, form) => pingAgain(tools, await authorOf(tools, idOf(ctx)), form.get('hub') ?? ''))
}

/** The account whose followers a page shows. */
async function followed(tools: Tools, ctx: RouterContext): Promise<Account> {
  const name = parametersOf(ctx).get('as')
  const account = name === null ? (await tools.actors.accounts())[0] : await findAccount(tools, name)
  if (account === undefined) throw new Missing('There is no such account here.')
  return account
}

async function authorOf(tools: Tools, postId: string): Promise<Account> {
  const post = isId(postId) ? await tools.timelines.one(postId) : undefined
  if (post?.author.localName === undefined) throw new Missing('There is no such post of ours.')
  return findAccount(tools, post.author.localName)
}
