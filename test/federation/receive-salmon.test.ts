/** The one door in: what an act that was sent to an account does (protocols.md X2 to X8, M16). */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Actor } from '../../src/model/kept.ts'
import { authorXml, verbXml } from '../support/atom-documents.ts'
import { DAY, MINUTE, type Reader, SECOND, startReader } from '../support/reader.ts'
import { keepPost, meet } from '../support/residents.ts'
import { type Endpoint, followXml, makeEndpoint, mentionXml, noteXml, personXml, unfollowXml, type Writer } from '../support/slaps.ts'

const BOB = 'https://reader.example/users/bob'
const MASTODON = 'http://mastodon.social/schema/1.0/'

describe('an act that is sent to an account', () => {
  let reader: Reader
  let endpoint: Endpoint
  before(async () => {
    reader = await startReader()
    endpoint = makeEndpoint(reader)
  })
  after(() => reader.close())

  const actorOf = ({ uri }: Writer): Promise<Actor | undefined> => reader.tools.actors.findByUri(uri)
  const follows = async (ann: Writer): Promise<boolean> => {
    const actor = await actorOf(ann)
    return actor !== undefined && (await reader.tools.follows.find(actor.id, reader.bob.id)) !== undefined
  }
  const actsOf = (about: string) => reader.tools.history.countActs(about)
  const taken = async (body: Buffer): Promise<void> => assert.equal(await endpoint.post(body), 202)

  it('X5 follows and unfollows by the verbs of either base, and knows people without id by their uri', async () => {
    const ann = endpoint.writer('x5')
    const uriOnly = `<activity:object><activity:object-type>person</activity:object-type><uri>${BOB}</uri><name>bob</name></activity:object>`
    const ways: [inner: string, after: boolean][] = [
      [followXml(BOB), true],
      [unfollowXml(BOB), false],
      [verbXml('follow') + uriOnly, true],
      [verbXml('unfollow') + personXml(BOB), false]
    ]
    for (const [i, [inner, after]] of ways.entries()) {
      await taken(ann.slap(inner, { at: reader.time.now + i * SECOND }))
      assert.equal(await follows(ann), after, inner)
    }
    assert.equal((await reader.tools.follows.followers(reader.bob.id)).length, 0)
  })

  it('X5 M16 obeys a second unfollow with the id of the first', async () => {
    const ann = endpoint.writer('x5b')
    const at = (n: number) => reader.time.now + n * SECOND
    const id = 'tag:x5b.example,2026:unfollow:1:2:1970'
    for (const n of [0, 2]) {
      await taken(ann.slap(followXml(BOB), { at: at(n) }))
      assert.ok(await follows(ann))
      await taken(ann.slap(unfollowXml(BOB), { at: at(n + 1), id }))
      assert.ok(!(await follows(ann)))
    }
  })

  it('M16 lets no follow that comes again undo a later unfollow, and at the same second lets the unfollow win', async () => {
    const [ann, ben] = [endpoint.writer('m16a'), endpoint.writer('m16b')]
    const first = ann.slap(followXml(BOB), { at: reader.time.now - MINUTE })
    await taken(first)
    await taken(ann.slap(unfollowXml(BOB)))
    await taken(first)
    assert.ok(!(await follows(ann)))
    await taken(ben.slap(unfollowXml(BOB)))
    await taken(ben.slap(followXml(BOB)))
    assert.ok(!(await follows(ben)))
  })

  it('M16 X8 ends in the same state in whatever order follows, unfollows, a block and its end come, and however often', async () => {
    const acts: [second: number, inner: string][] = [
      [0, followXml(BOB)],
      [1, unfollowXml(BOB)],
      [2, followXml(BOB)],
      [3, verbXml('block', MASTODON) + personXml(BOB)],
      [4, verbXml('unblock', MASTODON) + personXml(BOB)]
    ]
    let run = 0
    for (const count of [2, 3, 4, 5]) {
      const list = acts.slice(0, count)
      const order = fc.shuffledSubarray([...list.keys(), ...list.keys()], { minLength: count * 2 })
      await fc.assert(
        fc.asyncProperty(order, async indexes => {
          const ann = endpoint.writer(`order${++run}`)
          const slaps = list.map(([second, inner]) => ann.slap(inner, { at: reader.time.now + second * SECOND }))
          for (const i of indexes) await taken(slaps[i]!)
          assert.equal(await follows(ann), count === 3)
        }),
        { numRuns: 8 }
      )
    }
  })

  it('X5 Y counts no follow of ours that a feed alone tells of', async () => {
    const site = reader.site('x5feed')
    await site.active(site.entry(1, 'follows', followXml(BOB)))
    const actor = await reader.tools.actors.findByUri(site.author)
    assert.equal(await reader.tools.follows.find(actor!.id, reader.bob.id), undefined)
    assert.equal(await reader.tools.history.findAct(actor!.id, 'follow', BOB), undefined)
  })

  it('X6 takes a request for a follow', async () => {
    const ann = endpoint.writer('x6')
    await taken(ann.slap(verbXml('request-friend') + personXml(BOB)))
    assert.ok(await follows(ann))
  })

  it('X6 ends a follow that is refused by whom it is of, and by nobody else; a yes changes nothing', async () => {
    const [ann, evil] = [endpoint.writer('x6a'), endpoint.writer('x6b')]
    for (const writer of [ann, evil]) await taken(writer.slap(mentionXml(BOB)))
    const [asked, stranger] = [(await actorOf(ann))!, (await actorOf(evil))!]
    const { bob, tools } = reader
    const feed = { url: 'https://x6a.example/feed', topic: 'https://x6a.example/feed', actorId: asked.id }
    const { id } = await tools.subscriptions.add(feed, tools.clock())
    const follow = { followerId: bob.id, followedId: asked.id, via: 'feed', uri: `${BOB}/acts/1` }
    const following = async (who = asked) => (await tools.follows.find(bob.id, who.id)) !== undefined
    const answers = (word: string, act = 1, asker = BOB) => {
      const request = `<id>${BOB}/acts/${act}</id>${verbXml('follow')}${authorXml(asker)}${personXml(ann.uri)}`
      return `${verbXml(word)}<activity:object><activity:object-type>activity</activity:object-type>${request}</activity:object>`
    }
    await taken(ann.slap(answers('authorize')))
    assert.equal(await following(), false, 'nobody asked')
    await tools.follows.add(follow, tools.clock())
    await taken(ann.slap(answers('authorize')))
    await taken(evil.slap(answers('authorize')))
    await taken(evil.slap(answers('reject')))
    await taken(ann.slap(answers('reject', 2, 'https://reader.example/users/carol')))
    await taken(ann.slap(answers('reject').replaceAll(ann.uri, evil.uri)))
    const before = ann.slap(answers('reject', 0), { at: reader.time.now - DAY })
    await taken(before)
    assert.deepEqual([await following(), await following(stranger)], [true, false])
    const no = ann.slap(answers('reject'))
    await taken(no)
    assert.equal(await following(), false)
    assert.equal((await tools.subscriptions.find(id))!.state, 'ended', 'nobody reads that feed')
    reader.pass(DAY)
    await tools.follows.add({ ...follow, uri: `${BOB}/acts/3` }, tools.clock())
    await taken(no)
    assert.equal(await following(), true, 'an old refusal is not one of the new follow')
  })

  it('X7 takes a profile from its owner’s own words alone, and the newest of them', async () => {
    const [ann, evil] = [endpoint.writer('x7'), endpoint.writer('x7b')]
    const looks = (bio: string) => authorXml(ann.uri, `<poco:note>${bio}</poco:note>`)
    const now = reader.time.now
    await taken(ann.slap(mentionXml(BOB), { author: looks('second'), at: now - 2 * SECOND }))
    await taken(ann.slap(mentionXml(BOB), { author: looks('first'), at: now - 3 * SECOND }))
    assert.equal((await actorOf(ann))!.bio, 'second')
    const change = (bio: string) => {
      const object = `<activity:object><activity:object-type>person</activity:object-type><id>${ann.uri}</id><poco:note>${bio}</poco:note></activity:object>`
      return verbXml('update-profile', 'http://ostatus.org/schema/1.0/') + object
    }
    await taken(ann.slap(change('third')))
    assert.equal((await actorOf(ann))!.bio, 'third')
    await taken(evil.slap(mentionXml(BOB)))
    await taken(evil.slap(change('evil')))
    await taken(evil.slap(verbXml('share') + noteXml((await keepPost(reader.tools, reader.bob)).uri, looks('evil'))))
    assert.equal((await actorOf(ann))!.bio, 'third')
  })

  it('X8 ends what each follows of the other by a block, and an unblock brings nothing back', async () => {
    const { bob, tools } = reader
    const site = reader.site('x8')
    await site.active()
    const ann = endpoint.writer('x8', { uri: site.author })
    const actor = (await tools.actors.findByUri(site.author))!
    const both = async () => [
      (await tools.follows.find(actor.id, bob.id)) !== undefined,
      (await tools.follows.find(bob.id, actor.id)) !== undefined
    ]
    await taken(ann.slap(followXml(BOB), { at: reader.time.now - MINUTE }))
    assert.deepEqual(await both(), [true, true])
    await taken(ann.slap(verbXml('block', MASTODON) + personXml(BOB)))
    assert.deepEqual([...(await both()), (await site.subscription()).state], [false, false, 'ending'])
    await taken(ann.slap(verbXml('unblock', MASTODON) + personXml(BOB), { at: reader.time.now + SECOND }))
    assert.deepEqual(await both(), [false, false])
  })

  it('X3 notes a favourite of our post once, takes it back, and never for an answer', async () => {
    const ann = endpoint.writer('x3')
    const post = await keepPost(reader.tools, reader.bob)
    const likes = `${verbXml('favorite') + noteXml(post.uri)}<thr:in-reply-to ref="${post.uri}"/>`
    for (const n of [2, 3]) await taken(ann.slap(likes, { id: `tag:x3.example,2026:${n}` }))
    assert.deepEqual(await actsOf(post.uri), { favourite: 1 })
    assert.equal(await reader.post('tag:x3.example,2026:2'), undefined)
    await taken(ann.slap(verbXml('unfavorite', 'http://ostatus.org/schema/1.0/') + noteXml(post.uri), { at: reader.time.now + SECOND }))
    assert.deepEqual(await actsOf(post.uri), {})
  })

  it('X2 notes a share of our post, keeps it as a post of those whom we follow alone, and takes it back by a delete of it', async () => {
    const ann = endpoint.writer('x2')
    const post = await keepPost(reader.tools, reader.bob)
    const [first, second] = ['tag:x2.example,2026:1', 'tag:x2.example,2026:2']
    const shares = (id: string, at: number) => ann.slap(verbXml('share') + noteXml(post.uri, authorXml(BOB)), { id, at })
    const ends = (id: string) => taken(ann.slap(verbXml('delete') + noteXml(id), { id }))
    const now = reader.time.now
    await taken(shares(first, now))
    assert.deepEqual([await actsOf(post.uri), await reader.post(first)], [{ share: 1 }, undefined])
    await ends(first)
    await taken(shares(first, now))
    assert.deepEqual(await actsOf(post.uri), {})
    await reader.tools.follows.add({ followerId: reader.bob.id, followedId: (await actorOf(ann))!.id, via: 'feed' }, new Date(now))
    await taken(shares(second, now + SECOND))
    assert.deepEqual([await actsOf(post.uri), (await reader.post(second))!.sharedId], [{ share: 1 }, post.id])
    await ends(second)
    assert.deepEqual([await actsOf(post.uri), (await reader.post(second))!.deletedAt !== undefined], [{}, true])
  })

  it('X4 deletes the author’s own post and no other, in the forms of Mastodon and of GNU social', async () => {
    const [ann, evil] = [endpoint.writer('x4'), endpoint.writer('x4b')]
    const mine = await keepPost(reader.tools, reader.bob)
    const other = await keepPost(reader.tools, await meet(reader.tools, 'x4c'))
    const [a, b] = ['tag:x4.example,2026:1', 'tag:x4.example,2026:2']
    for (const id of [a, b]) await taken(ann.slap(mentionXml(BOB), { id }))
    for (const id of [a, mine.uri, other.uri]) await taken(evil.slap(verbXml('delete'), { id }))
    const dead = async (id: string) => (await reader.post(id))!.deletedAt !== undefined
    assert.deepEqual(await Promise.all([a, mine.uri, other.uri].map(dead)), [false, false, false])
    await taken(ann.slap(verbXml('delete'), { id: a }))
    await taken(ann.slap(`<activity:verb>delete</activity:verb>${noteXml(b)}<activity:target><id>${b}</id></activity:target>`, { id: b }))
    assert.deepEqual(await Promise.all([a, b].map(dead)), [true, true])
  })
})
