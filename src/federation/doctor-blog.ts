/** The blogs of our accounts and the Mastodon servers to which they toot. */
import type { Check } from '../model/check.ts'
import { isFailure, Unreachable } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import { readAccount } from '../protocol/mastodon.ts'
import type { Tools } from '../tools.ts'
import { failure, ok, skipped, warning } from './checking.ts'
import { findPlaces, isOnHost, looksLikePost, type Place } from './handled.ts'
import { describeLook, look } from './look.ts'
import { findConnection } from './mastodon.ts'
import { askServer } from './mastodon-api.ts'
import { walkSitemaps } from './read-sitemap.ts'

const DAY = 86_400_000
const MOST_BLOGS = 5
const MOST_SITEMAPS = 3

/** Of each blog: does it answer, is its feed read, does the pattern take anything. */
export async function checkBlogs(tools: Tools): Promise<Check[]> {
  const places = (await findPlaces(tools)).filter(({ url }) => url !== undefined).slice(0, MOST_BLOGS)
  if (places.length === 0) return [skipped('blog', 'No account has a blog.')]
  const found = await Promise.all(
    places.map(place => Promise.all([checkBlog(tools, place.url!), checkFeed(tools, place), checkPattern(tools, place)]))
  )
  return found.flat(2)
}

async function checkBlog(tools: Tools, url: string): Promise<Check> {
  const looked = await look(tools, url, 'text/html, */*;q=0.1')
  if (looked.answer?.status === 200) return ok('blog', `The blog ${url} answers.`)
  const cure = 'Open that address in a browser. As long as it fails, nothing new is found there; nothing that is known is lost.'
  return failure('blog', `The blog ${url} does not answer as it should: ${describeLook(looked)}.`, cure, looked.seen)
}

async function checkFeed({ clock, subscriptions }: Tools, { account, blog, url }: Place): Promise<Check> {
  if (blog?.feedUrl === undefined) return failure('feed', `No feed of the blog ${url} is known. ${blog?.error ?? ''}`.trim(), NAME_FEED)
  const read = (await subscriptions.byActor(account.id)).find(one => one.url === blog.feedUrl)
  if (read?.error !== undefined) return failure('feed', `The feed ${blog.feedUrl} could not be read: ${read.error}`, MEND_FEED)
  const age = read?.polledAt === undefined ? Number.POSITIVE_INFINITY : clock().getTime() - read.polledAt.getTime()
  if (read?.state === 'gone' || age > 2 * DAY) return failure('feed', `The feed ${blog.feedUrl} has not been read for two days.`, READ_FEED)
  return ok('feed', `The feed ${blog.feedUrl} is read.`)
}

const NAME_FEED = 'Name it by BLOG_FEED, or by <link rel="alternate" type="application/rss+xml"> in the pages of the blog.'
const MEND_FEED = 'Open the feed in a browser: a feed validator tells what is wrong with it. It is tried again by itself.'
const READ_FEED = 'See that `tidings start` or `tidings worker` runs; `tidings publish` reads the feed now.'

/** Without a pattern feed and sitemap tell what is a post. */
async function checkPattern(tools: Tools, place: Place): Promise<Check[]> {
  const sitemap = place.blog?.sitemapUrl
  if (place.pattern === undefined) return []
  if (sitemap === undefined) return [skipped('pattern', 'BLOG_POST_PATTERN was not tried, as the blog has no sitemap.')]
  try {
    let all = 0
    let taken = 0
    let example = ''
    for await (const { pages } of walkSitemaps(tools, sitemap, MOST_SITEMAPS))
      for (const { url } of pages.filter(page => isOnHost(place, page.url))) {
        all++
        if (looksLikePost(place, url) === true) taken++
        else example = url
      }
    if (all === 0) return [skipped('pattern', 'BLOG_POST_PATTERN was not tried, as the sitemap of the blog names no pages of it.')]
    if (taken > 0) return [ok('pattern', `BLOG_POST_PATTERN takes ${taken} of the ${all} addresses in the sitemap.`)]
    const sentence = `BLOG_POST_PATTERN takes none of the ${all} addresses in the sitemap, ${example} for one.`
    return [
      failure(
        'pattern',
        sentence,
        'Hold it against the address of a post, letter by letter; without it feed and sitemap tell what is a post.'
      )
    ]
  } catch (error) {
    if (!isFailure(error)) throw error
    return [skipped('pattern', `BLOG_POST_PATTERN was not tried, as the sitemap cannot be read: ${error.message}`)]
  }
}

/** Of each account that toots: is its token taken, and may it write. */
export async function checkMastodon(tools: Tools): Promise<Check[]> {
  const accounts = await tools.actors.accounts()
  const found = (await Promise.all(accounts.slice(0, MOST_BLOGS).map(account => checkToken(tools, account)))).flat()
  return found.length > 0 ? found : [skipped('mastodon', 'No account toots: no Mastodon server is connected.')]
}

async function checkToken(tools: Tools, { id, localName }: Account): Promise<Check[]> {
  const connection = await findConnection(tools, id)
  if (connection === undefined) return []
  const { host } = new URL(connection.host)
  const again = `Connect ${localName} again, on the page Mastodon of the settings or by \`tidings mastodon connect ${host}\`. What waits is tooted then.`
  if (connection.scope !== undefined && !/(^|\s)write(:statuses)?(\s|$)/.test(connection.scope))
    return [failure('mastodon', `${host} lets ${localName} do this only: ${connection.scope}; toots need write:statuses.`, again)]
  try {
    await askServer(tools, connection, '/api/v1/accounts/verify_credentials', json => readAccount(json, connection.host), {
      timeout: 10_000
    })
    return [ok('mastodon', `${host} takes the token of ${localName}.`)]
  } catch (error) {
    if (!isFailure(error)) throw error
    const peer = error instanceof Unreachable ? error.peer : undefined
    if (peer === 401) return [failure('mastodon', `${host} does not take the token of ${localName} any more.`, again)]
    // a token that may write and not read is as good
    if (!(error instanceof Unreachable) && / with 403/.test(error.message))
      return [ok('mastodon', `${host} takes the token of ${localName}.`)]
    return [warning('mastodon', error.message, 'Wait: toots that wait for the server are made when it answers again.')]
  }
}
