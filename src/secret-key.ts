/** The key that signs sessions and encrypts keys and tokens at rest. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, ConfigFaults } from './config.ts'

/**
 * SECRET_KEY, or the key kept in DATA_DIR, which is made when there is none. Processes that make it at once agree on one.
 * @throws ConfigFaults when the kept key is damaged or may not be read
 */
export async function loadSecretKey(config: Pick<Config, 'secretKey' | 'dataDir'>): Promise<string> {
  if (config.secretKey) return config.secretKey
  await mkdir(config.dataDir, { recursive: true })
  const path = join(config.dataDir, 'secret.key')
  const key = (await readKept(path)) ?? (await makeKept(path))
  if (key.length >= 16) return key
  throw fault(path, 'is damaged: bring it back from a backup, for what it encrypted is lost without it')
}

const fault = (name: string, sentence: string) => new ConfigFaults([{ name, sentence }])

async function readKept(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw fault(path, 'cannot be read by this user')
  }
}

/** Written whole under a name of its own and then linked: nobody reads half a key, and only the first link succeeds. */
async function makeKept(path: string): Promise<string> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${randomBytes(32).toString('base64url')}\n`)
    await file.sync()
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await file.close()
    await rm(draft)
  }
  return (await readKept(path)) ?? ''
}
