import assert from 'node:assert/strict'
import { conversation } from '../../src/federation/comments.ts'
import { type Typed, type } from '../support/commands.ts'
import { PAGE, startTalk, type Talk } from '../support/talk.ts'

describe('the commands of moderation', () => {
  let talk: Talk
  beforeEach(async () => {
    talk = await startTalk({ MODERATION: 'first' })
  })
  afterEach(() => talk?.close())

  const typed = (line: string | string[]): Promise<Typed> => type(talk.tools, line)
  const shown = async () => (await conversation(talk.tools, PAGE)).comments.map(({ author }) => author.name)
  const waiting = async () => (await typed('moderation --json')).json.map(({ person }) => person)

  it('W28 W31 moderation shows what waits, the newest first, and nothing else', async () => {
    const { alice, answerOf, friend, keepAnswers, meet, personOf, post, reply, tools } = talk
    assert.deepEqual((await typed('moderation')).printed, ['Nothing waits.'])
    const bob = await meet('bob')
    await tools.history.act({ actorId: bob.id, verb: 'favourite', object: post.uri, at: tools.clock(), undone: false })
    const person = personOf('twin', 'a.example')
    const [first, both] = [answerOf('carol'), answerOf('twin', { person })]
    const second = await reply(bob, post)
    await reply(await meet('twin', { uri: person.uri }), post, { uri: both.uri })
    await reply(await friend('friend'), second)
    await reply(alice, second)
    await reply(bob, post, { visibility: 'direct' })
    const gone = await reply(bob, post)
    await tools.history.remove(bob.id, gone.uri, tools.clock())
    await keepAnswers([first, both, answerOf('alice', { person: personOf('alice') }), answerOf('dave', { visibility: 'private' })])
    assert.deepEqual(await waiting(), ['twin@a.example', 'bob@a.example', 'carol@masto.example'])
    const { json, printed } = await typed('moderation --json --limit 3')
    assert.deepEqual(
      [json.length, json[1]!.id, json[1]!.on, json[1]!.network, json[2]!.on, json[2]!.comment],
      [3, second.uri, post.uri, 'ostatus', PAGE, `m-${first.id}`]
    )
    assert.equal(printed.length, 3)
    assert.match(
      (await typed('moderation')).printed.join('\n'),
      new RegExp(`bob@a\\.example {2}${second.url} {2}\\(on .*\\)\\n    bob says`)
    )
    assert.equal((await typed('moderation --limit 0')).code, 2)
  })

  it('W31 approve shows one comment and lets its author in; unknown ones fail', async () => {
    const { meet, post, reply } = talk
    const bob = await meet('bob')
    const [one] = [await reply(bob, post), await reply(bob, post)]
    assert.deepEqual((await typed(`approve ${one.url}`)).printed, [
      `${one.uri} is shown, and so is whatever bob@a.example writes from now on.`
    ])
    assert.deepEqual(await shown(), ['bob', 'bob'])
    assert.deepEqual(await waiting(), [])
    assert.deepEqual((await typed(`approve ${one.id} --json`)).json, [{ approved: one.uri, person: 'bob@a.example' }])
    const { code, complaints } = await typed('approve https://a.example/none')
    assert.deepEqual([code, complaints], [1, ['This post is not known here.']])
  })

  it('W31 hide and unhide, block and unblock say what they did, as sentences and as objects', async () => {
    const { friend, post, reply } = talk
    const one = await reply(await friend('bob'), post)
    assert.deepEqual((await typed(`hide ${one.url} --json`)).json, [{ hidden: one.uri, person: 'bob@a.example' }])
    assert.deepEqual([await shown(), await waiting()], [[], []])
    assert.deepEqual((await typed(`unhide ${one.id}`)).printed, [`${one.uri} by bob@a.example is no longer hidden.`])
    assert.deepEqual((await typed('block bob@a.example')).printed, ['bob@a.example is blocked.'])
    assert.deepEqual([await shown(), await waiting()], [[], []])
    assert.deepEqual((await typed('unblock bob@a.example --json')).json, [{ unblocked: 'bob@a.example' }])
    assert.deepEqual((await typed('block a.example --json')).json, [{ blocked: 'a.example' }])
    assert.deepEqual(await shown(), [])
    assert.deepEqual((await typed('unblock a.example')).printed, ['a.example is no longer blocked.'])
    assert.deepEqual((await typed('unblock a.example')).complaints, ['a.example is not blocked.'])
    assert.deepEqual(await shown(), ['bob'])
    assert.equal((await typed(['block', 'alice@@'])).code, 1)
  })

  it('W31 with all nothing waits, with none everything does, friends too', async () => {
    for (const [mode, expected] of [
      ['all', []],
      ['none', ['bob@a.example', 'carol@masto.example']]
    ] as const) {
      await talk.close()
      talk = await startTalk({ MODERATION: mode })
      await talk.keepAnswers([talk.answerOf('carol')])
      const one = await talk.reply(await talk.friend('bob'), talk.post)
      assert.deepEqual(await waiting(), expected)
      await typed(`approve ${one.id}`)
      assert.deepEqual(await waiting(), expected.slice(1))
    }
  })

  it('W31 lists what is hidden, blocked and approved, each once, and takes each of it back', async () => {
    const { answerOf, keepAnswers, meet, post, reply } = talk
    for (const verdict of ['hidden', 'blocked', 'approved'])
      assert.deepEqual((await typed(`moderation --${verdict}`)).printed, [`Nothing is ${verdict}.`])
    const [bob, answer] = [await meet('bob'), answerOf('carol')]
    const one = await reply(bob, post)
    await keepAnswers([answer])
    await typed(`hide ${answer.url}`)
    await typed(`approve ${one.id}`)
    await typed('block evil.example')
    await typed(`block ${(await meet('eve')).uri}`)
    const list = async (verdict: string) =>
      (await typed(`moderation --${verdict} --json`)).json.map(({ id, kind }) => `${kind} ${id}`).sort()
    assert.deepEqual(await list('hidden'), [`comment ${answer.uri}`])
    assert.deepEqual(await list('blocked'), ['host evil.example', 'person eve@a.example'])
    assert.deepEqual(await list('approved'), [`comment ${one.uri}`, 'person bob@a.example'])
    assert.match((await typed('moderation --hidden')).printed.join('\n'), /carol@masto\.example {2}https.*\n {4}carol says/)
    assert.equal((await typed('moderation --hidden --limit 1')).printed.length, 2)
    assert.match((await typed('moderation --blocked')).printed.join('\n'), /evil\.example and all below it/)
    assert.equal((await typed('moderation --hidden --blocked')).code, 2)
    assert.deepEqual((await typed(`unapprove ${one.id}`)).printed, [`${one.uri} by bob@a.example is no longer approved.`])
    assert.deepEqual([await shown(), await waiting()], [[], ['bob@a.example']])
    assert.equal((await typed(`unapprove ${one.id}`)).code, 1)
    await typed(`approve ${one.id}`)
    assert.deepEqual((await typed('unapprove bob@a.example --json')).json, [{ unapproved: 'bob@a.example', person: 'bob@a.example' }])
    assert.deepEqual(await list('approved'), [`comment ${one.uri}`])
  })

  it('W31 with none, what was approved stays so when it was hidden by mistake', async () => {
    await talk.close()
    talk = await startTalk({ MODERATION: 'none' })
    const one = await talk.reply(await talk.meet('bob'), talk.post)
    for (const line of ['approve', 'hide', 'hide', 'unhide']) await typed(`${line} ${one.id}`)
    assert.deepEqual(await shown(), ['bob'])
    await typed('block bob@a.example')
    await typed('unblock bob@a.example')
    assert.deepEqual(await shown(), ['bob'])
  })

  it('says of one’s own post that it is no comment', async () => {
    const { alice, post, reply } = talk
    for (const line of [`hide ${PAGE}`, `hide ${post.id}`, `approve ${post.uri}`, `unapprove ${post.uri}`, `unhide ${PAGE}`]) {
      const { code, complaints } = await typed(line)
      assert.deepEqual([code, complaints], [1, ['This is a post of your own, not a comment: `tidings delete` takes it away.']], line)
    }
    assert.equal((await typed(`hide ${(await reply(alice, post)).id}`)).code, 0)
  })

  it('W28 nothing buries what waits: neither many newer ones nor those of a host that was blocked', async () => {
    const { answerOf, keepAnswers, meet, personOf, post, reply } = talk
    const flood = Array.from({ length: 1200 }, (_, n) => answerOf('x', { person: personOf(`p${n}`, 'flood.example') }))
    await reply(await meet('older'), post, { publishedAt: new Date('2026-03-01T11:00:00Z'), sortedAt: new Date('2026-03-01T11:00:00Z') })
    const evil = await meet('evil', { uri: 'https://sub.flood.example/evil', acct: 'evil@sub.flood.example' })
    for (let n = 0; n < 600; n++) await reply(evil, post)
    await keepAnswers([...flood, answerOf('first', { published: new Date('2026-03-01T11:30:00Z') })])
    const all = (await typed('moderation --json --limit 10000')).json.map(({ person }) => person)
    assert.deepEqual([all.length, all.at(-1), all.at(-2)], [1802, 'older@a.example', 'first@masto.example'])
    assert.equal((await typed('moderation --json --limit 1700')).printed.length, 1700)
    await typed('block flood.example')
    assert.deepEqual(await waiting(), ['first@masto.example', 'older@a.example'])
    assert.equal((await typed('moderation --json --limit 100000')).json.length, 2)
    await typed('block older@a.example')
    assert.deepEqual(await waiting(), ['first@masto.example'])
  })

  it('X14 who claims the address of what was approved waits all the same', async () => {
    const { meet, post, reply } = talk
    const good = await reply(await meet('bob'), post)
    await typed(`approve ${good.url}`)
    const mallory = await meet('mal', { uri: 'https://mal.example/1', acct: 'mal@mal.example', feedUrl: 'https://mal.example/1.atom' })
    await reply(mallory, post, { uri: 'tag:mal.example,2026:1', url: good.url! })
    assert.deepEqual(await waiting(), ['mal@mal.example'])
  })

  it('W28 a reply deep in the thread waits as well, one that answers nobody here does not', async () => {
    const { friend, meet, post, reply } = talk
    const bob = await friend('bob')
    let above = await reply(bob, post)
    for (let n = 0; n < 70; n++) above = await reply(bob, above)
    await reply(await meet('deep'), above)
    const other = await reply(bob, above, { parentId: undefined as never, inReplyTo: 'https://else.example/1' })
    await reply(await meet('elsewhere'), other)
    assert.deepEqual(await waiting(), ['deep@a.example'])
  })
})
