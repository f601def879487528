import assert from 'node:assert/strict'
import { assemble } from '../../src/assemble.ts'
import { removeAccount } from '../../src/federation/accounts.ts'
import { edit, publish, remove } from '../../src/federation/publish.ts'
import type { Account, KeptPost } from '../../src/model/kept.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { NS } from '../../src/protocol/names.ts'
import { child, children, text } from '../../src/protocol/xml.ts'
import { makeApp } from '../../src/web/app.ts'
import { elements, parse } from '../support/atom.ts'
import { visitor } from '../support/browser.ts'
import { silence } from '../support/database.ts'
import { serve } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { accountOf, keepPost } from '../support/residents.ts'

const ORIGIN = 'https://node.example'
const FEED = `${ORIGIN}/users/ann.atom`

describe('a feed', () => {
  let node: TestNode
  let ann: Account
  const time = { now: Date.parse('2026-02-01T10:00:00.400Z') }
  beforeEach(async () => {
    const overrides = { clock: () => new Date(time.now) }
    node = await startNode({ env: { PUBLIC_URL: ORIGIN, HUBS: 'https://other.example/hub' }, accounts: ['ann'], work: false, overrides })
    ann = await accountOf(node.tools, 'ann')
  })
  afterEach(() => node?.close())

  const here = () => visitor({ url: `http://${node.host}` })
  const get = (path: string, headers: Record<string, string> = {}) => here().get(path, { accept: '*/*', ...headers })
  const read = (body: string) => readFeed(Buffer.from(body), { url: FEED })
  const idsOf = async (path: string) => read((await get(path)).text).activities.map(activity => activity.id)
  const write = (text: string): Promise<KeptPost> => {
    time.now += 1000
    return publish(node.tools, ann, { text })
  }
  /** Waits until the change has been told to the web half. */
  const shows = (path: string, what: RegExp) => until(`${what}`, async () => what.test((await get(path)).text))

  it('F1 has one string for topic, self, id and updates-from, whatever the query and the Host', async () => {
    const strange = await get('/users/ann.atom?utm=1', { 'x-forwarded-host': 'evil.example' })
    const feed = read(strange.text)
    const descriptor = JSON.parse((await get(`/.well-known/webfinger?resource=${encodeURIComponent('acct:ann@node.example')}`)).text)
    const updates = descriptor.links.find((link: { rel: string }) => link.rel.endsWith('updates-from')).href
    assert.deepEqual([feed.id, feed.links.self, updates, node.tools.addresses.feed('ann')], [FEED, [FEED], FEED, FEED])
    assert.equal(strange.headers.get('link'), `<${ORIGIN}/hub>; rel="hub", <https://other.example/hub>; rel="hub", <${FEED}>; rel="self"`)
    assert.deepEqual(feed.links.hub, [`${ORIGIN}/hub`, 'https://other.example/hub'])
  })

  it('F1 follows the rules of RFC 4287, and its updated is that of its newest entry', async () => {
    await write('one')
    const second = await write('two & <three>')
    time.now += 3_600_000
    const feed = parse((await get('/users/ann.atom')).text)
    for (const element of [feed, ...children(feed, NS.atom, 'entry')]) {
      for (const name of ['id', 'title', 'updated']) assert.equal(children(element, NS.atom, name).length, 1)
      assert.equal(children(element, NS.atom, 'author').length, 1)
      const names = elements(child(element, NS.atom, 'author')!).filter(one => one.ns === NS.atom)
      assert.deepEqual(
        names.map(one => one.local),
        ['uri', 'name', 'email']
      )
    }
    assert.equal(text(child(feed, NS.atom, 'updated')), `${second.updatedAt.toISOString().slice(0, 19)}Z`)
  })

  describe('asked for again', () => {
    const kinds = ['/users/ann.atom', '/users/ann.rss', '/users/ann.json', 'an entry'] as const
    for (const kind of kinds) {
      it(`F1 gives ${kind} only to who does not have it`, async () => {
        const post = await write('one')
        const path = kind === 'an entry' ? `/users/ann/posts/${post.id}.atom` : kind
        await shows(path, /one/)
        const { headers } = await get(path)
        const [tag, modified] = [headers.get('etag')!, headers.get('last-modified')!]
        const [before, after] = ['Sun, 01 Feb 2026 09:59:59 GMT', 'Mon, 02 Feb 2026 10:00:00 GMT']
        const table: [Record<string, string>, number][] = [
          [{}, 200],
          [{ 'if-none-match': tag }, 304],
          [{ 'if-none-match': tag.replace('W/', '') }, 304],
          [{ 'if-none-match': `"a", ${tag} , "b"` }, 304],
          [{ 'if-none-match': '*' }, 304],
          [{ 'if-none-match': '"a"' }, 200],
          [{ 'if-none-match': tag, 'cache-control': 'no-cache' }, 304],
          [{ 'if-modified-since': modified }, 304],
          [{ 'if-modified-since': after }, 304],
          [{ 'if-modified-since': before }, 200],
          [{ 'if-modified-since': 'garbage' }, 200],
          [{ 'if-none-match': '"a"', 'if-modified-since': after }, 200],
          [{ 'if-none-match': tag, 'if-modified-since': before }, 304]
        ]
        for (const [asked, status] of table) {
          const answer = await get(path, asked)
          assert.deepEqual([answer.status, answer.text === ''], [status, status === 304], JSON.stringify(asked))
          assert.deepEqual([answer.headers.get('etag'), answer.headers.get('last-modified')], [tag, modified])
        }
        const head = await here().head(path)
        assert.deepEqual([head.status, head.text, head.headers.get('etag')], [200, '', tag])
      })
    }

    it('F1 is modified by an edit and by a delete as well', async () => {
      const [first, second] = [await write('one'), await write('two')]
      await shows('/users/ann.atom', /two/)
      const dates = async () => [Date.parse((await get('/users/ann.atom')).headers.get('last-modified')!)]
      const [published] = await dates()
      time.now += 60_000
      const edited = await edit(node.tools, ann, first, { text: 'one, edited' })
      await shows('/users/ann.atom', /edited/)
      const [changed] = await dates()
      time.now += 60_000
      await remove(node.tools, ann, second)
      await until('the delete', async () => (await idsOf('/users/ann.atom')).length === 1)
      const [removed] = await dates()
      assert.ok(published! < changed! && changed! < removed!)
      assert.equal(+read((await get('/users/ann.atom')).text).updated!, Math.floor(+edited.updatedAt / 1000) * 1000)
    })
  })

  it('F7 an edit changes updated alone', async () => {
    const post = await write('one')
    time.now += 60_000
    await edit(node.tools, ann, post, { text: 'other' })
    await shows('/users/ann.atom', /other/)
    const [activity] = read((await get('/users/ann.atom')).text).activities
    assert.deepEqual([activity!.id, +activity!.published!], [post.uri, Math.floor(+post.publishedAt / 1000) * 1000])
    assert.equal(+activity!.updated! - +activity!.published!, 60_000)
  })

  it('F4 is walked by next without a gap or a double, while posts come', async () => {
    const posts: KeptPost[] = []
    for (let count = 0; count < 47; count++) {
      time.now += 10
      posts.push(await keepPost(node.tools, ann, { publishedAt: new Date(time.now) }))
    }
    await node.tools.changes.tell('account:ann')
    await until('the posts', async () => (await idsOf('/users/ann.atom')).length === 20)
    const seen: string[] = []
    for (let page: string | undefined = FEED; page !== undefined; ) {
      const { text } = await get(page.slice(ORIGIN.length))
      const feed = read(text)
      assert.deepEqual([feed.id, feed.links.self, feed.links.hub?.length], [FEED, [FEED], 2])
      seen.push(...feed.activities.map(activity => activity.id!))
      await write(`meanwhile ${seen.length}`)
      page = feed.links.next
    }
    assert.deepEqual(seen, posts.map(post => post.uri).reverse())
  })

  it('F4 refuses what is no page of ours', async () => {
    for (const before of ['1', 'u'.repeat(17), "'", '%00', '../..'])
      assert.equal((await get(`/users/ann.atom?before=${before}`)).status, 404)
  })

  it('F14 gives a post alone as it stands in the feed, found from its page', async () => {
    const post = await write('one & <two>')
    await shows('/users/ann.atom', /one/)
    const page = await here().get(new URL(post.uri).pathname)
    const link = /<link rel="alternate" type="application\/atom\+xml"[^>]*href="([^"]+)"/.exec(page.text)?.[1]
    assert.equal(link, `${post.uri}.atom`)
    const alone = await get(link!.slice(ORIGIN.length))
    const inner = (xml: string) => /<id>https:\/\/node\.example\/users\/ann\/posts\/.*(?=<\/entry>)/s.exec(xml)?.[0]
    assert.equal(inner(alone.text), inner((await get('/users/ann.atom')).text))
    assert.match(alone.text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<entry xmlns="http:\/\/www\.w3\.org\/2005\/Atom"/)
  })

  it('F15 says that a deleted post is gone, and does not show it', async () => {
    const post = await write('one')
    await shows('/users/ann.atom', /one/)
    await remove(node.tools, ann, post)
    await until('the delete', async () => (await get(`/users/ann/posts/${post.id}.atom`)).status === 410)
    await until('the feed without it', async () => (await idsOf('/users/ann.atom')).length === 0)
    assert.equal((await get(`/users/ann/posts/${'0'.repeat(17)}.atom`)).status, 404)
  })

  it('F15 is gone with its account', async () => {
    await write('one')
    await removeAccount(node.tools, 'ann')
    await until('the closing', async () => (await get('/users/ann.atom')).status === 410)
    for (const name of ['nobody', 'ANN', '%00', '%E0%A4%A']) assert.equal((await get(`/users/${name}.atom`)).status, 404)
  })

  it('X43 shows public posts alone; an unlisted one by its address', async () => {
    for (const visibility of ['unlisted', 'followers', 'direct'] as const) {
      const { id } = await keepPost(node.tools, ann, { visibility })
      assert.equal((await get(`/users/ann/posts/${id}.atom`)).status, visibility === 'unlisted' ? 200 : 404)
    }
    for (const kind of ['atom', 'rss', 'json']) assert.ok(!(await get(`/users/ann.${kind}`)).text.includes('/posts/'))
  })

  it('is a page for whoever opens it in a browser, which no cache gives to a program', async () => {
    await write('<hello>')
    await shows('/users/ann.atom', /hello/)
    const page = await get('/users/ann.atom', { 'sec-fetch-dest': 'document' })
    assert.match(page.headers.get('content-type')!, /^text\/html/)
    assert.match(page.headers.get('cache-control')!, /no-store/)
    assert.match(page.text, /hello/)
    for (const answer of [page, await get('/users/ann.atom')]) assert.match(answer.headers.get('vary')!, /Sec-Fetch-Dest/)
  })

  it('is changed in every process when one of them has changed it, and rendered once', async () => {
    const { tools } = node
    const database = node.database.database
    let queries = 0
    database.knex.on('query', ({ sql }: { sql: string }) => {
      if (sql.includes('"posts"')) queries++
    })
    const other = await assemble(tools.config, silence, 'web', { database, clock: tools.clock })
    const second = await serve(makeApp(other.tools).callback())
    try {
      const there = async () => (await fetch(`${second.origin}/users/ann.atom`)).text()
      for (const word of ['first', 'second', 'third']) {
        await write(word)
        await until(word, async () => (await there()).includes(word) && (await get('/users/ann.atom')).text.includes(word))
        assert.equal(await there(), (await get('/users/ann.atom')).text)
      }
      queries = 0
      await Promise.all(Array.from({ length: 50 }, () => get('/users/ann.atom')))
      assert.equal(queries, 0)
      await tools.changes.tell('job:deliver')
      await get('/users/ann.atom')
      assert.equal(queries, 0, 'other news are nothing to it')
    } finally {
      await other.close()
      await second.close()
    }
  })
})
