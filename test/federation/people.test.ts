/** Whose key it is: known keys, changed keys, and how often strangers may make us ask (protocols.md D13, M4, M10, X24, X30). */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { addAccount } from '../../src/federation/accounts.ts'
import { jrd, webFinger } from '../support/discovery.ts'
import { MINUTE, type Reader, startReader } from '../support/reader.ts'
import { type Endpoint, followXml, makeEndpoint, makePair, mentionXml, type Pair } from '../support/slaps.ts'

const BOB = 'https://reader.example/users/bob'

describe('the key of an author', () => {
  let reader: Reader
  let endpoint: Endpoint
  before(async () => {
    reader = await startReader()
    endpoint = makeEndpoint(reader)
  })
  after(() => reader.close())

  /** How many requests were made meanwhile. */
  const asking = async (work: () => Promise<unknown>): Promise<number> => {
    const before = reader.net.sent.length
    await work()
    return reader.net.sent.length - before
  }

  it('M4 is asked for again when it does not fit, at most once in five minutes', async () => {
    const ann = endpoint.writer('changed')
    const changed = makePair()
    await endpoint.post(ann.slap(mentionXml(BOB)))
    assert.equal(await asking(async () => assert.equal(await endpoint.post(ann.slap(mentionXml(BOB), { by: changed })), 401)), 1)
    ann.describe(changed.magicKey)
    const signedAnew = () => endpoint.post(ann.slap(mentionXml(BOB), { by: changed }))
    assert.equal(await asking(async () => assert.equal(await signedAnew(), 401)), 0)
    reader.pass(5 * MINUTE)
    assert.equal(await asking(async () => assert.equal(await signedAnew(), 202)), 1)
    assert.equal(await asking(async () => assert.equal(await signedAnew(), 202)), 0, 'the new one is known')
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB))), 401, 'the old one counts no more')
  })

  it('M4 is asked for once when ten wrong signatures come at once', async () => {
    const ann = endpoint.writer('tenfold')
    await endpoint.post(ann.slap(mentionXml(BOB)))
    const evil = makePair()
    const posts = () => Promise.all(Array.from({ length: 10 }, () => endpoint.post(ann.slap(mentionXml(BOB), { by: evil }))))
    assert.equal(await asking(async () => assert.deepEqual(new Set(await posts()), new Set([401]))), 1)
  })

  it('D11 Y is not taken from plain http, neither at first nor afterwards', async () => {
    const ann = endpoint.writer('plain')
    const evil = makePair()
    const plain = (key: string) => {
      const uri = 'http://plain.example/ann'
      const links = [
        { rel: 'http://schemas.google.com/g/2010#updates-from', href: `${uri}.atom` },
        { rel: 'magic-public-key', href: `data:application/magic-public-key,${key}` }
      ]
      return jrd({ subject: uri, aliases: [ann.uri], links })
    }
    await endpoint.post(ann.slap(mentionXml(BOB)))
    reader.net.set(webFinger(ann.uri, ann.host), { status: 404 })
    reader.net.set('http://plain.example/.well-known/host-meta', {
      body: '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" template="http://plain.example/xrd?uri={uri}"/></XRD>'
    })
    reader.net.set(`http://plain.example/xrd?uri=${encodeURIComponent(ann.uri)}`, plain(evil.magicKey))
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB), { by: evil })), 401)
    assert.deepEqual((await reader.tools.actors.findByUri(ann.uri))!.keys, [ann.pair.magicKey])
    const stranger = `<author><uri>http://plain.example/ann</uri></author>`
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB), { by: evil, author: stranger })), 401)
  })

  it('M10 is not there: 401; cannot be asked for now: 503, and when to come again', async () => {
    const ann = endpoint.writer('away')
    const key = webFinger(ann.uri, ann.host)
    reader.net.set(key, { status: 404 })
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB))), 401)
    const nowhere = '<author><uri>https://nowhere.example/ann</uri></author>'
    const later = (error: Error & { status?: number; retryAfter?: number }) => error.status === 503 && error.retryAfter === 300
    for (const [author, page] of [
      [nowhere, { status: 404 }],
      [undefined, { status: 503 }]
    ] as const) {
      reader.net.set(key, page)
      const body = ann.slap(mentionXml(BOB), author === undefined ? {} : { author })
      await assert.rejects(endpoint.receiveEnvelope('bob', { body, from: '198.51.100.9' }), later)
    }
    ann.describe()
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB))), 202)
  })

  it('M14 is not looked for when the author has no web address', async () => {
    const ann = endpoint.writer('noaddress')
    for (const uri of ['acct:ann@noaddress.example', 'tag:noaddress.example,2026:ann'])
      assert.equal(
        await asking(async () => assert.equal(await endpoint.post(ann.slap('', { author: `<author><id>${uri}</id></author>` })), 401)),
        0
      )
  })

  it('X15 D13 does not make an account that another host owns', async () => {
    const ann = endpoint.writer('thief')
    const links = [
      { rel: 'http://schemas.google.com/g/2010#updates-from', href: 'https://thief.example/ann.atom' },
      { rel: 'magic-public-key', href: `data:application/magic-public-key,${ann.pair.magicKey}` }
    ]
    reader.net.set(webFinger(ann.uri, ann.host), jrd({ subject: 'acct:carl@victim.example', aliases: [ann.uri], links }))
    reader.net.set(
      webFinger('acct:carl@victim.example', 'victim.example'),
      jrd({ subject: 'acct:carl@victim.example', links: [{ rel: 'x', href: 'https://victim.example/' }] })
    )
    assert.equal(await endpoint.post(ann.slap(followXml(BOB))), 401)
    assert.equal(await reader.tools.actors.findByUri(ann.uri), undefined)
  })

  describe('is not believed', () => {
    const REL_FEED = 'http://schemas.google.com/g/2010#updates-from'
    const describedAs = (subject: string, uri: string, { magicKey }: Pair, feed: string) => {
      const key = { rel: 'magic-public-key', href: `data:application/magic-public-key,${magicKey}` }
      return jrd({ subject, aliases: [uri, 'https://victim.example/ann'], links: [{ rel: REL_FEED, href: feed }, key] })
    }

    it('X14 I10 about ids of another host, though its descriptor names a feed there', async () => {
      const [mal, victim] = [endpoint.writer('claims'), reader.site('victim')]
      reader.net.set(webFinger(mal.uri, mal.host), describedAs(`acct:ann@${mal.host}`, mal.uri, mal.pair, victim.feed))
      assert.equal(await endpoint.post(mal.slap(mentionXml(BOB, 'stolen'), { id: victim.id(1) })), 202)
      await victim.active(victim.entry(1, 'hers'))
      assert.equal((await reader.post(victim.id(1)))!.html, '<p>hers</p>')
    })

    it('X14 D13 when the host of the URI only leads to it', async () => {
      const uri = 'https://open.example/away?to=leads.example'
      const mal = endpoint.writer('open', { uri })
      const page = '<link rel="lrdd" type="application/jrd+json" href="https://leads.example/d">'
      reader.net.set(webFinger(uri, mal.host), { status: 404 })
      reader.net.set(uri, { redirectTo: 'https://leads.example/page' })
      reader.net.set('https://leads.example/page', { headers: { 'content-type': 'text/html' }, body: page })
      reader.net.set('https://leads.example/d', describedAs(uri, uri, mal.pair, 'https://leads.example/feed'))
      assert.equal(await endpoint.post(mal.slap(followXml(BOB))), 401)
      assert.equal(await reader.tools.actors.findByUri(uri), undefined)
    })

    it('X14 D8 when it says to be of an account elsewhere, with that account’s own feed', async () => {
      const [mal, victim] = [endpoint.writer('posing'), endpoint.writer('posed')]
      await endpoint.post(victim.slap(followXml(BOB)))
      const before = await reader.tools.actors.findByUri(victim.uri)
      const acct = webFinger(`acct:ann@${victim.host}`, victim.host)
      reader.net.set(acct, describedAs(`acct:ann@${victim.host}`, victim.uri, victim.pair, `${victim.uri}.atom`))
      reader.net.set(webFinger(mal.uri, mal.host), describedAs(`acct:ann@${victim.host}`, mal.uri, mal.pair, `${victim.uri}.atom`))
      assert.equal(await endpoint.post(mal.slap(mentionXml(BOB))), 401)
      assert.equal(await reader.tools.actors.findByUri(mal.uri), undefined)
      assert.deepEqual(await reader.tools.actors.findByName(`acct:ann@${victim.host}`), before)
    })
  })

  it('M10 X30 is asked for ten authors a minute for one address, and five of one host', async () => {
    const stranger = (host: string, n: number) => ({ author: `<author><uri>https://${host}/${n}</uri></author>` })
    const ann = endpoint.writer('bounds')
    const from = '203.0.113.5'
    for (let n = 0; n < 10; n++) assert.equal(await endpoint.post(ann.slap('', stranger(`bounds${n}.example`, n)), { from }), 503)
    assert.equal(await asking(async () => assert.equal(await endpoint.post(ann.slap('', stranger('bounds.example', 0)), { from }), 429)), 0)
    for (let n = 0; n < 5; n++) assert.equal(await endpoint.post(ann.slap('', stranger('bounds.example', n))), 401)
    assert.equal(await asking(async () => assert.equal(await endpoint.post(ann.slap('', stranger('bounds.example', 6))), 429)), 0)
  })

  it('X30 is asked for twenty authors a minute of one domain, by whatever sub-domain and port', async () => {
    const ann = endpoint.writer('domain')
    const stranger = (n: number) => `<author><uri>https://s${n % 7}.crowd.example:${8000 + n}/ann</uri></author>`
    for (let n = 0; n < 20; n++) assert.equal(await endpoint.post(ann.slap('', { author: stranger(n) })), 503)
    assert.equal(await asking(async () => assert.equal(await endpoint.post(ann.slap('', { author: stranger(20) })), 429)), 0)
  })

  it('M10 is asked for ten authors a minute for a network of IPv6', async () => {
    const ann = endpoint.writer('network')
    const posts = (n: number, from: string) =>
      endpoint.post(ann.slap('', { author: `<author><uri>https://network${n}.example/ann</uri></author>` }), { from })
    for (let n = 0; n < 10; n++) assert.equal(await posts(n, n % 2 ? `2001:db8:0:1::${n}` : `2001:db8:0:1:2:3:4:${n}`), 503)
    assert.equal(await posts(10, '2001:db8:0:1:ffff::'), 429)
    assert.equal(await posts(11, '2001:db8:0:2::1'), 503)
  })

  it('M10 is asked for once when an unknown author says two things at the same time', async () => {
    const ann = endpoint.writer('twice')
    const key = webFinger(ann.uri, ann.host)
    const links = [
      { rel: 'http://schemas.google.com/g/2010#updates-from', href: `${ann.uri}.atom` },
      { rel: 'magic-public-key', href: `data:application/magic-public-key,${ann.pair.magicKey}` }
    ]
    reader.net.set(key, async () => {
      await new Promise(done => setTimeout(done, 100))
      return { body: JSON.stringify({ subject: `acct:ann@${ann.host}`, aliases: [ann.uri], links }) }
    })
    const requests = await asking(() => Promise.all([1, 2].map(() => endpoint.post(ann.slap(mentionXml(BOB))))))
    assert.equal(requests, 1)
    assert.equal((await reader.tools.timelines.all({ limit: 10 }, (await reader.tools.actors.findByUri(ann.uri))!.id)).length, 2)
  })

  it('M14 of an account that lives here is known without asking anybody', async () => {
    const by = { privateKey: createPrivateKey((await reader.tools.actors.privateKey('bob'))!) }
    const carol = await addAccount(reader.tools, 'carol')
    const ann = endpoint.writer('here')
    const author = `<author><uri>${BOB}</uri></author>`
    const requests = await asking(async () => {
      assert.equal(await endpoint.post(ann.slap(followXml(carol.uri), { author, by }), { to: 'carol' }), 202)
      assert.equal(await endpoint.post(ann.slap(followXml(carol.uri), { author }), { to: 'carol' }), 401)
    })
    assert.equal(requests, 0)
    assert.ok(await reader.tools.follows.find(reader.bob.id, carol.id))
  })
})
