/**
 * The bundled PostgreSQL: started by whoever comes first, shared by all processes on one data folder, stopped by whoever
 * leaves last. It listens on a Unix socket in a folder of mode 0700 alone, and so needs no password. See
 * docs/decisions/0001-bundled-postgresql.md.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, lstat, mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { Refused, Unreachable } from '../model/errors.ts'
import type { Log } from '../model/log.ts'
import { type Binaries, findBinaries, type Identity, requireReach, serverIdentity } from './binaries.ts'

/** Where the server is; `host` is the folder of its socket. */
export type BundledConnection = { host: string; port: number; user: string; database: string }

/** `started`: this process started the server, else it joined a running one. */
export type Bundled = { connection: BundledConnection; pid: number; started: boolean; stop(): Promise<void> }

/** All that a start of the server needs to know. */
type Cluster = { folder: string; binaries: Binaries; identity: Identity; unsafe: boolean }

/** Our place at a running server. As long as `guest` is connected, nobody else stops it. */
type Place = { pid: number; connection: BundledConnection; guest: pg.Client }

/** Every process holds this advisory lock, shared, while it uses the server; only who gets it alone may stop the server. */
const inUse = 7_041_776
/** Milliseconds. */
const patience = 60_000
const run = promisify(execFile)

/** What the connections of this process are called in pg_stat_activity. */
export const applicationName = `tidings:${process.pid}`

/**
 * Joins the PostgreSQL that runs on `dataDir`, or starts it, making its files first when there are none. Any number of
 * processes may do so at once. `stop()` ends the server unless somebody else is connected to it.
 * @param options `dataDir`: absolute; `unsafe`: gives up safety against a crash for speed, for tests
 * @throws Missing when there is no PostgreSQL for this platform; Refused when its files are of another version or closed to
 * us; Unreachable when it did not start within a minute
 */
