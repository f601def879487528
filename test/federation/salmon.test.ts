/** An envelope in: who may say what, to whom, and when (protocols.md M7, M13 to M16, X16 to X19, section Y). */
import assert from 'node:assert/strict'
import { addAccount } from '../../src/federation/accounts.ts'
import { block, unblock } from '../../src/federation/moderate.ts'
import { authorXml, typeXml, verbXml } from '../support/atom-documents.ts'
import { DAY, HOUR, MINUTE, type Reader, startReader } from '../support/reader.ts'
import { keepPost } from '../support/residents.ts'
import { type Endpoint, followXml, makeEndpoint, makePair, mentionXml, noteXml, personXml, sign, unfollowXml } from '../support/slaps.ts'

const BOB = 'https://reader.example/users/bob'

describe('a Salmon endpoint', () => {
  let reader: Reader
  let endpoint: Endpoint
  before(async () => {
    reader = await startReader()
    endpoint = makeEndpoint(reader)
  })
  after(() => reader.close())

  const follows = async (uri: string): Promise<boolean> => {
    const actor = await reader.tools.actors.findByUri(uri)
    return actor !== undefined && (await reader.tools.follows.find(actor.id, reader.bob.id)) !== undefined
  }
  /** Nothing came of it: the same rows, and no more requests than were allowed. */
  const nothing = async (work: () => Promise<number>, requests = 0): Promise<number> => {
    const [rows, sent] = [await endpoint.counts(reader.node), reader.net.sent.length]
    const status = await work()
    assert.deepEqual(await endpoint.counts(reader.node), rows, 'it left no row')
    assert.ok(reader.net.sent.length - sent <= requests, `${reader.net.requests().slice(sent)}`)
    return status
  }

  it('M4 takes what the key of its author signed, asking for it once', async () => {
    const ann = endpoint.writer('m4')
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB), { id: 'tag:m4.example,2026:1' })), 202)
    const post = await reader.post('tag:m4.example,2026:1')
    const author = await reader.tools.actors.find(post!.authorId)
    assert.deepEqual([author!.uri, author!.acct, author!.keys], [ann.uri, 'ann@m4.example', [ann.pair.magicKey]])
    assert.equal(await nothing(() => endpoint.post(ann.slap(mentionXml(BOB), { id: 'tag:m4.example,2026:1' }))), 202)
  })

  it('M13 refuses a payload that has no author, two, or none with a name, a feed, and what is no entry', async () => {
    const ann = endpoint.writer('m13')
    const author = authorXml(ann.uri)
    for (const wrong of ['', author + author, '<author><name>ann</name></author>', author + authorXml('https://evil.example/ann')])
      assert.equal(await nothing(() => endpoint.post(ann.slap(mentionXml(BOB), { author: wrong }))), 400, wrong)
    for (const text of ['<feed xmlns="http://www.w3.org/2005/Atom"/>', 'no XML', '<entry xmlns="http://www.w3.org/2005/Atom"/>'])
      assert.equal(await nothing(() => endpoint.post(sign(text, ann.pair))), 400, text)
    const undated = ann
      .entry(mentionXml(BOB))
      .toString()
      .replace(/<updated>.*<\/updated>/, '')
    assert.equal(await nothing(() => endpoint.post(sign(undated, ann.pair))), 400, 'without a date')
  })

  describe('of whom the author is said to be', () => {
    const places: [title: string, author: (ann: string, evil: string) => string, status: number[]][] = [
      ['her URI', ann => authorXml(ann), [401]],
      ['her URI as id, with his as uri', (ann, evil) => `<author><id>${ann}</id><uri>${evil}</uri></author>`, [401]],
      ['his URI as id, with hers as uri', (ann, evil) => `<author><id>${evil}</id><uri>${ann}</uri></author>`, [401]],
      ['his URI, with her address', (_, evil) => authorXml(evil, '<email>ann@x16.example</email>'), [401]],
      ['his URI, with her page', (ann, evil) => authorXml(evil, `<link rel="alternate" type="text/html" href="${ann}"/>`), [401]],
      ['an actor beside the author', (ann, evil) => `${authorXml(evil)}<activity:actor><uri>${ann}</uri></activity:actor>`, [400]],
      ['a second author', (ann, evil) => authorXml(evil) + authorXml(ann), [400]],
      ['a comment inside her URI', ann => authorXml(ann.replace('/ann', '/<!-- x -->ann')), [401]]
    ]
    const verbs: [title: string, inner: string][] = [
      ['a mention', mentionXml(BOB)],
      ['a follow', followXml(BOB)],
      ['an unfollow', unfollowXml(BOB)],
      ['a delete', `${verbXml('delete')}${noteXml('https://x16.example/kept')}`],
      ['a profile', `${verbXml('update-profile', 'http://ostatus.org/schema/1.0/')}${personXml('https://x16.example/ann')}`]
    ]
    it('X16 M14 believes no place of an entry that evil signed to be ann’s', async () => {
      const [ann, evil] = [endpoint.writer('x16'), endpoint.writer('x16evil')]
      await endpoint.post(ann.slap(followXml(BOB)))
      await endpoint.post(ann.slap(mentionXml(BOB), { id: 'https://x16.example/kept' }))
      await endpoint.post(evil.slap(followXml(BOB)))
      for (const [place, author, statuses] of places) {
        for (const [verb, inner] of verbs) {
          // a wrong signature of somebody who is known is one reason to ask for her key again, once
          const status = await nothing(() => endpoint.post(evil.slap(inner, { author: author(ann.uri, evil.uri) })), 1)
          assert.ok(statuses.includes(status), `${verb}, ${place}: ${status}`)
        }
      }
      assert.ok(await follows(ann.uri))
      assert.equal((await reader.post('https://x16.example/kept'))!.deletedAt, undefined)
    })

    it('X16 I18 takes the authors of nested objects and sources for claims', async () => {
      const [ann, evil] = [endpoint.writer('x16b'), endpoint.writer('x16c')]
      await endpoint.post(ann.slap(followXml(BOB)))
      const before = await reader.tools.actors.findByUri(ann.uri)
      const nested = `<activity:object>${typeXml('note')}<id>tag:x16c.example,2026:1</id>${authorXml(ann.uri, '<poco:note>evil</poco:note>')}<content>x</content></activity:object>`
      const source = `<source><id>s</id>${authorXml(ann.uri)}</source>`
      assert.equal(await endpoint.post(evil.slap(`${nested}${source}<link rel="mentioned" href="${BOB}"/>`)), 202)
      const post = await reader.post('tag:x16c.example,2026:1')
      assert.equal((await reader.tools.actors.find(post!.authorId))!.uri, evil.uri)
      assert.deepEqual(await reader.tools.actors.findByUri(ann.uri), before)
    })
  })

  it('X17 M5 refuses another algorithm, encoding or type, changed data, a second data, and a signature of nobody', async () => {
    const ann = endpoint.writer('x17')
    const good = ann.slap(mentionXml(BOB)).toString()
    const changed = good.replace(/(<me:data[^>]*>)([^<]{40})/, (_, tag, data) => tag + data.slice(0, 39) + (data[39] === 'A' ? 'B' : 'A'))
    const wrong: [string, number[]][] = [
      [good.replace('RSA-SHA256', 'HMAC-SHA256'), [400]],
      [good.replace('>base64url<', '>base64<'), [400]],
      [good.replace('application/atom+xml', 'text/xml'), [400]],
      [good.replace(/<me:data.*<\/me:data>/, '$&$&'), [400]],
      [good.replace(/<me:sig>.*<\/me:sig>/, ''), [400]],
      [changed, [400, 401]],
      [ann.slap(mentionXml(BOB), { by: makePair() }).toString(), [401]]
    ]
    for (const [envelope, statuses] of wrong) {
      assert.notEqual(envelope, good)
      const status = await nothing(() => endpoint.post(Buffer.from(envelope)), 1)
      assert.ok(statuses.includes(status), `${status}`)
    }
  })

  it('M7 refuses keys of 512 bits, and with SALMON_LEGACY takes of them words alone', async () => {
    const weak = endpoint.writer('m7', { pair: makePair(512) })
    assert.equal(await nothing(() => endpoint.post(weak.slap(mentionXml(BOB))), 1), 401)
    const tools = { ...reader.tools, config: { ...reader.tools.config, salmonLegacy: true } }
    const old = makeEndpoint({ ...reader, tools })
    assert.equal(await old.post(weak.slap(mentionXml(BOB), { id: 'tag:m7.example,2026:1' })), 202)
    assert.ok(await reader.post('tag:m7.example,2026:1'))
    for (const inner of [followXml(BOB), unfollowXml(BOB), verbXml('delete') + noteXml('tag:m7.example,2026:1')])
      assert.equal(await nothing(() => old.post(weak.slap(inner))), 403)
  })

  describe('of what is none of its business', () => {
    it('M15 takes a mention by URI, page or handle’s page and an answer, and keeps nothing else', async () => {
      const ann = endpoint.writer('m15')
      const mine = await keepPost(reader.tools, reader.bob)
      const other = 'https://elsewhere.example/posts/1'
      const answer = (ref: string) => `<content>x</content><thr:in-reply-to ref="${ref}"/>`
      const cases: [inner: string, kept: boolean][] = [
        [mentionXml(BOB), true],
        [mentionXml(BOB.replace('https:', 'http:')), true],
        [`<content>x</content><link rel="ostatus:attention" href="${BOB}"/>`, true],
        [answer(mine.uri), true],
        ['<content>to nobody</content>', false],
        [mentionXml('https://reader.example/users/carol'), false],
        [mentionXml('http://activityschema.org/collection/public'), false],
        [answer(other), false]
      ]
      for (const [i, [inner, kept]] of cases.entries()) {
        const id = `tag:m15.example,2026:${i}`
        const send = () => endpoint.post(ann.slap(inner, { id }))
        assert.equal(kept ? await send() : await nothing(send), 202)
        assert.equal((await reader.post(id)) !== undefined, kept, inner)
      }
    })

    it('M15 X5 X3 notes nothing that is about somebody else, nor an unknown verb, nor a join', async () => {
      const ann = endpoint.writer('m15b')
      await endpoint.post(ann.slap(mentionXml(BOB)))
      const stranger = 'https://elsewhere.example/carol'
      const inners = [
        followXml(stranger),
        unfollowXml(stranger),
        verbXml('favorite') + noteXml(`${stranger}/1`, `<link href="${BOB}/posts/1"/>`),
        verbXml('share') + noteXml(`${stranger}/1`),
        verbXml('block', 'http://mastodon.social/schema/1.0/') + personXml(stranger),
        verbXml('authorize') + personXml(BOB),
        verbXml('reject') + personXml(BOB),
        `${verbXml('join')}<activity:object>${typeXml('group')}<id>${stranger}</id></activity:object>`,
        `<activity:verb>http://elsewhere.example/checkin</activity:verb>${personXml(BOB)}`,
        verbXml('follow'),
        verbXml('unfollow'),
        verbXml('favorite'),
        verbXml('share')
      ]
      for (const inner of inners) assert.equal(await nothing(() => endpoint.post(ann.slap(inner))), 202, inner)
    })

    it('M15 M16 does nothing with what was said to another account', async () => {
      await addAccount(reader.tools, 'carol')
      const ann = endpoint.writer('m15c')
      await endpoint.post(ann.slap(mentionXml(BOB)))
      for (const inner of [followXml(BOB), mentionXml(BOB)])
        assert.equal(await nothing(() => endpoint.post(ann.slap(inner), { to: 'carol' })), 202)
      assert.ok(!(await follows(ann.uri)))
    })

    it('M15 X30 asks nobody about a stranger of whose words nothing could come', async () => {
      const ann = endpoint.writer('m15e')
      const inners = [
        followXml('https://elsewhere.example/carol'),
        unfollowXml('https://elsewhere.example/carol'),
        verbXml('favorite') + noteXml('https://elsewhere.example/1'),
        verbXml('share') + noteXml('https://elsewhere.example/1'),
        verbXml('authorize') + personXml(BOB),
        verbXml('join') + personXml(BOB),
        verbXml('delete') + noteXml('https://m15e.example/1'),
        verbXml('update-profile', 'http://ostatus.org/schema/1.0/') + personXml(ann.uri),
        `<activity:verb>http://elsewhere.example/checkin</activity:verb>${personXml(BOB)}`
      ]
      for (const inner of inners) assert.equal(await nothing(() => endpoint.post(ann.slap(inner))), 202, inner)
    })

    it('M15 keeps no row of a stranger who says nothing to us', async () => {
      const ann = endpoint.writer('m15d')
      assert.equal(await nothing(() => endpoint.post(ann.slap('<content>x</content>'))), 202)
    })
  })

  it('M16 X18 refuses what is older than a week or more than an hour ahead, by its date of update', async () => {
    const ann = endpoint.writer('m16')
    const now = reader.time.now
    for (const [at, status] of [
      [now - 7 * DAY - MINUTE, 403],
      [now + HOUR + MINUTE, 403],
      [now - 7 * DAY + MINUTE, 202],
      [now + HOUR - MINUTE, 202]
    ] as const) {
      const send = () => endpoint.post(ann.slap(mentionXml(BOB), { at }))
      assert.equal(status === 202 ? await send() : await nothing(send), status)
    }
  })

  it('X18 X4 does not bring back what its author deleted, also when the delete came first', async () => {
    const ann = endpoint.writer('x18')
    const [said, first] = ['tag:x18.example,2026:1', 'tag:x18.example,2026:2']
    const says = (id: string) => endpoint.post(ann.slap(mentionXml(BOB), { id }))
    const unsays = (id: string) => endpoint.post(ann.slap(verbXml('delete'), { id }))
    await says(said)
    await unsays(said)
    await unsays(first)
    for (const id of [said, first]) {
      assert.equal(await says(id), 202)
      assert.deepEqual([(await reader.post(id))!.html, (await reader.post(id))!.deletedAt !== undefined], ['', true])
    }
  })

  it('M10 hears nothing of whom the owner blocked, and asks nobody about them', async () => {
    const ann = endpoint.writer('blocked')
    await endpoint.post(ann.slap(followXml(BOB)))
    const actor = await reader.tools.actors.findByUri(ann.uri)
    await reader.tools.actors.block(actor!.id, reader.tools.clock())
    assert.equal(await nothing(() => endpoint.post(ann.slap(mentionXml(BOB)))), 403)
    assert.equal(await nothing(() => endpoint.post(ann.slap(mentionXml(BOB), { by: makePair() }))), 401)
    await reader.tools.actors.block(actor!.id, undefined)
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB))), 202)
  })

  it('W31 X30 hears nobody of a host that the owner blocked, and asks that host nothing', async () => {
    const [ann, other] = [endpoint.writer('w31'), endpoint.writer('notw31')]
    await block(reader.tools, 'W31.example')
    for (const inner of [mentionXml(BOB), followXml(BOB)]) assert.equal(await nothing(() => endpoint.post(ann.slap(inner))), 403)
    assert.equal(await endpoint.post(other.slap(mentionXml(BOB))), 202)
    await unblock(reader.tools, 'w31.example')
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB))), 202)
  })

  it('X1 keeps one row of a post that comes by Salmon and by push', async () => {
    const site = reader.site('x1')
    await site.active()
    const ann = endpoint.writer('x1', { uri: site.author })
    for (const n of [1, 2]) {
      const slap = ann.slap(mentionXml(BOB, `post ${n}`), { id: site.id(n) })
      const ways = [() => endpoint.post(slap), () => site.push(site.entry(n, `post ${n}`, mentionXml(BOB, '')))]
      for (const go of n === 1 ? ways : ways.reverse()) await go()
    }
    assert.equal((await site.kept()).length, 2)
  })
})
