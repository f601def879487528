/**
 * The one door in. Every act of somebody else, whatever carried it, comes here with the sender whom the carrier has proven;
 * here it is checked, cleaned and kept, and nowhere else is a verb looked at (house.md, section Y of protocols.md).
 */
import type { Activity, Author, Post } from '../model/activity.ts'
import { newId } from '../model/ids.ts'
import type { Actor, KeptPost, Quoted } from '../model/kept.ts'
import { htmlToText, sanitizeHtml } from '../protocol/sanitize.ts'
import type { NewPost, Stores } from '../tools.ts'

/** What was proven of where an activity comes from. */
export type Sender = {
  actor: Actor
  /** Every name under which the sender is known: an activity by any of them is the sender's own. */
  names: ReadonlySet<string>
  /** The hosts of the sender's names. */
  hosts: ReadonlySet<string>
  via: 'feed' | 'push' | 'salmon' | 'inbox'
}

export type Received = {
  outcome: 'new' | 'edited' | 'same' | 'dead' | 'removed' | 'noted' | 'refused' | 'ignored'
  post?: KeptPost
}

const FUTURE_MS = 10 * 60_000
/** Bytes: what the indexes of the database take. */
const LONGEST_NAME = 2000

/**
 * Takes one activity. Must be called inside a transaction, of which `stores` are the stores.
 * Doing it twice, or in another order, ends in the same state.
 */
export async function receive(stores: Stores, activity: Activity, sender: Sender, now: Date): Promise<Received> {
  if (!isOwn(activity.actor, sender)) return copy(stores, activity, sender, now)
  const { verb, object } = activity
  switch (verb) {
    case 'post':
    case 'update':
      if (object.type === 'post') return keep(stores, ownPost(activity, object.post), sender, now)
      return { outcome: 'ignored' }
    case 'share':
      return share(stores, activity, sender, now)
    case 'delete':
      return remove(stores, activity, sender, now)
    case 'favourite':
    case 'follow':
    case 'join':
      return note(stores, activity, sender, now, false)
    case 'undo':
      return object.type === 'activity'
        ? note(stores, { ...object.activity, ...when(activity) }, sender, now, true)
        : { outcome: 'ignored' }
    default:
      return { outcome: 'ignored' }
  }
}

const when = ({ published, updated }: Pick<Activity, 'published' | 'updated'>) => ({
  ...(published ? { published } : {}),
  ...(updated ? { updated } : {})
})

/**
 * Somebody who is not named is the sender (I3). Whoever is named must be the sender under their strongest name, and no other name
 * may belong to another host: where the names disagree, nobody is believed (I7, X16).
 */
function isOwn(author: Author | undefined, { names, hosts }: Sender): boolean {
  const [first, ...others] = author?.ids ?? []
  if (first === undefined) return true
  const known = new Set([...hosts].map(withoutPort))
  // GNU social on an odd port leaves it out of its page links
  return names.has(first) && others.every(id => names.has(id) || known.has(withoutPort(hostOfName(id))))
}

export const withoutPort = (host: string): string => host.replace(/:\d+$/, '')

/** The host in an http(s) or acct: name, with its port; of any other the name itself. */
export function hostOfName(name: string): string {
  if (name.startsWith('acct:')) return name.slice(name.lastIndexOf('@') + 1).toLowerCase()
  return URL.canParse(name) ? new URL(name).host : name
}

const ownPost = (activity: Activity, post: Post): Post => ({ ...post, id: activity.object.type === 'post' ? post.id : activity.id })

/** A name that can be looked up again: an id or an address of a length that the store takes. */
export const isName = (name: string | undefined): name is string =>
  name !== undefined && name !== '' && Buffer.byteLength(name) <= LONGEST_NAME

async function keep(stores: Stores, post: Post, sender: Sender, now: Date, more: Partial<NewPost> = {}): Promise<Received> {
  if (!isName(post.id)) return { outcome: 'refused' }
  const parent = post.inReplyTo === undefined ? undefined : await findParent(stores, post.inReplyTo)
  const kept = await stores.history.keep({ ...cleaned(post, sender.actor, now), ...(parent ? { parentId: parent.id } : {}), ...more }, now)
  if (kept.outcome === 'stolen') return { outcome: 'refused' }
  if (kept.outcome === 'new' && kept.post.verb === 'post') await stores.history.adopt(kept.post, uri => isAt(uri, sender.actor))
  return kept
}

async function findParent({ history }: Stores, { id, url }: { id?: string; url?: string }): Promise<KeptPost | undefined> {
  return (id === undefined ? undefined : await history.findByUri(id)) ?? (url === undefined ? undefined : await history.findByAddress(url))
}

/** A post as it may be kept: sanitised, bounded, dated not later than now (I14). */
function cleaned(post: Post, author: Actor, now: Date): NewPost {
  const published = post.published ?? post.updated ?? now
  const sorted = published.getTime() > now.getTime() + FUTURE_MS ? now : published
  const html = sanitizeHtml(post.html, post.url === undefined ? {} : { base: post.url })
  const answered = [post.inReplyTo?.id, post.inReplyTo?.url].find(isName)
  return {
    ...{ id: newId(sorted.getTime()), uri: post.id, authorId: author.id, verb: 'post', kind: post.kind, html, text: htmlToText(html) },
    ...{
      publishedAt: published,
      sortedAt: sorted,
      visibility: post.visibility,
      sensitive: post.sensitive,
      rightful: isRightful(post.id, author)
    },
    ...{
      mentions: post.mentions.slice(0, 50),
      tags: post.tags.slice(0, 50).map(tag => tag.slice(0, 100)),
      enclosures: post.enclosures.slice(0, 20)
    },
    ...(post.updated ? { updatedAt: post.updated } : {}),
    ...(post.title ? { title: post.title.slice(0, 500) } : {}),
    ...(post.warning ? { warning: post.warning.slice(0, 500) } : {}),
    ...(post.language ? { language: post.language.slice(0, 35) } : {}),
    ...(isName(post.url) ? { url: post.url } : {}),
    ...(post.atomUrl ? { entryUrl: post.atomUrl } : {}),
    ...(post.activityUrl ? { activityUrl: post.activityUrl } : {}),
    ...(answered ? { inReplyTo: answered } : {}),
    ...(post.inReplyTo?.url ? { inReplyToUrl: post.inReplyTo.url } : {}),
    ...(isName(post.conversation) ? { conversation: post.conversation } : {})
  }
}

