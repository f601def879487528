/**
 * A post for all followers by ActivityPub, each delivery signed and its state durable, beside raw POSTs that were signed beforehand, and
 * beside a Fedify that has its queue in memory, in turn in one run. The inboxes are shared ones of servers in another process.
 *   node bench/fanout.ts [followers] [inboxes] [rounds]
 */
import { createPrivateKey, sign } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { assemble } from '../src/assemble.ts'
import { readConfig } from '../src/config.ts'
import { signRequest } from '../src/federation/sign.ts'
import { silence } from '../test/support/database.ts'
import { freePort, harness, median, startBenchNode, startServer } from './node.ts'

const [followers = 5000, inboxes = 1000, rounds = 3] = process.argv.slice(2).map(Number)
const PORTS = 8
const AT_ONCE = 64

type Version = { distinct: number; duplicates: number; first: number; lastNew: number }

const node = await startBenchNode({ ACCOUNT: 'alice', LOG_LEVEL: 'warn' })
const port = 20_000 + ((await freePort()) % 10_000)
const control = `http://127.0.0.1:${await freePort()}`
const sink = await startServer(
  harness('harness/sink.mjs'),
  ['--port', String(port), '--ports', String(PORTS), '--control', new URL(control).port],
  `${control}/`
)
const peer = `http://127.0.0.1:${await freePort()}`
const fedify = await startServer(fileURLToPath(new URL('fedify.ts', import.meta.url)), [new URL(peer).port], `${peer}/taken`)
await fetch(`${control}/group`, { method: 'POST', body: JSON.stringify({ name: 'f', n: inboxes }) })
const inboxOf = (n: number) => `http://127.0.0.1:${port + (n % PORTS)}/c/f/${n}`

/** What the sink saw of a post, once it is complete. */
async function seen(version: number): Promise<Version & { rate: number }> {
  for (const end = Date.now() + 120_000; ; await sleep(100)) {
    const { versions } = (await (await fetch(`${control}/stats?group=f`)).json()) as { versions: Record<string, Version> }
    const found = versions[version]
    if (found?.distinct === inboxes || Date.now() > end) {
      const { distinct, first, lastNew } = found!
      return { ...found!, rate: Math.round((distinct * 1000) / (lastNew - first)) }
    }
  }
}

const { close, database, tools } = await assemble(readConfig(node.env, { cwd: process.cwd() }), silence, 'command')
const alice = (await tools.actors.findAccount('alice'))!
await database.knex.raw(
  `insert into actors (id, uri, kind, speaks, inbox_url, shared_inbox_url, created_at, updated_at)
   select 'f' || n, 'http://127.0.0.1/f/' || n, 'person', 'activitypub', 'http://127.0.0.1/f/' || n || '/inbox',
     'http://127.0.0.1:' || (?::int + (n % ?::int) % ?::int) || '/c/f/' || n % ?::int, now(), now() from generate_series(0, ?::int - 1) n`,
  [port, inboxes, PORTS, inboxes, followers]
)
await database.knex.raw(
  `insert into follows (follower_id, followed_id, via, created_at) select 'f' || n, ?, 'inbox', now() from generate_series(0, ?::int - 1) n`,
  [alice.id, followers]
)
const key = createPrivateKey((await tools.actors.privateKey('alice'))!)
await close()

/** What one process can send: everything is signed before the clock starts. */
async function limit(version: number): Promise<void> {
  const body = Buffer.from(JSON.stringify({ content: `bench-version=${version} `, rest: 'x'.repeat(2200) }))
  const signer = { key, keyId: `${alice.uri}#main-key` }
  const requests = Array.from({ length: inboxes }, (_, n) => {
    const url = new URL(inboxOf(n))
    const headers = {
      'content-type': 'application/activity+json',
      ...signRequest(signer, 'cavage', { method: 'POST', url, body }, new Date())
    }
    return { n, path: url.pathname, headers }
  })
  const pools = Array.from({ length: PORTS }, (_, n) => new Pool(`http://127.0.0.1:${port + n}`, { connections: AT_ONCE / PORTS }))
  const rest = requests.values()
  const work = async () => {
    for (const { headers, n, path } of rest) {
      const answer = await pools[n % PORTS]!.request({ method: 'POST', path, headers, body })
      await answer.body.dump()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  await Promise.all(pools.map(pool => pool.close()))
}

/** Signatures per second by one core: no process that signs each delivery goes beyond. */
function signatures(ms: number): number {
  const data = Buffer.alloc(300, 'x')
  const begun = performance.now()
  let count = 0
  for (; performance.now() - begun < ms; count++) sign('sha256', data, key)
  return (count * 1000) / (performance.now() - begun)
}

/** What Fedify sends: the inboxes are given to it, each once. */
async function sendByFedify(version: number): Promise<void> {
  const order = { version, inboxes: Array.from({ length: inboxes }, (_, n) => inboxOf(n)) }
  await fetch(`${peer}/send`, { method: 'POST', body: JSON.stringify(order) })
}

const rates = { raw: [] as number[], ours: [] as number[], fedify: [] as number[] }
for (let round = 0; round < rounds; round++) {
  const version = round * 3 + 1
  await limit(version)
  const raw = await seen(version)
  node.command('publish', '--as', 'alice', '--text', `bench-version=${version + 1} ${'x'.repeat(600)}`)
  const told = Date.now()
  const ours = await seen(version + 1)
  await sendByFedify(version + 2)
  const theirs = await seen(version + 2)
  rates.raw.push(raw.rate)
  rates.ours.push(ours.rate)
  rates.fedify.push(theirs.rate)
  const last = ((ours.lastNew - told) / 1000).toFixed(2)
  console.log(
    `signed beforehand ${raw.rate}/s   tidings ${ours.rate}/s, last ${last} s after the command, ` +
      `lost ${inboxes - ours.distinct}, doubled ${ours.duplicates}   Fedify ${theirs.rate}/s, lost ${inboxes - theirs.distinct}`
  )
}
const [raw, ours, theirs] = [median(rates.raw), median(rates.ours), median(rates.fedify)]
console.log(`RSA-2048 ${Math.round(signatures(1500))}/s signed by one core`)
console.log(
  `${followers} followers at ${inboxes} inboxes: ratio to what was signed beforehand ${(ours / raw).toFixed(2)}, ` +
    `to Fedify ${(ours / theirs).toFixed(1)}`
)
await fedify.stop()
await sink.stop()
await node.stop()
