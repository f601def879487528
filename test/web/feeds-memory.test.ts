/** What the web half keeps in memory, and when it must not. */
import assert from 'node:assert/strict'
import type { Account } from '../../src/model/kept.ts'
import type { Tools } from '../../src/tools.ts'
import { makeRendered, makeResidents } from '../../src/web/residents.ts'

/** Somebody who tells of changes, and a database that answers when the test says so. */
function memory() {
  const hearers: ((told: string) => void)[] = []
  const onChange = (hear: (told: string) => void) => void hearers.push(hear)
  const reads: ((names: string[]) => void)[] = []
  const accounts = () =>
    new Promise<Account[]>(answer => void reads.push(names => answer(names.map(localName => ({ localName }) as Account))))
  const tell = (told: string) => {
    for (const hear of hearers) hear(told)
  }
  return { onChange, tell, reads, actors: { accounts } as Pick<Tools['actors'], 'accounts'> as Tools['actors'] }
}

describe('accounts in memory', () => {
  it('are read once for all who ask meanwhile', async () => {
    const { actors, onChange, reads } = memory()
    const residents = makeResidents({ actors, onChange })
    const found = [residents.find('ann'), residents.find('bob')]
    assert.equal(reads.length, 1)
    reads[0]!(['ann'])
    assert.deepEqual(
      (await Promise.all(found)).map(one => one?.localName),
      ['ann', undefined]
    )
    assert.equal(residents.atHand('ann')?.localName, 'ann')
    assert.equal((await residents.find('ann'))?.localName, 'ann')
    assert.equal(reads.length, 1)
  })

  it('are read again when a change was told while they were read', async () => {
    const { actors, onChange, reads, tell } = memory()
    const residents = makeResidents({ actors, onChange })
    const found = residents.find('ann')
    tell('accounts')
    const later = residents.find('ann')
    reads[0]!([])
    reads[1]!(['ann'])
    assert.deepEqual([(await found)?.localName, (await later)?.localName], ['ann', 'ann'])
    assert.equal(reads.length, 2)
  })

  it('are forgotten when one of them changes, and not by anything else', async () => {
    const { actors, onChange, reads, tell } = memory()
    const residents = makeResidents({ actors, onChange })
    const load = async () => {
      const found = residents.find('ann')
      reads.at(-1)!(['ann'])
      await found
    }
    await load()
    tell('job:deliver')
    assert.ok(residents.atHand('ann'))
    for (const told of ['account:bob', 'accounts', '*']) {
      tell(told)
      assert.equal(residents.atHand('ann'), undefined)
      await load()
    }
  })
})

describe('documents in memory', () => {
  it('are made once for all who ask meanwhile, and again after a failure', async () => {
    const rendered = makeRendered<number>(memory(), 10)
    let made = 0
    const make = async () => ++made
    assert.deepEqual(await Promise.all([rendered.get('ann', 'atom', make), rendered.get('ann', 'atom', make)]), [1, 1])
    assert.deepEqual([rendered.atHand('ann', 'atom'), rendered.atHand('ann', 'rss')], [1, undefined])
    await assert.rejects(rendered.get('ann', 'rss', () => Promise.reject(new Error('no'))))
    assert.equal(await rendered.get('ann', 'rss', make), 2)
  })

  it('are neither kept nor shared when a change was told while they were made', async () => {
    const { onChange, tell } = memory()
    const rendered = makeRendered<string>({ onChange }, 10)
    let finish = (_: string) => {}
    const old = rendered.get(
      'ann',
      'atom',
      () =>
        new Promise(done => {
          finish = done
        })
    )
    tell('account:ann')
    const fresh = rendered.get('ann', 'atom', async () => 'new')
    finish('old')
    assert.deepEqual([await old, await fresh, rendered.atHand('ann', 'atom')], ['old', 'new', 'new'])
  })

  it('are forgotten of the account that changed, and of all when changes may have been missed', async () => {
    const { onChange, tell } = memory()
    const rendered = makeRendered<string>({ onChange }, 10)
    for (const name of ['ann', 'bob']) await rendered.get(name, 'atom', async () => name)
    tell('account:ann')
    assert.deepEqual([rendered.atHand('ann', 'atom'), rendered.atHand('bob', 'atom')], [undefined, 'bob'])
    tell('*')
    assert.equal(rendered.atHand('bob', 'atom'), undefined)
  })

  it('are so many and no more', async () => {
    const rendered = makeRendered<number>(memory(), 10)
    for (let at = 0; at < 100; at++) await rendered.get(`a${at}`, 'atom', async () => at)
    const kept = Array.from({ length: 100 }, (_, at) => rendered.atHand(`a${at}`, 'atom')).filter(one => one !== undefined)
    assert.ok(kept.length <= 10 && kept.includes(99))
  })
})
