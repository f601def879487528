import assert from 'node:assert/strict'
import { approve, block, hide } from '../../src/federation/moderate.ts'
import { type Answer, signIn, visitor } from '../support/browser.ts'
import { keepPost } from '../support/residents.ts'
import { PAGE, saidIn, startTalk, type Talk } from '../support/talk.ts'

const encoded = encodeURIComponent
const json = ({ text }: Answer) => JSON.parse(text)

describe('GET /api/comments and /api/counts', () => {
  let talk: Talk
  beforeEach(async () => {
    talk = await startTalk({ MODERATION: 'first' })
  })
  afterEach(() => talk?.close())

  const ask = (path: string, headers: Record<string, string> = { accept: 'application/json' }) => visitor(talk.node).get(path, headers)
  const comments = (url = PAGE) => ask(`/api/comments?url=${encoded(url)}`)

  it('W26 tells the conversation as interface.md 4 names it', async () => {
    const { answerOf, friend, keepAnswers, node, post, reply, tools } = talk
    const bob = await friend('bob', {
      profile: { ids: ['https://a.example/bob'], kind: 'person', displayName: 'Bob B', url: 'https://a.example/@bob' }
    })
    const one = await reply(bob, post, { language: 'en' })
    const carol = answerOf('carol')
    await keepAnswers([carol])
    await approve(tools, carol.uri)
    const answer = await comments()
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'application/json; charset=utf-8'])
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    const author = { name: 'Bob B', handle: 'bob@a.example', url: 'https://a.example/@bob', avatar: null }
    const told = json(answer)
    assert.deepEqual(told.comments[0], {
      ...{ id: one.id, url: one.url, author, published: one.publishedAt.toISOString(), updated: null, html: one.html, warning: null },
      ...{ language: 'en', in_reply_to: null, network: 'ostatus' }
    })
    assert.deepEqual([told.url, told.counts, told.comments[1].id], [PAGE, { replies: 2, likes: 0, shares: 0 }, `m-${carol.id}`])
    assert.deepEqual(told.faces, { likes: [], shares: [] })
    assert.deepEqual(told.links, {
      ...{ post: post.uri, toot: 'https://masto.example/@alice/110000000000000001', next: null },
      reply: `${node.url}/api/remote?url=${encoded(PAGE)}`
    })
  })

  it('S1-91 is readable for the pages of the blog and for nobody else’s, errors too', async () => {
    for (const [origin, expected] of [
      ['https://blog.example', 'https://blog.example'],
      ['http://blog.example', 'http://blog.example'],
      ['https://evil.example', null],
      ['https://blog.example.evil.example', null],
      ['null', null]
    ] as const)
      for (const path of [
        `/api/comments?url=${encoded(PAGE)}`,
        '/api/comments',
        `/api/counts?url=${encoded(PAGE)}`,
        '/api/remote?account=x'
      ]) {
        const { headers } = await ask(path, { origin })
        assert.equal(headers.get('access-control-allow-origin'), expected, `${origin} ${path}`)
        assert.match(headers.get('vary') ?? '', /Origin/)
        assert.equal(headers.get('access-control-allow-credentials'), null)
      }
    const before = await fetch(`${talk.node.url}/api/comments`, { method: 'OPTIONS', headers: { origin: 'https://blog.example' } })
    assert.deepEqual([before.status, before.headers.get('access-control-allow-origin')], [204, 'https://blog.example'])
  })

  it('is asked for again only when it changed, and every half minute at most', async () => {
    const first = await comments()
    const etag = first.headers.get('etag') ?? ''
    assert.deepEqual([first.headers.get('cache-control'), etag.length > 10], ['public, max-age=30', true])
    const path = `/api/comments?url=${encoded(PAGE)}`
    const again = await ask(path, { 'if-none-match': etag })
    assert.deepEqual([again.status, again.text], [304, ''])
    await talk.reply(await talk.friend('bob'), talk.post)
    talk.pass(5_000)
    assert.equal((await ask(path, { 'if-none-match': etag })).status, 200)
    assert.equal((await visitor(talk.node).head(path)).status, 200)
  })

  it('W34 counts many pages in one request; those that are not known are left out', async () => {
    const { blogPost, friend, post, reply } = talk
    const other = 'https://blog.example/2026/other/'
    await blogPost(other)
    await reply(await friend('bob'), post)
    const query = [PAGE, other, 'https://blog.example/unknown/', 'x', PAGE].map(url => `url=${encoded(url)}`).join('&')
    assert.deepEqual(json(await ask(`/api/counts?${query}`)), {
      counts: { [PAGE]: { replies: 1, likes: 0, shares: 0 }, [other]: { replies: 0, likes: 0, shares: 0 } }
    })
    assert.deepEqual(json(await ask(`/api/counts?url=${encoded('https://blog.example/__proto__')}&url=__proto__`)), { counts: {} })
  })

  it('W34 counts are half a minute old at most, and a decision of the owner counts at once', async () => {
    const { friend, post, reply, tools } = talk
    const path = `/api/counts?url=${encoded(PAGE)}`
    const replies = async () => json(await ask(path)).counts[PAGE].replies
    assert.equal(await replies(), 0)
    const one = await reply(await friend('bob'), post)
    talk.pass(30_000)
    assert.equal(await replies(), 1)
    await hide(tools, one.id)
    for (let tries = 0; (await replies()) !== 0 && tries < 100; tries++) await new Promise(done => setTimeout(done, 20))
    assert.equal(await replies(), 0)
  })

  it('answers what is wrong with it in JSON, with its code', async () => {
    const many = Array.from({ length: 51 }, (_, index) => `url=https://blog.example/${index}`).join('&')
    for (const [path, status, code] of [
      ['/api/comments', 400, 'no_url'],
      ['/api/comments?url=', 400, 'no_url'],
      ['/api/comments?url=javascript:alert(1)', 400, 'no_url'],
      ['/api/comments?url=https://evil.example/', 404, 'not_found'],
      [`/api/comments?url=${encoded(PAGE)}&after=x`, 400, 'cursor'],
      [`/api/comments?url=${encoded(`${PAGE}%00`)}`, 404, 'not_found'],
      ['/api/comments?url=https://blog.example/%E0%A4%A', 404, 'not_found'],
      ['/api/counts', 400, 'no_url'],
      [`/api/counts?${many}`, 400, 'too_many']
    ] as const) {
      const answer = await ask(path)
      assert.deepEqual([answer.status, json(answer).code], [status, code], path)
      assert.match(json(answer).error, /[.…]$/)
    }
    const post = await fetch(`${talk.node.url}/api/comments`, { method: 'POST' })
    assert.deepEqual([post.status, post.headers.get('allow')?.includes('GET')], [405, true])
  })

  it('X42 1,000 comments come in pages, the next one named', async () => {
    const { answerOf, keepAnswers, tools, personOf } = talk
    const person = personOf('bob')
    await keepAnswers(Array.from({ length: 1000 }, () => answerOf('bob', { person })))
    await tools.verdicts.keep('acct:bob@masto.example', 'approved', tools.clock())
    const ids: string[] = []
    let next: string | null = `/api/comments?url=${encoded(PAGE)}`
    while (next !== null) {
      const told: { comments: { id: string }[]; links: { next: string | null } } = json(await ask(next.replace(talk.node.url, '')))
      ids.push(...told.comments.map(({ id }) => id))
      next = told.links.next
    }
    assert.deepEqual([ids.length, new Set(ids).size], [1000, 1000])
  })

  it('6.4 the page of a long thread comes in pages too, and that of a comment is the one on which it stands', async () => {
    const { alice, friend, node, post, reply, tools } = talk
    const bob = await friend('bob')
    const all = []
    for (let n = 0; n < 450; n++) all.push(await reply(n % 3 ? bob : alice, post))
    const stranger = visitor(node)
    const own = `/users/alice/posts/${post.id}`
    const nextOf = (text: string, rel: string) => new RegExp(`rel="${rel}" href="([^"]+)"`).exec(text)?.[1]
    const read = async (path: string) => {
      const { status, text } = await stranger.get(path)
      assert.deepEqual([status, text.length < 400_000], [200, true])
      return { said: saidIn(text).length, next: nextOf(text, 'next'), prev: nextOf(text, 'prev') }
    }
    const first = await read(own)
    assert.deepEqual([first.said, first.prev], [199, undefined])
    const second = await read(own + first.next)
    const third = await read(own + second.next)
    assert.deepEqual([second.said, third.said, third.next], [200, 51, undefined])
    assert.deepEqual([await read(own + third.prev), await read(own + second.prev)], [second, first])
    const deep = all.findLast(({ authorId }) => authorId === alice.id)!
    // its own words are in the title as well
    assert.deepEqual(await read(`/users/alice/posts/${deep.id}`), { ...third, said: third.said + 5 })
    assert.equal((await stranger.get(`${own}?after=x`)).status, 400)
    assert.equal((await tools.timelines.thread(deep.id, 5000)).length, 451)
  })

  it('X29 gathers a conversation once, by whatever address it is asked for, and lets nobody ask for too many', async () => {
    const { blogPost, node } = talk
    let gathered = 0
    const { thread } = node.tools.timelines
    node.tools.timelines.thread = (id, limit) => {
      gathered++
      return thread(id, limit)
    }
    for (let n = 0; n < 100; n++) {
      const answer = await comments(`${PAGE}${n % 2 ? '?x' : '?utm_source'}=${n}`)
      assert.deepEqual([answer.status, json(answer).url], [200, PAGE])
    }
    assert.equal(gathered, 1)
    for (let n = 0; n < 70; n++) await blogPost(`https://blog.example/${n}/`)
    const statuses = []
    for (let n = 0; n < 70; n++) statuses.push((await comments(`https://blog.example/${n}/`)).status)
    assert.deepEqual(
      statuses.map(status => status === 200),
      Array.from({ length: 70 }, (_, n) => n < 59)
    )
    const refused = await comments('https://blog.example/69/')
    assert.deepEqual([refused.status, json(refused).code], [429, 'too_many'])
    assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/)
    assert.equal((await comments()).status, 200)
    const index = Array.from({ length: 50 }, (_, n) => `url=${encoded(`https://blog.example/${n}/`)}`).join('&')
    for (let n = 0; n < 3; n++) assert.equal((await ask(`/api/counts?${index}`)).status, 200)
  })

  it('X43 every view × every visibility × waiting, hidden, blocked: everybody sees what is open and let in, the owner everything', async () => {
    await talk.close()
    talk = await startTalk({ MODERATION: 'first', OPEN_SEARCH: 'on' })
    const { answerOf, friend, keepAnswers, node, personOf, post, reply, tools } = talk
    const visibilities = ['public', 'unlisted', 'followers', 'direct'] as const
    const standings = ['shown', 'waiting', 'hidden', 'blocked'] as const
    const answers = []
    const posts = new Map<string, string>()
    for (const standing of standings)
      for (const visibility of visibilities) {
        const name = `${standing}X${visibility}`
        const who = standing === 'waiting' || standing === 'blocked' ? await talk.meet(`p${name}`) : await friend(`p${name}`)
        const one = await reply(who, post, { visibility, html: `<p>post${name} says 1</p>` })
        posts.set(`post${name}`, one.id)
        const person = personOf(`m${name}`.toLowerCase())
        const answer = answerOf('x', {
          person,
          visibility: visibility === 'followers' ? 'private' : visibility,
          html: `<p>toot${name} says 1</p>`
        })
        answers.push(answer)
        await keepAnswers(answers)
        const isForAll = visibility === 'public' || visibility === 'unlisted'
        if (standing === 'shown' && isForAll) await approve(tools, answer.uri)
        if (standing === 'hidden') for (const id of [one.id, answer.uri]) await hide(tools, id)
        if (standing === 'blocked') for (const blocked of [who.uri, `acct:${person.handle}`]) await block(tools, blocked)
      }
    const open = ['public', 'unlisted'].flatMap(visibility => [`postshownX${visibility}`, `tootshownX${visibility}`]).sort()
    const openPosts = open.filter(name => name.startsWith('post'))
    const everything = standings
      .flatMap(standing => visibilities.flatMap(visibility => [`post${standing}X${visibility}`, `toot${standing}X${visibility}`]))
      .sort()
    const [stranger, owner] = [visitor(node), await signIn(node)]
    const seen = ({ text }: Answer) => saidIn(text).sort()
    const api = json(await comments())
    assert.deepEqual(api.comments.flatMap(({ html }: { html: string }) => saidIn(html)).sort(), open)
    assert.equal(api.counts.replies, open.length)
    assert.equal(json(await ask(`/api/counts?url=${encoded(PAGE)}`)).counts[PAGE].replies, open.length)
    const page = `/users/alice/posts/${post.id}`
    assert.deepEqual(seen(await stranger.get(page)), open)
    assert.deepEqual(seen(await owner.get(page)), everything)
    const each = async (who: typeof stranger) => {
      const pages = await Promise.all([...posts].map(async ([name, id]) => [name, await who.get(`/posts/${id}`)] as const))
      return pages
        .filter(([name, answer]) => answer.status === 200 && seen(answer).includes(name))
        .map(([name]) => name)
        .sort()
    }
    assert.deepEqual(await each(stranger), openPosts)
    assert.deepEqual(
      await each(owner),
      everything.filter(name => name.startsWith('post'))
    )
    for (const path of ['/search?q=says', '/', `/search?q=${encoded('https://a.example/none')}`])
      for (const name of seen(await stranger.get(path))) assert.ok(openPosts.includes(name), `${path} ${name}`)
    for (const [name, id] of posts) {
      const uri = (await tools.history.find(id))!.uri
      for (const path of [`/search?q=${encoded(uri)}`, `/authorize_interaction?uri=${encoded(uri)}`])
        assert.equal(seen(await stranger.get(path)).includes(name), openPosts.includes(name), `${path} ${name}`)
      const remote = await ask(`/api/comments?url=${encoded(uri)}`)
      assert.equal(remote.status, 404)
    }
    assert.doesNotMatch((await stranger.get('/users/alice.atom')).text, /says 1/)
  })

  it('X43 a share by somebody who is followed carries nothing into the lists that was hidden or waits', async () => {
    await talk.close()
    talk = await startTalk({ MODERATION: 'first', OPEN_SEARCH: 'on' })
    const { friend, meet, node, post, reply, tools } = talk
    const fan = await friend('fan')
    const [seen, hidden, waits] = [
      await reply(await friend('seen'), post),
      await reply(await friend('hidden'), post),
      await reply(await meet('waits'), post)
    ]
    const shares = []
    for (const { id } of [seen, hidden, waits]) shares.push(await keepPost(tools, fan, { verb: 'share', sharedId: id, html: '' }))
    await hide(tools, hidden.id)
    const [stranger, owner] = [visitor(node), await signIn(node)]
    const said = ({ text }: Answer) => [...new Set(saidIn(text))].sort()
    for (const path of ['/', `/people/${fan.id}`, ...shares.map(({ id }) => `/posts/${id}`)])
      assert.deepEqual(
        said(await stranger.get(path)).filter(name => name !== 'seen'),
        [],
        path
      )
    assert.deepEqual(said(await stranger.get(`/posts/${shares[0]!.id}`)), ['seen'])
    assert.deepEqual(said(await owner.get(`/people/${fan.id}`)), ['hidden', 'seen', 'waits'])
  })

  it('W31 the owner sees on the page what waits and what is hidden, and why', async () => {
    const { friend, keepAnswers, answerOf, meet, node, post, reply, tools } = talk
    await reply(await meet('bob'), post)
    await hide(tools, (await reply(await friend('carol'), post)).id)
    await keepAnswers([answerOf('dave', { html: '<p>dave says 3</p><script>alert(1)</script>' })])
    const { text } = await (await signIn(node)).get(`/users/alice/posts/${post.id}`)
    assert.deepEqual(saidIn(text), ['bob', 'carol', 'dave'])
    assert.equal([...text.matchAll(/waits for your approval/g)].length, 2)
    assert.match(text, /hidden by you/)
    assert.doesNotMatch(text, /<script(?! type="module" src="\/page)/)
  })
})
