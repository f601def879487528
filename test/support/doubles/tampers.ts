/** What takes one thing away from a message on its way to a double; slaps and pings are signed again, so that nothing else is wrong. */
import assert from 'node:assert/strict'
import { createHmac, type KeyObject, sign } from 'node:crypto'
import { readEnvelope, readUnverified, signEnvelope, writeEnvelope } from '../../../src/protocol/magic-envelope.ts'
import { NS } from '../../../src/protocol/names.ts'
import type { Tamper } from './gnu-social.ts'
import type { Kind, Message } from './gnu-social-demands.ts'

type Change = (text: string) => string

/** A change of what is written in one way. */
export const swap =
  (from: RegExp, to: string): Change =>
  text =>
    text.replace(from, to)

/** The same XML, with a prefix at its root. */
export const prefixed =
  (root: string): Change =>
  text =>
    text.replace(`<${root} `, `<atom:${root} xmlns:atom="${NS.atom}" `).replace(`</${root}>`, `</atom:${root}>`)

/** @throws AssertionError when there was nothing to take away */
function changed(text: string, change: Change): string {
  const after = change(text)
  assert.notEqual(after, text, 'there was nothing to take away')
  return after
}

const only =
  (kind: Kind, tamper: Tamper): Tamper =>
  (message, secret) =>
    message.kind === kind ? tamper(message, secret) : message

/** Another body for one kind of message. */
export const body = (kind: Kind, change: Change): Tamper => only(kind, message => ({ ...message, body: changed(message.body, change) }))
/** Another status of an answer. */
export const status = (kind: Kind, status: number): Tamper => only(kind, message => ({ ...message, status }))
/** Another content type. */
export const type = (kind: Kind, type: string): Tamper => only(kind, message => ({ ...message, type }))

/** Another ping, with the signature that it needs. */
export const ping = (change: Change): Tamper =>
  only('ping', (message, secret) => {
    const body = changed(message.body, change)
    const signature = `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`
    return { ...message, body, headers: { ...message.headers, 'x-hub-signature': signature } }
  })
/** A ping without its signature. */
export const unsigned: Tamper = only('ping', message => ({ ...message, headers: {} }))

const opened = ({ body, type }: Message) => readEnvelope(Buffer.from(body), type)

/** @param key what the author signs with, looked up when it is needed */
export const makeForger = (key: () => KeyObject) => ({
  /** Another payload in a slap. @param act only those in which this stands */
  payload: (change: Change, act = /./): Tamper =>
    only('salmon', message => {
      const payload = readUnverified(opened(message)).toString()
      if (!act.test(payload)) return message
      return { ...message, body: writeEnvelope(signEnvelope(changed(payload, change), key())) }
    }),
  /** Signed over parts without padding, as others write base64url. */
  unpadded: only('salmon', message => {
    const { alg, data, dataType, encoding, ...rest } = opened(message)
    const signed = [data, ...[dataType, encoding, alg].map(part => Buffer.from(part).toString('base64url'))].join('.')
    const value = sign('RSA-SHA256', Buffer.from(signed), key()).toString('base64url')
    return { ...message, body: writeEnvelope({ ...rest, alg, data, dataType, encoding, sigs: [{ value }] }) }
  })
})

/** Slaps by another key. */
export const signedBy = (key: KeyObject): Tamper =>
  only('salmon', message => ({ ...message, body: writeEnvelope(signEnvelope(readUnverified(opened(message)), key)) }))
