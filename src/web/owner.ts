/** What only the owner may do here: sign in and out, write, change and delete. Each is a form of a page of ours. */
import Router from '@koa/router'
import { findAccount } from '../federation/accounts.ts'
import { favourite, share, undo } from '../federation/act.ts'
import { type Draft, edit, ownPost, publish, remove } from '../federation/publish.ts'
import { BadMessage, Missing, Refused } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account, KeptPost, Shown } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { readForm } from './middleware.ts'
import { sendPage } from './render.ts'
import { accountOf, redirectTo } from './search.ts'
import { endSession, findViewer, readOwnerForm, refuseForeign, startSession } from './session.ts'

/** Bytes of a form with a post in it: a letter may take nine of them. */
const LONGEST_FORM = 600_000

const NEW_LINK = 'Type `npx tidings signin` where this node runs: it prints a link that signs you in once, within 15 minutes.'
const DEAD_LINK = `This link was used already, or is too old. ${NEW_LINK}`

/** `/signin`, `/signout`, `/notes`, `/acts`, and the forms of a post of one's own. Stands before the pages: both know `/users/…`. */
export function ownerRoutes(tools: Tools): Router {
  const router = new Router()
  addSignIn(router, tools)
  router.post('/notes', async ctx => {
    const form = await readOwnerForm(tools, ctx, LONGEST_FORM)
    const account = await accountOf(tools, form.get('as'))
    const post = await publish(tools, account, readDraft(form))
    redirectTo(ctx, pathOf(account, post))
  })
  router.post('/acts', async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const account = await accountOf(tools, form.get('as'))
    const { author, id } = await act(tools, account, form)
    redirectTo(ctx, author.localName === undefined ? `/posts/${id}` : `/users/${author.localName}/posts/${id}`)
  })
  router.post('/users/:name/posts/:id/edit', async ctx => {
    const form = await readOwnerForm(tools, ctx, LONGEST_FORM)
    const { account, post } = await findOwn(tools, ctx.params)
    await edit(tools, account, post, readDraft(form))
    redirectTo(ctx, pathOf(account, post))
  })
  router.post('/users/:name/posts/:id/delete', async ctx => {
    await readOwnerForm(tools, ctx)
    const { account, post } = await findOwn(tools, ctx.params)
    await remove(tools, account, post)
    redirectTo(ctx, `/users/${account.localName}`)
  })
  return router
}

/** The link shows a button and is used up by pressing it, so that nobody's preview of the link does. */
function addSignIn(router: Router, tools: Tools): void {
  const { clock, sessions } = tools
  router.use(['/signin', '/signout'], async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    await next()
    ctx.set('Referrer-Policy', 'no-referrer')
  })
  router.get('/signin', async ctx => {
    const viewer = await findViewer(tools, ctx)
    const frame = { title: 'Sign in', noindex: true }
    const token = new URLSearchParams(ctx.querystring).get('token')
    if (token === null) return sendPage(ctx, viewer, 'signin', frame, { sentence: NEW_LINK })
    if (await sessions.isLink(token, clock()))
      return sendPage(ctx, viewer, 'signin', frame, { token, sentence: 'This link signs you in as the owner of this node.' })
    sendPage(ctx, viewer, 'signin', frame, { sentence: DEAD_LINK }, 403)
  })
  router.post('/signin', async ctx => {
    refuseForeign(tools, ctx)
    const session = await sessions.open((await readForm(ctx, 2_000)).get('token') ?? '', clock())
    if (session === undefined) throw new Refused(DEAD_LINK, { code: 'dead_link' })
    startSession(tools, ctx, session.token)
    redirectTo(ctx, '/')
  })
  router.post('/signout', async ctx => {
    await readOwnerForm(tools, ctx)
    await endSession(tools, ctx)
    redirectTo(ctx, '/')
  })
}

const pathOf = ({ localName }: Account, { id }: KeptPost) => `/users/${localName}/posts/${id}`

/** What the buttons below a post say. @throws BadMessage for anything else; and as the verbs do */
async function act(tools: Tools, account: Account, form: URLSearchParams): Promise<Shown> {
  const [post = '', verb, undone] = ['post', 'verb', 'undo'].map(name => form.get(name) ?? undefined)
  if (!isId(post)) throw new Missing('There is no such post.')
  if (verb === 'favourite') return (await favourite(tools, account, post)).post
  if (verb === 'share') return (await share(tools, account, post)).post
  if (undone === 'favourite' || undone === 'share') return (await undo(tools, account, post, undone)).post
  throw new BadMessage('This form says nothing that could be done to a post.')
}

/** @throws BadMessage for text that the database cannot hold */
function readDraft(form: URLSearchParams): Draft {
  const [text, html, title, replyTo] = ['text', 'html', 'title', 'replyTo'].map(name => form.get(name))
  if (`${text}${html}${title}${replyTo}`.includes('\0')) throw new BadMessage('This text holds a character that is none.')
  return { title: title ?? '', ...(text ? { text } : {}), ...(html ? { html } : {}), ...(replyTo ? { replyTo } : {}) }
}

/** @throws Missing 404, or 410 for a post that is deleted already; Refused when it is another account's */
async function findOwn(
  tools: Tools,
  { name = '', id = '' }: { name?: string; id?: string }
): Promise<{ account: Account; post: KeptPost }> {
  if (!isId(id)) throw new Missing('There is no such post.')
  const account = await findAccount(tools, name)
  return { account, post: await ownPost(tools, account, id) }
}
