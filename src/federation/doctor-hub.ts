/** A round at our own hub, as any reader makes it: subscribe, be asked, be delivered to, leave. The topic is nobody else's. */
import type { Check } from '../model/check.ts'
import { randomSecret } from '../model/tokens.ts'
import { hubLinks, verifySignature, writeSubscribe } from '../protocol/hub.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { failure, ok, waitFor } from './checking.ts'
import { distribute } from './distribute.ts'
import { closeEcho, findArrival, fingerprint, openEcho } from './echo.ts'
import { describeLook, type Looked, look } from './look.ts'

const TIMEOUT_MS = 5_000
const LEASE_SECONDS = 86_400
/** For each of the three things for which the worker is waited for. */
const PATIENCE_MS = 8_000

export async function checkHub(tools: Tools): Promise<Check> {
  const token = await openEcho(tools)
  const topic = tools.addresses.echo(token)
  try {
    return await goRound(tools, token, topic)
  } finally {
    await tools.transaction(async ({ subscribers, topics }) => {
      await subscribers.removeTopic(topic)
      await topics.removeDocuments(topic)
    })
    await closeEcho(tools, token)
  }
}

async function goRound(tools: Tools, token: string, topic: string): Promise<Check> {
  const { addresses, clock, subscribers, transaction } = tools
  const secret = randomSecret()
  const ask = (mode: 'subscribe' | 'unsubscribe') =>
    post(tools, addresses.hub(), writeSubscribe({ mode, topic, callback: topic, secret, lease: LEASE_SECONDS }))
  const asked = await ask('subscribe')
  if (asked.answer?.status !== 202)
    return failure('hub', `The hub does not take a subscription: ${describeLook(asked)}.`, PROXY, asked.seen)
  if ((await waitFor(PATIENCE_MS, async () => (await subscribers.count(topic)) > 0)) === undefined) return silent(tools, token)

  const body = Buffer.from('<p>ä & "§"</p>\n')
  const document = { key: topic, topic, contentType: TYPE.html, body, links: hubLinks([addresses.hub()], topic) }
  await transaction(stores => distribute(stores, document, clock()))
  const content = await waitFor(PATIENCE_MS, () => findArrival(tools, token, 'content'))
  if (content === undefined) return failure('hub', 'What the hub should deliver does not arrive.', WORKER)
  if (content.body !== fingerprint(body) || !verifySignature(content.signature, secret, body))
    return failure('hub', 'What the hub delivers does not arrive as it was sent.', BODY)

  await ask('unsubscribe')
  if ((await waitFor(PATIENCE_MS, async () => (await subscribers.count(topic)) === 0)) === undefined)
    return failure('hub', 'The hub does not let go of a subscription.', WORKER)
  return ok('hub', 'The hub takes a subscription, asks back, delivers, and lets go again.')
}

const post = (tools: Tools, url: string, body: string): Promise<Looked> =>
  look(tools, url, '*/*', { method: 'POST', headers: { 'content-type': TYPE.form }, body, redirects: 0, timeout: TIMEOUT_MS })

/** Nobody was asked, or the answer did not come back. */
async function silent(tools: Tools, token: string): Promise<Check> {
  const wasAsked = (await findArrival(tools, token, 'subscribe')) !== undefined
  const sentence = 'The hub took a subscription, but did not ask back in time.'
  return wasAsked
    ? failure('hub', 'The hub asked back, but did not get the answer as it was sent.', BODY)
    : failure('hub', sentence, WORKER)
}

const PROXY = 'See that the proxy before the node hands on POST requests to /hub as they are.'
const WORKER = 'See that `tidings start` or `tidings worker` runs: it does the work of the hub, and its log tells what is wrong.'
const BODY = 'Switch off whatever rewrites requests or answers between the node and the world.'
