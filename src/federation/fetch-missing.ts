/**
 * The original of a share and the parent of a reply, fetched from where they are: there alone is it proven whose they are (X2, I13).
 * Strangers make us fetch, so it is bounded: three requests for a post, ten posts a minute from one host and twenty from one domain,
 * thirty an hour because of one whom nobody here follows, so many new domains an hour, and a chain ends soon (X30).
 */
import type { Activity } from '../model/activity.ts'
import { isFailure, Missing, Refused, Unreachable } from '../model/errors.ts'
import type { KeptPost } from '../model/kept.ts'
import { authorsAgree } from '../protocol/atom-author.ts'
import { readFeed } from '../protocol/feed-document.ts'
import { isActivityType, readJsonObject } from '../protocol/json-ld.ts'
import { AS, LIMIT, TYPE } from '../protocol/names.ts'
import { feedLinks, readPage } from '../protocol/page.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import type { Given, HttpAnswer, Stores, Tools } from '../tools.ts'
import { take as count, domainOf, makeLimit, makeNewDomains } from './bounds.ts'
import { fetchDocument } from './fetch-actor.ts'
import { hostOfName, isHostBlocked, isName, makeSender, tagDomain, withoutPort } from './identity.ts'
import { receive } from './receive.ts'
import { getSigned } from './sign.ts'
import { type Fetched, readFetched, takeNote } from './take-note.ts'

/** What is looked for: its id or page as it was told, addresses on one host where it may be, and its author when he was named. */
type Wanted = { names: string[]; addresses: string[]; host: string; author?: string }

/** Whoever speaks ActivityPub is heard by that (X19). */
const ACCEPT = `${TYPE.activity}, application/ld+json; profile="${AS}", ${TYPE.atom};q=0.9, ${TYPE.html};q=0.8, */*;q=0.1`
const PAGE_DOCUMENTS = 2
const MINUTE = 60
const HOUR = 60 * MINUTE
const hosts = makeLimit(10, MINUTE)
const domains = makeLimit(20, MINUTE)
const strangers = makeLimit(30, HOUR)
const mayMeet = makeNewDomains()

/**
 * Looks for what a kept post shares or answers, and keeps it as its author's own. Not to find it is no failure: the share goes on
 * quoting, the reply goes on naming its parent.
 * @param left how many posts may be fetched along this chain, this one included @param putOff how often it was put off before
 * @throws Unreachable when the host does not answer, or was asked often enough: it is tried again; Refused when whoever wrote the
 * post has made us ask enough
 */
export async function fetchMissing(tools: Tools, { post: id, left, putOff = 0 }: Given<'post.fetch'>): Promise<void> {
  const { addresses, clock, history, transaction } = tools
  const post = await history.find(id)
  const wanted = post && wantedBy(post)
  if (post === undefined || wanted === undefined || left < 1 || wanted.host === hostOfName(addresses.origin)) return
  if (await isHostBlocked(tools, wanted.addresses)) return
  await spend(tools, post.authorId, wanted.host, putOff === 0)
  const found = await find(tools, wanted)
  if (found === undefined) return
  if ('post' in found) await takeNote(tools, found, left - 1)
  else await transaction(stores => take(stores, found, left - 1, clock()))
}

/**
 * A post that the owner means and that is not known here yet, looked for by the same rules and within the budgets of its host.
 * @param name its URI or the address of its page; what is no web address, known, our own or blocked is left to `findPost`
 * @throws Unreachable when the host does not answer, or was asked often enough; Missing when no post was found there
 */
export async function fetchMeant(tools: Tools, name: string): Promise<void> {
  const { addresses, clock, history, transaction } = tools
  const host = isName(name) && isWebAddress(name) ? hostOfName(name) : undefined
  if (host === undefined || host === hostOfName(addresses.origin) || (await isHostBlocked(tools, [name]))) return
  if (((await history.findByUri(name)) ?? (await history.findByAddress(name))) !== undefined) return
  await spendHost(tools, host)
  const found = await find(tools, { names: [name], addresses: [name], host })
  if (found === undefined) throw new Missing('This post is not known here, and it was not found at its address: follow its author first.')
  if ('post' in found) await takeNote(tools, found, 0)
  else await transaction(stores => take(stores, found, 0, clock()))
}

/** Whom nobody here follows may not fill the budget of a host. What was put off has been counted for its author. */
async function spend(tools: Tools, authorId: string, host: string, first: boolean): Promise<void> {
  const { follows, worker } = tools
  if (first && (await follows.localFollowers(authorId)) === 0) await count(strangers, `${worker} ${authorId}`)
  await mayMeet(`${worker} ${authorId}`, host)
  await spendHost(tools, host)
}

async function spendHost({ worker }: Tools, host: string): Promise<void> {
  try {
    await count(hosts, `${worker} ${host}`)
    await count(domains, `${worker} ${domainOf(host)}`)
  } catch (full) {
    if (!(full instanceof Refused)) throw full
    throw new Unreachable(`${host} was asked for enough posts.`, { retryAfter: full.retryAfter ?? MINUTE })
  }
}

