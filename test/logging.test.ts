import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { makeLog } from '../src/logging.ts'
import { BadMessage } from '../src/model/errors.ts'
import { hideSecrets, type Log } from '../src/model/log.ts'

function recordLog(format: 'json' | 'text', write: (log: Log) => void, level: 'debug' | 'info' = 'info'): string {
  const lines: string[] = []
  write(makeLog({ level, format }, { write: text => lines.push(text) }))
  return lines.join('')
}

describe('The log', () => {
  it('is a line of JSON for each event, with what the child was given', () => {
    const line = JSON.parse(recordLog('json', log => log.child({ request: 'r1' }).info({ status: 200, at: new Date(0) }, 'done')))
    assert.match(line.time, /^\d{4}-\d\d-\d\dT/)
    assert.deepEqual(
      { ...line, time: undefined },
      { level: 'info', time: undefined, request: 'r1', status: 200, at: '1970-01-01T00:00:00.000Z', message: 'done' }
    )
  })

  it('is a readable line on a terminal', () => {
    const request = { method: 'GET', path: '/users/ann.atom', status: 200, ms: 3, host: 'a.example' }
    const line = recordLog('text', log => log.info(request, 'request'))
    assert.match(line, /^\d\d:\d\d:\d\d info {2}request GET \/users\/ann\.atom 200 3ms host=a\.example\n$/)
  })

  it('leaves out what is below its level', () => {
    assert.equal(
      recordLog('json', log => log.debug({}, 'hush')),
      ''
    )
    assert.match(
      recordLog('json', log => log.debug({}, 'told'), 'debug'),
      /told/
    )
  })

  const secret: [what: string, fields: object][] = [
    ['a token', { token: 'hush' }],
    ['a secret of a hub', { form: { 'hub.secret': 'hush', 'hub.verify_token': 'hush' } }],
    ['headers', { headers: { Authorization: 'Bearer hush', cookie: 'hush', 'Set-Cookie': ['hush'] } }],
    ['a private key', { actor: { privateKey: 'hush', private_key: 'hush' } }],
    ['a password in a list', { list: [{ password: 'hush' }, { passwd: 'hush' }] }],
    ['the token of a callback', { path: '/push/hush?hub.mode=subscribe' }],
    ['the token of a private feed', { path: '/feeds/following.atom?before=1&token=hush#a' }],
    ['a sign-in link', { url: new URL('https://node.example/signin?token=hush') }],
    ['user and password of a URL', { url: 'postgres://ann:hush@db.example/node' }],
    ['a form', { body: 'hub.topic=x&hub.secret=hush' }],
    ['an error', { error: new Error('no answer from https://node.example/push/hush', { cause: new Error('Bearer hush') }) }],
    ['what lies too deep', { a: { b: { c: { d: { e: 'hush' } } } } }],
    ['bytes', { body: Buffer.from('hush') }]
  ]
  for (const [what, fields] of secret) {
    it(`X49 keeps ${what} to itself`, () => {
      for (const format of ['json', 'text'] as const) {
        const told = recordLog(format, log => {
          log.info(fields, 'told')
          log.child(fields).warn({}, 'see https://node.example/push/hush')
        })
        assert.match(told, /told/)
        assert.ok(!told.includes('hush'), told)
      }
    })
  }

  it('shows the stack of a defect, and not of one of the four failures', () => {
    const log = (error: Error) => JSON.parse(recordLog('json', log => log.error({ error }, 'failed'))).error
    assert.match(log(new TypeError('ours')).stack, /logging\.test/)
    assert.deepEqual(log(new BadMessage('This is no feed.')), { type: 'BadMessage', message: 'This is no feed.', code: 'bad_message' })
    assert.match(
      recordLog('text', log => log.error({ error: new TypeError('ours') }, 'failed')),
      /error failed .*ours.*\n {9}TypeError: ours\n {9} +at /
    )
  })

  it('is not steered by what strangers write', () => {
    const told = recordLog('text', log => log.info({ path: '/\u001b[2J\n12:00:00 info  forged', name: 'a\u009b\u202eb' }, 'x\r\ny'))
    assert.equal(told.split('\n').length, 2)
    assert.doesNotMatch(told.trimEnd(), /[\u0000-\u001f\u007f-\u009f\u202e]/)
  })

  it('takes anything, circles too', () => {
    const circle: Record<string, unknown> = { n: 1n, f: () => 1, s: Symbol('x'), d: new Date(Number.NaN) }
    circle.self = circle
    assert.match(
      recordLog('text', log => log.info(circle, 'told')),
      /told/
    )
    fc.assert(fc.property(fc.anything(), value => recordLog('text', log => log.info({ value }, 'told')).includes('told')))
  })
})

describe('hideSecrets', () => {
  it('leaves alone what is no secret', () => {
    for (const text of ['https://a.example/users/ann?page=2', '/push', 'acct:ann@a.example', 'tokens are fine', 'https://a.example/@ann'])
      assert.equal(hideSecrets(text), text)
  })
})

describe('lines that are gathered', () => {
  it('all come, in order, when the process ends at once', () => {
    const program = `import { gather } from ${JSON.stringify(new URL('../src/logging.ts', import.meta.url).href)}
      const out = gather(1)
      for (let n = 0; n < 20_000; n++) out.write(n + '\\n')
      process.exit(0)`
    const lines = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8', maxBuffer: 1e7 })
      .trim()
      .split('\n')
    assert.equal(lines.length, 20_000)
    assert.ok(lines.every((line, n) => line === String(n)))
  })
})
