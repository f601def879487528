/** RSS readers that we did not write read our feeds: newsboat and sfeed of Debian. Run by `npm run test:outside`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findAccount } from '../../src/federation/accounts.ts'
import { publish } from '../../src/federation/publish.ts'
import { startNode, type TestNode } from '../support/node.ts'

const run = promisify(execFile)
const POSTS = 25
const ODD = 'Odd: <b>&amp;</b> "quotes" ]]> 🎉 ñ \u0001 \u2028 end'

describe('readers that we did not write', () => {
  let node: TestNode
  before(async () => {
    node = await startNode({ accounts: ['ann'] })
    const ann = await findAccount(node.tools, 'ann')
    for (let n = 1; n < POSTS; n++) await publish(node.tools, ann, { title: `Post ${n}`, text: `Text of post ${n}.` })
    await publish(node.tools, ann, { title: ODD, text: ODD })
  })
  after(() => node?.close())

  const newsboat = async (feed: string): Promise<string> => {
    const folder = mkdtempSync(join(tmpdir(), 'tidings-newsboat-'))
    writeFileSync(join(folder, 'urls'), `${feed}\n`)
    const base = ['-u', join(folder, 'urls'), '-c', join(folder, 'cache.db'), '-C', '/dev/null']
    await run('newsboat', [...base, '-x', 'reload'], { env: { ...process.env, HOME: folder } })
    return (await run('newsboat', [...base, '-x', 'print-unread'], { env: { ...process.env, HOME: folder } })).stdout
  }

  for (const format of ['atom', 'rss']) {
    it(`newsboat reads every entry of the newest page as ${format}`, async () => {
      assert.match(await newsboat(`${node.url}/users/ann.${format}`), /^20 unread/)
    })

    it(`sfeed reads every entry of the newest page as ${format}, odd characters too`, async () => {
      const answer = await fetch(`${node.url}/users/ann.${format}`)
      const file = join(mkdtempSync(join(tmpdir(), 'tidings-sfeed-')), 'feed')
      writeFileSync(file, await answer.text())
      const { stdout } = await run('sh', ['-c', 'sfeed "$1" < "$2"', 'sh', node.url, file])
      const rows = stdout
        .trim()
        .split('\n')
        .map(line => line.split('\t'))
      assert.equal(rows.length, 20)
      assert.ok(
        rows.every(
          row =>
            Number(row[0]) > 0 && row[2]?.startsWith(`${node.url}/users/ann/posts/`) && row[5]?.startsWith(`${node.url}/users/ann/posts/`)
        )
      )
      assert.equal(new Set(rows.map(row => row[5])).size, 20)
      assert.ok(
        rows.some(row => row[1]?.includes('"quotes" ]]> 🎉 ñ')),
        rows[0]?.[1]
      )
    })
  }
})
