/** What is for few: an answer to a post that is not for everybody goes to its author and to whom it mentions, and to nobody else (W29, W37). */
import { Refused } from '../model/errors.ts'
import type { Account, Shown } from '../model/kept.ts'
import type { Stores } from '../tools.ts'
import { isOpen } from './moderate.ts'
import { hasBlocked } from './slap.ts'
import { canReach } from './tell-inboxes.ts'

/** Who may read an answer: whoever may read what it answers, or fewer. */
export const visibilityOfAnswer = (parent: Shown | undefined): 'public' | 'direct' =>
  parent === undefined || isOpen(parent) ? 'public' : 'direct'

/** Whom an answer is told to for what it answers: its author; of a private post of one's own those to whom that went. */
export function answeredPeople(account: Account, parent: Shown | undefined): string[] {
  if (parent === undefined) return []
  return parent.authorId === account.id && !isOpen(parent) ? parent.mentions : [parent.author.uri]
}

/**
 * By OStatus nothing can be told to somebody alone: feeds and entries are for everybody.
 * @param people URIs @throws Refused when there is nobody to be told, or one of them cannot be
 */
export async function requireReach(stores: Stores, account: Account, people: string[]): Promise<void> {
  if (people.length === 0) throw notForAll('This post is not for everybody, and there is nobody whom an answer could reach.')
  for (const uri of people) {
    const person = await stores.actors.findByName(uri)
    const name = person?.acct ?? uri
    if (person === undefined || !(person.localName !== undefined || canReach(person)))
      throw notForAll(`This post is not for everybody, and ${name} cannot be told anything alone: that takes ActivityPub.`)
    if (await hasBlocked(stores, person, account))
      throw notForAll(`This post is not for everybody, and ${name} has blocked ${account.acct}.`)
  }
}

const notForAll = (sentence: string): Refused => new Refused(sentence, { code: 'not_for_all' })
