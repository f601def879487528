/** Our accounts and posts in the shape that the feed writers take. */
import type { Account, Actor, KeptPost } from '../model/kept.ts'
import type { AuthorOut, EntryOut, FeedHead } from '../protocol/feed-parts.ts'
import type { Tools } from '../tools.ts'

export const PAGE_SIZE = 20
export const VERSION = '0.1.0'

type Needs = Pick<Tools, 'addresses' | 'config'>

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

/** A post of ours as an entry. An article goes out as a note with its title, since some peers drop what they do not know (F9). */
export function entryOut(post: KeptPost): EntryOut {
  return {
    ...{
      id: post.uri,
      verb: 'post',
      kind: post.kind === 'article' ? 'note' : post.kind,
      published: post.publishedAt,
      updated: post.updatedAt
    },
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

/** The delete of a post in the one form that every known peer obeys (X4 out): the entry bears the dead post's id. */
export function deleteOut(post: KeptPost): EntryOut {
  const at = post.deletedAt ?? post.updatedAt
  return {
    ...{ id: post.uri, verb: 'delete', kind: 'note', published: at, updated: at, title: 'Deleted', html: '<p>Deleted</p>' },
    ...{ mentions: [], public: true, tags: [], enclosures: [], object: { type: 'post', post: { id: post.uri, kind: 'note', html: '' } } }
  }
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
