/** The log in a browser: why something did not arrive, and the buttons that try it again. */
import assert from 'node:assert/strict'
import { answerActivity } from '../../src/federation/answer.ts'
import { pingHub } from '../../src/federation/distribute.ts'
import type { Account, Actor, KeptPost } from '../../src/model/kept.ts'
import type { Jobs, Outcome } from '../../src/tools.ts'
import { type Answer, signIn, type Visitor, visitor } from '../support/browser.ts'
import { type Loopback, serve } from '../support/loopback.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

describe('the log', function () {
  this.timeout(20_000)
  let node: TestNode
  let hub: Loopback
  let alice: Account
  let owner: Visitor & { csrf: string }
  let status = 204

  before(async () => {
    hub = await serve((_, answer) => answer.writeHead(status).end())
    node = await startNode({ accounts: ['alice', 'zoe'], work: false, env: { HUBS: `${hub.origin}/hub` } })
    alice = await accountOf(node.tools, 'alice')
    owner = await signIn(node)
  })
  after(async () => {
    await node?.close()
    await hub?.close()
  })

  const words = ({ text }: Answer) =>
    text
      .replace(/<(script|style|title)[\s\S]*?<\/\1>/g, '')
      .replace(/<[^>]*>/g, ' ')
      .replace(/&(#39|quot|amp|lt|gt);/g, sign => ({ '&#39;': "'", '&quot;': '"', '&amp;': '&', '&lt;': '<', '&gt;': '>' })[sign]!)
      .replace(/\s+/g, ' ')
  const read = async (path: string) => {
    const answer = await owner.get(path)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    return words(answer)
  }
  /** Presses a button: back on its page, which says that it is done. */
  const press = async (path: string, form: Record<string, string> = {}) => {
    const answer = await owner.post(path, { csrf: owner.csrf, ...form })
    assert.equal(answer.status, 303, words(answer))
    return read(answer.location!)
  }
  const jobs = async <Name extends keyof Jobs>(name: Name): Promise<Jobs[Name][]> => {
    const taken = await node.tools.queue.take(name, 100)
    if (taken.length > 0) await node.tools.queue.done(name, taken)
    return taken.map(({ data: { putOff: _, ...data } }) => data as unknown as Jobs[Name])
  }
  const follower = async (name: string, host = `${name}.example`): Promise<Actor> => {
    const uri = `https://${host}/${name}`
    const inbox = { inboxUrl: `${uri}/inbox`, sharedInboxUrl: `https://${host}/inbox`, signingKeys: [], alsoKnownAs: [] }
    const actor = await node.tools.transaction(stores =>
      stores.actors.keep(
        { uri, acct: `${name}@${host}`, profile: { ids: [uri], kind: 'person', username: name }, activityPub: inbox },
        new Date()
      )
    )
    await node.tools.follows.add({ followerId: actor.id, followedId: alice.id, via: 'inbox', uri: `${uri}#follow` }, new Date())
    return actor
  }
  /** Lays down what tells of a post, for everybody whom it concerns. */
  const tell = async (post: KeptPost) => {
    const { deliveries } = node.tools
    const now = new Date()
    const document = (kind: string, topic: string) =>
      deliveries.addDocument({ key: `${kind} ${post.uri}`, topic, contentType: 'x/y', body: Buffer.from('x'), postId: post.id }, now)
    await deliveries.addForInboxes((await document('inbox', alice.uri))!, alice.id, [], now)
    await deliveries.addForTopic((await document('hub', alice.feedUrl!))!, alice.feedUrl!, now)
  }
  /** What came of what waits, by host. */
  const settle = async (outcomes: Record<string, Partial<Outcome> & { state: Outcome['state'] }>) => {
    const { deliveries } = node.tools
    const waiting = (await deliveries.list({ failed: false, limit: 100 })).filter(({ state }) => state === 'waiting')
    for (const [host, outcome] of Object.entries(outcomes)) {
      const one = waiting.find(delivery => delivery.host === host)
      if (one === undefined) throw new Error(`nothing waits for ${host}`)
      const delivery = { ...one, recipientId: '', documentId: '' }
      await deliveries.settle([{ delivery, ...outcome }], new Date())
    }
  }

  it('says that there is nothing yet, in both languages', async () => {
    assert.match(await read('/log'), /You have not written anything yet/)
    assert.match(await read('/log/feeds'), /You follow no feed yet/)
    assert.match(await read('/log/followers'), /Nobody follows @alice by name yet/)
    assert.match(await read('/log/subscribers'), /Nobody subscribes at our hub yet/)
    assert.match(await read('/log/hosts'), /Everybody answers/)
    assert.match(await read('/log/refused'), /Nothing was refused/)
    assert.match(words(await owner.get('/log', { 'accept-language': 'de' })), /Protokoll .* Du hast noch nichts geschrieben/)
  })

  it('W52 W10 shows where a post went and what came back, and tries again what failed: one thing, or all', async () => {
    for (const name of ['down', 'no', 'well']) await follower(name)
    const asked = {
      mode: 'subscribe' as const,
      method: 'sha256' as const,
      leaseSeconds: 9_000,
      topic: alice.feedUrl!,
      topicAsked: alice.feedUrl!
    }
    await node.tools.subscribers.enter([{ ...asked, callback: 'https://reader.example/push/their-secret' }], new Date())
    const post = await keepPost(node.tools, alice, { title: 'On bridges' })
    await tell(post)
    assert.match(await read('/log'), /On bridges .*by @alice ActivityPub 3 on the way Subscribers 1 on the way/)
    await settle({
      'down.example': { state: 'again', status: 502, error: 'answered 502' },
      'no.example': { state: 'failed', status: 403, error: 'answered 403' },
      'well.example': { state: 'done', status: 202 },
      'reader.example': { state: 'dropped', error: 'Whoever it was for is gone.' }
    })
    assert.match(await read('/log'), /ActivityPub 1 delivered 1 to be tried again 1 given up Subscribers 1 not wanted any more/)
    const failed = await read(`/log/posts/${post.id}`)
    assert.match(failed, /ActivityPub \(3 servers\) 1 delivered .*What failed \(3\)/)
    assert.match(failed, /down\.example ActivityPub tried once, again soon answered 502 Try again/)
    assert.match(failed, /no\.example ActivityPub given up after one try .* answered 403 Try again/)
    assert.match(failed, /reader\.example Subscribers not wanted any more Whoever it was for is gone\./)
    assert.doesNotMatch(failed, /well\.example|their-secret/)
    assert.match(await read(`/log/posts/${post.id}?show=all`), /well\.example ActivityPub delivered/)

    const [one] = await node.tools.deliveries.list({ failed: true, host: 'no.example', limit: 1 })
    assert.match(await press(`/log/posts/${post.id}/retry`, { delivery: one!.id }), /It is tried again now\..* What failed \(2\)/)
    assert.equal((await jobs('deliver')).length, 1)
    assert.match(
      await press(`/log/posts/${post.id}/retry`),
      /It is tried again now\..* 2 on the way 1 given up|It is tried again now\..* 1 delivered 2 on the way/
    )
    assert.deepEqual(
      (await jobs('deliver')).map(({ recipients }) => recipients.length),
      [1]
    )
    const again = await owner.post(`/log/posts/${post.id}/retry`, { csrf: owner.csrf })
    assert.equal(again.status, 404)
    assert.match(words(again), /Nothing of this post failed that could be tried again\. .*On bridges/)
    assert.equal((await owner.get('/log/posts/00000000000000000')).status, 404)
  })

  it('W10 says by whom it was not told, and why', async () => {
    const { blogs, toots } = node.tools
    const entry = { accountId: alice.id, source: 'feed' as const, seenAt: new Date() }
    const few = await keepPost(node.tools, alice, { title: 'For few', visibility: 'followers' })
    const old = await keepPost(node.tools, alice, { title: 'History', publishedAt: new Date(Date.now() - 3 * DAY) })
    await blogs.addEntry({ ...entry, key: 'b.example/old', url: 'https://b.example/old', postId: old.id, news: false })
    const later = await keepPost(node.tools, alice, { title: 'Tomorrow' })
    await blogs.addEntry({
      ...entry,
      key: 'b.example/l',
      url: 'https://b.example/l',
      postId: later.id,
      news: true,
      announceAt: new Date(Date.now() + DAY)
    })
    const page = await read('/log')
    assert.match(page, /For few .*? nobody is told of it but those it is for/)
    assert.match(page, /History .*? before this node knew the blog/)
    assert.match(page, /Tomorrow .*? It is told from then on:/)
    await toots.markOld([{ key: 'b.example/old', url: 'https://b.example/old', accountId: alice.id }], new Date())
    assert.match(await read(`/log/posts/${old.id}`), /Toot none, as the post is older/)
    assert.match(await read(`/log/posts/${few.id}`), /For few/)
  })

  it('T3 shows a toot that waits with the reason, and tries it now', async () => {
    const { blogs, toots } = node.tools
    const post = await keepPost(node.tools, alice, { title: 'With a toot' })
    const key = 'b.example/toot'
    await blogs.addEntry({
      key,
      accountId: alice.id,
      url: `https://${key}`,
      postId: post.id,
      source: 'feed',
      news: true,
      seenAt: new Date()
    })
    await toots.want([{ key, url: `https://${key}`, accountId: alice.id, dueAt: new Date(Date.now() + HOUR) }], new Date())
    await toots.change(key, { status: 503, error: 'toot.example answered 503.' })
    assert.match(await read(`/log/posts/${post.id}`), /Toot waits tried at .* toot\.example answered 503\. Try now/)
    assert.match(await press(`/log/posts/${post.id}/toot`), /It is tried again now/)
    assert.ok((await toots.find(key))!.dueAt! <= new Date())
    await toots.change(key, { state: 'posted', dueAt: null, error: null, tootUrl: 'https://toot.example/1' })
    assert.match(
      (await owner.get(`/log/posts/${post.id}`)).text,
      /<a rel="noopener noreferrer" href="https:\/\/toot\.example\/1">posted<\/a>/
    )
    assert.equal((await owner.post(`/log/posts/${post.id}/toot`, { csrf: owner.csrf })).status, 404)
  })

  it('H10 shows how other hubs took their pings, and pings them again', async () => {
    const post = await keepPost(node.tools, alice, { title: 'Pinged', publishedAt: new Date(Date.now() - 1000) })
    const path = `/log/posts/${post.id}`
    const address = `${hub.origin}/hub`
    assert.match(await read(path), /Hub 127\.0\.0\.1:\d+ not told yet/)
    status = 500
    await assert.rejects(pingHub(node.tools, address, alice.feedUrl!))
    assert.match(await read(path), /Hub 127\.0\.0\.1:\d+ it did not take the last ping .*answered 500 to a publish ping/)
    status = 204
    await pingHub(node.tools, address, alice.feedUrl!)
    assert.match(await read(path), /Hub 127\.0\.0\.1:\d+ told/)
    assert.match(await press(`${path}/ping`, { hub: address }), /The hub is told once more/)
    assert.deepEqual(await jobs('hub.ping'), [{ hub: address, topic: alice.feedUrl }])
    assert.equal((await owner.post(`${path}/ping`, { csrf: owner.csrf, hub: 'https://evil.example/' })).status, 404)
  })

  it('W14 W41 shows each feed, those in trouble first, page by page; reads it, and asks its hub again', async () => {
    const { subscriptions } = node.tools
    const made: string[] = []
    for (let n = 0; n < 23; n++) {
      const url = `https://f${n}.example/feed`
      made.push((await subscriptions.add({ url, topic: url }, new Date(Date.now() + n))).id)
    }
    const weekly = await meet(node.tools, 'weekly')
    const secret = 'https://private.example/feed?token=s3cret'
    const mine = await subscriptions.add({ url: secret, topic: secret }, new Date(Date.now() - DAY))
    const [gone, failing, denied, pushed] = made
    await subscriptions.change(gone!, { state: 'gone', error: 'https://f0.example/feed answered 410.', status: 410 })
    await subscriptions.change(failing!, {
      pollFailures: 2,
      status: 500,
      error: 'https://f1.example/feed answered 500.',
      pollAt: new Date(Date.now() + HOUR)
    })
    await subscriptions.change(denied!, { state: 'denied', hub: 'https://hub.example/', error: 'The hub denied it: no room' })
    await subscriptions.change(pushed!, {
      ...{ actorId: weekly.id, state: 'active', hub: 'https://hub.example/', format: 'rss', expiresAt: new Date(Date.now() + DAY) },
      ...{ pushedAt: new Date(), newsAt: new Date(), polledAt: new Date() }
    })
    const names = (page: string) => [...page.matchAll(/(f\d+)\.example Its|(f\d+)\.example The/g)].map(([, one, other]) => one ?? other)
    const first = await read('/log/feeds')
    assert.deepEqual(names(first).slice(0, 4), ['f0', 'f1', 'f2', 'f22'])
    assert.match(
      first,
      /The feed is gone for good.* It could not be read, 2 times in a row.* Its hub refused to push.*The hub denied it: no room/
    )
    assert.match(await read('/log'), /3 feeds are in trouble/)
    const older = /rel="next" href="(\?[^"]+)"/.exec((await owner.get('/log/feeds')).text)![1]!
    assert.equal(names(await read(`/log/feeds${older.replaceAll('&amp;', '&')}`)).length + 20, 24 - 2)
    assert.equal(names(await read('/log/feeds?sort=new'))[0], 'f22')
    assert.match(
      await read(`/log/feeds?sort=new&after=0_${made[4]}`),
      /weekly@a\.example New posts are pushed by its hub\. .*Format RSS Hub hub\.example Pushes until .*Last push .*Last read .*Last news/
    )

    const all = (await owner.get(`/log/feeds?sort=new&after=0_${made[1]}`)).text
    assert.match(all, /private\.example\/feed\?token=…/)
    assert.doesNotMatch(all, /s3cret/)
    await subscriptions.remove(mine.id)

    assert.match(await press(`/log/feeds/${failing}/read?sort=new`), /The feed is read now/)
    assert.deepEqual(await jobs('feed.poll'), [{ subscription: failing }])
    await press(`/log/feeds/${gone}/read`)
    assert.equal((await subscriptions.find(gone!))!.state, 'polling')
    assert.match(await press(`/log/feeds/${denied}/ask`), /The hub is asked now/)
    assert.deepEqual(await jobs('subscription.ask'), [{ subscription: denied }])
    assert.equal((await owner.post(`/log/feeds/${failing}/ask`, { csrf: owner.csrf })).status, 404)
    assert.equal((await owner.get('/log/feeds?after=x')).status, 400)
  })

  it('W3 shows each follower and how they are reached, and says yes once more', async () => {
    const down = (await node.tools.actors.findByUri('https://down.example/down'))!
    const knex = node.database.database.knex
    const failing = { failures: 2, failing_since: new Date(), retry_at: new Date(Date.now() + HOUR), status: 502, error: 'answered 502' }
    await knex('recipients').where({ host: 'down.example' }).update(failing)
    await knex('recipients').where({ host: 'well.example' }).update({ succeeded_at: new Date() })
    const page = await read('/log/followers')
    assert.match(page, /3 followers 1 subscriber at our hub/)
    assert.match(page, /down @down@down\.example ActivityPub .* does not answer since .*answered 502 Say yes again/)
    assert.match(page, /well @well@well\.example ActivityPub .* reached/)
    assert.match(await read('/log/followers?as=zoe'), /Nobody follows @zoe by name yet/)
    await jobs('inbox.answer')
    assert.match(await press(`/log/followers/${down.id}/accept?as=alice`), /The answer is sent once more/)
    const [job] = await jobs('inbox.answer')
    await answerActivity(node.tools, job!)
    const [sent] = await node.tools.deliveries.list({ failed: false, host: 'down.example', limit: 1 })
    const { body } = (await node.tools.deliveries.document((await knex('deliveries').where({ id: sent!.id }).first()).document_id))!
    const accept = JSON.parse(body.toString())
    assert.deepEqual([accept.type, accept.object.id, accept.object.actor], ['Accept', 'https://down.example/down#follow', down.uri])
    const stranger = await meet(node.tools, 'stranger')
    assert.equal((await owner.post(`/log/followers/${stranger.id}/accept`, { csrf: owner.csrf })).status, 404)
  })

  it('W9 shows thousands of followers page by page, each once', async () => {
    for (let n = 0; n < 60; n++) await follower(`many${n}`, 'many.example')
    const seen: string[] = []
    let path: string | undefined = '/log/followers'
    while (path !== undefined) {
      const { text }: Answer = await owner.get(path)
      seen.push(...[...text.matchAll(/@(many\d+)@many\.example/g)].map(([, name]) => name!))
      const next: string | undefined = /rel="next" href="([^"]+)"/.exec(text)?.[1]
      path = next && `/log/followers${next.replaceAll('&amp;', '&')}`
    }
    assert.equal(seen.length, 60)
    assert.equal(new Set(seen).size, 60)
  })

  it('W46 shows who subscribes by their host alone, and ends it; they are told', async () => {
    const page = await read('/log/subscribers')
    assert.match(page, /reader\.example @alice .* End it/)
    assert.doesNotMatch(page, /their-secret/)
    const [{ id } = { id: '' }] = await node.tools.subscribers.list(1)
    assert.match(await press(`/log/subscribers/${id}/drop`), /It is ended.* Nobody subscribes at our hub yet/)
    assert.deepEqual(
      (await jobs('hub.deny')).map(({ callbacks }) => callbacks),
      [['https://reader.example/push/their-secret']]
    )
    assert.equal((await owner.post(`/log/subscribers/${id}/drop`, { csrf: owner.csrf })).status, 404)
  })

  it('W10 shows servers that do not answer, since when and what waits for them, and tries them now', async () => {
    assert.match(await read('/log'), /1 server does not answer/)
    assert.match(
      await read('/log/hosts'),
      /down\.example Since .* Reached last never Last answer answered 502 Waiting for it \d deliver(y|ies) .* Try now/
    )
    await jobs('deliver')
    assert.match(await press('/log/hosts/retry', { host: 'down.example' }), /It is tried again now/)
    assert.equal((await jobs('deliver')).length, 1)
    assert.equal((await owner.post('/log/hosts/retry', { csrf: owner.csrf, host: 'well.example' })).status, 404)
  })

  it('W52 shows what was refused, in whose name and why, each kind once', async () => {
    const send = () =>
      fetch(`${node.url}/users/alice/inbox`, {
        method: 'POST',
        headers: { 'content-type': 'application/activity+json' },
        body: JSON.stringify(like)
      })
    const like = {
      '@context': 'x',
      id: 'https://down.example/1',
      type: 'Like',
      actor: 'https://down.example/down',
      object: 'https://b.example/'
    }
    assert.deepEqual([(await send()).status, (await send()).status], [401, 401])
    await fetch(`${node.url}/hub`, {
      method: 'POST',
      body: new URLSearchParams({
        'hub.mode': 'subscribe',
        'hub.topic': 'https://b.example/',
        'hub.callback': 'https://c.example/push/t0ken'
      })
    })
    const page = await read('/log/refused')
    assert.match(
      page,
      /https:\/\/down\.example\/down This request is not signed\. \(401\) ActivityPub \/users\/alice\/inbox .* 2 times, first/
    )
    assert.match(page, /https:\/\/c\.example This hub serves the feeds of its own accounts and their blogs only\. \(422\) our hub \/hub/)
    assert.doesNotMatch(page, /t0ken/)
    assert.match(await read('/log'), /2 kinds of messages were refused since yesterday/)
  })

  it('X30 keeps the newest hundred of strangers, and as many of those whom we know: nobody fills it up', async () => {
    const { refusals } = node.tools
    const refused = { way: 'inbox' as const, path: '/inbox', code: 'signature', status: 401, sentence: 'no' }
    for (let n = 0; n < 130; n++) await refusals.add({ ...refused, who: `https://made-up.example/${n}` }, new Date(Date.now() + n))
    const list = await refusals.list()
    assert.equal(list.filter(({ who }) => who.startsWith('https://made-up.example/')).length <= 100, true)
    assert.ok(list.some(({ who }) => who === 'https://down.example/down'))
    // and from one network no more than five a minute are written down
    const counts = async () => (await refusals.list()).reduce((sum, { times }) => sum + times, 0)
    const before = await counts()
    for (let n = 0; n < 40; n++)
      await fetch(`${node.url}/inbox`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' })
    assert.ok((await counts()) - before <= 5)
  })

  it('X44 nothing is shown or done without the session and its token, or from another origin', async () => {
    const [{ id } = { id: '' }] = await node.tools.subscriptions.list({ byTrouble: true, limit: 1 })
    const post = await keepPost(node.tools, alice)
    for (const path of ['/log', `/log/posts/${post.id}`, '/log/feeds', '/log/followers', '/log/subscribers', '/log/hosts', '/log/refused'])
      assert.equal((await visitor(node).get(path)).status, 403, path)
    await jobs('feed.poll')
    for (const path of [
      `posts/${post.id}/retry`,
      `posts/${post.id}/toot`,
      `posts/${post.id}/ping`,
      `feeds/${id}/read`,
      `feeds/${id}/ask`
    ]) {
      assert.equal((await visitor(node).post(`/log/${path}`, { csrf: owner.csrf })).status, 403, path)
      assert.equal((await owner.post(`/log/${path}`, { csrf: 'x' })).status, 403, path)
      assert.equal((await owner.post(`/log/${path}`, { csrf: owner.csrf }, { origin: 'https://evil.example' })).status, 403, path)
    }
    assert.deepEqual(await jobs('feed.poll'), [])
  })

  it('X41 what others wrote is text on each of these pages', async () => {
    const evil = '"><script>alert(1)</script>'
    const uri = `https://evil.example/${encodeURIComponent(evil)}`
    const actor = await node.tools.transaction(stores =>
      stores.actors.keep({ uri, profile: { ids: [uri], kind: 'person', displayName: evil, url: 'javascript:alert(1)' } }, new Date())
    )
    await node.tools.follows.add({ followerId: actor.id, followedId: alice.id, via: evil }, new Date(Date.now() + DAY))
    const feed = await node.tools.subscriptions.add(
      { url: `https://evil.example/?${evil}`, topic: `https://evil.example/?${evil}`, actorId: actor.id },
      new Date(Date.now() + DAY)
    )
    await node.tools.subscriptions.change(feed.id, { state: 'gone', error: evil, hub: `https://hub.example/?${evil}` })
    await node.tools.refusals.add(
      { way: 'salmon', who: evil, path: evil, code: evil, status: 400, sentence: evil },
      new Date(Date.now() + DAY)
    )
    const post = await keepPost(node.tools, alice, { title: evil, publishedAt: new Date(Date.now() + DAY) })
    for (const path of ['/log', `/log/posts/${post.id}`, '/log/feeds', '/log/followers', '/log/refused']) {
      const { text } = await owner.get(path)
      assert.doesNotMatch(text, /<script(?! type="module" src="\/page)|href="javascript/, path)
      assert.match(text, /&lt;script&gt;alert/, path)
    }
  })

  it('W18 says of a post that is gone where its end went', async () => {
    const post = await keepPost(node.tools, alice, { title: 'Gone soon' })
    await node.tools.transaction(stores => stores.history.remove(alice.id, post.uri, new Date()))
    assert.match(await read(`/log/posts/${post.id}`), /A post without words/)
  })
})
