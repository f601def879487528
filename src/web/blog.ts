/** `/settings/blog`: what to put where, so that the blog and its own domain lead here; and whether it stands there. */
import Router, { type RouterContext } from '@koa/router'
import { checkKit } from '../federation/check-kit.ts'
import { type BlogKit, findBlogKit, isKitHost, KIT_HOSTS, type KitHost, makeKit } from '../federation/kit.ts'
import type { Check } from '../model/check.ts'
import { isFailure, Missing } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { showChecks } from './checks.ts'
import { makeCheckLimit } from './limits.ts'
import type { BlogView } from './owner-views.ts'
import { parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { accountOf } from './search.ts'
import { readOwnerForm, requireOwner } from './session.ts'
import { codeInText, showPlace, type Viewer } from './shown.ts'
import { textsOf } from './texts.ts'

const PATH = '/settings/blog'

export function blogRoutes(tools: Tools): Router {
  const router = new Router()
  const takeTurn = makeCheckLimit()
  router.get(PATH, async ctx => {
    const viewer = await requireOwner(tools, ctx)
    await sendBlog(tools, ctx, viewer, parametersOf(ctx))
  })
  router.get(`${PATH}/file`, ctx => sendFile(tools, ctx))
  router.post(`${PATH}/check`, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const viewer = await requireOwner(tools, ctx)
    try {
      await takeTurn()
      const kit = await kitOf(tools, viewer, await accountOf(tools, form.get('as')))
      await sendBlog(tools, ctx, viewer, form, { checks: await checkKit(tools, kit) })
    } catch (error) {
      if (!isFailure(error)) throw error
      await sendBlog(tools, ctx, viewer, form, { problem: error.message }, error.status)
    }
  })
  return router
}

const kitOf = (tools: Tools, viewer: Viewer, account: Account): Promise<BlogKit> =>
  findBlogKit(tools, account, textsOf(viewer.language).say('blog.invitation'))

/** A file of the kit as it is to be saved; nothing that a browser would show (X48). */
async function sendFile(tools: Tools, ctx: RouterContext): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const asked = parametersOf(ctx)
  const host = hostOf(asked)
  const kit = host && makeKit(host, await kitOf(tools, viewer, await accountOf(tools, asked.get('as'))))
  const file = kit?.files.find(({ path }) => path === asked.get('path'))
  if (file === undefined) throw new Missing('There is no such file.')
  ctx.attachment(file.path.split('/').at(-1))
  ctx.set('X-Content-Type-Options', 'nosniff')
  ctx.type = 'application/octet-stream'
  ctx.body = Buffer.from(file.text)
}

function hostOf(asked: URLSearchParams): KitHost | undefined {
  const host = asked.get('for') ?? ''
  return isKitHost(host) ? host : undefined
}

async function sendBlog(
  tools: Tools,
  ctx: RouterContext,
  viewer: Viewer,
  asked: URLSearchParams,
  told: { problem?: string; checks?: Check[] } = {},
  status = 200
): Promise<void> {
  const { say } = textsOf(viewer.language)
  const account = await accountOf(tools, asked.get('as'))
  const kit = await kitOf(tools, viewer, account).catch((error: unknown) => {
    if (error instanceof Missing) return undefined
    throw error
  })
  const frame = { title: say('blog.title'), noindex: true, area: 'blog' }
  const { checks, problem } = told
  const found = { ...(problem && { problem }), ...(checks && { checks: showChecks(viewer.language, checks) }) }
  sendPage(ctx, viewer, 'blog', frame, { ...found, ...viewOf(viewer, account, kit, hostOf(asked)) }, status)
}

function viewOf({ accounts, language }: Viewer, { localName }: Account, kit: BlogKit | undefined, host: KitHost | undefined): BlogView {
  const { tell } = textsOf(language)
  const query = (more: Record<string, string>) => new URLSearchParams({ ...more, ...(accounts.length > 1 ? { as: localName } : {}) })
  const where = (sentence: string) => codeInText(tell(sentence))
  const made = kit && host && makeKit(host, kit)
  const feed = showPlace(kit?.feed)
  return {
    as: localName,
    accounts: accounts.length > 1 ? accounts.map(name => ({ name, path: `${PATH}?${new URLSearchParams({ as: name })}` })) : [],
    hosts: KIT_HOSTS.map(one => ({ host: one, path: `${PATH}?${query({ for: one })}#kit`, chosen: one === host })),
    ...(kit && {
      blog: {
        ...{ place: showPlace(kit.blog)!, handle: kit.handle, domain: kit.domain, isSet: kit.isSet, isOwn: kit.isOwn },
        ...(feed === undefined ? {} : { feed })
      }
    }),
    ...(made && {
      kit: {
        files: made.files.map(file => ({
          ...{ ...file, where: where(file.where) },
          download: `${PATH}/file?${query({ for: host, path: file.path })}`
        })),
        lines: made.lines.map(({ text, where: sentence }) => ({ text, where: where(sentence) }))
      }
    })
  }
}
