/**
 * Envelopes accepted and stored per second, beside verifications of RSA-2048 by one core in the same run; then deletes of people
 * whom nobody here knows, which must cost no request and no row.
 *   node bench/salmon.ts [envelopes] [deletes]
 */
import { writeMagicKeyLink } from '../src/protocol/magic.ts'
import { signEnvelope, writeEnvelope } from '../src/protocol/magic-envelope.ts'
import { NS, REL, SCHEMA, TYPE } from '../src/protocol/names.ts'
import { AT_ONCE, load, type Message, type Person, postFrom, startPerson, verifications } from './messages.ts'
import { startBenchNode } from './node.ts'

const [envelopes = 4000, deletes = 2000] = process.argv.slice(2).map(Number)

/** Everybody tells their key by WebFinger. */
const startSender = (n: number): Promise<Person> =>
  startPerson(n, ({ host, publicKey, uri }) => {
    const links = [
      { rel: REL.updatesFrom, type: TYPE.atom, href: `http://${host}/feed` },
      { rel: REL.salmon, href: `http://${host}/salmon` },
      { rel: REL.magicKey, href: writeMagicKeyLink(publicKey.export({ format: 'jwk' }) as { n: string; e: string }) }
    ]
    return { type: TYPE.jrd, body: JSON.stringify({ subject: `acct:ann@${host}`, aliases: [uri], links }) }
  })

const node = await startBenchNode({ ACCOUNT: 'alice', LOG_LEVEL: 'warn' })
const alice = `${node.url}/users/alice`

function slap({ privateKey, uri }: Person, id: string, inner: string): Message {
  const entry =
    `<?xml version="1.0"?><entry xmlns="${NS.atom}" xmlns:activity="${NS.activity}"><id>${id}</id><updated>${new Date().toISOString()}</updated>` +
    `<title>x</title><author><uri>${uri}</uri><name>ann</name></author>${inner}</entry>`
  const body = Buffer.from(writeEnvelope(signEnvelope(entry, privateKey)))
  return { url: `${alice}/salmon`, headers: { 'content-type': TYPE.magicEnvelope }, body }
}

/** How many posts are kept, dead ones too. */
const kept = (): number => node.command('history', '--limit', '1000000', '--json').split('\n').filter(Boolean).length

const senders = await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => startSender(n)))
const mention = (n: number) => {
  const sender = senders[n % AT_ONCE]!
  return slap(sender, `${sender.uri}/${n}`, `<content type="html">Hello ${n}</content><link rel="mentioned" href="${alice}"/>`)
}
const first = await Promise.all(senders.map(({ address }, n) => postFrom(address, mention(n))))
if (first.some(status => status !== 202)) {
  await node.stop()
  throw new Error(`The first of each sender was answered ${first}.`)
}

const messages = Array.from({ length: envelopes }, (_, n) => mention(n + AT_ONCE))
const before = verifications(1500)
const { rate, statuses } = await load(messages)
const limit = (before + verifications(1500)) / 2
console.log(`envelopes  ${Math.round(rate)}/s accepted, ${AT_ONCE} at once, ${kept()} stored, answers ${JSON.stringify(statuses)}`)
console.log(`RSA-2048   ${Math.round(limit)}/s verified by one core`)
console.log(`ratio      ${(rate / limit).toFixed(3)}`)

const stranger = await startSender(AT_ONCE)
const rows = kept()
const gone = Array.from({ length: deletes }, (_, n) => {
  const author = { ...stranger, uri: `${stranger.uri}/${n}` }
  return slap(author, author.uri, `<activity:verb>${SCHEMA.activity}delete</activity:verb><content>gone</content>`)
})
const end = await load(gone)
console.log(
  `deletes    ${deletes} of unknown actors, ${Math.round(end.rate)}/s, answers ${JSON.stringify(end.statuses)}, ` +
    `requests ${stranger.asked()}, new posts ${kept() - rows}`
)
for (const sender of [...senders, stranger]) sender.close()
await node.stop()
