/** Lists of blocks as Mastodon exports and imports them: of domains with a severity, of domains alone, of people. */
import { BadMessage, isFailure } from '../model/errors.ts'
import { readHandle, readHost } from './acct.ts'
import { readCsv, writeCsv } from './csv.ts'
import { isWebAddress } from './web-address.ts'

/**
 * What a list asks for. `silence`: hosts that are only to be kept out of public places; `ignored`: how many lines ask for nothing
 * (`noop`); `unreadable`: lines that name no host and nobody, as they stand, such as names of which letters were made asterisks.
 */
export type BlockList = { hosts: string[]; silence: string[]; people: string[]; ignored: number; unreadable: string[] }

const MOST_LINES = 50_000
const HEADINGS = ['#domain', '#severity', '#reject_media', '#reject_reports', '#public_comment', '#obfuscate']

/**
 * Reads a list. Columns are known by their headings, whatever their order; without any, each line is a host, or user@host.
 * @throws BadMessage when it has too many lines, or names nothing
 */
export function readBlockList(text: string): BlockList {
  const rows = readCsv(text, MOST_LINES)
  const headings = (rows[0] ?? []).map(cell => cell.trim().replace(/^#/, '').toLowerCase())
  const isOfPeople = headings[0] === 'account address'
  const hasHeadings = isOfPeople || headings.includes('domain')
  const column = Math.max(0, headings.indexOf('domain'))
  const severity = headings.indexOf('severity')
  const list: BlockList = { hosts: [], silence: [], people: [], ignored: 0, unreadable: [] }
  for (const row of hasHeadings ? rows.slice(1) : rows) {
    const word = row[column]?.trim() ?? ''
    if (word === '' || word.startsWith('#')) continue
    // whoever has no handle goes by an address
    if (isOfPeople && isWebAddress(word)) list.people.push(word)
    else take(list, word, hasHeadings && severity >= 0 ? row[severity]?.trim().toLowerCase() || 'silence' : 'suspend')
  }
  const { hosts, people, silence } = list
  if (hosts.length + silence.length + people.length + list.ignored + list.unreadable.length === 0)
    throw new BadMessage('There is nothing in this list.')
  // who is to be suspended by one line and silenced by another is suspended
  const [all, folk] = [new Set(hosts), new Set(people)]
  return { ...list, hosts: [...all], people: [...folk], silence: [...new Set(silence)].filter(host => !all.has(host)) }
}

/** A severity that nobody has heard of asks for nothing. */
function take(list: BlockList, word: string, severity: string): void {
  const name = readName(word)
  if (name === undefined) list.unreadable.push(word.slice(0, 100))
  else if (severity === 'suspend') (name.includes('@') ? list.people : list.hosts).push(name)
  else if (severity === 'silence' || severity === 'limit') list.silence.push(name)
  else list.ignored++
}

/** user@host, or the name of a host as it can be asked for: neither an address of a page nor a part of a name. */
function readName(word: string): string | undefined {
  try {
    if (word.includes('*')) return undefined
    if (!word.includes('@')) return word.includes('.') ? readHost(word) : undefined
    const handle = readHandle(word)
    return handle.kind === 'acct' ? handle.acct : undefined
  } catch (error) {
    if (isFailure(error)) return undefined
    throw error
  }
}

/** Blocked hosts in the form that Mastodon's administrators exchange. */
export const writeHostList = (hosts: string[]): string =>
  writeCsv([HEADINGS, ...hosts.map(host => [host, 'suspend', 'false', 'false', '', 'false'])])

/** Blocked people in the form that Mastodon exports: user@host, or the address of who has no such name. */
export const writePeopleList = (people: string[]): string => writeCsv([['Account address'], ...people.map(person => [person])])
