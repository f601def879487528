/**
 * Journey 6.1 on the pages, as its owner goes it: from the link on the console to an answer that is gone for good, by keys alone on a desk
 * and by touch on a phone; and what the pages tell when something is wrong.
 */
import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { inviteOwner, prepareNode } from '../../src/commands/first-start.ts'
import { findAccount } from '../../src/federation/accounts.ts'
import { readBlogNow } from '../../src/federation/blog.ts'
import { findBlogKit, makeKit } from '../../src/federation/kit.ts'
import { readTootThread } from '../../src/federation/toot-thread.ts'
import { pageKey } from '../../src/protocol/blog-address.ts'
import { type Fedify, startFedify } from '../support/doubles/fedify.ts'
import { type Mastodon, startMastodon } from '../support/doubles/mastodon-api.ts'
import { openBrowser } from '../support/looking.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { startStaticBlog } from '../support/static-blog.ts'
import { DEVICES, setOut, type Traveller } from '../support/traveller.ts'

const DAY = 86_400_000
const COMMENTS = 'tidings-comments'
const OLD = 412

/** The one-time link, as it is printed on the console. */
async function linkOf(node: TestNode): Promise<string> {
  const lines: string[] = []
  await inviteOwner(node.tools, line => lines.push(line))
  return /http\S+/.exec(lines[0] ?? '')?.[0] ?? assert.fail('no link')
}

const oldPosts = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    ...{ slug: `old-${n}`, title: `Of old, ${n}`, summary: 'Long ago.', html: '<p>Then.</p>' },
    published: new Date(Date.now() - (n + 20) * DAY)
  }))

