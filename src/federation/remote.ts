/** Where a visitor's own server takes an answer or a follow: found by WebFinger, else guessed (W33, X45). */
import { BadMessage, type Failure, isFailure, Missing, Refused, Unreachable } from '../model/errors.ts'
import { type AccountHandle, readHandle, readHost, writeAcct } from '../protocol/acct.ts'
import { expandTemplate } from '../protocol/descriptor.ts'
import type { Tools } from '../tools.ts'
import { findSubject } from './gather.ts'
import { type Lookup, lookUp, makeSearch } from './lookup.ts'
import { findComment, judge, knowPeople } from './moderate.ts'

/** Who asks: an account, or a server alone. `resource` is what its WebFinger is asked for. */
type Visitor = { host: string; resource: string; names: string[]; called: string; isAccount: boolean }

const LONGEST = 2048

/**
 * The address on a visitor's server at which something of ours can be answered or followed.
 * @param account `user@host`, `@user@host`, `acct:`, the address of a profile, or a host alone
 * @param address a page of a blog of ours, a comment under one, a post of ours or an account of ours, by its URI
 * @throws BadMessage `no_account`, `bad_account`, `no_url`; Missing `not_found` for what is not known here, `unknown_account`,
 *   `unknown_server`; Refused `blocked`
 */
export async function findRemote(tools: Tools, account: string, address: string): Promise<string> {
  const visitor = readVisitor(account)
  const meant = await findMeant(tools, address)
  const [known] = await knowPeople(tools, [visitor.names])
  if (known?.isBlocked) throw new Refused(`${visitor.called} is blocked here.`, { code: 'blocked' })
  return fill(await findTemplate(tools, visitor), meant)
}

function readVisitor(typed: string): Visitor {
  const text = typed.trim()
  if (text === '') throw new BadMessage('Type your account or your server.', { code: 'no_account' })
  try {
    if (text.length > LONGEST) throw new BadMessage('too long')
    return /^https?:|@/i.test(text) ? visitorAt(readHandle(text)) : visitorOf(readHost(text))
  } catch (cause) {
    if (!isFailure(cause)) throw cause
    throw new BadMessage('This is neither an account, such as @you@server.example, nor a server.', { code: 'bad_account', cause })
  }
}

function visitorAt(handle: AccountHandle | { kind: 'url'; url: string }): Visitor {
  if (handle.kind === 'acct') {
    const names = [`acct:${handle.acct}`]
    return { host: handle.host, resource: writeAcct(handle), names, called: handle.acct, isAccount: true }
  }
  const { host, pathname } = new URL(handle.url)
  if (pathname === '/') return visitorOf(host)
  return { host, resource: handle.url, names: [handle.url], called: handle.url, isAccount: true }
}

/** A server is asked for itself: many know themselves as an account. */
const visitorOf = (host: string): Visitor => {
  const names = [`https://${host}/`]
  return { host, resource: names[0]!, names, called: host, isAccount: false }
}

/** What is answered or followed: by the address that ActivityPub servers know it by, and by the one that OStatus servers do. */
type Meant = { toot: string; uri: string }

/** @throws BadMessage `no_url`; Missing when nothing of ours is there that everybody may see */
async function findMeant(tools: Tools, address: string): Promise<Meant> {
  if (address === '') throw new BadMessage('What is to be answered is missing: ?url=…', { code: 'no_url' })
  const account = await tools.actors.findByName(address)
  if (account?.localName !== undefined && account.removedAt === undefined) return { toot: account.uri, uri: account.uri }
  try {
    const { post, toot, url } = await findSubject(tools, address)
    const uri = post?.uri ?? url
    return { uri, toot: toot?.tootUrl ?? uri }
  } catch (error) {
    if (!isFailure(error)) throw error
    return findShownComment(tools, address, error)
  }
}

async function findShownComment(tools: Tools, address: string, otherwise: Failure): Promise<Meant> {
  const { id, isOpen, said, url } = await findComment(tools, address).catch(error => {
    throw isFailure(error) ? otherwise : error
  })
  const [standing] = await judge(tools, [said])
  if (standing !== 'shown' || !isOpen) throw otherwise
  return { toot: /^https?:/.test(id) ? id : url, uri: id }
}

/** The template that the server gives for it, else the one that most would give. @throws Missing */
async function findTemplate(tools: Tools, visitor: Visitor): Promise<string> {
  const { called, host, isAccount, resource } = visitor
  const search = makeSearch(tools)
  const found = await lookUp(search, resource, host).catch(failed => {
    if (failed instanceof Unreachable) return undefined
    throw failed
  })
  const answered = search.trace.findLast(({ status }) => status !== undefined)?.url
  if (answered === undefined) throw new Missing(`No server answers at ${host}. Is it spelled right?`, { code: 'unknown_server' })
  if (found === undefined && isAccount)
    throw new Missing(`${host} knows no account ${called}. Is it spelled right?`, { code: 'unknown_account' })
  const plain = answered.startsWith('http:') && (await tools.http.isListed(answered))
  const usual = `${plain ? 'http' : 'https'}://${host}/authorize_interaction?uri={uri}`
  return found?.links.subscribeTemplate !== undefined && (await isSafe(tools, found)) ? found.links.subscribeTemplate : usual
}

/** https, or http of a server inside ALLOW_ADDRESSES; what is filled in stands behind the host, in the place of `{uri}` (X45). */
async function isSafe({ http }: Tools, { links, trusted }: Lookup): Promise<boolean> {
  const { subscribeTemplate: template = '' } = links
  const [filled, other] = [URL.parse(expandTemplate(template, 'a')), URL.parse(expandTemplate(template, 'b'))]
  if (!trusted || !template.includes('{uri}') || filled === null || filled.origin !== other?.origin) return false
  if (filled.username !== '' || filled.password !== '') return false
  return filled.protocol === 'https:' || (filled.protocol === 'http:' && (await http.isListed(filled.href)))
}

/** Servers of OStatus know our post, those of ActivityPub its toot. */
const fill = (template: string, { toot, uri }: Meant): string =>
  URL.parse(expandTemplate(template, /ostatussub|remotefollowsub|authorize_follow\b/.test(template) ? uri : toot))!.href