/** Undefined when nothing is missing, or what is told of it does not fit together: all of it must be of one host (X2). */
function wantedBy({ deletedAt, inReplyTo, inReplyToUrl, parentId, quoted, sharedId, verb }: KeptPost): Wanted | undefined {
  const share = verb === 'share'
  if (deletedAt !== undefined || (share ? sharedId : parentId) !== undefined) return undefined
  const told = share ? [quoted?.entryUrl, quoted?.url, quoted?.uri] : [inReplyToUrl, inReplyTo]
  const addresses = [...new Set(told.filter(isName))].filter(isWebAddress)
  const id = share ? quoted?.uri : inReplyTo
  const author = share ? quoted?.authorUri : undefined
  const host = addresses[0] && hostOfName(addresses[0])
  if (host === undefined || id === undefined) return undefined
  const domain = tagDomain(id)
  const oneHost = addresses.every(url => hostOfName(url) === host) && (author === undefined || hostOfName(author) === host)
  if (!oneHost || (domain !== undefined && domain !== withoutPort(host))) return undefined
  return { names: share ? [id] : [id, ...(inReplyToUrl ? [inReplyToUrl] : [])], addresses, host, ...(author ? { author } : {}) }
}

/** The note or entry itself, or the Atom documents that its page names. */
async function find(tools: Tools, wanted: Wanted): Promise<Activity | Fetched | undefined> {
  const answer = await ask(tools, wanted.addresses[0]!, wanted)
  if (answer === undefined) return undefined
  if (isActivityType(answer.headers['content-type'])) return findNote(tools, answer, wanted)
  const direct = pick(answer, wanted)
  if (direct !== undefined) return direct
  for (const url of documentsOf(answer, wanted).slice(0, PAGE_DOCUMENTS)) {
    const document = await ask(tools, url, wanted)
    const found = document && pick(document, wanted)
    if (found !== undefined) return found
  }
  return undefined
}

/** What ActivityPub tells under that address, if it stands at its own id (X1) and is by whom it should be. */
async function findNote(tools: Tools, answer: HttpAnswer, { addresses, author, host, names }: Wanted): Promise<Fetched | undefined> {
  try {
    const first = readFetched(readJsonObject(answer.body))
    if (first === undefined || hostOfName(first.post.id) !== host) return undefined
    const there = [answer.url, ...addresses].includes(first.post.id)
    const found = there ? first : readFetched((await fetchDocument(tools, first.post.id)).document)
    const named = found !== undefined && [found.post.id, found.post.url].some(name => name !== undefined && names.includes(name))
    return named && (author === undefined || found.author === author) ? found : undefined
  } catch (error) {
    if (isFailure(error) && !(error instanceof Unreachable)) return undefined
    throw error
  }
}

/** An answer of the host itself, by a way on which nobody could change it. @throws Unreachable when there is none */
async function ask(tools: Tools, url: string, { host }: Wanted): Promise<HttpAnswer | undefined> {
  const answer = await getSigned(tools, url, { headers: { accept: ACCEPT }, maxBytes: LIMIT.messageBytes, plainHttp: 'never' })
  if (answer.status >= 500 || answer.status === 429) throw new Unreachable(`${url} answered ${answer.status}.`, { peer: answer.status })
  return answer.status === 200 && answer.trusted && hostOfName(answer.url) === host ? answer : undefined
}

/** The post in a document of its own host, under its own name, by an author of that host who is the one that was named. */
function pick(answer: HttpAnswer, { author, host, names }: Wanted): Activity | undefined {
  try {
    const { activities } = readFeed(answer.body, {
      url: answer.url,
      contentType: answer.headers['content-type'],
      bytes: LIMIT.messageBytes
    })
    return activities.find(({ actor, object, url, verb }) => {
      if (verb !== 'post' || object.type !== 'post' || actor?.ids[0] === undefined || !authorsAgree(actor)) return false
      const named = names.includes(object.post.id) || (author === undefined && url !== undefined && names.includes(url))
      return named && hostOfName(actor.ids[0]) === host && (author === undefined || actor.ids.includes(author))
    })
  } catch (error) {
    if (isFailure(error)) return undefined
    throw error
  }
}

function documentsOf(answer: HttpAnswer, { host }: Wanted): string[] {
  const contentType = answer.headers['content-type']
  const page = readPage(answer.body, { url: answer.url, ...(contentType ? { contentType } : {}) })
  const found = feedLinks(page.links).filter(({ type, url }) => type === TYPE.atom && isWebAddress(url) && hostOfName(url) === host)
  return [...new Set(found.map(({ url }) => url))]
}

/** Whoever has never been seen is known by his post from now on; a profile that we have stays as it is (X7). */
async function take(stores: Stores, activity: Activity, left: number, now: Date): Promise<void> {
  const author = activity.actor!
  const uri = author.ids[0]!
  const actor = (await stores.actors.findByName(uri)) ?? (await stores.actors.keep({ uri, profile: author, trusted: true }, now))
  if (actor.localName !== undefined) return
  await receive(stores, activity, makeSender(actor, [uri, ...(await stores.actors.namesOf(actor.id))], { via: 'fetch', left }), now)
}
