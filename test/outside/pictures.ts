/**
 * Looks at every page with a browser: pictures of it into the folder SCREENSHOTS, at three widths, light and dark; and says what axe,
 * the page's own rules or its width find wrong. Ends with 1 when there is anything.
 *   SCREENSHOTS=/tmp/pictures npm run pictures [-- --all] [NAME…]
 * `--all`: a page that is not there is a fault too, and without SCREENSHOTS two views stand for all six. NAME: only those pages.
 * PICTURES_LANGUAGE: `de` instead of `en`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page, Response, Route } from 'playwright-core'
import { stopDatabases } from '../support/database.ts'
import { openBrowser, tooWide, violations } from '../support/looking.ts'
import { type Showcase, startShowcase } from '../support/showcase.ts'

/** `form`: what is sent there from the page `from`, by which one gets to the page. `status`: of pages that are failures. */
type Wanted = { name: string; path: string; as?: 'guest'; status?: number | 'failure'; from?: string; form?: Record<string, string> }

/** Every page there is. Whoever makes one adds it here. */
const pagesOf = ({ paths }: Showcase): Wanted[] => [
  { name: 'timeline', path: '/' },
  { name: 'timeline-guest', path: '/', as: 'guest' },
  { name: 'account', path: '/users/blog' },
  { name: 'account-guest', path: '/users/blog', as: 'guest' },
  { name: 'feed', path: '/users/blog.atom', as: 'guest' },
  { name: 'followers', path: '/users/blog/followers' },
  { name: 'following', path: '/users/blog/following', as: 'guest' },
  { name: 'post-edit', path: `${paths.post}/edit` },
  { name: 'post-delete', path: `${paths.post}/delete` },
  { name: 'person', path: paths.person },
  { name: 'thread', path: paths.post },
  { name: 'thread-guest', path: paths.post, as: 'guest' },
  { name: 'reply', path: paths.reply },
  { name: 'search', path: '/search?q=bridge' },
  { name: 'search-nothing', path: '/search?q=submarine', as: 'guest' },
  { name: 'authorize', path: '/authorize_interaction?uri=acct:mira@mastodon.example' },
  { name: 'authorize-guest', path: '/authorize_interaction?uri=acct:mira@mastodon.example', as: 'guest' },
  { name: 'followed', path: '/search', from: '/', form: { q: 'acct:mira@mastodon.example' } },
  { name: 'follow-failed', path: '/search', from: '/', form: { q: 'nobody@nowhere.invalid' }, status: 'failure' },
  { name: 'hub', path: '/hub', as: 'guest' },
  { name: 'signin', path: '/signin', as: 'guest' },
  { name: 'setup', path: '/setup' },
  { name: 'setup-welcome', path: paths.welcome, as: 'guest' },
  { name: 'setup-unreadable', path: '/setup/look', from: '/setup', form: { url: 'https://nowhere.invalid/' }, status: 'failure' },
  { name: 'setup-next', path: '/setup/next?as=blog' },
  { name: 'settings', path: '/settings' },
  { name: 'settings-blog', path: '/settings/blog' },
  { name: 'settings-blog-github', path: '/settings/blog?for=github-pages' },
  { name: 'settings-blog-old', path: '/settings/blog/old' },
  { name: 'settings-mastodon', path: '/settings/mastodon' },
  { name: 'settings-following', path: '/settings/following' },
  { name: 'settings-feed', path: '/settings/following/feed', from: '/settings/following', form: {} },
  { name: 'imported', path: paths.imported },
  { name: 'settings-profile', path: '/settings/profile' },
  { name: 'settings-access', path: '/settings/access' },
  { name: 'settings-doctor', path: '/settings/doctor' },
  { name: 'moderation', path: '/moderation' },
  { name: 'moderation-hidden', path: '/moderation/hidden' },
  { name: 'moderation-approved', path: '/moderation/approved' },
  { name: 'comment', path: paths.comment },
  { name: 'moderation-blocks', path: '/moderation/blocks' },
  { name: 'block-plan', path: '/moderation/blocks/look', from: '/moderation/blocks', form: { list: 'spam.example\nmasto.example' } },
  { name: 'log', path: '/log' },
  { name: 'log-post', path: paths.logPost },
  { name: 'log-post-all', path: `${paths.logPost}?show=all` },
  { name: 'log-feeds', path: '/log/feeds' },
  { name: 'log-followers', path: '/log/followers' },
  { name: 'log-subscribers', path: '/log/subscribers' },
  { name: 'log-hosts', path: '/log/hosts' },
  { name: 'log-refused', path: '/log/refused' }
]

/** Pages that are failures: they answer with their status. */
const FAILURES: Wanted[] = [
  { name: 'error-404', path: '/users/nobody', as: 'guest', status: 404 },
  { name: 'error-403', path: '/log', as: 'guest', status: 403 }
]

