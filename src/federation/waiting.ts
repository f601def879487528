/** What waits for the owner: answers to us that nobody else sees yet, and nothing but those (W28). */
import type { Tools } from '../tools.ts'
import { type Comment, commentOf } from './comments.ts'
import { findTwins, type Item, itemOf, itemOfAnswer } from './gather.ts'
import { judge } from './moderate.ts'

/** A comment with its URI, which `approve` and `hide` take, and with what it answers: a page of the blog, or a post. */
export type Waiting = Comment & { uri: string; on?: string }

/** How many of each network are looked at: those on which something was decided, or which MODERATION lets in, do not count. */
const MOST_READ = 1000

/** The newest first. @param most how many at most */
export async function findWaiting(tools: Tools, most: number): Promise<Waiting[]> {
  const { answers, config, timelines, toots } = tools
  if (config.moderation === 'all') return []
  const people = config.moderation === 'first'
  const [posts, told] = await Promise.all([timelines.undecided(people, MOST_READ), answers.undecided(people, MOST_READ)])
  const twins = await findTwins(tools, told)
  const tootOf = new Map(
    await Promise.all([...new Set(told.map(({ toot }) => toot))].map(async key => [key, await toots.find(key)] as const))
  )
  const items: { item: Omit<Item, 'standing'>; on: string | undefined }[] = [
    ...posts.map(post => ({ item: itemOf(post), on: post.inReplyToUrl ?? post.inReplyTo })),
    ...told
      .filter(({ id }) => !twins.has(id))
      .map(answer => ({ item: itemOfAnswer(answer, tootOf.get(answer.toot)), on: tootOf.get(answer.toot)?.url }))
  ]
  const standings = await judge(
    tools,
    items.map(({ item }) => item.said)
  )
  const waiting = items.filter(({ item }, index) => standings[index] === 'waiting' && item.isOpen)
  const newest = waiting.sort((a, b) => b.item.at.getTime() - a.item.at.getTime()).slice(0, most)
  return newest.map(({ item, on }) => {
    const { uri } = 'post' in item.what ? item.what.post : item.what.answer
    return { ...commentOf({ ...item, standing: 'waiting' }), uri, ...(on === undefined ? {} : { on }) }
  })
}
