/** Lists in pages of twenty, newest first, by keyset: nothing is shown twice or left out when something new comes meanwhile. */
import type { Context } from 'koa'
import { PAGE_SIZE } from '../federation/entries.ts'
import { BadMessage } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Shown } from '../model/kept.ts'
import type { Cursor, Page, Tools } from '../tools.ts'
import { LIST_LETTERS, showPosts } from './show-posts.ts'
import { maySee, type PostView, type Viewer } from './shown.ts'
import { passModeration } from './threads.ts'

/**
 * `older`: where the next page is; `newest`: where the list begins, as `?seen=` and `/events` take it; `mark`: the id of the first post
 * that was seen before, if there are newer ones above it.
 */
export type ListView = { posts: PostView[]; older?: string; newest?: string; mark?: string }

/** The parameters of a request's address; of one that is written twice the first counts. */
export const parametersOf = (ctx: Context): URLSearchParams => new URLSearchParams(ctx.querystring)

export const writeCursor = ({ sortedAt, id }: Cursor): string => `${sortedAt.getTime()}_${id}`

/** Whether a place in a list stands before another: what is newer stands first. */
export const isNewer = (a: Cursor, b: Cursor): boolean =>
  a.sortedAt.getTime() > b.sortedAt.getTime() || (a.sortedAt.getTime() === b.sortedAt.getTime() && a.id > b.id)

/** @throws BadMessage for anything that `?before=` of ours does not look like */
export function readCursor(text: string): Cursor {
  const [, time, id = ''] = /^(-?\d{1,13})_(\w+)$/.exec(text) ?? []
  if (time === undefined || !isId(id)) throw new BadMessage('There is no such page: `before` is not one of ours.', { code: 'cursor' })
  return { sortedAt: new Date(Number(time)), id }
}

/** The page that `?before=` asks for, of what the viewer may see, with a mark where `?seen=` tells. @throws BadMessage */
export async function listPage(tools: Tools, ctx: Context, viewer: Viewer, list: (page: Page) => Promise<Shown[]>): Promise<ListView> {
  const parameters = parametersOf(ctx)
  const [before, seen] = [parameters.get('before'), parameters.get('seen')]
  const found = await list({ limit: PAGE_SIZE + 1, ...(before === null ? {} : { before: readCursor(before) }) })
  const page = found.slice(0, PAGE_SIZE)
  const [first, last] = [page[0], page.at(-1)]
  const posts = (await passModeration(tools, viewer, page)).filter(post => maySee(viewer, post))
  const mark = seen === null ? undefined : markSeen(posts, readCursor(seen))
  const view = {
    posts: await showPosts(tools, viewer, posts, LIST_LETTERS),
    ...(mark === undefined ? {} : { mark }),
    ...(before === null && first !== undefined ? { newest: writeCursor(first) } : {})
  }
  if (found.length <= PAGE_SIZE || last === undefined) return view
  parameters.set('before', writeCursor(last))
  return { ...view, older: `?${parameters}` }
}

function markSeen(posts: Shown[], seen: Cursor): string | undefined {
  const index = posts.findIndex(post => !isNewer(post, seen))
  return index > 0 ? posts[index]?.id : undefined
}
