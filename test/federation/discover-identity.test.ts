import assert from 'node:assert/strict'
import { confirmUri, discover } from '../../src/federation/discover.ts'
import { BadMessage, Missing, Refused } from '../../src/model/errors.ts'
import {
  ANN,
  ann,
  atom,
  clock,
  type Described,
  failed,
  found,
  html,
  jrd,
  key,
  linksOf,
  META,
  REL_FEED,
  webFinger
} from '../support/discovery.ts'
import { makeInternet, type PageOf } from '../support/internet.ts'

describe('discover, who is meant', () => {
  const B = webFinger('acct:ann@b.example', 'b.example')
  const canonical: Described = { ...ann, subject: 'acct:ann@b.example' }

  it('D8 takes an account under the name that its subject says, when that host agrees', async () => {
    const internet = makeInternet({ [ANN]: jrd(canonical), [B]: jrd(canonical) })
    const account = found(await discover({ ...internet, clock }, 'ann@a.example'))
    assert.deepEqual([account.acct, account.aliases], ['ann@b.example', ['ann@a.example']])
    assert.deepEqual(internet.requests(), [`GET ${ANN}`, `GET ${B}`])
  })

  const rejected: [what: string, answer: PageOf][] = [
    ['does not know it', { status: 404 }],
    ['names a third account: there is no second hop', jrd({ ...ann, subject: 'acct:ann@c.example' })],
    ['names another feed', jrd({ ...canonical, links: linksOf('other', 'b.example') })],
    [
      'names another Salmon endpoint (X14)',
      jrd({
        ...canonical,
        links: canonical.links!.map(link => (link.rel === 'salmon' ? { ...link, href: 'https://b.example/salmon' } : link))
      })
    ],
    ['names neither feed nor actor', jrd({ ...canonical, links: canonical.links!.filter(link => link.rel !== REL_FEED) })]
  ]
  for (const [what, answer] of rejected) {
    it(`D8 X14 rejects everything when the host of the subject ${what}`, async () => {
      const internet = makeInternet({ [ANN]: jrd(canonical), [B]: answer, 'https://c.example/': {} })
      const { trace } = failed(await discover({ ...internet, clock }, 'ann@a.example'), Refused)
      assert.equal(trace.at(-1)?.failed, 'b.example does not confirm ann@b.example.')
      assert.ok(!internet.requests().some(request => request.includes('c.example/')))
    })
  }

  const subjects: [what: string, described: Described, acct: string][] = [
    ['equal but for case', { subject: 'acct:ANN@A.example' }, 'ann@a.example'],
    ['missing', { subject: undefined }, 'ann@a.example'],
    ['what was asked, still encoded', { subject: 'acct%3Aann%40a.example' }, 'ann@a.example'],
    ['what was asked, encoded twice', { subject: 'acct%253Aann%2540a.example' }, 'ann@a.example'],
    [
      'a URL, with the account among the aliases',
      { subject: 'https://a.example/u/1', aliases: ['acct:other@b.example', 'acct:ann@a.example'] },
      'ann@a.example'
    ],
    ['a URL, with no account at all', { subject: 'https://a.example/u/1', aliases: [] }, 'ann@a.example']
  ]
  for (const [what, described, acct] of subjects) {
    it(`D8 understands a subject that is ${what}`, async () => {
      const internet = makeInternet({ [ANN]: jrd({ ...ann, ...described }) })
      assert.equal(found(await discover({ ...internet, clock }, 'ann@a.example')).acct, acct)
      assert.equal(internet.requests().length, 1)
    })
  }

  it('D9 takes no alias for a second name of the account', async () => {
    const internet = makeInternet({ [ANN]: jrd({ ...ann, aliases: ['acct:bob@b.example', 'https://b.example/bob'] }) })
    assert.deepEqual(found(await discover({ ...internet, clock }, 'ann@a.example')).aliases, [])
  })
})

