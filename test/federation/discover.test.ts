import assert from 'node:assert/strict'
import { discover } from '../../src/federation/discover.ts'
import { BadMessage, Missing, Refused, Unreachable } from '../../src/model/errors.ts'
import {
  ANN,
  ann,
  clock,
  type Described,
  failed,
  found,
  hostMeta,
  html,
  jrd,
  key,
  META,
  now,
  REL_FEED,
  REL_PROFILE,
  webFinger
} from '../support/discovery.ts'
import { makeInternet, type PageOf } from '../support/internet.ts'

describe('discover', () => {
  it('D2 finds an account by WebFinger, with all that is needed, and tells each step', async () => {
    const url = webFinger('acct:Ann@a.example')
    const internet = makeInternet({ [url]: jrd(ann) })
    const { trace, descriptor, ...rest } = found(await discover({ ...internet, clock }, ' @Ann@A.example'))
    assert.equal(descriptor?.subject, 'acct:ann@a.example')
    assert.deepEqual(rest, {
      found: true,
      acct: 'ann@a.example',
      aliases: [],
      links: {
        profile: 'https://a.example/ann',
        feed: 'https://a.example/ann.atom',
        salmon: 'https://a.example/ann/salmon',
        keys: [key],
        keyUrls: []
      },
      feed: 'https://a.example/ann.atom',
      profile: 'https://a.example/ann',
      activityPubOnly: false,
      trusted: true
    })
    assert.deepEqual(trace, [
      { step: 'WebFinger', url, status: 200, type: 'application/jrd+json', found: 'acct:ann@a.example, 4 links', ms: 0 }
    ])
  })

  const LRDD = 'https://d.example/xrd?uri=acct%3Aann%40a.example'
  const RAW = 'https://a.example/.well-known/webfinger?resource=acct:ann@a.example'
  const ways: [what: string, pages: Record<string, PageOf>, requests: string[]][] = [
    ['WebFinger', { [ANN]: jrd(ann) }, [ANN]],
    ['WebFinger that decodes nothing (D3)', { [RAW]: jrd(ann) }, [ANN, RAW]],
    ['host-meta by https', { [META]: hostMeta('https://d.example/xrd?uri={uri}'), [LRDD]: jrd(ann) }, [ANN, RAW, META, LRDD]]
  ]
  for (const [what, pages, requests] of ways) {
    it(`D2 finds an account by ${what}, and asks in that order`, async () => {
      const internet = makeInternet(pages)
      assert.equal(found(await discover({ ...internet, clock }, 'ann@a.example')).feed, 'https://a.example/ann.atom')
      assert.deepEqual(
        internet.requests(),
        requests.map(url => `GET ${url}`)
      )
      assert.match(internet.sent[0]!.headers.accept!, /^application\/jrd\+json, application\/json;q=0\.9, application\/xrd\+xml;q=0\.8/)
    })
  }

  const plainMeta = { 'http://a.example/.well-known/host-meta': hostMeta('https://d.example/xrd?uri={uri}'), [LRDD]: jrd(ann) }

  it('D2 finds an account by host-meta of plain http where ALLOW_HTTP is on, and trusts it with nothing', async () => {
    const internet = makeInternet(plainMeta, { allowHttp: true })
    assert.equal(found(await discover({ ...internet, clock }, 'ann@a.example')).trusted, false)
    assert.deepEqual(
      internet.requests(),
      [ANN, RAW, META, 'http://a.example/.well-known/host-meta', LRDD].map(url => `GET ${url}`)
    )
  })

  it('D2 does not use plain http otherwise, and says so', async () => {
    const internet = makeInternet(plainMeta)
    const { trace } = failed(await discover({ ...internet, clock }, 'ann@a.example'), Missing)
    assert.deepEqual(
      internet.requests(),
      [ANN, RAW, META].map(url => `GET ${url}`)
    )
    assert.match(trace.at(-1)!.failed!, /only be asked by https/)
  })

  it('D2 finds an account of a node without https when its address lies in ALLOW_ADDRESSES', async () => {
    const down = { error: new Unreachable('The line was refused.') }
    const host = '127.0.0.1:3001'
    const secure = (path: string) => [`https://${host}${path}`, down] as const
    const wanted = `/.well-known/webfinger?resource=${encodeURIComponent(`acct:alice@${host}`)}`
    const document = { subject: `acct:alice@${host}`, links: [{ rel: REL_FEED, href: `http://${host}/users/alice.atom` }] }
    const pages = { ...Object.fromEntries([secure(wanted), secure('/.well-known/host-meta')]), [`http://${host}${wanted}`]: jrd(document) }
    const internet = makeInternet(pages, { listed: [host] })
    const account = found(await discover({ ...internet, clock }, `acct:alice@${host}`))
    assert.deepEqual([account.acct, account.feed, account.trusted], [`alice@${host}`, `http://${host}/users/alice.atom`, true])
    failed(await discover({ ...makeInternet(pages), clock }, `acct:alice@${host}`), Refused)
  })

  it('D6 asks the best template first, in its own type, and the next one if that fails', async () => {
    const link = (type: string) => `<Link rel="lrdd" type="${type}" template="https://d.example/${type}?{uri}"/>`
    const internet = makeInternet({
      [META]: {
        body: `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">${link('application/xrd+xml')}${link('application/jrd+json')}</XRD>`
      },
      'https://d.example/application/xrd+xml?acct%3Aann%40a.example': jrd(ann)
    })
    found(await discover({ ...internet, clock }, 'ann@a.example'))
    const asked = internet.sent.slice(-2)
    assert.deepEqual(
      asked.map(({ url }) => url.split('?')[0]),
      ['https://d.example/application/jrd+json', 'https://d.example/application/xrd+xml']
    )
    assert.deepEqual(
      asked.map(({ headers }) => headers.accept),
      ['application/jrd+json, */*;q=0.1', 'application/xrd+xml, */*;q=0.1']
    )
  })

  it('D7 follows a redirect of the split domain to another host', async () => {
    const internet = makeInternet({
      [ANN]: { redirectTo: webFinger('acct:ann@a.example', 'social.a.example') },
      [webFinger('acct:ann@a.example', 'social.a.example')]: jrd(ann)
    })
    assert.equal(found(await discover({ ...internet, clock }, 'ann@a.example')).acct, 'ann@a.example')
  })

  const unusable: [what: string, page: PageOf][] = [
    ['a page of HTML', html('<title>Not found</title>')],
    [
      'an error of the server with a page of HTML',
      { status: 500, headers: { 'content-type': 'text/html' }, body: '<!DOCTYPE html><html></html>' }
    ],
    ['a descriptor without links', jrd({ subject: 'acct:ann@a.example' })],
    ['an empty answer', {}],
    ['an answer of 10 MB', { body: Buffer.alloc(10_000_000, 32) }],
    ['JSON that is cut off', { body: '{"subject":' }]
  ]
  for (const [what, page] of unusable) {
    it(`D2 D4 D14 goes on after ${what}, and finds nothing in the end`, async () => {
      const internet = makeInternet({ [ANN]: page })
      const { trace } = failed(await discover({ ...internet, clock }, 'ann@a.example'), Missing)
      assert.ok(trace[0]!.failed)
      assert.ok(internet.requests().includes(`GET ${META}`))
    })
  }

  it('D2 S2-6 says that a host cannot be reached when nobody answers', async () =>
    void failed(await discover({ ...makeInternet(), clock }, 'ann@a.example'), Unreachable))

  it('D1 asks nobody about what is no account', async () => {
    const internet = makeInternet()
    assert.deepEqual(failed(await discover({ ...internet, clock }, 'a@b@c'), BadMessage).trace, [])
  })

  it('D2 gives up when all attempts together take longer than 15 seconds', async () => {
    let time = now.getTime()
    const slow = () => {
      time += 8000
      return { status: 500 }
    }
    const internet = makeInternet({ [ANN]: slow, [META]: slow })
    failed(await discover({ ...internet, clock: () => new Date(time) }, 'ann@a.example'), Unreachable)
    assert.equal(internet.sent.length, 2)
  })

  it('D2 lets a defect of ours through', async () => {
    const internet = makeInternet({ [ANN]: { error: new TypeError('defect') } })
    await assert.rejects(discover({ ...internet, clock }, 'ann@a.example'), TypeError)
  })
})

