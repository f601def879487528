/** `account add`, `account blog`, `account list`, `account remove`: the accounts that live here. */
import { addAccount, findAccount, removeAccount } from '../federation/accounts.ts'
import { setBlog } from '../federation/blog.ts'
import type { Account } from '../model/kept.ts'
import { type Command, orNull, printList, value } from './command.ts'

export const accountAdd: Command = {
  words: 'account add',
  usage: 'NAME [--blog URL] [--title TEXT]',
  summary: 'makes an account, with a key of its own that is made once and kept',
  options: { blog: value, title: value },
  takes: [1, 1],
  async run(tools, { positionals: [name = ''], blog, title, json }, out) {
    const account = await addAccount(tools, name, { ...(blog === undefined ? {} : { blog }), ...(title === undefined ? {} : { title }) })
    out.print(json ? JSON.stringify(asObject(account)) : `${account.acct} is ready: ${account.uri}`)
    return 0
  }
}

export const accountBlog: Command = {
  words: 'account blog',
  usage: 'NAME URL',
  summary: 'gives an account a blog, or another one: its feed and sitemap are looked for, its new posts are published',
  takes: [2, 2],
  async run(tools, { positionals: [name = '', url = ''], json }, out) {
    await setBlog(tools, await findAccount(tools, name), url)
    out.print(json ? JSON.stringify({ name, blog: url }) : `${url} is the blog of ${name}.`)
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

const asObject = ({ localName, acct, uri, displayName, homepage, feedUrl, magicKey }: Account) => ({
  ...{ name: localName, acct, uri, title: orNull(displayName), blog: orNull(homepage), feed: orNull(feedUrl), key: magicKey }
})
