/** What the owner does to posts: write, change, delete, favour, share. Each is a form of a page of ours; what was written is never lost. */
import Router, { type RouterContext } from '@koa/router'
import { findAccount } from '../federation/accounts.ts'
import { favourite, share, undo } from '../federation/act.ts'
import { edit, findUnknownMentions, ownPost, publish, remove } from '../federation/publish.ts'
import { BadMessage, isFailure, Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account, KeptPost, Shown } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { type ComposeView, composeAgain, composeEdit, readDraft } from './compose.ts'
import { sendPage } from './render.ts'
import { accountOf, redirectTo } from './search.ts'
import { findViewer, readOwnerDraft, readOwnerForm, requireOwner } from './session.ts'
import { showPosts } from './show-posts.ts'
import { textsOf } from './texts.ts'

/** Bytes of a form with a post in it: a letter may take nine of them. */
const LONGEST_FORM = 600_000

/** `/notes`, `/acts`, and the forms of a post of one's own. Stands before the pages: both know `/users/…`. */
export function writeRoutes(tools: Tools): Router {
  const router = new Router()
  router.post('/notes', ctx =>
    orWriteAgain(tools, ctx, async form => {
      const account = await accountOf(tools, form.get('as'))
      const draft = readDraft(form)
      await refuseUnknown(await findUnknownMentions(tools, draft), form.get('anyway') ?? '')
      return publish(tools, account, draft)
    })
  )
  router.get('/users/:name/posts/:id/edit', async ctx => {
    const viewer = await requireOwner(tools, ctx)
    const { post } = await findOwn(tools, ctx.params)
    sendForm(ctx, viewer, composeEdit(tools, viewer, post))
  })
  router.post('/users/:name/posts/:id/edit', ctx =>
    orWriteAgain(tools, ctx, async form => {
      const { account, post } = await findOwn(tools, ctx.params)
      return edit(tools, account, post, readDraft(form))
    })
  )
  addDelete(router, tools)
  router.post('/acts', async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const account = await accountOf(tools, form.get('as'))
    const post = await act(tools, account, form)
    redirectTo(ctx, readBack(form, post.id) ?? pathOf(post))
  })
  return router
}

function addDelete(router: Router, tools: Tools): void {
  router.get('/users/:name/posts/:id/delete', async ctx => {
    const viewer = await requireOwner(tools, ctx)
    const { post } = await findOwn(tools, ctx.params)
    const [view] = await showPosts(tools, { ...viewer, accounts: [] }, [post])
    const title = textsOf(viewer.language).say('write.delete')
    sendPage(ctx, viewer, 'delete', { title, noindex: true }, { post: view!, path: pathOf(post) })
  })
  router.post('/users/:name/posts/:id/delete', async ctx => {
    await readOwnerForm(tools, ctx)
    const { account, post } = await findOwn(tools, ctx.params)
    await remove(tools, account, post)
    redirectTo(ctx, `/users/${account.localName}`)
  })
}

/** Publishes what was written, or shows it again with what is wrong, whatever that is: also that one is signed out by now. */
async function orWriteAgain(tools: Tools, ctx: RouterContext, work: (form: URLSearchParams) => Promise<KeptPost>): Promise<void> {
  ctx.set('Cache-Control', 'no-store')
  const { form, refusal } = await readOwnerDraft(tools, ctx, LONGEST_FORM)
  try {
    if (refusal !== undefined) throw refusal
    const { authorId, id } = await work(form)
    const author = await tools.actors.find(authorId)
    redirectTo(ctx, `/users/${author?.localName}/posts/${id}`)
  } catch (error) {
    if (!isFailure(error)) throw error
    tools.log.info({ why: error.message }, 'not published')
    const viewer = await findViewer(tools, ctx)
    const unknown = error.code === UNKNOWN ? { anyway: (error as Unknown).names.join(' ') } : {}
    const compose = { ...composeAgain(viewer, ctx.path, form), ...unknown }
    sendForm(ctx, viewer, compose, { code: error.code, sentence: error.message }, error.status)
  }
}

const UNKNOWN = 'unknown_mention'
type Unknown = BadMessage & { names: string[] }

/** @param told those of whom the owner was told before, and publishes anyway @throws BadMessage 422 `unknown_mention` with `names` */
async function refuseUnknown(names: string[], told: string): Promise<void> {
  const known = new Set(told.split(' '))
  if (names.every(name => known.has(name))) return
  const sentence = `Nobody was found by the name of ${names.map(name => `@${name}`).join(', ')}.`
  throw Object.assign(new BadMessage(sentence, { status: 422, code: UNKNOWN }), { names })
}

function sendForm(
  ctx: RouterContext,
  viewer: Awaited<ReturnType<typeof findViewer>>,
  compose: ComposeView,
  problem?: { code: string; sentence: string },
  status = 200
): void {
  const title = textsOf(viewer.language).say(`write.heading_${compose.kind}`)
  sendPage(ctx, viewer, 'write', { title, noindex: true }, { compose, ...(problem === undefined ? {} : { problem }) }, status)
}

const pathOf = ({ author, id }: Shown): string =>
  author.localName === undefined ? `/posts/${id}` : `/users/${author.localName}/posts/${id}`

/** The page of ours on which a button was pressed, at the post; nothing leads anywhere else (X45). */
function readBack(form: URLSearchParams, id: string): string | undefined {
  const back = form.get('back') ?? ''
  if (back.length > 2048 || !/^\/(?![/\\])[\x21-\x7e]*$/.test(back)) return undefined
  const url = URL.parse(back, 'http://here')
  return url?.host === 'here' ? `${url.pathname}${url.search}#p${id}` : undefined
}

/** What the buttons below a post say. @throws BadMessage for anything else; and as the verbs do */
async function act(tools: Tools, account: Account, form: URLSearchParams): Promise<Shown> {
  const [post = '', verb, undone] = ['post', 'verb', 'undo'].map(name => form.get(name) ?? undefined)
  if (!isId(post)) throw new Missing('There is no such post.')
  if (verb === 'favourite') return (await favourite(tools, account, post)).post
  if (verb === 'share') return (await share(tools, account, post)).post
  if (undone === 'favourite' || undone === 'share') return (await undo(tools, account, post, undone)).post
  throw new BadMessage('This form says nothing that could be done to a post.')
}

/** @throws Missing 404, or 410 for a post that is deleted already; Refused when it is another account's */
async function findOwn(tools: Tools, { name = '', id = '' }: { name?: string; id?: string }): Promise<{ account: Account; post: Shown }> {
  if (!isId(id)) throw new Missing('There is no such post.')
  const account = await findAccount(tools, name)
  return { account, post: { ...(await ownPost(tools, account, id)), author: account } }
}
