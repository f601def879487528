/** What the owner says of an account, and that its followers are told when it changes (S3-9). */
import type { Picture } from '../model/activity.ts'
import { BadMessage } from '../model/errors.ts'
import { newId } from '../model/ids.ts'
import type { Account } from '../model/kept.ts'
import { writeActor, writeActorUpdate } from '../protocol/activitystreams-writer.ts'
import { AS_PUBLIC } from '../protocol/names.ts'
import { withoutControls } from '../protocol/plain-text.ts'
import { stripIllegal } from '../protocol/xml.ts'
import type { Stores, Tools } from '../tools.ts'
import { cleanTitle } from './explore-blog.ts'
import { actorOut } from './objects.ts'
import { tellInboxes } from './tell-inboxes.ts'

/** Characters of a bio: what Mastodon and its kin show without cutting it. */
export const LONGEST_BIO = 500

type Needs = Pick<Tools, 'addresses' | 'clock'>

/**
 * Changes title or bio of an account; what is not named stays. Without a title it is called by its name.
 * @returns whether that was another @throws BadMessage for a bio that is too long
 */
export async function editProfile(tools: Tools, account: Account, wish: { title?: string; bio?: string }): Promise<boolean> {
  const bio = wish.bio === undefined ? undefined : withoutControls(stripIllegal(wish.bio.replace(/\r\n?/g, '\n'))).trim()
  if (bio !== undefined && [...bio].length > LONGEST_BIO) throw new BadMessage(`A bio has at most ${LONGEST_BIO} characters.`)
  const told = {
    ...(wish.title === undefined ? {} : { displayName: cleanTitle(stripIllegal(wish.title)) || account.localName }),
    ...(bio === undefined ? {} : { bio: bio === '' ? null : bio })
  }
  return tools.transaction(stores => changeProfile(tools, stores, account, told))
}

/**
 * Keeps what the owner says of an account, and tells its followers if that is something else than before. Must run inside a transaction.
 * @param told what is not named stays; a bio of `null` is taken away @returns whether it was something else
 */
export async function changeProfile(
  tools: Needs,
  stores: Stores,
  { id, localName }: Account,
  told: { displayName?: string; bio?: string | null; homepage?: string; avatar?: Picture }
): Promise<boolean> {
  if (!(await stores.actors.describe(id, told, tools.clock()))) return false
  await stores.changes.tell('accounts')
  const account = await stores.actors.findAccount(localName)
  if (account !== undefined) await tellProfile(tools, stores, account)
  return true
}

/** Tells the followers of an account who it is now: an Update of the actor. Must run inside the transaction that changes it. */
export async function tellProfile(tools: Needs, stores: Stores, account: Account): Promise<void> {
  const now = tools.clock()
  const object = writeActor(await actorOut(tools, account))
  const cc = [tools.addresses.followers(account.localName)]
  const update = { id: `${account.uri}#updates/${newId(now.getTime())}`, actor: account.uri, object, to: [AS_PUBLIC[0]!], cc }
  await tellInboxes(stores, account, writeActorUpdate(update), { people: [], followers: true, key: update.id, multikey: true }, now)
}
