/** `mastodon connect`, `status`, `disconnect`: the code is typed. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type } from '../support/commands.ts'
import { temporaryFolder } from '../support/database.ts'
import { consent, type Mastodon, startMastodon } from '../support/doubles/mastodon-api.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf } from '../support/residents.ts'

describe('commands of Mastodon', function () {
  this.timeout(40_000)
  let mastodon: Mastodon
  let node: TestNode
  before(async () => {
    mastodon = await startMastodon()
    node = await startNode({ accounts: ['ann'], work: false })
  })
  after(async () => {
    await node?.close()
    await mastodon?.close()
  })

  const typed = (line: string, answer?: (printed: string[]) => string | Promise<string>) => type(node.tools, line, answer)
  const allow = ([address = '']: string[]) => consent(address)

  it('S1-27 S1-29 S1-31 print an address, take the code, and say whose account it is', async () => {
    const { code, complaints, printed, progress } = await typed(`mastodon connect ${mastodon.origin}`, allow)
    assert.deepEqual([code, complaints], [0, []])
    assert.match(progress[0] ?? '', /127\.0\.0\.1:\d+ shows a code\. Permissions: profile write:statuses read:statuses\.$/)
    assert.equal(printed[1], `ann toots as @owner@${mastodon.host} from now on.`)
    assert.equal((await node.tools.connections.find((await accountOf(node.tools, 'ann')).id))?.username, 'owner')
  })

  it('speak JSON', async () => {
    const { code, json } = await typed(`mastodon connect ${mastodon.origin} --as ann --wide --json`, printed =>
      consent((JSON.parse(printed[0]!) as { authorize: string }).authorize)
    )
    assert.equal(code, 0)
    assert.deepEqual(
      [json[0]?.scope, json[1]],
      ['read write', { connected: { host: mastodon.origin, username: 'owner', scope: 'read write' } }]
    )
  })

  it('S1-28 say when a server takes no narrower permissions', async () => {
    mastodon.change({ knownScopes: ['read', 'write'] })
    const { progress } = await typed(`mastodon connect ${mastodon.origin}`, allow)
    assert.match(progress[0] ?? '', /Permissions: read write, as it takes no fewer\.$/)
    mastodon.change({ knownScopes: ['read', 'write', 'profile', 'write:statuses', 'read:statuses'] })
  })

  it('fail with a sentence when there is no code, or not the right one', async () => {
    const none = await typed(`mastodon connect ${mastodon.origin}`)
    assert.deepEqual([none.code, none.complaints], [1, ['That is no code. Begin again.']])
    const wrong = await typed(`mastodon connect ${mastodon.origin} --json`, () => 'wrong')
    assert.deepEqual([wrong.code, wrong.json[1]?.code], [1, 'code'])
    assert.match(wrong.complaints[0] ?? '', /invalid_grant/)
    assert.match((await typed('mastodon connect 10.0.0.1')).complaints[0] ?? '', /not a public address/)
  })

  it('show what is connected and what waits, without secrets, and end it', async () => {
    const { id } = await accountOf(node.tools, 'ann')
    const wish = { key: 'b.example/1', url: 'https://b.example/1', accountId: id, dueAt: new Date() }
    await node.tools.toots.want([wish], new Date())
    const { token } = (await node.tools.connections.find(id))!
    assert.deepEqual((await typed('mastodon status')).printed, [`ann  @owner@${mastodon.host}  1 waiting`])
    await node.tools.connections.change(id, { state: 'revoked', error: 'it was revoked' })
    assert.deepEqual((await typed('mastodon status')).printed, [`ann  @owner@${mastodon.host}, refused: connect again  1 waiting`])
    const { json, printed } = await typed('mastodon status --json')
    const expected = { account: 'ann', host: mastodon.origin, username: 'owner', scope: 'read write', state: 'revoked' }
    assert.deepEqual(json, [{ ...expected, error: 'it was revoked', from: 'connect', waiting: 1 }])
    assert.ok(!printed.join('').includes(token))
    assert.deepEqual((await typed('mastodon disconnect')).printed, [`ann toots as @owner@${mastodon.host} no more.`])
    assert.ok(mastodon.requests({ path: '/oauth/revoke' }).some(({ body }) => body.includes(token)))
    assert.deepEqual((await typed('mastodon status')).printed, ['ann  not connected  1 waiting'])
    assert.equal((await typed('mastodon disconnect')).code, 1)
  })

  it('take the code from a pipe, and its end for none', async () => {
    const settings = {
      DATA_DIR: temporaryFolder(),
      SECRET_KEY: 'a key for tests only',
      ALLOW_ADDRESSES: '127.0.0.0/8',
      LOG_LEVEL: 'silent'
    }
    const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
    const run = async (line: string, answer: (printed: string) => Promise<string>) => {
      const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...settings }
      const child = spawn(process.execPath, [program, ...line.split(' ')], { env, cwd: settings.DATA_DIR, stdio: 'pipe' })
      let [printed, told] = ['', '']
      child.stdout.on('data', async part => {
        const isFirst = printed === ''
        printed += part
        if (isFirst) child.stdin.end(await answer(printed))
      })
      child.stderr.on('data', part => {
        told += part
      })
      const [code] = await once(child, 'close')
      return { code, printed, told }
    }
    assert.equal((await run('account add ann', async () => '')).code, 0)
    const done = await run(
      `mastodon connect ${mastodon.origin} --json`,
      async printed => `${await consent(JSON.parse(printed).authorize)}\n`
    )
    assert.deepEqual([done.code, JSON.parse(done.printed.split('\n')[1]!).connected.username], [0, 'owner'], done.told)
    const none = await run(`mastodon connect ${mastodon.origin}`, async () => '')
    assert.equal(none.code, 1)
    assert.match(none.told, /That is no code/)
  })
})
