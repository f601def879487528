/** A static blog on loopback: a folder of pages with a feed and a sitemap, written by hand or by a generator, and a server of files. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join } from 'node:path'
import type { Kit } from '../../src/federation/kit.ts'
import { temporaryFolder } from './database.ts'
import { type Loopback, listen } from './loopback.ts'

export type BlogPost = { slug: string; title: string; summary: string; html: string; published: Date; updated?: Date; tags?: string[] }
export type StaticBlog = Loopback & { folder: string; address: (slug: string) => string }

const TYPES: Record<string, string> = {
  ...{ '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.xml': 'application/xml', '.svg': 'image/svg+xml' },
  ...{ '.json': 'application/json', '.txt': 'text/plain' }
}

/**
 * Serves a folder as any static host does; `headers` go with every page. It may be filled afterwards.
 * @param trouble a path that answers 500, and one that is not answered before its promise is kept
 */
export async function serveFolder(
  folder: string,
  headers: () => Record<string, string> = () => ({}),
  trouble: Trouble = {}
): Promise<Loopback> {
  return listen(
    createServer(async (request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://blog')
      if (pathname === trouble.held?.path) await trouble.held.until
      if (pathname === trouble.failing) return void response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Out of order</h1>')
      const path = join(folder, decodeURIComponent(pathname).replaceAll('..', ''), pathname.endsWith('/') ? 'index.html' : '')
      try {
        if (statSync(path).isDirectory()) return void response.writeHead(301, { location: `${pathname}/` }).end()
        const type = TYPES[extname(path)] ?? 'application/octet-stream'
        response.writeHead(200, { 'content-type': type, ...(type.startsWith('text/html') ? headers() : {}) }).end(readFileSync(path))
      } catch {
        response.writeHead(404, { 'content-type': 'text/html' }).end('<title>Not found</title>')
      }
    })
  )
}

export type Trouble = { failing?: string; held?: { path: string; until: Promise<unknown> } }

/** What a careful blog allows: itself, and the node whose script it includes. */
export const strictPolicy = (node: string): string =>
  [
    "default-src 'none'",
    `script-src ${node}`,
    `connect-src ${node}`,
    `img-src 'self' ${node}`,
    "style-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types tidings'
  ].join('; ')

/**
 * A blog of ours under a strict policy. `put` writes posts, the feed and the sitemap; `commit` the files of a kit, and its lines into every
 * page from then on. @param node origin whose widget it includes, asked from `begin` on
 */
export async function startStaticBlog(node: () => string): Promise<
  StaticBlog & {
    begin(): void
    put(...posts: BlogPost[]): void
    remove(slug: string): void
    commit(kit: Kit): void
    trouble: Trouble
  }
> {
  const folder = temporaryFolder()
  const trouble: Trouble = {}
  const server = await serveFolder(folder, () => ({ 'content-security-policy': strictPolicy(node()) }), trouble)
  let lines: Kit['lines'] = []
  const line = (id: Kit['lines'][number]['id']) => lines.find(one => one.id === id)?.text ?? ''
  const posts = new Map<string, BlogPost>()
  const address = (slug: string) => `${server.origin}/posts/${slug}/`
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const writeAll = () => {
    const newest = [...posts.values()].sort((a, b) => b.published.getTime() - a.published.getTime())
    for (const post of newest) {
      const more = line('head') + line('post').replace('ADDRESS', encodeURIComponent(address(post.slug)))
      write(`posts/${post.slug}/index.html`, page(server.origin, node(), address(post.slug), post, more))
    }
    write('index.html', home(server.origin, node(), newest, line('head') + line('front')))
    const hub = /Atom[^\n]*\n([\s\S]*?)\n<!--/.exec(line('feed'))?.[1]
    write('feed.xml', feed(server.origin, newest.slice(0, 20), address, hub))
    write('sitemap.xml', sitemap(newest.map(({ slug }) => address(slug))))
    write('style.css', STYLE)
  }
  const put = (...some: BlogPost[]) => {
    for (const post of some) posts.set(post.slug, post)
    writeAll()
  }
  const commit = (kit: Kit) => {
    lines = kit.lines
    for (const { path, text } of kit.files) write(path, text)
    writeAll()
  }
  const remove = (slug: string) => {
    posts.delete(slug)
    rmSync(join(folder, 'posts', slug), { recursive: true })
    writeAll()
  }
  return { ...server, folder, address, put, remove, commit, trouble, begin: writeAll }
}

const STYLE = `
  :root { color-scheme: light dark; --paper: #fffdf8; --ink: #222; --link: #0645ad; }
  @media (prefers-color-scheme: dark) { :root { --paper: #1b1b1d; --ink: #e8e6e3; --link: #9cc4ff; } }
  a { color: var(--link); }
  body { background: var(--paper); color: var(--ink); max-width: 42rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.6 Georgia, serif; }`

