/** The lazy toot, from a page to the one toot of it. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { editToot, makeToot, tootOf } from '../../src/federation/toot.ts'
import { dueAfter } from '../../src/federation/toot-make.ts'
import type { Toot } from '../../src/model/blog.ts'
import { BadMessage, Refused, Unreachable } from '../../src/model/errors.ts'
import { pageKey } from '../../src/protocol/blog-address.ts'
import { until } from '../support/node.ts'
import { startTooting, type Tooting } from '../support/tooting.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const STATUSES = '/api/v1/statuses'

describe('the lazy toot', () => {
  let all: Tooting
  const begin = async (env: Record<string, string> = {}) => {
    all = await startTooting(env)
  }
  afterEach(() => all?.close())

  const toot = (url: string) => tootOf(all.node.tools, url)
  const texts = () => all.mastodon.statuses().map(({ request }) => new URLSearchParams(request.body).get('status'))
  const stored = async (url: string): Promise<Toot> => (await all.find(url))!
  const due = async () => {
    const { clock, toots } = all.node.tools
    const keys = await toots.takeDue(clock(), new Date(clock().getTime() + 10 * MINUTE), 9)
    for (const key of keys) await makeToot(all.node.tools, key)
    return keys
  }

  it('S1-3 S1-14 S1-15 S1-63 S1-64 S1-65 makes a toot of title, description, postfix and address at the first visit', async () => {
    await begin({ BLOG_POST_POSTFIX: '#blog', BLOG_TITLE_PATTERN: '^(?P<title>.*?)( - claassen\\.net|)$', TOOT_VISIBILITY: 'unlisted' })
    const meta = { 'og:title': 'Ask @joe - claassen.net', 'og:description': 'What it is about', 'og:image': '/picture.png' }
    const url = all.blog.put('/1/one', { meta, lang: 'de' })
    const { host, state, tootId, tootUrl, username } = await toot(url)
    const [made] = all.mastodon.statuses()
    assert.deepEqual([state, tootId, tootUrl, host, username], ['posted', made?.status.id, made?.status.url, all.mastodon.origin, 'owner'])
    assert.deepEqual(texts(), [`Ask @\u2060joe\n\nWhat it is about\n#blog\n${url}`])
    assert.deepEqual([made?.status.visibility, made?.status.language], ['unlisted', 'de'])
    const { pollAt, tootedAt } = await stored(url)
    assert.equal(Number(pollAt) - Number(tootedAt) > 30_000, true)
  })

  it('S1-62 S1-64 makes a toot of nothing but the address when the page tells nothing', async () => {
    await begin()
    const url = all.blog.put('/1/one', { title: '' })
    await toot(url)
    assert.deepEqual(texts(), [url])
  })

  it('W20 W22 follows the template, the language of the settings, and the length that the server takes', async () => {
    await begin({ TOOT_TEMPLATE: '{title} {hashtags}\\n{url}'.replace('\\n', '\n'), TOOT_LANGUAGE: 'fr' })
    all.mastodon.change({ maxCharacters: 60 })
    const url = all.blog.put('/1/one', { title: 'word '.repeat(100), meta: { 'article:tag': 'two words' } })
    await toot(url)
    const [text = ''] = texts()
    assert.match(text!, /^word word .*…\nhttp/)
    assert.equal(all.mastodon.statuses()[0]?.status.language, 'fr')
  })

  it('S1-45 S1-71 writes a line for each visit, and one when it toots', async () => {
    await begin()
    const url = all.blog.put('/1/one')
    await toot(url)
    const said = all.lines.filter(({ level }) => level === 'debug').map(({ fields, message }) => [message, fields.url])
    assert.deepEqual(said, [
      ['toot is asked for', url],
      ['toot is being made', url]
    ])
    assert.doesNotMatch(JSON.stringify(all.lines), new RegExp(all.node.tools.config.mastodonOauthToken ?? '-'))
  })

  it('S1-7 S1-46 S1-74 answers every form of the address by the one toot, and a known one without any request', async () => {
    await begin()
    const url = all.blog.put('/1/one', { head: '<link rel="canonical" href="/1/one?from=nobody">' })
    const canonical = `${url}?from=nobody`
    all.blog.put('/1/one/', response => void response.writeHead(301, { location: '/1/one' }).end())
    const first = await toot(url)
    assert.equal(first.url, canonical)
    const [pages, requests] = [all.blog.hits(), all.mastodon.requests().length]
    for (const form of [url, canonical, `${url}?utm_source=x#top`, `${canonical}&fbclid=1`, url.replace('http://', 'http://ann:secret@')])
      assert.equal((await toot(form)).tootId, first.tootId, form)
    assert.deepEqual([all.blog.hits(), all.mastodon.requests().length], [pages, requests])
    assert.equal((await toot(`${url}/`)).tootId, first.tootId)
    assert.equal(all.mastodon.statuses().length, 1)
  })

  it('T1 X39 looks once at a page for all who ask at once, and holds no connection to the database while they wait', async () => {
    await begin()
    const url = all.blog.put('/1/one')
    all.mastodon.slow(300, { path: STATUSES })
    const { pool } = all.node.database.database.knex.client as { pool: { numUsed(): number; numPendingAcquires(): number } }
    const visits = Promise.all(Array.from({ length: 1000 }, () => toot(url)))
    await all.mastodon.arrived({ path: STATUSES })
    assert.deepEqual([pool.numUsed(), pool.numPendingAcquires()], [0, 0])
    assert.equal(new Set((await visits).map(({ tootId }) => tootId)).size, 1)
    assert.deepEqual([all.blog.asked('/1/one'), all.mastodon.statuses().length], [1, 1])
  })

  it('S1-49 S1-59 W16 marks a post that is old when it is first seen, and toots nothing', async () => {
    await begin()
    const published = new Date(Date.now() - 8 * DAY).toISOString()
    const url = all.blog.put('/1/old', { meta: { 'article:published_time': published } })
    const { state, host, tootId } = await toot(url)
    assert.deepEqual([state, host, tootId], ['old', all.mastodon.origin, undefined])
    assert.equal((await stored(url)).state, 'old')
    assert.deepEqual([(await toot(`${url}?x`)).state, all.mastodon.statuses().length], ['old', 0])
  })

  it('W16 an old post that was wanted before gets its toot nevertheless', async () => {
    await begin()
    const url = all.blog.put('/1/one')
    all.mastodon.fail({ status: 500, path: STATUSES })
    await assert.rejects(toot(url), Unreachable)
    all.pass(30 * DAY)
    assert.equal((await toot(url)).state, 'posted')
  })

  it('S1-75 with DRY_RUN does everything but the toot, and toots in earnest afterwards', async () => {
    await begin({ DRY_RUN: 'on' })
    const url = all.blog.put('/1/one', { title: 'Rehearsal' })
    assert.equal((await toot(url)).state, 'dry-run')
    const { state, text, tootId } = await stored(url)
    assert.deepEqual([state, text, tootId], ['dry-run', `Rehearsal\n\n${url}`, '-1'])
    assert.ok(all.lines.some(({ level, fields }) => level === 'info' && fields.text === text))
    assert.equal(all.mastodon.requests().length, 0)
    const { tools } = all.node
    const inEarnest = { ...tools, http: { ...tools.http }, config: { ...tools.config, dryRun: false } }
    assert.equal((await tootOf(inEarnest, url)).state, 'posted')
    assert.equal(all.mastodon.statuses().length, 1)
  })

  it('T10 says when the budget of new toots is used up, and the clock makes what was wanted', async () => {
    await begin({ TOOT_BUDGET: '1' })
    const [one, two] = [all.blog.put('/1/one'), all.blog.put('/1/two')]
    await toot(one)
    const error = await toot(two).catch(error => error)
    assert.deepEqual([error.status, error.code, error.retryAfter > 3500], [429, 'budget', true])
    assert.deepEqual(await due(), [])
    all.pass(HOUR)
    assert.deepEqual(await due(), [pageKey(two)])
    assert.equal((await toot(two)).state, 'posted')
    assert.equal(all.mastodon.statuses().length, 2)
  })

  it('W19 says that a post is a draft until PUBLISH_DELAY is over', async () => {
    await begin({ PUBLISH_DELAY: '90' })
    const url = all.blog.put('/1/one')
    const error = await toot(url).catch(error => error)
    assert.deepEqual([error.status, error.code, error.retryAfter], [409, 'draft', 90])
    all.pass(91_000)
    assert.equal((await toot(url)).state, 'posted')
  })

  it('publishes the post, and says what is missing, while no Mastodon account is connected', async () => {
    await begin({ MASTODON_HOST: '', MASTODON_OAUTH_TOKEN: '' })
    const url = all.blog.put('/1/one')
    const error = await toot(url).catch(error => error)
    assert.deepEqual([error.status, error.code], [502, 'mastodon'])
    assert.match(error.message, /tidings mastodon connect/)
    const { blogs, history } = all.node.tools
    assert.equal((await history.find((await blogs.findEntry(pageKey(url)))?.postId ?? ''))?.url, url)
  })

  for (const status of [500, 503, 429, 422, 403] as const) {
    it(`T3 loses nothing when the server answers ${status}: the owner sees it, and it is made later`, async () => {
      await begin()
      const url = all.blog.put('/1/one')
      all.mastodon.fail({ status, path: STATUSES, ...(status === 429 ? { retryAfter: 100 } : {}) })
      const error = await toot(url).catch(error => error)
      assert.deepEqual([error.status, error.code, error.retryAfter > 0], [502, 'mastodon', true])
      const { attempts, dueAt, error: why, state } = await stored(url)
      assert.deepEqual([state, attempts], ['wanted', status >= 500 ? 1 : 0])
      // the words of the server are for the owner (X49)
      assert.match(why ?? '', new RegExp(`answered POST /api/v1/statuses with ${status}: `))
      assert.doesNotMatch(error.message, /answered|127/)
      assert.ok(all.lines.some(({ fields, level }) => level === 'info' && fields.why === why))
      assert.ok(dueAt !== undefined && dueAt > new Date())
      if (status < 500) {
        assert.equal((await toot(url).catch(error => error)).status, 502)
        assert.equal(all.mastodon.requests({ path: STATUSES }).length, 1)
      }
      all.pass(status < 429 ? DAY : 101_000)
      assert.deepEqual(await due(), [pageKey(url)])
      assert.equal((await toot(url)).state, 'posted')
      assert.equal(all.mastodon.statuses().length, 1)
    })
  }

  it('lets toots wait while the server refuses the token, without asking it for each visitor, and makes them afterwards', async () => {
    await begin()
    const url = all.blog.put('/1/one')
    all.mastodon.fail({ status: 401, path: STATUSES })
    assert.equal((await toot(url).catch(error => error)).peer, 401)
    assert.match((await toot(url).catch(error => error)).message, /connect/)
    assert.equal(all.mastodon.requests({ path: STATUSES }).length, 1)
    assert.equal(all.lines.filter(({ level }) => level === 'warn').length, 1)
    all.pass(HOUR)
    assert.deepEqual(await due(), [pageKey(url)])
    assert.equal((await toot(url)).state, 'posted')
  })

  it('T3 S1-68 makes no second one when the line was cut after the first, though an hour has passed', async () => {
    await begin()
    const url = all.blog.put('/1/one')
    all.mastodon.cut()
    assert.equal((await toot(url).catch(error => error)).status, 502)
    all.mastodon.forgetIdempotency()
    all.pass(2 * HOUR)
    await due()
    const known = await toot(url)
    assert.equal(known.tootId, all.mastodon.statuses()[0]?.status.id)
    assert.equal(all.mastodon.statuses().length, 1)
    assert.equal((await stored(url)).text, `A post\n\n${url}`)
  })

  it('T3 does not toot before it could look whether the first try was one', async () => {
    await begin()
    const url = all.blog.put('/1/one')
    all.mastodon.cut()
    await assert.rejects(toot(url))
    all.mastodon.forgetIdempotency()
    all.mastodon.fail({ status: 503, path: '/api/v1/accounts/*' })
    await assert.rejects(toot(url), { status: 502 })
    all.mastodon.fail({ status: 401, path: '/api/v1/accounts/*' })
    await assert.rejects(toot(url), { status: 502 })
    assert.equal((await stored(url)).attempts, 2)
    all.pass(HOUR)
    assert.deepEqual(await due(), [pageKey(url)])
    assert.equal((await toot(url)).state, 'posted')
    assert.equal(all.mastodon.statuses().length, 1)
  })

  it('T1 brings to its end what somebody claimed who died, and not before the claim has ended', async () => {
    await begin()
    const { clock, toots, transaction } = all.node.tools
    const url = all.blog.put('/1/one')
    const accountId = (await findAccount(all.node.tools, 'blog')).id
    const until = new Date(clock().getTime() + 2 * MINUTE)
    const wish = { key: pageKey(url), url, accountId, mark: 'dead', budget: 9, dryRun: false, visit: true }
    await transaction(stores => stores.toots.claim(wish, clock(), until))
    await makeToot(all.node.tools, pageKey(url))
    assert.equal(all.mastodon.statuses().length, 0)
    all.pass(2 * MINUTE)
    assert.deepEqual(await due(), [pageKey(url)])
    assert.equal((await toots.find(pageKey(url)))?.state, 'posted')
    assert.equal(all.mastodon.statuses().length, 1)
  })

  it('T1 answers those who wait for another process as soon as it has done, or failed', async () => {
    await begin()
    const { changes, clock, toots, transaction } = all.node.tools
    const accountId = (await findAccount(all.node.tools, 'blog')).id
    const claimed = async (url: string) => {
      const wish = { key: pageKey(url), url, accountId, mark: url, budget: 9, dryRun: false, visit: true }
      await transaction(stores => stores.toots.claim(wish, clock(), new Date(clock().getTime() + 2 * MINUTE)))
      return toot(url)
    }
    const [one, two] = [all.blog.put('/1/one'), all.blog.put('/1/two')]
    const waits = [claimed(one), claimed(two).catch(error => error)]
    await until('both claims', async () => (await toots.counts(accountId)).claimed === 2 && all.blog.hits() === 2)
    await new Promise(done => setTimeout(done, 300))
    await toots.settle(one, { state: 'posted', tootId: '113', tootedAt: clock() })
    await toots.giveBack(two, { begun: true, dueAt: clock(), error: 'It is down.', status: 500 })
    await changes.tell(`toot:${pageKey(one)}`)
    const [made, failed] = await Promise.all(waits)
    assert.deepEqual([made.tootId, failed.status, failed.code], ['113', 502, 'mastodon'])
    assert.doesNotMatch(failed.message, /It is down/)
    assert.equal(all.mastodon.statuses().length, 0)
  })

  it('W16 tells the server of an edit that changes the text, with the language, and of no other', async () => {
    await begin()
    const url = all.blog.put('/1/one', { title: 'First', lang: 'de' })
    const { key, tootId } = await toot(url)
    await editToot(all.node.tools, key)
    const puts = () => all.mastodon.requests({ method: 'PUT' })
    assert.equal(puts().length, 0)
    all.blog.put('/1/one', { title: 'Second', lang: 'de' })
    await editToot(all.node.tools, key)
    await editToot(all.node.tools, key)
    assert.deepEqual(
      puts().map(({ path, body }) => [path, new URLSearchParams(body).get('language')]),
      [[`${STATUSES}/${tootId}`, 'de']]
    )
    assert.equal((await stored(url)).text, `Second\n\n${url}`)
    assert.equal((await toot(url)).tootId, tootId)
    await editToot(all.node.tools, 'nobody.example/')
    assert.equal(all.mastodon.statuses().length, 1)
  })

  it('W15 W16 leaves alone what an import has marked', async () => {
    await begin()
    const { blogs, clock, toots } = all.node.tools
    const accountId = (await findAccount(all.node.tools, 'blog')).id
    const url = all.blog.put('/1/one')
    await blogs.addMany(accountId, [{ key: pageKey(url) }])
    await toots.markOld([{ key: pageKey(url), url, accountId }], clock())
    assert.equal((await toot(url)).state, 'old')
    await makeToot(all.node.tools, pageKey(url))
    assert.deepEqual([all.blog.hits(), all.mastodon.requests().length], [0, 0])
  })
})

describe('a toot that waits', () => {
  it('is tried again when the other side said, or after pauses that grow', () => {
    const now = new Date('2026-11-22T12:00:00Z')
    const pause = (error: unknown, age: number) =>
      Number(dueAfter(error, { createdAt: new Date(now.getTime() - age) } as Toot, now)) - now.getTime()
    const down = new Unreachable('x', { code: 'mastodon', peer: 500 })
    assert.deepEqual(
      [0, 5 * MINUTE, HOUR, 90 * DAY].map(age => pause(down, age)),
      [MINUTE, 5 * MINUTE, HOUR, 6 * HOUR]
    )
    assert.equal(pause(new Unreachable('x', { peer: 429, retryAfter: 100 }), HOUR), 100_000)
    assert.equal(pause(new Unreachable('x', { peer: 401 }), 0), HOUR)
    assert.equal(pause(new Refused('x', { code: 'mastodon' }), 0), DAY)
    assert.equal(pause(new BadMessage('x', { code: 'not_handled' }), 0), DAY)
    assert.equal(pause(new Refused('x', { status: 409, code: 'draft', retryAfter: 500 }), 0), 500_000)
  })
})
