/** What every request goes through: a line in the log, and errors -> status. */
import type { Context, Middleware } from 'koa'
import { isFailure } from '../model/errors.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { errorPage, setPageHeaders, signInPage } from './render.ts'
import { findViewer } from './session.ts'
import { strangerOf, type Viewer } from './shown.ts'
import { languageOf } from './texts.ts'

/** A line a request, with its outcome; what fails becomes a status, and nothing of the inside is told (architecture.md). */
export function guardRequests(tools: Tools): Middleware {
  const { log } = tools
  return async function guard(ctx, next) {
    const begun = performance.now()
    let error: unknown
    try {
      await next()
      if (ctx.status >= 400 && ctx.body == null && !ctx.headerSent) await answerError(tools, ctx, nobodyAnswered(ctx))
    } catch (thrown) {
      error = thrown
      await answerError(tools, ctx, readError(thrown))
    }
    const ms = Math.round(performance.now() - begun)
    const line = { method: ctx.method, path: ctx.url.slice(0, 500), status: ctx.status, ms }
    // an error of the log is a defect of ours: that a stranger's host is slow or gone is none
    if (error === undefined) log.info(line, 'request')
    else if (!isFailure(error)) log.error({ ...line, error }, 'request')
    else log[ctx.status < 500 ? 'info' : 'warn']({ ...line, why: error.message }, 'request')
  }
}

/** No route took it: there is none, or none for this method, and then the router has said which there are. */
function nobodyAnswered(ctx: Context): Told {
  const allowed = ctx.response.get('Allow')
  if (ctx.status === 404 || !allowed) return { status: ctx.status, code: 'not_found', sentence: 'There is nothing here.' }
  return { status: 405, code: 'method', sentence: `This address takes ${allowed} only.` }
}

type Told = { status: number; code: string; sentence: string; retryAfter?: number }

/** What may be told of an error: the four failures say it themselves; of anything else nothing. */
function readError(error: unknown): Told {
  if (isFailure(error)) {
    return {
      status: error.status,
      code: error.code,
      sentence: error.message,
      ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter })
    }
  }
  const { status, expose } = error as { status?: number; expose?: boolean }
  if (expose === true && status !== undefined && status < 500)
    return { status, code: 'bad_request', sentence: 'This request cannot be read.' }
  return { status: 500, code: 'defect', sentence: 'Something went wrong here. It has been written down.' }
}

/** JSON for programs, a page for browsers, plain text for protocols (interface.md section 2). */
async function answerError(tools: Tools, ctx: Context, told: Told): Promise<void> {
  const { code, retryAfter, sentence, status } = told
  const allow = ctx.response.get('Allow')
  ctx.status = status
  if (allow) ctx.set('Allow', allow)
  if (retryAfter !== undefined) ctx.set('Retry-After', String(Math.ceil(retryAfter)))
  ctx.set('Cache-Control', 'no-store')
  ctx.set('X-Content-Type-Options', 'nosniff')
  if (wantsJson(ctx)) {
    ctx.type = TYPE.json
    ctx.body = JSON.stringify({ error: sentence, code })
  } else if (isProtocol(ctx.path) || ctx.accepts('text/plain', 'text/html') !== 'text/html') {
    ctx.type = 'text/plain; charset=utf-8'
    ctx.body = `${sentence}\n`
  } else {
    const body = await pageOf(tools, ctx, told)
    setPageHeaders(ctx)
    ctx.body = body
  }
}

async function pageOf(tools: Tools, ctx: Context, told: Told): Promise<string> {
  const isLook = ctx.method === 'GET' || ctx.method === 'HEAD'
  // where a page is the owner's, the way in stands in its place
  if (told.code === 'signed_out' && isLook) return signInPage(languageOf(ctx), ctx.url)
  const viewer = await viewerOfFailure(tools, ctx, told.status)
  // told alike whether there is such a thing or not (X43)
  const mayBeHidden = told.status === 404 && viewer.csrf === undefined && isLook && /^\/(people|posts|users)\//.test(ctx.path)
  return errorPage(viewer, { ...told, ...(mayBeHidden ? { signIn: `/signin?${new URLSearchParams({ next: ctx.url })}` } : {}) })
}

/** The owner stays the owner where something fails, unless the database may be what failed: then nobody is looked up. */
async function viewerOfFailure(tools: Tools, ctx: Context, status: number): Promise<Viewer> {
  const stranger = strangerOf(languageOf(ctx))
  if (status === 500 || status === 503) return stranger
  try {
    return await findViewer(tools, ctx)
  } catch (error) {
    tools.log.warn({ error }, 'who asks for the page of a failure is unknown')
    return stranger
  }
}

const wantsJson = (ctx: Context) =>
  ctx.path.startsWith('/api/') || ctx.path === '/publish' || (ctx.path === '/search' && ctx.accepts('text/html', TYPE.json) === TYPE.json)

/** Endpoints that programs ask: their errors are text, never HTML (W7). */
const isProtocol = (path: string) =>
  /^\/(\.well-known\/|hub$|push\/|echo\/|inbox$|healthz$|readyz$|metrics$|feeds\/)/.test(path) ||
  /\.(atom|rss|json|css|svg)$/.test(path) ||
  /\/(salmon|inbox)$/.test(path)
