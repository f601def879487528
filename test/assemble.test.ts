import assert from 'node:assert/strict'
import { assemble } from '../src/assemble.ts'
import { readConfig } from '../src/config.ts'
import { Refused } from '../src/model/errors.ts'
import { type FreshDatabase, freshDatabase, silence, temporaryFolder } from './support/database.ts'

const configure = (key: string) => readConfig({ DATA_DIR: temporaryFolder(), SECRET_KEY: key }, { cwd: temporaryFolder() })

describe('what is wired together', () => {
  let database: FreshDatabase
  afterEach(() => database.drop())

  it('refuses a database of somebody else that is not up to date, in a sentence', async () => {
    database = await freshDatabase({ empty: true })
    const given = { ...database.database, bundled: false }
    for (const role of ['web', 'worker', 'command'] as const) {
      await assert.rejects(
        assemble(configure('a key for tests only'), silence, role, { database: given }),
        (error: Error) => error instanceof Refused && /tidings migrate/.test(error.message)
      )
    }
  })

  it('refuses another SECRET_KEY than the one under which the secrets are stored, before anything begins', async () => {
    database = await freshDatabase()
    const first = await assemble(configure('a key for tests only'), silence, 'web', { database: database.database })
    await first.close()
    const other = assemble(configure('another key for tests'), silence, 'web', { database: database.database })
    await assert.rejects(other, (error: Error) => error instanceof Refused && /SECRET_KEY/.test(error.message))
    const again = await assemble(configure('a key for tests only'), silence, 'web', { database: database.database })
    await again.close()
  })
})
