import type { Answer, Reaction } from '../model/blog.ts'
import { type Db, fromRow, toRow } from './rows.ts'
import { hostIn, isBlockedHost } from './verdicts.ts'

export type Answers = ReturnType<typeof makeAnswers>

/** An answer with the key of the toot under which it stands. */
export type PlacedAnswer = Answer & { toot: string }

/** What the server of a toot tells of its thread. It is told, not proven: it never becomes a post of anybody. */
export function makeAnswers(db: Db) {
  return {
    /** The thread as it is now; answers that are not told any more are gone. Must run inside a transaction. */
    async keep(toot: string, answers: Answer[]): Promise<void> {
      const rows = answers.map(({ person, ...answer }) => ({
        ...toRow({ parentId: null, language: null, updated: null, ...answer }),
        toot,
        handle: person.handle,
        person: JSON.stringify(person)
      }))
      await db('answers')
        .where({ toot })
        .whereNotIn(
          'id',
          answers.map(({ id }) => id)
        )
        .delete()
      if (rows.length > 0) await db('answers').insert(rows).onConflict(['toot', 'id']).merge()
    },
    async find(toot: string): Promise<Answer[]> {
      const rows = await db('answers').where({ toot }).orderBy(['published', 'id'])
      return rows.map(({ toot: _toot, handle: _handle, ...row }) => fromRow<Answer>(row))
    },
    /** An answer by its URI, its address or its id on the server of the toot. */
    async findByAddress(name: string): Promise<PlacedAnswer | undefined> {
      const row = await db('answers').where({ uri: name }).orWhere({ url: name }).orWhere({ id: name }).orderBy('published').first()
      return row && placed(row)
    },
    /**
     * Public answers of which nothing was decided, nor of their authors or hosts, approvals of people only if those count
     * (`people`): newest first.
     */
    async undecided(people: boolean, { before, limit }: { before?: PlacedAnswer; limit: number }): Promise<PlacedAnswer[]> {
      const query = db('answers as n')
        .whereIn('n.visibility', ['public', 'unlisted'])
        .whereNotExists(db('verdicts').whereRaw('subject in (n.uri, n.url)'))
        .whereNotExists(
          db('verdicts').whereRaw("subject in ('acct:' || n.handle, n.person->>'uri') and (? or verdict = 'blocked')", [people])
        )
        .whereRaw(`not ${isBlockedHost("split_part(n.handle, '@', 2)")} and not ${isBlockedHost(hostIn("n.person->>'uri'"))}`)
        .orderByRaw('n.published desc, n.toot desc, n.id desc')
        .limit(limit)
      if (before !== undefined) query.whereRaw('(n.published, n.toot, n.id) < (?, ?, ?)', [before.published, before.toot, before.id])
      return (await query.select('n.*')).map(placed)
    },
    async keepReactions(toot: string, reactions: Reaction[]): Promise<void> {
      const rows = reactions.map(({ verb, person }) => ({ toot, verb, handle: person.handle, person: JSON.stringify(person) }))
      await db('reactions').where({ toot }).delete()
      if (rows.length > 0) await db('reactions').insert(rows).onConflict(['toot', 'verb', 'handle']).ignore()
    },
    async reactions(toot: string): Promise<Reaction[]> {
      const rows = await db('reactions').where({ toot }).orderBy('handle')
      return rows.map(({ verb, person }) => ({ verb, person }))
    }
  }
}

const placed = ({ handle: _handle, ...row }: Record<string, unknown>): PlacedAnswer => fromRow<PlacedAnswer>(row)
