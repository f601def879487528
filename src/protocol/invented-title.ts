/** Atom demands a title of every entry (RFC 4287 4.1.1), and a note has none: what servers write in its place. */
import { plainText } from './plain-text.ts'

/** "New note by ann", "ann (ann@a.example)'s status on Sunday, 22-Nov-2026 04:28:51 UTC": the writer and the kind, and nothing of the note. */
const FORMULAS = [
  /^new (note|status|comment|notice|post|reply|message|photo|image|video|bookmark|event) by \S.{0,200}$/i,
  /^.{0,200}['’]s (status|notice|note) on \w+, \d{1,2}-\w+-\d{4} [\d:]+ \S+$/
]

/** Whether the title of a note was made up for it: a formula, or the beginning of its text, cut off at an ellipsis or between words. */
export function isInvented(title: string, html: string): boolean {
  const line = title.replace(/\s+/g, ' ').trim()
  if (FORMULAS.some(formula => formula.test(line))) return true
  const start = line.replace(/ ?(…|\.\.\.)$/, '')
  const text = plainText(html)
  if (!text.startsWith(start)) return false
  return start === '' || start !== line || !/^[\p{L}\p{N}]/u.test(text.slice(start.length))
}
