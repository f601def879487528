/** To publish: a post of one of our accounts is kept together with the work of telling everybody of it. */
import { BadMessage, Missing, Refused } from '../model/errors.ts'
import { newId } from '../model/ids.ts'
import type { Account, KeptPost } from '../model/kept.ts'
import { htmlToText, sanitizeHtml, textToHtml } from '../protocol/sanitize.ts'
import type { NewPost, Stores, Tools } from '../tools.ts'

const LONGEST = 50_000

export type Draft = { text?: string; html?: string; title?: string; replyTo?: string; language?: string }

/**
 * Publishes a note, or an article when it has a title.
 * @throws BadMessage when there is nothing in it, or too much; Missing when what it answers is not known here
 */
export async function publish({ addresses, clock, transaction }: Tools, account: Account, draft: Draft): Promise<KeptPost> {
  const body = bodyOf(draft)
  const now = clock()
  const id = newId(now.getTime())
  const uri = addresses.post(account.localName, id)
  return transaction(async stores => {
    const parent = draft.replyTo === undefined ? undefined : await answered(stores, draft.replyTo)
    const post: NewPost = {
      ...{ ...body, id, uri, authorId: account.id, verb: 'post', kind: kindOf(body.title, parent), url: uri, entryUrl: `${uri}.atom` },
      ...{ publishedAt: now, updatedAt: now, sortedAt: now, mentions: [], tags: [], enclosures: [] },
      ...{ visibility: 'public', sensitive: false, rightful: true },
      ...(parent ? { parentId: parent.id, inReplyTo: parent.uri } : {}),
      ...(parent?.url ? { inReplyToUrl: parent.url } : {}),
      ...(parent?.conversation ? { conversation: parent.conversation } : {}),
      ...(draft.language ? { language: draft.language } : {})
    }
    const kept = await stores.history.keep(post, now)
    if (kept.outcome !== 'new') throw new Error('a new id was not new')
    await stores.queue.add('post.announce', { post: id, act: 'post' })
    await stores.changes.tell(`account:${account.localName}`)
    return kept.post
  })
}

const kindOf = (title: string | undefined, parent: KeptPost | undefined) => (parent ? 'comment' : title ? 'article' : 'note')

async function answered({ history }: Stores, name: string): Promise<KeptPost> {
  const post = (await history.findByUri(name)) ?? (await history.findByAddress(name))
  if (post === undefined || post.deletedAt !== undefined) throw new Missing('The post that this answers is not known here.')
  return post
}

function bodyOf(draft: Draft): Pick<NewPost, 'html' | 'text' | 'title'> {
  const html = sanitizeHtml(draft.html ?? textToHtml(draft.text ?? ''))
  const text = htmlToText(html)
  if (text.trim() === '' && !draft.title?.trim()) throw new BadMessage('There is nothing in this post.', { code: 'empty' })
  if (html.length > LONGEST) throw new BadMessage(`A post has at most ${LONGEST} characters.`, { status: 413, code: 'too_long' })
  const title = draft.title?.trim().slice(0, 500)
  return { html, text, ...(title ? { title } : {}) }
}

/** A post of ours by its id, URI or page. @throws Missing; Refused when it is somebody else's */
export async function ownPost({ history }: Pick<Tools, 'history'>, account: Account, name: string): Promise<KeptPost> {
  const post = (await history.findByUri(name)) ?? (await history.findByAddress(name)) ?? (await history.find(name))
  if (post === undefined || post.deletedAt !== undefined)
    throw new Missing('There is no such post.', post === undefined ? {} : { status: 410, code: 'gone' })
  if (post.authorId !== account.id) throw new Refused('This is somebody else’s post.')
  return post
}

/**
 * Changes a post of ours; the version before is kept, `published` and the URI stay (F7, X11). Nothing is told when nothing changed.
 * @throws BadMessage as `publish`; Missing when it was deleted
 */
export async function edit({ clock, transaction }: Tools, account: Account, { id }: KeptPost, draft: Draft): Promise<KeptPost> {
  return transaction(async stores => {
    const post = await stores.history.lock(id)
    if (post === undefined || post.deletedAt !== undefined) throw new Missing('The post was deleted.', { status: 410, code: 'gone' })
    const { title, ...rest } = post
    const body = bodyOf({ ...(draft.text === undefined ? { html: post.html } : {}), ...(title === undefined ? {} : { title }), ...draft })
    const now = new Date(Math.max(clock().getTime(), post.updatedAt.getTime() + 1000))
    const kept = await stores.history.edit(post, { ...rest, ...body, updatedAt: now, rightful: true }, now)
    if (kept.outcome !== 'edited') return post
    await stores.queue.add('post.announce', { post: id, act: 'update' })
    await stores.changes.tell(`account:${account.localName}`)
    return kept.post
  })
}

/** Deletes a post of ours: its page answers 410 from now on, and everybody who got it is told. */
export async function remove({ clock, transaction }: Tools, account: Account, post: KeptPost): Promise<void> {
  await transaction(async stores => {
    const dead = await stores.history.remove(account.id, post.uri, clock())
    if (dead === undefined) return
    await stores.queue.add('post.announce', { post: post.id, act: 'delete' })
    await stores.changes.tell(`account:${account.localName}`)
  })
}
