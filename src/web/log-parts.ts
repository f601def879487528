/** What the pages of the log have in common: their frame, their buttons, and how an answer of somebody else's server is told. */
import type { RouterContext } from '@koa/router'
import { BadMessage, isFailure } from '../model/errors.ts'
import { hideSecrets } from '../model/log.ts'
import type { Tools } from '../tools.ts'
import { type AnswerView, DONE, type Done, type LogView, type Part } from './log-views.ts'
import { parametersOf } from './paging.ts'
import { sendPage, type Views } from './render.ts'
import { redirectTo } from './search.ts'
import { readOwnerForm, requireOwner } from './session.ts'
import { showTime, type TimeView, type Viewer } from './shown.ts'
import { textsOf } from './texts.ts'

export const showAnswer = (viewer: Viewer, { error, status }: { error?: string; status?: number }): AnswerView | undefined => {
  const told = error === undefined || error === `answered ${status}` ? undefined : textsOf(viewer.language).tell(hideSecrets(error))
  const isSaid = status === undefined || told?.includes(String(status)) === true
  if (isSaid && told === undefined) return undefined
  return { ...(isSaid ? {} : { status }), ...(told === undefined ? {} : { told }) }
}

export const timeOrNot = (time: Date | undefined): TimeView | undefined => time && showTime(time)

/** What stands in the address of a page of ours and stays when a button was pressed: the place in a list, its order. */
const KEPT = ['sort', 'after', 'before', 'as', 'show']

function keptQuery(ctx: RouterContext): URLSearchParams {
  const parameters = parametersOf(ctx)
  return new URLSearchParams([...parameters].filter(([name]) => KEPT.includes(name)))
}

/** The address of another page of the same list. */
export function pageAt(ctx: RouterContext, change: Record<string, string>): string {
  const query = keptQuery(ctx)
  for (const [name, value] of Object.entries(change)) query.set(name, value)
  return `?${query}`
}

/** One value of the address that has to be of a form. @throws BadMessage for any other */
export function readPlace(ctx: RouterContext, name: string, form: RegExp): string[] | undefined {
  const text = parametersOf(ctx).get(name)
  if (text === null) return undefined
  const [, ...parts] = form.exec(text) ?? []
  if (parts.length === 0) throw new BadMessage(`There is no such page: \`${name}\` is not one of ours.`, { code: 'cursor' })
  return parts
}

type Names = { [Name in keyof Views]: Views[Name] extends LogView ? Name : never }[keyof Views]

/** Sends a page of the log. */
export function sendLog<Name extends Names>(
  ctx: RouterContext,
  viewer: Viewer,
  name: Name,
  part: Part,
  data: Omit<Views[Name], keyof LogView>,
  problem?: Problem
): void {
  const done = DONE.find(one => one === parametersOf(ctx).get('done'))
  const query = keptQuery(ctx).toString()
  const frame = { title: textsOf(viewer.language).say(`log.title_${part}`), noindex: true, wide: true }
  const more: LogView = {
    ...{ part, query: query === '' ? '' : `?${query}` },
    ...(problem === undefined ? (done === undefined ? {} : { done }) : { problem: textsOf(viewer.language).tell(problem.sentence) })
  }
  sendPage(ctx, viewer, name, frame, { ...data, ...more } as unknown as Views[Name], problem?.status)
}

export type Problem = { sentence: string; status: number }

/** Shows one page of the log, with what went wrong on it. */
export type Show = (tools: Tools, ctx: RouterContext, viewer: Viewer, problem?: Problem) => Promise<void>

/** GET of a page of the log. */
export const showing = (tools: Tools, show: Show) => async (ctx: RouterContext) => show(tools, ctx, await requireOwner(tools, ctx))

/**
 * POST of a button: back to its page, which says that it is done; what fails is told there, too.
 * @param path of the page
 */
export const doing =
  (
    tools: Tools,
    done: Done,
    path: (ctx: RouterContext) => string,
    show: Show,
    work: (ctx: RouterContext, form: URLSearchParams) => Promise<void>
  ) =>
  async (ctx: RouterContext): Promise<void> => {
    const form = await readOwnerForm(tools, ctx)
    const viewer = await requireOwner(tools, ctx)
    try {
      await work(ctx, form)
      const query = keptQuery(ctx)
      query.set('done', done)
      redirectTo(ctx, `${path(ctx)}?${query}`)
    } catch (error) {
      if (!isFailure(error)) throw error
      await show(tools, ctx, viewer, { sentence: error.message, status: error.status })
    }
  }
