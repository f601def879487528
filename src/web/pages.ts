/** What people see: the timeline, people, posts. Nothing here changes anything. */
import Router, { type RouterContext } from '@koa/router'
import { reactionsTo } from '../federation/comments.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account, Actor, Shown } from '../model/kept.ts'
import { linkHashtags } from '../protocol/hashtags.ts'
import { type WebLink, writeLinks } from '../protocol/link.ts'
import { REL, TYPE } from '../protocol/names.ts'
import { htmlToText, sanitizeHtml, textToHtml } from '../protocol/sanitize.ts'
import type { Page, Tools } from '../tools.ts'
import { listPage, parametersOf } from './paging.ts'
import { type FollowView, sendIcon, sendPage, sendScript, sendStyle, type Views } from './render.ts'
import { addSearch } from './search.ts'
import { findViewer } from './session.ts'
import { maySee, showPerson, showPlace, type Viewer } from './shown.ts'
import { showThread } from './threads.ts'
import { describeSubscription, nameForSearch } from './words.ts'

/** Pages by GET, and the search box. */
export function pageRoutes(tools: Tools): Router {
  const router = new Router()
  router.get('/', ctx => sendTimeline(tools, ctx))
  router.get('/users/:name', (ctx, next) => (/^[a-z0-9_]{1,30}$/.test(ctx.params.name ?? '') ? sendAccount(tools, ctx) : next()))
  router.get('/users/:name/posts/:id', (ctx, next) => (isId(ctx.params.id ?? '') ? sendOwnPost(tools, ctx) : next()))
  router.get('/people/:id', ctx => sendRemotePerson(tools, ctx))
  router.get('/posts/:id', ctx => sendRemotePost(tools, ctx))
  router.get('/style.css', sendStyle)
  router.get('/page.js', sendScript)
  router.get('/icon.svg', sendIcon)
  // browsers ask for it where a page names no icon; it may well be a drawing
  router.get('/favicon.ico', sendIcon)
  addSearch(router, tools)
  return router
}

/** The owner reads everyone followed, by any of the accounts; others what is public. */
async function sendTimeline(tools: Tools, ctx: RouterContext): Promise<void> {
  const { actors, timelines } = tools
  const [viewer, accounts] = await Promise.all([findViewer(tools, ctx), actors.accounts()])
  const home = (page: Page) => timelines.home(accounts, page)
  const list = await listPage(tools, ctx, viewer, { all: home, public: timelines.everyone, local: timelines.local }[viewer.sees])
  const heading = { all: 'Timeline', public: 'Everyone’s posts', local: 'Posts' }[viewer.sees]
  const links = accounts.slice(0, 10).map(({ localName, displayName }) => feedLink(tools, localName, displayName))
  sendPage(ctx, viewer, 'timeline', { title: heading, links, noindex: viewer.sees === 'public' }, { ...list, heading })
}

const feedLink = ({ addresses }: Tools, name: string, title = name): WebLink => ({
  url: addresses.feed(name),
  rel: ['alternate'],
  type: TYPE.atom,
  title
})

/** The same thing for programs, at the same address: by it other servers find what a page is about. */
const activityLink = (url: string): WebLink => ({ url, rel: ['alternate'], type: TYPE.activity })

/** The profile of an account of ours, and whatever a peer needs to find its feed and keys from here (W9). */
async function sendAccount(tools: Tools, ctx: RouterContext): Promise<void> {
  const { actors, addresses, timelines } = tools
  const name = ctx.params.name ?? ''
  const account = await actors.findAccount(name)
  if (account === undefined) throw await missingAccount(tools, name)
  const viewer = await findViewer(tools, ctx)
  const list = await listPage(tools, ctx, viewer, page => timelines.by(account.id, page, viewer.sees === 'all'))
  const links = profileLinks(tools, account)
  ctx.set('Link', writeLinks(links))
  const feeds = [
    { name: 'Atom', url: addresses.feed(name) },
    { name: 'RSS', url: addresses.rss(name) },
    { name: 'JSON Feed', url: addresses.jsonFeed(name) }
  ]
  const title = account.displayName ?? name
  sendPage(ctx, viewer, 'person', { title, links, creator: account.acct }, { ...list, ...profileOf(viewer, account), feeds })
}

