/** The pages of moderation: the queue, what was decided, blocks and lists of them. */
import assert from 'node:assert/strict'
import { approve, block, hide } from '../../src/federation/moderate.ts'
import type { KeptPost } from '../../src/model/kept.ts'
import { type Answer, signIn, type Visitor, visitor } from '../support/browser.ts'
import { until } from '../support/node.ts'
import { PAGE, saidIn, startTalk, type Talk } from '../support/talk.ts'

const QUEUE = '/moderation'
const BLOCKS = '/moderation/blocks'
const wordsOf = ({ text }: Answer) =>
  text
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .replaceAll('&#39;', '’')

describe('the pages of moderation', function () {
  this.timeout(20_000)
  let talk: Talk
  let owner: Visitor & { csrf: string }
  const start = async (env: Record<string, string> = {}) => {
    talk = await startTalk({ MODERATION: 'first', ...env })
    owner = await signIn(talk.node)
  }
  beforeEach(() => start())
  afterEach(() => talk.close())

  const post = (form: Record<string, string>, path = QUEUE) => owner.post(path, { csrf: owner.csrf, ...form })
  const postMany = (pairs: [string, string][]) =>
    owner.send(QUEUE, { method: 'POST', body: new URLSearchParams([['csrf', owner.csrf], ...pairs]), headers: { origin: talk.node.url } })
  const waiting = async () => saidIn((await owner.get(QUEUE)).text)
  const shown = async () =>
    saidIn(JSON.stringify(await (await fetch(`${talk.node.url}/api/comments?url=${encodeURIComponent(PAGE)}`)).json())).sort()
  const names = (posts: KeptPost[]) => posts.map(({ id }) => ['item', id] as [string, string])
  const look = async (list: string, file = '') => {
    const form = new FormData()
    form.set('csrf', owner.csrf)
    form.set('list', list)
    form.set('file', new File([file], 'blocks.csv'))
    return owner.send(`${BLOCKS}/look`, { method: 'POST', body: form, headers: { origin: talk.node.url } })
  }
  /** What a form of a page would send when nothing is changed in it. */
  const fieldsOf = ({ text }: Answer) =>
    Object.fromEntries(
      [...text.matchAll(/<textarea[^>]*name="(\w+)"[^>]*>([^<]*)/g)].map(([, name, value]) => [name, value!.replaceAll('&#39;', "'")])
    )

  it('W28 W31 shows what waits, with whom, from where, and what it answers; and its number on every page', async () => {
    assert.match(wordsOf(await owner.get(QUEUE)), /Nothing waits for you/)
    const bob = await talk.meet('bob')
    const first = await talk.reply(bob, talk.post)
    await talk.reply(await talk.meet('carol'), first, { html: '<p>carol says 2</p><script>x</script>', warning: '<b>w' })
    await talk.keepAnswers([talk.answerOf('dave')])
    talk.pass(30_000)
    const page = await owner.get(QUEUE)
    assert.deepEqual(
      saidIn(page.text).filter(name => name !== 'bob'),
      ['dave', 'carol']
    )
    assert.match(wordsOf(page), /@dave@masto\.example .*masto\.example · under your toot In reply to Hello/)
    assert.match(wordsOf(page), /@carol@a\.example .*by a feed In reply to bob says/)
    assert.match(page.text, new RegExp(`<a href="/posts/${first.id}"`))
    assert.doesNotMatch(page.text, /<script>x|<b>w/)
    assert.match(page.text, /<span class="count">3</)
    await until('the count on another page', async () =>
      /<span class="count">3<span class="unseen"> wait for you/.test((await owner.get('/')).text)
    )
    assert.doesNotMatch((await visitor(talk.node).get('/')).text, /class="count"/)
  })

  it('W31 approve lets the person in from then on, hide is for good, and both can be taken back', async () => {
    const [bob, carol] = [await talk.meet('bob'), await talk.meet('carol')]
    const [one, two] = [await talk.reply(bob, talk.post), await talk.reply(carol, talk.post)]
    await talk.reply(bob, talk.post)
    assert.equal((await post({ one: `approve ${one.id}` })).location, '/moderation?did=approve&count=1')
    assert.match(wordsOf(await owner.get('/moderation?did=approve&count=1')), /One answer is shown now\./)
    assert.deepEqual([await waiting(), await shown()], [['carol'], ['bob', 'bob']])
    await post({ one: `hide ${two.id}` })
    assert.deepEqual([await waiting(), await shown()], [[], ['bob', 'bob']])
    assert.match(wordsOf(await owner.get('/moderation/hidden')), /carol@a\.example answer · .* carol says/)
    assert.match(wordsOf(await owner.get('/moderation/approved')), /bob@a\.example/)
    assert.equal((await post({ one: `unhide ${two.uri}`, back: 'hidden' })).location, '/moderation/hidden?did=unhide&count=1')
    assert.equal((await post({ one: `unapprove ${one.uri}`, back: 'approved' })).location, '/moderation/approved?did=unapprove&count=1')
    assert.deepEqual([await waiting(), await shown()], [['bob', 'carol', 'bob'], []])
  })

  it('W31 several at once, by ticking them; what somebody decided meanwhile does no harm', async () => {
    const posts = []
    for (const name of ['bob', 'carol', 'dave', 'eve']) posts.push(await talk.reply(await talk.meet(name), talk.post))
    const [bob, carol, dave, eve] = posts as [KeptPost, KeptPost, KeptPost, KeptPost]
    await block(talk.tools, 'dave@a.example')
    assert.equal((await postMany([['act', 'approve'], ...names([bob, carol, dave])])).location, '/moderation?did=approve&count=2')
    assert.deepEqual(await shown(), ['bob', 'carol'])
    assert.equal((await postMany([['act', 'block'], ...names([carol, eve])])).location, '/moderation?did=block&count=2')
    assert.deepEqual([await shown(), await waiting()], [['bob'], []])
    const alone = await post({ one: `approve ${dave.id}` })
    assert.deepEqual([alone.status, /is blocked/.test(wordsOf(alone))], [409, true])
    assert.equal((await postMany([['act', 'approve']])).status, 400)
    assert.equal((await post({ act: 'delete', item: bob.id })).status, 400)
    assert.equal((await post({ one: 'approve nothing' })).status, 404)
  })

  it('6.1 an answer that is shown already is found by its address, hidden, and its host blocked after a look at what that means', async () => {
    const nasty = await talk.reply(await talk.friend('nasty'), talk.post)
    await talk.reply(await talk.meet('other'), talk.post)
    const page = await owner.get(`/moderation/comment?of=${encodeURIComponent(nasty.uri)}`)
    assert.match(wordsOf(page), /nasty@a\.example everybody sees it .*nasty says/)
    await post({ one: `hide ${nasty.uri}`, back: 'comment' })
    assert.match(wordsOf(await owner.get(`/moderation/comment?of=${nasty.id}`)), /hidden by you/)
    const plan = await post({ one: `host ${nasty.uri}` })
    assert.match(
      wordsOf(plan),
      /Nothing is blocked yet.*People of these servers whom this node knows 2 .*You follow somebody there.*a\.example : you follow one person/
    )
    assert.deepEqual(fieldsOf(plan), {})
    assert.equal((await post(fieldsOf(plan) as Record<string, string>, BLOCKS)).status, 400)
    assert.equal((await post({ also: 'a.example' }, BLOCKS)).location, '/moderation/blocks?did=list&count=1')
    assert.deepEqual([await waiting(), await shown()], [[], []])
    assert.match(wordsOf(await owner.get(`/moderation/comment?of=${nasty.id}`)), /hidden by you/)
    assert.equal((await owner.get('/moderation/comment?of=none')).status, 404)
    const own = await owner.get(`/moderation/comment?of=${talk.post.id}`)
    assert.doesNotMatch(own.text, /name="one"/)
  })

  it('W31 each comment of a thread leads the owner to where it is hidden, and nobody else', async () => {
    const bob = await talk.meet('bob')
    const reply = await talk.reply(bob, talk.post)
    await talk.keepAnswers([talk.answerOf('dave')])
    const page = new URL(talk.post.uri).pathname
    const links = (answer: Answer) => [...answer.text.matchAll(/href="(\/moderation\/comment[^"]*)"/g)].map(([, path]) => path!).sort()
    const [ofPost = '', ofAnswer = '', ...more] = links(await owner.get(page))
    assert.deepEqual([ofPost, more], [`/moderation/comment?of=${reply.id}`, []])
    assert.match(wordsOf(await owner.get(ofPost)), /bob says/)
    assert.match(wordsOf(await owner.get(ofAnswer)), /@dave@masto\.example|dave/)
    assert.deepEqual(links(await visitor(talk.node).get(page)), [])
  })

  it('W31 a list of Mastodon’s is told before it counts: new, known, silenced, noop, unreadable, ours, followed', async () => {
    const { host } = talk.node
    await talk.friend('friend', { uri: 'https://sub.liked.example/friend', acct: 'friend@liked.example' })
    await talk.meet('spam', { uri: 'https://deep.spam.example/spam', acct: 'spam@deep.spam.example' })
    await block(talk.tools, 'old.example')
    const list = `#domain,#severity\nspam.example,suspend\nliked.example,suspend\nx.old.example,suspend\nquiet.example,silence\nfine.example,noop\nb*d.example,suspend\n${host},suspend\nblog.example,suspend\n`
    const plan = await look('', list)
    const words = wordsOf(plan)
    assert.match(
      words,
      /Servers, new 1 People of these servers whom this node knows 2 Blocked already 1 Lines that ask for nothing \(noop\) 1/
    )
    assert.match(words, new RegExp(`Left out, for it is your own: .* ${host}, blog\\.example`))
    assert.match(words, /One line cannot be read .*b\*d\.example/)
    assert.match(words, /liked\.example : you follow one person/)
    assert.match(words, /One server is only silenced/)
    assert.deepEqual([...(await talk.tools.verdicts.blockedHosts())], ['old.example'])
    assert.deepEqual(fieldsOf(plan), { hosts: 'spam.example', silence: 'quiet.example' })
    assert.equal((await post(fieldsOf(plan) as Record<string, string>, BLOCKS)).location, '/moderation/blocks?did=list&count=1')
    assert.deepEqual([...(await talk.tools.verdicts.blockedHosts())].sort(), ['old.example', 'spam.example'])
    const all = { ...fieldsOf(plan), silenced: '1', also: 'liked.example' } as Record<string, string>
    assert.equal((await post(all, BLOCKS)).location, '/moderation/blocks?did=list&count=3')
    assert.match(wordsOf(await look(list)), /There is nothing new to block/)
  })

  it('W31 a file that is too large is told of on the page itself', async () => {
    const answer = await look('', 'x'.repeat(3_000_001))
    assert.deepEqual([answer.status, /This is larger than 3 MB\.[\s\S]*name="file"/.test(answer.text)], [413, true])
  })

  it('W31 never blocks ourselves, whatever a form says', async () => {
    const own = talk.node.host
    await post({ hosts: `${own}\n127.0.0.1\ngood.example` }, BLOCKS)
    assert.deepEqual([...(await talk.tools.verdicts.blockedHosts())], ['good.example'])
    assert.equal((await post({ people: `alice@${own}` }, BLOCKS)).status, 403)
    assert.equal((await post({ hosts: '<script>' }, BLOCKS)).status, 400)
  })

  it('W31 people in and out, hosts in and out, as Mastodon has them; unblock', async () => {
    const bob = await talk.meet('bob')
    await talk.reply(bob, talk.post)
    await talk.meet('nameless', { uri: 'https://b.example/nameless' })
    const plan = await look('Account address\nbob@a.example\nhttps://b.example/nobody\neve@c.example\n')
    assert.match(wordsOf(plan), /People, new 3/)
    await post(fieldsOf(plan) as Record<string, string>, BLOCKS)
    await look('d.example')
    await post({ hosts: 'd.example' }, BLOCKS)
    assert.deepEqual(await waiting(), [])
    const people = await owner.get('/moderation/blocks-people.csv')
    assert.equal(people.text, 'Account address\r\nbob@a.example\r\neve@c.example\r\nhttps://b.example/nobody\r\n')
    assert.match(people.headers.get('content-disposition') ?? '', /attachment/)
    assert.match((await owner.get('/moderation/blocks.csv')).text, /^#domain,#severity,.*\r\nd\.example,suspend,false,false,,false\r\n$/)
    assert.match(
      wordsOf(await owner.get(BLOCKS)),
      /bob@a\.example person .* d\.example server, and all below it|d\.example .*bob@a\.example/
    )
    for (const who of ['bob@a.example', 'd.example']) assert.equal((await post({ who }, `${BLOCKS}/unblock`)).status, 303)
    assert.equal((await post({ who: 'd.example' }, `${BLOCKS}/unblock`)).status, 404)
    assert.deepEqual(await waiting(), ['bob'])
  })

  it('lists what was decided in pages, however much was decided at one moment', async () => {
    await post({ hosts: Array.from({ length: 120 }, (_, n) => `h${n}.example`).join('\n') }, BLOCKS)
    const seen: string[] = []
    for (let next: string | undefined = BLOCKS; next !== undefined; ) {
      const { text }: Answer = await owner.get(next)
      seen.push(...[...text.matchAll(/<bdi>(h\d+\.example)<\/bdi>/g)].map(([, host]) => host!))
      const older: string | undefined = /rel="next" href="([^"]+)"/.exec(text)?.[1]
      next = older && `${BLOCKS}${older}`
    }
    assert.deepEqual([seen.length, new Set(seen).size], [120, 120])
    assert.equal((await owner.get(`${BLOCKS}?after=x`)).status, 400)
  })

  it('W31 MODERATION=all and none say what they mean', async () => {
    await talk.close()
    await start({ MODERATION: 'all' })
    assert.match(wordsOf(await owner.get(QUEUE)), /All answers are shown at once/)
    await talk.close()
    await start({ MODERATION: 'none' })
    await talk.reply(await talk.friend('bob'), talk.post)
    assert.match(wordsOf(await owner.get(QUEUE)), /Every answer waits here/)
    assert.deepEqual(await waiting(), ['bob'])
  })

  it('S2b speaks German to who reads German', async () => {
    await talk.reply(await talk.meet('bob'), talk.post)
    for (const [path, words] of [
      [QUEUE, /Freigeben/],
      [BLOCKS, /Niemand ist gesperrt/],
      ['/moderation/hidden', /Hier ist nichts/],
      ['/settings/following', /Du folgst noch niemandem/]
    ] as const)
      assert.match(wordsOf(await owner.get(path, { 'accept-language': 'de' })), words)
  })

  it('X44 is the owner’s alone, each form from our own page', async () => {
    const bob = await talk.reply(await talk.meet('bob'), talk.post)
    const stranger = visitor(talk.node)
    for (const path of [
      QUEUE,
      '/moderation/hidden',
      '/moderation/approved',
      `/moderation/comment?of=${bob.id}`,
      BLOCKS,
      `${BLOCKS}.csv`,
      `${BLOCKS}-people.csv`
    ])
      assert.equal((await stranger.get(path)).status, 403, path)
    for (const path of [QUEUE, BLOCKS, `${BLOCKS}/unblock`, `${BLOCKS}/look`]) {
      const form = { csrf: owner.csrf, one: `approve ${bob.id}`, hosts: 'a.example', who: 'a.example' }
      assert.equal((await stranger.post(path, form)).status, 403, path)
      assert.equal((await owner.post(path, { ...form, csrf: 'x' })).status, 403, path)
      assert.equal((await owner.post(path, form, { origin: 'https://evil.example' })).status, 403, path)
    }
    assert.deepEqual([await shown(), [...(await talk.tools.verdicts.blockedHosts())]], [[], []])
  })

  it('X41 hostile names and lists are text', async () => {
    const nasty = '"><script>alert(1)</script>'
    const bob = await talk.meet('bob', {
      profile: { ids: ['https://a.example/bob'], kind: 'person', username: 'bob', displayName: nasty, url: 'javascript:alert(1)' }
    })
    const reply = await talk.reply(bob, talk.post)
    const pages = [
      await owner.get(QUEUE),
      await owner.get(`/moderation/comment?of=${reply.id}`),
      await look(`${nasty}\nx.example`),
      await look('', `#domain,#severity\n"${nasty.replaceAll('"', '""')}",suspend\n`)
    ]
    await hide(talk.tools, reply.id)
    await approve(talk.tools, (await talk.reply(await talk.meet('carol'), talk.post, { title: nasty, html: nasty })).id)
    pages.push(
      await owner.get('/moderation/hidden'),
      await owner.get('/moderation/approved'),
      await owner.get(`${QUEUE}?did=${encodeURIComponent(nasty)}&count=1`)
    )
    for (const { text } of pages) assert.doesNotMatch(text, /<script>|href="javascript/)
  })
})
