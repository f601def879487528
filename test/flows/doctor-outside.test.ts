/** Each thing broken in turn between the node and the world: doctor names it and its cure, and nothing else. */
import { startNode, type TestNode } from '../support/node.ts'
import { type Case, type Patient, startPatient, tryCase } from '../support/patient.ts'

describe('doctor from outside', function () {
  this.timeout(60_000)
  let patient: Patient
  let other: TestNode
  before(async () => {
    patient = await startPatient()
    other = await startNode({ work: false })
  })
  after(async () => {
    await other?.close()
    await patient?.close()
  })

  const CASES: Case[] = [
    {
      ...{
        what: 'a proxy that is down',
        id: 'public-url',
        sentence: /does not answer at .*: it answered 502\.$/,
        cure: /ports 80 and 443/
      },
      break: ({ proxy }) => proxy.lead('http://127.0.0.1:1'),
      mend: ({ node, proxy }) => proxy.lead(`http://${node.host}`)
    },
    {
      ...{ what: 'somebody else at the public address', id: 'public-url', sentence: /somebody else answers/, cure: /hands requests on/ },
      break: ({ proxy }) => proxy.lead(other.url),
      mend: ({ node, proxy }) => proxy.lead(`http://${node.host}`)
    },
    {
      ...{
        what: 'a proxy that changes the Host',
        id: 'signature',
        sentence: /Host is changed: localhost:3000 arrives\.$/,
        cure: /proxy_set_header Host/
      },
      break: ({ proxy }) => proxy.meddle(() => ({ headers: { host: 'localhost:3000' } }))
    },
    {
      ...{
        what: 'a proxy that leaves out the Date',
        id: 'signature',
        sentence: /Date is changed: nothing arrives\.$/,
        cure: /Date, Digest and Signature/
      },
      break: ({ proxy }) => proxy.meddle(() => ({ headers: { date: undefined } }))
    },
    {
      ...{ what: 'a proxy that writes JSON anew', id: 'signature', sentence: /the body of a request is changed\.$/, cure: /firewall/ },
      break: ({ proxy }) =>
        proxy.meddle(({ body, headers }) =>
          /json/.test(headers['content-type'] ?? '') ? { body: Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 1)) } : {}
        )
    },
    {
      ...{
        what: 'a proxy that changes the path',
        id: 'signature',
        sentence: /the path is changed: \/inbox\?x arrives\.$/,
        cure: /proxy_pass/
      },
      break: ({ proxy }) => proxy.meddle(({ path }) => (path === '/inbox' ? { path: '/inbox?x' } : {}))
    },
    {
      ...{
        what: 'a firewall before the inbox',
        id: 'signature',
        sentence: /does not arrive as it was sent: it answered 404\.$/,
        cure: /application\/activity\+json/
      },
      break: ({ proxy }) => proxy.meddle(({ path }) => (path === '/inbox' ? { path: '/blocked' } : {}))
    },
    {
      ...{
        what: 'a proxy that keeps .well-known for itself',
        id: 'own-webfinger',
        sentence: /WebFinger of 127[\d.:]+ does not tell of @blog@.*: it answered 404\.$/,
        cure: /everything below \/\.well-known\//
      },
      break: ({ proxy }) => proxy.meddle(({ path }) => (path.startsWith('/.well-known/webfinger') ? { path: '/nothing' } : {}))
    },
    {
      ...{
        what: 'a hub that takes nothing',
        id: 'hub',
        sentence: /does not take a subscription: it answered 404\.$/,
        cure: /POST requests to \/hub/
      },
      break: ({ proxy }) => proxy.meddle(({ path }) => (path === '/hub' ? { path: '/nothing' } : {}))
    },
    {
      ...{ what: 'a hub whose question is changed', id: 'hub', sentence: /did not ask back/, cure: /tidings worker/ },
      break: ({ proxy }) => proxy.meddle(({ method, path }) => (method === 'GET' && path.startsWith('/echo/') ? { path: '/nothing' } : {}))
    },
    {
      ...{ what: 'a hub whose deliveries are changed', id: 'hub', sentence: /delivers does not arrive as it was sent/, cure: /rewrites/ },
      break: ({ proxy }) =>
        proxy.meddle(({ body, method, path }) =>
          method === 'POST' && path.startsWith('/echo/') ? { body: Buffer.from(body.toString().trim()) } : {}
        )
    },
    {
      ...{
        what: 'a host-meta that is missing at the blog',
        id: 'host-meta',
        sentence: /^There is no host-meta at 127/,
        cure: /tidings kit/
      },
      break: ({ blog, proxy }) => blog.write('_redirects', `/.well-known/webfinger  ${proxy.origin}/.well-known/webfinger  302!`),
      mend: ({ putKit }) => putKit()
    }
  ]

  for (const one of CASES) it(`W52 names ${one.what}, and its cure`, () => tryCase(patient, one))
})
