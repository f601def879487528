import { generateKeyPairSync } from 'node:crypto'
import type { Db } from './rows.ts'
import type { Vault } from './vault.ts'

export type NodeKeys = ReturnType<typeof makeNodeKeys>

const NAME = 'node key'

/** The key by which the node signs what it asks in its own name (FEP-2677): made when it is first needed, once, and kept sealed. */
export function makeNodeKeys(db: Db, vault: Vault) {
  const find = async (): Promise<string | undefined> => {
    const row = await db('settings').where({ name: NAME }).first('value')
    return row && vault.open(row.value)
  }
  return {
    /** PEM. Two processes that make one at the same time end with the same. */
    async privateKey(): Promise<string> {
      const known = await find()
      if (known !== undefined) return known
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      await db('settings')
        .insert({ name: NAME, value: JSON.stringify(vault.seal(pem)) })
        .onConflict('name')
        .ignore()
      return (await find())!
    }
  }
}
