import assert from 'node:assert/strict'
import { until } from '../support/node.ts'
import { startTalk, type Talk } from '../support/talk.ts'

describe('the store of verdicts', () => {
  let talk: Talk
  before(async () => {
    talk = await startTalk()
  })
  after(() => talk?.close())

  it('keeps the last verdict of each subject', async () => {
    const { clock, verdicts } = talk.tools
    await verdicts.keep('acct:bob@a.example', 'approved', clock())
    await verdicts.keep('acct:bob@a.example', 'blocked', clock())
    await verdicts.keep('https://a.example/1', 'hidden', clock())
    const found = await verdicts.find(['acct:bob@a.example', 'https://a.example/1', 'https://a.example/1', 'none'])
    assert.deepEqual([...found].sort(), [
      ['acct:bob@a.example', 'blocked'],
      ['https://a.example/1', 'hidden']
    ])
    assert.deepEqual(await verdicts.find([]), new Map())
  })

  it('W31 gives an approval back when what came after it is taken back', async () => {
    const { clock, verdicts } = talk.tools
    const now = async (subject: string) => (await verdicts.find([subject])).get(subject)
    for (const later of ['hidden', 'blocked'] as const) {
      await verdicts.keep('x:1', 'approved', clock())
      for (let twice = 0; twice < 2; twice++) await verdicts.keep('x:1', later, clock())
      assert.equal(await verdicts.removeMany(['x:1'], later), 1)
      assert.equal(await now('x:1'), 'approved')
      await verdicts.keep('x:2', later, clock())
      assert.equal(await verdicts.removeMany(['x:2'], later), 1)
      assert.equal(await now('x:2'), undefined)
    }
    assert.equal(await verdicts.removeMany(['x:1'], 'approved'), 1)
    assert.equal(await now('x:1'), undefined)
  })

  it('knows the blocked hosts, and hears of each new one', async () => {
    const { clock, transaction, verdicts } = talk.tools
    assert.deepEqual(await verdicts.blockedHosts(), new Set())
    await transaction(stores => stores.verdicts.keep('host:evil.example', 'blocked', clock()))
    assert.deepEqual(await verdicts.blockedHosts(), new Set(['evil.example']))
    await talk.node.database.database.knex('verdicts').insert({ subject: 'host:other.example', verdict: 'blocked', at: clock() })
    assert.equal((await verdicts.blockedHosts()).size, 1)
    await talk.tools.changes.tell('moderated')
    await until('the news', async () => (await verdicts.blockedHosts()).size === 2)
    assert.equal(await verdicts.removeMany(['host:evil.example', 'host:other.example'], 'blocked'), 2)
    assert.deepEqual(await verdicts.blockedHosts(), new Set())
  })

  it('lists one kind, newest first, and takes back one kind alone', async () => {
    const { clock, verdicts } = talk.tools
    for (const name of ['a', 'b', 'c']) {
      talk.pass(1000)
      await verdicts.keep(`host:${name}`, 'blocked', clock())
    }
    assert.deepEqual(
      (await verdicts.list('blocked', 2)).map(({ subject }) => subject),
      ['host:c', 'host:b']
    )
    assert.equal(await verdicts.removeMany(['host:a', 'host:b'], 'hidden'), 0)
    assert.equal(await verdicts.removeMany(['host:a', 'host:b', 'host:x'], 'blocked'), 2)
  })
})
