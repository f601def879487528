/**
 * Somebody who goes a journey through our pages in a real browser: on a desk by keys alone, on a phone by touch alone. Every page met is
 * held against its width and against axe-core.
 */
import assert from 'node:assert/strict'
import type { Browser, BrowserContext, BrowserContextOptions, FileChooser, Locator, Page } from 'playwright-core'
import { violations } from './looking.ts'

export type Device = 'desk' | 'phone'
export const DEVICES: Device[] = ['desk', 'phone']

const OPTIONS = {
  desk: { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  phone: { viewport: { width: 360, height: 740 }, colorScheme: 'dark', hasTouch: true, isMobile: true }
} as const
const MOST_TABS = 400
/** Where no script runs. */
const plain = new WeakSet<BrowserContext>()

export type Traveller = {
  page: Page
  /** What the pages complained of; requests to hosts that nobody named. */
  complaints: string[]
  open(address: string): Promise<void>
  /** Presses a button or a link, or opens what is folded. */
  press(thing: Locator): Promise<void>
  /** The same where another page is what comes of it. */
  go(thing: Locator): Promise<void>
  /** The same where it opens in a window of its own. */
  goAside(thing: Locator): Promise<Traveller>
  /** Over what stands in a field. */
  write(field: Locator, text: string): Promise<void>
  tick(box: Locator): Promise<void>
  /** Opens the window in which a file is chosen. */
  choose(field: Locator): Promise<FileChooser>
  button(name: string | RegExp): Locator
  link(name: string | RegExp): Locator
  field(name: string | RegExp): Locator
  see(text: string | RegExp): Promise<void>
  text(): Promise<string>
  /** Whether the page fits its window and breaks no rule of WCAG 2.2 AA. @throws AssertionError */
  look(name: string): Promise<void>
  close(): Promise<void>
}

/** A traveller with a browser of their own: no cookie, nothing remembered. */
export async function setOut(browser: Browser, device: Device, more: BrowserContextOptions = {}): Promise<Traveller> {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...OPTIONS[device], ...more })
  context.setDefaultTimeout(20_000)
  if (more.javaScriptEnabled === false) plain.add(context)
  return travel(await context.newPage(), device)
}

function travel(page: Page, device: Device): Traveller {
  const complaints: string[] = []
  page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', error => complaints.push(String(error)))
  const byKeys = device === 'desk'
  const press = async (thing: Locator, key = 'Enter') => {
    if (!byKeys) return thing.tap()
    await reach(page, thing)
    await page.keyboard.press(key)
  }
  const main = page.locator('main')
  return {
    ...{ page, complaints },
    open: async address => void (await page.goto(address)),
    press: thing => press(thing),
    go: async thing => void (await Promise.all([page.waitForEvent('load'), press(thing)])),
    goAside: async thing => travel((await Promise.all([page.context().waitForEvent('page'), press(thing)]))[0], device),
    write: async (field, text) => {
      await press(field, 'ControlOrMeta+a')
      if (byKeys) await page.keyboard.type(text)
      else await field.fill(text)
    },
    tick: box => press(box, 'Space'),
    choose: async field => (await Promise.all([page.waitForEvent('filechooser'), press(field)]))[0],
    button: name => page.getByRole('button', named(name)),
    link: name => page.getByRole('link', named(name)),
    field: name => page.getByLabel(name),
    see: text => main.getByText(text).first().waitFor(),
    text: () => main.innerText(),
    look: async name => {
      const { width } = OPTIONS[device].viewport
      assert.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= width, `${name} is wider than ${width}`)
      const seen = await watched(page, device)
      assert.deepEqual(await violations(seen), [], `${name} on a ${device}`)
      if (seen !== page) await seen.context().close()
    },
    close: () => page.context().close()
  }
}

/** Where no script runs axe-core does not either: it looks at the same page elsewhere. */
async function watched(page: Page, device: Device): Promise<Page> {
  if (!plain.has(page.context())) return page
  const { colorScheme, viewport } = OPTIONS[device]
  const twin = await (await page.context().browser()!.newContext({ colorScheme, viewport, reducedMotion: 'reduce' })).newPage()
  await twin.setContent((await page.content()).replace('<head>', `<head><base href="${page.url()}">`))
  return twin
}

/** A name that is given as it is, is meant whole. */
const named = (name: string | RegExp) => ({ name, exact: typeof name === 'string' })

/** By Tab alone, in the order of the page, and round again behind its end. */
async function reach(page: Page, thing: Locator): Promise<void> {
  await thing.waitFor()
  const isThere = () =>
    thing.evaluate(element => (element.getRootNode() as unknown as { activeElement: unknown }).activeElement === element)
  for (let tabs = 0; tabs < MOST_TABS; tabs++) {
    if (await isThere()) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${thing} cannot be reached by Tab`)
}
