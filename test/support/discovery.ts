/** Documents of a written internet for tests of discovery: accounts, pages and feeds of invented hosts. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import type { Discovery } from '../../src/federation/discover.ts'
import { writeMagicKey } from '../../src/protocol/magic.ts'
import type { PageOf } from './internet.ts'

export const now = new Date('2026-01-02T03:04:05Z')
export const clock = () => now
export const key = writeMagicKey(
  generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }) as { n: string; e: string }
)

export const REL_FEED = 'http://schemas.google.com/g/2010#updates-from'
export const REL_PROFILE = 'http://webfinger.net/rel/profile-page'

export type Described = {
  subject?: string | undefined
  aliases?: string[]
  links?: { rel: string; type?: string; href?: string; template?: string }[]
}

/** The links of an account at a host. */
export const linksOf = (name: string, host: string) => [
  { rel: REL_PROFILE, type: 'text/html', href: `https://${host}/${name}` },
  { rel: REL_FEED, type: 'application/atom+xml', href: `https://${host}/${name}.atom` },
  { rel: 'salmon', href: `https://${host}/${name}/salmon` },
  { rel: 'magic-public-key', href: `data:application/magic-public-key,${key}` }
]
export const jrd = (document: Described): PageOf => ({
  headers: { 'content-type': 'application/jrd+json' },
  body: JSON.stringify(document)
})
export const html = (head: string, headers: Record<string, string> = {}): PageOf => ({
  headers: { 'content-type': 'text/html', ...headers },
  body: `<html><head>${head}</head></html>`
})
export const atom = (author = ''): PageOf => ({
  headers: { 'content-type': 'application/atom+xml' },
  body: `<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:f</id><title>Posts</title>${author}<link rel="alternate" type="text/html" href="https://a.example/blog"/></feed>`
})
export const webFinger = (resource: string, host = 'a.example') =>
  `https://${host}/.well-known/webfinger?resource=${encodeURIComponent(resource)}`
export const hostMeta = (template: string): PageOf => ({
  body: `<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" template="${template}"/></XRD>`
})

export const ANN = webFinger('acct:ann@a.example')
export const META = 'https://a.example/.well-known/host-meta'
export const ann: Described = { subject: 'acct:ann@a.example', aliases: ['https://a.example/ann'], links: linksOf('ann', 'a.example') }

export function found(discovery: Discovery): Extract<Discovery, { found: true }> {
  assert.ok(discovery.found, discovery.found ? '' : `${discovery.error.message} ${JSON.stringify(discovery.trace)}`)
  return discovery
}

export function failed(discovery: Discovery, kind: new (message: string) => Error): Extract<Discovery, { found: false }> {
  assert.ok(!discovery.found, JSON.stringify(discovery))
  assert.ok(discovery.error instanceof kind, discovery.error.stack)
  return discovery
}
