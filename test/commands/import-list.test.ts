/** `import opml` and `following --opml`. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beginImport, takeImports } from '../../src/federation/follow-list.ts'
import { readOpml } from '../../src/protocol/opml.ts'
import { type Typed, type } from '../support/commands.ts'
import { temporaryFolder } from '../support/database.ts'
import { type Reader, startReader } from '../support/reader.ts'

const RSS = (name: string) =>
  `<rss version="2.0"><channel><title>${name}</title><item><guid>1</guid><title>t</title></item></channel></rss>`
const opml = (urls: string[]) =>
  `<opml version="2.0"><body>${urls.map(url => `<outline text="x" xmlUrl="${url}"/>`).join('')}</body></opml>`

describe('the commands of lists', () => {
  let reader: Reader
  let file: string
  const urls = ['https://a.example/feed', 'https://b.example/feed', 'https://b.example/none']
  beforeEach(async () => {
    reader = await startReader()
    for (const name of ['a', 'b'])
      reader.net.set(`https://${name}.example/feed`, { headers: { 'content-type': 'application/rss+xml' }, body: RSS(name) })
    file = join(temporaryFolder(), 'feeds.opml')
    writeFileSync(file, opml(urls))
  })
  afterEach(() => reader.close())
  const typed = (...line: string[]): Promise<Typed> => type(reader.tools, line)

  it('6.3 import opml --dry-run tells what would be followed, and asks nobody', async () => {
    await reader.follow('https://a.example/feed')
    const asked = reader.net.sent.length
    const { code, json } = await typed('import', 'opml', file, '--dry-run', '--json')
    assert.deepEqual([code, json.map(({ already }) => already)], [0, [true, false, false]])
    assert.match((await typed('import', 'opml', file, '--dry-run')).printed[1] ?? '', /^would be followed {2}https:\/\/b\.example\/feed$/)
    assert.equal(reader.net.sent.length, asked)
  })

  it('6.3 import opml follows them all, with what came of each', async () => {
    const { code, printed, progress } = await typed('import', 'opml', file)
    assert.equal(code, 0)
    assert.deepEqual(printed, [
      'followed       https://a.example/feed',
      'followed       https://b.example/feed',
      'failed         https://b.example/none  The answer was 404.'
    ])
    assert.match(progress.at(-1) ?? '', /^3 feeds: 2 followed, 0 asked, 0 followed before, 0 without a feed, 1 failed$/)
    const again = await typed('import', 'opml', file, '--json')
    assert.deepEqual(
      again.json.map(({ state }) => state),
      ['already', 'already', 'dead']
    )
  })

  it('6.3 import opml goes on where it was cut off, and waits for what another has in hand', async () => {
    const list = await beginImport(reader.tools, reader.bob, Buffer.from(opml(urls)))
    const taken = await takeImports(reader.tools, list.id)
    assert.equal(taken.length, 3)
    // whoever had them is gone: they are due again after three minutes of the node's clock
    const later = setTimeout(() => reader.pass(181_000), 200)
    const { printed } = await typed('import', 'opml', file)
    clearTimeout(later)
    assert.equal(printed.length, 3)
    assert.deepEqual(
      (await reader.tools.imports.latest(9)).map(({ id }) => id),
      [list.id]
    )
  })

  it('fails with a sentence for a file that is none', async () => {
    assert.deepEqual(
      [(await typed('import', 'opml', '/nowhere')).code, (await typed('import', 'opml', '/nowhere')).complaints],
      [1, ['/nowhere cannot be read.']]
    )
    writeFileSync(file, '<html/>')
    assert.equal((await typed('import', 'opml', file)).code, 1)
  })

  it('W8 following --opml gives the list that others read', async () => {
    await typed('import', 'opml', file)
    const { printed } = await typed('following', '--opml')
    assert.deepEqual(
      readOpml(printed.join('\n')).map(({ url }) => url),
      ['https://a.example/feed', 'https://b.example/feed']
    )
  })
})
