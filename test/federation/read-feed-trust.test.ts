/** For whom a feed may speak, and in which order what it says is taken (protocols.md I7, I16, I18, S9, S11, X7, X9). */
import assert from 'node:assert/strict'
import { readPushes } from '../../src/federation/read-feed.ts'
import { authorXml, entryXml, verbXml } from '../support/atom-documents.ts'
import { DAY, MINUTE, type Reader, type Site, startReader } from '../support/reader.ts'

describe('a feed that is read', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())
  afterEach(() => reader.node.database.database.knex('subscriptions').delete())

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
