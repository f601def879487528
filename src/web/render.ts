/** Templates of views/ -> pages. They escape by default; what they write unescaped is sanitised HTML and other templates. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Eta } from 'eta'
import type { Context } from 'koa'
import type { Reacted } from '../federation/comments.ts'
import type { ProfileField, TraceStep } from '../model/activity.ts'
import { unmaskToken } from '../model/tokens.ts'
import type { WebLink } from '../protocol/link.ts'
import type { Card } from './card.ts'
import type { ComposeView } from './compose.ts'
import type {
  LogFeedsView,
  LogFollowersView,
  LogHostsView,
  LogPostsView,
  LogPostView,
  LogRefusedView,
  LogSubscribersView
} from './log-views.ts'
import type {
  AccessView,
  BlogView,
  DoctorView,
  NextView,
  OldView,
  ProfileView,
  ProposalView,
  SettingsPageView,
  SetUpView,
  SignInView
} from './owner-views.ts'
import type { ListView } from './paging.ts'
import { type PersonView, type PlaceView, type PostView, strangerOf, type TimeView, type Viewer } from './shown.ts'
import type { FollowingView, ImportedView } from './shown-following.ts'
import type { BlocksView, CommentView, DecidedView, ModerationView, PlanView } from './shown-moderation.ts'
import { type Language, type Texts, textsOf } from './texts.ts'
import type { ThreadView } from './threads.ts'
import type { CarrierView } from './words.ts'

const folder = fileURLToPath(new URL('../../views/', import.meta.url))
/** A set of templates a language: in each of them `say`, `rich`, `tell` and `time` are that language's, and `this` is the set. */
const makeTemplates = (texts: Texts) =>
  Object.assign(
    new Eta({ views: folder, cache: true, autoEscape: true, functionHeader: 'const { language, say, rich, tell, time } = this.texts' }),
    { texts }
  )
const templates: Record<Language, Eta> = { en: makeTemplates(textsOf('en')), de: makeTemplates(textsOf('de')) }
const digest = (text: string | Buffer) => createHash('sha256').update(text).digest('base64url').slice(0, 22)

const css = readFileSync(join(folder, 'style.css'))
const cssTag = digest(css)
const script = readFileSync(join(folder, 'page.js'))
const scriptTag = digest(script)
const icon = readFileSync(join(folder, 'icon.svg'))

/** Who may be followed or left, by which of our accounts; `asked`: who waits for an answer. `q` is what the search box takes. */
export type FollowView = { q: string; id: string; followedBy: string[]; asked: string[]; others: string[] }

/** The owner's Mastodon accounts. `begun`: a connection that is to be allowed at its server now. */
/** The way to a visitor's own server, `found` there or not; `address`: what is to be answered or followed. */
export type RemoteView = {
  account: string
  address: string
  kind: 'reply' | 'follow'
} & ({ found: { url: string; host: string } } | { problem: string })

export type ConnectView = {
  problem?: string
  begun?: { host: string; as: string; scope: string; narrow: boolean; address: string; codeAddress: string; state: string }
  accounts: {
    name: string
    waiting: number
    connected?: {
      handle: string
      page: string
      /** A path of ours. */
      picture?: string
      scope?: string
      since?: TimeView
      revoked: boolean
      fromSettings: boolean
    }
    /** The server of the settings, which does not count. */
    shadowed?: string
  }[]
}

/** What each template is given beside the frame. */
export type Views = {
  timeline: ListView & { compose?: ComposeView }
  person: ListView & {
    person: PersonView
    bio?: string
    location?: string
    homepage?: PlaceView
    /** `html` is sanitised. */
    fields: ProfileField[]
    original?: PlaceView
    feeds: { name: string; url: string }[]
    /** Of an account of ours: how many follow it and are followed, and where they are listed. */
    counts?: { path: string; followers: number; following: number }
    /** The account that visitors may follow from a server of their own. */
    followFrom?: string
    follow?: FollowView
    carrier?: CarrierView
    trace?: TraceStep[]
  }
  people: {
    person: PersonView
    path: string
    side: 'followers' | 'following'
    count: number
    people: { person: PersonView; via?: string }[]
    older?: string
  }
  thread: ThreadView & {
    compose?: ComposeView
    /** The post that visitors may answer from a server of their own. */
    answerFrom?: string
    /** Who likes and shares it, of a post of ours. */
    reactions?: Reacted
  }
  write: { compose: ComposeView; problem?: { code: string; sentence: string } }
  delete: { post: PostView; path: string }
  feed: ListView & { person: PersonView; address: string; page: string }
  hub: { open: boolean }
  search: ListView & { people: PersonView[]; offer?: string; isWords: boolean }
  followed: {
    sentence: string
    failed: boolean
    person?: PersonView
    /** How many posts came with it, and how the next will come. */
    fresh?: number
    carrier?: CarrierView
    undo?: { id: string; as: string }
    trace: TraceStep[]
  }
  authorize: { asked: string; person?: PersonView; post?: PostView; compose?: ComposeView }
  connect: ConnectView
  blog: BlogView
  doctor: DoctorView
  following: FollowingView
  imported: ImportedView
  moderation: ModerationView
  decided: DecidedView
  comment: CommentView
  blocks: BlocksView
  'block-plan': PlanView
  log: LogPostsView
  'log-post': LogPostView
  'log-feeds': LogFeedsView
  'log-followers': LogFollowersView
  'log-subscribers': LogSubscribersView
  'log-hosts': LogHostsView
  'log-refused': LogRefusedView
  remote: RemoteView
  access: AccessView
  next: NextView
  old: OldView
  profile: ProfileView
  proposal: ProposalView
  settings: SettingsPageView
  setup: SetUpView
  signin: SignInView
  welcome: { token: string }
  error: { sentence: string; status: number; heading: string; hint?: string; wait?: string; signIn?: string }
}

