/** `/settings`: what this node is, what holds and where it was set; and what the owner may change here. */
import Router from '@koa/router'
import { VERSION } from '../federation/entries.ts'
import type { Tools } from '../tools.ts'
import { parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { redirectTo } from './search.ts'
import { readOwnerForm, requireOwner } from './session.ts'
import { listSettings } from './settings-list.ts'
import { textsOf } from './texts.ts'

const PATH = '/settings'

export function settingsRoutes(tools: Tools): Router {
  const { changes, config, settings } = tools
  const router = new Router()
  router.get(PATH, async ctx => {
    const viewer = await requireOwner(tools, ctx)
    const saved = parametersOf(ctx).has('saved')
    const view = {
      ...{ saved, origin: config.publicUrl, isLoopback: config.isLoopback, version: VERSION, areas: listSettings(config) },
      handles: (await tools.actors.accounts()).map(({ acct }) => `@${acct}`),
      database: describeDatabase(config),
      pictures: (await settings.find<boolean>('pictures')) ?? true
    }
    sendPage(ctx, viewer, 'settings', { title: textsOf(viewer.language).say('settings.title'), noindex: true, area: 'overview' }, view)
  })
  router.post(PATH, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    await settings.keep('pictures', form.has('pictures'))
    await changes.tell('settings')
    redirectTo(ctx, `${PATH}?saved`)
  })
  return router
}

/** The bundled one by its folder, another by where it is: nothing that opens it. */
const describeDatabase = ({ database, dataDir }: Tools['config']) =>
  database === undefined
    ? { bundled: true, place: dataDir }
    : { bundled: false, place: `${database.host}:${database.port}/${database.name}` }
