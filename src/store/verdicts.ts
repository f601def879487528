import type { Verdict } from '../model/blog.ts'
import { type Db, fromRow } from './rows.ts'

export type Verdicts = ReturnType<typeof makeVerdicts>

/** What the owner decided of comments, people and hosts. It holds for ever, also for what comes again (W31). */
export function makeVerdicts(db: Db) {
  return {
    async keep(subject: string, verdict: Verdict['verdict'], at: Date): Promise<void> {
      await db('verdicts').insert({ subject, verdict, at }).onConflict('subject').merge()
    },
    async remove(subject: string): Promise<boolean> {
      return (await db('verdicts').where({ subject }).delete()) > 0
    },
    async find(subjects: string[]): Promise<Map<string, Verdict['verdict']>> {
      const rows = await db('verdicts').whereIn('subject', [...new Set(subjects)])
      return new Map(rows.map(row => [row.subject, row.verdict]))
    },
    async removeMany(subjects: string[], verdict: Verdict['verdict']): Promise<number> {
      return db('verdicts').whereIn('subject', subjects).where({ verdict }).delete()
    },
    /** All of one kind, newest first. */
    async list(verdict: Verdict['verdict'], limit: number): Promise<Verdict[]> {
      return (await db('verdicts').where({ verdict }).orderBy('at', 'desc').limit(limit)).map(row => fromRow<Verdict>(row))
    }
  }
}
