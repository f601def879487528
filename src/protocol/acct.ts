/**
 * Names of accounts as people and servers write them (D1, D8; RFC 7565) -> one form. The only place that normalises a host,
 * so that no two spellings of one host are ever taken for two, nor two hosts for one.
 */
import { BadMessage } from '../model/errors.ts'

/** `acct` is the key for storage, lower case throughout; `user` keeps its case, `host` is ASCII and keeps a port that is not 443. */
export type AccountHandle = { kind: 'acct'; user: string; host: string; acct: string }
export type Handle = AccountHandle | { kind: 'url'; url: string }

const LONGEST_USER = 255
/** 253 of the name, 6 of the port. */
const LONGEST_HOST = 259
const LONGEST_URL = 2048

/**
 * Reads `acct:user@host`, `user@host`, `@user@host` or an http(s) URL (D1).
 * @throws BadMessage when it is none of them, or when the name or host holds what no server would let into one
 */
export function readHandle(input: string): Handle {
  const text = input.trim()
  if (/^https?:/i.test(text)) return { kind: 'url', url: readUrl(text) }
  const [, rawUser = '', rawHost = ''] = /^(?:acct:)?@?([^@]*)@([^@]*)$/i.exec(text) ?? []
  const user = readUser(rawUser)
  const host = readHost(rawHost)
  return { kind: 'acct', user, host, acct: `${user}@${host}`.toLowerCase() }
}

/** The same, for a name in somebody's document: undefined instead of an error. Peers encode a subject up to twice (D8). */
export function readSubject(subject: string | undefined): Handle | undefined {
  if (subject === undefined) return undefined
  try {
    return readHandle(/%3a|%40|%25/i.test(subject) ? decodeTwice(subject) : subject)
  } catch {
    return undefined
  }
}

/** `acct:user@host`, the user's part percent-encoded where RFC 7565 section 7 demands it. */
export const writeAcct = ({ user, host }: { user: string; host: string }): string => `acct:${encodeURIComponent(user)}@${host}`

/**
 * A host, with its port if that is not the one of https: lower case, IDNA to ASCII, without the dot of the root.
 * @throws BadMessage for anything that is not a host alone
 */
export function readHost(text: string): string {
  // The parser of URLs takes away tabs and line breaks, decodes %, and reads \ as /: they are refused before it sees them.
  if (text === '' || text.length > LONGEST_HOST || /[\s\p{C}/\\?#@%]/u.test(text)) throw badHost(text)
  if (!URL.canParse(`https://${text}`)) throw badHost(text)
  const { hostname, port } = new URL(`https://${text}`)
  const name = hostname.replace(/\.$/, '')
  if (name.split('.').some(label => label === '')) throw badHost(text)
  return port === '' ? name : `${name}:${port}`
}

function readUser(raw: string): string {
  let user = raw
  try {
    user = decodeURIComponent(raw)
  } catch (cause) {
    throw new BadMessage(`The name "${cut(raw)}" is not well encoded.`, { cause })
  }
  if (user === '' || user.length > LONGEST_USER) throw new BadMessage('Write an account as user@host, or a web address.')
  // `%` would mean that it was encoded twice, `:` that a scheme other than acct stands before it.
  if (/[\s\p{C}/\\?#@%:]/u.test(user)) throw new BadMessage(`"${cut(user)}" cannot be the name of an account.`)
  return user
}

function readUrl(text: string): string {
  if (text.length > LONGEST_URL || /[\s\p{C}\\]/u.test(text) || !URL.canParse(text))
    throw new BadMessage(`"${cut(text)}" is not a web address.`)
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') throw new BadMessage('A web address with a password in it is not asked for.')
  url.hostname = readHost(url.hostname)
  url.hash = ''
  return url.href
}

function decodeTwice(text: string): string {
  const once = decodeURIComponent(text)
  return /%3a|%40/i.test(once) ? decodeURIComponent(once) : once
}

const cut = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text)
const badHost = (text: string): BadMessage => new BadMessage(`"${cut(text)}" is not the name of a host.`)
