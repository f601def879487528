/** What a test does with the stand-in for Mastodon, in its own process or over `/_control`. */
import type { Account, Status, Visibility } from './mastodon-api-entities.ts'
import { type Failure, type Faults, fits, type Where } from './mastodon-api-faults.ts'
import { accountOf, mentionsIn, statusOf } from './mastodon-api-views.ts'
import type { Asked, Post, Settings, World } from './mastodon-api-world.ts'

/** A toot that came by the API. `repeats`: requests with its Idempotency-Key that were answered by it; `gone`: deleted since. */
export type Made = { status: Status; request: Asked; repeats: Asked[]; edits: Asked[]; gone: boolean }

/** `as`: `ann` lives here, `bob@other.example` elsewhere. `text` is plain, `html` goes out as it is. The author of `to` is mentioned. */
export type Reply = {
  to: string
  as: string
  visibility?: Visibility
  spoiler?: string
  language?: string
  at?: string
  uri?: string
  url?: string
} & Words
export type Words = { text: string; html?: undefined } | { html: string; text?: undefined }

export type Controls = {
  /** Answers the next request so, and does nothing. */
  fail(next: Failure): void
  /** Waits before it does anything; 0 ends it. */
  slow(ms: number, where?: Where): void
  /** Accepts, does nothing, never answers: all requests until `calm`, unless `times` tells. */
  silent(where?: Where): void
  /** Cuts the line, and does nothing. */
  drop(where?: Where): void
  /** Makes the status, then cuts the line. The next POST of a status, unless told. */
  cut(where?: Where): void
  /** Makes the status, answers after `ms`. The next POST of a status, unless told. */
  late(ms: number, where?: Where): void
  /** No more faults. */
  calm(): void
  /** Puts the clock forward. */
  pass(ms: number): void
  /** An hour has passed for every Idempotency-Key, and for nothing else. */
  forgetIdempotency(): void
  change(settings: Partial<Omit<Settings, 'publicOrigin'>>): void
  /** A token without OAuth, for the owner with `read write` unless told. @returns its value */
  grant(scopes?: string, as?: string): string
  /** 401 `The access token was revoked` from now on; every token, unless told. */
  revoke(token?: string): void
  /** Who it is, made when new; `changes` go over what the entity would show. */
  account(acct: string, changes?: Partial<Account>): Account
  /** @returns the id of the reply */
  reply(reply: Reply): string
  editReply(id: string, words: Words): void
  /** Removes any status, as its author or a moderator would. */
  deleteReply(id: string): void
  /** @param on false takes it back */
  favourite(id: string, as: string, on?: boolean): void
  boost(id: string, as: string, on?: boolean): void
  /** All that were made by POST /api/v1/statuses, the oldest first; those of `reply` are not among them. */
  statuses(): Made[]
  /** Every request, the oldest first, in its order of arrival. */
  requests(where?: Where): Asked[]
  /** Waits until so many have come, before they are answered. */
  arrived(where: Where, count?: number): Promise<Asked[]>
}

export function makeControls(world: World, faults: Faults): Controls {
  const { fail, slow, silent, drop, cut, late, calm } = faults
  const granted = world.addApp({ name: 'By hand', website: null, redirectUris: [], scopes: [] })
  const requests = (where: Where = {}) => world.requests.filter(asked => fits(where, asked))
  return {
    ...{ fail, slow, silent, drop, cut, late, calm },
    ...makeThreads(world),
    requests,
    pass: world.pass,
    forgetIdempotency: () => world.keys.clear(),
    change: settings => void Object.assign(world.settings, settings),
    grant: (scopes = 'read write', as) =>
      world.addToken({ app: granted, person: as === undefined ? world.owner() : world.person(as), scopes: scopes.split(' ') }).value,
    revoke(value) {
      for (const token of world.tokens.values()) if (value === undefined || token.value === value) token.revoked = true
    },
    account(acct, changes = {}) {
      const person = world.person(acct)
      Object.assign(person.changes, changes)
      return accountOf(world, person)
    },
    statuses: () =>
      world.births.map(({ post, ...birth }) => ({ ...birth, status: statusOf(world, post, post.author), gone: post.gone ?? false })),
    arrived: (where, count = 1) =>
      new Promise(done => {
        const look = () => {
          if (requests(where).length < count) return
          world.watchers.delete(look)
          done(requests(where))
        }
        world.watchers.add(look)
        look()
      })
  }
}

/** What other people do. @throws Error for a status that nobody knows */
function makeThreads(world: World): Pick<Controls, 'reply' | 'editReply' | 'deleteReply' | 'favourite' | 'boost'> {
  const find = (id: string): Post => {
    const post = world.posts.get(id)
    if (!post || post.gone) throw new Error(`There is no status ${id}.`)
    return post
  }
  return {
    reply({ to, as, text = '', html, visibility = 'public', spoiler = '', language = 'en', at, uri, url }) {
      const parent = find(to)
      const post = world.addPost({
        ...{ parent, text, visibility, spoiler, language, sensitive: !!spoiler },
        author: world.person(as),
        mentions: [...new Set([parent.author, ...mentionsIn(world, text)])],
        ...(html === undefined ? {} : { html }),
        ...(at === undefined ? {} : { at: new Date(at) }),
        ...(uri === undefined ? {} : { uri }),
        ...(url === undefined ? {} : { url })
      })
      return post.id
    },
    editReply(id, { text = '', html }) {
      const post = find(id)
      Object.assign(post, { text, edited: new Date(world.now()) })
      delete post.html
      if (html !== undefined) post.html = html
    },
    deleteReply(id) {
      find(id).gone = true
    },
    favourite(id, as, on = true) {
      const [post, person] = [find(id), world.person(as)]
      const at = world.favourites.findIndex(each => each.post === post && each.person === person)
      if (on && at < 0) world.favourites.push({ id: world.nextSerial(), post, person })
      if (!on && at >= 0) world.favourites.splice(at, 1)
    },
    boost(id, as, on = true) {
      const [boosted, author] = [find(id), world.person(as)]
      const found = [...world.livePosts()].find(each => each.boosted === boosted && each.author === author)
      if (found && !on) found.gone = true
      if (!found && on)
        world.addPost({ boosted, author, text: '', spoiler: '', sensitive: false, visibility: 'public', language: null, mentions: [] })
    }
  }
}
