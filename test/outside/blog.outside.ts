/**
 * The whole way of a blog in a real browser: one line of script, one toot, answers from elsewhere that wait, are approved and appear, and
 * the way to answer from one's own server. SCREENSHOTS names a folder for pictures; HUGO a program other than /usr/bin/hugo.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { request } from 'undici'
import { findAccount } from '../../src/federation/accounts.ts'
import { findBlog, readBlogNow, setBlog } from '../../src/federation/blog.ts'
import { approve } from '../../src/federation/moderate.ts'
import { readTootThread } from '../../src/federation/toot-thread.ts'
import { pageKey } from '../../src/protocol/blog-address.ts'
import { type Mastodon, startMastodon } from '../support/doubles/mastodon-api.ts'
import type { Loopback } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { keepPost, meet } from '../support/residents.ts'
import { type StaticBlog, startHugoBlog, startStaticBlog } from '../support/static-blog.ts'
import { startVisitors } from '../support/visitors.ts'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const pictures = process.env.SCREENSHOTS
const hugo = process.env.HUGO ?? '/usr/bin/hugo'
const COMMENTS = 'tidings-comments'

describe('a blog in a real browser', () => {
  let browser: Browser
  let mastodon: Mastodon
  let node: TestNode
  let blog: Awaited<ReturnType<typeof startStaticBlog>>
  let visitors: Loopback
  let page: Page
  const foreign: string[] = []
  const complaints: string[] = []

  before(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
    mastodon = await startMastodon()
    visitors = await startVisitors()
    blog = await startStaticBlog(() => node.url)
    node = await startNode({
      env: {
        ...{ BLOG_URL: `${blog.origin}/`, MASTODON_HOST: mastodon.origin },
        ...{
          MASTODON_USER: 'owner',
          MASTODON_OAUTH_TOKEN: mastodon.grant('read write'),
          BLOG_TITLE_PATTERN: '^(?P<title>.*?)( - A blog|)$',
          BLOG_POST_PATTERN: `^${blog.origin.replaceAll('.', '\\.')}/posts/[^/]+`
        }
      },
      accounts: ['blog']
    })
    blog.begin()
    const account = await findAccount(node.tools, 'blog')
    await setBlog(node.tools, account, `${blog.origin}/`)
    await findBlog(node.tools, account.id)
    await readBlogNow(node.tools, account.id)
    page = await open(browser)
  })
  after(async () => {
    await browser?.close()
    await node?.close()
    for (const one of [blog, visitors, mastodon]) await one?.close()
  })

  const open = async (where: Browser): Promise<Page> => {
    const opened = await where.newPage({ viewport: { width: 900, height: 900 }, locale: 'en-GB' })
    opened.on('console', message => message.type() === 'error' && complaints.push(message.text()))
    opened.on('pageerror', error => complaints.push(String(error)))
    opened.on('request', request => {
      const { origin, protocol } = new URL(request.url())
      if (protocol !== 'data:' && origin !== node.url && origin !== blog.origin) foreign.push(request.url())
    })
    return opened
  }
  const comments = () => page.locator(COMMENTS)
  const visit = async (slug: string) => {
    await page.goto(blog.address(slug))
    await comments().locator('h2').waitFor()
  }
  const look = async (name: string) => {
    for (const [width, scheme] of [
      [900, 'light'],
      [900, 'dark'],
      [320, 'light'],
      [320, 'dark']
    ] as const) {
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      assert.ok(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), `${name} is wider than ${width}`)
      assert.deepEqual(await violations(page), [], `${name} at ${width}, ${scheme}`)
      if (pictures === undefined) continue
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `${name}-${width}-${scheme}.png`), fullPage: true })
    }
    await page.setViewportSize({ width: 900, height: 900 })
    await page.emulateMedia({ colorScheme: 'light' })
  }
  /** A key and the id of the toot of a post. */
  const toot = async (slug: string) => {
    const key = pageKey(blog.address(slug))
    const { tootId } = (await node.tools.toots.find(key)) ?? {}
    assert.ok(tootId)
    return { key, id: tootId }
  }

  it('S1-1 S1-2 S1-4 S1-5 S1-6 S1-18 S1-78 S1-79 S1-89 makes one toot when the first reader loads the page, and shows that nobody has answered', async () => {
    blog.put({
      slug: 'bridges',
      title: 'On bridges',
      summary: 'Why they stand.',
      html: '<p>They stand. For a while.</p>',
      published: new Date(),
      tags: ['Bridges']
    })
    await visit('bridges')
    assert.equal(mastodon.statuses().length, 1)
    assert.match(mastodon.statuses()[0]!.status.content, /On bridges/)
    assert.match(await comments().locator('section').innerText(), /Be the first/)
    await look('nobody')
    await visit('bridges')
    assert.equal(mastodon.statuses().length, 1)
  })

  it('W31 keeps an answer waiting until it is approved; then it stands under the post, with likes and boosts', async () => {
    const { id, key } = await toot('bridges')
    mastodon.reply({
      to: id,
      as: 'bob@far.example',
      html: '<p>Some <strong>fall</strong>. <a href="https://far.example/fall">Look</a></p>'
    })
    mastodon.favourite(id, 'carol@far.example')
    mastodon.boost(id, 'dave@far.example')
    await readTootThread(node.tools, key)
    await visit('bridges')
    assert.doesNotMatch(await comments().locator('section').innerText(), /fall/)
    const [waiting] = await node.tools.answers.find(key)
    await approve(node.tools, waiting!.uri)
    const answer = mastodon.reply({ to: (await node.tools.answers.find(key))[0]!.id, as: 'bob@far.example', text: 'Others are mended.' })
    assert.ok(answer)
    await readTootThread(node.tools, key)
    await until(
      'the answers',
      async () => {
        await visit('bridges')
        return /Others are mended/.test(await comments().locator('section').innerText())
      },
      10_000
    )
    const text = await comments().locator('section').innerText()
    assert.match(text, /^2 comments\s+1 like\s+1 share/)
    assert.match(text, /Some fall/)
    assert.equal(await comments().locator('li li').count(), 1)
    await look('comments')
  })

  it('S1-87 S1-88 W33 leads to the visitor’s own server, asks once, and says what went wrong', async () => {
    await visit('bridges')
    const reply = comments()
      .getByRole('button', { name: /^Reply to/ })
      .first()
    await reply.focus()
    await page.keyboard.press('Enter')
    await page.keyboard.type('nobody@127.0.0.1:1')
    await page.keyboard.press('Enter')
    await comments()
      .getByRole('status')
      .filter({ hasText: /Is it spelled right/ })
      .waitFor()
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.type(`@me@${new URL(visitors.origin).host}`)
    await comments().getByLabel('Remember it on this site').check()
    await look('reply')
    const [opened] = await Promise.all([page.context().waitForEvent('page'), comments().getByRole('button', { name: 'Go there' }).click()])
    await opened.waitForLoadState()
    assert.ok(opened.url().startsWith(`${visitors.origin}/interact?uri=`), opened.url())
    await opened.close()
    foreign.length = 0
    await visit('bridges')
    await comments().getByRole('button', { name: 'Reply from your own server' }).click()
    assert.match(await comments().getByLabel('Your account or server').inputValue(), /^@me@/)
    await page.keyboard.press('Escape')
    assert.equal(await comments().locator('form').count(), 0)
  })

  it('X42 shows text as text, whatever an answer holds', async () => {
    const { id, key } = await toot('bridges')
    const html =
      '<p>plain<img src=x onerror="document.title=1"><script>document.title=2</script><a href="javascript:document.title=3">x</a></p>'
    mastodon.reply({ to: id, as: 'bob@far.example', html })
    await readTootThread(node.tools, key)
    await until(
      'the answer',
      async () => {
        await visit('bridges')
        return /plain/.test(await comments().locator('section').innerText())
      },
      10_000
    )
    assert.equal(await comments().locator('script, .text img, a[href^=javascript]').count(), 0)
    assert.match(await page.title(), /On bridges/)
  })

  it('6.4 leads those without JavaScript to the same conversation on the node', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false })
    const quiet = await plain.newPage()
    await quiet.goto(blog.address('bridges'))
    await quiet.click('noscript a')
    assert.ok(quiet.url().startsWith(`${node.url}/users/blog/posts/`), quiet.url())
    assert.match(await quiet.innerText('main'), /Some fall/)
    await plain.close()
  })

  it('S1-48 S1-19 shows nothing on a page that is no post, and makes no toot', async () => {
    await page.goto(`${blog.origin}/`)
    assert.equal(await comments().count(), 0)
    assert.equal(mastodon.statuses().length, 1)
  })

  it('W36 asked nobody but the blog and the node, under a strict policy', () => {
    assert.deepEqual(foreign, [])
    assert.deepEqual(
      complaints.filter(text => !/favicon|Failed to load resource/.test(text)),
      []
    )
  })

  it('S1-80 S1-81 S1-84 finds the one address of a page by itself, on every load, and shows its comments under a heading', async () => {
    const made = mastodon.statuses().length
    const url = new URL(blog.address('bridges'))
    await page.goto(`${url.href}?utm_source=x&page=2#comments`)
    await page.evaluate("document.querySelector('link[rel=canonical]').remove()")
    await page.evaluate('tidings.load()')
    await comments()
      .getByRole('heading', { name: /comments/ })
      .waitFor()
    assert.equal(await comments().count(), 1)
    assert.equal(mastodon.statuses().length, made)
  })

  it('S1-50 S1-82 S1-83 shows of an old post that it has no toot by showing none, and what fails only on the console', async () => {
    blog.put({ slug: 'old', title: 'Of old', summary: 'Long ago.', html: '<p>Then.</p>', published: new Date('2019-01-01') })
    const made = mastodon.statuses().length
    const said: string[] = []
    page.on('console', message => said.push(message.text()))
    await visit('old')
    assert.doesNotMatch(await comments().innerText(), /Read it on/)
    await page.goto(`${blog.origin}/`)
    await until('a line on the console', () => said.some(text => text.startsWith('tidings: ')))
    assert.equal(await comments().count(), 0)
    assert.equal(mastodon.statuses().length, made)
  })

  /** A page of the blog whose script line has attributes. */
  const putPage = (slug: string, attributes: string, body = '<main><article><p>Here.</p></article></main>') => {
    mkdirSync(join(blog.folder, slug), { recursive: true })
    const line = `<script src="${node.url}/widget.js" ${attributes} defer></script>`
    writeFileSync(
      join(blog.folder, slug, 'index.html'),
      `<!doctype html><html lang="en"><head><title>x</title>${line}</head><body>${body}</body></html>`
    )
    return `${blog.origin}/${slug}/`
  }

  it('W36 asks on a page that is no post for its toot alone, so that the console has no more than that', async () => {
    const failed: string[] = []
    const look = (response: { status(): number; url(): string }) => {
      if (response.status() >= 400 && response.url().startsWith(node.url)) failed.push(new URL(response.url()).pathname)
    }
    page.on('response', look)
    await page.goto(`${blog.origin}/`)
    await until('the answer', () => failed.length > 0)
    await page.waitForTimeout(300)
    await visit('bridges')
    page.off('response', look)
    assert.deepEqual(failed, ['/api/toot'])
  })

  it('S1-80 goes where the line says: data-url, data-target, data-faces, lang; and tells what it was told', async () => {
    const body = '<main><article><p>Here.</p></article><aside id="there"></aside></main>'
    const url = putPage('options', `data-url="${blog.address('bridges')}" data-target="#there" data-faces="off" lang="de"`, body)
    const other = await browser.newPage()
    await other.addInitScript(`addEventListener('DOMContentLoaded', () => {
      window.told = []
      for (const name of ['toot', 'comments']) document.addEventListener('tidings:' + name, event => told.push([name, event.detail.url]))
    }, { capture: true, once: true })`)
    await other.goto(url)
    await other.locator(`#there > ${COMMENTS} h2`).waitFor()
    assert.match(await other.locator(COMMENTS).locator('section').innerText(), /Kommentare.*1 Favorit.*Vom eigenen Server aus antworten/s)
    assert.equal(await other.locator(COMMENTS).locator('img, .faces ul').count(), 0)
    assert.deepEqual(await other.evaluate('told'), [
      ['toot', blog.address('bridges')],
      ['comments', blog.address('bridges')]
    ])
    await other.evaluate('Promise.all([tidings.load(), tidings.load()])')
    assert.equal(await other.locator(COMMENTS).count(), 1)
    await other.close()
  })

  it('W36 folds what its author warned of, and says which language it is', async () => {
    const { tools } = node
    const eve = await meet(tools, 'eve')
    await tools.verdicts.keep(eve.uri, 'approved', tools.clock())
    const { key } = await toot('bridges')
    const { postId } = (await tools.blogs.findEntry(key))!
    const html = '<p>Der Turm f\u00e4llt.</p>'
    await keepPost(tools, eve, { parentId: postId, inReplyTo: 'x', warning: '<b>Ende</b>', language: 'de', html, kind: 'comment' })
    await until(
      'the comment',
      async () => {
        await visit('bridges')
        return (await comments().locator('summary').count()) === 1
      },
      10_000
    )
    assert.equal(await comments().locator('summary').innerText(), '<b>Ende</b>')
    const text = comments().getByText('Der Turm')
    assert.equal(await text.isVisible(), false)
    assert.equal(await comments().locator('.text').filter({ hasText: 'Der Turm' }).getAttribute('lang'), 'de')
    await look('folded')
    await comments().locator('summary').focus()
    await page.keyboard.press('Enter')
    assert.equal(await text.isVisible(), true)
  })

  it('6.4 shows a long conversation page by page, and goes on where the reader was', async () => {
    blog.put({ slug: 'long', title: 'At length', summary: 'Much.', html: '<p>Much.</p>', published: new Date() })
    await visit('long')
    const { key } = await toot('long')
    const person = { handle: 'bob@far.example', name: 'Bob', uri: 'https://far.example/users/bob', url: 'https://far.example/@bob' }
    const said = Array.from({ length: 450 }, (_, n) => ({
      ...{
        id: String(9000 + n),
        uri: `https://far.example/s/${n}`,
        url: `https://far.example/@bob/${n}`,
        person,
        visibility: 'public' as const
      },
      ...{ html: `<p>number ${n}</p>`, published: new Date(Date.now() + n * 1000), ...(n % 2 ? { parentId: String(9000 + n - 1) } : {}) }
    }))
    await node.tools.verdicts.keep('acct:bob@far.example', 'approved', node.tools.clock())
    // its server, which knows of none of it, is not asked meanwhile
    await node.tools.toots.change(key, { pollAt: null, polledAt: node.tools.clock() })
    await node.tools.transaction(({ answers }) => answers.keep(key, said))
    const shown = () => comments().locator('article').count()
    await until(
      'the comments',
      async () => {
        await visit('long')
        return (await shown()) === 200
      },
      10_000
    )
    const more = comments().getByRole('button', { name: 'More comments' })
    for (const count of [400, 450]) {
      await more.click()
      await until(`${count} comments`, async () => (await shown()) === count)
      assert.match(await page.evaluate(`document.querySelector('${COMMENTS}').shadowRoot.activeElement.ariaLabel`), /^Reply to Bob/)
    }
    assert.equal(await more.count(), 0)
    assert.match(await comments().locator('section').innerText(), /450 comments/)
  })

  it('W36 is less than 10 kB when compressed', async () => {
    for (const encoding of ['br', 'gzip']) {
      const { body, headers } = await request(`${node.url}/widget.js`, { headers: { 'accept-encoding': encoding } })
      assert.equal(headers['content-encoding'], encoding)
      assert.ok((await body.arrayBuffer()).byteLength < 10_000)
    }
  })

  if (existsSync(hugo))
    it('serves a site that Hugo made, with its own feed and sitemap', async () => {
      const site = await startHugoBlog(hugo, node.url)
      try {
        const { addAccount } = await import('../../src/federation/accounts.ts')
        const account = await addAccount(node.tools, 'hugo', { blog: `${site.origin}/` })
        await followHugo(node, account.id, site)
        site.post('stones', 'Of stones', 'A post that a generator made.')
        const other = await browser.newPage()
        await other.goto(site.address('stones'))
        await readBlogNow(node.tools, account.id)
        await other.reload()
        await until('the post', async () =>
          (await node.tools.timelines.feed(account.id, undefined, 5)).some(post => post.title === 'Of stones')
        )
        await other.close()
      } finally {
        await site.close()
      }
    })
})

async function followHugo(node: TestNode, accountId: string, site: StaticBlog): Promise<void> {
  const found = await findBlog(node.tools, accountId)
  assert.equal(found.feedUrl, `${site.origin}/index.xml`)
  assert.equal(found.sitemapUrl, `${site.origin}/sitemap.xml`)
}

async function violations(page: Page): Promise<string[]> {
  // by the protocol of the browser, which no policy of the page forbids
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: axe })
  const run = `axe.run('tidings-comments', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
    .then(found => JSON.stringify(found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' '))))`
  const { result } = await session.send('Runtime.evaluate', { expression: run, awaitPromise: true, returnByValue: true })
  await session.detach()
  return JSON.parse(String(result.value))
}
