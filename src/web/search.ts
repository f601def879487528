/** The search box: a name is looked up and followed at once, words are looked for in what is kept; every step is shown. */
import type Router from '@koa/router'
import type { RouterContext } from '@koa/router'
import { findAccount } from '../federation/accounts.ts'
import { type Followed, findKnown, follow, type Traced, unfollow } from '../federation/follow.ts'
import { findPictures } from '../federation/show-pictures.ts'
import { BadMessage, isFailure, Missing, Refused } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account, Actor, Shown, Subscription } from '../model/kept.ts'
import { readHandle } from '../protocol/acct.ts'
import { TYPE } from '../protocol/names.ts'
import { readSearchWords } from '../protocol/search-words.ts'
import type { Tools } from '../tools.ts'
import { oneLine } from './card.ts'
import { composeReply } from './compose.ts'
import { makeLookupLimit } from './limits.ts'
import { readForm } from './middleware.ts'
import { type ListView, listPage, parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { findSession, findViewer, readOwnerForm, refuseForeign } from './session.ts'
import { LIST_LETTERS, showPosts } from './show-posts.ts'
import { maySee, type PersonView, showPerson, type Viewer } from './shown.ts'
import { textsOf } from './texts.ts'
import { passModeration } from './threads.ts'
import { nameForSearch, showSubscription } from './words.ts'

const LONGEST_QUERY = 2048

/** `/search`, `/unfollow` and the page where a remote follow lands. */
export function addSearch(router: Router, tools: Tools): void {
  const takeLookup = makeLookupLimit()
  router.get('/search', ctx => showKnown(tools, ctx))
  router.post('/search', async ctx => {
    const isOwner = (await findSession(tools, ctx)) !== undefined
    const form = isOwner ? await readOwnerForm(tools, ctx) : await readOpenForm(tools, ctx)
    const q = readQuery(form)
    if (q === '') throw new BadMessage('Write the name of an account, a web address, or words.', { code: 'no_query' })
    if (!isName(q)) return redirectTo(ctx, `/search?q=${encodeURIComponent(q)}`)
    readHandle(q)
    if (!isOwner) await takeLookup(ctx.ip)
    await followNow(tools, ctx, q, form.get('as'))
  })
  router.post('/unfollow', async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const id = form.get('actor') ?? ''
    const actor = isId(id) ? await tools.actors.find(id) : undefined
    if (actor === undefined) throw new Missing('There is nobody of that name here.')
    await unfollow(tools, actor, await accountOf(tools, form.get('as')))
    redirectTo(ctx, `/people/${actor.id}`)
  })
  router.get('/authorize_interaction', ctx => confirmInteraction(tools, ctx))
}

/** After a POST: 303, to a path that we made ourselves and never to one that was given (X45). */
export function redirectTo(ctx: RouterContext, path: string): void {
  ctx.redirect(path)
  ctx.status = 303
}

/** The account that acts: the one that a form names, else the first. @throws Refused 409 when there is none; Missing */
export async function accountOf(tools: Tools, name: string | null): Promise<Account> {
  if (name) return findAccount(tools, name)
  const [first] = await tools.actors.accounts()
  if (first === undefined)
    throw new Refused('There is no account here yet: `npx tidings account add NAME` makes one.', { status: 409, code: 'no_account' })
  return first
}

async function readOpenForm(tools: Tools, ctx: RouterContext): Promise<URLSearchParams> {
  if (!tools.config.openSearch) throw new Refused('Sign in first: `npx tidings signin` prints a link.', { code: 'signed_out' })
  refuseForeign(tools, ctx)
  return readForm(ctx, 20_000)
}

/** @throws BadMessage when it is too long */
function readQuery(from: URLSearchParams, name = 'q'): string {
  const text = (from.get(name) ?? '').replace(/\p{Cc}+/gu, ' ').trim()
  if (text.length > LONGEST_QUERY) throw new BadMessage(`A search has at most ${LONGEST_QUERY} characters.`, { code: 'too_long' })
  return text
}

/** Whether somebody is meant, rather than words. */
const isName = (q: string): boolean => !/\s|^-?from:|"/i.test(q) && (/^(https?|acct):/i.test(q) || q.includes('@'))

/** As many may be called the same. */
const MOST_CALLED = 50

/** GET shows what is known already; nothing leaves the node. */
async function showKnown(tools: Tools, ctx: RouterContext): Promise<void> {
  const viewer = await findViewer(tools, ctx)
  const { say } = textsOf(viewer.language)
  const q = readQuery(parametersOf(ctx))
  const frame = { title: q === '' ? say('search.title') : say('search.titleOf', { query: oneLine(q, 80) }), query: q, noindex: true }
  if (q === '') return sendPage(ctx, viewer, 'search', frame, { posts: [], people: [], isWords: false })
  if (!isName(q)) return sendPage(ctx, viewer, 'search', frame, { ...(await findWords(tools, ctx, viewer, q)), people: [], isWords: true })
  const person = await knownPerson(tools, viewer, q)
  const handle = readHandle(q)
  const post = handle.kind === 'url' ? await knownPost(tools, viewer, handle.url) : undefined
  const posts = await showPosts(tools, viewer, post === undefined ? [] : [post], LIST_LETTERS)
  const people = person === undefined ? [] : [await showOne(tools, viewer, person)]
  const offer = viewer.sees !== 'local' && person?.localName === undefined ? { offer: q } : {}
  sendPage(ctx, viewer, 'search', frame, { posts, people, isWords: false, ...offer })
}

async function findWords(tools: Tools, ctx: RouterContext, viewer: Viewer, q: string): Promise<ListView> {
  const { from, text } = readSearchWords(q)
  const authors = from === undefined ? {} : { authors: await tools.actors.findCalled(from, MOST_CALLED) }
  return listPage(tools, ctx, viewer, page => tools.timelines.search(text, page, { ...authors, onlyLocal: viewer.sees === 'local' }))
}

