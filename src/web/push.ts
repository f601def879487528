import Router from '@koa/router'
import { confirm, takeContent } from '../federation/subscribe.ts'
import { isFailure } from '../model/errors.ts'
import { LIMIT } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { readBody, refuseMethod } from './middleware.ts'

/** `/push/TOKEN`, the callback of one of our subscriptions: the hub's question by GET, content by POST (S6, S9). */
export function pushRoutes(tools: Tools): Router {
  const router = new Router()
  router.use('/push', async (ctx, next) => {
    ctx.set({ 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' })
    await next()
  })
  router.get('/push/:token', async ctx => {
    try {
      ctx.body = await confirm(tools, ctx.params.token!, new URLSearchParams(ctx.querystring))
      ctx.type = 'text/plain; charset=utf-8'
    } catch (error) {
      if (!isFailure(error)) throw error
      // whoever asks for what we did not ask learns nothing, not even that the address is known
      ctx.status = 404
      ctx.body = ''
    }
  })
  router.post('/push/:token', async ctx => {
    const body = await readBody(ctx, LIMIT.messageBytes)
    const [contentType, signature] = [ctx.get('content-type'), ctx.get('x-hub-signature')]
    await takeContent(tools, ctx.params.token!, body, { ...(contentType ? { contentType } : {}), ...(signature ? { signature } : {}) })
    ctx.status = 202
    ctx.body = ''
  })
  router.all('/push/:token', ctx => refuseMethod(ctx, 'GET, POST'))
  return router
}
