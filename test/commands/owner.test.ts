import assert from 'node:assert/strict'
import { type Assembled, assemble } from '../../src/assemble.ts'
import { prepareNode } from '../../src/commands/first-start.ts'
import { readConfig } from '../../src/config.ts'
import type { Subscription } from '../../src/model/kept.ts'
import { type Typed, type } from '../support/commands.ts'
import { type FreshDatabase, freshDatabase, silence, temporaryFolder } from '../support/database.ts'
import { makeInternet } from '../support/internet.ts'

const ORIGIN = 'http://127.0.0.1:3000'
const internet = makeInternet({ 'https://a.example/cb': {}, 'https://a.example/other': {} })

describe('the commands of one node', () => {
  let database: FreshDatabase
  let node: Assembled

  before(async () => {
    database = await freshDatabase()
    const config = readConfig(
      { DATA_DIR: temporaryFolder(), SECRET_KEY: 'a key for tests only', BLOG_URL: 'https://blog.example/' },
      { cwd: temporaryFolder() }
    )
    node = await assemble(config, silence, 'command', { database: database.database, http: internet.http })
  })
  after(async () => {
    await node.close()
    await database.drop()
  })

  const typed = (line: string | string[]): Promise<Typed> => type(node.tools, line)

  it('make, show and close accounts, each with a key of 2048 bits that is made once', async () => {
    assert.match((await typed('account list')).printed[0]!, /no account yet/)
    const made = await typed(['account', 'add', 'ann', '--title', 'Ann', '--blog', 'https://ann.example/', '--json'])
    const [{ found, ...ann } = {}] = made.json
    assert.match((found as { error: string }).error, /ann\.example could not be reached/)
    assert.equal(Buffer.from(String(ann?.key).split('.')[1]!, 'base64url').length, 256)
    assert.deepEqual(
      { ...ann, key: '' },
      {
        ...{ name: 'ann', acct: 'ann@127.0.0.1:3000', uri: `${ORIGIN}/users/ann`, title: 'Ann', bio: null, blog: 'https://ann.example/' },
        ...{ feed: `${ORIGIN}/users/ann.atom`, key: '' }
      }
    )
    assert.deepEqual((await typed('account list --json')).json, [ann])
    const edited = await typed(['account', 'edit', 'ann', '--title', 'Ann!', '--bio', 'Writes.', '--json'])
    assert.deepEqual(edited.json, [{ ...ann, title: 'Ann!', bio: 'Writes.', changed: true }])
    assert.deepEqual((await typed(['account', 'edit', 'ann', '--title', 'Ann!'])).printed, ['The profile of ann was like that before.'])
    assert.deepEqual((await typed(['account', 'edit', 'ann', '--title', 'Ann', '--bio', ''])).printed, [
      'The profile of ann is changed; its followers are told.'
    ])
    assert.deepEqual((await typed('account list --json')).json, [ann])
    assert.equal((await typed('account edit ann')).code, 2)
    const again = await typed('account add ann')
    assert.deepEqual([again.code, again.printed, again.complaints], [1, [], ['The name ann is or was in use here.']])
    assert.equal((await typed('account add A.B')).code, 1)
    await typed('account add bob')
    assert.deepEqual((await typed('account list')).printed, [
      `ann  ann@127.0.0.1:3000  ${ORIGIN}/users/ann`,
      `bob  bob@127.0.0.1:3000  ${ORIGIN}/users/bob`
    ])
    assert.deepEqual((await typed('account remove bob --json')).json, [{ removed: 'bob' }])
    assert.deepEqual((await typed('account remove bob --json')).json, [{ error: 'There is no account bob here.', code: 'not_found' }])
    assert.equal((await typed('account list')).printed.length, 1)
  })

  it('publish, edit and delete, and show what is kept', async () => {
    const note = await typed(['publish', '--text', 'Hello & <goodbye>', '--json'])
    const [post] = note.json
    assert.deepEqual(Object.keys(post!), ['id', 'url', 'author', 'verb', 'published', 'updated', 'title', 'html', 'in_reply_to', 'deleted'])
    assert.deepEqual([post!.author, post!.verb, post!.deleted, post!.in_reply_to], [`${ORIGIN}/users/ann`, 'post', false, null])
    assert.match(String(post!.html), /Hello &amp; &lt;goodbye&gt;/)
    const id = String(post!.id)
    const answer = await typed(['publish', '--text', 'And more', '--title', 'More', '--reply-to', id, '--as', 'ann'])
    assert.match(answer.printed.join('\n'), /ann@127\.0\.0\.1:3000 {2}http.*\n {4}More And more/)
    const changed = await typed(['edit', id, '--text', 'Hello again', '--json'])
    assert.equal(changed.json[0]!.id, id)
    assert.equal(changed.json[0]!.published, post!.published)
    assert.ok(String(changed.json[0]!.updated) > String(post!.updated))

    assert.deepEqual(
      (await typed('history --json')).json.map(one => one.in_reply_to),
      [id, null]
    )
    assert.equal((await typed('history ann --limit 1 --json')).json.length, 1)
    assert.match((await typed('history')).printed.join('\n'), /Hello again/)
    assert.equal((await typed('history nobody@a.example')).code, 1)
    assert.equal((await typed('history --limit 0')).code, 2)
    const thread = (await typed(['thread', id])).printed
    assert.match(thread[0]!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}ann@127/)
    assert.match(thread[2]!, /^ {2}\d{4}/)

    assert.deepEqual((await typed(['delete', id, '--json'])).json, [{ deleted: id }])
    const dead = (await typed('history --json')).json.find(one => one.id === id)!
    assert.deepEqual([dead.deleted, dead.html], [true, ''])
    assert.equal((await typed(['delete', id])).code, 1)
    assert.equal((await typed('thread https://a.example/unknown')).code, 1)
    assert.match((await typed(['publish', '--text', 'x', '--reply-to', 'https://a.example/unknown'])).complaints[0]!, /not known here/)
    assert.match((await typed(['publish', '--text', ' '])).complaints[0]!, /nothing in this post/)
  })

  it('show whom we follow, who follows, and stop it', async () => {
    const { actors, follows, clock } = node.tools
    const ann = (await actors.findAccount('ann'))!
    const facts = { uri: 'https://a.example/eve', acct: 'eve@a.example', feedUrl: 'https://a.example/eve.atom' }
    const eve = await actors.keep(facts, clock())
    await follows.add({ followerId: ann.id, followedId: eve.id, via: 'feed' }, clock())
    await follows.add({ followerId: eve.id, followedId: ann.id, via: 'salmon' }, clock())
    assert.deepEqual(
      (await typed('following --json')).json.map(({ acct, via }) => [acct, via]),
      [['eve@a.example', 'feed']]
    )
    const followers = await typed('followers ann')
    assert.match(followers.printed[0]!, /^eve@a\.example .*salmon/)
    assert.deepEqual(followers.progress, ['0 subscribers at our hub'])
    assert.match((await typed('unfollow @Eve@A.example')).printed[0]!, /ann does not follow eve@a\.example any more/)
    assert.equal((await typed('unfollow eve@a.example')).code, 1)
    assert.deepEqual((await typed('following')).printed, ['ann follows nobody.'])
  })

  it('show subscriptions without what opens doors', async () => {
    const { subscriptions, clock } = node.tools
    const kept = await subscriptions.add({ url: 'https://a.example/f', topic: 'https://a.example/f' }, clock())
    await subscriptions.change(kept.id, {
      hub: 'https://a.example/hub',
      state: 'active',
      error: `at ${ORIGIN}/push/${kept.token}`
    } satisfies Partial<Subscription>)
    const [json, text] = [await typed('subscriptions --json'), await typed('subscriptions')]
    assert.deepEqual([json.json[0]!.state, json.json[0]!.hub, json.json[0]!.lease_until], ['active', 'https://a.example/hub', null])
    assert.match(text.printed[0]!, /^active {2}https:\/\/a\.example\/f {2}hub https:\/\/a\.example\/hub, pushed -, polled -, error: at/)
    for (const secret of [kept.token, kept.secret]) assert.ok(![...json.printed, ...text.printed].join('').includes(secret))
  })

  it('H6 show who subscribes, and end it: the callback is told', async () => {
    const { subscribers, clock } = node.tools
    const request = { mode: 'subscribe' as const, method: 'sha256' as const, leaseSeconds: 86_400 }
    const topic = `${ORIGIN}/users/ann.atom`
    await subscribers.enter([{ ...request, topic, topicAsked: topic, callback: 'https://a.example/cb' }], clock())
    assert.match((await typed('hub list')).printed[0]!, /ann\.atom {2}https:\/\/a\.example\/cb {2}lease until .*Z, delivered -$/)
    assert.deepEqual(
      (await typed('hub list --json')).json.map(one => one.callback),
      ['https://a.example/cb']
    )
    assert.deepEqual((await typed('hub drop https://a.example/cb --json')).json, [{ callback: 'https://a.example/cb', dropped: [topic] }])
    const [told] = internet.requests().filter(line => line.includes('hub.mode=denied'))
    assert.ok(told?.includes(`hub.topic=${encodeURIComponent(topic)}`), told)
    assert.deepEqual((await typed('hub list')).printed, ['Nobody subscribes.'])
    assert.equal((await typed('hub drop https://a.example/cb --topic https://a.example/x')).code, 1)
  })

  it('S3-16 show deliveries, those that failed, those to a host, and try one again', async () => {
    const { deliveries, subscribers, clock } = node.tools
    const topic = `${ORIGIN}/users/ann.atom`
    const asked = { mode: 'subscribe' as const, method: 'sha256' as const, leaseSeconds: 86_400, topic, topicAsked: topic }
    await subscribers.enter([{ ...asked, callback: 'https://a.example/push/some-token' }], clock())
    const document = await deliveries.addDocument({ key: 'k', topic, contentType: 'application/atom+xml', body: Buffer.from('x') }, clock())
    const [recipient] = await deliveries.addForTopic(document!, topic, clock())
    const [waiting] = await deliveries.first([recipient!], clock())
    assert.equal((await typed('deliveries --failed --json')).json.length, 0)
    await deliveries.settle([{ delivery: waiting!, state: 'failed', status: 500, error: 'answered 500' }], clock())
    const { id, state, status, attempts, to } = (await typed('deliveries --failed --to a.example --json')).json[0]!
    assert.deepEqual([state, status, attempts, to], ['failed', 500, 1, 'https://a.example/push/…'])
    assert.deepEqual((await typed('deliveries --to b.example')).printed, ['There are no such deliveries.'])
    assert.match((await typed('deliveries')).printed[0]!, /failed .* 1 tries, answered 500$/)
    assert.deepEqual((await typed(`deliveries retry ${id} --json`)).json, [{ retried: id }])
    assert.equal((await typed('deliveries --json')).json[0]!.state, 'waiting')
    for (const unknown of ['999', 'x', '9'.repeat(30)]) assert.equal((await typed(`deliveries retry ${unknown}`)).code, 1)
  })

  it('give a link that signs in once', async () => {
    const [url = ''] = (await typed('signin')).printed
    assert.ok(url.startsWith(`${ORIGIN}/setup?token=`))
    const token = new URL(url).searchParams.get('token')!
    assert.equal(await node.tools.sessions.isLink(token, node.tools.clock()), true)
    assert.match(String((await typed('signin --json')).json[0]!.url), /\?token=/)
  })

  it('ask for a name when several accounts could act', async () => {
    await typed('account add carl')
    assert.match((await typed('publish --text x')).complaints[0]!, /name one with --as NAME/)
    assert.match((await typed('publish --text x --as nobody')).complaints[0]!, /no account nobody/)
    assert.equal((await typed('publish --text x --as carl')).code, 0)
  })

  it('refuse to work under settings that are not the node’s', async () => {
    const other = { ...node.tools, config: { ...node.tools.config, publicUrl: 'http://127.0.0.1:3999' } }
    const { code, complaints } = await type(other, 'account add dora')
    assert.equal(code, 1)
    assert.match(complaints[0]!, /The node is http:\/\/127\.0\.0\.1:3000, but the settings of this command say http:\/\/127\.0\.0\.1:3999/)
  })
})

describe('the first start', () => {
  it('makes the account of the settings when there is none, once', async () => {
    const database = await freshDatabase()
    const settings = { DATA_DIR: temporaryFolder(), SECRET_KEY: 'a key for tests only', ACCOUNT: 'me', BLOG_URL: 'https://blog.example/' }
    const node = await assemble(readConfig(settings, { cwd: temporaryFolder() }), silence, 'command', { database: database.database })
    try {
      await Promise.all([prepareNode(node.tools), prepareNode(node.tools)])
      const accounts = await node.tools.actors.accounts()
      assert.deepEqual(
        accounts.map(({ localName, homepage }) => [localName, homepage]),
        [['me', 'https://blog.example/']]
      )
      await node.tools.actors.removeAccount('me', new Date())
      await prepareNode(node.tools)
      assert.equal((await node.tools.actors.accounts()).length, 0)
    } finally {
      await node.close()
      await database.drop()
    }
  })
})