/** Atom stands before the others, because GNU social takes the first feed that it sees. */
function profileLinks(tools: Tools, { acct, localName, uri }: Account): WebLink[] {
  const { addresses } = tools
  const resource = `acct:${acct}`
  return [
    { url: addresses.webfinger(resource), rel: [REL.lrdd], type: TYPE.jrd },
    { url: addresses.webfingerXml(resource), rel: [REL.lrdd], type: TYPE.xrd },
    feedLink(tools, localName),
    { url: addresses.rss(localName), rel: ['alternate'], type: TYPE.rss },
    { url: addresses.jsonFeed(localName), rel: ['alternate'], type: TYPE.jsonFeed },
    { url: addresses.salmon(localName), rel: [REL.salmon] },
    activityLink(uri)
  ]
}

/** Why there is no account of a name: it was closed, or never was. */
export async function missingAccount({ actors, addresses }: Tools, name: string): Promise<Missing> {
  const removed = (await actors.findByUri(addresses.account(name)))?.removedAt !== undefined
  return removed ? new Missing('This account was closed.', { status: 410, code: 'gone' }) : new Missing('There is no such account here.')
}

function profileOf(viewer: Viewer, actor: Actor): Pick<Views['person'], 'person' | 'bio' | 'homepage' | 'original'> {
  const homepage = showPlace(actor.homepage)
  const original = actor.localName === undefined ? showPlace(actor.url ?? actor.uri) : undefined
  return {
    person: showPerson(viewer, actor),
    ...(actor.bio === undefined ? {} : { bio: actor.bio }),
    ...(homepage === undefined ? {} : { homepage }),
    ...(original === undefined ? {} : { original })
  }
}

/** Somebody who lives elsewhere: for the owner, and with OPEN_SEARCH for everybody. */
async function sendRemotePerson(tools: Tools, ctx: RouterContext): Promise<void> {
  const viewer = await findViewer(tools, ctx)
  const id = ctx.params.id ?? ''
  const actor = isId(id) && viewer.sees !== 'local' ? await tools.actors.find(id) : undefined
  if (actor === undefined) throw new Missing('There is nobody of that name here.')
  if (actor.localName !== undefined) return ctx.redirect(`/users/${actor.localName}`)
  if (actor.removedAt !== undefined) throw new Missing('This account was closed.', { status: 410, code: 'gone' })
  const list = await listPage(tools, ctx, viewer, page => tools.timelines.by(actor.id, page, viewer.sees === 'all'))
  const person = profileOf(viewer, actor)
  const more = viewer.sees === 'all' ? await ownersView(tools, actor) : {}
  sendPage(ctx, viewer, 'person', { title: person.person.name, noindex: true }, { ...list, ...person, ...more, feeds: [] })
}

/** What only the owner is shown of somebody: who follows them, how their posts come, how they were found. */
async function ownersView(
  { actors, follows, history, subscriptions }: Tools,
  actor: Actor
): Promise<Pick<Views['person'], 'follow' | 'subscription' | 'trace'>> {
  const [accounts, subscription] = await Promise.all([actors.accounts(), subscriptions.findByActor(actor.id)])
  const q = nameForSearch(actor)
  const follow: FollowView = { q: q ?? '', id: actor.id, followedBy: [], asked: [], others: [] }
  let byInbox = false
  for (const { id, localName } of accounts) {
    const known = await follows.find(id, actor.id)
    const waits = known === undefined && (await history.findAct(id, 'request', actor.uri))?.undone === false
    byInbox ||= known?.via === 'inbox'
    follow[known !== undefined ? 'followedBy' : waits ? 'asked' : 'others'].push(localName)
  }
  const carrier = byInbox ? 'New posts come by ActivityPub.' : subscription && describeSubscription(subscription)
  return {
    ...(q === undefined ? {} : { follow }),
    ...(carrier === undefined ? {} : { subscription: carrier }),
    ...(actor.trace === undefined ? {} : { trace: actor.trace })
  }
}

