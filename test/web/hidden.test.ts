/** What is hidden, waits or is blocked × every way by which anybody reads: gone from each, and back in each when it is taken back. */
import assert from 'node:assert/strict'
import { approve, block, hide, unapprove, unblock, unhide } from '../../src/federation/moderate.ts'
import { renewToken } from '../../src/federation/private-feed.ts'
import { visitor } from '../support/browser.ts'
import { until } from '../support/node.ts'
import { keepPost } from '../support/residents.ts'
import { PAGE, saidIn, startTalk, type Talk } from '../support/talk.ts'

const ACTIVITY = 'application/activity+json'

describe('what the owner hides', function () {
  this.timeout(90_000)
  let talk: Talk
  beforeEach(async () => {
    talk = await startTalk({ MODERATION: 'first', OPEN_SEARCH: 'on' })
  })
  afterEach(() => talk.close())

  it('W31 X43 is gone from widget, counts, pages, collections, feeds and searches, and comes back to each', async () => {
    const { alice, answerOf, friend, keepAnswers, node, post, reply, tools } = talk
    const bob = await friend('bob')
    const comment = await reply(bob, post)
    await keepPost(tools, alice, { verb: 'share', sharedId: comment.id, html: '' })
    const dave = answerOf('dave')
    await keepAnswers([dave])
    await approve(tools, dave.uri)
    const token = await renewToken(tools)
    const url = encodeURIComponent(PAGE)
    const json = { accept: 'application/json' }
    const views: [name: string, path: string, headers: Record<string, string>, whom: string[]][] = [
      ['comments', `/api/comments?url=${url}`, json, ['bob', 'dave']],
      ['page of the post', `/users/alice/posts/${post.id}`, {}, ['bob', 'dave']],
      ['page of the comment', `/posts/${comment.id}`, {}, ['bob', 'dave']],
      ['timeline of everybody', '/', {}, ['bob']],
      ['profile', `/people/${bob.id}`, {}, ['bob']],
      ['our profile', '/users/alice', {}, ['bob']],
      ['search', '/search?q=says', {}, ['bob']],
      ['search by address', `/search?q=${encodeURIComponent(comment.uri)}`, {}, ['bob']],
      ['interaction', `/authorize_interaction?uri=${encodeURIComponent(comment.uri)}`, {}, ['bob']],
      ['Atom', '/users/alice.atom', {}, ['bob']],
      ['RSS', '/users/alice.rss', {}, ['bob']],
      ['JSON Feed', '/users/alice.json', {}, ['bob']],
      ['feed as a page', '/users/alice.atom', { 'sec-fetch-dest': 'document' }, ['bob']],
      ['private feed', `/feeds/following.atom?token=${token}`, {}, ['bob']]
    ]
    const look = async () => {
      const seen = []
      for (const [name, path, headers] of views) {
        const { text } = await visitor(node).get(path, headers)
        const said = new Set(saidIn(text.replaceAll('&lt;', '<')))
        seen.push([name, ['bob', 'dave'].filter(who => said.has(who))])
      }
      const replies = (await visitor(node).get(`/users/alice/posts/${post.id}/replies`, { accept: ACTIVITY })).text
      const outbox = (await visitor(node).get('/users/alice/outbox?page=true', { accept: ACTIVITY })).text
      const counts = JSON.parse((await visitor(node).get(`/api/counts?url=${url}`, json)).text).counts[PAGE].replies
      return { seen, replies: [comment.uri, dave.uri].map(uri => replies.includes(uri)), shared: outbox.includes(comment.uri), counts }
    }
    const whole = {
      ...{ seen: views.map(([name, , , whom]) => [name, whom]), replies: [true, true], shared: true, counts: 2 }
    }
    const nothing = { seen: views.map(([name]) => [name, []]), replies: [false, false], shared: false, counts: 0 }
    // what other processes hear of comes by the database, a moment later
    const becomes = async (what: string, expected: typeof whole | typeof nothing) => {
      const isSame = async () => JSON.stringify(await look()) === JSON.stringify(expected)
      await until(what, isSame, 15_000).catch(async () => assert.deepEqual(await look(), expected, what))
    }
    await becomes('all of it', whole)
    for (const [what, act, back] of [
      ['hidden', hide, unhide],
      ['blocked', block, unblock]
    ] as const) {
      for (const name of [comment.uri, dave.uri]) await act(tools, name)
      await becomes(`${what}: nothing of it`, nothing)
      for (const name of [comment.uri, dave.uri]) await back(tools, name)
      await becomes(`no longer ${what}`, whole)
    }
    await block(tools, 'a.example')
    await block(tools, 'masto.example')
    await becomes('hosts blocked: nothing of it', nothing)
    await unblock(tools, 'a.example')
    await unblock(tools, 'masto.example')
    await becomes('hosts no longer blocked', whole)
    await unapprove(tools, dave.uri)
    await tools.follows.remove(alice.id, bob.id)
    const waiting = await look()
    assert.deepEqual([waiting.replies, waiting.counts], [[false, false], 0])
    for (const [name, whom] of waiting.seen) assert.deepEqual(whom, [], `waits: ${name}`)
  })
})
