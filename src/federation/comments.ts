/** One thread under a blog post, from every network, as everybody may read it (interface.md 4). */
import type { Person, Toot } from '../model/blog.ts'
import { BadMessage } from '../model/errors.ts'
import type { Actor, KeptPost, Shown } from '../model/kept.ts'
import { networkOf } from '../model/network.ts'
import { sanitizeKept } from '../protocol/sanitize.ts'
import { readWebAddress } from '../protocol/web-address.ts'
import type { Tools } from '../tools.ts'
import { arrange, comparePlaces, findSubject, gatherUnder, type Item, type Place, type Subject } from './gather.ts'
import { knowPeople, namesOf } from './moderate.ts'
import { findPictures } from './show-pictures.ts'
import { wakeThread } from './toot-thread.ts'

/** Somebody. `handle` is user@host; `url` http(s); `avatar` an address of ours. */
export type Face = { name: string; handle?: string; url?: string; avatar?: string }

/** `html` is sanitised, `warning` plain text; `updated` only when it was edited; `inReplyTo`: the id of another comment. */
export type Comment = {
  id: string
  url?: string
  author: Face
  published: Date
  updated?: Date
  html: string
  warning?: string
  language?: string
  inReplyTo?: string
  network: 'local' | 'ostatus' | 'activitypub' | 'mastodon'
}

export type Counts = { replies: number; likes: number; shares: number }

/** `post`: our page of it; `toot`: its page on the owner's Mastodon server; `next`: where the next page begins. */
export type Conversation = {
  url: string
  counts: Counts
  comments: Comment[]
  faces: { likes: Face[]; shares: Face[] }
  links: { post?: string; toot?: string }
  next?: string
}

/** Comments of one page, in answers and on pages. */
export const PAGE = 200
const MOST_FACES = 60

/**
 * What was said under a page: public, not hidden, not waiting for the owner, not by anybody blocked; each once, in order. The server
 * of the toot is asked soon, by a job, if that was not done lately; the answer never waits for it.
 * @param about what `findSubject` found, or an address for it
 * @param after `next` of the page before @throws BadMessage `cursor`, and whatever `findSubject` throws
 */
export async function conversation(tools: Tools, about: Subject | string, after?: string): Promise<Conversation> {
  const from = after === undefined ? undefined : readPlace(after)
  const subject = typeof about === 'string' ? await findSubject(tools, about) : about
  const { post, toot, url } = subject
  const [items, people] = await Promise.all([gatherUnder(tools, subject), whoReacted(tools, post, toot), toot && wakeThread(tools, toot)])
  const all = arrange(items, isForAll)
  const rest = from === undefined ? all : all.filter(({ place }) => comparePlaces(place, from) > 0)
  const page = rest.slice(0, PAGE)
  const comments = page.map(({ item, parent }) => commentOf(item, parent))
  const faces = { likes: people.likes.faces.slice(0, MOST_FACES), shares: people.shares.faces.slice(0, MOST_FACES) }
  await showPictures(tools, [...comments.map(({ author }) => author), ...faces.likes, ...faces.shares])
  const last = page.at(-1)
  return {
    ...{ url, counts: countsOf(all.length, people), comments, faces },
    links: { ...(post ? { post: post.uri } : {}), ...(toot?.tootUrl ? { toot: toot.tootUrl } : {}) },
    ...(rest.length > PAGE && last !== undefined ? { next: writePlace(last.place) } : {})
  }
}

/** How much was said and done, for lists of posts (W34). @throws as `conversation` */
export async function countConversation(tools: Tools, about: Subject | string): Promise<Counts> {
  const subject = typeof about === 'string' ? await findSubject(tools, about) : about
  const [items, people] = await Promise.all([gatherUnder(tools, subject), whoReacted(tools, subject.post, subject.toot)])
  return countsOf(items.filter(isForAll).length, people)
}

/** Addresses of what everybody may read under a post of ours, in order, as the `replies` collection lists them (S3-29, W27). */
export type Answers = { total: number; addresses: string[]; next?: string }

