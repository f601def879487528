/** What the kit of a blog is made of: the account, its blog, and the domain that its handle is to have. */
import { Missing } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import { isKitHost, KIT_HOSTS, type Kit, type KitFacts, type KitHost, makeKit } from '../protocol/kit.ts'
import type { Tools } from '../tools.ts'
import { describeAccount } from './describe.ts'
import { findPlace } from './handled.ts'

export { isKitHost, KIT_HOSTS, type Kit, type KitHost, makeKit }

/**
 * `isSet`: the node's handles have that domain already, else HANDLE_HOST must name it; `isOwn`: that domain is the node's own, and
 * nothing need be forwarded.
 */
export type BlogKit = KitFacts & { account: Account; domain: string; isSet: boolean; isOwn: boolean }

/**
 * The domain is HANDLE_HOST, else the blog's host.
 * @param invitation what those see on the blog who run no script @throws Missing when the account has no blog
 */
export async function findBlogKit(tools: Tools, account: Account, invitation: string): Promise<BlogKit> {
  const { actors, addresses, config } = tools
  const place = await findPlace(tools, account.id)
  if (place?.url === undefined)
    throw new Missing(`The account ${account.localName} has no blog: set BLOG_URL, or give it one by \`tidings account blog NAME URL\`.`)
  const { blog, url } = place
  const own = new URL(config.publicUrl).host
  const domain = config.handleHost === own ? new URL(url).host : config.handleHost
  const handle = `${account.localName}@${domain}`.toLowerCase()
  const alone = (await actors.accounts()).length === 1
  return {
    ...{ account, domain, handle, isSet: config.handleHost === domain, isOwn: domain === own },
    ...{ origin: addresses.origin, uri: account.uri, hub: addresses.hub(), nodeFeed: addresses.feed(account.localName) },
    ...{ blog: url, title: blog?.title ?? account.displayName ?? account.localName, invitation },
    ...(blog?.feedUrl === undefined ? {} : { feed: blog.feedUrl }),
    ...(alone ? { descriptor: describeAccount(tools, { ...account, acct: handle }) } : {})
  }
}
