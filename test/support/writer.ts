/** A node that writes: ann at hub.example, people elsewhere with Salmon endpoints, and what came there, opened and verified. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import type { Activity } from '../../src/model/activity.ts'
import type { Account, Actor, KeptPost } from '../../src/model/kept.ts'
import { accountLinks, readDescriptor } from '../../src/protocol/descriptor.ts'
import { keyObject } from '../../src/protocol/magic.ts'
import { readEnvelope, readPayload, readUnverified, verifyEnvelope } from '../../src/protocol/magic-envelope.ts'
import type { XmlElement } from '../../src/protocol/xml.ts'
import type { ActorFacts } from '../../src/tools.ts'
import { parse } from './atom.ts'
import { type Knock, startHub, type WrittenSubscriber } from './hub.ts'
import { keepPost } from './residents.ts'

export type Writer = Awaited<ReturnType<typeof startWriter>>

/** An envelope as it came: its request, the payload as text and as XML, and what it means. */
export type Slap = { knock: Knock; xml: string; entry: XmlElement; activity: Activity }

/** Somebody elsewhere. `slaps` gives what came to their endpoint; each must verify with ann's published key. */
export type Neighbour = { actor: Actor; endpoint: WrittenSubscriber; slaps(): Slap[]; post(html?: string): Promise<KeptPost> }

/** @param env settings over those of `startHub` */
export async function startWriter(env: Record<string, string> = {}) {
  const hub = await startHub(env)
  const { tools } = hub
  const ann: Account = await findAccount(tools, 'ann')
  const answer = await fetch(`http://${hub.node.host}/.well-known/webfinger?resource=${ann.uri}`)
  const { keys } = accountLinks(readDescriptor(Buffer.from(await answer.arrayBuffer()), answer.headers.get('content-type') ?? ''))

  function open(knock: Knock): Slap {
    const envelope = readEnvelope(Buffer.from(knock.body), knock.headers['content-type'])
    assert.equal(verifyEnvelope(envelope, keys.map(keyObject), { legacy: false })?.variant, 'a')
    const payload = readUnverified(envelope)
    return { knock, xml: payload.toString(), entry: parse(payload.toString()), activity: readPayload(payload) }
  }

  return {
    ...{ hub, tools, ann, work: hub.work, close: hub.close },
    /** A public post or act that our subscribers got, one of them listening. */
    async listener(): Promise<WrittenSubscriber> {
      const one = hub.subscriber('https://listener.example/cb')
      await hub.subscribe(one)
      return one
    },
    /** NAME at HOST, known to us; their user URI is not their profile page, as at GNU social. */
    async neighbour(name: string, host = `${name}.example`, facts: Partial<ActorFacts> = {}): Promise<Neighbour> {
      const uri = `https://${host}/user/1`
      const endpoint = hub.subscriber(`https://${host}/salmon/1`)
      const profile = { ids: [uri], kind: 'person' as const, username: name, displayName: `${name} & co`, url: `https://${host}/${name}` }
      const known = { uri, acct: `${name}@${host}`, feedUrl: `https://${host}/1.atom`, salmonUrl: endpoint.callback, profile }
      const actor = await tools.actors.keep({ ...known, ...facts }, tools.clock())
      let count = 0
      const post = (html = '<p>a post</p>') => {
        const id = `tag:${host},2036-03-01:noticeId=${++count}:objectType=note`
        return keepPost(tools, actor, {
          uri: id,
          url: `https://${host}/notice/${count}`,
          conversation: `tag:${host},2036:c=${count}`,
          html
        })
      }
      return { actor, endpoint, slaps: () => endpoint.got.map(open), post }
    }
  }
}
