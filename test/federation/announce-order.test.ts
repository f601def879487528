import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { announce } from '../../src/federation/announce.ts'
import { edit, publish } from '../../src/federation/publish.ts'
import type { Tools } from '../../src/tools.ts'
import { startHub, type WrittenHub } from '../support/hub.ts'

describe('the order of announcements', () => {
  let hub: WrittenHub
  beforeEach(async () => {
    hub = await startHub()
  })
  afterEach(() => hub?.close())

  it('H8 does not tell of a version after a newer one that was kept meanwhile', async () => {
    const one = hub.subscriber('https://one.example/')
    await hub.subscribe(one)
    const ann = await findAccount(hub.tools, 'ann')
    const post = await publish(hub.tools, ann, { text: 'the old text' })
    await hub.tools.queue.done('post.announce', await hub.tools.queue.take('post.announce', 9))
    // the newer one is told of between our reading and our turn
    const transaction: Tools['transaction'] = async work => {
      await edit(hub.tools, ann, post, { text: 'the new text' })
      await hub.work()
      return hub.tools.transaction(work)
    }
    await announce({ ...hub.tools, transaction }, post.id, 'post')
    await hub.work()
    assert.equal(one.got.length, 1)
    assert.match(one.got[0]!.body, /the new text/)
  })
})
