/**
 * Journeys 6.2 and 6.3 on the pages: a node on a laptop that nobody can call back, which rehearses its toots, reads a list of feeds and gives
 * one back, and then has a public address. By keys alone on a desk, by touch alone on a phone.
 */
import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { prepareNode } from '../../src/commands/first-start.ts'
import { findAccount } from '../../src/federation/accounts.ts'
import { findBlog, readBlogNow, setBlog } from '../../src/federation/blog.ts'
import { authorXml, feedXml, linkXml } from '../support/atom-documents.ts'
import { freshDatabase } from '../support/database.ts'
import { jrd, webFinger } from '../support/discovery.ts'
import { makeInternet } from '../support/internet.ts'
import { openBrowser } from '../support/looking.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { DEVICES, setOut, type Traveller } from '../support/traveller.ts'

const PUBLIC = 'http://laptop.example'
const BLOG = 'https://blog.example'
const ANN = 'https://ann.example'
const FEEDS = 60
const DEAD = [7, 21, 42]
const ATOM = { 'content-type': 'application/atom+xml' }
const at = '2026-01-01T00:00:00Z'

/** Ann, whose feed has a hub; a blog; sixty feeds, some of them dead. `asked`: what the hub was asked. */
function writeWorld() {
  const net = makeInternet()
  const asked: URLSearchParams[] = []
  const entry = (uri: string, title: string, when = at) =>
    `<entry><id>${uri}</id><title>${title}</title>${linkXml('alternate', uri)}<published>${when}</published><updated>${when}</updated>` +
    `<content type="html">&lt;p&gt;${title}, in full.&lt;/p&gt;</content></entry>`
  const feed = `${ANN}/users/ann.atom`
  const links = [{ rel: 'http://schemas.google.com/g/2010#updates-from', type: ATOM['content-type'], href: feed }]
  net.set(webFinger('acct:ann@ann.example', 'ann.example'), jrd({ subject: 'acct:ann@ann.example', links }))
  const head = `<id>${feed}</id><title>Ann</title>${authorXml(`${ANN}/users/ann`)}${linkXml('self', feed)}${linkXml('hub', `${ANN}/hub`)}`
  net.set(feed, { headers: ATOM, body: feedXml(head + entry(`${ANN}/1`, 'Of rivers')) })
  net.set(`POST ${ANN}/hub`, sent => {
    asked.push(new URLSearchParams(sent.body))
    return { status: 202 }
  })
  const opml: string[] = []
  for (let n = 1; n <= FEEDS; n++) {
    const url = `https://f${n}.example/feed`
    opml.push(`<outline type="rss" text="Feed ${n}" xmlUrl="${url}"/>`)
    const body = feedXml(`<id>${url}</id><title>Feed ${n}</title>${entry(`https://f${n}.example/1`, `From feed ${n}`)}`)
    net.set(url, DEAD.includes(n) ? { status: 410 } : { headers: ATOM, body })
  }
  const page = `<title>A post</title><link rel="canonical" href="${BLOG}/one/"><meta property="og:title" content="A post to rehearse">`
  const html = { 'content-type': 'text/html' }
  net.set(`${BLOG}/one/`, { headers: html, body: `<!doctype html><html lang="en"><head>${page}</head><body><p>Here.</p></body></html>` })
  net.set(`${BLOG}/`, { headers: html, body: `<title>Blog</title>${linkXml('alternate', '/feed.xml', `type="${ATOM['content-type']}"`)}` })
  const own = () => feedXml(`<id>${BLOG}/</id><title>Blog</title>${entry(`${BLOG}/one/`, 'A post to rehearse', new Date().toISOString())}`)
  net.set(`${BLOG}/feed.xml`, () => ({ headers: ATOM, body: own() }))
  const list = `<opml version="2.0"><head><title>Mine</title></head><body>${opml.join('')}</body></opml>`
  return { net, asked, list }
}

for (const device of DEVICES)
  describe(`journeys 6.2 and 6.3, a laptop and a reader on a ${device}`, () => {
    let browser: Browser
    let database: Awaited<ReturnType<typeof freshDatabase>>
    let world: ReturnType<typeof writeWorld>
    let node: TestNode
    let owner: Traveller
    const complaints: string[] = []

    before(async () => {
      world = writeWorld()
      database = await freshDatabase()
      await start({ DRY_RUN: '1' })
    })
    after(async () => {
      await browser?.close()
      await node?.close()
      await database?.drop()
    })

    /** Starts the node on the same data, and signs its owner in. A public name leads the browser to this machine. */
    const start = async (env: Record<string, string>) => {
      node = await startNode({ env, overrides: { database: database.database, http: world.net.http } })
      await prepareNode(node.tools)
      browser = await openBrowser(`--host-resolver-rules=MAP laptop.example:80 127.0.0.1:${node.port}`)
      owner = await setOut(browser, device)
      owner.complaints = complaints
      await owner.open(node.tools.addresses.signIn(await node.tools.sessions.addLink(new Date())))
      await owner.go(owner.page.locator('main button'))
    }
    const stop = async () => {
      await browser.close()
      await node.close()
    }
    const blog = () => findAccount(node.tools, 'blog')

    it('6.2-2 searches for an account, follows it, and reads it by fetching its feed, as no hub can call back', async () => {
      await owner.write(owner.page.locator('#q'), '@ann@ann.example')
      await owner.go(owner.button('Go'))
      await owner.see(/The feed is fetched from time to time/)
      await owner.look('followed')
      await owner.open(node.url)
      await owner.see('Of rivers, in full.')
      await owner.look('timeline')
      assert.equal(world.asked.length, 0)
    })

    it('6.2-3 shows the toot that it would send, and sends none', async () => {
      const account = await blog()
      await setBlog(node.tools, account, `${BLOG}/`)
      await findBlog(node.tools, account.id)
      await readBlogNow(node.tools, account.id)
      const toot = await fetch(`${node.url}/api/toot?url=${encodeURIComponent(`${BLOG}/one/`)}`)
      assert.equal(((await toot.json()) as { state: string }).state, 'dry-run')
      await owner.go(owner.link('Log'))
      await owner.go(owner.link('A post to rehearse'))
      await owner.see('rehearsed only')
      assert.match(await owner.text(), /A post to rehearse\s+https:\/\/blog\.example\/one\//)
      await owner.look('a toot that was rehearsed')
    })

    it('6.3-1 6.3-4 names its feeds where a reader looks for them, and shows each as a page to people', async () => {
      const reader = await setOut(browser, device)
      await reader.open((await blog()).uri)
      const found = await reader.page.locator('link[rel~=alternate]').evaluateAll(links => links.map(one => one.getAttribute('type')))
      for (const type of ['application/atom+xml', 'application/rss+xml', 'application/feed+json']) assert.ok(found.includes(type), type)
      await reader.go(reader.link('Atom'))
      assert.match(reader.page.url(), /\.atom$/)
      await reader.see('A post to rehearse')
      assert.doesNotMatch(await reader.text(), /<entry>/)
      await reader.look('a feed as a page')
      await reader.close()
    })

    it('6.3-5 imports sixty feeds, shows how far it is without a reload, and lists the dead ones', async () => {
      await owner.open(`${node.url}/settings/following`)
      const chooser = await owner.choose(owner.field('File'))
      await chooser.setFiles({ name: 'mine.opml', mimeType: 'text/x-opml', buffer: Buffer.from(world.list) })
      await owner.go(owner.button('Import'))
      await owner.see(new RegExp(`of ${FEEDS} are looked up`))
      await owner.look('an import under way')
      await owner.page.getByText(`All ${FEEDS} looked up`).waitFor({ timeout: 50_000 })
      assert.match(await owner.text(), new RegExp(`Followed\\s+${FEEDS - DEAD.length}\\s+Failed\\s+${DEAD.length}`))
      await owner.go(owner.link('Show only what failed'))
      const dead = await owner.page.locator('#import .entries li').allInnerTexts()
      assert.deepEqual(
        dead.map(text => Number(/Feed (\d+)/.exec(text)?.[1])),
        DEAD
      )
      assert.match(dead[0]!, /Failed\..*410/s)
      await owner.look('what failed')
    })

    it('6.3-5 W48 reads everybody as one private feed, until it has another address; and takes the list along', async () => {
      await owner.open(`${node.url}/settings/following`)
      const [list] = await Promise.all([owner.page.waitForEvent('download'), owner.press(owner.link(/^Take the list with you/))])
      assert.equal(list.suggestedFilename().endsWith('.opml'), true)
      await owner.go(owner.button('Make the address'))
      const address = await owner.page.locator('#feed-address').innerText()
      await owner.look('whom one follows')
      assert.match(await fetch(address).then(answer => answer.text()), /<feed[\s\S]*From feed \d+/)
      await owner.go(owner.button('Make a new address'))
      assert.equal((await fetch(address)).ok, false)
    })

    it('6.2-4 looks at itself when it has a public address, and changes from fetching to push', async () => {
      await stop()
      world.net.set(`${PUBLIC}/`, { status: 200 })
      await start({ PUBLIC_URL: PUBLIC })
      const [wish] = await until('the hub to be asked', () => world.asked.length > 0 && world.asked, 20_000)
      const callback = new URL(wish!.get('hub.callback')!)
      assert.equal(callback.origin, PUBLIC)
      const query = new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.topic': wish!.get('hub.topic')!, 'hub.challenge': 'c4f3' })
      query.set('hub.lease_seconds', '604800')
      const token = wish!.get('hub.verify_token')
      if (token !== null) query.set('hub.verify_token', token)
      const answer = await fetch(`http://127.0.0.1:${node.port}${callback.pathname}?${query}`)
      assert.equal(await answer.text(), 'c4f3')
      await owner.go(owner.link('Settings'))
      await owner.go(owner.link('Following').first())
      await owner.write(owner.field('Name or address'), 'ann')
      await owner.go(owner.button('Show'))
      await owner.see(/pushed by ann\.example/)
      await until('the doctor', async () => (await node.tools.settings.find('doctor')) !== undefined, 25_000)
      await owner.go(owner.link('Check-up').first())
      await owner.see('Last looked:')
      await owner.look('the check-up that nobody asked for')
    })

    it('W36 did nothing that a browser complains of', () => {
      assert.deepEqual(
        complaints.filter(text => !/Failed to load resource/.test(text)),
        []
      )
    })
  })
