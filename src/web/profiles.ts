/** People: accounts of ours, whoever else is known, and who follows whom. */
import type Router from '@koa/router'
import type { RouterContext } from '@koa/router'
import { findPictures } from '../federation/show-pictures.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account, Actor } from '../model/kept.ts'
import { type WebLink, writeLinks } from '../protocol/link.ts'
import { REL, TYPE } from '../protocol/names.ts'
import { sanitizeKept } from '../protocol/sanitize.ts'
import type { Tools } from '../tools.ts'
import { cardOfPerson, oneLine } from './card.ts'
import { listPage, parametersOf } from './paging.ts'
import { type FollowView, sendPage, type Views } from './render.ts'
import { findViewer } from './session.ts'
import { type Pictures, showPerson, showPlace, type Viewer } from './shown.ts'
import { textsOf } from './texts.ts'
import { INBOX, nameForSearch, showSubscription } from './words.ts'

/** People on one page of followers. */
const PEOPLE = 50

/** `/users/NAME`, who follows and is followed by it, and `/people/ID`. */
export function addProfiles(router: Router, tools: Tools): void {
  const isName = (name = '') => /^[a-z0-9_]{1,30}$/.test(name)
  router.get('/users/:name', (ctx, next) => (isName(ctx.params.name) ? sendAccount(tools, ctx) : next()))
  for (const side of ['followers', 'following'] as const)
    router.get(`/users/:name/${side}`, (ctx, next) => (isName(ctx.params.name) ? sendPeople(tools, ctx, side) : next()))
  router.get('/people/:id', ctx => sendRemotePerson(tools, ctx))
}

export const feedLink = ({ addresses }: Tools, name: string, title = name): WebLink => ({
  url: addresses.feed(name),
  rel: ['alternate'],
  type: TYPE.atom,
  title
})

/** The same thing for programs, at the same address: by it other servers find what a page is about. */
export const activityLink = (url: string): WebLink => ({ url, rel: ['alternate'], type: TYPE.activity })

/** @throws Missing 404, or 410 when it was closed */
async function findOurs(tools: Tools, name = ''): Promise<Account> {
  const account = await tools.actors.findAccount(name)
  if (account === undefined) throw await missingAccount(tools, name)
  return account
}

/** Why there is no account of a name: it was closed, or never was. */
export async function missingAccount({ actors, addresses }: Tools, name: string): Promise<Missing> {
  const removed = (await actors.findByUri(addresses.account(name)))?.removedAt !== undefined
  return removed ? new Missing('This account was closed.', { status: 410, code: 'gone' }) : new Missing('There is no such account here.')
}

