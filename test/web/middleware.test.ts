import assert from 'node:assert/strict'
import Koa from 'koa'
import { BadMessage, Missing, Refused, Unreachable } from '../../src/model/errors.ts'
import type { Log } from '../../src/model/log.ts'
import type { Tools } from '../../src/tools.ts'
import { guardRequests } from '../../src/web/guard.ts'
import { serve } from '../support/loopback.ts'

describe('the log of requests', () => {
  for (const [level, status, error] of [
    ['info', 400, new BadMessage('It cannot be read.')],
    ['info', 429, new Refused('Too often.', { status: 429 })],
    ['warn', 502, new Unreachable('Their host is gone.')],
    ['warn', 503, new Unreachable('Their host is slow.', { status: 503, retryAfter: 60 })],
    ['error', 500, new TypeError('x is not a function')]
  ] as const) {
    it(`W10 holds ${error.name} ${status} as ${level}: an error there is a defect of ours`, async () => {
      const lines: string[] = []
      const at = (name: string) => (fields: object) => void lines.push(`${name} ${(fields as { status: number }).status}`)
      const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
      const app = new Koa()
      app.use(guardRequests({ log } as Tools)).use(() => {
        throw error
      })
      const server = await serve(app.callback())
      const answer = await fetch(`${server.origin}/users/ann/salmon`, { method: 'POST' })
      await server.close()
      assert.deepEqual([answer.status, lines], [status, [`${level} ${status}`]])
    })
  }

  it('W10 asks the database nothing for the page of a defect, which may be its own', async () => {
    let asked = 0
    const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => log }
    const sessions = { find: async () => void asked++ }
    const app = new Koa()
    app.use(guardRequests({ log, sessions, clock: () => new Date(), config: {} } as unknown as Tools)).use(ctx => {
      throw ctx.path === '/defect' ? new TypeError('x is not a function') : new Missing('There is nothing here.')
    })
    const server = await serve(app.callback())
    const headers = { accept: 'text/html', cookie: `tidings_session=${'a'.repeat(43)}` }
    const seen = []
    for (const path of ['/defect', '/nothing']) seen.push([(await fetch(server.origin + path, { headers })).status, asked])
    await server.close()
    assert.deepEqual(seen, [
      [500, 0],
      [404, 1]
    ])
  })
})
