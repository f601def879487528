import assert from 'node:assert/strict'
import type { KeptPost } from '../../src/model/kept.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

describe('the buttons below a post', () => {
  let node: TestNode
  let owner: Visitor & { csrf: string }
  let post: KeptPost
  before(async () => {
    node = await startNode({ accounts: ['alice', 'zoe'], work: false })
    owner = await signIn(node)
    post = await keepPost(node.tools, await meet(node.tools, 'bob'))
  })
  after(() => node?.close())

  const press = (form: Record<string, string>, who: Visitor = owner) => who.post('/acts', { csrf: owner.csrf, post: post.id, ...form })
  const page = async () => (await owner.get(`/posts/${post.id}`)).text

  it('favour, share and take back, as one of the accounts, and lead back to the post', async () => {
    assert.match(await page(), /value="favourite" data-key="f">Favourite<[\s\S]*value="share" data-key="s">Share</)
    for (const verb of ['favourite', 'share']) {
      const { location, status } = await press({ verb, as: 'zoe' })
      assert.deepEqual([status, location], [303, `/posts/${post.id}`])
    }
    assert.match(await page(), /Take back the favourite of zoe[\s\S]*Take back the share of zoe/)
    for (const undo of ['favourite', 'share']) assert.equal((await press({ undo, as: 'zoe' })).status, 303)
    assert.ok(!(await page()).includes('Take back'))
    assert.equal((await press({ undo: 'share', as: 'zoe' })).status, 404)
  })

  it('lead back to the list where they were pressed, at the post, and nowhere else (X45)', async () => {
    for (const [back, location] of [
      ['/?before=1_x', `/?before=1_x#p${post.id}`],
      ['/search?q=a%20b', `/search?q=a%20b#p${post.id}`],
      ['//evil.example/', `/posts/${post.id}`],
      ['/\\evil.example/', `/posts/${post.id}`],
      ['https://evil.example/', `/posts/${post.id}`],
      ['/a\nb', `/posts/${post.id}`],
      ['javascript:alert(1)', `/posts/${post.id}`]
    ] as const)
      assert.equal((await press({ verb: 'favourite', as: 'zoe', back })).location, location, back)
    await press({ undo: 'favourite', as: 'zoe' })
  })

  it('do to what is shared what is done to a share, and do not share what is not for everybody', async () => {
    const alice = await accountOf(node.tools, 'alice')
    await press({ verb: 'share', as: 'alice' })
    const [share] = await node.tools.timelines.feed(alice.id, undefined, 1)
    const text = (await owner.get(`/users/alice/posts/${share!.id}`)).text
    assert.match(text, new RegExp(`name="post" value="${post.id}"`))
    assert.match(text, new RegExp(`name="replyTo" value="${post.uri}"`))
    const secret = await keepPost(node.tools, await meet(node.tools, 'bob'), { visibility: 'followers' })
    const shown = (await owner.get(`/posts/${secret.id}`)).text
    assert.ok(shown.includes('value="favourite"') && !shown.includes('value="share"'))
    assert.equal((await press({ post: secret.id, verb: 'share' })).status, 403)
  })

  it('X44 do nothing for strangers, for other pages, and for forms that say nothing', async () => {
    assert.equal((await press({ verb: 'favourite' }, visitor(node))).status, 403)
    assert.equal(
      (await owner.post('/acts', { csrf: owner.csrf, post: post.id, verb: 'favourite' }, { origin: 'https://evil.example' })).status,
      403
    )
    assert.equal((await press({ csrf: 'x', verb: 'favourite' })).status, 403)
    assert.equal((await press({ verb: 'delete' })).status, 400)
    for (const unknown of ['', 'x', '0'.repeat(17)]) assert.equal((await press({ post: unknown, verb: 'favourite' })).status, 404)
    assert.ok(!(await visitor(node).get('/')).text.includes('action="/acts"'))
  })

  it('X3 have addresses of their own: an Atom entry, for people the post, and 410 when they are taken back', async () => {
    const { knex } = node.database.database
    const alice = await accountOf(node.tools, 'alice')
    const addressOf = async (of: KeptPost): Promise<string> => {
      await press({ post: of.id, verb: 'favourite', as: 'alice' })
      return (await knex('acts').where({ actor_id: alice.id, post_id: of.id }).first()).uri
    }
    const get = (uri: string, accept: string) => fetch(node.url + new URL(uri).pathname, { headers: { accept }, redirect: 'manual' })
    const uri = await addressOf(post)
    const answer = await get(uri, '*/*')
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'application/atom+xml; charset=utf-8'])
    const feed = readFeed(Buffer.from(await answer.text()), { url: uri, contentType: 'application/atom+xml', bytes: 100_000 })
    const [act] = feed.activities
    assert.deepEqual([act!.id, act!.verb, act!.object.type === 'post' && act!.object.post.id], [uri, 'favourite', post.uri])
    const seen = await get(uri, 'text/html,*/*;q=0.8')
    assert.deepEqual([seen.status, seen.headers.get('location')], [302, post.url])
    await press({ undo: 'favourite', as: 'alice' })
    assert.equal((await get(uri, '*/*')).status, 410)
    const secret = await keepPost(node.tools, await meet(node.tools, 'bob'), { visibility: 'followers' })
    assert.equal((await get(await addressOf(secret), '*/*')).status, 404)
    assert.equal((await get(node.tools.addresses.act('zoe', new URL(uri).pathname.split('/').at(-1)!), '*/*')).status, 404)
  })
})
