import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import type { Toot } from '../../src/model/blog.ts'
import { startNode, type TestNode } from '../support/node.ts'

const URL = 'https://blog.example/one'
const KEY = 'blog.example/one'
const now = new Date('2026-11-22T12:00:00Z')
const later = (ms: number) => new Date(now.getTime() + ms)
const MINUTE = 60_000

describe('the store of toots', () => {
  let node: TestNode
  let accountId: string
  beforeEach(async () => {
    node = await startNode({ accounts: ['ann'], work: false })
    accountId = (await findAccount(node.tools, 'ann')).id
  })
  afterEach(() => node?.close())

  const claim = (mark: string, at = now, { key = KEY, budget = 10, dryRun = false, visit = true } = {}) =>
    node.tools.transaction(({ toots }) =>
      toots.claim({ key, url: `https://${key}`, accountId, mark, budget, dryRun, visit }, at, new Date(at.getTime() + 2 * MINUTE))
    )
  const posted = (at = now) => ({ state: 'posted', tootId: '113000000000000001', tootedAt: at }) as const
  const find = async (key = KEY): Promise<Toot> => (await node.tools.toots.find(key))!

  it('S1-22 S1-23 S1-24 S1-52 S1-53 S1-54 S1-55 S1-56 T1 gives the claim to one of many who ask at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 12 }, (_, n) => claim(`mark ${n}`)))
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'ours').length, 1)
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'theirs').length, 11)
  })

  it('S1-57 S1-58 T2 keeps what was made, as a string of digits, and gives no claim any more', async () => {
    await claim('a')
    const settled = await node.tools.toots.settle('a', posted())
    assert.deepEqual(
      [settled?.tootId, settled?.state, settled?.dueAt, settled?.claimedUntil],
      ['113000000000000001', 'posted', undefined, undefined]
    )
    assert.equal((await claim('b')).outcome, 'known')
    assert.equal(await node.tools.toots.settle('a', posted()), undefined)
  })

  it('T3 hands a claim that ran out to the next, who is told that it is not the first; the first cannot settle then', async () => {
    assert.equal((await claim('a')).outcome, 'ours')
    assert.equal((await claim('b', later(2 * MINUTE - 1))).outcome, 'theirs')
    const second = await claim('b', later(2 * MINUTE))
    assert.deepEqual([second.outcome, second.outcome === 'ours' && second.again], ['ours', true])
    assert.equal(await node.tools.toots.settle('a', posted()), undefined)
    assert.equal((await node.tools.toots.settle('b', posted()))?.state, 'posted')
  })

  it('T3 forgets a try that surely made nothing, and only that one', async () => {
    const { toots } = node.tools
    await claim('a')
    await toots.giveBack('a', { begun: false, dueAt: later(MINUTE), status: 422, error: 'no' })
    const { attempts, dueAt, error, state, status } = await find()
    assert.deepEqual([attempts, dueAt, error, state, status], [0, later(MINUTE), 'no', 'wanted', 422])
    await claim('b')
    await toots.giveBack('b', { begun: true, dueAt: later(MINUTE) })
    assert.equal((await find()).status, undefined)
    await claim('c')
    await toots.giveBack('c', { begun: false, dueAt: later(MINUTE) })
    const fourth = await claim('d')
    assert.ok(fourth.outcome === 'ours' && fourth.again)
  })

  it('settles and gives back under the claim although the post has got another address meanwhile', async () => {
    await claim('a')
    await node.database.database.knex('toots').update({ key: 'blog.example/two' })
    assert.equal((await node.tools.toots.settle('a', posted()))?.key, 'blog.example/two')
  })

  it('T10 X39 lets so many be made in an hour, tells when the next one may be, and has the clock make it then', async () => {
    const made = async (key: string, at: Date) => {
      assert.equal((await claim(key, at, { key, budget: 2 })).outcome, 'ours')
      await node.tools.toots.settle(key, posted(at))
    }
    await made('blog.example/1', now)
    await made('blog.example/2', later(10 * MINUTE))
    assert.deepEqual(await claim('x', later(20 * MINUTE), { budget: 2 }), { outcome: 'budget', at: later(60 * MINUTE) })
    assert.deepEqual(await node.tools.toots.takeDue(later(59 * MINUTE), later(99 * MINUTE), 9), [])
    assert.deepEqual(await node.tools.toots.takeDue(later(60 * MINUTE), later(99 * MINUTE), 9), [KEY])
    assert.equal((await claim('x', later(60 * MINUTE), { budget: 2 })).outcome, 'ours')
    assert.deepEqual(await claim('y', now, { key: 'blog.example/3', budget: 0 }), { outcome: 'budget', at: later(60 * MINUTE) })
  })

  it('T10 counts claims, those of the dead too, which may be brought to their end whatever the budget', async () => {
    await claim('a', now, { budget: 1 })
    const other = { key: 'blog.example/2', budget: 1 }
    assert.deepEqual(await claim('b', now, other), { outcome: 'budget', at: later(2 * MINUTE) })
    assert.equal((await claim('b', later(5 * MINUTE), other)).outcome, 'budget')
    assert.equal((await claim('c', later(5 * MINUTE), { budget: 1 })).outcome, 'ours')
  })

  it('S1-75 T10 rehearsals do not count', async () => {
    for (const n of [1, 2, 3]) {
      const key = `blog.example/${n}`
      assert.equal((await claim(`m${n}`, now, { key, budget: 1, dryRun: true })).outcome, 'ours')
      await node.tools.toots.settle(`m${n}`, { state: 'dry-run', tootId: '-1', tootedAt: now })
    }
    const real = await claim('real', now, { key: 'blog.example/1', budget: 1 })
    assert.deepEqual([real.outcome, real.outcome === 'ours' && real.again], ['ours', false])
  })

  it('S1-75 is done with what was rehearsed only while nothing but rehearsals are made', async () => {
    await claim('a', now, { dryRun: true })
    await node.tools.toots.settle('a', { state: 'dry-run', tootId: '-1', tootedAt: now })
    assert.equal((await claim('b', now, { dryRun: true })).outcome, 'known')
    assert.equal((await claim('b', now)).outcome, 'ours')
  })

  it('lets no visit hurry a server that has told when to come again, but the clock', async () => {
    await claim('a')
    await node.tools.toots.giveBack('a', { begun: false, dueAt: later(MINUTE), status: 429, error: 'later' })
    const paused = await claim('b', later(MINUTE - 1))
    assert.deepEqual([paused.outcome, paused.outcome === 'paused' && paused.toot.error], ['paused', 'later'])
    assert.equal((await claim('c', later(MINUTE - 1), { visit: false })).outcome, 'ours')
    await node.tools.toots.giveBack('c', { begun: false, dueAt: later(MINUTE), status: 429, error: 'later' })
    assert.equal((await claim('d', later(MINUTE))).outcome, 'ours')
  })

  it('S1-49 S1-59 marks old posts, and leaves those alone that have a toot', async () => {
    const { toots } = node.tools
    await claim('a')
    const old = { key: 'blog.example/old', url: 'https://blog.example/old', accountId }
    assert.equal(await toots.markOld([old, { key: KEY, url: URL, accountId }], now), 1)
    assert.equal((await find('blog.example/old')).state, 'old')
    assert.equal((await find()).state, 'claimed')
    assert.equal((await claim('b', now, { key: 'blog.example/old' })).outcome, 'known')
    assert.equal(await toots.want([{ ...old, dueAt: now }], now), 0)
    assert.deepEqual(await toots.counts(accountId), { claimed: 1, old: 1 })
  })

  it('W15 takes wishes when they are due, and toots whose maker died, each once', async () => {
    const { toots } = node.tools
    assert.equal(await toots.want([{ key: KEY, url: URL, accountId, dueAt: later(MINUTE), visibility: 'unlisted' }], now), 1)
    await claim('a', now, { key: 'blog.example/dead' })
    assert.deepEqual(await toots.takeDue(now, later(9 * MINUTE), 9), [])
    assert.deepEqual(await toots.takeDue(later(MINUTE), later(9 * MINUTE), 9), [KEY])
    assert.deepEqual(await toots.takeDue(later(2 * MINUTE), later(9 * MINUTE), 9), ['blog.example/dead'])
    assert.deepEqual(await toots.takeDue(later(2 * MINUTE), later(9 * MINUTE), 9), [])
    assert.equal((await find()).visibility, 'unlisted')
  })

  it('S1-46 finds a toot by every address of its page, the first one that is known', async () => {
    const { blogs, toots } = node.tools
    await claim('a')
    await blogs.addPages(accountId, KEY, ['blog.example/one?page=1', 'www.blog.example/one'])
    assert.equal((await toots.findByPage(['blog.example/one?x=1', 'www.blog.example/one']))?.key, KEY)
    assert.equal(await toots.findByPage(['blog.example/none']), undefined)
  })

  it('takes threads whose time has come, each once', async () => {
    const { toots } = node.tools
    await claim('a')
    await toots.settle('a', { ...posted(), pollAt: later(MINUTE) })
    assert.deepEqual(await toots.takePolls(now, later(MINUTE), 9), [])
    assert.deepEqual(await toots.takePolls(later(MINUTE), later(9 * MINUTE), 9), [KEY])
    assert.deepEqual(await toots.takePolls(later(MINUTE), later(9 * MINUTE), 9), [])
    await toots.change(KEY, { favourites: 3, pollAt: null })
    const { favourites, pollAt } = await find()
    assert.deepEqual([favourites, pollAt], [3, undefined])
  })
})
