/** A static blog whose owner put the kit into it: the handle works on the blog's own domain, and the check says so. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { findAccount } from '../../src/federation/accounts.ts'
import { findBlog, readBlogNow, setBlog } from '../../src/federation/blog.ts'
import { checkKit } from '../../src/federation/check-kit.ts'
import { follow } from '../../src/federation/follow.ts'
import { findBlogKit, type Kit, type KitHost, makeKit } from '../../src/federation/kit.ts'
import { publish } from '../../src/federation/publish.ts'
import { type KitBlog, startKitBlog } from '../support/kit-blog.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

describe('a blog with the kit in it', function () {
  this.timeout(30_000)
  let reader: TestNode
  let follower: TestNode
  const ends: { close(): Promise<void> }[] = []

  before(async () => {
    reader = await startNode({ accounts: ['bob'], onlyOStatus: true })
    follower = await startNode({ accounts: ['eve'] })
  })
  afterEach(async () => {
    for (const one of ends.splice(0).reverse()) await one.close()
  })
  after(async () => {
    await reader?.close()
    await follower?.close()
  })

  /** A blog, and a node whose handles have the blog's domain. @param change of the kit, before it is put into the blog */
  const start = async (host: KitHost, change: (kit: Kit) => Kit = kit => kit, env: Record<string, string> = {}) => {
    const blog = await startKitBlog(host)
    ends.push(blog)
    blog.put()
    const node = await startNode({
      env: { BLOG_URL: `${blog.origin}/`, HANDLE_HOST: `127.0.0.1:${blog.port}`, ...env },
      accounts: ['blog']
    })
    ends.push(node)
    const account = await findAccount(node.tools, 'blog')
    await setBlog(node.tools, account, `${blog.origin}/`)
    await findBlog(node.tools, account.id)
    await readBlogNow(node.tools, account.id)
    const facts = await findBlogKit(node.tools, account, 'Read and reply')
    blog.put(change(makeKit(host, facts)))
    return { account, blog, facts, node, handle: `blog@127.0.0.1:${blog.port}` }
  }
  const check = async ({ facts, node }: Awaited<ReturnType<typeof start>>) => {
    const checks = await checkKit(node.tools, facts)
    return { checks, states: Object.fromEntries(checks.map(({ id, state }) => [id, state])) }
  }
  /** By ActivityPub and by OStatus; a post arrives by both. */
  const followBoth = async ({ account, handle, node }: Awaited<ReturnType<typeof start>>) => {
    const [bob, eve] = [await findAccount(reader.tools, 'bob'), await findAccount(follower.tools, 'eve')]
    const { actor, subscription } = await follow(reader.tools, `acct:${handle}`, { as: bob })
    assert.deepEqual([actor.acct, actor.uri], [handle, account.uri])
    await until('the verification', async () => (await reader.tools.subscriptions.find(subscription!.id))?.state === 'active')
    const asked = await follow(follower.tools, `acct:${handle}`, { as: eve })
    assert.deepEqual([asked.actor.acct, asked.actor.uri, asked.asked], [handle, account.uri, true])
    await until('the answer', () => follower.tools.follows.find(eve.id, asked.actor.id))
    const post = await publish(node.tools, account, { text: 'from the blog' })
    await until('the post by OStatus', () => reader.tools.history.findByUri(post.uri))
    await until('the post by ActivityPub', () => follower.tools.history.findByUri(post.uri))
  }
  const well = {
    'host-meta': 'ok',
    webfinger: 'ok',
    handle: 'ok',
    blog: 'ok',
    script: 'ok',
    me: 'ok',
    feed: 'ok',
    hub: 'ok',
    creator: 'ok'
  }

  it('W2 works with a static host-meta alone, on a host that ignores queries', async () => {
    const all = await start('plain', kit => ({ ...kit, files: kit.files.filter(({ path }) => path.endsWith('host-meta')) }))
    await followBoth(all)
    assert.ok(all.blog.asked.includes('/.well-known/host-meta'))
    const { checks, states } = await check(all)
    assert.deepEqual(states, { ...well, 'host-meta': 'warning', webfinger: 'warning', alternate: 'ok', accept: 'skipped' })
    assert.match(checks[0]!.sentence, /leads to this node, but is sent as application\/octet-stream\./)
    assert.match(checks[1]!.sentence, /it answered 404\.$/)
    assert.match(checks[1]!.cure!, /Misskey asks for WebFinger alone/)
  })

  it('W2 works with the static files of GitHub Pages, of which WebFinger is the same for every question', async () => {
    const all = await start('github-pages')
    await followBoth(all)
    const { states } = await check(all)
    assert.deepEqual(states, { ...well, 'host-meta': 'warning', webfinger: 'warning', alternate: 'ok', accept: 'skipped' })
  })

  for (const host of ['netlify', 'cloudflare'] as const) {
    it(`W1 works with the rules of ${host}, which hand the question on`, async () => {
      const all = await start(host)
      await followBoth(all)
      assert.ok(all.blog.asked.some(path => path.startsWith('/.well-known/webfinger?resource=acct%3Ablog%40')))
      assert.deepEqual((await check(all)).states, { ...well, alternate: 'ok', accept: 'skipped' })
    })
  }

  it('W1 is told what is missing, with the request that failed and what to do', async () => {
    const all = await start('netlify')
    rmSync(join(all.blog.folder, '_redirects'))
    rmSync(join(all.blog.folder, '_headers'))
    all.blog.put()
    const { checks, states } = await check(all)
    const missing = { script: 'warning', me: 'warning', hub: 'warning', creator: 'warning', alternate: 'warning' }
    assert.deepEqual(states, { ...well, 'host-meta': 'failure', webfinger: 'failure', ...missing, accept: 'skipped' })
    const [hostMeta] = checks
    assert.equal(hostMeta!.sentence, `There is no host-meta at 127.0.0.1:${all.blog.port}: it answered 404.`)
    assert.deepEqual(hostMeta!.seen, {
      url: `${all.blog.origin}/.well-known/host-meta`,
      status: 404,
      body: '<title>Not here</title>'
    })
    assert.ok(checks.every(({ cure, state }) => (cure !== undefined) === (state === 'failure' || state === 'warning')))
  })

  const faults: [what: string, change: (blog: KitBlog, all: Awaited<ReturnType<typeof start>>) => void, id: string, told: RegExp][] = [
    [
      'a forward that loses the question',
      ({ write }, { node }) =>
        write(
          '_redirects',
          `/.well-known/webfinger  ${node.url}/.well-known/webfinger?  302!\n/.well-known/host-meta  ${node.url}/.well-known/host-meta  302!\n`
        ),
      'webfinger',
      /without the question/
    ],
    [
      'a host-meta of somebody else',
      ({ write, folder }) => {
        rmSync(join(folder, '_redirects'))
        write(
          '.well-known/host-meta',
          '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" template="https://else.example/w?r={uri}"/></XRD>'
        )
      },
      'host-meta',
      /but to https:\/\/else\.example\/w\?r=acct/
    ],
    [
      'a host-meta that is a page',
      ({ write, folder }) => {
        rmSync(join(folder, '_redirects'))
        write('.well-known/host-meta', '<!doctype html><title>Oops')
      },
      'host-meta',
      /cannot be read/
    ],
    [
      'a WebFinger file of somebody else',
      ({ write, folder }) => {
        rmSync(join(folder, '_redirects'))
        write('.well-known/webfinger', '{"subject":"acct:eve@else.example","links":[{"rel":"self","href":"https://else.example/eve"}]}')
      },
      'webfinger',
      /tells of acct:eve@else\.example, not of acct:blog@/
    ]
  ]
  for (const [what, change, id, told] of faults) {
    it(`W1 names ${what}`, async () => {
      const all = await start('netlify')
      change(all.blog, all)
      const found = (await check(all)).checks.find(one => one.id === id)
      assert.equal(found?.state, 'failure')
      assert.match(found!.sentence, told)
      assert.ok(found!.cure && found!.seen?.url)
    })
  }

  it('says that HANDLE_HOST is missing when all but that is there', async () => {
    const all = await start('netlify', kit => kit, { HANDLE_HOST: '' })
    const { checks, states } = await check(all)
    assert.deepEqual([states.handle, states.webfinger, states['host-meta']], ['failure', 'skipped', 'ok'])
    assert.match(checks.find(({ id }) => id === 'handle')!.cure!, new RegExp(`^Set HANDLE_HOST=127\\.0\\.0\\.1:${all.blog.port} and`))
  })

  for (const host of ['netlify', 'plain'] as const) {
    it(`6.3 W40 the hub that the blog’s own feed names on ${host} takes subscribers of it, and pushes what is new`, async () => {
      const { account, blog, facts, node } = await start(host)
      await readBlogNow(node.tools, account.id)
      const [own] = await node.tools.subscriptions.byActor(account.id)
      assert.deepEqual([own!.hubs, own!.hub, own!.state], [[], undefined, 'polling'])
      const bob = await findAccount(reader.tools, 'bob')
      const { subscription } = await follow(reader.tools, `${blog.origin}/feed.xml`, { as: bob })
      assert.equal(subscription!.hub, facts.hub)
      await until('the verification', async () => (await reader.tools.subscriptions.find(subscription!.id))?.state === 'active')
      const at = new Date().toISOString()
      const two = `${blog.origin}/posts/two/`
      blog.write('posts/two/index.html', '<title>Two</title>')
      const entry = `<entry><id>${two}</id><title>Two</title><link rel="alternate" href="${two}"/><published>${at}</published><updated>${at}</updated><content>New.</content></entry>`
      blog.put(makeKit(host, facts), entry)
      await readBlogNow(node.tools, account.id)
      await until('the push', async () => (await reader.tools.subscriptions.find(subscription!.id))?.pushedAt)
      await until('the post', () => reader.tools.history.findByUri(two))
    })
  }

  it('6.6 the address of the blog, and that of a post, lead to account and post for who asks by ActivityPub', async () => {
    const { account, blog, node } = await start('netlify')
    const ask = async (address: string) => {
      const answer = await fetch(`${node.url}/conversation?url=${encodeURIComponent(address)}`, {
        headers: { accept: 'application/activity+json' }
      })
      return ((await answer.json()) as { id: string; type: string }).type
    }
    assert.deepEqual([await ask(`${blog.origin}/`), await ask(blog.post)], ['Person', 'Note'])
    const eve = await findAccount(follower.tools, 'eve')
    const { actor } = await follow(follower.tools, account.uri, { as: eve })
    assert.equal(actor.uri, account.uri)
  })
})
