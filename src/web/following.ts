/** /settings/following: whom the owner follows, lists in and out, and the private feed. */
import Router, { type RouterContext } from '@koa/router'
import { findAccount } from '../federation/accounts.ts'
import { follow, unfollow } from '../federation/follow.ts'
import { beginImport, exportFollows, findImport, listImport, progressOf, tryAgain } from '../federation/follow-list.ts'
import { closeFeed, renewToken, tokenMadeAt } from '../federation/private-feed.ts'
import { findPictures } from '../federation/show-pictures.ts'
import { BadMessage, isFailure, Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Import } from '../model/imports.ts'
import type { Account } from '../model/kept.ts'
import { LIMIT } from '../protocol/names.ts'
import type { ReadPlace, Tools } from '../tools.ts'
import { parametersOf } from './paging.ts'
import { privateFeedUrl } from './private-feed.ts'
import { sendPage } from './render.ts'
import { accountOf, redirectTo } from './search.ts'
import { readOwnerForm, readOwnerUpload, requireOwner } from './session.ts'
import { showPerson, showTime, type Viewer } from './shown.ts'
import { type FollowingView, type ImportedView, showImport, showItem, showRead } from './shown-following.ts'
import { textsOf } from './texts.ts'

const PATH = '/settings/following'
const PAGE = 50
const IMPORT_PAGE = 100
const MOST_ASKED = 100
const SHOWN_IMPORTS = 3
const LONGEST_WORDS = 200

export function followingRoutes(tools: Tools): Router {
  const router = new Router()
  router.get(PATH, ctx => sendFollowing(tools, ctx))
  router.get(`${PATH}.opml`, ctx => sendOpml(tools, ctx))
  router.post(PATH, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const q = form.get('q')?.trim() ?? ''
    await orTell(tools, ctx, { q }, async () => {
      const as = await accountOf(tools, form.get('as'))
      const { actor, already, asked = false, others = [] } = await follow(tools, q, { as })
      const person = (viewer: Viewer) => showPerson(viewer, actor)
      const feeds = others.map(({ title, type, url }) => ({
        url,
        name: `${title ?? url} (${type.replace(/^application\/|\+xml$|\+json$/g, '')})`
      }))
      await sendFollowing(tools, ctx, viewer => ({ followed: { person: person(viewer), already, asked, by: as.localName, others: feeds } }))
    })
  })
  router.post(`${PATH}/unfollow`, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const id = form.get('actor') ?? ''
    const actor = isId(id) ? await tools.actors.find(id) : undefined
    if (actor === undefined) throw new Missing('There is nobody of that name here.')
    await unfollow(tools, actor, await findAccount(tools, form.get('as') ?? ''))
    const before = form.get('before')
    redirectTo(ctx, before ? `${PATH}?before=${writePlace(readPlace(before))}` : PATH)
  })
  router.post(`${PATH}/feed`, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    if (form.has('close')) {
      await closeFeed(tools)
      return redirectTo(ctx, PATH)
    }
    const url = privateFeedUrl(tools, await renewToken(tools))
    // the address is shown this once, on a page that tells nobody where it was
    await sendFollowing(tools, ctx, () => ({ feed: { madeAt: showTime(tools.clock()), url } }))
    ctx.set('Referrer-Policy', 'no-referrer')
  })
  addImports(router, tools)
  return router
}

function addImports(router: Router, tools: Tools): void {
  router.post(`${PATH}/imports`, ctx =>
    // a file that is too large is told of on the page as well
    orTell(tools, ctx, {}, async () => {
      const form = await readOwnerUpload(tools, ctx, LIMIT.feedBytes + 20_000)
      const [file, list] = [form.get('file'), String(form.get('list') ?? '')]
      await orTell(tools, ctx, { list: list.slice(0, 10_000) }, async () => {
        const as = await accountOf(tools, String(form.get('as') ?? ''))
        const isFile = file instanceof File && file.size > 0
        const input = isFile ? Buffer.from(await file.arrayBuffer()) : Buffer.from(list)
        if (input.toString('latin1').trim() === '') throw new BadMessage('Choose a file, or write a list.')
        const { id } = await beginImport(tools, as, input, isFile ? file.name : undefined)
        redirectTo(ctx, `${PATH}/imports/${id}`)
      })
    })
  )
  router.get(`${PATH}/imports/:id`, ctx => sendImport(tools, ctx))
  router.post(`${PATH}/imports/:id/again`, async ctx => {
    await readOwnerForm(tools, ctx)
    const { id } = await findList(tools, ctx.params.id)
    await tryAgain(tools, id)
    redirectTo(ctx, `${PATH}/imports/${id}`)
  })
}

const findList = (tools: Tools, id = ''): Promise<Import> => findImport(tools, isId(id) ? id : '')

/** What fails is told on the page where it can be tried again, with what was typed. */
async function orTell(tools: Tools, ctx: RouterContext, typed: { q?: string; list?: string }, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isFailure(error)) throw error
    await sendFollowing(tools, ctx, () => ({ ...typed, problem: error.message }), error.status)
  }
}

