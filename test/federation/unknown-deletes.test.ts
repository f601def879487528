import assert from 'node:assert/strict'
import { verbXml } from '../support/atom-documents.ts'
import { startReader } from '../support/reader.ts'
import { makeEndpoint, makePair, mentionXml } from '../support/slaps.ts'

describe('deletes of people of whom nothing is known', () => {
  it('X31 X4 cost no request and no row; one of somebody known still counts before the post', async () => {
    const reader = await startReader()
    try {
      const endpoint = makeEndpoint(reader)
      const pair = makePair()
      const before = await endpoint.counts(reader.node)
      for (let n = 0; n < 50; n++) {
        const ann = endpoint.writer(`gone${n}`, { pair })
        assert.equal(await endpoint.post(ann.slap(verbXml('delete'), { id: ann.uri }), { from: '192.0.2.1' }), 202)
      }
      assert.deepEqual([reader.net.sent.length, await endpoint.counts(reader.node)], [0, before])
      const ann = endpoint.writer('gone1', { pair })
      const bob = mentionXml('https://reader.example/users/bob')
      const id = 'tag:gone1.example,2026:late'
      assert.equal(await endpoint.post(ann.slap(bob)), 202)
      assert.equal(await endpoint.post(ann.slap(verbXml('delete'), { id })), 202)
      assert.equal(await endpoint.post(ann.slap(bob, { id })), 202)
      assert.ok((await reader.post(id))?.deletedAt)
    } finally {
      await reader.close()
    }
  })
})
