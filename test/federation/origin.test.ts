import assert from 'node:assert/strict'
import { type Assembled, assemble, type Role } from '../../src/assemble.ts'
import { readConfig } from '../../src/config.ts'
import { addAccount } from '../../src/federation/accounts.ts'
import { requireOrigin, settleOrigin } from '../../src/federation/origin.ts'
import { publish, remove } from '../../src/federation/publish.ts'
import { Refused } from '../../src/model/errors.ts'
import { type FreshDatabase, freshDatabase, silence, temporaryFolder } from '../support/database.ts'

const LOOPBACK = 'http://127.0.0.1:3000'
const PUBLIC = 'https://node.example'

describe('the origin of the node', () => {
  let database: FreshDatabase
  const opened: Assembled[] = []

  beforeEach(async () => {
    database = await freshDatabase()
  })
  afterEach(async () => {
    for (const node of opened.splice(0)) await node.close()
    await database.drop()
  })

  const open = async (publicUrl: string, role: Role = 'command', env: Record<string, string> = {}) => {
    const settings = { ...env, PUBLIC_URL: publicUrl, DATA_DIR: temporaryFolder(), SECRET_KEY: 'a key for tests only' }
    const node = await assemble(readConfig(settings, { cwd: temporaryFolder() }), silence, role, { database: database.database })
    opened.push(node)
    return node.tools
  }

  it('is kept at the first start, and http and https of one host are one', async () => {
    const tools = await open(PUBLIC)
    await settleOrigin(tools)
    await settleOrigin(tools)
    assert.equal(await tools.settings.find('origin'), PUBLIC)
    await settleOrigin(await open('http://node.example'))
    assert.equal(await tools.settings.find('origin'), PUBLIC)
    await requireOrigin(await open('http://node.example'))
  })

  it('is rewritten in accounts and posts while it was loopback, and hubs are asked anew', async () => {
    const before = await open(LOOPBACK)
    await settleOrigin(before)
    const ann = await addAccount(before, 'ann')
    const first = await publish(before, ann, { text: 'one' })
    const answer = await publish(before, ann, { text: 'two', replyTo: first.uri })
    const dead = await publish(before, ann, { text: 'three' })
    await remove(before, ann, dead)
    const theirs = await before.actors.keep({ uri: 'https://a.example/eve' }, new Date())
    const followed = await before.subscriptions.add(
      { url: 'https://a.example/f', topic: 'https://a.example/f', actorId: theirs.id },
      new Date()
    )
    await before.subscriptions.change(followed.id, {
      hub: 'https://a.example/hub',
      hubs: ['https://a.example/hub'],
      state: 'active',
      askAt: null
    })

    const { actors, history, subscriptions, ...after } = await open(PUBLIC)
    await settleOrigin({ actors, history, subscriptions, ...after })
    const moved = (await actors.findAccount('ann'))!
    assert.deepEqual(
      [moved.uri, moved.acct, moved.url, moved.feedUrl, moved.salmonUrl, moved.magicKey],
      [
        ...[`${PUBLIC}/users/ann`, 'ann@node.example', `${PUBLIC}/users/ann`, `${PUBLIC}/users/ann.atom`, `${PUBLIC}/users/ann/salmon`],
        ann.magicKey
      ]
    )
    assert.equal((await actors.findByName('acct:ann@node.example'))?.id, ann.id)
    assert.equal(await actors.findByName(`${LOOPBACK}/users/ann`), undefined)
    const post = (await history.find(first.id))!
    const path = first.uri.slice(LOOPBACK.length)
    assert.deepEqual([post.uri, post.url, post.entryUrl], [`${PUBLIC}${path}`, `${PUBLIC}${path}`, `${PUBLIC}${path}.atom`])
    assert.deepEqual([(await history.find(answer.id))?.inReplyTo, (await history.find(answer.id))?.inReplyToUrl], [post.uri, post.uri])
    assert.equal(await history.isDead(ann.id, dead.uri.replace(LOOPBACK, PUBLIC)), true)
    assert.equal((await actors.findByUri('https://a.example/eve'))?.id, theirs.id)
    const asked = (await subscriptions.find(followed.id))!
    assert.equal(asked.state, 'polling')
    assert.ok(asked.askAt! <= new Date())
    assert.equal((await after.queue.take('doctor', 5)).length, 1, '6.2 the node is looked at when its public address is new')
  })

  it('stops the start when it was public and is another now', async () => {
    await settleOrigin(await open(PUBLIC))
    for (const other of ['https://other.example', LOOPBACK, 'https://node.example:8443']) {
      await assert.rejects(
        settleOrigin(await open(other)),
        (error: Error) => error instanceof Refused && /PUBLIC_URL.*move-origin/.test(error.message)
      )
    }
  })

  it('is not taken away from a node that runs', async () => {
    await settleOrigin(await open(LOOPBACK, 'web'))
    await settleOrigin(await open(LOOPBACK, 'worker'))
    const other = await open('http://127.0.0.1:3007', 'node')
    await assert.rejects(settleOrigin(other), (error: Error) => error instanceof Refused && /runs already/.test(error.message))
    assert.equal(await other.settings.find('origin'), LOOPBACK)
  })

  it('is never moved by a command, which may have been called with other settings', async () => {
    const node = await open(LOOPBACK)
    await requireOrigin(node)
    assert.equal(await node.settings.find('origin'), LOOPBACK)
    await requireOrigin(node)
    await assert.rejects(requireOrigin(await open('http://127.0.0.1:3001')), /The node is http:\/\/127\.0\.0\.1:3000/)
    assert.equal(await node.settings.find('origin'), LOOPBACK)
  })

  it('W7 a new HANDLE_HOST changes the handles at the next start, and the old ones still find the accounts', async () => {
    const before = await open(PUBLIC)
    await settleOrigin(before)
    const ann = await addAccount(before, 'ann')
    const stranger = await before.actors.keep({ uri: 'https://blog.example/ann', acct: 'ann@blog.example' }, new Date())
    const after = await open(PUBLIC, 'command', { HANDLE_HOST: 'blog.example' })
    await settleOrigin(after)
    await settleOrigin(after)
    assert.deepEqual(
      (await after.actors.accounts()).map(({ acct, uri }) => [acct, uri]),
      [['ann@blog.example', 'https://node.example/users/ann']]
    )
    for (const name of ['acct:ann@blog.example', 'acct:ann@node.example']) assert.equal((await after.actors.findByName(name))?.id, ann.id)
    assert.equal((await after.actors.find(stranger.id))?.acct, undefined)
    await settleOrigin(before)
    assert.equal((await before.actors.findAccount('ann'))?.acct, 'ann@node.example')
  })
})
