/** What a person sees who opens a feed in a browser: browsers show feeds as text, and take XSLT no more (docs/decisions/0009). */
import type { Context } from 'koa'
import { PAGE_SIZE } from '../federation/entries.ts'
import { findPictures } from '../federation/show-pictures.ts'
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { oneLine } from './card.ts'
import { sendPage } from './render.ts'
import { findViewer } from './session.ts'
import { LIST_LETTERS, showPosts } from './show-posts.ts'
import { showPerson } from './shown.ts'
import { textsOf } from './texts.ts'
import { EVERYBODY, passModeration } from './threads.ts'

/** Whether a browser asks in order to show the answer as a page. Programs that read feeds do not say so. */
export const isOpenedByPerson = (ctx: Context): boolean => ctx.get('sec-fetch-dest') === 'document'

/** The feed as a page. It is never kept by a cache, which might give it to a program that wants the feed. */
export async function sendFeedPage(tools: Tools, ctx: Context, account: Account, address: string, before: string): Promise<void> {
  const viewer = await findViewer(tools, ctx)
  const posts = await tools.timelines.feed(account.id, before === '' ? undefined : before, PAGE_SIZE + 1)
  const last = posts.length > PAGE_SIZE ? posts[PAGE_SIZE - 1] : undefined
  const open = await passModeration(tools, EVERYBODY, posts.slice(0, PAGE_SIZE))
  const shown = await showPosts(tools, viewer, open, LIST_LETTERS)
  const list = { posts: shown, ...(last === undefined ? {} : { older: `?before=${last.id}` }) }
  ctx.set('Cache-Control', 'private, no-store')
  ctx.vary('Sec-Fetch-Dest')
  const person = showPerson(viewer, account, await findPictures(tools, [account.avatar?.url]))
  const title = textsOf(viewer.language).say('feed.title', { name: oneLine(person.name, 80) })
  sendPage(ctx, viewer, 'feed', { title }, { ...list, person, address, page: account.uri })
}
