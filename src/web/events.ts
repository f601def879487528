/**
 * GET /events: the owner's open timelines are told how many new posts there are, by server-sent events (HTML, 9.2). However many are
 * open, a change makes the database be asked once.
 */
import { PassThrough } from 'node:stream'
import Router, { type RouterContext } from '@koa/router'
import { Refused, Unreachable } from '../model/errors.ts'
import type { Cursor, Tools } from '../tools.ts'
import { isNewer, parametersOf, readCursor } from './paging.ts'
import { findSession, holdsStill, requireOwner } from './session.ts'
import { type Language, textsOf } from './texts.ts'

/** How many streams there may be, of a process and of a session, and milliseconds (X40). */
const LIMITS = {
  all: 100,
  session: 5,
  /** Of a stream, after which the browser comes again by itself: as often its session is looked at. */
  whole: 30 * 60_000,
  /** Between signs of life, without which proxies close what is idle. */
  beat: 25_000,
  /** From a change to the look at what is new, so that a feed with twenty news is told of once. */
  pause: 1_000,
  /** Before a browser comes again. */
  retry: 10_000
}

/** News above these are not counted. */
const MOST = 21

type Stream = {
  body: PassThrough
  session: string
  language: Language
  since: Cursor
  told: number
  end: number
  holds(): Promise<boolean>
}

/** @param closing aborted when the node stops: no stream is waited for then */
export function eventRoutes(tools: Tools, closing?: AbortSignal, limits = LIMITS): Router {
  const router = new Router()
  const open = makeStreams(tools, closing, limits)
  router.get('/events', async ctx => {
    const viewer = await requireOwner(tools, ctx)
    const since = readCursor(parametersOf(ctx).get('since') ?? '')
    const session = (await findSession(tools, ctx))?.id ?? ''
    const body = open(ctx, { session, language: viewer.language, since })
    ctx.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no', 'X-Content-Type-Options': 'nosniff' })
    ctx.body = body
  })
  return router
}

function makeStreams(tools: Tools, closing: AbortSignal | undefined, limits: typeof LIMITS) {
  const streams = new Set<Stream>()
  let newest: Cursor[] = []
  let looked = Promise.resolve()
  let isDue = false
  let beats: NodeJS.Timeout | undefined

  const lookNow = async () => {
    newest = await tools.timelines.home(await tools.actors.accounts(), { limit: MOST })
    for (const stream of streams) tell(stream, newest)
  }
  /** One after the other, so that what is told last is what was seen last. */
  const look = () => {
    looked = looked.then(lookNow).catch(error => tools.log.warn({ error }, 'events'))
    return looked
  }
  const lookSoon = () => {
    if (isDue) return
    isDue = true
    setTimeout(() => {
      isDue = false
      void look()
    }, limits.pause).unref()
  }
  const endEnded = async () => {
    for (const stream of streams) if (!(await stream.holds())) stream.body.end()
  }
  const beat = () => {
    for (const { body, end } of streams) {
      if (performance.now() > end) body.end()
      // whoever does not read any more is gone
      else if (body.writableNeedDrain) body.destroy()
      else body.write(':\n\n')
    }
    endEnded().catch(error => tools.log.warn({ error }, 'events'))
  }
  const forget = (stream: Stream) => {
    streams.delete(stream)
    if (streams.size === 0) clearInterval(beats)
  }
  tools.onChange(told => {
    if (streams.size === 0) return
    if (told === 'sessions' || told === '*') endEnded().catch(error => tools.log.warn({ error }, 'events'))
    if (told === 'posts' || told === '*' || told.startsWith('account:')) lookSoon()
  })
  closing?.addEventListener('abort', () => {
    for (const { body } of streams) body.end()
  })
  return (ctx: RouterContext, given: Pick<Stream, 'session' | 'language' | 'since'>): PassThrough => {
    refuseMore(streams, given.session, limits)
    if (closing?.aborted) throw new Unreachable('This node stops.', { status: 503, retryAfter: 10 })
    const stream = {
      ...given,
      body: new PassThrough(),
      told: 0,
      end: performance.now() + limits.whole,
      holds: () => holdsStill(tools, ctx)
    }
    if (streams.size === 0) beats = setInterval(beat, limits.beat).unref()
    streams.add(stream)
    stream.body.on('close', () => forget(stream))
    stream.body.write(`retry: ${limits.retry}\n\n`)
    // of the first nobody knows what is new; the others are told with it when something changes
    if (streams.size === 1) void look()
    else tell(stream, newest)
    return stream.body
  }
}

/** @throws Refused 429: the browser does not come again, and its page works without */
function refuseMore(streams: Set<Stream>, session: string, limits: typeof LIMITS): void {
  const own = [...streams].filter(stream => stream.session === session).length
  if (streams.size >= limits.all || own >= limits.session)
    throw new Refused('Too many pages are open that want to be told of news.', { status: 429, code: 'too_many' })
}

function tell(stream: Stream, newest: Cursor[]): void {
  const count = newest.filter(post => isNewer(post, stream.since)).length
  if (count === stream.told || !stream.body.writable) return
  stream.told = count
  stream.body.write(`event: news\ndata: ${textsOf(stream.language).say('timeline.news', { count })}\n\n`)
}
