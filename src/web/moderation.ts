/** /moderation: what waits for the owner, what was decided, and one comment by its address. */
import Router, { type RouterContext } from '@koa/router'
import { pageDecided } from '../federation/decided.ts'
import { approve, authorOf, block, findComment, hide, judge, unapprove, unhide } from '../federation/moderate.ts'
import { findPictures } from '../federation/show-pictures.ts'
import { findWaiting } from '../federation/waiting.ts'
import { BadMessage, isFailure, Missing } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { sendPlan } from './blocks.ts'
import { readDecidedPlace, readDid, writeDecidedPlace } from './decisions.ts'
import { parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { redirectTo } from './search.ts'
import { readOwnerForm, requireOwner } from './session.ts'
import { commentPath } from './shown.ts'
import { type ModerationView, showComment, showDecided, showWaiting } from './shown-moderation.ts'
import { textsOf } from './texts.ts'
import { forgetWaiting, MOST_COUNTED } from './waiting-count.ts'

export const MODERATION = '/moderation'
const SHOWN = 50
const MOST_SHOWN = 500
const LONGEST_NAME = 2048

/** What may be done to comments, by the name that the buttons bear. */
const ACTS = {
  approve: (tools: Tools, name: string): Promise<unknown> => approve(tools, name),
  hide,
  unhide,
  unapprove,
  block: async (tools: Tools, name: string) => block(tools, (await authorOf(tools, name)).person)
}
type Act = keyof typeof ACTS
const isAct = (word: string): word is Act => Object.hasOwn(ACTS, word)

export function moderationRoutes(tools: Tools): Router {
  const router = new Router()
  router.get(MODERATION, ctx => sendQueue(tools, ctx))
  router.post(MODERATION, async ctx => {
    const form = await readOwnerForm(tools, ctx, 200_000)
    const { act, names } = readActs(form)
    if (act === 'host') return sendPlan(tools, ctx, await hostsOf(tools, names))
    const count = await actOnEach(tools, act, names).catch(error => {
      if (isFailure(error)) return error
      throw error
    })
    forgetWaiting(tools)
    if (typeof count !== 'number') return sendQueue(tools, ctx, count.message, count.status)
    const back = form.get('back')
    redirectTo(ctx, back === 'comment' ? commentPath(names[0] ?? '') : `${pathOf(back)}?did=${act}&count=${count}`)
  })
  for (const what of ['hidden', 'approved'] as const) router.get(`${MODERATION}/${what}`, ctx => sendDecided(tools, ctx, what))
  router.get(`${MODERATION}/comment`, ctx => sendComment(tools, ctx))
  return router
}

const pathOf = (back: string | null): string => (back === 'hidden' || back === 'approved' ? `${MODERATION}/${back}` : MODERATION)

/** A button beside one comment (`one=hide ID`), or one for all that are ticked (`act=hide`, `item=ID`…). @throws BadMessage */
function readActs(form: URLSearchParams): { act: Act | 'host'; names: string[] } {
  const [, act = form.get('act') ?? '', name] = /^(\w+) (.+)$/s.exec(form.get('one') ?? '') ?? []
  const names = (name === undefined ? form.getAll('item') : [name]).filter(one => one.length <= LONGEST_NAME && !one.includes('\0'))
  if (act !== 'host' && !isAct(act)) throw new BadMessage('This form says nothing that could be done.')
  if (names.length === 0) throw new BadMessage('Choose something first.')
  return { act, names: names.slice(0, MOST_SHOWN) }
}

/** Answers to how many it was done. What is gone meanwhile, or was decided already, is left as it is. @throws when it fails for the only one */
async function actOnEach(tools: Tools, act: Act, names: string[]): Promise<number> {
  let count = 0
  for (const name of names) {
    try {
      await ACTS[act](tools, name)
      count++
    } catch (error) {
      if (!isFailure(error) || names.length === 1) throw error
    }
  }
  return count
}

async function hostsOf(tools: Tools, names: string[]): Promise<string> {
  const authors = await Promise.all(names.map(name => authorOf(tools, name)))
  return [...new Set(authors.map(({ host }) => host))].join('\n')
}

async function sendQueue(tools: Tools, ctx: RouterContext, problem?: string, status = 200): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const most = Math.min(MOST_SHOWN, Number(/^\d{1,3}$/.exec(parametersOf(ctx).get('most') ?? '')?.[0] ?? SHOWN))
  const found = await findWaiting(tools, most + 1)
  const shown = found.slice(0, most)
  const pictures = await findPictures(
    tools,
    shown.map(({ author }) => author.avatar)
  )
  const view: ModerationView = {
    ...{ items: shown.map(one => showWaiting(one, pictures)), all: most >= MOST_SHOWN, policy: tools.config.moderation, ...readDid(ctx) },
    ...(problem === undefined ? {} : { problem }),
    ...(found.length > most && most < MOST_SHOWN ? { more: `?most=${Math.min(MOST_SHOWN, most + SHOWN)}` } : {})
  }
  const counted = { ...viewer, waiting: Math.min(found.length, MOST_COUNTED) }
  sendPage(ctx, counted, 'moderation', { title: textsOf(viewer.language).say('moderation.title'), noindex: true }, view, status)
}

async function sendDecided(tools: Tools, ctx: RouterContext, what: 'hidden' | 'approved'): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const after = parametersOf(ctx).get('after')
  const { list, next } = await pageDecided(tools, what, { limit: SHOWN, ...(after === null ? {} : { after: readDecidedPlace(after) }) })
  const view = {
    what,
    list: list.map(showDecided),
    ...readDid(ctx),
    ...(next === undefined ? {} : { older: `?after=${writeDecidedPlace(next)}` })
  }
  const title = textsOf(viewer.language).say(what === 'hidden' ? 'moderation.hidden' : 'moderation.approved')
  sendPage(ctx, viewer, 'decided', { title, noindex: true }, view)
}

/** One comment by its address, its URI or its id: also one that is shown to everybody. */
async function sendComment(tools: Tools, ctx: RouterContext): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const name = parametersOf(ctx).get('of')?.trim() ?? ''
  if (name === '' || name.length > LONGEST_NAME || name.includes('\0')) throw new Missing('This comment is not known here.')
  const comment = await findComment(tools, name)
  const [standing] = await judge(tools, [comment.said])
  const { host } = await authorOf(tools, name)
  const view = showComment(comment, name, standing!, host)
  sendPage(ctx, viewer, 'comment', { title: textsOf(viewer.language).say('moderation.one'), noindex: true }, view)
}
