/** `GET /api/toot`: the toot of a blog post, for the script in its page (interface.md 4). */
import Router from '@koa/router'
import type { Context } from 'koa'
import { tootAtHand, tootOf } from '../federation/toot.ts'
import type { Toot } from '../model/blog.ts'
import { BadMessage } from '../model/errors.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { send, type Written, written } from './conditional.ts'
import { allowBlogs } from './cors.ts'
import { refuseMethod } from './middleware.ts'

const PATH = '/api/toot'
/** A toot stays what it is, but what was rehearsed may be made in earnest. */
const CACHED = { 'Cache-Control': 'public, max-age=60', 'X-Content-Type-Options': 'nosniff' }

export function tootRoutes(tools: Tools): Router {
  const router = new Router()
  const open = allowBlogs(tools)
  const documents = new WeakMap<Toot, Written>()
  const documentOf = (toot: Toot): Written => {
    const known = documents.get(toot)
    if (known !== undefined) return known
    const document = writeDocument(toot)
    documents.set(toot, document)
    return document
  }
  router.get(PATH, open, async ctx => {
    const url = new URLSearchParams(ctx.querystring).get('url') ?? ''
    if (url.trim() === '') throw new BadMessage('The parameter url is missing.', { code: 'no_url' })
    send(ctx, documentOf(tootAtHand(tools, url) ?? (await tootOf(tools, url, { make: isWanted(ctx), from: ctx.ip }))))
  })
  router.options(PATH, open)
  router.all(PATH, open, ctx => refuseMethod(ctx, 'GET, HEAD, OPTIONS'))
  return router
}

/** Whether somebody looks at the page: not a browser that fetches it in advance, nor a checker of links (T10). */
const isWanted = (ctx: Context): boolean =>
  ctx.method === 'GET' && !/prefetch|prerender|preview/i.test(`${ctx.get('sec-purpose')} ${ctx.get('purpose')} ${ctx.get('x-moz')}`)

function writeDocument({ host, state, tootId, tootUrl, url, username }: Toot): Written {
  const isPosted = state === 'posted' && tootId !== undefined
  const text = JSON.stringify({
    url,
    toot_id: isPosted ? tootId : '-1',
    toot_url: (isPosted && tootUrl) || null,
    mastodon_host: host === undefined ? null : new URL(host).host,
    mastodon_user: username ?? null,
    state
  })
  return written(text, { 'Content-Type': `${TYPE.json}; charset=utf-8`, ...CACHED })
}
