/** What was said under a post, from every network, each thing once: posts that we hold, and what the server of its toot tells. */
import type { Answer, Toot } from '../model/blog.ts'
import { BadMessage, Missing } from '../model/errors.ts'
import type { KeptPost, Shown } from '../model/kept.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import type { Tools } from '../tools.ts'
import { isOpen, judge, namesOf, type Said, type Standing, saidInAnswer, saidInPost } from './moderate.ts'

/**
 * One thing that was said. `id` is our id of the post, or `m-` and the id on the toot's server; `parent` the id of what it answers
 * within the thread, whether that may be seen or not; `isOpen`: its author meant it for everybody.
 */
export type Item = {
  id: string
  parent?: string
  at: Date
  said: Said
  standing: Standing
  isOpen: boolean
  what: { post: Shown } | { answer: Answer }
}

/** What a page stands for: its canonical address, its post and its toot. A page of a blog of which nothing else is known has neither. */
export type Subject = { url: string; post?: KeptPost; toot?: Toot }

/** Posts of one thread: of a longer one those deepest in it are left out. */
export const MOST = 5000

/**
 * What is talked about under an address: a page of a blog, in any spelling by which we met it, or a post of ours by its own URI.
 * Nothing leaves the node.
 * @throws BadMessage `no_url`; Missing 404, 410 when it was deleted
 */
export async function findSubject(tools: Pick<Tools, 'addresses' | 'blogs' | 'history' | 'toots'>, raw: string): Promise<Subject> {
  const { addresses, blogs, history, toots } = tools
  const address = cleanAddress(raw)
  if (address === undefined) throw new BadMessage('The address of a page is missing: ?url=…', { code: 'no_url' })
  const page = await blogs.findPage([address.url, address.bare].map(pageKey))
  if (page === undefined) {
    const post = address.url.startsWith(`${addresses.origin}/users/`) ? await history.findByUri(address.url) : undefined
    const entry = post && (await blogs.findEntryByPost(post.id))
    if (post === undefined || !isOpen(post)) throw unknown()
    const toot = entry && (await toots.find(entry.key))
    return { url: entry?.url ?? post.uri, post: alive(post), ...(toot ? { toot } : {}) }
  }
  const [entry, toot] = await Promise.all([blogs.findEntry(page.key), toots.find(page.key)])
  const post = entry && (await history.find(entry.postId))
  const url = entry?.url ?? toot?.url ?? `${new URL(address.url).protocol}//${page.key}`
  return { url, ...(post ? { post: alive(post) } : {}), ...(toot ? { toot } : {}) }
}

const unknown = () => new Missing('There is no conversation about this page here.')

function alive(post: KeptPost): KeptPost {
  if (post.deletedAt !== undefined) throw new Missing('This post was deleted.', { status: 410, code: 'gone' })
  return post
}

/** All that was said under a post, in no order. */
export async function gatherUnder(tools: Tools, { post, toot }: Subject): Promise<Item[]> {
  const thread = post === undefined ? [] : await tools.timelines.thread(post.id, MOST)
  return gather(tools, post === undefined ? [] : below(thread, post.id), toot)
}

/** What stands under a post in its thread. */
function below(thread: Shown[], id: string): Shown[] {
  const under = new Set([id])
  let before = 0
  while (under.size > before) {
    before = under.size
    for (const { id, parentId } of thread) if (parentId !== undefined && under.has(parentId)) under.add(id)
  }
  under.delete(id)
  return thread.filter(post => under.has(post.id))
}

/**
 * Puts posts and the answers to a toot together, in no order. What came by both ways is one: the post that we hold counts, if the
 * same person wrote both; so it is also gone, or for few, when that post is.
 */
export async function gather(tools: Tools, posts: Shown[], toot: Toot | undefined): Promise<Item[]> {
  const answers = toot?.state === 'posted' ? await tools.answers.find(toot.key) : []
  const twins = await findTwins(tools, answers)
  const held = new Map([...posts, ...twins.values()].filter(({ verb }) => verb === 'post').map(post => [post.id, post]))
  const ids = new Map(answers.map(({ id }) => [id, twins.get(id)?.id ?? `m-${id}`]))
  const parents = new Map(answers.map(({ id, parentId }) => [ids.get(id), ids.get(parentId ?? '')]))
  const items = [
    ...[...held.values()].map(post => itemOf(post, parents.get(post.id))),
    ...answers.filter(({ id }) => !twins.has(id)).map(answer => itemOfAnswer(answer, toot, parents.get(`m-${answer.id}`)))
  ]
  const standings = await judge(
    tools,
    items.map(({ said }) => said)
  )
  return items.map((item, index) => ({ ...item, standing: standings[index]! }))
}

