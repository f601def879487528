/** Who is asking: the owner by a session, or a visitor; and whether a form was sent from a page of ours (X44). */
import type { Context } from 'koa'
import { Refused } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import { maskToken, sameToken, unmaskToken } from '../model/tokens.ts'
import type { Tools } from '../tools.ts'
import { readForm, readUpload } from './middleware.ts'
import { findNotices } from './notices.ts'
import { strangerOf, type Viewer } from './shown.ts'
import { type Language, languageOf } from './texts.ts'
import { countWaiting } from './waiting-count.ts'

const COOKIE = 'tidings_session'
const DAYS_30 = 30 * 24 * 3_600_000

/** `id`: by which it is known among the owner's sessions. */
export type Session = { id: string; csrf: string }

/** The owner's session, looked up at most once a request. */
export function findSession(tools: Tools, ctx: Context): Promise<Session | undefined> {
  ctx.state.session ??= lookUp(tools, ctx)
  return ctx.state.session
}

/** What is used goes on: the browser is told once a day. */
async function lookUp(tools: Tools, ctx: Context): Promise<Session | undefined> {
  const token = readToken(ctx)
  const session = token === undefined ? undefined : await tools.sessions.find(token, tools.clock())
  if (token !== undefined && session?.renewed) startSession(tools, ctx, token)
  return session
}

/** Who looks at a page, and how much of the history is theirs to see. */
export async function findViewer(tools: Tools, ctx: Context): Promise<Viewer> {
  const language = languageOf(ctx)
  const session = await findSession(tools, ctx)
  if (session === undefined) return tools.config.openSearch ? { sees: 'public', language, accounts: [] } : strangerOf(language)
  return viewerOf(tools, ctx, language, session)
}

/** The accounts that live here, looked up at most once a request. */
export function accountsHere({ actors }: Tools, ctx: Context): Promise<Account[]> {
  ctx.state.accounts ??= actors.accounts()
  return ctx.state.accounts
}

async function viewerOf(tools: Tools, ctx: Context, language: Language, { csrf }: Session): Promise<Viewer> {
  const [accounts, notices, waiting] = await Promise.all([accountsHere(tools, ctx), findNotices(tools), countWaiting(tools)])
  return { sees: 'all', language, accounts: accounts.map(account => account.localName), csrf: maskToken(csrf), notices, waiting }
}

/** For a page that is the owner's alone; it is kept by no cache. @throws Refused 403 without a session: the middleware shows the way in */
export async function requireOwner(tools: Tools, ctx: Context): Promise<Viewer> {
  ctx.set('Cache-Control', 'no-store')
  const session = await findSession(tools, ctx)
  if (session === undefined) throw signedOut()
  return viewerOf(tools, ctx, languageOf(ctx), session)
}

const signedOut = () => new Refused('Sign in first: `npx tidings signin` prints a link.', { code: 'signed_out' })

/**
 * The form that the owner sent from a page of ours.
 * @param limit bytes @throws Refused 403 without a session, from another origin, or without the session's CSRF token; BadMessage
 */
export const readOwnerForm = (tools: Tools, ctx: Context, limit = 20_000): Promise<URLSearchParams> =>
  readOwned(tools, ctx, () => readForm(ctx, limit))

/** The same for a form with files in it. */
export const readOwnerUpload = (tools: Tools, ctx: Context, limit: number): Promise<FormData | URLSearchParams> =>
  readOwned(tools, ctx, () => readUpload(ctx, limit))

/** Nothing is read of a body that need not be. */
async function readOwned<Form extends URLSearchParams | FormData>(tools: Tools, ctx: Context, read: () => Promise<Form>): Promise<Form> {
  const session = await findSession(tools, ctx)
  if (session === undefined) throw signedOut()
  if (sourceOf(tools, ctx) !== 'ours') throw foreign(tools)
  const form = await read()
  if (!sameToken(unmaskToken(String(form.get('csrf') ?? '')), session.csrf)) throw tooOld()
  return form
}

