/** Accounts, statuses and the instance of the stand-in for Mastodon (its documents: methods/accounts, statuses, instance). */
import { instanceV1, instanceV2, type Visibility } from './mastodon-api-entities.ts'
import { type Answer, type Ask, isTrue, notFound, paginate, type Routes, refuse, userOf, viewerOf } from './mastodon-api-http.ts'
import { countCharacters } from './mastodon-api-text.ts'
import { accountOf, ancestorsOf, canSee, credentialAccountOf, descendantsOf, mentionsIn, statusOf } from './mastodon-api-views.ts'
import type { Person, Post, World } from './mastodon-api-world.ts'

const HOUR = 3_600_000
const WRITE = ['write', 'write:statuses']
const READ = ['read', 'read:statuses']
const VISIBILITIES: string[] = ['public', 'unlisted', 'private', 'direct'] satisfies Visibility[]
/** One grey pixel, for every face. */
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==', 'base64')

export const apiRoutes = (world: World): Routes => ({
  'GET /api/v1/accounts/verify_credentials': ask => ({
    json: credentialAccountOf(world, userOf(world, ask, 'profile', 'read', 'read:accounts').person)
  }),
  'GET /api/v1/accounts/lookup': ask => ({ json: accountOf(world, world.find(ask.field('acct') ?? '') ?? missing()) }),
  'GET /api/v1/accounts/:id': ask => ({ json: accountOf(world, personById(world, ask.id)) }),
  'GET /api/v1/accounts/:id/statuses': ask => listStatuses(world, ask),
  'POST /api/v1/statuses': ask => create(world, ask),
  'GET /api/v1/statuses/:id': ask => {
    const viewer = viewerOf(world, ask, ...READ)
    return { json: statusOf(world, seen(world, ask, viewer), viewer) }
  },
  'PUT /api/v1/statuses/:id': ask => edit(world, ask),
  'DELETE /api/v1/statuses/:id': ask => remove(world, ask),
  'GET /api/v1/statuses/:id/context': ask => context(world, ask),
  'GET /api/v1/statuses/:id/favourited_by': ask => {
    const post = seen(world, ask, viewerOf(world, ask, ...READ))
    return listAccounts(
      world,
      ask,
      world.favourites.filter(each => each.post === post)
    )
  },
  'GET /api/v1/statuses/:id/reblogged_by': ask => {
    const post = seen(world, ask, viewerOf(world, ask, ...READ))
    const boosts = [...world.livePosts()].filter(each => each.boosted === post)
    return listAccounts(
      world,
      ask,
      boosts.map(({ id, author }) => ({ id, person: author }))
    )
  },
  'GET /api/v2/instance': () => ({ json: instanceV2(world.host(), world.settings, accountOf(world, world.owner())) }),
  'GET /api/v1/instance': () => ({ json: instanceV1(world.host(), world.settings, accountOf(world, world.owner())) }),
  'GET /accounts/:id/:id/original/picture.png': () => ({ png: PIXEL }),
  'GET /cache/accounts/:id/:id/original/picture.png': () => ({ png: PIXEL })
})

function missing(): never {
  throw notFound()
}

const personById = (world: World, id: string): Person => [...world.people.values()].find(person => person.id === id) ?? missing()

/** @throws ApiError 404 for what is gone or not for this viewer */
function seen(world: World, { id }: Ask, viewer: Person | undefined): Post {
  const post = world.posts.get(id)
  return post && !post.gone && canSee(post, viewer) ? post : missing()
}

function create(world: World, ask: Ask): Answer {
  const { person, token } = userOf(world, ask, ...WRITE)
  const key = ask.asked.headers['idempotency-key']
  const name = `${person.id}:${key}`
  const kept = key ? world.keys.get(name) : undefined
  if (kept && world.now() < kept.at + HOUR) {
    kept.birth.repeats.push(ask.asked)
    return { json: statusOf(world, kept.birth.post.gone ? missing() : kept.birth.post, person) }
  }
  const parent = world.posts.get(ask.field('in_reply_to_id') ?? '')
  if (ask.field('in_reply_to_id') && (!parent || parent.gone || !canSee(parent, person)))
    throw refuse(404, 'The post you are trying to reply to does not appear to exist.')
  const visibility = ask.field('visibility') || 'public'
  if (!VISIBILITIES.includes(visibility)) throw refuse(422, `'${visibility}' is not a valid visibility`)
  const post = world.addPost({
    author: person,
    ...readWords(world, ask),
    visibility: visibility as Visibility,
    language: languageOf(ask) ?? 'en',
    ...(parent ? { parent } : {}),
    ...(token.app ? { application: token.app } : {})
  })
  const birth = { post, request: ask.asked, repeats: [], edits: [] }
  world.births.push(birth)
  if (key) world.keys.set(name, { birth, at: world.now() })
  return { json: statusOf(world, post, person) }
}

