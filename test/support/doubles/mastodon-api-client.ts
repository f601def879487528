/** A small client of the API of Mastodon, for tests of its stand-in. */
import assert from 'node:assert/strict'
import { type Mastodon, type Options, type Status, startMastodon } from './mastodon-api.ts'

export const POST = 'POST /api/v1/statuses'
export type Given = { form?: object; json?: object; token?: string; key?: string }
export type Taken = { status: number; headers: Headers; text: string; json: unknown }

/** @param what `GET /path` @param given a form or JSON; a token; an Idempotency-Key */
export async function call(origin: string, what: string, given: Given = {}): Promise<Taken> {
  const [method = '', path = ''] = what.split(' ')
  const headers = {
    ...(given.token ? { authorization: `Bearer ${given.token}` } : {}),
    ...(given.key ? { 'idempotency-key': given.key } : {}),
    ...(given.json ? { 'content-type': 'application/json' } : {})
  }
  const body = given.json ? JSON.stringify(given.json) : given.form ? new URLSearchParams({ ...given.form }) : null
  const response = await fetch(origin + path, { method, headers, body, redirect: 'manual' })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
}

/** The entity of an answer. @throws AssertionError when its status is not 200 */
export function as<Entity>(taken: Taken): Entity {
  assert.equal(taken.status, 200, taken.text)
  return taken.json as Entity
}

/** A fresh stand-in for each test: `now()` gives it, with the token of its owner. To be called inside `describe`. */
export function freshMastodon(options: Options = {}) {
  let server: Mastodon
  let token: string
  beforeEach(async () => {
    server = await startMastodon({ owner: 'ann', ...options })
    token = server.grant()
  })
  afterEach(() => server.close())
  const ask = (what: string, given?: Given) => call(server.origin, what, given)
  return {
    now: () => ({ server, token }),
    ask,
    /** Posts as the owner. */
    toot: async (status: string, more: object = {}, key?: string) =>
      as<Status>(await ask(POST, { form: { status, ...more }, token, ...(key ? { key } : {}) })),
    refused: async (what: string, given: Given, status: number, error: string) => {
      const { status: got, json } = await ask(what, given)
      assert.deepEqual([got, (json as { error: string }).error], [status, error])
    }
  }
}
