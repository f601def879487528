/** A blog on loopback whose pages a test writes, the owner's Mastodon server, and a node of ours between them. */
import type { ServerResponse } from 'node:http'
import type { Toot } from '../../src/model/blog.ts'
import type { Log } from '../../src/model/log.ts'
import { silence } from './database.ts'
import { type Mastodon, startMastodon } from './doubles/mastodon-api.ts'
import { type Loopback, serve } from './loopback.ts'
import { startNode, type TestNode } from './node.ts'

/** Properties are those of `<meta>` tags; `head` goes into the head as it is. */
export type PageFacts = { meta?: Record<string, string>; title?: string; head?: string; lang?: string }
export type PageWriter = Loopback & {
  /** Writes the page of a path such as `/1/one`; its address is answered. A function answers by itself. */
  put(path: string, page?: PageFacts | ((response: ServerResponse) => void)): string
  /** How often a path was asked for. */
  asked(path: string): number
}

/** Pages of a blog, none at first. */
export async function startPages(): Promise<PageWriter> {
  const pages = new Map<string, PageFacts | ((response: ServerResponse) => void)>()
  const counts = new Map<string, number>()
  const server = await serve((request, response) => {
    const path = (request.url ?? '/').replace(/\?.*/, '')
    counts.set(path, (counts.get(path) ?? 0) + 1)
    const page = pages.get(path)
    if (page === undefined) return void response.writeHead(404).end()
    if (typeof page === 'function') return page(response)
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(writePage(page))
  })
  const put: PageWriter['put'] = (path, page = {}) => {
    pages.set(path, page)
    return server.origin + path
  }
  return { ...server, put, asked: path => counts.get(path) ?? 0 }
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`)

const writePage = ({ head = '', lang = 'en', meta = {}, title = 'A post' }: PageFacts): string =>
  `<!doctype html><html lang="${lang}"><head><title>${escaped(title)}</title>${Object.entries(meta)
    .map(([name, content]) => `<meta property="${name}" content="${escaped(content)}">`)
    .join('')}${head}</head><body></body></html>`

/** The settings of a node for such a blog: posts are what lies below a number, `/1/one`. */
export const tootSettings = (blog: Loopback, mastodon: { origin: string }, token: string): Record<string, string> => ({
  ACCOUNT: 'blog',
  BLOG_URL: `${blog.origin}/`,
  BLOG_POST_PATTERN: `^${blog.origin.replaceAll('.', '\\.')}/\\d+/[^/]+`,
  MASTODON_HOST: mastodon.origin,
  MASTODON_USER: 'owner',
  MASTODON_OAUTH_TOKEN: token,
  TOOT_BUDGET: '1000',
  TRUST_PROXY: '1'
})

export type Answered = { status: number; headers: Headers; json: Record<string, unknown> }

export type Tooting = {
  blog: PageWriter
  mastodon: Mastodon
  node: TestNode
  /** Of the environment. */
  settings: Record<string, string>
  /** Lines of the log: level and message, with the fields. */
  lines: { level: string; message: string; fields: Record<string, unknown> }[]
  /** GET /api/toot for an address; `headers` of the request. */
  ask(url: string, headers?: Record<string, string>): Promise<Answered>
  find(url: string): Promise<Toot | undefined>
  /** Puts the clock of the node forward. */
  pass(ms: number): void
  close(): Promise<void>
}

/** @param env settings over the usual ones @param work whether the queue is worked */
export async function startTooting(env: Record<string, string> = {}, { work = false } = {}): Promise<Tooting> {
  const [blog, mastodon] = await Promise.all([startPages(), startMastodon()])
  const lines: Tooting['lines'] = []
  const line = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields: { ...fields } })
  const log: Log = { ...silence, debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error'), child: () => log }
  let ahead = 0
  const clock = () => new Date(Date.now() + ahead)
  const settings = { ...tootSettings(blog, mastodon, mastodon.grant()), ...env }
  const node = await startNode({ accounts: ['blog'], env: settings, work, log, overrides: { clock } })
  const close = async () => {
    await node.close()
    await Promise.all([blog.close(), mastodon.close()])
  }
  return {
    ...{ blog, mastodon, node, settings, lines, close },
    ask: (url, headers = {}) => askToot(node.url, url, { headers }),
    find: url => node.tools.toots.find(url.replace(/^https?:\/\//, '')),
    pass: ms => {
      ahead += ms
    }
  }
}

let visitors = 0

/** GET /api/toot of a node, each time from another network unless the request says from where. */
export async function askToot(node: string, url: string, request: RequestInit = {}): Promise<Answered> {
  const address = `10.${[16, 8, 0].map(bits => (visitors >> bits) & 255).join('.')}`
  visitors++
  const headers = { 'x-forwarded-for': address, ...(request.headers as Record<string, string>) }
  const answer = await fetch(`${node}/api/toot?${new URLSearchParams({ url })}`, { ...request, headers })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, json: text === '' ? {} : JSON.parse(text) }
}
