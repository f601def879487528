/** What our accounts do to posts: favour and share them, and take that back (protocols.md X2, X3). To answer is to publish. */
import { Missing, Refused } from '../model/errors.ts'
import { newId } from '../model/ids.ts'
import type { Account, Shown } from '../model/kept.ts'
import type { Done, NewPost, Stores, Tools } from '../tools.ts'
import { likeOut, undoOut } from './activities.ts'
import { announceAct } from './announce.ts'
import { favouriteOut, followOut } from './entries.ts'
import { fetchMeant } from './fetch-missing.ts'
import { findPost } from './find-post.ts'

/** What was acted on, and whether the act stood already: then nothing was sent. */
export type Acted = { post: Shown; already: boolean }

/**
 * Favours a post, once; its author is told, and the subscribers if it is public.
 * @param name its URI, its page or its id; of a share the shared post is meant
 * @throws Missing when it is neither known here nor found at its address; Unreachable as `fetchMeant`
 */
export const favourite = (tools: Tools, account: Account, name: string): Promise<Acted> =>
  actOn(tools, account, name, async (stores, post, now) => {
    const uri = tools.addresses.act(account.localName, newId(now.getTime()))
    const at = await stores.acts.begin({ actorId: account.id, verb: 'favourite', object: post.uri, uri, postId: post.id }, now)
    if (at === undefined) return { post, already: true }
    const act = { id: uri, at }
    const told = { entry: favouriteOut(account, 'favourite', post, act), activity: likeOut(account, post, act), person: post.author }
    await announceAct(tools, stores, account, told, now)
    return { post, already: false }
  })

/**
 * Shares a post, once, as a post of its own; its author and the subscribers are told.
 * @param name as for `favourite`
 * @throws as `favourite`; Refused when it is not for everybody
 */
export const share = (tools: Tools, account: Account, name: string): Promise<Acted> =>
  actOn(tools, account, name, async (stores, post, now) => {
    if (post.visibility !== 'public' && post.visibility !== 'unlisted') throw new Refused('This post is not for everybody.')
    if ((await stores.acts.findShare(account.id, post.id)) !== undefined) return { post, already: true }
    const kept = await stores.history.keep(sharing(tools, account, post, now), now)
    if (kept.outcome !== 'new') throw new Error('a new id was not new')
    await stores.queue.add('post.announce', { post: kept.post.id, act: 'post' })
    await stores.changes.tell(`account:${account.localName}`)
    return { post, already: false }
  })

/** The share as it is kept: of the original nothing but which it is, so that it shows and sends what that has become. */
function sharing({ addresses }: Tools, account: Account, post: Shown, now: Date): NewPost {
  const id = newId(now.getTime())
  const uri = addresses.post(account.localName, id)
  return {
    ...{ id, uri, url: uri, entryUrl: addresses.postEntry(account.localName, id), authorId: account.id, verb: 'share', kind: post.kind },
    ...{ html: '', text: '', sharedId: post.id, mentions: post.authorId === account.id ? [] : [post.author.uri], tags: [], enclosures: [] },
    ...{ publishedAt: now, updatedAt: now, sortedAt: now, visibility: 'public', sensitive: post.sensitive, rightful: true }
  }
}

/**
 * Takes back what an account did to a post: its favourite, its share, or what of the two stands when none is named. The end of a
 * share is the delete of its entry (X2).
 * @throws Missing when there is nothing to take back
 */
export async function undo(
  tools: Tools,
  account: Account,
  name: string,
  verb?: Done['verb']
): Promise<{ post: Shown; undone: Done['verb'][] }> {
  const takeBack: Work<{ post: Shown; undone: Done['verb'][] }> = async (stores, post, now) => {
    const undone: Done['verb'][] = []
    if (verb !== 'share' && (await unfavour(tools, stores, account, post, now))) undone.push('favourite')
    if (verb !== 'favourite' && (await unshare(stores, account, post, now))) undone.push('share')
    if (undone.length > 0) return { post, undone }
    throw new Missing(
      `${account.localName} has not ${verb === undefined ? 'favoured or shared' : verb === 'share' ? 'shared' : 'favoured'} this post.`
    )
  }
  return actOn(tools, account, name, takeBack, true)
}

async function unfavour(tools: Tools, stores: Stores, account: Account, post: Shown, now: Date): Promise<boolean> {
  const favoured = await stores.history.findAct(account.id, 'favourite', post.uri)
  const at = await stores.acts.end({ actorId: account.id, verb: 'favourite', object: post.uri }, now)
  if (at === undefined) return false
  const id = tools.addresses.act(account.localName, newId(now.getTime()))
  const like = likeOut(account, post, { id: favoured?.uri ?? id, at: favoured?.at ?? at })
  const activity = like && undoOut(account, post.author, id, like)
  await announceAct(tools, stores, account, { entry: favouriteOut(account, 'undo', post, { id, at }), activity, person: post.author }, now)
  return true
}

async function unshare({ acts, changes, history, queue }: Stores, account: Account, post: Shown, now: Date): Promise<boolean> {
  const shared = await acts.findShare(account.id, post.id)
  if (shared === undefined) return false
  await history.remove(account.id, shared.uri, now)
  await queue.add('post.announce', { post: shared.id, act: 'delete' })
  await changes.tell(`account:${account.localName}`)
  return true
}

/**
 * An act of an account as it was sent, by its id: a favourite of a post that everybody may read, or a follow.
 * @returns the entry, and the page of what it is about
 * @throws Missing 404; 410 when it was taken back, or what it is about is gone
 */
export async function findAct(tools: Pick<Tools, 'actors' | 'acts' | 'timelines'>, account: Account, uri: string) {
  const { actors, acts, timelines } = tools
  const act = await acts.findByUri(account.id, uri)
  if (act === undefined) throw new Missing('There is no such act.')
  const { at, object, postId, undone, verb } = act
  const post = postId === undefined ? undefined : await timelines.one(postId)
  const person = verb === 'follow' ? await actors.findByUri(object) : undefined
  if (verb === 'favourite' && post !== undefined && post.visibility !== 'public' && post.visibility !== 'unlisted')
    throw new Missing('There is no such act.')
  if (!undone && person !== undefined)
    return { entry: followOut(account, 'follow', person, { id: uri, at }), page: person.url ?? person.uri }
  if (undone || post === undefined || post.deletedAt !== undefined) throw new Missing('This was taken back.', { status: 410, code: 'gone' })
  return { entry: favouriteOut(account, 'favourite', post, { id: uri, at }), page: post.url ?? post.uri }
}

type Work<T> = (stores: Stores, post: Shown, now: Date) => Promise<T>

/**
 * One after the other for one account, so that nothing is done twice and all is told in its order. Of a share the shared post is meant.
 * A post that is not known here is fetched first.
 * @param dead what was done to a post can be taken back when the post is gone
 */
async function actOn<T>(tools: Tools, account: Account, name: string, work: Work<T>, dead = false): Promise<T> {
  const { addresses, clock, transaction } = tools
  if (!dead) await fetchMeant(tools, name)
  return transaction(async stores => {
    await stores.topics.lock(addresses.feed(account.localName))
    const found = await findPost(stores, addresses, name, { dead })
    const shared = found.verb === 'share' ? found.sharedId : found.id
    const post = shared === undefined ? undefined : await stores.timelines.one(shared)
    if (post?.deletedAt !== undefined && !dead) throw new Missing('This post was deleted.', { status: 410, code: 'gone' })
    if (post === undefined) throw new Missing('The post that was shared is not kept here.')
    return work(stores, post, clock())
  })
}
