/** What the owner lets be seen of a conversation: the rule of MODERATION (interface.md 5), and the verbs by which the owner decides. */
import type { Answer, Toot, Verdict } from '../model/blog.ts'
import { Missing, Refused } from '../model/errors.ts'
import type { Actor, Shown } from '../model/kept.ts'
import { readHandle, readHost } from '../protocol/acct.ts'
import { MODERATED, type Stores, type Tools } from '../tools.ts'
import { findPost } from './find-post.ts'
import { findKnown } from './follow.ts'
import { domainsOf, hostOfName, isRightful } from './identity.ts'

/** Where a comment stands: `shown` to everybody, `waiting` for the owner, `hidden` by the owner, or its author or host is `blocked`. */
export type Standing = 'shown' | 'waiting' | 'hidden' | 'blocked'

/**
 * A comment as the rule sees it: names of it and of its author that nobody else can give to theirs (`acct:user@host`, URIs); `own`:
 * the owner wrote it.
 */
export type Said = { names: string[]; person: string[]; own: boolean }

type Needs = Pick<Tools, 'actors' | 'config' | 'follows' | 'verdicts'>
const NOT_OPEN = { status: 409, code: 'not_for_all' }
type Known = { isBlocked: boolean; isTrusted: boolean }
type Facts = Known & { decided?: 'approved' | 'hidden'; own: boolean }

/** The rule. What is hidden stays hidden, whoever wrote it. */
export function standingOf(moderation: 'first' | 'all' | 'none', { decided, isBlocked, isTrusted, own }: Facts): Standing {
  if (decided === 'hidden') return 'hidden'
  if (own) return 'shown'
  if (isBlocked) return 'blocked'
  if (decided === 'approved' || moderation === 'all') return 'shown'
  return moderation === 'first' && isTrusted ? 'shown' : 'waiting'
}

/** Where each comment stands. Three reads, however many there are. */
export async function judge(tools: Needs, comments: Said[]): Promise<Standing[]> {
  const { config, verdicts } = tools
  const decided = await verdicts.find(comments.flatMap(({ names }) => names))
  const people = await knowPeople(
    tools,
    comments.map(({ person }) => person)
  )
  return comments.map(({ names, own }, index) => {
    const all = names.map(name => decided.get(name))
    const verdict = all.includes('hidden') ? 'hidden' : all.includes('approved') ? 'approved' : undefined
    return standingOf(config.moderation, { own, ...people[index]!, ...(verdict ? { decided: verdict } : {}) })
  })
}

/** Of each person, by any of the names: whether they or their host are blocked, and whether the owner approved or follows them. */
export async function knowPeople(tools: Omit<Needs, 'config'>, people: string[][]): Promise<Known[]> {
  const { actors, follows, verdicts } = tools
  if (people.length === 0) return []
  // a few people say most of what is said
  const each = new Map(people.map(names => [keyOf(names), names]))
  const subjects = new Map([...each].map(([key, names]) => [key, [...names, ...names.flatMap(domainsOf).map(name => `host:${name}`)]]))
  const [decided, known] = await Promise.all([
    verdicts.find([...subjects.values()].flat()),
    actors.findStandings([...new Set([...each.values()].flat())])
  ])
  const followed = await follows.amongFollowed([...known.values()].map(({ id }) => id))
  const facts = new Map<string, Known>()
  for (const [key, names] of each) {
    const found = names.flatMap(name => known.get(name) ?? [])
    const isBlocked = subjects.get(key)!.some(name => decided.get(name) === 'blocked')
    facts.set(key, {
      isBlocked: isBlocked || found.some(({ blockedAt }) => blockedAt !== undefined),
      isTrusted: names.some(name => decided.get(name) === 'approved') || found.some(({ id }) => followed.has(id))
    })
  }
  return people.map(names => facts.get(keyOf(names))!)
}

/** No name in the database has a NUL in it. */
const keyOf = (names: string[]): string => names.join('\0')

/** A kept post as the rule sees it. An id or address that is not of the author's own host counts for this author alone (I10). */
export function saidInPost({ author, uri, url, activityUrl }: Shown): Said {
  const told = [uri, url, activityUrl].filter(name => name !== undefined)
  const names = told.filter(name => isRightful(name, author))
  return { names: names.length > 0 ? names : [`${author.uri} ${uri}`], person: namesOf(author), own: author.localName !== undefined }
}

/** Whether its author meant it for everybody. */
export const isOpen = ({ visibility }: { visibility: string }): boolean => visibility === 'public' || visibility === 'unlisted'

