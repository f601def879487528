/** Our node and a GNU social: they follow each other and talk, and whatever that server demands of us is there, and is needed. */
import assert from 'node:assert/strict'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { findAccount } from '../../src/federation/accounts.ts'
import { favourite, share } from '../../src/federation/act.ts'
import { follow, unfollow } from '../../src/federation/follow.ts'
import { publish, remove } from '../../src/federation/publish.ts'
import type { Account, KeptPost } from '../../src/model/kept.ts'
import { NS } from '../../src/protocol/names.ts'
import { verbXml } from '../support/atom-documents.ts'
import { type GnuSocial, startGnuSocial, type Tamper, Unmet } from '../support/doubles/gnu-social.ts'
import { DEMANDS } from '../support/doubles/gnu-social-demands.ts'
import { body, makeForger, ping, prefixed, signedBy, status, swap, type, unsigned } from '../support/doubles/tampers.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { makePair, mentionXml, noteXml } from '../support/slaps.ts'

const pair = makePair()

describe('our node and a GNU social', () => {
  let node: TestNode
  let ann: Account
  let social: GnuSocial
  let note: KeptPost
  let theirs: string

  before(async () => {
    node = await startNode({ accounts: ['ann'] })
    ann = await findAccount(node.tools, 'ann')
    social = await startGnuSocial({ pair })
  })
  after(async () => {
    await social?.close()
    await node?.close()
  })

  const isThere = (verb: string, name: string, via: 'salmon' | 'ping' = 'salmon', times = 1) =>
    until(`${verb} ${name}`, () => social.count(verb, name, via) === times)
  const isHere = (uri: string) => until(uri, () => node.tools.history.findByUri(uri))
  const followers = async () => (await node.tools.follows.followers(ann.id)).map(({ actor }) => actor.uri)
  const reply = (parent: string) => `<thr:in-reply-to ref="${parent}"/>${mentionXml(ann.uri)}`

  it('S11 our follow makes it ask for all of us while our slap waits; its hub asks us before it answers', async () => {
    await follow(node.tools, `acct:${social.acct}`, { as: ann })
    await isThere('follow', social.uri)
    assert.ok(social.met.has('S11 page'))
    await until('its hub', social.isListenedTo)
  })

  it('F1 to F18 it follows us by profile URL, is verified, and becomes a follower', async () => {
    await assert.rejects(social.follow(`acct:ann@${node.host}`), new Unmet('F1'))
    social.unmet.length = 0
    await social.follow(ann.uri)
    await until('the verification', social.isActive)
    assert.deepEqual(await followers(), [social.uri])
  })

  it('P1 to P4 a note arrives by ping, a mention by Salmon', async () => {
    note = await publish(node.tools, ann, { text: 'Hello' })
    await isThere('post', note.uri, 'ping')
    const mention = await publish(node.tools, ann, { text: `Hello @${social.acct}` })
    await isThere('post', mention.uri)
  })

  it('X1 its note, reply and mention arrive here, and ours there', async () => {
    theirs = await social.say('<title>Hi</title><content type="html">Hi</content>')
    await isHere(theirs)
    const answer = await social.say(reply(note.uri), { to: ann.uri })
    assert.equal((await isHere(answer)).inReplyTo, note.uri)
    const mine = await publish(node.tools, ann, { text: 'Well', replyTo: theirs })
    await isThere('post', theirs)
    await remove(node.tools, ann, mine)
    await isThere('delete', mine.uri)
    await isThere('delete', mine.uri, 'ping')
  })

  it('S7 our favourite and our share arrive there, and its favourite here', async () => {
    await favourite(node.tools, ann, theirs)
    await isThere('favorite', theirs)
    await share(node.tools, ann, theirs)
    await isThere('share', theirs)
    const taken = await social.slap(ann.uri, verbXml('favorite') + reply(note.uri) + noteXml(note.uri), 'tag:127.0.0.1,2026:fave:1:1')
    assert.equal(taken, 202)
    await until('the favourite', async () => (await node.tools.history.countActs(note.uri)).favourite === 1)
  })

  it('X2 X4 its share and its delete arrive here, though the delete has the id of the note', async () => {
    const shared = await social.say(verbXml('share') + noteXml(note.uri), { id: `${theirs}:share` })
    assert.equal((await isHere(shared)).verb, 'share')
    await social.say(verbXml('delete') + noteXml(theirs), { id: theirs })
    await until('the delete', async () => (await node.tools.history.findByUri(theirs))?.deletedAt !== undefined)
  })

  it('F19 after a renewal pings are signed with the new secret', async () => {
    await social.renew()
    await until('the verification', social.isActive)
    const again = await publish(node.tools, ann, { text: 'Hello again' })
    await isThere('post', again.uri, 'ping')
  })

  it('X5 unfollows twice with one id, each of which ends a follow; so does ours', async () => {
    for (let round = 0; round < 2; round++) {
      await social.follow(ann.uri)
      assert.deepEqual(await followers(), [social.uri])
      assert.equal(await social.unfollow(ann.uri), 202)
      await until('the end of the follow', async () => (await followers()).length === 0)
    }
    assert.equal(await unfollow(node.tools, (await node.tools.actors.findByUri(social.uri))!, ann), true)
    await isThere('unfollow', social.uri)
  })

  it('S10 our second follow is another than the first, or it would be taken for it', async () => {
    await follow(node.tools, `acct:${social.acct}`, { as: ann })
    await isThere('follow', social.uri, 'salmon', 2)
  })

  it('S12 every demand was met, and every slap taken at the first try', async () => {
    assert.deepEqual(social.unmet, [])
    assert.deepEqual([...social.met].sort(), [...DEMANDS].sort())
    const sent = await until('the end of all deliveries', async () => {
      const list = await node.tools.deliveries.list({ failed: false, limit: 100 })
      return list.every(one => one.state !== 'waiting') && list.filter(one => one.kind === 'salmon')
    })
    assert.deepEqual(new Set(sent.map(one => `${one.state} ${one.attempts} ${one.status}`)), new Set(['done 1 200']))
    assert.deepEqual(social.unmet, [])
    assert.deepEqual([...social.met].sort(), [...DEMANDS].sort())
  })

  describe('without', () => {
    let key: KeyObject
    const { payload, unpadded } = makeForger(() => key)
    before(async () => {
      key = createPrivateKey((await node.tools.actors.privateKey('ann'))!)
    })

    type Way = (double: GnuSocial) => Promise<unknown>
    const itFollows: Way = double => double.follow(ann.uri).catch(error => assert.ok(error instanceof Unmet, error))
    const weFollow: Way = double => follow(node.tools, `acct:${double.acct}`, { as: ann })
    const bothFollow: Way = async double => {
      await itFollows(double)
      assert.deepEqual(double.unmet, [])
      await weFollow(double)
    }
    const wePublish: Way = async double => {
      await itFollows(double)
      await until('the verification', double.isActive)
      await publish(node.tools, ann, { text: 'Hello' })
    }
    const weAct =
      (act: typeof favourite | typeof share): Way =>
      async double => {
        await weFollow(double)
        await until('the subscription', double.isListenedTo)
        const id = await double.say('<content type="html">Hi</content>')
        await isHere(id)
        await act(node.tools, ann, id)
      }
    const renewed: Way = async double => {
      await itFollows(double)
      await until('the verification', double.isActive)
      await double.renew()
      await until('the question', () => double.unmet.length > 0)
      double.unmet.length = 0
      await publish(node.tools, ann, { text: 'Hello' })
    }
    let questions = 0
    const secondQuestion: Tamper = message =>
      message.kind === 'question' && ++questions > 1 ? { ...message, body: 'hub.mode=subscribe' } : message

    const URI = /<uri>[^<]*<\/uri>/g
    const LOST: [id: string, what: string, Tamper, Way][] = [
      ['F1', 'a name without port', m => m, double => assert.rejects(double.follow(`acct:ann@${node.host}`), new Unmet('F1'))],
      ['F5', 'host-meta', status('host-meta', 404), itFollows],
      ['F5', 'host-meta (as an unknown author)', status('host-meta', 404), weFollow],
      ['F6', 'the author URI in the descriptor', body('lrdd', swap(/<(Alias|Subject)>.*?<\/\1>/g, '')), itFollows],
      ['F6', 'the author URI in the descriptor (as an unknown author)', body('lrdd', swap(/<(Alias|Subject)>.*?<\/\1>/g, '')), weFollow],
      ['F8', 'feed and page in the descriptor', body('webfinger', swap(/updates-from|rel\/profile-page/g, 'x')), itFollows],
      ['F9', 'the type of the feed', type('feed', 'text/plain'), itFollows],
      ['F10', 'the hub in the feed', body('feed', swap(/rel="hub"/, 'rel="x"')), itFollows],
      ['F10', 'the hub in the feed (as an unknown author)', body('feed', swap(/rel="hub"/, 'rel="x"')), weFollow],
      ['F11', 'the salmon link in the feed', body('feed', swap(/rel="salmon"/, 'rel="x"')), itFollows],
      ['F12', 'the author URI in the feed', body('feed', swap(URI, '')), itFollows],
      ['F12', 'an author URI of the web', body('feed', swap(URI, '<uri>acct:ann@a.example</uri>')), itFollows],
      ['F13', 'preferredUsername', body('feed', swap(/<poco:preferredUsername>.*?<\/poco:preferredUsername>/g, '')), itFollows],
      ['F13', 'a plain preferredUsername', body('feed', swap(/(<poco:preferredUsername>)/g, '$1x.y-')), itFollows],
      ['F15', '202 of the hub', status('hub', 200), itFollows],
      ['F17', 'the topic in the question', body('question', swap(/hub\.topic=[^&]*/, 'hub.topic=x')), itFollows],
      ['F19', 'the question of a renewal', secondQuestion, renewed],
      ['S11 page', 'the feed on the page', body('page', swap(/rel="alternate"/g, 'rel="x"')), weFollow],
      ['S11 key', 'the key', body('lrdd', swap(/magic-public-key/g, 'x')), weFollow],
      ['S5', 'one author URI everywhere', body('feed', swap(URI, '<uri>https://a.example/ann</uri>')), weFollow],
      ['S1', 'the bare content type', type('salmon', 'application/magic-envelope+xml; charset=utf-8'), weFollow],
      ['S2', 'padding in what is signed', unpadded, weFollow],
      ['S2', 'the key that was fetched first (S9)', signedBy(makePair().privateKey), bothFollow],
      ['S3', 'an entry without prefix', payload(prefixed('entry')), weFollow],
      ['S3', 'an entry at the root', payload(swap(/<(\/?)entry/g, '<$1feed')), weFollow],
      ['S4', 'the author', payload(swap(/<uri>.*?<\/uri>/g, '')), weFollow],
      ['S4', 'an author of the web', payload(swap(URI, '<uri>acct:ann@a.example</uri>')), weFollow],
      ['S6', 'the owner in the context', payload(swap(/127\.0\.0\.1:\d+\/user\/1/g, 'a.example/1')), weFollow],
      ['S6', 'the user URI, for the profile page', payload(swap(/\/user\/1\b/g, '/bob')), weFollow],
      [
        'S7',
        'the context of a favourite',
        payload(swap(/rel="mentioned"|<thr:in-reply-to[^>]*>/g, ''), /schema\/1\.0\/favorite</),
        weAct(favourite)
      ],
      ['S7', 'the mention of a share', payload(swap(/rel="mentioned"/g, 'rel="x"'), /schema\/1\.0\/share</), weAct(share)],
      [
        'S8',
        'the verb in its spelling',
        payload(swap(/activitystrea\.ms\/schema\/1\.0\/follow/, 'ostatus.org/schema/1.0/follow')),
        weFollow
      ],
      ['P1', 'the signature', unsigned, wePublish],
      ['P1', 'a signature that is right', body('ping', swap(/Hello/, 'Goodbye')), wePublish],
      ['P2', 'a feed without prefix', ping(prefixed('feed')), wePublish],
      ['P2', 'a feed at the root', ping(swap(/<(\/?)feed/g, '<$1entry')), wePublish],
      ['P3', 'the prefix ostatus', ping(swap(/ostatus:object-type=/g, `xmlns:os="${NS.ostatus}" os:object-type=`)), wePublish],
      ['P4', 'an author who is the owner', ping(swap(/(<entry[\s\S]*?)<uri>[^<]*/, '$1<uri>https://a.example/x')), wePublish]
    ]

    for (const [id, what, tamper, way] of LOST) {
      it(`${id} it is refused: ${what}`, async () => {
        const double = await startGnuSocial({ pair, tamper })
        try {
          await way(double)
          await until(`the refusal of ${id}`, () => double.unmet.length > 0)
          assert.equal(double.unmet[0], id)
        } finally {
          await double.close()
        }
      })
    }

    it('S12 what it refused was not sent again', async () => {
      const list = await node.tools.deliveries.list({ failed: true, limit: 100 })
      const refused = list.filter(one => one.kind === 'salmon' && one.status !== undefined)
      assert.ok(refused.length > 10)
      assert.deepEqual(new Set(refused.map(one => `${one.state} ${one.attempts} ${one.status}`)), new Set(['failed 1 400']))
    })

    it('Z1 every demand has its place in this table', () => {
      assert.deepEqual([...new Set(LOST.map(([id]) => id))].sort(), [...DEMANDS].sort())
    })
  })
})
