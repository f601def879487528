/**
 * A stand-in for the API of Mastodon: applications, OAuth, toots, their threads, and everything that goes wrong with them. In the process
 * of the test by `startMastodon`; or in its own, `node mastodon-api.ts --port N [--options JSON]`, for tests that kill theirs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readBody, serve } from '../loopback.ts'
import { type Controls, makeControls } from './mastodon-api-controls.ts'
import { makeFaults } from './mastodon-api-faults.ts'
import { type Answer, ApiError, makeMeter, type Routes, readAsk, refuse } from './mastodon-api-http.ts'
import { oauthRoutes, SCOPES } from './mastodon-api-oauth.ts'
import { apiRoutes } from './mastodon-api-routes.ts'
import { accountOf } from './mastodon-api-views.ts'
import { type Asked, makeWorld, type Settings } from './mastodon-api-world.ts'

export type { Made, Reply, Words } from './mastodon-api-controls.ts'
export type { Account, Context, CredentialAccount, Status, Visibility } from './mastodon-api-entities.ts'
export type { Failure, Where } from './mastodon-api-faults.ts'
export { OOB, SCOPES } from './mastodon-api-oauth.ts'
export type { Asked, Controls, Settings }

/** `owner`: the name of the account, `owner` unless told. */
export type Options = Partial<Settings> & { owner?: string }
/** `origin`: where it listens; `host`: the same without the scheme. */
export type Mastodon = Controls & { origin: string; host: string; close(): Promise<void> }
/** The same from another process. `close` ends the process if `spawnMastodon` started it. */
export type RemoteMastodon = {
  [Name in keyof Controls]: (...given: Parameters<Controls[Name]>) => Promise<Awaited<ReturnType<Controls[Name]>>>
} & { origin: string; host: string; close(): Promise<void> }

export async function startMastodon(options: Options = {}): Promise<Mastodon> {
  const { answer, controls, settle } = makeMastodon(options)
  const { origin, close } = await serve(answer)
  settle(origin)
  return { ...controls, origin, host: new URL(origin).host, close }
}

/** Starts it as its own process, on a free port. */
export async function spawnMastodon(options: Options = {}): Promise<RemoteMastodon> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--port', '0', '--options', JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const close = async () => {
    const ended = once(child, 'exit')
    if (child.kill('SIGKILL')) await ended
  }
  return { ...joinMastodon(String(line).trim()), close }
}

/** Controls one that runs in another process. Each call throws Error with what went wrong there. */
export function joinMastodon(origin: string): RemoteMastodon {
  const call = async (name: string, given: unknown[]) => {
    const body = JSON.stringify({ call: name, with: given })
    const answer = await fetch(`${origin}/_control`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { result, error } = (await answer.json()) as { result?: unknown; error?: string }
    if (error !== undefined) throw new Error(error)
    return result
  }
  const known = { origin, host: new URL(origin).host, close: async () => {} }
  const names = Object.keys(makeMastodon({}).controls)
  return { ...Object.fromEntries(names.map(name => [name, (...given: unknown[]) => call(name, given)])), ...known } as RemoteMastodon
}

/**
 * Does what a browser does with the address of authorisation: opens the page, signs in, allows or denies.
 * @returns where it is sent back to, or the code that is shown
 * @throws Error with the text of the page that explains why not
 */
export async function consent(address: string, choice: 'allow' | 'deny' = 'allow', login = 'owner'): Promise<string> {
  const page = await fetch(address)
  const url = new URL(address)
  const body = new URLSearchParams([...url.searchParams, ['login', login], ['choice', choice]])
  const answer = page.ok ? await fetch(url.origin + url.pathname, { method: 'POST', body, redirect: 'manual' }) : page
  const html = await answer.text()
  const back = answer.headers.get('location') ?? /class="oauth-code" readonly value="([^"]*)"/.exec(html)?.[1]
  if (!back) throw new Error(/id="error">([^<]*)/.exec(html)?.[1] ?? html)
  return back
}

