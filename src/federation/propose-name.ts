/** Under which name a blog would live here. */
import type { Account } from '../model/kept.ts'
import { pageKey } from '../protocol/blog-address.ts'
import type { Tools } from '../tools.ts'
import { findMainAccount } from './handled.ts'

/**
 * `change`: what another name would mean. `none`: there is no other, as the blog has its account already; `rename`: the account that
 * the first start made takes it; `add`: another account is made. `isMain`: the settings of the environment are for that account.
 */
export type NameProposal = { name: string; change: 'none' | 'rename' | 'add'; isMain: boolean }

/**
 * The account that has this blog; else the first one, if it has none; else a new one that is named after the blog's host.
 * @param url of the blog
 */
export async function proposeName(tools: Tools, url: string): Promise<NameProposal> {
  const { actors, blogs, config } = tools
  const accounts = await actors.accounts()
  const main = await findMainAccount(tools)
  const holder = (await blogs.all()).find(blog => pageKey(blog.url) === pageKey(url))
  const own = accounts.find(({ id }) => id === holder?.accountId)
  if (own !== undefined) return { name: own.localName, change: 'none', isMain: own.id === main?.id }
  if (main === undefined) return { name: config.account, change: 'rename', isMain: true }
  if ((await blogs.find(main.id)) === undefined)
    return { name: main.localName, change: (await findRenamable(tools)) ? 'rename' : 'add', isMain: true }
  const label = new URL(url).hostname
    .replace(/^www\./, '')
    .split('.')[0]!
    .replace(/\W/g, '_')
    .slice(0, 30)
  return { name: accounts.some(({ localName }) => localName === label) ? '' : label, change: 'add', isMain: false }
}

/** The account that the first start made, as long as it is alone and nobody can have heard of it. */
export async function findRenamable({ actors, config }: Tools): Promise<Account | undefined> {
  const [only, ...others] = await actors.accounts()
  if (only === undefined || others.length > 0 || config.given.includes('ACCOUNT')) return undefined
  return (await actors.isUnheard(only.id)) ? only : undefined
}
