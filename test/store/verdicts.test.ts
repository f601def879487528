import assert from 'node:assert/strict'
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
    assert.equal(await verdicts.remove('host:c'), true)
    assert.equal(await verdicts.remove('host:c'), false)
  })
})
