/**
 * What the node sends to itself through the outside, and how it arrived: only as long as `doctor` waits for it, under an address that nobody
 * can guess. Sender and receiver may be two processes, so it is written down in the database.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { isFailure, Missing } from '../model/errors.ts'
import { hashToken, randomToken } from '../model/tokens.ts'
import { checkClaim, type HttpMessage, readUnverifiedSignatures, verifySignature } from '../protocol/http-signature.ts'
import { readVerification } from '../protocol/hub.ts'
import type { Tools } from '../tools.ts'

/** What an inbox got. `wrong`: why the signature does not hold; absent when it does. */
export type AtInbox = { headers: Record<string, string>; target: string; body: string; wrong?: string }
/** What the callback of a subscription got. */
export type AtCallback = { signature: string; body: string }
export type Arrivals = { inbox: AtInbox; subscribe: object; unsubscribe: object; content: AtCallback }

type Needs = Pick<Tools, 'addresses' | 'clock' | 'settings'>

const BEGINNING = 'echo:'
const LIFETIME_MS = 120_000
/** The headers of which it is told how they arrived. */
const TOLD = ['host', 'date', 'digest', 'signature', 'content-type']

const nameOf = (token: string, part?: keyof Arrivals): string => `${BEGINNING}${hashToken(token)}${part === undefined ? '' : `:${part}`}`

const endOf = ({ clock }: Pick<Needs, 'clock'>): Date => new Date(clock().getTime() + LIFETIME_MS)

/** SHA-256 in hexadecimal digits: bodies are compared by it. */
export const fingerprint = (body: Buffer | string): string => createHash('sha256').update(body).digest('hex')

/** Opens an address for two minutes; answers the token in it. */
export async function openEcho(tools: Needs): Promise<string> {
  const token = randomToken()
  await tools.settings.keep(nameOf(token), { until: endOf(tools) })
  return token
}

export const closeEcho = ({ settings }: Needs, token: string): Promise<void> => settings.remove(nameOf(token), true)

/** What nobody closed, as its process died. */
export const forgetEchoes = ({ clock, settings }: Pick<Needs, 'clock' | 'settings'>): Promise<void> => settings.forget(BEGINNING, clock())

/** The token in an address of ours that is open now. */
export async function findEcho({ addresses, clock, settings }: Needs, url: string): Promise<string | undefined> {
  const beginning = addresses.echo('')
  const token = url.startsWith(beginning) ? url.slice(beginning.length) : ''
  if (!/^[\w-]{43}$/.test(token)) return undefined
  const open = await settings.find<{ until: string }>(nameOf(token))
  return open !== undefined && new Date(open.until) > clock() ? token : undefined
}

/** Whether an address is one to which alone the node may send to itself (X29). */
export const isEcho = ({ addresses }: Pick<Needs, 'addresses'>, url: string): boolean => url.startsWith(addresses.echo(''))

const note = <Part extends keyof Arrivals>(tools: Needs, token: string, part: Part, arrived: Arrivals[Part]): Promise<void> =>
  tools.settings.keep(nameOf(token, part), { ...arrived, until: endOf(tools) })

/** What has arrived of a part, if it has. */
export const findArrival = <Part extends keyof Arrivals>(
  { settings }: Needs,
  token: string,
  part: Part
): Promise<Arrivals[Part] | undefined> => settings.find<Arrivals[Part]>(nameOf(token, part))

/** Answers the hub's question at an open address. @throws Missing for any other */
export async function answerEcho(tools: Needs, token: string, query: URLSearchParams): Promise<string> {
  const address = tools.addresses.echo(token)
  const asked = (await findEcho(tools, address)) === undefined ? undefined : readVerification(query)
  if (asked === undefined || asked.mode === 'denied' || asked.topic !== address) throw new Missing('There is nothing here.')
  await note(tools, token, asked.mode, {})
  return asked.challenge
}

/** Takes what the hub delivers to an open address. @throws Missing for any other */
export async function takeEcho(tools: Needs, token: string, body: Buffer, signature: string): Promise<void> {
  if ((await findEcho(tools, tools.addresses.echo(token))) === undefined) throw new Missing('There is nothing here.')
  await note(tools, token, 'content', { signature, body: fingerprint(body) })
}

/** Whether what came to an inbox is what we sent ourselves under this id: then it is written down how it arrived. */
export async function noteAtInbox(
  tools: Needs & Pick<Tools, 'nodeKeys'>,
  id: string,
  { body, request }: { body: Buffer; request: HttpMessage }
): Promise<boolean> {
  const token = await findEcho(tools, id)
  if (token === undefined) return false
  const key = createPublicKey(await tools.nodeKeys.privateKey())
  const wrong = whyWrong(tools, request, body, key)
  const headers = Object.fromEntries(TOLD.flatMap(name => (request.headers[name] === undefined ? [] : [[name, request.headers[name]]])))
  const arrived = { headers, target: request.target, body: fingerprint(body), ...(wrong === undefined ? {} : { wrong }) }
  await note(tools, token, 'inbox', arrived)
  return true
}

/** What an inbox would say of a signature that is ours. */
function whyWrong({ addresses, clock }: Needs, request: HttpMessage, body: Buffer, key: KeyObject): string | undefined {
  try {
    const [claim] = readUnverifiedSignatures(request)
    if (claim === undefined) return 'This request is not signed.'
    checkClaim(claim, request, body, new URL(addresses.origin).host, clock())
    return verifySignature(claim, key) ? undefined : 'The signature is not the actor’s.'
  } catch (error) {
    if (!isFailure(error)) throw error
    return error.message
  }
}
