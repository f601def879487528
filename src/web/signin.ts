/** `/signin` and `/signout`: in by a link that is used up, or by the passphrase; out again. */
import Router, { type RouterContext } from '@koa/router'
import { signInByLink, signInByPassphrase } from '../federation/sign-in.ts'
import { isFailure } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { nameBrowser } from './agent.ts'
import { makePassphraseLimit } from './limits.ts'
import { readForm } from './middleware.ts'
import { parametersOf } from './paging.ts'
import { sendPage, type Views } from './render.ts'
import { redirectTo } from './search.ts'
import { endSession, findViewer, readOwnerForm, refuseForeign, startSession } from './session.ts'
import { textsOf } from './texts.ts'

const LONGEST_FORM = 10_000

export function signInRoutes(tools: Tools): Router {
  const { clock, config, sessions } = tools
  const router = new Router()
  const limit = makePassphraseLimit()
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
  router.post('/signin', async ctx => {
    refuseForeign(tools, ctx)
    const form = await readForm(ctx, LONGEST_FORM)
    const next = ownPath(config.publicUrl, form.get('next'))
    const browser = nameBrowser(ctx.get('user-agent'))
    const token = form.get('token')
    const enter = () => (token === null ? byPassphrase(ctx, form.get('passphrase') ?? '') : signInByLink(tools, token, browser))
    const byPassphrase = async ({ ip }: RouterContext, text: string) => {
      await limit.take(ip)
      const session = await signInByPassphrase(tools, text, browser)
      if (session !== undefined) await limit.forgive(ip)
      return session
    }
    try {
      const session = await enter()
      if (session === undefined) return await sendSignIn(tools, ctx, token === null ? { next, wrong: true } : { next, dead: true }, 403)
      // whatever this browser was before ends: the session of a sign-in is a new one
      await endSession(tools, ctx)
      startSession(tools, ctx, session.token)
      redirectTo(ctx, next)
    } catch (error) {
      if (!isFailure(error)) throw error
      if (error.retryAfter !== undefined) ctx.set('Retry-After', String(error.retryAfter))
      await sendSignIn(tools, ctx, { next, problem: error.message }, error.status)
    }
  })
  router.post('/signout', async ctx => {
    await readOwnerForm(tools, ctx)
    await endSession(tools, ctx)
    redirectTo(ctx, '/')
  })
  return router
}

async function sendSignIn(tools: Tools, ctx: RouterContext, view: Views['signin'], status = 200): Promise<void> {
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
