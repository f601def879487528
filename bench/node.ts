/** What every bench needs: a real node, started as its owner would, and the load harness beside the project. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('..', import.meta.url))
const shared = process.env.SHARED_DIR ?? join(project, '../shared')

/** A program of the harness. @throws when the folder is not there */
export function harness(path: string): string {
  const file = join(shared, 'tools', path)
  if (!existsSync(file)) throw new Error(`The harness is not there: ${file}. Set SHARED_DIR.`)
  // its programs ask whether they were started, by their real path
  return realpathSync(file)
}

export const freePort = (): Promise<number> =>
  new Promise(done => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })

/** Waits until an address answers with 200. @throws after 15 seconds */
export async function ready(url: string): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end; ) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.status === 200) return
    await new Promise(done => setTimeout(done, 20))
  }
  throw new Error(`${url} did not answer`)
}

/** `env`: what its commands run with, for whoever opens its database. */
export type BenchNode = { url: string; pid: number; env: NodeJS.ProcessEnv; command(...words: string[]): string; stop(): Promise<void> }

/** A node in a process of its own, on a fresh bundled PostgreSQL that writes to disk as it does for its owner. */
export async function startBenchNode(settings: Record<string, string> = {}): Promise<BenchNode> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'tidings-bench-'))
  // as root the database runs as somebody else, who must be able to enter
  chmodSync(folder, 0o755)
  const env = {
    ...process.env,
    PORT: String(port),
    DATA_DIR: join(folder, 'data'),
    ALLOW_ADDRESSES: '127.0.0.0/8',
    LOG_FORMAT: 'json',
    ...settings
  }
  const child = spawn(process.execPath, ['src/main.ts', 'start'], { cwd: project, env, stdio: ['ignore', 'ignore', 'inherit'] })
  endWithUs(child)
  const url = `http://127.0.0.1:${port}`
  await ready(`${url}/readyz`)
  return {
    ...{ url, pid: child.pid!, env },
    command: (...words) =>
      execFileSync(process.execPath, ['src/main.ts', ...words], { cwd: project, env, encoding: 'utf8', maxBuffer: 1 << 30 }),
    stop: async () => {
      await end(child, 'SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** A server that is one file, until it answers. */
export async function startServer(file: string, words: string[], probe: string): Promise<{ pid: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [file, ...words], { stdio: 'ignore' })
  endWithUs(child)
  for (const end = Date.now() + 10_000; Date.now() < end && !(await fetch(probe).catch(() => undefined)); )
    await new Promise(done => setTimeout(done, 20))
  return { pid: child.pid!, stop: () => end(child, 'SIGTERM') }
}

/** Nothing goes on when a bench fails. */
const endWithUs = (child: ChildProcess): void => void process.once('exit', () => child.kill('SIGTERM'))

const end = (child: ChildProcess, signal: NodeJS.Signals): Promise<void> =>
  new Promise(done => {
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.once('exit', () => done())
    child.kill(signal)
  })

export const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? Number.NaN