const tooOld = () => new Refused('This form is too old. Go back, load the page again, and send it once more.', { code: 'csrf' })

/**
 * The same for a form with something written in it, which is not thrown away because its session has ended: `refusal` tells that.
 * @throws Refused 403 from another origin; BadMessage
 */
export async function readOwnerDraft(tools: Tools, ctx: Context, limit: number): Promise<{ form: URLSearchParams; refusal?: Refused }> {
  if (sourceOf(tools, ctx) !== 'ours') throw foreign(tools)
  const form = await readForm(ctx, limit)
  const session = await findSession(tools, ctx)
  if (session === undefined) return { form, refusal: signedOut() }
  return sameToken(unmaskToken(form.get('csrf') ?? ''), session.csrf) ? { form } : { form, refusal: tooOld() }
}

/** Whether the session of a request that was begun a while ago still holds. */
export async function holdsStill({ clock, sessions }: Tools, ctx: Context): Promise<boolean> {
  const token = readToken(ctx)
  return token !== undefined && (await sessions.holds(token, clock()))
}

/** Forms that need no session (OPEN_SEARCH, sign-in): whatever a browser sends for another site is refused. @throws Refused */
export function refuseForeign(tools: Tools, ctx: Context): void {
  if (sourceOf(tools, ctx) === 'foreign') throw foreign(tools)
}

/**
 * The same for signing in, which takes a secret that no other site knows: its page sends no referrer, and over plain http to anywhere but
 * this machine browsers then tell nothing at all of where they were (Fetch Metadata is for trustworthy addresses only). @throws Refused
 */
export function refuseForeignSignIn(tools: Tools, ctx: Context): void {
  const { isLoopback, publicUrl } = tools.config
  const isUntold = ctx.get('Origin') === 'null' && ctx.get('Sec-Fetch-Site') === '' && ctx.get('Referer') === ''
  if (isUntold && !isLoopback && publicUrl.startsWith('http:')) return
  refuseForeign(tools, ctx)
}

const foreign = ({ config }: Tools) =>
  new Refused(`This form was not sent from ${config.publicUrl}. Open that page and try again.`, { code: 'origin' })

/**
 * Where a request was made. Browsers send `Origin: null` from a page with `Referrer-Policy: no-referrer`, as that of the sign-in
 * link is: then Sec-Fetch-Site tells. Programs send neither, nor a Referer.
 */
function sourceOf({ config }: Tools, ctx: Context): 'ours' | 'foreign' | 'untold' {
  const ours = (origin: string | undefined) => (origin === config.publicUrl ? 'ours' : 'foreign')
  const [origin, site, referer] = [ctx.get('Origin'), ctx.get('Sec-Fetch-Site'), ctx.get('Referer')]
  if (origin !== '' && origin !== 'null') return ours(origin)
  if (site !== '') return site === 'same-origin' || site === 'none' ? 'ours' : 'foreign'
  if (referer !== '') return ours(URL.parse(referer)?.origin)
  return origin === 'null' ? 'foreign' : 'untold'
}

/** Lets the browser remember the session. Behind a proxy the connection is plain although the page is not. */
export function startSession({ config }: Tools, ctx: Context, token: string): void {
  const secure = config.publicUrl.startsWith('https:')
  ctx.cookies.secure = secure
  ctx.cookies.set(COOKIE, token, { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: DAYS_30, overwrite: true })
}

/** Ends the session here and in the browser. */
export async function endSession({ sessions }: Tools, ctx: Context): Promise<void> {
  const token = readToken(ctx)
  if (token !== undefined) await sessions.close(token)
  ctx.cookies.set(COOKIE, null, { path: '/' })
}

function readToken(ctx: Context): string | undefined {
  const token = ctx.cookies.get(COOKIE)
  return token !== undefined && /^[\w-]{43}$/.test(token) ? token : undefined
}
