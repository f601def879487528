import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseStringPromise } from 'xml2js'
import { writeEntry, writeFeed } from '../../src/protocol/atom-writer.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import type { EntryOut } from '../../src/protocol/feed-parts.ts'
import { NS } from '../../src/protocol/names.ts'
import { attribute, child, children, stripIllegal, text, type XmlElement } from '../../src/protocol/xml.ts'
import { acts, ann, bob, head, note, ORIGIN, reply } from '../fixtures/outgoing.ts'
import { activity, atom, elements, entryOf, hrefs, links, outline, parse, SCHEMA } from '../support/atom.ts'

type Tree = { name: string; attributes: Record<string, string>; content: string | Tree[] }

/** An element of xml2js, and one of ours, in the same words. */
function plainTree(node: { '#name': string; $?: Record<string, string>; _?: string; $$?: never[] }): Tree {
  return { name: node['#name'], attributes: { ...node.$ }, content: node.$$?.map(plainTree) ?? node._ ?? '' }
}

function plainElement(element: XmlElement): Tree {
  const inner = elements(element)
  const attributes = Object.fromEntries(element.attributes.map(({ name, value }) => [name, value]))
  return { name: element.name, attributes, content: inner.length > 0 ? inner.map(plainElement) : text(element) }
}

describe('atom feed', () => {
  const xml = writeFeed(head, [reply, note])
  const feed = parse(xml)

  it('F1 has one string for id and self, and it is the topic', () => {
    assert.equal(atom(feed, 'id'), head.topic)
    assert.deepEqual(hrefs(feed, 'self'), [head.topic])
  })

  it('F2 is to an independent parser what it is to ours', async () => {
    const root = await parseStringPromise(xml, { explicitRoot: false, explicitChildren: true, preserveChildrenOrder: true })
    assert.deepEqual(plainTree(root), plainElement(feed))
  })

  it('F2 begins with the XML declaration, and has neither byte order mark nor DOCTYPE', () => {
    assert.ok(xml.startsWith('<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="'))
    assert.ok(!xml.includes('<!'))
  })

  it('F2 declares the prefixes that validators warn of only where they are used', () => {
    assert.ok(xml.includes(' xmlns:media='))
    assert.ok(!xml.includes(' xmlns:at='))
    const gone = writeFeed({ ...head, tombstones: [{ ref: 'urn:x' }] }, [note])
    assert.ok(gone.includes(' xmlns:at="http://purl.org/atompub/tombstones/1.0"'))
  })

  it('F2 writes Atom without a prefix, everything else with the usual one, and declares all on the root', () => {
    const prefixes = new Set([...xml.matchAll(/<([a-z-]+):|\s([a-z-]+):[a-z-]+=/gi)].map(([, tag, name]) => tag ?? name))
    assert.deepEqual([...prefixes].sort(), ['activity', 'media', 'ostatus', 'poco', 'thr', 'xml', 'xmlns'])
    assert.equal(xml.lastIndexOf('xmlns'), xml.indexOf('xmlns:media='))
    assert.ok(xml.includes(' ostatus:object-type="'))
  })

  it('F2 carries odd characters in every text, less those that XML has no place for', () => {
    const odd = fc.string({
      unit: fc.oneof(fc.constantFrom(...'\u0000\u000b\r\n\t]]>&<>"\'\ud800\ufffe🐘ä'), fc.string({ unit: 'binary' }))
    })
    const visible = odd.filter(value => stripIllegal(value).trim() !== '')
    fc.assert(
      fc.property(visible, odd, visible, (title, bio, html) => {
        const entry = entryOf({ ...note, title, html, author: { ...bob, bio, location: title }, conversation: html, tags: [] })
        assert.equal(atom(entry, 'title'), stripIllegal(title).trim())
        assert.equal(atom(entry, 'content'), stripIllegal(html))
        const author = child(entry, NS.atom, 'author') ?? assert.fail()
        assert.equal(text(child(author, NS.poco, 'note')), stripIllegal(bio))
      })
    )
  })

  it('F3 orders its head, and the entries come last', () => {
    const order = [
      'id',
      'title',
      'subtitle',
      'updated',
      'logo',
      'author',
      'link alternate',
      'link self',
      'link next',
      'link hub',
      'link hub'
    ]
    const salmon = ['salmon', 'http://salmon-protocol.org/ns/salmon-replies', 'http://salmon-protocol.org/ns/salmon-mention']
    assert.deepEqual(outline(feed), [...order, ...salmon.map(rel => `link ${rel}`), 'generator', 'entry', 'entry'])
    for (const rel of salmon) assert.deepEqual(hrefs(feed, rel), [head.salmon])
  })

  it('F3 names every hub and the newest change, also on a page without entries', () => {
    const empty = parse(writeFeed(head, []))
    assert.deepEqual(hrefs(empty, 'hub'), head.hubs)
    assert.equal(atom(empty, 'updated'), '2024-01-03T10:00:00Z')
  })

  it('F4 keeps its id on older pages and names their neighbours', () => {
    const { next, ...last } = head
    const page = parse(writeFeed({ ...last, first: head.topic, previous: `${head.topic}?after=9` }, [note]))
    assert.equal(atom(page, 'id'), head.topic)
    assert.deepEqual(hrefs(page, 'next'), [])
    assert.deepEqual([...hrefs(page, 'first'), ...hrefs(page, 'previous')], [head.topic, `${head.topic}?after=9`])
    assert.deepEqual(hrefs(feed, 'next'), [next])
  })

  it('F14 takes entries that were written before, and gives the same bytes', () => {
    assert.equal(
      writeFeed(
        head,
        [reply, note].map(entry => writeEntry(entry, ann, { root: false }))
      ),
      xml
    )
  })

  it('F15 carries tombstones as children of the feed', () => {
    const [gone] = children(parse(writeFeed({ ...head, tombstones: [{ ref: note.id }] }, [])), NS.tombstone, 'deleted-entry')
    assert.deepEqual([attribute(gone, 'ref'), attribute(gone, 'when')], [note.id, '2024-01-03T10:00:00Z'])
  })

  it('F16 gives every entry an author, and the source of those from elsewhere', () => {
    for (const entry of children(feed, NS.atom, 'entry')) assert.ok(child(entry, NS.atom, 'author'))
    const source = child(entryOf(reply), NS.atom, 'source') ?? assert.fail()
    assert.deepEqual(outline(source), ['id', 'title', 'link alternate', 'link self', 'updated'])
  })
})

