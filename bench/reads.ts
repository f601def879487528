/**
 * WebFinger, the feed and 304, beside a raw node:http server that gives the same bytes, in turn in one run (needs wrk).
 *   node bench/reads.ts [seconds] [rounds]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, harness, startBenchNode, startServer } from './node.ts'

const [seconds = '5', rounds = '3'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'tidings-reads-'))
const node = await startBenchNode({ ACCOUNT: 'alice' })
for (let n = 1; n <= 20; n++)
  node.command('publish', '--as', 'alice', '--title', `Post ${n}`, '--text', `What is in post ${n}. `.repeat(12))

const resource = `acct:alice@${new URL(node.url).host}`
const webfinger = `${node.url}/.well-known/webfinger?resource=${encodeURIComponent(resource)}`
const feed = `${node.url}/users/alice.atom`
const save = async (name: string, url: string) => {
  const answer = await fetch(url)
  writeFileSync(join(folder, name), Buffer.from(await answer.arrayBuffer()))
  return answer.headers.get('etag') ?? ''
}
await save('webfinger', webfinger)
const etag = await save('feed', feed)

const port = await freePort()
const base = `http://127.0.0.1:${port}`
const raw = await startServer(
  harness('harness/raw-node.mjs'),
  ['--port', String(port), '--webfinger', join(folder, 'webfinger'), '--feed', join(folder, 'feed')],
  base
)
const rawTag = (await fetch(`${base}/feed.atom`)).headers.get('etag') ?? ''
// the yardstick knows one name
const rawFinger = `${base}/.well-known/webfinger?resource=${encodeURIComponent('acct:alice@example.test')}`

const pairs = [
  { what: 'WebFinger', raw: { url: rawFinger }, ours: { url: webfinger } },
  { what: 'feed of 20 entries', raw: { url: `${base}/feed.atom` }, ours: { url: feed } },
  {
    what: 'conditional GET',
    raw: { url: `${base}/feed.atom`, headers: { 'if-none-match': rawTag }, expect: 304 },
    ours: { url: feed, headers: { 'if-none-match': etag }, expect: 304 }
  }
]
for (const pair of pairs) {
  console.log(pair.what)
  const targets = [
    { name: 'raw node:http', pid: raw.pid, ...pair.raw },
    { name: 'tidings', pid: node.pid, ...pair.ours }
  ]
  writeFileSync(join(folder, 'targets.json'), JSON.stringify(targets))
  spawnSync(process.execPath, [harness('harness/http-pairs.mjs'), join(folder, 'targets.json'), '--seconds', seconds, '--rounds', rounds], {
    stdio: 'inherit'
  })
}
await raw.stop()
await node.stop()
