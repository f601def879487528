/**
 * A Fedify to be measured, in a process of its own: an inbox that believes what is signed and stores nothing, and one account that
 * sends. All that it remembers is in its memory.
 *   node bench/fedify.ts PORT
 * `GET /taken`: how many Creates it believed. `POST /send`: `{ version, inboxes }`, a note to all of these.
 */
import { createServer, type IncomingMessage } from 'node:http'
import { createFederation, generateCryptoKeyPair, InProcessMessageQueue, MemoryKvStore } from '@fedify/fedify'
import { Create, Note, Person, PUBLIC_COLLECTION } from '@fedify/vocab'

type Order = { version: number; inboxes: string[] }

const port = Number(process.argv[2])
const origin = `http://127.0.0.1:${port}`
const keys = [await generateCryptoKeyPair('RSASSA-PKCS1-v1_5')]
let taken = 0

const federation = createFederation<void>({
  ...{ kv: new MemoryKvStore(), allowPrivateAddress: true, firstKnock: 'draft-cavage-http-signatures-12' },
  queue: { outbox: new InProcessMessageQueue(), fanout: new InProcessMessageQueue() }
})
federation
  .setActorDispatcher('/users/{identifier}', (ctx, identifier) => {
    const inbox = ctx.getInboxUri(identifier)
    return new Person({ id: ctx.getActorUri(identifier), preferredUsername: identifier, inbox })
  })
  .setKeyPairsDispatcher(() => keys)
federation.setInboxListeners('/users/{identifier}/inbox', '/inbox').on(Create, () => void taken++)

async function send({ inboxes, version }: Order): Promise<void> {
  const ctx = federation.createContext(new URL(origin), undefined)
  const sender = { identifier: 'carol' }
  const attribution = ctx.getActorUri(sender.identifier)
  const content = `bench-version=${version} ${'x'.repeat(600)}`
  const note = new Note({ id: new URL(`/notes/${version}`, origin), attribution, content, to: PUBLIC_COLLECTION })
  const create = new Create({ id: new URL(`/acts/${version}`, origin), actor: attribution, object: note, to: PUBLIC_COLLECTION })
  const people = inboxes.map(inbox => ({ id: new URL(`${inbox}/owner`), inboxId: new URL(inbox) }))
  await ctx.sendActivity(sender, people, create)
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

createServer(async (request, response) => {
  const { headers, method = 'GET', url = '/' } = request
  if (url === '/taken') return void response.end(`${taken}`)
  const body = method === 'POST' ? await bodyOf(request) : undefined
  if (url === '/send') {
    await send(JSON.parse(`${body}`))
    return void response.writeHead(202).end()
  }
  const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string])
  const asked = new Request(origin + url, { method, headers: pairs, ...(body ? { body: new Uint8Array(body) } : {}) })
  const { status } = await federation.fetch(asked, { contextData: undefined })
  response.writeHead(status).end()
}).listen(port, '127.0.0.1')
