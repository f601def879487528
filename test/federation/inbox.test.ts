/** An inbox: likes, shares, answers to us, and whom it asks for keys (W32, W39, X6, X8, X24, X30, X31). */
import assert from 'node:assert/strict'
import { accepted, activityPage, makeKey, makePerson, PUBLIC, pemOf } from '../support/fediverse.ts'
import { useInboxes } from '../support/open-inboxes.ts'
import { HOUR, MINUTE, SECOND } from '../support/reader.ts'
import { keepPost } from '../support/residents.ts'

describe('an inbox', () => {
  const at = useInboxes()

  it('W32 counts likes and shares of our posts once a person, until they are undone; private shares are not counted', async () => {
    const post = await keepPost(at.reader.tools, at.reader.bob)
    const ann = at.person('w32')
    const [like, share] = [ann.does('Like', post.uri), ann.does('Announce', post.uri, { cc: [`${ann.id}/followers`] })]
    for (const activity of [like, ann.does('EmojiReact', post.uri, { content: '🎉' }), share, share])
      accepted(await at.inboxes.post(ann, activity, ''))
    assert.deepEqual(await at.counts(post.uri), { favourite: 1, share: 1 })
    at.reader.pass(SECOND)
    accepted(await at.inboxes.post(ann, ann.does('Undo', like), ''))
    accepted(await at.inboxes.post(ann, ann.does('Undo', share.id), ''))
    assert.deepEqual(await at.counts(post.uri), {})
    accepted(await at.inboxes.post(ann, ann.does('Announce', post.uri, { to: [`${ann.id}/followers`], cc: [] }), ''))
    assert.deepEqual(await at.counts(post.uri), {})
  })

  it('X6 makes a follow of ours true by the Accept of whom we asked alone, whole or by its id, and ends it by their Reject', async () => {
    const [ann, eve] = [at.person('accept'), at.person('accepteve')]
    for (const one of [ann, eve]) accepted(await at.inboxes.post(one, one.does('Follow', at.reader.bob.uri)))
    const asked = (await at.actorOf(ann.id))!
    const question = { id: `${at.reader.bob.uri}/acts/1`, type: 'Follow', actor: at.reader.bob.uri, object: ann.id }
    const isFollowed = async () => (await at.reader.tools.follows.find(at.reader.bob.id, asked.id)) !== undefined
    const ask = () => {
      const act = { actorId: at.reader.bob.id, verb: 'request', object: ann.id, uri: question.id, undone: false }
      return at.reader.tools.history.act({ ...act, at: at.reader.pass(SECOND) })
    }
    await at.nothing(async () => accepted(await at.inboxes.post(ann, ann.does('Accept', question))))
    for (const object of [question, question.id]) {
      await ask()
      await at.nothing(async () => accepted(await at.inboxes.post(eve, eve.does('Accept', object))))
      assert.equal(await isFollowed(), false)
      accepted(await at.inboxes.post(ann, ann.does('Accept', object)))
      assert.ok(await isFollowed())
      accepted(await at.inboxes.post(ann, ann.does('Reject', question)))
      assert.equal(await isFollowed(), false)
    }
  })

  it('X8 ends follows both ways at a Block', async () => {
    const ann = at.person('block')
    await at.followedBy(ann)
    at.reader.pass(SECOND)
    accepted(await at.inboxes.post(ann, ann.does('Block', at.reader.bob.uri)))
    const { id } = (await at.actorOf(ann.id))!
    assert.deepEqual([await at.follows(ann.id), await at.reader.tools.follows.find(at.reader.bob.id, id)], [false, undefined])
  })

  it('W39 FEP-044f answers whoever wants to quote: yes to what is for everybody, no to what is not', async () => {
    const secret = await keepPost(at.reader.tools, at.reader.bob, { visibility: 'followers' })
    const ann = at.person('quote')
    await at.answers()
    for (const post of [at.ours, secret])
      accepted(await at.inboxes.post(ann, ann.does('QuoteRequest', post.uri, { instrument: ann.note({ quote: post.uri }) })))
    assert.deepEqual(
      new Map((await at.answers()).map(({ activity, yes }) => [JSON.parse(activity).object, yes])),
      new Map([
        [at.ours.uri, true],
        [secret.uri, false]
      ])
    )
  })

  it('X33 S3-14 answers a very long question by who asks for what, and any other by the whole', async () => {
    const ann = at.person('x33')
    const junk = 'x'.repeat(900_000)
    const follow = ann.does('Follow', at.reader.bob.uri)
    const quote = ann.does('QuoteRequest', at.ours.uri, { instrument: `${ann.origin}/notes/q` })
    const undo = ann.does('Undo', { ...follow, junk })
    const names = ({ id, type, actor }: typeof follow) => ({ id, type, actor })
    const told: object[] = []
    for (const asked of [{ ...follow, junk }, undo, { ...quote, object: { id: at.ours.uri, junk } }, { ...follow, junk: 'x' }]) {
      at.reader.pass(SECOND)
      accepted(await at.inboxes.post(ann, asked))
      told.push(...(await at.answers()).map(({ activity }) => JSON.parse(activity)))
    }
    assert.deepEqual(told, [
      { ...names(follow), object: at.reader.bob.uri },
      { ...names(undo), object: { ...names(follow), object: at.reader.bob.uri } },
      { ...names(quote), instrument: quote.instrument, object: at.ours.uri },
      { ...follow, junk: 'x' }
    ])
  })

  it('takes a Flag for the owner’s log, and keeps nothing of it', async () => {
    const ann = at.person('flag')
    await at.nothing(
      async () => accepted(await at.inboxes.post(ann, ann.does('Flag', [at.reader.bob.uri, at.ours.uri], { content: 'rude' }))),
      9
    )
  })

  it('reads documents whose names bear a prefix, values in lists and nulls', async () => {
    const ann = at.person('forms')
    const like = {
      '@id': `${ann.origin}/acts/x`,
      '@type': ['as:Like'],
      'as:actor': [{ '@id': ann.id }],
      'as:object': [null, { '@id': at.ours.uri }]
    }
    const before = (await at.counts()).favourite ?? 0
    accepted(await at.inboxes.post(ann, like))
    assert.equal((await at.counts()).favourite, before + 1)
  })

  it('X31 answers two thousand deletes of people who were never here without a request or a row', async () => {
    await at.nothing(async () => {
      for (let n = 0; n < 2000; n += 50)
        await Promise.all(
          Array.from({ length: 50 }, async (_, index) => {
            const id = `https://left${n + index}.example/users/gone`
            const signer = { key: makeKeyOnce(), keyId: `${id}#main-key` }
            const object = index % 2 === 0 ? id : { type: 'Tombstone', id: `${id}/1` }
            accepted(
              await at.inboxes.post(
                signer,
                { id: `${id}#delete`, type: 'Delete', actor: id, object, to: [PUBLIC] },
                index % 3 === 0 ? 'bob' : ''
              )
            )
          })
        )
    })
  }).timeout(60_000)

  it('X31 remembers for an hour who is gone', async () => {
    const ann = at.person('gone')
    at.reader.net.set(ann.id, { status: 410 })
    const follow = () => at.inboxes.post(ann, ann.does('Follow', at.reader.bob.uri))
    assert.equal((await at.nothing(follow, 1)).status, 401)
    at.reader.pass(30 * MINUTE)
    assert.equal((await at.nothing(follow)).status, 401)
    ann.describe()
    at.reader.pass(HOUR)
    accepted(await follow())
  })

  it('X24 X30 asks for one host and for one sender within bounds, whatever is claimed', async () => {
    const before = at.reader.net.sent.length
    const statuses = new Set<number>()
    for (let n = 0; n < 30; n++) {
      const ann = makePerson(at.reader.net, 'x24', { name: `ann${n}` })
      statuses.add(
        (await at.inboxes.post(ann, ann.does('Follow', at.reader.bob.uri), 'bob', { key: makeKeyOnce(), from: '203.0.113.9' })).status
      )
    }
    assert.deepEqual([...statuses].sort(), [401, 429])
    assert.ok(at.reader.net.sent.length - before <= 10)
  })

  it('W11 X30 takes a dozen new people of one server at once, from one address', async () => {
    const people = Array.from({ length: 12 }, (_, n) => makePerson(at.reader.net, 'dozen', { name: `ann${n}` }))
    const knocks = people.flatMap(one =>
      [1, 2, 3].map(() => at.inboxes.post(one, one.does('Follow', at.reader.bob.uri), 'bob', { from: '203.0.113.12' }))
    )
    for (const answer of await Promise.all(knocks)) accepted(answer)
  })

  it('X8 asks once for all who claim the same key at the same time', async () => {
    const ann = at.person('once')
    const before = at.reader.net.requests().length
    const likes = Array.from({ length: 8 }, () => ann.does('Like', at.ours.uri))
    for (const answer of await Promise.all(likes.map(like => at.inboxes.post(ann, like)))) accepted(answer)
    assert.equal(
      at.reader.net
        .requests()
        .slice(before)
        .filter(request => request === `GET ${ann.id}`).length,
      1
    )
  })

  it('X8 takes a key that stands in a document of its own, as GoToSocial serves it, and the key of an actor who is named instead of it', async () => {
    const own = at.person('gts')
    const keyId = `${own.id}/main-key`
    const publicKey = { id: keyId, owner: own.id, publicKeyPem: pemOf(own.key) }
    own.describe({ publicKey: keyId })
    at.reader.net.set(keyId, activityPage({ id: own.id, type: 'Person', preferredUsername: 'ann', publicKey }))
    accepted(await at.inboxes.post({ key: own.key, keyId }, own.does('Follow', at.reader.bob.uri)))
    const inline = at.person('gtsinline')
    inline.describe({ publicKey: { ...publicKey, id: `${inline.id}/main-key`, owner: inline.id } })
    accepted(await at.inboxes.post({ key: inline.key, keyId: `${inline.id}/main-key` }, inline.does('Follow', at.reader.bob.uri)))
    const tube = at.person('tube')
    accepted(await at.inboxes.post({ key: tube.key, keyId: tube.id }, tube.does('Follow', at.reader.bob.uri)))
    for (const one of [own, inline, tube]) assert.ok(await at.follows(one.id))
  })
})

let onlyKey: ReturnType<typeof makeKey> | undefined
const makeKeyOnce = () => {
  onlyKey ??= makeKey()
  return onlyKey
}
