/** Feeds of our accounts: Atom (the topic), RSS 2.0, JSON Feed, older pages, single entries. Rendered once a change, not once a request (F1). */
import Router from '@koa/router'
import type { Context } from 'koa'
import { findAct } from '../federation/act.ts'
import { entryOut, feedHead, hubsOf, PAGE_SIZE } from '../federation/entries.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account, Shown } from '../model/kept.ts'
import { writeEntry, writeFeed } from '../protocol/atom-writer.ts'
import type { FeedHead } from '../protocol/feed-parts.ts'
import { writeJsonFeed, writeRss } from '../protocol/feeds-out.ts'
import { hubLinks } from '../protocol/hub.ts'
import { TYPE } from '../protocol/names.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import type { Tools } from '../tools.ts'
import { send, type Written, written } from './conditional.ts'
import { isOpenedByPerson, sendFeedPage } from './feed-page.ts'
import { missingAccount } from './profiles.ts'
import { makeRendered, type Residents } from './residents.ts'
import { EVERYBODY, passModeration } from './threads.ts'

type Format = 'atom' | 'rss' | 'json'

const TYPES = { atom: `${TYPE.atom}; charset=utf-8`, rss: `${TYPE.rss}; charset=utf-8`, json: `${TYPE.jsonFeed}; charset=utf-8` }

export function feedRoutes(tools: Tools, residents: Residents): Router {
  const rendered = makeRendered<Written>(tools, 2000)
  const router = new Router()
  const resident = (name: string) => findResident(tools, residents, name)
  const feed = (format: Format) => async (ctx: Context & { params: { name?: string } }) => {
    const before = new URLSearchParams(ctx.querystring).get('before') ?? ''
    if (before !== '' && !isId(before)) throw new Missing('There is no such page.')
    const account = await resident(ctx.params.name ?? '')
    const key = `${format} ${before}`
    if (isOpenedByPerson(ctx)) return sendFeedPage(tools, ctx, account, addressOf(tools, account, format), before)
    const known = rendered.atHand(account.localName, key)
    send(ctx, known ?? (await rendered.get(account.localName, key, () => writePage(tools, account, format, before))))
  }
  for (const format of ['atom', 'rss', 'json'] as const) {
    router.get(`/users/:name.${format}`, feed(format))
  }
  router.get('/users/:name/posts/:id.atom', async ctx => {
    const account = await resident(ctx.params.name ?? '')
    const id = ctx.params.id ?? ''
    const make = async () => writeOne(tools, account, await publicPost(tools, account, id))
    send(ctx, await rendered.get(account.localName, `entry ${id}`, make))
  })
  router.get('/users/:name/acts/:id', async ctx => {
    const account = await resident(ctx.params.name ?? '')
    const { entry, page } = await findAct(tools, account, tools.addresses.act(account.localName, ctx.params.id ?? ''))
    ctx.vary('Accept')
    if (ctx.accepts(TYPE.atom, TYPE.html) === TYPE.html && isWebAddress(page)) return ctx.redirect(page)
    const { author } = feedHead(tools, account, entry.updated)
    send(ctx, finish(writeEntry(entry, author, { root: true }), entry.updated, { 'Content-Type': TYPES.atom, Vary: 'Accept' }))
  })
  return router
}

/** The account of a name. @throws Missing 404, or 410 when it was closed */
export async function findResident(tools: Tools, residents: Residents, name: string): Promise<Account> {
  const account = residents.atHand(name) ?? (await residents.find(name))
  if (account !== undefined) return account
  throw /^[a-z0-9_]{1,30}$/.test(name) ? await missingAccount(tools, name) : new Missing('There is no such account here.')
}

/** A post that anybody may read. @throws Missing 404, or 410 when it was deleted (F15) */
export async function publicPost(tools: Tools, account: Account, id: string): Promise<Shown> {
  const post = isId(id) ? await tools.timelines.one(id) : undefined
  if (post === undefined || post.authorId !== account.id) throw new Missing('There is no such post.')
  if (post.deletedAt !== undefined) throw new Missing('This post was deleted.', { status: 410, code: 'gone' })
  const isLetIn = (await passModeration(tools, EVERYBODY, [post])).length > 0
  if (!isLetIn || (post.visibility !== 'public' && post.visibility !== 'unlisted')) throw new Missing('There is no such post.')
  return post
}

/** One page, older ones by keyset: `before` is exclusive, and every page bears the feed's own id (F4). */
async function writePage(tools: Tools, account: Account, format: Format, before: string): Promise<Written> {
  const { timelines } = tools
  const found = await timelines.feed(account.id, before === '' ? undefined : before, PAGE_SIZE + 1)
  const page = found.slice(0, PAGE_SIZE)
  const posts = await passModeration(tools, EVERYBODY, page)
  const updated = posts.reduce(
    (latest, post) => (post.updatedAt > latest ? post.updatedAt : latest),
    posts[0]?.updatedAt ?? account.createdAt
  )
  const topic = addressOf(tools, account, format)
  const last = page.at(-1)
  const older = found.length > PAGE_SIZE && last !== undefined ? { next: `${topic}?before=${last.id}` } : {}
  const head: FeedHead = { ...feedHead(tools, account, updated), topic, ...older, ...(before === '' ? {} : { first: topic }) }
  const text = writeAs(format, head, posts)
  // a delete and a new profile change the document too, though not its atom:updated
  const changed = [updated, account.updatedAt, (await timelines.lastDelete(account.id)) ?? updated].map(Number)
  const links = format === 'atom' ? { Link: hubLinks(hubsOf(tools), topic) } : {}
  return finish(text, new Date(Math.max(...changed)), { 'Content-Type': TYPES[format], Vary: 'Sec-Fetch-Dest', ...links })
}

function addressOf({ addresses }: Tools, { localName }: Account, format: Format): string {
  return { atom: addresses.feed, rss: addresses.rss, json: addresses.jsonFeed }[format](localName)
}

function writeAs(format: Format, head: FeedHead, posts: Shown[]): string {
  const entries = posts.flatMap(post => entryOut(post) ?? [])
  if (format === 'atom') return writeFeed(head, entries)
  // our hub serves the Atom topic alone
  return format === 'rss' ? writeRss({ ...head, hubs: [] }, entries) : writeJsonFeed({ ...head, hubs: [] }, entries)
}

function writeOne(tools: Tools, account: Account, post: Shown): Written {
  const { author } = feedHead(tools, account, post.updatedAt)
  const entry = entryOut(post)
  if (entry === undefined) throw new Missing('What was shared is no longer there.', { status: 410, code: 'gone' })
  return finish(writeEntry(entry, author, { root: true }), post.updatedAt, { 'Content-Type': TYPES.atom })
}

const finish = (text: string, updated: Date, headers: Record<string, string>): Written =>
  written(text, { ...headers, 'Cache-Control': 'public, max-age=60', 'X-Content-Type-Options': 'nosniff' }, updated)
