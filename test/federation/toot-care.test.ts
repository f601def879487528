/** The one toot of a post: what it is not mistaken for, how it is edited, and whom it may not be wasted on. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { publishPage } from '../../src/federation/publish-page.ts'
import { editToot, makeToot, tootOf } from '../../src/federation/toot.ts'
import type { Toot } from '../../src/model/blog.ts'
import { pageKey } from '../../src/protocol/blog-address.ts'
import type { Tools } from '../../src/tools.ts'
import { startTooting, type Tooting } from '../support/tooting.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const STATUSES = '/api/v1/statuses'

describe('the one toot of a post', () => {
  let all: Tooting
  const begin = async (env: Record<string, string> = {}) => {
    all = await startTooting(env)
  }
  afterEach(() => all?.close())

  const toot = (url: string, tools: Tools = all.node.tools) => tootOf(tools, url)
  const failing = (url: string, tools?: Tools) =>
    toot(url, tools).then(
      () => assert.fail('it did not fail'),
      error => error
    )
  const stored = async (url: string): Promise<Toot> => (await all.find(url))!
  const posts = () => all.mastodon.requests({ method: 'POST', path: STATUSES }).length
  const puts = () => all.mastodon.requests({ method: 'PUT' })
  /** What the clock does now. */
  const due = async (tools = all.node.tools) => {
    const [now, until] = [tools.clock(), new Date(tools.clock().getTime() + 10 * MINUTE)]
    for (const key of await tools.toots.takeDue(now, until, 9)) await makeToot(tools, key)
    for (const key of await tools.toots.takeEdits(now, until, 9)) await editToot(tools, key)
  }
  const say = (status: Record<string, string>) =>
    fetch(`${all.mastodon.origin}${STATUSES}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${all.settings.MASTODON_OAUTH_TOKEN}` },
      body: new URLSearchParams(status)
    })

  it('X49 T3 is not what the owner has written of the same page besides, in private or in public', async () => {
    await begin()
    const url = all.blog.put('/1/one')
    all.mastodon.drop({ path: STATUSES, times: 1 })
    await failing(url)
    await say({ status: `Nobody knows yet: ${url}`, visibility: 'direct' })
    await say({ status: `A post\n\n${url}`, visibility: 'direct' })
    await say({ status: `I wrote ${url}` })
    const { tootId } = await toot(url)
    const made = all.mastodon.statuses().at(-1)
    assert.deepEqual([tootId, made?.status.visibility, all.mastodon.statuses().length], [made?.status.id, 'public', 4])
    assert.equal((await stored(url)).text, `A post\n\n${url}`)
  })

  it('T3 W16 is found as it was written first, and told of the edit that came between', async () => {
    await begin()
    const url = all.blog.put('/1/one', { title: 'First' })
    all.mastodon.cut()
    await failing(url)
    all.mastodon.forgetIdempotency()
    all.blog.put('/1/one', { title: 'Second' })
    const { tootId } = await toot(url)
    assert.deepEqual([all.mastodon.statuses().length, (await stored(url)).text], [1, `First\n\n${url}`])
    await due()
    assert.deepEqual(
      puts().map(({ path }) => path),
      [`${STATUSES}/${tootId}`]
    )
    assert.deepEqual([(await stored(url)).text, (await stored(url)).editAt], [`Second\n\n${url}`, undefined])
  })

  it('T3 W16 keeps the words that the server gives for the key of a first try which it had after all', async () => {
    await begin()
    const url = all.blog.put('/1/one', { title: 'First' })
    all.mastodon.cut()
    await failing(url)
    all.blog.put('/1/one', { title: 'Second' })
    // the search does not show it yet
    const { http } = all.node.tools
    const request: typeof http.request = async (address, ask) => {
      const answer = await http.request(address, ask)
      return address.includes('/statuses?') ? { ...answer, body: Buffer.from('[]') } : answer
    }
    const tools = { ...all.node.tools, http: { ...http, request } }
    await toot(url, tools)
    const { editAt, text } = await stored(url)
    assert.deepEqual([all.mastodon.statuses().length, text, editAt !== undefined], [1, `First\n\n${url}`, true])
  })

  it('S1-7 S1-46 T10 is one, whatever query is added by whom, with a slash at the end or without', async () => {
    await begin({ TOOT_BUDGET: '2' })
    const url = all.blog.put('/1/one')
    all.blog.put('/1/one/')
    for (const form of ['/?ref=hn', '?a=2', '/', '', '?utm_source=x', '?', '#top', ...Array.from({ length: 20 }, (_, n) => `?n=${n}`)]) {
      const { url: told } = await toot(url + form)
      assert.equal(pageKey(told), pageKey(url), form)
      all.pass(10_000)
    }
    assert.equal(all.mastodon.statuses().length, 1)
    assert.equal((await toot(all.blog.put('/1/two'))).state, 'posted')
  })

  it('X39 is made for whoever asks at the same moment as somebody who has asked too often', async () => {
    await begin()
    const visit = (url: string, from: string) => tootOf(all.node.tools, url, { from }).catch(error => error)
    for (let n = 0; n < 10; n++) await visit(`${all.blog.origin}/1/none-${n}`, '203.0.113.1')
    const url = all.blog.put('/1/one')
    const [spent, other] = await Promise.all([visit(url, '203.0.113.1'), visit(url, '203.0.113.2')])
    assert.deepEqual([spent.status, other.state], [429, 'posted'])
  })

  for (const status of [422, 403] as const) {
    it(`T3 is not asked for again by visitors when the server has refused it for good by ${status}`, async () => {
      await begin()
      const url = all.blog.put('/1/one', { title: 'First' })
      all.mastodon.fail({ status, path: STATUSES, times: 9 })
      const first = await failing(url)
      for (let visit = 0; visit < 3; visit++) {
        all.pass(HOUR)
        const error = await failing(url)
        assert.deepEqual([error.status, error.code, error.message], [502, 'mastodon', first.message])
        assert.equal(Math.round(error.retryAfter / 3600), 23 - visit)
      }
      assert.equal(posts(), 1)
      // other words, other settings and another connection are another question
      all.blog.put('/1/one', { title: 'Second' })
      await failing(url)
      assert.equal(posts(), 2)
      const { clock, config, connections, toots } = all.node.tools
      await failing(url, { ...all.node.tools, config: { ...config, tootVisibility: 'unlisted' } })
      assert.equal(posts(), 3)
      const accountId = (await findAccount(all.node.tools, 'blog')).id
      const token = all.mastodon.grant()
      await connections.keep({ accountId, host: all.mastodon.origin, token, state: 'ok', connectedAt: clock() })
      await failing(url)
      await failing(url)
      assert.equal(posts(), 4)
      await toots.wake(accountId, clock())
      all.mastodon.calm()
      assert.equal((await toot(url)).state, 'posted')
    })
  }

  it('W16 is edited at last after an outage of two days, and at once when an account is connected', async () => {
    await begin()
    const url = all.blog.put('/1/one', { title: 'First' })
    const { accountId, key } = await toot(url)
    all.blog.put('/1/one', { title: 'Second' })
    const { clock, toots } = all.node.tools
    await toots.wantEdit(key, clock())
    all.mastodon.fail({ status: 503, method: 'PUT', times: 1000 })
    let pauses = 0
    for (let hour = 0; hour < 48; hour++) {
      await due()
      const { editAt } = await stored(url)
      assert.ok(editAt !== undefined && editAt > clock())
      all.pass(HOUR)
      pauses++
    }
    assert.ok(puts().length >= 4 && puts().length < pauses / 2, `${puts().length}`)
    all.mastodon.calm()
    await toots.wake(accountId, clock())
    await due()
    assert.deepEqual([(await stored(url)).text, (await stored(url)).editAt], [`Second\n\n${url}`, undefined])
  })

  it('W16 is left as it is, and the owner told, when it is not there any more, or after days', async () => {
    await begin()
    const url = all.blog.put('/1/one', { title: 'First' })
    const { key } = await toot(url)
    all.blog.put('/1/one', { title: 'Second' })
    const { clock, toots } = all.node.tools
    const warnings = () => all.lines.filter(({ level }) => level === 'warn').length
    await toots.wantEdit(key, clock())
    all.mastodon.fail({ status: 404, method: 'PUT', path: `${STATUSES}/*` })
    await due()
    assert.deepEqual([(await stored(url)).editAt, warnings()], [undefined, 1])
    await toots.wantEdit(key, clock())
    all.mastodon.fail({ status: 500, method: 'PUT', times: 1000 })
    let days = 0
    for (; (await stored(url)).editAt !== undefined; days++) {
      for (let hour = 0; hour < 24; hour++, all.pass(HOUR)) await due()
    }
    assert.ok(days >= 3 && days < 8, `${days}`)
    assert.equal(warnings(), 2)
  })

  it('S1-75 W16 is edited after a rehearsal is over', async () => {
    await begin()
    const url = all.blog.put('/1/one', { title: 'First' })
    const { key } = await toot(url)
    all.blog.put('/1/one', { title: 'Second' })
    const { tools } = all.node
    await tools.toots.wantEdit(key, tools.clock())
    for (let day = 0; day < 10; day++) {
      await due({ ...tools, config: { ...tools.config, dryRun: true } })
      all.pass(DAY)
    }
    assert.equal(puts().length, 0)
    await due()
    assert.equal((await stored(url)).text, `Second\n\n${url}`)
  })

  it('W16 waits with its edit while it is being made', async () => {
    await begin()
    const url = all.blog.put('/1/one')
    const { key } = await toot(url)
    const { clock, toots } = all.node.tools
    const claimedUntil = new Date(clock().getTime() + 2 * MINUTE)
    await toots.change(key, { state: 'claimed', claimedUntil })
    await toots.wantEdit(key, clock())
    await due()
    const { editAt } = await stored(url)
    assert.ok(editAt !== undefined && editAt > claimedUntil)
  })

  it('W16 keeps the title of whom it was made by: the feed that completes a page changes no word', async () => {
    await begin()
    const url = all.blog.put('/1/one', { title: 'First - A blog' })
    const { key } = await toot(url)
    const { blogs, clock, toots } = all.node.tools
    await blogs.changeEntry(key, { source: 'feed' })
    await toots.wantEdit(key, clock())
    await due()
    assert.equal(puts().length, 0)
  })

  it('W16 is made of an old post when its owner wants it', async () => {
    await begin()
    const { clock, toots } = all.node.tools
    const accountId = (await findAccount(all.node.tools, 'blog')).id
    const url = all.blog.put('/1/old', { meta: { 'article:published_time': '2020-01-01' } })
    await toots.markOld([{ key: pageKey(url), url, accountId }], clock())
    assert.equal((await toot(url)).state, 'old')
    assert.equal((await publishPage(all.node.tools, url)).toot?.state, 'old')
    assert.equal((await publishPage(all.node.tools, url, { toot: true })).toot?.state, 'wanted')
    await due()
    assert.equal((await stored(url)).state, 'posted')
    await publishPage(all.node.tools, url, { toot: true })
    await due()
    assert.equal(all.mastodon.statuses().length, 1)
  })
})
