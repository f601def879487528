import assert from 'node:assert/strict'
import { writeFeed } from '../../src/protocol/atom-writer.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import type { EntryOut } from '../../src/protocol/feed-parts.ts'
import { NS } from '../../src/protocol/names.ts'
import { attribute, child, type XmlElement } from '../../src/protocol/xml.ts'
import { acts, ann, bob, bobsPost, head, note, reply } from '../fixtures/outgoing.ts'
import { activity, atom, entryOf, object, outline, SCHEMA } from '../support/atom.ts'

describe('atom acts', () => {
  const act = (name: string): XmlElement => entryOf(acts[name] ?? assert.fail())

  const verbs: [name: string, verb: string][] = [
    ['share', `${SCHEMA}share`],
    ['favourite', `${SCHEMA}favorite`],
    ['unfavourite', `${SCHEMA}unfavorite`],
    ['follow', `${SCHEMA}follow`],
    ['unfollow', 'http://ostatus.org/schema/1.0/unfollow'],
    ['request', `${SCHEMA}request-friend`],
    ['accept', `${SCHEMA}authorize`],
    ['reject', `${SCHEMA}reject`],
    ['block', 'http://mastodon.social/schema/1.0/block'],
    ['delete', `${SCHEMA}delete`]
  ]
  for (const [name, verb] of verbs) {
    it(`F9 writes ${name} as an activity with the verb ${verb}`, () => {
      assert.equal(activity(act(name), 'verb'), verb)
      assert.equal(activity(act(name), 'object-type'), `${SCHEMA}activity`)
    })
  }

  it('F8 X2 writes a share with one object: the post itself, under its own id and author', () => {
    const share = act('share')
    assert.notEqual(atom(share, 'id'), bobsPost.id)
    const order = ['id', 'published', 'updated', 'title', 'author', 'activity:object-type', 'activity:verb', 'content', 'link alternate']
    assert.deepEqual(outline(object(share)), order)
    assert.equal(atom(object(share), 'id'), bobsPost.id)
    assert.equal(activity(object(share), 'object-type'), `${SCHEMA}note`)
    assert.equal(child(object(share), NS.activity, 'object'), undefined)
    assert.equal(child(share, NS.thr, 'in-reply-to'), undefined)
  })

  for (const name of ['favourite', 'unfavourite']) {
    it(`X3 names the post of a ${name} as object and by in-reply-to`, () => {
      assert.equal(atom(object(act(name)), 'id'), bobsPost.id)
      const parent = child(act(name), NS.thr, 'in-reply-to')
      assert.deepEqual([attribute(parent, 'ref'), attribute(parent, 'href')], [bobsPost.id, bobsPost.url])
    })
  }

  it('X4 writes a delete so that entry, object and target all bear the id of the dead post', () => {
    const gone = act('delete')
    assert.equal(atom(gone, 'id'), note.id)
    assert.equal(child(gone, NS.thr, 'in-reply-to'), undefined)
    for (const one of [object(gone), child(gone, NS.activity, 'target')]) {
      assert.ok(one)
      assert.deepEqual([activity(one, 'object-type'), atom(one, 'id')], [`${SCHEMA}note`, note.id])
    }
  })

  for (const name of ['follow', 'unfollow']) {
    it(`X5 names whom the ${name} is about by id and uri`, () => {
      const person = object(act(name))
      assert.deepEqual([atom(person, 'id'), atom(person, 'uri'), atom(person, 'title')], [bob.uri, bob.uri, 'bob'])
      assert.equal(activity(person, 'object-type'), `${SCHEMA}person`)
    })
  }

  it('X6 answers a request with the request itself: its id, who asked, and whom', () => {
    const request = object(act('accept'))
    assert.equal(atom(request, 'id'), 'https://b.example/1')
    assert.equal(activity(request, 'verb'), `${SCHEMA}request-friend`)
    assert.equal(atom(child(request, NS.atom, 'author') ?? assert.fail(), 'uri'), bob.uri)
    assert.equal(atom(object(request), 'id'), ann.uri)
  })
})

describe('atom, written and read again', () => {
  const read = (entries: EntryOut[]) => readFeed(Buffer.from(writeFeed(head, entries)), { url: head.topic })

  it('F3 a feed comes back with its links', () => {
    const { id, title, updated, author, links: found } = read([])
    assert.deepEqual(
      { id, title, updated: updated?.toISOString() },
      { id: head.topic, title: head.title, updated: '2024-01-03T10:00:00.000Z' }
    )
    assert.deepEqual(found, { self: [head.topic], hub: head.hubs, salmon: head.salmon, alternate: head.page, next: head.next })
    assert.deepEqual([author?.ids[0], author?.username, author?.acct, author?.displayName], [ann.uri, 'ann', 'ann@a.example', 'Ann & Co'])
  })

  it('F6 F10 F11 F12 F13 a post comes back whole', () => {
    const [activity] = read([reply]).activities
    assert.ok(activity?.object.type === 'post')
    const { html, title, warning, language, url, atomUrl, inReplyTo, conversation, visibility } = activity.object.post
    assert.deepEqual(
      { html, title, warning, language, url, entryUrl: atomUrl, inReplyTo, conversation },
      Object.fromEntries(
        (['html', 'title', 'warning', 'language', 'url', 'entryUrl', 'inReplyTo', 'conversation'] as const).map(key => [key, reply[key]])
      )
    )
    assert.deepEqual([visibility, activity.object.post.mentions, activity.authors], ['public', [bob.uri], 1])
    assert.deepEqual(
      activity.object.post.enclosures.map(file => file.url),
      reply.enclosures.map(file => file.url)
    )
  })

  for (const [name, entry] of Object.entries(acts)) {
    it(`F8 F9 the act ${name} comes back with its verb, its actor and what it is about`, () => {
      const [activity] = read([entry]).activities
      assert.equal(activity?.verb, entry.verb)
      assert.equal(activity?.actor?.ids[0], ann.uri)
      const about = activity?.object.type === 'activity' && entry.verb === 'undo' ? activity.object.activity.object : activity?.object
      const id =
        about?.type === 'post'
          ? about.post.id
          : about?.type === 'actor'
            ? about.actor.ids[0]
            : about?.type === 'activity' && about.activity.id
      const object = entry.object ?? assert.fail()
      assert.equal(id, object.type === 'post' ? object.post.id : object.type === 'person' ? object.person.uri : object.id)
    })
  }
})
