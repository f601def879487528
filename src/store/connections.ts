import type { Connection } from '../model/blog.ts'
import { hashToken } from '../model/tokens.ts'
import { type Change, type Db, fromRow, toRow } from './rows.ts'
import type { Vault } from './vault.ts'

export type Connections = ReturnType<typeof makeConnections>

const SECRETS = ['token', 'clientSecret'] as const

/** The owner's accounts on Mastodon servers, one for each account of ours, and connections that are about to be allowed. */
export function makeConnections(db: Db, vault: Vault) {
  const sealed = (connection: Change<Connection>): Change<Connection> => {
    const out = { ...connection }
    for (const name of SECRETS) if (typeof out[name] === 'string') out[name] = vault.seal(out[name])
    return out
  }
  return {
    async find(accountId: string): Promise<Connection | undefined> {
      const row = await db('connections').where({ account_id: accountId }).first()
      if (row === undefined) return undefined
      const connection = fromRow<Connection>(row)
      for (const name of SECRETS) if (connection[name] !== undefined) connection[name] = vault.open(connection[name])
      return connection
    },
    async keep(connection: Connection): Promise<void> {
      const row = toRow(sealed(connection))
      await db('connections').where({ account_id: connection.accountId }).delete()
      await db('connections').insert(row)
    },
    async change(accountId: string, change: Change<Connection>): Promise<void> {
      await db('connections')
        .where({ account_id: accountId })
        .update(toRow(sealed(change)))
    },
    async remove(accountId: string): Promise<boolean> {
      return (await db('connections').where({ account_id: accountId }).delete()) > 0
    },

    /** Remembers what is needed when the browser comes back with this state. */
    async begin(state: string, pending: { accountId: string; host: string }, facts: object, expiresAt: Date): Promise<void> {
      const { accountId, host } = pending
      const row = { hash: hashToken(state), account_id: accountId, host, sealed: vault.seal(JSON.stringify(facts)), expires_at: expiresAt }
      await db('authorisations').insert(row)
    },
    /** Uses up what was remembered under a state. */
    async finish<T>(state: string, now: Date): Promise<{ accountId: string; host: string; facts: T } | undefined> {
      const [row] = await db('authorisations')
        .where({ hash: hashToken(state) })
        .where('expires_at', '>', now)
        .delete()
        .returning(['account_id', 'host', 'sealed'])
      return row && { accountId: row.account_id, host: row.host, facts: JSON.parse(vault.open(row.sealed)) as T }
    },
    forget: (now: Date) => db('authorisations').where('expires_at', '<=', now).delete()
  }
}
