/** GET /media/ID: pictures of other people, by row ids only, as bytes that can be nothing but a picture (X25, X48). */
import Router from '@koa/router'
import { makePictureFinder } from '../federation/picture.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Tools } from '../tools.ts'
import { send } from './conditional.ts'
import { makePictureLimit } from './limits.ts'

const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'Cache-Control': 'public, max-age=86400',
  // blogs show them from elsewhere, also those that isolate themselves
  'Cross-Origin-Resource-Policy': 'cross-origin'
}

export function mediaRoutes(tools: Tools): Router {
  const router = new Router()
  const find = makePictureFinder(tools)
  const takeFetch = makePictureLimit()
  router.get('/media/:id', async ctx => {
    const id = ctx.params.id ?? ''
    if (!isId(id)) throw new Missing('There is no such picture.')
    const { body, etag, type } = await find(id, () => takeFetch(ctx.ip))
    const name = `${id}.${type.slice('image/'.length)}`
    const headers = { ...HEADERS, 'Content-Type': type, 'Content-Disposition': `inline; filename="${name}"`, ETag: `"${etag}"` }
    send(ctx, { body, etag: `"${etag}"`, headers })
  })
  return router
}
