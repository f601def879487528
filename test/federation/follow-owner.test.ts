/** To follow somebody by a feed: whose it is, and what is done twice (protocols.md I7, D9, D13, S13, X5, X14, X15). */
import assert from 'node:assert/strict'
import { addAccount, removeAccount } from '../../src/federation/accounts.ts'
import { follow, type Traced, unfollow } from '../../src/federation/follow.ts'
import { BadMessage, Missing } from '../../src/model/errors.ts'
import { authorXml, feedXml, linkXml } from '../support/atom-documents.ts'
import { html, jrd, key, webFinger } from '../support/discovery.ts'
import { type Reader, type Site, startReader, stateOf } from '../support/reader.ts'

const REL_FEED = 'http://schemas.google.com/g/2010#updates-from'

describe('following', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())

  const subscriptions = () => reader.tools.subscriptions.all()

  describe('whoever owns it', () => {
    const account = (host: string, name: string, feed: string, more: object[] = []) =>
      jrd({
        subject: `acct:${name}@${host}`,
        links: [{ rel: REL_FEED, type: 'application/atom+xml', href: feed }, ...(more as { rel: string }[])]
      })

    it('I7 keeps a feed under its own address when nobody confirms the author whom it names, and its entries as its own', async () => {
      const ann = reader.site('own-a')
      await ann.active(ann.entry(1))
      const before = await reader.tools.actors.findByUri(ann.author)
      const feed = 'https://own-b.example/feed'
      reader.net.set(feed, {
        body: feedXml(
          `<id>${feed}</id>${authorXml(ann.author)}<entry><id>${ann.id(1)}</id><content>x</content></entry><entry><id>urn:own</id><content>y</content></entry>`
        )
      })
      const { actor, trace } = await reader.follow(feed)
      assert.deepEqual([actor.uri, actor.url], [feed, undefined])
      assert.match(trace.find(step => step.step === 'author')?.failed ?? '', /does not confirm/)
      assert.deepEqual(
        (await reader.tools.timelines.all({ limit: 9 }, actor.id)).map(({ uri, verb }) => [verb, uri]),
        [['post', 'urn:own']]
      )
      assert.deepEqual(await reader.tools.actors.findByUri(ann.author), before)
    })

    it('I7 follows a feed whose author and address are longer than any name that is kept', async () => {
      const long = Array.from({ length: 1500 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join('')
      const feed = 'https://long.example/feed'
      const head = `${authorXml(`https://long.example/${long}`)}${linkXml('self', `https://long.example/${long}`)}${linkXml('hub', 'https://long.example/hub')}`
      reader.net.set(feed, { body: feedXml(`<id>${feed}</id>${head}<entry><id>urn:long</id><content>x</content></entry>`) })
      const { actor, fresh, subscription } = await reader.follow(feed)
      assert.deepEqual([actor.uri, subscription?.topic, fresh], [feed, feed, 1])
    })

    it('X15 gives the URI of an author to one of two feeds: the one that it confirms, and takes the other away', async () => {
      const host = 'https://x15.example'
      const [uri, first, second] = [`${host}/~ann`, `${host}/~evil.atom`, `${host}/~ann.atom`]
      for (const feed of [first, second])
        reader.net.set(feed, { body: feedXml(`<id>${feed}</id>${authorXml(uri)}<entry><id>${feed}#1</id><content>x</content></entry>`) })
      const squatter = await reader.follow(first)
      assert.equal(squatter.actor.uri, uri)
      const other = await reader.follow(second)
      assert.equal(other.actor.uri, second, 'nothing tells them apart yet')
      await unfollow(reader.tools, other.actor, reader.bob)
      reader.net.set(uri, html(`<link rel="alternate" type="application/atom+xml" href="${second}">`))
      reader.net.set(webFinger(uri, 'x15.example'), jrd({ subject: uri, links: [{ rel: REL_FEED, href: second }] }))
      const rightful = await reader.follow(second)
      assert.equal(rightful.actor.uri, uri)
      const states = (await subscriptions())
        .filter(one => one.url.startsWith(host))
        .map(one => [one.url, one.state, one.actorId === rightful.actor.id])
      assert.deepEqual(
        states.sort(),
        [
          [second, 'polling', true],
          [first, 'ended', true]
        ].sort()
      )
    })

    it('X14 hangs no account, key or Salmon endpoint on somebody whose feed another’s descriptor names', async () => {
      const ann = reader.site('x14-ann')
      await ann.active(ann.entry(1))
      const before = (await reader.tools.actors.findByUri(ann.author))!
      const thief = [
        { rel: 'salmon', href: 'https://x14-evil.example/salmon' },
        { rel: 'magic-public-key', href: `data:application/magic-public-key,${key}` }
      ]
      reader.net.set(webFinger('acct:mal@x14-evil.example', 'x14-evil.example'), account('x14-evil.example', 'mal', ann.feed, thief))
      const { actor } = await reader.follow('mal@x14-evil.example')
      assert.equal(actor.id, before.id)
      const { trace: _trace, updatedAt: _at, ...facts } = actor
      const { trace: _before, updatedAt: _then, ...known } = before
      assert.deepEqual(facts, known)
      const fresh = reader.site('x14-new')
      fresh.write(fresh.entry(1))
      reader.net.set(webFinger('acct:new@x14-evil.example', 'x14-evil.example'), account('x14-evil.example', 'new', fresh.feed, thief))
      const found = await reader.follow('new@x14-evil.example')
      assert.deepEqual(
        [found.actor.uri, found.actor.acct, found.actor.keys, found.actor.salmonUrl],
        [fresh.author, undefined, [], undefined]
      )
    })

    it('D13 takes account, key and endpoint from the host that speaks for the author', async () => {
      const ann = reader.site('d13')
      ann.write(ann.entry(1))
      const own = [
        { rel: 'salmon', href: `${ann.origin}/salmon` },
        { rel: 'magic-public-key', href: `data:application/magic-public-key,${key}` }
      ]
      reader.net.set(webFinger('acct:ann@d13.example', 'd13.example'), account('d13.example', 'ann', ann.feed, own))
      const { actor } = await reader.follow('ann@d13.example')
      assert.deepEqual([actor.uri, actor.acct, actor.keys, actor.salmonUrl], [ann.author, 'ann@d13.example', [key], `${ann.origin}/salmon`])
      for (const name of ['acct:ann@d13.example', ann.author, ann.feed])
        assert.equal((await reader.tools.actors.findByName(name))?.id, actor.id, name)
    })

    it('D13 gives a handle to whom its host gives it now', async () => {
      const [old, now] = [reader.site('d13-old'), reader.site('d13-new')]
      for (const site of [old, now]) {
        site.write('', {}, site.head.replaceAll(site.author, `https://d13-host.example/${site.origin.slice(8)}`))
        reader.net.set(webFinger('acct:ann@d13-host.example', 'd13-host.example'), account('d13-host.example', 'ann', site.feed))
        await reader.follow('ann@d13-host.example', { hub: site.hub })
      }
      assert.equal((await reader.tools.actors.findByName('acct:ann@d13-host.example'))?.feedUrl, now.feed)
    })

    it('takes a feed of our own for the account that lives here', async () => {
      const carl = await addAccount(reader.tools, 'carl')
      reader.net.set(carl.feedUrl!, { body: feedXml(`<id>${carl.feedUrl}</id>${authorXml(carl.uri)}${linkXml('self', carl.feedUrl!)}`) })
      for (const name of [carl.uri, `carl@reader.example`, carl.feedUrl!]) {
        const { actor, subscription } = await reader.follow(name)
        assert.deepEqual([actor.localName, actor.displayName, subscription], ['carl', 'carl', undefined], name)
      }
      await assert.rejects(reader.follow(reader.bob.uri), BadMessage)
    })
  })

  describe('twice', () => {
    const active = async (name: string): Promise<Site> => {
      const site = reader.site(name)
      await site.active(site.entry(1))
      return site
    }

    it('X5 asks nobody when somebody is followed who is followed already', async () => {
      const ann = await active('twice-a')
      const before = reader.net.sent.length
      for (const name of [ann.feed, ann.author]) assert.equal((await reader.follow(name)).already, true)
      const carol = await addAccount(reader.tools, 'carol')
      const { actor, already } = await follow(reader.tools, ann.feed, { as: carol })
      assert.deepEqual([already, reader.net.sent.length], [false, before])
      await unfollow(reader.tools, actor, reader.bob)
      assert.equal((await ann.subscription()).state, 'active', 'carol still follows')
      await unfollow(reader.tools, actor, carol)
      assert.equal((await ann.subscription()).state, 'ending')
      assert.equal(await unfollow(reader.tools, actor, carol), false)
    })

    it('X5 S13 follows again after it has ended, with what was kept', async () => {
      const ann = await active('twice-b')
      const { id, token } = await ann.subscription()
      await unfollow(reader.tools, (await reader.tools.actors.findByUri(ann.author))!, reader.bob)
      await reader.work()
      await ann.verify({ 'hub.mode': 'unsubscribe' })
      reader.pass(864_000_000)
      ann.write(ann.entry(1) + ann.entry(2))
      const again = await reader.follow(ann.feed)
      await reader.work()
      await ann.verify()
      const { endedAt, ...now } = await ann.subscription()
      assert.deepEqual(
        [again.fresh, again.already, now.id, now.token, endedAt, ...stateOf(now)],
        [1, false, id, token, undefined, 'active', undefined, '/hub']
      )
      await ann.push(ann.entry(3))
      assert.equal((await ann.kept()).length, 3)
    })

    it('S13 leaves everybody whom a closed account alone followed', async () => {
      const ann = await active('twice-c')
      const dora = await addAccount(reader.tools, 'dora')
      const { actor } = await follow(reader.tools, ann.feed, { as: dora })
      await unfollow(reader.tools, actor, reader.bob)
      await removeAccount(reader.tools, 'dora')
      assert.equal((await ann.subscription()).state, 'ending')
    })
  })

  it('tells how far it came when nobody is found, and keeps nothing', async () => {
    const before = (await subscriptions()).length
    const ann = reader.site('lost')
    const cases: [page: object, kind: new (message: string) => Error][] = [
      [{ status: 404 }, Missing],
      [{ body: '<html></html>', headers: { 'content-type': 'text/html' } }, Missing],
      // a feed that cannot be read is told as such
      [{ body: '<feed xmlns="http://www.w3.org/2005/Atom">' }, BadMessage]
    ]
    for (const [page, kind] of cases) {
      ann.page(page)
      await assert.rejects(reader.follow(ann.feed), error => error instanceof kind && (error as Traced).trace!.length > 1)
    }
    assert.equal((await subscriptions()).length, before)
  })
})
