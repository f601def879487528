/** `history` and `thread`: what is kept, deleted posts too. */
import { findPost } from '../federation/find-post.ts'
import { findKnown } from '../federation/follow.ts'
import { Missing } from '../model/errors.ts'
import type { Shown } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { type Command, value, WrongUsage } from './command.ts'
import { printPost } from './posts.ts'

const USUAL = 20
const LONGEST_THREAD = 1000

export const history: Command = {
  words: 'history',
  usage: '[WHO] [--limit N]',
  summary: `shows the posts that are kept, newest first: all, or somebody's; ${USUAL} unless --limit says more`,
  options: { limit: value },
  takes: [0, 1],
  async run(tools, args, out) {
    const [who] = args.positionals
    const limit = Number(args.limit ?? USUAL)
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000_000) throw new WrongUsage('--limit is a whole number, 1 or more.')
    const posts = await tools.timelines.all({ limit }, who === undefined ? undefined : (await known(tools, who)).id)
    if (posts.length === 0 && !args.json) out.print('There are no posts yet.')
    for (const post of posts) printPost(out, args, post)
    return 0
  }
}

async function known(tools: Tools, who: string) {
  const name = /^[a-z0-9_]{1,30}$/.test(who) ? await tools.actors.findAccount(who) : await findKnown(tools, who)
  if (name === undefined) throw new Missing(`${who} is not known here.`)
  return name
}

export const thread: Command = {
  words: 'thread',
  usage: 'URL',
  summary: 'shows a post, what it answers and what answers it',
  takes: [1, 1],
  async run(tools, args, out) {
    const post = await findPost(tools, tools.addresses, args.positionals[0] ?? '', { dead: true })
    const posts = await tools.timelines.thread(post.id, LONGEST_THREAD)
    for (const { post, depth } of nest(posts)) printPost(out, args, post, '  '.repeat(depth))
    return 0
  }
}

/** Answers stand below what they answer, one step in. */
function nest(posts: Shown[]): { post: Shown; depth: number }[] {
  const ids = new Set(posts.map(post => post.id))
  const below = (parent: string | undefined, depth: number): { post: Shown; depth: number }[] =>
    posts
      .filter(post => (post.parentId !== undefined && ids.has(post.parentId) ? post.parentId : undefined) === parent)
      .flatMap(post => [{ post, depth }, ...below(post.id, depth + 1)])
  return below(undefined, 0)
}
