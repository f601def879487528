/** Journey 6.4 as a visitor of a blog goes it, who answers from their own server: by keys alone on a desk, by touch on a phone. */
import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { addAccount, findAccount } from '../../src/federation/accounts.ts'
import { findBlog, readBlogNow, setBlog } from '../../src/federation/blog.ts'
import { readTootThread } from '../../src/federation/toot-thread.ts'
import { pageKey } from '../../src/protocol/blog-address.ts'
import { type Mastodon, startMastodon } from '../support/doubles/mastodon-api.ts'
import { openBrowser } from '../support/looking.ts'
import type { Loopback } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { startStaticBlog } from '../support/static-blog.ts'
import { DEVICES, setOut, type Traveller } from '../support/traveller.ts'
import { startVisitors } from '../support/visitors.ts'

const MANY = 1000

for (const device of DEVICES)
  describe(`journey 6.4, a visitor on a ${device}`, () => {
    let browser: Browser
    let blog: Awaited<ReturnType<typeof startStaticBlog>>
    let mastodon: Mastodon
    let theirs: Loopback
    let node: TestNode
    let visitor: Traveller
    let plain: Traveller
    const foreign: string[] = []
    const key = () => pageKey(blog.address('bridges'))

    before(async () => {
      browser = await openBrowser()
      ;[blog, mastodon, theirs] = await Promise.all([startStaticBlog(() => node.url), startMastodon(), startVisitors()])
      const connected = { MASTODON_HOST: mastodon.origin, MASTODON_USER: 'owner', MASTODON_OAUTH_TOKEN: mastodon.grant() }
      node = await startNode({ env: { BLOG_URL: `${blog.origin}/`, MODERATION: 'all', ...connected } })
      const { tools } = node
      blog.put({ slug: 'bridges', title: 'On bridges', summary: 'Why.', html: '<p>They stand.</p>', published: new Date() })
      const account = await addAccount(tools, 'blog', { blog: `${blog.origin}/` })
      await setBlog(tools, account, `${blog.origin}/`)
      await findBlog(tools, account.id)
      await readBlogNow(tools, account.id)
      ;[visitor, plain] = await Promise.all([setOut(browser, device), setOut(browser, device, { javaScriptEnabled: false })])
      visitor.page.on('request', request => {
        if (![node.url, blog.origin].includes(new URL(request.url()).origin)) foreign.push(request.url())
      })
    })
    after(async () => {
      await browser?.close()
      await node?.close()
      for (const one of [blog, mastodon, theirs]) await one?.close()
    })

    const comments = () => visitor.page.locator('tidings-comments')
    const host = () => new URL(theirs.origin).host
    const visit = async (slug = 'bridges') => {
      await visitor.open(blog.address(slug))
      await comments().locator('h2').waitFor()
      return comments().locator('section').innerText()
    }
    const tootOf = async () => (await node.tools.toots.find(key()))?.tootId ?? assert.fail('no toot')
    /** What the server of the toot tells is read, and stands under the post. */
    const stands = async (what: RegExp, how = true) => {
      await readTootThread(node.tools, key())
      await until(String(what), async () => what.test(await visit()) === how, 40_000)
    }
    const say = async (text: string, more: { visibility?: 'direct' } = {}) =>
      mastodon.reply({ to: await tootOf(), as: 'me@friendica.example', text, ...more })

    it('1 sees what was said, without a cookie and without a request to anybody else', async () => {
      await visit()
      for (const n of [1, 2, 3]) mastodon.reply({ to: await tootOf(), as: `ann${n}@far.example`, text: `word ${n}` })
      mastodon.favourite(await tootOf(), 'bob@far.example')
      mastodon.boost(await tootOf(), 'carl@far.example')
      await stands(/^3 comments\s+1 like\s+1 share/)
      await visitor.look('the conversation')
      assert.deepEqual([await visitor.page.context().cookies(), foreign], [[], []])
    })

    const account = () => comments().getByLabel('Your account or server')
    const ask = async (who: string, told: RegExp) => {
      await visitor.write(account(), who)
      await visitor.press(comments().getByRole('button', { name: 'Go there' }))
      await comments().getByRole('status').filter({ hasText: told }).waitFor()
    }

    it('2 is led to their own server, after every mistake that one can make', async () => {
      await node.tools.verdicts.keep('host:blocked.example', 'blocked', node.tools.clock())
      await node.tools.changes.tell('moderated')
      await visitor.press(comments().getByRole('button', { name: 'Reply from your own server' }))
      await ask('me@@far', /neither an account/)
      await ask('me@127.0.0.1:1', /No server answers.*Is it spelled right/)
      await ask(`typo@${host()}`, /knows no account/)
      assert.ok(await account().evaluate(field => field.matches(':focus')), 'one may go on typing')
      await visitor.look('a reply')
      const opened = visitor.page.context().waitForEvent('page')
      await ask(`plain@${host()}`, /opens in a new window/)
      const usual = await opened
      await usual.waitForURL(`${theirs.origin}/authorize_interaction?uri=*`)
      await usual.close()
      await visitor.tick(comments().getByLabel('Remember it on this site'))
      await visitor.write(account(), `@me@${host()}`)
      const there = await visitor.goAside(comments().getByRole('button', { name: 'Go there' }))
      await there.page.waitForURL(`${theirs.origin}/interact?uri=*`)
      await there.page.close()
      assert.equal(await visitor.page.evaluate('document.cookie'), '')
      await visit()
      const opener = comments().getByRole('button', { name: /^Reply to ann1/ })
      await visitor.press(opener)
      assert.equal(await account().inputValue(), `@me@${host()}`)
      await visitor.page.keyboard.press('Escape')
      assert.ok(await opener.evaluate(button => button.matches(':focus')), 'the focus returns')
    })

    it('3 4 5 finds the answer under the post, then what was changed, then nothing; and never what was private', async () => {
      const id = await say('Mine <stands> too.')
      await stands(/Mine <stands> too/)
      const mine = comments().locator('article', { hasText: 'Mine' })
      assert.match(await mine.innerText(), /@me@friendica\.example/)
      assert.match((await mine.locator('a:has(time)').getAttribute('href')) ?? '', /^https?:\/\/friendica\.example/)
      mastodon.editReply(id, { text: 'It fell.' })
      await stands(/It fell/)
      mastodon.deleteReply(id)
      await say('For you alone.', { visibility: 'direct' })
      await stands(/It fell/, false)
      assert.doesNotMatch(await visit(), /For you alone/)
    })

    it('6 does the same without JavaScript, and is told of a mistake where it can be put right', async () => {
      await plain.open(blog.address('bridges'))
      await plain.go(plain.link('Read and reply'))
      await plain.see('word 2')
      await plain.look('the conversation on the node')
      await plain.write(plain.field('Your account or server'), 'me@@far')
      await plain.go(plain.button('Go there'))
      await plain.see(/neither an account/)
      await plain.look('a mistake')
      for (const [who, told] of [
        [`typo@${host()}`, /knows no account/],
        ['me@blocked.example', /is blocked here/]
      ] as const) {
        await plain.write(plain.field('Your account or server'), who)
        await plain.go(plain.button('Go there'))
        await plain.see(told)
      }
      await plain.write(plain.field('Your account or server'), host())
      await plain.go(plain.button('Go there'))
      await plain.look('the way to the own server')
      await plain.go(plain.link(`Go on at ${host()}`))
      assert.ok(plain.page.url().startsWith(`${theirs.origin}/interact?uri=`), plain.page.url())
    })

    it('6 follows from their own server on the profile, the same way', async () => {
      await plain.open((await findAccount(node.tools, 'blog')).uri)
      await plain.press(plain.page.locator('summary', { hasText: 'Follow from your own server' }))
      await plain.write(plain.field('Your account or server'), `@me@${host()}`)
      await plain.go(plain.button('Go there'))
      await plain.see('There you say that you follow.')
      await plain.go(plain.link(`Go on at ${host()}`))
      assert.match(plain.page.url(), /interact\?uri=.*users%2Fblog/)
    })

    it('reads a thousand comments page by page, with a script and without', async () => {
      const person = { handle: 'bob@far.example', name: 'Bob', uri: 'https://far.example/users/bob', url: 'https://far.example/@bob' }
      const said = Array.from({ length: MANY }, (_, n) => ({
        ...{ id: String(9000 + n), uri: `https://far.example/s/${n}`, url: `https://far.example/@bob/${n}`, person },
        ...{ html: `<p>number ${n}</p>`, published: new Date(Date.now() + n * 1000), visibility: 'public' as const }
      }))
      // its server, which knows of none of it, is not asked meanwhile
      await node.tools.toots.change(key(), { pollAt: null, polledAt: node.tools.clock() })
      await node.tools.transaction(({ answers }) => answers.keep(key(), said))
      const shown = () => comments().locator('article').count()
      await until('the first page', async () => (await visit()) !== '' && (await shown()) === 200, 15_000)
      const more = comments().getByRole('button', { name: 'More comments' })
      for (let count = 400; count <= MANY; count += 200) {
        // hundreds of links stand before it
        await more.focus()
        await visitor.page.keyboard.press('Enter')
        await until(`${count} comments`, async () => (await shown()) === count)
      }
      assert.equal(await more.count(), 0)
      await plain.open(blog.address('bridges'))
      await plain.go(plain.link('Read and reply'))
      let pages = 1
      for (const later = plain.page.locator('a[rel=next]'); (await later.count()) > 0; pages++) {
        await later.focus()
        await Promise.all([plain.page.waitForEvent('load'), plain.page.keyboard.press('Enter')])
      }
      assert.ok(pages >= 5)
      await plain.see(`number ${MANY - 1}`)
    })

    it('W36 did nothing that a browser complains of', () => {
      const faults = [...visitor.complaints, ...plain.complaints]
      assert.deepEqual(
        faults.filter(text => !/Failed to load resource/.test(text)),
        []
      )
    })
  })
