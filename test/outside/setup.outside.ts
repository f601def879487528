/**
 * The first steps in a real browser (journey 6.1, steps 2 and 5, and the start of 6.2): from the link on the console to the blog's
 * posts on the page, the old ones, and a passphrase. SCREENSHOTS names a folder for pictures.
 */
import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { inviteOwner, prepareNode } from '../../src/commands/first-start.ts'
import { look, openBrowser } from '../support/looking.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { startStaticBlog } from '../support/static-blog.ts'

const PASSPHRASE = 'four plain words here'

describe('the first steps in a real browser', () => {
  let browser: Browser
  let node: TestNode
  let blog: Awaited<ReturnType<typeof startStaticBlog>>
  let page: Page
  const complaints: string[] = []
  const foreign: string[] = []

  before(async () => {
    browser = await openBrowser()
    blog = await startStaticBlog(() => node.url)
    node = await startNode()
    await prepareNode(node.tools)
    for (const [place, title] of ['On bridges', 'Of towers <that> lean', 'A garden, in winter'].entries()) {
      const published = new Date(Date.now() - (place + 20) * 86_400_000)
      blog.put({ slug: `post-${place}`, title, summary: `About ${title}.`, html: `<p>${title}</p>`, published })
    }
    page = await open()
  })
  after(async () => {
    await browser?.close()
    await node?.close()
    await blog?.close()
  })

  const open = async (options: { javaScriptEnabled?: boolean } = {}): Promise<Page> => {
    const opened = await (await browser.newContext({ locale: 'en-GB', ...options })).newPage()
    opened.on('console', message => message.type() === 'error' && complaints.push(message.text()))
    opened.on('request', request => {
      if (new URL(request.url()).origin !== node.url) foreign.push(request.url())
    })
    return opened
  }
  const see = (text: RegExp) => page.getByText(text).first().waitFor()

  it('6.1-2 leads from the link on the console to the blog’s posts, found by its address alone', async () => {
    const lines: string[] = []
    await inviteOwner(node.tools, line => lines.push(line))
    const link = /http\S+/.exec(lines[0] ?? '')?.[0] ?? assert.fail('no link')
    await page.goto(link)
    await look(page, 'welcome')
    await page.getByRole('button', { name: 'Begin' }).click()
    await look(page, 'setup')
    await page.getByLabel('Address of your blog').fill(`${blog.origin}/none`)
    await page.keyboard.press('Enter')
    await see(/answered 404/)
    await look(page, 'setup-problem')
    await page.getByLabel('Address of your blog').fill(`${blog.origin}/`)
    await page.getByRole('button', { name: 'Look at it' }).click()
    await see(/The feed names 3 posts/)
    assert.equal(await page.getByLabel('Title of the blog').inputValue(), 'A blog')
    await look(page, 'proposal')
    await page.getByLabel(/^Handle/).fill('ann')
    await page.getByRole('button', { name: 'Yes, read it' }).click()
    await see(/Of towers <that> lean/)
    await look(page, 'next')
    assert.ok((await page.innerText('main')).includes(`@ann@${node.host}`))
  })

  it('6.1-5 marks the old posts after a look at what would be taken', async () => {
    await page.getByRole('link', { name: 'Import old posts' }).click()
    await look(page, 'old-before')
    await page.getByRole('button', { name: 'Look first' }).click()
    await see(/3 addresses, of which 3 are posts: 3 would be marked/)
    await look(page, 'old-looked')
    await page.getByRole('button', { name: 'Import' }).click()
    await see(/3 are marked as old now/)
    await look(page, 'old')
  })

  it('shows what holds and where it was set, and gets a passphrase that lets in without a script too', async () => {
    await page.goto(`${node.url}/settings`)
    await page.getByText('Who this node is, and where it listens').click()
    await look(page, 'settings')
    await page.goto(`${node.url}/settings/access`)
    await page.getByLabel('New passphrase').fill(PASSPHRASE)
    await page.getByLabel('The same once more').fill(PASSPHRASE)
    await page.keyboard.press('Enter')
    await see(/The passphrase is set/)
    const plain = await open({ javaScriptEnabled: false })
    await plain.goto(`${node.url}/settings/access`)
    const field = plain.getByRole('textbox', { name: 'Passphrase' })
    await field.fill('not the right one')
    await plain.keyboard.press('Enter')
    await plain.getByText('This is not the passphrase.').waitFor()
    await field.fill(PASSPHRASE)
    await plain.keyboard.press('Enter')
    await plain.getByRole('heading', { name: 'Where you are signed in' }).waitFor()
    assert.equal(new URL(plain.url()).pathname, '/settings/access')
    await page.reload()
    await look(page, 'access')
    await page.getByRole('button', { name: 'Sign out there' }).click()
    await plain.reload()
    await plain.getByText('This page is for the owner').waitFor()
    const stranger = await open()
    await stranger.goto(`${node.url}/settings`)
    await look(stranger, 'signin')
    await stranger.goto(`${node.url}/nowhere`)
    await look(stranger, 'error')
  })

  it('asked nobody but the node', () => {
    assert.deepEqual(foreign, [])
    assert.deepEqual(
      complaints.filter(text => !/Failed to load resource/.test(text)),
      []
    )
  })
})