/**
 * What stands around every page. `links` go into its head, in this order; `creator` is the handle of whoever wrote it; `card` is what
 * others show who link to it; `area` is the one of the settings that the page belongs to; `wide` is for tables. `here` is its own path,
 * to which buttons lead back.
 */
export type Frame = {
  title: string
  query?: string
  links?: WebLink[]
  noindex?: boolean
  creator?: string
  card?: Card
  area?: string
  wide?: boolean
  here?: string
}

/** A whole page as text. `name` is the template's, `data` what it needs. */
export function renderPage<Name extends keyof Views>(viewer: Viewer, name: Name, frame: Frame, data: Views[Name]): string {
  const files = { css: `/style.css?v=${cssTag}`, script: `/page.js?v=${scriptTag}` }
  return templates[viewer.language].render(name, { query: '', links: [], noindex: false, creator: '', ...frame, ...data, viewer, ...files })
}

const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin'
}

/** The headers that every page of ours bears: no frame, nothing from elsewhere, no script but our own files. */
export const setPageHeaders = (ctx: Context): void => ctx.set(HEADERS)

/**
 * Answers with a page. It depends on who asks, so a cache has to ask each time, and those of other people do not keep what the
 * owner sees.
 */
export function sendPage<Name extends keyof Views>(
  ctx: Context,
  viewer: Viewer,
  name: Name,
  frame: Frame,
  data: Views[Name],
  status = 200
): void {
  const body = renderPage(viewer, name, { here: ctx.url, ...frame }, data)
  setPageHeaders(ctx)
  ctx.vary('Accept')
  ctx.vary('Cookie')
  if (!ctx.response.get('Cache-Control')) ctx.set('Cache-Control', viewer.csrf === undefined ? 'no-cache' : 'private, no-cache')
  if (frame.noindex) ctx.set('X-Robots-Tag', 'noindex')
  if (status === 200) ctx.set('ETag', `W/"${digest(unmasked(body, viewer))}"`)
  // a proxy puts a page of its own in the place of a gateway's failure, and what was typed would be lost
  ctx.status = status === 502 || status === 504 ? 422 : status
  if (status === 200 && ctx.fresh) ctx.status = 304
  else ctx.body = body
}

/** A page as it would be with the session's own token: masked it is another each time, though nothing changed. */
const unmasked = (body: string, { csrf }: Viewer): string => (csrf === undefined ? body : body.replaceAll(csrf, unmaskToken(csrf)))

/**
 * The page of a failure. It asks nothing, so it can be made when nothing else works.
 * @param retryAfter seconds @param signIn the way in, where it may be the owner's alone
 */
export function errorPage(
  viewer: Viewer,
  { status, sentence, retryAfter, signIn }: { status: number; sentence: string; retryAfter?: number; signIn?: string }
): string {
  const { say } = textsOf(viewer.language)
  const kind = (list: number[]) => (list.includes(status) ? String(status) : 'other')
  const heading = say(`error.heading_${kind(HEADED)}`)
  const isHinted = HINTED.includes(status) && !(status === 403 && viewer.csrf !== undefined)
  const hint = isHinted ? say(`error.hint_${status}`) : status === 500 ? say('error.hint_defect') : undefined
  const wait = retryAfter === undefined ? undefined : say('error.wait', { minutes: Math.ceil(retryAfter / 60) })
  const more = {
    ...(hint === undefined ? {} : { hint }),
    ...(wait === undefined ? {} : { wait }),
    ...(signIn === undefined ? {} : { signIn })
  }
  return renderPage(viewer, 'error', { title: heading, noindex: true }, { status, sentence, heading, ...more })
}

/** Failures that have a heading of their own, and those with a hint. */
const HEADED = [400, 403, 404, 405, 409, 410, 413, 415, 429, 500, 502, 503]
const HINTED = [403, 404, 410, 502]

/** The way in, in the place of a page that is the owner's. @param path of that page, where the owner goes on */
export const signInPage = (language: Language, path: string): string =>
  renderPage(strangerOf(language), 'signin', { title: textsOf(language).say('signin.title'), noindex: true }, { next: path, away: true })

/** A file that pages name: the style sheet with its digest, so it may be kept for ever, and the icon. */
function sendFile(type: string, body: Buffer, tag: string, maxAge: number) {
  return (ctx: Context): void => {
    ctx.type = type
    ctx.set({ ETag: `W/"${tag}"`, 'Cache-Control': `public, max-age=${maxAge}`, 'X-Content-Type-Options': 'nosniff' })
    ctx.status = 200
    if (ctx.fresh) ctx.status = 304
    else ctx.body = body
  }
}

export const sendStyle = sendFile('text/css; charset=utf-8', css, cssTag, 31_536_000)
export const sendScript = sendFile('text/javascript; charset=utf-8', script, scriptTag, 31_536_000)
export const sendIcon = sendFile('image/svg+xml', icon, digest(icon), 86_400)
