/** Servers that speak both OStatus and ActivityPub name one thing in two ways: the number in both is the same (protocols.md X13). */
import type { Actor } from '../model/kept.ts'

const TAG = /^tag:[^,]+,\d{4}-\d\d-\d\d:(objectId|noticeId)=(\d{1,20}):objectType=(Status|note|comment)$/
const MASTODON = /^https?:\/\/[^/]+\/users\/\w+$/
const GNU_SOCIAL = /^(https?:\/\/.+?)\/(?:index\.php\/)?user\/\d+$/

/**
 * The ActivityPub id of what bears a tag: URI of its author's server in Atom. It begins with what the author's own URI begins with, so
 * it never names what is somebody else's elsewhere. Undefined for any other id. A GNU social has such ids once its people speak
 * ActivityPub; of Mastodon every one does that still runs.
 */
export function activityIdOf(id: string, { speaks, uri }: Pick<Actor, 'speaks' | 'uri'>, kind: 'post' | 'share'): string | undefined {
  const [, label, number, type] = TAG.exec(id) ?? []
  if (label === 'objectId' && type === 'Status' && MASTODON.test(uri))
    return `${uri}/statuses/${number}${kind === 'share' ? '/activity' : ''}`
  const [, root] = GNU_SOCIAL.exec(uri) ?? []
  const isNotice = label === 'noticeId' && type !== 'Status' && kind === 'post' && speaks === 'activitypub'
  return isNotice && root !== undefined ? `${root}/object/note/${number}` : undefined
}