const folder = process.env.SCREENSHOTS
const SCHEMES = ['light', 'dark'] as const
const words = process.argv.slice(2)
const all = words.includes('--all')
const only = words.filter(word => !word.startsWith('--'))
const faults: string[] = []

const FEW = [
  [320, 'dark'],
  [1280, 'light']
] as const
/** Whoever only asks whether anything is wrong need not wait for all six. */
const VIEWS =
  folder === undefined && all ? FEW : ([320, 768, 1280] as const).flatMap(width => SCHEMES.map(scheme => [width, scheme] as const))

/** The page, as the answer to a form where it is one: an element of its own in the page before, which sends what that one's forms send. */
async function reach(page: Page, url: string, { form, from, path }: Wanted): Promise<number | undefined> {
  if (form === undefined || from === undefined) return (await page.goto(`${url}${path}`))?.status()
  await page.goto(`${url}${from}`)
  const isAnswer = (one: Response) => one.request().method() === 'POST' && one.request().isNavigationRequest()
  const send = `((action, values) => {
    const form = Object.assign(document.createElement('form'), { action, method: 'post' })
    const csrf = document.querySelector('[name=csrf]')?.value
    for (const [name, value] of Object.entries({ ...values, ...(csrf ? { csrf } : {}) }))
      form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }))
    document.body.append(form)
    form.submit()
  })(${JSON.stringify(path)}, ${JSON.stringify(form)})`
  const [, answer] = await Promise.all([page.waitForEvent('load'), page.waitForResponse(isAnswer), page.evaluate(send)])
  return answer.status()
}

async function look(page: Page, url: string, wanted: Wanted): Promise<boolean> {
  const { name, path, status = 200 } = wanted
  const found = await reach(page, url, wanted)
  if (status === 'failure' ? found === undefined || found < 400 : found !== status) {
    if (all || status !== 200) faults.push(`${name}: ${path} answered ${found}`)
    return false
  }
  for (const [width, colorScheme] of VIEWS) {
    await page.setViewportSize({ width, height: 900 })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    for (const one of [...(await tooWide(page)), ...(await violations(page))]) faults.push(`${name} at ${width}, ${colorScheme}: ${one}`)
    if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true })
  }
  return true
}

/** Forms come from the node's public address, as they would through its proxy. */
async function sendAs(route: Route, origin: string): Promise<void> {
  const request = route.request()
  if (request.method() !== 'POST') return route.continue()
  const headers = { ...(await request.allHeaders()), origin, 'sec-fetch-site': 'same-origin' }
  await route.fulfill({ response: await route.fetch({ headers }) })
}

/** A window that reports what the page should not do: complain, or ask anybody else for anything. */
async function open(context: BrowserContext, origin: string): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', error => faults.push(`${page.url()}: ${error}`))
  page.on('console', message => {
    // the browser itself tells of the pages that are failures
    if (message.type() === 'error' && !/status of (40[34]|422|502)/.test(message.text())) faults.push(`${page.url()}: ${message.text()}`)
  })
  page.on('request', request => {
    if (new URL(request.url()).origin !== origin) faults.push(`${page.url()}: asks ${request.url()}`)
  })
  return page
}

async function lookAtAll(browser: Browser, showcase: Showcase): Promise<string[]> {
  const { cookie, node } = showcase
  const origin = `http://127.0.0.1:${node.port}`
  const settings = { locale: process.env.PICTURES_LANGUAGE ?? 'en', timezoneId: 'Europe/Berlin' }
  const [guest, owner] = [await browser.newContext(settings), await browser.newContext(settings)]
  await owner.addCookies([{ name: 'tidings_session', value: cookie, url: origin }])
  for (const context of [guest, owner]) await context.route('**', route => sendAs(route, node.tools.addresses.origin))
  const windows = { guest: await open(guest, origin), owner: await open(owner, origin) }
  const missing: string[] = []
  for (const wanted of [...pagesOf(showcase), ...FAILURES]) {
    if (only.length > 0 && !only.includes(wanted.name)) continue
    if (await look(windows[wanted.as ?? 'owner'], origin, wanted)) console.log(`looked at ${wanted.name}`)
    else missing.push(wanted.name)
  }
  return missing
}

if (folder !== undefined) mkdirSync(folder, { recursive: true })
const showcase = await startShowcase()
const browser = await openBrowser()
try {
  const missing = await lookAtAll(browser, showcase)
  if (missing.length > 0) console.log(`not there yet: ${missing.join(', ')}`)
} finally {
  await browser.close()
  await showcase.node.close()
  await stopDatabases()
}
for (const fault of faults) console.error(fault)
console.log(faults.length === 0 ? 'Nothing is wrong.' : `${faults.length} things are wrong.`)
process.exit(faults.length === 0 ? 0 : 1)
