/**
 * A GNU social 2.0 whose ActivityPub plugin is switched on after a while. Its module TheFreeNetwork then hands a remote person over to
 * ActivityPub, for all its users at once, when one of them follows: the OStatus row of that person is deleted, what a hub pushes from
 * then on is thrown away ("No ostatus profile for incoming feed"), and the subscription is neither ended nor left to lapse. Read in its
 * code (v2.0.0beta0: modules/TheFreeNetwork, plugins/ActivityPub, OStatusPlugin::onStartFeedSubReceive, FeedSub::renew).
 */
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { checkClaim, readUnverifiedSignatures, verifySignature } from '../../../src/protocol/http-signature.ts'
import { until } from '../node.ts'
import type { Pair } from '../slaps.ts'
import { startGnuSocial } from './gnu-social.ts'
import { type Reply, send } from './gnu-social-user.ts'

type Json = Record<string, unknown>
/** An activity that it took, of which `about` is the id of the object. */
export type Taken = { type: string; about: string; object: unknown }
type Remote = { id: string; url: string; endpoints: { sharedInbox: string }; publicKey: { publicKeyPem: string } }

const ACTIVITY = 'application/activity+json'
const ACCEPT = `application/ld+json; profile="https://www.w3.org/ns/activitystreams", ${ACTIVITY}, application/json`
const AGENT = 'GNU social ActivityPub Plugin - https://gnusocial.rocks/'
const CONTEXT = { '@context': 'https://www.w3.org/ns/activitystreams' }

export type GnuSocialTwo = Awaited<ReturnType<typeof startGnuSocialTwo>>

export async function startGnuSocialTwo({ pair }: { pair: Pair }) {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const taken: Taken[] = []
  const refused: string[] = []
  let [isOn, isTurned, dropped, lastSecond] = [false, false, 0, 0]

  async function answer(request: IncomingMessage, body: string): Promise<Reply | undefined> {
    const name = `${request.method} ${request.url}`
    if (isTurned && name === 'POST /main/push/callback/1') {
      dropped++
      return {}
    }
    if (!isOn) return undefined
    if (name === 'GET /user/1' && /activity\+json|ld\+json/.test(request.headers.accept ?? ''))
      return { type: ACTIVITY, body: JSON.stringify(actor()) }
    return /^POST \/(user\/1\/)?inbox\.json$/.test(name) ? take(request, body) : undefined
  }
  const social = await startGnuSocial({ pair, before: answer })
  const { origin } = new URL(social.uri)

  const actor = (): Json => ({
    ...{ ...CONTEXT, id: social.uri, type: 'Person', preferredUsername: 'bob', name: 'bob', summary: '', url: `${origin}/bob` },
    ...{ inbox: `${origin}/user/1/inbox.json`, outbox: `${origin}/user/1/outbox.json`, followers: `${origin}/user/1/followers.json` },
    endpoints: { sharedInbox: `${origin}/inbox.json` },
    publicKey: {
      ...{ id: `${social.uri}#public-key`, owner: social.uri },
      publicKeyPem: key.publicKey.export({ type: 'spki', format: 'pem' })
    }
  })

  async function take({ headers, method = '', url = '' }: IncomingMessage, body: string): Promise<Reply> {
    const activity = JSON.parse(body) as Json
    const by = await meet(String(activity.actor))
    const asked = { method, target: url, authority: headers.host!, scheme: 'http' as const, headers: headers as Record<string, string> }
    const [claim] = readUnverifiedSignatures(asked)
    checkClaim(claim!, asked, Buffer.from(body), asked.authority, new Date())
    const why = verifySignature(claim!, createPublicKey(by.publicKey.publicKeyPem)) ? whyNot(activity) : 'the signature'
    if (why !== undefined) {
      refused.push(`${activity.type}: ${why}`)
      return { status: 400 }
    }
    const object = activity.object as Json | string
    taken.push({ type: String(activity.type), about: typeof object === 'string' ? object : String(object.id), object })
    return { status: 202 }
  }

  async function meet(uri: string): Promise<Remote> {
    return (await fetch(uri, { headers: { accept: ACCEPT } })).json() as Promise<Remote>
  }

  /** As its code has it: over these headers, in this order. */
  async function post(inbox: string, activity: Json): Promise<number> {
    const { host, pathname } = new URL(inbox)
    // its ids are the same each time, and a Date has whole seconds: what is signed twice in one is a replay
    await until('another second', () => Date.now() / 1000 >= lastSecond + 1)
    lastSecond = Math.floor(Date.now() / 1000)
    const body = JSON.stringify({ ...CONTEXT, actor: social.uri, ...activity })
    const signed: Record<string, string> = {
      ...{ Date: new Date().toUTCString(), Host: host, Accept: ACCEPT, 'User-Agent': AGENT, 'Content-Type': ACTIVITY },
      Digest: `SHA-256=${createHash('sha256').update(body).digest('base64')}`
    }
    const lines = [
      `(request-target): post ${pathname}`,
      ...Object.entries(signed).map(([name, value]) => `${name.toLowerCase()}: ${value}`)
    ]
    const names = lines.map(line => line.slice(0, line.indexOf(': '))).join(' ')
    const signature = sign('RSA-SHA256', Buffer.from(lines.join('\n')), key.privateKey).toString('base64')
    const Signature = `keyId="${social.uri}#public-key",headers="${names}",algorithm="rsa-sha256",signature="${signature}"`
    return (await send(inbox, { type: ACTIVITY, body, headers: { ...signed, Signature } })).status
  }

  const followOf = ({ url }: Remote): Json => ({
    id: `${origin}/follow_from_${encodeURIComponent(social.uri)}_to_${encodeURIComponent(url)}`,
    ...{ type: 'Follow', actor: social.uri, object: url }
  })
  const inActivityPub = async (who: string, activity: (remote: Remote) => Json): Promise<number> => {
    const remote = await meet(who)
    isTurned = true
    return post(remote.endpoints.sharedInbox, activity(remote))
  }

  return {
    ...{ ...social, origin, taken, refused },
    /** How often something was pushed that it threw away. */
    dropped: () => dropped,
    switchOn(): void {
      isOn = true
    },
    /** What bob does to somebody by ActivityPub. @returns the status of the answer */
    followAgain: (who: string) => inActivityPub(who, followOf),
    undoFollow: (who: string) =>
      inActivityPub(who, remote => ({ id: `${followOf(remote).id}#undo`, type: 'Undo', object: followOf(remote) })),
    act: (who: string, activity: Json) => inActivityPub(who, () => activity)
  }
}

/** What it does not like in an activity; Articles and Updates are unknown to it. */
function whyNot({ object, type }: Json): string | undefined {
  const isUrl = (value: unknown): boolean => typeof value === 'string' && URL.canParse(value)
  if (['Follow', 'Like', 'Announce'].includes(String(type))) return isUrl(object) ? undefined : 'the object is no URL'
  const thing = object as Json
  if (type === 'Accept' && thing.type !== 'Follow') return `of an ${thing.type}`
  if (type === 'Accept' || type === 'Undo') return isUrl(thing.object) ? undefined : 'the object of the object is no URL'
  if (type === 'Delete') return undefined
  if (type !== 'Create') return 'it is unknown'
  if (thing.type !== 'Note' || !isUrl(thing.id)) return 'it is no Note'
  if (thing.url !== undefined && !isUrl(thing.url)) return 'its url is no URL'
  return thing.to && thing.cc && thing.content ? undefined : 'to, cc or content is missing'
}
