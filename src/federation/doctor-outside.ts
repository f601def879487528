/**
 * The node as others see it: its certificate, its address, its names, a signed request and a subscription of its own. Each needs the one
 * before it, so what cannot be tried is said to be left out, and only the first fault is told.
 */
import { createPublicKey } from 'node:crypto'
import type { Check } from '../model/check.ts'
import { isFailure } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { checkDomain, domainOf } from './check-kit.ts'
import { failure, isBad, ok, skipped, warning, within } from './checking.ts'
import { checkHub } from './doctor-hub.ts'
import { checkSignature } from './doctor-signature.ts'
import { findMainAccount } from './handled.ts'
import { findBlogKit } from './kit.ts'
import { describeLook, look } from './look.ts'

const DAY = 86_400_000
/** Days before its end from which on a certificate should have been renewed. */
const LATE = 14
const NOT_BEFORE = 'Not tried before the node answers at its public address:'

export async function checkOutside(tools: Tools): Promise<Check[]> {
  const { addresses, config, http } = tools
  if (config.isLoopback && !(await http.isListed(addresses.origin)))
    return [
      skipped(
        'public-url',
        'The node is not public: PUBLIC_URL is an address of this machine. Others are read, and nothing is sent to them.'
      )
    ]
  const tls = await within(tools, { id: 'tls', what: 'the certificate', seconds: 6 }, () => checkCertificate(tools, addresses.origin))
  if (isBad(tls)) return [...tls, ...leftOut]
  const reach = await within(tools, { id: 'public-url', what: 'the public address', seconds: 6 }, () => checkAddress(tools))
  if (isBad(reach)) return [...tls, ...reach, ...leftOut]
  const rest = await Promise.all([
    within(tools, { id: 'webfinger', what: 'the names', seconds: 14 }, () => checkNames(tools)),
    within(tools, { id: 'signature', what: 'a signed request', seconds: 10 }, () => checkSignature(tools)),
    within(tools, { id: 'hub', what: 'the hub', seconds: 14 }, () => checkHub(tools))
  ])
  return [...tls, ...reach, ...rest.flat()]
}

const leftOut: Check[] = [
  skipped('webfinger', `${NOT_BEFORE} host-meta and WebFinger.`),
  skipped('signature', `${NOT_BEFORE} a signed request.`),
  skipped('hub', `${NOT_BEFORE} a subscription at the hub.`)
]

/** @param origin of the node, or of the domain of its handles */
async function checkCertificate({ clock, config, http }: Tools, origin: string): Promise<Check> {
  const { host, protocol } = new URL(origin)
  if (protocol === 'http:') {
    if (config.isLoopback) return skipped('tls', 'PUBLIC_URL is plain http.')
    return warning(
      'tls',
      'PUBLIC_URL is plain http: many servers do not talk to it.',
      'Put a proxy with a certificate before the node, such as Caddy, and let PUBLIC_URL begin with https://.'
    )
  }
  const { problem, validTo } = await http.certificate(origin)
  const day = validTo.toISOString().slice(0, 10)
  if (problem !== undefined) return failure('tls', `Nobody believes the certificate of ${host}: ${problem}.`, RENEW)
  if (validTo.getTime() - clock().getTime() < LATE * DAY) return warning('tls', `The certificate of ${host} ends on ${day}.`, RENEW)
  return ok('tls', `The certificate of ${host} is good until ${day}.`)
}

const RENEW =
  'Renew it where TLS ends, at your proxy or host. Its name must be that of the address, and the certificates of its authority must be sent along.'

/** Whether who answers at the public address is this node: nobody else has its key. */
async function checkAddress(tools: Tools): Promise<Check> {
  const { addresses, nodeKeys } = tools
  const looked = await look(tools, addresses.nodeActor(), TYPE.activity, { headers: { accept: TYPE.activity }, timeout: 5_000 })
  const { answer, failed = '', seen } = looked
  if (/ is not at a public address\.$/.test(failed))
    return failure('public-url', `From here ${addresses.origin} is at a private address.`, PRIVATE)
  if (answer?.status !== 200)
    return failure('public-url', `The node does not answer at ${addresses.origin}: ${describeLook(looked)}.`, REACH, seen)
  const own = createPublicKey(await nodeKeys.privateKey())
    .export({ type: 'spki', format: 'pem' })
    .toString()
  if (readKey(answer.body)?.trim() !== own.trim())
    return failure('public-url', `At ${addresses.origin} somebody else answers, not this node.`, REACH, seen)
  return ok('public-url', `The node answers at ${addresses.origin}.`)
}

const REACH =
  'See that `tidings start` runs, that the name leads to this machine, that its ports 80 and 443 are open, and that the proxy hands requests on to the port of the node.'
const PRIVATE =
  'Others may reach it all the same, but it cannot be looked at from here: let the name lead to the public address, or allow the private one by ALLOW_ADDRESSES.'

function readKey(body: Buffer): string | undefined {
  try {
    const { publicKey } = JSON.parse(body.toString('utf8')) as { publicKey?: { publicKeyPem?: unknown } }
    return typeof publicKey?.publicKeyPem === 'string' ? publicKey.publicKeyPem : undefined
  } catch {
    return undefined
  }
}

/** host-meta and WebFinger of the node itself, and of the domain of its handles if that is another. */
async function checkNames(tools: Tools): Promise<Check[]> {
  const { addresses, config } = tools
  const account = await findMainAccount(tools)
  if (account === undefined) return [skipped('webfinger', 'There is no account yet that WebFinger could tell of.')]
  const { host } = new URL(addresses.origin)
  const own = {
    domain: host,
    base: addresses.origin,
    handle: account.acct,
    uri: account.uri,
    origin: addresses.origin,
    isSet: true,
    cure: PROXY
  }
  const checks = await checkDomain(tools, { ...own, prefix: 'own-' })
  if (config.handleHost === host) return checks
  const here = `Not looked at before this node answers by itself: the names at ${config.handleHost}.`
  return [...checks, ...(isBad(checks) ? [skipped('webfinger', here)] : await checkHandleDomain(tools, account))]
}

const PROXY = 'Let the proxy before the node hand on everything below /.well-known/, with the query.'

async function checkHandleDomain(tools: Tools, account: Account): Promise<Check[]> {
  const { addresses, config } = tools
  const cure = `Let ${config.handleHost} forward host-meta and WebFinger here: \`tidings kit\` and the page Your blog have what is needed.`
  const kit = await findBlogKit(tools, account, '').catch(error => {
    if (isFailure(error)) return undefined
    throw error
  })
  const bare = {
    domain: config.handleHost,
    base: `https://${config.handleHost}`,
    handle: account.acct,
    uri: account.uri,
    origin: addresses.origin,
    isSet: true
  }
  const place = { ...(kit === undefined ? bare : domainOf(kit)), cure }
  const checks = await checkDomain(tools, place)
  if (!place.base.startsWith('https:') || isBad(checks)) return checks
  const { sentence, state, ...rest } = await checkCertificate(tools, place.base)
  return [...checks, { ...rest, state, sentence, id: 'handle-tls' }]
}
