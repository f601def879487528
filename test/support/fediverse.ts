/** People of a written internet who speak ActivityPub: their documents, and what they post to the inboxes of a node, over real HTTP. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { signCavage } from '../../src/protocol/cavage-signature.ts'
import { signMessage } from '../../src/protocol/message-signature.ts'
import { jrd, webFinger } from './discovery.ts'
import type { makeInternet, PageOf } from './internet.ts'
import type { Reader } from './reader.ts'

export const PUBLIC = 'https://www.w3.org/ns/activitystreams#Public'
export const ACTIVITY = 'application/activity+json'
export type Json = Record<string, unknown>
export type Form = 'cavage' | 'rfc9421'
export type Person = ReturnType<typeof makePerson>

export const activityPage = (document: Json, headers: Record<string, string> = {}): PageOf => ({
  headers: { 'content-type': ACTIVITY, ...headers },
  body: JSON.stringify({ '@context': 'https://www.w3.org/ns/activitystreams', ...document })
})

export const makeKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const shared = makeKey()
export const pemOf = (key: KeyObject): string => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()

/** NAME@HOST.example with an actor document, a key, and WebFinger that confirms the handle. Keys are shared unless told otherwise. */
export function makePerson(
  net: ReturnType<typeof makeInternet>,
  host: string,
  { name = 'ann', key = shared, path }: { name?: string; key?: KeyObject; path?: string } = {}
) {
  const origin = `https://${host}.example`
  const id = origin + (path ?? `/users/${name}`)
  let count = 0
  const person = {
    ...{ origin, id, key, name, host: `${host}.example`, keyId: `${id}#main-key`, inbox: `${id}/inbox` },
    actor: (more: Json = {}): Json => ({
      ...{ id, type: 'Person', preferredUsername: name, name: `${name} of ${host}`, inbox: `${id}/inbox`, outbox: `${id}/outbox` },
      ...{ followers: `${id}/followers`, endpoints: { sharedInbox: `${origin}/inbox` }, url: `${origin}/@${name}` },
      ...{ publicKey: { id: `${id}#main-key`, owner: id, publicKeyPem: pemOf(key) } },
      ...more
    }),
    /** What their host says of them from now on. */
    describe(more: Json = {}): void {
      net.set(id, activityPage(person.actor(more)))
      const links = [{ rel: 'self', type: ACTIVITY, href: id }]
      net.set(webFinger(`acct:${name}@${person.host}`, person.host), jrd({ subject: `acct:${name}@${person.host}`, links }))
    },
    note: (more: Json = {}): Json => ({
      ...{ id: `${origin}/notes/${++count}`, type: 'Note', attributedTo: id, content: `<p>note ${count}</p>`, to: [PUBLIC], cc: [] },
      ...{ published: '2026-01-10T11:00:00Z' },
      ...more
    }),
    does: (type: string, object: unknown, more: Json = {}): Json => ({
      ...{ '@context': 'https://www.w3.org/ns/activitystreams', id: `${origin}/acts/${++count}`, type, actor: id, object, to: [PUBLIC] },
      ...more
    })
  }
  person.describe()
  return person
}

/** `forge`: what somebody changes of a request after it was signed. */
export type Signing = {
  form?: Form
  key?: KeyObject
  keyId?: string
  host?: string
  at?: number
  path?: string
  from?: string
  forge?: (request: { headers: Record<string, string>; body: Buffer; path: string }) => void
}

let addresses = 0

/** The inboxes of a node at https://reader.example, asked over loopback by somebody behind its proxy. */
export function makeInboxes({ node, time, tools }: Pick<Reader, 'node' | 'time' | 'tools'>) {
  const url = new URL(node.url.startsWith('http://127') ? node.url : `http://${node.host}`)
  return {
    /** The status, and what was answered. @param to an account's name, or '' for the shared inbox */
    async post(
      by: Pick<Person, 'key' | 'keyId'>,
      activity: Json | string,
      to = 'bob',
      told: Signing = {}
    ): Promise<{ status: number; body: string }> {
      const text = typeof activity === 'string' ? activity : JSON.stringify(activity)
      const { at = time.now, form = 'cavage', host = 'reader.example', key = by.key, keyId = by.keyId } = told
      const path = told.path ?? (to === '' ? '/inbox' : `/users/${to}/inbox`)
      const asked = { method: 'POST', target: path, authority: host, scheme: 'https' as const }
      const facts = { body: Buffer.from(text), key, keyId, now: new Date(at) }
      const signed = form === 'cavage' ? signCavage(asked, facts) : { host, ...signMessage(asked, facts) }
      const from = told.from ?? `198.51.${(++addresses >> 8) % 256}.${addresses % 256}`
      const sent = { headers: { 'content-type': ACTIVITY, 'x-forwarded-for': from, ...signed }, body: facts.body, path }
      told.forge?.(sent)
      return send(url.port, sent)
    },
    /** How many rows there are of everything but what the queue itself keeps, and what is noted of refusals. */
    async rows(): Promise<Record<string, number>> {
      const { knex } = node.database.database
      const tables: { name: string }[] = await knex('pg_tables')
        .where({ schemaname: 'public' })
        .whereNot({ tablename: 'refusals' })
        .select('tablename as name')
        .orderBy(1)
      const counts = tables.map(async ({ name }) => [name, Number((await knex(name).count())[0]!.count)])
      const jobs = Number((await knex('pgboss.job').count())[0]!.count)
      return { ...Object.fromEntries(await Promise.all(counts)), jobs }
    },
    /** What waits in the queue of a kind, taken out. */
    async jobs<Name extends Parameters<typeof tools.queue.take>[0]>(name: Name) {
      const taken = await tools.queue.take(name, 100)
      if (taken.length > 0) await tools.queue.done(name, taken)
      return taken.map(job => job.data)
    }
  }
}

function send(
  port: string,
  { body, headers, path }: { headers: Record<string, string>; body: Buffer; path: string }
): Promise<{ status: number; body: string }> {
  return new Promise((done, failed) => {
    const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', path, headers, agent: false }, answer => {
      let text = ''
      answer.on('data', part => (text += part))
      answer.on('end', () => done({ status: answer.statusCode ?? 0, body: text }))
    })
    request.on('error', failed)
    request.end(body)
  })
}

/** Over HTTP: 202. */
export const accepted = ({ body, status }: { status: number; body: string }): void => assert.equal(status, 202, body)
