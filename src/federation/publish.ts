/** To publish: a post of one of our accounts is kept together with the work of telling everybody of it. */
import type { Addresses } from '../model/addresses.ts'
import { BadMessage, Missing, Refused } from '../model/errors.ts'
import { newId } from '../model/ids.ts'
import type { Account, KeptPost, Shown } from '../model/kept.ts'
import { linkHashtags } from '../protocol/hashtags.ts'
import { htmlToText, sanitizeHtml, textToHtml } from '../protocol/sanitize.ts'
import type { NewPost, Stores, Tools } from '../tools.ts'
import { answeredPeople, requireReach, visibilityOfAnswer } from './direct.ts'
import { fetchMeant } from './fetch-missing.ts'
import { findPost } from './find-post.ts'
import { findMentioned, linkMentions, type Mentioned, mentionsIn, stillLinked } from './mentions.ts'
import { removeIn } from './remove-post.ts'

const LONGEST = 50_000

/** `warning`: what is shown before it is opened; empty for none. `language`: a tag (BCP 47). */
export type Draft = { text?: string; html?: string; title?: string; warning?: string; replyTo?: string; language?: string }

/**
 * Publishes a note, or an article when it has a title. Who is mentioned in it is looked up, linked and told of it. What answers a
 * post that is not for everybody is told to its author and to whom it mentions alone.
 * @throws BadMessage when there is nothing in it, or too much; Missing when what it answers is neither known here nor found at
 * its address; Unreachable as `fetchMeant`; Refused when it is for
 * somebody alone who cannot be told
 */