describe('discover, from a web address', () => {
  const PAGE = 'https://a.example/ann'
  const linked = 'https://d.example/descriptor'

  it('D2 D8 finds the account by WebFinger of the address', async () => {
    const internet = makeInternet({ [webFinger(PAGE)]: jrd({ ...ann, subject: PAGE, aliases: ['acct:ann@a.example'] }) })
    const account = found(await discover({ ...internet, clock }, PAGE))
    assert.deepEqual([account.acct, account.aliases, account.feed], ['ann@a.example', [PAGE], 'https://a.example/ann.atom'])
    assert.equal(internet.requests().length, 1)
  })

  const pages: [what: string, page: PageOf][] = [
    ['Link header', html('', { link: `<${linked}>; rel="lrdd"; type="application/jrd+json"` })],
    ['head', html(`<link rel="lrdd" href="${linked}">`)]
  ]
  for (const [what, page] of pages) {
    it(`D2 finds the descriptor by the ${what} of the page`, async () => {
      const internet = makeInternet({ [PAGE]: page, [linked]: jrd({ ...ann, subject: PAGE }), [ANN]: jrd(ann) })
      assert.equal(found(await discover({ ...internet, clock }, PAGE)).feed, 'https://a.example/ann.atom')
      assert.deepEqual(
        internet.requests(),
        [webFinger(PAGE), META, PAGE, linked].map(url => `GET ${url}`)
      )
    })
  }

  it('D2 takes the address itself for the feed when it is one', async () => {
    const url = 'https://a.example/blog.atom'
    const result = found(await discover({ ...makeInternet({ [url]: atom() }), clock }, url))
    assert.deepEqual(
      [result.feed, result.profile, result.feedDocument?.feed.title, result.acct],
      [url, 'https://a.example/blog', 'Posts', undefined]
    )
  })

  it('D2 finds the feed of a page that belongs to no account, by plain http too, and trusts it with nothing', async () => {
    const blog = 'http://blog.example/2026/'
    const head =
      '<link rel="alternate" type="application/rss+xml" href="/feed/"><link rel="alternate" type="application/rss+xml" href="/comments/">'
    const result = found(await discover({ ...makeInternet({ [blog]: html(head) }), clock }, blog))
    assert.deepEqual(
      [result.feed, result.profile, result.trusted, result.links],
      ['http://blog.example/feed/', blog, false, { keys: [], keyUrls: [] }]
    )
  })

  it('D2 finds a feed that only a Link header names', async () => {
    const page = html('', { link: '</atom>; rel="alternate"; type="application/atom+xml"' })
    assert.equal(found(await discover({ ...makeInternet({ [PAGE]: page }), clock }, PAGE)).feed, 'https://a.example/atom')
  })

  it('D10 tells a page that has an actor and no feed', async () => {
    const page = html('<link rel="alternate" type="application/activity+json" href="/users/ann">')
    const result = found(await discover({ ...makeInternet({ [PAGE]: page }), clock }, PAGE))
    assert.deepEqual([result.activityPubOnly, result.links.activityActor], [true, 'https://a.example/users/ann'])
  })

  it('D2 D10 takes the RSS of a blog that was asked for by its address, though it has an actor too', async () => {
    const links = [{ rel: 'self', type: 'application/activity+json', href: 'https://a.example/users/ann' }]
    const page = html('<link rel="alternate" type="application/rss+xml" href="/rss">')
    const internet = makeInternet({ [webFinger(PAGE)]: jrd({ subject: 'acct:ann@a.example', aliases: [PAGE], links }), [PAGE]: page })
    const result = found(await discover({ ...internet, clock }, PAGE))
    assert.deepEqual([result.acct, result.feed, result.activityPubOnly], ['ann@a.example', 'https://a.example/rss', false])
  })

  it('D2 finds nothing on a page without a feed', async () =>
    void failed(await discover({ ...makeInternet({ [PAGE]: html('<title>Hello</title>') }), clock }, PAGE), Missing))

  it('D13 ignores a descriptor that does not speak of the address, and takes the feed of the page', async () => {
    const page = html('<link rel="alternate" type="application/atom+xml" href="/blog.atom">')
    const stranger = { ...ann, subject: 'acct:me@m.example', aliases: [], links: linksOf('me', 'm.example') }
    const result = found(await discover({ ...makeInternet({ [webFinger(PAGE)]: jrd(stranger), [PAGE]: page }), clock }, PAGE))
    assert.deepEqual([result.feed, result.acct, result.links.keys], ['https://a.example/blog.atom', undefined, []])
  })
})

