/** Whose name a name is: what an author says of himself held against what was proven of the sender (I7, I10, section Y of protocols.md). */
import type { Author } from '../model/activity.ts'
import type { Account, Actor, KeptPost } from '../model/kept.ts'
import { isWebAddress, withoutRoot } from '../protocol/web-address.ts'
import type { ActorFacts, Stores } from '../tools.ts'

/** What was proven of where an activity comes from. */
export type Sender = {
  actor: Actor
  /** Every name under which the sender is known: an activity by any of them is the sender's own. */
  names: ReadonlySet<string>
  /** The hosts of the sender's names. */
  hosts: ReadonlySet<string>
  via: 'feed' | 'push' | 'salmon' | 'inbox' | 'fetch'
  /** The account of ours to whom it was sent: only what was sent to an account can be about it (section Y). */
  account?: Account
  /** The JSON of what came to an inbox: whoever asks there is answered with the whole question. */
  question?: string
  /** What a person who describes themselves tells beside their profile. */
  facts?: ActorFacts
  /** Whom somebody says they are from now on, who says the same. */
  target?: Actor
  /** How many posts may still be fetched because of this one. */
  left?: number
}

/** What came of an activity. */
export type Received = {
  outcome: 'new' | 'edited' | 'same' | 'dead' | 'removed' | 'noted' | 'refused' | 'ignored'
  post?: KeptPost
}

/** @param names beside the actor's URI, those that were confirmed */
export function makeSender(actor: Actor, names: Iterable<string>, rest: Omit<Sender, 'actor' | 'names' | 'hosts'>): Sender {
  const all = new Set([actor.uri, ...names])
  return { actor, names: all, hosts: new Set([...all].map(hostOfName)), ...rest }
}

/** Bytes: what the indexes of the database take. */
const LONGEST_NAME = 2000

/** A name that can be looked up again: an id or an address of a length that the store takes. */
export const isName = (name: string | undefined): name is string =>
  name !== undefined && name !== '' && Buffer.byteLength(name) <= LONGEST_NAME

export const withoutPort = (host: string): string => host.replace(/:\d+$/, '')

/** The host in an http(s) or acct: name, with its port and without the dot of the root; of any other the name itself. */
export function hostOfName(name: string): string {
  if (name.startsWith('acct:')) return withoutRoot(name.slice(name.lastIndexOf('@') + 1).toLowerCase())
  const host = URL.parse(name)?.host
  return host === undefined ? name : withoutRoot(host)
}

/** The host of a name, with its port and without, and the domains above it: who blocks a domain means all below it (X30). */
export function domainsOf(name: string): string[] {
  const host = hostOfName(name)
  const labels = withoutPort(host).split('.')
  return [host, ...labels.map((_, index) => labels.slice(index).join('.'))]
}

/** Whether somebody of these names lives on a host that the owner blocked. */
export async function isHostBlocked({ verdicts }: Pick<Stores, 'verdicts'>, names: Iterable<string>): Promise<boolean> {
  const blocked = await verdicts.blockedHosts()
  return blocked.size > 0 && [...names].some(name => domainsOf(name).some(host => blocked.has(host)))
}

/** The domain of a tag: URI (RFC 4151). */
export const tagDomain = (id: string): string | undefined => /^tag:([^,]+),/i.exec(id)?.[1]?.toLowerCase()

/**
 * Somebody who is not named is the sender (I3). Whoever is named must be the sender under their strongest name, and no other name
 * may belong to another host: where the names disagree, nobody is believed (I7, X16).
 */
export function isOwn(author: Author | undefined, { names, hosts }: Pick<Sender, 'names' | 'hosts'>): boolean {
  const [first, ...others] = author?.ids ?? []
  if (first === undefined) return true
  const known = new Set([...hosts].map(withoutPort))
  // GNU social on an odd port leaves it out of its page links
  return names.has(first) && others.every(id => names.has(id) || known.has(withoutPort(hostOfName(id))))
}

/** Whether a name is of one of the hosts of an actor: those of their URI, their feed and their handle, none that they only claim. */
export function isAt(name: string | undefined, { acct, feedUrl, uri }: Pick<Actor, 'acct' | 'feedUrl' | 'uri'>): boolean {
  if (name === undefined) return true
  const names = [uri, ...(feedUrl === undefined ? [] : [feedUrl]), ...(acct === undefined ? [] : [`acct:${acct}`])]
  return names.some(own => withoutPort(hostOfName(own)) === withoutPort(hostOfName(name)))
}

/** The authority of an id is a hint whose it is (I10): its host, or the domain of a tag: URI. Ids without one are anybody's. */
export function isRightful(id: string, author: Actor): boolean {
  const domain = tagDomain(id)
  if (domain !== undefined) return isAt(`acct:@${domain}`, author)
  return isWebAddress(id) && isAt(id, author)
}
