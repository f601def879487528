/** The owner names a page of the blog: it is published now, and not when feed or visitor bring it. */
import type { Toot } from '../model/blog.ts'
import { type Failure, isFailure } from '../model/errors.ts'
import type { KeptPost } from '../model/kept.ts'
import { cleanAddress } from '../protocol/blog-address.ts'
import type { Tools } from '../tools.ts'
import { findHandled, readBlogNow } from './blog.ts'
import { findPlaces, isOnHost } from './handled.ts'
import { lookAtPage } from './look-at-page.ts'
import { type Taken, takePage } from './take-entry.ts'

/** `state`: what came of it; `known` was there before, `gone` was deleted. `toot`: how far that is, if there is to be one. */
export type PublishedPage = { url: string; post: KeptPost; state: 'new' | 'edited' | 'known' | 'gone'; toot?: Toot }

/**
 * Publishes a page of a blog of ours: its feed is read first, since that tells more, then the page itself.
 * @throws as findHandled and lookAtPage
 */
export async function publishPage(tools: Tools, raw: string): Promise<PublishedPage> {
  const since = tools.clock()
  const url = cleanAddress(raw)?.url ?? raw
  for (const place of await findPlaces(tools)) {
    if (place.blog === undefined || !isOnHost(place, url)) continue
    await readBlogNow(tools, place.account.id).catch((error: unknown) => {
      if (!isFailure(error)) throw error
      tools.log.info({ blog: place.url, why: error.message }, 'blog: the feed could not be read')
    })
  }
  const handled = await findHandled(tools, raw)
  const seen = await lookAtPage(tools, handled, { fresh: true })
  const taken = await takePage(tools, handled.account, seen)
  const toot = await tools.toots.find(taken.entry.key)
  return { url: taken.entry.url, post: taken.post, state: stateOf(taken, since), ...(toot ? { toot } : {}) }
}

/** What the feed brought a moment ago is new as well. */
const stateOf = ({ entry, outcome }: Taken, since: Date): PublishedPage['state'] => {
  if (outcome !== 'same') return outcome
  return entry.seenAt >= since ? 'new' : 'known'
}

/** How it is told outside: by `POST /publish` and the command. */
export const publishedOut = ({ post, state, toot, url }: PublishedPage): object => ({
  ...{ url, post: post.uri, state },
  ...(toot === undefined ? {} : { toot: { state: toot.state, toot_id: toot.tootId ?? null, toot_url: toot.tootUrl ?? null } })
})

export type ReadBlog = { account: string; blog: string; error?: Failure }

/** Reads the feeds of all blogs now, or of one account's. One that fails does not hold up the others. */
export async function readBlogs(tools: Tools, accountId?: string): Promise<ReadBlog[]> {
  const read: ReadBlog[] = []
  for (const { account, blog } of await findPlaces(tools)) {
    if (blog === undefined || (accountId !== undefined && account.id !== accountId)) continue
    try {
      await readBlogNow(tools, account.id)
      read.push({ account: account.localName, blog: blog.url })
    } catch (error) {
      if (!isFailure(error)) throw error
      read.push({ account: account.localName, blog: blog.url, error })
    }
  }
  return read
}
