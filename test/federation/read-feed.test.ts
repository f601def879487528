/** Feeds that are read: the polling clock and older pages (protocols.md I3, I16, I17). */
import assert from 'node:assert/strict'
import { block, unblock } from '../../src/federation/moderate.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { jobsSchema } from '../../src/store/migrations.ts'
import { feedXml, linkXml, verbXml } from '../support/atom-documents.ts'
import { DAY, HOUR, MINUTE, type Reader, SECOND, type Site, startReader } from '../support/reader.ts'

describe('a feed that is read', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())
  afterEach(() => reader.node.database.database.knex('subscriptions').delete())

  /** Followed, and without a hub. */
  const polled = async (name: string, entries = ''): Promise<Site> => {
    const site = reader.site(name)
    site.write(entries, { etag: '"1"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }, site.head.replace(/<link rel="hub"[^>]*>/, ''))
    await reader.follow(site.feed)
    return site
  }
  const gets = (url: string) => reader.net.sent.filter(sent => sent.method === 'GET' && sent.url === url)
  const dueIn = async (site: Site) => reader.inHours((await site.subscription()).pollAt)

  it('W31 X30 takes nothing of whom the owner blocked, or of their host, polled or pushed, until that is taken back', async () => {
    const site = reader.site('blocked')
    await site.active(site.entry(1))
    let n = 1
    for (const who of ['blocked.example', site.author]) {
      await block(reader.tools, who)
      site.write(site.entry(++n))
      await site.poll()
      await site.push(site.entry(++n))
      assert.equal(await reader.post(site.id(n - 1)), undefined, `${who}, polled`)
      assert.equal(await reader.post(site.id(n)), undefined, `${who}, pushed`)
      await unblock(reader.tools, who)
    }
    await site.push(site.entry(++n))
    assert.notEqual(await reader.post(site.id(n)), undefined)
  })

  describe('on its clock', () => {
    it('I16 asks with what it was told the last time, and writes nothing when nothing is new', async () => {
      const ann = await polled('i16a', '<entry><id>urn:1</id><content>x</content></entry>')
      ann.page({ status: 304 })
      const rows = () =>
        reader.node.database.database.knex.raw('select s.xmin::text as s, a.xmin::text as a from subscriptions s, actors a order by 1, 2')
      const before = (await rows()).rows
      await ann.poll()
      const { headers } = gets(ann.feed).at(-1)!
      assert.deepEqual([headers['if-none-match'], headers['if-modified-since']], ['"1"', 'Thu, 01 Jan 2026 00:00:00 GMT'])
      assert.deepEqual((await rows()).rows, before)
    })

    it('I16 comes every 15 minutes while there is news, and less and less often, at least daily', async () => {
      const ann = await polled('i16b')
      const pauses: number[] = []
      for (const pass of [15 * MINUTE, HOUR, 7 * HOUR, 31 * HOUR, 30 * DAY]) {
        reader.pass(pass)
        await reader.tick()
        pauses.push((await dueIn(ann))!)
      }
      assert.deepEqual(
        pauses.map(hours => Math.round(hours * 100) / 100),
        [0.25, 0.25, 1.03, 4.91, 24]
      )
      ann.write(ann.entry(1), {}, ann.head.replace(/<link rel="hub"[^>]*>/, ''))
      reader.pass(DAY)
      await reader.tick()
      reader.pass(25 * HOUR)
      await reader.tick()
      assert.ok((await dueIn(ann))! < 4)
    })

    it('I16 slows down after failures of every kind, and recovers', async () => {
      const ann = await polled('i16c')
      const pauses: number[] = []
      const failures = [{ status: 404 }, { status: 500 }, { error: new Unreachable('no answer') }, { body: 'no feed' }, { body: '<html/>' }]
      for (const page of [...failures, ...failures]) {
        ann.page(page)
        await ann.poll()
        pauses.push((await dueIn(ann))!)
      }
      assert.deepEqual(pauses.slice(0, 4), [1 / 6, 1 / 3, 2 / 3, 4 / 3])
      assert.equal(pauses.at(-1), 24)
      assert.deepEqual([(await ann.subscription()).pollFailures, (await ann.subscription()).state], [10, 'polling'])
      ann.page({ status: 304 })
      await ann.poll()
      assert.deepEqual([(await ann.subscription()).pollFailures, (await ann.subscription()).error], [0, undefined])
    })

    it('I16 never asks again after 410', async () => {
      const ann = await polled('i16d')
      ann.page({ status: 410 })
      await ann.poll()
      assert.deepEqual([(await ann.subscription()).state, (await ann.subscription()).pollAt], ['gone', undefined])
      const before = gets(ann.feed).length
      reader.pass(30 * DAY)
      await reader.tick()
      await ann.poll()
      assert.equal(gets(ann.feed).length, before)
    })

    it('I16 heeds Retry-After in both its forms, for a week at most', async () => {
      const ann = await polled('i16e')
      const at = new Date(reader.time.now + 5 * HOUR).toUTCString()
      for (const [header, hours] of [
        ['7200', 2],
        [at, 5],
        ['999999999', 168],
        ['soon', 4 / 3],
        ['-1', 8 / 3]
      ] as const) {
        ann.page({ status: hours === 5 ? 503 : 429, headers: { 'retry-after': header } })
        await ann.poll()
        assert.equal(await dueIn(ann), hours, header)
      }
    })

    it('I16 stays with an address that moved for good, and with the old one when it moved for a while', async () => {
      for (const [status, stays] of [
        [301, false],
        [308, false],
        [302, true],
        [307, true]
      ] as const) {
        const ann = await polled(`i16f-${status}`)
        const moved = `${ann.origin}/new.atom`
        ann.page({ status, redirectTo: moved })
        reader.net.set(moved, { body: ann.document(ann.entry(1), ann.head.replaceAll(ann.feed, moved)) })
        const { id } = await ann.subscription()
        await ann.poll()
        const { topic, url } = (await reader.tools.subscriptions.find(id))!
        assert.deepEqual([url, topic], stays ? [ann.feed, ann.feed] : [moved, moved], `${status}`)
        assert.ok(await reader.post(ann.id(1)))
      }
    })

    it('I3 S14 asks a hub that a feed names later', async () => {
      const ann = await polled('i16g')
      ann.write('')
      await ann.poll()
      await reader.tick()
      assert.equal(ann.asked.length, 1)
    })
  })

  describe('page by page', () => {
    const pages = (site: Site, next: Record<number, string>, count = 30) => {
      for (let n = 2; n <= count; n++)
        reader.net.set(`${site.feed}?page=${n}`, {
          body: feedXml(site.head + linkXml('next', next[n] ?? `${site.feed}?page=${n + 1}`) + site.entry(100 - n))
        })
    }
    const begin = async (name: string, next: Record<number, string> = {}, first?: string): Promise<Site> => {
      const site = reader.site(name)
      pages(site, next)
      site.write(site.entry(99), {}, site.head + linkXml('next', first ?? `${site.feed}?page=2`))
      await reader.follow(site.feed)
      await reader.work()
      return site
    }
    const read = (site: Site) =>
      reader.net
        .requests()
        .filter(line => line.startsWith(`GET ${site.feed}?page=`))
        .map(line => line.split('=')[1])

    it('I17 reads ten older pages, each once, with a pause between them', async () => {
      const ann = await begin('i17a')
      assert.deepEqual(read(ann), ['2', '3', '4', '5', '6', '7', '8', '9', '10', '11'])
      assert.equal((await ann.kept()).length, 11)
      const jobs = reader.node.database.database.knex.withSchema(jobsSchema)
      const { start_after: begun } = await jobs.from('job').where({ name: 'feed.older' }).orderBy('created_on', 'desc').first()
      assert.deepEqual(begun, new Date(reader.time.now + 3 * SECOND))
    })

    it('I17 is not caught in a circle of pages', async () => {
      const { feed } = reader.site('i17b')
      assert.deepEqual(read(await begin('i17b', { 3: `${feed}?page=2` })), ['2', '3', '2'])
    })

    it('I17 stops where everything is known, and goes on past a page of other acts', async () => {
      const ann = reader.site('i17d')
      pages(ann, {})
      const follows = ann.entry(97, 'x', `${verbXml('follow')}<activity:object><id>https://c.example/i17</id></activity:object>`)
      reader.net.set(`${ann.feed}?page=3`, { body: feedXml(ann.head + linkXml('next', `${ann.feed}?page=4`) + follows) })
      reader.net.set(`${ann.feed}?page=4`, { body: feedXml(ann.head + linkXml('next', `${ann.feed}?page=5`) + ann.entry(99)) })
      ann.write(ann.entry(99), {}, ann.head + linkXml('next', `${ann.feed}?page=2`))
      await reader.follow(ann.feed)
      await reader.work()
      assert.deepEqual(read(ann), ['2', '3', '4'])
    })

    it('I17 follows no page to another host, neither by its link nor by a redirect', async () => {
      const other = 'https://i17x.example/users/ann.atom?page=2'
      reader.net.set(other, { body: feedXml(`<entry><id>https://i17x.example/1</id><content>x</content></entry>`) })
      await begin('i17e', {}, other)
      assert.ok(!reader.net.requests().includes(`GET ${other}`))
      const ann = reader.site('i17f')
      reader.net.set(`${ann.feed}?page=2`, { redirectTo: other })
      ann.write('', {}, ann.head + linkXml('next', `${ann.feed}?page=2`))
      await reader.follow(ann.feed)
      await reader.work()
      assert.deepEqual(await ann.kept(), [])
    })

    it('I17 reads no older page twice when somebody is followed again', async () => {
      const ann = await begin('i17g')
      const before = read(ann).length
      await ann.poll()
      await reader.follow(ann.feed, { hub: `${ann.origin}/other` })
      await reader.work()
      assert.equal(read(ann).length, before)
    })
  })
})
