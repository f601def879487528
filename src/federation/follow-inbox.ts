/** To follow by ActivityPub: asked by a Follow, true when the Accept comes (S3-9). */
import type { TraceStep } from '../model/activity.ts'
import { isFailure } from '../model/errors.ts'
import type { Account, Actor } from '../model/kept.ts'
import { readHandle } from '../protocol/acct.ts'
import type { Jobs, Stores, Tools } from '../tools.ts'
import { followOut, undoOut } from './activities.ts'
import type { Discovery } from './discover.ts'
import { confirmHandle, fetchActor, keepActor, type Met } from './fetch-actor.ts'
import { makeSender } from './identity.ts'
import { leave } from './leave.ts'
import { readOutbox } from './read-outbox.ts'
import { receive } from './receive.ts'
import { askToFollow } from './requests.ts'
import { tellInboxes } from './tell-inboxes.ts'

/**
 * The actor of what was found, or the one that an address is itself. Undefined where there is none, or none that could answer us: then
 * the feed is read. The page of a blog that has a feed is read by its feed, whatever else it names.
 * @throws Missing, Refused, Unreachable when the actor cannot be had and there is no feed to read instead
 */
export async function findActor(tools: Tools, found: Discovery, input: string, trace: TraceStep[]): Promise<Met | undefined> {
  const url = found.found ? actorUrl(found) : addressIn(input, found.trace)
  if (url === undefined) return undefined
  const hasFeed = found.found && !found.activityPubOnly
  const step: TraceStep = { step: 'actor', url }
  trace.push(step)
  if (tools.config.isLoopback && !(await tools.http.isListed(url))) {
    step.failed = 'This node is not public: ActivityPub could not answer it.'
    return undefined
  }
  try {
    const document = await fetchActor(tools, url)
    step.found = `${document.id}, by ActivityPub`
    const acct = found.found && found.acct !== undefined && document.id === url ? found.acct : await confirmHandle(tools, document)
    return { document, ...(acct === undefined ? {} : { acct }) }
  } catch (error) {
    if (!isFailure(error)) throw error
    step.failed = error.message
    // X19: whoever is known to speak ActivityPub is not followed by anything less
    const fallsBack = hasFeed && (await tools.actors.findByUri(url))?.speaks !== 'activitypub'
    if (!found.found || fallsBack) return undefined
    throw error
  }
}

const actorUrl = ({ activityPubOnly, descriptor, links }: Extract<Discovery, { found: true }>): string | undefined =>
  descriptor !== undefined || activityPubOnly ? links.activityActor : undefined

/** An address that answered, but not with a page: servers that know no WebFinger still tell who lives there. */
function addressIn(input: string, trace: TraceStep[]): string | undefined {
  const handle = readHandle(input)
  const page = trace.find(({ step, url }) => step === 'page' && handle.kind === 'url' && url === handle.url)
  return page?.status === undefined || /html/i.test(page.type ?? '') ? undefined : page.url
}

/**
 * Keeps an actor with the last posts of his outbox, and asks him; his feed, if one was read, is left: the same person is read once.
 * @returns `already`: followed by ActivityPub before; `fresh`: how many posts are new
 */
export async function followActor(
  tools: Tools,
  { acct, document }: Met,
  as: Account,
  trace: TraceStep[]
): Promise<{ actor: Actor; already: boolean; fresh: number }> {
  const { actors, clock, transaction } = tools
  const posts = await readOutbox(tools, document, trace)
  const known = (await actors.findByUri(document.id)) ?? (acct === undefined ? undefined : await actors.findByName(`acct:${acct}`))
  return transaction(async stores => {
    const now = clock()
    const feeds = known === undefined ? [] : await stores.subscriptions.lockAll({ actorId: known.id })
    const kept = await keepActor(stores, document, now, acct)
    const sender = makeSender(kept, await stores.actors.namesOf(kept.id), { via: 'fetch' })
    let fresh = 0
    for (const post of posts) if ((await receive(stores, post, sender, now)).outcome === 'new') fresh++
    for (const feed of feeds) await leave(stores, feed, now)
    const already = await askForAll(tools, stores, kept, as, now)
    trace.push({ step: 'follow', url: document.inbox, found: already ? 'was accepted before' : 'request sent' })
    return { actor: await stores.actors.keep({ uri: kept.uri, trace }, now), already, fresh }
  })
}

/** Asks for an account, and for those that read the feed that was left. Answers whether the account follows by ActivityPub already. */
async function askForAll({ addresses }: Tools, stores: Stores, person: Actor, as: Account, now: Date): Promise<boolean> {
  const followers = await stores.follows.followers(person.id)
  const readers = followers.filter(({ actor, via }) => via === 'feed' && actor.localName !== undefined).map(({ actor }) => actor as Account)
  const already = followers.some(({ actor, via }) => via === 'inbox' && actor.id === as.id)
  const asking = new Map([...readers, ...(already ? [] : [as])].map(account => [account.localName, account]))
  for (const name of [...asking.keys()].sort()) {
    await stores.topics.lock(addresses.feed(name))
    await askToFollow(stores, asking.get(name)!, person, now)
  }
  return already
}

/**
 * A job: sends the Follow, or the Undo of it. What the account wants now counts, and not what it wanted when the job was added: so the
 * order of the jobs does not matter.
 */
export async function sendFollow(tools: Tools, { account: name, id, person: personId, undo }: Jobs['activity.follow']): Promise<void> {
  const { addresses, clock, transaction } = tools
  await transaction(async stores => {
    await stores.topics.lock(addresses.feed(name))
    const [account, person] = [await stores.actors.findAccount(name), await stores.actors.find(personId)]
    if (account === undefined || person === undefined) return
    const request = await stores.history.findAct(account.id, 'request', person.uri)
    const waits = request?.undone === false
    const wanted = waits || (await stores.follows.find(account.id, person.id)) !== undefined
    if (undo ? wanted : !waits || request.uri !== id) return
    const follow = followOut(account, person, id)
    const written = undo ? undoOut(account, person, `${id}/undo`, follow) : follow
    const key = `${undo ? 'unfollow' : 'follow'} ${id}`
    await tellInboxes(stores, account, written, { people: [person], followers: false, key }, clock())
  })
}
