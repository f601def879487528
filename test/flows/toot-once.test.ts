/** Exactly one toot, whatever happens: many visitors, several processes, kill -9 anywhere, and a server that fails in every way. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { assemble } from '../../src/assemble.ts'
import { readConfig } from '../../src/config.ts'
import { addAccount, findAccount } from '../../src/federation/accounts.ts'
import { importSitemap } from '../../src/federation/import-old.ts'
import { publishPage } from '../../src/federation/publish-page.ts'
import { tootOf } from '../../src/federation/toot.ts'
import type { DatabaseSettings } from '../../src/store/database.ts'
import { type FreshDatabase, freshDatabase, silence, temporaryFolder } from '../support/database.ts'
import { type RemoteMastodon, spawnMastodon } from '../support/doubles/mastodon-api.ts'
import { serve } from '../support/loopback.ts'
import { until } from '../support/node.ts'
import { STEPS } from '../support/toot-worker.ts'
import { type Answered, askToot, type PageWriter, startPages, startTooting, type Tooting, tootSettings } from '../support/tooting.ts'

const STATUSES = { method: 'POST', path: '/api/v1/statuses' }
const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const worker = fileURLToPath(new URL('../support/toot-worker.ts', import.meta.url))

/** Where a database is, for the environment of a process. */
const databaseEnv = ({ host, name, port, ssl, url, user }: DatabaseSettings): Record<string, string> =>
  url === undefined
    ? { DATABASE_HOST: host!, DATABASE_PORT: `${port}`, DATABASE_USER: user!, DATABASE_NAME: name!, DATABASE_SSL: ssl }
    : { DATABASE_URL: url, DATABASE_SSL: ssl }

/** Of all processes here; none of them keeps anything in it. */
const folder = temporaryFolder()
after(() => rmSync(folder, { recursive: true, force: true }))

/** Nothing of our own environment but the way to Node. */
const nodeEnv = (origin: string, database: FreshDatabase, settings: Record<string, string>): Record<string, string> => ({
  ...{ PATH: process.env.PATH ?? '', PUBLIC_URL: origin, SECRET_KEY: 'a key for tests only', ALLOW_ADDRESSES: '127.0.0.0/8' },
  ...{ LOG_LEVEL: 'silent', DATA_DIR: folder, HOST: '127.0.0.1', ...databaseEnv(database.settings), ...settings }
})

async function freePort(): Promise<number> {
  const { close, port } = await serve(() => {})
  await close()
  return port
}

describe('one toot by four processes', function () {
  this.timeout(120_000)
  let blog: PageWriter
  let mastodon: RemoteMastodon
  let database: FreshDatabase
  let env: Record<string, string>
  let nodes: { url: string; child: ChildProcess }[] = []

  before(async () => {
    blog = await startPages()
    mastodon = await spawnMastodon({ rateLimit: 100_000 })
    database = await freshDatabase()
    const ports = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    const origin = `http://127.0.0.1:${ports[0]}`
    env = nodeEnv(origin, database, tootSettings(blog, mastodon, await mastodon.grant()))
    const assembled = await assemble(readConfig(env, { cwd: folder }), silence, 'web', { database: database.database })
    await addAccount(assembled.tools, 'blog')
    await assembled.close()
    nodes = ports.map(port => ({
      url: `http://127.0.0.1:${port}`,
      child: spawn(process.execPath, [program, 'web'], { cwd: folder, env: { ...env, PORT: `${port}` }, stdio: 'ignore' })
    }))
    for (const { child, url } of nodes)
      await until('a node', async () => child.exitCode !== null || (await fetch(`${url}/readyz`).catch(() => undefined))?.ok, 30_000)
  })
  after(async () => {
    for (const { child } of nodes) {
      const ended = once(child, 'close')
      if (child.kill('SIGTERM')) await ended
    }
    await Promise.all([mastodon?.close(), blog?.close(), database?.drop()])
  })
  beforeEach(() => mastodon.calm())

  const visit = (n: number, url: string): Promise<Answered> => askToot(nodes[n % nodes.length]!.url, url)
  /** Comes again, as the script does, until there is an id; every answer before that says when to come again. */
  async function insist(n: number, url: string): Promise<string> {
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      const { headers, json, status } = await visit(n, url)
      if (status === 200) return String(json.toot_id)
      assert.ok(status === 502 || status === 503, `${status} ${json.error}`)
      assert.ok(['mastodon', 'busy'].includes(String(json.code)) && Number(headers.get('retry-after')) > 0, JSON.stringify(json))
      await new Promise(done => setTimeout(done, 500))
    }
    throw new Error('there was no toot in a minute')
  }
  const made = async (url: string) =>
    (await mastodon.statuses()).filter(({ request }) => new URLSearchParams(request.body).get('status')?.includes(url))
  const flood = async (url: string, visitors: number) =>
    new Set(await Promise.all(Array.from({ length: visitors }, (_, n) => insist(n, url))))

  it('T1 S1-23 S1-24 is made by a thousand first visits at once, who hold no more than a handful of database connections', async () => {
    const url = blog.put('/1/thousand', { title: 'A thousand' })
    await mastodon.slow(1500, STATUSES)
    const ids = flood(url, 1000)
    await mastodon.arrived(STATUSES)
    const busy: number[] = []
    for (let look = 0; look < 10; look++) {
      const others = `datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`
      const { rows } = await database.database.knex.raw(`select count(*)::int as n from pg_stat_activity where ${others}`)
      busy.push(rows[0].n)
      await new Promise(done => setTimeout(done, 50))
    }
    assert.ok(Math.max(...busy) <= 5, `${busy}`)
    assert.deepEqual([(await ids).size, (await made(url)).length], [1, 1])
    assert.deepEqual([...(await ids)], [(await made(url))[0]?.status.id])
    assert.equal((await mastodon.requests(STATUSES)).length, 1)
    assert.ok(blog.asked('/1/thousand') <= nodes.length)
  })

  const faults: [what: string, begin: () => Promise<void>][] = [
    ['late, after its visitors were told to come again', () => mastodon.late(11_000)],
    ['never', () => mastodon.silent({ ...STATUSES, times: 1 })],
    ['500', () => mastodon.fail({ ...STATUSES, status: 500 })],
    ['503 again and again', () => mastodon.fail({ ...STATUSES, status: 503, times: 5 })],
    ['429', () => mastodon.fail({ ...STATUSES, status: 429, retryAfter: 2 })],
    ['with a cut line after it has tooted', () => mastodon.cut()],
    ['with a cut line before that', () => mastodon.drop({ ...STATUSES, times: 1 })]
  ]
  for (const [what, begin] of faults) {
    it(`T1 T3 is made when the server answers ${what}`, async () => {
      const url = blog.put(`/2/${what.replace(/\W/g, '-')}`)
      await begin()
      const ids = await flood(url, 100)
      assert.deepEqual(
        [...ids],
        (await made(url)).map(({ status }) => status.id)
      )
      assert.equal(ids.size, 1)
    })
  }
})

