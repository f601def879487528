import Router from '@koa/router'
import { answerEcho, takeEcho } from '../federation/echo.ts'
import type { Tools } from '../tools.ts'
import { readBody } from './middleware.ts'

const MOST_BYTES = 10_000

/** `/echo/TOKEN`, where the node's own hub asks and delivers while `doctor` waits for it. Else there is nothing here. */
export function echoRoutes(tools: Tools): Router {
  const router = new Router()
  router.use('/echo', async (ctx, next) => {
    ctx.set({ 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' })
    await next()
  })
  router.get('/echo/:token', async ctx => {
    ctx.body = await answerEcho(tools, ctx.params.token!, new URLSearchParams(ctx.querystring))
    ctx.type = 'text/plain; charset=utf-8'
  })
  router.post('/echo/:token', async ctx => {
    await takeEcho(tools, ctx.params.token!, await readBody(ctx, MOST_BYTES), ctx.get('x-hub-signature'))
    ctx.status = 204
  })
  return router
}
