/** Lists of posts: who sees what, in which order, page by page. */
import assert from 'node:assert/strict'
import type { Account, Actor, Shown } from '../../src/model/kept.ts'
import { readSearchWords } from '../../src/protocol/search-words.ts'
import type { Cursor, Tools } from '../../src/tools.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const NOW = new Date('2026-03-01T00:00:00Z')
const at = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000)

describe('the timelines', () => {
  let node: TestNode
  let tools: Tools
  let [bob, gone]: Account[] = []
  let [ann, ben, cora]: Actor[] = []
  before(async () => {
    node = await startNode({ accounts: ['bob', 'gone'], work: false, overrides: { clock: () => NOW } })
    tools = node.tools
    ;[bob, gone] = [await accountOf(tools, 'bob'), await accountOf(tools, 'gone')]
    ;[ann, ben, cora] = [await meet(tools, 'ann'), await meet(tools, 'ben'), await meet(tools, 'cora')]
    await tools.follows.add({ followerId: bob.id, followedId: ann.id, via: 'feed' }, NOW)
    await tools.follows.add({ followerId: gone.id, followedId: cora.id, via: 'feed' }, NOW)
    let minute = 0
    for (const [actor, name] of [
      [ann, 'ann'],
      [ben, 'ben'],
      [cora, 'cora'],
      [bob, 'bob'],
      [gone, 'gone']
    ] as const)
      for (const visibility of ['public', 'unlisted', 'followers', 'direct'] as const)
        await keepPost(tools, actor!, { html: `${name} ${visibility}`, visibility, publishedAt: at(minute++) })
    await tools.actors.removeAccount('gone', NOW)
  })
  after(() => node.close())

  const texts = (posts: Shown[]) => posts.map(post => post.html)
  const four = (name: string) => ['direct', 'followers', 'unlisted', 'public'].map(visibility => `${name} ${visibility}`)

  it('shows at home who is followed, and one’s own, newest first', async () => {
    assert.deepEqual(texts(await tools.timelines.home([bob!], { limit: 20 })), [...four('bob'), ...four('ann')])
  })

  it('shows to everybody the public posts of accounts and of whom they follow, not of strangers or of who left', async () => {
    assert.deepEqual(texts(await tools.timelines.everyone({ limit: 20 })), ['bob public', 'ann public'])
    assert.deepEqual(texts(await tools.timelines.local({ limit: 20 })), ['bob public'])
  })

  it('X1 shows of one person what is public or unlisted, unless all is asked for', async () => {
    assert.deepEqual(texts(await tools.timelines.by(ann!.id, { limit: 20 }, false)), ['ann unlisted', 'ann public'])
    assert.deepEqual(texts(await tools.timelines.by(ann!.id, { limit: 20 }, true)), four('ann'))
  })

  it('F4 gives page after page nothing twice and nothing left out, while posts come', async () => {
    const seen: string[] = []
    let before: Cursor | undefined
    for (;;) {
      const page = await tools.timelines.all({ limit: 3, ...(before ? { before } : {}) })
      if (page.length === 0) break
      seen.push(...texts(page))
      before = page.at(-1)
      await keepPost(tools, ben!, { html: 'meanwhile', publishedAt: at(1000) })
    }
    assert.deepEqual(seen, ['gone', 'bob', 'cora', 'ben', 'ann'].flatMap(four))
  })

  it('lists the dead for the history alone', async () => {
    const post = await keepPost(tools, ann!, { html: 'short life', publishedAt: at(2000) })
    await tools.history.remove(ann!.id, post.uri, NOW)
    assert.equal((await tools.timelines.all({ limit: 1 }, ann!.id))[0]?.id, post.id)
    assert.notEqual((await tools.timelines.by(ann!.id, { limit: 1 }, true))[0]?.id, post.id)
  })

  it('searches every word in titles and bodies, and tells strangers of ours alone', async () => {
    const found = await keepPost(tools, ann!, { html: '', title: 'Zebras', text: 'and giraffes', publishedAt: at(3000) })
    const ids = async (text: string, onlyLocal = false) =>
      (await tools.timelines.search(text, { limit: 9 }, { onlyLocal })).map(post => post.id)
    assert.deepEqual(await ids('giraffes zebras'), [found.id])
    assert.deepEqual(await ids('zebras lions'), [])
    assert.deepEqual(await ids('zebras', true), [])
    for (const hostile of ['', "'", '& | ! ( ) :*', '\\', 'a'.repeat(10_000)]) assert.ok(Array.isArray(await ids(hostile)))
  })

  it('finds words however they are written, in any language, as phrases and exclusions', async () => {
    const texts = {
      german: 'Die Brücke über den FLUSS',
      french: 'Un café à Genève',
      japanese: '東京の橋は古いです',
      chinese: '我们在河边散步',
      greek: 'Η ΓΈΦΥΡΑ είναι παλιά',
      thai: 'สะพานข้ามแม่น้ำ',
      mixed: 'river bridge, and a bridge over the river'
    }
    const names = new Map<string, string>()
    for (const [name, text] of Object.entries(texts))
      names.set((await keepPost(tools, ann!, { html: '', text, publishedAt: at(4000) })).id, name)
    const found = async (typed: string) => {
      const posts = await tools.timelines.search(readSearchWords(typed).text, { limit: 9 }, { onlyLocal: false })
      return posts.flatMap(({ id }) => names.get(id) ?? []).sort()
    }
    const table: [string, string[]][] = [
      ['brücke', ['german']],
      ['BRÜCKE fluss', ['german']],
      ['bru\u0308cke', ['german']],
      ['brucke', ['german']],
      ['cafe geneve', ['french']],
      ['橋', ['japanese']],
      ['東京', ['japanese']],
      ['京東', []],
      ['河边', ['chinese']],
      ['γεφυρα', ['greek']],
      ['แม่น้ำ', ['thai']],
      ['"river bridge"', ['mixed']],
      ['"bridge river"', []],
      ['river -bridge', []],
      ['bridge -"bridge river"', ['mixed']],
      ['brigde or fluss', ['german']],
      ['* ** " -" \'\' \\ :* & | ! <->', []]
    ]
    for (const [typed, expected] of table) assert.deepEqual(await found(typed), expected, typed)
  })

  it('finds only what somebody said who is called so, here or at home', async () => {
    const { knex } = node.database.database
    await knex('actors').where({ id: bob!.id }).update({ display_name: 'Bob the Builder' })
    for (const author of [ann!, bob!]) await keepPost(tools, author, { html: '', text: 'bricks', publishedAt: at(5000) })
    for (const name of ['bob', 'Bob', 'bob the BUILDER', bob!.acct!]) {
      const authors = await tools.actors.findCalled(name, 9)
      const posts = await tools.timelines.search('bricks', { limit: 9 }, { authors, onlyLocal: false })
      assert.deepEqual(
        posts.map(post => post.author.id),
        [bob!.id],
        name
      )
    }
    assert.deepEqual(
      await tools.timelines.search('bricks', { limit: 9 }, { authors: await tools.actors.findCalled('rob', 9), onlyLocal: false }),
      []
    )
  })

  it('W26 a thread is whole however deep it is, the top first, and a circle does no harm', async () => {
    let above = await keepPost(tools, bob!, { html: 'top', publishedAt: at(10) })
    const top = above
    for (let n = 0; n < 120; n++)
      above = await keepPost(tools, n % 2 ? ann! : ben!, { html: `deep ${n}`, parentId: above.id, publishedAt: at(9) })
    const thread = await tools.timelines.thread(above.id, 1000)
    assert.deepEqual([thread.length, thread.at(-1)!.id], [121, top.id])
    assert.deepEqual(texts(thread.slice(0, 3)), ['deep 0', 'deep 1', 'deep 2'])
    assert.equal((await tools.timelines.thread(above.id, 50)).length, 50)
    assert.deepEqual(await tools.timelines.underOurs([above.id, top.id]), new Set([above.id]))
    const [one, two] = [await keepPost(tools, ann!, { html: 'one' }), await keepPost(tools, ann!, { html: 'two' })]
    const { knex } = node.database.database
    await knex('posts').where({ id: one.id }).update({ parent_id: two.id })
    await knex('posts').where({ id: two.id }).update({ parent_id: one.id })
    assert.equal((await tools.timelines.thread(one.id, 1000)).length, 2)
    assert.deepEqual(await tools.timelines.underOurs([one.id]), new Set())
    await knex('posts').whereIn('id', [one.id, two.id]).update({ parent_id: null })
  })

  it('shows at home what strangers say to the account, and not what they say to others', async () => {
    await keepPost(tools, ben!, { html: 'ben to bob', mentions: [bob!.uri], publishedAt: at(500) })
    await keepPost(tools, ben!, { html: 'ben to ann', mentions: [ann!.uri], publishedAt: at(501) })
    const home = await tools.timelines.home([bob!], { limit: 20 })
    assert.deepEqual(
      texts(home).filter(text => text.startsWith('ben')),
      ['ben to bob']
    )
  })
})
