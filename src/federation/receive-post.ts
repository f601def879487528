/** What `receive` keeps of posts, shares and their ends: cleaned, bounded, and connected with what they are about (X1, X2, X4, X9). */
import type { Activity, Enclosure, Post } from '../model/activity.ts'
import { newId } from '../model/ids.ts'
import type { Actor, KeptPost, Quoted } from '../model/kept.ts'
import { activityIdOf } from '../protocol/activity-id.ts'
import { isInvented } from '../protocol/invented-title.ts'
import { picturesIn } from '../protocol/pictures-in.ts'
import { htmlToText, sanitizeHtml } from '../protocol/sanitize.ts'
import type { NewPost, Stores } from '../tools.ts'
import { isAt, isName, isRightful, type Received, type Sender } from './identity.ts'
import { note, toldAt } from './receive-acts.ts'

/** A post that is dated later stands in lists as of now. Less than acts are granted: nobody is to stay above all others for an hour (I14). */
const AHEAD_MS = 10 * 60_000
/** What is older has had its conversation: nothing is fetched for it (I17). */
const RECENT_MS = 7 * 24 * 60 * 60_000
/** How many posts are fetched because of one: the original of a share and what that answers, the parents of a reply (X2, X30). */
const FETCHES = { share: 2, post: 5 }

/** A post, or an edit of it, by whom it is of (X1, X11). */
export async function keepOwn(stores: Stores, post: Post, sender: Sender, now: Date): Promise<Received> {
  const kept = await keep(stores, post, sender, now)
  if (kept.outcome === 'new') await seek(stores, kept.post, sender, now)
  return kept
}

type Keeping = { outcome: 'new' | 'edited' | 'same' | 'dead'; post: KeptPost } | { outcome: 'refused' }

async function keep(stores: Stores, post: Post, sender: Sender, now: Date, more: Partial<NewPost> = {}): Promise<Keeping> {
  if (!isName(post.id)) return { outcome: 'refused' }
  const { actor } = sender
  const parent = post.inReplyTo === undefined ? undefined : await findParent(stores, post.inReplyTo)
  const activityUrl = activityUrlOf(post, actor, more.verb ?? 'post')
  const kept = await stores.history.keep(
    {
      ...cleaned(post, actor, now),
      ...(activityUrl === undefined ? {} : { activityUrl }),
      ...(parent ? { parentId: parent.id } : {}),
      ...(await underOtherId(stores, post, activityUrl, actor)),
      ...more
    },
    now
  )
  if (kept.outcome === 'stolen') return { outcome: 'refused' }
  if (kept.outcome === 'new') {
    // if they name its author
    const shares = kept.post.verb === 'post' ? kept.quoting.filter(({ quoted }) => isAt(quoted.authorUri, sender.actor)) : []
    await Promise.all([stores.history.adopt(kept.post, shares), stores.changes.tell('posts')])
  }
  return kept
}

/** The ActivityPub id of a post: the one that it names, if that is of its author's host; else the one that its own id tells (X13). */
function activityUrlOf({ activityUrl, id }: Pick<Post, 'activityUrl' | 'id'>, author: Actor, verb: 'post' | 'share'): string | undefined {
  if (isName(activityUrl) && isAt(activityUrl, author)) return activityUrl
  return isRightful(id, author) ? activityIdOf(id, author, verb) : undefined
}

/**
 * The same post by another protocol is that post (X13), and dead if that is; that it is written a little differently there is no edit.
 * Nobody's post is another one's, whatever ids it claims.
 */
async function underOtherId(
  { history }: Stores,
  { id, published, updated }: Post,
  activityUrl: string | undefined,
  { id: authorId, speaks }: Actor
): Promise<Partial<NewPost>> {
  // of whoever was never met by ActivityPub nothing can have come under another id
  if (speaks === 'ostatus' && activityUrl === undefined) return {}
  const other = activityUrl === undefined || activityUrl === id ? undefined : activityUrl
  const twin = await history.findTwin(authorId, other === undefined ? [id] : [id, other])
  const dead = twin === undefined && other !== undefined && (await history.isDead(authorId, other)) ? other : undefined
  const uri = twin?.uri ?? dead ?? id
  const at = updated ?? published
  return uri === id ? {} : { uri, ...(at === undefined ? {} : { updatedAt: at }) }
}

