/** What the templates of the owner's pages are given. */
import type { OldImport } from '../model/blog.ts'
import type { CheckView } from './checks.ts'
import type { SettingsView, SettingView } from './settings-list.ts'
import type { PlaceView, TimeView } from './shown.ts'

/**
 * `next`: the path of ours where one goes on. `token`: of a link that holds; `dead`: of one that does not; `wrong`: the passphrase
 * was; `away`: this stands in the place of a page that is the owner's.
 */
export type SignInView = { next: string; token?: string; dead?: boolean; wrong?: boolean; away?: boolean; problem?: string }

/** `least`: characters of a passphrase. */
export type AccessView = {
  problem?: string
  done?: string
  hasPassphrase: boolean
  least: number
  sessions: { id: string; browser?: string; isOwn: boolean; begun: TimeView; used: TimeView }[]
}

/** `saved`: whether what was saved was another than before, so that followers are told. */
export type ProfileView = {
  profile: {
    as: string
    /** Accounts, where there are several: each with its page. */
    accounts: { name: string; path: string }[]
    handle: string
    page: string
    title: string
    bio: string
    longest: number
    saved?: 'told' | 'same'
    problem?: string
  }
}

export type SettingsPageView = {
  saved: boolean
  origin: string
  isLoopback: boolean
  handles: string[]
  version: string
  database: { bundled: boolean; place: string }
  pictures: boolean
  areas: SettingsView
}

/** The blog's address is asked for. `given`: BLOG_URL, which cannot be changed here. */
export type SetUpView = {
  problem?: string
  isPrivate: boolean
  isPlain: boolean
  url: string
  given?: SettingView
  origin: string
  isLoopback: boolean
}

/** What was found from the blog's address, for the owner to correct. `host`: behind the @ of the handle. */
export type ProposalView = {
  problem?: string
  url: string
  /** Where the address that is set by the environment leads, if to another host. */
  ledTo?: string
  given: SettingView[]
  blogTitle: string
  /** A path of ours. */
  picture?: string
  icon?: string
  language?: string
  name: string
  change: 'none' | 'rename' | 'add'
  host: string
  feeds: { url: string; title?: string; chosen: boolean }[]
  /** Why none of them could be read. */
  unread?: string
  /** The feed was found by ourselves: it is no choice of the owner as long as it stays the same. */
  foundFeed?: string
  feedGiven?: SettingView
  feed?: {
    count: number
    tooted: number
    elsewhere: number
    entries: { url: string; title: string; published?: TimeView; tooted: boolean }[]
  }
  sitemap?: { url: string; pages: number; posts?: number; sitemaps: number; passed: string[] }
  pattern?: string
}

/** How the first reading goes, and what comes next. `blog.error`: why nothing was found. */
export type NextView = {
  name: string
  handle: string
  page: string
  blog?: { url: string; title?: string; feed?: string; sitemap?: string; looking: boolean; error?: string }
  count: number
  posts: { page: string; title: string; published: TimeView }[]
  toDo: { what: 'blog' | 'mastodon' | 'old' | 'access'; path: string; done: boolean }[]
}

export type OldView = {
  /** Accounts with a blog. */
  names: string[]
  problem?: string
  shown?:
    | {
        name: string
        sources: { source: string; url: string }[]
        pattern?: string
        run?: OldImport & { running: boolean }
      }
    | undefined
}

/** The kit of a blog. `kit` is absent as long as nobody said where the blog lies; without `blog` the account has none. */
export type BlogView = {
  as: string
  /** Accounts, where there are several: each with its page. */
  accounts: { name: string; path: string }[]
  problem?: string
  blog?: { place: PlaceView; feed?: PlaceView; handle: string; domain: string; isSet: boolean; isOwn: boolean }
  hosts: { host: string; path: string; chosen: boolean }[]
  /** `where` is HTML. */
  kit?: { files: { path: string; text: string; where: string; download: string }[]; lines: { text: string; where: string }[] }
  checks?: CheckView[]
}

/** What was found wrong last, if anybody looked yet. */
export type DoctorView = { problem?: string; at?: TimeView; checks?: CheckView[]; failures?: number }
