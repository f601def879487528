/** The one door in: what is kept of an entry, and as what (protocols.md I9 to I14, X1). */
import assert from 'node:assert/strict'
import { typeXml, verbXml } from '../support/atom-documents.ts'
import { minute, type Reader, startReader } from '../support/reader.ts'

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

  it('F9 keeps no title of a note that was made up for it, nor of one that is quoted', async () => {
    const ann = reader.site('f9')
    await ann.active()
    const note = (title: string) => `${typeXml('note')}<id>https://c.example/f9</id><title>${title}</title><content>quoted words</content>`
    const titles = ['New note by ann', 'A reply…', 'Something else']
    await ann.push(titles.map((title, i) => ann.entry(i + 1, 'A reply to you', `<title>${title}</title>${typeXml('comment')}`)).join(''))
    await ann.push(ann.entry(4, 'An essay', `<title>An essay</title>${typeXml('article')}`))
    await ann.push(ann.entry(5, 'RT', verbXml('share') + object(note('quoted words'))))
    const kept = await Promise.all([1, 2, 3, 4, 5].map(n => reader.post(ann.id(n))))
    assert.deepEqual(
      kept.map(post => post!.title),
      [undefined, undefined, 'Something else', 'An essay', undefined]
    )
    assert.deepEqual([kept[4]!.quoted?.title, kept[4]!.quoted?.html], [undefined, 'quoted words'])
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
    assert.equal(uris(await timelines.home([reader.bob], { limit: 100 })).length, 4)
  })
})
