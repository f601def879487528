/** ActivityPub by GET: actors and posts at the addresses of their pages, where the Accept header decides (interface.md 1), and collections. */
import Router, { type RouterContext } from '@koa/router'
import type { Next } from 'koa'
import { actorOut, announceOut, nodeActorOut, noteOut } from '../federation/objects.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account, KeptPost, Shown } from '../model/kept.ts'
import {
  type Written as Told,
  tombstone,
  writeActor,
  writeAnnounce,
  writeNote,
  writeWholeCollection
} from '../protocol/activitystreams-writer.ts'
import type { Tools } from '../tools.ts'
import { activity } from './activity-document.ts'
import { addCollections } from './collections.ts'
import { send, type Written } from './conditional.ts'
import { findResident } from './feeds.ts'
import { prefersActivityPub } from './negotiate.ts'
import { makeRendered, type Residents } from './residents.ts'

type Serve = (ctx: RouterContext) => Promise<void>
type Answer = { document: Written; gone: boolean }

/** Actors, posts and collections. Stands before the pages: both know `/users/NAME`, and the Accept header decides. */
export function activityPubRoutes(tools: Tools, residents: Residents): Router {
  const rendered = makeRendered<Written>(tools, 500)
  const posts = makeRendered<Answer>(tools, 2000)
  const resident = (name = '') => findResident(tools, residents, name)
  const router = new Router()

  const sendActor: Serve = async ctx => {
    const account = await resident(ctx.params.name)
    const make = async () => activity(writeActor(await actorOut(tools, account)), true)
    send(ctx, rendered.atHand(account.localName, 'actor') ?? (await rendered.get(account.localName, 'actor', make)))
  }
  const sendPost: Serve = async ctx => {
    const { name, id = '' } = ctx.params
    const account = await resident(name)
    const known = posts.atHand(account.localName, id)
    answer(ctx, known ?? (await posts.get(account.localName, id, () => writePost(tools, account, id))))
  }
  router.get('/users/:name', (ctx, next) => (isName(ctx) ? choose(ctx, next, sendActor) : next()))
  router.get('/users/:name/posts/:id', (ctx, next) => (isId(ctx.params.id ?? '') ? choose(ctx, next, sendPost) : next()))
  router.get('/users/:name/posts/:id/page', async ctx => {
    const { id = '', name } = ctx.params
    const { deletedAt, uri, url = uri } = findOpen(await resident(name), isId(id) ? await tools.history.find(id) : undefined)
    if (deletedAt !== undefined) throw new Missing('This post was deleted.', { status: 410, code: 'gone' })
    ctx.vary('Accept')
    ctx.set('Cache-Control', 'no-cache')
    ctx.redirect(prefersActivityPub(ctx.get('accept')) ? uri : url)
  })
  router.get('/actor', async ctx => {
    send(ctx, await rendered.get('', 'actor', async () => activity(writeActor(await nodeActorOut(tools)), true)))
  })
  router.get('/actor/outbox', ctx => send(ctx, activity(writeWholeCollection(`${tools.addresses.nodeActor()}/outbox`, []))))
  addCollections(router, { tools, resident, rendered })
  return router
}

const isName = (ctx: RouterContext): boolean => /^[a-z0-9_]{1,30}$/.test(ctx.params.name ?? '')

/** The document or, further down, the page. Whichever it is, a cache has to know that there are two (X47). */
function choose(ctx: RouterContext, next: Next, serve: Serve): Promise<void> {
  ctx.vary('Accept')
  return prefersActivityPub(ctx.get('accept')) ? serve(ctx) : next()
}

/** What is gone says so, and when it went, whoever asks. */
function answer(ctx: RouterContext, { document, gone }: Answer): void {
  if (!gone) {
    send(ctx, document)
    return
  }
  ctx.set(document.headers)
  ctx.status = 410
  ctx.body = document.body
}

/** A post as everybody may read it, a share as the Announce that it is, a deleted one as a Tombstone. @throws as findOpen */
async function writePost(tools: Tools, account: Account, id: string): Promise<Answer> {
  const post = findOpen(account, await tools.timelines.one(id))
  if (post.deletedAt !== undefined) return { document: activity(tombstone(post.uri, post.deletedAt)), gone: true }
  return { document: activity(await tellPost(tools, post)), gone: false }
}

/** @throws Missing, which does not tell what is for few from what never was */
function findOpen<Post extends KeptPost>(account: Account, post: Post | undefined): Post {
  const isOpen = post?.authorId === account.id && (post.visibility === 'public' || post.visibility === 'unlisted')
  if (post === undefined || !isOpen) throw new Missing('There is no such post.')
  return post
}

async function tellPost(tools: Tools, post: Shown): Promise<Told> {
  const note = await noteOut(tools, post)
  if (note !== undefined) return writeNote(note)
  const announce = announceOut(tools, post)
  if (announce === undefined) throw new Missing('What was shared is no longer there.', { status: 410, code: 'gone' })
  return writeAnnounce(announce)
}
