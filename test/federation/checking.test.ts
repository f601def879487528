import assert from 'node:assert/strict'
import { ok, within } from '../../src/federation/checking.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { silence } from '../support/database.ts'

describe('a check', () => {
  const tools = { log: silence }
  const look = (work: () => Promise<never> | Promise<ReturnType<typeof ok>>, seconds = 1) =>
    within(tools, { id: 'x', what: 'the thing', seconds }, work)

  it('W52 that hangs is told as such, and holds up nobody else', async () => {
    const [hanging, quick] = await Promise.all([look(() => new Promise<never>(() => {}), 0.05), look(async () => ok('x', 'Fine.'))])
    assert.deepEqual(quick, [ok('x', 'Fine.')])
    assert.deepEqual(
      hanging.map(({ sentence, state }) => [state, sentence]),
      [['failure', 'To look at the thing took longer than 0.05 seconds.']]
    )
  })

  it('W52 that fails is what it found, and a defect of ours tells nothing of the inside', async () => {
    const [failed] = await look(() => Promise.reject(new Unreachable('a.example did not answer in time.')))
    assert.equal(failed?.sentence, 'To look at the thing failed: a.example did not answer in time.')
    const [defect] = await look(() => Promise.reject(new Error('undefined is not a function')))
    assert.deepEqual([defect?.state, defect?.sentence], ['failure', 'To look at the thing failed.'])
  })
})
