/** `/settings/blog/old`: what the blog published before the node was there, marked so that none of it is ever tooted. */
import Router, { type RouterContext } from '@koa/router'
import { findAccount } from '../federation/accounts.ts'
import { findPlaces, type Place } from '../federation/handled.ts'
import { beginImport, isRunning, readSource } from '../federation/import-run.ts'
import { isFailure } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import type { OldView } from './owner-views.ts'
import { parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { redirectTo } from './search.ts'
import { readOwnerForm, requireOwner } from './session.ts'
import { showPlace } from './shown.ts'
import { textsOf } from './texts.ts'

const PATH = '/settings/blog/old'

export function importOldRoutes(tools: Tools): Router {
  const router = new Router()
  router.get(PATH, ctx => sendOld(tools, ctx, parametersOf(ctx).get('as')))
  router.post(PATH, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const as = form.get('as') ?? ''
    try {
      const account = await findAccount(tools, as)
      await beginImport(tools, account, { source: readSource(form.get('source')), rehearsal: form.get('how') !== 'import' })
      redirectTo(ctx, `${PATH}?as=${account.localName}`)
    } catch (error) {
      if (!isFailure(error)) throw error
      await sendOld(tools, ctx, as, error.message, error.status)
    }
  })
  return router
}

/** Of the account that is named, or of the first one with a blog. */
async function sendOld(tools: Tools, ctx: RouterContext, as: string | null, problem?: string, status = 200): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const places = (await findPlaces(tools)).filter(({ blog }) => blog !== undefined)
  const place = places.find(({ account }) => account.localName === as) ?? places[0]
  const shown = place && showImport(tools, place)
  const view: OldView = {
    names: places.map(({ account }) => account.localName),
    ...(problem === undefined ? {} : { problem }),
    ...(shown === undefined ? {} : { shown })
  }
  const frame = { title: textsOf(viewer.language).say('old.title'), noindex: true, area: 'blog' }
  sendPage(ctx, viewer, 'old', frame, view, status)
}

function showImport(tools: Tools, { account, blog, pattern }: Place): OldView['shown'] {
  const { feedUrl, oldImport, sitemapUrl } = blog ?? {}
  const links = (addresses: string[]) => addresses.flatMap(address => showPlace(address)?.url ?? [])
  const run = oldImport && {
    ...oldImport,
    ...{ running: isRunning(tools, oldImport), taken: links(oldImport.taken), passed: links(oldImport.passed) }
  }
  return {
    name: account.localName,
    sources: [...(sitemapUrl ? [{ source: 'sitemap', url: sitemapUrl }] : []), ...(feedUrl ? [{ source: 'feed', url: feedUrl }] : [])],
    ...(pattern ? { pattern: pattern.source } : {}),
    ...(run ? { run } : {})
  }
}