describe('atom author', () => {
  const author = child(entryOf(note), NS.atom, 'author') ?? assert.fail()

  it('F5 orders what it says of a person, with no Atom element that RFC 4287 does not know there but a picture', () => {
    const atomNames = ['activity:object-type', 'uri', 'name', 'email', 'link avatar']
    const poco = ['poco:preferredUsername', 'poco:displayName', 'poco:note', 'poco:address', 'poco:urls']
    assert.deepEqual(outline(author), [...atomNames, ...poco])
    assert.deepEqual(
      ['uri', 'name', 'email'].map(name => atom(author, name)),
      [ann.uri, 'ann', 'ann@a.example']
    )
    assert.equal(text(child(author, NS.poco, 'preferredUsername')), 'ann')
    assert.deepEqual(links(child(entryOf({ ...note, author: bob }), NS.atom, 'author') ?? assert.fail(), 'avatar'), [])
  })

  it('F5 I7 is read as the same person from uri and email, without an id', () => {
    const read = readFeed(Buffer.from(writeFeed(head, [note])), { url: head.topic })
    for (const one of [read.author, read.activities[0]?.actor]) {
      assert.deepEqual(one?.ids, [ann.uri, 'acct:ann@a.example'])
      assert.deepEqual([one.acct, one.username, one.displayName, one.bio], ['ann@a.example', 'ann', 'Ann & Co', ann.bio])
      assert.deepEqual([one.avatar, one.homepage, one.location], [ann.avatar, ann.homepage, ann.location])
    }
  })

  it('F5 gives the size of the picture', () => {
    const [avatar] = links(author, 'avatar')
    const size = [attribute(avatar, 'width', NS.media), attribute(avatar, 'height', NS.media)]
    assert.deepEqual([attribute(avatar, 'type'), ...size], ['image/png', '120', '120'])
  })

  it('F5 leaves out what is not known, rather than write it empty', () => {
    const xml = writeEntry({ ...note, author: { ...bob, avatar: { url: 'https://b.example/x', type: '' }, homepage: '' } }, ann, {
      root: true
    })
    assert.ok(!xml.includes('=""') && !xml.includes('poco:urls') && !xml.includes('<email'))
  })

  for (const handle of ['ann@127.0.0.1:3000', 'ann@localhost', 'ann']) {
    it(`F5 writes no email for the handle ${handle}`, () => {
      assert.ok(!writeEntry(note, { ...ann, handle }, { root: true }).includes('<email>'))
    })
  }
})