/** @param after `next` of the page before @throws BadMessage `cursor` */
export async function listAnswers(tools: Tools, post: KeptPost, after?: string): Promise<Answers> {
  const from = after === undefined ? undefined : readPlace(after)
  const entry = await tools.blogs.findEntryByPost(post.id)
  const toot = entry && (await tools.toots.find(entry.key))
  const all = arrange(await gatherUnder(tools, { url: post.uri, post, ...(toot ? { toot } : {}) }), isForAll)
  const rest = from === undefined ? all : all.filter(({ place }) => comparePlaces(place, from) > 0)
  const page = rest.slice(0, PAGE)
  const last = page.at(-1)
  return {
    ...{ total: all.length, addresses: page.flatMap(({ item }) => addressOf(item) ?? []) },
    ...(rest.length > PAGE && last !== undefined ? { next: writePlace(last.place) } : {})
  }
}

/** The ActivityPub id before all others: who crawls a thread can read nothing else. */
function addressOf({ what }: Item): string | undefined {
  const names = 'answer' in what ? [what.answer.uri, what.answer.url] : [what.post.activityUrl, what.post.uri, what.post.url]
  return names.map(webAddress).find(address => address !== undefined)
}

/** Who likes and shares a post of ours, on whatever network, and how many there are. */
export async function reactionsTo(tools: Tools, post: Shown): Promise<Reacted> {
  const entry = await tools.blogs.findEntryByPost(post.id)
  const people = await whoReacted(tools, post, entry && (await tools.toots.find(entry.key)))
  for (const some of [people.likes, people.shares]) some.faces = some.faces.slice(0, MOST_FACES)
  await showPictures(tools, [...people.likes.faces, ...people.shares.faces])
  return people
}

/** Whether everybody may read it. */
export const isForAll = ({ isOpen, standing }: Item): boolean => isOpen && standing === 'shown'

const countsOf = (replies: number, { likes, shares }: Reacted): Counts => ({ replies, likes: likes.count, shares: shares.count })

/** A place as it stands in an address. */
export const writePlace = ({ second, depth, id }: Place): string => `${second}.${depth}.${id}`

/** @throws BadMessage `cursor` */
export function readPlace(text: string): Place {
  const [, second, depth, id] = /^(-?\d{1,12})\.(\d{1,6})\.([\w-]{1,64})$/.exec(text) ?? []
  if (second === undefined || depth === undefined || id === undefined)
    throw new BadMessage('There is no such page: `after` is not one of ours.', { code: 'cursor' })
  return { second: Number(second), depth: Number(depth), id }
}

/** What one comment tells everybody: cleaned once more as the last step (X41). The avatar is still the address elsewhere. */
export function commentOf({ id, what }: Item, parent?: string): Comment {
  const told =
    'post' in what ? toldByPost(what.post) : { ...what.answer, network: 'mastodon' as const, author: faceOfPerson(what.answer.person) }
  const { author, html, language, network, published, updated } = told
  const url = webAddress(told.url)
  return {
    ...{ id, author, published, html: sanitizeKept(html), network },
    ...(url === undefined ? {} : { url }),
    ...(updated === undefined ? {} : { updated }),
    ...('warning' in told && told.warning !== undefined ? { warning: told.warning } : {}),
    ...(isLanguage(language) ? { language } : {}),
    ...(parent === undefined ? {} : { inReplyTo: parent })
  }
}

/** A language tag (BCP 47), as far as browsers need it. */
export const isLanguage = (tag: string | undefined): tag is string => /^[a-z]{2,3}(-[a-z\d]{1,8})*$/i.test(tag ?? '')

/** Many a feed dates each post as updated a moment after it was published. */
export const isEdited = ({ edits, publishedAt, updatedAt }: Pick<KeptPost, 'edits' | 'publishedAt' | 'updatedAt'>): boolean =>
  edits > 0 || updatedAt.getTime() - publishedAt.getTime() > 60_000

