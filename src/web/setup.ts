/** `/setup`: the first steps, from the link on the console to the blog's posts on the page. */
import Router, { type RouterContext } from '@koa/router'
import { type Preview, previewBlog } from '../federation/preview-blog.ts'
import { lookAgain, setUpBlog } from '../federation/set-up.ts'
import { type Failure, isFailure, Refused } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import type { ProposalView } from './owner-views.ts'
import { parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { redirectTo } from './search.ts'
import { findSession, findViewer, readOwnerForm, requireOwner } from './session.ts'
import { findGiven } from './settings-list.ts'
import { showNext } from './setup-next.ts'
import { showPlace, showTime } from './shown.ts'
import { sendSignIn } from './signin.ts'
import { textsOf } from './texts.ts'

const PATH = '/setup'

export function setUpRoutes(tools: Tools): Router {
  const router = new Router()
  router.get(PATH, async ctx => {
    const token = parametersOf(ctx).get('token')
    if (token !== null && (await findSession(tools, ctx)) === undefined) await welcome(tools, ctx, token)
    else await sendAddress(tools, ctx)
  })
  router.post(`${PATH}/look`, async ctx => {
    const wish = readWish(await readOwnerForm(tools, ctx))
    await orAskAgain(tools, ctx, wish, () => sendProposal(tools, ctx, wish))
  })
  router.post(`${PATH}/blog`, async ctx => {
    const wish = readWish(await readOwnerForm(tools, ctx))
    try {
      const account = await setUpBlog(tools, { ...wish, url: tools.config.blogUrl ?? wish.url })
      redirectTo(ctx, `${PATH}/next?as=${account.localName}`)
    } catch (error) {
      if (!isFailure(error)) throw error
      await orAskAgain(tools, ctx, wish, () => sendProposal(tools, ctx, wish, error))
    }
  })
  router.get(`${PATH}/next`, async ctx => {
    const viewer = await requireOwner(tools, ctx)
    const view = await showNext(tools, parametersOf(ctx).get('as'))
    sendPage(ctx, viewer, 'next', { title: textsOf(viewer.language).say('next.title'), noindex: true }, view)
  })
  router.post(`${PATH}/again`, async ctx => {
    const name = (await readOwnerForm(tools, ctx)).get('as') ?? ''
    await lookAgain(tools, name)
    redirectTo(ctx, `${PATH}/next?as=${name}`)
  })
  return router
}

/** The link of the console: it shows a button, and is used up by pressing it. */
async function welcome(tools: Tools, ctx: RouterContext, token: string): Promise<void> {
  ctx.set('Cache-Control', 'no-store')
  if (!(await tools.sessions.isLink(token, tools.clock()))) await sendSignIn(tools, ctx, { next: PATH, dead: true }, 403)
  else {
    const viewer = await findViewer(tools, ctx)
    sendPage(ctx, viewer, 'welcome', { title: textsOf(viewer.language).say('setup.welcome'), noindex: true }, { token })
  }
  ctx.set('Referrer-Policy', 'no-referrer')
}

type Wish = ReturnType<typeof readWish>

/** `feed`: the owner's own choice; none when it is the one that we had found. */
function readWish(form: URLSearchParams) {
  const text = (name: string, most = 2048) => (form.get(name) ?? '').trim().slice(0, most)
  const feed = text('other') || text('feed')
  const icon = showPlace(text('icon'))?.url
  return {
    ...{ url: text('url'), name: text('name', 40).toLowerCase().replace(/^@/, ''), title: text('title', 500) },
    ...(feed === '' || feed === text('found') ? {} : { feed }),
    ...(icon === undefined ? {} : { icon })
  }
}

/** What cannot be read is told where another address can be given. */
async function orAskAgain(tools: Tools, ctx: RouterContext, { url }: Wish, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isFailure(error)) throw error
    tools.log.info({ url, why: error.message }, 'setup: the blog cannot be read')
    await sendAddress(tools, ctx, url, error)
  }
}