describe('confirmUri', () => {
  const URI = 'https://a.example/users/ann'
  const THEFT = webFinger('acct:eve@evil.example', 'evil.example')
  const eve: Described = { subject: 'acct:eve@evil.example', aliases: [URI], links: linksOf('eve', 'evil.example') }

  it("D13 does not take evil.example's word that it speaks for somebody's URI", async () => {
    const nobody = makeInternet({ [URI]: html(''), [THEFT]: jrd(eve) })
    failed(await confirmUri({ ...nobody, clock }, URI), Missing)
    assert.ok(!nobody.requests().some(request => request.includes('evil.example')))
    const owned = makeInternet({ [webFinger(URI)]: jrd({ ...ann, aliases: [URI] }), [THEFT]: jrd(eve) })
    assert.equal(found(await confirmUri({ ...owned, clock }, URI)).acct, 'ann@a.example')
  })

  it('D13 takes no account on another host that does not list the URI', async () => {
    const links = linksOf('ann', 'a.example')
    const here = jrd({ subject: 'acct:ann@b.example', aliases: [URI], links })
    const there = (aliases: string[]) => ({
      [webFinger('acct:ann@b.example', 'b.example')]: jrd({ subject: 'acct:ann@b.example', aliases, links })
    })
    failed(await confirmUri({ ...makeInternet({ [webFinger(URI)]: here, ...there([]) }), clock }, URI), Missing)
    assert.equal(
      found(await confirmUri({ ...makeInternet({ [webFinger(URI)]: here, ...there([URI]) }), clock }, URI)).acct,
      'ann@b.example'
    )
  })

  it("D13 takes the feed's author for an alias", async () => {
    const feed = atom(`<author><name>ann</name><uri>${URI}</uri></author>`)
    const pages = { [webFinger(URI)]: jrd({ ...ann, aliases: [] }), 'https://a.example/ann.atom': feed }
    assert.equal(found(await confirmUri({ ...makeInternet(pages), clock }, URI)).acct, 'ann@a.example')
    failed(await confirmUri({ ...makeInternet({ ...pages, 'https://a.example/ann.atom': atom() }), clock }, URI), Missing)
  })

  it('D13 finds the descriptor by the page of the URI, and then asks the host of the account', async () => {
    const linked = 'https://a.example/descriptor?u=1'
    const pages = { [URI]: html(`<link rel="lrdd" href="${linked}">`), [linked]: jrd({ ...ann, aliases: [URI] }) }
    failed(await confirmUri({ ...makeInternet(pages), clock }, URI), Missing)
    const internet = makeInternet({ ...pages, [ANN]: jrd({ ...ann, aliases: [URI] }) })
    assert.equal(found(await confirmUri({ ...internet, clock }, URI)).acct, 'ann@a.example')
  })

  it('D13 gives the keys of a URI without an account, when the page itself points at them', async () => {
    const linked = 'https://a.example/descriptor'
    const internet = makeInternet({
      [URI]: html(`<link rel="lrdd" href="${linked}">`),
      [linked]: jrd({ ...ann, subject: URI, aliases: [] })
    })
    const result = found(await confirmUri({ ...internet, clock }, URI))
    assert.deepEqual([result.acct, result.links.keys], [undefined, [key]])
  })

  it('D13 takes a web address only', async () => void failed(await confirmUri({ ...makeInternet(), clock }, 'ann@a.example'), BadMessage))
})
