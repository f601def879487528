import assert from 'node:assert/strict'
import { startNode, type TestNode } from '../support/node.ts'

describe('what a node tells of itself', () => {
  let node: TestNode
  before(async () => {
    node = await startNode({ work: false })
  })
  after(() => node?.close())

  it('S2b /robots.txt closes the API and the pages of the owner, and leaves feeds, profiles and posts open', async () => {
    const answer = await fetch(`${node.url}/robots.txt`)
    const closed = [...(await answer.text()).matchAll(/^Disallow: (.+)$/gm)].map(([, path = '']) => path)
    const isOpen = (path: string) => !closed.some(start => path.startsWith(start))
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'text/plain; charset=utf-8'])
    for (const path of ['/', '/users/ann', '/users/ann.atom', '/users/ann/posts/1']) assert.ok(isOpen(path), path)
    for (const path of ['/api/toot?url=x', '/search?q=x', '/push/x', '/settings', '/moderation', '/log/feeds', '/people/1', '/posts/1'])
      assert.ok(!isOpen(path), path)
  })

  it('FEP-67ff /FEDERATION.md is the document', async () => {
    const answer = await fetch(`${node.url}/FEDERATION.md`)
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'text/markdown; charset=utf-8'])
    assert.match(await answer.text(), /^# Federation/i)
  })
})
