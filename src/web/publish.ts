import Router from '@koa/router'
import type { Context } from 'koa'
import { publishedOut, publishPage, readBlogs } from '../federation/publish-page.ts'
import { BadMessage, Missing, Refused } from '../model/errors.ts'
import { sameToken } from '../model/tokens.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { readBody, readForm, refuseMethod } from './middleware.ts'

const LONGEST_BODY = 10_000

/** `POST /publish`, for whoever builds the blog: publishes the page `url`, or without one reads the feeds of all blogs now. */
export function publishRoutes(tools: Tools): Router {
  const router = new Router()
  router.post('/publish', async ctx => {
    ctx.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
    demandToken(tools, ctx)
    const url = await readUrl(ctx)
    const answer =
      url === undefined ? { state: 'read', blogs: (await readBlogs(tools)).map(blogOut) } : publishedOut(await publishPage(tools, url))
    ctx.type = TYPE.json
    ctx.body = JSON.stringify(answer)
  })
  router.all('/publish', ctx => {
    if (tools.config.publishToken !== undefined) refuseMethod(ctx, 'POST')
    throw nothing()
  })
  return router
}

const nothing = () => new Missing('There is nothing here.')

const blogOut = ({ account, blog, error }: Awaited<ReturnType<typeof readBlogs>>[number]) => ({
  ...{ account, blog },
  ...(error === undefined ? {} : { error: error.message, code: error.code })
})

/** Without a PUBLISH_TOKEN there is nothing here. @throws Missing; Refused 401 */
function demandToken({ config }: Tools, ctx: Context): void {
  if (config.publishToken === undefined) throw nothing()
  const [, token] = /^Bearer +(.+?)\s*$/i.exec(ctx.get('authorization')) ?? []
  if (token !== undefined && sameToken(token, config.publishToken)) return
  ctx.set('WWW-Authenticate', 'Bearer realm="publish"')
  throw new Refused('Send PUBLISH_TOKEN as `Authorization: Bearer …`.', { status: 401, code: 'token' })
}

/** As a form or as JSON; no body at all is no URL. @throws BadMessage */
async function readUrl(ctx: Context): Promise<string | undefined> {
  if (ctx.is(TYPE.form)) return (await readForm(ctx, LONGEST_BODY)).get('url') ?? undefined
  const body = await readBody(ctx, LONGEST_BODY)
  if (body.length === 0) return undefined
  if (!ctx.is(TYPE.json)) throw new BadMessage('A form or JSON is needed.', { status: 415, code: 'type' })
  return urlOf(body)
}

function urlOf(body: Buffer): string | undefined {
  let told: unknown
  try {
    told = JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new BadMessage('The body is not JSON.', { cause })
  }
  const { url } = Object(told) as { url?: unknown }
  if (url === undefined || url === null) return undefined
  if (typeof url !== 'string') throw new BadMessage('`url` must be a text.', { code: 'no_url' })
  return url
}
