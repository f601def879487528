/** What a blog's address leads to: title, icon and language, its feed, its sitemap. Nothing is kept here. */
import type { TraceStep } from '../model/activity.ts'
import { isFailure, Missing, Unreachable } from '../model/errors.ts'
import { readLinks } from '../protocol/link.ts'
import { type FeedLink, feedLinks, type Page, readPage } from '../protocol/page.ts'
import { withoutControls } from '../protocol/plain-text.ts'
import type { Sitemap } from '../protocol/sitemap.ts'
import type { HttpAnswer, Tools } from '../tools.ts'
import { fetchFeed, type Settled, settle } from './follow.ts'
import { fetchSitemap } from './read-sitemap.ts'

const PAGE_BYTES = 2_000_000
const ROBOTS_BYTES = 500_000
/** Where feeds lie that no page names, below the blog's address. */
const USUAL_FEEDS = ['feed', 'feed.xml', 'atom.xml', 'index.xml', 'rss.xml']
const MOST_FEEDS = 5
const MOST_SITEMAPS = 3
const LONGEST_TITLE = 200

/** `home`: where the blog's address led to; `feeds`: those that it names, before those of its comments. */
export type Explored = {
  home: string
  title?: string
  icon?: string
  language?: string
  feeds: FeedLink[]
  feed?: Settled
  sitemap?: Sitemap & { url: string }
  trace: TraceStep[]
}

/**
 * @param url of the blog
 * @param feedUrl BLOG_FEED: no other is looked for
 * @throws Unreachable when the blog does not answer, or its feed; Missing when there is no page, or not the feed that was named
 */
export async function exploreBlog(tools: Tools, url: string, feedUrl?: string): Promise<Explored> {
  const trace: TraceStep[] = []
  const answer = await fetchHome(tools, url)
  const contentType = answer.headers['content-type']
  const page = readPage(answer.body, { url: answer.url, ...(contentType === undefined ? {} : { contentType }) })
  const feeds = namedFeeds(answer, page)
  const feed = feedUrl === undefined ? await findFeed(tools, answer.url, feeds, trace) : await readOne(tools, feedUrl, trace)
  const sitemap = await findSitemap(tools, answer.url)
  const title = cleanTitle(page.meta.find(([name]) => name === 'og:site_name')?.[1] || page.title || '')
  // the larger one first, which is always a PNG
  const icon = ['apple-touch-icon', 'icon'].map(name => page.links.find(({ rel }) => rel.includes(name))?.url).find(Boolean)
  return {
    ...{ home: answer.url, feeds, trace },
    ...(title ? { title } : {}),
    ...(icon ? { icon } : {}),
    ...(page.language ? { language: page.language.slice(0, 35) } : {}),
    ...(feed ? { feed } : {}),
    ...(sitemap ? { sitemap } : {})
  }
}

async function fetchHome({ http }: Tools, url: string): Promise<HttpAnswer> {
  const answer = await http.request(url, { headers: { accept: 'text/html, */*;q=0.1' }, maxBytes: PAGE_BYTES, redirects: 5 })
  if (answer.status === 200) return answer
  const sentence = `The blog ${url} answered ${answer.status}.`
  throw answer.status >= 500 ? new Unreachable(sentence, { peer: answer.status }) : new Missing(sentence)
}

/** What page and headers name, comments last, each once. */
function namedFeeds({ headers, url }: HttpAnswer, page: Page): FeedLink[] {
  const named = [...page.feeds, ...feedLinks(readLinks(headers.link, url))]
  const ofComments = (feed: FeedLink) => /\/comments?\//i.test(new URL(feed.url).pathname)
  const sorted = [...named.filter(feed => !ofComments(feed)), ...named.filter(ofComments)]
  const once = sorted.filter((feed, at) => sorted.findIndex(other => other.url === feed.url) === at)
  return once.map(({ title, ...feed }) => ({ ...feed, ...(title ? { title: cleanTitle(title) } : {}) }))
}

/** A title as it may stand as the name of an account: one line, in which nothing is hidden. */
export const cleanTitle = (text: string): string => [...withoutControls(text).replace(/\s+/g, ' ').trim()].slice(0, LONGEST_TITLE).join('')

/** Of what the blog names, else of what lies at the usual places, the first that is a feed. */
async function findFeed(tools: Tools, home: string, feeds: FeedLink[], trace: TraceStep[]): Promise<Settled | undefined> {
  const base = home.endsWith('/') ? home : `${home}/`
  const candidates = feeds.length > 0 ? feeds.map(({ url }) => url) : USUAL_FEEDS.map(name => new URL(name, base).href)
  for (const candidate of candidates.slice(0, MOST_FEEDS)) {
    try {
      return await readOne(tools, candidate, trace)
    } catch (error) {
      if (!isFailure(error)) throw error
    }
  }
  return undefined
}

const readOne = async (tools: Tools, url: string, trace: TraceStep[]): Promise<Settled> =>
  settle(tools, await fetchFeed(tools, url, trace), url, trace)

/** What robots.txt names, else the usual place; only one that can be read. */
async function findSitemap(tools: Tools, home: string): Promise<Explored['sitemap']> {
  const { host } = new URL(home)
  const named = (await readRobots(tools, home)).filter(url => URL.parse(url)?.host === host)
  const usual = [new URL('sitemap.xml', home.endsWith('/') ? home : `${home}/`).href, new URL('/sitemap.xml', home).href]
  for (const candidate of [...new Set(named.length > 0 ? named : usual)].slice(0, MOST_SITEMAPS)) {
    try {
      return { url: candidate, ...(await fetchSitemap(tools, candidate)) }
    } catch (error) {
      if (!isFailure(error)) throw error
    }
  }
  return undefined
}

async function readRobots({ http }: Tools, home: string): Promise<string[]> {
  try {
    const { body, status } = await http.request(new URL('/robots.txt', home).href, { maxBytes: ROBOTS_BYTES })
    const lines = status === 200 ? body.toString('utf8').split(/\r?\n/) : []
    return lines.flatMap(line => /^\s*sitemap\s*:\s*(\S+)/i.exec(line)?.[1] ?? []).map(url => new URL(url, home).href)
  } catch (error) {
    if (isFailure(error) || error instanceof TypeError) return []
    throw error
  }
}
