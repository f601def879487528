/** `/settings/access`: the passphrase, and where the owner is signed in. */
import Router, { type RouterContext } from '@koa/router'
import { hasPassphrase, LEAST_LENGTH, removePassphrase, setPassphrase } from '../federation/passphrase.ts'
import { BadMessage, isFailure } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { makePassphraseLimit } from './limits.ts'
import type { AccessView } from './owner-views.ts'
import { parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { redirectTo } from './search.ts'
import { findSession, readOwnerForm, requireOwner, type Session } from './session.ts'
import { showTime } from './shown.ts'
import { textsOf } from './texts.ts'

const PATH = '/settings/access'
/** What was done, as `?done=` says it. */
const DONE = ['set', 'changed', 'removed', 'ended'] as const

export function accessRoutes(tools: Tools): Router {
  const router = new Router()
  const limit = makePassphraseLimit()
  router.get(PATH, async ctx => {
    const done = DONE.find(one => one === parametersOf(ctx).get('done'))
    await sendAccess(tools, ctx, done === undefined ? {} : { done })
  })
  router.post(`${PATH}/passphrase`, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const { id } = (await findSession(tools, ctx))!
    await orTell(tools, ctx, async () => {
      const [present = '', wanted, again] = ['present', 'wanted', 'again'].map(name => form.get(name) ?? '')
      if (wanted !== again) throw new BadMessage('The passphrase was not written the same way twice.', { code: 'passphrase' })
      const isChange = await hasPassphrase(tools)
      if (isChange) await limit.take(ctx.ip)
      await setPassphrase(tools, wanted ?? '', { present, session: id })
      redirectTo(ctx, `${PATH}?done=${isChange ? 'changed' : 'set'}`)
    })
  })
  router.post(`${PATH}/passphrase/remove`, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    await orTell(tools, ctx, async () => {
      await limit.take(ctx.ip)
      await removePassphrase(tools, form.get('present') ?? '')
      redirectTo(ctx, `${PATH}?done=removed`)
    })
  })
  router.post(`${PATH}/end`, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    await endSessions(tools, (await findSession(tools, ctx))!, form.get('session'))
    redirectTo(ctx, `${PATH}?done=ended`)
  })
  return router
}

/** Ends one session, or without a name all others. @throws BadMessage */
async function endSessions({ sessions }: Tools, { id }: Session, named: string | null): Promise<void> {
  if (named === null) return void (await sessions.endOthers(id))
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(named)) throw new BadMessage('There is no such sign-in.')
  await sessions.end(named)
}

/** What fails is told on the page where it can be tried again. */
async function orTell(tools: Tools, ctx: RouterContext, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isFailure(error)) throw error
    if (error.retryAfter !== undefined) ctx.set('Retry-After', String(error.retryAfter))
    await sendAccess(tools, ctx, { problem: error.message }, error.status)
  }
}

async function sendAccess(tools: Tools, ctx: RouterContext, more: Pick<AccessView, 'done' | 'problem'> = {}, status = 200): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const own = await findSession(tools, ctx)
  const sessions = (await tools.sessions.all(tools.clock())).map(({ browser, createdAt, id, usedAt }) => ({
    ...{ id, isOwn: id === own?.id, begun: showTime(createdAt), used: showTime(usedAt) },
    ...(browser === undefined ? {} : { browser })
  }))
  const frame = { title: textsOf(viewer.language).say('access.title'), noindex: true, area: 'access' }
  const view = { ...more, hasPassphrase: await hasPassphrase(tools), least: LEAST_LENGTH, sessions }
  sendPage(ctx, viewer, 'access', frame, view, status)
}
