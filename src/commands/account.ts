/** `account add`, `account blog`, `account edit`, `account list`, `account remove`: the accounts that live here. */
import { addAccount, findAccount, removeAccount } from '../federation/accounts.ts'
import { setBlog } from '../federation/blog.ts'
import { tryBlog } from '../federation/blog-standing.ts'
import { editProfile } from '../federation/profile.ts'
import type { Account } from '../model/kept.ts'
import { describeFound, foundObject } from './blog.ts'
import { type Command, orNull, printList, value, WrongUsage } from './command.ts'

export const accountAdd: Command = {
  words: 'account add',
  usage: 'NAME [--blog URL] [--title TEXT]',
  summary: 'makes an account, with a key of its own that is made once and kept',
  options: { blog: value, title: value },
  takes: [1, 1],
  async run(tools, { positionals: [name = ''], blog, title, json }, out) {
    const account = await addAccount(tools, name, { ...(blog === undefined ? {} : { blog }), ...(title === undefined ? {} : { title }) })
    const found = blog === undefined ? undefined : await tryBlog(tools, account)
    if (json) out.print(JSON.stringify({ ...asObject(account), ...(found && { found: foundObject(found) }) }))
    else out.print(`${account.acct} is ready: ${account.uri}`)
    if (found !== undefined && !json) out.print(describeFound(found))
    return 0
  }
}

export const accountBlog: Command = {
  words: 'account blog',
  usage: 'NAME URL',
  summary: 'gives an account a blog, or another one: its feed and sitemap are looked for, its new posts are published',
  takes: [2, 2],
  async run(tools, { positionals: [name = '', url = ''], json }, out) {
    const account = await findAccount(tools, name)
    await setBlog(tools, account, url)
    const found = await tryBlog(tools, account)
    out.print(json ? JSON.stringify({ name, blog: url, ...foundObject(found) }) : `${url} is the blog of ${name}.`)
    if (found !== undefined && !json) out.print(describeFound(found))
    return 0
  }
}

export const accountEdit: Command = {
  words: 'account edit',
  usage: 'NAME [--title TEXT] [--bio TEXT]',
  summary: 'changes title or bio of an account, and tells its followers; an empty bio takes it away',
  options: { title: value, bio: value },
  takes: [1, 1],
  async run(tools, { positionals: [name = ''], bio, title, json }, out) {
    if (bio === undefined && title === undefined) throw new WrongUsage('Say what is to change: --title TEXT, --bio TEXT, or both.')
    const account = await findAccount(tools, name)
    const changed = await editProfile(tools, account, { ...(bio === undefined ? {} : { bio }), ...(title === undefined ? {} : { title }) })
    const told = await findAccount(tools, name)
    if (json) out.print(JSON.stringify({ ...asObject(told), changed }))
    else out.print(changed ? `The profile of ${name} is changed; its followers are told.` : `The profile of ${name} was like that before.`)
    return 0
  }
}

export const accountList: Command = {
  words: 'account list',
  usage: '',
  summary: 'shows the accounts that live here',
  takes: [0, 0],
  async run({ actors }, args, out) {
    const none = 'There is no account yet: make one with `tidings account add NAME`.'
    printList(out, args, await actors.accounts(), none, asObject, ({ localName, acct, uri }) => [localName, acct, uri])
    return 0
  }
}

export const accountRemove: Command = {
  words: 'account remove',
  usage: 'NAME',
  summary: 'closes an account for good; its name is not given away again',
  takes: [1, 1],
  async run(tools, { positionals: [name = ''], json }, out) {
    await removeAccount(tools, name)
    out.print(json ? JSON.stringify({ removed: name }) : `The account ${name} is closed.`)
    return 0
  }
}

const asObject = ({ localName, acct, uri, bio, displayName, homepage, feedUrl, magicKey }: Account) => ({
  ...{
    name: localName,
    acct,
    uri,
    title: orNull(displayName),
    bio: orNull(bio),
    blog: orNull(homepage),
    feed: orNull(feedUrl),
    key: magicKey
  }
})
