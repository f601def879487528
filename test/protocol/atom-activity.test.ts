import assert from 'node:assert/strict'
import { BadMessage } from '../../src/model/errors.ts'
import { identityOf, readEntry } from '../../src/protocol/atom-reader.ts'
import { ANN, authorXml, BOB, entry, entryXml, feedXml, inFeed, linkXml, postOf, typeXml, verbXml } from '../support/atom-documents.ts'

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
    const found = inFeed(`<id>\n HTTP://A.example/%7e \n</id>${linkXml('alternate', '../p/1')}`)
    assert.deepEqual([found.id, found.url], ['HTTP://A.example/%7e', 'https://a.example/p/1'])
  })

  it('I10 names an entry without an id by its page, else by what it says', () => {
    assert.equal(inFeed(linkXml('alternate', '/p/1', 'type="text/html"')).id, 'https://a.example/p/1')
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
    const { id, kind, title, author } = postOf(posted)
    assert.deepEqual([id, kind, title, author?.ids[0]], ['2', 'image', 'My cat', ANN])
  })

  it('I9 knows the kinds of posts, and takes none for a note', () => {
    const kind = (inner: string) => postOf(entry(`<id>1</id>${inner}`)).kind
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
    const read = (inner: string) => postOf(entry(`<id>1</id>${authorXml(ANN)}${verbXml('share')}${inner}`))
    const plain = read(wrapped('post'))
    assert.deepEqual([plain.id, plain.html, plain.author?.ids[0], plain.published?.getUTCFullYear()], ['note', 'hi', BOB, 2024])
    assert.equal(read(wrapped('share')).author, undefined)
    assert.equal(read(note).author, undefined)
  })

  it('X2 looks three objects deep and no deeper', () => {
    const nest = (depth: number): string => (depth === 0 ? '' : `<activity:object><id>${depth}</id>${nest(depth - 1)}</activity:object>`)
    assert.equal(postOf(entry(`<id>x</id>${verbXml('share')}${nest(50)}`)).id, '48')
  })

  it('X3 finds the post of a favourite in the object, else in what it answers, and takes it for no reply', () => {
    const reply = '<thr:in-reply-to ref="p2"/>'
    const full = entry(`<id>1</id>${verbXml('favorite')}<activity:object><id>p</id></activity:object>${reply}`)
    assert.deepEqual([postOf(full).id, postOf(full).inReplyTo], ['p', undefined])
    assert.equal(postOf(entry(`<id>1</id>${verbXml('favorite')}${reply}`)).id, 'p2')
    assert.equal(entry(`<id>1</id>${verbXml('favorite')}`).object.type, 'nothing')
  })

  it('X4 deletes what the object names, else the target, else the entry', () => {
    const [object, target] = ['object', 'target'].map(local => `<activity:${local}><id>${local}</id></activity:${local}>`)
    const gone = (inner: string) => postOf(entry(`<id>entry</id>${verbXml('delete')}${inner}`)).id
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
