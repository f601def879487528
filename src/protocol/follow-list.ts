/** Lists of whom to follow, in whatever form people have them: OPML, Mastodon's CSV, or an address a line. */
import { BadMessage } from '../model/errors.ts'
import { readCsv } from './csv.ts'
import { LIMIT } from './names.ts'
import { readOpml } from './opml.ts'

/** `who` is what `follow` takes, as it was written: an address or user@host. */
export type Wish = { who: string; title?: string }

export const MOST_WISHES = 5_000
const LONGEST = 2048

/**
 * Whom a list names, in its order, each once.
 * @throws BadMessage (413 when it is too long) when it cannot be read, names nobody, or more than 5,000
 */
export function readFollowList(input: Buffer): Wish[] {
  if (input.length > LIMIT.feedBytes)
    throw new BadMessage(`The list is larger than ${LIMIT.feedBytes / 1_000_000} MB.`, { status: 413, code: 'too_long' })
  const wishes = isXml(input) ? readOpml(input).map(({ acct, title, url }) => ({ who: acct ?? url ?? '', title })) : readLines(input)
  const each = new Map<string, Wish>()
  for (const { title, who } of wishes) {
    const name = plainAddress(who)
    if (name !== '' && !each.has(keyOf(name))) each.set(keyOf(name), { who: name, ...(title ? { title } : {}) })
  }
  if (each.size === 0) throw new BadMessage('There is no feed in this list.')
  if (each.size > MOST_WISHES) throw new BadMessage(`The list has more than ${MOST_WISHES} feeds.`)
  return [...each.values()]
}

/** The first byte that is neither a byte order mark nor white space; UTF-16 has a NUL beside it. */
function isXml(input: Buffer): boolean {
  return /^[\xef\xbb\xbf\xfe\xff\s\0]*</.test(input.toString('latin1', 0, 256))
}

/** The first column counts; a line of headings, or of a comment, names nobody. @throws BadMessage */
function readLines(input: Buffer): { who: string; title: string | undefined }[] {
  const rows = readCsv(input.toString('utf8'), MOST_WISHES * 2)
  const names = rows
    .map(([first = '']) => first.trim())
    .filter(who => who !== '' && !who.startsWith('#') && !/^account address$/i.test(who))
  if (names.some(who => who.length > LONGEST)) throw new BadMessage('This is no list: a line in it is longer than any address.')
  return names.map(who => ({ who, title: undefined }))
}

/** `feed:` stands before or instead of `https:` in what browsers once gave to readers. */
function plainAddress(text: string): string {
  const address = text.trim().replace(/^feed:(?=https?:)/i, '')
  return address.replace(/^feed:(\/\/)?/i, 'http://').slice(0, LONGEST)
}

const keyOf = (who: string): string => (URL.parse(who)?.href ?? who.replace(/^@/, '')).toLowerCase()