/** @throws ApiError 422 for nothing, or for too much */
function readWords(world: World, { field }: Ask): Pick<Post, 'text' | 'spoiler' | 'sensitive' | 'mentions'> {
  const spoiler = field('spoiler_text')?.trim() ?? ''
  const text = field('status')?.trim() || spoiler
  const { maxCharacters, charactersPerUrl } = world.settings
  if (!text) throw refuse(422, "Validation failed: Text can't be blank")
  const shownSpoiler = field('status')?.trim() ? spoiler : ''
  if (countCharacters(text + shownSpoiler, charactersPerUrl) > maxCharacters)
    throw refuse(422, `Validation failed: Text character limit of ${maxCharacters} exceeded`)
  return { text, spoiler: shownSpoiler, sensitive: isTrue(field('sensitive')) || !!shownSpoiler, mentions: mentionsIn(world, text) }
}

const languageOf = ({ field }: Ask): string | undefined => /^[a-z]{2,3}(-[A-Za-z]{2,4})?$/.exec(field('language') ?? '')?.[0]

/** @throws ApiError 404 for what is not one's own */
function ownPost(world: World, { id }: Ask, person: Person): Post {
  const post = world.posts.get(id)
  return post?.author === person && !post.gone && !post.boosted ? post : missing()
}

function edit(world: World, ask: Ask): Answer {
  const { person } = userOf(world, ask, ...WRITE)
  const post = ownPost(world, ask, person)
  const before = JSON.stringify([post.text, post.spoiler, post.sensitive, post.language])
  Object.assign(post, readWords(world, ask), { language: languageOf(ask) ?? post.language })
  if (JSON.stringify([post.text, post.spoiler, post.sensitive, post.language]) !== before) post.edited = new Date(world.now())
  world.births.find(birth => birth.post === post)?.edits.push(ask.asked)
  return { json: statusOf(world, post, person) }
}

function remove(world: World, ask: Ask): Answer {
  const { person } = userOf(world, ask, ...WRITE)
  const post = ownPost(world, ask, person)
  const json = { ...statusOf(world, post, person), text: post.text }
  post.gone = true
  return { json }
}

/** Less of it for those who are not signed in. */
function context(world: World, ask: Ask): Answer {
  const viewer = viewerOf(world, ask, ...READ)
  const post = seen(world, ask, viewer)
  const [above, below, depth] = viewer ? [4096, 4096, Number.POSITIVE_INFINITY] : [40, 60, 20]
  const show = (posts: Post[]) => posts.filter(each => canSee(each, viewer)).map(each => statusOf(world, each, viewer))
  return {
    json: {
      ancestors: show(ancestorsOf(post).slice(-above)),
      descendants: show(descendantsOf(world, post, depth).slice(0, below))
    }
  }
}

function listAccounts(world: World, ask: Ask, items: { id: string; person: Person }[]): Answer {
  const { page, headers } = paginate(world, ask, items, [40, 80])
  return { json: page.map(({ person }) => accountOf(world, person)), headers }
}

function listStatuses(world: World, ask: Ask): Answer {
  const viewer = viewerOf(world, ask, ...READ)
  const account = personById(world, ask.id)
  const posts = [...world.livePosts()].filter(
    post =>
      post.author === account &&
      canSee(post, viewer) &&
      !(isTrue(ask.field('exclude_replies')) && post.parent && post.parent.author !== account) &&
      !(isTrue(ask.field('exclude_reblogs')) && post.boosted) &&
      !isTrue(ask.field('only_media')) &&
      !isTrue(ask.field('pinned'))
  )
  const { page, headers } = paginate(world, ask, posts, [20, 40])
  return { json: page.map(post => statusOf(world, post, viewer)), headers }
}
