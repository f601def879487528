/** Our node and small doubles of old servers: what we send is taken by the rules of each, and what each sends is read (section Z). */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { favourite } from '../../src/federation/act.ts'
import { follow, unfollow } from '../../src/federation/follow.ts'
import { publish, remove } from '../../src/federation/publish.ts'
import type { Account } from '../../src/model/kept.ts'
import { verbXml } from '../support/atom-documents.ts'
import { friendica } from '../support/doubles/friendica.ts'
import { mastodon } from '../support/doubles/mastodon.ts'
import { type Peer, type Rules, startPeer } from '../support/doubles/peer.ts'
import { pleroma } from '../support/doubles/pleroma.ts'
import { statusnet } from '../support/doubles/statusnet.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { mentionXml } from '../support/slaps.ts'

const ORIGIN = 'https://tidings.example'
const doubles: Record<string, Rules> = { Mastodon: mastodon, Pleroma: pleroma, Friendica: friendica, StatusNet: statusnet }

for (const [name, rules] of Object.entries(doubles)) {
  describe(`our node and ${name}`, () => {
    let node: TestNode
    let peer: Peer
    let bob: Account
    before(async () => {
      // e-mail addresses have no port, and Mastodon knows people by theirs: so the node has a name, under which the double finds it
      node = await startNode({ env: { PUBLIC_URL: ORIGIN, HUB_SIGNATURE: 'auto' }, accounts: ['bob'] })
      peer = await startPeer(rules, url => url.replace(ORIGIN, `http://${node.host}`))
      bob = await findAccount(node.tools, 'bob')
    })
    after(async () => {
      await node?.close()
      await peer?.close()
    })
    const takes = (line: string) =>
      until(line, () => {
        assert.deepEqual(peer.refused, [])
        return peer.taken.includes(line)
      })
    const kept = (id: string) => until(id, () => node.tools.history.findByUri(id))

    it(`D4 M6 X5 Z ${name} is found and followed, and hears of it`, async () => {
      const { actor } = await follow(node.tools, `acct:ann@${peer.me.host}`, { as: bob })
      assert.deepEqual([actor.uri, actor.salmonUrl, actor.keys.length], [peer.me.uri, `${peer.me.origin}/salmon`, 1])
      await takes(`slap follow ${peer.me.uri}`)
      await until('our subscription', peer.isSubscribed)
    })

    it(`H4 H5 H7 Z ${name} subscribes at our hub and takes what it pushes`, async () => {
      assert.ok(await peer.subscribe(`${ORIGIN}/users/bob.atom`))
      await until('the subscriber', async () => (await node.tools.subscribers.list(10)).length === 1)
      const note = await publish(node.tools, bob, { text: 'to all' })
      await takes(`push post ${note.uri}`)
    })

    it(`X1 X3 X4 M8 Z ${name} takes a mention, a reply, a favourite and a delete`, async () => {
      const mention = await publish(node.tools, bob, { text: `Hello @ann@${peer.me.host}` })
      await takes(`slap post ${mention.uri}`)
      const reply = await publish(node.tools, bob, { text: 'Yes & no', replyTo: peer.me.note })
      await takes(`slap post ${reply.uri}`)
      await favourite(node.tools, bob, peer.me.note)
      await takes(`slap favorite ${peer.me.note}`)
      await remove(node.tools, bob, mention)
      for (const way of ['slap', 'push']) await takes(`${way} delete ${mention.uri}`)
    })

    it(`S9 X4 Z what ${name} pushes is read, and its delete; what is signed with an empty key is not`, async () => {
      const [good, bad] = [1, 2].map(n => `${peer.me.origin}/pushed/${n}`) as [string, string]
      await peer.push(bad, '<content>x</content>', '')
      await peer.push(good, '<content>x</content>')
      await kept(good)
      assert.equal(await node.tools.history.findByUri(bad), undefined)
      await peer.push(good, verbXml('delete'))
      await until('the delete', async () => (await kept(good)).deletedAt !== undefined)
    })

    it(`M4 M7 Z what ${name} slaps is ${name === 'Friendica' ? 'refused, as its key proves nothing' : 'taken'}`, async () => {
      const id = `${peer.me.origin}/slapped/1`
      const status = await peer.slap(`${ORIGIN}/users/bob/salmon`, id, mentionXml(bob.uri))
      assert.equal(status, name === 'Friendica' ? 401 : 202)
      assert.equal((await node.tools.history.findByUri(id)) !== undefined, status === 202)
    })

    it(`X5 S13 Z ${name} hears of an unfollow by the verb that it knows, and ${pleroma === rules ? 'goes on pushing' : 'pushes no more'}`, async () => {
      const actor = (await node.tools.actors.findByUri(peer.me.uri))!
      assert.ok(await unfollow(node.tools, actor, bob))
      await takes(`slap unfollow ${peer.me.uri}`)
      const state = async () => (await node.tools.subscriptions.findByTopic(peer.me.feed))?.state
      if (rules !== pleroma) await until('the end of our subscription', async () => !peer.isSubscribed() && (await state()) === 'ended')
      // it is asked for three days, and what it pushes meanwhile is acknowledged
      else assert.deepEqual([peer.isSubscribed(), await state()], [true, 'ending'])
    })

    it(`H5 Z ${name} ${pleroma === rules ? 'is asked again whether it meant' : 'confirms'} the end of its subscription at our hub`, async () => {
      await peer.subscribe(`${ORIGIN}/users/bob.atom`, 'unsubscribe')
      await until('our question', () => peer.questions.includes('unsubscribe'))
      const count = async () => (await node.tools.subscribers.list(10)).length
      if (rules !== pleroma) await until('the end', async () => (await count()) === 0)
      else assert.equal(await count(), 1)
    })
  })
}

describe('our node and Friendica, with SALMON_LEGACY', () => {
  it('M4 M7 Z a mention is taken, a follow is not', async () => {
    const node = await startNode({ env: { PUBLIC_URL: ORIGIN, SALMON_LEGACY: 'on' }, accounts: ['bob'] })
    const peer = await startPeer(friendica, url => url.replace(ORIGIN, `http://${node.host}`))
    try {
      const { uri } = await findAccount(node.tools, 'bob')
      const endpoint = `${uri}/salmon`
      assert.equal(await peer.slap(endpoint, `${peer.me.origin}/1`, mentionXml(uri)), 202)
      assert.ok(await node.tools.history.findByUri(`${peer.me.origin}/1`))
      const follows = `${verbXml('follow')}<activity:object><id>${uri}</id></activity:object>`
      assert.equal(await peer.slap(endpoint, `${peer.me.origin}/2`, follows), 403)
    } finally {
      await node.close()
      await peer.close()
    }
  })
})
