import assert from 'node:assert/strict'
import type { Activity, Post } from '../../src/model/activity.ts'
import { BadMessage } from '../../src/model/errors.ts'
import { authorsAgree, identityOf, readEntry } from '../../src/protocol/atom-reader.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { ANN, authorXml, BOB, entryXml, feedXml, typeXml, verbXml } from '../support/atom-documents.ts'

const URL = 'https://a.example/users/ann.atom'
const feed = (inner: string) => readFeed(feedXml(inner), { url: URL })
const entry = (inner: string): Activity => readEntry(entryXml(inner))
const inFeed = (inner: string): Activity => feed(`<id>f</id><entry>${inner}</entry>`).activities[0] ?? assert.fail()
const post = (activity: Activity): Post => (activity.object.type === 'post' ? activity.object.post : assert.fail(activity.object.type))
const link = (rel: string, href: string, more = '') => `<link rel="${rel}" href="${href}" ${more}/>`

describe('feed documents', () => {
  it('I2 reads a feed in UTF-16, with a BOM, with CRLF', () => {
    const written = feedXml(`<id>f</id>\r\n<entry><id>1</id><title>\u00fc</title></entry>`).toString()
    for (const bytes of [Buffer.from(`\ufeff${written}`), Buffer.from(`\ufeff${written}`, 'utf16le'), Buffer.from(written)]) {
      assert.equal(readFeed(bytes, { url: URL }).activities[0]?.title, '\u00fc')
    }
  })

  it('I3 reads a feed and a bare entry, whatever the prefix, and refuses every other root', () => {
    assert.equal(feed('<id>f</id>').format, 'atom')
    assert.equal(readFeed(entryXml('<id>1</id>'), { url: URL }).format, 'entry')
    const prefixed = '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:id>1</a:id></a:entry></a:feed>'
    assert.equal(readFeed(Buffer.from(prefixed), { url: URL }).activities.length, 1)
    for (const other of ['<html/>', '<feed/>', '<entry/>', '<rss xmlns="urn:x"/>', 'text', '', '{}', '[]', '{"version":1']) {
      assert.throws(() => readFeed(Buffer.from(other), { url: URL }), BadMessage, other)
    }
  })

  it('I1 reads 200 entries and counts the others, and those that say nothing', () => {
    const many = feed(`<entry/>${'<entry><id>1</id></entry>'.repeat(210)}`)
    assert.deepEqual([many.activities.length, many.dropped], [199, 12])
  })

  it('I12 S1 gives its links, resolved, also those whose rel is a URI of IANA', () => {
    const { links } = feed(
      link('http://www.iana.org/assignments/relation/self', '/f') +
        link('hub', 'https://h1.example/') +
        link('hub', 'https://h2.example/') +
        link('hub', 'javascript:x') +
        link('http://salmon-protocol.org/ns/salmon-replies', '/s') +
        '<link href="/page"/>' +
        link('next', '?p=2') +
        link('prev-archive', '/old')
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
    assert.deepEqual([none.actor, none.authors, post(none).author], [undefined, 0, undefined])
    assert.equal(post(first).author?.ids[0], BOB)
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
      `<author><email>Ann@A.example</email>${link('alternate', 'https://a.example/@ann', 'type="text/html"')}<uri> ${ANN}\n</uri><id>tag:a.example,2024:ann</id></author>`
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
    assert.equal(agree(`<id>${ANN}</id><uri>https://a.example:8443/users/ann</uri>`), false)
  })

  it('I8 reads the profile', () => {
    const { author } = feed(
      `<logo>https://a.example/logo.png</logo><author><uri>${ANN}</uri><name>ann</name>${typeXml('person')}<summary type="html">&lt;p&gt;bio &amp;amp; more&lt;/p&gt;</summary>` +
        link('avatar', 'https://a.example/48.png', 'type="image/png" media:width="48" media:height="48"') +
        link('avatar', 'https://a.example/96.png', 'type="image/png" media:width="96" media:height="96"') +
        link('avatar', '/headers/original/missing.png', 'type="" media:width="700" media:height="335"') +
        link('avatar', 'https://a.example/x.html', 'type="text/html" media:width="999" media:height="999"') +
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
      `<icon>/i.png</icon><author><name>Ann A</name><uri>${ANN}</uri>${typeXml('group')}${link('avatar', '')}</author>`
    )
    assert.deepEqual([author?.username, author?.avatar?.url, author?.kind], ['ann', 'https://a.example/i.png', 'group'])
  })
})

describe('what an entry is', () => {
  const bases = ['', 'http://activitystrea.ms/schema/1.0/', 'http://ostatus.org/schema/1.0/', 'http://mastodon.social/schema/1.0/']
  const person = `<activity:object>${typeXml('person')}<id>${BOB}</id></activity:object>`

  it('I5 I9 knows each verb under every base, as a bare word, and with white space around it', () => {
    const expected = {
      post: 'post',
      share: 'share',
      favorite: 'favourite',
      like: 'favourite',
      follow: 'follow',
      'make-friend': 'follow',
      delete: 'delete',
      update: 'update',
      'update-profile': 'update',
      'request-friend': 'request',
      authorize: 'accept',
      reject: 'reject',
      block: 'block',
      join: 'join',
      tag: 'tag',
      commit: 'unknown'
    }
    for (const base of bases) {
      for (const [word, verb] of Object.entries(expected))
        assert.equal(entry(`<id>1</id>${verbXml(`${word}\n `, ` ${base}`)}`).verb, verb, base + word)
    }
    assert.equal(entry(`<id>1</id>${verbXml('post', 'https://evil.example/')}`).verb, 'unknown')
    assert.equal(entry('<id>1</id><activity:verb/>').verb, 'post')
  })

  it('X3 X5 X8 X10 reads what takes something back as an undo of it', () => {
    const expected = {
      unfollow: 'follow',
      'stop-following': 'follow',
      'remove-friend': 'follow',
      unfavorite: 'favourite',
      unlike: 'favourite',
      leave: 'join',
      untag: 'tag',
      unblock: 'block'
    }
    for (const base of bases) {
      for (const [word, verb] of Object.entries(expected)) {
        const { verb: outer, object } = entry(`<id>1</id>${authorXml(ANN)}${verbXml(word, base)}${person}`)
        const inner = object.type === 'activity' ? object.activity : assert.fail()
        assert.deepEqual([outer, inner.verb, identityOf(inner.actor)], ['undo', verb, ANN])
      }
    }
  })

  it('I5 compares ids as they stand, after trimming, and resolves links', () => {
    const found = inFeed(`<id>\n HTTP://A.example/%7e \n</id>${link('alternate', '../p/1')}`)
    assert.deepEqual([found.id, found.url], ['HTTP://A.example/%7e', 'https://a.example/p/1'])
  })

  it('I10 names an entry without an id by its page, else by what it says', () => {
    assert.equal(inFeed(link('alternate', '/p/1', 'type="text/html"')).id, 'https://a.example/p/1')
    const hashed = (title: string) => inFeed(`<title>${title}</title>`).id
    assert.match(hashed('a'), /^urn:sha256:[0-9a-f]{64}$/)
    assert.equal(hashed('a'), hashed('a'))
    assert.notEqual(hashed('a'), hashed('b'))
  })

  it('I9 takes the object of a post for the post, and whoever posts it for its author', () => {
    const posted = entry(
      `<id>1</id>${authorXml(ANN)}<title>Ann posted</title>${verbXml('post')}<activity:object><id>2</id>${typeXml('photo')}<title>My cat</title>${authorXml(BOB)}</activity:object>`
    )
    assert.deepEqual([posted.id, posted.title], ['2', 'Ann posted'])
    const { id, kind, title, author } = post(posted)
    assert.deepEqual([id, kind, title, author?.ids[0]], ['2', 'image', 'My cat', ANN])
  })

  it('I9 knows the kinds of posts, and takes none for a note', () => {
    const kind = (inner: string) => post(entry(`<id>1</id>${inner}`)).kind
    const expected = {
      note: 'note',
      comment: 'comment',
      article: 'article',
      image: 'image',
      photo: 'image',
      video: 'video',
      event: 'event',
      bookmark: 'other'
    }
    for (const [word, found] of Object.entries(expected)) assert.equal(kind(typeXml(word)), found)
    assert.equal(kind(''), 'note')
  })

  it('X2 shares the innermost note, and never gives it the author of a share around it', () => {
    const note = `<activity:object>${typeXml('note')}<id>note</id><content>hi</content></activity:object>`
    const wrapped = (verb: string) =>
      `<activity:object>${typeXml('activity')}<id>wrapper</id>${verbXml(verb)}${authorXml(BOB)}<published>2024-01-01T00:00:00Z</published>${note}</activity:object>`
    const read = (inner: string) => post(entry(`<id>1</id>${authorXml(ANN)}${verbXml('share')}${inner}`))
    const plain = read(wrapped('post'))
    assert.deepEqual([plain.id, plain.html, plain.author?.ids[0], plain.published?.getUTCFullYear()], ['note', 'hi', BOB, 2024])
    assert.equal(read(wrapped('share')).author, undefined)
    assert.equal(read(note).author, undefined)
  })

  it('X2 looks three objects deep and no deeper', () => {
    const nest = (depth: number): string => (depth === 0 ? '' : `<activity:object><id>${depth}</id>${nest(depth - 1)}</activity:object>`)
    assert.equal(post(entry(`<id>x</id>${verbXml('share')}${nest(50)}`)).id, '48')
  })

  it('X3 finds the post of a favourite in the object, else in what it answers, and takes it for no reply', () => {
    const reply = '<thr:in-reply-to ref="p2"/>'
    const full = entry(`<id>1</id>${verbXml('favorite')}<activity:object><id>p</id></activity:object>${reply}`)
    assert.deepEqual([post(full).id, post(full).inReplyTo], ['p', undefined])
    assert.equal(post(entry(`<id>1</id>${verbXml('favorite')}${reply}`)).id, 'p2')
    assert.equal(entry(`<id>1</id>${verbXml('favorite')}`).object.type, 'nothing')
  })

  it('X4 deletes what the object names, else the target, else the entry', () => {
    const [object, target] = ['object', 'target'].map(local => `<activity:${local}><id>${local}</id></activity:${local}>`)
    const gone = (inner: string) => post(entry(`<id>entry</id>${verbXml('delete')}${inner}`)).id
    assert.deepEqual([gone(`${target}${object}`), gone(target ?? ''), gone('')], ['object', 'target', 'entry'])
  })

  it('X5 follows a person by id, else by uri, and nobody without a name', () => {
    const followed = (inner: string) =>
      entry(`<id>1</id>${verbXml('follow')}<activity:object>${typeXml('person')}${inner}</activity:object>`).object
    for (const name of [`<id>${BOB}</id>`, `<uri>${BOB}</uri>`]) {
      const object = followed(name)
      assert.equal(object.type === 'actor' && object.actor.ids[0], BOB)
    }
    assert.equal(followed('').type, 'nothing')
    assert.equal(entry(`<id>1</id>${verbXml('follow')}`).object.type, 'nothing')
  })

  it('X5 knows the follow that GNU social 1.0 takes back', () => {
    const { object } = entry(`<id>undo:tag:x</id>${verbXml('unfollow')}${person}`)
    assert.equal(object.type === 'activity' && object.activity.id, 'tag:x')
  })

  it('X6 accepts the request of somebody, which is an activity', () => {
    const request = `<activity:object>${typeXml('activity')}<id>r</id>${verbXml('request-friend')}${authorXml(BOB)}<activity:object>${typeXml('person')}<id>${ANN}</id></activity:object></activity:object>`
    const { object } = entry(`<id>1</id>${authorXml(ANN)}${verbXml('authorize')}${request}`)
    const inner = object.type === 'activity' ? object.activity : assert.fail()
    assert.deepEqual(
      [inner.id, inner.verb, identityOf(inner.actor), inner.object.type === 'actor' && inner.object.actor.ids[0]],
      ['r', 'request', BOB, ANN]
    )
  })

  it('X7 takes a change of profile as an update of the actor', () => {
    const { verb, object } = entry(`<id>1</id>${authorXml(ANN)}${verbXml('update-profile', 'http://ostatus.org/schema/1.0/')}`)
    assert.deepEqual([verb, object.type === 'actor' && object.actor.ids[0]], ['update', ANN])
  })

  it('M1 readEntry refuses what is no entry, too long, or not UTF-8', () => {
    assert.throws(() => readEntry(feedXml('')), BadMessage)
    assert.throws(() => readEntry(Buffer.concat([entryXml('<id>1</id>'), Buffer.alloc(1_000_000, 32)])), { status: 413 })
    assert.throws(() => readEntry(Buffer.from('<entry xmlns="http://www.w3.org/2005/Atom"><id>\u00fc</id></entry>', 'latin1')), BadMessage)
  })
})

describe('what a post says', () => {
  const read = (inner: string) => post(inFeed(`<id>1</id>${inner}`))

  it('I11 gives content as HTML, whatever its type', () => {
    const html = (content: string, more = '') => read(content + more).html
    assert.equal(html('<content type="html">&lt;p&gt;a&lt;/p&gt;</content>'), '<p>a</p>')
    assert.equal(html('<content type="html">&amp;lt;b&amp;gt;</content>'), '&lt;b&gt;')
    assert.equal(html('<content>a &lt; b &amp; c</content>'), 'a &lt; b &amp; c')
    assert.equal(
      html('<content type="xhtml"><h:div xmlns:h="http://www.w3.org/1999/xhtml">a<h:br/><h:b>c</h:b></h:div></content>'),
      'a<br><b>c</b>'
    )
    assert.equal(
      html('<content type="image/png">aGk=</content>', link('alternate', 'https://a.example/1')),
      '<a href="https://a.example/1">https://a.example/1</a>'
    )
    assert.equal(html('<content type="text/html" src="/x">'.replace('>', '/>')), '<a href="https://a.example/x">https://a.example/x</a>')
    assert.equal(html('<summary>s</summary><title>t</title>'), 's')
    assert.equal(html('<content/><title type="html">t &amp;amp; u</title>'), 't &amp; u')
  })

  it('I11 caps content before it is parsed', () => {
    assert.equal(read(`<content>${'ä'.repeat(100_000)}</content>`).html.length, 32_768)
  })

  it('I12 takes a page by http(s) only, of whatever name for HTML', () => {
    const url = (links: string) => read(links).url
    assert.equal(url(link('alternate', 'javascript:alert(1)', 'type="text/html"')), undefined)
    assert.equal(url(link('alternate', '') + link('alternate', 'https://x.example/', 'type="text/xhtml"')), 'https://x.example/')
    assert.equal(url('<link href="https://x.example/1"/><link type="text/html" href="https://x.example/2"/>'), 'https://x.example/2')
    assert.equal(url('<link rel="alternate"/><link rel="self" href="https://x.example/"/>'), undefined)
  })

  it('I12 gathers mentions once each, without the public', () => {
    const found = read(
      link('mentioned', BOB) +
        link('ostatus:attention', BOB) +
        link('mentioned', '') +
        link('mentioned', 'http://activityschema.org/collection/public')
    )
    assert.deepEqual(found.mentions, [BOB])
  })

  it('I13 finds the parent by in-reply-to, and by a related link only of GNU social', () => {
    const related = link('related', 'https://b.example/7')
    assert.deepEqual(read(`<thr:in-reply-to ref=" tag:7 " href="/7"/>${related}`).inReplyTo, { id: 'tag:7', url: 'https://a.example/7' })
    assert.deepEqual(read(`<statusnet:notice_info/>${related}`).inReplyTo, { url: 'https://b.example/7' })
    assert.equal(read(related).inReplyTo, undefined)
  })

  it('I13 prefers ref, then text, then href of a conversation, then the link, and takes the namespace with a slash', () => {
    const conversation = (inner: string) => read(inner).conversation
    const byLink = link('ostatus:conversation', 'l')
    assert.equal(conversation(`${byLink}<ostatus:conversation ref="r" href="h">t</ostatus:conversation>`), 'r')
    assert.equal(conversation(`${byLink}<ostatus:conversation href="h">t</ostatus:conversation>`), 't')
    assert.equal(conversation(`${byLink}<ostatus:conversation href="h"/>`), 'h')
    assert.equal(conversation(byLink), 'l')
    assert.equal(conversation('<conversation xmlns="http://ostatus.org/schema/1.0/" ref="s"/>'), 's')
  })

  it('I14 takes updated where published is missing, and clamps nothing', () => {
    assert.equal(read('<updated>2999-01-01T00:00:00Z</updated>').published?.getUTCFullYear(), 2999)
    assert.equal(read('<published>soon</published>').published, undefined)
  })

  it('F12 F13 reads enclosures, tags, language and warnings', () => {
    const found = read(
      `${typeXml('note')}<summary>spoilers</summary><content type="html" xml:lang="de">x</content><category term="#Topic"/><category term="topic"/><category term="nsfw"/><category/>` +
        link('enclosure', 'https://a.example/1.png', 'type="image/png" length="12" title="cat"') +
        link('enclosure', 'https://a.example/2.png', 'length="many"')
    )
    assert.deepEqual([found.warning, found.sensitive, found.language, found.tags], ['spoilers', true, 'de', ['topic']])
    assert.deepEqual(found.enclosures, [
      { url: 'https://a.example/1.png', type: 'image/png', length: 12, title: 'cat' },
      { url: 'https://a.example/2.png' }
    ])
    assert.equal(read('<summary>excerpt</summary><content>text</content>').warning, undefined)
  })

  it('X1 tells who may read it', () => {
    const scope = (word: string) => `<mastodon:scope>${word}</mastodon:scope>`
    const everybody = link('mentioned', 'http://activityschema.org/collection/public')
    for (const [inner, expected] of [
      ['', 'public'],
      [everybody + link('mentioned', BOB), 'public'],
      [link('mentioned', BOB), 'unlisted'],
      [scope('unlisted'), 'unlisted'],
      [scope('private') + everybody, 'followers'],
      [scope('direct') + everybody, 'direct'],
      [scope('limited'), 'followers'],
      [`<author><uri>${ANN}</uri>${scope('public')}</author>${link('mentioned', BOB)}`, 'unlisted']
    ]) {
      assert.equal(read(inner ?? '').visibility, expected, inner)
    }
  })

  it('X13 knows the post under its name in ActivityPub', () => {
    assert.equal(read(link('alternate', 'https://a.example/1', 'type="application/activity+json"')).activityUrl, 'https://a.example/1')
  })
})