/** A post of an account of ours. @throws Missing 404; 410 when it was deleted or its account closed (F15) */
async function sendOwnPost(tools: Tools, ctx: RouterContext): Promise<void> {
  const { name = '', id = '' } = ctx.params
  const post = await tools.timelines.one(id)
  if (post === undefined || post.author.localName !== name) throw new Missing('There is no such post.')
  const viewer = await findViewer(tools, ctx)
  const links: WebLink[] = [
    ...(post.visibility === 'public' || post.visibility === 'unlisted'
      ? [{ url: tools.addresses.postEntry(name, id), rel: ['alternate'], type: TYPE.atom }, activityLink(post.uri)]
      : []),
    { url: post.uri, rel: ['canonical'] }
  ]
  await sendPost(tools, ctx, viewer, post, links)
}

async function sendRemotePost(tools: Tools, ctx: RouterContext): Promise<void> {
  const viewer = await findViewer(tools, ctx)
  const id = ctx.params.id ?? ''
  const post = isId(id) && viewer.sees !== 'local' ? await tools.timelines.one(id) : undefined
  if (post === undefined) throw new Missing('There is no such post.')
  if (post.author.localName !== undefined) return ctx.redirect(`/users/${post.author.localName}/posts/${id}`)
  await sendPost(tools, ctx, viewer, post, undefined)
}

/** A post within its conversation, as far as the viewer may see it. `links` only for posts of our own. */
async function sendPost(tools: Tools, ctx: RouterContext, viewer: Viewer, post: Shown, links: WebLink[] | undefined): Promise<void> {
  if (post.deletedAt !== undefined) throw new Missing('This post was deleted.', { status: 410, code: 'gone' })
  if (post.author.removedAt !== undefined) throw new Missing('This account was closed.', { status: 410, code: 'gone' })
  if (!maySee(viewer, post)) throw new Missing('There is no such post.')
  const thread = await showThread(tools, viewer, post, parametersOf(ctx).get('after'))
  if (thread === undefined) throw new Missing('There is no such post.')
  if (links !== undefined) ctx.set('Link', writeLinks(links))
  const own = viewer.sees === 'all' && links !== undefined && post.verb === 'post' ? { own: editable(tools, post) } : {}
  const acts = viewer.accounts.length > 0 ? await actsOf(tools, post) : {}
  const isOurs = links !== undefined && post.verb === 'post'
  const answerFrom = isOurs && viewer.csrf === undefined ? { answerFrom: post.uri } : {}
  const reactions = isOurs ? { reactions: await reactionsTo(tools, post) } : {}
  const creator = links === undefined ? {} : { creator: post.author.acct ?? '' }
  const frame = { title: titleOf(post), links: links ?? [], noindex: links === undefined, ...creator }
  sendPage(ctx, viewer, 'thread', frame, { ...thread, ...own, ...acts, ...answerFrom, ...reactions })
}

/** What the owner may do to a post; to a share nothing, but to what was shared. */
async function actsOf({ acts }: Tools, { id, uri, verb, visibility }: Shown): Promise<Pick<Views['thread'], 'acts' | 'replyTo'>> {
  if (verb === 'share') return {}
  const mayShare = visibility === 'public' || visibility === 'unlisted'
  return { replyTo: uri, acts: { id, mayShare, done: await acts.onPost(id) } }
}

/** A post as a form takes it: as the text that was typed, or as HTML when it is more than that. */
function editable({ addresses }: Tools, { author, html, id, title }: Shown): NonNullable<Views['thread']['own']> {
  const text = htmlToText(html)
  const isPlain = linkHashtags(sanitizeHtml(textToHtml(text)), addresses.tag).html === html
  const path = `/users/${author.localName}/posts/${id}`
  return { path, title: title ?? '', ...(isPlain ? { field: 'text', body: text } : { field: 'html', body: html }) }
}

/** A share has the sharer's name alone: its own text repeats the original, which may be gone or not for everybody. */
function titleOf({ author, html, title, verb, warning }: Shown): string {
  const name = author.displayName ?? author.localName ?? author.acct ?? author.uri
  if (verb === 'share') return `${name} shared a post`
  const text = title ?? warning ?? htmlToText(html).replace(/\s+/g, ' ')
  return `${name}: ${text.length > 60 ? `${text.slice(0, 60)}…` : text || 'a post'}`
}
