/**
 * Signed Creates accepted and stored per second at the shared inbox, beside verifications of RSA-2048 by one core, and beside a Fedify
 * that takes the same and stores nothing, in turn in one run; then deletes of people whom nobody here knows, which must cost no
 * request and no row.
 *   node bench/inbox.ts [creates] [deletes] [rounds]
 */
import { fileURLToPath } from 'node:url'
import { assemble } from '../src/assemble.ts'
import { readConfig } from '../src/config.ts'
import { signCavage } from '../src/protocol/cavage-signature.ts'
import { AS, TYPE } from '../src/protocol/names.ts'
import { silence } from '../test/support/database.ts'
import { AT_ONCE, load, type Message, type Person, postFrom, startPerson, verifications } from './messages.ts'
import { freePort, median, startBenchNode, startServer } from './node.ts'

const [creates = 2000, deletes = 2000, rounds = 3] = process.argv.slice(2).map(Number)
const CONTEXT = [AS, 'https://w3id.org/security/v1']
const PUBLIC = `${AS}#Public`

/** Everybody is an actor whose host confirms their handle. */
const startSender = (n: number): Promise<Person> =>
  startPerson(n, ({ host, publicKey, uri }, path) => {
    const handle = { subject: `acct:ann@${host}`, links: [{ rel: 'self', type: TYPE.activity, href: uri }] }
    if (path.startsWith('/.well-known/')) return { type: TYPE.jrd, body: JSON.stringify(handle) }
    const key = { id: `${uri}#main-key`, owner: uri, publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }) }
    const person = { id: uri, type: 'Person', preferredUsername: 'ann', name: 'Ann', inbox: `${uri}/inbox`, outbox: `${uri}/outbox` }
    return { type: TYPE.activity, body: JSON.stringify({ '@context': CONTEXT, ...person, publicKey: key }) }
  })

/** A mention as Mastodon tells of it, every other one in an answer. */
function createOf({ uri }: Person, n: number): object {
  const [id, at] = [`${uri}/statuses/${n}`, new Date().toISOString()]
  const told = { published: at, to: [PUBLIC], cc: [`${uri}/followers`, alice] }
  const page = { id: `${id}/replies?page=true`, type: 'CollectionPage', partOf: `${id}/replies`, items: [] }
  const note = {
    ...{
      id,
      type: 'Note',
      summary: null,
      inReplyTo: n % 2 === 0 ? null : said,
      url: `${uri}/${n}`,
      attributedTo: uri,
      ...told,
      sensitive: false
    },
    ...{ content: `<p><span class="h-card"><a href="${alice}">@alice</a></span> Hello ${n}</p>`, attachment: [] },
    ...{ tag: [{ type: 'Mention', href: alice, name: '@alice' }], replies: { id: `${id}/replies`, type: 'Collection', first: page } }
  }
  return { '@context': CONTEXT, id: `${id}/activity`, type: 'Create', actor: uri, ...told, object: note }
}

const deleteOf = (uri: string): object => ({ '@context': AS, id: `${uri}#delete`, type: 'Delete', actor: uri, to: [PUBLIC], object: uri })

function signed(origin: string, { privateKey: key }: Person, keyId: string, activity: object): Message {
  const body = Buffer.from(JSON.stringify(activity))
  const headers = signCavage({ method: 'POST', target: '/inbox', authority: new URL(origin).host }, { body, key, keyId, now: new Date() })
  return { url: `${origin}/inbox`, headers: { ...headers, 'content-type': TYPE.activity }, body }
}

const node = await startBenchNode({ ACCOUNT: 'alice', LOG_LEVEL: 'warn' })
const alice = `${node.url}/users/alice`
const { uri: said } = JSON.parse(node.command('publish', '--as', 'alice', '--text', 'What do you think?', '--json'))
const port = await freePort()
const peer = { url: `http://127.0.0.1:${port}` }
const fedify = await startServer(fileURLToPath(new URL('fedify.ts', import.meta.url)), [`${port}`], `${peer.url}/taken`)
const { close, database } = await assemble(readConfig(node.env, { cwd: process.cwd() }), silence, 'command')

const count = async (table: string): Promise<number> => Number((await database.knex(table).count())[0]!.count)
/** Everything that is kept, and what is to be done. */
async function rows(): Promise<number> {
  const tables: { name: string }[] = await database.knex('pg_tables').where({ schemaname: 'public' }).select('tablename as name')
  const counts = await Promise.all([...tables.map(({ name }) => count(name)), count('pgboss.job')])
  return counts.reduce((sum, n) => sum + n, 0)
}

const senders = await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => startSender(n)))
const mention = (origin: string, n: number) => {
  const sender = senders[n % AT_ONCE]!
  return signed(origin, sender, `${sender.uri}#main-key`, createOf(sender, n))
}
const targets = [node, peer].map(({ url }) => ({ url, rates: [] as number[] }))
for (const { url } of targets) {
  const first = await Promise.all(senders.map(({ address }, n) => postFrom(address, mention(url, n))))
  if (first.some(status => status !== 202)) throw new Error(`The first of each sender was answered ${first} by ${url}.`)
}

const limits: number[] = []
for (let round = 0; round < rounds; round++) {
  limits.push(verifications(1000))
  const said: string[] = []
  for (const { rates, url } of targets) {
    const messages = Array.from({ length: creates }, (_, n) => mention(url, AT_ONCE + round * creates + n))
    const { rate, statuses } = await load(messages)
    rates.push(rate)
    said.push(`${Math.round(rate)}/s ${JSON.stringify(statuses)}`)
  }
  console.log(`tidings ${said[0]}   Fedify ${said[1]}   RSA-2048 ${Math.round(limits.at(-1)!)}/s`)
}
const [ours, theirs] = targets.map(({ rates }) => median(rates)) as [number, number]
const taken = await (await fetch(`${peer.url}/taken`)).text()
console.log(`creates    ${Math.round(ours)}/s accepted, ${AT_ONCE} at once; ${(await count('posts')) - 1} stored, Fedify believed ${taken}`)
console.log(`ratio      to verifications by one core ${(ours / median(limits)).toFixed(3)}, to Fedify ${(ours / theirs).toFixed(1)}`)

const stranger = await startSender(AT_ONCE)
const before = await rows()
const gone = Array.from({ length: deletes }, (_, n) => {
  const uri = `${stranger.uri}/${n}`
  return signed(node.url, stranger, `${uri}#main-key`, deleteOf(uri))
})
const end = await load(gone)
console.log(
  `deletes    ${deletes} of unknown actors, ${Math.round(end.rate)}/s, answers ${JSON.stringify(end.statuses)}, ` +
    `requests ${stranger.asked()}, new rows ${(await rows()) - before}`
)
for (const person of [...senders, stranger]) person.close()
await close()
await fedify.stop()
await node.stop()
