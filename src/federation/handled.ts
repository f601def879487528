/** Whose page an address is: the blogs of our accounts, and what is a post of each (interface.md 5, BLOG_POST_PATTERN). */
import type { Blog } from '../model/blog.ts'
import type { Account } from '../model/kept.ts'
import type { Pattern } from '../model/patterns.ts'
import { isHandled, otherScheme, pageKey } from '../protocol/blog-address.ts'
import type { Stores, Tools } from '../tools.ts'

/** A page that belongs to a blog of ours: its clean address, its key, and whose blog it is. */
export type Handled = { account: Account; url: string; key: string }

/** An account with a blog. The pattern of the settings is that of the first account, which may have no other blog than it says. */
export type Place = { account: Account; blog?: Blog; url?: string; pattern?: Pattern }

/** Where a blog lies, and which of its pages are posts. */
export type Where = Pick<Place, 'pattern' | 'url'>

type Needs = Pick<Stores, 'actors' | 'blogs'> & Pick<Tools, 'config'>

/** The account of the settings: BLOG_URL, BLOG_FEED and BLOG_POST_PATTERN are its own. */
export async function findMainAccount({ actors, config }: Pick<Needs, 'actors' | 'config'>): Promise<Account | undefined> {
  return mainOf(await actors.accounts(), config)
}

const mainOf = (accounts: Account[], { account }: Needs['config']): Account | undefined =>
  accounts.find(({ localName }) => localName === account) ?? accounts[0]

/** All accounts with a blog, the account of the settings first. */
export async function findPlaces({ actors, blogs, config }: Needs): Promise<Place[]> {
  const accounts = await actors.accounts()
  const known = new Map((await blogs.all()).map(blog => [blog.accountId, blog]))
  const main = mainOf(accounts, config)
  return accounts
    .sort(one => (one === main ? -1 : 0))
    .flatMap(account => {
      const blog = known.get(account.id)
      const url = blog?.url ?? (account === main ? config.blogUrl : undefined)
      const pattern = account === main ? config.blogPostPattern : undefined
      if (url === undefined && pattern === undefined) return []
      return [{ account, ...(blog ? { blog } : {}), ...(url ? { url } : {}), ...(pattern ? { pattern } : {}) }]
    })
}

export async function findPlace(needs: Needs, accountId: string): Promise<Place | undefined> {
  return (await findPlaces(needs)).find(({ account }) => account.id === accountId)
}

/** Whether an address lies on a blog's host, by http or https. */
export function isOnHost({ pattern, url }: Where, address: string): boolean {
  const host = URL.parse(address)?.host
  return host !== undefined && (host === pattern?.host || (url !== undefined && host === new URL(url).host))
}

/** An address by http or https as the blog has it: whoever writes the other means the same page. */
export function inOwnScheme(place: Where, address: string): string {
  const [own, asked] = [URL.parse(place.url ?? ''), new URL(address)]
  const first = own?.host === asked.host && own.protocol !== asked.protocol ? otherScheme(address) : address
  return [first, otherScheme(first)].find(spelling => looksLikePost(place, spelling) === true) ?? first
}

/**
 * Whether an address is a post of a blog by its look. Undefined when feed and sitemap must tell; the blog's own front page is never
 * one, whatever they tell.
 */
export function looksLikePost(place: Where, address: string): boolean | undefined {
  const told = isHandled({ pattern: place.pattern, blogUrl: place.url }, address)
  if (told === undefined && place.url !== undefined && pageKey(address) === pageKey(place.url)) return false
  return told
}
