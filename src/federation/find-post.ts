/** Which post a person means: by its URI, the address of its page, at its author's or here, or its id. */
import type { Addresses } from '../model/addresses.ts'
import { Missing } from '../model/errors.ts'
import { isId } from '../model/ids.ts'
import type { KeptPost } from '../model/kept.ts'
import type { Stores } from '../tools.ts'

/**
 * @param options `dead`: one that was deleted is found too
 * @throws Missing when it is not known here; 410 when it was deleted
 */
export async function findPost(
  { history }: Pick<Stores, 'history'>,
  { remotePost }: Addresses,
  name: string,
  { dead = false } = {}
): Promise<KeptPost> {
  const here = remotePost('')
  const id = name.startsWith(here) ? name.slice(here.length) : name
  const post = isId(id) ? await history.find(id) : ((await history.findByUri(name)) ?? (await history.findByAddress(name)))
  if (post === undefined) throw new Missing('This post is not known here.')
  if (post.deletedAt !== undefined && !dead) throw new Missing('This post was deleted.', { status: 410, code: 'gone' })
  return post
}