describe('atom entry', () => {
  const written = entryOf(reply)

  it('F6 has its elements in the order that all peers can read', () => {
    const start = ['id', 'published', 'updated', 'title', 'author', 'activity:object-type', 'activity:verb', 'summary', 'content']
    const middle = [
      'link mentioned',
      'link ostatus:attention',
      'link mentioned',
      'category',
      'category',
      'link enclosure',
      'link enclosure'
    ]
    const end = [
      'link alternate',
      'link self',
      'link related',
      'thr:in-reply-to',
      'link ostatus:conversation',
      'ostatus:conversation',
      'source'
    ]
    assert.deepEqual(outline(written), [...start, ...middle, ...end])
  })

  for (const [name, entry] of Object.entries({ note, reply, ...acts })) {
    it(`F6 has id, verb, author and content of the entry itself first (${name})`, () => {
      const xml = writeEntry(entry, ann, { root: true })
      const first = (tag: string) => new RegExp(`<${tag}[^>]*>([^<]*)<`).exec(xml)?.[1]
      const entryElement = parse(xml)
      assert.equal(first('id'), entry.id)
      assert.equal(first('activity:verb'), activity(entryElement, 'verb'))
      assert.equal(first('uri'), ann.uri)
      assert.equal(parse(`<c>${first('content')}</c>`).children[0], atom(entryElement, 'content'))
    })

    it(`F9 has a title, a content and absolute URIs for type and verb (${name})`, () => {
      const entryElement = entryOf(entry)
      assert.ok(atom(entryElement, 'title') !== '' && atom(entryElement, 'content') !== '')
      for (const local of ['object-type', 'verb']) assert.match(activity(entryElement, local), /^http:\/\/[a-z.]+\/schema\/1\.0\/[a-z-]+$/)
    })

    it(`F14 is the same in a feed and on its own, but for the root's namespaces (${name})`, () => {
      const alone = writeEntry(entry, ann, { root: true })
      assert.equal(alone.replace(/^.*\n<entry [^>]*>/, '<entry>'), writeEntry(entry, ann, { root: false }))
    })
  }

  it('F7 writes whole seconds in UTC, and no change before the publication', () => {
    const entry = entryOf({ ...note, updated: new Date('2023-01-01T00:00:00Z') })
    assert.deepEqual([atom(entry, 'published'), atom(entry, 'updated')], ['2024-01-02T00:00:00Z', '2024-01-02T00:00:00Z'])
  })

  it('F9 escapes its HTML exactly once', () => {
    assert.equal(atom(entryOf(note), 'content'), note.html)
    const xml = writeEntry({ ...note, html: '<p>a</p>' }, bob, { root: true })
    assert.ok(xml.includes('<content type="html" xml:lang="en">&lt;p&gt;a&lt;/p&gt;</content>') && !xml.includes('&amp;'))
  })

  it('F9 makes a title of the text, of at most 80 characters, or of the name', () => {
    assert.equal(atom(entryOf(note), 'title'), 'a < b & c second')
    const long = atom(entryOf({ ...note, html: `<p>${'🐘 elephants '.repeat(20)}</p>` }), 'title')
    assert.ok([...long].length <= 80 && /^((🐘|elephants)( |…$))+$/u.test(long), long)
    assert.equal(atom(entryOf({ ...note, html: '' }), 'title'), 'New note by ann')
    assert.equal(atom(entryOf({ ...note, html: 'x', title: '\u0000' }), 'title'), 'x')
  })

  it('F9 never has an empty content', () => {
    assert.equal(atom(entryOf({ ...note, html: ' ', title: 'A <b> & c' }), 'content'), 'A &lt;b&gt; &amp; c')
  })

  it('F9 sends an article as a note, and a reply as a comment', () => {
    const type = (entry: EntryOut) => activity(entryOf(entry), 'object-type')
    assert.equal(type({ ...note, kind: 'article' }), `${SCHEMA}note`)
    assert.equal(type(note), `${SCHEMA}note`)
    assert.equal(type(reply), `${SCHEMA}comment`)
    assert.equal(type({ ...note, verb: 'update' }), `${SCHEMA}note`)
  })

  it('F10 names each person once, for old peers too, and the public', () => {
    const types = links(written, 'mentioned').map(node => [attribute(node, 'object-type', NS.ostatus), attribute(node, 'href')])
    const everybody = 'http://activityschema.org/collection/public'
    assert.deepEqual(types, [
      [`${SCHEMA}person`, bob.uri],
      [`${SCHEMA}collection`, everybody]
    ])
    assert.deepEqual(hrefs(written, 'ostatus:attention'), [bob.uri])
    assert.deepEqual(hrefs(entryOf({ ...note, public: false }), 'mentioned'), [])
  })

  it("F11 refers to the parent by the parent's own id, and repeats its conversation", () => {
    const parent = child(written, NS.thr, 'in-reply-to')
    assert.deepEqual(
      ['ref', 'href', 'type'].map(name => attribute(parent, name)),
      [reply.inReplyTo?.id, reply.inReplyTo?.url, 'text/html']
    )
    assert.deepEqual(hrefs(written, 'related'), [reply.inReplyTo?.url])
    const conversation = child(written, NS.ostatus, 'conversation')
    assert.deepEqual([attribute(conversation, 'ref'), text(conversation)], [reply.conversation, reply.conversation])
    assert.deepEqual(hrefs(written, 'ostatus:conversation'), [reply.conversation])
  })

  it('F11 refers to a parent of which only the id or only the page is known', () => {
    const parent = (inReplyTo: { id?: string; url?: string }) => child(entryOf({ ...note, inReplyTo }), NS.thr, 'in-reply-to')?.attributes
    const pairs = (inReplyTo: { id?: string; url?: string }) => parent(inReplyTo)?.map(({ name, value }) => `${name}=${value}`)
    assert.deepEqual(pairs({ id: 'tag:x' }), ['ref=tag:x'])
    assert.deepEqual(pairs({ url: 'https://x.example/' }), ['ref=https://x.example/', 'href=https://x.example/', 'type=text/html'])
  })

  it('F12 gives every enclosure a length, 0 when it is not known', () => {
    const files = links(written, 'enclosure').map(node => ['type', 'length', 'title', 'href'].map(name => attribute(node, name)))
    assert.deepEqual(files, [
      ['image/png', '1234', 'A "cat"', `${ORIGIN}/1.png`],
      ['audio/ogg', '0', undefined, `${ORIGIN}/2.ogg`]
    ])
  })

  it('F13 writes tags in lower case, each once, and a summary only as a content warning', () => {
    const terms = children(written, NS.atom, 'category').map(node => attribute(node, 'term'))
    assert.deepEqual(terms, ['topic', 'nsfw'])
    assert.equal(atom(written, 'summary'), 'spoilers')
    assert.equal(attribute(child(written, NS.atom, 'summary'), 'type'), 'text')
    assert.equal(child(entryOf(note), NS.atom, 'summary'), undefined)
  })
})
