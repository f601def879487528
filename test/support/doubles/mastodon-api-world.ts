/** What the stand-in for Mastodon remembers: people, posts, applications, tokens, and every request. Its clock can be put forward. */
import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Account, Visibility } from './mastodon-api-entities.ts'

export type Settings = {
  /** Addresses in entities begin with it; left out, where the server listens. */
  publicOrigin?: string
  /** Scopes that an application may register; older servers knew fewer. */
  knownScopes: string[]
  /** Before 4.3: no metadata, no PKCE, fewer fields of an application. */
  old: boolean
  maxCharacters: number
  charactersPerUrl: number
  /** Requests to /api in five minutes, per account or address; above that 429. */
  rateLimit: number
}

/** A request, as it came. `body` is text; `status` what was answered, left out while or when nothing was. */
export type Asked = { at: string; method: string; path: string; query: string; headers: IncomingHttpHeaders; body: string; status?: number }

export type Person = { id: string; username: string; host?: string; since: Date; changes: Partial<Account> }

export type Post = {
  id: string
  author: Person
  /** What was typed; `html` instead of it for those who send HTML. */
  text: string
  html?: string
  spoiler: string
  sensitive: boolean
  visibility: Visibility
  language: string | null
  at: Date
  edited?: Date
  mentions: Person[]
  parent?: Post
  boosted?: Post
  application?: App
  uri?: string
  url?: string
  gone?: true
}

export type App = {
  id: string
  name: string
  website: string | null
  redirectUris: string[]
  scopes: string[]
  key: string
  secret: string
}
/** `person` is left out for a token of the application alone. */
export type Token = { value: string; app?: App; person?: Person; scopes: string[]; at: Date; revoked?: true }
export type Code = { app: App; person: Person; redirectUri: string; scopes: string[]; challenge: string; at: number }
/** What a request made: one that bore the same Idempotency-Key is a repeat. */
export type Birth = { post: Post; request: Asked; repeats: Asked[]; edits: Asked[] }

export type World = ReturnType<typeof makeWorld>

const digest = () => randomBytes(32).toString('base64url')

/** @param owner name of the account that tokens are given for */
export function makeWorld(settings: Settings, owner: string) {
  let ahead = 0
  let lastId = 0n
  let serial = 1000
  let origin = settings.publicOrigin ?? ''
  const now = () => Date.now() + ahead
  /** As Mastodon's snowflakes: milliseconds and 16 bits, 18 digits. Odd, so that a JSON number never holds one. */
  const nextId = () => {
    const id = (BigInt(now()) << 16n) + BigInt(randomBytes(2).readUInt16BE() | 1)
    lastId = id > lastId ? id : lastId + 2n
    return String(lastId)
  }
  const people = new Map<string, Person>()

  const keyOf = (acct: string) =>
    acct
      .replace(/^@/, '')
      .replace(`@${new URL(origin).host}`, '')
      .toLowerCase()
  const find = (acct: string): Person | undefined => people.get(keyOf(acct))

  /** Who lives at another host, or here when none is named or ours; made when first named. */
  function person(acct: string): Person {
    const [username = '', host] = acct
      .replace(/^@/, '')
      .replace(`@${new URL(origin).host}`, '')
      .split('@')
    const found = find(acct) ?? { id: nextId(), username, ...(host ? { host } : {}), since: new Date(now()), changes: {} }
    people.set(keyOf(acct), found)
    return found
  }

  return {
    settings,
    people,
    posts: new Map<string, Post>(),
    favourites: [] as { id: string; post: Post; person: Person }[],
    apps: new Map<string, App>(),
    codes: new Map<string, Code>(),
    tokens: new Map<string, Token>(),
    /** By account and key, as Mastodon keeps them. */
    keys: new Map<string, { birth: Birth; at: number }>(),
    births: [] as Birth[],
    requests: [] as Asked[],
    /** Called after each request that comes in. */
    watchers: new Set<() => void>(),
    now,
    nextId,
    nextSerial: () => String(++serial),
    person,
    find,
    owner: () => person(owner),
    origin: () => origin,
    host: () => new URL(origin).host,
    /** To be called once it is known where the server listens. */
    settle(listening: string) {
      origin ||= listening
      person(owner)
    },
    pass(ms: number) {
      ahead += ms
    },
    note(asked: Asked) {
      this.requests.push(asked)
      for (const look of this.watchers) look()
    },
    addApp(app: Omit<App, 'id' | 'key' | 'secret'>): App {
      const made = { ...app, id: String(++serial), key: digest(), secret: digest() }
      this.apps.set(made.key, made)
      return made
    },
    addCode(code: Omit<Code, 'at'>): string {
      const value = digest()
      this.codes.set(value, { ...code, at: now() })
      return value
    },
    addToken(token: Omit<Token, 'value' | 'at'>): Token {
      const made = { ...token, value: digest(), at: new Date(now()) }
      this.tokens.set(made.value, made)
      return made
    },
    addPost(post: Omit<Post, 'id' | 'at'> & { at?: Date }): Post {
      const made = { at: new Date(now()), ...post, id: nextId() }
      this.posts.set(made.id, made)
      return made
    },
    livePosts: function* (this: { posts: Map<string, Post> }) {
      for (const post of this.posts.values()) if (!post.gone && !post.boosted?.gone) yield post
    }
  }
}
