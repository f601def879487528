import assert from 'node:assert/strict'
import { conversation } from '../../src/federation/comments.ts'
import { approve, block, hide, standingOf, unblock, unhide } from '../../src/federation/moderate.ts'
import { BadMessage, Missing, Refused } from '../../src/model/errors.ts'
import { PAGE, saidIn, startTalk, type Talk } from '../support/talk.ts'

describe('moderation', () => {
  let talk: Talk
  beforeEach(async () => {
    talk = await startTalk({ MODERATION: 'first' })
  })
  afterEach(() => talk?.close())

  const shown = async () => (await conversation(talk.tools, PAGE)).comments.flatMap(({ html }) => saidIn(html))

  it('W31 is one rule: what is hidden stays hidden, what is blocked too, then MODERATION', () => {
    const yesNo = [true, false]
    for (const moderation of ['first', 'all', 'none'] as const)
      for (const decided of ['approved', 'hidden', undefined] as const)
        for (const own of yesNo)
          for (const isBlocked of yesNo)
            for (const isTrusted of yesNo) {
              const standing = standingOf(moderation, { own, isBlocked, isTrusted, ...(decided ? { decided } : {}) })
              const lets = decided === 'approved' || moderation === 'all' || (moderation === 'first' && isTrusted)
              const expected = decided === 'hidden' ? 'hidden' : own ? 'shown' : isBlocked ? 'blocked' : lets ? 'shown' : 'waiting'
              assert.equal(standing, expected, JSON.stringify({ moderation, decided, own, isBlocked, isTrusted }))
            }
  })

  it('W31 with first, approving one comment lets its author’s others in, over all networks', async () => {
    const { answerOf, keepAnswers, meet, personOf, post, reply, tools } = talk
    const person = personOf('bob', 'a.example')
    const bob = await meet('bob', { uri: person.uri })
    const one = await reply(bob, post)
    await reply(bob, post)
    await keepAnswers([answerOf('bob', { person }), answerOf('carol')])
    assert.deepEqual(await shown(), [])
    assert.deepEqual(await approve(tools, one.url!), { id: one.uri, person: 'bob@a.example', alsoPerson: true })
    assert.deepEqual(await shown(), ['bob', 'bob', 'bob'])
  })

  it('W29 W31 a comment that is not for everybody cannot be approved, and its author is not trusted for it', async () => {
    const { answerOf, keepAnswers, meet, post, reply, tools } = talk
    const bob = await meet('bob')
    for (const visibility of ['followers', 'direct'] as const) {
      const secret = await reply(bob, post, { visibility })
      await assert.rejects(approve(tools, secret.uri), error => error instanceof Refused && error.status === 409)
    }
    const told = answerOf('carol', { visibility: 'direct' })
    await keepAnswers([told])
    await assert.rejects(approve(tools, told.url), Refused)
    await reply(bob, post)
    assert.deepEqual(await shown(), [])
  })

  it('W31 with none, approving one comment lets in that one alone', async () => {
    await talk.close()
    talk = await startTalk({ MODERATION: 'none' })
    const { answerOf, keepAnswers, tools } = talk
    const [one, other] = [answerOf('bob'), answerOf('bob')]
    await keepAnswers([one, other])
    assert.deepEqual(await approve(tools, `m-${one.id}`), { id: one.uri, person: 'bob@masto.example', alsoPerson: false })
    assert.equal((await conversation(tools, PAGE)).comments.length, 1)
  })

  it('W31 hidden is for good: also when it comes again, by another way or in another form', async () => {
    const { answerOf, friend, keepAnswers, personOf, post, reply, tools } = talk
    const person = personOf('bob', 'a.example')
    const answer = answerOf('bob', { person })
    await keepAnswers([answer])
    await hide(tools, answer.url)
    await keepAnswers([])
    await keepAnswers([{ ...answer, html: '<p>bob says 2</p>' }])
    const bob = await friend('bob', { uri: person.uri })
    const again = await reply(bob, post, { uri: answer.uri })
    assert.deepEqual(await shown(), [])
    await unhide(tools, again.id)
    assert.deepEqual(await shown(), ['bob'])
    await assert.rejects(unhide(tools, again.id), Missing)
  })

  it('W31 block takes somebody’s words and likes away from everywhere, and unblock gives them back', async () => {
    const { answerOf, friend, keepAnswers, personOf, post, reply, tools } = talk
    const person = personOf('bob', 'a.example')
    const bob = await friend('bob', { uri: person.uri })
    await reply(bob, post)
    await reply(await friend('carol'), post)
    await keepAnswers([answerOf('bob', { person })])
    await tools.answers.keepReactions((await talk.toot()).key, [{ verb: 'favourite', person }])
    for (const who of ['bob@a.example', '@bob@A.example', 'acct:bob@a.example', bob.uri]) {
      assert.equal(await block(tools, who), 'bob@a.example')
      assert.deepEqual(await shown(), ['carol'], who)
      assert.notEqual((await tools.actors.find(bob.id))?.blockedAt, undefined)
      assert.equal((await conversation(tools, PAGE)).counts.likes, 0)
      assert.equal(await unblock(tools, who), 'bob@a.example')
      assert.equal((await tools.actors.find(bob.id))?.blockedAt, undefined)
      assert.equal((await shown()).length, 3, who)
      await assert.rejects(unblock(tools, who), Missing)
    }
  })

  it('W31 block takes the address of a comment for its author, and whoever nobody knows by name', async () => {
    const { answerOf, keepAnswers, tools } = talk
    const answer = answerOf('carol')
    await keepAnswers([answer, answerOf('dave')])
    await approve(tools, `m-${answer.id}`)
    assert.deepEqual(await shown(), ['carol'])
    assert.equal(await block(tools, answer.url), 'carol@masto.example')
    assert.deepEqual(await shown(), [])
    await assert.rejects(approve(tools, answer.uri), (error: Refused) => error.code === 'blocked')
    assert.equal(await block(tools, 'https://masto.example/users/dave'), 'https://masto.example/users/dave')
    assert.deepEqual(await shown(), [])
  })

  it('X30 a blocked host means all below it, whatever its port, and nobody else', async () => {
    await talk.close()
    talk = await startTalk({ MODERATION: 'all' })
    const from = async (name: string, host: string) =>
      talk.reply(await talk.meet(name, { uri: `https://${host}/${name}`, acct: `${name}@${host}` }), talk.post)
    await from('own', 'evil.example')
    await from('below', 'a.b.evil.example')
    await from('port', 'evil.example:8443')
    await from('other', 'notevil.example')
    await from('above', 'example')
    assert.equal((await shown()).length, 5)
    assert.equal(await block(talk.tools, 'EVIL.example'), 'evil.example')
    assert.deepEqual((await shown()).sort(), ['above', 'other'])
    assert.equal(await unblock(talk.tools, 'evil.example'), 'evil.example')
    assert.equal((await shown()).length, 5)
  })

  it('X14 nobody is let in by a page that they only claim, nor by the id of what was approved', async () => {
    const { answerOf, keepAnswers, meet, post, reply, tools } = talk
    const good = await meet('bob')
    const approved = await reply(good, post)
    const answer = answerOf('carol')
    await keepAnswers([answer])
    await approve(tools, approved.uri)
    await approve(tools, answer.uri)
    const profile = { ids: ['https://mal.example/1'], kind: 'person' as const, username: 'mal', url: good.url! }
    const mallory = await meet('mal', {
      uri: 'https://mal.example/1',
      acct: 'mal@mal.example',
      feedUrl: 'https://mal.example/1.atom',
      profile
    })
    await reply(mallory, post)
    await reply(mallory, post, { uri: answer.uri, rightful: false })
    await reply(mallory, post, { uri: 'tag:mal.example,2026:1', url: approved.url! })
    assert.deepEqual((await shown()).sort(), ['bob', 'carol'])
  })

  it('refuses what is not known, what is none, and our own', async () => {
    const { alice, tools } = talk
    for (const verb of [approve, hide, unhide])
      for (const name of ['', 'm-1', 'https://a.example/none', 'x'.repeat(5000), "1' or 1=1"])
        await assert.rejects(verb(tools, name), Missing, name)
    for (const who of ['', 'no host', 'a@b@c', 'https://', 'http:///', '/\\evil', 'x'.repeat(400)])
      await assert.rejects(block(tools, who), BadMessage, who)
    for (const who of [alice.acct, alice.uri, tools.config.handleHost]) await assert.rejects(block(tools, who), Refused, who)
    assert.deepEqual(await tools.verdicts.list('blocked', 10), [])
  })
})
