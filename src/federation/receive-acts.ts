/** What people do to each other and to posts, as `receive` keeps it: each once, by what it is about, the newest counts (X3, X5 to X8, M16). */
import type { Activity, ActivityObject, Author } from '../model/activity.ts'
import type { Account, Actor } from '../model/kept.ts'
import type { Stores } from '../tools.ts'
import { isName, isOwn, type Received, type Sender } from './identity.ts'
import { leaveUnfollowed } from './leave.ts'

/** A clock may be wrong by so much: what is told to be later has been now (M16). */
const FUTURE_MS = 60 * 60_000
const IGNORED: Received = { outcome: 'ignored' }
const NOTED: Received = { outcome: 'noted' }

/** When it was done, as it was told: the order of two acts is theirs and not that of their arrival. */
export function toldAt({ published, updated }: Pick<Activity, 'published' | 'updated'>, now: Date): Date {
  const told = updated ?? published ?? now
  return told.getTime() > now.getTime() + FUTURE_MS ? now : told
}

/** Favourites and the like are no posts: each is kept once by what it is about, whatever id it bore (I9, X3, X5). */
export async function note({ history }: Stores, activity: Activity, { actor }: Sender, now: Date, undone: boolean): Promise<Received> {
  const { id, object, verb } = activity
  const about = object.type === 'post' ? object.post.id : object.type === 'actor' ? object.actor.ids[0] : undefined
  if (!isName(about)) return IGNORED
  const post = object.type === 'post' ? await history.findByUri(about) : undefined
  const act = { actorId: actor.id, verb, object: about, at: toldAt(activity, now), undone, ...(isName(id) ? { uri: id } : {}) }
  await history.act({ ...act, ...(post ? { postId: post.id } : {}) })
  return NOTED
}

/** A favourite of which the delete came first stays away (X4). */
export async function favourite(stores: Stores, activity: Activity, sender: Sender, now: Date, undone: boolean): Promise<Received> {
  if (!undone && isName(activity.id) && (await stores.history.isDead(sender.actor.id, activity.id))) return { outcome: 'dead' }
  return note(stores, activity, sender, now, undone)
}

/**
 * To follow one of our accounts is told to that account; a feed only tells it to others (section Y). The order is that of the acts,
 * and the ids count for nothing: GNU social gives each unfollow the same one (M16). A follow older than a block does not count (X8).
 */
export async function follow(stores: Stores, activity: Activity, sender: Sender, now: Date, undone: boolean): Promise<Received> {
  const { actors, follows, history } = stores
  const { account, actor, via } = sender
  if (account === undefined) {
    const about = activity.object.type === 'actor' ? activity.object.actor.ids[0] : undefined
    const local = about !== undefined && (await actors.findByName(about))?.localName !== undefined
    return local ? IGNORED : note(stores, { ...activity, verb: 'follow' }, sender, now, undone)
  }
  if (!(await isAccount(stores, activity.object, account))) return IGNORED
  const [at, id] = [toldAt(activity, now), isName(activity.id) ? { uri: activity.id } : {}]
  const newest = await history.act({ actorId: actor.id, verb: 'follow', object: account.uri, at, undone, ...id })
  // whoever asks again for what is so already still waits for an answer
  const again = !newest && sender.question !== undefined && (await history.findAct(actor.id, 'follow', account.uri))?.undone === undone
  if (!newest && !again) return NOTED
  if (undone) await sayYes(stores, activity, sender, account, at)
  const blocked = await history.findAct(actor.id, 'block', account.uri)
  if (undone) await follows.remove(actor.id, account.id)
  else if (blocked === undefined || blocked.at < at) {
    await follows.add({ followerId: actor.id, followedId: account.id, via, ...id }, now)
    await sayYes(stores, activity, sender, account, at)
  }
  return NOTED
}

/** Nobody is kept waiting: whoever asks follows, and is told so (X6); by ActivityPub always, and of the end as well (S3-14, S3-22). */
async function sayYes({ queue }: Stores, { id, verb }: Activity, { actor, question }: Sender, account: Account, at: Date): Promise<void> {
  const [name, person] = [account.localName, actor.id]
  if (question !== undefined) await queue.add('inbox.answer', { account: name, person, activity: question, yes: true })
  else if (verb === 'request' && isName(id))
    await queue.add('salmon.authorize', { account: name, person, request: id, at: at.toISOString() })
}

