/**
 * A process that uses the bundled PostgreSQL: `node bundled-process.ts DATA_DIR` says what it got as a line of JSON, and leaves
 * when its input ends.
 */
import { once } from 'node:events'
import { startBundled } from '../../src/store/bundled.ts'

const bundled = await startBundled({ dataDir: process.argv[2] ?? '', log: { info() {} }, unsafe: true })
console.log(JSON.stringify({ pid: bundled.pid, started: bundled.started }))
await once(process.stdin.resume(), 'end')
await bundled.stop()
