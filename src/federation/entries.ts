/** Our accounts and posts in the shape that the feed writers take. */
import type { PostKind, Verb } from '../model/activity.ts'
import type { Account, Actor, KeptPost, Shown } from '../model/kept.ts'
import type { AuthorOut, EntryOut, FeedHead, PostOut } from '../protocol/feed-parts.ts'
import { escapeXml } from '../protocol/xml.ts'
import type { Tools } from '../tools.ts'

export const PAGE_SIZE = 20
export const VERSION = '0.1.0'

type Needs = Pick<Tools, 'addresses' | 'config'>

/** A post with its author. */
type Written = KeptPost & { author: Actor }

export function authorOut(actor: Actor): AuthorOut {
  return {
    ...{ uri: actor.uri, name: actor.localName ?? actor.username ?? actor.displayName ?? actor.uri, page: actor.url ?? actor.uri },
    ...(actor.acct === undefined ? {} : { handle: actor.acct }),
    ...(actor.displayName === undefined ? {} : { displayName: actor.displayName }),
    ...(actor.bio === undefined ? {} : { bio: actor.bio }),
    ...(actor.avatar === undefined ? {} : { avatar: actor.avatar }),
    ...(actor.homepage === undefined ? {} : { homepage: actor.homepage }),
    ...(actor.location === undefined ? {} : { location: actor.location })
  }
}

/** Whoever an act is about, in a sentence. */
const nameOf = ({ acct, displayName, uri, username }: Actor): string => displayName?.trim() || username || acct || uri

/** A post of ours as an entry; a share only as long as what it shares is there for everybody. */
export function entryOut(post: Shown): EntryOut | undefined {
  if (post.verb === 'post') return noteOut(post)
  const { author, shared } = post
  if (shared === undefined || (shared.visibility !== 'public' && shared.visibility !== 'unlisted')) return undefined
  const entry = { ...noteOut(post), ...actOut(author, 'share', 'shared', shared), html: shared.html }
  return { ...entry, ...(shared.language === undefined ? {} : { language: shared.language }) }
}

/** An article goes out as a note with its title, since some peers drop what they do not know (F9). */
function noteOut(post: KeptPost): EntryOut {
  return {
    ...{ id: post.uri, verb: 'post', kind: noteKind(post), published: post.publishedAt, updated: post.updatedAt },
    ...{ html: post.html, mentions: post.mentions, public: post.visibility === 'public', tags: post.tags, enclosures: post.enclosures },
    ...(post.title === undefined ? {} : { title: post.title }),
    ...(post.warning === undefined ? {} : { warning: post.warning }),
    ...(post.language === undefined ? {} : { language: post.language }),
    ...(post.url === undefined ? {} : { url: post.url }),
    ...(post.entryUrl === undefined ? {} : { entryUrl: post.entryUrl }),
    ...(post.inReplyTo === undefined
      ? {}
      : { inReplyTo: { id: post.inReplyTo, ...(post.inReplyToUrl === undefined ? {} : { url: post.inReplyToUrl }) } }),
    ...(post.conversation === undefined ? {} : { conversation: post.conversation })
  }
}

const noteKind = ({ kind }: KeptPost): PostKind => (kind === 'article' ? 'note' : kind)

/** What an act says of itself, and whose post it is about: its author is mentioned, or GNU social takes no share (gnu-social.md S7). */
function actOut(actor: Actor, verb: Verb, did: string, post: Written): Pick<EntryOut, 'verb' | 'title' | 'html' | 'object' | 'mentions'> {
  const title = `${nameOf(actor)} ${did} a post by ${nameOf(post.author)}`
  const mentions = post.authorId === actor.id ? [] : [post.author.uri]
  return { verb, title, html: `<p>${escapeXml(title)}</p>`, mentions, object: { type: 'post', post: postOut(post) } }
}

/** A post that somebody else may have written, inside an act. */
function postOut(post: Written): PostOut {
  return {
    ...{ id: post.uri, kind: noteKind(post), html: post.html, author: authorOut(post.author) },
    ...{ published: post.publishedAt, updated: post.updatedAt },
    ...(post.title === undefined ? {} : { title: post.title }),
    ...(post.language === undefined ? {} : { language: post.language }),
    ...(post.url === undefined ? {} : { url: post.url })
  }
}

type Act = { id: string; at: Date }

/** An act on somebody else's post, which is public only if that is. `favourite`, or `undo` of one (X3). */
export function favouriteOut(actor: Actor, verb: 'favourite' | 'undo', post: Written, act: Act): EntryOut {
  const said = actOut(actor, verb, verb === 'undo' ? 'no longer favours' : 'favoured', post)
  return { ...bare(act), ...said, public: post.visibility === 'public' }
}

/** A follow, or its `undo`, with an id of its own each time (F8, X5). */
export function followOut(actor: Actor, verb: 'follow' | 'undo', followed: Actor, act: Act): EntryOut {
  const title = `${nameOf(actor)} ${verb === 'undo' ? 'stopped' : 'started'} following ${nameOf(followed)}`
  const object = { type: 'person', person: authorOut(followed) } as const
  return { ...bare(act), verb, title, html: `<p>${escapeXml(title)}</p>`, mentions: [followed.uri], public: true, object }
}

/** The yes to somebody who asked to follow. @param request the id of the question (X6) */
export function authorizeOut(actor: Actor, asker: Actor, request: string, act: Act): EntryOut {
  const title = `${nameOf(actor)} lets ${nameOf(asker)} follow`
  const object = { type: 'request', id: request, requester: authorOut(asker), target: authorOut(actor) } as const
  return { ...bare(act), verb: 'accept', title, html: `<p>${escapeXml(title)}</p>`, mentions: [asker.uri], public: false, object }
}

const bare = ({ at, id }: Act): Omit<EntryOut, 'verb' | 'html' | 'mentions' | 'public'> => ({
  ...{ id, kind: 'note', published: at, updated: at, tags: [], enclosures: [] }
})

/**
 * The delete of a post in the one form that every known peer obeys (X4 out): the entry bears the dead post's id.
 * @param told URIs of those who got the post by Salmon: being mentioned, they are concerned (gnu-social.md S6)
 */
export function deleteOut(post: KeptPost, told: string[]): EntryOut {
  const act = { id: post.uri, at: post.deletedAt ?? post.updatedAt }
  const object = { type: 'post', post: { id: post.uri, kind: 'note', html: '' } } as const
  return { ...bare(act), verb: 'delete', title: 'Deleted', html: '<p>Deleted</p>', mentions: told, public: true, object }
}

/** All hubs of our topics, our own first. */
export const hubsOf = ({ addresses, config }: Needs): string[] => [addresses.hub(), ...config.hubs]

/** The head of an account's feed. @param topic address of the page; the id is page one's on every page (F4) */
export function feedHead(tools: Needs, account: Account, updated: Date): FeedHead {
  const name = account.localName
  const author = authorOut(account)
  return {
    ...{ topic: tools.addresses.feed(name), title: account.displayName ?? name, updated, author, page: account.uri, hubs: hubsOf(tools) },
    ...{ salmon: tools.addresses.salmon(name), generator: { name: 'tidings', version: VERSION } },
    ...(account.bio === undefined ? {} : { subtitle: account.bio }),
    ...(account.avatar === undefined ? {} : { logo: account.avatar.url })
  }
}
