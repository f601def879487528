/** The owner signs in and out. */
import Router from '@koa/router'
import { Refused } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { readForm } from './middleware.ts'
import { sendPage } from './render.ts'
import { redirectTo } from './search.ts'
import { endSession, findViewer, readOwnerForm, refuseForeign, startSession } from './session.ts'

const NEW_LINK = 'Type `npx tidings signin` where this node runs: it prints a link that signs you in once, within 15 minutes.'
const DEAD_LINK = `This link was used already, or is too old. ${NEW_LINK}`

/** `/signin` and `/signout`. */
export function ownerRoutes(tools: Tools): Router {
  const router = new Router()
  addSignIn(router, tools)
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