async function sendAddress(tools: Tools, ctx: RouterContext, url?: string, failure?: Failure): Promise<void> {
  const { blogs, config } = tools
  const viewer = await requireOwner(tools, ctx)
  const given = findGiven(config, 'BLOG_URL')
  const view = {
    ...{ url: config.blogUrl ?? url ?? (await blogs.all())[0]?.url ?? '', origin: config.publicUrl, isLoopback: config.isLoopback },
    ...(given === undefined ? {} : { given }),
    ...(failure === undefined ? {} : { problem: failure.message }),
    // whoever means a machine of their own is told how
    isPrivate: failure instanceof Refused && /public address/.test(failure.message),
    isPlain: failure !== undefined && (await mayBePlain(tools, failure, url))
  }
  const { say } = textsOf(viewer.language)
  sendPage(ctx, viewer, 'setup', { title: say('setup.title'), noindex: true }, view, failure?.status ?? 200)
}

/** Whether https failed where plain http may be meant: nobody has to know that an address without a scheme is taken for https. */
async function mayBePlain({ config, http }: Tools, failure: Failure, typed = ''): Promise<boolean> {
  if (!/does not speak https/.test(failure.message) || /^http:/i.test(typed)) return false
  const url = /^https:/i.test(typed) ? typed : `https://${typed}`
  return config.allowHttp || (URL.canParse(url) && http.isListed(url))
}

/** What was found, with what the owner has written so far. @throws as `previewBlog` */
async function sendProposal(tools: Tools, ctx: RouterContext, wish: Wish, failure?: Failure): Promise<void> {
  const { clock, config, pictures } = tools
  const viewer = await requireOwner(tools, ctx)
  const preview = await previewBlog(tools, config.blogUrl ?? wish.url, wish.feed)
  const picture = preview.icon === undefined ? undefined : (await pictures.idsOf([preview.icon], clock())).get(preview.icon)
  const view: ProposalView = {
    ...showProposal(tools, preview),
    ...(failure === undefined ? {} : { problem: failure.message }),
    ...(picture === undefined ? {} : { picture: `/media/${picture}` }),
    ...(wish.title === '' ? {} : { blogTitle: wish.title }),
    ...(wish.name === '' || preview.name.change === 'none' ? {} : { name: wish.name })
  }
  const { say } = textsOf(viewer.language)
  sendPage(ctx, viewer, 'proposal', { title: say('proposal.title'), noindex: true }, view, failure?.status ?? 200)
}

function showProposal({ config }: Tools, preview: Preview): ProposalView {
  const { feed, feeds, name, sitemap, title, ...found } = preview
  const named = ['PUBLIC_URL', 'HANDLE_HOST', 'ACCOUNT', 'BLOG_URL', 'BLOG_FEED', 'BLOG_POST_PATTERN']
  const isListed = feeds.some(({ url }) => url === feed?.url)
  const listed = [...(feed === undefined || isListed ? [] : [{ url: feed.url }]), ...feeds].slice(0, 8)
  const feedGiven = name.isMain ? findGiven(config, 'BLOG_FEED') : undefined
  return {
    ...found,
    blogTitle: title ?? new URL(found.url).hostname,
    ...{ name: name.name, change: name.change, host: config.handleHost },
    given: named.flatMap(one => findGiven(config, one) ?? []),
    feeds: listed.map(one => ({ ...one, chosen: one.url === feed?.url })),
    ...(feed === undefined || feed.named ? {} : { foundFeed: feed.url }),
    ...(feedGiven === undefined ? {} : { feedGiven }),
    ...(feed === undefined ? {} : { feed: { ...feed, entries: feed.entries.map(showEntry) } }),
    ...(sitemap === undefined ? {} : { sitemap: { ...sitemap, passed: sitemap.passed.flatMap(url => showPlace(url)?.url ?? []) } })
  }
}

function showEntry({ published, title, tooted, url }: NonNullable<Preview['feed']>['entries'][number]) {
  return { url, title: title ?? url, tooted, ...(published === undefined ? {} : { published: showTime(published) }) }
}
