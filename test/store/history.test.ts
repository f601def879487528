/** What is remembered of posts and acts: kept once, whatever comes twice, at once or late; and what is forgotten. */
import assert from 'node:assert/strict'
import { newId } from '../../src/model/ids.ts'
import type { Actor } from '../../src/model/kept.ts'
import type { NewPost, Tools } from '../../src/tools.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const DAY = 86_400_000
const NOW = new Date('2026-03-01T00:00:00Z')

describe('the history', () => {
  let node: TestNode
  let tools: Tools
  let ann: Actor
  before(async () => {
    node = await startNode({ accounts: ['bob', 'carl'], work: false, overrides: { clock: () => NOW } })
    tools = node.tools
    ann = await meet(tools, 'ann')
  })
  after(() => node.close())

  const post = (more: Partial<NewPost> = {}): NewPost => ({
    ...{ id: newId(NOW.getTime()), uri: 'https://a.example/posts/1', authorId: ann.id, verb: 'post', kind: 'note', html: 'x', text: 'x' },
    ...{ publishedAt: NOW, sortedAt: NOW, mentions: [], tags: [], enclosures: [], visibility: 'public', sensitive: false, rightful: true },
    ...more
  })
  const keep = (one: NewPost, now = NOW) => tools.transaction(stores => stores.history.keep(one, now))
  const outcomes = async (posts: NewPost[]) => (await Promise.all(posts.map(one => keep(one)))).map(kept => kept.outcome).sort()

  it('keeps one of ten that come at once', async () => {
    assert.deepEqual(await outcomes(Array.from({ length: 10 }, () => post())), ['new', ...Array(9).fill('same')].sort())
  })

  it('X11 keeps every version once when edits come at once, the newest on top', async () => {
    const uri = 'https://a.example/posts/edits'
    await keep(post({ uri, updatedAt: NOW }))
    const edits = Array.from({ length: 8 }, (_, i) => post({ uri, html: `v${i}`, updatedAt: new Date(NOW.getTime() + i + 1) }))
    await outcomes(edits)
    const kept = (await tools.history.findByUri(uri))!
    assert.equal(kept.html, 'v7')
    assert.deepEqual(
      (await tools.history.versions(kept.id)).map(version => version.number),
      Array.from({ length: kept.edits }, (_, i) => i)
    )
  })

  it('S12 X4 leaves a tombstone when a post and its delete come at once, in whatever order', async () => {
    const uris = Array.from({ length: 8 }, (_, i) => `https://a.example/posts/race-${i}`)
    await Promise.all(
      uris.flatMap(uri => [keep(post({ uri, html: uri })), tools.transaction(stores => stores.history.remove(ann.id, uri, NOW))])
    )
    for (const uri of uris) {
      await keep(post({ uri }))
      const row = (await tools.history.findByUri(uri))!
      assert.deepEqual([row.deletedAt, row.html], [NOW, ''], uri)
    }
  })

  it('X4 takes everything out of a dead post that it said, its versions too', async () => {
    const uri = 'https://a.example/posts/dead'
    const enclosures = [{ url: 'https://a.example/x.png' }]
    const full = post({
      uri,
      title: 't',
      warning: 'w',
      enclosures,
      tags: ['a'],
      mentions: ['https://b.example/'],
      updatedAt: NOW,
      text: 'needle'
    })
    await keep(full)
    await keep({ ...full, html: 'y', updatedAt: new Date(NOW.getTime() + 1) })
    const dead = await tools.history.remove(ann.id, uri, NOW)
    assert.equal(dead?.edits, 1)
    const row = await node.database.database.knex('posts').where({ uri }).first()
    assert.deepEqual(
      [row.title, row.html, row.warning, row.body_text, row.enclosures, row.tags, row.mentions, row.quoted],
      [null, '', null, '', [], [], [], null]
    )
    assert.deepEqual(await tools.history.versions(row.id), [])
    assert.equal(await tools.history.remove(ann.id, uri, NOW), undefined, 'it dies once')
    assert.deepEqual(await tools.timelines.search('needle', { limit: 9 }, { onlyLocal: false }), [])
  })

  it('M16 X3 lets the newest of an act and its undoing win, in whatever order they come', async () => {
    const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
    const cases: [order: [seconds: number, undone: boolean][], holds: number][] = [
      [[[1, false]], 1],
      [
        [
          [1, false],
          [2, true]
        ],
        0
      ],
      [
        [
          [2, true],
          [1, false]
        ],
        0
      ],
      [
        [
          [1, false],
          [1, true]
        ],
        0
      ],
      [
        [
          [1, true],
          [1, false]
        ],
        0
      ],
      [
        [
          [1, false],
          [2, true],
          [3, false]
        ],
        1
      ],
      [
        [
          [3, false],
          [2, true],
          [1, false]
        ],
        1
      ]
    ]
    for (const [i, [order, holds]] of cases.entries()) {
      const object = `https://c.example/${i}`
      for (const [seconds, undone] of order)
        await tools.history.act({ actorId: ann.id, verb: 'favourite', object, at: at(seconds), undone })
      assert.equal((await tools.history.countActs(object)).favourite ?? 0, holds, JSON.stringify(order))
    }
  })

  it('finds the rightful of several posts with one id', async () => {
    const mal = await meet(tools, 'mal')
    const uri = 'https://a.example/posts/rightful'
    assert.equal((await keep(post({ uri, authorId: mal.id, rightful: false }))).outcome, 'new')
    assert.equal((await keep(post({ uri }))).outcome, 'new')
    assert.equal((await keep(post({ uri, authorId: (await meet(tools, 'third')).id, rightful: false }))).outcome, 'stolen')
    assert.equal((await tools.history.findByUri(uri))?.authorId, ann.id)
    assert.equal((await tools.history.findByUri(uri, mal.id))?.authorId, mal.id)
  })

  it('I10 I13 S12 keeps those that come into one transaction at once as it keeps each alone', async () => {
    const mal = await meet(tools, 'mal')
    const [known, dead, parent, child, odd] = ['known', 'dead', 'parent', 'child', 'odd'].map(name => `https://a.example/together/${name}`)
    await keep(post({ uri: known! }))
    await tools.transaction(stores => stores.history.remove(ann.id, dead!, NOW))
    const share = post({ uri: 'https://a.example/together/share', verb: 'share', quoted: { uri: parent!, html: 'x' } })
    await keep(share)
    const kept = await tools.transaction(({ history }) => {
      const list = [
        ...[post({ uri: known! }), post({ uri: known!, authorId: mal.id, rightful: false }), post({ uri: dead! })],
        ...[
          post({ uri: child!, inReplyTo: parent! }),
          post({ uri: parent! }),
          post({ uri: odd!, html: 'half \ud83d a smile', tags: ['a', 'b'] })
        ]
      ]
      return Promise.all(list.map(one => history.keep(one, NOW)))
    })
    assert.deepEqual(
      kept.map(one => one.outcome),
      ['same', 'stolen', 'dead', 'new', 'new', 'new']
    )
    const found = async (uri: string) => (await tools.history.findByUri(uri, ann.id))!
    assert.equal((await found(child!)).parentId, (await found(parent!)).id)
    assert.deepEqual(kept[4]!.outcome === 'new' && kept[4]!.quoting.map(({ id }) => id), [share.id])
    assert.deepEqual([(await found(odd!)).html, (await found(odd!)).tags], ['half \ufffd a smile', ['a', 'b']])
  })

  it('X13 finds the twins of many at once, each by its own author and ids', async () => {
    const mal = await meet(tools, 'mal')
    const [one, two] = ['one', 'two'].map(name => `https://a.example/twins/${name}`)
    await keep(post({ uri: one!, activityUrl: `${one}/as` }))
    await keep(post({ uri: two! }))
    const asked: [author: string, ids: string[]][] = [
      [ann.id, [`${one}/as`]],
      [ann.id, [two!, one!]],
      [mal.id, [one!, `${one}/as`]],
      [ann.id, []]
    ]
    const found = await Promise.all(asked.map(([author, ids]) => tools.history.findTwin(author, ids)))
    assert.deepEqual(
      found.map(twin => twin?.uri),
      [one, two, undefined, undefined]
    )
  })

  describe('with RETENTION_DAYS', () => {
    it('forgets old posts of others, and keeps ours, what we answered, shared or favour, and what answers us', async () => {
      const bob = await accountOf(tools, 'bob')
      const old = new Date(NOW.getTime() - 40 * DAY)
      const ben = await meet(tools, 'ben')
      const aged = (html: string, more: Partial<NewPost> = {}) => keepPost(tools, ben, { html, publishedAt: old, ...more })
      const [plain, answered, shared, liked, unliked] = await Promise.all(
        ['plain', 'answered', 'shared', 'liked', 'unliked'].map(html => aged(html))
      )
      const young = await keepPost(tools, ben, { html: 'young', publishedAt: NOW })
      const ours = await keepPost(tools, bob, { html: 'ours', publishedAt: old, parentId: answered!.id, inReplyTo: answered!.uri })
      await keepPost(tools, bob, { html: '', verb: 'share', sharedId: shared!.id, publishedAt: old })
      const toUs = await aged('to us', { parentId: ours.id, inReplyTo: ours.uri })
      const below = await aged('below', { parentId: plain!.id, inReplyTo: plain!.uri })
      for (const [one, undone] of [
        [liked, false],
        [unliked, true]
      ] as const)
        await tools.history.act({ actorId: bob.id, verb: 'favourite', object: one!.uri, postId: one!.id, at: NOW, undone })
      await tools.history.remove(ben.id, below.uri, NOW)

      while ((await tools.history.forget(new Date(NOW.getTime() - 30 * DAY), 2)) > 0);
      const left = async (one: { id: string }) => (await tools.history.find(one.id)) !== undefined
      assert.deepEqual(await Promise.all([plain!, unliked!, below].map(left)), [false, false, false])
      assert.deepEqual(await Promise.all([answered!, shared!, liked!, young, ours, toUs].map(left)), [true, true, true, true, true, true])
      // what was deleted stays dead although its row is gone
      assert.equal((await keep(post({ uri: below.uri, authorId: ben.id, html: 'again' }))).outcome, 'dead')
    })
  })
})
