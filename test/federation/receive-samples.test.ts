/** Real documents, pushed to us: each does what it says in the store, and nothing else (protocols.md I9, I18, S10, X1 to X9). */
import assert from 'node:assert/strict'
import { takeContent } from '../../src/federation/subscribe.ts'
import { signBody, verifySignature } from '../../src/protocol/hub.ts'
import { feedXml } from '../support/atom-documents.ts'
import { readCapture } from '../support/captures.ts'
import { type Reader, startReader } from '../support/reader.ts'
import { listSamples, readSample, withSamples } from '../support/samples.ts'

/** Every entry away: the head by which a feed is followed. */
const headOf = (document: string): string => document.replace(/<entry[\s>][\s\S]*<\/entry>/, '')
const selfOf = (document: string): string =>
  /href="([^"]+)" rel="self"|rel="self"[^>]*href="([^"]+)"/.exec(headOf(document))!.slice(1).find(Boolean)!

withSamples('captured pushes', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())

  /** Follows the feed that a document is of, and pushes the document itself. Answers what changed by that. */
  async function push(document: string): Promise<string[]> {
    const topic = selfOf(document)
    reader.net.set(topic, { headers: { 'content-type': 'application/atom+xml' }, body: headOf(document) })
    const { subscription } = await reader.follow(topic)
    const { secret, token } = (await reader.tools.subscriptions.find(subscription!.id))!
    const before = await everything()
    const body = Buffer.from(document)
    await takeContent(reader.tools, token, body, { contentType: 'application/atom+xml', signature: signBody('sha1', secret, body) })
    await reader.work()
    return (await everything()).filter(line => !before.includes(line))
  }
  async function everything(): Promise<string[]> {
    const { knex } = reader.node.database.database
    const posts = await knex('posts as p')
      .join('actors as a', 'a.id', 'p.author_id')
      .leftJoin('posts as o', 'o.id', 'p.parent_id')
      .leftJoin('posts as s', 's.id', 'p.shared_id')
      .select('p.*', 'a.username', 'o.uri as answers', 's.uri as shares')
    const acts = await knex('acts as c').join('actors as a', 'a.id', 'c.actor_id').select('c.*', 'a.username')
    return [
      ...posts.map(row =>
        [
          who(row.username),
          row.deleted_at ? 'dead' : row.verb,
          row.kind,
          brief(row.uri),
          row.answers && `to ${brief(row.answers)}`,
          row.shares && `of ${brief(row.shares)}`,
          row.quoted && `told of ${brief(row.quoted.uri)}`
        ]
          .filter(Boolean)
          .join(' ')
      ),
      ...acts.map(row => `${who(row.username)} ${row.verb} ${brief(row.object)}`)
    ].sort()
  }
  // the people of the older server, by what they do
  const who = (name: string) => ({ dora: 'alice', emil: 'bertha' })[name] ?? name
  const brief = (uri: string) => uri.replace(/^tag:([^,]+),[\d-]+:/, '$1 ').replace(/:objectType=\w+$/, '')

  const table = (
    host: string,
    [note, mention, reply, repeat, dead, out, answer, again]: number[],
    alice: string,
    guest: string,
    theirs: string
  ): [file: RegExp, effects: string[]][] => [
    [/30-note-.*POST/, [`alice post note ${host} noticeId=${note}`]],
    [/31-mention.*POST/, [`alice post note ${host} noticeId=${mention}`]],
    [/32-reply.*POST/, [`bertha post comment ${host} noticeId=${reply} to ${host} noticeId=${note}`]],
    [/33-repeat-.*POST/, [`bertha share note ${host} noticeId=${repeat} of ${host} noticeId=${note}`]],
    [/34-favourite.*POST/, [`bertha favourite ${host} noticeId=${note}`]],
    [/36-note.*POST/, [`alice post note ${host} noticeId=${dead}`]],
    [/37-delete.*POST/, [`alice dead note ${host} noticeId=${dead}`]],
    [/39-follow.*POST/, [`bertha follow ${alice}`]],
    [/61-follow.*POST_cb/, [`alice follow https://remote.test/users/${guest}`]],
    [/63-push-in-note-sha1/, [`${guest} post note remote.test ${theirs}`]],
    [/70-salmon-out-mention.*POST_cb/, [`alice post note ${host} noticeId=${out}`]],
    [/71-salmon-out-reply.*POST_cb/, [`alice post comment ${host} noticeId=${answer} to remote.test ${theirs}`]],
    [/72-salmon-out-favourite.*POST_cb/, [`alice favourite remote.test ${theirs}`]],
    [/73-repeat-of-remote.*POST_cb/, [`alice share note ${host} noticeId=${again} of remote.test ${theirs}`]],
    [/64-push-in-note-sha256.txt/, [`${guest} post note remote.test sha256`]],
    [/65-push-in-article.txt/, [`${guest} post article remote.test article`]]
  ]
  const versions: [folder: string, rows: [file: RegExp, effects: string[]][]][] = [
    [
      'gs-2.0.0beta0',
      table('social.test', [138, 139, 140, 141, 143, 153, 154, 156], 'https://social.test/index.php/user/1', 'clara', 'note-0bc51e')
    ],
    ['gs-1.20.9', table('classic.test', [67, 68, 69, 70, 72, 82, 83, 85], 'https://classic.test/user/1', 'carlo', 'note-850080')]
  ]
  for (const [folder, rows] of versions) {
    it(`I9 X1-X5 does what each push of GNU social says, verb by verb (${folder})`, async () => {
      const files = listSamples(`gnu-social/${folder}`)
      for (const [pattern, effects] of rows) {
        const captures = files.filter(file => pattern.test(file))
        assert.ok(captures.length > 0, `${pattern}`)
        for (const [i, file] of captures.entries()) {
          const document = /<\?xml[\s\S]*<\/feed>/.exec(readSample(file).toString('utf8'))![0]
          const told = (await push(document)).map(line => line.replace(/ (sha256|article)-\w+$/, ' $1'))
          // the same push went to several callbacks: only the first changes anything
          assert.deepEqual(told, i === 0 ? effects : [], file)
        }
      }
    })

    it(`S10 agrees with the signatures of its hub (${folder})`, () => {
      const secrets: Record<string, string> = { secret: 'topsecret123', bertha: 'berthasecret' }
      const signed = listSamples(`gnu-social/${folder}`).filter(file => /POST_cb_(secret|bertha)/.test(file))
      assert.ok(signed.length > 10)
      for (const file of signed) {
        const { body, headers } = readCapture(readSample(file))
        const raw = body.subarray(0, Number(headers['content-length']))
        const secret = secrets[/POST_cb_(\w+)\.txt/.exec(file)![1]!]!
        assert.deepEqual(
          [verifySignature(headers['x-hub-signature'], secret, raw), verifySignature(headers['x-hub-signature'], `${secret}x`, raw)],
          [true, false],
          file
        )
      }
    })
  }

  it('I9 X4 reads what was pushed by quitter.no: posts, answers, follows, and a delete with a bare verb', async () => {
    const told = await push(readSample('feeds/gs-quitter.no-pushed-feed.atom').toString())
    const count = (pattern: RegExp) => told.filter(line => pattern.test(line)).length
    assert.deepEqual([count(/ post note/), count(/ post comment/), count(/ follow /), count(/ share | favourite /)], [3, 8, 6, 0])
    const actor = (await reader.tools.actors.findByUri('https://quitter.no/user/7477'))!
    assert.ok(await reader.tools.history.isDead(actor.id, 'tag:quitter.no,2016-03-19:noticeId=1272988:objectType=note'))
  })

  it('I9 X5 reads a feed of Mastodon 1.0: follows without an id, favourites, deletes of what was never seen', async () => {
    const told = await push(readSample('feeds/mastodon-1.x-user.atom').toString())
    const count = (pattern: RegExp) => told.filter(line => pattern.test(line)).length
    assert.deepEqual([count(/ post /), count(/ follow https:/), count(/ favourite /), told.length], [4, 4, 2, 10])
  })

  it('I9 counts posts, shares, favourites and follows of a GNU social feed as they stand in it', async () => {
    const told = await push(readSample('feeds/gs-heldscal-23211.atom').toString())
    const count = (pattern: RegExp) => told.filter(line => pattern.test(line)).length
    assert.deepEqual([count(/ post note/), count(/ post comment/), count(/ favourite /), told.length], [2, 4, 14, 20])
  })

  it('X9 makes nobody out of the authors of a group’s feed', async () => {
    const before = await reader.node.database.database.knex('actors').select('uri')
    const told = await push(readSample('parse/gs-activity-example10.xml').toString())
    assert.deepEqual(
      told.map(line => line.replace(/copy:\w+:/, 'copy:')),
      ['grouptest316173 share note copy:http://lazarus.local/mublog/notice/1243 told of http://lazarus.local/mublog/notice/1243']
    )
    const after = await reader.node.database.database.knex('actors').select('uri')
    assert.deepEqual(
      after.map(row => row.uri).filter(uri => !before.some(row => row.uri === uri)),
      ['http://lazarus.local/mublog/group/22/id']
    )
  })

  it('X4 lets a delete of Mastodon kill its own post alone', async () => {
    assert.deepEqual(await push(readSample('entries/mastodon-delete.xml').toString()), [])
    const actor = (await reader.tools.actors.findByUri('https://mastodon.sdf.org/users/snowdusk'))!
    assert.ok(await reader.tools.history.isDead(actor.id, 'tag:mastodon.sdf.org,2017-06-10:objectId=310513:objectType=Status'))
  })

  describe('of attackers', () => {
    const ID = 'tag:a.example,2024-01-01:objectId=1:objectType=Status'
    const EVIL = 'https://evil.example/users/mal.atom'
    const annFeed = (more: string) =>
      feedXml(
        `<id>https://a.example/users/ann.atom</id><author><uri>https://a.example/users/ann</uri><name>ann</name></author><link rel="self" href="https://a.example/users/ann.atom"/>${more}`
      ).toString()
    const post = `<entry><id>${ID}</id><content>by ann</content><published>2024-01-01T00:00:00Z</published><updated>2024-01-01T00:00:00Z</updated></entry>`
    const evil = async (path: string) => {
      const head = feedXml(
        `<id>${EVIL}</id><author><uri>https://evil.example/users/mal</uri><name>mal</name></author><link rel="self" href="${EVIL}"/>`
      ).toString()
      await push(head)
      const { secret, token } = (await reader.tools.subscriptions.findByTopic(EVIL))!
      const body = readSample(path)
      await takeContent(reader.tools, token, body, { signature: signBody('sha256', secret, body) })
      await reader.work()
    }
    beforeEach(async () => {
      await reader.node.database.database.knex.raw('truncate posts, tombstones cascade')
    })

    it('I10 refuses a stolen id after the original, and lets the rightful author in after a thief', async () => {
      await push(annFeed(post))
      await evil('hostile/id-steal.xml')
      assert.deepEqual(await everything().then(lines => lines.filter(line => line.includes('objectId=1'))), [
        `ann post note a.example objectId=1`
      ])
      await reader.node.database.database.knex.raw('truncate posts cascade')
      await evil('hostile/id-steal.xml')
      assert.deepEqual(await push(annFeed(post)), ['ann post note a.example objectId=1'])
      assert.equal((await reader.post(ID))?.html, 'by ann')
    })

    it('X4 refuses a delete by somebody else, before the post and after it', async () => {
      await evil('hostile/delete-of-other.xml')
      await push(annFeed(post))
      await evil('hostile/delete-of-other.xml')
      assert.equal((await reader.post(ID))?.deletedAt, undefined)
    })

    it('X4 obeys a tombstone of RFC 6721 in the author’s own feed', async () => {
      await push(annFeed(post))
      assert.deepEqual(await push(readSample('feeds/own-tombstones.atom').toString()), ['ann dead note a.example objectId=1'])
    })

    it('I7 I14 I18 takes no attack for more than the word of who sent it', async () => {
      const names = async () => (await reader.node.database.database.knex('actors').select('uri').orderBy('uri')).map(row => row.uri)
      await push(annFeed(''))
      await evil('hostile/delete-of-other.xml')
      const before = await names()
      for (const path of listSamples('hostile')) await evil(path)
      assert.deepEqual(await names(), before)
      const { rows } = await reader.node.database.database.knex.raw(
        "select p.html, p.sorted_at, p.quoted->>'html' as quoted, a.uri from posts p join actors a on a.id = p.author_id"
      )
      assert.ok(rows.length > 3)
      for (const row of rows) {
        assert.equal(row.uri, 'https://evil.example/users/mal')
        assert.ok(row.sorted_at <= new Date(reader.time.now))
        assert.doesNotMatch(`${row.html}${row.quoted}`, /script|onerror|javascript:|passwd|root:/i)
      }
    })
  })
})
