import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import type { Connection } from '../../src/model/blog.ts'
import { startNode, type TestNode } from '../support/node.ts'

const now = new Date('2026-11-22T12:00:00Z')
const later = (ms: number) => new Date(now.getTime() + ms)

describe('the store of connections to Mastodon', () => {
  let node: TestNode
  let connection: Connection
  before(async () => {
    node = await startNode({ accounts: ['ann'], work: false })
    const accountId = (await findAccount(node.tools, 'ann')).id
    connection = { accountId, host: 'https://toot.example', token: 'a token', clientSecret: 'a secret', state: 'ok', connectedAt: now }
  })
  after(() => node?.close())

  it('X49 keeps one for each account, whose secrets are sealed', async () => {
    const { connections } = node.tools
    await connections.keep({ ...connection, scope: 'write' })
    await connections.keep(connection)
    assert.deepEqual(await connections.find(connection.accountId), connection)
    const rows = await node.database.database.knex('connections')
    assert.equal(rows.length, 1)
    assert.doesNotMatch(JSON.stringify(rows), /a token|a secret/)
  })

  it('changes what is told, seals a new token, and clears what is null', async () => {
    const { connections } = node.tools
    await connections.keep({ ...connection, error: 'no' })
    await connections.change(connection.accountId, { token: 'another', state: 'revoked', error: null })
    const { error, state, token } = (await connections.find(connection.accountId))!
    assert.deepEqual([error, state, token], [undefined, 'revoked', 'another'])
    assert.equal(await connections.remove(connection.accountId), true)
    assert.equal(await connections.find(connection.accountId), undefined)
    assert.equal(await connections.remove(connection.accountId), false)
  })

  it('X49 remembers what a browser is to come back with, once and for a time, and nothing of it in clear', async () => {
    const { connections } = node.tools
    const pending = { accountId: connection.accountId, host: connection.host }
    await connections.begin('state 1', pending, { verifier: 'a verifier' }, later(1000))
    assert.doesNotMatch(JSON.stringify(await node.database.database.knex('authorisations')), /state 1|a verifier/)
    assert.deepEqual(await connections.finish('state 1', now), { ...pending, facts: { verifier: 'a verifier' } })
    assert.equal(await connections.finish('state 1', now), undefined)
    await connections.begin('state 2', pending, {}, later(1000))
    assert.equal(await connections.finish('state 2', later(1000)), undefined)
    await connections.forget(later(1000))
    assert.equal((await node.database.database.knex('authorisations')).length, 0)
  })
})
