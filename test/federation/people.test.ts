/** Whose key it is: known keys, changed keys, and how often strangers may make us ask (protocols.md D13, M4, M10, X24, X30). */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { addAccount } from '../../src/federation/accounts.ts'
import { jrd, webFinger } from '../support/discovery.ts'
import { type Reader, SECOND, startReader } from '../support/reader.ts'
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

  it('M4 is asked for again when it does not fit, at most once a minute', async () => {
    const ann = endpoint.writer('changed')
    const changed = makePair()
    await endpoint.post(ann.slap(mentionXml(BOB)))
    const signedAnew = () => endpoint.post(ann.slap(mentionXml(BOB), { by: changed }))
    for (const requests of [1, 0]) assert.equal(await asking(async () => assert.equal(await signedAnew(), 401)), requests)
    ann.describe(changed.magicKey)
    reader.pass(30 * SECOND)
    const later = { name: 'Unreachable', status: 503, retryAfter: 30 }
    const body = ann.slap(mentionXml(BOB), { by: changed })
    const early = () => endpoint.receiveEnvelope('bob', { body, from: '198.51.100.7' })
    assert.equal(await asking(() => assert.rejects(early, later)), 0, 'the key may have changed since it was asked for')
    reader.pass(30 * SECOND)
    assert.equal(await asking(async () => assert.equal(await signedAnew(), 202)), 1)
    assert.equal(await asking(async () => assert.equal(await signedAnew(), 202)), 0, 'the new one is known')
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB))), 401, 'the old one counts no more')
  })

  it('M4 is kept as its host tells it, although the envelope for which it was asked is not hers', async () => {
    const ann = endpoint.writer('rotated')
    const changed = makePair()
    await endpoint.post(ann.slap(mentionXml(BOB)))
    ann.describe(changed.magicKey)
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB), { by: makePair() })), 401)
    assert.equal(await asking(async () => assert.equal(await endpoint.post(ann.slap(mentionXml(BOB), { by: changed })), 202)), 0)
  })

  it('M4 M10 is asked for when there is room again, although there was none before: what was put off is not refused', async () => {
    const ann = endpoint.writer('crowded')
    const changed = makePair()
    await endpoint.post(ann.slap(mentionXml(BOB)))
    ann.describe(changed.magicKey)
    for (let n = 0; n < 10; n++) {
      const author = `<author><uri>https://${ann.host}/nobody/${n}</uri></author>`
      await endpoint.post(ann.slap(mentionXml(BOB), { author }))
    }
    const body = ann.slap(mentionXml(BOB), { by: changed })
    assert.equal(await endpoint.post(body), 429)
    reader.pass(62 * SECOND)
    // a minute of the limits is one of the machine's clock: another process stands for it
    assert.equal(await makeEndpoint(reader).post(body, { from: '198.51.100.8' }), 202)
  })

  it('M4 M10 is asked for again at once when its host did not answer', async () => {
    const ann = endpoint.writer('silent')
    const changed = makePair()
    await endpoint.post(ann.slap(mentionXml(BOB)))
    reader.net.set(webFinger(ann.uri, ann.host), { status: 503 })
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB), { by: changed })), 503)
    ann.describe(changed.magicKey)
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB), { by: changed })), 202)
  })

  it('M4 is the key of nobody else, however long its host took to tell it: that is refused for good', async () => {
    const ann = endpoint.writer('slow')
    const describe = () => {
      const links = [
        { rel: 'http://schemas.google.com/g/2010#updates-from', href: `${ann.uri}.atom` },
        { rel: 'magic-public-key', href: `data:application/magic-public-key,${ann.pair.magicKey}` }
      ]
      reader.pass(12 * SECOND)
      return { body: JSON.stringify({ subject: `acct:ann@${ann.host}`, aliases: [ann.uri], links }) }
    }
    reader.net.set(webFinger(ann.uri, ann.host), describe)
    const wrong = () => endpoint.post(ann.slap(mentionXml(BOB), { by: makePair() }))
    assert.equal(await wrong(), 401, 'a stranger')
    await endpoint.post(ann.slap(mentionXml(BOB)))
    assert.equal(await asking(async () => assert.equal(await wrong(), 401)), 1, 'somebody known')
  })

  it('M4 of somebody unknown that does not fit is asked for again after a minute', async () => {
    const ann = endpoint.writer('newcomer')
    const changed = makePair()
    const signedAnew = () => endpoint.post(ann.slap(mentionXml(BOB), { by: changed }))
    assert.equal(await signedAnew(), 401)
    ann.describe(changed.magicKey)
    for (const [status, requests] of [
      [503, 0],
      [202, 1]
    ]) {
      reader.pass(30 * SECOND)
      assert.equal(await asking(async () => assert.equal(await signedAnew(), status)), requests)
    }
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
        await asking(async () =>
          assert.equal(await endpoint.post(ann.slap(mentionXml(BOB), { author: `<author><id>${uri}</id></author>` })), 401)
        ),
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

  const stranger = (host: string, n: number) => ({ author: `<author><uri>https://${host}/${n}</uri></author>` })

  it('M10 X30 is asked for ten authors a minute for one address', async () => {
    const ann = endpoint.writer('bounds')
    const from = '203.0.113.5'
    const asks = (host: string) => endpoint.post(ann.slap(mentionXml(BOB), stranger(host, 0)), { from })
    for (let n = 0; n < 10; n++) assert.equal(await asks(`bounds${n}.example`), 503)
    assert.equal(await asking(async () => assert.equal(await asks('bounds.example'), 429)), 0)
  })

  it('M10 is asked of one host five times a minute, and five times more for those who named nobody in vain', async () => {
    const ann = endpoint.writer('reserve')
    const asks = (n: number, from: string) => endpoint.post(ann.slap(mentionXml(BOB), stranger(ann.host, n)), { from })
    const bogus = ['203.0.113.20', '203.0.113.21']
    for (let n = 0; n < 5; n++) assert.equal(await asks(n, bogus[n % 2]!), 401)
    for (const from of bogus) assert.equal(await asking(async () => assert.equal(await asks(6, from), 429)), 0)
    assert.equal(await endpoint.post(ann.slap(mentionXml(BOB))), 202, 'somebody genuine finds room')
    for (let n = 10; n < 14; n++) assert.equal(await asks(n, `203.0.113.${30 + n}`), 401)
    assert.equal(await asking(async () => assert.equal(await asks(15, '203.0.113.60'), 429)), 0)
  })

  it('X30 is asked for twenty authors a minute of one domain, by whatever sub-domain and port', async () => {
    const ann = endpoint.writer('domain')
    const asks = (n: number) => {
      const author = `<author><uri>https://s${n % 7}.crowd.example:${8000 + n}/ann</uri></author>`
      return endpoint.post(ann.slap(mentionXml(BOB), { author }), { from: `203.0.113.${90 + (n % 4)}` })
    }
    for (let n = 0; n < 20; n++) assert.equal(await asks(n), 503)
    assert.equal(await asking(async () => assert.equal(await asks(20), 429)), 0)
  })

  it('M10 is asked for ten authors a minute for a network of IPv6', async () => {
    const ann = endpoint.writer('network')
    const posts = (n: number, from: string) =>
      endpoint.post(ann.slap(mentionXml(BOB), { author: `<author><uri>https://network${n}.example/ann</uri></author>` }), { from })
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
