import assert from 'node:assert/strict'
import { conversation } from '../../src/federation/comments.ts'
import { pauseAt, readTootThread, wakeThread } from '../../src/federation/toot-thread.ts'
import type { Toot } from '../../src/model/blog.ts'
import { Unreachable } from '../../src/model/errors.ts'
import type { Page } from '../support/internet.ts'
import { PAGE, saidIn, startTalk, type Talk } from '../support/talk.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const API = 'https://masto.example/api/v1/statuses/110000000000000001'

const account = (name: string) => ({
  ...{
    id: '1',
    username: name,
    acct: name,
    display_name: name,
    url: `https://masto.example/@${name}`,
    uri: `https://masto.example/users/${name}`
  },
  ...{
    avatar: `https://masto.example/${name}.png`,
    avatar_static: `https://masto.example/${name}.png`,
    created_at: '2026-01-01T00:00:00.000Z'
  }
})
const status = (id: string, name: string, more: object = {}) => ({
  ...{ id, uri: `https://masto.example/users/${name}/statuses/${id}`, url: `https://masto.example/@${name}/${id}`, account: account(name) },
  ...{
    created_at: '2026-03-01T12:01:00.000Z',
    edited_at: null,
    in_reply_to_id: null,
    visibility: 'public',
    language: 'en',
    sensitive: false
  },
  ...{
    content: `<p>${name} says 1</p>`,
    spoiler_text: '',
    replies_count: 0,
    reblogs_count: 0,
    favourites_count: 0,
    media_attachments: [],
    emojis: []
  },
  ...more
})