/** Whether a name is of one of the hosts of an actor: those of their URI, their feed and their handle, none that they only claim. */
function isAt(name: string | undefined, { acct, feedUrl, uri }: Actor): boolean {
  if (name === undefined) return true
  const names = [uri, ...(feedUrl === undefined ? [] : [feedUrl]), ...(acct === undefined ? [] : [`acct:${acct}`])]
  return names.some(own => withoutPort(hostOfName(own)) === withoutPort(hostOfName(name)))
}

/** The authority of an id is a hint whose it is (I10): its host, or the domain of a tag: URI. Ids without one are anybody's. */
function isRightful(id: string, author: Actor): boolean {
  const domain = /^tag:([^,]+),/i.exec(id)?.[1]
  if (domain !== undefined) return isAt(`acct:@${domain}`, author)
  return /^https?:/i.test(id) && isAt(id, author)
}

/** A share is an act of its own: of the shared post it has the looks, but neither place nor date (X2). */
async function share(stores: Stores, activity: Activity, sender: Sender, now: Date): Promise<Received> {
  const { id, object, html, url } = activity
  if (object.type !== 'post') return { outcome: 'ignored' }
  const post = { ...sharing(object.post), ...when(activity), id, html: html ?? object.post.html, ...(url ? { url } : {}) }
  return keep(stores, post, sender, now, { verb: 'share', ...(await shared(stores, object.post)) })
}

function sharing({ activityUrl, atomUrl, conversation, inReplyTo, published, title, updated, url, ...looks }: Post): Omit<Post, 'id'> {
  return looks
}

/** The original if we have it from the author who is named; else what the sharer tells of it, which proves nothing (X2). */
async function shared({ actors, history }: Stores, post: Post): Promise<Pick<NewPost, 'sharedId' | 'quoted'>> {
  const found = await history.findByUri(post.id)
  const author = found && (await actors.find(found.authorId))
  if (found === undefined || author === undefined || !isAt(post.author?.ids[0], author)) return { quoted: quotation(post) }
  return { sharedId: (found.verb === 'share' ? found.sharedId : undefined) ?? found.id }
}

function quotation(post: Post): Quoted {
  const { author } = post
  const html = sanitizeHtml(post.html, post.url === undefined ? {} : { base: post.url })
  const name = author?.displayName ?? author?.username
  return {
    html,
    ...(isName(post.id) ? { uri: post.id } : {}),
    ...(post.url ? { url: post.url } : {}),
    ...(post.title ? { title: post.title.slice(0, 500) } : {}),
    ...(author?.ids[0] ? { authorUri: author.ids[0] } : {}),
    ...(name ? { authorName: name.slice(0, 200) } : {}),
    ...(author?.url ? { authorUrl: author.url } : {})
  }
}

/** An entry of somebody else in the sender's feed counts as a share by the sender, never as the other's own word (X9, I18). */
async function copy(stores: Stores, { actor, object, verb }: Activity, sender: Sender, now: Date): Promise<Received> {
  const isFeed = sender.via === 'feed' || sender.via === 'push'
  if (!isFeed || verb !== 'post' || object.type !== 'post') return { outcome: 'refused' }
  const told = { ...object.post, ...(actor ? { author: actor } : {}) }
  const post = { ...sharing(told), ...when(told), id: `copy:${sender.actor.id}:${told.id}` }
  return keep(stores, post, sender, now, { verb: 'share', ...(await shared(stores, told)) })
}

/** Only the author's own post dies, and it stays dead whatever comes later (X4, S12). */
async function remove({ history }: Stores, { id, object }: Activity, sender: Sender, now: Date): Promise<Received> {
  const uri = object.type === 'post' ? object.post.id : id
  if (!isName(uri)) return { outcome: 'ignored' }
  const post = await history.remove(sender.actor.id, uri, now)
  return post === undefined ? { outcome: 'noted' } : { outcome: 'removed', post }
}

/** Favourites and follows are no posts: each is kept once by what it is about, whatever id it bore (I9, X3, X5). */
async function note({ history }: Stores, activity: Activity, sender: Sender, now: Date, undone: boolean): Promise<Received> {
  const { object, verb } = activity
  const about = object.type === 'post' ? object.post.id : object.type === 'actor' ? object.actor.ids[0] : undefined
  if (!isName(about)) return { outcome: 'ignored' }
  const post = object.type === 'post' ? await history.findByUri(about) : undefined
  const told = activity.updated ?? activity.published ?? now
  const at = told.getTime() > now.getTime() ? now : told
  const act = { actorId: sender.actor.id, verb, object: about, at, undone, ...(activity.id ? { uri: activity.id } : {}) }
  await history.act({ ...act, ...(post ? { postId: post.id } : {}) })
  return { outcome: 'noted' }
}
