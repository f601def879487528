/**
 * Real feeds and entries, read and held against what plain regular expressions find in the same bytes: a second opinion that
 * shares nothing with the reader.
 */
import assert from 'node:assert/strict'
import type { Activity, Feed, Post } from '../../src/model/activity.ts'
import { BadMessage } from '../../src/model/errors.ts'
import { authorsAgree, identityOf, readEntry } from '../../src/protocol/atom-reader.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { sanitizeHtml } from '../../src/protocol/sanitize.ts'
import { readCapture } from '../support/captures.ts'
import { listSamples, readSample, withSamples } from '../support/samples.ts'

const URL = 'https://reader.example/feed'
const read = (bytes: Buffer): Feed => readFeed(bytes, { url: URL })
const readOne = (path: string): Activity => read(readSample(path)).activities[0] ?? assert.fail(path)
const postOf = (activity: Activity): Post => (activity.object.type === 'post' ? activity.object.post : assert.fail(activity.object.type))

/** The Atom in a sample, be it alone or inside a recorded request or answer; undefined when there is none. */
function atomIn(path: string): string | undefined {
  const whole = readSample(path).toString()
  const start = /<(feed|entry)[\s>]/.exec(whole)
  return start === null ? undefined : whole.slice(start.index, whole.lastIndexOf(`</${start[1]}>`) + start[1]!.length + 3)
}

const WORDS: Record<string, string> = { favorite: 'favourite', unfollow: 'undo', commit: 'unknown' }
const SAMPLES = ['feeds', 'entries', 'parse', 'requests', 'gnu-social/gs-1.20.9', 'gnu-social/gs-2.0.0beta0']
const atoms = SAMPLES.flatMap(listSamples).filter(path => !path.endsWith('.html') && atomIn(path) !== undefined)

/** Without what speaks of others: objects (the innermost first), targets, sources, actors and subjects. */
function ownWords(xml: string): string {
  const others = /<(activity:(?:object|target|actor|subject)|source)(?:\s[^>]*)?>(?:(?!<\1[\s>])[\s\S])*?<\/\1>/g
  const less = xml.replace(others, '')
  return less === xml ? xml : ownWords(less)
}

/** What regular expressions make of a document: for each entry its verb and the name of its author. */
function secondOpinion(xml: string): { verb: string; author: string | undefined }[] {
  const own = ownWords(xml)
  const [head = '', ...entries] = own.split(/<entry\b/)
  return entries.map(entry => {
    const word = /<activity:verb>\s*([^<]*?)\s*<\/activity:verb>/.exec(entry)?.[1]?.split('/').at(-1) ?? 'post'
    return { verb: WORDS[word] ?? word, author: authorIn(entry) ?? authorIn(head) }
  })
}

