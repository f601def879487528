/**
 * Envelopes accepted and stored per second, beside verifications of RSA-2048 by one core in the same run; then deletes of people
 * whom nobody here knows, which must cost no request and no row.
 *   node bench/salmon.ts [envelopes] [deletes]
 */
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeMagicKeyLink } from '../src/protocol/magic.ts'
import { signEnvelope, writeEnvelope } from '../src/protocol/magic-envelope.ts'
import { NS, REL, SCHEMA, TYPE } from '../src/protocol/names.ts'
import { startBenchNode } from './node.ts'

const [envelopes = '4000', deletes = '2000'] = process.argv.slice(2)
const AT_ONCE = 20

type Sender = { uri: string; privateKey: KeyObject; address: string; asked: () => number; close: () => void }

/** Somebody who tells his key by WebFinger, on a port of his own; what he sends comes from an address of his own. */
async function startSender(n: number): Promise<Sender> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = writeMagicKeyLink(publicKey.export({ format: 'jwk' }) as { n: string; e: string })
  let asked = 0
  const server = createServer((_, response) => {
    asked++
    const links = [
      { rel: REL.updatesFrom, type: TYPE.atom, href: `${origin}/feed` },
      { rel: REL.salmon, href: `${origin}/salmon` },
      { rel: REL.magicKey, href: key }
    ]
    const body = JSON.stringify({ subject: `acct:ann@${host}`, aliases: [`${origin}/ann`], links })
    response.writeHead(200, { 'content-type': TYPE.jrd }).end(body)
  })
  server.on('connection', () => asked++)
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const origin = `http://${host}`
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { uri: `${origin}/ann`, privateKey, address: `127.0.1.${n + 1}`, asked: () => asked, close }
}

function slap({ privateKey, uri }: Sender, id: string, inner: string): Buffer {
  const entry =
    `<?xml version="1.0"?><entry xmlns="${NS.atom}" xmlns:activity="${NS.activity}"><id>${id}</id><updated>${new Date().toISOString()}</updated>` +
    `<title>x</title><author><uri>${uri}</uri><name>ann</name></author>${inner}</entry>`
  return Buffer.from(writeEnvelope(signEnvelope(entry, privateKey)))
}

const node = await startBenchNode({ ACCOUNT: 'alice', LOG_LEVEL: 'warn' })
const alice = `${node.url}/users/alice`

const post = (body: Buffer, way: { agent: Agent } | { agent: false; localAddress: string }): Promise<number> =>
  new Promise((done, fail) => {
    const headers = { 'content-type': TYPE.magicEnvelope, 'content-length': body.length }
    const asked = request(`${alice}/salmon`, { method: 'POST', headers, ...way }, answer => {
      answer.resume().on('end', () => done(answer.statusCode ?? 0))
    })
    asked.on('error', fail).end(body)
  })

/** Posts all, so many at once. @returns seconds, and how often each status came */
async function load(bodies: Buffer[]): Promise<{ seconds: number; statuses: Record<number, number> }> {
  const statuses: Record<number, number> = {}
  const rest = bodies.values()
  // connections of its own: the node closes those that idled
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const begun = performance.now()
  const work = async () => {
    for (const body of rest) {
      const status = await post(body, { agent })
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  agent.destroy()
  return { seconds: (performance.now() - begun) / 1000, statuses }
}

/** Verifications per second by one core: what no node can go beyond. */
function verifications(ms: number): number {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const data = Buffer.alloc(2000, 'x')
  const signature = sign('RSA-SHA256', data, privateKey)
  const begun = performance.now()
  let count = 0
  for (; performance.now() - begun < ms; count++) verify('RSA-SHA256', data, publicKey, signature)
  return (count * 1000) / (performance.now() - begun)
}

/** How many posts are kept, dead ones too. */
const kept = (): number => node.command('history', '--limit', '1000000', '--json').split('\n').filter(Boolean).length

const senders = await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => startSender(n)))
const mention = (n: number) => {
  const sender = senders[n % AT_ONCE]!
  return slap(sender, `${sender.uri}/${n}`, `<content type="html">Hello ${n}</content><link rel="mentioned" href="${alice}"/>`)
}
const first = await Promise.all(senders.map((sender, n) => post(mention(n), { agent: false, localAddress: sender.address })))
if (first.some(status => status !== 202)) {
  await node.stop()
  throw new Error(`The first of each sender was answered ${first}.`)
}

const bodies = Array.from({ length: Number(envelopes) }, (_, n) => mention(n + AT_ONCE))
const before = verifications(1500)
const run = await load(bodies)
const limit = (before + verifications(1500)) / 2
const rate = Number(envelopes) / run.seconds
console.log(`envelopes  ${Math.round(rate)}/s accepted, ${AT_ONCE} at once, ${kept()} stored, answers ${JSON.stringify(run.statuses)}`)
console.log(`RSA-2048   ${Math.round(limit)}/s verified by one core`)
console.log(`ratio      ${(rate / limit).toFixed(3)}`)

const stranger = await startSender(AT_ONCE)
const rows = kept()
const gone = Array.from({ length: Number(deletes) }, (_, n) => {
  const author = { ...stranger, uri: `${stranger.uri}/${n}` }
  return slap(author, author.uri, `<activity:verb>${SCHEMA.activity}delete</activity:verb><content>gone</content>`)
})
const end = await load(gone)
console.log(
  `deletes    ${deletes} of unknown actors in ${end.seconds.toFixed(1)} s, answers ${JSON.stringify(end.statuses)}, ` +
    `requests ${stranger.asked()}, new posts ${kept() - rows}`
)
for (const sender of [...senders, stranger]) sender.close()
await node.stop()