/** What a post shares or answers, and we have not got, is looked for where it is, after this has been kept. */
async function seek({ queue }: Stores, post: KeptPost, { left }: Sender, now: Date): Promise<void> {
  const { id, inReplyTo, parentId, publishedAt, quoted, sharedId, verb } = post
  const missing = verb === 'share' ? sharedId === undefined && isFindable(quoted) : parentId === undefined && inReplyTo !== undefined
  const old = left === undefined && now.getTime() - publishedAt.getTime() > RECENT_MS
  if (missing && !old && left !== 0) await queue.add('post.fetch', { post: id, left: left ?? FETCHES[verb] })
}

/** By its author, who must be found there; by ActivityPub nothing is told but the address of the original (X11). */
const isFindable = (quoted: Quoted | undefined): boolean =>
  quoted?.authorUri !== undefined || (quoted?.html === '' && /^https?:/.test(quoted.uri ?? ''))

async function findParent({ history }: Stores, { id, url }: { id?: string; url?: string }): Promise<KeptPost | undefined> {
  return (id === undefined ? undefined : await history.findByUri(id)) ?? (url === undefined ? undefined : await history.findByAddress(url))
}

/** A post as it may be kept: sanitised, bounded, dated not later than now (I14). */
function cleaned(post: Post, author: Actor, now: Date): NewPost {
  const published = post.published ?? post.updated ?? now
  const sorted = published.getTime() > now.getTime() + AHEAD_MS ? now : published
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
      mentions: post.mentions.filter(isName).slice(0, 50),
      tags: post.tags.slice(0, 50).map(tag => tag.slice(0, 100)),
      enclosures: filesOf(post).slice(0, 20)
    },
    ...(post.updated ? { updatedAt: post.updated } : {}),
    ...titled(post, html),
    ...(post.warning ? { warning: post.warning.slice(0, 500) } : {}),
    ...(post.language ? { language: post.language.slice(0, 35) } : {}),
    ...(isName(post.url) ? { url: post.url } : {}),
    ...(post.atomUrl ? { entryUrl: post.atomUrl } : {}),
    ...(answered ? { inReplyTo: answered } : {}),
    ...(post.inReplyTo?.url ? { inReplyToUrl: post.inReplyTo.url } : {}),
    ...(isName(post.conversation) ? { conversation: post.conversation } : {})
  }
}

/** What is said to belong to a post, and the pictures in its text if none of that is one. */
const filesOf = ({ enclosures, html, url }: Post): Enclosure[] =>
  enclosures.some(({ type }) => type?.startsWith('image/')) ? enclosures : [...enclosures, ...picturesIn(html, url)]

/** Feeds must give notes a title: one that says nothing else than the note is none (F9). */
function titled({ kind, title }: Post, html: string): { title?: string } {
  const isNote = kind === 'note' || kind === 'comment'
  return title === undefined || title === '' || (isNote && isInvented(title, html)) ? {} : { title: title.slice(0, 500) }
}

/**
 * A share is an act of its own: of the shared post it has the looks, but neither place nor date (X2). That somebody shared a post of
 * ours is noted for the post; as a post of theirs it is kept when somebody here follows them.
 */
export async function share(stores: Stores, activity: Activity, sender: Sender, now: Date): Promise<Received> {
  const { id, object, html, url } = activity
  if (object.type !== 'post') return { outcome: 'ignored' }
  const original = await findOriginal(stores, object.post)
  const open = object.post.visibility === 'public' || object.post.visibility === 'unlisted'
  if (original?.author.localName !== undefined && open) {
    if (!isName(id) || (await stores.history.isDead(sender.actor.id, id))) return { outcome: 'dead' }
    const act = { actorId: sender.actor.id, verb: 'share', object: original.post.uri, uri: id, postId: original.post.id }
    await stores.history.act({ ...act, at: toldAt(activity, now), undone: false })
  }
  if (sender.account !== undefined && (await stores.follows.localFollowers(sender.actor.id)) === 0) return { outcome: 'noted' }
  const post = { ...sharing(object.post), ...when(activity), id, html: html ?? object.post.html, ...(url ? { url } : {}) }
  const kept = await keep(stores, post, sender, now, { verb: 'share', ...shown(original, object.post) })
  if (kept.outcome === 'new') await seek(stores, kept.post, sender, now)
  return kept
}

