/**
 * Fan-out of the hub, every subscription and delivery durable, beside a hub that keeps all in memory, in turn in one run.
 *   node bench/hub.ts [subscribers] [rounds]
 */
import { spawnSync } from 'node:child_process'
import { freePort, harness, median, startBenchNode, startServer } from './node.ts'

const [subscribers = '5000', rounds = '3'] = process.argv.slice(2)
type Run = {
  subscribe: { verifiedPerS: number }
  publish: { perS: number; lastS: number; lost: number; duplicates: number; rssPeakMB?: number; bad: object }[]
}

const node = await startBenchNode({ OPEN_HUB: 'on' })
const port = await freePort()
const memory = await startServer(harness('conformance/selftest/ref-hub.mjs'), ['--port', String(port)], `http://127.0.0.1:${port}/`)
const hubs = [
  { name: 'in memory', url: `http://127.0.0.1:${port}/`, pid: memory.pid },
  { name: 'tidings', url: `${node.url}/hub`, pid: node.pid }
]
const rates = new Map(hubs.map(hub => [hub.name, [] as number[]]))
for (let round = 0; round < Number(rounds); round++) {
  for (const hub of round % 2 ? [...hubs].reverse() : hubs) {
    const words = [
      '--hub',
      hub.url,
      '--n',
      subscribers,
      '--publishes',
      '3',
      '--secret',
      'each',
      '--concurrency',
      '50',
      '--pid',
      String(hub.pid),
      '--json'
    ]
    const { stdout, status } = spawnSync(process.execPath, [harness('harness/load.mjs'), ...words], { encoding: 'utf8' })
    const run = JSON.parse(stdout) as Run
    const worst = run.publish.reduce((a, b) => (a.lastS > b.lastS ? a : b))
    const rate = median(run.publish.map(publish => publish.perS))
    rates.get(hub.name)!.push(rate)
    const lost = run.publish.reduce((sum, publish) => sum + publish.lost, 0)
    const doubled = run.publish.reduce((sum, publish) => sum + publish.duplicates, 0)
    console.log(
      `${hub.name.padEnd(10)} verified ${run.subscribe.verifiedPerS}/s  delivered ${rate}/s  slowest ${worst.lastS} s  lost ${lost}  doubled ${doubled}  peak ${worst.rssPeakMB ?? '-'} MB${status === 0 ? '' : '  FAILED'}`
    )
  }
}
const [limit, ours] = hubs.map(hub => median(rates.get(hub.name)!)) as [number, number]
console.log(`ratio of deliveries to the hub in memory: ${(ours / limit).toFixed(2)}`)
await memory.stop()
await node.stop()