/** A block ends what each follows of the other; as there is no unblock without a block, either of the two tells it (X8). */
export async function block(stores: Stores, activity: Activity, sender: Sender, now: Date, undone: boolean): Promise<Received> {
  const { follows, history } = stores
  const { account, actor } = sender
  if (account === undefined || !(await isAccount(stores, activity.object, account))) return IGNORED
  const at = toldAt(activity, now)
  if (!(await history.act({ actorId: actor.id, verb: 'block', object: account.uri, at, undone }))) return NOTED
  const followed = await history.findAct(actor.id, 'follow', account.uri)
  if (followed === undefined || followed.at <= at) await follows.remove(actor.id, account.id)
  await endFollow(stores, account, actor, now)
  return NOTED
}

/**
 * What somebody whom the account follows, or has asked, says to that (X6): a yes to a question makes it true, a no ends it, also long
 * after a yes. A no that names another follow than that of today counts only if it was said later (M16).
 */
export async function answer(stores: Stores, activity: Activity, sender: Sender, now: Date): Promise<Received> {
  const { account, actor, via } = sender
  if (account === undefined) return IGNORED
  const { object, verb } = activity
  const follow = await stores.follows.find(account.id, actor.id)
  const request = await stores.history.findAct(account.id, 'request', actor.uri)
  const isPending = request?.undone === false
  if (follow === undefined && !isPending) return IGNORED
  const asker = object.type === 'activity' ? object.activity.actor : object.type === 'actor' ? object.actor : undefined
  const asked = object.type === 'activity' && object.activity.object.type === 'actor' ? object.activity.object.actor : undefined
  if (!isOwn(asked, sender)) return IGNORED
  const named = object.type === 'activity' && [follow?.uri, request?.uri].includes(object.activity.id)
  if (!named && (asker === undefined || !(await isAnyOf(stores.actors, asker.ids, account)))) return IGNORED
  if (isPending) await stores.acts.end({ actorId: account.id, verb: 'request', object: actor.uri }, now)
  if (isPending && verb === 'accept') await stores.follows.add({ followerId: account.id, followedId: actor.id, via }, now)
  const old = !named && follow !== undefined && toldAt(activity, now) < wholeSecond(follow.createdAt)
  if (verb === 'reject' && follow !== undefined && !old) await endFollow(stores, account, actor, now)
  return NOTED
}

/** On the wire times have no more. */
const wholeSecond = (time: Date): Date => new Date(Math.floor(time.getTime() / 1000) * 1000)

/** An account follows somebody no more, who knows it: they said so themselves. */
async function endFollow(stores: Stores, account: Account, actor: Actor, now: Date): Promise<void> {
  if (!(await stores.follows.remove(account.id, actor.id))) return
  await stores.acts.end({ actorId: account.id, verb: 'follow', object: actor.uri }, now)
  await leaveUnfollowed(stores, actor.id, now)
}

/** X7: a profile is its owner's to change, in words of his own alone; the newest counts. */
export async function takeProfile(stores: Stores, activity: Activity, told: Author, sender: Sender, now: Date): Promise<Received> {
  if (!isOwn(told, sender) || told.ids.length === 0) return IGNORED
  await stores.actors.refresh(sender.actor.id, told, toldAt(activity, now))
  if (sender.facts !== undefined) await stores.actors.keep(sender.facts, now)
  return NOTED
}

/** Whether what is meant is that account, by any of its names. */
export async function isAccount({ actors }: Pick<Stores, 'actors'>, object: ActivityObject, account: Account): Promise<boolean> {
  return object.type === 'actor' && isAnyOf(actors, object.actor.ids, account)
}

/** Whether one of these names is the account's; http and https are one. Most often its address is among them, and nothing is looked up. */
export async function isAnyOf(actors: Stores['actors'], told: string[], account: Account): Promise<boolean> {
  const { id, uri, url } = account
  const asked = new Set(told.map(secure))
  const has = (name: string) => asked.has(secure(name))
  if (asked.size === 0) return false
  return has(uri) || (url !== undefined && has(url)) || (await actors.namesOf(id)).some(has)
}

const secure = (name: string): string => name.replace(/^http:/, 'https:')
