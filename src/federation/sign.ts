/** In whose name something is asked or sent by ActivityPub: keys ready to sign with, and GETs that are signed (FEP-2677, S3-15 to 18). */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Missing } from '../model/errors.ts'
import { signCavage } from '../protocol/cavage-signature.ts'
import { signMessage } from '../protocol/message-signature.ts'
import type { HttpAnswer, HttpRequest, Tools } from '../tools.ts'

export type Signer = { keyId: string; key: KeyObject }
export type SignatureForm = 'cavage' | 'rfc9421'

type Needs = Pick<Tools, 'actors' | 'addresses' | 'nodeKeys'>

/** Keys are imported once a process: that takes longer than signing with them. */
const known = new WeakMap<object, Map<string, Promise<Signer>>>()

/** @param name of an account; without one the node itself signs @throws Missing for no such account */
export function findSigner(tools: Needs, name?: string): Promise<Signer> {
  const mine = known.get(tools.addresses) ?? new Map<string, Promise<Signer>>()
  known.set(tools.addresses, mine)
  const found = mine.get(name ?? '') ?? loadSigner(tools, name)
  mine.set(name ?? '', found)
  found.catch(() => mine.delete(name ?? ''))
  return found
}

async function loadSigner({ actors, addresses, nodeKeys }: Needs, name: string | undefined): Promise<Signer> {
  const pem = name === undefined ? await nodeKeys.privateKey() : await actors.privateKey(name)
  if (pem === undefined) throw new Missing(`There is no account ${name} here.`)
  const uri = name === undefined ? addresses.nodeActor() : addresses.account(name)
  return { keyId: `${uri}#main-key`, key: createPrivateKey(pem) }
}

type Hop = { method: 'GET' | 'POST'; url: URL; body?: Buffer }

/** The headers that sign one request, in the form that the server is thought to read. Host is written by the client itself. */
export function signRequest({ key, keyId }: Signer, form: SignatureForm, { body, method, url }: Hop, now: Date): Record<string, string> {
  const request = {
    method,
    target: url.pathname + url.search,
    authority: url.host,
    scheme: url.protocol === 'http:' ? 'http' : 'https'
  } as const
  const facts = { key, keyId, now, ...(body === undefined ? {} : { body }) }
  const { host: _host, ...headers } = form === 'cavage' ? signCavage(request, facts) : signMessage(request, facts)
  return headers
}

/** A GET in the name of the node, signed anew for each hop, since some servers answer nobody else (secure mode). */
export async function getSigned(tools: Tools, url: string, options: HttpRequest = {}): Promise<HttpAnswer> {
  const signer = await findSigner(tools)
  const { clock, config, http } = tools
  return http.request(url, { ...options, sign: hop => signRequest(signer, config.httpSignature, { method: 'GET', url: hop }, clock()) })
}
