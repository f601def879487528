/** The page of the check-up: what was found last, and the button that looks again. */
import assert from 'node:assert/strict'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { type } from '../support/commands.ts'
import { startNode, type TestNode } from '../support/node.ts'

const PATH = '/settings/doctor'

describe('the page of the check-up', function () {
  this.timeout(30_000)
  let node: TestNode
  let owner: Visitor & { csrf: string }
  before(async () => {
    node = await startNode({ accounts: ['blog'] })
    owner = await signIn(node)
  })
  after(() => node?.close())

  it('X44 shows and does nothing without the session, its token and our own page', async () => {
    assert.equal((await visitor(node).get(PATH)).status, 403)
    assert.equal((await visitor(node).post(PATH, { csrf: owner.csrf })).status, 403)
    assert.equal((await owner.post(PATH, { csrf: 'x' })).status, 403)
    assert.equal((await owner.post(PATH, { csrf: owner.csrf }, { origin: 'https://evil.example' })).status, 403)
    assert.equal(await node.tools.settings.find('doctor'), undefined)
  })

  it('W52 looks when it is asked to, and shows what was found, with its time', async () => {
    const before = await owner.get(PATH)
    assert.match(before.text, /Nobody has looked yet/)
    assert.equal(before.headers.get('cache-control'), 'no-store')
    const { location, status } = await owner.post(PATH, { csrf: owner.csrf })
    assert.deepEqual([status, location], [303, PATH])
    const { text } = await owner.get(PATH)
    assert.match(text, /<h2 id="found">Nothing is wrong<\/h2>/)
    assert.match(text, /Last looked: <time datetime="/)
    assert.match(text, /class="good"><span class="unseen">Fine:<\/span> <bdi>The hub takes a subscription/)
    const german = await owner.get(PATH, { 'accept-language': 'de' })
    assert.match(german.text, /Alles in Ordnung[\s\S]*Der Hub nimmt ein Abonnement an/)
    assert.doesNotMatch(german.text, /The hub takes|is worked|arrives as it was sent/)
  })

  it('X41 shows the worst first, and what others answered as text', async () => {
    const hostile = '<img src=x onerror=alert(1)>'
    const checks = [
      { id: 'queue', state: 'ok', sentence: 'Fine.' },
      {
        id: 'blog',
        state: 'failure',
        sentence: hostile,
        cure: `Do \`${hostile}\` now.`,
        seen: { url: `https://a.example/${hostile}`, status: 500, body: hostile }
      }
    ]
    await node.tools.settings.keep('doctor', { at: new Date(), checks })
    const { text } = await owner.get(PATH)
    assert.doesNotMatch(text, /<img src=x/)
    assert.match(text, /One thing is wrong[\s\S]*class="bad"[\s\S]*class="good"/)
    assert.match(text, /Do <code dir="ltr">&lt;img[^<]*<\/code> now\./)
  })

  it('W52 the command tells the same, an object a check with --json, and fails when something is wrong', async () => {
    const { code, printed } = await type(node.tools, 'doctor')
    assert.equal(code, 0)
    assert.ok(printed.includes('✓ A signed request arrives as it was sent.'))
    const steps = () => node.database.database.knex('knex_migrations')
    const [last] = await steps().orderBy('id', 'desc').limit(1)
    await steps().where({ id: last.id }).delete()
    const broken = await type(node.tools, 'doctor --json')
    await steps().insert(last)
    assert.equal(broken.code, 1)
    assert.deepEqual(
      broken.json.find(({ id }) => id === 'database'),
      {
        ...{ id: 'database', state: 'failure', sentence: 'The database is not up to date. Missing steps: 1.' },
        ...{ cure: 'Run `tidings migrate`, and start the node again.', seen: null }
      }
    )
  })

  it('X29 nothing but an open address of doctor can be reached at /echo, and it says nothing', async () => {
    const token = 'x'.repeat(43)
    const topic = encodeURIComponent(`${node.url}/echo/${token}`)
    for (const path of [`/echo/${token}?hub.mode=subscribe&hub.challenge=c&hub.topic=${topic}`, '/echo/x', '/echo/'])
      assert.equal((await visitor(node).get(path)).status, 404, path)
    assert.equal((await visitor(node).post(`/echo/${token}`, { a: 'b' })).status, 404)
    const asked = await visitor(node).post('/hub', {
      'hub.mode': 'subscribe',
      'hub.topic': `${node.url}/echo/${token}`,
      'hub.callback': `${node.url}/echo/${token}`
    })
    assert.equal(asked.status, 422)
  })
})
