/** Salmon out: an entry of ours, signed once, for everybody whom it concerns (protocols.md M1-M3, M8, M9). */
import { createPrivateKey } from 'node:crypto'
import type { Account, Actor } from '../model/kept.ts'
import { writeEntry } from '../protocol/atom-writer.ts'
import type { EntryOut } from '../protocol/feed-parts.ts'
import { signEnvelope, writeEnvelope } from '../protocol/magic-envelope.ts'
import { TYPE } from '../protocol/names.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import type { Stores } from '../tools.ts'
import { authorOut } from './entries.ts'

/** What is told: `key` says so, `postId` is the post of which it is told. */
export type Telling = { key: string; postId?: string }

/**
 * Lays an entry down for the Salmon endpoints of people, once each, with the work of sending it. Must be called inside the
 * transaction that does what the entry tells. Those who live here, speak ActivityPub (X19), take no Salmon, or want to hear nothing of
 * the account (X8) are passed over.
 * @param telling the same is not sent twice, even when a job is done again
 * @returns those to whom it goes
 */
export async function slap(
  stores: Stores,
  account: Account,
  entry: EntryOut,
  people: Actor[],
  { key, ...post }: Telling,
  now: Date
): Promise<Actor[]> {
  const { actors, deliveries, queue } = stores
  const told: (Actor & { salmonUrl: string })[] = []
  for (const person of people.filter(takesSalmon)) if (!(await hasBlocked(stores, person, account))) told.push(person)
  // in one order, so that two who write at once do not wait for each other
  const endpoints = [...new Set(told.map(person => person.salmonUrl))].sort()
  const pem = endpoints.length === 0 ? undefined : await actors.privateKey(account.localName)
  if (pem === undefined) return []
  const payload = writeEntry(entry, authorOut(account), { root: true })
  const body = Buffer.from(writeEnvelope(signEnvelope(payload, createPrivateKey(pem))))
  const letter = { key: `salmon ${key}`, topic: entry.id, contentType: TYPE.magicEnvelope, body, ...post }
  const document = await deliveries.addDocument(letter, now)
  if (document === undefined) return told
  for (const url of endpoints) {
    const recipient = await deliveries.addForRecipient(document, 'salmon', url, now)
    if (recipient !== undefined) await queue.add('deliver', { recipients: [recipient] })
  }
  return told
}

const takesSalmon = (person: Actor): person is Actor & { salmonUrl: string } =>
  person.localName === undefined && person.removedAt === undefined && person.speaks === 'ostatus' && isWebAddress(person.salmonUrl)

/** Whether somebody wants to hear nothing of an account (X8). */
export async function hasBlocked({ history }: Stores, { id }: Actor, account: Account): Promise<boolean> {
  return (await history.findAct(id, 'block', account.uri))?.undone === false
}
