/** The one door in: shares, favourites, deletes, follows, edits (protocols.md X2 to X12, S12). */
import assert from 'node:assert/strict'
import { typeXml, verbXml } from '../support/atom-documents.ts'
import { HOUR, MINUTE, minute, type Reader, startReader } from '../support/reader.ts'

describe('an act that is received', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())

  const object = (inner: string) => `<activity:object>${inner}</activity:object>`
  const actsOf = (about: string) => reader.tools.history.countActs(about)

  it('X2 points a share at the original when we have it, else quotes it as told, until the original comes', async () => {
    const [ann, ben] = [reader.site('x2a'), reader.site('x2b')]
    const wrapped = (n: number, by = ben.author) =>
      verbXml('share') +
      object(
        `${typeXml('activity')}${verbXml('post')}<id>tag:x2b.example,2026:wrapper</id><author><uri>${by}</uri><name>ben</name></author>` +
          object(`${typeXml('note')}<id>${ben.id(n)}</id><content type="html">as told ${n}</content><link href="${ben.id(n)}"/>`)
      )
    await ben.active(ben.entry(1))
    await ann.active(
      [11, 12, 13].map((n, i) => ann.entry(n, 'RT', wrapped(i + 1, n === 13 ? 'https://x2c.example/carl' : ben.author))).join('')
    )
    const known = (await reader.post(ann.id(11)))!
    assert.deepEqual(
      [known.verb, known.sharedId, known.quoted, known.url],
      ['share', (await reader.post(ben.id(1)))!.id, undefined, undefined]
    )
    const told = (await reader.post(ann.id(12)))!
    assert.equal(told.sharedId, undefined)
    assert.deepEqual(
      [told.quoted?.uri, told.quoted?.authorUri, told.quoted?.html, told.publishedAt],
      [ben.id(2), ben.author, 'as told 2', new Date(minute(12))]
    )
    assert.equal(await reader.post(ben.id(2)), undefined, 'the copy is not the original')
    await ben.push(ben.entry(2) + ben.entry(3))
    assert.equal((await reader.post(ann.id(12)))!.sharedId, (await reader.post(ben.id(2)))!.id)
    assert.equal((await reader.post(ann.id(13)))!.sharedId, undefined, 'somebody else was named as its author')
    assert.match((await reader.tools.timelines.one(told.id))!.shared!.html, /post 2/)
  })

  it('X2 undoes a share when the entry of the share is deleted', async () => {
    const ann = reader.site('x2d')
    await ann.active(ann.entry(1, 'RT', verbXml('share') + object(`${typeXml('note')}<id>https://c.example/1</id>`)))
    await ann.push(ann.entry(2, 'gone', verbXml('delete')).replace(ann.id(2), ann.id(1)))
    assert.ok((await reader.post(ann.id(1)))!.deletedAt)
  })

  it('X3 counts one favourite for each person and post, whatever its id, and takes it back', async () => {
    const ann = reader.site('x3')
    const [post, likes] = [
      'https://c.example/x3',
      (word: string, base?: string) => verbXml(word, base) + object(`${typeXml('note')}<id>${post}</id>`)
    ]
    await ann.active(ann.entry(1, 'x', likes('favorite')) + ann.entry(2, 'x', likes('like')))
    assert.deepEqual(await actsOf(post), { favourite: 1 })
    await ann.push(ann.entry(3, 'x', likes('unfavorite', 'http://ostatus.org/schema/1.0/')))
    assert.deepEqual(await actsOf(post), {})
    await ann.push(ann.entry(1, 'x', likes('favorite')))
    assert.deepEqual(await actsOf(post), {}, 'the older one came again')
    await ann.push(ann.entry(4, 'x', likes('favorite')))
    assert.deepEqual(await actsOf(post), { favourite: 1 })
  })

  it('X3 connects a favourite with a post that comes later', async () => {
    const [ann, ben] = [reader.site('x3b'), reader.site('x3c')]
    await ann.active(ann.entry(1, 'x', verbXml('favorite') + object(`${typeXml('note')}<id>${ben.id(1)}</id>`)))
    await ben.active(ben.entry(1))
    const [act] = await reader.node.database.database.knex('acts').where({ object: ben.id(1) })
    assert.equal(act.post_id, (await reader.post(ben.id(1)))!.id)
  })

  it('X4 deletes in the form of GNU social, of Mastodon and of RFC 6721, and leaves a tombstone without content', async () => {
    const ann = reader.site('x4a')
    const target = `${object(`${typeXml('note')}<id>${ann.id(1)}</id>`)}<activity:target>${typeXml('note')}<id>${ann.id(1)}</id></activity:target>`
    await ann.active([1, 2, 3, 4].map(n => ann.entry(n)).join(''))
    await ann.push(ann.entry(1, 'edited', '', 20))
    await ann.push(
      ann.entry(31, 'x', `<activity:verb>delete</activity:verb>${target}`) +
        ann.entry(32, 'x', verbXml('delete')).replace(ann.id(32), ann.id(2)) +
        `<at:deleted-entry ref="${ann.id(3)}" when="2026-01-01T00:00:00Z"><at:by><name>x</name><uri>https://evil.example/</uri></at:by></at:deleted-entry>`
    )
    for (const n of [1, 2, 3]) {
      const dead = (await reader.post(ann.id(n)))!
      assert.deepEqual([dead.deletedAt, dead.html, dead.title], [new Date(reader.time.now), '', undefined])
      assert.deepEqual(await reader.tools.history.versions(dead.id), [])
    }
    assert.equal((await reader.post(ann.id(4)))!.deletedAt, undefined)
    assert.deepEqual(
      (await reader.tools.timelines.home([reader.bob], { limit: 100 })).filter(p => p.uri.startsWith(ann.origin)).map(p => p.uri),
      [ann.id(4)]
    )
  })

  it('X4 lets a delete that comes before its post stop the post', async () => {
    const ann = reader.site('x4b')
    await ann.active()
    await ann.push(ann.entry(1, 'x', verbXml('delete')))
    await ann.push(ann.entry(1))
    const dead = (await reader.post(ann.id(1)))!
    assert.deepEqual([dead.html, dead.deletedAt instanceof Date], ['', true])
  })

  it('X4 deletes nobody else’s post, not even one that comes later', async () => {
    const [ann, evil] = [reader.site('x4c'), reader.site('x4d')]
    await ann.active(ann.entry(1))
    await evil.active()
    const remove = (n: number) => evil.entry(n, 'x', verbXml('delete') + object(`<id>${ann.id(n)}</id>`))
    await evil.push(`${remove(1)}${remove(2)}<at:deleted-entry ref="${ann.id(1)}" when="2026-01-01T00:00:00Z"/>`)
    await ann.push(ann.entry(2))
    for (const n of [1, 2]) assert.equal((await reader.post(ann.id(n)))!.deletedAt, undefined)
  })

  it('X5 keeps a follow and its undoing by whom they are about, although GNU social gives every unfollow the same id', async () => {
    const ann = reader.site('x5')
    const carol = 'https://c.example/x5'
    const person = object(`${typeXml('person')}<id>${carol}</id>`)
    const unfollow = (n: number, base?: string) =>
      ann.entry(n, 'x', verbXml('unfollow', base) + person).replace(ann.id(n), 'tag:x5.example:unfollow:1:37:1970-01-01')
    await ann.active(ann.entry(1, 'x', verbXml('follow') + person))
    for (const [n, base] of [
      [2, 'http://ostatus.org/schema/1.0/'],
      [4, undefined]
    ] as const) {
      assert.deepEqual(await actsOf(carol), { follow: 1 })
      await ann.push(unfollow(n, base))
      assert.deepEqual(await actsOf(carol), {})
      await ann.push(ann.entry(n + 1, 'x', verbXml('follow') + person))
    }
    assert.deepEqual(await actsOf(carol), { follow: 1 })
  })

  it('X11 keeps the version before an edit, and the first date', async () => {
    const ann = reader.site('x11a')
    await ann.active(ann.entry(1, 'first'))
    reader.pass(HOUR)
    await ann.push(ann.entry(1, 'second', '', 30).replace(`<published>${minute(1)}`, `<published>${minute(29)}`))
    const post = (await reader.post(ann.id(1)))!
    assert.deepEqual(
      [post.html, post.edits, post.publishedAt, post.updatedAt],
      ['<p>second</p>', 1, new Date(minute(1)), new Date(minute(30))]
    )
    assert.deepEqual(
      (await reader.tools.history.versions(post.id)).map(({ html, number, replacedAt, updatedAt }) => [
        number,
        html,
        updatedAt,
        replacedAt
      ]),
      [[0, '<p>first</p>', new Date(minute(1)), new Date(reader.time.now)]]
    )
  })

  it('X11 lets an older version overwrite nothing, not even when the newer one told nothing new', async () => {
    const ann = reader.site('x11b')
    await ann.active(ann.entry(1, 'first', '', 10))
    for (const [text, updated] of [
      ['older', 5],
      ['as old', 10],
      ['first', 30],
      ['between', 20]
    ] as const)
      await ann.push(ann.entry(1, text, '', updated))
    const post = (await reader.post(ann.id(1)))!
    assert.deepEqual([post.html, post.edits, post.updatedAt], ['<p>first</p>', 0, new Date(minute(30))])
  })

  it('X12 takes what it does not understand without a trace of it', async () => {
    const ann = reader.site('x12')
    await ann.active()
    const words = ['block', 'tag', 'authorize', 'reject', 'request-friend', 'update-profile', 'unknown', 'leave']
    const objects = [
      '',
      object(''),
      object(typeXml('person')),
      object(`${typeXml('note')}<id/>`),
      object(object(object(object('<id>x</id>'))))
    ]
    await ann.push(words.flatMap((word, i) => objects.map((inner, j) => ann.entry(i * 10 + j, '', verbXml(word) + inner))).join(''))
    assert.deepEqual(await ann.kept(), [])
    await ann.push('<entry/>')
    await ann.push(`<entry><author/>${'<id/>'.repeat(3)}</entry>`)
    assert.deepEqual(await ann.kept(), [])
  })

  it('S12 leaves a deleted post dead when it is pushed, fetched or edited again', async () => {
    const ann = reader.site('s12')
    await ann.active(ann.entry(1))
    await ann.push(ann.entry(2, 'x', verbXml('delete')).replace(ann.id(2), ann.id(1)))
    reader.pass(MINUTE)
    await ann.push(ann.entry(1))
    await ann.push(ann.entry(1, 'edited', '', 40))
    await ann.poll()
    const dead = (await reader.post(ann.id(1)))!
    assert.deepEqual([dead.html, dead.edits, dead.deletedAt], ['', 0, new Date(reader.time.now - MINUTE)])
  })
})
