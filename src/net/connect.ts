/** Sockets that go to addresses which were checked, and to no other (I15): no second look-up, none that does not fit. */
import type { TLSSocket } from 'node:tls'
import { Agent, buildConnector } from 'undici'
import { Refused } from '../model/errors.ts'
import { explain, reasonOf } from './exchange.ts'
import { literalAddress } from './guard.ts'

/** All addresses of a name. */
export type Lookup = (host: string) => Promise<string[]>

/** `problem`: why nobody should believe it; absent when it is good. */
export type Certificate = { validTo: Date; problem?: string }

const CERTIFICATE_MS = 5_000

// A host without open sockets is dropped by undici itself, so ten seconds after the last answer nothing of it is kept.
export const makeAgent = (resolve: Lookup, fits: (ip: string) => boolean): Agent =>
  new Agent({
    connect: makeConnect(resolve, fits),
    pipelining: 1,
    keepAliveTimeout: 10_000,
    keepAliveMaxTimeout: 10_000,
    maxHeaderSize: 16_384,
    // The time for the whole exchange is measured there, once.
    headersTimeout: 0,
    bodyTimeout: 0
  })

function makeConnect(resolve: Lookup, fits: (ip: string) => boolean, more: buildConnector.BuildOptions = {}): buildConnector.connector {
  const refusal = (host: string) => new Refused(`${host} is not at a public address.`)
  const connect = buildConnector({
    timeout: 5000,
    allowH2: false,
    autoSelectFamilyAttemptTimeout: 1000,
    ...more,
    // Every address must fit: one that does not is a trap for whoever looks at the first alone.
    lookup: (host, { all }, done) => {
      resolve(host).then(
        found => {
          const addresses = found.map(address => ({ address, family: literalFamily(address) }))
          const first = addresses[0]
          if (first === undefined) done(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 0)
          else if (!found.every(fits)) done(refusal(host), '', 0)
          else if (all === true) done(null, addresses)
          else done(null, first.address, first.family)
        },
        error => done(error, '', 0)
      )
    }
  })
  return (target, done) => {
    const ip = literalAddress(target.hostname)
    // A literal address is never looked up.
    if (ip !== undefined && !fits(ip)) done(refusal(target.hostname), null)
    else connect(target, done)
  }
}

/** Looks at a certificate without believing it. @throws Refused, Unreachable */
export function readCertificate(
  { host, hostname, port, protocol }: URL,
  resolve: Lookup,
  fits: (ip: string) => boolean
): Promise<Certificate> {
  const connect = makeConnect(resolve, fits, { rejectUnauthorized: false, timeout: CERTIFICATE_MS })
  const servername = literalAddress(hostname) === undefined ? { servername: hostname } : {}
  return new Promise((done, fail) => {
    connect({ hostname, host, protocol, port: port || '443', ...servername }, (error, socket) => {
      if (error !== null) return fail(explain(error, host))
      const secure = socket as TLSSocket
      const { authorizationError, authorized } = secure
      const { valid_to } = secure.getPeerCertificate()
      secure.destroy()
      const code = (authorizationError as { code?: string } | undefined)?.code ?? String(authorizationError)
      done({ validTo: new Date(valid_to), ...(authorized ? {} : { problem: reasonOf(code) }) })
    })
  })
}

const literalFamily = (ip: string): 4 | 6 => (ip.includes(':') ? 6 : 4)
