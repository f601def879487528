/** Collections of an account and of its posts. Their pages go by keyset, so that none of them costs more the longer the list is. */
import type Router from '@koa/router'
import type { RouterContext } from '@koa/router'
import { listAnswers } from '../federation/comments.ts'
import { PAGE_SIZE } from '../federation/entries.ts'
import { activitiesOut, notesOut } from '../federation/objects.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account, Shown } from '../model/kept.ts'
import {
  type Written as Told,
  writeCollection,
  writeNote,
  writePage,
  writeReplies,
  writeWholeCollection
} from '../protocol/activitystreams-writer.ts'
import type { Tools } from '../tools.ts'
import { activity } from './activity-document.ts'
import { send, type Written } from './conditional.ts'
import { publicPost } from './feeds.ts'
import { prefersPage } from './negotiate.ts'
import { parametersOf } from './paging.ts'
import type { Rendered } from './residents.ts'
import { EVERYBODY, passModeration } from './threads.ts'

type Given = { tools: Tools; resident: (name?: string) => Promise<Account>; rendered: Rendered<Written> }

/** People on one page: only their addresses. */
const PEOPLE = 100
/** What servers show of somebody whom they meet (W4). */
const FEATURED = 5

/** `…/outbox`, `…/featured`, `…/followers`, `…/following` and the `replies` of each post. */
export function addCollections(router: Router, { tools, resident, rendered }: Given): void {
  const { addresses, follows } = tools
  /** What only the account itself changes is kept until it does. */
  const sendKept = async (ctx: RouterContext, account: Account, key: string, make: () => Promise<Told>) =>
    send(ctx, await rendered.get(account.localName, key, async () => activity(await make())))

  router.get('/users/:name/outbox', async ctx => {
    const account = await resident(ctx.params.name)
    const page = readPage(ctx)
    if (page?.before !== undefined) return send(ctx, activity(await writeOutbox(tools, account, page)))
    await sendKept(ctx, account, page === undefined ? 'outbox' : 'outbox page', () => writeOutbox(tools, account, page))
  })
  router.get('/users/:name/featured', async ctx => {
    const account = await resident(ctx.params.name)
    await sendKept(ctx, account, 'featured', async () => {
      const notes = await notesOut(tools, await tools.timelines.latest(account.id, FEATURED))
      return writeWholeCollection(addresses.featured(account.localName), notes.map(writeNote))
    })
  })
  for (const side of ['followers', 'following'] as const) {
    router.get(`/users/:name/${side}`, async (ctx, next) => {
      ctx.vary('Accept')
      if (prefersPage(ctx.get('accept'))) return next()
      const account = await resident(ctx.params.name)
      const id = addresses[side](account.localName)
      const page = readPage(ctx)
      if (page === undefined) return send(ctx, activity(writeCollection(id, await follows.count(side, account.id), `${id}?page=true`)))
      const people = await follows.page(side, account.id, page.before, PEOPLE + 1)
      const items = people.slice(0, PEOPLE).map(({ uri }) => uri)
      send(ctx, activity(writePage(pageId(id, page), id, items, nextOf(id, people, PEOPLE))))
    })
  }
  router.get('/users/:name/posts/:id/replies', async ctx => {
    const post = await publicPost(tools, await resident(ctx.params.name), ctx.params.id ?? '')
    send(ctx, activity(await tellReplies(tools, post, parametersOf(ctx))))
  })
}

/** The collection with its first page in it, or one page (S3-29). */
async function tellReplies(tools: Tools, post: Shown, parameters: URLSearchParams): Promise<Told> {
  const id = tools.addresses.replies(post.uri)
  const after = parameters.get('after') ?? undefined
  const { addresses: items, next, total } = await listAnswers(tools, post, after)
  const pageAfter = (place: string | undefined) => `${id}?page=true${place === undefined ? '' : `&after=${place}`}`
  const more = next === undefined ? {} : { next: pageAfter(next) }
  if (after === undefined && !parameters.has('page')) return writeReplies(id, items, { total, ...more })
  return writePage(pageAfter(after), id, items, { type: 'CollectionPage', ...more })
}

type Page = { before?: string }

/** Which page is asked for; undefined: the collection itself. @throws Missing for a page that is none of ours */
function readPage(ctx: RouterContext): Page | undefined {
  const parameters = parametersOf(ctx)
  const before = parameters.get('before')
  if (before === null) return parameters.has('page') ? {} : undefined
  if (!isId(before)) throw new Missing('There is no such page.')
  return { before }
}

const pageId = (id: string, { before }: Page): string => (before === undefined ? `${id}?page=true` : `${id}?page=true&before=${before}`)

/** Where the next page begins, when more was found than fits on this one. */
function nextOf(id: string, found: { id: string }[], size: number): { next?: string } {
  const last = found[size - 1]
  return found.length > size && last !== undefined ? { next: pageId(id, { before: last.id }) } : {}
}

async function writeOutbox(tools: Tools, account: Account, page: Page | undefined): Promise<Told> {
  const { addresses, timelines } = tools
  const id = addresses.outbox(account.localName)
  if (page === undefined) return writeCollection(id, await timelines.countFeed(account.id), pageId(id, {}))
  const posts = await timelines.feed(account.id, page.before, PAGE_SIZE + 1)
  const shown = await passModeration(tools, EVERYBODY, posts.slice(0, PAGE_SIZE))
  return writePage(pageId(id, page), id, await activitiesOut(tools, shown), nextOf(id, posts, PAGE_SIZE))
}
