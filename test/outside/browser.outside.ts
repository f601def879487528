/**
 * Our pages in a real browser: signing in, following from the search box, writing, and what a person sees who opens a feed.
 * Run by `npm run test:outside`; SCREENSHOTS names a folder for pictures of every page.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { findAccount } from '../../src/federation/accounts.ts'
import { publish } from '../../src/federation/publish.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]
const pictures = process.env.SCREENSHOTS

describe('a real browser', () => {
  let browser: Browser
  let writer: TestNode
  let reader: TestNode
  let page: Page
  const complaints: string[] = []
  const foreign: string[] = []

  before(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
    writer = await startNode({ accounts: ['ann'] })
    reader = await startNode({ accounts: ['bob'] })
    const ann = await findAccount(writer.tools, 'ann')
    await publish(writer.tools, ann, {
      title: 'On <bridges>',
      text: 'A first post.\n\nWith two paragraphs, and a link: https://example.com/a?b=1&c=2'
    })
    await publish(writer.tools, ann, { text: 'A note.' })
    page = await browser.newPage({ viewport: { width: 900, height: 800 } })
    page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
    page.on('request', request => {
      const { origin } = new URL(request.url())
      if (origin !== reader.url && origin !== writer.url) foreign.push(request.url())
    })
  })
  after(async () => {
    await browser?.close()
    await reader?.close()
    await writer?.close()
  })

  const look = async (name: string) => {
    // no page is wider than its window, however narrow
    for (const [width, scheme] of [
      [900, 'light'],
      [320, 'dark']
    ] as const) {
      await page.setViewportSize({ width, height: 800 })
      await page.emulateMedia({ colorScheme: scheme })
      assert.ok(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), `${name} is wider than ${width}`)
      if (pictures === undefined) continue
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `${name}-${width}.png`), fullPage: true })
    }
    await page.setViewportSize({ width: 900, height: 800 })
    await page.emulateMedia({ colorScheme: 'light' })
  }

  it('shows a profile with its posts to a stranger', async () => {
    await page.goto(`${writer.url}/users/ann`)
    assert.match(await page.innerText('main'), /On <bridges>/)
    await look('profile')
    await page.click('text=On <bridges>')
    assert.match(await page.innerText('main'), /With two paragraphs/)
    await look('post')
  })

  it('signs the owner in by a link that works once', async () => {
    const link = reader.tools.addresses.signIn(await reader.tools.sessions.addLink(new Date()))
    await page.goto(link)
    await look('signin')
    await page.click('main button')
    await page.waitForURL(`${reader.url}/`)
    const again = await browser.newPage()
    const answer = await again.goto(link)
    assert.equal(answer?.status(), 403)
    await again.close()
  })

  it('follows from the search box, with every step shown', async () => {
    await page.goto(reader.url)
    await page.fill('input[name=q]', `@ann@${writer.host}`)
    await page.keyboard.press('Enter')
    await page.waitForSelector('main ol')
    assert.match(await page.innerText('main'), /\.well-known\/webfinger/)
    await look('followed')
    await until('the post in the timeline', async () => {
      await page.goto(reader.url)
      return /With two paragraphs/.test(await page.innerText('main'))
    })
    await look('timeline')
  })

  it('shows a person who opens the feed a page with the posts, and a reader the feed', async () => {
    await page.goto(`${writer.url}/users/ann.atom`)
    const text = await page.innerText('body')
    assert.match(text, /On <bridges>/)
    assert.doesNotMatch(text, /<entry>/)
    assert.match(text, new RegExp(`${writer.url}/users/ann.atom`))
    await look('feed')
    const plain = await fetch(`${writer.url}/users/ann.atom`, { headers: { accept: 'text/html,application/xhtml+xml' } })
    assert.match(plain.headers.get('content-type') ?? '', /^application\/atom\+xml/)
  })

  it('asks nobody else for anything, and breaks no rule of its own', () => {
    assert.deepEqual(foreign, [])
    assert.deepEqual(
      complaints.filter(text => !text.includes('favicon')),
      []
    )
  })
})
