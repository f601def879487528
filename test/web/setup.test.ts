/** The first steps: from a blog's address to an account that has it, whatever that address leads to. */
import assert from 'node:assert/strict'
import { inviteOwner, prepareNode } from '../../src/commands/first-start.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { type Answer, type Visitor, visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { BLOG, type BlogNode, DAY, startBlog } from '../support/written-blog.ts'

const unescaped = (text: string) =>
  text.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
const wordsOf = (text: string) => unescaped(text.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' '))
const says = ({ status, text }: Answer, expected: number, words: RegExp) => {
  assert.equal(status, expected, text)
  assert.match(wordsOf(text), words)
}
/** The fields of the form that saves. */
const fieldsOf = (text: string): Record<string, string> => {
  const inputs = [...text.matchAll(/<input [^>]*>/g)].map(([input]) => input)
  const of = (input: string, name: string) => new RegExp(` ${name}="([^"]*)"`).exec(input)?.[1] ?? ''
  const counts = (input: string) => of(input, 'type') !== 'radio' || / checked/.test(input)
  return Object.fromEntries(inputs.filter(counts).map(input => [of(input, 'name'), unescaped(of(input, 'value'))]))
}

describe('the first steps', function () {
  this.timeout(20_000)
  let blog: BlogNode
  let owner: Visitor & { csrf: string }

  const start = async (env: Record<string, string> = {}) => {
    blog = await startBlog(env)
    const { tools, host } = blog.node
    const { csrf, token } = await tools.sessions.begin(tools.clock())
    // by the name that the node has, which leads nowhere here
    const browser = visitor({ url: `http://${host}` }, `tidings_session=${token}`)
    owner = { ...browser, csrf, post: (path, form) => browser.post(path, form, { origin: tools.config.publicUrl }) }
  }
  afterEach(() => blog.close())
  const look = (form: Record<string, string> = {}) => owner.post('/setup/look', { csrf: owner.csrf, url: BLOG, ...form })
  const save = async (change: Record<string, string> = {}) =>
    owner.post('/setup/blog', { ...fieldsOf((await look()).text), csrf: owner.csrf, ...change })
  const items = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ path: `2026/${n}`, title: `Post ${n}`, date: blog.date(-DAY * (n + 1)) }))

  it('6.1-2 find title, feed and sitemap from the address, propose the handle, and end with the posts on the page', async () => {
    await start()
    blog.write(items(12))
    says(await owner.get('/setup'), 200, /Step 1 of 3 Your blog/)
    const found = await look({ url: 'blog.example' })
    says(found, 200, /Step 2 of 3 Is this right\?.*The feed names 12 posts; the newest: Post 0.*Sitemap: .*It names 12 pages\./)
    const { name, title, feed } = fieldsOf(found.text)
    assert.deepEqual([name, title, feed], ['blog', 'The blog', `${BLOG}feed.xml`])
    assert.match(found.text, /src="\/media\/\w+"/)
    assert.equal(await blog.tools.blogs.find(blog.account.id), undefined)

    const saved = await save({ title: 'My blog' })
    assert.deepEqual([saved.status, saved.location], [303, '/setup/next?as=blog'])
    const under = await owner.get('/setup/next?as=blog')
    says(under, 200, /Your blog is being read/)
    assert.match(under.text, /<section id="reading"[^>]* data-again>/)
    await blog.work()
    const read = await owner.get('/setup/next?as=blog')
    says(read, 200, /You are @blog@node.example .*The blog Feed .*feed.xml Sitemap .*sitemap.xml Posts 12 Post 0/)
    says(read, 200, /Connect your blog.*Connect Mastodon.*Import old posts.*Set a passphrase/)
    assert.doesNotMatch(read.text, /data-again/)
    const { avatar, displayName, homepage } = (await blog.tools.actors.findAccount('blog'))!
    assert.deepEqual([displayName, homepage, avatar?.url], ['My blog', BLOG, `${BLOG}i.png`])
    assert.equal((await blog.tools.blogs.find(blog.account.id))?.fixedFeed, undefined)
  })

  it('6.1-2 give the account of the first start another name, as long as nobody can have heard of it', async () => {
    await start()
    blog.write(items(1))
    assert.equal((await save({ name: '@Ann' })).location, '/setup/next?as=ann')
    const [account, ...others] = await blog.tools.actors.accounts()
    assert.deepEqual(
      [account?.localName, account?.acct, account?.uri, account?.id, others],
      ['ann', 'ann@node.example', 'https://node.example/users/ann', blog.account.id, []]
    )
    assert.equal((await owner.get('/users/blog')).status, 404)
    assert.equal((await owner.get('/.well-known/webfinger?resource=acct:ann@node.example')).status, 200)
    says(await look(), 200, /The name stays as it is/)
    // from then on another name is another account
    blog.net.set('https://other.example/', { headers: { 'content-type': 'text/html' }, body: '<title>Other</title>' })
    const other = await look({ url: 'https://other.example/' })
    says(other, 200, /Another name makes another account/)
    assert.equal((await save({ url: 'https://other.example/', name: 'bob', feed: '', found: '' })).location, '/setup/next?as=bob')
    assert.deepEqual(
      (await blog.tools.actors.accounts()).map(({ localName }) => localName),
      ['ann', 'bob']
    )
  })

  it('6.1-2 tell what stands in the way of saving, with everything that was written', async () => {
    await start()
    blog.write(items(1))
    for (const name of ['Füchse', '', 'x'.repeat(31), 'a b']) {
      const answer = await save({ name, title: 'Kept <i>' })
      says(answer, 400, /A name has 1 to 30 of the characters/)
      assert.equal(fieldsOf(answer.text).title, 'Kept <i>')
    }
    await blog.tools.actors.describe(blog.account.id, { displayName: 'x' }, blog.date())
    await save()
    says(await save({ name: 'zoe' }), 409, /Another account has this blog/)
    assert.equal(await blog.tools.actors.findAccount('zoe'), undefined)
  })

  it('6.1-2 take the feed that the owner names, also when the blog names several or none', async () => {
    await start()
    blog.write(items(2))
    const rss = blog.rss([{ path: 'x', title: 'From the other', date: blog.date(-DAY) }])
    blog.net.set(`${BLOG}other.xml`, { headers: { 'content-type': 'application/rss+xml' }, body: rss })
    const link = (href: string, title: string) => `<link rel="alternate" type="application/rss+xml" href="${href}" title="${title}">`
    blog.page(
      '',
      `<title>The blog</title>${link('/feed.xml', 'All')}${link('/other.xml', 'Other &lt;script&gt;')}${link('/feed.xml', 'Again')}`
    )
    const found = await look()
    assert.equal([...found.text.matchAll(/type="radio"/g)].length, 2)
    assert.ok(!found.text.includes('<script>'))
    const other = await look({ feed: `${BLOG}other.xml`, found: `${BLOG}feed.xml` })
    says(other, 200, /The feed names one post: From the other/)
    assert.equal((await owner.post('/setup/blog', { ...fieldsOf(other.text), csrf: owner.csrf })).status, 303)
    await blog.work()
    const kept = async () => (await blog.tools.blogs.find(blog.account.id))!
    assert.deepEqual([(await kept()).fixedFeed, (await kept()).feedUrl], [`${BLOG}other.xml`, `${BLOG}other.xml`])
    // it is proposed again, and changed back
    assert.equal(fieldsOf((await look()).text).feed, `${BLOG}other.xml`)
    await owner.post('/setup/blog', {
      csrf: owner.csrf,
      url: BLOG,
      name: 'blog',
      title: 'x',
      feed: `${BLOG}feed.xml`,
      found: `${BLOG}feed.xml`
    })
    await blog.work()
    assert.deepEqual([(await kept()).fixedFeed, (await kept()).feedUrl], [undefined, `${BLOG}feed.xml`])

    for (const name of ['feed', 'other']) blog.net.set(`${BLOG}${name}.xml`, { status: 404 })
    says(await look(), 200, /The blog names this feed, but it cannot be read\. The feed answered 404\./)
    blog.page('', '<title>The blog</title>')
    says(await look(), 200, /No feed was found/)
    says(await look({ other: `${BLOG}nothing.xml` }), 404, /The feed answered 404/)
    says(await look({ other: 'no address' }), 400, /A feed has a web address/)
  })

  it('6.1-2 say what an address leads to that is no blog, and ask for another', async () => {
    await start()
    const html = { 'content-type': 'text/html' }
    blog.net.set('https://broken.example/', { status: 500 })
    blog.net.set('https://gone.example/', { status: 404 })
    blog.net.set('https://old.example/', { redirectTo: BLOG })
    blog.net.set('https://in.example/', { redirectTo: 'https://10.0.0.1/' })
    blog.net.set('https://empty.example/', { headers: html, body: '' })
    blog.write(items(1))
    const table: [string, number, RegExp][] = [
      ['https://broken.example/', 422, /answered 500/],
      ['https://gone.example/', 404, /answered 404/],
      ['https://nowhere.example/', 422, /could not be reached/],
      ['http://10.0.0.1/', 403, /not a public address.*ALLOW_ADDRESSES/],
      ['https://in.example/', 403, /not a public address/],
      ['http://localhost:5432/', 403, /Port 5432 may not be reached|public address/],
      ['https://user:secret@blog.example/', 200, /Is this right/],
      ['javascript:alert(1)', 400, /A blog has a web address/],
      ['ftp://blog.example/', 400, /A blog has a web address/],
      ['', 400, /A blog has a web address/],
      ['https://empty.example/', 200, /No feed was found.*No sitemap was found/],
      ['https://old.example/', 200, /Is this right\? https:\/\/blog\.example\/ /]
    ]
    for (const [url, status, words] of table) {
      const answer = await look({ url })
      says(answer, status, words)
      if (status !== 200 && url !== '') assert.equal(fieldsOf(answer.text).url, url)
      assert.ok(!answer.text.includes('user:secret'))
    }
    assert.equal(await blog.tools.blogs.find(blog.account.id), undefined)
  })

  it('6.1-2 speak of http:// when https finds none where plain http may be meant', async () => {
    for (const [env, hint] of [
      [{ ALLOW_HTTP: '1' }, true],
      [{}, false]
    ] as const) {
      await start(env)
      blog.net.set('https://plain.example/', () => {
        throw new Unreachable('plain.example could not be reached: it does not speak https.')
      })
      const { text } = await look({ url: 'plain.example' })
      assert.deepEqual([/does not speak https/.test(text), /write <code>http:\/\/<\/code>/.test(text)], [true, hint])
      if (hint) await blog.close()
    }
  })

  it('6.1-2 show on the last page why the blog could not be read, and try again', async () => {
    await start()
    blog.write(items(1))
    await save()
    blog.net.set(BLOG, { status: 500 })
    await blog.work()
    says(await owner.get('/setup/next'), 200, /The blog https:\/\/blog\.example\/ answered 500\..*Try again/)
    blog.write(items(1))
    assert.equal((await owner.post('/setup/again', { csrf: owner.csrf, as: 'blog' })).location, '/setup/next?as=blog')
    says(await owner.get('/setup/next'), 200, /being read/)
    await blog.work()
    says(await owner.get('/setup/next'), 200, /Posts one Post 0/)
    assert.equal((await owner.post('/setup/again', { csrf: owner.csrf, as: '//evil' })).status, 404)
  })

  it('X41 show what a blog calls itself, its feeds and its posts as text', async () => {
    await start()
    const evil = '&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&quot;\u202e'
    blog.write([{ path: 'a', title: evil.repeat(20), date: blog.date(-DAY) }])
    const links = ['javascript:alert(1)', 'data:text/html,x'].map(
      href => `<link rel="alternate" type="application/rss+xml" href="${href}">`
    )
    blog.page(
      '',
      `<title>\u0007${evil.repeat(50)}</title>${links.join('')}<link rel="alternate" type="application/rss+xml" href="/feed.xml" title="${evil}"><link rel="icon" href="javascript:alert(1)">`
    )
    const found = await look()
    assert.equal(found.status, 200)
    assert.ok([...(fieldsOf(found.text).title ?? '')].length <= 200)
    await owner.post('/setup/blog', { ...fieldsOf(found.text), csrf: owner.csrf })
    await blog.work()
    for (const { text } of [found, await owner.get('/setup/next'), await owner.get('/settings')]) {
      assert.doesNotMatch(text, /<script(?! type="module" src="\/page)|="javascript:|="data:|" onload="/)
      assert.doesNotMatch(text, /[\u202e\u0007]/)
    }
  })

  it('6.1 say which posts the pattern takes, and when it takes none', async () => {
    await start({ BLOG_POST_PATTERN: '^https://blog\\.example/2026/' })
    blog.write([...items(2), { path: 'about', title: 'About', date: blog.date(-3 * DAY) }])
    const found = await look()
    says(found, 200, /BLOG_POST_PATTERN takes: \^https.*Post 0 .* a post.*About .* not tooted: the pattern does not take it/)
    says(found, 200, /It names 3 pages\. The pattern takes 2 of them\. Some that it does not take https:\/\/blog\.example\/about/)
    blog.write([{ path: 'about', title: 'About', date: blog.date(-DAY) }])
    says(await look(), 200, /The pattern takes none of them: nothing of this blog would be tooted/)
  })

  it('6.1 show what is set by the environment as set there, and change none of it', async () => {
    await start({ BLOG_URL: BLOG, BLOG_FEED: `${BLOG}feed.xml`, ACCOUNT: 'blog' })
    blog.write(items(1))
    await prepareNode(blog.tools)
    const asked = await owner.get('/setup')
    assert.match(asked.text, new RegExp(`value="${BLOG}" readonly`))
    says(asked, 200, /BLOG_URL set by environment: change it there/)
    blog.net.set('https://other.example/', { headers: { 'content-type': 'text/html' }, body: '<title>Other</title>' })
    const found = await look({ url: 'https://other.example/', other: 'https://other.example/feed' })
    says(found, 200, /https:\/\/blog\.example\/feed\.xml set by environment/)
    assert.doesNotMatch(found.text, /name="other"/)
    await save({ url: 'https://other.example/', name: 'blog' })
    assert.equal((await blog.tools.blogs.find(blog.account.id))?.url, BLOG)
    blog.net.set(BLOG, { redirectTo: 'https://www.blog.example/' })
    blog.net.set('https://www.blog.example/', { headers: { 'content-type': 'text/html' }, body: '<title>Moved</title>' })
    says(await look(), 200, /This address leads to another host: https:\/\/www\.blog\.example\//)
  })

  it('6.2-1 can be done without a blog', async () => {
    await start()
    says(await owner.get('/setup/next'), 200, /You are @blog@node\.example \. What comes next Set a passphrase/)
    assert.equal((await owner.get('/setup/next?as=nobody')).status, 404)
  })
})

describe('the line on the console', () => {
  let node: TestNode
  before(async () => {
    node = await startNode({ work: false })
  })
  after(() => node.close())

  it('6.1-2 has a link that begins the first steps, as long as nobody has signed in', async () => {
    await prepareNode(node.tools)
    const told: string[] = []
    await inviteOwner(node.tools, line => told.push(line))
    assert.match(
      told[0]!,
      new RegExp(`^Set this node up: ${node.url}/setup\\?token=[\\w-]{43} \\(works once, within 15 minutes; .*npx tidings signin`)
    )
    const { signInByLink } = await import('../../src/federation/sign-in.ts')
    assert.ok(await signInByLink(node.tools, /token=([\w-]+)/.exec(told[0]!)![1]!))
    await inviteOwner(node.tools, line => told.push(line))
    assert.equal(told.length, 1)
  })
})
