/** What waits for the owner: answers to us that nobody else sees yet, and nothing but those (W28). */
import type { Shown } from '../model/kept.ts'
import { type Network, networkOf } from '../model/network.ts'
import type { Tools } from '../tools.ts'
import { type Comment, commentOf } from './comments.ts'
import { findTwins, type Item, itemOf, itemOfAnswer } from './gather.ts'
import { judge } from './moderate.ts'

/**
 * A comment with its URI, which `approve` and `hide` take as well as its id, and with what it answers: a page of the blog, or a post, and
 * `about`, that post as far as it is kept here. `way`: how it came, as pages name it.
 */
export type Waiting = Comment & { way: Network; uri: string; on?: string; about?: Shown }

/** An answer with the toot under which it stands. */
type Told = Awaited<ReturnType<Tools['answers']['undecided']>>[number]
/** `post`: the id of the post that it answers. */
type Candidate = { item: Omit<Item, 'standing'>; on: string | undefined; post: string | undefined }

/** How many are read at once. */
const PAGE = 500

/**
 * The newest first. The database leaves out what was decided, also of people and hosts; where it cannot tell, as by a claimed
 * name, the rule does. It is read page by page until enough are found, or all were looked at.
 * @param most how many at most
 */
export async function findWaiting(tools: Tools, most: number): Promise<Waiting[]> {
  const { answers, config, timelines } = tools
  if (config.moderation === 'all') return []
  const people = config.moderation === 'first'
  const posts = await collect<Shown>(
    most,
    before => timelines.undecided(people, { limit: PAGE, ...(before ? { before } : {}) }),
    async posts =>
      whatWaits(
        tools,
        posts.map(post => ({ item: itemOf(post), on: post.inReplyToUrl ?? post.inReplyTo, post: post.parentId }))
      )
  )
  const told = await collect<Told>(
    most,
    before => answers.undecided(people, { limit: PAGE, ...(before ? { before } : {}) }),
    async told => whatWaits(tools, await withToots(tools, told))
  )
  const newest = [...posts, ...told].sort((a, b) => b.item.at.getTime() - a.item.at.getTime()).slice(0, most)
  const answered = await timelines.some(newest.flatMap(({ post }) => post ?? []))
  return newest.map(({ item, on, post = '' }) => {
    const { uri } = 'post' in item.what ? item.what.post : item.what.answer
    const about = answered.get(post)
    return {
      ...commentOf({ ...item, standing: 'waiting' }),
      way: 'post' in item.what ? networkOf(item.what.post.author) : 'mastodon',
      uri,
      ...(on === undefined ? {} : { on }),
      ...(about === undefined ? {} : { about })
    }
  })
}

/** Reads page after page, each behind the last row of the one before, until `most` were found. */
async function collect<Row>(
  most: number,
  read: (before: Row | undefined) => Promise<Row[]>,
  choose: (rows: Row[]) => Promise<Candidate[]>
): Promise<Candidate[]> {
  const found: Candidate[] = []
  for (let before: Row | undefined; ; ) {
    const rows = await read(before)
    found.push(...(await choose(rows)))
    if (rows.length < PAGE || found.length >= most) return found
    before = rows.at(-1)
  }
}

async function whatWaits(tools: Tools, candidates: Candidate[]): Promise<Candidate[]> {
  const standings = await judge(
    tools,
    candidates.map(({ item }) => item.said)
  )
  return candidates.filter(({ item }, index) => standings[index] === 'waiting' && item.isOpen)
}

/** Without those that we hold as posts: they wait as such. */
async function withToots(tools: Tools, told: Told[]): Promise<Candidate[]> {
  const twins = await findTwins(tools, told)
  const keys = [...new Set(told.map(({ toot }) => toot))]
  const toots = new Map(await Promise.all(keys.map(async key => [key, await tools.toots.find(key)] as const)))
  const entries = new Map(await Promise.all(keys.map(async key => [key, await tools.blogs.findEntry(key)] as const)))
  return told
    .filter(({ id }) => !twins.has(id))
    .map(answer => ({
      item: itemOfAnswer(answer, toots.get(answer.toot)),
      on: toots.get(answer.toot)?.url,
      post: entries.get(answer.toot)?.postId
    }))
}
