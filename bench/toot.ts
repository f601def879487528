/**
 * The toot of a known address, beside a raw node:http server that gives the same bytes, in turn in one run (needs wrk); then a
 * thousand first visits at once, and how many connections to the database are in use while they wait.
 *   node bench/toot.ts [seconds] [rounds]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../src/store/database.ts'
import { silence, temporaryFolder } from '../test/support/database.ts'
import { spawnMastodon } from '../test/support/doubles/mastodon-api.ts'
import { askToot, startPages, tootSettings } from '../test/support/tooting.ts'
import { freePort, harness, startBenchNode, startServer } from './node.ts'

const VISITORS = 1000

const [seconds = '5', rounds = '3'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'tidings-toot-'))
const blog = await startPages()
const mastodon = await spawnMastodon({ rateLimit: 100_000 })
const dataDir = temporaryFolder()
const node = await startBenchNode({ ...tootSettings(blog, mastodon, await mastodon.grant()), DATA_DIR: dataDir })

const known = blog.put('/1/known')
// the account is made a moment after the node listens
let first = await askToot(node.url, known)
for (const end = Date.now() + 10_000; first.status !== 200 && Date.now() < end; first = await askToot(node.url, known))
  await new Promise(done => setTimeout(done, 100))
if (first.status !== 200) throw new Error(`The first visit was answered ${first.status}: ${first.json.error}`)
const ours = `${node.url}/api/toot?url=${encodeURIComponent(known)}`
writeFileSync(join(folder, 'toot'), JSON.stringify(first.json))

const port = await freePort()
const base = `http://127.0.0.1:${port}`
const files = ['--webfinger', join(folder, 'toot'), '--feed', join(folder, 'toot')]
const raw = await startServer(harness('harness/raw-node.mjs'), ['--port', String(port), ...files], base)
// the yardstick knows one name
const rawUrl = `${base}/.well-known/webfinger?resource=${encodeURIComponent('acct:alice@example.test')}`
const targets = [
  { name: 'raw node:http', pid: raw.pid, url: rawUrl },
  { name: 'tidings', pid: node.pid, url: ours },
  { name: 'tidings, Origin', pid: node.pid, url: ours, headers: { origin: blog.origin } }
]
console.log('the toot of a known address')
writeFileSync(join(folder, 'targets.json'), JSON.stringify(targets))
spawnSync(process.execPath, [harness('harness/http-pairs.mjs'), join(folder, 'targets.json'), '--seconds', seconds, '--rounds', rounds], {
  stdio: 'inherit'
})
await raw.stop()

const database = await openDatabase({ dataDir, ssl: 'off', poolMax: 1 }, silence)
const fresh = blog.put('/1/fresh')
const posting = { method: 'POST', path: '/api/v1/statuses' }
const before = (await mastodon.requests(posting)).length
await mastodon.slow(3000, posting)
const visits = Promise.all(Array.from({ length: VISITORS }, () => askToot(node.url, fresh)))
await mastodon.arrived(posting, before + 1)
let busy = 0
for (let look = 0; look < 20; look++) {
  const others = `pid <> pg_backend_pid() and datname = current_database() and state <> 'idle'`
  const { rows } = await database.knex.raw(`select count(*)::int as n from pg_stat_activity where ${others}`)
  busy = Math.max(busy, rows[0].n)
  await new Promise(done => setTimeout(done, 50))
}
const ids = new Set((await visits).map(({ json }) => json.toot_id))
const made = (await mastodon.requests(posting)).length - before
console.log(
  `${VISITORS} first visits at once: ${ids.size} id, ${made} request to toot, ${busy} database connections in use while they waited`
)
await database.close()
await node.stop()
await mastodon.close()
await blog.close()
rmSync(dataDir, { recursive: true, force: true })
