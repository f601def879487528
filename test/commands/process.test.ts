/** The program as it is started by people and by a host's supervisor. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../support/database.ts'
import { serve } from '../support/loopback.ts'
import { until } from '../support/node.ts'

const program = fileURLToPath(new URL('../../bin/tidings.js', import.meta.url))

type Running = { child: ChildProcess; out: () => string; err: () => string; ended: Promise<number | null> }

describe('the program', function () {
  this.timeout(60_000)
  const cwd = temporaryFolder()
  const running: ChildProcess[] = []
  after(() => {
    for (const child of running) child.kill('SIGKILL')
    rmSync(cwd, { recursive: true, force: true })
  })

  /** In a folder without `.env`, with nothing of our own environment but the way to Node. */
  const launch = (line: string[], env: Record<string, string> = {}): Running => {
    const child = spawn(process.execPath, [program, ...line], { cwd, env: { PATH: process.env.PATH ?? '', DATA_DIR: './data', ...env } })
    const [out, err]: [string[], string[]] = [[], []]
    child.stdout.on('data', text => out.push(text))
    child.stderr.on('data', text => err.push(text))
    running.push(child)
    return { child, out: () => out.join(''), err: () => err.join(''), ended: once(child, 'close').then(([code]) => code) }
  }
  const finish = async (line: string[], env: Record<string, string> = {}) => {
    const { ended, out, err } = launch(line, env)
    return { code: await ended, out: out(), err: err() }
  }
  const freePort = async () => {
    const server = await serve(() => {})
    await server.close()
    return String(server.port)
  }

  it('ends with 2 and the usage when it is called in a wrong way, and needs no node for its help', async () => {
    assert.deepEqual(await finish(['--version']), { code: 0, out: '0.1.0\n', err: '' })
    assert.match((await finish(['help'])).out, /^Usage: tidings \[COMMAND\]/)
    const { code, out, err } = await finish(['follow'])
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, /Usage: tidings follow WHO/)
  })

  it('tells all faults of the settings at once, and ends with 2', async () => {
    const { code, out, err } = await finish(['start'], { PORT: 'x', PUBLIC_URL: 'ftp://a.example', DYNO: 'web.1' })
    assert.deepEqual([code, out], [2, ''])
    assert.deepEqual(
      err
        .trimEnd()
        .split('\n')
        .map(line => /^[A-Z_]+/.exec(line)?.[0])
        .sort(),
      ['DATABASE_URL', 'PORT', 'PUBLIC_URL']
    )
  })

  it('starts, has commands work beside it, and stops by SIGTERM within 10 seconds', async () => {
    const env = { PORT: await freePort() }
    const node = launch([], env)
    const said = () =>
      node
        .out()
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line).message as string)
    await until('the node', () => said().some(message => message.startsWith('Listening')) || node.child.exitCode !== null, 30_000)
    const listening = `Listening on http://127.0.0.1:${env.PORT}, data in ./data, not public yet: federation is off until PUBLIC_URL is set`
    assert.ok(said().includes(listening), node.out() + node.err())

    const list = await finish(['account', 'list', '--json'], env)
    assert.deepEqual([list.code, JSON.parse(list.out).acct, list.err], [0, `blog@127.0.0.1:${env.PORT}`, ''])
    assert.equal((await finish(['account', 'remove', 'nobody'], env)).code, 1)
    const second = await finish(['start'], env)
    assert.equal(second.code, 1)
    assert.match(second.err, new RegExp(`^Port ${env.PORT} of 127\\.0\\.0\\.1 is in use already`))

    // a page that is open and told of news is not waited for
    const origin = `http://127.0.0.1:${env.PORT}`
    const [, token = ''] = /token=(\S+)/.exec((await finish(['signin'], env)).out) ?? []
    const entered = await fetch(`${origin}/signin`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
      headers: { origin },
      redirect: 'manual'
    })
    const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? ''
    const stream = await fetch(`${origin}/events?since=0_${'0'.repeat(17)}`, { headers: { cookie } })
    assert.equal(stream.status, 200)

    const begun = Date.now()
    node.child.kill('SIGTERM')
    assert.match(await stream.text(), /^retry: /)
    assert.equal(await node.ended, 0)
    assert.ok(Date.now() - begun < 10_000)
    assert.equal(said().at(-1), 'stopped')
    assert.match(node.err(), /^Set this node up: \S+\/setup\?token=[\w-]{43} \(.*\)\n$/)
    assert.ok(!node.out().includes('token='))
  })

  it('brings the database up to date, which lists nothing new when it is done again', async () => {
    assert.deepEqual(await finish(['migrate', '--json']), { code: 0, out: '{"pending":0}\n', err: '' })
  })

  it('works the queue without answering requests, and stops by SIGINT', async () => {
    const env = { PORT: await freePort() }
    const worker = launch(['worker'], { ...env, DATA_DIR: './work' })
    await until('the worker', () => worker.out().includes('Working, data in ./work'), 30_000)
    worker.child.kill('SIGINT')
    assert.equal(await worker.ended, 0)
  })
})