async function showOne(tools: Tools, viewer: Viewer, person: Actor): Promise<PersonView> {
  return showPerson(viewer, person, await findPictures(tools, [person.avatar?.url]))
}

/** Strangers are not told whom the owner knows. */
async function knownPerson(tools: Tools, viewer: Viewer, name: string): Promise<Actor | undefined> {
  const actor = await findKnown(tools, name)
  if (actor === undefined || actor.removedAt !== undefined) return undefined
  return actor.localName !== undefined || viewer.sees !== 'local' ? actor : undefined
}

async function followNow(tools: Tools, ctx: RouterContext, q: string, as: string | null): Promise<void> {
  const account = await accountOf(tools, as)
  const asJson = ctx.accepts(TYPE.html, TYPE.json) === TYPE.json
  const followed = await follow(tools, q, { as: account }).catch((error: unknown) => {
    if (isFailure(error)) return error as Traced
    throw error
  })
  ctx.set('Cache-Control', 'no-store')
  if (!('actor' in followed)) return sendFailure(tools, ctx, q, followed, asJson)
  if (asJson) return sendJson(ctx, describe(tools, followed))
  const viewer = await findViewer(tools, ctx)
  const { say } = textsOf(viewer.language)
  const { actor, fresh, subscription, trace } = followed
  const person = await showOne(tools, viewer, actor)
  const names = { account: account.localName, name: oneLine(person.name, 80) }
  sendPage(
    ctx,
    viewer,
    'followed',
    { title: say('followed.title', names), query: q, noindex: true },
    {
      ...{ person, trace, failed: false, fresh },
      sentence: say(`followed.${followed.asked ? 'asked' : followed.already ? 'already' : 'now'}`, names),
      ...(subscription === undefined ? {} : { carrier: showSubscription(subscription) }),
      ...(viewer.csrf === undefined ? {} : { undo: { id: actor.id, as: account.localName } })
    }
  )
}

/** How far the search came, with the status of what stopped it. */
async function sendFailure(
  tools: Tools,
  ctx: RouterContext,
  q: string,
  { status, code, message, retryAfter, trace = [] }: Traced,
  asJson: boolean
): Promise<void> {
  if (retryAfter !== undefined) ctx.set('Retry-After', String(Math.ceil(retryAfter)))
  if (asJson) return sendJson(ctx, { error: message, code, trace }, status)
  const viewer = await findViewer(tools, ctx)
  const title = textsOf(viewer.language).say(status === 404 ? 'followed.notFound' : 'followed.failed')
  const frame = { title, query: q, noindex: true }
  sendPage(ctx, viewer, 'followed', frame, { sentence: message, failed: true, trace }, status)
}

function sendJson(ctx: RouterContext, answer: object, status = 200): void {
  ctx.status = status
  ctx.type = `${TYPE.json}; charset=utf-8`
  ctx.set('X-Content-Type-Options', 'nosniff')
  ctx.body = JSON.stringify(answer)
}

/** The answer for programs. Tokens and secrets of a subscription never leave. */
function describe({ addresses }: Tools, { actor, asked = false, subscription, trace }: Followed): object {
  const page = actor.localName === undefined ? addresses.person(actor.id) : actor.uri
  return {
    account: {
      id: actor.id,
      uri: actor.uri,
      acct: actor.acct ?? null,
      name: actor.displayName ?? null,
      url: actor.url ?? null,
      feed: actor.feedUrl ?? null,
      page
    },
    ...(asked ? { asked } : {}),
    trace,
    subscription: subscription === undefined ? null : describeState(subscription)
  }
}

const describeState = ({ id, url, topic, hub, state, expiresAt }: Subscription) => ({
  id,
  url,
  topic,
  hub: hub ?? null,
  state,
  expires: expiresAt ?? null
})

/** Where somebody's own server sends them to follow or answer: it asks first, whoever is signed in (X14). */
async function confirmInteraction(tools: Tools, ctx: RouterContext): Promise<void> {
  const uri = readQuery(parametersOf(ctx), 'uri')
  if (uri === '') throw new BadMessage('This page needs `?uri=` with the account or post that is meant.', { code: 'no_uri' })
  const handle = readHandle(uri)
  const viewer = await findViewer(tools, ctx)
  const post = handle.kind === 'url' ? await knownPost(tools, viewer, handle.url) : undefined
  const person = post === undefined ? await knownPerson(tools, viewer, uri) : undefined
  const asked = handle.kind === 'acct' ? handle.acct : handle.url
  const [view] = await showPosts(tools, { ...viewer, accounts: [] }, post === undefined ? [] : [post], LIST_LETTERS)
  const compose = post && (await composeReply(tools, viewer, post))
  sendPage(
    ctx,
    viewer,
    'authorize',
    { title: textsOf(viewer.language).say(post === undefined ? 'authorize.follow' : 'authorize.answer'), noindex: true },
    {
      asked: (person && nameForSearch(person)) ?? asked,
      ...(person === undefined ? {} : { person: await showOne(tools, viewer, person) }),
      ...(view === undefined ? {} : { post: view }),
      ...(compose === undefined ? {} : { compose })
    }
  )
}

async function knownPost(tools: Tools, viewer: Viewer, url: string): Promise<Shown | undefined> {
  const { history, timelines } = tools
  const kept = (await history.findByUri(url)) ?? (await history.findByAddress(url))
  const post = kept && (await timelines.one(kept.id))
  return post !== undefined && maySee(viewer, post) ? (await passModeration(tools, viewer, [post]))[0] : undefined
}
