/** Lists of feeds: each is followed once, whatever happens meanwhile, and what came of it is kept. */
import assert from 'node:assert/strict'
import {
  beginImport,
  exportFollows,
  followListed,
  listImport,
  progressOf,
  takeImports,
  tryAgain
} from '../../src/federation/follow-list.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { readOpml } from '../../src/protocol/opml.ts'
import { type Reader, startReader } from '../support/reader.ts'

const RSS = (name: string) =>
  `<rss version="2.0"><channel><title>${name}</title><item><guid>1</guid><title>t</title></item></channel></rss>`
const opml = (urls: string[]) =>
  Buffer.from(
    `<opml version="2.0"><body><outline text="all">${urls.map(url => `<outline text="of ${url}" xmlUrl="${url}"/>`).join('')}</outline></body></opml>`
  )

describe('a list of feeds', () => {
  let reader: Reader
  beforeEach(async () => {
    reader = await startReader()
    for (const name of ['a', 'b', 'c', 'd'])
      reader.net.set(`https://${name}.example/feed`, { headers: { 'content-type': 'application/rss+xml' }, body: RSS(name) })
  })
  afterEach(() => reader.close())

  const begin = (urls: string[]) => beginImport(reader.tools, reader.bob, opml(urls), 'feeds.opml')
  /** Does all that is due now. */
  const work = async (id?: string) => {
    for (;;) {
      const taken = await takeImports(reader.tools, id)
      if (taken.length === 0) return
      for (const one of taken) await followListed(reader.tools, one)
    }
  }
  const states = async (id: string) =>
    (await listImport(reader.tools, id, { after: -1, limit: 99, failed: false })).map(({ state }) => state)
  const following = async () => (await reader.tools.follows.following(reader.bob.id)).map(({ actor }) => actor.displayName).sort()

  it('6.3 is followed one by one: followed, followed before, no feed there, dead and why', async () => {
    await reader.follow('https://b.example/feed')
    reader.net.set('https://page.example/', { headers: { 'content-type': 'text/html' }, body: '<title>x</title>' })
    const { id } = await begin([
      'https://a.example/feed',
      'https://b.example/feed',
      'https://page.example/',
      'https://c.example/gone',
      'javascript:alert(1)',
      'http://10.0.0.1/feed'
    ])
    await work()
    reader.pass(60_000)
    await work()
    assert.deepEqual(await states(id), ['followed', 'already', 'none', 'dead', 'dead', 'dead'])
    const failed = await listImport(reader.tools, id, { after: -1, limit: 9, failed: true })
    assert.deepEqual(
      failed.map(({ why }) => why),
      [
        'Neither an account nor a feed was found there.',
        'The answer was 404.',
        'Write an account as user@host, or a web address.',
        '10.0.0.1 is not a public address.'
      ]
    )
    assert.deepEqual(await following(), ['a', 'b'])
    const { counts, done, total } = await progressOf(reader.tools, id)
    assert.deepEqual([done, total, counts.followed, counts.already, counts.none, counts.dead], [6, 6, 1, 1, 1, 3])
    assert.ok((await reader.tools.imports.find(id))?.endedAt)
  })

  it('6.3 whoever does not answer is asked once more, and then again when the owner says so', async () => {
    reader.net.set('https://slow.example/feed', { error: new Unreachable('slow.example did not answer in time.') })
    const { id } = await begin(['https://slow.example/feed'])
    await work()
    const [waits] = await listImport(reader.tools, id, { after: -1, limit: 1, failed: false })
    assert.deepEqual([waits?.state, waits?.why, waits?.tries], ['waiting', 'slow.example did not answer in time.', 1])
    await work()
    assert.deepEqual(await states(id), ['waiting'])
    reader.pass(31_000)
    await work()
    assert.deepEqual(await states(id), ['dead'])
    reader.net.set('https://slow.example/feed', { headers: { 'content-type': 'application/rss+xml' }, body: RSS('slow') })
    assert.equal(await tryAgain(reader.tools, id), 1)
    assert.equal((await reader.tools.imports.find(id))?.endedAt, undefined)
    await work()
    assert.deepEqual([await states(id), await following()], [['followed'], ['slow']])
    assert.equal(await tryAgain(reader.tools, id), 0)
  })

  it('a second press is the same import, and asks nobody twice', async () => {
    const urls = ['https://a.example/feed', 'https://b.example/feed']
    const [one, two] = await Promise.all([begin(urls), begin(urls)])
    assert.equal(one.id, two.id)
    await work()
    const asked = reader.net.requests().filter(request => request === 'GET https://a.example/feed').length
    const third = await begin(urls)
    assert.notEqual(third.id, one.id)
    await work()
    assert.deepEqual(
      [await states(third.id), await following()],
      [
        ['already', 'already'],
        ['a', 'b']
      ]
    )
    assert.equal(reader.net.requests().filter(request => request === 'GET https://a.example/feed').length, asked)
  })

  it('a crash loses nothing: what was in hand is due again, and what is settled is not done twice', async () => {
    const { id } = await begin(['https://a.example/feed', 'https://b.example/feed'])
    const taken = await takeImports(reader.tools)
    assert.equal(taken.length, 2)
    await followListed(reader.tools, taken[0]!)
    // the worker is gone; nobody else may touch the other one for a while
    assert.deepEqual(await takeImports(reader.tools), [])
    reader.pass(181_000)
    assert.deepEqual(await takeImports(reader.tools), [taken[1]])
    await followListed(reader.tools, taken[1]!)
    const before = reader.net.sent.length
    await followListed(reader.tools, taken[0]!)
    assert.deepEqual([await states(id), reader.net.sent.length], [['followed', 'followed'], before])
  })

  it('no more than eight are looked up at once, of a thousand feeds, over all imports and processes', async () => {
    await begin(Array.from({ length: 1000 }, (_, n) => `https://a.example/${n}`))
    await begin(['https://b.example/feed'])
    assert.equal((await takeImports(reader.tools)).length, 8)
    assert.deepEqual(await takeImports(reader.tools), [])
  })

  it('a defect of ours costs one of the list, and is written down', async () => {
    reader.net.set('https://odd.example/feed', () => {
      throw new TypeError('ours')
    })
    const { id } = await begin(['https://odd.example/feed', 'https://a.example/feed'])
    const [odd, a] = await takeImports(reader.tools)
    await assert.rejects(followListed(reader.tools, odd!), /ours/)
    await followListed(reader.tools, a!)
    assert.deepEqual(await states(id), ['dead', 'followed'])
  })

  it('W8 goes out as OPML, and comes in again as the same', async () => {
    for (const name of ['a', 'b']) await reader.follow(`https://${name}.example/feed`)
    const text = await exportFollows(reader.tools, [reader.bob])
    assert.deepEqual(
      readOpml(text).map(({ title, url }) => [title, url]),
      [
        ['a', 'https://a.example/feed'],
        ['b', 'https://b.example/feed']
      ]
    )
    const { id } = await beginImport(reader.tools, reader.bob, Buffer.from(text))
    await work()
    assert.deepEqual(await states(id), ['already', 'already'])
  })
})
