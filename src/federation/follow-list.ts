/** Many at once: a list of whom to follow becomes work that outlives any crash, one by one, each with what came of it. */
import { createHash } from 'node:crypto'
import { isFailure, Missing, Unreachable } from '../model/errors.ts'
import type { Import, ImportItem, ImportState } from '../model/imports.ts'
import type { Account, Actor } from '../model/kept.ts'
import { readFollowList, type Wish } from '../protocol/follow-list.ts'
import { type Outline, writeOpml } from '../protocol/opml.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import type { Tools } from '../tools.ts'
import { type Followed, findKnown, follow, type Traced } from './follow.ts'

/** How many are looked up at once, whoever does it. */
const WIDTH = 8
/** A search takes 15 seconds at most, a feed ten, and it may wait for its turn at a host. */
const CLAIM_MS = 180_000
/** Whoever cannot be reached is asked once more, after a while. */
const TRIES = 2
const PAUSE_MS = 30_000
const FAILED: ImportState[] = ['none', 'dead']

/** How far an import is. */
export type Progress = { counts: Record<ImportState, number>; done: number; total: number }

/**
 * Begins to follow everybody whom a list names, for an account. The list that is being imported already goes on.
 * @param input OPML, Mastodon's CSV, or an address a line @param name of the file
 * @throws BadMessage for a list that cannot be read
 */
export async function beginImport(tools: Tools, account: Account, input: Buffer, name?: string): Promise<Import> {
  const wishes = readFollowList(input)
  const digest = createHash('sha256')
    .update(wishes.map(({ who }) => who).join('\n'))
    .digest('hex')
  const label = name
    ?.replace(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, 100)
  return tools.transaction(({ imports }) =>
    imports.begin({ accountId: account.id, digest, wishes, ...(label ? { name: label } : {}) }, tools.clock())
  )
}

/** Who of a list is followed already, as far as is known without asking anybody: for a dry run. @throws BadMessage */
export async function lookThrough(tools: Tools, account: Account, input: Buffer): Promise<(Wish & { already: boolean })[]> {
  const looked = []
  for (const wish of readFollowList(input)) {
    const known = await findKnown(tools, wish.who).catch(() => undefined)
    looked.push({ ...wish, already: known !== undefined && (await tools.follows.find(account.id, known.id)) !== undefined })
  }
  return looked
}

/** Takes what is due of all imports, or of one: it is the caller's for a while, and due again when nobody has settled it. */
export const takeImports = (
  { clock, imports }: Pick<Tools, 'clock' | 'imports'>,
  id?: string
): Promise<{ import: string; place: number }[]> => imports.takeDue(clock(), new Date(clock().getTime() + CLAIM_MS), WIDTH, id)

/** Puts what is due into the queue, in one commit: what is taken and not queued would be lost for a while. */
export const queueImports = ({ clock, transaction }: Pick<Tools, 'clock' | 'transaction'>): Promise<void> =>
  transaction(async ({ imports, queue }) => queue.addMany('feed.follow', await takeImports({ clock, imports })))

/** Follows one of a list, and writes down what came of it. A defect of ours is thrown when that is written down. */
export async function followListed(tools: Tools, { import: id, place }: { import: string; place: number }): Promise<void> {
  const { actors, clock, imports, transaction } = tools
  const [list, item] = await Promise.all([imports.find(id), imports.item(id, place)])
  if (list === undefined || item?.state !== 'waiting') return
  const as = (await actors.find(list.accountId)) as Account
  let defect: unknown
  const change = await follow(tools, item.who, { as }).then(describe, error => {
    if (isFailure(error)) return describeFailure(error, item.tries, clock())
    defect = error
    return { state: 'dead' as const, why: 'Something went wrong here. It has been written down.' }
  })
  await transaction(stores => stores.imports.settle(id, place, { ...change, tries: item.tries + 1 }, clock()))
  if (defect !== undefined) throw defect
}

type Outcome = { state: ImportState; actorId?: string; why?: string | null; dueAt?: Date }

const describe = ({ actor, already, asked }: Followed): Outcome => ({
  ...{ state: already ? 'already' : asked ? 'asked' : 'followed', actorId: actor.id, why: null }
})

/** What the page or the feed itself answered says more than that nothing was found. */
function describeFailure(error: Traced, tries: number, now: Date): Outcome {
  const asked = error.trace?.findLast(({ step }) => step === 'page' || step === 'feed')
  const found = error.code === 'no_feed'
  const why = (found ? asked?.failed : undefined) ?? error.message
  const isAway = error instanceof Unreachable || (asked?.failed !== undefined && (asked.status === undefined || asked.status >= 500))
  if (isAway && tries + 1 < TRIES) return { state: 'waiting', why, dueAt: new Date(now.getTime() + PAUSE_MS) }
  return { state: found && asked?.failed === undefined ? 'none' : 'dead', why }
}

/** @throws Missing */
export async function findImport({ imports }: Pick<Tools, 'imports'>, id: string): Promise<Import> {
  const found = await imports.find(id)
  if (found === undefined) throw new Missing('There is no such import.')
  return found
}

/** How far an import is. */
export async function progressOf({ imports }: Pick<Tools, 'imports'>, id: string): Promise<Progress> {
  const counts = { waiting: 0, followed: 0, asked: 0, already: 0, none: 0, dead: 0, ...(await imports.counts(id)) }
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return { counts, total, done: total - counts.waiting }
}

/** Those of which nothing came are tried once more. Answers how many. */
export const tryAgain = ({ clock, transaction }: Tools, id: string): Promise<number> =>
  transaction(({ imports }) => imports.again(id, FAILED, clock()))

/** One page of what came of an import. @param after the place of the last one of the page before, -1 for the first */
export const listImport = (
  { imports }: Tools,
  id: string,
  page: { after: number; limit: number; failed: boolean }
): Promise<ImportItem[]> => imports.items(id, { after: page.after, limit: page.limit, ...(page.failed ? { states: FAILED } : {}) })

/** Everybody whom these accounts follow, as OPML: a folder for each of several accounts. Requests that wait for an answer count. */
export async function exportFollows({ clock, follows }: Tools, accounts: Account[]): Promise<string> {
  const groups = []
  for (const { id, localName } of accounts) {
    const people = [...(await follows.following(id)), ...(await follows.asked(id))]
    const outlines = people.flatMap(({ actor, via }) => outlineOf(actor, via))
    groups.push({ name: localName, outlines: outlines.sort((a, b) => a.title.localeCompare(b.title, 'en')) })
  }
  const names = accounts.map(({ localName }) => localName).join(', ')
  return writeOpml(`Followed by ${names}`, groups, clock())
}

/** Accounts of this node, and whoever is on ActivityPub, go by their name as well. */
function outlineOf(actor: Actor, via: string): (Outline & { title: string })[] {
  const { acct, displayName, feedUrl, uri, url } = actor
  const title = displayName?.trim() || acct || uri
  const page = [url, uri].find(isWebAddress)
  const named = acct !== undefined && (via !== 'feed' || feedUrl === undefined) ? { acct } : {}
  if (feedUrl === undefined && acct === undefined) return []
  return [{ title, ...named, ...(feedUrl ? { url: feedUrl } : {}), ...(page ? { page } : {}) }]
}
