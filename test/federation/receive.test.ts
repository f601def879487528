/** The one door in: what a feed may say, and what it does (protocols.md I9-I14, X1-X12). */
import assert from 'node:assert/strict'
import { typeXml, verbXml } from '../support/atom-documents.ts'
import { HOUR, MINUTE, minute, type Reader, startReader } from '../support/reader.ts'

describe('what is received', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())

  const object = (inner: string) => `<activity:object>${inner}</activity:object>`
  const actsOf = (about: string) => reader.tools.history.countActs(about)

  it('I9 tells posts, replies, shares, favourites and follows apart, and keeps posts and shares alone as posts', async () => {
    const ann = reader.site('i9')
    const other = 'https://other.example/posts/1'
    await ann.active()
    await ann.push(
      [
        ann.entry(1, 'a note', typeXml('note')),
        ann.entry(2, 'an answer', `${typeXml('comment')}<thr:in-reply-to ref="${other}" href="${other}"/>`),
        ann.entry(3, 'RT', verbXml('share') + object(`${typeXml('note')}<id>${other}</id><content>shared</content>`)),
        ann.entry(4, 'likes', `${verbXml('favorite')}<thr:in-reply-to ref="${other}"/>${object(`${typeXml('note')}<id>${other}</id>`)}`),
        ann.entry(5, 'follows', verbXml('follow') + object(`${typeXml('person')}<id>https://c.example/carol</id>`)),
        ann.entry(6, 'joins', verbXml('join') + object(`${typeXml('group')}<id>https://c.example/group</id>`)),
        ann.entry(7, 'checks in', '<activity:verb>http://elsewhere.example/checkin</activity:verb>')
      ].join('')
    )
    const kept = await ann.kept()
    assert.deepEqual(
      kept.map(post => [post.uri, post.verb, post.kind, post.inReplyTo]),
      [
        [ann.id(3), 'share', 'note', undefined],
        [ann.id(2), 'post', 'comment', other],
        [ann.id(1), 'post', 'note', undefined]
      ]
    )
    assert.deepEqual(await actsOf(other), { favourite: 1 })
    assert.deepEqual(await actsOf('https://c.example/carol'), { follow: 1 })
  })

  it('I10 keeps one row of an entry that is pushed three times', async () => {
    const ann = reader.site('i10a')
    await ann.active()
    for (let i = 0; i < 3; i++) await ann.push(ann.entry(1))
    assert.equal((await ann.kept()).length, 1)
  })

  it('I10 keeps one row of an entry that comes twice at once, by push and by poll', async () => {
    const ann = reader.site('i10b')
    await ann.active()
    ann.write(ann.entry(1) + ann.entry(2))
    await Promise.all([ann.push(ann.entry(2) + ann.entry(1)), ann.push(ann.entry(1)), ann.poll(), ann.poll()])
    assert.deepEqual(
      (await ann.kept()).map(post => [post.uri, post.edits]),
      [
        [ann.id(2), 0],
        [ann.id(1), 0]
      ]
    )
  })

  it('I10 lets nobody take the id of a post that is known, nor keep its author out by being first', async () => {
    const [ann, evil] = [reader.site('i10c'), reader.site('i10d')]
    await ann.active(ann.entry(1))
    await evil.active()
    const stolen = (n: number) => evil.entry(n, 'stolen').replace(evil.id(n), ann.id(n))
    await evil.push(stolen(1) + stolen(2))
    assert.deepEqual(
      (await evil.kept()).map(post => post.uri),
      [ann.id(2)]
    )
    assert.match((await reader.post(ann.id(1)))!.html, /post 1/)
    await ann.push(ann.entry(2))
    assert.match((await reader.post(ann.id(2)))!.html, /post 2/)
    await evil.push(evil.entry(2, 'stolen and changed', '', 50).replace(evil.id(2), ann.id(2)))
    assert.match((await reader.post(ann.id(2)))!.html, /post 2/)
  })

  it('I10 takes an id that is no URI for one within its own feed', async () => {
    const [one, two] = [reader.site('i10e'), reader.site('i10f')]
    for (const site of [one, two]) await site.active(site.entry(1).replace(site.id(1), '17'))
    assert.deepEqual([(await one.kept()).length, (await two.kept()).length], [1, 1])
  })

  it('I11 keeps no script, and nothing that is longer than an index takes', async () => {
    const ann = reader.site('i11')
    await ann.active()
    const long = (seed: number) => Array.from({ length: 500 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * seed) % 20_000))).join('')
    const names = `<thr:in-reply-to ref="urn:${long(7919)}" href="https://a.example/${long(7907)}"/><link href="https://a.example/${long(7901)}"/>`
    await ann.push(
      [
        ann.entry(1, '&lt;script&gt;alert(1)&lt;/script&gt;&lt;a href="javascript:x" onclick="y"&gt;z&lt;/a&gt;'),
        ann.entry(2).replace(ann.id(2), `urn:${long(7919)}${long(7907)}`),
        ann.entry(3, 'named too long', `${names}<ostatus:conversation ref="urn:${long(7883)}${long(7879)}"/>`),
        ann.entry(4, 'x', verbXml('favorite') + object(`<id>urn:${long(7877)}${long(7873)}</id>`)),
        ann.entry(5, 'x', verbXml('delete') + object(`<id>urn:${long(7867)}${long(7853)}</id>`)),
        ann.entry(6, 'x', verbXml('share') + object(`<id>urn:${long(7841)}${long(7829)}</id>`)),
        ann.entry(7, 'last'),
        `<at:deleted-entry ref="urn:${long(7823)}${long(7817)}" when="2026-01-01T00:00:00Z"/>`
      ].join('')
    )
    const kept = await ann.kept()
    assert.equal(kept.find(post => post.uri === ann.id(1))?.html, '<p><a>z</a></p>')
    assert.deepEqual(
      kept.map(post => post.uri),
      [7, 6, 3, 1].map(ann.id)
    )
  })

  it('I13 links an answer that came before what it answers, by id or by address', async () => {
    const [ann, ben] = [reader.site('i13a'), reader.site('i13b')]
    await ann.active(
      ann.entry(1, 'to an id', `<thr:in-reply-to ref="${ben.id(1)}"/>`) +
        ann.entry(2, 'to an address', `<thr:in-reply-to ref="${ben.origin}/1.html" href="${ben.origin}/1.html"/>`)
    )
    assert.equal((await reader.post(ann.id(1)))!.parentId, undefined)
    await ben.active(ben.entry(1, 'the question', `<link href="${ben.origin}/1.html"/>`))
    const question = (await reader.post(ben.id(1)))!
    for (const n of [1, 2]) assert.equal((await reader.post(ann.id(n)))!.parentId, question.id)
    await ann.push(ann.entry(3, 'later', `<thr:in-reply-to ref="unknown" href="${ben.origin}/1.html"/>`))
    assert.equal((await reader.post(ann.id(3)))!.parentId, question.id)
    assert.deepEqual((await reader.tools.timelines.thread(question.id, 10)).map(post => post.uri).sort(), [
      ann.id(1),
      ann.id(2),
      ann.id(3),
      ben.id(1)
    ])
  })

  it('I13 shows a thread that bites its own tail, each post once', async () => {
    const ann = reader.site('i13c')
    const answers = (n: number) => `<thr:in-reply-to ref="${ann.id(n)}"/>`
    await ann.active(ann.entry(1, 'one', answers(2)) + ann.entry(2, 'two', answers(1)) + ann.entry(3, 'three', answers(3)))
    const one = (await reader.post(ann.id(1)))!
    assert.deepEqual(
      (await reader.tools.timelines.thread(one.id, 10)).map(post => post.uri),
      [ann.id(1), ann.id(2)]
    )
    assert.equal((await reader.post(ann.id(3)))!.parentId, undefined)
  })

  it('I14 takes the entries of a document oldest first, whatever their order in it', async () => {
    const ann = reader.site('i14a')
    await ann.active()
    const undated = ann.entry(9).replace(/<(published|updated)>[^<]*<\/\1>/g, '')
    await ann.push([3, 1, 2].map(n => ann.entry(n)).join('') + undated)
    const order = (await ann.kept()).sort(
      (a, b) => a.receivedAt.getTime() - b.receivedAt.getTime() || a.sortedAt.getTime() - b.sortedAt.getTime()
    )
    assert.deepEqual(
      order.map(post => post.uri),
      [1, 2, 3, 9].map(ann.id)
    )
    assert.deepEqual(order[3]?.publishedAt, new Date(reader.time.now))
  })

  it('I14 sorts a post of the future by when it came, and leaves its date as told', async () => {
    const ann = reader.site('i14b')
    await ann.active(ann.entry(1).replaceAll(minute(1), '2999-01-01T00:00:00Z'))
    const post = (await reader.post(ann.id(1)))!
    assert.deepEqual([post.publishedAt.getFullYear(), post.sortedAt], [2999, new Date(reader.time.now)])
  })

  it('X1 keeps what is not public, and shows it to nobody but who follows', async () => {
    const ann = reader.site('x1')
    const scope = (word: string) => `<mastodon:scope>${word}</mastodon:scope>`
    await ann.active(['public', 'unlisted', 'private', 'direct'].map((word, n) => ann.entry(n + 1, word, scope(word))).join(''))
    const author = (await reader.tools.actors.findByUri(ann.author))!
    const { timelines } = reader.tools
    const uris = (posts: { uri: string }[]) => posts.filter(post => post.uri.startsWith(ann.origin)).map(post => post.uri)
    assert.deepEqual(uris(await timelines.by(author.id, { limit: 10 }, false)), [2, 1].map(ann.id))
    assert.deepEqual(uris(await timelines.everyone({ limit: 100 })), [ann.id(1)])
    assert.equal(uris(await timelines.home(reader.bob.id, { limit: 100 })).length, 4)
  })

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
      (await reader.tools.timelines.home(reader.bob.id, { limit: 100 })).filter(p => p.uri.startsWith(ann.origin)).map(p => p.uri),
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
