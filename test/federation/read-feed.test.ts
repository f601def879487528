/** Feeds that are read: the polling clock, older pages, and for whom a feed may speak (protocols.md I3, I16 to I18, S11, X7, X9). */
import assert from 'node:assert/strict'
import { readPushes } from '../../src/federation/read-feed.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { jobsSchema } from '../../src/store/migrations.ts'
import { authorXml, entryXml, feedXml, linkXml, verbXml } from '../support/atom-documents.ts'
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
      const follows = ann.entry(97, 'x', verbXml('follow') + '<activity:object><id>https://c.example/i17</id></activity:object>')
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

  describe('speaks for its owner alone', () => {
    const byAnn = (site: Site, n: number, more = '') =>
      site.entry(n, `copied ${n}`, authorXml(site.author, '<link rel="avatar" href="https://evil.example/a.png"/>') + more)

    it('I18 S11 X9 shows an entry by somebody else as told by the feed, and leaves the other’s history and profile alone', async () => {
      const [ann, evil] = [reader.site('i18a'), reader.site('i18b')]
      await ann.active(ann.entry(1))
      await evil.active()
      const before = (await reader.tools.actors.findByUri(ann.author))!
      await evil.push(byAnn(ann, 1) + byAnn(ann, 2) + byAnn(ann, 1, '').replace('copied 1', 'changed').replace('00:01:00', '00:59:00'))
      assert.deepEqual(await reader.tools.actors.findByUri(ann.author), before)
      assert.deepEqual(
        (await ann.kept()).map(({ html, uri }) => [uri, html]),
        [[ann.id(1), '<p>post 1</p>']]
      )
      const copies = (await evil.kept()).map(({ quoted, sharedId, verb }) => [
        verb,
        sharedId !== undefined,
        quoted?.uri,
        quoted?.authorUri,
        quoted?.html
      ])
      assert.deepEqual(copies, [
        ['share', false, ann.id(2), ann.author, '<p>copied 2</p>'],
        ['share', true, undefined, undefined, undefined]
      ])
      await ann.push(ann.entry(2))
      assert.equal((await reader.post(ann.id(2)))!.html, '<p>post 2</p>')
    })

    it('I18 does nothing else in another’s name: no delete, favourite, follow, share', async () => {
      const [ann, evil] = [reader.site('i18c'), reader.site('i18d')]
      await ann.active(ann.entry(1))
      await evil.active()
      const object = `<activity:object><id>${ann.id(1)}</id></activity:object>`
      await evil.push(
        ['delete', 'favorite', 'follow', 'share', 'unfollow'].map((word, n) => byAnn(ann, n + 10, verbXml(word) + object)).join('')
      )
      assert.deepEqual([(await reader.post(ann.id(1)))!.deletedAt, await evil.kept(), (await ann.kept()).length], [undefined, [], 1])
      assert.deepEqual(await reader.tools.history.countActs(ann.id(1)), {})
    })

    it('I7 believes nobody where the names of an author disagree', async () => {
      const [ann, evil] = [reader.site('i7a'), reader.site('i7b')]
      await ann.active()
      await evil.active()
      const torn = (own: string, other: string) => `<author><id>${own}</id><uri>${other}</uri><name>x</name></author>`
      await evil.push(evil.entry(1, 'x', torn(ann.author, evil.author)) + evil.entry(2, 'x', torn(evil.author, ann.author)))
      assert.deepEqual([(await ann.kept()).length, (await evil.kept()).map(post => post.verb)], [0, ['share', 'share']])
      await evil.push(evil.entry(3, 'x', torn(evil.author, `${evil.origin}/@ann`)))
      assert.equal((await reader.post(evil.id(3)))?.verb, 'post')
    })

    it('X7 takes a profile from the head of the author’s own feed, by push and by poll, and only when it is new', async () => {
      const ann = reader.site('x7a')
      await ann.active(ann.entry(1))
      const own = (more: string) => ann.head.replace(authorXml(ann.author), authorXml(ann.author, more))
      const named = (name: string) =>
        own(
          `<poco:displayName>${name}</poco:displayName><poco:note>of ${name}</poco:note><link rel="avatar" href="${ann.origin}/${name}.png"/>`
        )
      const known = async () => (await reader.tools.actors.findByUri(ann.author))!
      await ann.deliver(ann.document('', named('Ann')))
      await reader.work()
      const { avatar, bio, displayName, updatedAt } = await known()
      assert.deepEqual([displayName, bio, avatar], ['Ann', 'of Ann', { url: `${ann.origin}/Ann.png` }])
      reader.pass(MINUTE)
      await ann.deliver(ann.document(ann.entry(2), named('Ann')))
      await reader.work()
      assert.deepEqual((await known()).updatedAt, updatedAt)
      ann.write('', {}, named('Anna'))
      await ann.poll()
      assert.equal((await known()).displayName, 'Anna')
      await ann.deliver(entryXml(`<id>${ann.id(3)}</id><content>a bare entry</content>`))
      await reader.work()
      assert.deepEqual([(await known()).displayName, (await reader.post(ann.id(3)))?.html], ['Anna', 'a bare entry'])
    })

    it('X7 takes no profile from a share of somebody', async () => {
      const [ann, evil] = [reader.site('x7b'), reader.site('x7c')]
      await ann.active(ann.entry(1))
      await evil.active()
      const before = await reader.tools.actors.findByUri(ann.author)
      const shared = `<activity:object><id>${ann.id(1)}</id>${authorXml(ann.author, '<link rel="avatar" href="https://evil.example/a.png"/>')}</activity:object>`
      await evil.push(evil.entry(1, 'x', verbXml('share') + shared))
      assert.deepEqual(await reader.tools.actors.findByUri(ann.author), before)
    })
  })

  describe('pushed', () => {
    it('S11 I16 takes pushes in the order in which they came, also from several workers', async () => {
      const ann = reader.site('s11')
      const { id } = await ann.active()
      for (let n = 1; n <= 25; n++) await ann.deliver(ann.document(ann.entry(1, `version ${n}`, '', n)))
      await Promise.all([readPushes(reader.tools, id), readPushes(reader.tools, id), readPushes(reader.tools, id)])
      const post = (await reader.post(ann.id(1)))!
      assert.deepEqual([post.html, post.edits, (await reader.tools.history.versions(post.id)).length], ['<p>version 25</p>', 24, 24])
      assert.deepEqual(await reader.tools.subscriptions.pushes(id, '0', 1), [])
    })

    it('S9 is not held up by a push that fails by a defect of ours, and gives it up after a day', async () => {
      const ann = reader.site('s9x')
      const { id } = await ann.active()
      for (const n of [1, 2, 3]) await ann.deliver(ann.document(ann.entry(n)))
      const broken: typeof reader.tools = {
        ...reader.tools,
        transaction: work =>
          reader.tools.transaction(stores => {
            const keep: typeof stores.history.keep = async (post, now) => {
              if (post.uri === ann.id(2)) throw new Error('a defect')
              return stores.history.keep(post, now)
            }
            return work({ ...stores, history: { ...stores.history, keep } })
          })
      }
      const waiting = async () => (await reader.tools.subscriptions.pushes(id, '0', 9)).length
      await assert.rejects(readPushes(broken, id), /a defect/)
      assert.deepEqual([(await ann.kept()).length, await waiting()], [2, 1])
      reader.pass(DAY)
      await assert.rejects(readPushes(broken, id), /a defect/)
      assert.equal(await waiting(), 0)
    })
  })
})
