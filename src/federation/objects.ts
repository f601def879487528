/** Our accounts and posts in the shape that the writer of ActivityStreams takes: what `entries` is for feeds. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Account, Actor, KeptPost, Shown } from '../model/kept.ts'
import { type ActOut, type ActorOut, type NoteOut, type Written, writeAnnounce, writeCreate } from '../protocol/activitystreams-writer.ts'
import { keyObject } from '../protocol/magic.ts'
import { writeMultikey } from '../protocol/multikey.ts'
import { AS_PUBLIC } from '../protocol/names.ts'
import { plainText } from '../protocol/plain-text.ts'
import { hashtagName } from '../protocol/toot.ts'
import { escapeXml } from '../protocol/xml.ts'
import type { Tools } from '../tools.ts'

type Needs = Pick<Tools, 'actors' | 'addresses' | 'config' | 'timelines'>

/** Characters of the beginning of an article that its preview shows. */
const EXCERPT = 300

/** The document of an account. */
export async function actorOut({ addresses }: Pick<Tools, 'addresses'>, account: Account): Promise<ActorOut> {
  const { acct, alsoKnownAs, avatar, bio, createdAt, displayName, homepage, localName: name, magicKey, uri } = account
  return {
    ...{ uri, type: 'Person', name, handle: acct, displayName: displayName ?? name, page: uri, published: createdAt, alsoKnownAs },
    ...{ ...keysOut(keyObject(magicKey)), inbox: addresses.inbox(name), sharedInbox: addresses.sharedInbox() },
    ...{ collections: collectionsOf(addresses, name), attribution: hostsOf(addresses.origin, homepage) },
    ...(bio === undefined ? {} : { bio }),
    ...(homepage === undefined ? {} : { homepage }),
    ...(avatar === undefined ? {} : { avatar })
  }
}

const collectionsOf = ({ featured, followers, following, outbox }: Tools['addresses'], name: string) => ({
  ...{ outbox: outbox(name), followers: followers(name), following: following(name), featured: featured(name) }
})

/** Where pages by this account stand, so that `fediverse:creator` in them is believed. */
const hostsOf = (...places: (string | undefined)[]): string[] => [
  ...new Set(places.flatMap(place => URL.parse(place ?? '')?.hostname ?? []))
]

const keysOut = (key: KeyObject): Pick<ActorOut, 'pem' | 'multikey'> => ({
  pem: key.export({ type: 'spki', format: 'pem' }).toString(),
  multikey: writeMultikey(key)
})

/** The document of the node itself, in whose name others are asked (FEP-2677). Its handle is `HOST@HOST`, which no account can have. */
export async function nodeActorOut({ addresses, nodeKeys }: Pick<Tools, 'addresses' | 'nodeKeys'>): Promise<ActorOut> {
  const handle = addresses.nodeHandle()
  const inbox = addresses.sharedInbox()
  return {
    ...{
      uri: addresses.nodeActor(),
      type: 'Application',
      name: handle.split('@')[0]!,
      handle,
      displayName: 'tidings',
      page: addresses.home()
    },
    ...{ inbox, sharedInbox: inbox, collections: { outbox: `${addresses.nodeActor()}/outbox` } },
    ...keysOut(createPublicKey(await nodeKeys.privateKey()))
  }
}

/** A post of ours as a note or an article (POST_AS). Undefined for a share, and for what is not public or unlisted. */
export async function noteOut(tools: Needs, post: Shown): Promise<NoteOut | undefined> {
  return isOpen(post) ? makeNote(tools, post, await knowAround(tools, [post])) : undefined
}

/** A post of ours that is for those alone whom it mentions, as `noteOut`. It is for their inboxes, and is not served. */
export async function directOut(tools: Needs, post: Shown): Promise<NoteOut | undefined> {
  return post.visibility === 'direct' ? makeNote(tools, post, await knowAround(tools, [post])) : undefined
}

/** The share of a post, by the share's own URI. Undefined when the shared post is gone, not for everybody, or has no web address. */
export function announceOut({ addresses }: Pick<Tools, 'addresses'>, { author, publishedAt, shared, uri }: Shown): ActOut | undefined {
  if (author.localName === undefined || shared === undefined || !isOpen(shared)) return undefined
  const object = [shared.activityUrl, shared.uri, shared.url].find(isWeb)
  if (object === undefined) return undefined
  const told = shared.authorId !== author.id && isWeb(shared.author.uri) ? [shared.author.uri] : []
  const cc = [addresses.followers(author.localName), ...told]
  return { id: uri, actor: author.uri, object, to: [AS_PUBLIC[0]!], cc, published: publishedAt }
}

/** What an account did, as activities: a Create for each post, an Announce for each share. What is not for everybody is left out. */
export async function activitiesOut(tools: Needs, posts: Shown[]): Promise<Written[]> {
  const around = await knowAround(tools, posts)
  return posts.flatMap(post => {
    if (!isOpen(post)) return []
    const note = makeNote(tools, post, around)
    if (note !== undefined) return [writeCreate(note)]
    const announce = post.verb === 'share' ? announceOut(tools, post) : undefined
    return announce === undefined ? [] : [writeAnnounce(announce)]
  })
}

