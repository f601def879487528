import assert from 'node:assert/strict'
import { addAccount } from '../../src/federation/accounts.ts'
import type { Account } from '../../src/model/kept.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost } from '../support/residents.ts'

const now = new Date('2026-01-10T12:00:00Z')
const later = (ms: number) => new Date(now.getTime() + ms)
const HOUR = 3_600_000

describe('the store of blogs', () => {
  let node: TestNode
  let ann: Account
  beforeEach(async () => {
    node = await startNode({ accounts: ['ann'], work: false })
    ann = await accountOf(node.tools, 'ann')
  })
  afterEach(() => node?.close())

  const addEntry = async (key: string, more: { guid?: string; publishedAt?: Date; checkAt?: Date; source?: 'feed' | 'page' } = {}) => {
    const { guid, publishedAt = now, checkAt = later(HOUR), source = 'feed' } = more
    const post = await keepPost(node.tools, ann, { publishedAt })
    await node.tools.transaction(async ({ blogs }) => {
      const entry = { key, accountId: ann.id, url: `https://${key}`, postId: post.id, source, news: true, seenAt: now, checkAt }
      await blogs.addEntry({ ...entry, ...(guid ? { guid } : {}) })
      await blogs.addPages(ann.id, key, [])
    })
    return post
  }
  const want = (key: string) => node.tools.toots.want([{ key, url: `https://${key}`, accountId: ann.id, dueAt: now }], now)

  it('keeps one blog an account, and forgets what was found of another one', async () => {
    const { blogs } = node.tools
    await blogs.keep(ann.id, 'https://a.example/', now)
    await blogs.change(ann.id, { feedUrl: 'https://a.example/f', title: 'A', findAt: null })
    await blogs.keep(ann.id, 'https://a.example/', later(1))
    assert.deepEqual(await blogs.find(ann.id), {
      accountId: ann.id,
      url: 'https://a.example/',
      feedUrl: 'https://a.example/f',
      title: 'A',
      since: now
    })
    await blogs.keep(ann.id, 'https://b.example/', later(2))
    assert.deepEqual(await blogs.find(ann.id), { accountId: ann.id, url: 'https://b.example/', since: later(2), findAt: later(2) })
    const other = await addAccount(node.tools, 'bob', { blog: 'https://c.example/' })
    assert.deepEqual((await blogs.all()).map(({ accountId }) => accountId).sort(), [ann.id, other.id].sort())
    assert.deepEqual(await blogs.takeDue(later(HOUR), later(2 * HOUR)), [ann.id])
    assert.deepEqual(await blogs.takeDue(later(HOUR), later(2 * HOUR)), [])
    await blogs.remove(ann.id)
    assert.equal(await blogs.find(ann.id), undefined)
  })

  it('S1-46 knows a page by all its addresses, the first that is asked for first', async () => {
    const { blogs } = node.tools
    await blogs.addPages(ann.id, 'x/c', ['x/a', 'x/b', 'x/c'])
    await blogs.addPages(ann.id, 'x/d', ['x/a'])
    assert.deepEqual(await blogs.findPage(['x/?', 'x/d', 'x/a']), { key: 'x/d', accountId: ann.id })
    assert.deepEqual(await blogs.findPage(['x/a']), { key: 'x/c', accountId: ann.id })
    assert.equal(await blogs.findPage(['x/?']), undefined)
    assert.deepEqual([...(await blogs.canonicals(['x/a', 'x/d', 'x/?']))].sort(), [
      ['x/a', 'x/c'],
      ['x/d', 'x/d']
    ])
  })

  it('6.1 remembers thousands of pages at once, with the date of the sitemap, and counts what is new', async () => {
    const { blogs } = node.tools
    const pages = Array.from({ length: 2500 }, (_, n) => ({ key: `x/${n}`, modifiedAt: now }))
    assert.equal(await blogs.addMany(ann.id, [...pages, ...pages.slice(0, 10)]), 2500)
    assert.equal(await blogs.addMany(ann.id, [{ key: 'x/7' }, { key: 'x/new' }]), 1)
    assert.deepEqual([await blogs.modifiedAt(['x/7', 'x/new']), await blogs.modifiedAt(['x/new'])], [now, undefined])
    assert.equal(await blogs.addMany(ann.id, []), 0)
  })

  it('W15 has one entry for a key, a guid and a post', async () => {
    const { blogs } = node.tools
    const post = await addEntry('x/1', { guid: 'g' })
    for (const found of [await blogs.findEntry('x/1'), await blogs.findEntryByGuid(ann.id, 'g'), await blogs.findEntryByPost(post.id)])
      assert.equal(found?.postId, post.id)
    await assert.rejects(addEntry('x/1'))
    await assert.rejects(addEntry('x/2', { guid: 'g' }))
    await addEntry('x/3')
    await addEntry('x/4')
    assert.equal((await blogs.entries(ann.id, 10)).length, 3)
  })

  it('W2 tells the newest by the date of its post, also of entries that a first reading saw all at once', async () => {
    for (const [key, days] of [
      ['x/b', 2],
      ['x/a', 1],
      ['x/c', 3]
    ] as const)
      await addEntry(key, { publishedAt: later(days * 24 * HOUR) })
    assert.deepEqual(
      (await node.tools.blogs.entries(ann.id, 2)).map(({ key }) => key),
      ['x/c', 'x/b']
    )
  })

  it('W17 moves an entry with its toot and all its pages; of two toots the one at the new place stays', async () => {
    const { blogs, toots } = node.tools
    const post = await addEntry('x/old')
    await blogs.addPages(ann.id, 'x/old', ['x/alias'])
    await want('x/old')
    await node.tools.transaction(stores => stores.blogs.moveEntry('x/old', { key: 'x/new', url: 'https://x/new' }))
    assert.deepEqual([(await blogs.findEntry('x/new'))?.postId, (await toots.find('x/new'))?.url], [post.id, 'https://x/new'])
    assert.deepEqual([await blogs.findEntry('x/old'), await toots.find('x/old')], [undefined, undefined])
    for (const key of ['x/old', 'x/alias', 'x/new']) assert.equal((await blogs.findPage([key]))?.key, 'x/new')

    await blogs.addMany(ann.id, [{ key: 'x/sitemap' }])
    await want('x/sitemap')
    await node.tools.transaction(stores => stores.blogs.moveEntry('x/sitemap', { key: 'x/new', url: 'https://x/new' }))
    assert.deepEqual([await toots.find('x/sitemap'), (await toots.find('x/new'))?.state], [undefined, 'wanted'])
    await node.tools.transaction(stores => stores.blogs.moveEntry('x/unknown', { key: 'x/y', url: 'https://x/y' }))
    assert.equal(await blogs.findPage(['x/y']), undefined)
  })

  it('W18 takes the pages that are to be checked, each once; and five at most that a feed leaves out', async () => {
    const { blogs } = node.tools
    const keys = Array.from({ length: 8 }, (_, n) => `x/${n}`)
    for (const [n, key] of keys.entries()) await addEntry(key, { publishedAt: later(n * 1000), checkAt: later(HOUR + n) })
    await addEntry('x/page', { publishedAt: later(2500), source: 'page' })
    const range = { from: now, to: later(7000), named: ['x/3'] }
    await blogs.checkSoon(ann.id, range, now)
    assert.deepEqual((await blogs.takeChecks(now, later(HOUR), 10)).sort(), ['x/1', 'x/2', 'x/4', 'x/5', 'x/6'])
    assert.deepEqual(await blogs.takeChecks(now, later(HOUR), 10), [])
    await blogs.changeEntry('x/1', { checkAt: null, missingAt: now })
    assert.deepEqual([(await blogs.findEntry('x/1'))?.checkAt, (await blogs.findEntry('x/1'))?.missingAt], [undefined, now])
  })
})
