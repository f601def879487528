/** A node with a blog at blog.example: written pages, feed and sitemap, a clock that stands still, the queue worked by hand. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { findBlog, setBlog } from '../../src/federation/blog.ts'
import { checkPage } from '../../src/federation/check-page.ts'
import { pollFeed, readPushes } from '../../src/federation/read-feed.ts'
import { askHub, confirm, takeContent } from '../../src/federation/subscribe.ts'
import { isFailure } from '../../src/model/errors.ts'
import type { KeptPost } from '../../src/model/kept.ts'
import { signBody } from '../../src/protocol/hub.ts'
import { escapeXml } from '../../src/protocol/xml.ts'
import { jobsSchema } from '../../src/store/migrations.ts'
import type { JobName, Jobs, Tools } from '../../src/tools.ts'
import { makeInternet, type Page } from './internet.ts'
import { startNode } from './node.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const BLOG = 'https://blog.example/'

export type Item = {
  path: string
  title?: string
  html?: string
  guid?: string
  date?: Date
  updated?: Date
  tags?: string[]
  /** Another address in the feed than the page's own. */
  link?: string
  more?: string
}

export type BlogNode = Awaited<ReturnType<typeof startBlog>>

/** @param env over the settings of a node whose account `blog` has no blog yet */
export async function startBlog(env: Record<string, string> = {}) {
  const time = { now: Date.parse('2026-01-10T12:00:00Z') }
  const net = makeInternet()
  const overrides = { clock: () => new Date(time.now), http: net.http, random: () => 0.5 }
  const node = await startNode({ env: { PUBLIC_URL: 'https://node.example', ...env }, accounts: ['blog'], work: false, overrides })
  const { tools } = node
  const account = await findAccount(tools, 'blog')
  const { knex } = node.database.database
  const site = makeSite(net)
  return {
    ...{ node, tools, net, account, knex, time, close: () => node.close() },
    ...site,
    date: (ms = 0) => new Date(time.now + ms),
    pass(ms: number): void {
      time.now += ms
    },
    /** The account gets the blog, and what is there already is read. */
    async open(items: Item[] = []): Promise<void> {
      site.write(items)
      await setBlog(tools, account, BLOG)
      await workQueue(tools)
    },
    work: () => workQueue(tools),
    find: () => findBlog(tools, account.id),
    async poll(): Promise<void> {
      for (const { id } of await tools.subscriptions.byActor(account.id)) await pollFeed(tools, id)
    },
    /** The hub of the blog's feed pushes, signed. */
    async push(document: string): Promise<void> {
      const [{ id, secret, token } = assert.fail('no subscription')] = await tools.subscriptions.byActor(account.id)
      const body = Buffer.from(document)
      await takeContent(tools, token, body, { contentType: 'application/rss+xml', signature: signBody('sha256', secret, body) })
      await readPushes(tools, id)
    },
    /** The hub asks whether it was us, and pushes from then on. */
    async verify(): Promise<void> {
      const [{ token, topic } = assert.fail('no subscription')] = await tools.subscriptions.byActor(account.id)
      const query = { 'hub.mode': 'subscribe', 'hub.topic': topic, 'hub.challenge': 'c', 'hub.lease_seconds': '604800' }
      await confirm(tools, token, new URLSearchParams(query))
    },
    /** The account's posts, newest first. */
    posts: (): Promise<KeptPost[]> => tools.timelines.all({ limit: 1000 }, account.id),
    /** What everybody is to be told, in the order in which it was decided. */
    async told(): Promise<string[]> {
      const jobs = await knex(`${jobsSchema}.job`).where({ name: 'post.announce' }).orderBy('created_on').select('data')
      return jobs.map(({ data }) => data.act)
    },
    count: async (table: string): Promise<number> => Number((await knex(table).count({ n: '*' }).first())?.n),
    async clear(): Promise<void> {
      for (const table of ['toots', 'entries', 'pages', 'blogs', 'subscriptions', 'posts', 'tombstones', `${jobsSchema}.job`])
        await knex(table).delete()
    }
  }
}

function makeSite(net: ReturnType<typeof makeInternet>) {
  const url = (path: string) => new URL(path, BLOG).href
  const site = {
    url,
    /** A page with what is given in its head. */
    page(path: string, head = '', page: Page = {}): void {
      net.set(url(path), { headers: { 'content-type': 'text/html' }, body: `<html lang="en"><head>${head}</head><body>x`, ...page })
    },
    rss: (items: Item[], head = '') =>
      `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>The blog</title><link>${BLOG}</link>${head}` +
      `${items.map(item => rssItem(item, url)).join('')}</channel></rss>`,
    feed(items: Item[], head = '', page: Page = {}): void {
      net.set(url('feed.xml'), { headers: { 'content-type': 'application/rss+xml' }, body: site.rss(items, head), ...page })
    },
    sitemap(paths: string[], dates: Record<string, string> = {}): void {
      const one = (path: string) => `<url><loc>${url(path)}</loc>${dates[path] ? `<lastmod>${dates[path]}</lastmod>` : ''}</url>`
      net.set(url('sitemap.xml'), {
        body: `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${paths.map(one).join('')}</urlset>`
      })
    },
    /** Everything that a generator writes: home, feed, sitemap, a page for each item. */
    write(items: Item[], head = ''): void {
      site.page(
        '',
        '<title>The blog</title><link rel="alternate" type="application/rss+xml" href="/feed.xml"><link rel="icon" href="/i.png">'
      )
      site.feed(items, head)
      site.sitemap(items.map(({ path }) => path))
      for (const item of items) site.page(item.path, headOf(item, url))
    }
  }
  return site
}

/** What the head of a post's page says. */
function headOf({ date, path, title = path }: Item, url: (path: string) => string): string {
  const published = date ? `<meta property="article:published_time" content="${date.toISOString()}">` : ''
  return `<title>${title}</title><link rel="canonical" href="${url(path)}"><meta property="og:description" content="about ${path}">${published}`
}

function rssItem(
  { date, guid, html, link, more = '', path, tags = [], title = path, updated }: Item,
  url: (path: string) => string
): string {
  return (
    `<item><title>${title}</title><link>${url(link ?? path)}</link><guid isPermaLink="false">${guid ?? `guid of ${path}`}</guid>` +
    `<description>${escapeXml(html ?? `<p>text of ${path}</p>`)}</description>${date ? `<pubDate>${date.toUTCString()}</pubDate>` : ''}` +
    `${updated ? `<atom:updated>${updated.toISOString()}</atom:updated>` : ''}` +
    `${tags.map(tag => `<category>${tag}</category>`).join('')}${more}</item>`
  )
}

type Verbs = { [Name in JobName]?: (tools: Tools, data: Jobs[Name]) => Promise<unknown> }
const VERBS: Verbs = {
  'blog.find': (tools, { account }) => findBlog(tools, account),
  'entry.check': (tools, { entry }) => checkPage(tools, entry),
  'feed.poll': (tools, { subscription }) => pollFeed(tools, subscription),
  'feed.push': (tools, { subscription }) => readPushes(tools, subscription),
  'subscription.ask': (tools, { subscription }) => askHub(tools, subscription)
}

/** Does what the queue holds, but for telling others. What the blog does wrong is dropped, a defect of ours is thrown. */
async function workQueue(tools: Tools): Promise<void> {
  for (const name of Object.keys(VERBS) as JobName[]) {
    for (const job of await tools.queue.take(name, 100)) {
      await VERBS[name]?.(tools, job.data as never).catch(error => {
        if (!isFailure(error)) throw error
      })
      await tools.queue.done(name, [job])
    }
  }
}