for (const device of DEVICES)
  describe(`journey 6.1, a blog owner on a ${device}`, () => {
    let browser: Browser
    let blog: Awaited<ReturnType<typeof startStaticBlog>>
    let mastodon: Mastodon
    let carol: Fedify
    let node: TestNode
    let owner: Traveller
    let visitor: Traveller

    before(async () => {
      browser = await openBrowser()
      ;[blog, mastodon, carol] = await Promise.all([startStaticBlog(() => node.url), startMastodon(), startFedify()])
      const TOOT_TEMPLATE = '{title}\\n\\n{summary}\\n{hashtags}\\n{url}'
      node = await startNode({ env: { HANDLE_HOST: new URL(blog.origin).host, TOOT_TEMPLATE } })
      await prepareNode(node.tools)
      blog.put(...oldPosts(OLD))
      ;[owner, visitor] = await Promise.all([setOut(browser, device), setOut(browser, device)])
    })
    after(async () => {
      await browser?.close()
      await node?.close()
      for (const one of [blog, mastodon, carol]) await one?.close()
    })

    const comments = () => visitor.page.locator(COMMENTS)
    const visit = async (slug: string) => {
      await visitor.open(blog.address(slug))
      await comments().locator('h2').waitFor()
      return comments().locator('section').innerText()
    }
    const account = () => findAccount(node.tools, 'ann')
    const post = async (title: string) =>
      (await node.tools.timelines.feed((await account()).id, undefined, 5)).find(one => one.title === title) ?? assert.fail(title)
    const shownIn = async (slug: string): Promise<string[]> => {
      const { uri } = await post('On <bridges>')
      const json = (address: string) => fetch(address, { headers: { accept: 'application/activity+json' } }).then(answer => answer.text())
      return [await visit(slug), await fetch(uri).then(answer => answer.text()), await json(`${uri}/replies`)]
    }

    it('2 opens the link of the console and finds the blog by its address, or is told why not', async () => {
      await owner.open(await linkOf(node))
      await owner.go(owner.button('Begin'))
      blog.trouble.failing = '/'
      await owner.write(owner.field('Address of your blog'), `${blog.origin}/`)
      await owner.go(owner.button('Look at it'))
      await owner.see(/answered 500/)
      await owner.look('setup that failed')
      delete blog.trouble.failing
      await owner.go(owner.button('Look at it'))
      assert.equal(await owner.field('Title of the blog').inputValue(), 'A blog')
      assert.match(await owner.text(), new RegExp(`feed\\.xml[\\s\\S]*sitemap\\.xml[\\s\\S]*It names ${OLD} pages`))
      await owner.look('proposal')
      await owner.write(owner.field(/^Handle/), 'ann')
      await owner.go(owner.button('Yes, read it'))
      await owner.see('Of old, 0')
      assert.match(await owner.text(), new RegExp(`@ann@${new URL(blog.origin).host}`))
      await owner.look('next')
    })

    it('3 connects the blog: files and lines for GitHub Pages, and a check that shows the failing request, then ticks', async () => {
      await owner.go(owner.link('Connect your blog'))
      await owner.go(owner.link('GitHub Pages'))
      await owner.look('kit')
      const kit = makeKit('github-pages', await findBlogKit(node.tools, await account(), 'Read and reply'))
      const shown = await owner.page.locator('pre').allInnerTexts()
      assert.deepEqual(
        shown.map(text => text.trim()),
        [...kit.files, ...kit.lines].map(({ text }) => text.trim())
      )
      blog.trouble.failing = '/.well-known/host-meta'
      await owner.go(owner.button('Check'))
      const failed = owner.page.locator('.checks li', { hasText: 'no host-meta' })
      await owner.press(failed.locator('summary'))
      assert.match(await failed.innerText(), /\/\.well-known\/host-meta\s.*500[\s\S]*Out of order/)
      await owner.look('kit that fails')
      delete blog.trouble.failing
      blog.commit(kit)
      await owner.go(owner.button('Check'))
      assert.deepEqual(await owner.page.locator('.checks .bad').allInnerTexts(), [])
      assert.ok((await owner.page.locator('.checks .good').count()) >= 4, await owner.text())
      await owner.look('kit that stands')
    })

    /** From the form to the page of the Mastodon server. */
    const askMastodon = async () => {
      await owner.write(owner.field('Your Mastodon server'), mastodon.origin)
      await owner.go(owner.button('Connect'))
      await owner.see('read:statuses')
    }

    it('4 connects Mastodon by a code, and by being sent back, with narrow permissions', async () => {
      await owner.go(owner.link('Mastodon'))
      await askMastodon()
      await owner.look('Mastodon begun')
      await owner.press(owner.page.getByText('If you are not sent back'))
      const aside = await owner.goAside(owner.link(/show a code/))
      await aside.go(aside.button('Authorize'))
      const code = await aside.page.locator('.oauth-code').inputValue()
      await aside.page.close()
      await owner.write(owner.page.locator('#code'), code)
      await owner.go(owner.button('Connect'))
      await owner.see(/Toots as/)
      await owner.look('Mastodon connected')
      await owner.go(owner.button('Disconnect'))
      await owner.see(/Not connected/)
      await askMastodon()
      await owner.go(owner.link(/^Go to/))
      await owner.go(owner.button('Authorize'))
      await owner.see(/Toots as/)
      assert.match(await owner.text(), /profile read:statuses write:statuses|write:statuses/)
      assert.equal(new URL(owner.page.url()).search, '')
    })

    it('5 looks at what would be old, then marks all of it, and sees how far that is', async () => {
      await owner.open(`${node.url}/setup/next?as=ann`)
      await owner.go(owner.link('Import old posts'))
      await owner.press(owner.button('Look first'))
      await owner.see(new RegExp(`${OLD} addresses, of which ${OLD} are posts: ${OLD} would be marked`))
      let read = () => {}
      blog.trouble.held = { path: '/sitemap.xml', until: new Promise<void>(done => (read = done)) }
      await owner.go(owner.button('Import'))
      await owner.page.getByRole('progressbar').waitFor()
      await owner.see(/Reading/)
      await owner.look('old posts, under way')
      read()
      await owner.see(new RegExp(`${OLD} are marked as old now`))
      await owner.look('old posts')
      delete blog.trouble.held
      assert.equal(mastodon.statuses().length, 0)
    })

    const bridges = { slug: 'bridges', summary: 'Why they stand.', html: '<p>They stand.</p>', tags: ['Bridges'], published: new Date() }

    it('6 tells of a new post once: one toot at its first visitor, followers, and a place for comments', async () => {
      await carol.follow((await account()).uri)
      await until('the answer to the follow', () => carol.count('Accept', undefined, 'Follow') > 0)
      blog.put({ ...bridges, title: 'On <brigdes>', published: new Date() })
      assert.match(await visit('bridges'), /Be the first/)
      await visitor.look('a post')
      await visit('bridges')
      assert.equal(mastodon.statuses().length, 1)
      const [{ status } = assert.fail()] = mastodon.statuses()
      for (const part of [/On &lt;brigdes&gt;/, /Why they stand/, /#<span>bridges/, /posts\/bridges/]) assert.match(status.content, part)
      await until('the post at the follower’s', () => carol.count('Create') === 1, 15_000)
      await owner.go(owner.link('Log'))
      await owner.see('On <brigdes>')
      await owner.look('log')
    })

    it('7 mends the title: no second toot, an Update, and the log has it', async () => {
      const before = await post('On <brigdes>')
      blog.put({ ...bridges, title: 'On <bridges>', published: before.publishedAt, updated: new Date(Date.now() + 1000) })
      await readBlogNow(node.tools, (await account()).id)
      await until('the Update', () => carol.count('Update', before.uri) === 1, 15_000)
      await visit('bridges')
      assert.equal(mastodon.statuses().length, 1)
      assert.equal((await post('On <bridges>')).uri, before.uri)
      const feed = await fetch(`${node.url}/users/ann.atom`).then(answer => answer.text())
      assert.ok(feed.includes(`<id>${before.uri}</id>`))
      await owner.open(`${node.url}/log`)
      await owner.see('On <bridges>')
    })

    it('8 lets somebody in, then hides what is nasty and blocks where it comes from: gone from widget, page and collection', async () => {
      const key = pageKey(blog.address('bridges'))
      const { tootId } = (await node.tools.toots.find(key)) ?? assert.fail()
      const reply = async (as: string, text: string) => {
        mastodon.reply({ to: tootId!, as, text })
        await readTootThread(node.tools, key)
      }
      await reply('eve@nasty.example', 'A polite word.')
      await owner.go(owner.link(/^Moderation/))
      await owner.see('A polite word.')
      await owner.look('moderation')
      await owner.go(owner.button(/^Approve: /))
      await owner.see('One answer is shown now.')
      await reply('eve@nasty.example', 'You are all fools.')
      await reply('mob@nasty.example', 'Fools, I say.')
      await until('the answer under the post', async () => /all fools/.test(await visit('bridges')), 10_000)
      for (const [at, seen] of (await shownIn('bridges')).entries()) assert.match(seen, at < 2 ? /all fools/ : /nasty\.example/)
      const shown = comments().locator('article', { hasText: 'all fools' }).locator('a:has(time)')
      const address = await shown.evaluate(link => (link as unknown as { href: string }).href)
      await owner.go(owner.link(/^Moderation/))
      await owner.see('Fools, I say.')
      await owner.write(owner.field('Address'), address)
      await owner.go(owner.button('Look at it'))
      await owner.see('everybody sees it')
      await owner.look('an answer')
      await owner.go(owner.button('Hide for good'))
      await owner.see('hidden by you')
      await owner.go(owner.button(/^Block all of/))
      await owner.see('Servers to be blocked')
      await owner.look('what a block means')
      await owner.go(owner.button('Block these'))
      await owner.see('nasty.example')
      await owner.look('blocks')
      await owner.go(owner.link('Waiting'))
      await owner.see('Nothing waits for you.')
      await until('its end', async () => !/fools/.test(await visit('bridges')), 10_000)
      for (const seen of await shownIn('bridges')) assert.doesNotMatch(seen, /fools|nasty\.example/)
      await reply('eve@nasty.example', 'Again.')
      for (const seen of await shownIn('bridges')) assert.doesNotMatch(seen, /Again\.|nasty\.example/)
    })

    it('tells on every page that the token was revoked; what waits is tooted once it is connected again', async () => {
      mastodon.revoke()
      blog.put({ slug: 'towers', title: 'On towers', summary: 'They lean.', html: '<p>Lean.</p>', published: new Date() })
      await readBlogNow(node.tools, (await account()).id)
      await visit('towers')
      await until('the refusal', async () => (await node.tools.toots.find(pageKey(blog.address('towers')))) !== undefined)
      await owner.open(node.url)
      await owner.see(/does not take our token any more: 1 toot waits/)
      await owner.look('a token that was revoked')
      await owner.go(owner.link('Connect again'))
      await askMastodon()
      await owner.go(owner.link(/^Go to/))
      await owner.go(owner.button('Authorize'))
      await until('the toot', () => mastodon.statuses().length === 2, 15_000)
      await owner.open(node.url)
      assert.doesNotMatch(await owner.text(), /any more/)
      assert.match(mastodon.statuses()[1]!.status.content, /On towers/)
    })

    it('W36 did nothing that a browser complains of', () => {
      const faults = [...owner.complaints, ...visitor.complaints]
      assert.deepEqual(
        faults.filter(text => !/Failed to load resource/.test(text)),
        []
      )
    })
  })

describe('journey 6.1, what is wrong from the start', () => {
  it('tells that a pattern matches nothing, before and after it counts', async () => {
    const browser = await openBrowser()
    const blog = await startStaticBlog(() => 'http://127.0.0.1:1')
    blog.put(...oldPosts(3))
    const pattern = `^${blog.origin.replaceAll('.', '\\.')}/articles/`
    const node = await startNode({ env: { BLOG_URL: `${blog.origin}/`, BLOG_POST_PATTERN: pattern } })
    try {
      await prepareNode(node.tools)
      for (const device of DEVICES) {
        const owner = await setOut(browser, device)
        await owner.open(
          await (device === 'desk' ? linkOf(node) : node.tools.sessions.addLink(new Date()).then(node.tools.addresses.signIn))
        )
        await owner.go(owner.button(device === 'desk' ? 'Begin' : /^Sign in/).last())
        await owner.open(`${node.url}/setup`)
        await owner.go(owner.button('Look at it'))
        await owner.see(/The pattern takes none of them: nothing of this blog would be tooted/)
        await owner.look('a pattern that takes nothing')
        await owner.go(owner.button('Yes, read it'))
        await owner.go(owner.link('Import old posts'))
        await owner.press(owner.button('Look first'))
        await owner.see(/The pattern takes none of these addresses/)
        await owner.look('old posts that none are')
        await owner.close()
      }
    } finally {
      await browser.close()
      await node.close()
      await blog.close()
    }
  })
})