export async function startBundled(options: { dataDir: string; log: Pick<Log, 'info'>; unsafe?: boolean }): Promise<Bundled> {
  const { log } = options
  const cluster = await prepare(options.dataDir, options.unsafe ?? false)
  const deadline = Date.now() + patience
  let child: ChildProcess | undefined
  for (let pause = 40; Date.now() < deadline; ) {
    const place = await takePlace(cluster.folder)
    if (place) {
      const started = place.pid === child?.pid
      log.info({ pid: place.pid, folder: cluster.folder }, started ? 'started the bundled PostgreSQL' : 'joined the bundled PostgreSQL')
      return { connection: place.connection, pid: place.pid, started, stop: () => leave(cluster.folder, place, log) }
    }
    if (child && !hasEnded(child)) {
      await sleep(10)
      continue
    }
    // Ours has ended: another process was quicker, or the last backends of a killed server still hold its memory.
    if (child) await sleep(pause)
    pause = Math.min(pause * 2, 500)
    child = await launch(cluster)
  }
  throw new Unreachable(`The bundled PostgreSQL did not start within a minute. Its log ends with:\n${await logTail(cluster.folder)}`)
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function prepare(dataDir: string, unsafe: boolean): Promise<Cluster> {
  await mkdir(dataDir, { recursive: true })
  // The server calls its folder by the real path, and cannot be told from another one otherwise.
  const parent = await realpath(dataDir)
  const folder = join(parent, 'postgres')
  const identity = await serverIdentity(folder)
  await requireReach(parent, identity)
  const binaries = await findBinaries(identity, join(parent, 'libraries'))
  const cluster = { folder, binaries, identity, unsafe }
  if (!existsSync(folder)) await initialise(cluster)
  await requireVersion(folder, binaries.major)
  return cluster
}

/** Makes the files elsewhere and moves them into place, so that of racing starts one wins and none sees half of them. */
async function initialise({ folder, binaries, identity, unsafe }: Cluster): Promise<void> {
  await removeAbandoned(folder)
  const made = await mkdtemp(`${folder}.new-`)
  try {
    if (identity) await chown(made, identity.uid, identity.gid)
    const options = ['-D', made, '-U', 'tidings', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', ...(unsafe ? ['--no-sync'] : [])]
    await run(binaries.initdb, options, { cwd: '/', env: binaries.env, ...identity })
    await rename(made, folder)
  } catch (cause) {
    await rm(made, { recursive: true, force: true })
    const { code, stderr } = cause as { code?: string; stderr?: string }
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return
    throw new Unreachable(`The files of the bundled PostgreSQL could not be made in ${folder}: ${stderr || cause}`, { cause })
  }
}

/** What an initialisation left behind that was killed, an hour ago or more. */
async function removeAbandoned(folder: string): Promise<void> {
  const parent = dirname(folder)
  for (const name of await readdir(parent)) {
    const path = join(parent, name)
    if (path.startsWith(`${folder}.new-`) && (await stat(path)).mtimeMs < Date.now() - 3_600_000) await rm(path, { recursive: true })
  }
}

async function requireVersion(folder: string, major: string): Promise<void> {
  let found: string
  try {
    found = (await readFile(join(folder, 'PG_VERSION'), 'utf8')).trim()
  } catch (cause) {
    const { code } = cause as { code?: string }
    throw code === 'EACCES'
      ? new Refused(`The database in ${folder} belongs to another user: start tidings as that user, or choose another DATA_DIR.`, { cause })
      : new Refused(`The folder ${folder} holds something that is not a database: choose another DATA_DIR.`, { cause })
  }
  if (found !== major) {
    throw new Refused(
      `The database in ${folder} was made by PostgreSQL ${found}, but this is PostgreSQL ${major}. To move it: write it to a file with ` +
        'the version of tidings that made it (tidings export FILE), put the folder aside, and read the file with this version (tidings restore FILE).'
    )
  }
}

async function launch(cluster: Cluster): Promise<ChildProcess> {
  const { folder, binaries, identity, unsafe } = cluster
  const unsafely = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off']
  const settings = [
    'listen_addresses=',
    'shared_buffers=32MB',
    // no disk of today is so slow to seek that a whole table were read sooner than a hundred of its rows
    'random_page_cost=1.1',
    'jit=off',
    'timezone=UTC',
    'log_checkpoints=off',
    ...(unsafe ? unsafely : [])
  ]
  const options = ['-D', folder, '-k', await socketFolder(cluster), ...settings.flatMap(setting => ['-c', setting])]
  const env = { ...binaries.env, ...(await disownedLock(folder)) }
  const output = await openLog(cluster)
  try {
    // Detached, and its output a file: it outlives us, since others may have joined it.
    const child = spawn(binaries.postgres, options, { cwd: '/', env, detached: true, stdio: ['ignore', output.fd, output.fd], ...identity })
    await once(child, 'spawn')
    child.unref()
    return child
  } catch (cause) {
    throw new Unreachable(`The bundled PostgreSQL could not be started: ${(cause as Error).message}`, { cause })
  } finally {
    await output.close()
  }
}

const logFile = (folder: string) => join(folder, 'server.log')

async function openLog({ folder, identity }: Cluster) {
  const size = (await stat(logFile(folder)).catch(() => undefined))?.size ?? 0
  if (size > 1_000_000) await rename(logFile(folder), `${logFile(folder)}.old`)
  const log = await open(logFile(folder), 'a', 0o600)
  if (identity) await log.chown(identity.uid, identity.gid)
  return log
}

const logTail = async (folder: string) => (await readFile(logFile(folder), 'utf8').catch(() => '')).split('\n').slice(-10).join('\n')

/** A socket's path has room for some 100 bytes, and PostgreSQL splits the option at commas: such folders get one of their own. */
async function socketFolder({ folder, identity }: Cluster): Promise<string> {
  if (Buffer.byteLength(join(folder, '.s.PGSQL.5432')) <= 100 && !/[",]/.test(folder)) return folder
  const short = join(tmpdir(), `tidings-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`)
  const owner = identity?.uid ?? process.getuid?.()
  try {
    await mkdir(short, { mode: 0o700 })
    if (identity) await chown(short, identity.uid, identity.gid)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  }
  // Anybody may make such a folder first, where everybody may write.
  const found = await lstat(short)
  if (found.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0) return short
  throw new Refused(`The folder ${short} is needed for the socket of the bundled PostgreSQL, but another user made it: remove it.`)
}

/** What postmaster.pid says (a line each, PostgreSQL's pidfile.h): 1 the process, 4 the port, 5 the folder of the socket. */
async function readLock(folder: string): Promise<{ pid: number; port: number; host: string } | undefined> {
  const lines = (await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const [pid, port, host] = [Number(lines[0]), Number(lines[3]), lines[4]]
  return pid > 0 && port > 0 && host ? { pid, port, host } : undefined
}

/** When another program of this user runs under the pid of a server that was killed, PostgreSQL would refuse to start for good. */
async function disownedLock(folder: string): Promise<{ PG_GRANDPARENT_PID?: string }> {
  const lock = await readLock(folder)
  return lock && !(await isPostgres(lock.pid)) ? { PG_GRANDPARENT_PID: String(lock.pid) } : {}
}

async function isPostgres(pid: number): Promise<boolean> {
  try {
    const name =
      process.platform === 'linux' ? await readFile(`/proc/${pid}/comm`, 'utf8') : (await run('ps', ['-p', `${pid}`, '-o', 'comm='])).stdout
    return /postgres\s*$/.test(name)
  } catch {
    return false
  }
}

/** Connects to the server of this very folder and says that it is in use; undefined when there is none, or one that is stopping. */
async function takePlace(folder: string): Promise<Place | undefined> {
  const lock = await readLock(folder)
  if (!lock) return undefined
  const connection = { host: lock.host, port: lock.port, user: 'tidings', database: 'postgres' }
  const guest = new pg.Client({ ...connection, ssl: false, application_name: applicationName })
  // The connection is lost when the server goes; whoever queries then learns it from his own connection.
  guest.on('error', () => {})
  try {
    await guest.connect()
    const { rows } = await guest.query(`select current_setting('data_directory') as folder, pg_advisory_lock_shared(${inUse})`)
    if (rows[0].folder !== folder) throw new Error('a server of another folder')
    return { pid: lock.pid, connection, guest }
  } catch {
    await guest.end().catch(() => {})
    return undefined
  }
}

/** Gives up our place; the last one out stops the server, with a fast shutdown, and waits until it has gone. */
async function leave(folder: string, { pid, guest }: Place, log: Pick<Log, 'info'>): Promise<void> {
  try {
    if ((await isLast(guest)) && (await isPostgres(pid))) {
      process.kill(pid, 'SIGINT')
      for (let tries = 0; tries < 1000 && (await readLock(folder))?.pid === pid; tries++) await sleep(10)
      log.info({ pid, folder }, 'stopped the bundled PostgreSQL')
    }
  } catch (error) {
    log.info({ pid, folder, error }, 'the bundled PostgreSQL had gone already')
  } finally {
    await guest.end().catch(() => {})
  }
}

async function isLast(guest: pg.Client): Promise<boolean> {
  await guest.query(`select pg_advisory_unlock_shared(${inUse})`)
  const { rows } = await guest.query(`select pg_try_advisory_lock(${inUse}) as alone`)
  if (!rows[0].alone) return false
  // Others are the owner with psql, say. A connection that was just closed is still seen for some milliseconds.
  for (let tries = 0; tries < 10; tries++) {
    const others = await guest.query(
      `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name <> $1`,
      [applicationName]
    )
    if (others.rowCount === 0) return true
    await sleep(20)
  }
  return false
}