describe('discover, what must be found', () => {
  const without = (rel: string): Described => ({ ...ann, links: ann.links!.filter(link => link.rel !== rel) })

  it('D10 finds the feed on the profile page when the descriptor lacks it', async () => {
    const profile = html(
      '<link rel="alternate" type="application/rss+xml" href="/rss"><link rel="alternate" type="application/atom+xml" href="/atom">'
    )
    const internet = makeInternet({ [ANN]: jrd(without(REL_FEED)), 'https://a.example/ann': profile })
    assert.equal(found(await discover({ ...internet, clock }, 'ann@a.example')).feed, 'https://a.example/atom')
  })

  it('D10 does not find an account that has no feed anywhere', async () =>
    void failed(await discover({ ...makeInternet({ [ANN]: jrd(without(REL_FEED)) }), clock }, 'ann@a.example'), Missing))

  it('D10 says of an account with an actor and no feed that it is for ActivityPub only', async () => {
    const actor = { rel: 'self', type: 'application/activity+json', href: 'https://a.example/users/ann' }
    const internet = makeInternet({
      [ANN]: jrd({ ...ann, links: [...without(REL_FEED).links!, actor] }),
      'https://a.example/ann': html('<link rel="alternate" type="application/rss+xml" href="/rss">')
    })
    const account = found(await discover({ ...internet, clock }, 'ann@a.example'))
    assert.deepEqual([account.activityPubOnly, account.feed, account.links.activityActor], [true, undefined, actor.href])
  })

  for (const [rel, name] of [
    ['salmon', 'salmon'],
    ['magic-public-key', 'keys'],
    [REL_PROFILE, 'profile']
  ] as const) {
    it(`D10 can read an account without ${name}`, async () => {
      const account = found(await discover({ ...makeInternet({ [ANN]: jrd(without(rel)) }), clock }, 'ann@a.example'))
      assert.equal(account.feed, 'https://a.example/ann.atom')
      assert.equal(account.links[name]?.length ?? 0, 0)
    })
  }

  it('D11 fetches a key that has an address, and only by https', async () => {
    const links = [
      ...without('magic-public-key').links!,
      { rel: 'magic-public-key', href: 'https://a.example/key' },
      { rel: 'magic-public-key', href: 'http://a.example/other' }
    ]
    const internet = makeInternet({
      [ANN]: jrd({ ...ann, links }),
      'https://a.example/key': { body: `${key}\n` },
      'http://a.example/other': { body: key }
    })
    assert.deepEqual(found(await discover({ ...internet, clock }, 'ann@a.example')).links.keys, [key])
    assert.equal(internet.requests().length, 2)
  })
})

