import Router from '@koa/router'
import { makeHub } from '../federation/hub.ts'
import type { Tools } from '../tools.ts'
import { readForm } from './middleware.ts'
import { sendPage } from './render.ts'
import { findViewer } from './session.ts'
import { textsOf } from './texts.ts'

const FORM_BYTES = 65_536
const ANSWERS = { accepted: 202, verified: 204, published: 204 } as const

/** `POST /hub`: subscribe, unsubscribe, publish (H1, H4). `GET` shows what it is. */
export function hubRoutes(tools: Tools): Router {
  const take = makeHub(tools)
  const router = new Router()
  router.post('/hub', async ctx => {
    const outcome = await take(await readForm(ctx, FORM_BYTES), ctx.ip)
    ctx.status = ANSWERS[outcome]
    if (outcome === 'accepted') ctx.body = 'Accepted\n'
  })
  router.get('/hub', async ctx => {
    const viewer = await findViewer(tools, ctx)
    sendPage(ctx, viewer, 'hub', { title: textsOf(viewer.language).say('hub.title') }, { open: tools.config.openHub })
  })
  return router
}
