/** In and out: by the link, by the passphrase, and on to where one wanted to go. */
import assert from 'node:assert/strict'
import { setPassphrase } from '../../src/federation/passphrase.ts'
import { ownPath } from '../../src/web/signin.ts'
import { signIn, visitor } from '../support/browser.ts'
import { type } from '../support/commands.ts'
import { startNode, type TestNode } from '../support/node.ts'

const RIGHT = 'eight grey geese'
const HOUR = 3_600_000
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

describe('signing in', () => {
  let node: TestNode
  let now = Date.now()
  const session = '00000000-0000-0000-0000-000000000000'

  beforeEach(async () => {
    now = Date.now()
    node = await startNode({ accounts: ['ann'], work: false, overrides: { clock: () => new Date(now) } })
  })
  afterEach(() => node.close())

  const cookieOf = (headers: Headers) => (headers.get('set-cookie') ?? '').split(';')[0]
  const enter = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    visitor(node).post('/signin', form, { origin: node.url, ...headers })

  it('6.2 shows the way in where a page is the owner’s, and leads on to that page', async () => {
    await setPassphrase(node.tools, RIGHT, { present: '', session })
    const there = '/settings/access?done=set'
    const { headers, status, text } = await visitor(node).get(there)
    assert.equal(status, 403)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.match(text, /name="next" value="\/settings\/access\?done=set"/)
    const entered = await enter({ passphrase: RIGHT, next: there }, { 'user-agent': FIREFOX })
    assert.deepEqual([entered.status, entered.location], [303, there])
    const page = await visitor(node, cookieOf(entered.headers)).get(there)
    assert.equal(page.status, 200)
    assert.match(page.text, /Firefox, Linux/)
    assert.match((await visitor(node).get('/settings', { 'accept-language': 'de' })).text, /<h1>Anmelden<\/h1>/)
  })

  it('X45 leads on to paths of ours alone', async () => {
    const origin = 'https://node.example'
    const table: [string | null, string][] = [
      ['/settings?a=b', '/settings?a=b'],
      ['/x%2f%2fy', '/x%2f%2fy'],
      [null, '/'],
      ['', '/'],
      ['settings', '/'],
      ['//evil.example', '/'],
      ['///evil.example', '/'],
      ['/\\evil.example', '/'],
      ['/a\\..\\evil', '/'],
      ['/.//evil.example', '/'],
      ['/a/..//evil.example', '/'],
      ['/%2e//evil.example', '/'],
      ['/\t/evil.example', '/'],
      ['\n//evil.example', '/'],
      ['/a\r\nSet-Cookie: x=y', '/'],
      ['https://evil.example/', '/'],
      ['https:evil.example', '/'],
      ['javascript:alert(1)', '/'],
      ['https://node.example.evil.example/', '/'],
      [`/${'a'.repeat(3000)}`, '/']
    ]
    for (const [raw, path] of table) assert.equal(ownPath(origin, raw), path, String(raw))
    const token = await node.tools.sessions.addLink(node.tools.clock())
    assert.equal((await enter({ token, next: '//evil.example' })).location, '/')
  })

  it('X50 says the same of a wrong passphrase and where none was set, and says no more after ten', async () => {
    const without = await enter({ passphrase: RIGHT })
    await setPassphrase(node.tools, RIGHT, { present: '', session })
    const wrong = await enter({ passphrase: 'eight grey swans' })
    assert.deepEqual([without.status, without.text], [wrong.status, wrong.text])
    assert.equal(wrong.status, 403)
    for (let i = 0; i < 8; i++) assert.equal((await enter({ passphrase: `${i}` })).status, 403)
    const { headers, status, text } = await enter({ passphrase: RIGHT })
    assert.equal(status, 429)
    assert.ok(Number(headers.get('retry-after')) > 0)
    assert.match(text, /Too many passphrases were tried/)
    const token = await node.tools.sessions.addLink(node.tools.clock())
    assert.equal((await enter({ token })).status, 303)
  })

  it('begins a new session each time, and ends the one that this browser had', async () => {
    const before = await node.tools.sessions.begin(node.tools.clock())
    const cookie = `tidings_session=${before.token}`
    const token = await node.tools.sessions.addLink(node.tools.clock())
    const { headers } = await visitor(node, cookie).post('/signin', { token })
    assert.equal(headers.getSetCookie().length, 1)
    assert.notEqual(cookieOf(headers), cookie)
    assert.equal((await visitor(node, cookie).get('/settings')).status, 403)
    assert.equal((await visitor(node, cookieOf(headers)).get('/settings')).status, 200)
  })

  it('lasts 30 days after its last use, of which one a day is written down', async () => {
    const owner = await signIn(node)
    const used = async () => (await node.tools.sessions.all(node.tools.clock()))[0]?.usedAt.getTime()
    const first = await used()
    now += 23 * HOUR
    assert.equal((await owner.get('/settings')).headers.get('set-cookie'), null)
    assert.equal(await used(), first)
    now += 2 * HOUR
    assert.match((await owner.get('/settings')).headers.get('set-cookie') ?? '', /^tidings_session=[\w-]{43};/)
    assert.equal(await used(), now)
    now += 29 * 24 * HOUR
    assert.equal((await owner.get('/settings')).status, 200)
    now += 31 * 24 * HOUR
    assert.equal((await owner.get('/settings')).status, 403)
  })

  it('X44 takes a passphrase from no other site', async () => {
    await setPassphrase(node.tools, RIGHT, { present: '', session })
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null', 'sec-fetch-site': 'cross-site' }])
      assert.equal((await visitor(node).post('/signin', { passphrase: RIGHT }, headers)).status, 403)
  })

  it('6.2-4 over plain http, where browsers tell nothing of the page with the link, takes the link; elsewhere it does not', async () => {
    for (const [PUBLIC_URL, status] of [
      ['http://laptop.example', 303],
      ['https://laptop.example', 403]
    ] as const) {
      const there = await startNode({ env: { PUBLIC_URL }, work: false })
      const token = await there.tools.sessions.addLink(there.tools.clock())
      const browser = visitor({ url: `http://127.0.0.1:${there.port}` })
      assert.equal((await browser.post('/signin', { token }, { origin: 'null', 'sec-fetch-site': 'cross-site' })).status, 403)
      assert.equal((await browser.post('/signin', { token }, { origin: 'https://evil.example' })).status, 403)
      assert.equal((await browser.post('/signin', { token }, { origin: 'null' })).status, status)
      await there.close()
    }
  })

  it('6.1-2 by the first link leads to the first steps; later links lead to the first page', async () => {
    const [first] = (await type(node.tools, 'signin')).printed
    assert.match(first!, new RegExp(`^${node.url}/setup\\?token=[\\w-]{43}$`))
    const page = await visitor(node).get(first!.slice(node.url.length))
    assert.deepEqual([page.status, page.headers.get('referrer-policy')], [200, 'no-referrer'])
    const [, token = ''] = /name="token" value="([\w-]+)"/.exec(page.text) ?? []
    const entered = await enter({ token, next: '/setup' })
    assert.deepEqual([entered.status, entered.location], [303, '/setup'])
    assert.equal((await visitor(node).get(first!.slice(node.url.length))).status, 403)
    assert.match((await type(node.tools, 'signin')).printed[0]!, /\/signin\?token=/)
  })

  it('is helped by a command when the passphrase is forgotten', async () => {
    await setPassphrase(node.tools, RIGHT, { present: '', session })
    assert.deepEqual((await type(node.tools, 'passphrase remove')).printed, ['The passphrase is removed.'])
    assert.deepEqual((await type(node.tools, 'passphrase remove --json')).json, [{ removed: false }])
    assert.equal((await enter({ passphrase: RIGHT })).status, 403)
  })
})
