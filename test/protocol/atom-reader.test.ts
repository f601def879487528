import assert from 'node:assert/strict'
import { BadMessage } from '../../src/model/errors.ts'
import { authorsAgree, identityOf } from '../../src/protocol/atom-reader.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { ANN, authorXml, BOB, entry, entryXml, FEED, feed, feedXml, linkXml, postOf, typeXml, verbXml } from '../support/atom-documents.ts'

describe('feed documents', () => {
  it('I2 reads a feed in UTF-16, with a BOM, with CRLF', () => {
    const written = feedXml(`<id>f</id>\r\n<entry><id>1</id><title>\u00fc</title></entry>`).toString()
    for (const bytes of [Buffer.from(`\ufeff${written}`), Buffer.from(`\ufeff${written}`, 'utf16le'), Buffer.from(written)]) {
      assert.equal(readFeed(bytes, { url: FEED }).activities[0]?.title, '\u00fc')
    }
  })

  it('I3 reads a feed and a bare entry, whatever the prefix, and refuses every other root', () => {
    assert.equal(feed('<id>f</id>').format, 'atom')
    assert.equal(readFeed(entryXml('<id>1</id>'), { url: FEED }).format, 'entry')
    const prefixed = '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:id>1</a:id></a:entry></a:feed>'
    assert.equal(readFeed(Buffer.from(prefixed), { url: FEED }).activities.length, 1)
    for (const other of ['<html/>', '<feed/>', '<entry/>', '<rss xmlns="urn:x"/>', 'text', '', '{}', '[]', '{"version":1']) {
      assert.throws(() => readFeed(Buffer.from(other), { url: FEED }), BadMessage, other)
    }
  })

  it('I1 reads 200 entries and counts the others, and those that say nothing', () => {
    const many = feed(`<entry/>${'<entry><id>1</id></entry>'.repeat(210)}`)
    assert.deepEqual([many.activities.length, many.dropped], [199, 12])
  })

  it('I12 S1 gives its links, resolved, also those whose rel is a URI of IANA', () => {
    const { links } = feed(
      linkXml('http://www.iana.org/assignments/relation/self', '/f') +
        linkXml('hub', 'https://h1.example/') +
        linkXml('hub', 'https://h2.example/') +
        linkXml('hub', 'javascript:x') +
        linkXml('http://salmon-protocol.org/ns/salmon-replies', '/s') +
        '<link href="/page"/>' +
        linkXml('next', '?p=2') +
        linkXml('prev-archive', '/old')
    )
    assert.deepEqual(links, {
      self: ['https://a.example/f'],
      hub: ['https://h1.example/', 'https://h2.example/'],
      salmon: 'https://a.example/s',
      alternate: 'https://a.example/page',
      next: 'https://a.example/users/ann.atom?p=2',
      prevArchive: 'https://a.example/old'
    })
  })

  it('X4 reads tombstones, whose author is told and not proven', () => {
    const { tombstones } = feed(
      `<at:deleted-entry ref=" tag:1 " when="2024-01-02T00:00:00Z"><at:by><uri>${ANN}</uri></at:by></at:deleted-entry><at:deleted-entry/>`
    )
    assert.deepEqual(tombstones, [{ ref: 'tag:1', when: new Date('2024-01-02T00:00:00Z'), by: ANN }])
  })
})

