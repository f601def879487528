/**
 * Reading and writing in a real browser: every action by keyboard alone, news as they come, the same without a script, and pages that
 * hold whatever strangers call themselves.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Account, Actor } from '../../src/model/kept.ts'
import { HOSTILE, settleHostile } from '../support/hostile.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

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

describe('reading and writing in a real browser', () => {
  let browser: Browser
  let node: TestNode
  let alice: Account
  let bob: Actor
  let page: Page
  const opened: BrowserContext[] = []
  const foreign: string[] = []
  const complaints: string[] = []

  before(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
  })
  after(() => browser?.close())
  beforeEach(async () => {
    node = await startNode({ accounts: ['alice'], work: false })
    alice = await accountOf(node.tools, 'alice')
    bob = await meet(node.tools, 'bob')
    await node.tools.follows.add({ followerId: alice.id, followedId: bob.id, via: 'feed' }, new Date())
    page = await enter()
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close()
    await node?.close()
  })

  /** The owner's browser, signed in by keys. */
  const enter = async (script = true): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 900, height: 700 }, locale: 'en-GB', javaScriptEnabled: script })
    opened.push(context)
    const fresh = await context.newPage()
    fresh.on('console', message => message.type() === 'error' && complaints.push(message.text()))
    fresh.on('pageerror', error => complaints.push(String(error)))
    fresh.on('request', request => new URL(request.url()).origin !== node.url && foreign.push(request.url()))
    await fresh.goto(node.tools.addresses.signIn(await node.tools.sessions.addLink(node.tools.clock())))
    await reach(fresh, 'main button')
    await fresh.keyboard.press('Enter')
    await fresh.waitForURL(`${node.url}/`)
    return fresh
  }
  /** Goes on by Tab until something is in focus. */
  const reach = async (where: Page, selector: string) => {
    for (let n = 0; n < 200; n++) {
      await where.keyboard.press('Tab')
      if (await where.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return
    }
    throw new Error(`${selector} cannot be reached by Tab`)
  }
  const focused = (expression: string) => page.evaluate(`document.activeElement.${expression}`)
  const done = async (id: string) => ((await node.tools.acts.onPosts([id])).get(id) ?? []).map(({ verb }) => verb)
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key)
  }
  /** Presses what leads to another page, and waits for that. */
  const follow = (...keys: string[]) => Promise.all([page.waitForEvent('load'), press(...keys)])

  it('2 goes from post to post, opens, favours, shares and answers by single keys', async () => {
    const [first, second] = [await keepPost(node.tools, bob), await keepPost(node.tools, bob)]
    await page.goto(node.url)
    await press('f', 's', 'r')
    assert.deepEqual([await done(second.id), await done(first.id), page.url()], [[], [], `${node.url}/`], 'nothing is chosen yet')
    await press('j')
    assert.equal(await focused('id'), `p${second.id}`)
    await press('j')
    assert.equal(await focused('id'), `p${first.id}`)
    await press('k')
    assert.equal(await focused('id'), `p${second.id}`)
    await follow('f')
    assert.deepEqual([await done(second.id), new URL(page.url()).hash], [['favourite'], `#p${second.id}`])
    await press('j')
    assert.equal(await focused('id'), `p${first.id}`, 'it goes on where one was')
    await press('k')
    await follow('s')
    assert.deepEqual(await done(second.id), ['favourite', 'share'])
    await page.goto(node.url)
    await press('j')
    await follow('f')
    assert.deepEqual(await done(second.id), ['share'], 'the share stands first, and what is done to it is done to the post')
    await page.goto(node.url)
    await press('j', 'j')
    await follow('o')
    assert.equal(new URL(page.url()).pathname, `/posts/${second.id}`)
    await page.goto(node.url)
    await press('j', 'j')
    await follow('Enter')
    assert.equal(new URL(page.url()).pathname, `/posts/${second.id}`)
    await page.goto(node.url)
    await press('j', 'j')
    await follow('r')
    assert.equal(await focused('id'), 'text')
    await page.keyboard.type('jkrfs? and an answer')
    await reach(page, '.compose button:not([data-copy])')
    await follow('Enter')
    assert.match(await page.innerText('main'), /jkrfs\? and an answer/)
  })

  it('2 lists the keys, and turns them off for good, so that nothing is done by a slip (WCAG 2.1.4)', async () => {
    const post = await keepPost(node.tools, bob)
    await page.goto(node.url)
    await press('?')
    assert.ok(await page.isVisible('#keys'))
    assert.deepEqual(await violations(page), [])
    assert.match(await page.innerText('#keys'), /j\s+next post[\s\S]*s\s+share/)
    await press('j', 'f')
    assert.deepEqual(await done(post.id), [], 'not behind the dialog')
    await reach(page, '#keys-on')
    await press('Space', 'Escape')
    assert.ok(!(await page.isVisible('#keys')))
    await page.reload()
    await press('j', 'f', '/', '?')
    assert.deepEqual([await done(post.id), await page.isVisible('#keys'), await focused('tagName')], [[], false, 'BODY'])
    await reach(page, '#keys-open')
    await press('Enter')
    await reach(page, '#keys-on')
    await press('Space', 'Escape')
    await press('/')
    assert.equal(await focused('id'), 'q')
    await page.keyboard.type('?j')
    assert.ok(!(await page.isVisible('#keys')), 'not while one types')
  })

  it('2 writes, changes, deletes, follows pages and folds by Tab and Enter alone', async () => {
    for (let n = 0; n < 25; n++)
      await keepPost(node.tools, bob, {
        warning: 'Heights',
        publishedAt: new Date(Date.now() - 9e6 - n),
        sortedAt: new Date(Date.now() - 9e6 - n)
      })
    await page.goto(node.url)
    await reach(page, '#text')
    await page.keyboard.type('Hello @nobody@nowhere.invalid')
    await reach(page, '.compose summary')
    await press('Enter')
    await reach(page, '#title')
    await page.keyboard.type('By keys')
    await reach(page, '#language')
    await page.keyboard.type('German')
    await reach(page, '.compose button')
    await follow('Enter')
    assert.match(await page.innerText('[role=alert]'), /Nobody was found as @nobody@nowhere\.invalid/)
    assert.deepEqual(await violations(page), [])
    assert.equal(await page.inputValue('#text'), 'Hello @nobody@nowhere.invalid')
    await reach(page, '.compose button')
    await follow('Enter')
    const [written] = await node.tools.timelines.by(alice.id, { limit: 1 }, true)
    assert.deepEqual([written?.title, written?.language], ['By keys', 'de'])
    await reach(page, '.acts a[href$="/edit"]')
    await follow('Enter')
    await reach(page, '#text')
    await press('Control+A')
    await page.keyboard.type('Changed')
    await reach(page, '.compose button')
    await follow('Enter')
    assert.match(await page.innerText('main'), /Changed/)
    await reach(page, '.acts a[href$="/delete"]')
    await follow('Enter')
    assert.deepEqual(await violations(page), [])
    await reach(page, 'main button.grave')
    await follow('Enter')
    assert.equal((await node.tools.timelines.by(alice.id, { limit: 1 }, true)).length, 0)
    await page.goto(node.url)
    await reach(page, '.post summary')
    await press('Enter')
    assert.ok(await page.locator('.post details[open] .e-content').first().isVisible())
    await reach(page, '.older a')
    await follow('Enter')
    assert.equal(await page.locator('.post').count(), 5)
  })

  it('2 follows and unfollows somebody, and finds posts, by keys', async () => {
    await keepPost(node.tools, bob, { html: '<p>a quiet river</p>' })
    await page.goto(node.url)
    await press('/')
    await page.keyboard.type('"quiet river"')
    await follow('Enter')
    assert.match(await page.innerText('main'), /a quiet river/)
    await page.goto(`${node.url}/people/${bob.id}`)
    await reach(page, 'form[action="/unfollow"] button')
    await follow('Enter')
    assert.equal(await node.tools.follows.find(alice.id, bob.id), undefined)
    await reach(page, '.profile form[action="/search"] button')
    assert.match(String(await focused('textContent')), /Follow as alice/)
  })

  it('tells of news without moving what is read, and shows them when asked, with a line above what was seen', async () => {
    for (let n = 0; n < 15; n++) await keepPost(node.tools, bob, { html: `<p>old ${n}</p>` })
    await page.goto(node.url)
    await page.locator('.post').nth(8).scrollIntoViewIfNeeded()
    const place = () =>
      page
        .locator('.post')
        .nth(8)
        .evaluate(post => post.getBoundingClientRect().top)
    const before = await place()
    const link = page.locator('.news a')
    assert.ok(!(await link.isVisible()))
    await keepPost(node.tools, bob, { html: '<p>brand new</p>' })
    await node.tools.changes.tell('posts')
    await link.waitFor()
    assert.equal(await link.innerText(), '1 new post – show')
    assert.equal(await page.getAttribute('.news', 'aria-live'), 'polite')
    assert.equal(await place(), before)
    assert.ok(!/brand new/.test(await page.innerText('main')))
    assert.deepEqual(await violations(page), [])
    await Promise.all([page.waitForEvent('load'), link.click()])
    assert.match(await page.innerText('main'), /brand new[\s\S]*You have seen what is below\.[\s\S]*old 14/)
    assert.ok(!(await link.isVisible()))
  })

  it('S2b does all of it without a script', async () => {
    const post = await keepPost(node.tools, bob, { html: '<p>for everybody</p>' })
    page = await enter(false)
    assert.ok(!(await page.isVisible('#keys-open')) && !(await page.isVisible('.news a')))
    await page.fill('#text', 'without a script')
    await Promise.all([page.waitForEvent('load'), page.click('.compose button')])
    assert.match(await page.innerText('main'), /without a script/)
    await page.goto(node.url)
    await Promise.all([page.waitForEvent('load'), page.click(`#p${post.id} button[value=favourite]`)])
    assert.deepEqual(await done(post.id), ['favourite'])
    assert.equal(new URL(page.url()).hash, `#p${post.id}`)
  })

  it('X41 runs nothing of strangers and holds its shape at 320 px, whatever they call themselves and say', async function () {
    this.timeout(300_000)
    const everything: [string, string[]][] = []
    for (const name of Object.keys(HOSTILE)) everything.push([name, (await settleHostile(node.tools, alice, name)).pages])
    // pages that show all of them are looked at once
    const lists = new Set(['/', '/users/alice', '/users/alice/followers', '/search?q=needle'])
    for (const one of everything.slice(1)) one[1] = one[1].filter(path => !lists.has(path))
    await page.setViewportSize({ width: 320, height: 700 })
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    for (const [name, pages] of everything) {
      for (const path of pages) {
        await page.goto(`${node.url}${path}`)
        await page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
        const wide = await page.evaluate('document.documentElement.scrollWidth')
        assert.equal(wide, 320, `${name} ${path}`)
        assert.notEqual(await page.title(), 'run', `${name} ${path}`)
        const odd = `[...document.querySelectorAll('body *')].filter(one => getComputedStyle(one).position === 'fixed').length`
        assert.equal(await page.evaluate(odd), 0, `${name} ${path}`)
      }
      assert.deepEqual(await violations(page), [], name)
    }
  })

  it('W36 asks nobody else for anything, and breaks no rule of its own', () => {
    assert.deepEqual(foreign, [])
    // a picture that is not there is no fault of the page
    assert.deepEqual(
      complaints.filter(text => !/Failed to load resource/.test(text)),
      []
    )
  })
})

async function violations(page: Page): Promise<string[]> {
  // by the protocol of the browser, which no policy of the page forbids
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: axe })
  const run = `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
    .then(found => JSON.stringify(found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' '))))`
  const { result } = await session.send('Runtime.evaluate', { expression: run, awaitPromise: true, returnByValue: true })
  await session.detach()
  return JSON.parse(String(result.value))
}