function toldByPost(post: Shown) {
  const { author, html, language, publishedAt, updatedAt, uri, url = uri, warning } = post
  const updated = isEdited(post) ? updatedAt : undefined
  return { author: faceOf(author), html, language, network: networkOfComment(author), published: publishedAt, updated, url, warning }
}

/** A feed of which no more is known counts as OStatus, as Atom is its half (docs/protocols/conversation.md). */
function networkOfComment(author: Actor): Comment['network'] {
  const network = networkOf(author)
  return network === 'feed' ? 'ostatus' : network
}

function faceOf({ acct, avatar, displayName, uri, url = uri, username }: Actor): Face {
  return face(displayName?.trim() || username || acct || uri, acct, url, avatar?.url)
}

const faceOfPerson = ({ avatar, handle, name, url }: Person): Face => face(name.trim() || handle, handle, url, avatar)

function face(name: string, handle: string | undefined, url: string | undefined, avatar: string | undefined): Face {
  const [page, picture] = [webAddress(url), webAddress(avatar)]
  return {
    name: plain(name),
    ...(handle === undefined ? {} : { handle: plain(handle) }),
    ...(page === undefined ? {} : { url: page }),
    ...(picture === undefined ? {} : { avatar: picture })
  }
}

/** Names are strangers' text: no signs that steer, turn the direction of what follows, or never end (X42). */
const plain = (name: string): string =>
  name
    .slice(0, 400)
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
    .slice(0, 200)
    .toWellFormed()

/** An address that may be followed: http(s), and nothing that runs. */
function webAddress(text: string | undefined): string | undefined {
  const url = readWebAddress(text)
  return url?.username === '' && url.password === '' ? url.href : undefined
}

/** Pictures of others come from here, by the id of a row (X25): no visitor's browser asks a third party (W36). */
async function showPictures(tools: Tools, faces: Face[]): Promise<void> {
  const ids = await findPictures(
    tools,
    faces.map(({ avatar }) => avatar)
  )
  for (const one of faces) {
    const id = ids.get(one.avatar ?? '')
    if (id === undefined) delete one.avatar
    else one.avatar = `${tools.addresses.origin}/media/${id}`
  }
}

export type Reacted = Record<'likes' | 'shares', { faces: Face[]; count: number }>
type Reaction = { verb: 'favourite' | 'share'; names: string[]; face: Face }

/**
 * Who likes and shares it, each person once over all networks, the blocked left out; and how many more the server of the toot has
 * counted than it has named, less by the part of the blocked among the named.
 */
async function whoReacted(tools: Tools, post: KeptPost | undefined, toot: Toot | undefined): Promise<Reacted> {
  const { acts, answers } = tools
  const [here, there] = await Promise.all([post ? acts.peopleOf(post) : [], toot ? answers.reactions(toot.key) : []])
  const told: Reaction[] = [
    ...here.map(({ person, verb }) => ({ verb, names: namesOf(person), face: faceOf(person) })),
    ...there.map(({ person, verb }) => ({ verb, names: [`acct:${person.handle}`, person.uri], face: faceOfPerson(person) }))
  ]
  const known = await knowPeople(
    tools,
    told.map(({ names }) => names)
  )
  const allowed = new Set(told.filter((_, index) => !known[index]!.isBlocked))
  const reacted = (verb: Reaction['verb'], counted: number) => {
    const faces = eachOnce([...allowed].filter(one => one.verb === verb))
    const named = told.slice(here.length).filter(one => one.verb === verb)
    // of those whom the server does not name as many are let in as of those whom it does
    const unnamed = Math.max(0, counted - named.length)
    const share = named.length === 0 ? 1 : named.filter(one => allowed.has(one)).length / named.length
    return { faces, count: faces.length + Math.round(unnamed * share) }
  }
  return { likes: reacted('favourite', toot?.favourites ?? 0), shares: reacted('share', toot?.shares ?? 0) }
}

function eachOnce(reactions: Reaction[]): Face[] {
  const seen = new Set<string>()
  return reactions.flatMap(({ face, names }) => {
    const isNew = names.every(name => !seen.has(name))
    for (const name of names) seen.add(name)
    return isNew ? [face] : []
  })
}