describe('who an entry is by', () => {
  it('I4 takes the author from a direct child, wherever the object stands', () => {
    const shared = `<activity:object><id>p</id>${typeXml('note')}${authorXml(BOB)}</activity:object>`
    const first = entry(`<id>1</id>${verbXml('share')}${shared}${authorXml(ANN)}`)
    assert.deepEqual([identityOf(first.actor), first.authors], [ANN, 1])
    const none = entry(`<id>1</id>${shared}`)
    assert.deepEqual([none.actor, none.authors, postOf(none).author], [undefined, 0, undefined])
    assert.equal(postOf(first).author?.ids[0], BOB)
  })

  it('I4 takes the first of two authors and counts both', () => {
    const two = entry(`<id>1</id>${authorXml(ANN)}${authorXml(BOB)}`)
    assert.deepEqual([identityOf(two.actor), two.authors], [ANN, 2])
  })

  it('X16 counts an activity:actor who is somebody else as another author', () => {
    assert.equal(entry(`<id>1</id>${authorXml(ANN)}<activity:actor><id>${ANN}</id></activity:actor>`).authors, 1)
    assert.equal(entry(`<id>1</id>${authorXml(ANN)}<activity:actor><id>${BOB}</id></activity:actor>`).authors, 2)
  })

  it('I6 inherits from the source, else from the feed, and never from a name that says nothing', () => {
    const named = (inner: string) => feed(`<id>f</id>${authorXml(ANN)}<entry><id>1</id>${inner}</entry>`).activities[0]
    assert.equal(identityOf(named('')?.actor), ANN)
    assert.equal(identityOf(named('<author/>')?.actor), ANN)
    assert.equal(identityOf(named(`<source>${authorXml(BOB)}</source>`)?.actor), BOB)
    assert.equal(identityOf(named(`<source>${authorXml(BOB)}</source>${authorXml(ANN)}`)?.actor), ANN)
    assert.deepEqual(named('<author><name>Joe Doe</name></author>')?.actor, { ids: [], kind: 'person', displayName: 'Joe Doe' })
  })

  it('I6 takes the looks from activity:subject, the identity from author, and the looks of nobody else', () => {
    const subject = (id: string) => `<activity:subject><id>${id}</id><poco:displayName>Ann A.</poco:displayName></activity:subject>`
    assert.deepEqual(
      [feed(authorXml(ANN) + subject(ANN)).author?.displayName, feed(authorXml(ANN) + subject(BOB)).author?.displayName],
      ['Ann A.', 'x']
    )
    assert.equal(feed(subject(ANN)).author, undefined)
  })

  it('I7 orders the names of an author: id, uri, email, page', () => {
    const { author } = feed(
      `<author><email>Ann@A.example</email>${linkXml('alternate', 'https://a.example/@ann', 'type="text/html"')}<uri> ${ANN}\n</uri><id>tag:a.example,2024:ann</id></author>`
    )
    assert.deepEqual(author?.ids, ['tag:a.example,2024:ann', ANN, 'acct:ann@a.example', 'https://a.example/@ann'])
    assert.equal(author?.acct, 'ann@a.example')
  })

  it('I7 takes nothing for an identity that is not one', () => {
    for (const bad of ['/users/ann', 'javascript:x', 'ann', 'https://', 'http://a b/', `https://a.example/${'x'.repeat(3000)}`, '']) {
      assert.deepEqual(feed(authorXml(bad)).author?.ids, [], bad.slice(0, 20))
    }
    assert.deepEqual(feed('<author><email>Ann (ann@a.example)</email></author>').author?.ids, [])
  })

  it('I7 sees whether all names of an author are of one host', () => {
    const agree = (inner: string) => authorsAgree(feed(`<author>${inner}</author>`).author ?? assert.fail())
    assert.equal(agree(`<id>${ANN}</id><uri>https://a.example/@ann</uri><email>ann@handle.example</email>`), true)
    assert.equal(agree(`<id>${ANN}</id><uri>https://evil.example/users/mal</uri>`), false)
    assert.equal(agree(`<id>${ANN}</id><uri>https://a.example:8443/users/ann</uri>`), true)
  })

  it('I8 reads the profile', () => {
    const { author } = feed(
      `<logo>https://a.example/logo.png</logo><author><uri>${ANN}</uri><name>ann</name>${typeXml('person')}<summary type="html">&lt;p&gt;bio &amp;amp; more&lt;/p&gt;</summary>` +
        linkXml('avatar', 'https://a.example/48.png', 'type="image/png" media:width="48" media:height="48"') +
        linkXml('avatar', 'https://a.example/96.png', 'type="image/png" media:width="96" media:height="96"') +
        linkXml('avatar', '/headers/original/missing.png', 'type="" media:width="700" media:height="335"') +
        linkXml('avatar', 'https://a.example/x.html', 'type="text/html" media:width="999" media:height="999"') +
        '<poco:displayName>Ann A.</poco:displayName><poco:address><poco:formatted>Berlin</poco:formatted></poco:address>' +
        '<poco:urls><poco:value>https://blog.example/</poco:value><poco:primary>true</poco:primary></poco:urls></author>'
    )
    assert.deepEqual(author, {
      ids: [ANN],
      kind: 'person',
      username: 'ann',
      displayName: 'Ann A.',
      url: ANN,
      bio: 'bio & more',
      avatar: { url: 'https://a.example/96.png', type: 'image/png', width: 96, height: 96 },
      location: 'Berlin',
      homepage: 'https://blog.example/'
    })
  })

  it('I8 falls back: a name with a space to the path, a picture to the logo, groups are groups', () => {
    const { author } = feed(
      `<icon>/i.png</icon><author><name>Ann A</name><uri>${ANN}</uri>${typeXml('group')}${linkXml('avatar', '')}</author>`
    )
    assert.deepEqual([author?.username, author?.avatar?.url, author?.kind], ['ann', 'https://a.example/i.png', 'group'])
  })
})
