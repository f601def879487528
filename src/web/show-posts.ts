/** Posts as a page shows them all: their pictures, and what the owner may do and did to each, found for the whole page at once. */
import { findPictures } from '../federation/show-pictures.ts'
import type { Shown } from '../model/kept.ts'
import type { Done, Tools } from '../tools.ts'
import { type ActsView, type PostView, picturesOf, postPath, showPerson, showPost, type Viewer } from './shown.ts'

/** Letters of a post in a list; of one that is much longer the rest stands on its own page. */
export const LIST_LETTERS = 2500

/** What our accounts did, by the id of the post. */
type DoneTo = ReadonlyMap<string, Done[]>

/** Posts that the viewer may see. @param most letters of each */
export async function showPosts(tools: Tools, viewer: Viewer, posts: Shown[], most?: number): Promise<PostView[]> {
  const [pictures, done, answered] = await Promise.all([
    findPictures(tools, posts.flatMap(picturesOf)),
    findDone(tools, viewer, posts),
    findAnswered(tools, viewer, posts)
  ])
  return posts.map(post => ({
    ...nameAnswered(viewer, showPost(viewer, post, pictures, most), post, answered),
    ...actsOn(viewer, post, done)
  }))
}

/** The posts that others answer, for the owner, who is told whose they are: those of the page itself, the rest asked for at once. */
export async function findAnswered({ timelines }: Tools, { sees }: Viewer, posts: Shown[]): Promise<ReadonlyMap<string, Shown>> {
  const here = new Map(posts.map(post => [post.id, post]))
  const parents = sees === 'all' ? posts.flatMap(({ parentId }) => parentId ?? []) : []
  return new Map([...here, ...(await timelines.some(parents.filter(id => !here.has(id))))])
}

/** Says of a post whom it answers, where that is known. */
export function nameAnswered(viewer: Viewer, view: PostView, { parentId }: Shown, answered: ReadonlyMap<string, Shown>): PostView {
  const author = answered.get(parentId ?? '')?.author
  if (author === undefined || view.answers?.page === undefined) return view
  return { ...view, answers: { ...view.answers, name: showPerson(viewer, author).name } }
}

/** What is acted on: of a share the shared post, if it is here. */
const targetOf = (post: Shown): Shown | undefined => (post.verb === 'share' ? post.shared : post)

export async function findDone({ acts }: Tools, { accounts }: Viewer, posts: Shown[]): Promise<DoneTo> {
  if (accounts.length === 0) return new Map()
  return acts.onPosts([...new Set(posts.flatMap(post => targetOf(post)?.id ?? []))])
}

/** What the owner may do to a post; nobody else may do anything. */
export function actsOn(viewer: Viewer, post: Shown, done: DoneTo): { acts?: ActsView } {
  const target = targetOf(post)
  if (viewer.accounts.length === 0 || target === undefined) return {}
  const { author, id, visibility } = target
  const page = postPath(viewer, target)
  const isOwn = author.localName !== undefined && post.verb === 'post'
  const mayShare = visibility === 'public' || visibility === 'unlisted'
  return {
    acts: {
      ...{ id, mayShare, done: done.get(id) ?? [] },
      ...(page === undefined ? {} : { reply: `${page}#text`, ...(isOwn ? { own: page } : {}) })
    }
  }
}
