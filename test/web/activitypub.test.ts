/** Actors and posts at the addresses of their pages. */
import assert from 'node:assert/strict'
import { removeAccount } from '../../src/federation/accounts.ts'
import { edit, publish, remove } from '../../src/federation/publish.ts'
import type { Account } from '../../src/model/kept.ts'
import { readNote } from '../../src/protocol/activitystreams.ts'
import { readActor } from '../../src/protocol/actor-document.ts'
import { readJsonObject } from '../../src/protocol/json-ld.ts'
import { type Answer, signIn, visitor } from '../support/browser.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const AS2 = 'application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams", text/html;q=0.1'
const TYPE = 'application/activity+json; charset=utf-8'

describe('ActivityPub at the addresses of pages', () => {
  let node: TestNode
  let alice: Account
  before(async () => {
    node = await startNode({ accounts: ['alice', 'gone'], work: false })
    alice = await accountOf(node.tools, 'alice')
  })
  after(() => node?.close())

  const get = (path: string, headers: Record<string, string> = {}) =>
    visitor(node).get(path.replace(node.url, ''), { accept: AS2, ...headers })
  const typeOf = ({ headers }: Answer) => headers.get('content-type')
  const documentOf = ({ text }: Answer) => JSON.parse(text)

  it('X47 an account and a post are a document or a page as the Accept header has it, and no cache may mix them up', async () => {
    const post = await keepPost(node.tools, alice)
    for (const path of ['/users/alice', post.uri]) {
      const tags = new Set<string | null>()
      for (const [accept, type] of [
        [AS2, TYPE],
        ['text/html', 'text/html; charset=utf-8'],
        ['*/*', 'text/html; charset=utf-8'],
        ['application/json', 'text/html; charset=utf-8']
      ]) {
        const answer = await get(path, { accept: accept! })
        assert.deepEqual([answer.status, typeOf(answer), answer.headers.get('cache-control')], [200, type, 'no-cache'], accept)
        assert.match(answer.headers.get('vary') ?? '', /^Accept\b/)
        tags.add(answer.headers.get('etag'))
      }
      assert.equal(tags.size, 2)
    }
  })

  it('X47 each form answers 304 to its own ETag alone, and HEAD', async () => {
    const { uri } = await keepPost(node.tools, alice)
    for (const path of ['/users/alice', uri, '/actor', '/users/alice/outbox', '/users/alice/followers', `${uri}/replies`]) {
      const first = await get(path)
      const etag = first.headers.get('etag') ?? ''
      assert.match(etag, /^W\/"/, path)
      const again = await get(path, { 'if-none-match': etag })
      assert.deepEqual([again.status, again.text, again.headers.get('etag')], [304, '', etag])
      const head = await fetch(`${node.url}${path.replace(node.url, '')}`, { method: 'HEAD', headers: { accept: AS2 } })
      assert.deepEqual([head.status, head.headers.get('etag'), head.headers.get('content-type')], [200, etag, TYPE])
    }
    const etag = (await get('/users/alice')).headers.get('etag') ?? ''
    assert.equal((await get('/users/alice', { accept: 'text/html', 'if-none-match': etag })).status, 200)
  })

  it('S3-13 serves the actor with its key, the same to everybody', async () => {
    const stranger = await get('/users/alice')
    assert.equal(readActor(readJsonObject(Buffer.from(stranger.text)))?.id, alice.uri)
    assert.match(documentOf(stranger).publicKey.publicKeyPem, /^-----BEGIN PUBLIC KEY-----/)
    assert.equal((await (await signIn(node)).get('/users/alice', { accept: AS2 })).text, stranger.text)
  })

  it('FEP-2677 serves the node’s own actor, whatever is accepted, with an empty outbox', async () => {
    for (const accept of ['*/*', 'text/html', AS2]) assert.equal(typeOf(await get('/actor', { accept })), TYPE)
    const actor = documentOf(await get('/actor'))
    assert.deepEqual([actor.id, actor.type, actor.inbox], [`${node.url}/actor`, 'Application', `${node.url}/inbox`])
    assert.equal(documentOf(await get('/actor/outbox')).totalItems, 0)
  })

  it('W17 W18 serves a post, its edit, and a Tombstone once it is deleted', async () => {
    const post = await publish(node.tools, alice, { text: 'First', title: 'A title' })
    const told = readNote(readJsonObject(Buffer.from((await get(post.uri)).text)))
    assert.deepEqual([told?.id, told?.author?.ids, told?.visibility], [post.uri, [alice.uri], 'public'])
    await edit(node.tools, alice, post, { text: 'Second' })
    await until('the edit', async () => /Second/.test((await get(post.uri)).text))
    assert.ok(documentOf(await get(post.uri)).updated)
    await remove(node.tools, alice, post)
    const gone = await until('the Tombstone', async () => {
      const answer = await get(post.uri)
      return answer.status === 410 && answer
    })
    assert.deepEqual([typeOf(gone), documentOf(gone).type, documentOf(gone).id], [TYPE, 'Tombstone', post.uri])
    assert.equal((await get(post.uri, { 'if-none-match': gone.headers.get('etag') ?? '' })).status, 410)
    assert.match((await get(post.uri, { accept: 'text/html' })).text, /This post was deleted/)
  })

  it('serves a share as the Announce that it is, as long as there is something to share', async () => {
    const bob = await meet(node.tools, 'bob')
    const post = await keepPost(node.tools, bob)
    const share = await keepPost(node.tools, alice, { verb: 'share', sharedId: post.id })
    const told = documentOf(await get(share.uri))
    assert.deepEqual([told.type, told.id, told.object], ['Announce', share.uri, post.uri])
    const secret = await keepPost(node.tools, bob, { visibility: 'followers' })
    const { uri } = await keepPost(node.tools, alice, { verb: 'share', sharedId: secret.id })
    assert.equal((await get(uri)).status, 410)
  })

  it('W20 X47 the address of a post’s page leads browsers to the blog, and others to the document', async () => {
    const page = 'https://blog.example/bridges/?x=1'
    const post = await keepPost(node.tools, alice, { url: page })
    const { url } = documentOf(await get(post.uri))
    const ask = (method: string, accept: string) => fetch(url, { method, headers: { accept }, redirect: 'manual' })
    for (const [accept, place] of [
      [AS2, post.uri],
      ['text/html', page],
      ['*/*', page]
    ] as const)
      for (const method of ['GET', 'HEAD']) {
        const { headers, status } = await ask(method, accept)
        assert.deepEqual([status, headers.get('location'), headers.get('cache-control')], [302, place, 'no-cache'])
        assert.match(headers.get('vary') ?? '', /^Accept\b/)
      }
    const note = await publish(node.tools, alice, { text: 'of its own' })
    assert.equal((await fetch(`${note.uri}/page`, { redirect: 'manual' })).headers.get('location'), note.uri)
  })

  it('X43 nobody is led to what is for few, gone, or somebody else’s', async () => {
    const bob = await meet(node.tools, 'bob')
    const url = 'https://blog.example/secret/'
    const [followers, direct, dead, foreign] = await Promise.all([
      keepPost(node.tools, alice, { url, visibility: 'followers' }),
      keepPost(node.tools, alice, { url, visibility: 'direct' }),
      keepPost(node.tools, alice, { url }),
      keepPost(node.tools, bob, { url })
    ])
    await remove(node.tools, alice, dead)
    const status = async (id: string, name = 'alice') =>
      (await fetch(`${node.url}/users/${name}/posts/${id}/page`, { redirect: 'manual' })).status
    assert.deepEqual(await Promise.all([followers, direct, dead, foreign].map(({ id }) => status(id))), [404, 404, 410, 404])
    assert.deepEqual([await status('%00'), await status('nothing'), await status(dead.id, 'nobody')], [404, 404, 404])
  })

  it('says what is not there, and what is no more, without telling what is for few', async () => {
    await removeAccount(node.tools, 'gone')
    await until('the account’s end', async () => (await get('/users/gone')).status === 410)
    const bob = await meet(node.tools, 'bob')
    const secret = await keepPost(node.tools, alice, { visibility: 'direct' })
    const others = await keepPost(node.tools, bob)
    const paths = [
      '/users/nobody',
      '/users/alice/posts/0',
      `/users/alice/posts/${others.id}`,
      secret.uri,
      '/users/Alice',
      '/users/nobody/outbox'
    ]
    for (const path of paths) {
      const { headers, status, text } = await get(path)
      assert.equal(status, 404, path)
      assert.doesNotMatch(headers.get('content-type') ?? '', /activity/)
      assert.doesNotMatch(text, /direct/)
    }
    await node.tools.transaction(stores => stores.history.remove(alice.id, secret.uri, new Date()))
    assert.equal((await get(secret.uri)).status, 404)
  })

  it('leaves feeds, entries and other methods as they are', async () => {
    const post = await keepPost(node.tools, alice)
    for (const path of ['/users/alice.atom', `${post.uri}.atom`]) {
      const answer = await get(path, { accept: 'application/activity+json' })
      assert.match(typeOf(answer) ?? '', /atom/)
      assert.doesNotMatch(answer.headers.get('vary') ?? '', /Accept(?!-Encoding)/)
    }
    const posted = await fetch(`${node.url}/users/alice/outbox`, { method: 'POST', body: '{}' })
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'HEAD, GET'])
  })

  it('X43 a public view of each visibility tells what is public, and nothing else', async () => {
    const posts = new Map<string, string>()
    for (const visibility of ['public', 'unlisted', 'followers', 'direct'] as const) {
      const { id } = await keepPost(node.tools, alice, { visibility, html: `<p>seen-${visibility}</p>` })
      posts.set(visibility, id)
      const answered = await keepPost(node.tools, alice)
      await keepPost(node.tools, alice, {
        visibility,
        inReplyTo: answered.uri,
        parentId: answered.id,
        uri: `${answered.uri}-${visibility}`
      })
      const { items } = documentOf(await get(`${answered.uri}/replies?page=true`))
      assert.equal(items.length, visibility === 'public' || visibility === 'unlisted' ? 1 : 0, visibility)
    }
    await node.tools.changes.tell('account:alice')
    const seen = async (path: string) => [...new Set([...(await get(path)).text.matchAll(/seen-(\w+)/g)].map(([, word]) => word))]
    await until('the outbox to be new', async () => (await seen('/users/alice/outbox?page=true')).length > 0)
    assert.deepEqual(await seen('/users/alice/outbox?page=true'), ['public'])
    assert.deepEqual(await seen('/users/alice/featured'), ['public'])
    for (const [visibility, id] of posts)
      assert.deepEqual(await seen(`/users/alice/posts/${id}`), visibility === 'public' || visibility === 'unlisted' ? [visibility] : [])
    for (const visibility of ['followers', 'direct'])
      assert.equal((await get(`/users/alice/posts/${posts.get(visibility)}/replies`)).status, 404)
  })
})
