import assert from 'node:assert/strict'
import { startNode, type TestNode } from '../support/node.ts'

describe('health', () => {
  let node: TestNode
  before(async () => {
    node = await startNode({ work: false })
  })
  after(() => node?.close())

  for (const [path, word] of [
    ['/healthz', 'alive\n'],
    ['/readyz', 'ready\n']
  ] as const) {
    it(`${path} says that all is well, and no cache keeps it`, async () => {
      const answer = await fetch(`${node.url}${path}`)
      assert.deepEqual([answer.status, await answer.text(), answer.headers.get('cache-control')], [200, word, 'no-store'])
    })
  }

  it('/readyz says 503 and nothing of the inside when the database does not answer; /healthz does not ask it', async () => {
    const { tools } = node
    const { find } = tools.settings
    tools.settings.find = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1:5432'))
    try {
      const answer = await fetch(`${node.url}/readyz`)
      assert.deepEqual([answer.status, await answer.text()], [503, 'The database does not answer.\n'])
      assert.equal((await fetch(`${node.url}/healthz`)).status, 200)
    } finally {
      tools.settings.find = find
    }
  })
})
