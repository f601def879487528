/** To tell everybody of a post, its edit or its delete: our hub's subscribers, and the other hubs of the topic. */
import { writeFeed } from '../protocol/atom-writer.ts'
import { hubLinks } from '../protocol/hub.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { distribute } from './distribute.ts'
import { deleteOut, entryOut, feedHead, hubsOf } from './entries.ts'

/** One document with one entry for all subscribers (H7); only of public posts (H12). Doing it twice sends it twice, losing nothing. */
export async function announce(tools: Tools, postId: string, act: 'post' | 'update' | 'delete'): Promise<void> {
  const { actors, addresses, clock, config, history, transaction } = tools
  const post = await history.find(postId)
  const author = post && (await actors.find(post.authorId))
  if (post === undefined || author?.localName === undefined || post.visibility !== 'public') return
  if (act !== 'delete' && post.deletedAt !== undefined) return
  const account = await actors.findAccount(author.localName)
  if (account === undefined) return
  const topic = addresses.feed(account.localName)
  const entry = act === 'delete' ? deleteOut(post) : entryOut(post)
  const body = Buffer.from(writeFeed(feedHead(tools, account, entry.updated), [entry]))
  await transaction(async stores => {
    const now = clock()
    await stores.topics.lock(topic)
    // what was edited or deleted since we read it is told of by a job of its own, and the old is not told of after the new
    const current = await stores.history.find(postId)
    if (act !== 'delete' && (current?.deletedAt !== undefined || current?.edits !== post.edits)) return
    await distribute(
      stores,
      { key: `${post.uri} ${act} ${post.edits}`, topic, contentType: TYPE.atom, body, links: hubLinks(hubsOf(tools), topic) },
      now
    )
    for (const hub of config.hubs) await stores.queue.add('hub.ping', { hub, topic })
  })
}
