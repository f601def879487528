/** Pages in a real browser, looked at as people do: narrow and wide, light and dark, by axe-core; SCREENSHOTS names a folder for pictures. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

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

/** @param flags of Chromium, over the usual ones */
export const openBrowser = (...flags: string[]): Promise<Browser> =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...FLAGS, ...flags] })

/** No page is wider than its window, nothing of it than its text, and none breaks a rule of WCAG 2.2 AA. @throws AssertionError */
export async function look(page: Page, name: string): Promise<void> {
  const pictures = process.env.SCREENSHOTS
  for (const [width, colorScheme] of [
    [900, 'light'],
    [900, 'dark'],
    [320, 'light'],
    [320, 'dark']
  ] as const) {
    await page.setViewportSize({ width, height: 900 })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    if (pictures !== undefined) {
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true })
    }
    assert.deepEqual(await tooWide(page), [], `${name} at ${width}`)
    assert.deepEqual(await violations(page), [], `${name} at ${width}, ${colorScheme}`)
  }
  await page.setViewportSize({ width: 900, height: 900 })
  await page.emulateMedia({ colorScheme: 'light' })
}

/**
 * What reaches past the page's text, though `main` clips it, or past the window. Fields, and what has an edge of its own to scroll or
 * to hide behind, may hold more than they show.
 */
const WIDE = `(() => {
  const main = document.querySelector('main')
  const edge = main === null ? innerWidth : main.getBoundingClientRect().right - parseFloat(getComputedStyle(main).paddingRight)
  const holds = one => one.matches('input, textarea, select') || /auto|scroll|hidden/.test(getComputedStyle(one).overflowX)
  const isHeld = one => one !== main && (holds(one) || isHeld(one.parentElement))
  const endOf = one => {
    const { left, right } = one.getBoundingClientRect()
    return holds(one) || one === main ? right : Math.max(right, left + one.scrollWidth)
  }
  const isWide = one => endOf(one) > edge + 1 && !isHeld(one.parentElement) && !one.matches('.unseen')
  const wide = main === null ? [] : [...main.querySelectorAll('*')].filter(isWide)
  return [
    ...(document.documentElement.scrollWidth > innerWidth ? ['the page is wider than its window'] : []),
    ...wide.slice(0, 3).map(one => 'wider than its page: ' + one.outerHTML.slice(0, 200))
  ]
})()`

/** What is wider than the page has room for: a sentence each. */
export const tooWide = (page: Page): Promise<string[]> => page.evaluate(WIDE)

/** What axe finds, by the protocol of the browser, which no policy of the page forbids. */
export async function violations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: axe })
  const run = `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
    .then(found => JSON.stringify(found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' ').slice(0, 300))))`
  const { result } = await session.send('Runtime.evaluate', { expression: run, awaitPromise: true, returnByValue: true })
  await session.detach()
  return JSON.parse(String(result.value))
}
