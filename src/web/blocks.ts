/** /moderation/blocks: who and what is blocked; lists in and out, each shown before it counts. */
import Router, { type RouterContext } from '@koa/router'
import { exportBlocks, planBlocks } from '../federation/block-list.ts'
import { pageDecided } from '../federation/decided.ts'
import { blockMany, unblock } from '../federation/moderate.ts'
import { BadMessage, isFailure } from '../model/errors.ts'
import { type BlockList, readBlockList, writePeopleList } from '../protocol/block-list.ts'
import type { Tools } from '../tools.ts'
import { readDecidedPlace, readDid, writeDecidedPlace } from './decisions.ts'
import { parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { redirectTo } from './search.ts'
import { readOwnerForm, readOwnerUpload, requireOwner } from './session.ts'
import { showDecided } from './shown-moderation.ts'
import { textsOf } from './texts.ts'
import { forgetWaiting } from './waiting-count.ts'

const PATH = '/moderation/blocks'
const SHOWN = 50
/** Bytes: 50,000 lines, and as a form each may take three times as many. */
const LONGEST_LIST = 3_000_000
const LONGEST_FORM = 10_000_000
const MOST_KEPT = 10_000

export function blockRoutes(tools: Tools): Router {
  const router = new Router()
  router.get(PATH, ctx => sendBlocks(tools, ctx))
  router.get(`${PATH}.csv`, ctx => sendList(tools, ctx, 'hosts', 'blocked-domains.csv'))
  router.get(`${PATH}-people.csv`, ctx => sendList(tools, ctx, 'people', 'blocked-accounts.csv'))
  router.post(`${PATH}/look`, ctx =>
    // a file that is too large is told of on the page as well
    orTell(tools, ctx, '', async () => {
      const form = await readOwnerUpload(tools, ctx, LONGEST_LIST)
      const [file, list] = [form.get('file'), String(form.get('list') ?? '')]
      const typed = file instanceof File && file.size > 0 ? await file.text() : list
      await orTell(tools, ctx, list, async () => {
        if (typed.trim() === '') throw new BadMessage('Choose a file, or write a list.')
        await sendPlan(tools, ctx, typed)
      })
    })
  )
  router.post(PATH, async ctx => {
    const form = await readOwnerForm(tools, ctx, LONGEST_FORM)
    const { hosts, people } = readChosen(form)
    await orTell(tools, ctx, '', async () => {
      if (hosts.length + people.length === 0) throw new BadMessage('Choose something first.')
      await blockMany(tools, { hosts, people })
      forgetWaiting(tools)
      redirectTo(ctx, `${PATH}?did=list&count=${hosts.length + people.length}`)
    })
  })
  router.post(`${PATH}/unblock`, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    await orTell(tools, ctx, '', async () => {
      await unblock(tools, form.get('who') ?? '')
      forgetWaiting(tools)
      redirectTo(ctx, `${PATH}?did=unblock&count=1`)
    })
  })
  return router
}

/** What a list would do, with a button that does it: the page of a form, for nothing of it stands in an address. */
export async function sendPlan(tools: Tools, ctx: RouterContext, typed: string): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const plan = await planBlocks(tools, typed)
  sendPage(ctx, viewer, 'block-plan', { title: textsOf(viewer.language).say('moderation.plan'), noindex: true }, { plan })
}

/** What was ticked: it is read as strictly as a list, whoever wrote it into the form. @throws BadMessage */
function readChosen(form: URLSearchParams): Pick<BlockList, 'hosts' | 'people'> {
  const read = (text: string): BlockList | undefined => (text.trim() === '' ? undefined : readBlockList(text))
  const silence = form.has('silenced') ? [form.get('silence') ?? ''] : []
  const hosts = read([form.get('hosts') ?? '', ...form.getAll('also'), ...silence].join('\n'))?.hosts ?? []
  const people = (form.get('people') ?? '').split(/\r?\n/).filter(one => one.trim() !== '')
  return { hosts, people: people.length === 0 ? [] : (read(writePeopleList(people))?.people ?? []) }
}

/** What fails is told on the page where it can be tried again, with what was typed. */
async function orTell(tools: Tools, ctx: RouterContext, typed: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isFailure(error)) throw error
    await sendBlocks(tools, ctx, { problem: error.message, typed: typed.slice(0, MOST_KEPT) }, error.status)
  }
}

async function sendBlocks(tools: Tools, ctx: RouterContext, more: { problem?: string; typed?: string } = {}, status = 200): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const after = parametersOf(ctx).get('after')
  const { list, next } = await pageDecided(tools, 'blocked', {
    limit: SHOWN,
    ...(after === null ? {} : { after: readDecidedPlace(after) })
  })
  const view = { ...readDid(ctx), ...more, list: list.map(showDecided), ...(next ? { older: `?after=${writeDecidedPlace(next)}` } : {}) }
  sendPage(ctx, viewer, 'blocks', { title: textsOf(viewer.language).say('moderation.blocks'), noindex: true }, view, status)
}

async function sendList(tools: Tools, ctx: RouterContext, what: 'hosts' | 'people', name: string): Promise<void> {
  await requireOwner(tools, ctx)
  ctx.set({ 'Content-Disposition': `attachment; filename="${name}"`, 'X-Content-Type-Options': 'nosniff' })
  ctx.type = 'text/csv; charset=utf-8'
  ctx.body = await exportBlocks(tools, what)
}