/** What somebody is called that was proven: the address of a page they only claim. */
export const namesOf = ({ acct, uri }: Actor): string[] => [...(acct === undefined ? [] : [`acct:${acct}`]), uri]

/** An answer as the server of the toot tells it; the one who tooted is the owner. */
export function saidInAnswer({ person, uri, url }: Answer, toot: Toot | undefined): Said {
  const owner = toot?.host === undefined ? undefined : `${toot.username}@${URL.parse(toot.host)?.host}`.toLowerCase()
  return { names: [...new Set([uri, url])], person: [`acct:${person.handle}`, person.uri], own: person.handle === owner }
}

/** A comment that was decided of. `id` is its URI; `person` a handle, or a URI where there is none. */
export type Decided = { id: string; person: string }

/**
 * Shows a comment; with MODERATION=first whatever its author writes from now on as well.
 * @param name its URI, address or id @throws Missing; Refused when it was not meant for everybody, its author is blocked, or it is no comment
 */
export async function approve(tools: Tools, name: string): Promise<Decided & { alsoPerson: boolean }> {
  const { isOpen, said, id, person } = await findDecidable(tools, name)
  if (!isOpen) throw new Refused(`${person} did not mean this for everybody, so it cannot be shown.`, NOT_OPEN)
  const [known] = await knowPeople(tools, [said.person])
  if (known?.isBlocked) throw new Refused(`${person} is blocked: \`tidings unblock\` comes first.`, { status: 409, code: 'blocked' })
  const alsoPerson = tools.config.moderation === 'first' && !said.own
  await decide(tools, alsoPerson ? [...said.names, ...said.person] : said.names, 'approved')
  return { id, person, alsoPerson }
}

/**
 * Takes an approval back, of a comment and of its author, or of a person: what they write waits again.
 * @param name as for `approve`, or who as for `block` @throws Missing when neither was approved; Refused when it is no comment
 */
export async function unapprove(tools: Tools, name: string): Promise<Decided> {
  const comment = await findDecidable(tools, name).catch(error => {
    if (error instanceof Missing) return undefined
    throw error
  })
  const who = comment === undefined ? await findBlockable(tools, name) : undefined
  const subjects = comment === undefined ? who!.subjects : [...comment.said.names, ...comment.said.person]
  const called = { id: comment?.id ?? who!.called, person: comment?.person ?? who!.called }
  if ((await takeBack(tools, subjects, 'approved')) === 0) throw new Missing(`${called.id} was not approved.`)
  return called
}

/** Hides a comment for good: it stays hidden when it comes again, by whatever way. @throws Missing; Refused when it is no comment */
export async function hide(tools: Tools, name: string): Promise<Decided> {
  const { said, id, person } = await findDecidable(tools, name)
  await decide(tools, said.names, 'hidden')
  return { id, person }
}

/** Takes back that a comment was hidden; what was approved before is so again. @throws Missing when it is not known, or was not hidden */
export async function unhide(tools: Tools, name: string): Promise<Decided> {
  const { said, id, person } = await findDecidable(tools, name)
  if ((await takeBack(tools, said.names, 'hidden')) === 0) throw new Missing('This comment was not hidden.')
  return { id, person }
}

/**
 * Nothing of somebody, or of a host and all below it, is shown, counted or heard any more.
 * @param who a handle, the address of a person or of a comment by them, or a host @throws BadMessage; Refused for one of us
 * @returns how they are called
 */
export async function block(tools: Tools, who: string): Promise<string> {
  const { actor, called, subjects } = await findBlockable(tools, who)
  const ours = ownDomains(tools)
  if (actor?.localName !== undefined || subjects.some(subject => ours.has(subject.replace(/^host:/, ''))))
    throw new Refused('That is one of us.')
  await decide(tools, subjects, 'blocked', async ({ actors }, now) => {
    if (actor !== undefined) await actors.block(actor.id, now)
  })
  return called
}

/** Our own hosts and the domains above them: to block one of those would be to block ourselves. */
export function ownDomains({ config }: Pick<Tools, 'config'>): Set<string> {
  return new Set([config.handleHost, new URL(config.publicUrl).host].flatMap(host => domainsOf(`acct:@${host}`)))
}

/** Blocks many hosts and people at once, in one commit; our own are left out. @param people user@host, or URIs */
export async function blockMany(tools: Tools, { hosts, people }: { hosts: string[]; people: string[] }): Promise<void> {
  const [ours, now] = [ownDomains(tools), tools.clock()]
  const names = people.map(person => (/^https?:/.test(person) ? person : `acct:${person}`))
  const known = await tools.actors.findByNames(names)
  const actors = names.flatMap(name => known.get(name)?.actor ?? [])
  if (actors.some(({ localName }) => localName !== undefined)) throw new Refused('That is one of us.')
  const subjects = [...hosts.filter(host => !ours.has(host)).map(host => `host:${host}`), ...names, ...actors.flatMap(namesOf)]
  await tools.transaction(async stores => {
    await stores.verdicts.keepMany([...new Set(subjects)].sort(), 'blocked', now)
    for (const { id } of actors) await stores.actors.block(id, now)
    await stores.changes.tell(MODERATED)
  })
}

