/** What the owner sees of people who were asked by ActivityPub (S3-11). */
import assert from 'node:assert/strict'
import { askToFollow } from '../../src/federation/requests.ts'
import { signIn } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, meet } from '../support/residents.ts'

describe('the page of somebody who was asked', () => {
  let node: TestNode
  before(async () => {
    node = await startNode({ accounts: ['alice'], work: false })
  })
  after(() => node?.close())

  it('S3-11 says that there is no answer yet, takes the question back, and says by what posts come', async () => {
    const { tools } = node
    const [owner, alice] = [await signIn(node), await accountOf(tools, 'alice')]
    const bob = await meet(tools, 'bob', { activityPub: { inboxUrl: 'https://a.example/inbox', signingKeys: [], alsoKnownAs: [] } })
    const path = `/people/${bob.id}`
    await tools.transaction(stores => askToFollow(stores, alice, bob, new Date()))
    assert.match((await owner.get(path)).text, /Asked as alice, not answered yet\..*Withdraw/s)
    await owner.post('/unfollow', { csrf: owner.csrf, actor: bob.id, as: 'alice' }, { origin: node.url })
    assert.match((await owner.get(path)).text, /Follow as alice/)
    await tools.follows.add({ followerId: alice.id, followedId: bob.id, via: 'inbox' }, new Date())
    assert.match((await owner.get(path)).text, /New posts come by ActivityPub\..*Unfollow as alice/s)
  })
})
