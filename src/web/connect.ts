/** The owner's Mastodon accounts: what is connected, how that stands, and the way there and back. */
import Router, { type RouterContext } from '@koa/router'
import { type Begun, beginConnection, disconnect, findStanding, finishConnection, handleOf } from '../federation/connect.ts'
import { isFailure } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { type ConnectView, sendPage } from './render.ts'
import { accountOf, redirectTo } from './search.ts'
import { readOwnerForm, requireOwner } from './session.ts'
import { showPlace, showTime } from './shown.ts'
import { textsOf } from './texts.ts'

const PATH = '/settings/mastodon'

/** `/settings/mastodon`, and `/settings/mastodon/callback`, where servers send the owner's browser back to. */
export function connectRoutes(tools: Tools): Router {
  const router = new Router()
  router.use(PATH, async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store')
    await next()
  })
  router.get(PATH, ctx => sendConnections(tools, ctx))
  router.post(PATH, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const account = await accountOf(tools, form.get('as'))
    await orTell(tools, ctx, async () => {
      const begun = await beginConnection(tools, account, form.get('host') ?? '', { wide: form.has('wide') })
      // a page with a link and no redirect: browsers hold our form-action against the redirects of a form, too
      await sendConnections(tools, ctx, { begun: showBegun(account, begun) })
    })
  })
  router.post(`${PATH}/code`, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    await finish(tools, ctx, { state: form.get('state') ?? '', code: form.get('code') ?? '', typed: true })
  })
  router.get(`${PATH}/callback`, async ctx => {
    // this changes something by GET, as OAuth has it: only with a state that was given to the owner a moment ago (RFC 6749 10.12)
    const query = new URLSearchParams(ctx.querystring)
    const [state = '', code, error] = ['state', 'code', 'error'].map(name => query.get(name) ?? undefined)
    await requireOwner(tools, ctx)
    await finish(tools, ctx, { state, ...(code === undefined ? {} : { code }), ...(error === undefined ? {} : { error }) })
  })
  router.post(`${PATH}/disconnect`, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    await disconnect(tools, await accountOf(tools, form.get('as')))
    redirectTo(ctx, PATH)
  })
  return router
}

/** On to the page, so that the code stands in no address that is kept. */
async function finish(tools: Tools, ctx: RouterContext, back: Parameters<typeof finishConnection>[1]): Promise<void> {
  await orTell(tools, ctx, async () => {
    await finishConnection(tools, back)
    redirectTo(ctx, PATH)
  })
}

/** What fails is told on the page where it can be tried again. */
async function orTell(tools: Tools, ctx: RouterContext, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isFailure(error)) throw error
    tools.log.info({ why: error.message }, 'Mastodon is not connected')
    await sendConnections(tools, ctx, { problem: error.message }, error.status)
  }
}

async function sendConnections(
  tools: Tools,
  ctx: RouterContext,
  more: Pick<ConnectView, 'begun' | 'problem'> = {},
  status = 200
): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const accounts = await Promise.all((await tools.actors.accounts()).map(account => showStanding(tools, account)))
  const { say } = textsOf(viewer.language)
  const title = more.begun === undefined ? say('connect.title') : say('connect.titleOf', { host: more.begun.host })
  sendPage(ctx, viewer, 'connect', { title, noindex: true, area: 'mastodon' }, { ...more, accounts }, status)
}

const showBegun = ({ localName }: Account, { server, ...begun }: Begun) => ({ ...begun, host: new URL(server).host, as: localName })

async function showStanding(tools: Tools, account: Account): Promise<ConnectView['accounts'][number]> {
  const { connection, from, shadowed, waiting } = await findStanding(tools, account)
  const common = { name: account.localName, waiting, ...(shadowed && { shadowed: new URL(shadowed).host }) }
  if (connection === undefined) return common
  const { avatar, connectedAt, host, scope, state, url } = connection
  const picture = avatar === undefined ? undefined : (await tools.pictures.idsOf([avatar], tools.clock())).get(avatar)
  const fromSettings = from === 'settings'
  const connected = {
    ...{ handle: handleOf(connection), page: showPlace(url)?.url ?? host, revoked: state === 'revoked', fromSettings },
    ...(picture && { picture: `/media/${picture}` }),
    ...(scope && { scope }),
    ...(fromSettings ? {} : { since: showTime(connectedAt) })
  }
  return { ...common, connected }
}
