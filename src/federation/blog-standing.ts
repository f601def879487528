/** How a blog stands: what was found of it, when it is looked at, what became of its posts (W14). */
import type { Blog, Toot } from '../model/blog.ts'
import { isFailure } from '../model/errors.ts'
import type { Account, Subscription } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { findBlog } from './blog.ts'
import { findPlaces } from './handled.ts'

/** `feed`: the subscription to the blog's feed; `edits`: toots whose edit waits. */
export type BlogStanding = {
  account: Account
  url?: string
  blog?: Blog
  feed?: Subscription
  entries: number
  toots: Partial<Record<Toot['state'], number>>
  edits: number
}

/** Of all accounts with a blog or a pattern of posts, or of one. */
export async function findBlogStandings(tools: Tools, accountId?: string): Promise<BlogStanding[]> {
  const { blogs, subscriptions, toots } = tools
  const places = (await findPlaces(tools)).filter(({ account }) => accountId === undefined || account.id === accountId)
  return Promise.all(
    places.map(async ({ account, blog, url }) => {
      const feed = (await subscriptions.byActor(account.id)).find(one => one.url === blog?.feedUrl)
      return {
        ...{ account, ...(url && { url }), ...(blog && { blog }), ...(feed && { feed }), entries: await blogs.countEntries(account.id) },
        ...{ toots: await toots.counts(account.id), edits: await toots.countEdits(account.id) }
      }
    })
  )
}

/** Looks for title, feed and sitemap of a blog that was just given; what is wrong stands in `error`. The job does it again if need be. */
export async function tryBlog(tools: Tools, account: Account): Promise<Blog | undefined> {
  try {
    return await findBlog(tools, account.id)
  } catch (error) {
    if (!isFailure(error)) throw error
    const blog = await tools.blogs.find(account.id)
    return blog && { ...blog, error: error.message }
  }
}
