/** Loaded by mocha before every test file: what begins and ends with the whole run. */
import { reportMissingSamples } from './samples.ts'

export const mochaHooks = {
  afterAll() {
    reportMissingSamples()
  }
}