export async function publish(tools: Tools, account: Account, draft: Draft): Promise<KeptPost> {
  const { addresses, clock, transaction } = tools
  const body = bodyOf(draft)
  const mentioned = await findMentioned(tools, body.html)
  if (draft.replyTo !== undefined) await fetchMeant(tools, draft.replyTo)
  const now = clock()
  const id = newId(now.getTime())
  const uri = addresses.post(account.localName, id)
  return transaction(async stores => {
    const parent = draft.replyTo === undefined ? undefined : await answered(stores, addresses, draft.replyTo)
    const visibility = visibilityOfAnswer(parent)
    const mentions = allBut(account, [...answeredPeople(account, parent), ...urisOf(mentioned)])
    if (visibility === 'direct') await requireReach(stores, account, mentions)
    const post: NewPost = {
      ...{ ...body, ...linkHashtags(linkMentions(body.html, mentioned), addresses.tag), id, uri, authorId: account.id },
      ...{ verb: 'post', kind: kindOf(body.title, parent), url: uri, entryUrl: `${uri}.atom` },
      ...{ publishedAt: now, updatedAt: now, sortedAt: now, mentions, enclosures: [] },
      ...{ visibility, sensitive: body.warning !== undefined, rightful: true },
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

/** Nobody is told of what they do themselves. */
const allBut = ({ uri }: Account, people: string[]): string[] => [...new Set(people)].filter(person => person !== uri)

const urisOf = (people: Mentioned): string[] => [...people.values()].map(person => person.uri)

const kindOf = (title: string | undefined, parent: KeptPost | undefined) => (parent ? 'comment' : title ? 'article' : 'note')

/** What is answered, with its author; of a share the shared post. */
async function answered(stores: Stores, addresses: Addresses, name: string): Promise<Shown> {
  const { id } = await findPost(stores, addresses, name)
  const post = await stores.timelines.one(id)
  const original = post?.verb === 'share' ? post.shared : post
  if (original === undefined) throw new Missing('The post that was shared is not kept here.')
  return original
}

const htmlOf = ({ html, text = '' }: Draft): string => sanitizeHtml(html ?? textToHtml(text))

/** The text of which a post of ours was made; undefined when it was made of HTML, or holds more than text by now. */
export function typedText({ addresses }: Pick<Tools, 'addresses'>, html: string): string | undefined {
  const text = htmlToText(html)
  return linkHashtags(htmlOf({ text }), addresses.tag).html === html ? text : undefined
}

/** The mentions in a draft that lead to nobody. It asks strangers for those who are not known yet. */
export async function findUnknownMentions(tools: Tools, draft: Draft): Promise<string[]> {
  const html = htmlOf(draft)
  const found = await findMentioned(tools, html)
  return mentionsIn(html).filter(name => !found.has(name))
}

function bodyOf(draft: Draft): Pick<NewPost, 'html' | 'text' | 'title' | 'warning'> {
  const html = htmlOf(draft)
  const text = htmlToText(html)
  if (text.trim() === '' && !draft.title?.trim()) throw new BadMessage('There is nothing in this post.', { code: 'empty' })
  if (html.length > LONGEST) throw new BadMessage(`A post has at most ${LONGEST} characters.`, { status: 413, code: 'too_long' })
  const [title, warning] = [draft.title, draft.warning].map(line => line?.trim().slice(0, 500))
  return { html, text, ...(title ? { title } : {}), ...(warning ? { warning } : {}) }
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
export async function edit(tools: Tools, account: Account, { id, verb }: KeptPost, draft: Draft): Promise<KeptPost> {
  if (verb === 'share') throw new Refused('A share has no text of its own.')
  const mentioned = await findMentioned(tools, htmlOf(draft))
  return tools.transaction(async stores => {
    const post = await stores.history.lock(id)
    if (post === undefined || post.deletedAt !== undefined) throw new Missing('The post was deleted.', { status: 410, code: 'gone' })
    const { title, warning, ...rest } = post
    const kept = { ...(draft.text === undefined ? { html: post.html } : {}), ...(title ? { title } : {}), ...(warning ? { warning } : {}) }
    const body = bodyOf({ ...kept, ...draft })
    const { html, tags: written } = linkHashtags(linkMentions(body.html, mentioned), tools.addresses.tag)
    const tags = [...new Set([...otherTags(post, tools.addresses.tag), ...written])]
    const mentions = allBut(account, [...(await stillMentioned(stores, post, html)), ...urisOf(mentioned)])
    const added = mentions.filter(uri => !post.mentions.includes(uri))
    if (post.visibility === 'direct' && added.length > 0) await requireReach(stores, account, added)
    const now = new Date(Math.max(tools.clock().getTime(), post.updatedAt.getTime() + 1000))
    const sensitive = body.warning !== undefined || (post.sensitive && warning === undefined)
    const next = { ...rest, ...body, html, tags, mentions, sensitive, updatedAt: now, rightful: true }
    const edited = await stores.history.edit(post, next, now)
    if (edited.outcome !== 'edited') return post
    await stores.queue.add('post.announce', { post: id, act: 'update' })
    await stores.changes.tell(`account:${account.localName}`)
    return edited.post
  })
}

/** Of those who were mentioned, the author of what is answered, and whom the new text still links to; of those who alone had it, all. */
async function stillMentioned(stores: Stores, { mentions, parentId, visibility }: KeptPost, html: string): Promise<string[]> {
  if (visibility === 'direct') return mentions
  const parent = parentId === undefined ? undefined : await stores.timelines.one(parentId)
  return [...mentions.filter(uri => uri === parent?.author.uri), ...(await stillLinked(stores, mentions, html))]
}

/** Tags that a post has otherwise than by its text, from the blog's feed: they stay. */
function otherTags({ html, tags }: KeptPost, addressOf: (tag: string) => string): string[] {
  const written = linkHashtags(html, addressOf).tags
  return tags.filter(tag => !written.includes(tag))
}

/** Deletes a post of ours: its page answers 410 from now on, and everybody who got it is told. */
export async function remove({ addresses, clock, transaction }: Tools, account: Account, post: KeptPost): Promise<void> {
  await transaction(async stores => {
    await stores.topics.lock(addresses.feed(account.localName))
    await removeIn(stores, account, post, clock())
  })
}
