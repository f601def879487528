/** The rest of a thread: what the server of a post tells of its answers, within bounds (W25, W26). */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { isFailure } from '../model/errors.ts'
import type { KeptPost } from '../model/kept.ts'
import { all, idOf, type Json, type JsonObject } from '../protocol/json-ld.ts'
import type { Jobs, Tools } from '../tools.ts'
import { askDocument, fetchDocument, isOfOne } from './fetch-actor.ts'
import { isName } from './identity.ts'
import { isOpen } from './moderate.ts'
import { type Fetched, readFetched, takeNote } from './take-note.ts'

/** How many answers of one post are looked at, and to what depth below the first (X30). */
const MOST_ITEMS = 40
const DEEPEST = 2
const MOST_PAGES = 5
/** Requests for one thread in five hours, in this process: documents and their authors. */
const perThread = new RateLimiterMemory({ points: 20, duration: 5 * 3600 })
const LONGEST_THREAD = 50

/** What is left of the requests that may be made, counted down. */
type Budget = { left: number; thread: string }

/** A job. `left`: how many more requests this may cause. */
export async function readReplies(tools: Tools, { left, post: id, url }: Jobs['replies.read']): Promise<void> {
  const post = await tools.history.find(id)
  const author = post && (await tools.actors.find(post.authorId))
  if (post === undefined || post.deletedAt !== undefined || author === undefined || author.localName !== undefined) return
  if (author.blockedAt !== undefined || author.removedAt !== undefined) return
  const budget = { left, thread: `${tools.worker} ${await threadOf(tools, post)}` }
  await readLevel(tools, budget, { url, parent: post.uri }, 0)
}

/** The first post of a thread, as far as it is known. */
async function threadOf({ history }: Tools, post: KeptPost): Promise<string> {
  let root = post
  for (let height = 0; root.parentId !== undefined && height < LONGEST_THREAD; height++) root = (await history.find(root.parentId)) ?? root
  return root.id
}

/** One collection, and those of the answers that it names. Only its own server says what answers a post (`parent`: its URI). */
async function readLevel(tools: Tools, budget: Budget, { parent, url }: { url: string; parent: string }, depth: number): Promise<void> {
  if (!isOfOne(url, parent)) return
  for (const item of await readItems(tools, budget, url)) {
    const found = await askItem(tools, budget, item)
    if (found === undefined || found.post.inReplyTo?.id !== parent) continue
    // what was not meant for everybody was told to those for whom it was meant
    const kept = isOpen(found.post) ? await ask(budget, () => takeNote(tools, found, 0)) : undefined
    const deeper = depth + 1 < DEEPEST && kept?.post !== undefined
    if (deeper && found.replies !== undefined) await readLevel(tools, budget, { url: found.replies, parent: found.post.id }, depth + 1)
  }
}

/** The ids of what a collection holds, page by page; what stands inside the first document is not asked for again. */
async function readItems(tools: Tools, budget: Budget, url: string): Promise<string[]> {
  const items = new Set<string>()
  let page: JsonObject | undefined = await ask(budget, async () => (await askDocument(tools, url)).document)
  for (let pages = 0; page !== undefined && pages < MOST_PAGES && items.size < MOST_ITEMS; pages++) {
    for (const item of [...all(page, 'items'), ...all(page, 'orderedItems')]) {
      const id = idOf(item)
      if (id !== undefined && isName(id)) items.add(id)
    }
    const first = pages === 0 ? page.get('first') : undefined
    page = await turn(tools, budget, url, first ?? page.get('next'))
  }
  return [...items].slice(0, MOST_ITEMS)
}

/** The next page: inside the last one, or at an address of the same server. */
async function turn(tools: Tools, budget: Budget, collection: string, next: Json | undefined): Promise<JsonObject | undefined> {
  if (next instanceof Map) return next
  if (typeof next !== 'string' || !isOfOne(next, collection)) return undefined
  return ask(budget, async () => (await askDocument(tools, next)).document)
}

/** An answer from its own server, unless we have it: what the collection says of it proves nothing. */
async function askItem(tools: Tools, budget: Budget, id: string): Promise<(Fetched & { replies?: string }) | undefined> {
  if (isOfOne(id, tools.addresses.origin) || (await tools.history.findByUri(id)) !== undefined) return undefined
  return ask(budget, async () => {
    const { document } = await fetchDocument(tools, id)
    const fetched = readFetched(document)
    const replies = idOf(all(document, 'replies')[0])
    return fetched && { ...fetched, ...(replies !== undefined && isOfOne(replies, id) ? { replies } : {}) }
  })
}

/** One request more, if there is one left; what fails is left out. */
async function ask<T>(budget: Budget, work: () => Promise<T>): Promise<T | undefined> {
  if (budget.left < 1) return undefined
  budget.left--
  try {
    await perThread.consume(budget.thread)
  } catch {
    budget.left = 0
    return undefined
  }
  try {
    return await work()
  } catch (error) {
    if (isFailure(error)) return undefined
    throw error
  }
}
