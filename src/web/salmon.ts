import Router from '@koa/router'
import { makeSalmon } from '../federation/salmon.ts'
import { LIMIT } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { readBody, refuseMethod } from './middleware.ts'

/** `POST /users/NAME/salmon`: 202 for whatever is genuine, whether or not anything comes of it (M10). */
export function salmonRoutes(tools: Tools): Router {
  const receiveEnvelope = makeSalmon(tools)
  const router = new Router()
  router.post('/users/:name/salmon', async ctx => {
    const body = await readBody(ctx, LIMIT.messageBytes)
    const contentType = ctx.get('content-type')
    await receiveEnvelope(ctx.params.name!, { body, from: ctx.ip, ...(contentType ? { contentType } : {}) })
    ctx.status = 202
    ctx.body = ''
  })
  router.all('/users/:name/salmon', ctx => refuseMethod(ctx, 'POST'))
  return router
}