const when = ({ published, updated }: Pick<Activity, 'published' | 'updated'>) => ({
  ...(published ? { published } : {}),
  ...(updated ? { updated } : {})
})

function sharing({ activityUrl, atomUrl, conversation, inReplyTo, published, title, updated, url, ...looks }: Post): Omit<Post, 'id'> {
  return looks
}

type Original = { post: KeptPost; author: Actor }

/** The original if we have it from the author who is named; of a share, what that shares (X2). */
async function findOriginal({ actors, history }: Stores, told: Post): Promise<Original | undefined> {
  const found = (await history.findByUri(told.id)) ?? (await history.findByActivityUrl(told.id))
  const by = found && (await actors.find(found.authorId))
  if (found === undefined || by === undefined || !isAt(told.author?.ids[0], by)) return undefined
  const post = found.verb === 'share' && found.sharedId !== undefined ? await history.find(found.sharedId) : found
  const author = post && (await actors.find(post.authorId))
  return post && author && { post, author }
}

/** The original, else what the sharer tells of it, which proves nothing (X2). */
const shown = (original: Original | undefined, told: Post): Pick<NewPost, 'sharedId' | 'quoted'> =>
  original === undefined ? { quoted: quotation(told) } : { sharedId: original.post.id }

function quotation(post: Post): Quoted {
  const { author } = post
  const html = sanitizeHtml(post.html, post.url === undefined ? {} : { base: post.url })
  const name = author?.displayName ?? author?.username
  return {
    html,
    ...(isName(post.id) ? { uri: post.id } : {}),
    ...(post.url ? { url: post.url } : {}),
    ...(isName(post.atomUrl) ? { entryUrl: post.atomUrl } : {}),
    ...titled(post, html),
    ...(author?.ids[0] ? { authorUri: author.ids[0] } : {}),
    ...(name ? { authorName: name.slice(0, 200) } : {}),
    ...(author?.url ? { authorUrl: author.url } : {})
  }
}

/** An entry of somebody else in the sender's feed counts as a share by the sender, never as the other's own word (X9, I18). */
export async function copy(stores: Stores, { actor, object, verb }: Activity, sender: Sender, now: Date): Promise<Received> {
  const isFeed = sender.via === 'feed' || sender.via === 'push'
  if (!isFeed || verb !== 'post' || object.type !== 'post') return { outcome: 'refused' }
  const told = { ...object.post, ...(actor ? { author: actor } : {}) }
  const post = { ...sharing(told), ...when(told), id: `copy:${sender.actor.id}:${told.id}` }
  return keep(stores, post, sender, now, { verb: 'share', ...shown(await findOriginal(stores, told), told) })
}

/** Only the author's own post dies, and it stays dead whatever comes later, under either of its ids (X4, X13, S12). */
export async function remove({ history }: Stores, { id, object }: Activity, { actor }: Sender, now: Date): Promise<Received> {
  const uri = object.type === 'post' ? object.post.id : id
  if (!isName(uri)) return { outcome: 'ignored' }
  const rightful = isRightful(uri, actor)
  const others = rightful ? (['post', 'share'] as const).flatMap(kind => activityIdOf(uri, actor, kind) ?? []) : []
  const own = await history.findTwin(actor.id, [uri, ...others])
  // whoever could not have said it cannot take it back: no stone is laid on somebody else's post
  const foreign = own === undefined && (await history.isStolen({ uri, authorId: actor.id, rightful }))
  if (foreign) return { outcome: 'refused' }
  const post = await history.remove(actor.id, own?.uri ?? uri, now)
  if (own === undefined) for (const other of others) await history.remove(actor.id, other, now)
  await history.undoActs(actor.id, uri)
  return post === undefined ? { outcome: 'noted' } : { outcome: 'removed', post }
}

/** The share is gone as a post of the sharer's, and counts no more for what was shared (X2). */
export async function unshare(stores: Stores, activity: Activity, sender: Sender, now: Date): Promise<Received> {
  const removed = isName(activity.id) ? await remove(stores, { ...activity, object: { type: 'nothing' } }, sender, now) : undefined
  const noted = await note(stores, activity, sender, now, true)
  return removed?.outcome === 'removed' ? removed : noted
}
