import assert from 'node:assert/strict'
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { Missing, Refused } from '../../src/model/errors.ts'
import { findBinaries, importPackage, requireReach, serverIdentity } from '../../src/store/binaries.ts'
import { type Bundled, startBundled } from '../../src/store/bundled.ts'
import { silence, temporaryFolder } from '../support/database.ts'

const run = promisify(execFile)
const start = (dataDir: string) => startBundled({ dataDir, log: silence, unsafe: true })
const programs = (root: string) => async () => ({ initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') })
const runs = (dataDir: string) => existsSync(join(dataDir, 'postgres/postmaster.pid'))

async function ask({ connection }: Bundled, sql: string) {
  const client = new pg.Client({ ...connection, ssl: false })
  await client.connect()
  const { rows } = await client.query(sql)
  await client.end()
  return rows
}

type Process = { child: ChildProcessByStdio<Writable, Readable, Readable>; pid: number; started: boolean }

/** Another process of ours on the same folder. */
async function startProcess(dataDir: string): Promise<Process> {
  const script = fileURLToPath(new URL('../support/bundled-process.ts', import.meta.url))
  const child = spawn(process.execPath, [script, dataDir], { stdio: ['pipe', 'pipe', 'pipe'] })
  const said = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(async () => [await text(child.stderr)])])
  return { child, ...JSON.parse(String(said[0])) }
}

async function endProcess({ child }: Process) {
  child.stdin.end()
  await once(child, 'exit')
}

describe('the bundled PostgreSQL', () => {
  let dataDir: string
  before(() => {
    dataDir = temporaryFolder()
  })
  after(() => rmSync(dataDir, { recursive: true }))

  it('is started once by three processes that start at once on an empty folder, and stopped by the last to leave', async () => {
    const three = await Promise.all([1, 2, 3].map(() => startProcess(dataDir)))
    assert.equal(new Set(three.map(({ pid }) => pid)).size, 1)
    assert.equal(three.filter(({ started }) => started).length, 1)
    const [first, second, third] = three.sort((a, b) => Number(b.started) - Number(a.started)) as [Process, Process, Process]
    await endProcess(first)
    assert.ok(runs(dataDir), 'the starter left, and others are connected')
    await endProcess(second)
    assert.ok(runs(dataDir))
    await endProcess(third)
    assert.ok(!runs(dataDir))
    assert.deepEqual(statSync(join(dataDir, 'postgres')).mode & 0o777, 0o700)
  })

  it('is started, joined, and stays while anybody is connected', async () => {
    const first = await start(dataDir)
    const second = await start(dataDir)
    assert.deepEqual([first.started, second.started, second.pid], [true, false, first.pid])
    await second.stop()
    const guest = new pg.Client({ ...first.connection, ssl: false, application_name: 'psql' })
    await guest.connect()
    await first.stop()
    assert.ok(runs(dataDir))
    await guest.end()
    const third = await start(dataDir)
    assert.equal(third.started, false)
    await third.stop()
    assert.ok(!runs(dataDir))
  })

  it('listens on its socket alone', async () => {
    const bundled = await start(dataDir)
    assert.deepEqual(await ask(bundled, `select current_setting('listen_addresses') as hosts, inet_server_addr() as address`), [
      { hosts: '', address: null }
    ])
    await bundled.stop()
  })

  it('runs as another user when we are root', async () => {
    const bundled = await start(dataDir)
    for (const file of ['', 'postmaster.pid', 'server.log']) {
      assert.equal(statSync(join(dataDir, 'postgres', file)).uid, process.getuid?.() || 65534, file)
    }
    await bundled.stop()
  })

  it('outlives a starter that was killed, and is joined by the next', async () => {
    const starter = await startProcess(dataDir)
    starter.child.kill('SIGKILL')
    await once(starter.child, 'exit')
    const bundled = await start(dataDir)
    assert.deepEqual([bundled.started, bundled.pid], [false, starter.pid])
    await bundled.stop()
    assert.ok(!runs(dataDir))
  })

  it('starts again after it was killed, although another program has got its pid', async () => {
    const killed = await start(dataDir)
    const lock = join(dataDir, 'postgres/postmaster.pid')
    const old = readFileSync(lock, 'utf8')
    process.kill(killed.pid, 'SIGKILL')
    await killed.stop()
    const other = spawn('sleep', ['60'], { stdio: 'ignore', ...(await serverIdentity(join(dataDir, 'postgres'))) })
    await once(other, 'spawn')
    writeFileSync(lock, old.replace(/^\d+/, String(other.pid)))
    const bundled = await start(dataDir)
    assert.equal(bundled.started, true)
    await bundled.stop()
    other.kill()
  })

  it('has its socket elsewhere when the path is too long or has a comma, and is found there by others', async () => {
    const long = join(dataDir, 'long'.repeat(30), 'a, b')
    mkdirSync(long, { recursive: true })
    const first = await start(long)
    const second = await start(long)
    assert.equal(second.pid, first.pid)
    assert.equal(dirname(first.connection.host), tmpdir())
    assert.equal(statSync(first.connection.host).mode & 0o777, 0o700)
    assert.deepEqual(await ask(second, `select current_setting('data_directory') as folder`), [{ folder: join(long, 'postgres') }])
    await second.stop()
    await first.stop()
    rmSync(first.connection.host, { recursive: true })
  })
})