async function sendFollowing(
  tools: Tools,
  ctx: RouterContext,
  more: (viewer: Viewer) => Partial<FollowingView> = () => ({}),
  status = 200
): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const accounts = await tools.actors.accounts()
  const names = new Map(accounts.map(({ id, localName }) => [id, localName]))
  const parameters = parametersOf(ctx)
  const [before, words] = [parameters.get('before'), parameters.get('words')?.trim().slice(0, LONGEST_WORDS)]
  const page = { limit: PAGE + 1, ...(before ? { before: readPlace(before) } : {}), ...(words ? { words } : {}) }
  const found = await tools.reading.list([...names.keys()], page)
  const people = found.slice(0, PAGE)
  const last = people.at(-1)
  const further = new URLSearchParams({
    ...(words ? { words } : {}),
    ...(last ? { before: writePlace({ ...last, followedId: last.actor.id }) } : {})
  })
  const avatars = people.map(({ actor }) => actor.avatar?.url)
  const [madeAt, pictures] = await Promise.all([tokenMadeAt(tools), findPictures(tools, avatars)])
  const view: FollowingView = {
    people: people.map(one => showRead(viewer, one, names.get(one.followerId)!, pictures)),
    asked: before || words ? [] : await listAsked(tools, viewer, accounts),
    imports: await listImports(tools, names),
    feed: madeAt === undefined ? {} : { madeAt: showTime(madeAt) },
    ...(found.length > PAGE ? { older: `?${further}` } : {}),
    ...(words ? { words } : {}),
    ...(before ? { before } : {}),
    ...more(viewer)
  }
  const frame = { title: textsOf(viewer.language).say('following.title'), noindex: true, area: 'following' }
  sendPage(ctx, viewer, 'following', frame, view, status)
}

async function listAsked({ follows }: Tools, viewer: Viewer, accounts: Account[]): Promise<FollowingView['asked']> {
  const lists = await Promise.all(
    accounts.map(async ({ id, localName }) => (await follows.asked(id)).map(one => ({ ...one, by: localName })))
  )
  const asked = lists.flat().slice(0, MOST_ASKED)
  return asked.map(({ actor, by, since }) => ({ id: actor.id, person: showPerson(viewer, actor), by, since: showTime(since) }))
}

async function listImports(tools: Tools, names: Map<string, string>): Promise<FollowingView['imports']> {
  const imports = await tools.imports.latest(SHOWN_IMPORTS)
  return Promise.all(imports.map(async one => showImport(one, names.get(one.accountId) ?? '', await progressOf(tools, one.id))))
}

async function sendImport(tools: Tools, ctx: RouterContext): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const list = await findList(tools, ctx.params.id)
  const parameters = parametersOf(ctx)
  const onlyFailed = parameters.has('failed')
  const after = Number(/^\d{1,5}$/.exec(parameters.get('after') ?? '')?.[0] ?? -1)
  const [progress, found] = [
    await progressOf(tools, list.id),
    await listImport(tools, list.id, { after, limit: IMPORT_PAGE + 1, failed: onlyFailed })
  ]
  const items = found.slice(0, IMPORT_PAGE)
  const { say } = textsOf(viewer.language)
  const by = (await tools.actors.find(list.accountId))?.localName ?? ''
  const view: ImportedView = {
    ...{
      list: showImport(list, by, progress),
      items: items.map(showItem),
      onlyFailed,
      failed: progress.counts.none + progress.counts.dead
    },
    ...(found.length > IMPORT_PAGE ? { more: `?${onlyFailed ? 'failed=1&' : ''}after=${items.at(-1)!.place}` } : {})
  }
  sendPage(ctx, viewer, 'imported', { title: say('following.importTitle'), noindex: true, area: 'following' }, view)
}

async function sendOpml(tools: Tools, ctx: RouterContext): Promise<void> {
  await requireOwner(tools, ctx)
  const as = parametersOf(ctx).get('as')
  ctx.set({ 'Content-Disposition': 'attachment; filename="following.opml"', 'X-Content-Type-Options': 'nosniff' })
  ctx.type = 'text/x-opml; charset=utf-8'
  ctx.body = await exportFollows(tools, as ? [await findAccount(tools, as)] : await tools.actors.accounts())
}

const writePlace = ({ followedId, followerId, since }: ReadPlace): string => `${since.getTime()}_${followedId}_${followerId}`

/** @throws BadMessage */
function readPlace(text: string): ReadPlace {
  const [, time, followedId = '', followerId = ''] = /^(\d{1,13})_(\w+)_(\w+)$/.exec(text) ?? []
  if (time === undefined || !isId(followedId) || !isId(followerId))
    throw new BadMessage('There is no such page: `before` is not one of ours.', { code: 'cursor' })
  return { since: new Date(Number(time)), followedId, followerId }
}
