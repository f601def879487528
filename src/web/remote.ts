/** Where a visitor's own server takes an answer or a follow: GET /api/remote, and a form. It tells the place, and leads nobody there itself (X45). */
import Router, { type RouterContext } from '@koa/router'
import { findRemote } from '../federation/remote.ts'
import { type Failure, isFailure } from '../model/errors.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { allowBlogs } from './cors.ts'
import { makeRemoteLimit } from './limits.ts'
import { readForm } from './middleware.ts'
import { parametersOf } from './paging.ts'
import { type RemoteView, sendPage } from './render.ts'
import { findViewer, refuseForeign } from './session.ts'
import { textsOf } from './texts.ts'

const LONGEST_FORM = 10_000

export function remoteRoutes(tools: Tools): Router {
  const router = new Router()
  const open = allowBlogs(tools)
  const takeTurn = makeRemoteLimit()
  router.options('/api/remote', open)
  router.get('/api/remote', open, async ctx => {
    await takeTurn(ctx.ip)
    const parameters = parametersOf(ctx)
    const url = await findRemote(tools, parameters.get('account') ?? '', parameters.get('url') ?? '')
    ctx.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
    ctx.type = `${TYPE.json}; charset=utf-8`
    ctx.body = JSON.stringify({ url })
  })
  // for those who run no script: a link on a page of ours, as a redirect would lead away from what was agreed to (form-action)
  router.post('/remote', async ctx => {
    refuseForeign(tools, ctx)
    const form = await readForm(ctx, LONGEST_FORM)
    const asked = { account: form.get('account') ?? '', address: form.get('url') ?? '', kind: kindOf(form) }
    try {
      await takeTurn(ctx.ip)
      const url = await findRemote(tools, asked.account, asked.address)
      await sendRemote(tools, ctx, { ...asked, found: { url, host: new URL(url).host } })
    } catch (error) {
      if (!isFailure(error)) throw error
      await sendRemote(tools, ctx, { ...asked, problem: error.message }, error)
    }
  })
  return router
}

const kindOf = (form: URLSearchParams): RemoteView['kind'] => (form.get('kind') === 'follow' ? 'follow' : 'reply')

/** Where to go on; or what is wrong, with the form in which it can be put right. */
async function sendRemote(tools: Tools, ctx: RouterContext, view: RemoteView, failure?: Failure): Promise<void> {
  ctx.set('Cache-Control', 'no-store')
  if (failure?.retryAfter !== undefined) ctx.set('Retry-After', String(Math.ceil(failure.retryAfter)))
  const viewer = await findViewer(tools, ctx)
  const frame = { title: textsOf(viewer.language).say(`person.from_${view.kind}`), noindex: true }
  sendPage(ctx, viewer, 'remote', frame, view, failure?.status ?? 200)
}
