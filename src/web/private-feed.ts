/** GET /feeds/following.atom: everybody whom the owner follows, for the owner's own feed reader (interface.md section 2). */
import Router from '@koa/router'
import type { Context } from 'koa'
import { PAGE_SIZE } from '../federation/entries.ts'
import { opensFeed, privateEntry, privateHead, readTimeline } from '../federation/private-feed.ts'
import { Refused } from '../model/errors.ts'
import { writeFeed } from '../protocol/atom-writer.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { send, type Written, written } from './conditional.ts'
import { parametersOf, readCursor, writeCursor } from './paging.ts'
import { languageOf, type Texts, textsOf } from './texts.ts'
import { EVERYBODY, passModeration } from './threads.ts'

const PATH = '/feeds/following.atom'
const HEADERS = {
  'Content-Type': `${TYPE.atom}; charset=utf-8`,
  // nobody but the reader keeps it, and the reader asks each time
  'Cache-Control': 'private, no-cache',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex'
}

/** Of the reader's own address a link to the feed: with a token. */
export const privateFeedUrl = ({ addresses }: Pick<Tools, 'addresses'>, token: string): string =>
  `${addresses.origin}${PATH}?token=${token}`

export function privateFeedRoutes(tools: Tools): Router {
  const router = new Router()
  router.get(PATH, async ctx => {
    ctx.set({ 'Referrer-Policy': 'no-referrer', 'X-Robots-Tag': 'noindex' })
    const inQuery = parametersOf(ctx).get('token')
    const token = inQuery ?? passwordOf(ctx)
    if (token === undefined || !(await opensFeed(tools, token))) throw refused(ctx)
    const before = parametersOf(ctx).get('before') ?? undefined
    send(ctx, await writePage(tools, textsOf(languageOf(ctx)), before, inQuery ?? undefined))
  })
  return router
}

function refused(ctx: Context): Refused {
  ctx.set('WWW-Authenticate', 'Basic realm="tidings", charset="UTF-8"')
  return new Refused('This feed needs the token of its address, or the token as a password.', { status: 401, code: 'token' })
}

/** The password of HTTP Basic (RFC 7617); the name before it is of no interest. */
function passwordOf(ctx: Context): string | undefined {
  const [, told = ''] = /^basic +([\w+/=-]{1,400})$/i.exec(ctx.get('Authorization')) ?? []
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(told, 'base64').toString('utf8')) ?? []
  return password
}

/** @param token stands in the addresses of further pages only for who has shown it there */
async function writePage(tools: Tools, { say }: Texts, before: string | undefined, token: string | undefined): Promise<Written> {
  const { actors, addresses } = tools
  const accounts = await actors.accounts()
  const found = await readTimeline(tools, accounts, {
    limit: PAGE_SIZE + 1,
    ...(before === undefined ? {} : { before: readCursor(before) })
  })
  const page = found.slice(0, PAGE_SIZE)
  const posts = await passModeration(tools, EVERYBODY, page)
  const begun = accounts[0]?.createdAt ?? new Date(0)
  const updated = posts.reduce((latest, { updatedAt }) => (updatedAt > latest ? updatedAt : latest), posts[0]?.updatedAt ?? begun)
  const topic = `${addresses.origin}${PATH}`
  const addressOf = (parameters: Record<string, string>) => {
    const query = new URLSearchParams({ ...(token === undefined ? {} : { token }), ...parameters }).toString()
    return query === '' ? topic : `${topic}?${query}`
  }
  const last = page.at(-1)
  const next = found.length > PAGE_SIZE && last !== undefined ? { next: addressOf({ before: writeCursor(last) }) } : {}
  const head = privateHead(tools, topic, say('following.feedTitle', { host: new URL(addresses.origin).host }), updated)
  const entries = posts.flatMap(post => privateEntry(tools, post) ?? [])
  return written(writeFeed({ ...head, ...next, ...(before === undefined ? {} : { first: addressOf({}) }) }, entries), HEADERS)
}
