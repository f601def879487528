/** Loaded by mocha before every test file: what begins and ends with the whole run. */
import { stopDatabases } from './database.ts'
import { reportMissingSamples } from './samples.ts'

export const mochaHooks = {
  async afterAll() {
    await stopDatabases()
    reportMissingSamples()
  }
}
