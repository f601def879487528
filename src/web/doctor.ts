/** `/settings/doctor`: what was found wrong with the node, and the button that looks again. */
import Router from '@koa/router'
import { findExamined, runDoctor } from '../federation/doctor.ts'
import { isFailure } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { showChecks } from './checks.ts'
import { makeCheckLimit } from './limits.ts'
import type { DoctorView } from './owner-views.ts'
import { sendPage } from './render.ts'
import { redirectTo } from './search.ts'
import { readOwnerForm, requireOwner } from './session.ts'
import { showTime, type Viewer } from './shown.ts'
import { textsOf } from './texts.ts'

const PATH = '/settings/doctor'
/** The worst first. */
const ORDER = ['failure', 'warning', 'ok', 'skipped']

export function doctorRoutes(tools: Tools): Router {
  const router = new Router()
  const takeTurn = makeCheckLimit()
  const view = async ({ language }: Viewer, more: Pick<DoctorView, 'problem'> = {}): Promise<DoctorView> => {
    const found = await findExamined(tools)
    if (found === undefined) return more
    const checks = found.checks.toSorted((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state))
    const failures = checks.filter(({ state }) => state === 'failure').length
    return { ...more, at: showTime(found.at), checks: showChecks(language, checks), failures }
  }
  const frame = (viewer: Viewer) => ({ title: textsOf(viewer.language).say('doctor.title'), noindex: true, area: 'doctor' })

  router.get(PATH, async ctx => {
    const viewer = await requireOwner(tools, ctx)
    sendPage(ctx, viewer, 'doctor', frame(viewer), await view(viewer))
  })
  router.post(PATH, async ctx => {
    await readOwnerForm(tools, ctx)
    const viewer = await requireOwner(tools, ctx)
    try {
      await takeTurn()
      await runDoctor(tools)
      redirectTo(ctx, PATH)
    } catch (error) {
      if (!isFailure(error)) throw error
      sendPage(ctx, viewer, 'doctor', frame(viewer), await view(viewer, { problem: error.message }), error.status)
    }
  })
  return router
}
