/** Lists in pages of twenty, newest first, by keyset: nothing is shown twice or left out when something new comes meanwhile. */
import type { Context } from 'koa'
import { PAGE_SIZE } from '../federation/entries.ts'
import { BadMessage } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Shown } from '../model/kept.ts'
import type { Cursor, Page, Tools } from '../tools.ts'
import { maySee, type PostView, showPost, type Viewer } from './shown.ts'
import { passModeration } from './threads.ts'

export type ListView = { posts: PostView[]; older?: string }

/** The parameters of a request's address; of one that is written twice the first counts. */
export const parametersOf = (ctx: Context): URLSearchParams => new URLSearchParams(ctx.querystring)

export const writeCursor = ({ sortedAt, id }: Cursor): string => `${sortedAt.getTime()}_${id}`

/** @throws BadMessage for anything that `?before=` of ours does not look like */
export function readCursor(text: string): Cursor {
  const [, time, id = ''] = /^(-?\d{1,13})_(\w+)$/.exec(text) ?? []
  if (time === undefined || !isId(id)) throw new BadMessage('There is no such page: `before` is not one of ours.', { code: 'cursor' })
  return { sortedAt: new Date(Number(time)), id }
}

/** The page that `?before=` asks for, of what the viewer may see, and where the next one is. @throws BadMessage */
export async function listPage(tools: Tools, ctx: Context, viewer: Viewer, list: (page: Page) => Promise<Shown[]>): Promise<ListView> {
  const parameters = parametersOf(ctx)
  const before = parameters.get('before')
  const found = await list({ limit: PAGE_SIZE + 1, ...(before === null ? {} : { before: readCursor(before) }) })
  const posts = found.slice(0, PAGE_SIZE)
  const last = posts.at(-1)
  const shown = (await passModeration(tools, viewer, posts)).filter(post => maySee(viewer, post)).map(post => showPost(viewer, post))
  if (found.length <= PAGE_SIZE || last === undefined) return { posts: shown }
  parameters.set('before', writeCursor(last))
  return { posts: shown, older: `?${parameters}` }
}
