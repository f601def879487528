/** A blog as its owner makes it who puts a kit into it: pages, a feed and the kit's files in a folder, served as each kind of host does. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { dirname, extname, join } from 'node:path'
import type { Kit, KitHost } from '../../src/federation/kit.ts'
import { temporaryFolder } from './database.ts'
import { type Loopback, listen } from './loopback.ts'

export type KitBlog = Loopback & {
  folder: string
  asked: string[]
  post: string
  fail(path?: string): void
  put(kit?: Kit, more?: string): void
  write(path: string, text: string): void
}

const TYPES: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.xml': 'application/atom+xml' }

/** Answers whether it answered. */
type Rules = (request: IncomingMessage, response: ServerResponse, folder: string) => boolean

/** Netlify sends the query on where the target has none, and heeds `!`; so does Cloudflare, which refuses `!`. */
const redirects =
  (forced: boolean): Rules =>
  (request, response, folder) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://blog')
    for (const line of readLines(join(folder, '_redirects')).filter(line => !line.startsWith('#'))) {
      const [from, to = '', status = '302', ...rest] = line.split(/\s+/)
      if (rest.length > 0 || (!forced && !/^30[12378]$/.test(status)) || !/^(30[12378])!?$/.test(status))
        throw new Error(`no rule that this host takes: ${line}`)
      if (from !== pathname) continue
      response.writeHead(Number.parseInt(status, 10), { location: to.includes('?') ? to : to + search }).end()
      return true
    }
    return false
  }

const RULES: Partial<Record<KitHost, Rules>> = { netlify: redirects(true), cloudflare: redirects(false) }

const readLines = (path: string): string[] => {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

/** `_headers`: a path, and below it, indented, what goes with it. */
function headersOf(folder: string, pathname: string): Record<string, string> {
  const headers: Record<string, string> = {}
  let path = ''
  for (const line of readLines(join(folder, '_headers'))) {
    if (!line.startsWith(' ')) path = line.trim()
    else if (path === pathname) headers[line.slice(0, line.indexOf(':')).trim().toLowerCase()] = line.slice(line.indexOf(':') + 1).trim()
  }
  return headers
}

/** A blog that is empty until `put` writes it; `fail` lets a path answer 500. @param host whose rules are kept; undefined: nothing but files, the query ignored */
export async function startKitBlog(host?: KitHost): Promise<KitBlog> {
  const folder = temporaryFolder()
  const asked: string[] = []
  let failing: string | undefined
  const server = await listen(
    createServer((request, response) => {
      asked.push(request.url ?? '')
      const { pathname } = new URL(request.url ?? '/', 'http://blog')
      if (pathname === failing) return void response.writeHead(500).end('<h1>Out of order</h1>')
      if (host !== undefined && RULES[host]?.(request, response, folder)) return
      const path = join(folder, pathname, pathname.endsWith('/') ? 'index.html' : '')
      if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return void response.writeHead(404).end('<title>Not here</title>')
      const type = TYPES[extname(path)] ?? 'application/octet-stream'
      const own = RULES[host ?? 'plain'] === undefined ? {} : headersOf(folder, pathname)
      response.writeHead(200, { 'content-type': type, ...own }).end(readFileSync(path))
    })
  )
  const blog = writeKitBlog(folder, server.origin)
  const fail = (path?: string) => {
    failing = path
  }
  return { ...server, folder, asked, fail, ...blog }
}

/** Writes pages, feed and the kit into a folder. `put` takes entries of the feed, too. @param origin where it is served */
export function writeKitBlog(folder: string, origin: string): Pick<KitBlog, 'post' | 'put' | 'write'> {
  const post = `${origin}/posts/one/`
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const put = (kit: Kit = { files: [], lines: [] }, more = '') => {
    const line = (id: string) => kit.lines.flatMap(one => (one.id === id ? [one.text] : [])).join('\n')
    const page = (head: string, body: string) =>
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>One</title>${head}</head><body>${body}</body></html>`
    const alternate = line('post').replace('ADDRESS', encodeURIComponent(post))
    write(
      'index.html',
      page(`${line('head') || '<link rel="alternate" type="application/atom+xml" href="/feed.xml">'}${line('front')}`, '')
    )
    write(
      'posts/one/index.html',
      page(`${line('head')}${alternate}<link rel="canonical" href="${post}">`, `<article><p>Here.</p></article>${line('body')}`)
    )
    const at = new Date(Date.now() - 60_000).toISOString()
    const hub = /Atom[^\n]*\n([\s\S]*?)\n<!--/.exec(line('feed'))?.[1] ?? ''
    const entry = `<entry><id>${post}</id><title>One</title><link rel="alternate" href="${post}"/><published>${at}</published><updated>${at}</updated><content>Here.</content></entry>`
    write(
      'feed.xml',
      `<feed xmlns="http://www.w3.org/2005/Atom"><id>${origin}/</id><title>The blog</title><updated>${at}</updated>${hub}${more}${entry}</feed>`
    )
    for (const { path, text } of kit.files) write(path, text)
  }
  return { post, put, write }
}