/** Several posts as `noteOut` gives one. */
export async function notesOut(tools: Needs, posts: Shown[]): Promise<NoteOut[]> {
  const around = await knowAround(tools, posts)
  return posts.filter(isOpen).flatMap(post => makeNote(tools, post, around) ?? [])
}

/** Who is mentioned in posts, and what they answer. */
type Around = { people: Map<string, Actor>; answered: Map<string, Shown> }

/** Two reads, however many posts there are. */
async function knowAround({ actors, timelines }: Needs, posts: Shown[]): Promise<Around> {
  const answers = posts.filter(({ parentId }) => parentId !== undefined)
  const [people, answered] = await Promise.all([
    actors.findByNames(posts.flatMap(({ mentions }) => mentions)),
    timelines.byNames(answers.flatMap(({ inReplyTo, inReplyToUrl }) => [inReplyTo, inReplyToUrl].filter(name => name !== undefined)))
  ])
  return {
    people: new Map([...people].map(([name, { actor }]) => [name, actor])),
    answered: new Map(answered.map(post => [post.id, post]))
  }
}

/** Undefined for a share, and for what is for followers: none of ours is. Who may be given a note is the caller's to know. */
function makeNote({ addresses, config }: Needs, post: Shown, around: Around): NoteOut | undefined {
  const { author, html, language, publishedAt, title, uri, visibility } = post
  if (author.localName === undefined || post.verb === 'share' || visibility === 'followers' || post.deletedAt !== undefined)
    return undefined
  const isArticle = title !== undefined && config.postAs !== 'note'
  const inReplyTo = answeredBy(post, around)
  return {
    ...{ uri, author: author.uri, followers: addresses.followers(author.localName), type: isArticle ? 'Article' : 'Note' },
    ...{ ...pagesOf(addresses, post), html, published: publishedAt, visibility },
    ...{ mentions: mentionsOf(post, around), tags: tagsOf(addresses, post), enclosures: post.enclosures, replies: addresses.replies(uri) },
    ...(title === undefined ? {} : { title }),
    ...(post.warning === undefined ? {} : { warning: post.warning }),
    ...(language !== undefined && /^[a-z]{2,3}(-[a-z\d]{1,8})*$/i.test(language) ? { language } : {}),
    ...(wasEdited(post) ? { updated: post.updatedAt } : {}),
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    ...(post.conversation === undefined ? {} : { conversation: post.conversation }),
    ...(isArticle && config.postAs === 'both' ? { preview: excerptOf(html) } : {})
  }
}

/** Its page, and the address by which others know that: on the host of the id, as many take no other (docs/decisions/0011). */
function pagesOf({ page }: Tools['addresses'], { uri, url = uri }: KeptPost): Pick<NoteOut, 'page' | 'url'> {
  return { page: url, url: hostOf(url) === hostOf(uri) ? url : page(uri) }
}

/** Another port is no other host. */
function hostOf(address: string): string {
  const { hostname = '', protocol = '' } = URL.parse(address) ?? {}
  return `${protocol}//${hostname}`
}

const isOpen = ({ visibility }: KeptPost): boolean => visibility === 'public' || visibility === 'unlisted'
const isWeb = (name: string | undefined): boolean => /^https?:\/\//i.test(name ?? '')

/** Many a feed dates each post as updated a moment after it was published. */
const wasEdited = ({ edits, publishedAt, updatedAt }: KeptPost): boolean =>
  edits > 0 || updatedAt.getTime() - publishedAt.getTime() > 60_000

/** The ActivityPub id of what is answered, which an entry read from a feed names beside its own (X13); else its address. */
function answeredBy({ inReplyTo, inReplyToUrl, parentId }: KeptPost, { answered }: Around): string | undefined {
  const parent = answered.get(parentId ?? '')
  return [parent?.activityUrl, inReplyTo, inReplyToUrl, parent?.url].find(isWeb)
}

function mentionsOf({ mentions }: KeptPost, { people }: Around): NoteOut['mentions'] {
  const found = mentions.map(name => [people.get(name)?.uri ?? name, people.get(name)?.acct] as const).filter(([uri]) => isWeb(uri))
  return [...new Map(found)].map(([uri, handle]) => ({ uri, ...(handle === undefined ? {} : { handle }) }))
}

const tagsOf = ({ tag: address }: Tools['addresses'], { tags }: KeptPost): NoteOut['tags'] =>
  [...new Set(tags.flatMap(tag => hashtagName(tag) ?? []))].map(name => ({ name, address: address(name) }))

function excerptOf(html: string): string {
  const text = plainText(html)
  const short =
    text.length > EXCERPT
      ? `${text
          .slice(0, EXCERPT)
          .toWellFormed()
          .replace(/\s+\S*$/, '')}…`
      : text
  return `<p>${escapeXml(short)}</p>`
}
