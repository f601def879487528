/** The page of whom the owner follows, lists in and out, and the private feed. */
import assert from 'node:assert/strict'
import { block, hide } from '../../src/federation/moderate.ts'
import { makeLog } from '../../src/logging.ts'
import type { Account } from '../../src/model/kept.ts'
import { readOpml } from '../../src/protocol/opml.ts'
import { type Answer, signIn, type Visitor, visitor } from '../support/browser.ts'
import { makeInternet } from '../support/internet.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const PATH = '/settings/following'
const RSS = (name: string) =>
  `<rss version="2.0"><channel><title>${name}</title><item><guid>1</guid><title>t</title></item></channel></rss>`
const wordsOf = ({ text }: Answer) => text.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')

describe('the page of whom the owner follows', function () {
  this.timeout(20_000)
  let node: TestNode
  let alice: Account
  let owner: Visitor & { csrf: string }
  let net: ReturnType<typeof makeInternet>
  const lines: string[] = []

  beforeEach(async () => {
    net = makeInternet()
    for (const name of ['a', 'b'])
      net.set(`https://${name}.example/feed`, { headers: { 'content-type': 'application/rss+xml' }, body: RSS(name) })
    const log = makeLog({ level: 'debug', format: 'json' }, { write: text => lines.push(text) })
    node = await startNode({ accounts: ['alice'], overrides: { http: net.http }, log })
    alice = await accountOf(node.tools, 'alice')
    owner = await signIn(node)
  })
  afterEach(() => node.close())

  const follow = (q: string) => owner.post(PATH, { csrf: owner.csrf, q })
  const upload = (
    who: { csrf: string },
    file: string | Buffer,
    cookie: Visitor,
    more: Record<string, string> = {},
    headers = { origin: node.url }
  ) => {
    const form = new FormData()
    form.set('csrf', who.csrf)
    for (const [name, value] of Object.entries(more)) form.set(name, value)
    form.set('file', new File([new Uint8Array(Buffer.from(file))], 'my feeds.opml', { type: 'text/x-opml' }))
    return cookie.send(`${PATH}/imports`, { method: 'POST', body: form, headers })
  }
  const opml = (urls: string[]) =>
    `<opml version="2.0"><body>${urls.map(url => `<outline text="x" xmlUrl="${url}"/>`).join('')}</body></opml>`

  it('W14 follows a feed or a page, tells of its other feeds, and shows how each is read', async () => {
    net.set('https://c.example/', {
      headers: { 'content-type': 'text/html' },
      body: '<link rel=alternate type=application/rss+xml href="/x"><link rel=alternate type=application/rss+xml href="/<i>y" title="<b>Y</b>">'
    })
    net.set('https://c.example/x', { headers: { 'content-type': 'application/rss+xml' }, body: RSS('<![CDATA[C <script>]]>') })
    const done = await follow('https://c.example/')
    assert.equal(done.status, 200)
    assert.match(wordsOf(done), /alice now follows C &lt;script&gt; ?\. The page has other feeds too: &lt;b&gt;Y&lt;\/b&gt; \(rss\)/)
    assert.match(done.text, /name="q" value="https:\/\/c\.example\/%3Ci%3Ey"/)
    const page = await owner.get(PATH)
    assert.match(wordsOf(page), /Feed · looked at from time to time · last read .* UTC · last post .* UTC Feed at c\.example Unfollow/)
    assert.match(wordsOf(await follow('https://c.example/x')), /follows C &lt;script&gt; already/)
    const failed = await follow('https://c.example/none"><script>')
    assert.deepEqual([failed.status, /value="https:\/\/c\.example\/none&quot;&gt;&lt;script&gt;"/.test(failed.text)], [404, true])
    const actor = (await node.tools.follows.following(alice.id))[0]!.actor
    assert.equal((await owner.post(`${PATH}/unfollow`, { csrf: owner.csrf, actor: actor.id, as: 'alice' })).location, PATH)
    assert.match(wordsOf(await owner.get(PATH)), /You follow nobody yet/)
  })

  it('6.3 a file that is too large, or no list, is told of on the page itself', async () => {
    for (const [file, status, sentence] of [
      [Buffer.alloc(5_100_000, 'x'), 413, 'This is larger than 5 MB.'],
      [Buffer.alloc(3_000_000, 'x'), 400, 'This is no list: a line in it is longer than any address.']
    ] as const) {
      const answer = await upload(owner, file, owner)
      assert.deepEqual([answer.status, wordsOf(answer).includes(sentence), /name="file"/.test(answer.text)], [status, true, true], sentence)
    }
  })

  it('lists everybody in pages of 50, finds by name, and says what is wrong with a feed', async () => {
    const { follows, subscriptions } = node.tools
    const start = Date.parse('2026-01-01T00:00:00Z')
    for (let n = 0; n < 60; n++) {
      const actor = await meet(node.tools, `p${n}`)
      if (n === 3) await node.database.database.knex('actors').where({ id: actor.id }).update({ speaks: 'activitypub' })
      await follows.add(
        { followerId: alice.id, followedId: actor.id, via: n === 3 ? 'inbox' : 'feed' },
        new Date(start + Math.floor(n / 2) * 1000)
      )
      if (n === 59) {
        const { id } = await subscriptions.add(
          { url: 'https://a.example/p59.atom', topic: 'https://a.example/p59.atom', actorId: actor.id },
          new Date()
        )
        await subscriptions.change(id, { pollFailures: 2, error: 'a.example did not answer in time.' })
      }
    }
    const first = await owner.get(PATH)
    const names = ({ text }: Answer) => [...text.matchAll(/<bdi>(p\d+)<\/bdi><\/a>/g)].map(([, name]) => Number(name!.slice(1)))
    const older = /rel="next" href="([^"]+)"/.exec(first.text)![1]!
    const second = await owner.get(`${PATH}${older}`)
    assert.deepEqual([names(first).length, names(second).length], [50, 10])
    assert.deepEqual(
      [...names(first), ...names(second)].sort((a, b) => a - b),
      Array.from({ length: 60 }, (_, n) => n)
    )
    assert.match(wordsOf(first), /cannot be read at the moment[^<]*a\.example did not answer in time\./)
    const found = await owner.get(`${PATH}?words=p3%40`)
    assert.deepEqual(names(found), [3])
    assert.match(wordsOf(found), /ActivityPub/)
    assert.deepEqual(names(await owner.get(`${PATH}?words=${encodeURIComponent('%')}`)), [])
    assert.equal((await owner.get(`${PATH}?before=x`)).status, 400)
    const before = new URLSearchParams(older).get('before')!
    const { actor } = (await follows.following(alice.id))[55]!
    const back = await owner.post(`${PATH}/unfollow`, { csrf: owner.csrf, actor: actor.id, as: 'alice', before })
    assert.equal(back.location, `${PATH}?before=${before}`)
    assert.equal(
      (await owner.post(`${PATH}/unfollow`, { csrf: owner.csrf, actor: actor.id, as: 'alice', before: '//evil.example' })).status,
      400
    )
  })

  it('6.3 takes an OPML file, goes on by itself, and shows what came of each', async () => {
    const sent = await upload(
      owner,
      opml([
        'https://a.example/feed',
        'https://b.example/feed',
        'https://gone.example/feed',
        '"><script>'.replace(/[<>"]/g, sign => `&#${sign.charCodeAt(0)};`)
      ]),
      owner
    )
    assert.equal(sent.status, 303, sent.text)
    const twice = await upload(
      owner,
      opml(['https://a.example/feed', 'https://b.example/feed', 'https://gone.example/feed', '&#34;&#62;&#60;script&#62;']),
      owner
    )
    assert.equal(twice.location, sent.location)
    const page = await until('the list', async () => {
      const answer = await owner.get(sent.location!)
      return /once more/.test(answer.text) && /value="3"/.test(answer.text) && answer
    })
    assert.match(page.text, /<progress id="progress" max="4" value="3">/)
    assert.match(page.text, /<section id="import" tabindex="-1" data-again>/)
    assert.match(
      wordsOf(page),
      /my feeds\.opml.*3 of 4 are looked up.*Followed 2 Failed 1 To come 1.*gone\.example could not be reached.*It is tried once more/
    )
    assert.doesNotMatch(page.text, /"><script>/)
    assert.match(wordsOf(await owner.get(`${sent.location}?failed=1`)), /Show all/)
    const again = await owner.post(`${sent.location}/again`, { csrf: owner.csrf })
    assert.equal(again.location, sent.location)
    assert.match(wordsOf(await owner.get(PATH)), /my feeds\.opml.*of 4 are looked up/)
    assert.equal((await owner.get(`${PATH}/imports/x`)).status, 404)
  })

  it('6.3 takes a pasted list, and tells what is wrong with one without losing it', async () => {
    const paste = (list: string) => upload(owner, '', owner, { list })
    assert.equal((await paste('https://a.example/feed\nhttps://b.example/feed')).status, 303)
    const bad = await paste('<html>&amp;</html>')
    assert.deepEqual(
      [bad.status, /This is no OPML/.test(bad.text), /<textarea[^>]*>&lt;html&gt;&amp;amp;&lt;\/html&gt;/.test(bad.text)],
      [400, true, true]
    )
    assert.match((await paste(' ')).text, /Choose a file/)
    const cut = await owner.send(`${PATH}/imports`, {
      method: 'POST',
      body: '--x\r\n',
      headers: { origin: node.url, 'content-type': 'multipart/form-data; boundary=x' }
    })
    assert.equal(cut.status, 400)
    assert.equal((await owner.post(`${PATH}/imports`, { csrf: owner.csrf, list: 'https://a.example/feed' })).status, 303)
  })

  it('W8 gives the list as OPML', async () => {
    await follow('https://a.example/feed')
    const answer = await owner.get(`${PATH}.opml`)
    assert.match(answer.headers.get('content-disposition') ?? '', /attachment; filename="following\.opml"/)
    assert.deepEqual(readOpml(answer.text), [{ title: 'a', url: 'https://a.example/feed', page: 'https://a.example/feed' }])
  })

  it('X44 is the owner’s alone, each form from our own page', async () => {
    const stranger = visitor(node)
    for (const path of [PATH, `${PATH}.opml`, `${PATH}/imports/x`]) assert.equal((await stranger.get(path)).status, 403)
    const list = opml(['https://a.example/feed'])
    assert.equal((await upload(owner, list, stranger)).status, 403)
    assert.equal((await upload({ csrf: 'x' }, list, owner)).status, 403)
    assert.equal((await upload(owner, list, owner, {}, { origin: 'https://evil.example' })).status, 403)
    for (const path of [PATH, `${PATH}/unfollow`, `${PATH}/feed`, `${PATH}/imports/x/again`]) {
      const form = { csrf: owner.csrf, q: 'https://a.example/feed', close: '1' }
      assert.equal((await stranger.post(path, form)).status, 403)
      assert.equal((await owner.post(path, { ...form, csrf: 'x' })).status, 403)
      assert.equal((await owner.post(path, form, { origin: 'https://evil.example' })).status, 403)
    }
    assert.deepEqual([await node.tools.imports.latest(9), await node.tools.follows.following(alice.id)], [[], []])
  })

  describe('the private feed', () => {
    const FEED = '/feeds/following.atom'
    const make = async () => {
      const page = await owner.post(`${PATH}/feed`, { csrf: owner.csrf })
      assert.deepEqual(
        [page.status, page.headers.get('referrer-policy'), page.headers.get('cache-control')],
        [200, 'no-referrer', 'no-store']
      )
      return /token=([\w-]+)/.exec(page.text)![1]!
    }
    const basic = (token: string) => ({ authorization: `Basic ${Buffer.from(`me:${token}`).toString('base64')}` })
    const titles = ({ text }: Answer) => [...text.matchAll(/<entry>[\s\S]*?<title>([^<]*)/g)].map(([, title]) => title)

    it('W48 opens by its token or by HTTP Basic, for nobody else, and not any more when it is renewed', async () => {
      const nobody = visitor(node)
      for (const path of [FEED, `${FEED}?token=`, `${FEED}?token=${'x'.repeat(43)}`]) {
        const { headers, status } = await nobody.get(path)
        assert.deepEqual(
          [status, headers.get('www-authenticate'), headers.get('referrer-policy')],
          [401, 'Basic realm="tidings", charset="UTF-8"', 'no-referrer']
        )
      }
      const token = await make()
      const { headers, status } = await nobody.get(`${FEED}?token=${token}`)
      assert.deepEqual([status, headers.get('referrer-policy'), headers.get('x-robots-tag')], [200, 'no-referrer', 'noindex'])
      assert.match(headers.get('cache-control') ?? '', /^private/)
      assert.equal((await nobody.get(FEED, { 'if-none-match': headers.get('etag')!, ...basic(token) })).status, 304)
      assert.equal((await nobody.get(FEED, basic('wrong'))).status, 401)
      assert.equal((await nobody.post(`${FEED}?token=${token}`, {})).status, 405)
      const [kept] = await node.database.database.knex('settings').where({ name: 'privateFeed' })
      assert.doesNotMatch(JSON.stringify(kept), new RegExp(token))
      assert.doesNotMatch(lines.join(''), new RegExp(token))
      assert.doesNotMatch((await owner.get(PATH)).text, /token=[\w-]{43}/)
      const next = await make()
      assert.deepEqual(
        [(await nobody.get(`${FEED}?token=${token}`)).status, (await nobody.get(`${FEED}?token=${next}`)).status],
        [401, 200]
      )
      await owner.post(`${PATH}/feed`, { csrf: owner.csrf, close: '1' })
      assert.equal((await nobody.get(`${FEED}?token=${next}`)).status, 401)
    })

    it('W48 X43 has what the timeline shows but messages, and nothing that is hidden, waits or is blocked', async () => {
      const { follows, tools } = { ...node.tools, tools: node.tools }
      const friend = await meet(tools, 'friend')
      const foe = await meet(tools, 'foe')
      for (const { id } of [friend, foe]) await follows.add({ followerId: alice.id, followedId: id, via: 'feed' }, tools.clock())
      const own = await keepPost(tools, alice, { title: 'own' })
      for (const visibility of ['public', 'unlisted', 'followers', 'direct'] as const)
        await keepPost(tools, friend, { title: visibility, visibility })
      const under = { inReplyTo: own.uri, parentId: own.id, mentions: [alice.uri] }
      await keepPost(tools, await meet(tools, 'stranger'), { title: 'waits', ...under })
      await hide(tools, (await keepPost(tools, friend, { title: 'hidden', ...under })).id)
      const loved = await keepPost(tools, await meet(tools, 'other'), { title: 'loved' })
      await keepPost(tools, friend, { verb: 'share', sharedId: loved.id, html: '' })
      await keepPost(tools, foe, { title: 'foe' })
      await block(tools, 'foe@a.example')
      const answer = await visitor(node).get(`${FEED}?token=${await make()}`)
      assert.deepEqual(titles(answer), ['friend ↻ other: loved', 'followers', 'unlisted', 'public', 'own'])
      assert.match(answer.text, /<entry>\s*<id>http:\/\/127\.0\.0\.1:\d+\/posts\/\w+<\/id>/)
      assert.doesNotMatch(answer.text, /token=/)
      assert.match(answer.text, /<name>friend<\/name>/)
    })

    it('W48 RFC 5005 is walked by next, with the token only for who showed it there', async () => {
      for (let n = 0; n < 45; n++) await keepPost(node.tools, alice, { title: `t${n}` })
      const token = await make()
      const walk = async (path: string, headers = {}) => {
        const seen: (string | undefined)[] = []
        for (let next: string | undefined = path; next !== undefined; ) {
          const answer = await visitor(node).get(next, headers)
          assert.equal(answer.status, 200)
          seen.push(...titles(answer))
          next = /rel="next"[^>]*href="([^"]+)"/.exec(answer.text)?.[1]?.replaceAll('&amp;', '&').slice(node.url.length)
          if (headers !== undefined && 'authorization' in headers) assert.doesNotMatch(answer.text, /token=/)
        }
        return seen
      }
      const all = Array.from({ length: 45 }, (_, n) => `t${44 - n}`)
      assert.deepEqual(await walk(`${FEED}?token=${token}`), all)
      assert.deepEqual(await walk(FEED, basic(token)), all)
      assert.equal((await visitor(node).get(`${FEED}?before=x`, basic(token))).status, 400)
    })
  })
})
