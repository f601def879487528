/** The owner names a page of the blog: it is published now, and not when feed or visitor bring it. */
import type { Entry, Toot } from '../model/blog.ts'
import { type Failure, isFailure } from '../model/errors.ts'
import type { Account, KeptPost } from '../model/kept.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import type { Tools } from '../tools.ts'
import { findHandled, readBlogNow } from './blog.ts'
import { findPlaces, isOnHost } from './handled.ts'
import { lookAtPage } from './look-at-page.ts'
import { canToot, nowhereToToot, type Taken, takePage } from './take-entry.ts'
import { tootSignal } from './toot-desk.ts'

/** `state`: what came of it; `known` was there before, `gone` was deleted. `toot`: how far that is, if there is to be one. */
export type PublishedPage = { url: string; post: KeptPost; state: 'new' | 'edited' | 'known' | 'gone'; toot?: Toot }

/**
 * Publishes a page of a blog of ours: its feed is read first, since that tells more, then the page itself.
 * @param wish.toot its toot is wanted even when an import, or its age, has marked the post as old
 * @throws as findHandled and lookAtPage; Refused 409 `mastodon` when a toot is wanted and there is nowhere to toot
 */
export async function publishPage(tools: Tools, raw: string, wish: { toot?: boolean } = {}): Promise<PublishedPage> {
  const since = tools.clock()
  const url = cleanAddress(raw)?.url ?? raw
  const edits = await countEdits(tools, url)
  for (const place of await findPlaces(tools)) {
    if (place.blog === undefined || !isOnHost(place, url)) continue
    await readBlogNow(tools, place.account.id).catch((error: unknown) => {
      if (!isFailure(error)) throw error
      tools.log.info({ blog: place.url, why: error.message }, 'blog: the feed could not be read')
    })
  }
  const handled = await findHandled(tools, raw)
  const seen = await lookAtPage(tools, handled, { fresh: true, asker: { kind: 'owner' } })
  const taken = await takePage(tools, handled.account, seen)
  if (wish.toot === true && taken.outcome !== 'gone') await wantToot(tools, handled.account, taken.entry)
  const toot = await tools.toots.find(taken.entry.key)
  return { url: taken.entry.url, post: taken.post, state: stateOf(taken, since, edits), ...(toot ? { toot } : {}) }
}

/** How often the post of a page was edited so far, if there is one. */
async function countEdits({ blogs, history }: Tools, url: string): Promise<number | undefined> {
  const page = URL.canParse(url) ? await blogs.findPage([pageKey(url)]) : undefined
  const entry = page && (await blogs.findEntry(page.key))
  return (entry && (await history.find(entry.postId)))?.edits
}

/** What the feed brought a moment ago is new as well, or edited. */
function stateOf({ entry, outcome, post }: Taken, since: Date, edits: number | undefined): PublishedPage['state'] {
  if (outcome !== 'same') return outcome
  if (entry.seenAt >= since) return 'new'
  return edits !== undefined && post.edits > edits ? 'edited' : 'known'
}

async function wantToot(tools: Tools, account: Account, { accountId, key, url }: Entry): Promise<void> {
  if (!(await canToot(tools, tools, account, tools.clock()))) throw nowhereToToot()
  await tools.transaction(async ({ changes, toots }) => {
    if (await toots.wantNow({ key, url, accountId }, tools.clock())) await changes.tell(tootSignal(key))
  })
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
