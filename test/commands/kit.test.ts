import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WrongUsage } from '../../src/commands/command.ts'
import { type } from '../support/commands.ts'
import { temporaryFolder } from '../support/database.ts'
import { type KitBlog, startKitBlog } from '../support/kit-blog.ts'
import { startNode, type TestNode } from '../support/node.ts'

describe('the command kit', () => {
  let node: TestNode
  let blog: KitBlog
  before(async () => {
    blog = await startKitBlog('netlify')
    blog.put()
    node = await startNode({ env: { BLOG_URL: `${blog.origin}/` }, accounts: ['blog'], work: false })
  })
  after(async () => {
    await node?.close()
    await blog?.close()
  })

  it('shows files and lines, and what is to be set', async () => {
    const { code, printed } = await type(node.tools, 'kit --for netlify')
    assert.equal(code, 0)
    assert.match(printed[0]!, /^# _redirects: Into the folder that is published\./)
    assert.ok(printed.includes(`/.well-known/webfinger  ${node.url}/.well-known/webfinger  302!`))
    assert.equal(printed.at(-1), `# When this is published: set HANDLE_HOST=127.0.0.1:${blog.port}, and start the node again.`)
    const { json } = await type(node.tools, 'kit --for plain --json')
    const [kit] = json as [{ handle: string; files: { path: string }[]; lines: { id: string }[] }]
    assert.equal(kit.handle, `blog@127.0.0.1:${blog.port}`)
    assert.deepEqual(
      kit.files.map(({ path }) => path),
      ['.well-known/host-meta', '.well-known/webfinger']
    )
  })

  it('writes the files into a folder, and over none that is another, unless it is told to', async () => {
    const folder = temporaryFolder()
    const first = await type(node.tools, ['kit', '--for', 'plain', '--out', folder])
    assert.equal(first.code, 0)
    assert.deepEqual(
      first.progress,
      ['host-meta', 'webfinger'].map(name => `wrote ${join(folder, '.well-known', name)}`)
    )
    const path = join(folder, '_redirects')
    writeFileSync(path, '/mine /yours\n')
    const second = await type(node.tools, ['kit', '--for', 'netlify', '--out', folder])
    assert.equal(second.code, 1)
    assert.match(second.complaints[0]!, /^There is already: .*_redirects\. Add the lines/)
    assert.equal(readFileSync(path, 'utf8'), '/mine /yours\n')
    assert.equal(existsSync(join(folder, '_headers')), false)
    assert.equal((await type(node.tools, ['kit', '--for', 'netlify', '--out', folder, '--force'])).code, 0)
    assert.match(readFileSync(path, 'utf8'), /webfinger/)
    assert.equal((await type(node.tools, ['kit', '--for', 'netlify', '--out', folder])).code, 0)
  })

  it('W1 checks, an object a check with --json, and fails when something does', async () => {
    const { code, printed } = await type(node.tools, 'kit --check')
    assert.equal(code, 1)
    assert.ok(printed.includes(`✗ There is no host-meta at 127.0.0.1:${blog.port}: it answered 404.`))
    assert.ok(printed.includes(`    ${blog.origin}/.well-known/host-meta answered 404`))
    const { json } = await type(node.tools, 'kit --check --json')
    assert.deepEqual(Object.keys(json[0]!), ['id', 'state', 'sentence', 'cure', 'seen'])
  })

  it('says how it is used, and what is missing', async () => {
    for (const line of ['kit', 'kit --for ftp']) assert.equal((await type(node.tools, line)).code, 2)
    await assert.rejects(() => type(node.tools, 'kit here'), WrongUsage)
    const bare = await startNode({ accounts: ['alice'], work: false })
    const { code, complaints } = await type(bare.tools, 'kit --for plain')
    await bare.close()
    assert.deepEqual(
      [code, complaints],
      [1, ['The account alice has no blog: set BLOG_URL, or give it one by `tidings account blog NAME URL`.']]
    )
  })
})