describe('the thread of a toot', () => {
  let talk: Talk
  beforeEach(async () => {
    talk = await startTalk({
      ...{
        MODERATION: 'all',
        MASTODON_HOST: 'masto.example',
        MASTODON_USER: 'alice',
        MASTODON_OAUTH_TOKEN: 'a token for tests',
        ACCOUNT: 'alice'
      }
    })
    await talk.tools.toots.change((await talk.toot()).key, { pollAt: talk.tools.clock() })
  })
  afterEach(() => talk?.close())

  const json = (body: unknown): Page => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const serve = (own: object, descendants: object[], favourites: object[] = [], shares: object[] = []) => {
    const { set } = talk.internet
    set(API, json(status('110000000000000001', 'alice', own)))
    set(`${API}/context`, json({ ancestors: [], descendants }))
    for (const suffix of ['', '?limit=80']) {
      set(`${API}/favourited_by${suffix}`, json(favourites))
      set(`${API}/reblogged_by${suffix}`, json(shares))
    }
  }
  const everything = (page: Page) => {
    for (const path of ['', '/context', '/favourited_by', '/reblogged_by', '/favourited_by?limit=80', '/reblogged_by?limit=80'])
      talk.internet.set(`${API}${path}`, page)
  }
  const read = async () => readTootThread(talk.tools, (await talk.toot()).key)
  const next = async ({ pollAt }: Pick<Toot, 'pollAt'>) =>
    pollAt === undefined ? undefined : pollAt.getTime() - talk.tools.clock().getTime()

  it('W26 S1-85 is read: answers, favourites, boosts; and kept as it is now', async () => {
    const reply = status('110000000000000002', 'bob', { in_reply_to_id: '110000000000000001' })
    const below = status('110000000000000003', 'carol', { in_reply_to_id: reply.id, visibility: 'direct' })
    serve({ favourites_count: 3, reblogs_count: 1 }, [reply, below], [account('bob'), account('dave')], [account('erin')])
    await read()
    const told = await conversation(talk.tools, PAGE)
    assert.deepEqual(
      told.comments.flatMap(({ html }) => saidIn(html)),
      ['bob']
    )
    assert.deepEqual(told.counts, { replies: 1, likes: 3, shares: 1 })
    serve({ favourites_count: 1 }, [], [account('dave')])
    await read()
    assert.deepEqual((await conversation(talk.tools, PAGE)).counts, { replies: 0, likes: 1, shares: 0 })
    assert.deepEqual((await talk.toot()).polledAt, talk.tools.clock())
  })

  it('W25 is read often while the toot is young, then seldom, then when somebody looks', async () => {
    serve({}, [])
    const table: [number, number | undefined][] = [
      [30 * MINUTE, 10 * MINUTE],
      [5 * HOUR, 10 * MINUTE],
      [3 * DAY, HOUR],
      [20 * DAY, DAY],
      [40 * DAY, undefined]
    ]
    const start = talk.tools.clock().getTime()
    for (const [age, pause] of table) {
      talk.pass(start + age - talk.tools.clock().getTime())
      await read()
      assert.equal(await next(await talk.toot()), pause, String(age))
    }
    assert.deepEqual([pauseAt(0).asked, pauseAt(2 * HOUR).asked, pauseAt(90 * DAY).asked], [2 * MINUTE, 10 * MINUTE, 30 * MINUTE])
  })

  it('W25 who looks at the conversation brings the next reading forward, once in a while', async () => {
    serve({}, [])
    await read()
    const look = async () => wakeThread(talk.tools, await talk.toot())
    await look()
    assert.equal(await next(await talk.toot()), 10 * MINUTE)
    talk.pass(2 * MINUTE)
    await Promise.all([look(), look()])
    assert.equal(await next(await talk.toot()), 0)
    talk.pass(40 * DAY)
    await read()
    assert.equal(await next(await talk.toot()), undefined)
    talk.pass(29 * MINUTE)
    await look()
    assert.equal(await next(await talk.toot()), undefined)
    talk.pass(MINUTE)
    await look()
    assert.equal(await next(await talk.toot()), 0)
  })

  it('W25 what fails is tried again after pauses that grow, and what was known stays', async () => {
    serve({}, [status('110000000000000002', 'bob')])
    await read()
    everything({ error: new Unreachable('no answer') })
    const pauses = []
    for (let n = 0; n < 8; n++) {
      talk.pass(10 * MINUTE)
      await read()
      pauses.push(await next(await talk.toot()))
      await wakeThread(talk.tools, await talk.toot())
    }
    assert.deepEqual(pauses.slice(0, 4), [2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR])
    assert.equal(pauses.at(-1), undefined)
    assert.equal((await conversation(talk.tools, PAGE)).comments.length, 1)
    serve({}, [])
    await read()
    assert.deepEqual([(await talk.toot()).pollFailures, (await talk.toot()).error], [0, undefined])
  })

  it('a server that says when to come again is not asked before, whoever looks', async () => {
    everything({ status: 429, headers: { 'retry-after': '1200' }, body: '{"error":"Too many requests"}' })
    await read()
    assert.equal(await next(await talk.toot()), 20 * MINUTE)
    talk.pass(15 * MINUTE)
    await wakeThread(talk.tools, await talk.toot())
    assert.equal(await next(await talk.toot()), 5 * MINUTE)
  })

  it('a toot that is gone is left alone, and what was said stays', async () => {
    serve({}, [status('110000000000000002', 'bob')])
    await read()
    everything({ status: 404, headers: { 'content-type': 'application/json' }, body: '{"error":"Record not found"}' })
    await read()
    talk.pass(DAY)
    assert.equal((await conversation(talk.tools, PAGE)).comments.length, 1)
    assert.equal((await talk.toot()).pollAt, undefined)
  })

  it('without a connection, or with another server, nobody is asked', async () => {
    await talk.tools.toots.change((await talk.toot()).key, { host: 'https://other.example' })
    await read()
    assert.deepEqual([talk.internet.sent.length, (await talk.toot()).pollAt], [0, undefined])
    await readTootThread(talk.tools, 'no.example/such')
  })

  it('X39 at most 200 readings an hour of one server', async () => {
    serve({}, [])
    for (let n = 0; n < 205; n++) await read()
    assert.equal(talk.internet.requests().filter(request => request.endsWith('/context')).length, 200)
    const wait = (await next(await talk.toot())) ?? 0
    assert.ok(wait > 50 * MINUTE && wait <= HOUR)
  })
})
