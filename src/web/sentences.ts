/**
 * What the inside of the node tells in English, failures above all (house.md), in another language: views/texts/sentences/LANGUAGE*.json
 * have the sentence as it stands in the code, with its parts as `{name}`, and what it is there.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `texts` stand around `names`: one more of those. */
type Pattern = { texts: string[]; names: string[]; told: string }

/** Longer ones hold what somebody else wrote, and stay as they are. */
const LONGEST = 2000
/** A failure tells of a failure, which tells of one: more than that is not looked into. */
const DEEPEST = 3
/** Parts that are the names of things: they stay as they are, also where a sentence of ours says the same. */
const NAMES = new Set(['name', 'host', 'url', 'uri', 'handle', 'title', 'domain', 'origin'])
/** What fits a part by its name; anything fits the others. */
const SHAPES: Record<string, RegExp> = { count: /^\d+$/, status: /^\d+$/, host: /^\S+$/, url: /^\S+$/, field: /^\S+$/ }
/** What stands between two sentences. */
const BETWEEN = /(?<=[.!?]) (?=\p{Lu})/u

const folder = fileURLToPath(new URL('../../views/texts/sentences/', import.meta.url))

/** What the files of a language say together: `de.json`, `de-checks.json`. */
export function readSentences(language: 'de'): Record<string, string> {
  const files = readdirSync(folder).filter(name => name === `${language}.json` || name.startsWith(`${language}-`))
  return Object.assign({}, ...files.sort().map(name => JSON.parse(readFileSync(join(folder, name), 'utf8'))))
}

/**
 * @returns a function from a sentence of the code, or several, to the same in the other language; what it does not know it leaves as it is.
 * A part of a sentence that is a sentence itself is told in that language too. Takes time in proportion to the text (X34).
 */
export function makeTeller(sentences: Record<string, string>): (sentence: string) => string {
  const whole = new Map<string, string>()
  const patterns: Pattern[] = []
  for (const [english, told] of Object.entries(sentences)) {
    const pieces = english.split(/\{(\w+)\}/)
    if (pieces.length === 1) whole.set(english, told)
    else patterns.push({ texts: pieces.filter((_, at) => at % 2 === 0), names: pieces.filter((_, at) => at % 2 === 1), told })
  }
  // the one that says more of the sentence comes first: `{host} did not answer in time.` before `{host} did not answer {what}`
  const weight = ({ texts }: Pattern) => texts.join('').length
  patterns.sort((one, other) => weight(other) - weight(one))

  const one = (sentence: string, depth: number): string | undefined => {
    const known = whole.get(sentence)
    if (known !== undefined || depth === 0) return known
    for (const pattern of patterns) {
      const parts = match(sentence, pattern)
      if (parts === undefined) continue
      const tellPart = (name: string): string => {
        const part = parts[pattern.names.indexOf(name)] ?? ''
        return NAMES.has(name) ? part : tell(part, depth - 1)
      }
      return pattern.told.replace(/\{(\w+)\}/g, (_, name) => tellPart(name))
    }
    return undefined
  }
  const tell = (text: string, depth: number): string => {
    const known = whole.get(text)
    if (known !== undefined) return known
    const sentences = text.split(BETWEEN)
    const told = sentences.map(sentence => one(sentence, depth))
    // several, one after the other; else one, of which a part is several
    if (told.every(sentence => sentence !== undefined)) return told.join(' ')
    return one(text, depth) ?? inside(text, depth) ?? sentences.map((sentence, at) => told[at] ?? sentence).join(' ')
  }
  /** A sentence that stands in another has lost its full stop. */
  const inside = (text: string, depth: number): string | undefined => one(`${text}.`, depth)?.replace(/\.$/, '')
  return sentence => (sentence.length > LONGEST ? sentence : tell(sentence, DEEPEST))
}

/** What stands between the texts of a pattern; undefined when they do not stand there in this order. */
function match(sentence: string, { texts, names }: Pattern): string[] | undefined {
  const first = texts[0]!
  const last = texts.at(-1)!
  const end = sentence.length - last.length
  if (!sentence.startsWith(first) || !sentence.endsWith(last)) return undefined
  const parts: string[] = []
  let from = first.length
  for (const text of texts.slice(1, -1)) {
    const at = sentence.indexOf(text, from + 1)
    if (at < 0) return undefined
    parts.push(sentence.slice(from, at))
    from = at + text.length
  }
  if (from >= end) return undefined
  parts.push(sentence.slice(from, end))
  return parts.every((part, at) => SHAPES[names[at]!]?.test(part) ?? true) ? parts : undefined
}
