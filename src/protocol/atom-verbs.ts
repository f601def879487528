/** Verbs and object types of Activity Streams 1.0 as peers write them -> our words (protocols.md section 0). */
import type { PostKind, Verb } from '../model/activity.ts'
import { SCHEMA } from './names.ts'

/** `undoes` is set when `verb` is undo; `profile` when the thing done is a change of the actor himself. */
export type Meaning = { verb: Verb; undoes?: Verb; profile?: true }

const undo = (undoes: Verb): Meaning => ({ verb: 'undo', undoes })

const VERBS = new Map<string, Meaning>([
  ['post', { verb: 'post' }],
  ['update', { verb: 'update' }],
  ['update-profile', { verb: 'update', profile: true }],
  ['delete', { verb: 'delete' }],
  ['share', { verb: 'share' }],
  ['favorite', { verb: 'favourite' }],
  ['like', { verb: 'favourite' }],
  ['unfavorite', undo('favourite')],
  ['unlike', undo('favourite')],
  ['follow', { verb: 'follow' }],
  ['make-friend', { verb: 'follow' }],
  ['unfollow', undo('follow')],
  ['stop-following', undo('follow')],
  ['remove-friend', undo('follow')],
  ['request-friend', { verb: 'request' }],
  ['authorize', { verb: 'accept' }],
  ['reject', { verb: 'reject' }],
  ['block', { verb: 'block' }],
  ['unblock', undo('block')],
  ['join', { verb: 'join' }],
  ['leave', undo('join')],
  ['tag', { verb: 'tag' }],
  ['untag', undo('tag')]
])

const KINDS = new Map<string, PostKind>([
  ['note', 'note'],
  ['comment', 'comment'],
  ['article', 'article'],
  ['image', 'image'],
  ['photo', 'image'],
  ['video', 'video'],
  ['event', 'event']
])

/** What a verb means. None at all is a post (I9). The last word counts: peers swap the three bases. */
export function readVerb(uri: string): Meaning {
  const word = lastWord(uri)
  return word === '' ? { verb: 'post' } : (VERBS.get(word) ?? { verb: 'unknown' })
}

/** The short word of an object type (`note`, `person`, `activity`), or the whole URI when its base is not a known one. */
export const readType = (uri: string): string => lastWord(uri)

/** The kind of a post by its object type; none at all is a note (I9). */
export const readKind = (uri: string): PostKind => (uri.trim() === '' ? 'note' : (KINDS.get(lastWord(uri)) ?? 'other'))

function lastWord(uri: string): string {
  const trimmed = uri.trim()
  const base = Object.values(SCHEMA).find(one => trimmed.startsWith(one))
  return base === undefined ? trimmed : trimmed.slice(base.length)
}