describe('discover, a feed that is refused', () => {
  const URL = 'https://b.example/feed'
  const page = (type: string, body: string): PageOf => ({ headers: { 'content-type': type }, body })
  const item = (text: string) => `<rss version="2.0"><channel><title>${text}</title></channel></rss>`
  const refused: [what: string, page: PageOf, why: RegExp][] = [
    ['a DOCTYPE', page('application/rss+xml', `<!DOCTYPE rss>${item('x')}`), /DOCTYPE/i],
    ['a reference to no character', page('text/xml', item('&#0;')), /not well-formed XML: .*character/],
    ['a cut end, as HTML', page('text/html', item('x').slice(0, -6)), /not well-formed XML/],
    ['another root', page('application/xml', '<opml/>'), /no feed/]
  ]
  for (const [what, answer, why] of refused) {
    it(`D2 I2 tells why a feed with ${what} is not read`, async () => {
      const { error, trace } = failed(await discover({ ...makeInternet({ [URL]: answer }), clock }, URL), BadMessage)
      const step = trace.find(({ step }) => step === 'page')!
      assert.match(error.message, why)
      assert.deepEqual([step.failed, step.found], [error.message, undefined])
    })
  }

  it('D2 reads a page in XHTML that is served as XML as a page', async () => {
    const link = '<link rel="alternate" type="application/atom+xml" href="/atom"/>'
    const xhtml = page('application/xml', `<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head>${link}</head></html>`)
    assert.equal(found(await discover({ ...makeInternet({ [URL]: xhtml }), clock }, URL)).feed, 'https://b.example/atom')
    const empty = page('application/xml', '<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head/></html>')
    failed(await discover({ ...makeInternet({ [URL]: empty }), clock }, URL), Missing)
  })
})
