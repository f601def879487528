import type { Verdict } from '../model/blog.ts'
import { type Db, fromRow } from './rows.ts'

export type Verdicts = ReturnType<typeof makeVerdicts>

type Blocked = { hosts: ReadonlySet<string>; people: ReadonlySet<string> }

/** What a process knows of the blocked without asking: it is emptied whenever the owner decided something (`MODERATED`). */
export type KnownVerdicts = { blocked?: Promise<Blocked> }

/** What `changes` tells when the owner decided something. */
export const MODERATED = 'moderated'

/** What the owner decided of comments, people and hosts. It holds for ever, also for what comes again (W31). */
export function makeVerdicts(db: Db, known: KnownVerdicts = {}) {
  const readBlocked = async (): Promise<Blocked> => {
    const subjects: string[] = await db('verdicts').where({ verdict: 'blocked' }).pluck('subject')
    const { hosts = [], people = [] } = Object.groupBy(subjects, subject => (subject.startsWith('host:') ? 'hosts' : 'people'))
    return { hosts: new Set(hosts.map(subject => subject.slice('host:'.length))), people: new Set(people) }
  }
  /** They are asked for seldom: this is looked at for whatever comes in. */
  const findBlocked = (): Promise<Blocked> => {
    known.blocked ??= readBlocked().catch(error => {
      delete known.blocked
      throw error
    })
    return known.blocked
  }
  return {
    /** What was approved before is so again when the new verdict is taken back. */
    async keep(subject: string, verdict: Verdict['verdict'], at: Date): Promise<void> {
      delete known.blocked
      const wasApproved = db.raw("excluded.verdict <> 'approved' and (verdicts.was_approved or verdicts.verdict = 'approved')")
      await db('verdicts').insert({ subject, verdict, at }).onConflict('subject').merge({ verdict, at, was_approved: wasApproved })
    },
    async find(subjects: string[]): Promise<Map<string, Verdict['verdict']>> {
      const { rows } = await db.raw('select subject, verdict from verdicts where subject = any(?)', [[...new Set(subjects)]])
      return new Map(rows.map((row: Verdict) => [row.subject, row.verdict]))
    },
    /** Takes verdicts of one kind back. Answers how many there were. */
    async removeMany(subjects: string[], verdict: Verdict['verdict']): Promise<number> {
      delete known.blocked
      const these = () => db('verdicts').whereIn('subject', subjects).where({ verdict })
      const restored = await these().where({ was_approved: true }).update({ verdict: 'approved', was_approved: false })
      return restored + (await these().delete())
    },
    /** All of one kind, newest first. */
    async list(verdict: Verdict['verdict'], limit: number): Promise<Verdict[]> {
      const rows = await db('verdicts').select('subject', 'verdict', 'at').where({ verdict }).orderBy(NEWEST).limit(limit)
      return rows.map(row => fromRow<Verdict>(row))
    },
    blockedHosts: async (): Promise<ReadonlySet<string>> => (await findBlocked()).hosts,
    /** The names of people who are blocked. */
    blockedPeople: async (): Promise<ReadonlySet<string>> => (await findBlocked()).people
  }
}

const NEWEST = [
  { column: 'at', order: 'desc' },
  { column: 'subject', order: 'asc' }
]

/** SQL: whether the owner blocked the host in an SQL expression (lower case, perhaps with a port), or one above it (X30). */
export const isBlockedHost = (host: string): string => {
  const name = `regexp_replace(${host}, ':[0-9]+$', '')`
  return `exists (select from verdicts v where v.verdict = 'blocked' and v.subject like 'host:%' and (
    substr(v.subject, 6) in (${host}, ${name}) or right(${name}, length(v.subject) - 4) = '.' || substr(v.subject, 6)))`
}

/** SQL: the host in an http(s) address, with its port. Whoever decides by it asks again: a strange address is not read to its end. */
export const hostIn = (address: string): string => `lower(split_part(split_part(${address}, '//', 2), '/', 1))`
