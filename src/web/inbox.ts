/** `POST /users/NAME/inbox`, `POST /inbox`: 202 for whatever is genuine, whether or not anything comes of it (T4). */
import Router from '@koa/router'
import type { Context } from 'koa'
import { makeInbox } from '../federation/inbox.ts'
import { BadMessage } from '../model/errors.ts'
import type { HttpMessage } from '../protocol/http-signature.ts'
import { isActivityType } from '../protocol/json-ld.ts'
import { LIMIT, TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { readBody, refuseMethod } from './middleware.ts'

export function inboxRoutes(tools: Tools): Router {
  const receivePosted = makeInbox(tools)
  const { host: authority, protocol } = new URL(tools.addresses.origin)
  const scheme = protocol === 'http:' ? 'http' : 'https'
  const router = new Router()

  const take = async (ctx: Context, account?: string): Promise<void> => {
    // some send plain JSON; what they say is proven by their signature, not by its type
    if (!isActivityType(ctx.get('content-type')) && ctx.is(TYPE.json, 'application/ld+json') === false)
      throw new BadMessage(`A body of type ${TYPE.activity} is needed.`, { status: 415, code: 'type' })
    const body = await readBody(ctx, LIMIT.messageBytes)
    const request: HttpMessage = { method: ctx.method, target: ctx.originalUrl, authority, scheme, headers: headersOf(ctx) }
    await receivePosted({ request, body, from: ctx.ip, ...(account === undefined ? {} : { account }) })
    ctx.status = 202
    ctx.body = ''
  }
  router.post('/users/:name/inbox', ctx => take(ctx, ctx.params.name!))
  router.post('/inbox', ctx => take(ctx))
  router.all(['/users/:name/inbox', '/inbox'], ctx => refuseMethod(ctx, 'POST'))
  return router
}

/** A header that came twice is one, its values joined (RFC 9421 2.1). Behind a proxy of ours the host is the one it was asked for (W6). */
function headersOf(ctx: Context): HttpMessage['headers'] {
  const joined = Object.entries(ctx.req.headersDistinct).map(([name, values]) => [name, values?.join(', ')])
  return { ...Object.fromEntries(joined), host: ctx.host }
}
