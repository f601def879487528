/** People elsewhere who speak ActivityPub: their inboxes, and what came there, signed by the account that sent it. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import type { Account, Actor } from '../../src/model/kept.ts'
import { checkClaim, type HttpMessage, readUnverifiedSignatures, verifySignature } from '../../src/protocol/http-signature.ts'
import type { Knock, WrittenHub, WrittenSubscriber } from './hub.ts'

export type Activity = { id: string; type: string; actor: string; object: unknown; to?: string[]; cc?: string[]; [name: string]: unknown }

/** `got`: what came to the person's own inbox, `gotShared`: to that of the server; each of it verified. */
export type Inhabitant = {
  actor: Actor
  inbox: WrittenSubscriber
  shared: WrittenSubscriber
  got(): Promise<Activity[]>
  gotShared(): Promise<Activity[]>
}

/** @param by who must have signed what comes */
export function makeInhabitants({ subscriber, time, tools }: Pick<WrittenHub, 'subscriber' | 'time' | 'tools'>, by: Account) {
  const verified = async (knock: Knock): Promise<Activity> => {
    const { claim, request } = signatureOf(knock)
    const body = Buffer.from(knock.body)
    checkClaim(claim, request, body, request.authority, new Date(time.now))
    assert.equal(claim.keyId, `${by.uri}#main-key`)
    assert.ok(verifySignature(claim, createPublicKey((await tools.actors.privateKey(by.localName))!)), 'the signature is not the account’s')
    assert.equal(knock.headers['content-type'], 'application/activity+json')
    return JSON.parse(knock.body) as Activity
  }
  const shared = new Map<string, WrittenSubscriber>()
  return {
    /** NAME at HOST. @param isShared whether the server offers a shared inbox */
    async inhabitant(name: string, host = `${name}.example`, { isShared = false, follows = false } = {}): Promise<Inhabitant> {
      const uri = `https://${host}/users/${name}`
      const inbox = subscriber(`${uri}/inbox`)
      const common = shared.get(host) ?? subscriber(`https://${host}/inbox`)
      shared.set(host, common)
      const profile = { ids: [uri], kind: 'person' as const, username: name, url: `https://${host}/@${name}` }
      const inboxes = { inboxUrl: inbox.callback, ...(isShared ? { sharedInboxUrl: common.callback } : {}) }
      const facts = { uri, acct: `${name}@${host}`, profile, activityPub: { ...inboxes, signingKeys: [], alsoKnownAs: [] } }
      const actor = await tools.actors.keep(facts, tools.clock())
      if (follows) await tools.follows.add({ followerId: actor.id, followedId: by.id, via: 'inbox' }, tools.clock())
      const all = (list: Knock[]) => Promise.all(list.map(verified))
      return { actor, inbox, shared: common, got: () => all(inbox.got), gotShared: () => all(common.got) }
    }
  }
}

/** What signed a request that came. */
export function signatureOf({ headers, method, url: address }: Knock) {
  const url = new URL(address)
  const request: HttpMessage = {
    ...{ method, target: url.pathname + url.search, authority: url.host, scheme: 'https' },
    headers: { ...headers, host: url.host }
  }
  return { request, claim: readUnverifiedSignatures(request)[0]! }
}
