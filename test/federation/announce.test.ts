import assert from 'node:assert/strict'
import { favourite, share } from '../../src/federation/act.ts'
import { announce } from '../../src/federation/announce.ts'
import { publish, remove } from '../../src/federation/publish.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { keepPost } from '../support/residents.ts'
import { type Neighbour, startWriter, type Writer } from '../support/writer.ts'

describe('announcing', () => {
  let writer: Writer
  let bob: Neighbour
  beforeEach(async () => {
    writer = await startWriter({ HUBS: 'https://other.example/hub' })
    bob = await writer.neighbour('bob')
    writer.hub.subscriber('https://other.example/hub')
  })
  afterEach(() => writer?.close())

  const pings = () => writer.tools.queue.take('hub.ping', 10)

  it('H10 X3 pings other hubs of what stands in the feed, and not of a favourite, which does not', async () => {
    const post = await bob.post()
    await favourite(writer.tools, writer.ann, post.uri)
    assert.deepEqual(await pings(), [])
    await share(writer.tools, writer.ann, post.uri)
    for (const { data } of await writer.tools.queue.take('post.announce', 10)) await announce(writer.tools, data.post, data.act)
    assert.equal((await pings()).length, 1)
  })

  it('M8 H7 gives subscribers and the mentioned the same entry', async () => {
    const listener = await writer.listener()
    const post = await publish(writer.tools, writer.ann, { text: 'Hi @bob@bob.example' })
    await writer.work()
    const pushed = readFeed(Buffer.from(listener.got[0]!.body), { url: writer.hub.topic }).activities[0]!
    assert.deepEqual({ ...bob.slaps()[0]!.activity, url: '' }, { ...pushed, url: '' })
    assert.equal(pushed.id, post.uri)
  })

  for (const visibility of ['unlisted', 'followers', 'direct'] as const) {
    it(`H12 tells nobody of a post that is ${visibility}`, async () => {
      const post = await keepPost(writer.tools, writer.ann, { visibility, mentions: [bob.actor.uri] })
      await announce(writer.tools, post.id, 'post')
      await writer.work()
      assert.equal(bob.endpoint.got.length, 0)
    })
  }

  it('X4 of a post that is deleted before anybody was told, nobody hears', async () => {
    const post = await publish(writer.tools, writer.ann, { text: 'Hi @bob@bob.example' })
    await remove(writer.tools, writer.ann, post)
    await writer.work()
    assert.equal(bob.endpoint.got.length, 0)
  })

  it('M17 is signed by the key that was published when the account was made', async () => {
    await publish(writer.tools, writer.ann, { text: 'Hi @bob@bob.example' })
    await writer.work()
    assert.equal(bob.slaps().length, 1)
    assert.deepEqual(writer.ann.keys, [writer.ann.magicKey])
  })

  it('M8 passes over whom nobody knows any more, and who has no endpoint of the web', async () => {
    await writer.neighbour('odd', 'odd.example', { salmonUrl: 'mailto:odd@odd.example' })
    const post = await keepPost(writer.tools, writer.ann, { mentions: ['https://odd.example/user/1', 'https://unknown.example/'] })
    await announce(writer.tools, post.id, 'post')
    assert.deepEqual(await writer.tools.acts.told(post.id), [])
  })
})