/** Takes a block back. @param who as for `block` @throws Missing when there is none */
export async function unblock(tools: Tools, who: string): Promise<string> {
  const { actor, called, subjects } = await findBlockable(tools, who)
  const count = await takeBack(tools, subjects, 'blocked', async ({ actors }) => {
    if (actor !== undefined) await actors.block(actor.id, undefined)
  })
  if (count === 0 && actor?.blockedAt === undefined) throw new Missing(`${called} is not blocked.`)
  return called
}

type More = (stores: Stores, now: Date) => Promise<void>

async function decide(tools: Tools, subjects: string[], verdict: Verdict['verdict'], more?: More): Promise<void> {
  const now = tools.clock()
  await tools.transaction(async stores => {
    // always in the same order, so that two who decide of one thing do not wait for each other
    for (const subject of [...new Set(subjects)].sort()) await stores.verdicts.keep(subject, verdict, now)
    await more?.(stores, now)
    await stores.changes.tell(MODERATED)
  })
}

const takeBack = (tools: Tools, subjects: string[], verdict: Verdict['verdict'], more?: More): Promise<number> =>
  tools.transaction(async stores => {
    const count = await stores.verdicts.removeMany(subjects, verdict)
    await more?.(stores, tools.clock())
    await stores.changes.tell(MODERATED)
    return count
  })

/** `url`: its page; `isOpen`: its author meant it for everybody; `isAnswer`: it answers something. */
export type FoundComment = Decided & { said: Said; url: string; html: string; isOpen: boolean; isAnswer: boolean }

/** A comment by its URI, its address, its id here, or the id that `/api/comments` gives it. @throws Missing */
export async function findComment(tools: Tools, name: string): Promise<FoundComment> {
  const answer = await tools.answers.findByAddress(name.replace(/^m-(?=\d)/, ''))
  if (answer !== undefined) {
    const { html, person, toot, uri, url } = answer
    const said = saidInAnswer(answer, await tools.toots.find(toot))
    return { id: uri, person: person.handle, url, html, isOpen: isOpen(answer), said, isAnswer: true }
  }
  const { id } = await findPost(tools, tools.addresses, name)
  const post = await tools.timelines.one(id)
  if (post === undefined) throw new Missing('This comment is not known here.')
  const { author, html, inReplyTo, uri, url = uri } = post
  const what = { id: uri, person: author.acct ?? author.uri, url, html, said: saidInPost(post) }
  return { ...what, isOpen: isOpen(post), isAnswer: inReplyTo !== undefined }
}

/** Who wrote a comment: what `block` takes, and their host. @throws Missing */
export async function authorOf(tools: Tools, name: string): Promise<{ person: string; host: string }> {
  const [person = ''] = (await findComment(tools, name)).said.person
  return { person, host: hostOfName(person) }
}

/** A comment that the owner may decide of. @throws Missing; Refused 409 for a post of the owner's that answers nothing */
async function findDecidable(tools: Tools, name: string): Promise<FoundComment> {
  const comment = await findComment(tools, name)
  if (comment.said.own && !comment.isAnswer)
    throw new Refused('This is a post of your own, not a comment: `tidings delete` takes it away.', { status: 409, code: 'no_comment' })
  return comment
}

/** Whom or what a word means that is to be blocked. */
async function findBlockable(tools: Tools, who: string): Promise<{ actor?: Actor; called: string; subjects: string[] }> {
  const word = who.trim()
  if (!/^https?:|@/i.test(word)) {
    const host = readHost(word)
    return { called: host, subjects: [`host:${host}`] }
  }
  const handle = readHandle(word)
  const actor = await findKnown(tools, word)
  if (actor !== undefined) return { actor, called: actor.acct ?? actor.uri, subjects: namesOf(actor) }
  if (handle.kind === 'acct') return { called: handle.acct, subjects: [`acct:${handle.acct}`] }
  const comment = await findComment(tools, handle.url).catch(() => undefined)
  if (comment === undefined) return { called: handle.url, subjects: [handle.url] }
  const author = await tools.actors.findByName(comment.said.person[0]!)
  return { called: comment.person, subjects: comment.said.person, ...(author ? { actor: author } : {}) }
}
