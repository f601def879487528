/** A node that is killed while posts are pushed to it, and started again: nothing is missing, nothing is there twice. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findAccount } from '../../src/federation/accounts.ts'
import { publish, remove } from '../../src/federation/publish.ts'
import type { KeptPost } from '../../src/model/kept.ts'
import { temporaryFolder } from '../support/database.ts'
import { serve } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

describe('a node that is killed', function () {
  this.timeout(240_000)
  const folder = temporaryFolder()
  let writer: TestNode
  let env: Record<string, string>
  let child: ChildProcess | undefined
  before(async () => {
    writer = await startNode({ accounts: ['ann'] })
    const free = await serve(() => {})
    await free.close()
    env = { PATH: process.env.PATH ?? '', PORT: `${free.port}`, DATA_DIR: folder, ACCOUNT: 'bob', ALLOW_ADDRESSES: '127.0.0.0/8' }
  })
  after(async () => {
    await stop('SIGTERM')
    await writer?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(): Promise<void> {
    const node = spawn(process.execPath, [program, 'start'], { cwd: folder, env, stdio: 'ignore' })
    child = node
    await until(
      'the node',
      async () => (await fetch(`http://127.0.0.1:${env.PORT}/healthz`).catch(() => undefined))?.ok ?? node.exitCode !== null,
      30_000
    )
    assert.equal(node.exitCode, null)
  }
  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill(signal)
    await closed
  }
  async function command(...words: string[]): Promise<Record<string, unknown>[]> {
    const run = spawn(process.execPath, [program, ...words, '--json'], { cwd: folder, env })
    const out: Buffer[] = []
    const err: Buffer[] = []
    run.stdout.on('data', part => out.push(part))
    run.stderr.on('data', part => err.push(part))
    const [code] = await once(run, 'close')
    assert.equal(code, 0, Buffer.concat(err).toString())
    return Buffer.concat(out)
      .toString()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
  }

  it('has read everything once it is back: posts, and deletes of posts', async () => {
    const ann = await findAccount(writer.tools, 'ann')
    await start()
    // by the feed, as the hub that is named pushes it
    await command('follow', `ann@${writer.host}`, '--as', 'bob', '--hub', `${writer.url}/hub`)
    await until('the subscription', async () => (await writer.tools.subscribers.list(9)).length === 1, 20_000)
    const posts: KeptPost[] = []
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 6; n++) {
        posts.push(await publish(writer.tools, ann, { text: `post ${round} ${n}` }))
        if (n === 2) await stop('SIGKILL')
      }
      await remove(writer.tools, ann, posts[round * 6]!)
      await start()
    }
    const alive = posts.filter((_, n) => n % 6 !== 0).map(post => post.uri)
    // of a post that was deleted before it could be pushed the delete alone may have come
    const kept = async () => {
      const posts = await command('history', '--limit', '100')
      return posts.flatMap(post => (post.deleted ? [] : [post.id])).sort()
    }
    // the hub tries again after 5 s, 30 s, 2 min
    const deadline = Date.now() + 150_000
    while ((await kept()).join() !== alive.sort().join() && Date.now() < deadline);
    assert.deepEqual(await kept(), alive.sort())
  })
})
