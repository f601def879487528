/** What the stand-in for Mastodon remembers, as the entities of its API; and who may see what. */
import type { Account, Approval, CredentialAccount, Status } from './mastodon-api-entities.ts'
import { cutUp, renderText, tagUrl } from './mastodon-api-text.ts'
import type { Person, Post, World } from './mastodon-api-world.ts'

export const acctOf = ({ username, host }: Person): string => (host ? `${username}@${host}` : username)
const homeOf = (world: World, { host }: Person) => (host ? `https://${host}` : world.origin())
const profileOf = (world: World, person: Person) => `${homeOf(world, person)}/@${person.username}`
const everybody: Approval = { automatic: ['public'], manual: [], current_user: 'automatic' }

/** Public and unlisted ones for all; others for the author and the mentioned. */
export const canSee = (post: Post, viewer?: Person): boolean =>
  post.visibility === 'public' || post.visibility === 'unlisted' || post.author === viewer || (!!viewer && post.mentions.includes(viewer))

export function accountOf(world: World, person: Person): Account {
  const posts = [...world.livePosts()].filter(post => post.author === person)
  const picture = (kind: string) => `${world.origin()}/${person.host ? 'cache/' : ''}accounts/${kind}/${person.id}/original/picture.png`
  return {
    id: person.id,
    username: person.username,
    acct: acctOf(person),
    url: profileOf(world, person),
    uri: `${homeOf(world, person)}/users/${person.username}`,
    display_name: person.username,
    note: '',
    avatar: picture('avatars'),
    avatar_static: picture('avatars'),
    avatar_description: '',
    header: picture('headers'),
    header_static: picture('headers'),
    header_description: '',
    locked: false,
    fields: [],
    emojis: [],
    bot: false,
    group: false,
    discoverable: true,
    indexable: true,
    ...(person.host ? {} : { noindex: false }),
    created_at: `${person.since.toISOString().slice(0, 10)}T00:00:00.000Z`,
    last_status_at: posts.at(-1)?.at.toISOString().slice(0, 10) ?? null,
    statuses_count: posts.length,
    followers_count: 0,
    following_count: 0,
    hide_collections: false,
    show_media: true,
    show_media_replies: true,
    show_featured: true,
    roles: person.host ? null : [],
    feature_approval: everybody,
    ...person.changes
  }
}

export const credentialAccountOf = (world: World, person: Person): CredentialAccount => ({
  ...accountOf(world, person),
  source: {
    attribution_domains: [],
    note: '',
    fields: [],
    privacy: 'public',
    sensitive: false,
    language: '',
    follow_requests_count: 0,
    hide_collections: false,
    discoverable: true,
    indexable: true,
    quote_policy: 'public'
  },
  role: { id: '-99', name: '', permissions: '65536', color: '', highlighted: false }
})

/** @param viewer whose token asks */
export function statusOf(world: World, post: Post, viewer?: Person): Status {
  const { author, application, parent, boosted } = post
  const favourites = world.favourites.filter(each => each.post === post)
  const others = [...world.livePosts()]
  const boosts = others.filter(each => each.boosted === post)
  const shown = boosted ?? post
  const seen = viewer && {
    favourited: favourites.some(({ person }) => person === viewer),
    reblogged: boosts.some(boost => boost.author === viewer),
    muted: false,
    bookmarked: false,
    ...(author === viewer && !boosted ? { pinned: false } : {}),
    filtered: []
  }
  return {
    id: post.id,
    ...addressesOf(world, post),
    created_at: post.at.toISOString(),
    edited_at: post.edited?.toISOString() ?? null,
    account: accountOf(world, author),
    content:
      shown.html ?? renderText(shown.text, homeOf(world, shown.author), acct => world.find(acct) && profileOf(world, world.find(acct)!)),
    visibility: post.visibility,
    sensitive: shown.sensitive,
    spoiler_text: shown.spoiler,
    media_attachments: [],
    ...(application ? { application: { name: application.name, website: application.website } } : {}),
    ...namesIn(world, shown),
    emojis: [],
    reblogs_count: boosts.length,
    favourites_count: favourites.length,
    quotes_count: 0,
    replies_count: others.filter(each => each.parent === post && canSee(each)).length,
    in_reply_to_id: parent && !parent.gone ? parent.id : null,
    in_reply_to_account_id: parent && !parent.gone ? parent.author.id : null,
    reblog: boosted ? statusOf(world, boosted, viewer) : null,
    poll: null,
    card: null,
    language: shown.language,
    quote: null,
    quote_approval: everybody,
    tagged_collections: [],
    ...seen
  }
}

function addressesOf(world: World, post: Post): { uri: string; url: string } {
  const uri = `${homeOf(world, post.author)}/users/${post.author.username}/statuses/${post.id}`
  if (post.boosted) return { uri: `${uri}/activity`, url: `${uri}/activity` }
  return { uri: post.uri ?? uri, url: post.url ?? `${profileOf(world, post.author)}/${post.id}` }
}

function namesIn(world: World, { text, mentions }: Post): Pick<Status, 'mentions' | 'tags'> {
  const tags = cutUp(text).flatMap(({ as, value }) => (as === 'tag' ? value.slice(1).toLowerCase() : []))
  return {
    mentions: mentions.map(person => ({
      id: person.id,
      username: person.username,
      url: profileOf(world, person),
      acct: acctOf(person)
    })),
    tags: [...new Set(tags)].map(name => ({ name, url: tagUrl(world.origin(), name) }))
  }
}

/** Whom a text mentions, of those who are known here. */
export const mentionsIn = (world: World, text: string): Person[] => [
  ...new Set(cutUp(text).flatMap(({ as, value }) => (as === 'mention' ? (world.find(value) ?? []) : [])))
]

/** Those that it answers, the oldest first. */
export function ancestorsOf(post: Post): Post[] {
  const { parent } = post
  return parent && !parent.gone ? [...ancestorsOf(parent), parent] : []
}

/** Those that answer it, each followed by its own answers. @param depth how far down */
export function descendantsOf(world: World, post: Post, depth: number): Post[] {
  if (!depth) return []
  const children = [...world.livePosts()].filter(each => each.parent === post)
  return children.flatMap(child => [child, ...descendantsOf(world, child, depth - 1)])
}
