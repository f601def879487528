/** What somebody typed to find posts -> what is looked for: words, "phrases", -words that must not be there, begin*, and from:somebody. */

/**
 * `text`: words, phrases in quotes, and words without which it must be, as web searches take them; `beginnings`: of words; `from`: what
 * somebody is called.
 */
export type SearchWords = { text: string; beginnings: string[]; from?: string }

/** Signs that are words of their own, with nothing between them: several in a row are looked for as a phrase. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const TOKENS = /-?from:"[^"]*"|-?"[^"]*"|\S+/gi

export function readSearchWords(typed: string): SearchWords {
  const words: SearchWords = { text: '', beginnings: [] }
  const parts: string[] = []
  for (const [token] of typed.normalize('NFC').matchAll(TOKENS)) {
    const from = /^from:"?@?([^"]+)"?$/i.exec(token)?.[1]?.trim()
    const beginning = /^([^"*-][^"*]*)\*$/.exec(token)?.[1]
    if (from) words.from = from
    else if (beginning !== undefined) words.beginnings.push(beginning)
    else parts.push(UNSPACED.test(token) && !token.includes('"') ? token.replace(/^(-?)(.*)$/, '$1"$2"') : token)
  }
  return { ...words, text: parts.join(' ') }
}
