/** `/settings/profile`: how an account is called, and what it says of itself. */
import Router, { type RouterContext } from '@koa/router'
import { editProfile, LONGEST_BIO } from '../federation/profile.ts'
import { isFailure } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { parametersOf } from './paging.ts'
import { sendPage } from './render.ts'
import { accountOf, redirectTo } from './search.ts'
import { readOwnerForm, requireOwner } from './session.ts'
import { textsOf } from './texts.ts'

const PATH = '/settings/profile'

export function editProfileRoutes(tools: Tools): Router {
  const router = new Router()
  router.get(PATH, ctx => sendProfile(tools, ctx, parametersOf(ctx).get('as')))
  router.post(PATH, async ctx => {
    const form = await readOwnerForm(tools, ctx)
    const wish = { title: form.get('title') ?? '', bio: form.get('bio') ?? '' }
    try {
      const account = await accountOf(tools, form.get('as'))
      const changed = await editProfile(tools, account, wish)
      redirectTo(ctx, `${PATH}?${new URLSearchParams({ as: account.localName, saved: changed ? 'told' : 'same' })}`)
    } catch (error) {
      if (!isFailure(error)) throw error
      await sendProfile(tools, ctx, form.get('as'), { ...wish, problem: error.message }, error.status)
    }
  })
  return router
}

/** @param typed what the owner wrote, and why it was not kept */
async function sendProfile(
  tools: Tools,
  ctx: RouterContext,
  as: string | null,
  typed?: { title: string; bio: string; problem: string },
  status = 200
): Promise<void> {
  const viewer = await requireOwner(tools, ctx)
  const { acct, bio = '', displayName, localName, uri } = await accountOf(tools, as)
  const saved = (['told', 'same'] as const).find(one => one === parametersOf(ctx).get('saved'))
  const view = {
    ...{ as: localName, handle: `@${acct}`, page: new URL(uri).pathname, title: displayName ?? localName, bio, longest: LONGEST_BIO },
    ...(saved === undefined ? {} : { saved }),
    ...(typed === undefined ? {} : { title: typed.title.slice(0, 500), bio: typed.bio.slice(0, 20_000), problem: typed.problem }),
    accounts:
      viewer.accounts.length > 1 ? viewer.accounts.map(name => ({ name, path: `${PATH}?${new URLSearchParams({ as: name })}` })) : []
  }
  const frame = { title: textsOf(viewer.language).say('profile.heading'), noindex: true, area: 'profile' }
  sendPage(ctx, viewer, 'profile', frame, { profile: view }, status)
}