function authorIn(xml: string): string | undefined {
  const author = /<author>([\s\S]*?)<\/author>/.exec(xml)?.[1] ?? ''
  const email = /<email>([^<]*)/.exec(author)?.[1]
  const page = /<link[^>]*rel="alternate"[^>]*text\/html"[^>]*href="([^"]*)"/.exec(author)?.[1]
  return /<id>([^<]*)/.exec(author)?.[1] ?? /<uri>([^<]*)/.exec(author)?.[1] ?? (email === undefined ? undefined : `acct:${email}`) ?? page
}

withSamples('real feeds and entries', () => {
  it('I3 I9 there are enough of them to mean something', () => {
    assert.ok(atoms.length >= 100, String(atoms.length))
  })

  for (const path of atoms) {
    it(`I4 I6 I9 reads the verbs and authors of ${path}`, () => {
      const { activities, dropped } = read(Buffer.from(atomIn(path) ?? ''))
      assert.equal(dropped, 0)
      assert.deepEqual(
        activities.map(({ verb, actor }) => ({ verb, author: identityOf(actor) })),
        secondOpinion(atomIn(path) ?? '')
      )
      for (const { actor } of activities) assert.ok(actor === undefined || authorsAgree(actor), path)
    })
  }

  for (const path of listSamples('requests').filter(one => one.includes('feed'))) {
    it(`I3 reads the body of the answer ${path}`, () => {
      assert.ok(read(readCapture(readSample(path)).body).activities.length > 0)
    })
  }

  it('I9 counts as many of each verb in gs-heldscal-23211.atom as there are in its text', () => {
    const path = 'feeds/gs-heldscal-23211.atom'
    const counts = Object.entries(Object.groupBy(read(readSample(path)).activities, ({ verb }) => verb)).map(([verb, all]) => [
      verb,
      all.length
    ])
    assert.deepEqual(Object.fromEntries(counts), { favourite: 14, post: 6 })
  })

  it('I3 I13 X2 reads a pushed share whose root is an entry', () => {
    const share = readOne('feeds/gs-quitter.no-pushed-share.atom')
    assert.equal(share.verb, 'share')
    assert.notEqual(postOf(share).id, share.id)
    assert.ok(postOf(share).author)
  })

  it('X2 finds the innermost note of a share of a share, by its own author', () => {
    const share = readOne('feeds/gs-nested-share.atom')
    assert.equal(postOf(share).id, 'tag:social.heldscal.la,2017-04-13:noticeId=1661724:objectType=note')
    assert.equal(postOf(share).author?.ids[0], 'https://social.heldscal.la/user/26137')
  })

  it('X2 X7 a share tells of the shared and of him who shares as two people', () => {
    for (const [path, sharer, author] of [
      ['entries/gs-share.xml', 'https://social.heldscal.la/user/23211', 'https://pleroma.soykaf.com/users/lain'],
      ['entries/mastodon-share.xml', 'https://mastodon.social/users/lambadalambda', 'https://pleroma.soykaf.com/users/lain']
    ] as const) {
      const share = readOne(path)
      assert.deepEqual([share.verb, identityOf(share.actor), postOf(share).author?.ids[0]], ['share', sharer, author])
    }
  })

  it('X3 takes a favourite for no reply, and knows what is liked', () => {
    for (const path of ['entries/gs-favorite.xml', 'entries/gs-favorite-local.xml', 'feeds/gs-favorite.atom']) {
      const like = readOne(path)
      assert.equal(like.verb, 'favourite')
      assert.notEqual(postOf(like).id, like.id)
    }
  })

  it('X4 reads deletes of Mastodon and of GNU social, whose verb is relative', () => {
    const mastodon = readOne('entries/mastodon-delete.xml')
    assert.deepEqual([mastodon.verb, postOf(mastodon).id], ['delete', 'tag:mastodon.sdf.org,2017-06-10:objectId=310513:objectType=Status'])
    const gone = read(readSample('feeds/gs-quitter.no-pushed-feed.atom')).activities.find(({ verb }) => verb === 'delete') ?? assert.fail()
    assert.equal(postOf(gone).id, 'tag:quitter.no,2016-03-19:noticeId=1272988:objectType=note')
    const tombstones = read(readSample('feeds/own-tombstones.atom')).tombstones
    assert.deepEqual(
      tombstones.map(stone => [stone.ref, stone.by]),
      [['tag:a.example,2024-01-01:objectId=1:objectType=Status', 'https://a.example/users/ann']]
    )
  })

  it('X5 reads follows, of people without an id too, and what takes them back', () => {
    const follow = read(readSample('feeds/mastodon-1.x-user.atom')).activities[0] ?? assert.fail()
    assert.equal(follow.object.type === 'actor' && follow.object.actor.ids[0], 'https://mastodon.social/users/kat')
    const { verb, object } = readOne('entries/gs-unfollow.xml')
    assert.deepEqual([verb, object.type === 'activity' && object.activity.verb], ['undo', 'follow'])
  })

  it('X1 knows who may read a post', () => {
    const visibility = (path: string) => postOf(readOne(path)).visibility
    assert.equal(visibility('entries/mastodon-direct.xml'), 'direct')
    assert.equal(visibility('entries/mastodon-unlisted.xml'), 'unlisted')
    assert.equal(visibility('entries/gs-note.xml'), 'public')
    assert.equal(visibility('entries/mastodon-reply.xml'), 'public')
  })

  it('F13 X1 reads warnings, conversations, replies, files and tags', () => {
    assert.equal(postOf(readOne('entries/mastodon-cw.xml')).warning, 'technologic')
    assert.match(postOf(readOne('entries/mastodon-conversation.xml')).conversation ?? '', /^tag:mastodon\.social,/)
    assert.ok(postOf(readOne('entries/mastodon-reply.xml')).inReplyTo?.id)
    assert.ok(postOf(readOne('entries/gs-attachments.xml')).enclosures.every(({ url }) => url.startsWith('https://')))
    assert.deepEqual(postOf(readOne('entries/gs-post-tag.xml')).tags.includes('nsfw'), false)
  })

  it('I5 reads a verb and a type with line breaks around them', () => {
    const { verb, url } = readOne('parse/gs-activity-example2.xml')
    assert.deepEqual([verb, url], ['post', 'https://reader.example/geraldine/activities/1'])
  })

  it('I6 describes the author of old StatusNet by activity:subject, and a group by its own', () => {
    const { author } = read(readSample('parse/gs-activity-example5.xml'))
    assert.deepEqual(
      [author?.displayName, author?.location, author?.homepage],
      ['Test User', 'San Francisco, CA', 'http://example.com/blog.html']
    )
    const group = read(readSample('parse/gs-activity-example10.xml'))
    assert.deepEqual([group.author?.kind, identityOf(group.activities[0]?.actor)], ['group', 'http://lazarus.local/mublog/user/557'])
  })

  it('I8 reads whole profiles, and the pieces that have no namespaces of their own', () => {
    const wrap = (path: string) =>
      `<entry xmlns="http://www.w3.org/2005/Atom" xmlns:activity="http://activitystrea.ms/spec/1.0/" xmlns:poco="http://portablecontacts.net/spec/1.0" xmlns:media="http://purl.org/syndication/atommedia"><id>1</id>${readSample(path).toString()}</entry>`
    const full = readEntry(Buffer.from(wrap('entries/gs-user-full.xml'))).actor
    assert.deepEqual([full?.username, full?.displayName, full?.avatar?.width], ['Constance Variable', 'lambadalambda', 96])
    const bare = readEntry(Buffer.from(wrap('entries/gs-user-name-only.xml'))).actor
    assert.deepEqual([bare?.username, bare?.displayName, bare?.avatar], ['lambda', 'lambda', undefined])
    assert.equal(readOne('entries/mastodon-unlisted.xml').actor?.avatar?.width, 120)
  })

  it('I12 drops mentions of nobody and links to nowhere', () => {
    assert.ok(!postOf(readOne('entries/gs-nil-mention.xml')).mentions.includes(''))
    assert.equal(read(readSample('feeds/statusnet-example_feed_link_without_href.atom')).activities.length, 1)
  })

  it('X13 knows the name of a post in ActivityPub', () => {
    const [one] = read(readCapture(readSample('requests/activitypub-feed.txt')).body).activities
    assert.match(postOf(one ?? assert.fail()).activityUrl ?? '', /^https:\/\//)
  })
})

withSamples('hostile documents', () => {
  read(Buffer.from('<feed xmlns="http://www.w3.org/2005/Atom"/>'))

  for (const path of listSamples('hostile')) {
    it(`I1 ${path} is refused or harmless, in less than 100 ms`, () => {
      const bytes = readSample(path)
      // the processor's time: what else the machine is doing tells nothing
      const start = process.cpuUsage()
      try {
        for (const { actor } of read(bytes).activities)
          assert.notEqual(actor && authorsAgree(actor) ? identityOf(actor) : '', 'https://a.example/users/ann')
      } catch (error) {
        assert.ok(error instanceof BadMessage, String(error))
      }
      const { user, system } = process.cpuUsage(start)
      assert.ok(user + system < 100_000, `${user + system} µs`)
      assert.equal(({} as Record<string, unknown>).polluted, undefined)
    })
  }

  it('I1 the bombs are refused, the merely odd ones read', () => {
    for (const name of ['deep-nesting', 'quadratic-entity', 'xml_billion_laughs', 'xml_external_entities']) {
      assert.throws(() => read(readSample(`hostile/${name}.xml`)), BadMessage, name)
    }
    assert.equal(identityOf(readOne('hostile/prefixed-atom.xml').actor), 'https://evil.example/users/mal')
    assert.equal(read(readSample('hostile/proto-names.xml')).id, 'urn:x')
  })

  it('I4 nobody speaks as another from inside an object, a source or a second author', () => {
    for (const name of ['object-author-first', 'source-author', 'two-authors']) {
      assert.equal(identityOf(readOne(`hostile/${name}.xml`).actor), 'https://evil.example/users/mal', name)
    }
    assert.equal(readOne('hostile/no-author.xml').actor, undefined)
    assert.equal(readOne('hostile/two-authors.xml').authors, 2)
    assert.equal(authorsAgree(readOne('hostile/id-uri-disagree.xml').actor ?? assert.fail()), false)
  })

  it('I11 script-content.xml leaves no script behind', () => {
    const found = postOf(readOne('hostile/script-content.xml'))
    assert.equal(found.url, undefined)
    assert.equal(sanitizeHtml(found.html), '<p>a</p><a>b</a>')
  })
})
