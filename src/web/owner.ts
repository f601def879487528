/** What only the owner may do here: write, change and delete. Each is a form of a page of ours. */
import Router from '@koa/router'
import { findAccount } from '../federation/accounts.ts'
import { favourite, share, undo } from '../federation/act.ts'
import { type Draft, edit, ownPost, publish, remove } from '../federation/publish.ts'
import { BadMessage, Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { Account, KeptPost, Shown } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { accountOf, redirectTo } from './search.ts'
import { readOwnerForm } from './session.ts'

/** Bytes of a form with a post in it: a letter may take nine of them. */
const LONGEST_FORM = 600_000

/** `/notes`, `/acts`, and the forms of a post of one's own. Stands before the pages: both know `/users/…`. */
export function ownerRoutes(tools: Tools): Router {
  const router = new Router()
  router.post('/notes', async ctx => {
    const form = await readOwnerForm(tools, ctx, LONGEST_FORM)
    const account = await accountOf(tools, form.get('as'))
    const post = await publish(tools, account, readDraft(form))
    redirectTo(ctx, pathOf(account, post))
  })
  router.post('/acts', async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const account = await accountOf(tools, form.get('as'))
    const { author, id } = await act(tools, account, form)
    redirectTo(ctx, author.localName === undefined ? `/posts/${id}` : `/users/${author.localName}/posts/${id}`)
  })
  router.post('/users/:name/posts/:id/edit', async ctx => {
    const form = await readOwnerForm(tools, ctx, LONGEST_FORM)
    const { account, post } = await findOwn(tools, ctx.params)
    await edit(tools, account, post, readDraft(form))
    redirectTo(ctx, pathOf(account, post))
  })
  router.post('/users/:name/posts/:id/delete', async ctx => {
    await readOwnerForm(tools, ctx)
    const { account, post } = await findOwn(tools, ctx.params)
    await remove(tools, account, post)
    redirectTo(ctx, `/users/${account.localName}`)
  })
  return router
}

const pathOf = ({ localName }: Account, { id }: KeptPost) => `/users/${localName}/posts/${id}`

/** What the buttons below a post say. @throws BadMessage for anything else; and as the verbs do */
async function act(tools: Tools, account: Account, form: URLSearchParams): Promise<Shown> {
  const [post = '', verb, undone] = ['post', 'verb', 'undo'].map(name => form.get(name) ?? undefined)
  if (!isId(post)) throw new Missing('There is no such post.')
  if (verb === 'favourite') return (await favourite(tools, account, post)).post
  if (verb === 'share') return (await share(tools, account, post)).post
  if (undone === 'favourite' || undone === 'share') return (await undo(tools, account, post, undone)).post
  throw new BadMessage('This form says nothing that could be done to a post.')
}

/** @throws BadMessage for text that the database cannot hold */
function readDraft(form: URLSearchParams): Draft {
  const [text, html, title, replyTo] = ['text', 'html', 'title', 'replyTo'].map(name => form.get(name))
  if (`${text}${html}${title}${replyTo}`.includes('\0')) throw new BadMessage('This text holds a character that is none.')
  return { title: title ?? '', ...(text ? { text } : {}), ...(html ? { html } : {}), ...(replyTo ? { replyTo } : {}) }
}

/** @throws Missing 404, or 410 for a post that is deleted already; Refused when it is another account's */
async function findOwn(
  tools: Tools,
  { name = '', id = '' }: { name?: string; id?: string }
): Promise<{ account: Account; post: KeptPost }> {
  if (!isId(id)) throw new Missing('There is no such post.')
  const account = await findAccount(tools, name)
  return { account, post: await ownPost(tools, account, id) }
}
