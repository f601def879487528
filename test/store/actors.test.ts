/** Everyone seen: one row a URI, found by every confirmed name. */
import assert from 'node:assert/strict'
import type { ActorFacts, Tools } from '../../src/tools.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, meet } from '../support/residents.ts'

const NOW = new Date('2026-03-01T00:00:00Z')

describe('actors', () => {
  let node: TestNode
  let tools: Tools
  before(async () => {
    node = await startNode({ accounts: ['bob'], work: false, overrides: { clock: () => NOW } })
    tools = node.tools
  })
  after(() => node.close())

  /** Kept at the same time, each in a transaction of its own. */
  const together = (count: number, facts: (index: number) => ActorFacts) =>
    Promise.all(Array.from({ length: count }, (_, index) => tools.transaction(stores => stores.actors.keep(facts(index), NOW))))

  it('X8 D9 fails nobody who comes at the same time, under one URI and handle or under two URIs of one handle', async () => {
    for (let round = 0; round < 40; round++) {
      const acct = `ann@r${round}.example`
      const kept = await together(8, index => ({ uri: `https://r${round}.example/${index % 2}`, acct }))
      assert.equal(new Set(kept.map(actor => actor.id)).size, 2)
      const named = (await tools.actors.findByName(`acct:${acct}`))!
      assert.deepEqual([named.acct, kept.some(actor => actor.id === named.id)], [acct, true])
    }
  })

  it('makes one of a URI, also when several come at once, and keeps what is not told again', async () => {
    const uri = 'https://a.example/ann'
    const made = await together(5, () => ({ uri, acct: 'ann@a.example', feedUrl: `${uri}.atom`, keys: ['RSA.n.e'] }))
    assert.equal(new Set(made.map(actor => actor.id)).size, 1)
    const profile = { ids: [uri], kind: 'person' as const, displayName: 'Ann', avatar: { url: 'https://a.example/a.png' } }
    await tools.actors.keep({ uri, profile }, NOW)
    const { acct, avatar, displayName, feedUrl, keys } = (await tools.actors.findByUri(uri))!
    assert.deepEqual([acct, avatar, displayName, feedUrl, keys], ['ann@a.example', profile.avatar, 'Ann', `${uri}.atom`, ['RSA.n.e']])
  })

  it('D9 leaves a name with whom it named first, but moves a handle to whom its host gives it now', async () => {
    const first = await meet(tools, 'first', { acct: 'x@h.example', names: ['https://h.example/shared'] })
    const second = await meet(tools, 'second', { acct: 'x@h.example', names: ['https://h.example/shared'] })
    assert.equal((await tools.actors.findByName('https://h.example/shared'))?.id, first.id)
    assert.equal((await tools.actors.findByName('acct:x@h.example'))?.id, second.id)
    assert.equal((await tools.actors.find(first.id))?.acct, undefined)
    assert.deepEqual((await tools.actors.namesOf(second.id)).sort(), ['acct:x@h.example', second.uri])
  })

  it('S3-31 seals the private key of an account, and never lists it', async () => {
    const bob = await accountOf(tools, 'bob')
    assert.match((await tools.actors.privateKey('bob'))!, /^-----BEGIN PRIVATE KEY-----/)
    const row = await node.database.database.knex('actors').where({ id: bob.id }).first()
    assert.doesNotMatch(row.private_key, /BEGIN/)
    assert.ok(!('privateKey' in bob))
  })

  it('gives no name to an account that was taken once', async () => {
    const bob = await accountOf(tools, 'bob')
    const again = { uri: bob.uri, acct: bob.acct, localName: 'bob', feedUrl: 'x', salmonUrl: 'x', magicKey: 'x', privateKey: 'x' }
    assert.equal(await tools.actors.removeAccount('bob', NOW), true)
    assert.equal(await tools.actors.removeAccount('bob', NOW), false)
    assert.equal(await tools.actors.findAccount('bob'), undefined)
    assert.equal(await tools.actors.addAccount(again, NOW), undefined)
    assert.deepEqual(await tools.actors.accounts(), [])
  })
})