describe('one toot by a process that is killed', function () {
  this.timeout(120_000)
  let all: Tooting
  afterEach(() => all?.close())

  /** Visits in a process of its own. @returns what it printed, and by which signal it ended */
  async function visitAndDie(url: string, step: string, ahead = 0): Promise<{ printed: string; signal: string | null }> {
    const env = nodeEnv(all.node.url, all.node.database, all.settings)
    const child = spawn(process.execPath, [worker, url, step, `${ahead}`], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const printed: Buffer[] = []
    child.stdout.on('data', part => printed.push(part))
    const [, signal] = await once(child, 'close')
    return { printed: Buffer.concat(printed).toString().trim(), signal }
  }
  const check = async (url: string) => {
    const { tootId } = await tootOf(all.node.tools, url)
    assert.deepEqual(
      all.mastodon.statuses().map(({ status }) => status.id),
      [tootId]
    )
  }

  it('T1 is made by a process that is left alone, and known to the next', async () => {
    all = await startTooting()
    const url = all.blog.put('/1/one')
    const { printed, signal } = await visitAndDie(url, 'never')
    assert.deepEqual([signal, printed], [null, all.mastodon.statuses()[0]?.status.id])
    await check(url)
  })

  for (const step of STEPS) {
    it(`T1 T3 is made once when kill -9 comes ${step}, though the server has forgotten its key`, async () => {
      all = await startTooting()
      const url = all.blog.put('/1/one')
      assert.equal((await visitAndDie(url, step)).signal, 'SIGKILL')
      if (all.mastodon.statuses().length > 0) all.mastodon.forgetIdempotency()
      // until the claim has ended nobody else takes it up
      all.pass(119_000)
      const early = await tootOf(all.node.tools, url, { make: false }).catch(error => error)
      assert.equal(early.code ?? early.state, step === 'after the commit of settle' ? 'posted' : 'busy')
      all.pass(2_000)
      await check(url)
    })
  }

  it('T3 is made once when whoever takes it up is killed as well, and the next one too', async () => {
    all = await startTooting()
    const url = all.blog.put('/1/one')
    let ahead = 0
    for (const step of ['after the commit of claim', 'after the toot', 'before the commit of settle']) {
      assert.equal((await visitAndDie(url, step, ahead)).signal, 'SIGKILL')
      all.mastodon.forgetIdempotency()
      ahead += 121_000
    }
    all.pass(ahead)
    await check(url)
  })

  it('T3 is brought to its end by the clock, without a visit', async () => {
    all = await startTooting({}, { work: true })
    const url = all.blog.put('/1/one')
    await visitAndDie(url, 'after the toot')
    all.mastodon.forgetIdempotency()
    all.pass(121_000)
    await until('the toot', async () => (await all.find(url))?.state === 'posted', 20_000)
    await check(url)
  })

  it('W16 stays the one when the post is edited: the server is told, and makes no other', async () => {
    all = await startTooting({}, { work: true })
    const url = all.blog.put('/1/one', { title: 'First' })
    await all.ask(url)
    all.blog.put('/1/one', { title: 'Second' })
    const { tools } = all.node
    await publishPage(tools, url)
    await until('the edit', () => all.mastodon.requests({ method: 'PUT' }).length > 0, 20_000)
    const [edit] = all.mastodon.requests({ method: 'PUT' })
    assert.match(new URLSearchParams(edit?.body).get('status') ?? '', /^Second\n/)
    await check(url)
  })

  it('S1-49 W15 is none after an import', async () => {
    all = await startTooting()
    const urls = ['/1/one', '/1/two'].map(path => all.blog.put(path))
    const sitemap = all.blog.put('/sitemap.txt', response => response.writeHead(200, { 'content-type': 'text/plain' }).end(urls.join('\n')))
    const account = await findAccount(all.node.tools, 'blog')
    assert.equal((await importSitemap(all.node.tools, account, sitemap)).new, 2)
    for (const url of urls)
      assert.deepEqual([(await all.ask(url)).json.toot_id, (await all.ask(`${url}?x=1#y`)).json.toot_id], ['-1', '-1'])
    assert.equal(all.mastodon.requests().length, 0)
  })
})
