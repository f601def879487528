/**
 * Real documents of real servers, read from the folder beside the project (SAMPLES_DIR, else ../shared/samples). Nothing of
 * them is in the project; without the folder the tables over them are not registered, and one line says how many.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = process.env.SAMPLES_DIR ?? new URL('../../../shared/samples', import.meta.url).pathname
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

export function reportMissingSamples(): void {
  if (missing > 0) console.log(`  ${missing} tables over real documents were not registered: there is no folder ${root}`)
}
