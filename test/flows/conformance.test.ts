/** Our node under the checks of others: a public hub, a hub of its own topics, WebFinger. Every MUST holds; each SHOULD that does not is named. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findAccount } from '../../src/federation/accounts.ts'
import { publish } from '../../src/federation/publish.ts'
import { serve } from '../support/loopback.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { checkProgram, withChecks } from '../support/samples.ts'

type Row = { id: string; state: 'PASS' | 'FAIL' | 'WARN' | 'INFO' | 'SKIP'; what?: string; text?: string }

/** Runs a program of the checks. @returns its exit code, and what it says of each check */
async function check(program: string, words: string[]): Promise<{ code: number; rows: Row[]; output: string }> {
  const child = spawn(process.execPath, [checkProgram(program), ...words, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', part => {
    output += part
  })
  const [code] = await once(child, 'close')
  return { code, rows: JSON.parse(output.slice(output.indexOf('{'))).rows, output }
}

/** Of a topic of ours the program cannot tell one push from the next, so here it counts the first one as well. */
const BLIND = ['H17.4', 'H17.5']
/** A push bears no charset parameter, since some subscribers compare the type as a whole (H7). */
const OUR_WAY = ['H01.17']

const ids = (rows: Row[], ...states: Row['state'][]) => rows.filter(row => states.includes(row.state)).map(row => row.id)

withChecks('the checks from outside', function (this: Mocha.Suite) {
  this.timeout(120_000)
  let node: TestNode
  afterEach(() => node?.close())

  it('H1 to H12 hold for a public hub', async () => {
    node = await startNode({ env: { OPEN_HUB: 'on' } })
    const { code, rows } = await check('hub.mjs', ['--hub', `${node.url}/hub`])
    assert.deepEqual(ids(rows, 'FAIL'), [])
    assert.deepEqual(ids(rows, 'WARN'), [])
    assert.equal(code, 0)
    assert.ok(ids(rows, 'PASS').length > 100)
  })

  it('H1 to H12 hold for our own topics', async () => {
    node = await startNode({ accounts: ['ann'] })
    const ann = await findAccount(node.tools, 'ann')
    let count = 0
    const trigger = await serve((_, response) => {
      publish(node.tools, ann, { text: `post ${++count}` }).then(() => response.writeHead(204).end())
    })
    try {
      const topic = `${node.url}/users/ann.atom`
      const { rows } = await check('hub.mjs', ['--hub', `${node.url}/hub`, '--topic', topic, '--trigger', `POST ${trigger.origin}/`])
      const faults = ids(rows, 'FAIL', 'WARN').filter(id => ![...BLIND, ...OUR_WAY].includes(id))
      assert.deepEqual(faults, [])
      assert.ok(ids(rows, 'PASS').length > 60)
    } finally {
      await trigger.close()
    }
  })

  it('W1 to W10 hold for WebFinger and host-meta, every MUST and every SHOULD', async () => {
    node = await startNode({ accounts: ['ann'] })
    const words = [
      '--base',
      node.url,
      '--resource',
      `acct:ann@${node.host}`,
      '--profile',
      `${node.url}/users/ann`,
      '--unknown',
      `acct:nobody@${node.host}`
    ]
    const { code, rows } = await check('webfinger.mjs', [...words, '--xrd'])
    assert.deepEqual(ids(rows, 'FAIL', 'WARN'), [])
    assert.equal(code, 0)
    assert.ok(ids(rows, 'PASS').length > 50)
  })
})
