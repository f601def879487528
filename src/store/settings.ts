import type { Db } from './rows.ts'

export type Settings = ReturnType<typeof makeSettings>

/** What the node must remember of itself: `origin`, `left` (something has left the node from a public origin). */
export function makeSettings(db: Db) {
  return {
    async find<T>(name: string): Promise<T | undefined> {
      return (await db('settings').where({ name }).first())?.value
    },
    async keep(name: string, value: unknown): Promise<void> {
      await db('settings')
        .insert({ name, value: JSON.stringify(value) })
        .onConflict('name')
        .merge()
    }
  }
}
