/** Whether what came to an inbox is any business of ours, and whose: an inbox is no door for all the world's posts (S3-34, W25). */
import type { Activity, ActivityObject, Post } from '../model/activity.ts'
import type { Account, Actor } from '../model/kept.ts'
import { emptyPost } from '../protocol/atom-post.ts'
import type { Stores } from '../tools.ts'
import type { Question } from './inbox-question.ts'

/** It concerns the node; `account`: whom it is about. */
export type Concern = { account?: Account }

type Needs = Pick<Stores, 'actors' | 'acts' | 'follows' | 'history' | 'timelines'>

const AT_LARGE: Concern = {}

/**
 * It mentions an account or is told to it, answers or belongs to a thread that is known, is by somebody whom an account follows; likes or shares a post
 * of an account, follows or blocks one, or ends that; answers what an account asked; or tells of somebody known: what they look like,
 * that they move or leave, that a post of theirs was changed or is gone.
 * @param sender whoever is known under the name of the actor
 */
export async function findConcern(
  stores: Needs,
  { activity, about, to }: Pick<Question, 'activity' | 'about' | 'to'>,
  sender?: Actor
): Promise<Concern | undefined> {
  const { object, verb } = activity
  switch (verb) {
    case 'post':
    case 'update':
      if (object.type === 'actor') return sender && AT_LARGE
      return object.type === 'post' ? ofPost(stores, object.post, to, sender) : undefined
    case 'share':
      return object.type !== 'post' ? undefined : ((await ofOwnPost(stores, object.post.id)) ?? ifRead(stores, sender))
    case 'favourite':
    case 'quote':
      return object.type === 'post' ? ofOwnPost(stores, object.post.id) : undefined
    case 'follow':
    case 'block':
      return object.type === 'actor' ? ofAccount(stores, object.actor.ids) : undefined
    case 'accept':
    case 'reject':
      return sender && ofAsker(stores, object)
    case 'undo':
      return sender && ofUndone(stores, object, sender)
    case 'flag':
      return (await ofAccount(stores, about)) ?? first(about.slice(0, 20).map(id => () => ofOwnPost(stores, id)))
    case 'move':
      return ifRead(stores, sender)
    case 'delete':
      return sender && AT_LARGE
    default:
      return undefined
  }
}

/** An account by any of its names; http and https are one. */
export async function ofAccount({ actors }: Pick<Stores, 'actors'>, names: string[]): Promise<Required<Concern> | undefined> {
  const both = names.slice(0, 120).flatMap(name => [name, name.replace(/^http:/, 'https:'), name.replace(/^https:/, 'http:')])
  const found = both.length === 0 ? undefined : [...(await actors.findByNames(both)).values()].map(({ actor }) => actor).find(isAccount)
  return found && { account: found }
}

const isAccount = (actor: Actor | undefined): actor is Account => actor?.localName !== undefined && actor.removedAt === undefined

async function ofOwnPost({ actors, history }: Needs, id: string): Promise<Concern | undefined> {
  const post = await history.findByUri(id)
  const author = post && (await actors.find(post.authorId))
  return isAccount(author) ? { account: author } : undefined
}

async function ofPost(stores: Needs, post: Post, to: string[], sender: Actor | undefined): Promise<Concern | undefined> {
  const { actors, history, timelines } = stores
  const mentioned = await ofAccount(stores, [...post.mentions, ...to])
  if (mentioned !== undefined) return mentioned
  if (sender !== undefined && (await history.findTwin(sender.id, [post.id])) !== undefined) return AT_LARGE
  const answered = post.inReplyTo?.id
  const parent = answered === undefined ? undefined : ((await history.findByUri(answered)) ?? (await history.findByAddress(answered)))
  if (parent !== undefined) {
    const author = await actors.find(parent.authorId)
    return isAccount(author) ? { account: author } : AT_LARGE
  }
  if (answered !== undefined && post.conversation !== undefined && (await timelines.knowsConversation(post.conversation))) return AT_LARGE
  return ifRead(stores, sender)
}

/** Whatever somebody says whom an account follows. */
async function ifRead({ follows }: Needs, sender: Actor | undefined): Promise<Concern | undefined> {
  return sender !== undefined && (await follows.localFollowers(sender.id)) > 0 ? AT_LARGE : undefined
}

async function ofAsker(stores: Needs, object: ActivityObject): Promise<Concern | undefined> {
  const asker = object.type === 'activity' ? object.activity.actor : object.type === 'actor' ? object.actor : undefined
  return asker && ofAccount(stores, asker.ids)
}

async function ofUndone(stores: Needs, object: ActivityObject, sender: Actor): Promise<Concern | undefined> {
  if (object.type !== 'activity') return undefined
  const { activity } = object
  if (activity.verb !== 'share') return findConcern(stores, { activity, about: [], to: [] }, sender)
  return (await stores.history.findTwin(sender.id, [activity.id])) === undefined && activity.object.type === 'post'
    ? ofOwnPost(stores, activity.object.post.id)
    : AT_LARGE
}

/** An undoing, and an answer to us, may name what it is about by its id alone: then it is looked up what that was. */
export async function completeAnswered(stores: Needs, activity: Activity, sender: Actor): Promise<Activity> {
  const { object, verb } = activity
  if (object.type !== 'activity' || object.activity.verb !== 'unknown') return activity
  const { id } = object.activity
  const doers = verb === 'undo' ? [sender] : await stores.actors.accounts()
  const act = await stores.acts.findOf(
    doers.map(doer => doer.id),
    id
  )
  const doer = act && doers.find(one => one.id === act.actorId)
  if (act !== undefined && doer !== undefined) return { ...activity, object: { type: 'activity', activity: actOf(act, id, doer) } }
  const share = verb === 'undo' && (await stores.history.findTwin(sender.id, [id]))?.verb === 'share'
  return share ? { ...activity, object: { type: 'activity', activity: { ...object.activity, verb: 'share' } } } : activity
}

function actOf({ object, verb }: { object: string; verb: string }, id: string, doer: Actor): Activity {
  const actor = { ids: [doer.uri], kind: 'person' as const }
  const known = ({ favourite: 'favourite', share: 'share', block: 'block' } as const)[verb] ?? 'follow'
  const post = known === 'favourite' || known === 'share'
  const about: ActivityObject = post
    ? { type: 'post', post: emptyPost(object) }
    : { type: 'actor', actor: { ids: [object], kind: 'person' } }
  return { id, verb: known, actor, authors: 1, object: about }
}

async function first<T>(tries: (() => Promise<T | undefined>)[]): Promise<T | undefined> {
  for (const attempt of tries) {
    const found = await attempt()
    if (found !== undefined) return found
  }
  return undefined
}

/** A post that is told to an account without a mention is meant for it all the same: so it is among what mentions it. */
export function mentioning<Asked extends Question>(question: Asked, { account }: Concern): Asked {
  const { activity, to } = question
  const { object } = activity
  if (account === undefined || object.type !== 'post' || !to.includes(account.uri) || object.post.mentions.includes(account.uri))
    return question
  const post = { ...object.post, mentions: [account.uri, ...object.post.mentions] }
  return { ...question, activity: { ...activity, object: { type: 'post', post } } }
}
