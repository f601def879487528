/** `GET /users/NAME/posts/ID/quotes/KEY`: the stamp that says that a quote is welcome (FEP-044f). */
import Router from '@koa/router'
import { findStamp } from '../federation/quotes.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import { writeDocument } from '../protocol/activitystreams-writer.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { send, written } from './conditional.ts'

export function quoteRoutes(tools: Tools): Router {
  const router = new Router()
  router.get('/users/:name/posts/:id/quotes/:key', async ctx => {
    const { id = '', key = '', name = '' } = ctx.params
    const uri = `${tools.addresses.post(name, id)}/quotes/${key}`
    const stamp = isId(id) && isId(key) ? await findStamp(tools, id, uri) : undefined
    if (stamp === undefined) throw new Missing('There is no such quote.')
    send(ctx, written(writeDocument(stamp), { 'Content-Type': `${TYPE.activity}; charset=utf-8`, 'Cache-Control': 'no-cache' }))
  })
  return router
}