describe('the bundled PostgreSQL refuses', () => {
  let dataDir: string
  beforeEach(() => {
    dataDir = temporaryFolder()
    mkdirSync(join(dataDir, 'postgres'))
  })
  afterEach(() => rmSync(dataDir, { recursive: true }))

  it('a folder of another major version, and says how to move', async () => {
    writeFileSync(join(dataDir, 'postgres/PG_VERSION'), '17\n')
    await assert.rejects(start(dataDir), (error: Error) => error instanceof Refused && /17.*18.*export.*restore/.test(error.message))
  })

  it('a folder that is not a database, and leaves it as it is', async () => {
    writeFileSync(join(dataDir, 'postgres/letter.txt'), 'dear')
    await assert.rejects(start(dataDir), Refused)
    assert.equal(readFileSync(join(dataDir, 'postgres/letter.txt'), 'utf8'), 'dear')
  })

  it('a folder that the user it runs as cannot enter, by name and with the cure', async () => {
    chmodSync(dataDir, 0o700)
    await assert.rejects(requireReach(join(dataDir, 'postgres'), { uid: 65534, gid: 65534 }), (error: Error) => {
      return error instanceof Refused && error.message.includes(`chmod o+x ${dataDir}`)
    })
    await requireReach(join(dataDir, 'postgres'), undefined)
  })
})

describe('the programs of the bundled PostgreSQL', () => {
  let folder: string
  let root: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidings-test-'))
    root = join(folder, 'package')
    const { postgres } = await findBinaries(undefined, join(folder, 'unused'))
    const original = join(postgres, '../../..')
    // As npm leaves the package when it runs no install scripts.
    cpSync(original, root, { recursive: true, filter: path => !lstatSync(path).isSymbolicLink() })
  })
  after(() => rmSync(folder, { recursive: true }))

  it('get spare links elsewhere when the package is read-only', async () => {
    const list = join(root, 'native/pg-symlinks.json')
    const links = readFileSync(list, 'utf8')
    // A folder that is not there takes no links, not even from root.
    writeFileSync(list, links.replaceAll('"target":"native/lib/', '"target":"native/closed/'))
    const { postgres, env } = await findBinaries(undefined, join(folder, 'spare'), programs(root))
    writeFileSync(list, links)
    await assert.rejects(run(postgres, ['-V'], { env: {} }), /shared libraries/)
    assert.match((await run(postgres, ['-V'], { env })).stdout, /PostgreSQL/)
  })

  it('get their missing links back', async () => {
    await Promise.all([1, 2, 3].map(() => findBinaries(undefined, join(folder, 'spare'), programs(root))))
    const { postgres, env } = await findBinaries(undefined, join(folder, 'spare'), programs(root))
    assert.deepEqual(Object.keys(env), ['LC_ALL'])
    assert.match((await run(postgres, ['-V'], { env })).stdout, /PostgreSQL/)
  })

  it('are asked for by a sentence that names DATABASE_URL when there are none', async () => {
    for (const platform of ['linux-sparc', 'win32-x64']) {
      await assert.rejects(importPackage(platform), (error: Error) => error instanceof Missing && error.message.includes('DATABASE_URL'))
    }
  })

  it('run as the owner of the database when we are root', async () => {
    const isRoot = process.getuid?.() === 0
    if (isRoot) chownSync(folder, 1234, 1235)
    assert.deepEqual(await serverIdentity(folder), isRoot ? { uid: 1234, gid: 1235 } : undefined)
    assert.deepEqual(await serverIdentity(join(folder, 'nothing')), isRoot ? { uid: 65534, gid: 65534 } : undefined)
  })
})
