import assert from 'node:assert/strict'
import { visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'

describe('NodeInfo', () => {
  let node: TestNode
  before(async () => {
    node = await startNode({ accounts: ['ann', 'bob'], work: false })
  })
  after(() => node?.close())
  const get = async (path: string) => {
    const { headers, status, text } = await visitor(node).get(path, { accept: '*/*' })
    assert.deepEqual([status, headers.get('access-control-allow-origin')], [200, '*'])
    return { type: headers.get('content-type'), document: JSON.parse(text) }
  }

  it('FEP-f1d5 FEP-2677 is found at its known place, and with it the node’s own actor', async () => {
    const { document, type } = await get('/.well-known/nodeinfo')
    assert.equal(type, 'application/jrd+json; charset=utf-8')
    assert.deepEqual(
      document.links.map(({ href, rel }: { href: string; rel: string }) => [rel, href]),
      [
        ['http://nodeinfo.diaspora.software/ns/schema/2.1', `${node.url}/nodeinfo/2.1`],
        ['https://www.w3.org/ns/activitystreams#Application', `${node.url}/actor`]
      ]
    )
  })

  it('FEP-f1d5 says what runs here, what it speaks, and how many accounts there are: nothing of peers', async () => {
    const { document, type } = await get('/nodeinfo/2.1')
    assert.equal(type, 'application/json; profile="http://nodeinfo.diaspora.software/ns/schema/2.1#"; charset=utf-8')
    assert.deepEqual(document.protocols, ['activitypub', 'ostatus'])
    assert.match(document.software.name, /^[a-z0-9-]+$/)
    assert.deepEqual([document.version, document.openRegistrations, document.usage], ['2.1', false, { users: { total: 2 } }])
    assert.deepEqual([document.services, document.metadata], [{ inbound: [], outbound: [] }, {}])
  })
})