function makeMastodon({ owner = 'owner', ...changes }: Options) {
  const settings = { knownScopes: SCOPES, old: false, maxCharacters: 500, charactersPerUrl: 23, rateLimit: 300, ...changes }
  const world = makeWorld(settings, owner)
  const faults = makeFaults()
  const controls = makeControls(world, faults)
  const find = makeRouter({ ...oauthRoutes(world), ...apiRoutes(world) })
  const measure = makeMeter(world)

  async function carryOut(asked: Asked): Promise<Answer> {
    const { over, headers } = asked.path.startsWith('/api/') ? measure(asked) : { over: false, headers: {} }
    try {
      if (over) throw refuse(429, 'Too many requests')
      const { answer, id } = find(asked) ?? {}
      if (!answer) throw refuse(404, 'Not Found')
      const given = answer({ ...(await readAsk(asked)), id: id ?? '' })
      return { ...given, headers: { ...headers, ...given.headers } }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { ...error.answer, headers: { ...headers, ...error.answer.headers } }
    }
  }

  async function respond(asked: Asked, response: ServerResponse): Promise<void> {
    const fault = faults.take(asked)
    await pause(faults.pauseFor(asked))
    if (fault?.kind === 'silent') return
    if (fault?.kind === 'drop') return void response.destroy()
    const answer = fault?.kind === 'fail' ? fault.answer : await carryOut(asked)
    if (fault?.kind === 'cut') return void response.destroy()
    if (fault?.kind === 'late') await pause(fault.ms)
    asked.status = answer.status ?? 200
    send(response, answer)
  }

  const answer: RequestListener = async (request, response) => {
    const asked = takeDown(request, await readBody(request).catch(() => undefined), world.now())
    if (!asked) return
    if (asked.path === '/_control') return send(response, await control(controls, asked.body))
    if (asked.path === '/_state') return send(response, { json: tell() })
    world.note(asked)
    await respond(asked, response)
  }
  const tell = () => ({
    statuses: controls.statuses(),
    requests: controls.requests(),
    accounts: [...world.people.values()].map(person => accountOf(world, person)),
    tokens: [...world.tokens.values()].map(({ value, scopes, revoked = false }) => ({ value, scopes, revoked }))
  })
  return { answer, controls, settle: world.settle }
}

/** A body that was cut short was never asked. */
function takeDown({ method = 'GET', url = '/', headers }: IncomingMessage, body: string | undefined, now: number): Asked | undefined {
  if (body === undefined) return undefined
  const { pathname, search } = new URL(url, 'http://127.0.0.1')
  return { at: new Date(now).toISOString(), method, path: pathname, query: search.slice(1), headers, body }
}

function makeRouter(routes: Routes) {
  const table = Object.entries(routes).map(([name, answer]) => {
    const [method, path = ''] = name.split(' ')
    return { method, pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(':id', '([^/]+)')}$`), answer }
  })
  return ({ method, path }: Asked) => {
    const found = table.find(route => route.method === method && route.pattern.test(path))
    return found && { answer: found.answer, id: found.pattern.exec(path)?.[1] }
  }
}

async function control(controls: Controls, body: string): Promise<Answer> {
  try {
    const { call, with: given = [] } = JSON.parse(body) as { call: keyof Controls; with?: unknown[] }
    if (!Object.hasOwn(controls, call)) throw new Error(`There is no control ${call}.`)
    const result = await (controls[call] as (...given: unknown[]) => unknown)(...given)
    return { json: result === undefined ? {} : { result } }
  } catch (error) {
    return { status: 400, json: { error: (error as Error).message } }
  }
}

const pause = (ms: number) => (ms ? wait(ms, undefined, { ref: false }) : undefined)

function send(response: ServerResponse, { status = 200, headers = {}, json, html, png }: Answer): void {
  const type = png ? 'image/png' : html === undefined ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8'
  response.writeHead(status, { 'content-type': type, ...headers }).end(png ?? html ?? JSON.stringify(json))
}

/** Prints where it listens. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, options: { type: 'string', default: '{}' } } })
  const { answer, settle } = makeMastodon(JSON.parse(values.options) as Options)
  const server = createServer(answer).listen(Number(values.port), '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  settle(origin)
  process.stdout.write(`${origin}\n`)
}

if (import.meta.main) await main()
