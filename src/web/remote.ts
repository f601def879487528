/** Where a visitor's own server takes an answer or a follow: GET /api/remote, and a form. It tells the place, and leads nobody there itself (X45). */
import Router, { type RouterContext } from '@koa/router'
import { findRemote } from '../federation/remote.ts'
import { isFailure } from '../model/errors.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { allowBlogs } from './cors.ts'
import { makeRemoteLimit } from './limits.ts'
import { readForm } from './middleware.ts'
import { parametersOf } from './paging.ts'
import { sendPage, type Views } from './render.ts'
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
    const [account, url] = [form.get('account') ?? '', form.get('url') ?? '']
    const kind = form.get('kind') === 'follow' ? 'follow' : 'reply'
    try {
      await takeTurn(ctx.ip)
      const place = await findRemote(tools, account, url)
      await sendRemote(tools, ctx, { kind, place: { url: place, host: new URL(place).host } })
    } catch (error) {
      if (!isFailure(error)) throw error
      if (error.retryAfter !== undefined) ctx.set('Retry-After', String(Math.ceil(error.retryAfter)))
      await sendRemote(tools, ctx, { kind, problem: error.message, url, account }, error.status)
    }
  })
  return router
}

async function sendRemote(tools: Tools, ctx: RouterContext, view: Views['remote'], status = 200): Promise<void> {
  ctx.set('Cache-Control', 'no-store')
  const viewer = await findViewer(tools, ctx)
  sendPage(ctx, viewer, 'remote', { title: textsOf(viewer.language).say(`remote.title_${view.kind}`), noindex: true }, view, status)
}
