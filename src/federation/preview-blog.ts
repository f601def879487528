/** What would become of a blog here, before anything of it is kept: what is found from its address, and which pages would be posts. */
import { BadMessage, Unreachable } from '../model/errors.ts'
import { cleanAddress } from '../protocol/blog-address.ts'
import type { FeedLink } from '../protocol/page.ts'
import type { Tools } from '../tools.ts'
import { readEntries } from './blog-entries.ts'
import { cleanTitle, type Explored, exploreBlog } from './explore-blog.ts'
import { isOnHost, looksLikePost, type Where } from './handled.ts'
import { type NameProposal, proposeName } from './propose-name.ts'

/** Milliseconds in all: whoever waits for it sits before a browser, and some hosts cut answers off after 30 seconds. */
const PATIENCE = 25_000
const MOST_SHOWN = 8

/** `tooted`: it is a post also by the pattern; without one whatever the feed names is. */
export type PreviewEntry = { url: string; title?: string; published?: Date; tooted: boolean }

/**
 * `url`: the blog's address, after its redirects if they lead to another host. `feed`: the one that was read, with its newest entries;
 * `elsewhere` counts those that lie on other hosts; `named`: the owner said so, here or earlier. `sitemap.posts`: those of its pages
 * that the pattern takes, undefined without one; `passed`: the first that it does not take.
 */
export type Preview = {
  url: string
  /** Where an address leads that is set by the environment, when that is another host. */
  ledTo?: string
  name: NameProposal
  title?: string
  icon?: string
  language?: string
  feeds: FeedLink[]
  /** Why none of the feeds could be read that the blog names. */
  unread?: string
  feed?: { url: string; named: boolean; count: number; tooted: number; elsewhere: number; entries: PreviewEntry[] }
  sitemap?: { url: string; pages: number; posts?: number; sitemaps: number; passed: string[] }
  pattern?: string
}

/**
 * Looks at a blog as it would be read. Nothing is kept.
 * @param raw its address, perhaps without a scheme
 * @param namedFeed the feed that the owner names: no other is looked for
 * @throws BadMessage for what is no address; Missing, Refused, Unreachable as the blog or the feed that was named cannot be read
 */
export async function previewBlog(tools: Tools, raw: string, namedFeed?: string): Promise<Preview> {
  const { blogs, config } = tools
  const asked = readAddress(
    /^[a-z][a-z\d+.-]*:\/\//i.test(raw.trim()) ? raw : `https://${raw.trim()}`,
    'A blog has a web address: https://blog.example/'
  )
  const known = (await blogs.all()).find(blog => blog.url === asked)
  const wished = namedFeed === undefined ? undefined : readAddress(namedFeed, 'A feed has a web address: https://blog.example/feed.xml')
  const isGiven = asked === config.blogUrl
  const feed = (isGiven ? config.blogFeed : undefined) ?? wished ?? known?.fixedFeed
  const found = await inTime(exploreBlog(tools, asked, feed))
  const isMoved = new URL(found.home).origin !== new URL(asked).origin
  const url = isMoved && !isGiven ? found.home : asked
  const name = await proposeName(tools, url)
  const pattern = name.isMain ? config.blogPostPattern : undefined
  const where: Where = { url, ...(pattern ? { pattern } : {}) }
  const { icon, language, title } = found
  return {
    ...{ url, name, feeds: found.feeds, ...(isMoved && isGiven ? { ledTo: found.home } : {}) },
    ...{ ...(title ? { title } : {}), ...(icon ? { icon } : {}), ...(language ? { language } : {}) },
    ...(found.feed ? { feed: { ...previewFeed(found.feed, where), named: feed !== undefined } } : whyNone(found)),
    ...(found.sitemap ? { sitemap: previewSitemap(found.sitemap, where) } : {}),
    ...(pattern ? { pattern: pattern.source } : {})
  }
}

/** @throws BadMessage with the sentence for what is no address of the web */
function readAddress(raw: string, sentence: string): string {
  const url = cleanAddress(raw)?.url
  if (url === undefined) throw new BadMessage(sentence, { code: 'no_url' })
  return url
}

function whyNone({ feeds, trace }: Explored): Pick<Preview, 'unread'> {
  const failed = feeds.length > 0 ? trace.find(step => step.failed !== undefined)?.failed : undefined
  return failed === undefined ? {} : { unread: failed }
}

function previewFeed({ feed, located }: NonNullable<Explored['feed']>, where: Where): Omit<NonNullable<Preview['feed']>, 'named'> {
  const newestFirst = readEntries(feed, where)
  const entries = newestFirst.map(({ published, title, url }) => ({
    ...{ url, tooted: looksLikePost(where, url) !== false },
    ...(title ? { title: cleanTitle(title) } : {}),
    ...(published ? { published } : {})
  }))
  const named = feed.activities.filter(({ object }) => object.type === 'post').length
  const tooted = entries.filter(entry => entry.tooted).length
  const counts = { count: entries.length, tooted, elsewhere: Math.max(0, named - entries.length) }
  return { url: located.url, ...counts, entries: entries.slice(0, MOST_SHOWN) }
}

function previewSitemap({ pages, sitemaps, url }: NonNullable<Explored['sitemap']>, where: Where): NonNullable<Preview['sitemap']> {
  const isPost = (page: string) => isOnHost(where, page) && looksLikePost(where, page) === true
  const passed = where.pattern === undefined ? [] : pages.map(page => page.url).filter(page => !isPost(page))
  return {
    ...{ url, pages: pages.length, sitemaps: sitemaps.length, passed: passed.slice(0, MOST_SHOWN) },
    ...(where.pattern === undefined ? {} : { posts: pages.length - passed.length })
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unreachable('The blog took too long to answer.')), PATIENCE)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
