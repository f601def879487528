/** The first steps: an account and its blog, as the owner wants them. */
import { BadMessage, Refused } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import type { Stores, Tools } from '../tools.ts'
import { addAccount, findAccount, keepBlog, lookSoon } from './accounts.ts'
import { cleanTitle } from './explore-blog.ts'
import { changeProfile } from './profile.ts'
import { findRenamable } from './propose-name.ts'

/** `feed`: the one that the owner named; without it the blog's is looked for. */
export type BlogWish = { url: string; name: string; title: string; feed?: string; icon?: string }

/**
 * Makes the account or takes the one that is there, gives it the blog, and has the blog read. The account of the first start gets
 * the name that is wished for, as long as nobody has heard of it.
 * @throws BadMessage, Refused as `addAccount` and `keepBlog` do
 */
export async function setUpBlog(tools: Tools, { feed, icon, name, title, url }: BlogWish): Promise<Account> {
  const { actors, clock, transaction } = tools
  if (!/^[a-z0-9_]{1,30}$/.test(name)) throw new BadMessage('A name has 1 to 30 of the characters a-z, 0-9 and _.', { code: 'name' })
  const account = (await actors.findAccount(name)) ?? (await findRenamable(tools)) ?? (await addAccount(tools, name, { blog: url }))
  return transaction(async stores => {
    const named = account.localName === name ? account : await rename(tools, stores, account, name)
    const homepage = await keepBlog(stores, named, url, clock(), feed ?? null)
    const looks = {
      homepage,
      ...(title === '' ? {} : { displayName: cleanTitle(title) }),
      ...(isPicture(icon) ? { avatar: { url: icon } } : {})
    }
    await changeProfile(tools, stores, named, looks)
    await stores.changes.tell('accounts')
    return named
  })
}

/** Of a kind that every server shows; most take no icons of other kinds. */
const isPicture = (icon: string | undefined): icon is string => /\.(png|jpe?g|gif|webp)$/i.test(URL.parse(icon ?? '')?.pathname ?? '')

async function rename({ addresses, clock }: Tools, { actors }: Stores, { id }: Account, name: string): Promise<Account> {
  const names = { uri: addresses.account(name), acct: addresses.handle(name).toLowerCase(), localName: name }
  const renamed = await actors.rename(id, { ...names, feedUrl: addresses.feed(name), salmonUrl: addresses.salmon(name) }, clock())
  if (renamed === undefined) throw new Refused(`The name ${name} is or was in use here.`, { status: 409, code: 'taken' })
  return renamed
}

/** Has everything of an account's blog looked for anew, at once. @throws Missing when there is no such account */
export async function lookAgain(tools: Tools, name: string): Promise<void> {
  const account = await findAccount(tools, name)
  await tools.transaction(stores => lookSoon(stores, account, tools.clock()))
}