/** The profile of an account of ours, and whatever a peer needs to find its feed and keys from here (W9). */
async function sendAccount(tools: Tools, ctx: RouterContext): Promise<void> {
  const { addresses, follows, timelines } = tools
  const account = await findOurs(tools, ctx.params.name)
  const name = account.localName
  const viewer = await findViewer(tools, ctx)
  const [list, followers, following, pictures] = await Promise.all([
    listPage(tools, ctx, viewer, page => timelines.by(account.id, page, viewer.sees === 'all')),
    follows.count('followers', account.id),
    follows.count('following', account.id),
    findPictures(tools, [account.avatar?.url])
  ])
  const links = profileLinks(tools, account)
  ctx.set('Link', writeLinks(links))
  const feeds = [
    { name: 'Atom', url: addresses.feed(name) },
    { name: 'RSS', url: addresses.rss(name) },
    { name: 'JSON Feed', url: addresses.jsonFeed(name) }
  ]
  const profile = profileOf(viewer, account, pictures)
  const frame = {
    title: oneLine(profile.person.name, 80),
    links,
    creator: account.acct,
    card: cardOfPerson(tools, account, profile.person)
  }
  const counts = { path: `/users/${name}`, followers, following }
  const followFrom = viewer.csrf === undefined ? { followFrom: account.uri } : {}
  sendPage(ctx, viewer, 'person', frame, { ...list, ...profile, counts, feeds, ...followFrom })
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

function profileOf(
  viewer: Viewer,
  actor: Actor,
  pictures: Pictures
): Pick<Views['person'], 'person' | 'bio' | 'fields' | 'location' | 'homepage' | 'original'> {
  const homepage = showPlace(actor.homepage)
  const original = actor.localName === undefined ? showPlace(actor.url ?? actor.uri) : undefined
  return {
    person: showPerson(viewer, actor, pictures),
    fields: (actor.fields ?? []).map(({ name, html }) => ({ name, html: sanitizeKept(html) })),
    ...(actor.bio === undefined ? {} : { bio: actor.bio }),
    ...(actor.location === undefined ? {} : { location: actor.location }),
    ...(homepage === undefined ? {} : { homepage }),
    ...(original === undefined ? {} : { original })
  }
}

/** Who follows an account of ours, or whom it follows; only the owner is told by which way. Programs get the collection at this address. */
async function sendPeople(tools: Tools, ctx: RouterContext, side: 'followers' | 'following'): Promise<void> {
  const { follows } = tools
  const account = await findOurs(tools, ctx.params.name)
  const viewer = await findViewer(tools, ctx)
  const before = parametersOf(ctx).get('before') ?? undefined
  if (before !== undefined && !isId(before)) throw new Missing('There is no such page.')
  const [found, count] = await Promise.all([follows.people(side, account.id, before, PEOPLE + 1), follows.count(side, account.id)])
  const page = found.slice(0, PEOPLE)
  const pictures = await findPictures(
    tools,
    [account, ...page.map(({ actor }) => actor)].map(({ avatar }) => avatar?.url)
  )
  const people = page.map(({ actor, via }) => ({ person: showPerson(viewer, actor, pictures), ...(viewer.sees === 'all' ? { via } : {}) }))
  const last = page.at(-1)
  const older = found.length > PEOPLE && last !== undefined ? { older: `?before=${last.actor.id}` } : {}
  const person = showPerson(viewer, account, pictures)
  const title = textsOf(viewer.language).say(`people.title_${side}`, { name: oneLine(person.name, 80) })
  sendPage(ctx, viewer, 'people', { title, noindex: true }, { person, side, count, people, path: `/users/${account.localName}`, ...older })
}

/** Somebody who lives elsewhere: for the owner, and with OPEN_SEARCH for everybody. */
async function sendRemotePerson(tools: Tools, ctx: RouterContext): Promise<void> {
  const viewer = await findViewer(tools, ctx)
  const id = ctx.params.id ?? ''
  const actor = isId(id) && viewer.sees !== 'local' ? await tools.actors.find(id) : undefined
  if (actor === undefined) throw new Missing('There is nobody of that name here.')
  if (actor.localName !== undefined) return ctx.redirect(`/users/${actor.localName}`)
  if (actor.removedAt !== undefined) throw new Missing('This account was closed.', { status: 410, code: 'gone' })
  const [list, pictures, more] = await Promise.all([
    listPage(tools, ctx, viewer, page => tools.timelines.by(actor.id, page, viewer.sees === 'all')),
    findPictures(tools, [actor.avatar?.url]),
    viewer.sees === 'all' ? ownersView(tools, actor) : {}
  ])
  const profile = profileOf(viewer, actor, pictures)
  const title = oneLine(profile.person.name, 80)
  sendPage(ctx, viewer, 'person', { title, noindex: true }, { ...list, ...profile, ...more, feeds: [] })
}

/** What only the owner is shown of somebody: who follows them, how their posts come, how they were found. */
async function ownersView(
  { actors, follows, history, subscriptions }: Tools,
  actor: Actor
): Promise<Pick<Views['person'], 'follow' | 'carrier' | 'trace'>> {
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
  const carrier = byInbox ? INBOX : subscription && showSubscription(subscription)
  return {
    ...(q === undefined ? {} : { follow }),
    ...(carrier === undefined ? {} : { carrier }),
    ...(actor.trace === undefined ? {} : { trace: actor.trace })
  }
}
