/** What people see: the timeline, posts, and files that pages name. Nothing here changes anything. */
import Router, { type RouterContext } from '@koa/router'
import { reactionsTo } from '../federation/comments.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Shown } from '../model/kept.ts'
import { type WebLink, writeLinks } from '../protocol/link.ts'
import { TYPE } from '../protocol/names.ts'
import type { Page, Tools } from '../tools.ts'
import { cardOfPost, titleOfPost } from './card.ts'
import { composeNote, composeReply } from './compose.ts'
import { listPage, parametersOf } from './paging.ts'
import { activityLink, addProfiles, feedLink } from './profiles.ts'
import { sendIcon, sendPage, sendScript, sendStyle } from './render.ts'
import { addSearch } from './search.ts'
import { accountsHere, findViewer } from './session.ts'
import { maySee, type Viewer } from './shown.ts'
import { textsOf } from './texts.ts'
import { showThread } from './threads.ts'

/** Pages by GET, and the search box. */
export function pageRoutes(tools: Tools): Router {
  const router = new Router()
  router.get('/', ctx => sendTimeline(tools, ctx))
  addProfiles(router, tools)
  router.get('/users/:name/posts/:id', (ctx, next) => (isId(ctx.params.id ?? '') ? sendOwnPost(tools, ctx) : next()))
  router.get('/posts/:id', ctx => sendRemotePost(tools, ctx))
  router.get('/style.css', sendStyle)
  router.get('/page.js', sendScript)
  router.get('/icon.svg', sendIcon)
  // browsers ask for it where a page names no icon; it may well be a drawing
  router.get('/favicon.ico', sendIcon)
  addSearch(router, tools)
  return router
}

/** Everyone followed for the owner; for others what is public. */
async function sendTimeline(tools: Tools, ctx: RouterContext): Promise<void> {
  const { timelines } = tools
  const [viewer, accounts] = await Promise.all([findViewer(tools, ctx), accountsHere(tools, ctx)])
  const home = (page: Page) => timelines.home(accounts, page)
  const list = await listPage(tools, ctx, viewer, { all: home, public: timelines.everyone, local: timelines.local }[viewer.sees])
  const compose = parametersOf(ctx).has('before') ? undefined : await composeNote(tools, viewer)
  const title = textsOf(viewer.language).say(`timeline.of_${viewer.sees}`)
  const links = accounts.slice(0, 10).map(({ localName, displayName }) => feedLink(tools, localName, displayName))
  const card = { type: 'website', url: tools.addresses.home() } as const
  sendPage(
    ctx,
    viewer,
    'timeline',
    { title, links, noindex: viewer.sees === 'public', ...(viewer.sees === 'local' ? { card } : {}) },
    { ...list, ...(compose === undefined ? {} : { compose }) }
  )
}

/** A post of an account of ours. @throws Missing 404; 410 when it was deleted or its account closed (F15) */
async function sendOwnPost(tools: Tools, ctx: RouterContext): Promise<void> {
  const { name = '', id = '' } = ctx.params
  const post = await tools.timelines.one(id)
  if (post === undefined || post.author.localName !== name) throw new Missing('There is no such post.')
  const viewer = await findViewer(tools, ctx)
  const links: WebLink[] = [
    ...(post.visibility === 'public' || post.visibility === 'unlisted'
      ? [{ url: tools.addresses.postEntry(name, id), rel: ['alternate'], type: TYPE.atom }, activityLink(post.uri)]
      : []),
    { url: post.uri, rel: ['canonical'] }
  ]
  await sendPost(tools, ctx, viewer, post, links)
}

async function sendRemotePost(tools: Tools, ctx: RouterContext): Promise<void> {
  const viewer = await findViewer(tools, ctx)
  const id = ctx.params.id ?? ''
  const post = isId(id) && viewer.sees !== 'local' ? await tools.timelines.one(id) : undefined
  if (post === undefined) throw new Missing('There is no such post.')
  if (post.author.localName !== undefined) return ctx.redirect(`/users/${post.author.localName}/posts/${id}`)
  await sendPost(tools, ctx, viewer, post, undefined)
}

/** A post within its conversation, as far as the viewer may see it. `links` only for posts of our own. */
async function sendPost(tools: Tools, ctx: RouterContext, viewer: Viewer, post: Shown, links: WebLink[] | undefined): Promise<void> {
  if (post.deletedAt !== undefined) throw new Missing('This post was deleted.', { status: 410, code: 'gone' })
  if (post.author.removedAt !== undefined) throw new Missing('This account was closed.', { status: 410, code: 'gone' })
  if (!maySee(viewer, post)) throw new Missing('There is no such post.')
  const thread = await showThread(tools, viewer, post, parametersOf(ctx).get('after'))
  if (thread === undefined) throw new Missing('There is no such post.')
  if (links !== undefined) ctx.set('Link', writeLinks(links))
  const compose = await composeReply(tools, viewer, post)
  const isOurs = links !== undefined && post.verb === 'post'
  const answerFrom = isOurs && viewer.csrf === undefined ? { answerFrom: post.uri } : {}
  const reactions = isOurs ? { reactions: await reactionsTo(tools, post) } : {}
  const focus = thread.posts.find(({ isFocus }) => isFocus)?.post
  const own = links === undefined ? {} : { creator: post.author.acct ?? '', ...(focus && { card: cardOfPost(tools, post, focus) }) }
  const frame = { title: titleOfPost(viewer.language, post), links: links ?? [], noindex: links === undefined, ...own }
  sendPage(ctx, viewer, 'thread', frame, { ...thread, ...answerFrom, ...reactions, ...(compose ? { compose } : {}) })
}