const plain = (text: string): string => text.replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`)

const page = (
  origin: string,
  node: string,
  url: string,
  { html, published, summary, tags = [], title }: BlogPost,
  more: string
): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${plain(title)} - A blog</title>
<link rel="canonical" href="${url}">
<link rel="stylesheet" href="/style.css">
<link rel="alternate" type="application/atom+xml" href="/feed.xml" title="A blog">
<meta property="og:title" content="${plain(title)} - A blog">
<meta property="og:description" content="${plain(summary)}">
<meta property="article:published_time" content="${published.toISOString()}">
${tags.map(tag => `<meta property="article:tag" content="${plain(tag)}">`).join('\n')}
<script src="${node}/widget.js" defer></script>
${more}
</head>
<body>
<main>
<article><h1>${plain(title)}</h1>${html}</article>
</main>
<noscript><p><a href="${node}/conversation" referrerpolicy="unsafe-url">Read and reply</a></p></noscript>
<footer><a href="${origin}/">A blog</a></footer>
</body>
</html>`

const home = (origin: string, node: string, posts: BlogPost[], more: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>A blog</title>
<link rel="alternate" type="application/atom+xml" href="/feed.xml" title="A blog">
<script src="${node}/widget.js" defer></script>${more}</head>
<body><h1>A blog</h1><ul>${posts.map(({ slug, title }) => `<li><a href="${origin}/posts/${slug}/">${plain(title)}</a></li>`).join('')}</ul></body>
</html>`

const feed = (
  origin: string,
  posts: BlogPost[],
  address: (slug: string) => string,
  hub?: string
): string => `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<id>${origin}/</id><title>A blog</title><updated>${(posts[0]?.published ?? new Date(0)).toISOString()}</updated>
${hub ?? `<link rel="self" type="application/atom+xml" href="${origin}/feed.xml"/>`}<link rel="alternate" href="${origin}/"/>
<author><name>Ann</name></author>
${posts
  .map(
    ({ html, published, slug, summary, tags = [], title, updated = published }) => `<entry>
<id>${address(slug)}</id><title>${plain(title)}</title><link rel="alternate" type="text/html" href="${address(slug)}"/>
<published>${published.toISOString()}</published><updated>${updated.toISOString()}</updated>
<summary>${plain(summary)}</summary><content type="html">${plain(html)}</content>
${tags.map(tag => `<category term="${plain(tag)}"/>`).join('')}
</entry>`
  )
  .join('\n')}
</feed>`

const sitemap = (urls: string[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${urls.map(url => `<url><loc>${url}</loc></url>`).join('')}</urlset>`

/**
 * A site that Hugo made, with the feed and the sitemap that it makes by itself and the one line in its template.
 * @param hugo the program
 */
export async function startHugoBlog(
  hugo: string,
  node: string
): Promise<StaticBlog & { post(slug: string, title: string, text: string): void }> {
  const source = temporaryFolder()
  const folder = join(source, 'public')
  mkdirSync(folder)
  const server = await serveFolder(folder)
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(source, path)), { recursive: true })
    writeFileSync(join(source, path), text)
  }
  const head =
    '<meta charset="utf-8"><title>{{ .Title }}</title>{{ with .OutputFormats.Get "rss" }}<link rel="alternate" type="application/rss+xml" href="{{ .Permalink }}">{{ end }}'
  const own = `<link rel="canonical" href="{{ .Permalink }}">{{ template "_internal/opengraph.html" . }}<script src="${node}/widget.js" defer></script>`
  const frame = (head: string, body: string) => `<!doctype html><html lang="en"><head>${head}</head><body>${body}</body></html>`
  const list = '{{ range .Site.RegularPages }}<a href="{{ .Permalink }}">{{ .Title }}</a>{{ end }}'
  write('config.toml', `baseURL = "${server.origin}/"\nlanguageCode = "en"\ntitle = "Made by Hugo"\n`)
  write('layouts/_default/single.html', frame(head + own, '<main><article><h1>{{ .Title }}</h1>{{ .Content }}</article></main>'))
  write('layouts/_default/list.html', frame(head, list))
  const build = () =>
    execFileSync(hugo, ['--quiet', '--source', source, '--destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  const post = (slug: string, title: string, text: string) => {
    const date = new Date(Date.now() - 60_000).toISOString()
    const front = `title: "${title}"\ndate: ${date}\ndescription: "${text.slice(0, 60)}"\ntags: ["static"]`
    write(`content/posts/${slug}.md`, `---\n${front}\n---\n\n${text}\n`)
    build()
  }
  build()
  return { ...server, folder, address: slug => `${server.origin}/posts/${slug}/`, post }
}
