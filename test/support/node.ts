/** A whole node of ours on loopback: real stores, real HTTP, its own database. Two of them converse in the flow tests. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Assembled, assemble, type Overrides } from '../../src/assemble.ts'
import { readConfig } from '../../src/config.ts'
import { addAccount } from '../../src/federation/accounts.ts'
import { startSchedule } from '../../src/jobs/schedule.ts'
import { startWorker } from '../../src/jobs/worker.ts'
import type { Log } from '../../src/model/log.ts'
import type { Tools } from '../../src/tools.ts'
import { makeApp } from '../../src/web/app.ts'
import { type FreshDatabase, freshDatabase, silence, temporaryFolder } from './database.ts'

/** `port`: where it listens, whatever `url` says. */
export type TestNode = { tools: Tools; url: string; host: string; port: number; database: FreshDatabase; close(): Promise<void> }

export type NodeOptions = {
  /** Settings of the environment, over those of a node on loopback that may reach loopback. */
  env?: Record<string, string>
  /** Accounts to make. */
  accounts?: string[]
  /** Whether the queue is worked; default true. */
  work?: boolean
  /** Whether it is as if nobody spoke ActivityPub: it reads no documents of it. */
  onlyOStatus?: boolean
  overrides?: Overrides
  log?: Log
}

export async function startNode({
  env = {},
  accounts = [],
  work = true,
  onlyOStatus = false,
  overrides = {},
  log = silence
}: NodeOptions = {}): Promise<TestNode> {
  const server = await listening()
  const { port } = server.address() as AddressInfo
  const database = await freshDatabase()
  const url = env.PUBLIC_URL ?? `http://127.0.0.1:${port}`
  const config = readConfig(
    {
      PORT: String(port),
      PUBLIC_URL: url,
      ALLOW_ADDRESSES: '127.0.0.0/8',
      DATA_DIR: temporaryFolder(),
      SECRET_KEY: 'a key for tests only',
      LOG_LEVEL: 'silent',
      ...env
    },
    { cwd: temporaryFolder() }
  )
  const assembled: Assembled = await assemble(config, log, work ? 'node' : 'web', { database: database.database, ...overrides })
  const { tools } = assembled
  if (onlyOStatus) hideActivityPub(tools.http)
  server.on('request', makeApp(tools).callback())
  const stopWorker = work ? await startWorker(tools) : undefined
  const stopSchedule = work ? startSchedule(tools) : undefined
  for (const name of accounts) await addAccount(tools, name)
  const close = async () => {
    server.closeAllConnections()
    await new Promise(done => server.close(done))
    await stopSchedule?.(5_000)
    await stopWorker?.(5_000)
    await assembled.close()
    await database.drop()
  }
  return { tools, url, host: `127.0.0.1:${port}`, port, database, close }
}

function hideActivityPub(http: Tools['http']): void {
  const { request } = http
  http.request = async (url, ask = {}) =>
    /activity\+json/.test(ask.headers?.accept ?? '')
      ? { status: 404, url, headers: {}, body: Buffer.alloc(0), trusted: true, hops: [] }
      : request(url, ask)
}

const listening = (): Promise<Server> =>
  new Promise(done => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => done(server))
  })

/** Waits until something holds, looking every 10 ms. @throws after `patience` milliseconds, naming what did not come */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  patience = 5_000
): Promise<T> {
  const deadline = Date.now() + patience
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen
    if (Date.now() > deadline) throw new Error(`waited ${patience} ms in vain for ${what}`)
    await new Promise(done => setTimeout(done, 10))
  }
}
