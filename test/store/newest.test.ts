/** Lists in a history that is longer than what is looked through post by post. */
import assert from 'node:assert/strict'
import type { Account, Shown } from '../../src/model/kept.ts'
import type { Cursor, Page, Tools } from '../../src/tools.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, meet } from '../support/residents.ts'

const POSTS = 12_000

/** Post number n, a second after the one before: mostly by the busy one, every thousandth by the rare one or our own. */
const authorOf = (n: number) => (n % 1000 === 1 ? 'rare' : n % 1000 === 2 ? 'blog' : 'busy')
const wordsOf = (n: number) => ['common', n % 4000 === 5 ? 'seldom' : '', n % 2 === 0 ? 'even' : 'odd'].join(' ')
const mentionsOf = (n: number) => n % 3000 === 7

describe('a history of many posts', () => {
  let node: TestNode
  let tools: Tools
  let [blog, quiet]: Account[] = []

  before(async () => {
    node = await startNode({ accounts: ['blog', 'quiet'], work: false })
    tools = node.tools
    ;[blog, quiet] = [await accountOf(tools, 'blog'), await accountOf(tools, 'quiet')]
    const ids = { busy: (await meet(tools, 'busy')).id, rare: (await meet(tools, 'rare')).id, blog: blog.id, quiet: quiet.id }
    await tools.follows.add({ followerId: blog.id, followedId: ids.busy, via: 'feed' }, new Date())
    await tools.follows.add({ followerId: quiet.id, followedId: ids.rare, via: 'feed' }, new Date())
    const rows = Array.from({ length: POSTS }, (_, n) => [n, ids[authorOf(n)], wordsOf(n), mentionsOf(n)] as const)
    await node.database.database.knex.raw(
      `insert into posts (id, uri, author_id, html, body_text, published_at, updated_at, sorted_at, mentions)
       select lpad(n::text, 17, '0'), 'https://a.example/' || n, author, n::text, words, at, at, at, case when named then array[?] else '{}' end
       from (select *, timestamptz '2026-01-01' + make_interval(secs => n) as at from unnest(?::int[], ?::text[], ?::text[], ?::bool[]) as t (n, author, words, named)) t`,
      [quiet.uri, ...[0, 1, 2, 3].map(at => rows.map(row => row[at as 0]))]
    )
  })
  after(() => node?.close())

  /** All pages of a list as the numbers of its posts. */
  async function through(list: (page: Page) => Promise<Shown[]>): Promise<number[]> {
    const seen: number[] = []
    for (let before: Cursor | undefined; ; ) {
      const page = await list({ limit: 7, ...(before ? { before } : {}) })
      seen.push(...page.map(post => Number(post.html)))
      if (page.length < 7) return seen
      before = page.at(-1)
    }
  }
  const numbers = (which: (n: number) => boolean) => Array.from({ length: POSTS }, (_, n) => POSTS - 1 - n).filter(which)

  it('F4 shows at home those who seldom write, and what mentions the account, as far back as there is anything', async () => {
    const expected = numbers(n => authorOf(n) === 'rare' || mentionsOf(n))
    assert.deepEqual(await through(page => tools.timelines.home([quiet!], page)), expected)
    const [first] = await tools.timelines.home([blog!], {
      limit: 1,
      before: { sortedAt: new Date('2026-01-01T00:00:10Z'), id: '0' }
    })
    assert.equal(first?.html, '9')
  })

  it('F4 shows to strangers the posts of our accounts among many others, and what was searched for among them', async () => {
    const local = numbers(n => authorOf(n) === 'blog')
    assert.deepEqual(await through(tools.timelines.local), local)
    assert.deepEqual(await through(page => tools.timelines.search('common even', page, { onlyLocal: true })), local)
    assert.deepEqual(await through(page => tools.timelines.search('odd', page, { onlyLocal: true })), [])
  })

  it('F4 finds what is common, what is rare and what is not there', async () => {
    assert.deepEqual(
      await through(page => tools.timelines.search('seldom common', page, { onlyLocal: false })),
      numbers(n => n % 4000 === 5)
    )
    assert.deepEqual(await through(page => tools.timelines.search('even odd', page, { onlyLocal: false })), [])
    const even = await tools.timelines.search('even', { limit: 20 }, { onlyLocal: false })
    assert.deepEqual(
      even.map(post => Number(post.html)),
      numbers(n => n % 2 === 0).slice(0, 20)
    )
  })

  it('F4 shows everybody whom our accounts follow, the seldom ones in their place', async () => {
    const page = await tools.timelines.everyone({ limit: 20, before: { sortedAt: new Date('2026-01-01T00:16:45Z'), id: '0' } })
    assert.deepEqual(
      page.map(post => Number(post.html)),
      numbers(n => n < 1005).slice(0, 20)
    )
  })
})
