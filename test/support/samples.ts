/**
 * What lies beside the project (SHARED_DIR, else ../shared): real documents of real servers (SAMPLES_DIR, else its samples/), and
 * checks of a hub and of WebFinger that others wrote. Nothing of them is in the project; without the folders the tables over them
 * are not registered, and one line says how many.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const beside = process.env.SHARED_DIR ?? new URL('../../../shared', import.meta.url).pathname
const root = process.env.SAMPLES_DIR ?? join(beside, 'samples')
const checks = join(beside, 'tools/conformance')
const present = existsSync(root)
let missing = 0

export const readSample = (path: string): Buffer => readFileSync(join(root, path))

/** Paths of the samples below a folder, sorted, relative to the samples' root: `feeds/x.atom`. */
export function listSamples(folder: string): string[] {
  if (!present) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}

/** Registers a table over samples: `register` is called (inside a describe) only when the folder is there. */
export function withSamples(title: string, register: () => void): void {
  if (present) describe(title, register)
  else missing++
}

/** A program of the checks from outside. */
export const checkProgram = (name: string): string => join(checks, name)

/** Registers a table that runs those programs: only when they are there. */
export function withChecks(title: string, register: () => void): void {
  if (existsSync(checks)) describe(title, register)
  else missing++
}

export function reportMissingSamples(): void {
  if (missing > 0)
    console.log(`  ${missing} tables over real documents and checks from outside were not registered: they are not in ${beside}`)
}
