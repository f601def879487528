import assert from 'node:assert/strict'
import { lrddTemplates, readDescriptor } from '../../src/protocol/descriptor.ts'
import { KIT_HOSTS, type KitFacts, type KitHost, makeKit } from '../../src/protocol/kit.ts'
import { readPageLines } from '../../src/protocol/page-lines.ts'

const FACTS: KitFacts = {
  ...{ origin: 'https://node.example', uri: 'https://node.example/users/blog', hub: 'https://node.example/hub' },
  ...{ nodeFeed: 'https://node.example/users/blog.atom', handle: 'blog@blog.example', blog: 'https://blog.example/' },
  ...{ title: 'The blog', feed: 'https://blog.example/feed.xml', invitation: 'Read and reply' },
  descriptor: {
    subject: 'acct:blog@blog.example',
    aliases: [],
    properties: [],
    links: [{ rel: 'self', href: 'https://node.example/users/blog' }]
  }
}
const file = (host: KitHost, path: string, facts = FACTS) => makeKit(host, facts).files.find(one => one.path === path)?.text
const line = (host: KitHost, id: string, facts = FACTS) => makeKit(host, facts).lines.find(one => one.id === id)?.text

describe('the kit', () => {
  it('S2b has for each host what it can do: rules and headers, a configuration, or files', () => {
    const paths = Object.fromEntries(KIT_HOSTS.map(host => [host, makeKit(host, FACTS).files.map(({ path }) => path)]))
    assert.deepEqual(paths, {
      ...{ netlify: ['_redirects', '_headers'], cloudflare: ['_redirects', '_headers'] },
      ...{ nginx: ['tidings.conf'], apache: ['.htaccess'], caddy: ['tidings.caddy'] },
      ...{ 'github-pages': ['.well-known/host-meta', '.well-known/webfinger'], plain: ['.well-known/host-meta', '.well-known/webfinger'] }
    })
    assert.equal(file('netlify', '_redirects')?.split('\n')[1], '/.well-known/webfinger  https://node.example/.well-known/webfinger  302!')
    assert.equal(
      file('cloudflare', '_headers'),
      '/feed.xml\n  Link: <https://node.example/hub>; rel="hub", <https://blog.example/feed.xml>; rel="self"\n'
    )
  })

  it('W2 the static host-meta names JSON first, which Mastodon takes, and the node alone', () => {
    const templates = lrddTemplates(readDescriptor(Buffer.from(file('plain', '.well-known/host-meta')!)))
    assert.deepEqual(templates, [
      { type: 'application/jrd+json', template: 'https://node.example/.well-known/webfinger?resource={uri}' },
      { type: 'application/xrd+xml', template: 'https://node.example/.well-known/webfinger.xml?resource={uri}' }
    ])
    const first = /<Link [^>]*rel="lrdd"[^>]*template="([^"]*)"/.exec(file('plain', '.well-known/host-meta')!)?.[1]
    assert.equal(first, 'https://node.example/.well-known/webfinger?resource={uri}')
  })

  it('W2 has no WebFinger file where other accounts share the domain: it would answer for all of them', () => {
    const { descriptor: _, ...shared } = FACTS
    assert.deepEqual(
      makeKit('plain', shared).files.map(({ path }) => path),
      ['.well-known/host-meta']
    )
  })

  it('S2b its lines are read back from a page as what they say', () => {
    const head = ['head', 'front', 'post', 'body'].map(id => line('plain', id)).join('\n')
    const { creators, links, quiet, scripts } = readPageLines(Buffer.from(`<html><body>${head}`), { url: 'https://blog.example/' })
    assert.deepEqual(
      [scripts, quiet, creators],
      [['https://node.example/widget.js'], ['https://node.example/conversation'], ['blog@blog.example']]
    )
    assert.deepEqual(
      links.map(({ rel, url }) => `${rel.join(' ')} ${url}`),
      [
        'me https://node.example/users/blog',
        'alternate https://blog.example/feed.xml',
        'alternate https://node.example/users/blog',
        'alternate https://node.example/conversation?url=ADDRESS'
      ]
    )
  })

  it('the hub stands in a header where the host can send one, else in the feed, in its own form', () => {
    const inFeed = KIT_HOSTS.filter(host => line(host, 'feed') !== undefined)
    assert.deepEqual(inFeed, ['nginx', 'github-pages', 'plain'])
    assert.equal(
      line('plain', 'feed', { ...FACTS, feed: 'https://blog.example/feed.json' }),
      '"hubs": [{ "type": "WebSub", "url": "https://node.example/hub" }]'
    )
    const { feed: _, ...none } = FACTS
    assert.equal(line('plain', 'feed', none), undefined)
    assert.match(
      line('plain', 'head', none)!,
      /type="application\/atom\+xml" title="The blog" href="https:\/\/node\.example\/users\/blog\.atom"/
    )
  })

  it('X41 whatever a blog calls itself and its feed stays text, and no rule of a server', () => {
    const hostile = { ...FACTS, title: '"><script>alert(1)</script>', feed: `https://blog.example/a';"%{x}"/feed.xml?<&` }
    for (const host of KIT_HOSTS) {
      const { files, lines } = makeKit(host, hostile)
      const all = [...files, ...lines].map(({ text }) => text).join('\n')
      assert.doesNotMatch(all, /<script>|"><|\?</, host)
      assert.doesNotMatch(files.map(({ text }) => text).join('\n'), /feed\.xml/, host)
    }
    assert.equal(file('netlify', '_headers', hostile), undefined)
  })

  it('X34 reads a page of nothing but brackets, and one that is none', () => {
    for (const text of ['<'.repeat(1_000_000), '<script src="'.repeat(50_000), '', '\0', '<a rel=me href=javascript:x>'])
      assert.deepEqual(readPageLines(Buffer.from(text), { url: 'https://blog.example/' }).links, [])
  })
})