/** The posts that we hold of what the server of a toot tells, by the answers' ids. */
export async function findTwins({ timelines }: Tools, answers: Answer[]): Promise<Map<string, Shown>> {
  const posts = await timelines.byNames(answers.flatMap(({ uri, url }) => [uri, url]))
  const byName = new Map<string, Shown[]>()
  for (const post of posts)
    for (const name of [post.uri, post.url ?? '', post.activityUrl ?? '']) byName.set(name, [...(byName.get(name) ?? []), post])
  const twins = answers.map(({ id, person, uri, url }): [string, Shown | undefined] => {
    const names = [`acct:${person.handle}`, person.uri]
    const same = [...(byName.get(uri) ?? []), ...(byName.get(url) ?? [])]
    return [id, same.find(({ author, verb }) => verb === 'post' && namesOf(author).some(name => names.includes(name)))]
  })
  return new Map(twins.filter((twin): twin is [string, Shown] => twin[1] !== undefined))
}

/** @param above what it answers where its own post does not tell it */
export function itemOf(post: Shown, above?: string): Omit<Item, 'standing'> {
  const { author, deletedAt, id, parentId: parent = above, sortedAt: at } = post
  const forAll = isOpen(post) && deletedAt === undefined && author.removedAt === undefined
  return { id, at, said: saidInPost(post), isOpen: forAll, what: { post }, ...(parent ? { parent } : {}) }
}

export function itemOfAnswer(answer: Answer, toot: Toot | undefined, above?: string): Omit<Item, 'standing'> {
  const { id, published: at } = answer
  return {
    id: `m-${id}`,
    at,
    said: saidInAnswer(answer, toot),
    isOpen: isOpen(answer),
    what: { answer },
    ...(above ? { parent: above } : {})
  }
}

/** Where an item stands in a list: after what it answers, else by its time. Two of one second stand as they were found (whole seconds: Atom). */
export type Place = { second: number; depth: number; id: string }

/**
 * Those of the items that may be seen, oldest first and never before what they answer, each with what it answers among them.
 * @param all every item of the thread: what is left out still connects what stands above and below it
 */
export function arrange(all: Item[], mayBeSeen: (item: Item) => boolean): { item: Item; parent?: string; place: Place }[] {
  const items = new Map(all.map(item => [item.id, item]))
  const seen = all.filter(mayBeSeen)
  const listed = new Set(seen.map(({ id }) => id))
  const parentOf = (item: Item): Item | undefined => {
    const passed = new Set([item.id])
    let above = items.get(item.parent ?? '')
    while (above !== undefined && !listed.has(above.id) && !passed.has(above.id)) {
      passed.add(above.id)
      above = items.get(above.parent ?? '')
    }
    return above === undefined || passed.has(above.id) ? undefined : above
  }
  const placeOf = makePlaces(parentOf)
  const arranged = seen.map(item => {
    const parent = parentOf(item)?.id
    return { item, place: placeOf(item), ...(parent === undefined ? {} : { parent }) }
  })
  return arranged.sort((a, b) => comparePlaces(a.place, b.place))
}

/** Below 0 when the first comes before the second. */
export const comparePlaces = (a: Place, b: Place): number =>
  a.second - b.second || a.depth - b.depth || (a.id === b.id ? 0 : a.id < b.id ? -1 : 1)

/** Somebody's clock may be wrong: an answer is as late as what it answers, at least. Climbs without recursion, as threads are deep. */
function makePlaces(parentOf: (item: Item) => Item | undefined): (item: Item) => Place {
  const places = new Map<string, Place>()
  return item => {
    const path = new Set<Item>()
    let above: Item | undefined = item
    while (above !== undefined && !places.has(above.id) && !path.has(above)) {
      path.add(above)
      above = parentOf(above)
    }
    for (const one of [...path].reverse()) {
      const over = places.get(parentOf(one)?.id ?? '')
      const second = Math.max(Math.floor(one.at.getTime() / 1000), over?.second ?? 0)
      places.set(one.id, { second, depth: (over?.depth ?? -1) + 1, id: one.id })
    }
    return places.get(item.id)!
  }
}
