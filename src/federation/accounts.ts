/** Accounts that live here: made once with a key of their own, which is kept for ever (M17). */
import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { BadMessage, Missing, Refused } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import { writeActorDelete } from '../protocol/activitystreams-writer.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import { magicKeyOf } from '../protocol/magic.ts'
import { AS_PUBLIC } from '../protocol/names.ts'
import type { Stores, Tools } from '../tools.ts'
import { leave, leaveUnfollowed } from './leave.ts'
import { tellInboxes } from './tell-inboxes.ts'

const TOLD_AT_ONCE = 50
const LATER_MS = 10 * 60_000

const makeKeys = promisify(generateKeyPair)

type Wishes = { title?: string; bio?: string; blog?: string }

/** @throws BadMessage for a name outside `[a-z0-9_]{1,30}`; Refused 409 for one that is or was taken */
export async function addAccount({ addresses, clock, transaction }: Tools, name: string, wishes: Wishes = {}): Promise<Account> {
  if (!/^[a-z0-9_]{1,30}$/.test(name)) throw new BadMessage('A name has 1 to 30 of the characters a-z, 0-9 and _.')
  const keys = await makeKeys('rsa', { modulusLength: 2048 })
  const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const account = {
    ...{ uri: addresses.account(name), acct: addresses.handle(name).toLowerCase(), localName: name, displayName: wishes.title ?? name },
    ...{ feedUrl: addresses.feed(name), salmonUrl: addresses.salmon(name), magicKey: magicKeyOf(privateKey), privateKey },
    ...(wishes.bio === undefined ? {} : { bio: wishes.bio }),
    ...(wishes.blog === undefined ? {} : { homepage: wishes.blog })
  }
  return transaction(async stores => {
    const made = await stores.actors.addAccount(account, clock())
    if (made === undefined) throw new Refused(`The name ${name} is or was in use here.`, { status: 409, code: 'taken' })
    if (wishes.blog !== undefined) await keepBlog(stores, made, wishes.blog, clock())
    await stores.changes.tell('accounts')
    return made
  })
}

/**
 * Gives an account a blog, or another one, and puts the search for its feed into the queue. Must run inside a transaction.
 * @param feed the blog's feed where the owner names one; `null`: it is to be found; without it, it stays as it is
 * @returns its address as it is kept
 * @throws BadMessage when it is no web address; Refused 409 when another account has that blog
 */
export async function keepBlog(stores: Stores, account: Account, raw: string, now: Date, feed?: string | null): Promise<string> {
  const url = cleanAddress(raw)?.url
  if (url === undefined) throw new BadMessage('A blog has a web address: https://blog.example/', { code: 'no_url' })
  // the feeds first, as everybody holds them
  const feeds = await stores.subscriptions.lockAll({ actorId: account.id })
  const blogs = await stores.blogs.all()
  const known = blogs.find(blog => blog.accountId === account.id && blog.url === url)
  if (known !== undefined) {
    if (feed === undefined || (feed ?? undefined) === known.fixedFeed) return url
    await stores.blogs.change(account.id, { fixedFeed: feed })
    await lookSoon(stores, account, now)
    return url
  }
  if (blogs.some(blog => blog.accountId !== account.id && pageKey(blog.url) === pageKey(url)))
    throw new Refused('Another account has this blog.', { status: 409, code: 'taken' })
  for (const old of feeds) await leave(stores, old, now)
  await stores.blogs.keep(account.id, url, now)
  await stores.blogs.change(account.id, { fixedFeed: feed ?? null })
  await lookSoon(stores, account, now)
  return url
}

/** Has everything of an account's blog looked for anew. Must run inside a transaction. */
export async function lookSoon({ blogs, queue }: Stores, { id }: Account, now: Date): Promise<void> {
  await blogs.forgetFound(id)
  // should the job be lost, the schedule finds it
  await blogs.change(id, { findAt: new Date(now.getTime() + LATER_MS) })
  await queue.add('blog.find', { account: id })
}

/** The account of a name. @throws Missing */
export async function findAccount({ actors }: { actors: Pick<Tools['actors'], 'findAccount'> }, name: string): Promise<Account> {
  const account = /^[a-z0-9_]{1,30}$/.test(name) ? await actors.findAccount(name) : undefined
  if (account === undefined) throw new Missing(`There is no account ${name.slice(0, 40)} here.`)
  return account
}

/** The account that acts when none is named: the only one. @throws BadMessage when there are none or several */
export async function onlyAccount({ actors }: Pick<Tools, 'actors'>): Promise<Account> {
  const [account, other] = await actors.accounts()
  if (account === undefined) throw new BadMessage('There is no account yet: make one with `tidings account add NAME`.')
  if (other !== undefined) throw new BadMessage('There are several accounts: name one with --as NAME.')
  return account
}

/**
 * Closes an account: its pages are gone, its followers and subscribers are told so (H6), and whom it alone followed is read no more. The name is
 * not given away again. @throws Missing
 */
export async function removeAccount({ addresses, clock, transaction }: Tools, name: string): Promise<void> {
  await transaction(async stores => {
    const account = await stores.actors.findAccount(name)
    const now = clock()
    const feeds = account === undefined ? [] : await stores.subscriptions.lockAll({ actorId: account.id })
    if (account === undefined || !(await stores.actors.removeAccount(name, now)))
      throw new Missing(`There is no account ${name.slice(0, 40)} here.`)
    for (const feed of feeds) await leave(stores, feed, now)
    const end = { id: `${account.uri}#delete`, actor: account.uri, object: account.uri, to: [AS_PUBLIC[0]!] }
    await tellInboxes(stores, account, writeActorDelete(end), { people: [], followers: true, key: end.id }, now)
    await stores.blogs.remove(account.id)
    for (const { actor } of await stores.follows.following(account.id)) {
      await stores.follows.remove(account.id, actor.id)
      await leaveUnfollowed(stores, actor.id, now)
    }
    const topic = addresses.feed(name)
    const callbacks = (await stores.subscribers.removeTopic(topic)).map(subscriber => subscriber.callback)
    const reason = 'This account was closed.'
    while (callbacks.length > 0) await stores.queue.add('hub.deny', { topic, callbacks: callbacks.splice(0, TOLD_AT_ONCE), reason })
    await stores.changes.tell('accounts')
    await stores.changes.tell(`account:${name}`)
  })
}
