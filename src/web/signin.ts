/** `/signin` and `/signout`: in by a link that is used up, or by the passphrase; out again. */
import Router, { type RouterContext } from '@koa/router'
import { signInByLink, signInByPassphrase } from '../federation/sign-in.ts'
import { isFailure } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { nameBrowser } from './agent.ts'
import { makePassphraseLimit } from './limits.ts'
import { readForm } from './middleware.ts'
import type { SignInView } from './owner-views.ts'
import { parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { redirectTo } from './search.ts'
import { endSession, findViewer, readOwnerForm, refuseForeignSignIn, startSession } from './session.ts'
import { textsOf } from './texts.ts'

const LONGEST_FORM = 10_000

export function signInRoutes(tools: Tools): Router {
  const { clock, config, sessions } = tools
  const router = new Router()
  router.use(['/signin', '/signout'], async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    await next()
    ctx.set('Referrer-Policy', 'no-referrer')
  })
  router.get('/signin', async ctx => {
    const token = parametersOf(ctx).get('token')
    const next = ownPath(config.publicUrl, parametersOf(ctx).get('next'))
    if (token === null) return sendSignIn(tools, ctx, { next })
    // it shows a button and is used up by pressing it, so that nobody's preview of the link does
    if (await sessions.isLink(token, clock())) return sendSignIn(tools, ctx, { next, token })
    await sendSignIn(tools, ctx, { next, dead: true }, 403)
  })
  router.post('/signin', makeSignIn(tools))
  router.post('/signout', async ctx => {
    await readOwnerForm(tools, ctx)
    await endSession(tools, ctx)
    redirectTo(ctx, '/')
  })
  return router
}

/** What the form sends, by a link or by a passphrase: both are answered with the page again when they do not hold. */
function makeSignIn(tools: Tools): (ctx: RouterContext) => Promise<void> {
  const limit = makePassphraseLimit()
  const enter = async (ctx: RouterContext, form: URLSearchParams) => {
    const browser = nameBrowser(ctx.get('user-agent'))
    const token = form.get('token')
    if (token !== null) return signInByLink(tools, token, browser)
    await limit.take(ctx.ip)
    const session = await signInByPassphrase(tools, form.get('passphrase') ?? '', browser)
    if (session !== undefined) await limit.forgive(ctx.ip)
    return session
  }
  return async ctx => {
    refuseForeignSignIn(tools, ctx)
    const form = await readForm(ctx, LONGEST_FORM)
    const next = ownPath(tools.config.publicUrl, form.get('next'))
    try {
      const session = await enter(ctx, form)
      if (session === undefined)
        return await sendSignIn(tools, ctx, { next, ...(form.has('token') ? { dead: true } : { wrong: true }) }, 403)
      // whatever this browser was before ends: the session of a sign-in is a new one
      await endSession(tools, ctx)
      startSession(tools, ctx, session.token)
      redirectTo(ctx, next)
    } catch (error) {
      if (!isFailure(error)) throw error
      if (error.retryAfter !== undefined) ctx.set('Retry-After', String(error.retryAfter))
      await sendSignIn(tools, ctx, { next, problem: error.message }, error.status)
    }
  }
}

/** The page with both ways in, and what was wrong with the one that was tried. */
export async function sendSignIn(tools: Tools, ctx: RouterContext, view: SignInView, status = 200): Promise<void> {
  const viewer = await findViewer(tools, ctx)
  sendPage(ctx, viewer, 'signin', { title: textsOf(viewer.language).say('signin.title'), noindex: true }, view, status)
}

/**
 * A path of ours, out of what somebody else may have written: for anything but a path, and for one that browsers take for another
 * host, it is the first page (X45).
 */
export function ownPath(origin: string, raw: string | null): string {
  const isPath = (text: string) => /^\/(?![/\\])/.test(text) && text.length <= 2000
  if (raw === null || !isPath(raw) || /[\\\s\p{C}]/u.test(raw)) return '/'
  const url = URL.parse(raw, origin)
  if (url === null || url.origin !== origin) return '/'
  // dots are taken out meanwhile: of `/.//evil.example` remains `//evil.example`
  const path = `${url.pathname}${url.search}`
  return isPath(path) ? path : '/'
}
