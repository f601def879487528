/** What the owner decided and may take back: which comments are hidden or approved, who is blocked or let in. */
import type { Verdict } from '../model/blog.ts'
import { Missing } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { findComment } from './moderate.ts'

/**
 * One decision. `name` is what takes it back: the URI of a comment, a handle or URI of a person, a host. `html` and `url` are those
 * of a comment that is still known, `person` is who wrote it.
 */
export type DecidedOf = { kind: 'comment' | 'person' | 'host'; name: string; at: Date; person?: string; url?: string; html?: string }

/** A comment and a person are decided of under each of their names. */
const MOST_NAMES = 4

/** The newest first, each comment and person once. @param most how many at most */
export async function listDecided(tools: Tools, verdict: Verdict['verdict'], most: number): Promise<DecidedOf[]> {
  const found = new Map<string, DecidedOf>()
  for (const { at, subject } of await tools.verdicts.list(verdict, most * MOST_NAMES)) {
    const one = { ...(await describe(tools, subject)), at }
    const key = `${one.kind} ${one.name}`
    if (!found.has(key)) found.set(key, one)
    if (found.size === most) break
  }
  return [...found.values()]
}

/** Where a page of decisions ends. */
export type DecidedPlace = Pick<Verdict, 'at' | 'subject'>

/**
 * One page of decisions, newest first. Whoever was decided of under several names stands there once for each page on which one of them is.
 * @param limit how many names are read
 */
export async function pageDecided(
  tools: Tools,
  verdict: Verdict['verdict'],
  { after, limit }: { after?: DecidedPlace; limit: number }
): Promise<{ list: DecidedOf[]; next?: DecidedPlace }> {
  const rows = await tools.verdicts.list(verdict, limit + 1, after)
  const page = rows.slice(0, limit)
  const list = await Promise.all(page.map(async ({ at, subject }) => ({ ...(await describe(tools, subject)), at })))
  const each = new Map(list.map(one => [`${one.kind} ${one.name}`, one]))
  const last = page.at(-1)
  return { list: [...each.values()], ...(rows.length > limit && last !== undefined ? { next: last } : {}) }
}

async function describe(tools: Tools, subject: string): Promise<Omit<DecidedOf, 'at'>> {
  if (subject.startsWith('host:')) return { kind: 'host', name: subject.slice('host:'.length) }
  // one that anybody could claim is known by its author and its id
  const comment = subject.startsWith('acct:') ? undefined : await findKnownComment(tools, subject.split(' ').at(-1)!)
  if (comment !== undefined) return { kind: 'comment', name: comment.id, person: comment.person, url: comment.url, html: comment.html }
  const actor = await tools.actors.findByName(subject)
  if (actor !== undefined) return { kind: 'person', name: actor.acct ?? actor.uri }
  return subject.startsWith('acct:') ? { kind: 'person', name: subject.slice('acct:'.length) } : { kind: 'comment', name: subject }
}

const findKnownComment = (tools: Tools, name: string) =>
  findComment(tools, name).catch(error => {
    if (error instanceof Missing) return undefined
    throw error
  })
