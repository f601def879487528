/**
 * To tell everybody of what an account of ours did: by ActivityPub its followers and whom it concerns, by Salmon whom it concerns, by
 * the hub its subscribers, and the other hubs.
 */
import type { Account, Actor, KeptPost, Shown } from '../model/kept.ts'
import type { Written } from '../protocol/activitystreams-writer.ts'
import { writeFeed } from '../protocol/atom-writer.ts'
import type { EntryOut } from '../protocol/feed-parts.ts'
import { hubLinks } from '../protocol/hub.ts'
import { TYPE } from '../protocol/names.ts'
import type { Stores, Tools } from '../tools.ts'
import { activityOut } from './activities.ts'
import { distribute } from './distribute.ts'
import { deleteOut, entryOut, feedHead, hubsOf } from './entries.ts'
import { slap, type Telling } from './slap.ts'
import { tellInboxes } from './tell-inboxes.ts'

type Needs = Pick<Tools, 'addresses' | 'config'>

/**
 * Tells of a post or a share, of its edit or its delete: of public ones everybody (H12), of one that is for few those few. Of edits and
 * the delete also those are told who got it before and are not mentioned any more. Doing it twice sends it once.
 */
export async function announce(tools: Tools, postId: string, act: 'post' | 'update' | 'delete'): Promise<void> {
  const { actors, acts, addresses, clock, timelines, transaction } = tools
  const post = await timelines.one(postId)
  if (post?.author.localName === undefined || (post.visibility !== 'public' && post.visibility !== 'direct')) return
  const account = await actors.findAccount(post.author.localName)
  if (account === undefined) return
  const topic = addresses.feed(account.localName)
  const had = act === 'delete' ? (await acts.told(postId)).map(person => person.uri) : []
  const activity = await activityOut(tools, post, act, had)
  await transaction(async stores => {
    const now = clock()
    await stores.topics.lock(topic)
    // what was edited or deleted since we read it is told of by a job of its own, and the old is not told of after the new
    const current = await stores.history.find(postId)
    if (act !== 'delete' && (current?.deletedAt !== undefined || current?.edits !== post.edits)) return
    const before = await stores.acts.told(postId)
    const people = act === 'delete' ? before : [...before, ...(await mentioned(stores, post))]
    const telling = { key: `${post.uri} ${act} ${post.edits}`, postId }
    const news = { post, act, activity, people, telling }
    const told = await (post.visibility === 'direct' ? tellFew(stores, account, news, now) : tellAll(tools, stores, account, news, now))
    await stores.acts.addTold(postId, told)
  })
}

/** `people`: whom it concerns, and who got it before. */
type News = { post: Shown; act: 'post' | 'update' | 'delete'; activity: Written | undefined; people: Actor[]; telling: Telling }

/** Answers the ids of those to whom it goes by name. */
async function tellAll(tools: Tools, stores: Stores, account: Account, news: News, now: Date): Promise<string[]> {
  const { act, activity, people, post, telling } = news
  const names = people.map(person => person.uri)
  const entry = act === 'delete' ? deleteOut(post, names) : entryOut(post)
  if (entry === undefined) return []
  const told = await tell(stores, account, { entry, activity, people, followers: true, ...telling }, now)
  await tellSubscribers(tools, stores, account, entry, telling, now)
  for (const hub of tools.config.hubs) await stores.queue.add('hub.ping', { hub, topic: tools.addresses.feed(account.localName) })
  return told
}

/** Of what is for few nothing goes to feeds, to hubs or by Salmon (W29). Answers as `tellAll`. */
async function tellFew(stores: Stores, account: Account, { activity, people, telling }: News, now: Date): Promise<string[]> {
  if (activity === undefined) return []
  return (await tellInboxes(stores, account, activity, { people, followers: false, ...telling }, now)).map(person => person.id)
}

/** Everyone mentioned: also the author of what is answered or shared (F11, M8). */
async function mentioned({ actors }: Stores, { mentions }: KeptPost): Promise<Actor[]> {
  const people: Actor[] = []
  for (const uri of mentions) {
    const person = await actors.findByName(uri)
    if (person !== undefined) people.push(person)
  }
  return people
}

type Told = Telling & { entry: EntryOut; activity: Written | undefined; people: Actor[]; followers: boolean }

/** Each person gets it once, by the best protocol that they speak (X19). Answers the ids of those to whom it goes by name. */
async function tell(stores: Stores, account: Account, told: Told, now: Date): Promise<string[]> {
  const { activity, entry, followers, people, ...telling } = told
  const slapped = await slap(stores, account, entry, people, telling, now)
  const reached = activity === undefined ? [] : await tellInboxes(stores, account, activity, { people, followers, ...telling }, now)
  return [...slapped, ...reached].map(person => person.id)
}

/**
 * Tells of an act that is no post: the person whom it concerns, and if everybody may know it the subscribers, who get it in its order
 * among the posts. Must be called inside the transaction that does it, after the topic was locked.
 * @param activity what a person gets who speaks ActivityPub
 */
export async function announceAct(
  tools: Needs,
  stores: Stores,
  account: Account,
  { activity, entry, person }: { entry: EntryOut; activity?: Written | undefined; person: Actor },
  now: Date
): Promise<void> {
  await tell(stores, account, { entry, activity, people: [person], followers: false, key: entry.id }, now)
  if (entry.public) await tellSubscribers(tools, stores, account, entry, { key: entry.id }, now)
}

/** One document with one entry for all subscribers (H7), but those who get it by ActivityPub. */
async function tellSubscribers(
  tools: Needs,
  stores: Stores,
  account: Account,
  entry: EntryOut,
  telling: Telling,
  now: Date
): Promise<void> {
  const topic = tools.addresses.feed(account.localName)
  const body = Buffer.from(writeFeed(feedHead(tools, account, entry.updated), [entry]))
  const links = hubLinks(hubsOf(tools), topic)
  await distribute(stores, { ...telling, topic, contentType: TYPE.atom, body, links, accountId: account.id }, now)
}
