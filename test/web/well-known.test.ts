import assert from 'node:assert/strict'
import { parseStringPromise } from 'xml2js'
import { removeAccount } from '../../src/federation/accounts.ts'
import { accountLinks, readDescriptor } from '../../src/protocol/descriptor.ts'
import { visitor } from '../support/browser.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

const ORIGIN = 'https://blog.example'
const WEBFINGER = '/.well-known/webfinger'
const ask = (resource: string, path = WEBFINGER) => `${path}?resource=${encodeURIComponent(resource)}`

describe('host-meta and WebFinger', () => {
  let node: TestNode
  before(async () => {
    node = await startNode({ env: { PUBLIC_URL: ORIGIN, HANDLE_HOST: 'example.org' }, accounts: ['ann', 'gone'], work: false })
  })
  after(() => node?.close())

  const get = (path: string, accept?: string) => visitor({ url: `http://${node.host}` }).get(path, { accept: accept ?? '*/*' })
  const typeOf = (answer: { headers: Headers }) => answer.headers.get('content-type')
  const XRD = 'application/xrd+xml; charset=utf-8'
  const JRD = 'application/jrd+json; charset=utf-8'

  describe('host-meta', () => {
    it('W1 has the XRD template first, for every client there ever was', async () => {
      const { headers, status, text } = await get('/.well-known/host-meta')
      assert.deepEqual([status, headers.get('content-type'), headers.get('vary')], [200, XRD, 'Accept'])
      assert.deepEqual([headers.get('access-control-allow-origin'), headers.get('cache-control')], ['*', 'public, max-age=259200'])
      assert.equal(/template="([^"]+)"/.exec(text)?.[1], `${ORIGIN}/.well-known/webfinger.xml?resource={uri}`)
      const { XRD: root } = await parseStringPromise(text)
      assert.deepEqual(
        root.Link.map((link: { $: object }) => link.$),
        [
          { rel: 'lrdd', type: 'application/xrd+xml', template: `${ORIGIN}/.well-known/webfinger.xml?resource={uri}` },
          { rel: 'lrdd', type: 'application/jrd+json', template: `${ORIGIN}/.well-known/webfinger?resource={uri}` }
        ]
      )
    })

    const accepts: [string, string][] = [
      ['*/*', XRD],
      ['application/xrd+xml', XRD],
      ['text/html', XRD],
      ['application/json', JRD],
      ['application/jrd+json', JRD],
      ['application/xrd+xml, application/json', XRD],
      ['application/json, application/xrd+xml', JRD],
      ['application/json;q=0.5, application/xrd+xml', XRD],
      ['application/json;q=0, */*', XRD]
    ]
    for (const [accept, type] of accepts) {
      it(`W1 answers Accept: ${accept} with ${type.split(';')[0]}`, async () =>
        assert.equal(typeOf(await get('/.well-known/host-meta', accept)), type))
    }

    it('W1 is JSON at host-meta.json, whatever is accepted, with the same links', async () => {
      const answer = await get('/.well-known/host-meta.json', 'application/xrd+xml')
      assert.equal(typeOf(answer), JRD)
      assert.deepEqual(readDescriptor(Buffer.from(answer.text)), readDescriptor(Buffer.from((await get('/.well-known/host-meta')).text)))
    })

    it('W1 answers HEAD with the headers of GET', async () => {
      const head = await visitor({ url: `http://${node.host}` }).head('/.well-known/host-meta')
      assert.deepEqual([head.status, head.text, Number(head.headers.get('content-length')) > 100], [200, '', true])
    })
  })

  describe('a request', () => {
    for (const [what, path, status] of [
      ['no resource', WEBFINGER, 400],
      ['an empty one', `${WEBFINGER}?resource=`, 400],
      ['two', `${ask('acct:ann@example.org')}&resource=acct:ann@example.org`, 400],
      ['no URI', ask('ann'), 400],
      ['a foreign host', ask('acct:ann@other.example'), 404],
      ['a foreign URL', ask('https://other.example/users/ann'), 404],
      ['an unknown name', ask('acct:nobody@example.org'), 404],
      ['another scheme', ask('mailto:ann@example.org'), 404],
      ['a NUL', `${WEBFINGER}?resource=acct:ann%00@example.org`, 400],
      ['no UTF-8', `${WEBFINGER}?resource=acct:%ff@example.org`, 400],
      ['too much', ask(`acct:${'a'.repeat(3000)}@example.org`), 400],
      ['SQL', ask("acct:ann'--@example.org"), 404],
      ['a path', ask(`${ORIGIN}/users/../users/ann/posts`), 404],
      ['another page of ours', ask(`${ORIGIN}/hub`), 404],
      ['broken percent signs', `${WEBFINGER}?resource=acct%3Aann%2540example.org%`, 404]
    ] as const) {
      it(`W2 with ${what} gets ${status}, in plain text, and allows everybody to read it`, async () => {
        const answer = await get(path, 'text/html')
        assert.deepEqual([answer.status, typeOf(answer)], [status, 'text/plain; charset=utf-8'])
        assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      })
    }

    it('W7 X22 gets nothing of itself back', async () => {
      for (const path of [ask('<script>'), ask('acct:<script>@example.org'), ask('javascript:<script>')]) {
        const { headers, status, text } = await get(path, 'text/html')
        assert.ok(status === 400 || status === 404)
        assert.ok(!text.includes('<'))
        assert.equal(headers.get('x-content-type-options'), 'nosniff')
      }
    })

    for (const path of [WEBFINGER, `${WEBFINGER}.json`, `${WEBFINGER}.xml`, '/.well-known/host-meta']) {
      it(`W2 by POST at ${path} gets 405 with what is allowed, and OPTIONS is answered`, async () => {
        const { headers, status } = await fetch(`http://${node.host}${path}`, { method: 'POST', body: 'x' })
        assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD, OPTIONS'])
        const preflight = await fetch(`http://${node.host}${path}`, { method: 'OPTIONS' })
        assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-methods')], [204, 'GET, HEAD'])
      })
    }

    it('W2 with rel gets those links alone, and all the rest', async () => {
      const rels = ['salmon', 'http://webfinger.net/rel/profile-page']
      const document = JSON.parse(
        (await get(`${ask('acct:ann@example.org')}${rels.map(rel => `&rel=${encodeURIComponent(rel)}`).join('')}`)).text
      )
      assert.deepEqual(document.links.map((link: { rel: string }) => link.rel).toSorted(), rels.toSorted())
      assert.equal(document.aliases.length, 1)
      assert.deepEqual(JSON.parse((await get(`${ask('acct:ann@example.org')}&rel=none`)).text).links ?? [], [])
    })
  })

  describe('a resource', () => {
    const spellings = [
      ...[
        'acct:ann@example.org',
        'ann@example.org',
        '@ann@example.org',
        'acct:ANN@EXAMPLE.ORG',
        'ACCT:ann@example.org',
        'acct:@ann@example.org'
      ],
      ...['acct:ann@blog.example', 'acct:ann@example.org:443', 'acct%3Aann%40example.org', 'acct:ann%40example.org'],
      ...[
        `${ORIGIN}/users/ann`,
        `${ORIGIN}/users/ann/`,
        'http://blog.example/users/ann',
        'https://BLOG.example:443/users/ann',
        `${ORIGIN}/users/ann.atom`
      ],
      ...[encodeURIComponent(`${ORIGIN}/users/ann`), `${ORIGIN}/@ann`]
    ]
    for (const spelling of spellings) {
      it(`W3 written ${spelling} is ann`, async () => {
        const { status, text } = await get(ask(spelling))
        assert.equal(status, 200)
        assert.equal(text, (await get(ask('acct:ann@example.org'))).text)
      })
    }

    it('W3 is found in a query that is not encoded at all', async () =>
      assert.equal((await get(`${WEBFINGER}?resource=acct:ann@example.org`)).status, 200))

    const accepts: [string | undefined, string][] = [
      [undefined, JRD],
      ['*/*', JRD],
      ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', XRD],
      ['text/html', JRD],
      ['application/json', JRD],
      ['application/jrd+json, application/json', JRD],
      ['application/xrd+xml', XRD],
      ['application/xml', XRD],
      ['application/xrd+xml,application/jrd+json', XRD],
      ['application/jrd+json,application/xrd+xml', JRD],
      ['application/jrd+json,application/xrd+xml;q=0.9', JRD],
      ['application/jrd+json;q=0.5,application/xrd+xml;q=0.9', XRD],
      ['application/jrd+json, application/json;q=0.9, application/xrd+xml;q=0.8, */*;q=0.1', JRD],
      ['application/xrd+xml;q=0', JRD],
      ['application/xrd+xml;q=garbage', XRD],
      [',;,', JRD]
    ]
    for (const [accept, type] of accepts) {
      it(`W4 is ${type.split(';')[0]} for Accept: ${accept}`, async () => {
        const answer = await get(ask('acct:ann@example.org'), accept)
        assert.deepEqual([answer.status, typeOf(answer), answer.headers.get('vary')], [200, type, 'Accept, Accept-Encoding'])
      })
    }

    it('W4 is always XRD at webfinger.xml and always JRD at webfinger.json', async () => {
      assert.equal(typeOf(await get(ask('acct:ann@example.org', `${WEBFINGER}.xml`), 'application/json')), XRD)
      assert.equal(typeOf(await get(ask('acct:ann@example.org', `${WEBFINGER}.json`), 'application/xrd+xml')), JRD)
    })

    it('W5 is described with all that peers need, each relation once, in order', async () => {
      const document = JSON.parse((await get(ask(`${ORIGIN}/users/ann`))).text)
      assert.deepEqual([document.subject, document.aliases], ['acct:ann@example.org', [`${ORIGIN}/users/ann`]])
      assert.deepEqual(
        document.links.map((link: { rel: string }) => link.rel.replace(/.*[/#]/, '')),
        ['profile-page', 'updates-from', 'self', 'salmon', 'salmon-replies', 'salmon-mention', 'magic-public-key', 'subscribe']
      )
      assert.deepEqual([document.links[0].type, document.links[1].type], ['text/html', 'application/atom+xml'])
      assert.deepEqual(document.links[2], { rel: 'self', type: 'application/activity+json', href: `${ORIGIN}/users/ann` })
      assert.match(document.links[6].href, /^data:application\/magic-public-key,RSA\./)
      assert.equal(document.links[7].template, `${ORIGIN}/authorize_interaction?uri={uri}`)
      const { feed, keys, profile, salmon } = accountLinks(readDescriptor(Buffer.from(JSON.stringify(document))))
      assert.deepEqual(
        [feed, profile, salmon, keys.length],
        [`${ORIGIN}/users/ann.atom`, `${ORIGIN}/users/ann`, `${ORIGIN}/users/ann/salmon`, 1]
      )
    })

    it('FEP-2677 the node’s own actor has a name too', async () => {
      for (const resource of ['acct:example.org@example.org', 'example.org@example.org', `${ORIGIN}/actor`]) {
        const { subject, links } = JSON.parse((await get(ask(resource))).text)
        assert.deepEqual(
          [subject, links],
          ['acct:example.org@example.org', [{ rel: 'self', type: 'application/activity+json', href: `${ORIGIN}/actor` }]]
        )
      }
      assert.equal((await get(ask('acct:other.example@example.org'))).status, 404)
    })

    it('W6 is the same in XRD', async () => {
      const [json, xml] = await Promise.all(['.json', '.xml'].map(form => get(ask('acct:ann@example.org', WEBFINGER + form))))
      assert.deepEqual(readDescriptor(Buffer.from(xml!.text)), readDescriptor(Buffer.from(json!.text)))
      assert.match(xml!.text, /<XRD xmlns="http:\/\/docs\.oasis-open\.org\/ns\/xri\/xrd-1\.0">/)
    })

    it('W4 is not sent again to who has it', async () => {
      const tag = (await get(ask('acct:ann@example.org'))).headers.get('etag')!
      const again = await visitor({ url: `http://${node.host}` }).get(ask('acct:ann@example.org'), {
        accept: '*/*',
        'if-none-match': `"x", ${tag}`
      })
      assert.deepEqual([again.status, again.text], [304, ''])
      const other = await visitor({ url: `http://${node.host}` }).get(ask('acct:ann@example.org', `${WEBFINGER}.xml`), {
        'if-none-match': tag
      })
      assert.equal(other.status, 200)
    })

    it('W10 is unknown from the moment that the account is closed', async () => {
      assert.equal((await get(ask('acct:gone@example.org'))).status, 200)
      await removeAccount(node.tools, 'gone')
      await until('the closing', async () => (await get(ask('acct:gone@example.org'))).status === 404)
    })
  })

  it('W10 limits unknown names for an address to 600 a minute, and known ones never', async () => {
    const limited = await startNode({ accounts: ['ann'], work: false })
    try {
      const status = async (name: string) => (await fetch(`${limited.url}${ask(`acct:${name}@${limited.host}`)}`)).status
      const unknown = await Promise.all(Array.from({ length: 620 }, (_, at) => status(`nobody${at}`)))
      assert.deepEqual([unknown.filter(one => one === 404).length, unknown.filter(one => one === 429).length], [600, 20])
      const last = await fetch(`${limited.url}${ask(`acct:nobody@${limited.host}`)}`)
      assert.ok(Number(last.headers.get('retry-after')) > 0)
      assert.equal(await status('ann'), 200)
    } finally {
      await limited.close()
    }
  })
})
