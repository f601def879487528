/** A thread as a viewer may read it: everybody reads what `/api/comments` tells, the owner also what waits and what is hidden. */
import { isForAll, PAGE, readPlace, writePlace } from '../federation/comments.ts'
import { arrange, comparePlaces, gather, type Item, MOST, type Place } from '../federation/gather.ts'
import { judge, knowPeople, namesOf, saidInPost } from '../federation/moderate.ts'
import { findPictures } from '../federation/show-pictures.ts'
import type { Toot } from '../model/blog.ts'
import type { Shown } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { actsOn, findAnswered, findDone, nameAnswered } from './show-posts.ts'
import { commentPath, maySee, type PostView, picturesOf, showAnswer, showPost, type Viewer } from './shown.ts'

/** `earlier` and `later`: addresses of the pages of a long thread before and behind this one. */
export type ThreadView = { posts: { post: PostView; isFocus: boolean }[]; earlier?: string; later?: string }

/**
 * The thread of a post with what the server of its toot tells, in order, page by page.
 * @param after where the page before ended; without one, it is the page on which the post stands
 * @returns undefined when the post itself is not for this viewer @throws BadMessage `cursor`
 */
export async function showThread(tools: Tools, viewer: Viewer, focus: Shown, after: string | null): Promise<ThreadView | undefined> {
  const thread = await tools.timelines.thread(focus.id, MOST)
  const posts = new Map([...thread, focus].map(post => [post.id, post]))
  const comments = [...posts.values()].filter(post => isUnderOurs(post, posts))
  const others = [...posts.values()].filter(post => !comments.includes(post))
  const root = others.find(({ author }) => author.localName !== undefined)
  const gathered = await gather(tools, comments, root && (await findToot(tools, root)))
  const items = gathered.map(item => (item.parent === undefined && root !== undefined ? { ...item, parent: root.id } : item))
  const letIn = new Set(await passModeration(tools, viewer, others))
  const arranged = arrange([...others.map(post => itemOfOther(viewer, post, letIn.has(post))), ...items], item => isFor(viewer, item))
  const at = arranged.findIndex(({ item }) => item.id === focus.id)
  if (at < 0) return undefined
  const start = after === null ? at - (at % PAGE) : firstBehind(arranged, after)
  const page = arranged.slice(start, start + PAGE)
  // the page that is meant begins where a page before it ended
  const beginning = (index: number) => `?after=${index <= 0 ? '' : writePlace(arranged[index - 1]!.place)}`
  return {
    posts: await showItems(
      tools,
      viewer,
      page.map(({ item }) => item),
      focus.id,
      new Set(gathered.map(({ id }) => id))
    ),
    ...(start > 0 ? { earlier: beginning(start - PAGE) } : {}),
    ...(start + PAGE < arranged.length ? { later: beginning(start + PAGE) } : {})
  }
}

/** The index of the first item of a page; `after` is empty for the first page. */
function firstBehind(arranged: { place: Place }[], after: string): number {
  if (after === '') return 0
  const from = readPlace(after)
  const index = arranged.findIndex(({ place }) => comparePlaces(place, from) > 0)
  return index < 0 ? arranged.length : index
}

/** Whether a post stands in a thread of ours, so that it is ours to moderate. */
function isUnderOurs({ id, parentId }: Shown, posts: Map<string, Shown>): boolean {
  const passed = new Set([id])
  let above = posts.get(parentId ?? '')
  while (above !== undefined && above.author.localName === undefined && !passed.has(above.id)) {
    passed.add(above.id)
    above = posts.get(above.parentId ?? '')
  }
  return above !== undefined && !passed.has(above.id)
}

async function findToot({ blogs, toots }: Tools, { id }: Shown): Promise<Toot | undefined> {
  const entry = await blogs.findEntryByPost(id)
  return entry && toots.find(entry.key)
}

const itemOfOther = (viewer: Viewer, post: Shown, isLetIn: boolean): Item => ({
  ...{ id: post.id, at: post.sortedAt, said: saidInPost(post), standing: 'shown', what: { post } },
  isOpen: isLetIn && maySee(viewer, post),
  ...(post.parentId === undefined ? {} : { parent: post.parentId })
})

function isFor(viewer: Viewer, item: Item): boolean {
  if (viewer.sees !== 'all') return isForAll(item)
  return 'answer' in item.what || item.what.post.deletedAt === undefined
}

/** @param comments the ids of those that stand in a thread of ours, which the owner may moderate */
async function showItems(
  tools: Tools,
  viewer: Viewer,
  items: Item[],
  focusId: string,
  comments: Set<string>
): Promise<ThreadView['posts']> {
  const shown = items.flatMap(({ what }) => ('post' in what ? what.post : []))
  const avatars = items.flatMap(({ what }) => ('answer' in what ? what.answer.person.avatar : []))
  const [pictures, done, answered] = await Promise.all([
    findPictures(tools, [...shown.flatMap(picturesOf), ...avatars]),
    findDone(tools, viewer, shown),
    findAnswered(tools, viewer, shown)
  ])
  const viewOf = (post: Shown): PostView => ({
    ...nameAnswered(viewer, showPost(viewer, post, pictures), post, answered),
    ...actsOn(viewer, post, done)
  })
  return items.map(({ id, said, standing, what }) => {
    const view = 'post' in what ? viewOf(what.post) : showAnswer(what.answer, pictures)
    const mayModerate = viewer.accounts.length > 0 && comments.has(id) && !said.own
    const more = { ...(standing === 'shown' ? {} : { standing }), ...(mayModerate ? { moderate: commentPath(id) } : {}) }
    return { post: { ...view, ...more }, isFocus: id === focusId }
  })
}

/** For whom documents are written that anybody may read. */
export const EVERYBODY = { sees: 'public' } as const

/** Of the posts of a list those that may be shown: nothing by the blocked, and what stands in a thread of ours only if it was let in (MODERATION). */
export async function passModeration(tools: Tools, viewer: Pick<Viewer, 'sees'>, posts: Shown[]): Promise<Shown[]> {
  if (viewer.sees === 'all') return posts
  const all = posts.flatMap(withShared)
  const refused = new Set([...(await findRefused(tools, all)), ...(await findBlocked(tools, all))])
  return posts.filter(post => withShared(post).every(({ id }) => !refused.has(id)))
}

/** A share carries what it shares. */
const withShared = (post: Shown): Shown[] => (post.shared === undefined ? [post] : [post, post.shared])

/** Of some posts the ids of those whose authors are blocked, or whose hosts. */
async function findBlocked(tools: Tools, posts: Shown[]): Promise<string[]> {
  const others = posts.filter(({ author }) => author.localName === undefined)
  const known = await knowPeople(
    tools,
    others.map(({ author }) => namesOf(author))
  )
  return others.filter((_, index) => known[index]!.isBlocked).map(({ id }) => id)
}

/** Of some posts the ids of those that stand in a thread of ours and were not let in. */
async function findRefused(tools: Tools, posts: Shown[]): Promise<Set<string>> {
  const answers = posts.filter(({ parentId }) => parentId !== undefined)
  if (answers.length === 0) return new Set()
  const ours = await tools.timelines.underOurs(answers.map(({ id }) => id))
  const comments = answers.filter(({ id }) => ours.has(id))
  const standings = await judge(tools, comments.map(saidInPost))
  return new Set(comments.filter((_, index) => standings[index] !== 'shown').map(({ id }) => id))
}
