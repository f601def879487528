/** The page of the blog's kit: what to put where, and what stands there. */
import assert from 'node:assert/strict'
import { setBlog } from '../../src/federation/blog.ts'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { type KitBlog, startKitBlog } from '../support/kit-blog.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf } from '../support/residents.ts'

const PATH = '/settings/blog'

describe('the page of the blog', () => {
  let node: TestNode
  let blog: KitBlog
  let owner: Visitor & { csrf: string }
  before(async () => {
    blog = await startKitBlog('netlify')
    blog.put()
    node = await startNode({ env: { BLOG_URL: `${blog.origin}/` }, accounts: ['blog'], work: false })
    owner = await signIn(node)
  })
  after(async () => {
    await node?.close()
    await blog?.close()
  })
  beforeEach(async () => {
    const account = await accountOf(node.tools, 'blog')
    await setBlog(node.tools, account, `${blog.origin}/`)
    await node.tools.blogs.change(account.id, { title: 'The blog', feedUrl: `${blog.origin}/feed.xml` })
  })

  it('6.1 offers the hosts, and for the chosen one each file with its place and a download, and each line', async () => {
    const start = await owner.get(PATH)
    assert.equal(start.status, 200)
    assert.equal(start.headers.get('cache-control'), 'no-store')
    for (const host of ['netlify', 'cloudflare', 'nginx', 'apache', 'caddy', 'github-pages', 'plain'])
      assert.ok(start.text.includes(`href="${PATH}?for=${host}#kit"`), host)
    assert.doesNotMatch(start.text, /<pre/)
    const { text } = await owner.get(`${PATH}?for=netlify`)
    assert.match(text, /\?for=netlify#kit" aria-current="page"/)
    assert.match(text, /<code dir="ltr">_redirects<\/code>/)
    assert.ok(text.includes(`/.well-known/webfinger  ${node.url}/.well-known/webfinger  302!`))
    assert.match(text, /data-copy="text0"/)
    assert.match(text, /&lt;meta name=&quot;fediverse:creator&quot; content=&quot;@blog@127\.0\.0\.1:\d+&quot;&gt;/)
    assert.match(text, new RegExp(`HANDLE_HOST=127\\.0\\.0\\.1:${blog.port}`))
    assert.match((await owner.get(`${PATH}?for=github-pages`)).text, /into <code dir="ltr">_config\.yml<\/code>/)
    assert.match((await owner.get(`${PATH}?for=netlify`)).text, /lang="en"/)
  })

  it('S2b speaks German, the places of files too', async () => {
    const { text } = await visitorIn('de').get(`${PATH}?for=github-pages`)
    assert.match(text, /Wo liegt dein Blog\?/)
    assert.match(text, /in <code dir="ltr">_config\.yml<\/code>/)
    assert.doesNotMatch(text, /Into the/)
  })
  const visitorIn = (language: string) => ({ get: (path: string) => owner.get(path, { 'accept-language': language }) })

  it('X48 gives each file to be saved, and nothing that a browser would show', async () => {
    const { headers, status, text } = await owner.get(`${PATH}/file?for=plain&path=.well-known/webfinger`)
    assert.equal(status, 200)
    assert.equal((JSON.parse(text) as { subject: string }).subject, `acct:blog@127.0.0.1:${blog.port}`)
    assert.deepEqual(
      ['content-type', 'content-disposition', 'x-content-type-options'].map(name => headers.get(name)),
      ['application/octet-stream', 'attachment; filename="webfinger"', 'nosniff']
    )
    for (const query of ['for=plain&path=../../etc/passwd', 'for=x&path=_redirects', '', 'for=netlify&path=.well-known/webfinger'])
      assert.equal((await owner.get(`${PATH}/file?${query}`)).status, 404, query)
  })

  it('6.1 W1 checks from outside, and shows the failing request with the beginning of its body', async () => {
    const { status, text } = await owner.post(`${PATH}/check`, { csrf: owner.csrf, for: 'netlify' })
    assert.equal(status, 200)
    assert.match(text, /class="bad"><span class="unseen">Wrong:<\/span> <bdi>There is no host-meta at 127/)
    assert.ok(text.includes(`<code dir="ltr">${blog.origin}/.well-known/host-meta</code> answered 404`))
    assert.match(text, /<pre dir="auto" tabindex="0">&lt;title&gt;Not here/)
    assert.match(text, /class="good"><span class="unseen">Fine:<\/span> <bdi>The blog answers\./)
    assert.match(text, /aria-current="page">Netlify/)
  })

  it('X41 what a blog sends is text, on the page of its kit and among what was found', async () => {
    const account = await accountOf(node.tools, 'blog')
    const hostile = '"><img src=x onerror=alert(1)>'
    await node.tools.blogs.change(account.id, { title: hostile, feedUrl: `${blog.origin}/feed.xml?${encodeURI(hostile)}` })
    blog.write('.well-known/host-meta', `<script>alert(1)</script>${hostile}`)
    for (const { text } of [
      await owner.get(`${PATH}?for=plain`),
      await owner.post(`${PATH}/check`, { csrf: owner.csrf }),
      await owner.get(`${PATH}?for=${encodeURIComponent(hostile)}&as=blog`)
    ])
      assert.doesNotMatch(text, /<img src=x|<script>alert/)
  })

  it('X44 shows and asks nothing without the session, its token and our own page', async () => {
    const asked = blog.hits()
    for (const path of [PATH, `${PATH}/file?for=plain&path=.well-known/webfinger`])
      assert.equal((await visitor(node).get(path)).status, 403)
    assert.equal((await visitor(node).post(`${PATH}/check`, { csrf: owner.csrf })).status, 403)
    assert.equal((await owner.post(`${PATH}/check`, { csrf: 'x' })).status, 403)
    assert.equal((await owner.post(`${PATH}/check`, { csrf: owner.csrf }, { origin: 'https://evil.example' })).status, 403)
    assert.equal(blog.hits(), asked)
  })

  it('tells an account without a blog how to get one', async () => {
    const bare = await startNode({ accounts: ['alice'], work: false })
    const { status, text } = await (await signIn(bare)).get(PATH)
    await bare.close()
    assert.equal(status, 200)
    assert.match(text, /The account @alice has no blog yet\. <a href="\/setup">/)
  })

  it('X40 checks at most six times a minute', async () => {
    const answers = []
    for (let i = 0; i < 7; i++) answers.push((await owner.post(`${PATH}/check`, { csrf: owner.csrf })).status)
    assert.equal(answers.at(-1), 429)
  })
})
