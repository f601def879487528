import Router from '@koa/router'
import { Unreachable } from '../model/errors.ts'
import type { Tools } from '../tools.ts'

/** `/healthz`: the process answers. `/readyz`: so does its database. */
export function healthRoutes({ settings }: Tools): Router {
  const router = new Router()
  router.get('/healthz', ctx => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = 'alive\n'
  })
  router.get('/readyz', async ctx => {
    ctx.set('Cache-Control', 'no-store')
    await settings.find('origin').catch(cause => {
      throw new Unreachable('The database does not answer.', { status: 503, cause })
    })
    ctx.body = 'ready\n'
  })
  return router
}
