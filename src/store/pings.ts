import { type Db, fromRow } from './rows.ts'

export type Pings = ReturnType<typeof makePings>

/** How the last ping of a hub about a topic went. `succeededAt`: when it last took one. */
export type Ping = { hub: string; topic: string; pingedAt: Date; succeededAt?: Date; status?: number; error?: string }

/** External hubs that we ping: one row a hub and topic. */
export function makePings(db: Db) {
  return {
    /** Writes down what a ping brought; without an error the hub took it. */
    async keep({ hub, topic, ...told }: Pick<Ping, 'hub' | 'topic' | 'status' | 'error'>, now: Date): Promise<void> {
      const outcome = { pinged_at: now, status: told.status ?? null, error: told.error?.slice(0, 500) ?? null }
      const row = { ...outcome, ...(told.error === undefined ? { succeeded_at: now } : {}) }
      await db('pings')
        .insert({ hub, topic, ...row })
        .onConflict(['hub', 'topic'])
        .merge(row)
    },
    async find(topics: string[]): Promise<Ping[]> {
      return (await db('pings').whereIn('topic', topics).orderBy('hub')).map(row => fromRow<Ping>(row))
    }
  }
}
